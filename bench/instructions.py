#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Instructions outside the kernel for one message, by callgrind: `make bench-instructions`.

    python3 bench/instructions.py [--also NAME=COMMAND] [--profile FILE]

Unlike times these are the same on a busy machine. A server runs under callgrind while `hilo bench` loads it; what it
ran before and after is the same in a short run and in a long one, so that their difference, divided by that of the
messages that were answered, is what a message takes. --also counts another server that prints "listening on PORT".
"""

import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile

BUILD = pathlib.Path(os.environ.get("BUILD", "build/release")).resolve()
HILO = str(BUILD / "hilo")
LOADS = {
    "20 B × 1 × 1": ["-s", "20", "-c", "1", "-i", "1"],
    "20 B × 64 × 1": ["-s", "20", "-c", "64", "-i", "1"],
    "20 B × 64 × 16": ["-s", "20", "-c", "64", "-i", "16"],
    "1 KiB × 64 × 16": ["-s", "1KiB", "-c", "64", "-i", "16"],
    "16 KiB × 1 × 1": ["-s", "16KiB", "-c", "1", "-i", "1"],
    "connect, upgrade, Close × 16": ["--mode", "connect", "-c", "16"],
    "fan-out 64 B × 200 × 1, a delivery": ["-s", "64", "-c", "200", "--mode", "fanout"],
    "fan-out 64 B × 200 × 4, a delivery": ["-s", "64", "-c", "200", "-i", "4", "--mode", "fanout"],
    "1 MiB × 1 × 1": ["-s", "1MiB", "-c", "1", "-i", "1"],
    "wss 1 KiB × 64 × 16": ["-s", "1KiB", "-c", "64", "-i", "16", "--insecure"],
}


def instructions(command, flags, seconds, scheme, profile):
    """(instructions of the whole run, messages answered)"""
    with tempfile.TemporaryDirectory() as folder:
        output = profile or f"{folder}/callgrind.out"
        valgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={output}", "-q", *command]
        # Where stderr is a file a thread writes to it, and in a process of two threads each system call costs libc
        # some thirty instructions more.
        with subprocess.Popen(valgrind, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as server:
            port = server.stdout.readline().split()[2].split(":")[-1]
            path = "/broadcast" if "fanout" in flags else "/echo"
            asked = [HILO, "bench", "--json", "--payload", "binary", "--warm-up", "0", "--duration", f"{seconds}s",
                     *flags, f"{scheme}://127.0.0.1:{port}{path}"]
            result = json.loads(subprocess.run(asked, stdout=subprocess.PIPE, check=True).stdout)
            server.send_signal(signal.SIGTERM)
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:  # who does not know the signal
                subprocess.run(["callgrind_control", "-d", str(server.pid)], check=True, stdout=subprocess.DEVNULL)
                server.kill()
        texts = [path.read_text() for path in pathlib.Path(output).parent.glob(pathlib.Path(output).name + "*")]
        totals = [int(number) for text in texts for number in re.findall(r"^(?:totals|summary): (\d+)", text, re.M)]
        return max(totals), result["messages"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--also", action="append", default=[])
    parser.add_argument("--only", default="")
    parser.add_argument("--profile", default="", help="keep callgrind's file of the last run here")
    given = parser.parse_args()
    servers = {"hilo": [HILO, "serve", "--listen", "127.0.0.1:0", "--log-level", "error"]}
    servers |= {name: command.split() for name, command in (each.split("=", 1) for each in given.also)}
    names = [given.only] if given.only in LOADS else [name for name in LOADS if given.only in name]
    loads = {name: LOADS[name] for name in names}
    print("| instructions a message | " + " | ".join(servers) + " |\n|---|" + "---|" * len(servers))
    for name, flags in loads.items():
        cells = []
        for server, command in servers.items():
            is_tls = "--insecure" in flags
            if is_tls and server != "hilo":
                cells.append("")
                continue
            command = [*command, "--tls-self-signed"] if is_tls else command
            scheme = "wss" if is_tls else "ws"
            short, few = instructions(command, flags, 0.4, scheme, "")
            long, many = instructions(command, flags, 2.4, scheme, given.profile)
            cells.append(f"{(long - short) / (many - few):,.1f}")
        print(f"| {name} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
