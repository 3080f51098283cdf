#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`hilo bench` from outside: each of its loads against `hilo serve` and against a server without any
protocol, its reports, and what it says of servers that fail. No figure is judged here, only that there
is one."""

import contextlib
import json
import os
import pathlib
import pty
import signal
import socket
import subprocess
import sys
import tempfile
import threading

from programs import HILO, PATIENCE, PIPE, RawServer, Serve, case, contains, equal, frame, read_frame, run, run_cases

QUICK = ("--warm-up", "100ms", "--interval", "100ms")
# Where nothing may be answered; and where something is, however long the machine stands still.
SHORT = (*QUICK, "--duration", "300ms")
UNTIL_ANSWERED = (*QUICK, "--duration", "50s", "--messages", "1")


def bench(*arguments, code=0, length=UNTIL_ANSWERED):
    """The one line of JSON."""
    got, out, errors = run("bench", *length, "--json", *arguments)
    if got != code:
        raise AssertionError(f"exit code {got}, wanted {code}: {out.decode()} {errors}")
    return json.loads(out)


def measured(result):
    equal((result["failed"], result["odd_messages"]), (0, 0))
    if not result["messages"] > 0 < result["rate"]:
        raise AssertionError(f"nothing was measured: {result}")
    return result


LOADS = {
    "a closed loop": ("/echo", ["-c", "8"]),
    "several in flight, two threads": ("/echo", ["-c", "9", "-i", "16", "-t", "2"]),
    "binary messages longer than a read": ("/echo", ["-c", "2", "-s", "600KiB", "--payload", "binary"]),
    "an open loop": ("/echo", ["-c", "4", "--rate", "500"]),
    "fan-out": ("/broadcast", ["--mode", "fanout", "-c", "20", "-i", "2"]),
    "fan-out over two threads": ("/broadcast", ["--mode", "fanout", "-c", "20", "-t", "2"]),
    "connections that come and go": ("/echo", ["--mode", "connect", "-c", "4"]),
    "connections that are reset": ("/echo", ["--mode", "connect", "-c", "4", "--reset"]),
    "a ramp": ("/echo", ["-c", "8", "--ramp", "100ms"]),
    "several addresses to come from": ("/echo", ["-c", "8", "--sources", "127.0.0.2-127.0.0.5"]),
    "Socket.IO, events with answers": ("/", ["--socketio", "-c", "8", "-i", "4"]),
    "Socket.IO, broadcasts": ("/", ["--socketio", "--mode", "fanout", "-c", "8"]),
    "Socket.IO, clients that come and go": ("/", ["--socketio", "--mode", "connect", "-c", "2"]),
}

for NAME, (PATH, ARGUMENTS) in LOADS.items():

    @case(f"bench: {NAME}")
    def _(path=PATH, arguments=ARGUMENTS):
        with Serve() as server:
            result = measured(bench(*arguments, "--pid", str(server.process.pid), server.url(path)))
            if not result["server"]["cpu_us_per_message"] > 0:
                raise AssertionError(f"the server costs nothing: {result}")


@case("bench: TLS, and compression")
def _():
    with Serve("--tls-self-signed", "--deflate") as server:
        url = server.url().replace("ws://", "wss://")
        measured(bench("-c", "4", "--insecure", url))
        json_echo = ("-c", "4", "--payload", "json", "-s", "4KiB", "--deflate", "--insecure", url)
        result = measured(bench(*json_echo))
        if not result["sent_bytes"] < result["messages"] * 4096:
            raise AssertionError(f"nothing was compressed: {result}")
        code, _, errors = run("bench", *SHORT, "-c", "4", url)  # without --insecure
        equal(code, 1)
        contains(errors, "a connection did not open")


@case("bench: what connections cost in memory while they are idle")
def _():
    with Serve() as server:
        idle = bench("--mode", "idle", "-c", "500", "--pid", str(server.process.pid), server.url(), length=SHORT)
        equal((idle["open"], idle["failed"]), (600, 0))  # a hundred pay for what all share
        if not 0 < idle["server"]["bytes_per_connection"] < 100_000:
            raise AssertionError(f"odd memory: {idle['server']}")


@contextlib.contextmanager
def raw_echo():
    """A server that sends back what comes."""

    def serve(connection):
        with contextlib.suppress(OSError), connection:
            while data := connection.recv(65536):
                connection.sendall(data)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    listener = socket.create_server(("127.0.0.1", 0), backlog=64)
    threading.Thread(target=accept, daemon=True).start()
    yield f"tcp://127.0.0.1:{listener.getsockname()[1]}"
    listener.close()


@case("bench --messages ends it as soon as so many are answered, and no sooner")
def _():
    with Serve() as server:
        count = ("--duration", "50s", "--messages", "3000", "--interval", "10ms", "--warm-up", "0")
        result = measured(bench("-c", "4", server.url(), length=count))
        if not result["messages"] >= 3000 or not result["seconds"] < 50:
            raise AssertionError(f"it did not end by its count: {result}")
        code, _, errors = run("bench", "--mode", "idle", "--messages", "1", server.url())
        equal(code, 2)
        contains(errors, "--mode idle has no --messages")


@case("bench: a server without any protocol")
def _():
    with raw_echo() as url:
        measured(bench("-c", "4", "-i", "4", url))
        measured(bench("--mode", "connect", "-c", "4", "--reset", url))


@case("bench: the report as text, as a page, and for plotters; several runs in one")
def _():
    with Serve() as server, tempfile.TemporaryDirectory() as folder:
        page, plotted = pathlib.Path(folder, "report.html"), pathlib.Path(folder, "report.hgrm")
        code, out, errors = run("bench", *UNTIL_ANSWERED, "-c", "4", "--rounds", "2", "--html", str(page),
                                "--hgrm", str(plotted), server.url())
        equal((code, errors), (0, ""))
        text = out.decode()
        for part in ("run 1", "run 2", "4 connections × 1 in flight", "messages", "latency      p50",
                     "p99.99", "connecting", "opening", "generator"):
            contains(text, part)
        html = page.read_text()
        for part in ("<!doctype html>", "run 1", "run 2", "<svg", "Latency by percentile"):
            contains(html, part)
        lines = plotted.read_text().splitlines()
        contains(lines[0], "1/(1-Percentile)")
        contains(lines[-1], "Total count")


@case("bench --compare: two servers in turns, and the ratios of their rounds")
def _():
    with Serve() as one, Serve() as two:
        pids = ["--pid", str(one.process.pid), "--pid", str(two.process.pid)]
        arguments = ["-c", "4", "--rounds", "3", *pids, "--compare", one.url(), two.url()]
        result = bench(*arguments)
        equal(len(result["runs"]), 6)
        equal([run["url"] for run in result["runs"]], [one.url(), two.url()] * 3)
        names = [ratio["what"] for ratio in result["ratios"]]
        equal(names[:2], ["processor time of the server, each", "rate"])
        for ratio in result["ratios"]:
            if not 0 < ratio["least"] <= ratio["median"] <= ratio["most"]:
                raise AssertionError(f"odd ratio: {ratio}")
        code, out, _ = run("bench", *UNTIL_ANSWERED, *arguments)
        equal(code, 0)
        contains(out.decode(), "A / B")


@case("bench --compare: of a server that answers nothing no rate is compared, but how long it was waited for")
def _():
    def keep(connection):
        while connection.recv(65536):
            pass

    with Serve() as server, RawServer(keep) as silent:
        result = bench("-c", "1", "--compare", server.url(), silent.url, length=SHORT)
        equal(result["runs"][1]["messages"], 0)
        equal([ratio["what"] for ratio in result["ratios"]], ["latency p50", "latency p99", "opening p50"])


@case("bench --expect decides the exit code")
def _():
    with Serve() as server:
        met = ("--expect", "p99<1h", "--expect", "failed<1")
        equal(run("bench", *UNTIL_ANSWERED, "-c", "2", *met, server.url())[0], 0)
        code, out, errors = run("bench", *UNTIL_ANSWERED, "-c", "2", "--expect", "rate>1000000000", server.url())
        equal(code, 3)
        contains(errors, "rate>1000000000 was expected, it is ")
        contains(out.decode(), "latency")
        code, _, errors = run("bench", "--expect", "speed<1", server.url())
        equal(code, 2)
        contains(errors, "is not written as p99<5ms")


@case("bench: what a server does not answer by the end counts with the time it has waited")
def _():
    half = 50

    def answer_half(connection):
        for _ in range(half):
            first, payload = read_frame(connection)
            connection.sendall(frame(first & 15, payload))
        while connection.recv(65536):  # and no more
            pass

    for flags in (["--rate", "500"], ["-i", "4"]):
        with RawServer(answer_half) as server:
            code, out, errors = run(
                "bench", "--json", "-c", "1", "--warm-up", "0", "--duration", "1s", *flags,
                "--expect", "p99<10ms", "--expect", "unanswered<1", server.url,
            )
            equal(code, 3)
            contains(errors, "p99<10ms was expected, it is ")
            contains(errors, "unanswered<1 was expected, it is ")
            result = json.loads(out)
            # What came before the measurement began is not part of it.
            equal((result["messages"] <= half, result["failed"]), (True, 0))
            equal(result["unanswered"] >= 4, True)


@case("bench: a broadcast that does not come to all is an error, and no rate")
def _():
    def keep(connection):
        while connection.recv(65536):
            pass

    with RawServer(keep) as server:
        code, out, errors = run(
            "bench", "--mode", "fanout", "-c", "1", "--warm-up", "0", "--duration", "1500ms", server.url
        )
        equal(code, 1)
        contains(errors, "a broadcast did not come to all: 1 deliveries are missing")


@case("bench: runs of a fan-out over threads end while rounds are under way")
def _():
    with Serve() as server:
        for _ in range(20):
            result = bench(
                "--mode", "fanout", "-c", "20", "-t", "2", server.url("/broadcast"),
                length=("--duration", "20ms", "--warm-up", "0"),
            )
            equal(result["failed"], 0)


@case("bench: what is not measured is not as expected")
def _():
    with Serve() as server:
        code, _, errors = run(
            "bench", *SHORT, "-c", "1", "--pid", str(server.process.pid), "--expect", "memory<1", server.url()
        )
        equal(code, 3)
        contains(errors, "memory<1 was expected, and is not known")
        code, _, errors = run("bench", "--compare", server.url(), "--hgrm", "x", server.url())
        equal(code, 2)
        contains(errors, "--hgrm is for one server")


@case("bench: without descriptors for its threads it says so")
def _():
    script = f"ulimit -n 40; exec '{HILO}' bench -t 30 -c 30 ws://127.0.0.1:1/"
    done = subprocess.run(["sh", "-c", script], capture_output=True, timeout=PATIENCE)
    equal(done.returncode, 1)
    contains(done.stderr.decode(), "cannot start thread ")


@case("bench says what is wrong with a server, and exits with 1")
def _():
    with Serve() as server:
        code, _, errors = run("bench", *SHORT, server.url("/nowhere"))
        equal(code, 1)
        contains(errors, "the handshake was answered with 404")
        code, _, errors = run("bench", *SHORT, "-s", "2MiB", "-c", "1", server.url())
        equal(code, 1)  # above the message limit: the server says Close 1009
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        code, _, errors = run("bench", *SHORT, f"ws://127.0.0.1:{closed.getsockname()[1]}/")
        equal(code, 1)
        contains(errors, "Connection refused")
        url = f"ws://127.0.0.1:{closed.getsockname()[1]}/"
        refused = bench("--mode", "connect", "-c", "4", url, code=1, length=SHORT)
        equal((refused["messages"], refused["failed"]), (0, 4))  # each once, and not again and again
    code, _, errors = run("bench", "--rate", "5", "--mode", "idle", "ws://127.0.0.1:1/")
    equal(code, 2)
    contains(errors, "--rate is for --mode echo")


@case("bench ends early when it is interrupted, and reports what was measured")
def _():
    with Serve() as server:
        arguments = ["--duration", "1h", "--warm-up", "0", "-c", "4", server.url()]
        with subprocess.Popen([HILO, "bench", *arguments], stdout=PIPE, stderr=PIPE) as process:
            # It is at work when the server has seen more than handshakes.
            while b"hilo_messages_in_total 0\n" in (page := server.get("/metrics").read()):
                equal(process.poll(), None)
            contains(page.decode(), "hilo_messages_in_total")
            process.send_signal(signal.SIGINT)
            out, _ = process.communicate(timeout=PATIENCE)
            equal(process.returncode, 0)
            contains(out.decode(), "messages")


@case("bench shows a panel on a terminal")
def _():
    master, slave = pty.openpty()
    with Serve() as server:
        process = subprocess.Popen([HILO, "bench", *SHORT, "-c", "4", server.url()], stdout=PIPE, stderr=slave)
        os.close(slave)
        shown = b""
        with contextlib.suppress(OSError):  # the end of a terminal
            while data := os.read(master, 4096):
                shown += data
        os.close(master)
        out, _ = process.communicate(timeout=PATIENCE)
        equal(process.returncode, 0)
        for part in ("warming up", "measuring [", "rate ", "p99", "failed", "\x1b[A"):
            contains(shown.decode(), part)
        if b"\x1b" in out:
            raise AssertionError("the report has escapes")


if __name__ == "__main__":
    sys.exit(run_cases())
