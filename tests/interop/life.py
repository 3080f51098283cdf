#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How `hilo serve` comes and goes: inherited and handed-over sockets, draining, proxies, the log."""

import contextlib
import json
import os
import re
import signal
import socket
import ssl
import stat
import struct
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
    open_raw,
    read_frame,
    read_head,
    run_cases,
)

UPGRADE = (
    b"GET /echo HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def connect(address):
    host, port = address.rsplit(":", 1)
    return socket.create_connection((host, int(port)), PATIENCE)


def close_frame(code):
    return 0x88, struct.pack(">H", code)


def say_goodbye(connection, code):
    connection.sendall(b"\x88\x82\0\0\0\0" + struct.pack(">H", code))


def ended(connection):
    """Whether the other side has ended it, now or soon, and no byte came before."""
    with contextlib.suppress(ConnectionResetError):
        return connection.recv(1) == b""
    return True


# ---- going ----------------------------------------------------------------------------------


@case("SIGTERM drains: each is told 1001, new handshakes get 503, and it ends with 0")
def _():
    with Serve() as server, open_raw(server.addresses[0]) as stays:
        wants = connect(server.addresses[0])
        wants.sendall(UPGRADE[:20])
        # Once the one behind it is served, the server has read that, too.
        with open_raw(server.addresses[0]) as last:
            server.process.send_signal(signal.SIGTERM)
            equal(read_frame(last), close_frame(1001))
            say_goodbye(last, 1001)
        with wants:
            wants.sendall(UPGRADE[20:])
            contains(read_head(wants), "HTTP/1.1 503 ")
        equal(read_frame(stays), close_frame(1001))
        say_goodbye(stays, 1001)
        _, log = server.process.communicate(timeout=PATIENCE)
        equal(server.process.returncode, 0)
        contains(log.decode(), "ev=stop signal=15")


@case("who does not answer when the drain time is over is reset")
def _():
    with Serve("--drain-time", "200ms", "--close-timeout", "1h") as server:
        with open_raw(server.addresses[0]) as silent:
            server.process.send_signal(signal.SIGTERM)
            equal(read_frame(silent), close_frame(1001))
            equal(ended(silent), True)
        server.process.communicate(timeout=PATIENCE)
        equal(server.process.returncode, 0)


# ---- coming: sockets from elsewhere ----------------------------------------------------------


@case("the sockets of systemd are listened on, by every thread")
def _():
    with socket.create_server(("127.0.0.1", 0)) as first, socket.create_server(
        ("127.0.0.1", 0)
    ) as second:
        # What systemd does: descriptors from 3 on, and the number of the process they are for.
        script = f"exec 3<&{first.fileno()} 4<&{second.fileno()}; " + (
            f"LISTEN_FDS=2 LISTEN_PID=$$ exec '{HILO}' serve --listen systemd --threads 3"
        )
        process = subprocess.Popen(
            ["sh", "-c", script],
            stdout=PIPE,
            stderr=PIPE,
            pass_fds=[first.fileno(), second.fileno()],
        )
        with process:
            for listener in (first, second):
                host, port = listener.getsockname()
                line = process.stdout.readline().decode()
                contains(line, f"listening on {host}:{port}")
                with open_raw(f"{host}:{port}"):
                    pass
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=PATIENCE)
            equal(process.returncode, 0)


@case("without sockets of systemd it says so and ends with 1")
def _():
    environments = [{}, {"LISTEN_FDS": "1", "LISTEN_PID": "1"}, {"LISTEN_FDS": "x"}]
    for more in environments:
        done = subprocess.run(
            [HILO, "serve", "--listen", "systemd"],
            capture_output=True,
            env=os.environ | more,
            timeout=PATIENCE,
        )
        equal(done.returncode, 1)
        contains(done.stderr.decode(), "systemd")


HEALTH = b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"


def connect_unix(address):
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(PATIENCE)
    connection.connect(address.removeprefix("unix:"))
    return connection


TRUSTING = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
TRUSTING.check_hostname = False
TRUSTING.verify_mode = ssl.CERT_NONE  # each server has made its own certificate


def connect_tls(address):
    return TRUSTING.wrap_socket(connect(address))


