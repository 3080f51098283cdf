#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`hilo explain` and `hilo tap`: what is told of bytes, of files, and of connections that pass."""

import contextlib
import json
import os
import re
import socket
import sys
import tempfile
import threading
import xml.etree.ElementTree

from programs import HILO, MIB, PATIENCE, PIPE, Connect, Serve, Tap, case, contains, equal, run, run_cases


def explain(*arguments, stdin=b""):
    """(exit code, what was told)"""
    code, out, errors = run("explain", *arguments, stdin=stdin)
    equal(errors, "")
    return code, out.decode()


def parts(*arguments, stdin=b"", code=0):
    told = explain("--format", "json", *arguments, stdin=stdin)
    equal(told[0], code)
    return [json.loads(line) for line in told[1].splitlines()]


def named(told, layer, name):
    return [each for each in told if (each["layer"], each["name"]) == (layer, name)]


# ---- explain ---------------------------------------------------------------------------------


def read_all(connection):
    """So little at a time that whatever stands in front has to wait."""
    got = bytearray()
    while more := connection.recv(512):
        got += more
    return bytes(got)


@case("explain: the masked Hello of RFC 6455 5.7, field by field")
def _():
    code, told = explain("81 85 37 fa 21 3d", "7f9f4d5158")
    equal(code, 0)
    for line in (
        r"^client -> server$",
        r"^  1\.{7} +FIN  1",
        r"^  \.{4}0001 +opcode  0x1  text",
        r"^  1\.{7} +MASK  1",
        r"^  \.0000101 +length  5",
        r"^  37 fa 21 3d +masking key",
        r'^  7f 9f 4d 51 58 +payload, unmasked  "Hello"',
        r'^message +text message  5 bytes  "Hello"',
    ):
        if not re.search(line, told, re.M):
            raise AssertionError(f"{line} is not in {told}")


@case("explain: a picture has each field in its place")
def _():
    svg = "{http://www.w3.org/2000/svg}"

    def picture(*arguments, code=0):
        told = explain("--format", "svg", *arguments)
        equal(told[0], code)
        return xml.etree.ElementTree.fromstring(told[1])

    drawn = picture("--frame", "text", "Hi", "--mask", "37fa213d")
    boxes = {}
    for group in drawn.iter(svg + "g"):
        box = group.find(svg + "rect")
        name = group.find(svg + "title").text.split("  ")[0]
        boxes.setdefault(name, []).append((int(box.get("x")) - 20, int(box.get("width"))))
    # 20 units a bit, 32 bits a row: FIN is the first bit, the key begins in the middle of a row.
    equal(boxes["FIN"], [(0, 20)])
    equal(boxes["opcode"], [(80, 80)])
    equal(boxes["MASK"], [(160, 20)])
    equal(boxes["length"], [(180, 140)])
    equal(boxes["masking key"], [(320, 320), (0, 320)])
    equal(boxes["payload, unmasked"], [(320, 320)])
    texts = [each.text for each in picture("--frame", "text", "<&\x01" * 500).iter(svg + "text")]
    equal([each for each in texts if each.startswith("… and")], ["… and 1472 bytes more"])
    texts = [each.text for each in picture("a1 80 00 00 00 00", code=1).iter(svg + "text")]
    contains("\n".join(texts), "breaks rsv → Close 1002, catalogue 106-108: a reserved bit is set")
    texts = [each.text for each in picture("16 03 03 ff ff", code=1).iter(svg + "text")]
    contains("\n".join(texts), "alert record_overflow")
    # About 2^63 bits, and more of them.
    for claimed in ("827f8ffffffffffffff4", "827f9000000000000000"):
        texts = [each.text for each in picture(claimed, code=1).iter(svg + "text")]
        contains("\n".join(texts), "breaks len_msb → Close 1002")


@case("explain: frames that are built, of each kind")
def _():
    for arguments, first, name, value in (
        (["text", "Hi", "--mask", "37fa213d"], 0x81, "payload, unmasked", '"Hi"'),
        (["binary", "00ff"], 0x82, "payload", "00 ff"),
        (["ping", "are you there"], 0x89, "payload", '"are you there"'),
        (["close", "1000 bye"], 0x88, "code", "1000"),
        (["text", "part", "--unfinished"], 0x01, "payload", '"part"'),
    ):
        # What is unfinished says so, as a broken rule.
        told = parts("--frame", *arguments, code=1 if "--unfinished" in arguments else 0)
        equal(int(told[0]["hex"].split()[0], 16), first)
        equal([each["value"] for each in named(told, "frame", name)], [value])


