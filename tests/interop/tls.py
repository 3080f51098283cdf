#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""https and wss as other people's programs see them: openssl s_client, curl, and Python's ssl."""

import os
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys

import certificates
import programs
from certificates import certificate, client_context, file
from programs import PATIENCE, PIPE, Connect, case, contains, equal, read_head, run, run_cases


class Serve(programs.Serve):
    """A running `hilo serve` over TLS."""

    def __init__(self, *arguments, **more):
        super().__init__(*arguments, stderr=PIPE, **more)
        self.port = int(self.addresses[0].rsplit(":", 1)[1]) if self.addresses else 0

    def url(self, path="/echo", index=0, host=None):
        return f"wss://{host or '127.0.0.1'}:{self.port}{path}"

    def read_log_until(self, part):
        while True:
            line = self.process.stderr.readline().decode()
            if not line:
                raise AssertionError(f"the log ended without {part!r}")
            if part in line:
                return line


def openssl(server, *arguments, stdin=b""):
    """One run of `openssl s_client` to its end: all that it printed."""
    done = subprocess.run(
        ["openssl", "s_client", "-connect", server.addresses[0], *arguments],
        input=stdin,
        stdout=PIPE,
        stderr=subprocess.STDOUT,
        timeout=PATIENCE,
    )
    return done.stdout.decode(errors="replace")


def curl(*arguments):
    words = ["curl", "--silent", "--show-error", "--cacert", file("ca.pem"), *arguments]
    done = subprocess.run(words, stdout=PIPE, stderr=PIPE, timeout=PATIENCE)
    return done.returncode, done.stdout.decode(), done.stderr.decode()


def open_tls(server, context=None, name="localhost", session=None):
    bare = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
    try:
        return (context or client_context()).wrap_socket(
            bare, server_hostname=name, session=session
        )
    except BaseException:
        bare.close()
        raise


