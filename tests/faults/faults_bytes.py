# SPDX-License-Identifier: MIT
"""What comes in pieces, and what breaks off at each byte."""

import pathlib
import re
import socket
import ssl
import statistics
import struct
import urllib.request

from crowd import frame, parse, request
from hosts import (
    check,
    closes,
    descriptors,
    fault,
    metrics,
    serve,
    split_address,
    wait_for,
)
from ledger import Ledger

LINGER_RESET = struct.pack("ii", 1, 0)


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_RESET)
    connection.close()


def recorded_session(address):
    return [
        request(address),
        frame(1, b"whole"),
        frame(2, b"\x00" * 300),
        frame(1, b"first, ", fin=0),
        frame(9, b"ping"),
        frame(0, b"last"),
        frame(8, struct.pack(">H", 1000) + b"bye"),
    ]


def plain_offsets(server):
    address = split_address(server.addresses[0])
    session = b"".join(recorded_session(server.addresses[0]))
    for offset in range(len(session) + 1):
        with socket.create_connection(address) as connection:
            connection.sendall(session[:offset])
            # Every other one is reset when the server has read, the others when it has not.
            if offset % 2 and offset > len(request(server.addresses[0])):
                connection.recv(1)
            reset(connection)
    return len(session) + 1


class CutTls:
    """A TLS client that sends so many bytes and then resets."""

    def __init__(self, address, budget):
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        self.incoming, self.outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = context.wrap_bio(self.incoming, self.outgoing)
        self.socket = socket.create_connection(address)
        self.socket.settimeout(10)
        self.left = budget
        self.sent = 0

    def flush(self):
        """Whether there was anything left to cut."""
        data = self.outgoing.read()
        part = data[: self.left]
        self.socket.sendall(part)
        self.left -= len(part)
        self.sent += len(part)
        return len(part) == len(data) and self.left > 0

    def play(self, session):
        """Whether the whole session was sent."""
        while True:
            try:
                self.tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                if not self.flush():
                    return False
                self.incoming.write(self.socket.recv(1 << 16))
        return all(self.tls.write(part) and self.flush() for part in session)


def tls_offsets(server):
    address = split_address(server.addresses[0])
    session = recorded_session(server.addresses[0])
    offset = 0
    while True:
        client = CutTls(address, offset)
        whole = client.play(session)
        reset(client.socket)
        if whole:
            return offset
        offset += 1


@fault("F1", "a reset at each byte of a session, plain and TLS")
def _():
    figures = []
    for name, flags, offsets in (("plain", (), plain_offsets), ("TLS", ("--tls-self-signed",), tls_offsets)):
        with serve(*flags, "--listen", "127.0.0.1:0", listen=["127.0.0.1:0"]) as server:
            before = descriptors(server.process.pid)
            count = offsets(server)
            values = {}

            def settled():
                values.update(tls_metrics(server) if flags else metrics(server))
                there = (
                    values['conns{state="open"}']
                    + values['conns{state="closing"}']
                    + values['conns{state="http"}']
                )
                return there <= 1 and values["accepts_total"] >= count

            wait_for(settled, "all are gone")
            check(closes(values) == values["upgrades_total"], "each WebSocket ends once")
            wait_for(lambda: descriptors(server.process.pid) <= before + 1, "its descriptors are back")
            lost = values.get('closes_total{code="1006",initiator="network"}', 0)
            figures.append(
                f"{name}: {count} offsets, {values['upgrades_total']:.0f} opened, {closes(values):.0f} "
                f"ended, {lost:.0f} of them by 1006"
            )
    return "; ".join(figures)


def tls_metrics(server):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    text = urllib.request.urlopen(f"https://{server.addresses[0]}/metrics", context=context).read().decode()
    return {match[1]: float(match[2]) for match in re.finditer(r"^hilo_(\S+) (\S+)$", text, re.M)}


def loop_seconds(pid):
    """Processor time of the first thread, which runs the loop, to the nanosecond."""
    return int(pathlib.Path(f"/proc/{pid}/schedstat").read_text().split()[0]) / 1e9


def echo_in_pieces(server, size, piece):
    """The server's processor time for one message, sent so many bytes at a time."""
    ledger = Ledger()
    with socket.create_connection(split_address(server.addresses[0])) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.sendall(request(server.addresses[0]))
        while b"\r\n\r\n" not in connection.recv(4096):
            pass
        message = ledger.make(0, size - 16)
        data = frame(2, message)
        before = loop_seconds(server.process.pid)
        for at in range(0, len(data), piece):
            connection.send(data[at : at + piece])
        received = bytearray()
        while not (frames := parse(received)[0]):
            received += connection.recv(1 << 20)
        spent = loop_seconds(server.process.pid) - before
        ledger.take(0, frames[0][1])
        check(ledger.all_missing() == 0, "the message came back")
    return spent


@fault("F22", "a message of 1 MB in segments of one byte")
def _():
    with serve("--message-bytes-max", "2MiB") as server:
        mega = 1_000_000
        bulk = sum(echo_in_pieces(server, mega, mega) for _ in range(50)) / 50
        quarter = echo_in_pieces(server, mega // 4, 1)
        whole = statistics.median(echo_in_pieces(server, mega, 1) for _ in range(5))
        ratio = whole / max(quarter, 1e-9)
        check(ratio < 10, f"four times the bytes cost {ratio:.1f} times the time")
        figure = f"{whole * 1e9 / mega:,.1f} ns of processor a byte, {bulk * 1e9 / mega:.1f} in bulk"
        check(whole <= 50 * bulk, f"at most 50 times bulk: {figure}")
        return f"{figure}; four times the bytes cost {ratio:.1f} times as much"
