#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`hilo serve --trace`, `hilo connect --trace`, and the window at /trace: what a process tells of its
own connections. What the page makes of it is in browser.mjs."""

import asyncio
import json
import re
import signal
import struct
import sys
import urllib.request

from programs import MIB, PATIENCE, Connect, Serve, case, contains, debian_python, equal
from programs import open_raw, read_frame, run, run_cases, said

try:
    import websockets
except ImportError:
    debian_python("trace", "the package websockets is")

ID = "0123456789abcdef0123456789abcdef"


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
    with Serve() as server, Connect(server.url("/"), "--trace", "--socketio", "--listen") as client:
        told = ""
        while "5 upgrade" not in told:
            line = client.process.stderr.readline().decode()
            equal(bool(line), True)
            told += line
        client.process.send_signal(signal.SIGTERM)
        told += client.end()[2]
    said(told, "GET /socket.io/?EIO=4&transport=polling", "engineio   packet  0 open")
    said(told, "transport=websocket", "2 ping", "3 pong", "5 upgrade")
    contains(told, "#2  ")


@case("hilo serve --trace tells all connections apart, also those that go wrong")
def _():
    with Serve("--trace") as server:
        equal(run("connect", server.url(), stdin=b"uno\n")[:2], (0, b"uno\n"))
        equal(run("connect", server.url(), stdin=b"dos\n")[:2], (0, b"dos\n"))
        server.process.send_signal(signal.SIGTERM)
        out, _ = server.process.communicate(timeout=PATIENCE)
    told = out.decode()
    said(told, "127.0.0.1:", "client -> server", "tcp        read", '"uno"', "tcp        end", '"dos"')


@case("hilo serve --trace tells deadlines, and what an answer costs the loop")
def _():
    with Serve("--trace", "--ping-interval", "200ms") as server, Connect(server.url()) as client:
        told = ""
        while "frame      pong" not in told:
            line = server.process.stdout.readline().decode()
            equal(bool(line), True)
            told += line
        client.process.send_signal(signal.SIGTERM)
        client.end()
    said(told, "handshake", "armed for 200 ms", "engine     timer  it is time", "frame      ping", "frame      pong")
    costs = r"engine     cost  \d+ waits, \d+ reads, \d+ writes, \d+ allocations, \d+ bytes copied"
    equal(bool(re.search(costs, told)), True)


# ---- the window ------------------------------------------------------------------------------


class Window:
    """What a page hears at /trace."""

    def __init__(self, server):
        self.url = server.url(f"/trace?id={ID}")
        self.parts = []
        self.queues = []
        self.wishes = self.done = self.lost = 0

    async def __aenter__(self):
        self.socket = await websockets.connect(self.url, max_size=None)
        return self

    async def __aexit__(self, *_):
        await self.socket.close()

    async def hear(self, until):
        """Takes what comes until `until()` holds."""
        while not until():
            text = await asyncio.wait_for(self.socket.recv(), PATIENCE)
            await self.socket.send(json.dumps({"had": len(text.encode())}))
            message = json.loads(text)
            self.lost += message.get("lost", 0)
            self.done = message.get("done", self.done)
            self.parts += message.get("parts", [])
            if "queue" in message:
                self.queues.append(message["queue"])

    def named(self, layer, name):
        return [each for each in self.parts if (each["layer"], each["name"]) == (layer, name)]

    async def say(self, **wish):
        """Returns once the server has heard it."""
        self.wishes += 1
        await self.socket.send(json.dumps(wish))
        await self.hear(lambda: self.done == self.wishes)


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
        # What the loop spends on telling all this is not the page's.
        equal([bool(window.named("engine", name)) for name in ("timer", "cost")], [True, False])
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
            sent = [bytes([i]) * 16_000 for i in range(4)]
            for each in sent:
                await socket.send(each)
            await window.hear(lambda: window.queues and max(window.queues) > 10_000)
            await window.say(slow=0)
            for each in sent:
                equal(await asyncio.wait_for(socket.recv(), PATIENCE), each)

    in_window(test)


@case("only who is at the window's address and asks for his own page is shown, and nothing deep or large hurts")
def _():
    async def test(window, server, url):
        for name, value in (("X-Forwarded-For", "1.2.3.4"), ("Via", "1.1 a"), ("Sec-Fetch-Site", "cross-site")):
            async with websockets.connect(url, extra_headers={name: value}) as socket:
                await socket.send("unseen")
                await socket.recv()
        # A body that nests half a million lists, and one call that would be told in a hundred megabytes.
        deep = b"42" + b"[" * 499_000 + b"]" * 499_000
        target = f"http://{server.addresses[0]}/body?EIO=4&transport=polling&trace={ID}"
        with urllib.request.urlopen(target, data=deep, timeout=PATIENCE) as answer:
            equal(answer.read() == deep, True)
        async with websockets.connect(url) as socket:
            await asyncio.gather(*[socket.send("") for _ in range(20_000)])
            for _ in range(20_000):
                equal(await socket.recv(), "")
        await window.hear(lambda: window.lost > 0 and window.named("tcp", "closed"))
        equal("unseen" in json.dumps(window.parts), False)

    in_window(test)


@case("no page is shown anything by a server that others can come to, unless it is told to")
def _():
    def answered(*flags):
        with Serve(*flags) as server:
            return len(server.get("/layers.js").read()) > 0

    equal(answered(), True)
    equal(answered("--layers", "off"), False)
    equal(answered("--listen", "0.0.0.0:0"), False)
    equal(answered("--trusted-proxy", "10.0.0.0/8"), False)
    equal(answered("--listen", "0.0.0.0:0", "--layers", "on"), True)


# ---- what a page may wish for ------------------------------------------------------------------


def fragments_of(server, path, message):
    """The lengths of the frames in which /echo sends it back; the last one says that it is."""
    with open_raw(server.addresses[0], path) as connection:
        size = len(message)
        length = bytes([0x80 | size]) if size < 126 else struct.pack(">BH", 0x80 | 126, size)
        connection.sendall(b"\x82" + length + bytes(4) + message)  # a key of zeros changes nothing
        lengths = []
        while True:
            first, payload = read_frame(connection)
            equal(first & 0x7F, 0 if lengths else 2)
            lengths.append(len(payload))
            if first & 0x80:
                return lengths


@case("answers come in fragments for those who wish so, all of them and as they were, however slowly they are read")
def _():
    async def test():
        flags = ("--message-bytes-max", "16MiB", "--queue-bytes-max", "1MiB", "--overflow", "refuse")
        with Serve(*flags) as server:
            for wish, sizes in (("4", [4, 4, 1]), ("9", [9]), ("0", [9]), ("-1", [9]), ("x", [9]), ("65537", [9])):
                equal(fragments_of(server, f"/echo/fragments/{wish}", b"123456789"), sizes)
            equal(fragments_of(server, "/echo/fragments/1", b""), [0])
            # No more than a thousand.
            equal(fragments_of(server, "/echo/fragments/1", bytes(2000)), [2] * 1000)
            async with websockets.connect(server.url("/echo/fragments/1"), max_size=None) as socket:
                for each in (b"\1" * (8 * MIB), b"", "2" * 100, b"\3" * (8 * MIB)):
                    await socket.send(each)
                    equal(await asyncio.wait_for(socket.recv(), PATIENCE) == each, True)
        # What never fits is no reason to wait for ever.
        with Serve("--queue-bytes-max", "4096", "--overflow", "refuse") as server:
            with open_raw(server.addresses[0], "/echo/fragments/8000") as connection:
                connection.sendall(b"\x82" + struct.pack(">BH", 0x80 | 126, 8000) + bytes(4 + 8000))
                try:
                    equal(connection.recv(1), b"")
                except ConnectionResetError:
                    pass
        with Serve("--layers", "off") as server:
            open_raw(server.addresses[0], "/echo/fragments/4", status=404).close()

    asyncio.run(test())


@case("compression is agreed on with those who wish so, and with nobody else")
def _():
    async def agreed(server, path):
        async with websockets.connect(server.url(path), compression="deflate") as socket:
            await socket.send("hola " * 9)
            equal(await socket.recv(), "hola " * 9)
            return len(socket.extensions)

    async def test():
        for flags, wished, others in ((), 1, 0), (("--layers", "off"), 0, 0), (("--deflate",), 1, 1):
            with Serve(*flags) as server:
                equal(await agreed(server, "/echo?deflate=on"), wished)
                equal(await agreed(server, "/broadcast?deflate=on"), wished)
                equal(await agreed(server, "/echo?deflate=off"), others)
                equal(await agreed(server, "/echo"), others)

    asyncio.run(test())


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
        await window.socket.send("no JSON")
        await window.say(slow="x", unknown=1)

    in_window(test)


if __name__ == "__main__":
    sys.exit(run_cases())
