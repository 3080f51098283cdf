#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""TLS made visible: wss conversations that a relay records, read by `hilo explain` with a key log: the
messages that were sent, and the records and frames that Wireshark (tshark) finds in the same file. And
what live traces tell of records."""

import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import threading

import certificates
from certificates import certificate, client_context, file
from dissection import hilo_frames, same_frames, speaks, tshark_frames, unmask
from programs import (
    PATIENCE,
    PIPE,
    Serve,
    Tap,
    case,
    contains,
    equal,
    frame,
    read_frame,
    read_head,
    run,
    run_cases,
    said,
    upgrade_response,
)

CLIENT, SERVER = 1, 2  # the last byte of an address, 127.0.0.x
TEXTS = [b"hola", b"a" * 125, b"b" * 126, "ya está".encode(), b"c" * 20_000]


class Relay:
    """Passes TCP on to a port, and keeps each piece as a packet, in the order in which they came."""

    def __init__(self, port):
        self.port = port
        self.packets = []  # of IPv4
        self.lock = threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.own_port = self.listener.getsockname()[1]
        self.threads = [threading.Thread(target=self._accept, daemon=True)]
        self.threads[0].start()

    def _accept(self):
        while True:
            try:
                client, peer = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.port), PATIENCE)
            numbers = {CLIENT: 1000, SERVER: 5000}
            for number in (CLIENT, SERVER):
                self._note(peer[1], number, numbers, b"", syn=True)
            for source, target, number in ((client, server, CLIENT), (server, client, SERVER)):
                arguments = (source, target, peer[1], number, numbers)
                self.threads.append(threading.Thread(target=self._pass, args=arguments, daemon=True))
                self.threads[-1].start()

    def _pass(self, source, target, client_port, number, numbers):
        try:
            while piece := source.recv(8192):
                self._note(client_port, number, numbers, piece)
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # a reset is an end, too

    def _note(self, client_port, number, numbers, piece, syn=False):
        with self.lock:
            ports = (client_port, self.port) if number == CLIENT else (self.port, client_port)
            flags = (2 if number == CLIENT else 18) if syn else 24
            tcp = struct.pack(">HHIIBBHHH", *ports, numbers[number], numbers[3 - number], 80, flags, 65535, 0, 0)
            numbers[number] += 1 if syn else len(piece)
            ip = struct.pack(">BBHHHBBH", 69, 0, 40 + len(piece), 0, 0, 64, 6, 0)
            ip += bytes([127, 0, 0, number, 127, 0, 0, 3 - number])
            self.packets.append(ip + tcp + piece)

    def save(self, name):
        """As pcap."""
        with open(file(name), "wb") as out:
            out.write(struct.pack("<IHHIIII", 0xA1B2C3D4, 2, 4, 0, 0, 1 << 18, 101))
            for packet in self.packets:
                out.write(struct.pack("<IIII", 0, 0, len(packet), len(packet)) + packet)
        return file(name)

    def save_with_secrets(self, name, key_log):
        """As pcapng, with the key log in it."""

        def block(kind, body):
            body += bytes(-len(body) % 4)
            size = struct.pack("<I", len(body) + 12)
            return struct.pack("<I", kind) + size + body + size

        secrets = open(key_log, "rb").read()
        with open(file(name), "wb") as out:
            out.write(block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)))
            out.write(block(10, struct.pack("<II", 0x544C534B, len(secrets)) + secrets))
            out.write(block(1, struct.pack("<HHI", 101, 0, 0)))
            for packet in self.packets:
                out.write(block(6, struct.pack("<IIIII", 0, 0, 0, len(packet), len(packet)) + packet))
        return file(name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()


def serve(*arguments):
    server = Serve(*certificate("server"), *arguments, stderr=PIPE)
    server.port = int(server.addresses[0].rsplit(":", 1)[1])
    return server


def masked(opcode, payload):
    key = b"\x37\xfa\x21\x3d"
    size = len(payload)
    length = bytes([0x80 | size]) if size < 126 else b"\xfe" + struct.pack(">H", size)
    return bytes([0x80 | opcode]) + length + key + bytes(b ^ key[i % 4] for i, b in enumerate(payload))


def talk(port, context):
    """Each text and its echo, by Python's ssl; then both end it."""
    bare = socket.create_connection(("127.0.0.1", port), PATIENCE)
    with context.wrap_socket(bare, server_hostname="localhost") as connection:
        connection.sendall(
            b"GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        contains(read_head(connection), " 101 ")
        for text in TEXTS:
            connection.sendall(masked(1, text))
            equal(read_frame(connection), (0x81, text))
        connection.sendall(masked(8, b"\x03\xe8"))
        equal(read_frame(connection), (0x88, b"\x03\xe8"))
        version, cipher = connection.version(), connection.cipher()[0]
        connection.unwrap().close()
        return version, cipher


def messages(streams, direction):
    """The payloads of the messages in that direction, of all connections."""
    return [
        bytes.fromhex(unmask(each["payload"][1], each["key"][1]) if "key" in each else each["payload"][1])
        for (_, told), frames in streams.items()
        for each in frames
        if told == direction and each["opcode"][1] in (1, 2)
    ]


def explain_talk(capture, *flags):
    """All of TEXTS in both directions, and no broken rule: the parts."""
    code, streams, parts = hilo_frames(capture, *flags)
    equal({each["error"] for each in parts if "error" in each}, set())
    equal(code, 0)
    for direction in ("to_server", "to_client"):
        equal(messages(streams, direction), TEXTS)
    return streams, parts


def context_of(name, version, ciphers=None):
    context = client_context(minimum_version=version, maximum_version=version, keylog_filename=file(name))
    if ciphers:
        context.set_ciphers(ciphers)
    return context


TLS12, TLS13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
CIPHERS12 = ["ECDHE+AES128+AESGCM", "ECDHE+AES256+AESGCM", "ECDHE+CHACHA20"]


# ---- captures ----------------------------------------------------------------------------------


@case("hilo serve and hilo connect: the key log of either side gives the messages as they were sent")
def _():
    with serve("--tls-keylog", file("serve.keys")) as server, Relay(server.port) as relay:
        flags = ["--ca-file", file("ca.pem"), "--tls-server-name", "localhost"]
        url = f"wss://127.0.0.1:{relay.own_port}/echo"
        lines = b"\n".join(TEXTS) + b"\n"
        code, out, _ = run("connect", *flags, "--tls-keylog", file("connect.keys"), url, stdin=lines)
        equal((code, out), (0, lines))
        capture = relay.save("hilo.pcap")
    for keys in ("serve.keys", "connect.keys"):
        equal(os.stat(file(keys)).st_mode & 0o777, 0o600)
        _, parts = explain_talk(capture, "--tls-keylog", file(keys))
    layers = [each["layer"] for each in parts]
    for layer in ("tls", "http", "handshake", "frame", "message"):
        contains(layers, layer)
    # What is within TLS says so.
    for each in parts:
        if "bit" in each:
            equal(each.get("stream"), None if each["layer"] == "tls" else "clear")


@case("Python's ssl as the client, in TLS 1.3 and in TLS 1.2 with each cipher")
def _():
    runs = [("TLSv1.3", TLS13, None)] + [("TLSv1.2", TLS12, ciphers) for ciphers in CIPHERS12]
    seen = set()
    for number, (version, limit, ciphers) in enumerate(runs):
        with serve() as server, Relay(server.port) as relay:
            said, cipher = talk(relay.own_port, context_of(f"python{number}.keys", limit, ciphers))
            equal(said, version)
            seen.add(cipher)
            capture = relay.save("python.pcap")
        _, parts = explain_talk(capture, "--tls-keylog", file(f"python{number}.keys"))
        hellos = {each["name"]: each["value"] for each in parts if each["layer"] == "tls" and each["depth"] == 2}
        contains(hellos["server name (SNI)"], "localhost")
        alerts = [each["value"] for each in parts if each["name"] == "alert" and each["depth"] == 1]
        equal(set(alerts), {"warning close_notify (0)"})
    equal(len(seen), 4)


@case("Python's ssl as the server, and hilo connect as the client")
def _():
    for version in (TLS12, TLS13):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = context.maximum_version = version
        context.load_cert_chain(file("server.pem"), file("server.key"))
        listener = socket.create_server(("127.0.0.1", 0))
        keys = file(f"client{int(version)}.keys")

        def echo(listener=listener, context=context):
            bare, _ = listener.accept()
            with context.wrap_socket(bare, server_side=True) as connection:
                connection.sendall(upgrade_response(read_head(connection)))
                while True:
                    first, payload = read_frame(connection)
                    size = len(payload)
                    head = bytes([size]) if size < 126 else b"\x7e" + struct.pack(">H", size)
                    connection.sendall(bytes([first]) + head + payload)
                    if first == 0x88:
                        return

        thread = threading.Thread(target=echo)
        thread.start()
        with Relay(listener.getsockname()[1]) as relay:
            url = f"wss://127.0.0.1:{relay.own_port}/"
            flags = ["--insecure", "--tls-keylog", keys]
            equal(run("connect", *flags, url, stdin=b"\n".join(TEXTS) + b"\n")[0], 0)
            thread.join(PATIENCE)
            listener.close()
            explain_talk(relay.save("server.pcap"), "--tls-keylog", keys)


@case("a pcapng that holds its secrets needs no key log")
def _():
    with serve() as server, Relay(server.port) as relay:
        talk(relay.own_port, context_of("inside.keys", TLS13))
        explain_talk(relay.save_with_secrets("inside.pcapng", file("inside.keys")))
        bare = relay.save("outside.pcap")
    # Without them the records are told, and how to get at what is in them.
    code, _, parts = hilo_frames(bare)
    equal((code, {each["layer"] for each in parts}), (0, {"tls"}))
    contains(json.dumps(parts), "--tls-keylog")
    contains(json.dumps(parts), "SSLKEYLOGFILE")


@case("hilo tap passes TLS on and records it, and logs the keys of its own TLS")
def _():
    with serve("--tls-keylog", file("through.keys")) as server:
        capture = file("through.pcapng")
        with Tap(f"ws://127.0.0.1:{server.port}", "--capture", capture) as tap:
            talk(int(tap.address.rsplit(":", 1)[1]), client_context())
            contains(tap.stop()[0], "ClientHello")
        explain_talk(capture, "--tls-keylog", file("through.keys"))
        with Relay(server.port) as relay:
            keys = file("tap.keys")
            flags = ["--insecure", "--tls-keylog", keys]
            with Tap(f"wss://127.0.0.1:{relay.own_port}", *flags) as tap:
                lines = b"\n".join(TEXTS) + b"\n"
                equal(run("connect", tap.url(), stdin=lines)[1], lines)
                tap.stop()
            equal(os.stat(keys).st_mode & 0o777, 0o600)
            explain_talk(relay.save("tap.pcap"), "--tls-keylog", keys)
    equal(run("tap", "--tls-keylog", file("no.keys"), "127.0.0.1:0", "ws://127.0.0.1:1")[0], 2)


@case("no key is logged where no flag asks for it, whatever the environment says")
def _():
    environment = os.environ | {"SSLKEYLOGFILE": file("environment.keys")}
    with serve() as server:
        url = f"wss://127.0.0.1:{server.port}/echo"
        equal(run("connect", "--insecure", url, stdin=b"x\n", env=environment)[:2], (0, b"x\n"))
    equal(os.path.exists(file("environment.keys")), False)


@case("captures that are cut or changed are explained as far as they go")
def _():
    with serve() as server, Relay(server.port) as relay:
        talk(relay.own_port, context_of("cut.keys", TLS13))
        whole = open(relay.save("cut.pcap"), "rb").read()
    flags = ["--tls-keylog", file("cut.keys"), "--file", "-"]
    for size in range(0, len(whole), 997):
        code, _, errors = run("explain", *flags, stdin=whole[:size])
        equal((code in (0, 1), errors.count("\n") <= 1), (True, True))
    # One bit of the last record.
    changed = bytearray(whole)
    changed[-3] ^= 1
    code, out, _ = run("explain", *flags, stdin=bytes(changed))
    equal(code, 1)
    contains(out.decode(), "broken rule tls_record")
    contains(out.decode(), "alert bad_record_mac")


@case("a key log without keys, and one that is not there, are told in one line")
def _():
    open(file("empty.keys"), "w").close()
    for name in ("empty.keys", "none.keys"):
        code, _, errors = run("explain", "--tls-keylog", file(name), "81 00")
        equal((code, errors.count("\n")), (1, 1))
        contains(errors, name)


# ---- beside Wireshark --------------------------------------------------------------------------


def tshark_records(capture, port):
    """{direction: [length, ...]} of all records of the one connection."""
    fields = ["-T", "fields", "-e", "tcp.dstport", "-e", "tls.record.length"]
    command = ["tshark", "-r", capture, "-d", f"tcp.port=={port},tls", "-Y", "tls.record", *fields]
    done = subprocess.run(command, stdout=PIPE, stderr=PIPE, timeout=PATIENCE, check=True)
    records = {"to_server": [], "to_client": []}
    for line in done.stdout.decode().splitlines():
        to, lengths = line.split("\t")
        direction = "to_server" if int(to) == port else "to_client"
        records[direction] += [int(length) for length in lengths.split(",")]
    return records


@case("every record and every frame has the fields that Wireshark reads with the same key log")
def _():
    if not shutil.which("tshark"):
        return "tshark is not installed"
    for name, version in (("tshark12", TLS12), ("tshark13", TLS13)):
        with serve() as server, Relay(server.port) as relay:
            talk(relay.own_port, context_of(f"{name}.keys", version))
            capture = relay.save(f"{name}.pcap")
        streams, parts = explain_talk(capture, "--tls-keylog", file(f"{name}.keys"))
        compared = same_frames(tshark_frames(capture, str(server.port), file(f"{name}.keys")), streams, in_frame=True)
        if compared < 2 * 5 * (len(TEXTS) + 1):
            raise AssertionError(f"only {compared} fields were compared")
        records = {"to_server": [], "to_client": []}
        for each in parts:
            if each["layer"] == "tls" and each["name"] == "length":
                records[each["direction"]].append(int(each["value"]))
        equal(records, tshark_records(capture, server.port))
        heads = subprocess.run(
            ["tshark", "-r", capture, *speaks(server.port, file(f"{name}.keys")), "-Y", "http", "-T", "fields"]
            + ["-e", "http.request.uri", "-e", "http.response.code"],
            stdout=PIPE,
            stderr=PIPE,
            timeout=PATIENCE,
            check=True,
        )
        equal(heads.stdout.decode().split(), ["/echo", "101"])


# ---- live --------------------------------------------------------------------------------------


@case("hilo connect --trace tells the records, from the ClientHello to close_notify, beside what they carry")
def _():
    with serve() as server:
        url = f"wss://127.0.0.1:{server.port}/echo"
        code, out, told = run("connect", "--insecure", "--trace", url, stdin=b"hola\n")
    equal((code, out), (0, b"hola\n"))
    said(told, "client -> server", "tls        handshake", "ClientHello", "protocols (ALPN)", '"http/1.1"')
    said(told, "server -> client", "tls        handshake", "ServerHello", "cipher suite", "chosen version")
    said(told, "encrypted content  22 handshake", "EncryptedExtensions", "Certificate", "Finished")
    said(told, "Finished", "tls        application_data", "encrypted content  23 application_data")
    said(told, "tls        application_data", "tcp        write", "http       request", "clear bytes 0-")
    said(told, '"hola"', "alert  warning close_notify (0)", "tcp        closed")


@case("hilo serve --trace tells the records of each connection, in both versions, and alerts")
def _():
    with serve("--trace") as server:
        talk(server.port, client_context())
        talk(server.port, client_context(maximum_version=TLS12))
        bare = socket.create_connection(("127.0.0.1", server.port), PATIENCE)
        try:
            # Nobody trusts it: the client says so by an alert.
            ssl.create_default_context().wrap_socket(bare, server_hostname="localhost")
        except ssl.SSLError:
            bare.close()
        server.process.send_signal(signal.SIGTERM)
        told = server.process.communicate(timeout=PATIENCE)[0].decode()
    said(told, "ClientHello", "server name (SNI)", '"localhost"', "ServerHello", "0x0304 TLS 1.3", '"hola"')
    said(told, "0x0304 TLS 1.3", "ServerKeyExchange", "ClientKeyExchange", '"hola"')
    said(told, "alert  fatal unknown_ca (48)")


if __name__ == "__main__":
    certificates.make()
    sys.exit(run_cases())
