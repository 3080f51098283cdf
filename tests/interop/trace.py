#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`hilo serve --trace`, `hilo connect --trace`, and the window at /trace: what a process tells of its
own connections. What the page makes of it is in browser.mjs."""

import asyncio
import json
import os
import signal
import sys

from programs import PATIENCE, Serve, case, contains, equal, run, run_cases

try:
    import websockets
except ImportError:
    # Debian's package belongs to Debian's Python, which need not be the first one of the path.
    debian = "/usr/bin/python3"
    if os.path.exists(debian) and not os.path.samefile(sys.executable, debian):
        os.execv(debian, [debian, *sys.argv])
    print("skip trace: the package websockets is not installed")
    sys.exit(0)

ID = "0123456789abcdef0123456789abcdef"


def said(text, *parts):
    """Each of these is there, behind the one before."""
    at = 0
    for part in parts:
        found = text.find(part, at)
        if found < 0:
            raise AssertionError(f"{part!r} is not behind the others in {text[at : at + 2000]!r}")
        at = found + len(part)


@case("hilo connect --trace tells on stderr what passes, and stdout has the messages alone")
def _():
    with Serve() as server:
        code, out, errors = run("connect", "--trace", server.url(), stdin=b"hola\n")
    equal((code, out), (0, b"hola\n"))
    said(
        errors,
        "client -> server",
        "tcp        write",
        "http       request",
        "server -> client",
        "key and GUID",
        "client -> server",
        "frame      text",
        '"hola"',
        "server -> client",
        "frame      close",
        "tcp        closed",
    )


@case("hilo connect --trace shows polling and the upgrade of a Socket.IO session")
def _():
    with Serve() as server:
        arguments = ["--trace", "--socketio", "--wait", "200ms"]
        _, _, errors = run("connect", *arguments, server.url("/"), stdin=b'["sum",1,2]\n')
    said(errors, "GET /socket.io/?EIO=4&transport=polling", "engineio   packet  0 open")
    said(errors, "transport=websocket", "2 ping", "3 pong", "5 upgrade")
    contains(errors, "#2  ")


@case("hilo serve --trace tells all connections apart, also those that go wrong")
def _():
    with Serve("--trace") as server:
        equal(run("connect", server.url(), stdin=b"uno\n")[:2], (0, b"uno\n"))
        equal(run("connect", server.url(), stdin=b"dos\n")[:2], (0, b"dos\n"))
        server.process.send_signal(signal.SIGTERM)
        out, _ = server.process.communicate(timeout=PATIENCE)
    told = out.decode()
    said(told, "127.0.0.1:", "client -> server", "tcp        read", '"uno"', "tcp        end", '"dos"')


# ---- the window ------------------------------------------------------------------------------


class Window:
    """What a page hears at /trace."""

    def __init__(self, server):
        self.url = server.url(f"/trace?id={ID}")
        self.parts = []
        self.queues = []

    async def __aenter__(self):
        self.socket = await websockets.connect(self.url, max_size=None)
        return self

    async def __aexit__(self, *_):
        await self.socket.close()

    async def hear(self, until):
        """Takes what comes until `until()` holds."""
        while not until():
            message = json.loads(await asyncio.wait_for(self.socket.recv(), PATIENCE))
            self.parts += message.get("parts", [])
            if "queue" in message:
                self.queues.append(message["queue"])

    def named(self, layer, name):
        return [each for each in self.parts if (each["layer"], each["name"]) == (layer, name)]

    async def say(self, **wish):
        await self.socket.send(json.dumps(wish))


def in_window(test):
    async def whole():
        with Serve() as server:
            async with Window(server) as window:
                await test(window, server, server.url(f"/echo?trace={ID}"))
            equal(server.stop()[0], 0)

    asyncio.run(whole())


@case("a window shows the connections that name it, from the bytes up to the message, and no others")
def _():
    async def test(window, server, url):
        async with websockets.connect(server.url()) as other, websockets.connect(url) as socket:
            await other.send("unseen")
            await other.recv()
            await socket.send("hola")
            equal(await socket.recv(), "hola")
        await window.hear(lambda: window.named("tcp", "closed"))
        equal([each["value"] for each in window.named("message", "text message")], ['4 bytes  "hola"'] * 2)
        for layer in ("tcp", "http", "handshake", "frame", "message"):
            equal(layer in {each["layer"] for each in window.parts}, True)
        equal("unseen" in json.dumps(window.parts), False)

    in_window(test)


@case("what a page breaks is told with the rule, and the server answers as it was told")
def _():
    async def test(window, server, url):
        for what, code in (("mask", 1002), ("rsv", 1002), ("opcode", 1002)):
            async with websockets.connect(url) as socket:
                await socket.send("a")
                await socket.recv()
                await window.say(**{"break": what})
                # The wish has arrived once an answer to something behind it has: a Ping of the window.
                await (await window.socket.ping())
                await socket.send("b")
                try:
                    await asyncio.wait_for(socket.recv(), PATIENCE)
                    raise AssertionError("it was answered")
                except websockets.ConnectionClosed as closed:
                    equal(closed.rcvd.code, code)
            await window.hear(lambda: any(each.get("answer") == code for each in window.parts))
            window.parts.clear()

    in_window(test)


@case("a slow reader's answers wait in the queue, which is told, and all of them come")
def _():
    async def test(window, server, url):
        async with websockets.connect(url, max_size=None) as socket:
            await window.say(slow=20_000)
            await (await window.socket.ping())
            sent = [bytes([i]) * 16_000 for i in range(4)]
            for each in sent:
                await socket.send(each)
            await window.hear(lambda: window.queues and max(window.queues) > 10_000)
            await window.say(slow=0)
            for each in sent:
                equal(await asyncio.wait_for(socket.recv(), PATIENCE), each)

    in_window(test)


@case("ids are checked, and one window has one")
def _():
    async def refused(url):
        try:
            await websockets.connect(url)
            raise AssertionError("it was accepted")
        except websockets.InvalidStatusCode as error:
            return error.status_code

    async def test(window, server, url):
        equal(await refused(server.url("/trace")), 400)
        equal(await refused(server.url("/trace?id=short")), 400)
        equal(await refused(window.url), 409)
        # Who names a window that is not there is served, and shown to nobody.
        async with websockets.connect(server.url(f"/echo?trace={ID[::-1]}")) as socket:
            await socket.send("a")
            equal(await socket.recv(), "a")
        await window.say(slow="x", unknown=1)
        await window.socket.send("no JSON")
        await (await window.socket.ping())

    in_window(test)


if __name__ == "__main__":
    sys.exit(run_cases())
