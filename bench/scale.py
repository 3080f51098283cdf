#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Idle WebSocket connections by the hundred thousand, on one machine: `make bench-scale`.

    python3 bench/scale.py [--connections N] [--per-process N] [--hold SECONDS]

A process may have some 20,000 descriptors, so several servers and as many generators share them; both ends are on this
machine. A generator is `hilo bench` that sends one message a second over all of its connections together. Told are the
time until all are open, the memory of the servers and of the kernel for each, how long an echo takes beside them, and
whether all are still there at the end.
"""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import urllib.request

BUILD = pathlib.Path(os.environ.get("BUILD", "build/release")).resolve()
HILO = str(BUILD / "hilo")
PATIENCE = 300  # seconds: a guard against hanging, not a measurement


class Server:
    def __init__(self):
        command = [HILO, "serve", "--listen", "127.0.0.1:0", "--log-level", "error"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        port = self.process.stdout.readline().split()[2].split(":")[-1]
        self.address = f"127.0.0.1:{port}"
        self.bytes_before = self.resident_bytes()

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text()
        return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M).group(1)) * 1024

    def open_count(self):
        with urllib.request.urlopen(f"http://{self.address}/metrics", timeout=PATIENCE) as answer:
            text = answer.read().decode()
        return int(re.search(r'^hilo_conns\{state="open"\} (\d+)$', text, re.M).group(1))


def kernel_bytes():
    """What the kernel holds in slabs, which is where its sockets are."""
    text = pathlib.Path("/proc/meminfo").read_text()
    return int(re.search(r"^Slab:\s+(\d+) kB", text, re.M).group(1)) * 1024


def start_load(server, count, seconds):
    asked = [HILO, "bench", "-c", str(count), "--rate", "1", "--duration", f"{seconds}s", "--json",
             f"ws://{server.address}/echo"]
    return subprocess.Popen(asked, stdout=subprocess.DEVNULL)


def wait_for(servers, wanted):
    began = time.monotonic()
    while (there := sum(server.open_count() for server in servers)) < wanted:
        if time.monotonic() - began > PATIENCE:
            raise SystemExit(f"only {there:,} of {wanted:,} are open after {PATIENCE} s")
        time.sleep(0.2)
    return time.monotonic() - began


def echo_beside(server, seconds):
    asked = [HILO, "bench", "-c", "1", "--rate", "500", "--duration", f"{seconds}s", "--json",
             f"ws://{server.address}/echo"]
    return json.loads(subprocess.run(asked, stdout=subprocess.PIPE, check=True).stdout)["latency"]


def report(given, servers, took, kernel, latency):
    user = sum(server.resident_bytes() - server.bytes_before for server in servers) / given.connections
    # Both ends of a connection are sockets of this kernel.
    socket = kernel / given.connections / 2
    there = sum(server.open_count() for server in servers)
    print(f"{given.connections:,} connections on {len(servers)} servers in {took:.1f} s, "
          f"{given.connections / took:,.0f} a second")
    print(f"server: {user:,.0f} B of user space and {socket:,.0f} B of the kernel's slabs for each; "
          f"a million: {(user + socket) * 1e6 / (1 << 30):.1f} GiB")
    print(f"an echo beside them: p50 {latency['p50_us']:.0f} µs, p99 {latency['p99_us']:.0f} µs")
    print(f"after {given.hold} s there are {there:,}")
    return 0 if there == given.connections else 1


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--connections", type=int, default=150_000)
    parser.add_argument("--per-process", type=int, default=19_000)
    parser.add_argument("--hold", type=int, default=40, help="seconds; pings and their answers are among them")
    given = parser.parse_args()
    shares = [given.per_process] * (given.connections // given.per_process)
    if rest := given.connections % given.per_process:
        shares.append(rest)
    servers = [Server() for _ in shares]
    loads = []
    try:
        before = kernel_bytes()
        loads = [start_load(server, share, PATIENCE + given.hold) for server, share in zip(servers, shares)]
        took = wait_for(servers, given.connections)
        kernel = kernel_bytes() - before
        until = time.monotonic() + given.hold
        latency = echo_beside(servers[-1], min(10, given.hold))
        time.sleep(max(0, until - time.monotonic()))
        return report(given, servers, took, kernel, latency)
    finally:
        for process in [*loads, *(server.process for server in servers)]:
            process.send_signal(signal.SIGKILL)
            process.wait()


if __name__ == "__main__":
    raise SystemExit(main())
