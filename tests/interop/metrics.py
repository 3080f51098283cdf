#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The page /metrics: every line of it by the grammar of Prometheus' text format (0.0.4), every
metric that is promised, and what they count."""

import contextlib
import json
import os
import re
import socket
import sys
import urllib.error
import urllib.request

from programs import (
    PATIENCE,
    Connect,
    Serve,
    case,
    contains,
    equal,
    open_raw,
    read_frame,
    run,
    run_cases,
)

# Name, type, and the labels that every sample of it has.
FAMILIES = {
    "hilo_conns": ("gauge", {"state"}),
    "hilo_accepts_total": ("counter", set()),
    "hilo_rejects_total": ("counter", {"layer", "reason"}),
    "hilo_closes_total": ("counter", {"code", "initiator"}),
    "hilo_bytes_in_total": ("counter", set()),
    "hilo_bytes_out_total": ("counter", set()),
    "hilo_messages_in_total": ("counter", set()),
    "hilo_messages_out_total": ("counter", set()),
    "hilo_sendq_bytes": ("gauge", set()),
    "hilo_sendq_bytes_max": ("gauge", set()),
    "hilo_loop_lag_seconds": ("histogram", set()),
    "hilo_handshake_seconds": ("histogram", set()),
    "hilo_inflate_ratio": ("gauge", set()),
    "hilo_timers": ("gauge", set()),
    "hilo_log_dropped_total": ("counter", set()),
    "hilo_mem_budget_used_bytes": ("gauge", set()),
    "hilo_mem_cached_bytes": ("gauge", set()),
    "hilo_calls_total": ("counter", {"call"}),
    "hilo_pool_allocations_total": ("counter", set()),
    "hilo_copied_bytes_total": ("counter", set()),
    "hilo_cpu_seconds_total": ("counter", set()),
}
# Beyond what faults.md of the design asks for; all are counters without labels.
MORE = (
    "shed http_requests upgrades transfers messages_dropped pongs_ignored bytes_ignored log_suppressed messages_inflated "
    "inflated_bytes inflated_wire_bytes messages_deflated deflated_bytes deflated_wire_bytes "
    "eio_opened eio_closed eio_upgraded eio_polls eio_posts eio_messages_in eio_messages_out "
    "eio_packets_lost sio_connected sio_disconnected sio_recovered sio_events_in sio_packets_out "
    "sio_relays_lost"
)
FAMILIES |= {f"hilo_{name}_total": ("counter", set()) for name in MORE.split()}

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (\d+(?:\.\d+)?)")


def parse(text):
    """{family: {(name, ((label, value), ...)): number}}; complains of whatever is not strict."""
    if not text.endswith("\n") or "\r" in text or "\n\n" in text:
        raise AssertionError("lines end with one line feed each, the last one too")
    families, types = {}, {}
    current = None
    lines = iter(text.splitlines())
    for line in lines:
        if line.startswith("#"):
            head = re.fullmatch(rf"# HELP ({NAME}) (\S.*)", line)
            if not head or "\\" in line:
                raise AssertionError(f"HELP was due: {line!r}")
            current = head.group(1)
            if current in families:
                raise AssertionError(f"{current} comes twice")
            families[current] = {}
            kind = re.fullmatch(rf"# TYPE {current} (counter|gauge|histogram)", next(lines))
            if not kind:
                raise AssertionError(f"TYPE of {current} was due behind its HELP")
            types[current] = kind.group(1)
            continue
        sample = SAMPLE.fullmatch(line)
        if not sample or current is None:
            raise AssertionError(f"no sample: {line!r}")
        name, labels, number = sample.group(1), sample.group(2) or "", float(sample.groups()[-1])
        suffixes = ("_bucket", "_sum", "_count") if types[current] == "histogram" else ("",)
        if name not in [current + suffix for suffix in suffixes]:
            raise AssertionError(f"{name} is none of {current}")
        key = (name, tuple(sorted(re.findall(LABEL, labels))))
        if key in families[current]:
            raise AssertionError(f"{line!r} comes twice")
        families[current][key] = number
    return families, types


def check_histogram(name, samples):
    buckets = [(dict(labels)["le"], n) for (full, labels), n in samples.items() if labels]
    bounds = [float(bound) for bound, _ in buckets]
    counts = [count for _, count in buckets]
    equal(bounds, sorted(set(bounds)))
    equal(bounds[-1], float("inf"))
    equal(buckets[-1][0], "+Inf")
    equal(counts, sorted(counts))
    equal(counts[-1], samples[(f"{name}_count", ())])
    total = samples[(f"{name}_sum", ())]
    if (total > 0) != (counts[-1] > 0) and name != "hilo_handshake_seconds":
        raise AssertionError(f"{name} has {counts[-1]} of {total} s")
    equal(len(samples), len(buckets) + 2)


def page(server):
    answer = server.get("/metrics")
    equal(answer.headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
    families, types = parse(answer.read().decode("ascii"))
    equal(
        sorted((name, types[name]) for name in families),
        sorted((name, kind) for name, (kind, _) in FAMILIES.items()),
    )
    for name, samples in families.items():
        kind, labels = FAMILIES[name]
        if kind == "histogram":
            check_histogram(name, samples)
            continue
        for _, pairs in samples:
            equal({label for label, _ in pairs}, labels)
        if not labels:
            equal(len(samples), 1)
    return families


def value(families, name, **labels):
    return families[name].get((name, tuple(sorted(labels.items()))), 0)


def post(server, target, body):
    return urllib.request.urlopen(f"http://{server.addresses[0]}{target}", data=body).read()


def refused(server, target):
    with contextlib.suppress(urllib.error.HTTPError):
        server.get(target)
        raise AssertionError(f"{target} was answered")


@case("the page is strict Prometheus text with the promised names, from one thread or three")
def _():
    for threads in ("1", "3"):
        with Serve("--threads", threads) as server:
            page(server)
            equal(run("connect", server.url(), stdin=b"one\n")[0], 0)
            run("connect", server.url("/nothing"))
            first, second = page(server), page(server)
            for name, (kind, _) in FAMILIES.items():
                if kind == "gauge":
                    continue
                for key, number in first[name].items():
                    if second[name][key] < number:
                        raise AssertionError(f"{key} went down")


@case("what is counted is what happened")
def _():
    with Serve("--deflate") as server:
        before = page(server)
        equal(value(before, "hilo_conns", state="open"), 0)
        equal(value(before, "hilo_conns", state="http"), 1)  # who asks
        equal(value(before, "hilo_closes_total", code="1000", initiator="peer"), 0)
        with Connect(server.url()) as client:
            for _ in range(3):
                client.say(b"hello")
                equal(client.hear(), b"hello")
            now = page(server)
            equal(value(now, "hilo_conns", state="open"), 1)
            for way in ("in", "out"):
                equal(value(now, f"hilo_messages_{way}_total"), 3)
                equal(value(now, f"hilo_bytes_{way}_total"), 15)
            equal(now["hilo_handshake_seconds"][("hilo_handshake_seconds_count", ())], 1)
            equal(value(now, "hilo_inflate_ratio"), 0)
            if value(now, "hilo_timers") < 1:
                raise AssertionError("no timer runs")
        run("connect", server.url("/nothing"))
        text = b"the same again and " * 1000
        equal(run("connect", server.url(), "--deflate", stdin=text + b"\n")[0], 0)
        after = page(server)
        equal(value(after, "hilo_closes_total", code="1000", initiator="peer"), 1)
        equal(value(after, "hilo_upgrades_total"), 2)
        equal(value(after, "hilo_rejects_total", layer="http", reason="not_found"), 1)
        equal(value(after, "hilo_messages_inflated_total"), 1)
        if value(after, "hilo_inflate_ratio") < 10:
            raise AssertionError("repetitions were not compressed")
        equal(after["hilo_handshake_seconds"][("hilo_handshake_seconds_count", ())], 2)
        lag = after["hilo_loop_lag_seconds"][("hilo_loop_lag_seconds_count", ())]
        if lag < 10:
            raise AssertionError(f"only {lag} turns")


@case("what messages cost in system calls, memory and processor time is counted")
def _():
    lines = b"".join(b"message %d\n" % i for i in range(1000))
    with Serve() as server:
        before = page(server)
        equal(run("connect", server.url(), stdin=lines)[1], lines)
        after = page(server)

        def spent(name, **labels):
            return value(after, name, **labels) - value(before, name, **labels)

        equal(spent("hilo_messages_in_total"), 1000)
        for call in ("wait", "read", "write"):
            # Messages that come together cost one call together.
            equal(0 < spent("hilo_calls_total", call=call) < 1000, True)
        equal(spent("hilo_pool_allocations_total") < 100, True)
        # Each answer into the buffer that leaves in one call, and what a read cut in two.
        equal(len(lines) < spent("hilo_copied_bytes_total") < 10 * len(lines), True)
        equal(spent("hilo_cpu_seconds_total") > 0, True)


@case("who moves to the thread that has the sessions of Socket.IO is accepted once")
def _():
    with Serve("--threads", "2") as server:
        before = page(server)
        for _ in range(40):
            equal(server.get("/socket.io/?EIO=4&transport=polling").read()[:1], b"0")
        after = page(server)
        equal(value(after, "hilo_accepts_total") - value(before, "hilo_accepts_total"), 41)
        if not 0 < value(after, "hilo_transfers_total") < 40:
            raise AssertionError("all came in at one thread, or nobody moved")
        equal(server.get("/health").read(), b"ok\n")


@case("sessions of Engine.IO and Socket.IO are counted, and who breaks their rules")
def _():
    for threads in ("1", "3"):
        with Serve("--threads", threads) as server:
            target = "/socket.io/?EIO=4&transport=polling"
            refused(server, "/socket.io/?EIO=9&transport=polling")
            opened = json.loads(server.get(target).read()[1:])
            session = f"{target}&sid={opened['sid']}"
            equal(post(server, session, b"40"), b"ok")
            if not server.get(session).read().startswith(b"40{"):
                raise AssertionError("CONNECT was not answered")
            equal(post(server, session, b"42no event"), b"ok")
            equal(server.get(session).read(), b"1")
            now = page(server)
            for name, count in (
                ("eio_opened", 1),
                ("eio_closed", 1),
                ("eio_posts", 2),
                ("eio_polls", 3),
                ("eio_messages_in", 2),
                ("eio_upgraded", 0),
                ("sio_connected", 1),
                ("sio_disconnected", 1),
                ("sio_recovered", 0),
            ):
                equal((name, value(now, f"hilo_{name}_total")), (name, count))
            for layer, reason in (("eio", "eio_version"), ("sio", "sio_json")):
                count = value(now, "hilo_rejects_total", layer=layer, reason=reason)
                equal((reason, count), (reason, 1))


@case("closes are told apart by code and by who ended them")
def _():
    with Serve() as server:
        run("connect", server.url(), "--count", "1", "--close-code", "4001", stdin=b"x\n")
        with open_raw(server.addresses[0]) as raw:
            raw.sendall(bytes([0x83, 0x80, 0, 0, 0, 0]))  # opcode 3
            equal(read_frame(raw)[1][:2], (1002).to_bytes(2, "big"))
        with open_raw(server.addresses[0]) as raw:
            raw.sendall(bytes([0x81]))
        for _ in range(1000):  # the ends are seen in the server's own time
            now = page(server)
            if sum(value(now, "hilo_conns", state=state) for state in ("open", "closing")) == 0:
                break
        equal(value(now, "hilo_closes_total", code="4xxx", initiator="peer"), 1)
        equal(value(now, "hilo_closes_total", code="1006", initiator="network"), 1)
        closes = now["hilo_closes_total"]
        equal(sum(closes.values()), 3)
        ours = [dict(labels)["code"] for _, labels in closes if dict(labels)["initiator"] == "us"]
        equal(len(ours), 1)


@case("what a slow reader leaves shows in the queues and in the memory")
def _():
    with Serve() as server:
        with open_raw(server.addresses[0]) as raw:
            payload = bytes(1 << 20)
            frame = bytes([0x82, 0xFF]) + len(payload).to_bytes(8, "big") + bytes(4) + payload
            raw.setblocking(False)
            rest = frame
            for _ in range(10000):  # until the kernel is full
                with contextlib.suppress(BlockingIOError):
                    rest = rest[raw.send(rest) :] or frame
                now = page(server)
                if value(now, "hilo_sendq_bytes") > 0:
                    break
            if not 0 < value(now, "hilo_sendq_bytes_max") <= value(now, "hilo_sendq_bytes"):
                raise AssertionError("nothing waits")
            if value(now, "hilo_mem_budget_used_bytes") < value(now, "hilo_sendq_bytes"):
                raise AssertionError("it waits nowhere")
        while value(now := page(server), "hilo_mem_budget_used_bytes") > 0:
            pass
        if value(now, "hilo_mem_cached_bytes") == 0:
            raise AssertionError("what waited was freed, and not kept for the next")


def log_a_line(server):
    """By a request that is refused."""
    host, port = server.addresses[0].rsplit(":", 1)
    with socket.create_connection((host, int(port)), PATIENCE) as raw:
        raw.sendall(b"\x01\r\n\r\n")
        while raw.recv(4096):
            pass


def fill(pipe):
    os.set_blocking(pipe, False)
    for size in (4096, 1):
        with contextlib.suppress(BlockingIOError):
            while os.write(pipe, b"x" * size):
                pass
    os.set_blocking(pipe, True)


@case("log lines that stderr does not take are counted, and told of when it takes some again")
def _():
    reading, writing = os.pipe()
    fill(writing)
    with os.fdopen(reading, "rb", buffering=0) as log, Serve(stderr=writing) as server:
        os.close(writing)
        dropped = value(page(server), "hilo_log_dropped_total")
        equal(dropped > 0, True)  # the line that says how it began
        for more in range(1, 4):
            log_a_line(server)
            equal(value(page(server), "hilo_log_dropped_total"), dropped + more)
        os.set_blocking(reading, False)
        while log.read(4096):
            pass
        os.set_blocking(reading, True)
        log_a_line(server)
        equal(value(page(server), "hilo_log_dropped_total"), dropped + 3)
        equal(server.stop()[0], 0)
        lines = log.readall().decode().splitlines()
    contains(lines[0], f" lvl=warn ev=log_dropped lines={int(dropped) + 3}")
    contains(lines[1], " ev=reject ")


if __name__ == "__main__":
    sys.exit(run_cases())
