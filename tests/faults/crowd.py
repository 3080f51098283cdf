# SPDX-License-Identifier: MIT
"""Many WebSocket clients in one thread, each of whose messages stands in a ledger.

A Crowd answers Pings and Closes as a client must, and remembers of each connection how it ended: the
code of the server's Close, "reset", or "end" for an end without one. As a program it is a process
full of clients that can be killed:

    python3 crowd.py ADDRESS COUNT [RATE]   prints "open COUNT", then stays; RATE echoes a second
"""

import contextlib
import errno
import os
import select
import socket
import struct
import sys
import time

from ledger import Ledger

KEY = b"\x37\xfa\x21\x3d"
PATIENCE = 60  # seconds: a guard against hanging, not a measurement


def request(address, path="/echo", more=""):
    return (
        f"GET {path} HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n{more}\r\n"
    ).encode()


def masked(payload):
    key = (KEY * (len(payload) // 4 + 1))[: len(payload)]
    return (int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")).to_bytes(len(payload), "big")


def frame(opcode, payload, fin=0x80):
    size = len(payload)
    if size < 126:
        head = bytes([fin | opcode, 0x80 | size])
    elif size < 65536:
        head = struct.pack(">BBH", fin | opcode, 0x80 | 126, size)
    else:
        head = struct.pack(">BBQ", fin | opcode, 0x80 | 127, size)
    return head + KEY + masked(payload)


def parse(data):
    """The frames at the beginning of data: [(opcode, payload)], and how many bytes they took."""
    frames, at = [], 0
    while len(data) - at >= 2:
        size, head = data[at + 1] & 127, 2
        if size == 126:
            head = 4
        elif size == 127:
            head = 10
        if len(data) - at < head:
            break
        if head > 2:
            size = int.from_bytes(data[at + 2 : at + head], "big")
        if len(data) - at < head + size:
            break
        frames.append((data[at] & 15, bytes(data[at + head : at + head + size])))
        at += head + size
    return frames, at


def split(address):
    host, port = address.rsplit(":", 1)
    return host, int(port)


class Client:
    def __init__(self, number, connection):
        self.number = number
        self.socket = connection
        self.input = bytearray()
        self.output = bytearray()
        self.is_open = False
        self.end = None  # the code of a Close, "reset", "end", or the status that refused
        self.pings = 0
        self.sent_at = 0.0


class Crowd:
    def __init__(self, address, path="/echo", sources=1, ledger=None, receive_bytes=0, numbers_from=0):
        self.address, self.path = address, path
        self.sources = sources
        self.receive_bytes = receive_bytes  # SO_RCVBUF; 0: as it is
        self.ledger = ledger or Ledger()
        self.poll = select.epoll()
        self.clients = {}  # by descriptor
        self.ended = []
        self.all = []
        self.numbers_from = numbers_from
        self.on_message = None  # (client, payload)
        self.latencies = []

    def connect(self, count, at_once=256):
        """Opens so many more, and returns when all have shaken hands or failed."""
        until = time.monotonic() + PATIENCE
        wanted = [self._dial() for _ in range(min(count, at_once))]
        dialled = len(wanted)
        while any(not c.is_open and c.end is None for c in wanted):
            if time.monotonic() > until:
                raise AssertionError("clients did not get to open")
            self.turn(0.1)
            wanted = [c for c in wanted if not c.is_open and c.end is None]
            while dialled < count and len(wanted) < at_once:
                wanted.append(self._dial())
                dialled += 1

    def _dial(self):
        family = socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self.receive_bytes:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.receive_bytes)
        number = len(self.all) + self.numbers_from
        if self.sources > 1:
            connection.setsockopt(socket.IPPROTO_IP, 24, 1)  # IP_BIND_ADDRESS_NO_PORT
            connection.bind((f"127.0.1.{number % self.sources + 1}", 0))
        client = Client(number, connection)
        self.all.append(client)
        self.clients[connection.fileno()] = client
        code = connection.connect_ex(split(self.address))
        if code not in (0, errno.EINPROGRESS):
            self._gone(client, "reset")
            return client
        client.output += request(self.address, self.path)
        self.poll.register(connection.fileno(), select.EPOLLIN | select.EPOLLOUT)
        return client

    def send(self, client, payload, opcode=2):
        self.write(client, frame(opcode, payload))

    def say(self, client, rest_bytes=48):
        """One more message of the ledger."""
        client.sent_at = time.monotonic()
        self.send(client, self.ledger.make(client.number, rest_bytes))

    def write(self, client, data):
        if client.end is not None:
            return
        client.output += data
        self._flush(client)

    def _flush(self, client):
        try:
            sent = client.socket.send(client.output)
            del client.output[:sent]
        except BlockingIOError:
            pass
        except OSError:
            return self._gone(client, "reset")
        with contextlib.suppress(OSError, ValueError):
            wanted = select.EPOLLIN | (select.EPOLLOUT if client.output else 0)
            self.poll.modify(client.socket.fileno(), wanted)

    def turn(self, seconds=0.0):
        """Waits so long for anything, and does it."""
        for fd, events in self.poll.poll(seconds, 4096):
            client = self.clients.get(fd)
            if client is None:
                continue
            if events & select.EPOLLOUT and client.output:
                self._flush(client)
            if events & (select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR) and client.end is None:
                self._read(client)

    def run(self, seconds):
        until = time.monotonic() + seconds
        while (left := until - time.monotonic()) > 0:
            self.turn(min(left, 0.1))

    def run_until(self, condition, patience=PATIENCE):
        until = time.monotonic() + patience
        while not condition():
            if time.monotonic() > until:
                return False
            self.turn(0.05)
        return True

    def _read(self, client):
        try:
            data = client.socket.recv(1 << 16)
        except BlockingIOError:
            return
        except OSError:
            return self._gone(client, "reset")
        client.input += data
        self._understand(client)
        if not data and client.end is None:
            self._gone(client, "end")

    def _understand(self, client):
        if not client.is_open:
            at = client.input.find(b"\r\n\r\n")
            if at < 0:
                return
            status = client.input[9:12].decode()
            del client.input[: at + 4]
            if status != "101":
                return self._gone(client, "status " + status)
            client.is_open = True
        frames, taken = parse(client.input)
        del client.input[:taken]
        for opcode, payload in frames:
            if opcode == 8:
                code = int.from_bytes(payload[:2], "big")
                with contextlib.suppress(OSError):
                    client.socket.send(frame(8, payload[:2]))
                return self._gone(client, code)
            if opcode == 9:
                client.pings += 1
                self.write(client, frame(10, payload))
            elif opcode in (1, 2):
                if self.on_message is not None:
                    self.on_message(client, payload)
                    continue
                self.ledger.take(client.number, payload)
                self.latencies.append(time.monotonic() - client.sent_at)

    def _gone(self, client, how):
        if client.end is not None:
            return
        client.end = how
        self.ended.append(client)
        with contextlib.suppress(OSError, ValueError):
            self.poll.unregister(client.socket.fileno())
        self.clients.pop(client.socket.fileno(), None)
        client.socket.close()

    def ignore(self, client):
        """Nothing more is read from it, nor noticed of it."""
        self.poll.unregister(client.socket.fileno())
        self.clients.pop(client.socket.fileno())

    def ends(self):
        counts = {}
        for client in self.ended:
            counts[client.end] = counts.get(client.end, 0) + 1
        return counts

    def open_count(self):
        return sum(1 for client in self.all if client.is_open and client.end is None)

    def close(self):
        for client in self.all:
            client.socket.close()
        self.poll.close()


def quantile(values, part):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))] if ordered else 0.0


def main():
    address, count = sys.argv[1], int(sys.argv[2])
    rate = float(sys.argv[3]) if len(sys.argv) > 3 else 0.0
    crowd = Crowd(
        address, path=os.environ.get("CROWD_PATH", "/echo"), sources=4 if address.startswith("127.") else 1
    )
    crowd.connect(count)
    print(f"open {crowd.open_count()}", flush=True)
    turn = 0
    begun = time.monotonic()
    while crowd.clients:
        while rate and turn < (time.monotonic() - begun) * rate and crowd.clients:
            client = crowd.all[turn % count]
            if client.end is None and not crowd.ledger.missing(client.number):
                crowd.say(client)
            turn += 1
        crowd.turn(0.01 if rate else 1.0)
    # What those who were told to go have seen.
    ends = ",".join(f"{how}={number}" for how, number in sorted(crowd.ends().items(), key=str))
    print(f"ended {ends} made={crowd.ledger.total_made()} missing={crowd.ledger.all_missing()}", flush=True)


if __name__ == "__main__":
    main()