class Asker(threading.Thread):
    """Connects and asks, again and again; `failures` are those that did not get `status`."""

    def __init__(self, dial, request, status):
        super().__init__()
        self.dial, self.request, self.status = dial, request, status
        self.answered = 0
        self.failures = []
        self.at_work = True
        self.news = threading.Condition()
        self.start()

    def run(self):
        while self.at_work:
            failures = []
            try:
                with self.dial() as connection:
                    connection.sendall(self.request)
                    contains(read_head(connection), f" {self.status} ")
            except (OSError, AssertionError) as error:
                failures.append(error)
            with self.news:
                self.answered += not failures
                self.failures += failures
                self.news.notify()

    def wait_for(self, more):
        with self.news:
            wanted = self.answered + more
            self.news.wait_for(lambda: self.answered >= wanted or self.failures, PATIENCE)

    def end(self):
        self.at_work = False
        self.join(PATIENCE)


def follow_each_other(folder, *flags, listen="127.0.0.1:0", dial=connect):
    """Three times a server takes over from the one before, while others ask for pages and open
    WebSockets: nobody is refused, and who is connected is told 1012."""
    handover = ["--handover", os.path.join(folder, "hand.over"), "--drain-time", "1s", *flags]
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Serve(*handover, listen=[listen]))
        [address] = server.addresses
        askers = []
        for request, status in ((HEALTH, 200), (UPGRADE, 101)):
            askers.append(Asker(lambda: dial(address), request, status))
            stack.callback(askers[-1].end)
        for _ in range(3):
            for asker in askers:
                asker.wait_for(100)
            connection = stack.enter_context(dial(address))
            connection.sendall(UPGRADE)
            contains(read_head(connection), " 101 ")
            following = stack.enter_context(Serve(*handover, listen=["127.0.0.1:1"]))
            equal(following.addresses, [address])
            equal(read_frame(connection), close_frame(1012))
            say_goodbye(connection, 1012)
            server.process.communicate(timeout=PATIENCE)
            equal(server.process.returncode, 0)
            server = following
        for asker in askers:
            asker.wait_for(100)
            asker.end()
            equal(asker.failures, [])
        equal(server.stop()[0], 0)
    # The last one takes the file along.
    equal(os.listdir(folder), [])


@case("servers that follow each other refuse no connection, and tell theirs 1012 (F13, F14)")
def _():
    with tempfile.TemporaryDirectory() as folder:
        follow_each_other(folder, "--threads", "2")


@case("servers that follow each other over TLS refuse no handshake")
def _():
    with tempfile.TemporaryDirectory() as folder:
        follow_each_other(folder, "--tls-self-signed", dial=connect_tls)


@case("servers that follow each other at a Unix socket refuse no connection")
def _():
    with tempfile.TemporaryDirectory() as folder:
        listen = "unix:" + os.path.join(folder, "socket")
        follow_each_other(folder, "--threads", "2", listen=listen, dial=connect_unix)


@case("a successor that dies before it is ready changes nothing")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "hand.over")
        with Serve("--handover", path) as server:
            equal(stat.S_IMODE(os.stat(path).st_mode), 0o600)
            for last_word in (b"", b"no"):
                with socket.socket(socket.AF_UNIX) as successor:
                    successor.settimeout(PATIENCE)
                    successor.connect(path)
                    _, descriptors, _, _ = socket.recv_fds(successor, 16, 8)
                    equal(len(descriptors), 1)
                    for descriptor in descriptors:
                        os.close(descriptor)
                    successor.sendall(last_word)
                with open_raw(server.addresses[0]):
                    pass
            equal(server.stop()[0], 0)


@case("what is at the path of a handover and is no server's ends it with 1")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "hand.over")
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(path)
            other.listen()
            process = subprocess.Popen(
                [HILO, "serve", "--listen", "127.0.0.1:0", "--handover", path],
                stdout=PIPE,
                stderr=PIPE,
            )
            other.accept()[0].close()
            _, errors = process.communicate(timeout=PATIENCE)
            equal(process.returncode, 1)
            contains(errors.decode(), path)


@case("a file at the path of a handover is no socket's, and stays what it is")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "notes.txt")
        with open(path, "w") as file:
            file.write("not to be lost")
        done = subprocess.run(
            [HILO, "serve", "--listen", "127.0.0.1:0", "--handover", path], capture_output=True, timeout=PATIENCE
        )
        equal(done.returncode, 1)
        contains(done.stderr.decode(), path)
        with open(path) as file:
            equal(file.read(), "not to be lost")


