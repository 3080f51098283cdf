#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plain HTTP and the upgrade as curl sees them, over http and https."""

import pathlib
import random
import shutil
import subprocess
import sys
import tempfile

from programs import PATIENCE, PIPE, Serve, case, contains, equal, run_cases

FOLDER = tempfile.TemporaryDirectory(prefix="hilo-curl-")
ROOT = pathlib.Path(FOLDER.name, "root")
SCHEMES = ("http", "https")
CONTENT = random.Random(1).randbytes(300_000)
UPGRADE = [
    *("-H", "Connection: Upgrade", "-H", "Upgrade: websocket"),
    *("-H", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="),
]


class Site(Serve):
    """`hilo serve` over one scheme, with files."""

    def __init__(self, scheme, *arguments):
        self.scheme = scheme
        tls = ["--tls-self-signed"] if scheme == "https" else []
        super().__init__("--files", str(ROOT), *tls, *arguments)

    def curl(self, path, *arguments, stdin=b""):
        """(exit code, stdout, stderr) of curl, which asks for one path or for several."""
        paths = [path] if isinstance(path, str) else path
        urls = [f"{self.scheme}://{self.addresses[0]}{each}" for each in paths]
        done = subprocess.run(
            ["curl", "-q", "-sS", "-k", "--noproxy", "*", "--http1.1", *arguments, *urls],
            input=stdin,
            stdout=PIPE,
            stderr=PIPE,
            timeout=PATIENCE,
        )
        return done.returncode, done.stdout, done.stderr.decode(errors="replace")

    def ask(self, path, *arguments, stdin=b""):
        """(status, head, body)"""
        code, out, errors = self.curl(path, "-i", *arguments, stdin=stdin)
        equal((code, errors), (0, ""))
        head, _, body = out.partition(b"\r\n\r\n")
        while head.startswith(b"HTTP/1.1 100 "):
            head, _, body = body.partition(b"\r\n\r\n")
        return int(head.split(b" ")[1]), head.decode() + "\r\n", body


def over_both(name):
    """A case for each scheme."""

    def register(function):
        for scheme in SCHEMES:

            def run_it(scheme=scheme):
                return function(scheme)

            case(f"{scheme}: {name}")(run_it)
        return function

    return register


@over_both("one connection serves all that is asked for, one after the other")
def _(scheme):
    with Site(scheme) as site:
        code, out, errors = site.curl(
            ["/health", "/large", "/health"], "-w", "(%{num_connects} %{response_code})"
        )
        equal((code, errors), (0, ""))
        equal(out, b"ok\n(1 200)" + CONTENT + b"(0 200)ok\n(0 200)")
        old = ["-0", "--no-alpn", "-w", "(%{num_connects})"]
        code, out, _ = site.curl(["/health", "/health"], *old)
        equal((code, out), (0, b"ok\n(1)ok\n(1)"))


@over_both("HEAD has the head of GET and no body")
def _(scheme):
    with Site(scheme) as site:
        _, head, body = site.ask("/large")
        equal(body, CONTENT)
        status, bare, nothing = site.ask("/large", "--head")
        equal((status, nothing), (200, b""))

        def without_date(text):
            return [line for line in text.splitlines() if not line.startswith("Date:")]

        equal(without_date(bare), without_date(head))
        contains(head, "\r\nDate: ")


@over_both("ranges are parts, downloads are resumed")
def _(scheme):
    with Site(scheme) as site:
        for wanted, part in (
            ("0-0", CONTENT[:1]),
            ("1000-1999", CONTENT[1000:2000]),
            ("-5", CONTENT[-5:]),
            ("299990-", CONTENT[299990:]),
            ("10-999999", CONTENT[10:]),
        ):
            status, head, body = site.ask("/large", "-r", wanted)
            equal((status, body), (206, part))
            contains(head, "\r\nContent-Range: bytes ")
        status, head, _ = site.ask("/large", "-r", "300000-")
        equal(status, 416)
        contains(head, "\r\nContent-Range: bytes */300000\r\n")
        equal(site.ask("/large", "-r", "0-1,5-6")[::2], (200, CONTENT))
        with tempfile.NamedTemporaryFile(dir=FOLDER.name) as half:
            half.write(CONTENT[:123_456])
            half.flush()
            code, _, errors = site.curl("/large", "-C", "-", "-o", half.name)
            equal((code, errors), (0, ""))
            equal(pathlib.Path(half.name).read_bytes(), CONTENT)


@over_both("who has the file is not sent it again")
def _(scheme):
    with Site(scheme) as site, tempfile.NamedTemporaryFile(dir=FOLDER.name) as tag:
        equal(site.ask("/large", "--etag-save", tag.name)[0], 200)
        equal(site.ask("/large", "--etag-compare", tag.name)[::2], (304, b""))
        equal(site.ask("/large", "-z", str(ROOT / "large"))[0], 304)
        equal(site.ask("/large", "-z", "1999-01-01")[0], 200)
        equal(site.ask("/large", "-H", 'If-Match: "other"')[0], 412)


@over_both("a body comes back, whole or in chunks")
def _(scheme):
    with Site(scheme) as site:
        for body in (b"", b"x", CONTENT):
            given = pathlib.Path(FOLDER.name, "given")
            given.write_bytes(body)
            equal(site.ask("/body", "--data-binary", f"@{given}")[::2], (200, body))
            chunked = ["-H", "Transfer-Encoding: chunked", "-H", "Expect:"]
            equal(site.ask("/body", *chunked, "--data-binary", f"@{given}")[::2], (200, body))
            # From a pipe curl does not know the length.
            equal(site.ask("/body", "-X", "POST", "-T", "-", stdin=body)[::2], (200, body))
        bodies = ["--data", "one", "-w", "(%{num_connects})"]
        code, out, _ = site.curl(["/body", "/body"], *bodies)
        equal((code, out), (0, b"one(1)one(0)"))


@over_both("who expects 100 is told to go on, or that it is too much")
def _(scheme):
    with Site(scheme, "--body-bytes-max", "300000") as site:
        expect = ["-v", "-H", "Expect: 100-continue", "--data-binary", "@-"]
        # A server that said nothing would be waited for as long as this.
        expect += ["--expect100-timeout", str(PATIENCE)]
        for more in ([], ["-H", "Transfer-Encoding: chunked"]):
            code, out, log = site.curl("/body", *expect, *more, stdin=CONTENT)
            equal((code, out), (0, CONTENT))
            contains(log, "< HTTP/1.1 100 ")
        code, out, log = site.curl("/body", *expect, "-w", "%{size_upload}", stdin=CONTENT + b"x")
        contains(log, "< HTTP/1.1 413 ")
        if "< HTTP/1.1 100 " in log or not out.endswith(b"0"):
            raise AssertionError("it was to send what nobody wants")
        code, out, log = site.curl("/body", "-v", "-H", "Expect: more", "--data", "x")
        contains(log, "< HTTP/1.1 417 ")


@over_both("an upgrade is accepted, and frames follow")
def _(scheme):
    soon = ["--idle-timeout", "50ms", "--ping-interval", "0", "--close-timeout", "50ms"]
    with Site(scheme, *soon) as site:
        _, out, _ = site.curl("/echo", "-i", "-N", *UPGRADE, "-H", "Sec-WebSocket-Version: 13")
        head, _, frames = out.partition(b"\r\n\r\n")
        if not head.startswith(b"HTTP/1.1 101 "):
            raise AssertionError(f"no upgrade: {out!r}")
        contains(head, b"\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=")
        equal(frames[:1], b"\x88")  # the Close of the idle time-out
        contains(site.stop()[1], " ev=stop ")


@over_both("an upgrade that cannot be is refused, and the connection closed")
def _(scheme):
    with Site(scheme) as site:
        status, head, _ = site.ask("/echo", *UPGRADE, "-H", "Sec-WebSocket-Version: 8")
        equal(status, 426)
        contains(head, "\r\nSec-WebSocket-Version: 13\r\n")
        contains(head, "\r\nConnection: close\r\n")
        status, head, _ = site.ask("/echo")
        equal(status, 426)
        contains(head, "\r\nUpgrade: websocket\r\n")
        status, head, _ = site.ask("/echo", *UPGRADE, "--data", "x")
        equal(status, 405)
        # h2c is another protocol's offer, and no obligation (catalogue 62).
        h2c = ["-H", "Connection: Upgrade, HTTP2-Settings", "-H", "Upgrade: h2c"]
        equal(site.ask("/health", *h2c, "-H", "HTTP2-Settings: AAMAAABk")[::2], (200, b"ok\n"))


@over_both("what is not there, or not for this method, is told so")
def _(scheme):
    with Site(scheme) as site:
        equal(site.ask("/nothing")[0], 404)
        for path in ("/../secret", "/%2e%2e/secret", "/..%2fsecret", "/.hidden"):
            status, _, body = site.ask(path, "--path-as-is")
            equal(status, 404)
            if b"mine" in body:
                raise AssertionError(f"{path} shows what is not served")
        status, head, _ = site.ask("/large", "--data", "x")
        equal(status, 405)
        contains(head, "\r\nAllow: GET, HEAD, OPTIONS\r\n")
        status, head, _ = site.ask("/body", "-X", "OPTIONS")
        equal(status, 204)
        contains(head, "\r\nAllow: GET, HEAD, POST, OPTIONS\r\n")


if __name__ == "__main__":
    if shutil.which("curl") is None:
        print("skip all: there is no curl")
        sys.exit(0)
    ROOT.mkdir()
    ROOT.joinpath("large").write_bytes(CONTENT)
    ROOT.joinpath(".hidden").write_text("mine")
    pathlib.Path(FOLDER.name, "secret").write_text("mine")
    sys.exit(run_cases())
