# SPDX-License-Identifier: MIT
"""Good and bad traffic for a while, and what it leaves."""

import os
import random
import socket
import threading
import time

from crowd import frame, request
from hosts import (
    check,
    descriptors,
    end_bench,
    fault,
    metrics,
    mib,
    resident_bytes,
    sees_no_clients,
    serve,
    split_address,
    start_bench,
    wait_for,
)

BAD = [
    b"GET / HTTP/1.1\r\n\r\n",
    b"\x16\x03\x01\x02\x00garbage",
    b"A" * 20_000,
    b"POST /body HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n",
]
BAD_FRAMES = [
    b"\x81\x05hello",  # not masked
    b"\xf1\x80\0\0\0\0",  # reserved bits
    frame(1, b"\xff\xfe"),  # no UTF-8
    b"\x82\xff" + b"\x7f" + b"\xff" * 7 + b"\0\0\0\0",  # far too long
    frame(9, bytes(125)) * 40 + b"\x89\xff",  # a ping that may not be so long
    frame(1, b"never finished", fin=0),
]


@fault("F37", "a soak of good and bad traffic (SOAK_SECONDS=60)")
def _():
    seconds = int(os.environ.get("SOAK_SECONDS", "60"))
    with serve("--deflate", "--message-timeout", "2s") as server:
        address = split_address(server.addresses[0])
        pid = server.process.pid
        at_work, spoilt = [True], [0]

        def spoil():
            chance = random.Random(1)
            while at_work[0]:
                try:
                    with socket.create_connection(address, 5) as connection:
                        bad = chance.choice(BAD + BAD_FRAMES)
                        if bad in BAD_FRAMES:
                            connection.sendall(request(server.addresses[0]) + bad)
                        else:
                            connection.sendall(bad[: chance.randint(1, len(bad))])
                        connection.settimeout(0.02)
                        connection.recv(4096)
                except OSError:
                    pass
                spoilt[0] += 1
                time.sleep(0.02)

        loads = [
            (server.url(), ["-c", "40", "--rate", "3000", "-s", "200"]),
            (server.url(), ["-c", "10", "--rate", "300", "-s", "20KiB", "--deflate", "--payload", "json"]),
            (server.url("/broadcast"), ["--mode", "fanout", "-c", "20"]),
            (server.url("/"), ["--socketio", "-c", "20"]),
            (server.url(), ["--mode", "connect", "-c", "4"]),
        ]
        started = [start_bench(url, *flags, "-d", f"{seconds}s") for url, flags in loads]
        spoilers = [threading.Thread(target=spoil, daemon=True) for _ in range(2)]
        for each in spoilers:
            each.start()
        points = []
        begun = time.monotonic()
        while (at := time.monotonic() - begun) < seconds:
            points.append((at, resident_bytes(pid), metrics(server)["timers"]))
            time.sleep(1)
        results = [end_bench(each) for each in started]
        at_work[0] = False
        for each in spoilers:
            each.join(10)
        for result in results:
            check(result["failed"] == 0, f"a good connection failed: {result}")
        wait_for(lambda: sees_no_clients(server), "all are gone")
        fds = descriptors(pid)
        # The line through the second half, where all memory that is kept has been taken.
        half = points[len(points) // 2 :]
        mean_t = sum(t for t, _, _ in half) / len(half)
        mean_m = sum(m for _, m, _ in half) / len(half)
        slope = sum((t - mean_t) * (m - mean_m) for t, m, _ in half) / sum(
            (t - mean_t) ** 2 for t, _, _ in half
        )
        grown = half[-1][1] - half[0][1]
        check(grown < 1 << 20, f"memory grew by {mib(grown)} in the second half")
        left = metrics(server)["timers"]
        messages = sum(result["messages"] for result in results)
        return (
            f"{seconds} s: {messages:,} good messages, {spoilt[0]:,} bad peers; memory "
            f"{slope * 3600 / (1 << 20):+.1f} MiB/h in the second half "
            f"({grown / 1024:+.0f} KiB), afterwards {fds} descriptors, {left:.0f} timers"
        )