def upgrade(connection):
    connection.sendall(
        b"GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    contains(read_head(connection), " 101 ")


def subject(connection):
    return connection.getpeercert()["subject"][0][0][1]


def echo(connection, text):
    connection.sendall(bytes([0x81, 0x80 | len(text)]) + bytes(4) + text)
    equal(programs.read_frame(connection), (0x81, text))


HEAD = b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


# ---- openssl s_client ------------------------------------------------------------------------


@case("s_client agrees on TLS 1.2 and 1.3 and on http/1.1, and believes the certificate")
def _():
    with Serve(*certificate("server")) as server:
        for version in ("tls1_2", "tls1_3"):
            told = openssl(
                server,
                *(f"-{version}", "-CAfile", file("ca.pem"), "-verify_return_error"),
                *("-verify_hostname", "localhost", "-alpn", "h2,http/1.1", "-ign_eof"),
                stdin=HEAD,
            )
            contains(told, "Verify return code: 0 (ok)")
            contains(told, "ALPN protocol: http/1.1")
            contains(told, "Secure Renegotiation IS " if version == "tls1_2" else "TLSv1.3")
            contains(told, "Compression: NONE")
            contains(told, "\r\n\r\nok\n")


@case("s_client is refused with TLS 1.1, and with h2 alone, by an alert that says so")
def _():
    with Serve(*certificate("server")) as server:
        contains(
            openssl(server, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), "alert protocol version"
        )
        contains(openssl(server, "-alpn", "h2"), "alert no application protocol")


@case("s_client speaks WebSocket by hand: an echo, and a Close that ends both")
def _():
    request = (
        b"GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
    )
    hello = bytes([0x81, 0x85]) + bytes(4) + b"Hello"
    goodbye = bytes([0x88, 0x82]) + bytes(4) + b"\x03\xe8"
    with Serve(*certificate("server")) as server:
        told = openssl(server, "-quiet", "-ign_eof", stdin=request + hello + goodbye)
        contains(told, "HTTP/1.1 101 ")
        contains(told, "\x05Hello")
        contains(told, "\x02\x03")


@case("s_client resumes its session")
def _():
    with Serve(*certificate("server")) as server:
        for version in ("-tls1_2", "-tls1_3"):
            kept = file("session" + version)
            more = (version, "-ign_eof")
            contains(openssl(server, *more, "-sess_out", kept, stdin=HEAD), "New, TLSv1")
            contains(openssl(server, *more, "-sess_in", kept, stdin=HEAD), "Reused, TLSv1")


@case("s_client asks for a name and gets its certificate, and the first one for any other")
def _():
    with Serve(*certificate("server"), *certificate("second")) as server:
        for name, wanted in (
            ("localhost", "server"),
            ("second.example", "second"),
            ("SECOND.example", "second"),
            ("third.example", "server"),
        ):
            told = openssl(server, "-servername", name, "-ign_eof", stdin=HEAD)
            contains(told, f"subject=CN = {wanted}")
        told = openssl(server, "-noservername", "-ign_eof", stdin=HEAD)
        contains(told, "subject=CN = server")


@case("s_client without a certificate is refused where one is required")
def _():
    required = [*certificate("server"), "--tls-client-ca", file("ca.pem")]
    own = ["-cert", file("client.pem"), "-key", file("client.key")]
    strange = ["-cert", file("stranger.pem"), "-key", file("stranger.key")]
    with Serve(*required) as server:
        contains(openssl(server, "-ign_eof", stdin=HEAD), "alert certificate required")
        contains(openssl(server, "-ign_eof", "-tls1_2", stdin=HEAD), "alert handshake failure")
        contains(openssl(server, *strange, "-ign_eof", stdin=HEAD), "alert unknown ca")
        contains(openssl(server, *own, "-ign_eof", stdin=HEAD), "\r\n\r\nok\n")
    with Serve(*required, "--tls-client-optional") as server:
        contains(openssl(server, "-ign_eof", stdin=HEAD), "\r\n\r\nok\n")
        contains(openssl(server, *own, "-ign_eof", stdin=HEAD), "\r\n\r\nok\n")
        contains(openssl(server, *strange, "-ign_eof", stdin=HEAD), "alert unknown ca")


# ---- curl ------------------------------------------------------------------------------------


@case("curl gets the page over https, and trusts no stranger")
def _():
    if not shutil.which("curl"):
        return "there is no curl"
    with Serve(*certificate("server")) as server:
        code, page, errors = curl(f"https://localhost:{server.port}/")
        equal((code, errors), (0, ""))
        contains(page.lower(), "<!doctype html>")
        # ALPN offers h2 too; several requests share the connection.
        url = f"https://127.0.0.1:{server.port}/health"
        equal(curl("--http2", url, url, url), (0, "ok\n" * 3, ""))
    with Serve("--tls-self-signed") as server:
        url = f"https://localhost:{server.port}/health"
        equal(curl(url)[0], 60)
        equal(curl("--insecure", url), (0, "ok\n", ""))


@case("curl upgrades to wss and sees Close 1001 when the server stops")
def _():
    if not shutil.which("curl"):
        return "there is no curl"
    with Serve(*certificate("server")) as server:
        process = subprocess.Popen(
            [
                *("curl", "--silent", "--no-buffer", "--include", "--http1.1"),
                *("--cacert", file("ca.pem"), "-H", "Connection: Upgrade"),
                *("-H", "Upgrade: websocket", "-H", "Sec-WebSocket-Version: 13"),
                *("-H", "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="),
                f"https://localhost:{server.port}/echo",
            ],
            stdout=PIPE,
        )
        with process:
            equal(process.stdout.readline(), b"HTTP/1.1 101 Switching Protocols\r\n")
            equal(server.stop()[0], 0)
            process.communicate(timeout=PATIENCE)


# ---- certificates, reloading, keys -----------------------------------------------------------


@case("SIGHUP takes a new certificate, a bad file keeps the old one, and connections live on")
def _():
    for name in ("pem", "key"):
        shutil.copy(file(f"server.{name}"), file(f"live.{name}"))
    names = client_context(check_hostname=False)
    with Serve(*certificate("live"), "--threads", "2") as server, open_tls(server) as old:
        equal(subject(old), "server")
        upgrade(old)
        for name in ("pem", "key"):
            shutil.copy(file(f"second.{name}"), file(f"live.{name}"))
        server.process.send_signal(signal.SIGHUP)
        server.read_log_until("lvl=info ev=tls_reload")
        with open_tls(server, names) as new:
            equal(subject(new), "second")
            echo(old, b"still here")
        pathlib.Path(file("live.pem")).write_text("no certificate\n")
        server.process.send_signal(signal.SIGHUP)
        contains(server.read_log_until("ev=tls_reload_failed"), file("live.pem"))
        with open_tls(server, names) as new:
            equal(subject(new), "second")
            echo(old, b"and here")
        # A key that is not the certificate's.
        shutil.copy(file("server.pem"), file("live.pem"))
        server.process.send_signal(signal.SIGHUP)
        contains(server.read_log_until("ev=tls_reload_failed"), file("live.key"))
        with open_tls(server, names) as new:
            equal(subject(new), "second")
        old.close()
        code, _ = server.stop()
        equal(code, 0)


@case("the keys are appended to a file that only its owner may read, and it is said")
def _():
    path = file("keys.log")
    pathlib.Path(path).write_text("")
    os.remove(path)
    with Serve(*certificate("server"), "--tls-keylog", path) as server:
        server.read_log_until("lvl=warn ev=tls_keylog")
        with open_tls(server) as connection:
            upgrade(connection)
            echo(connection, b"x")
        with open_tls(server, client_context(maximum_version=ssl.TLSVersion.TLSv1_2)) as connection:
            upgrade(connection)
    equal(os.stat(path).st_mode & 0o777, 0o600)
    kinds = {line.split(" ")[0] for line in pathlib.Path(path).read_text().splitlines()}
    equal(kinds >= {"CLIENT_RANDOM", "CLIENT_TRAFFIC_SECRET_0", "SERVER_TRAFFIC_SECRET_0"}, True)


@case("files that cannot be used are told in one line, and end with 1")
def _():
    pathlib.Path(file("empty.pem")).write_text("")
    for arguments, what in (
        (["--tls-cert", file("none.pem"), "--tls-key", file("server.key")], file("none.pem")),
        (["--tls-cert", file("empty.pem"), "--tls-key", file("server.key")], file("empty.pem")),
        (["--tls-cert", file("server.pem"), "--tls-key", file("second.key")], file("second.key")),
        ([*certificate("server"), "--tls-client-ca", file("empty.pem")], file("empty.pem")),
        ([*certificate("server"), "--tls-keylog", "/nowhere/keys"], "/nowhere/keys"),
    ):
        code, out, errors = run("serve", "--listen", "127.0.0.1:0", *arguments)
        equal((code, out, errors.count("\n")), (1, b"", 1))
        contains(errors, "hilo serve: TLS: ")
        contains(errors, what)


@case("flags that do not go together are wrong usage")
def _():
    for arguments, what in (
        (["serve", "--tls-cert", "a"], "each --tls-cert needs a --tls-key"),
        (["serve", "--tls-key", "a"], "each --tls-key needs a --tls-cert"),
        (["serve", "--tls-self-signed", "--tls-cert", "a", "--tls-key", "a"], "exclude each other"),
        (["serve", "--tls-client-ca", "a"], "there is no TLS without"),
        (["serve", "--tls-self-signed", "--tls-client-optional"], "needs --tls-client-ca"),
        (["serve", "--tls-kernel"], "there is no TLS without"),
        (["connect", "--tls-cert", "a", "wss://a/"], "need each other"),
        (["connect", "--insecure", "--ca-file", "a", "wss://a/"], "exclude each other"),
    ):
        code, out, errors = run(*arguments)
        equal((code, out, errors.count("\n")), (2, b"", 1))
        contains(errors, what)


@case("a page over https may connect to its own host, and one over http may not")
def _():
    with Serve(*certificate("server")) as server:
        origin = f"127.0.0.1:{server.port}"
        flags = ["--ca-file", file("ca.pem"), "--origin"]
        equal(run("connect", *flags, "https://" + origin, server.url(), stdin=b"x\n")[0], 0)
        code, _, errors = run("connect", *flags, "http://" + origin, server.url(), stdin=b"x\n")
        equal(code, 1)
        contains(errors, "403")


@case("--tls-kernel changes nothing that a client can see, whether the kernel can or not")
def _():
    lines = b"".join(b"%d %s\n" % (i, b"z" * (i % 997)) for i in range(10_000))
    with Serve(*certificate("server"), "--tls-kernel") as server:
        flags = ["--ca-file", file("ca.pem")]
        equal(run("connect", *flags, server.url(), stdin=lines)[1] == lines, True)
        for version in ("tls1_2", "tls1_3"):
            contains(openssl(server, "-" + version, "-ign_eof", stdin=HEAD), "\r\n\r\nok\n")


@case("a Unix socket stays plain beside TLS")
def _():
    path = file("plain.sock")
    with Serve(*certificate("server"), listen=("127.0.0.1:0", "unix:" + path)) as server:
        url = f"ws+unix://{path}:/echo"
        equal(run("connect", url, stdin=b"plain\n")[:2], (0, b"plain\n"))
        with open_tls(server) as connection:
            upgrade(connection)


# ---- hilo connect ----------------------------------------------------------------------------


@case("connect believes whom it is told to, by name and by address")
def _():
    with Serve(*certificate("server")) as server:
        for host in ("localhost", "127.0.0.1"):
            url = server.url(host=host)
            code, out, errors = run("connect", "--ca-file", file("ca.pem"), url, stdin=b"hola\n")
            equal((code, out, errors), (0, b"hola\n", 'closed 1000 ""\n'))


@case("connect sends nothing to a server that it does not believe, and says why (B 34)")
def _():
    for name, flags, why in (
        ("server", [], "unable to get local issuer certificate"),
        ("stranger", ["--ca-file", file("ca.pem")], "self-signed certificate"),
        ("expired", ["--ca-file", file("ca.pem")], "certificate has expired"),
        ("second", ["--ca-file", file("ca.pem")], "IP address mismatch"),
        ("client", ["--ca-file", file("ca.pem")], "unsuitable certificate purpose"),
    ):
        with Serve(*certificate(name)) as server:
            code, out, errors = run("connect", *flags, server.url(), stdin=b"secret\n")
            equal((code, out), (1, b""))
            contains(errors, why)
            _, log = server.stop()
            contains(log, "layer=tls")


@case("connect --insecure says so loudly, and then talks to anybody")
def _():
    for name in ("server", "stranger", "expired"):
        with Serve(*certificate(name)) as server:
            code, out, errors = run("connect", "--insecure", server.url(), stdin=b"hola\n")
            equal((code, out), (0, b"hola\n"))
            contains(errors, "insecure")


@case("connect asks for another name if it is told to")
def _():
    with Serve(*certificate("server"), *certificate("second")) as server:
        flags = ["--ca-file", file("ca.pem"), "--tls-server-name"]
        equal(run("connect", *flags, "second.example", server.url(), stdin=b"x\n")[0], 0)
        code, _, errors = run("connect", *flags, "third.example", server.url(), stdin=b"x\n")
        equal(code, 1)
        contains(errors, "hostname mismatch")


@case("connect shows its certificate where one is required")
def _():
    with Serve(*certificate("server"), "--tls-client-ca", file("ca.pem")) as server:
        flags = ["--ca-file", file("ca.pem")]
        equal(run("connect", *flags, server.url(), stdin=b"x\n")[0] != 0, True)
        code, out, _ = run("connect", *flags, *certificate("client"), server.url(), stdin=b"x\n")
        equal((code, out), (0, b"x\n"))


@case("connect tells a plain server from one that speaks TLS")
def _():
    with programs.Serve() as plain:
        code, _, errors = run("connect", plain.url().replace("ws:", "wss:"), stdin=b"x\n")
        equal(code, 1)
        contains(errors, "TLS")
    with Serve(*certificate("server")) as server:
        equal(run("connect", server.url().replace("wss:", "ws:"), stdin=b"x\n")[0], 1)


@case("connect writes the keys where it is told to")
def _():
    path = file("client-keys.log")
    with Serve(*certificate("server")) as server:
        flags = ["--ca-file", file("ca.pem"), "--tls-keylog", path]
        equal(run("connect", *flags, server.url(), stdin=b"x\n")[0], 0)
    contains(pathlib.Path(path).read_text(), "CLIENT_TRAFFIC_SECRET_0")


@case("TLS by the kernel on both sides, where there is any, is no different")
def _():
    with Serve(*certificate("server"), "--tls-kernel") as server:
        flags = ["--ca-file", file("ca.pem"), "--tls-kernel"]
        code, out, _ = run("connect", *flags, server.url(), stdin=b"x\ny\n")
        equal((code, out), (0, b"x\ny\n"))


@case("a hundred thousand lines come back in order over wss")
def _():
    lines = b"".join(b"%d %s\n" % (i, b"y" * (i % 97)) for i in range(100_000))
    with Serve(*certificate("server")) as server:
        flags = ["--ca-file", file("ca.pem")]
        equal(run("connect", *flags, server.url(), stdin=lines)[1] == lines, True)


def main():
    if not shutil.which("openssl"):
        print("skip tls: there is no openssl program")
        return 0
    certificates.make()
    return run_cases()


if __name__ == "__main__":
    sys.exit(main())
