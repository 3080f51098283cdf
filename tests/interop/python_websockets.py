#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Python package websockets as client of `hilo serve` and as server of `hilo connect`."""

import asyncio
import logging
import os
import random
import re
import signal
import ssl
import subprocess
import sys
import tempfile

from programs import HILO, MIB, PATIENCE, case, debian_python, equal, run_cases

try:
    import websockets
except ImportError:
    debian_python("python_websockets", "the package websockets is")

PIPE = asyncio.subprocess.PIPE
CLOSE_CODES = [*range(1000, 1004), *range(1007, 1015), 3000, 4999]
THREAD = "🧵 hilo 𝄞 ñandú \U0010ffff"
# Limits and keep-alive of the other side are not what is tested here.
PLAIN = {"max_size": None, "max_queue": None, "ping_interval": None}

FOLDER = tempfile.TemporaryDirectory(prefix="hilo-certificates-")  # certificates.sh


def noise(size):
    return random.Random(size).randbytes(size)


def trusting():
    return {"ssl": ssl.create_default_context(cafile=f"{FOLDER.name}/ca.pem")}


class Serve:
    """A running `hilo serve` on a port of its own."""

    def __init__(self, *flags, tls=False):
        own = ["--tls-cert", f"{FOLDER.name}/server.pem", "--tls-key", f"{FOLDER.name}/server.key"]
        self.flags = [*flags, *(own if tls else [])]
        self.tls = tls

    async def __aenter__(self):
        self.process = await asyncio.create_subprocess_exec(
            HILO, "serve", "--listen", "127.0.0.1:0", *self.flags, stdout=PIPE
        )
        line = (await self.process.stdout.readline()).decode()
        self.address = re.match(r"listening on (\S+)", line).group(1)
        return self

    async def __aexit__(self, *_):
        if self.process.returncode is None:
            self.process.kill()
        await self.process.wait()

    def connect(self, path="/echo", **options):
        if not self.tls:
            return websockets.connect(f"ws://{self.address}{path}", **PLAIN, **options)
        return websockets.connect(f"wss://{self.address}{path}", **PLAIN, **trusting(), **options)

    async def stop(self):
        self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()


async def be_server(flags, talk, stdin=b"", tls=False, **options):
    """Runs `hilo connect` against a server whose end of the connection is given to `talk`.

    Returns what talk returned, and hilo's exit code, stdout and stderr.
    """
    talked = asyncio.get_running_loop().create_future()

    async def handle(peer):
        try:
            talked.set_result(await talk(peer))
        except Exception as error:  # hilo is told 1011, and the case fails below
            talked.set_exception(error)
            raise

    scheme = "ws"
    if tls:
        scheme = "wss"
        flags = ["--ca-file", f"{FOLDER.name}/ca.pem", *flags]
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(f"{FOLDER.name}/server.pem", f"{FOLDER.name}/server.key")
        options["ssl"] = context
    async with websockets.serve(handle, "127.0.0.1", 0, **(PLAIN | options)) as server:
        port = server.sockets[0].getsockname()[1]
        url = f"{scheme}://127.0.0.1:{port}/"
        process = await asyncio.create_subprocess_exec(
            HILO, "connect", *flags, url, stdin=PIPE, stdout=PIPE, stderr=PIPE
        )
        try:
            out, errors = await process.communicate(stdin)
        finally:
            if process.returncode is None:
                process.kill()
    result = await talked if talked.done() else None
    return result, process.returncode, out, errors.decode()


# ---- what both roles have to do with messages; `peer` is Python's end, hilo echoes --------------


async def comes_back(peer, data):
    await peer.send(data)
    equal(await peer.recv(), data)


async def texts(peer):
    for text in ["hola", "", THREAD, THREAD * 1000]:
        await comes_back(peer, text)


async def binaries(peer):
    for size in [0, 1, 125, 126, 127, 65535, 65536, MIB]:
        await comes_back(peer, noise(size))


