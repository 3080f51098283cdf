# SPDX-License-Identifier: MIT
"""What the scripts of this folder share: cases, programs that run, the other side byte by byte.

A script registers its cases with @case(NAME) and ends with sys.exit(run_cases()), which prints one
line a case: `ok NAME`, `not ok NAME`, `skip NAME: REASON`. HILO names the binary. Nothing here waits
for a time to pass: a server is ready when it says so, a client when its first echo is back.
"""

import base64
import contextlib
import hashlib
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import traceback
import urllib.request

HILO = os.environ.get("HILO", "build/release/hilo")
PATIENCE = 60  # seconds: a guard against hanging, not a measurement
MIB = 1 << 20
PIPE = subprocess.PIPE
CASES = []


def case(name):
    def register(function):
        CASES.append((name, function))
        return function

    return register


def debian_python(script, packages, *flags):
    """For a script whose import failed. Debian's packages belong to Debian's Python, which need not be
    the first one of the path: runs the script there, or says that it is skipped."""
    debian = "/usr/bin/python3"
    if os.path.exists(debian) and not os.path.samefile(sys.executable, debian):
        os.execv(debian, [debian, *flags, *sys.argv])
    print(f"skip {script}: {packages} not installed")
    sys.exit(0)


def equal(got, wanted):
    if got != wanted:
        raise AssertionError(f"got {got!r:.300}, wanted {wanted!r:.300}")


def contains(text, part):
    if part not in text:
        raise AssertionError(f"{part!r} is not in {text!r:.600}")


def said(text, *parts):
    """Each of these is there, behind the one before."""
    at = 0
    for part in parts:
        found = text.find(part, at)
        if found < 0:
            raise AssertionError(f"{part!r} is not behind the others in {text[at : at + 2000]!r}")
        at = found + len(part)


def run(*arguments, stdin=b"", **more):
    """Runs hilo to its end: (exit code, stdout, stderr)."""
    source = {"input": stdin} if isinstance(stdin, bytes) else {"stdin": stdin}
    done = subprocess.run(
        [HILO, *arguments], stdout=PIPE, stderr=PIPE, timeout=PATIENCE, **source, **more
    )
    return done.returncode, done.stdout, done.stderr.decode()


class Serve:
    """A running `hilo serve`; `addresses` are those it printed."""

    def __init__(self, *arguments, listen=("127.0.0.1:0",), **more):
        flags = [part for address in listen for part in ("--listen", address)]
        more = {"stdout": PIPE, "stderr": PIPE} | more
        self.process = subprocess.Popen([HILO, "serve", *flags, *arguments], **more)
        self.addresses = []
        if more["stdout"] == PIPE:
            for _ in listen:
                line = self.process.stdout.readline().decode()
                self.addresses.append(re.match(r"listening on (\S+)", line).group(1))

    def url(self, path="/echo", index=0):
        address = self.addresses[index]
        if address.startswith("unix:"):
            return f"ws+unix://{address[5:]}:{path}"
        return f"ws://{address}{path}"

    def get(self, path):
        return urllib.request.urlopen(f"http://{self.addresses[0]}{path}", timeout=PATIENCE)

    def stop(self, number=signal.SIGTERM):
        """(exit code, log)"""
        self.process.send_signal(number)
        _, log = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, (log or b"").decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class Connect:
    """A running `hilo connect` with open pipes."""

    def __init__(self, url, *arguments):
        self.process = subprocess.Popen(
            [HILO, "connect", *arguments, url], stdin=PIPE, stdout=PIPE, stderr=PIPE
        )

    def say(self, line):
        self.process.stdin.write(line + b"\n")
        self.process.stdin.flush()

    def hear(self):
        return self.process.stdout.readline().rstrip(b"\n")

    def hear_until(self, line):
        while (heard := self.hear()) != line:
            if not heard and self.process.poll() is not None:
                raise AssertionError(f"ended before {line!r} came")

    def end(self):
        """(exit code, rest of stdout, stderr), with stdin left open until it has ended."""
        code = self.process.wait(PATIENCE)
        out, errors = self.process.stdout.read(), self.process.stderr.read()
        self.process.stdin.close()
        return code, out, errors.decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout, self.process.stderr):
            with contextlib.suppress(OSError):
                pipe.close()


