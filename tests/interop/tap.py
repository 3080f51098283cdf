#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What `hilo tap` does to frames, what it foretells, and its page: real bytes on both sides, between
`hilo serve`, `hilo connect`, a raw peer, and the Python package websockets."""

import asyncio
import json
import logging
import sys
import urllib.request

from programs import (
    MIB,
    PATIENCE,
    Connect,
    RawServer,
    Serve,
    Tap,
    case,
    contains,
    debian_python,
    equal,
    frame,
    masked,
    open_raw,
    read_exactly,
    read_frame,
    run,
    run_cases,
)

try:
    import websockets
except ImportError:
    debian_python("tap", "the package websockets is")

logging.getLogger("websockets").setLevel(logging.CRITICAL)  # it tells of rules that are broken
PLAIN = {"ping_interval": None}  # no keep-alive: what is told stays the same


def predicted(told):
    """What was told of forecasts, one a line."""
    return [line.strip() for line in told.splitlines() if " predicted for the " in line]


# ---- drop --------------------------------------------------------------------------------------


@case("drop: a frame of the client does not arrive, and those around it do")
def _():
    came = []

    def talk(connection):
        for _ in range(2):
            came.append(read_frame(connection))
        connection.sendall(frame(1, b"done"))

    with RawServer(talk) as server, Tap(server.url, "--drop", "client:2") as tap:
        with open_raw(tap.address, "/") as client:
            client.sendall(masked(1, b"one") + masked(1, b"two") + masked(1, b"three"))
            equal(read_frame(client), (0x81, b"done"))
        told, _ = tap.stop()
    equal(came, [(0x81, b"one"), (0x81, b"three")])
    contains(told, 'dropped  frame 2 of the client: text, 3 bytes  "two"')
    contains(predicted(told)[0], "for the server  nothing: messages have no numbers")


@case("drop: a frame of the server does not arrive, however it is cut and however late")
def _():
    for flags in ([], ["--split"], ["--delay", "5ms"], ["--split", "--delay", "2ms"]):
        with Serve() as server, Tap(server.url(""), "--drop", "server:2", *flags) as tap:
            with open_raw(tap.address) as client:
                client.sendall(b"".join(masked(1, text) for text in (b"one", b"two", b"three")))
                equal([read_frame(client) for _ in range(2)], [(0x81, b"one"), (0x81, b"three")])
            contains(tap.stop()[0], "dropped  frame 2 of the server")


@case("drop: a part of a fragmented message costs what was predicted, with hilo serve")
def _():
    fragments = masked(1, b"a", final=False) + masked(0, b"b", final=False) + masked(0, b"c")
    for which, answer in (
        ("client:1", (0x88, 1002)),  # the middle has no message to continue
        ("client:2", (0x81, b"ac")),
        ("client:3", (0x88, 1002)),  # the next message stands inside this one
    ):
        with Serve() as server, Tap(server.url(""), "--drop", which) as tap:
            with open_raw(tap.address) as client:
                client.sendall(fragments + masked(1, b"next"))
                first, payload = read_frame(client)
                code = int.from_bytes(payload[:2], "big")
                equal((first, code if first == 0x88 else payload), answer)
            told, _ = tap.stop()
            closes = answer[0] == 0x88
            equal("close 1002" in predicted(told)[0], closes)
            equal("Close 1002" in predicted(told)[1], closes)
            equal("broken rule continuation:" in told, closes)


@case("drop: half a character is what the forecast says, with hilo serve")
def _():
    text = "ñ".encode()
    with Serve() as server, Tap(server.url(""), "--drop", "client:2") as tap:
        with open_raw(tap.address) as client:
            client.sendall(masked(1, text[:1], final=False) + masked(0, text[1:], final=False))
            client.sendall(masked(0, b"z"))
            first, payload = read_frame(client)
            equal((first, payload[:2]), (0x88, (1007).to_bytes(2, "big")))
        contains(predicted(tap.stop()[0])[0], "close 1007")


@case("drop: a Close that does not arrive leaves both waiting, as the forecast says")
def _():
    with Serve("--close-timeout", "200ms") as server:
        with Tap(server.url(""), "--drop", "client:close") as tap:
            code, out, errors = run("connect", "--close-timeout", "100ms", tap.url(), stdin=b"hola\n")
            equal((code != 0, out), (True, b"hola\n"))
            contains(errors, "1006")
            told, _ = tap.stop()
            contains(told, "dropped  frame 3 of the client: close, 2 bytes  03 e8")
            contains(predicted(told)[0], "no Close: it goes on until the connection ends")
            contains(predicted(told)[1], "no answer to its Close")


@case("drop: Python websockets fails by the rule that was predicted")
def _():
    async def talk(url):
        async with websockets.connect(url, **PLAIN) as client:
            await client.send(["a", "b", "c"])  # in fragments
            try:
                return await client.recv()
            except websockets.ConnectionClosed as closed:
                return closed.rcvd.code

    async def echo(url_of):
        async def answer(connection, *_):
            async for message in connection:
                await connection.send([message, message])

        async with websockets.serve(answer, "127.0.0.1", 0, **PLAIN) as server:
            port = server.sockets[0].getsockname()[1]
            return await url_of(f"ws://127.0.0.1:{port}")

    async def through(which, target):
        tap = await asyncio.to_thread(Tap, target, *which)
        with tap:
            heard = await talk(tap.url("/"))
            told, _ = await asyncio.to_thread(tap.stop)
            return heard, told

    heard, told = asyncio.run(echo(lambda target: through(["--drop", "client:1"], target)))
    equal(heard, 1002)
    contains(predicted(told)[0], "for the server  the next fragment breaks a rule, continuation:")
    heard, told = asyncio.run(echo(lambda target: through([], target)))
    equal((heard, told.count("predicted")), ("abcabc", 0))


@case("drop and inject: frames that come with the answer to the handshake are counted, too")
def _():
    flags = ["--drop", "server:1", "--inject", "server:text put in", "--inject", "server:2:text behind"]
    frames = frame(1, b"lost") + frame(1, b"second") + frame(1, b"third")
    with RawServer(lambda connection: connection.recv(1), frames) as server:
        with Tap(server.url, *flags) as tap, open_raw(tap.address, "/") as client:
            got = [read_frame(client)[1] for _ in range(4)]
            equal(got, [b"put in", b"second", b"behind", b"third"])


# ---- inject ------------------------------------------------------------------------------------


@case("inject: right behind the handshake, to both sides, masked towards the server")
def _():
    keys = []
    for _ in range(2):
        came = []

        def talk(connection):
            head = read_exactly(connection, 6)
            keys.append(head[2:])
            came.append((head[:2], bytes(b ^ k for b, k in zip(read_exactly(connection, 4), head[2:]))))
            came.append(read_frame(connection))
            connection.sendall(frame(1, b"done"))

        flags = ["--inject", "client:text hola", "--inject", "server:binary 00 ff"]
        with RawServer(talk) as server, Tap(server.url, *flags) as tap:
            with open_raw(tap.address, "/") as client:
                equal(read_exactly(client, 4), b"\x82\x02\x00\xff")
                client.sendall(masked(1, b"mine"))
                equal(read_frame(client), (0x81, b"done"))
            told, _ = tap.stop()
        equal(came, [(b"\x81\x84", b"hola"), (0x81, b"mine")])
        equal(told.count("injected"), 2)
    equal(keys[0] != keys[1], True)  # 1 in 2^32 that chance says so


@case("inject: behind the frame that was named, and into what comes with it")
def _():
    for flags in ([], ["--split"]):
        with Serve() as server, Tap(server.url(""), "--inject", "server:2:text now", *flags) as tap:
            with open_raw(tap.address) as client:
                client.sendall(b"".join(masked(1, text) for text in (b"one", b"two", b"three")))
                got = [read_frame(client)[1] for _ in range(4)]
                equal(got, [b"one", b"two", b"now", b"three"])


@case("inject: a Ping is answered, and its Pong means nothing to hilo connect")
def _():
    with Serve() as server, Tap(server.url(""), "--inject", "client:1:ping who") as tap:
        code, out, _ = run("connect", tap.url(), stdin=b"hola\n")
        equal((code, out), (0, b"hola\n"))
        told, _ = tap.stop()
        equal(told.count('"who"'), 2)  # on its way, and back
        contains(predicted(told)[1], "a Pong that it did not ask for, which means nothing")


@case("inject: what breaks a rule is told with the answer that then comes")
def _():
    for inject, label, code in (
        ("client:hex 81 02 68 69", "unmasked", 1002),
        ("client:continuation x", "continuation", 1002),
        ("client:hex 81 82 00 00 00 00 c3 28", "utf8", 1007),
        ("client:close 1005", "close_code", 1002),
        ("client:hex 83 80 00 00 00 00", "opcode", 1002),
    ):
        with Serve() as server, Tap(server.url(""), "--inject", inject) as tap:
            with open_raw(tap.address) as client:
                first, payload = read_frame(client)
                equal((first, int.from_bytes(payload[:2], "big")), (0x88, code))
            told, _ = tap.stop()
            contains(predicted(told)[0], f"{label}: ")
            contains(predicted(told)[0], f"close {code}")
            contains(told, f"broken rule {label}:")


@case("inject: a message that is begun breaks the next one, for Python websockets")
def _():
    async def talk(url):
        async with websockets.connect(url, **PLAIN) as client:
            await client.send("hola")
            try:
                return await client.recv()
            except websockets.ConnectionClosed as closed:
                return closed.sent.code

    with Serve() as server, Tap(server.url(""), "--inject", "server:unfinished text x") as tap:
        equal(asyncio.run(talk(tap.url())), 1002)
        told, _ = tap.stop()
        contains(predicted(told)[0], "the beginning of a message; the next data frame of the server breaks")
        contains(told, "broken rule continuation:")


# ---- the rest ----------------------------------------------------------------------------------


@case("break, split and delay tell what will come of them, once a connection")
def _():
    with Serve() as server:
        for flags, texts in (
            (["--break", "length"], ["another length than there is"]),
            (["--break", "rsv"], ["a broken rule, rsv: a reserved bit is set"]),
            (["--split"], ["nothing: TCP is a stream of bytes"]),
            (["--delay", "2ms"], ["nothing, unless it waits"]),
            (["--delay", "2ms", "--split"], ["nothing: TCP is", "nothing, unless it waits"]),
        ):
            with Tap(server.url(""), *flags) as tap, open_raw(tap.address) as client:
                client.sendall(masked(1, b"one") + masked(1, b"two"))
                read_frame(client)
                told, _ = tap.stop()
                lines = predicted(told)
                equal(len(lines), 2 * len(texts))
                for line, text in zip(lines[::2], texts):
                    contains(line, text)


@case("a connection of HTTP requests alone passes, whatever is to be done to frames")
def _():
    flags = ["--drop", "client:1", "--inject", "server:text x", "--break", "mask"]
    with Serve() as server, Tap(server.url(""), *flags) as tap:
        answer = urllib.request.urlopen(f"http://{tap.address}/", timeout=PATIENCE)
        direct = server.get("/")
        equal((answer.status, answer.read()), (200, direct.read()))
        told, _ = tap.stop()
        equal(("dropped" in told, "injected" in told), (False, False))


@case("wrong usage is told in one line")
def _():
    for flag, value, what in (
        ("--drop", "client", "is neither like client:2 nor like server:pong"),
        ("--drop", "client:0", "is neither like client:2"),
        ("--inject", "text Hello", "begins with client: or server:"),
        ("--inject", "client:dance", "'dance' is no kind of frame"),
        ("--inject", "client:binary xy", "hexadecimal"),
        ("--inject", "client:hex", "hexadecimal"),
        ("--page", "nowhere", "nowhere is no address"),
        ("--page", "0.0.0.0:0", "--page-public lets them"),
    ):
        code, _, errors = run("tap", flag, value, "127.0.0.1:0", "ws://127.0.0.1:1")
        equal(code, 1 if flag == "--page" else 2)
        contains(errors.splitlines()[-1], what)


# ---- the page ----------------------------------------------------------------------------------


class Window:
    """What a page hears and says, without a browser."""

    def __init__(self, tap):
        self.connection = open_raw(tap.page, "/trace", f"Origin: http://{tap.page}\r\n")
        self.parts = []
        equal(self.hear()["tap"]["listen"], tap.address)

    def hear(self):
        _, second = read_exactly(self.connection, 2)
        more = {126: 2, 127: 8}.get(second, 0)
        size = int.from_bytes(read_exactly(self.connection, more), "big") if more else second
        text = read_exactly(self.connection, size)
        self.connection.sendall(masked(1, json.dumps({"had": size}).encode()))
        return json.loads(text)

    def wish(self, wish):
        """What is answered to that."""
        self.connection.sendall(masked(1, json.dumps(wish).encode()))
        while "done" not in (said := self.hear()):
            self.parts += said.get("parts", [])
        return said

    def hear_part(self, name):
        """The next one of that name."""
        while True:
            while self.parts:
                part = self.parts.pop(0)
                if part["name"] == name:
                    return part
            self.parts += self.hear().get("parts", [])


@case("page: it is served, and its windows are for it alone")
def _():
    with Tap("ws://127.0.0.1:1", "--page", "127.0.0.1:0") as tap:
        for path, text in (("/", "hilo tap"), ("/layers.js", "make_layers")):
            answer = urllib.request.urlopen(f"http://{tap.page}{path}", timeout=PATIENCE)
            contains(answer.read().decode(), text)
            contains(answer.headers["Content-Security-Policy"], "default-src 'none'")
        for fields in (
            "Origin: http://example.com\r\n",
            "Origin: http://evil.example\r\nHost: evil.example\r\n",  # a name that points here
            f"Origin: http://{tap.page}\r\nSec-Fetch-Site: cross-site\r\n",
            f"Origin: http://{tap.page}\r\nVia: 1.1 proxy\r\n",
        ):
            open_raw(tap.page, "/trace", fields, status=403).close()
        windows = [Window(tap) for _ in range(16)]
        open_raw(tap.page, "/trace", f"Origin: http://{tap.page}\r\n", status=503).close()
        for window in windows:
            window.connection.close()


@case("page: it is told what passes, with --quiet nobody else is, and it spoils the next frame")
def _():
    flags = ["--quiet", "--page", "127.0.0.1:0"]
    with Serve() as server, Tap(server.url(""), *flags) as tap:
        one, other = Window(tap), Window(tap)
        with open_raw(tap.address) as client:
            client.sendall(masked(1, b"hola"))
            equal(read_frame(client), (0x81, b"hola"))
            for window in (one, other):
                equal(window.hear_part("text message")["value"], '4 bytes  "hola"')
            equal(one.wish({"drop": "client"}), {"done": 1})
            client.sendall(masked(1, b"lost") + masked(1, b"kept"))
            equal(read_frame(client), (0x81, b"kept"))
            for window in (one, other):
                contains(window.hear_part("dropped")["value"], '"lost"')
                contains(window.hear_part("predicted for the server")["value"], "have no numbers")
            equal(one.wish({"inject": "server:text put in"}), {"done": 2})
            equal(read_frame(client), (0x81, b"put in"))
            equal(one.wish({"inject": "server:dance"})["refused"], "'dance' is no kind of frame")
            equal(one.wish({"nonsense": 1}), {"done": 4})
            equal(other.wish({"break": "rsv"}), {"done": 1})
            client.sendall(masked(1, b"broken"))
            equal(read_frame(client)[1][:2], (1002).to_bytes(2, "big"))
            contains(one.hear_part("broken")["value"], "RSV2 is set")
            equal(one.hear_part("broken rule")["error"], "rsv")
        equal(tap.stop()[0], "")


@case("page: a window that does not read holds nothing up, and is told what it lost")
def _():
    flags = ["--quiet", "--page", "127.0.0.1:0"]
    line = b"x" * (MIB // 2)
    with Serve() as server, Tap(server.url(""), *flags) as tap:
        window = Window(tap)
        with Connect(tap.url()) as client:
            # More parts than may be under way to a window; each message comes back.
            for _ in range(2000):
                client.say(b"y")
            for _ in range(2000):
                equal(client.hear(), b"y")
            client.say(line)
            equal(client.hear() == line, True)
            lost = 0
            while lost == 0:
                lost = window.hear().get("lost", 0)
                if lost == 0:
                    client.say(b"z")
                    equal(client.hear(), b"z")


@case("page: --page-public serves one to others, and asks for no name of this machine")
def _():
    with Tap("ws://127.0.0.1:1", "--page-public", "--page", "0.0.0.0:0") as tap:
        port = tap.page.rsplit(":", 1)[1]
        fields = "Host: class.example\r\nOrigin: http://class.example\r\n"
        open_raw(f"127.0.0.1:{port}", "/trace", fields).close()


sys.exit(run_cases())