async def fragments(peer):
    await peer.send(["uno ", "dos ", "", "tres"])
    equal(await peer.recv(), "uno dos tres")
    await peer.send(list(THREAD))
    equal(await peer.recv(), THREAD)
    pieces = [noise(size) for size in [1, 126, 65536, 0, 5]]
    await peer.send(pieces)
    equal(await peer.recv(), b"".join(pieces))


async def pings(peer):
    for payload in [b"", b"still there?", noise(125)]:
        await (await peer.ping(payload))


async def ping_between_fragments(peer):
    async def parts():
        yield "first, "
        await (await peer.ping(b"now"))
        yield "then the rest"

    await peer.send(parts())
    equal(await peer.recv(), "first, then the rest")


async def pipelined(peer):
    count = 10_000

    async def send_all():
        for i in range(count):
            await peer.send(f"message {i}")

    sending = asyncio.create_task(send_all())
    for i in range(count):
        equal(await peer.recv(), f"message {i}")
    await sending


CONVERSATIONS = [
    ("texts come back, beyond the basic plane and empty too", texts),
    ("binary messages of all length forms come back, up to 1 MiB", binaries),
    ("messages in fragments are whole messages", fragments),
    ("pings are answered with their payload", pings),
    ("a ping between two fragments is answered before the message ends", ping_between_fragments),
    ("10,000 small pipelined messages come back in order", pipelined),
]


DEFLATE = ["--deflate", "--deflate-threshold", "1"]
TAKEOVER = ["--deflate-server-takeover", "--deflate-client-takeover"]
WINDOWS = ["--deflate-server-window-bits", "9", "--deflate-client-window-bits", "11"]
# Python offers and accepts permessage-deflate by itself; as a server it asks for windows of 12 bits.
WAYS = [
    ("", [], False),
    ("deflate: ", DEFLATE, False),
    ("deflate with takeover: ", [*DEFLATE, *TAKEOVER], False),
    ("deflate with small windows: ", [*DEFLATE, *TAKEOVER, *WINDOWS], False),
    ("wss: ", [], True),
    ("deflate over wss: ", [*DEFLATE, *TAKEOVER], True),
]


def add_conversation(way, flags, tls, name, conversation):
    def agreed(peer):
        equal([extension.name for extension in peer.extensions], ["permessage-deflate"] * bool(flags))

    @case(f"serve: {way}{name}")
    async def as_client():
        async with Serve(*flags, tls=tls) as server, server.connect() as peer:
            agreed(peer)
            await conversation(peer)
            await peer.close()
            equal(peer.close_code, 1000)

    @case(f"connect: {way}{name}")
    async def as_server():
        async def talk(peer):
            agreed(peer)
            await conversation(peer)
            await peer.close(1000, "that was all")
            return peer.close_code

        code, exit_code, _, errors = await be_server(["--echo", *flags], talk, tls=tls)
        equal(code, 1000)
        equal((exit_code, errors), (0, 'closed 1000 "that was all"\n'))


for way in WAYS:
    for row in CONVERSATIONS:
        add_conversation(*way, *row)


# ---- hilo as server ------------------------------------------------------------------------------


@case("serve: every close code is answered with itself")
async def _():
    async with Serve() as server:
        for code in CLOSE_CODES:
            async with server.connect() as peer:
                await peer.close(code, "adiós")
                equal(peer.close_code, code)


@case("serve: a message above 1 MiB is refused with 1009")
async def _():
    async with Serve() as server, server.connect() as peer:
        try:
            await peer.send(bytes(MIB + 1))
            await peer.recv()
        except websockets.ConnectionClosed:
            pass
        equal(peer.close_code, 1009)


