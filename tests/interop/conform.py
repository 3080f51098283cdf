#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hilo conform against hilo serve and hilo connect: everything ok, in both roles, and counted."""

import contextlib
import json
import os
import pathlib
import pty
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import xml.etree.ElementTree

from programs import case, equal, run_cases

HILO = os.path.abspath(os.environ.get("HILO", "build/release/hilo"))
HERE = pathlib.Path(__file__).parent
PATIENCE = 240  # seconds: a guard against hanging, not a measurement
LIMIT = "1MiB"  # what hilo accepts, and not a byte more
DEFLATE = ["--deflate"]
TAKEOVER = DEFLATE + ["--deflate-server-takeover", "--deflate-client-takeover"]


def conform(*arguments):
    """(exit code, stdout, stderr) of hilo conform."""
    done = subprocess.run(
        [HILO, "conform", "--timeout", "20s", *arguments],
        capture_output=True,
        timeout=PATIENCE,
        stdin=subprocess.DEVNULL,
    )
    return done.returncode, done.stdout.decode(), done.stderr.decode()


class Running:
    """A server that says where it listens in its first line."""

    def __init__(self, *command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
        self.line = self.process.stdout.readline().decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=PATIENCE)


class Serve(Running):
    """A running `hilo serve` on a port of the kernel's choice."""

    def __init__(self, *arguments, scheme="ws"):
        super().__init__(HILO, "serve", "--listen", "127.0.0.1:0", "--quiet", *arguments)
        self.url = f"{scheme}://" + re.match(r"listening on (\S+)", self.line).group(1) + "/echo"


def check_all_ok(code, out, errors, least, unimplemented=None):
    """Every case is ok; those of `unimplemented`, a family or group each, may be declined."""
    report = json.loads(out)
    bad = [
        (each["id"], each["verdict"], each["behaviour"]["note"], each["closing"]["note"], each["microseconds"])
        for each in report["results"]
        if each["verdict"] != "ok"
        and not (each["verdict"] == "unimplemented" and each["id"].startswith(unimplemented or "?"))
    ]
    equal(bad, [])
    equal((code, report["failed"], report["non_strict"], report["informational"]), (0, 0, 0, 0))
    counted = report["ok"] + report["unimplemented"]
    equal((counted, len(report["results"])), (report["cases"], report["cases"]))
    if report["ok"] < least:
        raise AssertionError(f"only {report['ok']} cases: {errors}")


def test_server(flags, least, unimplemented=None):
    with Serve(*flags) as server:
        result = conform("--message-bytes", LIMIT, "--format", "json", server.url)
    check_all_ok(*result, least, unimplemented)


def test_client(flags, least, unimplemented=None):
    # A response that comes byte by byte, a millisecond apart, takes its time where the tester, which
    # also starts a process for each case, gets little of the processor.
    command = " ".join([f"'{HILO}'", "connect --quiet --echo --connect-timeout 60s", *flags])
    result = conform(
        "--message-bytes", LIMIT, "--format", "json", "--listen", "127.0.0.1:0", "--run", command
    )
    check_all_ok(*result, least, unimplemented)


@case("hilo serve passes every case that needs no compression")
def _():
    test_server([], 900, ("12.", "13."))


@case("the server of tools/loops/small_server.h passes every case that needs no compression")
def _():
    with Running(pathlib.Path(HILO).parent / "loops/small", "0") as server:
        url = re.match(r"an echo on (\S+)", server.line).group(1)
        result = conform("--message-bytes", LIMIT, "--format", "json", url)
    check_all_ok(*result, 900, ("12.", "13."))


@case("hilo serve --deflate passes every case but those of context takeover")
def _():
    test_server(DEFLATE, 1000, ("13.6.",))


@case("hilo serve with context takeover passes every case")
def _():
    test_server(TAKEOVER, 1000)


@case("hilo connect --echo passes every case that needs no compression")
def _():
    test_client([], 700, ("12.", "13."))


@case("hilo connect --echo with context takeover passes every case")
def _():
    test_client(TAKEOVER, 900)


