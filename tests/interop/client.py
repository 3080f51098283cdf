#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`hilo connect` on its way to a server: proxies, redirections, credentials, losses; and when a
pipe has ended."""

import base64
import contextlib
import os
import re
import select
import socket
import struct
import sys
import threading

from programs import (
    MIB,
    PATIENCE,
    Connect,
    RawServer,
    Serve,
    case,
    contains,
    equal,
    frame,
    read_exactly,
    read_frame,
    read_head,
    run,
    run_cases,
)


class LittleProxy:
    """Serves one client after the other: CONNECT, or SOCKS 5 with user and secret."""

    def __init__(self, wants_password=False):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.wants_password = wants_password
        self.asked = []
        threading.Thread(target=self._serve, daemon=True).start()

    def url(self, scheme, credentials=""):
        return "%s://%s127.0.0.1:%d" % (scheme, credentials, self.listener.getsockname()[1])

    def _serve(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._talk, args=(client,), daemon=True).start()

    def _talk(self, client):
        client.settimeout(PATIENCE)
        with client, contextlib.suppress(OSError, AssertionError):
            first = client.recv(1, socket.MSG_PEEK)
            address = self._socks(client) if first == b"\x05" else self._http(client)
            if address is None:
                return
            self.asked.append(address)
            with socket.create_connection(address, PATIENCE) as server:
                there = threading.Thread(target=self._pass, args=(client, server), daemon=True)
                there.start()
                self._pass(server, client)
                there.join(PATIENCE)

    def _http(self, client):
        head = read_head(client)
        wanted = base64.b64encode(b"user:secret").decode()
        if self.wants_password and f"Proxy-Authorization: Basic {wanted}\r\n" not in head:
            client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            return None
        host, port = re.match(r"CONNECT ([^ ]*):(\d+) HTTP/1.1\r\n", head).groups()
        client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        return host, int(port)

    def _socks(self, client):
        methods = read_exactly(client, read_exactly(client, 2)[1])
        method = 2 if self.wants_password else 0
        if method not in methods:
            client.sendall(b"\x05\xff")
            return None
        client.sendall(bytes([5, method]))
        if method == 2:
            user = read_exactly(client, read_exactly(client, 2)[1])
            secret = read_exactly(client, read_exactly(client, 1)[0])
            client.sendall(b"\x01\x00" if (user, secret) == (b"user", b"secret") else b"\x01\x01")
            if (user, secret) != (b"user", b"secret"):
                return None
        kind = read_exactly(client, 4)[3]
        if kind == 3:
            host = read_exactly(client, read_exactly(client, 1)[0]).decode()
        else:
            host = socket.inet_ntoa(read_exactly(client, 4))
        (port,) = struct.unpack(">H", read_exactly(client, 2))
        client.sendall(b"\x05\x00\x00\x01\x00\x00\x00\x00\x00\x00")
        return host, port

    @staticmethod
    def _pass(source, target):
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)


@contextlib.contextmanager
def answering(*answers):
    """The URL of a server that gives one answer to each connection, and what it was asked."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(PATIENCE)
    heads = []

    def serve():
        for answer in answers:
            connection, _ = listener.accept()
            with connection:
                connection.settimeout(PATIENCE)
                heads.append(read_head(connection))
                connection.sendall(answer.encode())
                with contextlib.suppress(ConnectionResetError):
                    while connection.recv(4096):
                        pass

    def quietly():
        with contextlib.suppress(OSError):
            serve()

    thread = threading.Thread(target=quietly)
    thread.start()
    try:
        yield "ws://127.0.0.1:%d/" % listener.getsockname()[1], heads
        thread.join(PATIENCE)
    finally:
        listener.close()


def elsewhere(url):
    return f"HTTP/1.1 302 Found\r\nLocation: {url}\r\nContent-Length: 0\r\n\r\n"


# ---- proxies ---------------------------------------------------------------------------------