@case("serve: a subprotocol is agreed upon where one is known")
async def _():
    async with Serve("--subprotocol", "chat") as server:
        async with server.connect(subprotocols=["unknown", "chat"]) as peer:
            equal(peer.subprotocol, "chat")
        async with server.connect(subprotocols=["unknown"]) as peer:
            equal(peer.subprotocol, None)
        async with server.connect() as peer:
            equal(peer.subprotocol, None)


async def status_of(connecting):
    try:
        await connecting
    except websockets.InvalidStatusCode as refusal:
        return refusal.status_code
    return 101


@case("serve: a foreign origin and an unknown path are refused")
async def _():
    async with Serve() as server:
        equal(await status_of(server.connect(origin="http://elsewhere.example")), 403)
        equal(await status_of(server.connect("/nowhere")), 404)


@case("serve: /broadcast reaches everybody")
async def _():
    room = "/broadcast"
    async with Serve() as server, server.connect(room) as a, server.connect(room) as b:
        for sender in (a, b):
            await sender.send(THREAD)
            equal((await a.recv(), await b.recv()), (THREAD, THREAD))


@case("serve: when it stops, clients are told 1001")
async def _():
    async with Serve() as server, server.connect() as peer:
        await comes_back(peer, "hola")
        ended = asyncio.create_task(server.stop())
        await peer.wait_closed()
        equal((peer.close_code, await ended), (1001, 0))


# ---- hilo as client ------------------------------------------------------------------------------


@case("connect: every close code is answered with itself, and told by the exit code")
async def _():
    for code in CLOSE_CODES:

        async def talk(peer):
            await peer.close(code, "adiós")
            return peer.close_code

        answered, exit_code, _, errors = await be_server(["--wait", f"{PATIENCE}s"], talk)
        equal(answered, code)
        equal((exit_code, errors), (0 if code <= 1001 else 3, f'closed {code} "adiós"\n'))


@case("connect: its own Close carries code and reason")
async def _():
    async def talk(peer):
        await peer.wait_closed()
        return peer.close_code, peer.close_reason

    flags = ["--close-code", "4001", "--close-reason", "ya está"]
    told, _, _, _ = await be_server(flags, talk)
    equal(told, (4001, "ya está"))


@case("connect: lines of stdin are messages, and messages are lines of stdout")
async def _():
    async def talk(peer):
        async for message in peer:
            await peer.send(message)

    # This server answers pings before the messages in front of them, so that the Pong that hilo waits
    # for at the end of stdin says nothing about what is still to come: --count does.
    count = 1000
    lines = "".join(f"{THREAD} {i}\n" for i in range(count)).encode()
    _, exit_code, out, errors = await be_server(["--count", str(count)], talk, lines)
    equal((exit_code, out), (0, lines))
    equal(errors, 'closed 1000 ""\n')


@case("connect: a connection that breaks is told by the exit code")
async def _():
    async def talk(peer):
        await comes_back(peer, "hola")
        peer.transport.abort()

    _, exit_code, _, _ = await be_server(["--echo"], talk)
    equal(exit_code, 3)


@case("connect: the subprotocol is agreed upon")
async def _():
    async def talk(peer):
        await peer.close()
        return peer.subprotocol

    flags = ["--subprotocol", "other", "--subprotocol", "chat", "--echo"]
    agreed, exit_code, _, _ = await be_server(flags, talk, subprotocols=["chat"])
    equal((agreed, exit_code), ("chat", 0))


@case("connect: a message above 1 MiB is refused with 1009")
async def _():
    async def talk(peer):
        try:
            await peer.send(bytes(MIB + 1))
        except websockets.ConnectionClosed:
            pass
        await peer.wait_closed()
        return peer.close_code

    told, exit_code, _, _ = await be_server(["--echo"], talk)
    equal((told, exit_code), (1009, 3))


def main():
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "certificates.sh")
    subprocess.run(["sh", script, FOLDER.name], check=True)
    return run_cases(lambda function: asyncio.run(asyncio.wait_for(function(), PATIENCE)))


if __name__ == "__main__":
    sys.exit(main())