@case("explain: what breaks a rule is told with its answer and its number in the catalogue")
def _():
    for bytes_, label, answer, catalogue, more in (
        ("a1 80 00 00 00 00", "rsv", 1002, "106-108", ()),
        ("83", "opcode", 1002, "109", ()),
        ("82 fe 00 05", "len_minimal", 1002, "110, 111", ()),
        ("82 ff 80 00 00 00 00 00 00 00", "len_msb", 1002, "112", ()),
        ("81 05 48 65 6c 6c 6f", "unmasked", 1002, "123", ("--from", "client")),
        ("81 80 00 00 00 00", "masked", 1002, "124", ("--from", "server")),
        ("89 fe 00 7e", "ctl_size", 1002, "131, 145", ()),
        ("80 80 00 00 00 00", "continuation", 1002, "151", ()),
        ("88 81 00 00 00 00 03", "close_length", 1002, "141", ()),
        ("88 82 00 00 00 00 03 ed", "close_code", 1002, "142", ()),
        ("81 82 00 00 00 00 c0 80", "utf8", 1007, "160-169, 195", ()),
        ("81 03 34 39 5b", "sio_type", 0, "237", ("--engineio", "4")),
    ):
        told = parts(*more, bytes_, code=1)
        faults = [each for each in told if "error" in each]
        equal(
            [(each["error"], each["answer"], each["catalogue"]) for each in faults],
            [(label, answer, catalogue)],
        )


@case("explain: an HTTP request that breaks a rule, from stdin")
def _():
    told = parts("--file", "-", stdin=b"GET / HTTP/1.1\r\nHost : a\r\n\r\n", code=1)
    equal([each["error"] for each in told if "error" in each], ["hdr_name"])
    contains(told[-1]["catalogue"], "42")


@case("explain: the records of a TLS handshake alone, and who says them")
def _():
    hello = "16 03 01 00 2d 01 00 00 29 03 03" + " 00" * 32 + " 00 00 02 13 01 01 00"
    told = parts(hello)
    equal({(each["direction"], each["layer"]) for each in told}, {("to_server", "tls")})
    equal([each["value"] for each in named(told, "tls", "cipher suites")], ["0x1301 TLS_AES_128_GCM_SHA256"])
    told = parts("16 03 03 40 01" + " 00" * 5 + " 15 03 03 00 02 02 28", code=1)
    equal([(each["direction"], each["error"]) for each in told if "error" in each], [("to_client", "tls_cut")])
    told = parts("15 03 03 00 02 02 28")
    equal([each["value"] for each in named(told, "tls", "alert") if each["depth"]], ["fatal handshake_failure (40)"])
    told = parts("16 03 03 ff ff", code=1)
    equal([(each["error"], each["alert"]) for each in told], [("tls_record_overflow", "record_overflow")])


@case("explain: wrong usage ends with 2, a file that is not there with 1")
def _():
    for arguments, wanted in (
        ([], 2),
        (["zz"], 2),
        (["--frame", "text", "a", "--mask", "12"], 2),
        (["--frame", "binary", "xy"], 2),
        (["--file", "/nonexistent"], 1),
        (["--file", "/tmp"], 1),
    ):
        equal(run("explain", *arguments)[0], wanted)


@case("explain: words are what they are, also such as name commands, and behind --")
def _():
    for words in (["serve"], ['["hi",1]'], ["--", "-x"], ["--", "--help"], ["a", "tap"]):
        code, out, _ = run("explain", "--frame", "text", *words)
        equal(code, 0)
        text = " ".join(word for word in words if word != "--")
        contains(out.decode(), " ".join(f"{byte:02x}" for byte in text.encode()))


# ---- tap -------------------------------------------------------------------------------------


@case("tap: an echo is told from the request to the Close, and passes unchanged")
def _():
    with Serve() as server, Tap(server.url("")) as tap:
        equal(run("connect", tap.url(), stdin=b"hola\n" * 3), (0, b"hola\n" * 3, run("connect", server.url(), stdin=b"hola\n" * 3)[2]))
        told, errors = tap.stop()
        equal(errors, "")
        for text in ("#1  client -> server", "key and GUID", 'field  Upgrade: "websocket"'):
            contains(told, text)
        equal(told.count('"hola"'), 3 * 4)  # a frame and a message, in two directions
        equal(told.count("code  1000"), 2)


@case("tap: a large message and a slow reader pass whole")
def _():
    with Serve() as server, Tap(server.url(""), "--format", "json") as tap:
        # Below 0x80, so that the text is a line.
        line = bytes(32 + i % 90 for i in range(MIB - 1))
        code, out, _ = run("connect", tap.url(), stdin=line + b"\n")
        equal((code, out.rstrip(b"\n") == line), (0, True))
        told, _ = tap.stop()
        sizes = [each["value"] for each in map(json.loads, told.splitlines()) if each["name"] == "text message"]
        equal([size.split()[0] for size in sizes], [str(MIB - 1)] * 2)


