# SPDX-License-Identifier: MIT
"""Many at once: connects by the hundred thousand, handshakes that are never finished."""

import os
import pathlib
import re
import socket
import ssl
import subprocess
import sys
import time

from crowd import quantile
from hosts import (
    BUILD,
    bench,
    check,
    fault,
    metrics,
    mib,
    ms,
    resident_bytes,
    serve,
    split_address,
    start_bench,
)

SCALE = pathlib.Path(__file__).resolve().parents[2] / "bench" / "scale.py"


def listen_drops():
    rows = pathlib.Path("/proc/self/net/netstat").read_text().splitlines()
    values = dict(zip(rows[0].split(), rows[1].split()))
    return int(values["ListenDrops"]) + int(values["ListenOverflows"])


@fault("F19", "storms of 100,000 connects")
def _():
    with serve() as server:
        quiet = bench(server.url(), "-c", "10", "--rate", "200", "-d", "2s")["latency"]
        drops = listen_drops()
        memory = resident_bytes(server.process.pid)
        there = start_bench(server.url(), "-c", "10", "--rate", "200", "-d", "60s")
        time.sleep(1)
        opened = 0
        begun = time.monotonic()
        # Rounds until 100,000 have come: open, one message, close.
        while opened < 100_000:
            check(time.monotonic() - begun < 200, f"only {opened} came")
            storm = bench(
                server.url(), "--mode", "connect", "-c", "1000", "-d", "5s", "--warm-up", "0", "--reset"
            )
            check(storm["failed"] == 0, f"connects failed: {storm.get('first_failure')}")
            opened = metrics(server)["upgrades_total"]
        took = time.monotonic() - begun
        values = metrics(server)
        there.terminate()
        grown = resident_bytes(server.process.pid) - memory
        rejects = sum(v for name, v in values.items() if name.startswith("rejects_total"))
        check(rejects == 0, f"{rejects:.0f} were refused")
        drops = listen_drops() - drops
        check(drops == 0, f"the kernel dropped {drops}")
        beside = bench(server.url(), "-c", "10", "--rate", "200", "-d", "1s")["latency"]
    # And as many that stay, over several servers, as each may have 20,000 descriptors.
    done = subprocess.run(
        [sys.executable, str(SCALE), "--connections", "100000", "--hold", "3"],
        env=os.environ | {"BUILD": str(BUILD)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    check(done.returncode == 0, done.stdout + done.stderr)
    told = re.sub(r"\s+", " ", done.stdout.strip()).replace(" server:", "; server:")
    return (
        f"{opened:,.0f} came and went in {took:.0f} s, none failed, 0 drops of the listen queue, "
        f"memory {mib(grown)} more; "
        f"an echo's p99 {quiet['p99_us'] / 1000:.1f} ms before and {beside['p99_us'] / 1000:.1f} ms "
        f"after. Staying: {told}"
    )


@fault("F21", "TLS: 10,000 handshakes that stand still, and others beside them")
def _():
    with serve("--tls-self-signed", "--tls-handshake-timeout", "10s") as server:
        address = split_address(server.addresses[0])
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        outgoing = ssl.MemoryBIO()
        try:
            context.wrap_bio(ssl.MemoryBIO(), outgoing).do_handshake()
        except ssl.SSLWantReadError:
            pass
        hello = outgoing.read()
        half = []
        for number in range(10_000):
            connection = socket.socket()
            connection.bind((f"127.0.2.{number % 4 + 1}", 0))
            connection.connect(address)
            # Some before the server has anything to do, some after it has answered.
            connection.sendall(hello if number % 2 else hello[:50])
            half.append(connection)
        begun, took = time.monotonic(), []
        while time.monotonic() - begun < 3:
            at = time.monotonic()
            with context.wrap_socket(socket.create_connection(address)) as whole:
                whole.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
                check(b" 200 " in whole.recv(4096), "a whole handshake is not served")
            took.append(time.monotonic() - at)
            time.sleep(max(0, at + 0.005 - time.monotonic()))
        worst = quantile(took, 0.99)
        check(worst < 1, f"p99 of whole ones: {worst:.2f} s")
        # They are ended when their time is over.
        gone = 0
        begun = time.monotonic()
        for connection in half:
            connection.settimeout(30)
            try:
                while connection.recv(8192):
                    pass
            except ConnectionResetError:
                pass
            gone += 1
        return (
            f"{len(took)} whole ones beside them ({len(took) / 3:.0f} a second): p50 "
            f"{ms(quantile(took, 0.5))}, p99 {ms(worst)}; "
            f"all {gone:,} half ones were ended by the time limit of 10 s"
        )