@case("hilo serve with context takeover passes every case over wss")
def _():
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run(["sh", HERE / "certificates.sh", folder], check=True)
        shown = ["--tls-cert", f"{folder}/server.pem", "--tls-key", f"{folder}/server.key"]
        with Serve(*TAKEOVER, *shown, scheme="wss") as server:
            url = server.url
            known = ["--ca-file", f"{folder}/ca.pem"]
            all_of_it = ["--message-bytes", LIMIT, "--format", "json"]
            check_all_ok(*conform(*all_of_it, *known, url), 1000)
            check_all_ok(*conform("--case", "1.1", "--format", "json", "--insecure", url), 9)
            code, out, _ = conform("--case", "1.1.1", url)
            equal((code, "no TLS: unable to get local issuer" in out), (1, True))


@case("hilo connect --echo with context takeover passes every case over wss")
def _():
    flags = [f"'{HILO}'", "connect --quiet --echo --insecure --connect-timeout 60s", *TAKEOVER]
    listen = ["--tls-self-signed", "--listen", "127.0.0.1:0", "--run", " ".join(flags)]
    check_all_ok(*conform("--message-bytes", LIMIT, "--format", "json", *listen), 900)


@case("over wss a server without TLS is found out")
def _():
    with Serve(scheme="wss") as server:
        code, out, _ = conform("--case", "1.1.1", "--insecure", server.url)
    equal((code, "behaviour failed: no TLS: " in out), (1, True))


@case("large messages and 65,536 fragments pass with the limit raised by its flag alone")
def _():
    with Serve("--message-bytes-max", "16MiB") as server:
        result = conform("--performance", "--case", "9", "--format", "json", server.url)
    check_all_ok(*result, 20)


@case("a server that does not echo is found out, and the exit code says so")
def _():
    with Serve() as server:
        url = server.url.replace("/echo", "/nothing")
        code, out, _ = conform("--case", "1.1", "--format", "json", url)
    report = json.loads(out)
    equal((code, report["cases"], report["failed"]), (1, 9, 9))
    equal(report["results"][0]["behaviour"], {"verdict": "failed", "note": "refused with 404"})


@case("nobody there is a failure of every case, and no hang")
def _():
    code, out, _ = conform("--case", "1.1", "ws://127.0.0.1:1/")
    equal(code, 1)
    equal("cannot connect: Connection refused" in out, True)


@case("a server that accepts and says nothing of WebSockets fails every case that it should open")
def _():
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def hang_up():
            with contextlib.suppress(OSError):
                while True:
                    listener.accept()[0].close()

        threading.Thread(target=hang_up, daemon=True).start()
        code, out, _ = conform("--case", "1.1", "--format", "json", "ws://127.0.0.1:%d/" % listener.getsockname()[1])
        listener.shutdown(socket.SHUT_RDWR)
    report = json.loads(out)
    equal((code, report["cases"], report["failed"]), (1, 9, 9))


@case("a client that does not connect is found out")
def _():
    code, out, _ = conform("--case", "1.1.1", "--listen", "127.0.0.1:0", "--run", "true")
    equal(code, 1)
    equal("the client ended without a request" in out, True)