class Tap:
    """A running `hilo tap` in front of `target`; what it told comes with stop()."""

    def __init__(self, target, *arguments):
        self.told = tempfile.TemporaryFile()
        self.process = subprocess.Popen(
            [HILO, "tap", *arguments, "127.0.0.1:0", target], stdout=self.told, stderr=PIPE
        )
        line = self.process.stderr.readline().decode()
        self.address = re.match(r"listening on (\S+)", line).group(1)
        if "--page" in arguments:
            line = self.process.stderr.readline().decode()
            self.page = re.match(r"page at http://(\S+)/", line).group(1)

    def url(self, path="/echo"):
        return f"ws://{self.address}{path}"

    def stop(self):
        """(what it told, what went wrong)"""
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=PATIENCE)
        equal(self.process.returncode, 0)
        self.told.seek(0)
        return self.told.read().decode(), errors.decode()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.process.kill()
            self.process.communicate()
        self.told.close()


# ---- the other side, byte by byte ------------------------------------------------------------


def read_head(connection):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        byte = connection.recv(1)
        if not byte:
            raise AssertionError(f"the head ended early: {head!r}")
        head += byte
    return head.decode()


def read_exactly(connection, size):
    data = b""
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise AssertionError("the stream ended inside a frame")
        data += piece
    return data


def read_frame(connection):
    """(first byte, payload) of a frame below 64 KiB, masked or not."""
    first, second = read_exactly(connection, 2)
    size = second & 127
    if size == 126:
        (size,) = struct.unpack(">H", read_exactly(connection, 2))
    key = read_exactly(connection, 4) if second & 128 else bytes(4)
    payload = read_exactly(connection, size)
    return first, bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))


def frame(opcode, payload):
    return bytes([0x80 | opcode, len(payload)]) + payload


def upgrade_response(head):
    """The 101 to this request."""
    key = re.search(r"(?im)^sec-websocket-key: *(\S+)", head).group(1)
    digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode())
    return (
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {base64.b64encode(digest.digest()).decode()}\r\n\r\n"
    ).encode()


class RawServer:
    """Accepts one WebSocket and hands it to `talk`; `head` is what the client asked, `first` goes with
    the answer."""

    def __init__(self, talk, first=b""):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE)
        self.url = "ws://127.0.0.1:%d/" % self.listener.getsockname()[1]
        self.head = ""
        self.first = first
        self.error = None
        self.thread = threading.Thread(target=self._serve, args=(talk,))
        self.thread.start()

    def _serve(self, talk):
        try:
            connection, _ = self.listener.accept()
            with connection:
                connection.settimeout(PATIENCE)
                self.head = read_head(connection)
                connection.sendall(upgrade_response(self.head) + self.first)
                talk(connection)
        except Exception as error:  # told in the case's own thread
            self.error = error

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self.thread.join(PATIENCE)
        self.listener.close()
        if self.error and not kind:
            raise self.error


def open_raw(address, path="/echo", fields="", status=101):
    """`fields`: lines of more header fields, among them Host, if it is to be another one."""
    host, port = address.rsplit(":", 1)
    connection = socket.create_connection((host, int(port)), PATIENCE)
    if "Host: " not in fields:
        fields = f"Host: {address}\r\n{fields}"
    connection.sendall(
        (
            f"GET {path} HTTP/1.1\r\n{fields}Upgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        ).encode()
    )
    contains(read_head(connection), f" {status} ")
    return connection


def masked(opcode, payload, key=b"\x37\xfa\x21\x3d", final=True):
    """A client's frame below 126 bytes."""
    head = bytes([(0x80 if final else 0) | opcode, 0x80 | len(payload)])
    return head + key + bytes(byte ^ key[i % 4] for i, byte in enumerate(payload))

def run_cases(call=lambda function: function()):
    """Runs those whose names hold the first argument; the exit code. A case may return why it was
    skipped; `call` runs one that is no plain function."""
    failed = 0
    only = sys.argv[1] if len(sys.argv) > 1 else ""
    for name, function in CASES:
        if only not in name:
            continue
        try:
            reason = call(function)
            print(f"skip {name}: {reason}" if reason else f"ok {name}", flush=True)
        except Exception:
            failed += 1
            print(f"not ok {name}\n" + traceback.format_exc(), flush=True)
    return 1 if failed else 0
