# SPDX-License-Identifier: MIT
"""Frames of a capture, field by field, as `hilo explain` and as Wireshark's tshark read them."""

import json
import subprocess

from programs import PATIENCE, PIPE, equal, run

# ---- Wireshark's words -----------------------------------------------------------------------


def raw(layer, name):
    """[hexadecimal, position, length, bit mask, type], or None."""
    found = layer.get(f"{name}_raw")
    return found[0] if found and isinstance(found[0], list) else found


def tshark_frames(capture, port, key_log=None):
    """{(client port, direction): [frame, ...]}, each frame as {field: (first bit, value)}. With a key
    log the bits count from the beginning of the frame: where the clear stream begins tshark does not
    say."""
    command = ["tshark", "-r", capture, "-Y", "websocket", *speaks(port, key_log)]
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
            start = base if key_log is None else -raw(frame, "websocket.fin")[1]
            streams.setdefault(key, []).append(tshark_frame(frame, start))
    return streams


def speaks(port, key_log=None):
    """What tshark has to be told of the port."""
    if key_log is None:
        return ["-d", f"tcp.port=={port},http"]
    return ["-o", f"tls.keylog_file:{key_log}", "-d", f"tcp.port=={port},tls", "-d", f"tls.port=={port},http"]


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


def hilo_frames(capture, *flags):
    """The same from `hilo explain`."""
    code, out, _ = run("explain", "--file", capture, "--format", "json", *flags)
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


def same_frames(theirs, ours, in_frame=False):
    """How many fields were compared. `in_frame`: bits count from the beginning of each frame."""
    equal(sorted(ours), sorted(theirs))
    compared = 0
    for key, frames in theirs.items():
        equal((key, len(ours[key])), (key, len(frames)))
        for mine, other in zip(ours[key], frames):
            if in_frame:
                begin = mine["fin"][0]
                mine = {name: (bit - begin, value) for name, (bit, value) in mine.items()}
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
    return compared
