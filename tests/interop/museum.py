#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`hilo serve --hixie76`: the lesson's own handshake, byte for byte, by a raw socket."""

import hashlib
import socket
import struct
import sys
import threading

from programs import PATIENCE, Serve, case, contains, equal, read_exactly, read_head, run, run_cases

# The draft's own example (its §1.2 and §5.2), which the lesson prints with its spaces lost.
REQUEST = (
    b"GET %s HTTP/1.1\r\nHost: example.com\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key2: %s\r\nSec-WebSocket-Protocol: sample\r\nUpgrade: WebSocket\r\n"
    b"Sec-WebSocket-Key1: %s\r\nOrigin: http://example.com\r\n\r\n"
)
KEY1 = b"4 @1  46546xW%0l 1 5"
KEY2 = b"12998 5 Y3 1  .P00"
CHALLENGE = b"^n:ds[4U"


def dial(server):
    host, port = server.addresses[0].rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=PATIENCE)


def ask(connection, path=b"/echo", key1=KEY1, key2=KEY2):
    connection.sendall(REQUEST % (path, key2, key1) + CHALLENGE)
    return read_head(connection)


def ends(connection):
    """What comes until the other side has ended, in good order or by a reset."""
    data = b""
    try:
        while piece := connection.recv(4096):
            data += piece
    except ConnectionResetError:
        pass
    return data


@case("the example of the draft gets the answer that the lesson shows, and texts come back")
def _():
    with Serve("--hixie76") as server, dial(server) as connection:
        head = ask(connection)
        contains(head, "HTTP/1.1 101 WebSocket Protocol Handshake\r\n")
        contains(head, "Sec-WebSocket-Origin: http://example.com\r\n")
        contains(head, "Sec-WebSocket-Location: ws://example.com/echo\r\n")
        contains(head, "Sec-WebSocket-Protocol: sample\r\n")
        equal(read_exactly(connection, 16), b"8jKS'y:G*Co,Wxa-")
        for text in ("hola", "", "¡ñandú!", "x" * 65536):
            frame = b"\0" + text.encode() + b"\xff"
            connection.sendall(frame)
            equal(read_exactly(connection, len(frame)), frame)
        connection.sendall(b"\0by" + b"")
        connection.sendall(b"te\xff\0two\xff")
        equal(read_exactly(connection, 6 + 5), b"\0byte\xff\0two\xff")
        connection.sendall(b"\xff\0")
        equal(ends(connection), b"\xff\0")


@case("a challenge that comes byte by byte is answered the same, beside others of today")
def _():
    with Serve("--hixie76") as server, dial(server) as connection:
        for byte in REQUEST % (b"/echo", b"1 0", b"2 0") + b"12345678":
            connection.sendall(bytes([byte]))
        contains(read_head(connection), " 101 ")
        digest = hashlib.md5(struct.pack(">II", 20, 10) + b"12345678").digest()
        equal(read_exactly(connection, 16), digest)
        equal(run("connect", server.url(), stdin=b"hola\n")[:2], (0, b"hola\n"))
        code, _ = server.stop()
        equal((code, ends(connection)), (0, b"\xff\0"))


@case("what is wrong ends it: keys without a number, other paths, other frames, broken UTF-8")
def _():
    with Serve("--hixie76") as server:
        for path, key1, status in ((b"/echo", b"121", b"400"), (b"/echo", b"1 2 1", b"400"), (b"/broadcast", KEY1, b"404")):
            with dial(server) as connection:
                contains(ask(connection, path, key1), status.decode())
                equal(ends(connection), b"")
        # What was not read may make the end a reset, before which nothing need come.
        for frames, answers in (
            (b"\x81\x02hi", [b""]),
            (b"\0\xc3\x28\xff", [b"\xff\0"]),
            (b"\0" + b"x" * 70000, [b"\xff\0", b""]),
        ):
            with dial(server) as connection:
                ask(connection)
                read_exactly(connection, 16)
                connection.sendall(frames)
                equal(ends(connection) in answers, True)


@case("what was said before the end of the stream is answered, whatever the kernel takes at once")
def _():
    with Serve("--hixie76") as server, dial(server) as connection:
        ask(connection)
        read_exactly(connection, 16)
        sent = b"".join(b"\0" + bytes([97 + i % 26]) * 60000 + b"\xff" for i in range(40))

        def send():
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)

        sender = threading.Thread(target=send)
        sender.start()
        equal(ends(connection) == sent, True)
        sender.join()


@case("visitors count among the connections of their address, until they go")
def _():
    with Serve("--hixie76", "--count-local", "--connections-per-ip-max", "2") as server:
        visitors = [dial(server) for _ in range(2)]
        for visitor in visitors:
            contains(ask(visitor), " 101 ")
            read_exactly(visitor, 16)
        with dial(server) as late:
            equal(ends(late), b"")
        visitors[0].sendall(b"\xff\0")
        equal(ends(visitors[0]), b"\xff\0")
        visitors[0].close()
        equal(run("connect", server.url(), stdin=b"hola\n")[:2], (0, b"hola\n"))
        visitors[1].close()


@case("without the flag it is refused with 400, and a page of elsewhere with 403 (89)")
def _():
    with Serve() as server, dial(server) as connection:
        contains(ask(connection), "400 Bad Request")
    with Serve("--hixie76", "--origin", "http://other.example") as server:
        with dial(server) as connection:
            contains(ask(connection), "403 Forbidden")


if __name__ == "__main__":
    sys.exit(run_cases())