@case("the file of systemd's Unix socket is systemd's, also behind a handover")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path, hand = os.path.join(folder, "socket"), os.path.join(folder, "hand.over")
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            listener.listen()
            script = f"exec 3<&{listener.fileno()}; LISTEN_FDS=1 LISTEN_PID=$$ " + (
                f"exec '{HILO}' serve --listen systemd --handover {hand} --drain-time 100ms"
            )
            first = subprocess.Popen(["sh", "-c", script], stdout=PIPE, stderr=PIPE, pass_fds=[listener.fileno()])
            contains(first.stdout.readline().decode(), "listening on unix:" + path)
            with Serve("--handover", hand, "--drain-time", "100ms") as second:
                first.communicate(timeout=PATIENCE)
                equal(first.returncode, 0)
                equal(second.addresses, ["unix:" + path])
                equal(second.stop()[0], 0)
            with socket.socket(socket.AF_UNIX) as client:
                client.connect(path)


@case("a Unix socket has the permissions that were asked for")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "socket")
        with Serve("--unix-mode", "0620", listen=[f"unix:{path}"]):
            equal(stat.S_IMODE(os.stat(path).st_mode), 0o620)


# ---- who asks ---------------------------------------------------------------------------------


@case("a limit per address counts this machine's own where that is asked for")
def _():
    with Serve("--connections-per-ip-max", "2", "--count-local", "--threads", "2") as server:
        with open_raw(server.addresses[0]), open_raw(server.addresses[0]):
            with connect(server.addresses[0]) as third:
                equal(ended(third), True)
        contains(server.stop()[1], "reason=ip_conns")


@case("what proxies say of who asks is believed from those alone who are named")
def _():
    bad = UPGRADE.replace(b"Version: 13", b"Version: 13\r\nX-Forwarded-For: 192.0.2.7")
    bad = bad.replace(b"AAAA", b"", 1)
    for flags, peer in ((["--trusted-proxy", "127.0.0.0/8"], "192.0.2.7"), ([], "127.0.0.1")):
        with Serve(*flags) as server:
            with connect(server.addresses[0]) as connection:
                connection.sendall(bad)
                contains(read_head(connection), " 400 ")
            [line] = [line for line in server.stop()[1].splitlines() if "ev=reject" in line]
            contains(line, f"peer={peer}")


@case("with the PROXY protocol the first line says who asks")
def _():
    with Serve("--proxy-protocol") as server:
        with connect(server.addresses[0]) as connection:
            connection.sendall(b"PROXY TCP4 192.0.2.7 192.0.2.1 5555 80\r\n" + UPGRADE)
            contains(read_head(connection), " 101 ")
            connection.sendall(b"\x81\x00")  # without a mask
            equal(read_frame(connection)[0], 0x88)
        with connect(server.addresses[0]) as connection:
            connection.sendall(UPGRADE)
            equal(ended(connection), True)
        log = server.stop()[1]
        contains(log, "peer=192.0.2.7:5555")
        contains(log, "reason=proxy_hdr")


# ---- the log ----------------------------------------------------------------------------------


@case("a log in JSON is an object on every line, whatever the peer sends")
def _():
    with Serve("--log-format", "json") as server:
        for rubbish in (b'GET /"\\\x01\xff HTTP/1.1\r\n\r\n', b"\x16\x03\x01\0\0", b"\0" * 9):
            with connect(server.addresses[0]) as connection:
                connection.sendall(rubbish)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(4096):
                    pass
        with open_raw(server.addresses[0]) as connection:
            connection.sendall(b"\x83\x80\0\0\0\0")
            equal(read_frame(connection)[0], 0x88)
        code, log = server.stop()
        equal(code, 0)
    lines = [json.loads(line) for line in log.splitlines()]
    for line in lines:
        equal(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["time"]) is None, False)
        equal(line["lvl"] in ("info", "warn"), True)
    equal([line["ev"] for line in lines], ["start", *["reject"] * 4, "stop", "end"])


if __name__ == "__main__":
    sys.exit(run_cases())