@case("lines go through proxies of both kinds and come back")
def _():
    text = b"".join(b"%d %s\n" % (i, b"x" * (i % 997)) for i in range(5000))
    with Serve() as server:
        for scheme in ("http", "socks5", "socks5h"):
            proxy = LittleProxy()
            code, out, errors = run(
                "connect", "--proxy", proxy.url(scheme), server.url(), stdin=text
            )
            equal((code, out == text, errors), (0, True, 'closed 1000 ""\n'))
            equal(len(proxy.asked), 1)


@case("wss goes through proxies that want a password")
def _():
    with Serve("--tls-self-signed") as server:
        url = server.url().replace("ws://127.0.0.1", "wss://localhost")
        for scheme in ("http", "socks5"):
            proxy = LittleProxy(wants_password=True)
            through = ("--proxy", proxy.url(scheme, "user:secret@"))
            code, out, _ = run("connect", "--insecure", *through, url, stdin=b"hello\n")
            equal((code, out), (0, b"hello\n"))
            equal([host for host, _ in proxy.asked], ["localhost"])


@case("a proxy that says no is named, and its password is not")
def _():
    proxy = LittleProxy(wants_password=True)
    for scheme, text in (
        ("http", "the proxy answered 407 Proxy Authentication Required"),
        ("socks5", "the proxy does not accept these credentials"),
    ):
        through = proxy.url(scheme, "user:wr0ng@")
        code, _, errors = run("connect", "--proxy", through, "ws://u:hush@example.test/")
        equal(code, 1)
        contains(errors, f"hilo connect: ws://example.test/: {text}")
        equal("wr0ng" in errors or "hush" in errors, False)
    equal(run("connect", "--proxy", "https://proxy", "ws://a/")[0], 2)


# ---- redirections and credentials ------------------------------------------------------------


@case("redirections are followed if asked for, and without the secrets")
def _():
    with Serve() as server:
        with answering(elsewhere(server.url())) as (url, heads):
            code, _, errors = run("connect", url, stdin=b"x\n")
            equal(code, 1)
            contains(errors, "the server answered 302 Found")
        with answering(elsewhere("/next"), elsewhere(server.url())) as (url, heads):
            flags = ("--user", "user:secret", "-H", "Cookie: a=b", "--redirects", "2")
            code, out, _ = run("connect", *flags, url, stdin=b"x\n")
            equal((code, out), (0, b"x\n"))
        for head, path in zip(heads, ("/", "/next")):
            contains(head, f"GET {path} HTTP/1.1\r\n")
            contains(head, "\r\nAuthorization: Basic dXNlcjpzZWNyZXQ=\r\n")
            contains(head, "\r\nCookie: a=b\r\n")
    with answering(elsewhere("/")) as (url, _):
        with answering(elsewhere(url)) as (first, _):
            code, _, errors = run("connect", "--redirects", "1", first)
    equal(code, 1)
    contains(errors, "redirects more often than is followed")
    with answering("HTTP/1.1 401 x\r\n\r\n") as (url, heads):
        code, _, errors = run("connect", url.replace("//", "//user:secret@"))
        equal((code, "secret" in errors), (1, False))
    contains(heads[0], "\r\nAuthorization: Basic dXNlcjpzZWNyZXQ=\r\n")
    equal(run("connect", "--user", "a:\n", "ws://a/")[0], 2)


# ---- coming back -----------------------------------------------------------------------------


@case("a connection that is lost comes back and goes on with the input")
def _():
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(PATIENCE)
    url = "ws://127.0.0.1:%d/" % listener.getsockname()[1]

    def upgraded():
        server = RawServer.__new__(RawServer)
        server.listener, server.head, server.first, server.error = listener, "", b"", None
        return server

    with Connect(url, "--reconnect") as client:
        def lose(connection):
            equal(read_frame(connection), (0x81, b"one"))
            connection.sendall(frame(1, b"one"))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

        def keep(connection):
            equal(read_frame(connection), (0x81, b"two"))
            connection.sendall(frame(1, b"two"))
            first, payload = read_frame(connection)
            equal(first, 0x89)
            connection.sendall(frame(10, payload))
            first, payload = read_frame(connection)
            connection.sendall(frame(8, payload))

        client.say(b"one")
        server = upgraded()
        server._serve(lose)
        equal(server.error, None)
        equal(client.hear(), b"one")
        contains(client.process.stderr.readline(), b"closed 1006 ")
        contains(client.process.stderr.readline(), b"connecting again in ")
        client.say(b"two")
        client.process.stdin.close()
        server = upgraded()
        keeper = threading.Thread(target=server._serve, args=(keep,))
        keeper.start()
        equal(client.hear(), b"two")
        equal(client.process.wait(PATIENCE), 0)
        keeper.join(PATIENCE)
        equal(server.error, None)
    listener.close()