@case("tap: byte by byte, and late, an echo is an echo")
def _():
    with Serve() as server:
        for flags in (["--split"], ["--delay", "20ms"], ["--split", "--delay", "5ms"]):
            with Tap(server.url(""), *flags) as tap:
                code, out, _ = run("connect", tap.url(), stdin=b"hola\n")
                equal((code, out), (0, b"hola\n"))
                contains(tap.stop()[0], 'text message  4 bytes  "hola"')


@case("tap: what is late or split passes whole, however much it is")
def _():
    line = bytes(32 + i % 90 for i in range(700_000))
    with Serve() as server:
        for flags, size in ((["--delay", "1ms"], len(line)), (["--split"], 20_000)):
            with Tap(server.url(""), *flags) as tap:
                code, out, _ = run("connect", tap.url(), stdin=line[:size] + b"\n")
                equal((code, out.rstrip(b"\n") == line[:size]), (0, True))
                equal(tap.stop()[1], "")


@case("tap: what a server says before it closes reaches a client that has finished and reads slowly")
def _():
    much = bytes(i % 251 for i in range(8 << 20))
    for flags in ([], ["--delay", "50ms"]):
        for much_is in ("from the server", "from the client"):
            with socket.create_server(("127.0.0.1", 0)) as listener:
                url = "ws://127.0.0.1:%d/" % listener.getsockname()[1]
                got = []

                def serve():
                    connection, _ = listener.accept()
                    with connection:
                        if much_is == "from the server":
                            connection.sendall(much)
                        connection.shutdown(socket.SHUT_WR)
                        got.append(read_all(connection))

                server = threading.Thread(target=serve)
                server.start()
                with Tap(url, *flags, "--quiet") as tap:
                    host, port = tap.address.split(":")
                    with socket.create_connection((host, int(port))) as client:
                        client.settimeout(PATIENCE)
                        if much_is == "from the client":
                            client.sendall(much)
                        client.shutdown(socket.SHUT_WR)
                        got.append(read_all(client))
                    server.join(PATIENCE)
                    equal(sorted(map(len, got)), [0, len(much)])
                    equal(max(got, key=len) == much, True)


@case("tap: a frame that is broken on its way is told with the answer that then comes")
def _():
    with Serve() as server:
        for what, label in (("mask", "unmasked"), ("rsv", "rsv"), ("opcode", "opcode")):
            with Tap(server.url(""), "--break", what) as tap, Connect(tap.url()) as client:
                client.say(b"hola")
                code, _, errors = client.end()
                equal(code, 3)  # closed by the server with an error
                contains(errors, "1002")
                told, _ = tap.stop()
                contains(told, f"broken rule {label}:")
                contains(told, "-> close 1002")
                contains(told, "code  1002")


@case("tap: Socket.IO is told from polling to the event")
def _():
    with Serve() as server, Tap(server.url("")) as tap:
        url = f"http://{tap.address}/"
        code, _, errors = run("connect", "--socketio", url, stdin=b'ack echo "hi" 7\n')
        if code != 0:
            raise AssertionError(errors)
        told, _ = tap.stop()
        for text in ("packet  0 open", "packet  2 EVENT", "argument  7", "packet  3 ACK"):
            contains(told, text)
        equal(told.count("broken rule"), 0)


@case("tap: a capture is explained as the connection was")
def _():
    with tempfile.TemporaryDirectory() as folder, Serve() as server:
        file = os.path.join(folder, "talk.pcapng")
        with Tap(server.url(""), "--capture", file, "--format", "json") as tap:
            equal(run("connect", tap.url(), stdin=b"hola\nadios\n")[0], 0)
            live = [json.loads(line) for line in tap.stop()[0].splitlines()]
        later = parts("--file", file)
        for told in (live, later):
            for each in told:
                del each["connection"]
        equal(later, live)
        # Cut anywhere it is still read, or refused.
        whole = open(file, "rb").read()
        for size in range(0, len(whole), 37):
            run("explain", "--file", "-", stdin=whole[:size])


@case("tap: where nobody serves the client is reset, and the tap lives")
def _():
    with Tap("ws://127.0.0.1:1") as tap:
        equal(run("connect", tap.url(), stdin=b"")[0], 1)
        equal(run("connect", tap.url(), stdin=b"")[0], 1)
        contains(tap.stop()[1], "#2: the server cannot be reached")


@case("tap: a port in use and wrong usage are told in one line")
def _():
    with Tap("ws://127.0.0.1:1") as tap:
        code, _, errors = run("tap", tap.address, "ws://127.0.0.1:1")
        equal((code, errors.count("\n")), (1, 1))
    equal(run("tap", "127.0.0.1:0")[0], 2)
    equal(run("tap", "127.0.0.1:0", "nowhere")[0], 2)


sys.exit(run_cases())
