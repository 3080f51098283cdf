#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`hilo fuzz`: it finds nothing in `hilo serve`, it finds what is broken elsewhere, and what it finds
is made smaller, saved and played again."""

import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading

from programs import (
    HILO,
    PATIENCE,
    PIPE,
    Serve,
    case,
    contains,
    equal,
    frame,
    read_frame,
    read_head,
    run,
    run_cases,
    upgrade_response,
)

HERE = pathlib.Path(__file__).parent
# How long the fuzzer waits for what a broken server never sends; for a right one it waits longer.
ANSWER_WITHIN = ["--timeout", "1s"]
LONG = ["--timeout", "30s"]


def fuzz(*arguments):
    """(exit code, report)"""
    code, out, errors = run("fuzz", "--format", "json", *arguments)
    equal(errors, "")
    return code, json.loads(out)


def nothing_found(*arguments):
    code, report = fuzz(*LONG, *arguments)
    equal(report["findings"], [])
    equal((code, report.get("trouble")), (0, None))
    return report


# ---- hilo serve --------------------------------------------------------------------------------


@case("nothing is found in hilo's WebSockets, with and without compression")
def _():
    for flags, seed in ((["--deflate"], 1), ([], 2), (["--deflate", "--deflate-client-takeover"], 3)):
        with Serve(*flags) as server:
            report = nothing_found("--expect-echo", "--seed", str(seed), "--cases", "300", server.url())
            equal(report["levels"], {"legal": 100, "one-fault": 100, "noise": 100})
            equal(report["not_applicable"] == 0, "--deflate" in flags)
            equal(server.stop(signal.SIGINT)[0], 0)


@case("nothing is found in hilo's Engine.IO, both revisions")
def _():
    with Serve("--compliance", "engineio-echo") as server:
        report = nothing_found(
            "--expect-echo", "--revisions", "both", "--cases", "300", server.url("/engine.io/")
        )
        equal(report["cases"], 300)


@case("nothing is found in hilo's Socket.IO, both revisions")
def _():
    with Serve("--deflate") as server:
        report = nothing_found(
            "--expect-echo", "--revisions", "both", "--cases", "400", server.url("/socket.io/")
        )
        equal(report["not_applicable"], 0)


@case("nothing is found without an echo, where only pongs and Closes are due")
def _():
    with Serve() as server:
        nothing_found("--level", "legal", "--cases", "100", server.url("/broadcast"))


@case("nothing is found over TLS")
def _():
    with Serve("--tls-self-signed") as server:
        nothing_found("--expect-echo", "--insecure", "--cases", "150", "wss" + server.url()[2:])
        code, report = fuzz("--cases", "1", "wss" + server.url()[2:])
        equal(code, 1)
        contains(report["trouble"], "clean connection")


@case("the same seed sends the same bytes")
def _():
    # Behind a fault it depends on the server's haste how much is still sent.
    with Serve() as server, tempfile.TemporaryFile() as told:
        tap = subprocess.Popen(
            [HILO, "tap", "--format", "json", "127.0.0.1:0", server.url("")], stdout=told, stderr=PIPE
        )
        with tap:
            address = re.match(r"listening on (\S+)", tap.stderr.readline().decode()).group(1)
            for _ in range(2):
                nothing_found("--seed", "9", "--level", "legal", "--cases", "60", f"ws://{address}/echo")
            tap.send_signal(signal.SIGINT)
            tap.communicate(timeout=PATIENCE)
        told.seek(0)
        lines = [json.loads(line) for line in told]
    sent, closed = {}, set()
    for line in lines:
        shown = line.get("hex", line["name"])
        if line["direction"] == "to_server" and line["layer"] in ("http", "frame"):
            sent.setdefault(line["connection"], []).append(shown)
        if line["direction"] == "to_client" and line["layer"] == "frame" and shown.startswith("88 "):
            closed.add(line["connection"])
    first, second = list(sent)[: len(sent) // 2], list(sent)[len(sent) // 2 :]
    equal((len(first), len(first) > 100), (len(second), True))
    whole = 0
    for one, other in zip(first, second):
        if {one, other} <= closed:
            whole += 1
            equal((one, sent[one] == sent[other]), (one, True))
        else:
            # It ended without a Close: a reset overtakes what was sent in front of it.
            seen = min(len(sent[one]), len(sent[other]))
            equal((one, sent[one][:seen] == sent[other][:seen]), (one, True))
    equal((whole, whole > 80), (whole, True))


# ---- servers that are broken ---------------------------------------------------------------------


@case("what is broken is found, made smaller, saved, and found again in the file")
def _():
    for fault, kind, cases in (
        ("accepts-rsv", "fault-accepted", 300),
        ("accepts-any-close-code", "wrong-answer", 300),
        ("no-utf8", "illegal-bytes", 300),
        ("loses-fragment", "broken-echo", 100),
        ("mask-restarts", "broken-echo", 60),
        ("sends-half-a-frame", "illegal-bytes", 30),
        ("closes-with-1011", "wrong-answer", 300),
        ("closes-silently", "wrong-answer", 300),
        ("no-close-echo", "hang", 9),
        ("compresses-with-bit-twice", "illegal-bytes", 150),
        ("deflate-takeover-kept", "illegal-bytes", 300),
    ):
        with Serve("--broken", fault) as server, Serve("--broken", "nothing") as right:
            check_found(fault, kind, str(cases), server.url(), right.url())


def check_found(fault, kind, cases, url, right):
    with tempfile.TemporaryDirectory() as folder:
        code, report = fuzz(
            *ANSWER_WITHIN, "--expect-echo", "--cases", cases, "--minimise", "12", "--save", folder, url
        )
        equal((fault, code, kind in report["classes"]), (fault, 1, True))
        found = next(each for each in report["findings"] if each["class"] == kind and each["again"])
        equal(pathlib.Path(found["file"]).parent, pathlib.Path(folder))
        code, out, _ = run("fuzz", *ANSWER_WITHIN, "--replay", found["file"], url)
        equal((fault, code), (fault, 1))
        contains(out.decode().splitlines()[-1], kind + ": ")
        contains(out.decode(), "client -> server")
        code, out, _ = run("fuzz", *LONG, "--replay", found["file"], right)
        equal((fault, code, out.decode().splitlines()[-1]), (fault, 0, "nothing was found"))


@case("a rule that is broken on a clean connection is found before the first case")
def _():
    for fault, words in (("masks", "is masked"), ("no-pong", "right is a pong"), ("wrong-accept", "")):
        with Serve("--broken", fault) as server:
            code, report = fuzz(*ANSWER_WITHIN, "--cases", "2", "--level", "legal", server.url())
            equal((fault, code, len(report["findings"]) > 0), (fault, 1, True))
            contains(report["findings"][0]["detail"], words)


@case("what is illegal by itself is cut down to what brings it about")
def _():
    with Serve("--broken", "sends-rsv") as server, tempfile.TemporaryDirectory() as folder:
        code, report = fuzz(
            *ANSWER_WITHIN, "--level", "legal", "--cases", "60", "--save", folder, server.url()
        )
        equal(code, 1)
        found = next(each for each in report["findings"] if each["class"] == "illegal-bytes")
        text = pathlib.Path(found["file"]).read_text(encoding="utf-8")
        # A request, and an empty message, whose answer has the wrong bit.
        sent = [len(size) // 2 for size in re.findall(r"(?m)^send 0 ([0-9a-f]+)$", text)]
        equal((len(sent), sent[-1] <= 6), (2, True))
        equal("pieces" in text, False)


class Naive:
    """A server that knows little: whole messages and pings come back, and all else is passed over.
    With `kills` it has a thread for each connection, and dies of a frame of which that is true;
    without it serves one connection to its end, and then the next one."""

    def __init__(self, kills=None):
        self.kills = kills
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.url = "ws://127.0.0.1:%d/" % self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                if self.kills:
                    threading.Thread(target=self.talk, args=[connection], daemon=True).start()
                else:
                    self.talk(connection)

    def talk(self, connection):
        # Errors of any kind end it: the fuzzer is here to break the rules.
        with connection, contextlib.suppress(Exception):
            connection.sendall(upgrade_response(read_head(connection)))
            while True:
                first, payload = read_frame(connection)
                if self.kills and self.kills(first):
                    return self.die()
                if first in (0x81, 0x88, 0x89):
                    connection.sendall(frame({1: 1, 8: 8, 9: 10}[first & 15], payload[:125]))
                if first == 0x88:
                    return

    def die(self):
        # What waits in accept() must wake up: closing alone leaves it there.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        with contextlib.suppress(OSError):
            self.die()


def is_binary(first):
    return first & 15 == 2


@case("a server that dies is found, with the case that killed it")
def _():
    with Naive(is_binary) as server, tempfile.TemporaryDirectory() as folder:
        code, report = fuzz(
            *ANSWER_WITHIN, "--expect-echo", "--level", "legal", "--minimise", "0", "--save", folder, server.url
        )
        equal((code, "server-died" in report["classes"]), (1, True))
        equal(report["trouble"], "the server is gone")
        (dead,) = [each for each in report["findings"] if each["class"] == "server-died"]
        with Naive(is_binary) as again:
            code, out, _ = run("fuzz", *ANSWER_WITHIN, "--replay", dead["file"], again.url)
            equal((code, out.decode().splitlines()[-1].split(":")[0]), (1, "server-died"))


@case("a server that serves nobody else meanwhile is found")
def _():
    with Naive() as server:
        code, report = fuzz(*ANSWER_WITHIN, "--minimise", "3", "--cases", "12", server.url)
        equal((code, "liveness-lost" in report["classes"]), (1, True))


@case("nobody there, and who speaks no WebSockets, is told before the first case")
def _():
    code, report = fuzz("ws://127.0.0.1:1/")
    equal((code, report["cases"]), (1, 0))
    contains(report["trouble"], "cannot connect")
    with Serve() as server:
        code, report = fuzz(server.url("/health"))
        equal((code, report["cases"]), (1, 0))
        contains(report["trouble"], "right is 101")


# ---- other people's servers ----------------------------------------------------------------------


@contextlib.contextmanager
def peer(*command):
    with subprocess.Popen([*command, "serve"], stdout=PIPE, text=True) as server:
        try:
            yield f"ws://127.0.0.1:{server.stdout.readline().split()[-1]}/"
        finally:
            server.kill()


@case("npm ws and Python websockets: runs come to their end, and findings are of known classes")
def _():
    for command in (
        ["node", str(HERE / "peers/npm_ws_echo.mjs")],
        ["/usr/bin/python3", str(HERE / "peers/python_websockets_echo.py")],
    ):
        with peer(*command) as url:
            code, report = fuzz(
                *ANSWER_WITHIN, "--expect-echo", "--cases", "300", "--minimise", "0", url
            )
            equal((code in (0, 1), report["cases"], report.get("trouble")), (True, 300, None))
            if {"server-died", "liveness-lost"} & set(report["classes"]):
                raise AssertionError(report["classes"])


# ---- usage -----------------------------------------------------------------------------------


@case("wrong usage ends with 2, a file that is no reproducer with 1")
def _():
    for arguments, wanted in (
        ([], 2),
        (["nowhere"], 2),
        (["--level", "loud", "ws://a.example/"], 2),
        (["--protocol", "smtp", "ws://a.example/"], 2),
        (["--cases", "0", "ws://a.example/"], 2),
        (["--replay", "/nonexistent", "ws://127.0.0.1:1/"], 1),
        (["--replay", __file__, "ws://127.0.0.1:1/"], 1),
    ):
        code, _, errors = run("fuzz", *arguments)
        equal((arguments, code, errors.count("\n")), (arguments, wanted, 1))


@case("the report goes where it is wanted")
def _():
    with Serve() as server, tempfile.TemporaryDirectory() as folder:
        file = os.path.join(folder, "report.json")
        done = run("fuzz", "--cases", "3", "--format", "json", "--output", file, server.url())
        equal(done, (0, b"", ""))
        equal(json.loads(pathlib.Path(file).read_text(encoding="utf-8"))["cases"], 3)
        code, out, _ = run("fuzz", "--cases", "3", "--seed", "5", server.url())
        contains(out.decode(), "seed 5: 3 cases (1 legal, 1 one-fault, 1 noise)")
        contains(out.decode(), "nothing was found")
        equal(run("fuzz", "--cases", "3", "--output", folder, server.url())[0], 1)


sys.exit(run_cases())
