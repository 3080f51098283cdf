# SPDX-License-Identifier: MIT
"""probe.py SECONDS PER_SECOND ADDRESS...: how long an echo takes, as one line of JSON.

The addresses are asked in turns by this one process, on a connection each, so that what else the machine does happens
to all of them alike, and they can be compared. `tls:127.0.0.1:8443` is one over TLS.
"""

import gc
import json
import random
import sys
import time

from wire import TEXT, Peer, frame

MESSAGE = frame(TEXT, b"x" * 20)


def echo(peer):
    began = time.perf_counter_ns()
    peer.send(MESSAGE)
    opcode, payload = peer.receive()
    took = time.perf_counter_ns() - began
    if opcode != TEXT or payload != MESSAGE[6:]:
        raise AssertionError(f"the echo was {opcode} {payload!r:.80}")
    return took / 1000


def percentile(times, percent):
    return sorted(times)[min(len(times) - 1, int(len(times) * percent / 100))]


def main():
    seconds, per_second, targets = float(sys.argv[1]), float(sys.argv[2]), sys.argv[3:]
    peers = [Peer(target.removeprefix("tls:"), target.startswith("tls:")) for target in targets]
    for peer in peers:
        peer.upgrade("/echo")
        for _ in range(20):  # What runs for the first time takes longer.
            echo(peer)
    gc.disable()
    times = [[] for _ in targets]
    places = list(range(len(targets)))
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        random.shuffle(places)
        for place in places:
            times[place].append(echo(peers[place]))
        time.sleep(1 / per_second)
    figures = [{"count": len(each), "p50_us": percentile(each, 50), "p99_us": percentile(each, 99)} for each in times]
    print(json.dumps(figures))


if __name__ == "__main__":
    main()
