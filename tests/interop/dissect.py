#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`hilo explain` beside Wireshark's dissection (tshark) of one recording: a chat, from the requests to
the stats event, an echo with frames of all sizes, and an end. Each field has to stand at the same
bits and say the same."""

import json
import random
import shutil
import subprocess
import sys
import tempfile

from programs import PATIENCE, PIPE, Serve, Tap, case, contains, equal, run, run_cases

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


# ---- Wireshark's words -----------------------------------------------------------------------


def raw(layer, name):
    """[hexadecimal, position, length, bit mask, type], or None."""
    found = layer.get(f"{name}_raw")
    return found[0] if found and isinstance(found[0], list) else found


def tshark_frames(capture, port):
    """{(client port, direction): [frame, ...]}, each frame as {field: (first bit, value)}."""
    command = ["tshark", "-r", capture, "-d", f"tcp.port=={port},http", "-Y", "websocket"]
    done = subprocess.run(
        [*command, "-T", "json", "-x", "--no-duplicate-keys"], stdout=PIPE, stderr=PIPE, timeout=PATIENCE, check=True
    )
    streams = {}
    for packet in json.loads(done.stdout):
        layers = packet["_source"]["layers"]
        tcp = layers["tcp"]
        payload_at = raw(layers, "tcp")[1] + raw(layers, "tcp")[2]
        base = int(tcp["tcp.seq"]) - 1 - payload_at  # positions in the packet become those in the stream
        to_server = tcp["tcp.dstport"] == port
        key = (tcp["tcp.srcport" if to_server else "tcp.dstport"], "to_server" if to_server else "to_client")
        frames = layers["websocket"]
        for frame in frames if isinstance(frames, list) else [frames]:
            streams.setdefault(key, []).append(tshark_frame(frame, base))
    return streams


def tshark_frame(frame, base):
    fields = {}
    for name, bit in (("fin", 0), ("opcode", 4), ("mask", 0)):
        text, at, *_ = raw(frame, f"websocket.{name}")
        fields[name] = ((base + at) * 8 + bit, int(text, 16))
    for name in ("payload_length", "payload_length_ext_16"):
        if value := raw(frame, f"websocket.{name}"):
            first = (base + value[1]) * 8 + (1 if name == "payload_length" else 0)
            fields[name] = (first, int(value[0], 16))
    if key := raw(frame, "websocket.masking_key"):
        fields["key"] = ((base + key[1]) * 8, key[0])
    if payload := raw(frame, "websocket.payload"):
        place = raw(frame, "websocket.masked_payload") or payload
        fields["payload"] = ((base + place[1]) * 8, payload[0])
    return fields


# ---- ours --------------------------------------------------------------------------------------

NAMES = {"FIN": "fin", "opcode": "opcode", "MASK": "mask", "masking key": "key"}


def hilo_frames(capture):
    """The same from `hilo explain`."""
    code, out, _ = run("explain", "--file", capture, "--format", "json")
    streams, parts = {}, [json.loads(line) for line in out.splitlines()]
    for part in parts:
        if part["layer"] != "frame":
            continue
        client = part["connection"].split(" > ")[0].rsplit(":", 1)[1]
        frames = streams.setdefault((client, part["direction"]), [])
        if part["depth"] == 0:
            frames.append({})
        elif name := NAMES.get(part["name"]):
            value = part["value"].replace(" ", "") if name == "key" else int(part["value"].split()[0], 0)
            frames[-1][name] = (part["bit"], value)
        elif part["name"].startswith("payload"):
            frames[-1]["payload"] = (part["bit"], part["hex"].replace(" ", ""))
        elif part["name"] == "length":
            frames[-1]["length"] = (part["bit"], int(part["value"].split()[0]))
        elif part["name"] == "extended length":
            frames[-1]["extended"] = (part["bit"], int(part["value"].split()[0]))
    return code, streams, parts


def unmask(wire, key):
    data, key = bytes.fromhex(wire), bytes.fromhex(key)
    return bytes(byte ^ key[i % 4] for i, byte in enumerate(data)).hex()


FOLDER = tempfile.TemporaryDirectory(prefix="hilo-dissect-")
CAPTURE, PORT = record(FOLDER.name)


@case("every frame has its fields at the same bits, with the same values, as Wireshark says")
def _():
    theirs = tshark_frames(CAPTURE, PORT)
    code, ours, _ = hilo_frames(CAPTURE)
    equal(code, 0)
    equal(sorted(ours), sorted(theirs))
    compared = 0
    for key, frames in theirs.items():
        equal((key, len(ours[key])), (key, len(frames)))
        for mine, other in zip(ours[key], frames):
            for name in ("fin", "opcode", "mask", "key"):
                equal((key, name, mine.get(name)), (key, name, other.get(name)))
                compared += name in mine
            equal(mine["length"][0], other["payload_length"][0])
            if "extended" in mine:
                equal(mine["extended"], other["payload_length_ext_16"])
            else:
                equal(mine["length"], other["payload_length"])
            place, wire = mine.get("payload", (None, ""))
            if "payload" in other:
                equal(place, other["payload"][0])
                equal(unmask(wire, mine["key"][1]) if "key" in mine else wire, other["payload"][1])
            compared += 2
    if compared < 100:
        raise AssertionError(f"only {compared} fields were compared")


@case("every request and answer has the lines that Wireshark finds")
def _():
    command = ["tshark", "-r", CAPTURE, "-d", f"tcp.port=={PORT},http", "-Y", "http", "-T", "fields"]
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
