# SPDX-License-Identifier: MIT
"""One connection to a server, byte by byte, plain or over TLS: what bad peers and polling clients are made of."""

import socket
import ssl
import struct

PATIENCE = 90  # seconds: above every deadline of a server with its defaults

TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TLS.check_hostname = False
TLS.verify_mode = ssl.CERT_NONE

UPGRADE = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==",
}
TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9


class Ended(Exception):
    """The other side has ended the connection, in good order or not."""


def head_of(line, fields):
    return (line + "\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items()) + "\r\n").encode()


def frame(opcode, payload=b"", first=0x80, mask=True):
    """A frame whose lengths and bits are right; `first` holds FIN and the reserved bits."""
    size = len(payload)
    if size < 126:
        length = bytes([size])
    else:
        length = struct.pack(">BH", 126, size) if size < 65536 else struct.pack(">BQ", 127, size)
    if not mask:
        return bytes([first | opcode]) + length + payload
    # A key of zeros is as good as any, and leaves the payload as it is.
    return bytes([first | opcode, length[0] | 0x80]) + length[1:] + bytes(4) + payload


class Peer:
    def __init__(self, address, tls, patience=PATIENCE):
        host, port = address.rsplit(":", 1)
        self.address = address
        self.connection = socket.create_connection((host, int(port)), patience)
        if tls:
            self.connection = TLS.wrap_socket(self.connection)
        self.unread = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.connection.close()

    def send(self, data):
        try:
            self.connection.sendall(data)
        except (BrokenPipeError, ConnectionError, ssl.SSLError) as error:
            raise Ended from error

    def more(self):
        try:
            data = self.connection.recv(65536)
        except (ConnectionError, ssl.SSLError) as error:
            raise Ended from error
        if not data:
            raise Ended
        self.unread += data

    def take(self, size):
        while len(self.unread) < size:
            self.more()
        taken, self.unread = self.unread[:size], self.unread[size:]
        return taken

    def finish(self):
        """Our half ends; over TLS without a word."""
        self.connection.shutdown(socket.SHUT_WR)

    def reset(self):
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def wait_for_end(self):
        """What comes until the other side ends."""
        try:
            while True:
                self.more()
        except Ended:
            return self.unread

    # ---- HTTP ----

    def ask(self, method, target, fields=(), body=b""):
        fields = {"Host": self.address} | dict(fields)
        if body or method == "POST":
            fields.setdefault("Content-Length", str(len(body)))
        self.send(head_of(f"{method} {target} HTTP/1.1", fields) + body)

    def answer(self):
        """(status, body)"""
        while b"\r\n\r\n" not in self.unread:
            self.more()
        head, _, self.unread = self.unread.partition(b"\r\n\r\n")
        status, size = int(head.split(b" ", 2)[1]), 0
        for line in head.lower().split(b"\r\n"):
            if line.startswith(b"content-length:"):
                size = int(line[15:])
        return status, self.take(size)

    def upgrade(self, target, fields=()):
        self.ask("GET", target, UPGRADE | dict(fields))
        status, body = self.answer()
        if status != 101:
            raise AssertionError(f"the handshake was answered with {status}: {body!r:.80}")

    # ---- frames ----

    def receive(self):
        """(opcode, payload); pings are answered."""
        while True:
            first, second = self.take(2)
            size = second & 127
            if size == 126:
                (size,) = struct.unpack(">H", self.take(2))
            elif size == 127:
                (size,) = struct.unpack(">Q", self.take(8))
            payload = self.take(size)
            if first & 15 != PING:
                return first & 15, payload
            self.send(frame(10, payload))

    def close_code(self):
        """That of the Close which comes, with the messages before it left out; None if none comes."""
        try:
            while True:
                opcode, payload = self.receive()
                if opcode == CLOSE:
                    return int.from_bytes(payload[:2], "big")
        except Ended:
            return None
