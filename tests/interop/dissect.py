#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`hilo explain` beside Wireshark's dissection (tshark) of one recording: a chat, from the requests to
the stats event, an echo with frames of all sizes, and an end. Each field has to stand at the same
bits and say the same."""

import random
import shutil
import subprocess
import sys
import tempfile

from dissection import hilo_frames, same_frames, speaks, tshark_frames
from programs import PIPE, Serve, Tap, case, contains, equal, run, run_cases

if not shutil.which("tshark"):
    print("skip dissect: tshark is not installed")
    sys.exit(0)


def record(folder):
    """(the capture, the port that its servers have)"""
    capture = f"{folder}/talk.pcapng"
    with Serve("--deflate") as server:
        target = f"ws://{server.addresses[0]}"
        with Tap(target, "--capture", capture) as tap:
            for transport in ("polling", "upgrade", "websocket"):
                chat = b'ack join "sala" "Ana"\nemit message "\xc2\xa1hola!"\n'
                flags = ["--socketio", "--transport", transport, "--count", "3"]
                code, out, _ = run("connect", *flags, tap.url("/"), stdin=chat)
                equal(code, 0)
                contains(out.decode(), '"stats"')
            lines = [bytes([97 + i % 26]) * size for i, size in enumerate((0, 1, 125, 126, 300, 2000))]
            run("connect", "--ping", tap.url(), stdin=b"\n".join(lines[1:]) + b"\n")
            noise = random.Random(7).randbytes(200)
            run("connect", "--binary", "--one", tap.url(), stdin=noise)
            run("connect", "--close-code", "4321", "--close-reason", "ya está", tap.url(), stdin=b"x\n")
            tap.stop()
        return capture, server.addresses[0].rsplit(":", 1)[1]


FOLDER = tempfile.TemporaryDirectory(prefix="hilo-dissect-")
CAPTURE, PORT = record(FOLDER.name)


@case("every frame has its fields at the same bits, with the same values, as Wireshark says")
def _():
    theirs = tshark_frames(CAPTURE, PORT)
    code, ours, _ = hilo_frames(CAPTURE)
    equal(code, 0)
    compared = same_frames(theirs, ours)
    if compared < 100:
        raise AssertionError(f"only {compared} fields were compared")


@case("every request and answer has the lines that Wireshark finds")
def _():
    command = ["tshark", "-r", CAPTURE, *speaks(PORT), "-Y", "http", "-T", "fields"]
    fields = ["http.request.method", "http.request.uri", "http.response.code"]
    done = subprocess.run(
        [*command, *[word for name in fields for word in ("-e", name)]], stdout=PIPE, stderr=PIPE, check=True
    )
    theirs = sorted(line.split("\t") for line in done.stdout.decode().splitlines())
    _, _, parts = hilo_frames(CAPTURE)
    ours = []
    for part in parts:
        if part["layer"] == "http" and part["depth"] == 0 and part["name"] == "request":
            ours.append([*part["value"].split(" ", 1), ""])
        elif part["layer"] == "http" and part["depth"] == 0 and part["name"] == "response":
            ours.append(["", "", part["value"].split()[0]])
    equal(sorted(ours), theirs)


@case("the recording goes up to the stats event, over polling and over a WebSocket")
def _():
    _, _, parts = hilo_frames(CAPTURE)
    stats = [part for part in parts if part["layer"] == "socketio" and "stats" in part["value"]]
    # By polling it stands in a body, over a WebSocket in a frame.
    equal(len(stats) >= 2, True)
    equal({part["error"] for part in parts if "error" in part}, set())


if __name__ == "__main__":
    sys.exit(run_cases())