@case("while there is no connection, what is on stdin stays there")
def _():
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(PATIENCE)
    url = "ws://127.0.0.1:%d/" % listener.getsockname()[1]
    server = RawServer.__new__(RawServer)
    server.listener, server.head, server.first, server.error = listener, "", b"", None

    def lose(connection):
        equal(read_frame(connection), (0x81, b"one"))
        connection.sendall(frame(1, b"one"))

    with Connect(url, "--reconnect", "--reconnect-base", "1h", "--reconnect-cap", "1h") as client:
        client.say(b"one")
        server._serve(lose)
        equal(client.hear(), b"one")
        contains(client.process.stderr.readline(), b"closed 1006 ")
        pipe = client.process.stdin.fileno()
        os.set_blocking(pipe, False)
        written, block = 0, b"x" * 1023 + b"\n"
        # Full for half a second: nobody reads it.
        while written < 64 * MIB and select.select([], [pipe], [], 0.5)[1]:
            with contextlib.suppress(BlockingIOError):
                written += os.write(pipe, block * 64)
        equal(written < 4 * MIB, True)
    listener.close()


@case("who waits to come back ends by a signal")
def _():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    with Connect(f"ws://127.0.0.1:{port}/", "--reconnect") as client:
        contains(client.process.stderr.readline(), b"Connection refused; connecting again in ")
        client.process.terminate()
        equal(client.process.wait(PATIENCE), 143)


@case("how long it waits before it comes back is bounded by two flags")
def _():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for base, cap in (("1ms", "1h"), ("1h", "1ms")):
        flags = ("--reconnect", "--reconnect-base", base, "--reconnect-cap", cap)
        with Connect(f"ws://127.0.0.1:{port}/", *flags) as client:
            for _ in range(4):  # of up to 8 ms together, or of 1 ms each
                contains(client.process.stderr.readline(), b"connecting again in 0.0 s")
            client.process.terminate()
            equal(client.process.wait(PATIENCE), 143)


# ---- the end of a pipe -----------------------------------------------------------------------


@case("the end of stdin waits for answers that come before the pong, and not for later ones")
def _():
    def talk(connection):
        equal(read_frame(connection), (0x81, b"question"))
        first, payload = read_frame(connection)
        equal(first, 0x89)
        connection.sendall(frame(1, b"first") + frame(1, b"second") + frame(10, payload))
        first, payload = read_frame(connection)
        equal((first, payload), (0x88, b"\x03\xe8"))
        connection.sendall(frame(8, payload))

    with RawServer(talk) as server:
        code, out, errors = run("connect", server.url, stdin=b"question\n")
        equal((code, out, errors), (0, b"first\nsecond\n", 'closed 1000 ""\n'))


@case("a server that answers no pings is waited for as long as pongs are")
def _():
    def talk(connection):
        equal(read_frame(connection)[0], 0x81)
        equal(read_frame(connection)[0], 0x89)
        connection.sendall(frame(1, b"answer"))
        first, payload = read_frame(connection)
        equal(first, 0x88)
        connection.sendall(frame(8, payload))

    with RawServer(talk) as server:
        flags = ("--pong-timeout", "50ms")
        code, out, _ = run("connect", *flags, server.url, stdin=b"question\n")
        equal((code, out), (0, b"answer\n"))


if __name__ == "__main__":
    sys.exit(run_cases())