@case("a client may come by itself, and name its case in the path")
def _():
    tester = subprocess.Popen(
        [HILO, "conform", "--listen", "127.0.0.1:0", "--case", "1.1.1", "--case", "1.2.1"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    address = tester.stderr.readline().decode().split()[-1]
    for path in ("/case/1.2.1", "/"):
        subprocess.run([HILO, "connect", "--quiet", "--echo", f"ws://{address}{path}"], timeout=PATIENCE)
    out, _ = tester.communicate(timeout=PATIENCE)
    equal(tester.returncode, 0)
    equal("2 cases: 2 ok" in out.decode(), True)


@case("--case picks a case, a family and a pattern; --list plays none")
def _():
    for pick, wanted in (("6.4.2", 1), ("1.1", 9), ("1.1.*", 9), ("0", 0)):
        code, out, _ = conform("--list", "--case", pick)
        equal((code, out.count("\n")), (0 if wanted else 1, wanted))


@case("every case has a number, a title and a section of its own")
def _():
    for role in ([], ["--listen", "127.0.0.1:0"]):
        rows = [line.split("\t") for line in conform("--list", *role)[1].splitlines()]
        equal({len(row) for row in rows}, {3})
        equal(len({row[0] for row in rows}), len(rows))
        equal([row for row in rows if "RFC" not in row[2]], [])
        titles = [row[1] for row in rows]
        equal(sorted(title for title in set(titles) if titles.count(title) > 1), [])
        if len(rows) < 500:
            raise AssertionError(f"only {len(rows)} cases")


@case("JSON, JUnit and HTML say the same, and HTML needs nothing from elsewhere")
def _():
    with Serve() as server, tempfile.TemporaryDirectory() as folder:
        written = {}
        for kind in ("json", "junit", "html"):
            path = os.path.join(folder, kind)
            code, out, errors = conform(
                "--case", "2", "--case", "12.1", "--format", kind, "--output", path, server.url
            )
            equal((code, out), (0, ""))
            equal(" cases: " in errors, True)
            with open(path, encoding="utf-8") as file:
                written[kind] = file.read()
    report = json.loads(written["json"])
    suite = xml.etree.ElementTree.fromstring(written["junit"])
    equal(suite.get("tests"), str(report["cases"]))
    equal(len(suite.findall("testcase")), report["cases"])
    equal(len(suite.findall("testcase/skipped")), report["unimplemented"])
    page = written["html"]
    for each in report["results"]:
        equal(f'id="c{each["id"]}"' in page, True)
    equal(re.findall(r"<(?:script|link|img|iframe)|src=|url\(|@import", page), [])


def report_of_failure(kind):
    """What is written about a case that an echo fails: it does not answer pings."""
    broken = subprocess.Popen(
        [HILO, "serve", "--broken", "no-pong", "--listen", "127.0.0.1:0"], stdout=subprocess.PIPE
    )
    with broken:
        address = re.match(r"listening on (\S+)", broken.stdout.readline().decode()).group(1)
        flags = ["--timeout", "200ms", "--case", "2.1.1", "--case", "1.1.1", "--format", kind]
        code, out, _ = conform(*flags, f"ws://{address}/")
        broken.kill()
    equal(code, 1)
    return out


@case("a failed case is a failure in JUnit, with the rule and what went over the wire")
def _():
    suite = xml.etree.ElementTree.fromstring(report_of_failure("junit"))
    equal((suite.get("tests"), suite.get("failures")), ("2", "1"))
    [failure] = suite.findall("testcase/failure")
    equal(failure.get("type"), "failed")
    equal("RFC 6455" in failure.text, True)
    equal(bool(re.search(r"(?m)^.*\bping\b", failure.text)), True)
    good, bad = suite.findall("testcase")
    equal((len(good), len(bad)), (0, 1))


@case("in HTML each case has its wire log, with what was sent and what came")
def _():
    page = report_of_failure("html")
    logs = re.findall(r'<details class="(\w+)" id="c([\d.]+)">.*?<pre>(.*?)</pre>', page, re.S)
    equal([(verdict, number) for verdict, number, _ in logs], [("ok", "1.1.1"), ("failed", "2.1.1")])
    for _, _, log in logs:
        equal(b"GET / HTTP/1.1\r\n".hex() in log, True)
        equal("101 Switching Protocols" in log, True)
    equal("ping" in logs[1][2], True)
    equal('<li><a href="#c2.1.1">' in page, True)


@case("a terminal gets a bar that moves up to the end, and a log gets none")
def _():
    with Serve() as server:
        terminal, inside = pty.openpty()
        tester = subprocess.Popen(
            [HILO, "conform", "--case", "1.1", server.url],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=inside,
        )
        os.close(inside)
        out, _ = tester.communicate(timeout=PATIENCE)
        shown = b""
        with contextlib.suppress(OSError):  # the end of a terminal is EIO
            while piece := os.read(terminal, 4096):
                shown += piece
        os.close(terminal)
        equal(tester.returncode, 0)
        bars = re.findall(rb"\r\[(=*)( *)\] (\d+)/9", shown)
        equal([int(done) for _, _, done in bars], list(range(1, 10)))
        equal({len(filled) + len(rest) for filled, rest, _ in bars}, {40})
        equal(bars[-1], (b"=" * 40, b"", b"9"))
        equal(b"[=" in out, False)
        equal("[=" in conform("--case", "1.1", server.url)[2], False)


if __name__ == "__main__":
    sys.exit(run_cases())
