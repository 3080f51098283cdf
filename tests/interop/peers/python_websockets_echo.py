#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Python websockets as an echo, for `hilo conform`. How it is called: run.py."""

import asyncio
import logging
import sys

import websockets
import websockets.version

# What the peer does wrong is told by the report, not here.
logging.getLogger("websockets").setLevel(logging.CRITICAL)
OPTIONS = {"max_size": 1 << 20, "ping_interval": None, "close_timeout": 1}


async def echo(socket, *_):
    async for message in socket:
        await socket.send(message)


async def serve():
    async with websockets.serve(echo, "127.0.0.1", 0, **OPTIONS) as server:
        print("listening on", server.sockets[0].getsockname()[1], flush=True)
        await asyncio.Future()


async def play(urls):
    while urls:
        try:
            async with websockets.connect(urls.pop(0), open_timeout=5, **OPTIONS) as socket:
                await echo(socket)
        except Exception:  # of any kind: the peer is here to break the rules
            continue


async def connect(base):
    urls = [base + line.strip() for line in sys.stdin]
    await asyncio.gather(*(play(urls) for _ in range(16)))


if sys.argv[1] == "version":
    print(f"Python websockets {websockets.version.version}, Python {sys.version.split()[0]}")
    sys.exit()
asyncio.run(serve() if sys.argv[1] == "serve" else connect(sys.argv[2]))
