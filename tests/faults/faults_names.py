# SPDX-License-Identifier: MIT
"""Names that are not found, not answered, or lead astray."""

import socket
import struct
import subprocess
import tempfile
import threading
import time

from bad_link import open_tun
from hosts import HILO, Skip, bind_file, check, fault, need_namespaces, serve


class NameServer(threading.Thread):
    """A stub of DNS on UDP port 53: `answer(name, kind)` says what: a list of addresses, a code, or
    None for silence."""

    def __init__(self, answer):
        super().__init__(daemon=True)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 53))
        self.answer = answer
        self.asked = 0
        self.start()

    def run(self):
        while True:
            question, peer = self.socket.recvfrom(4096)
            self.asked += 1
            labels, at = [], 12
            while question[at]:
                labels.append(question[at + 1 : at + 1 + question[at]].decode())
                at += 1 + question[at]
            kind = struct.unpack(">H", question[at + 1 : at + 3])[0]
            what = self.answer(".".join(labels), "A" if kind == 1 else "AAAA")
            if what is None:
                continue
            code, addresses = (what, []) if isinstance(what, int) else (0, what)
            # Long answers go over UDP, too: the stub tells of no limit (EDNS of glibc: 1232).
            reply = (
                question[:2]
                + struct.pack(">HHHHH", 0x8180 | code, 1, len(addresses), 0, 0)
                + question[12 : at + 5]
            )
            for address in addresses:
                data = socket.inet_pton(socket.AF_INET if kind == 1 else socket.AF_INET6, address)
                reply += b"\xc0\x0c" + struct.pack(">HHIH", kind, 1, 0, len(data)) + data
            self.socket.sendto(reply, peer)


def make_hole(address):
    """An interface that swallows all that is sent there; False where there is no IPv6."""
    try:
        open_tun("hole")
    except Skip:
        return False
    commands = (["address", "add", address, "dev", "hole", "nodad"], ["link", "set", "hole", "up"])
    return all(subprocess.run(["ip", *command], capture_output=True).returncode == 0 for command in commands)


@fault("F23", "names: not known, refused, late, fifty addresses, IPv6 that is a hole, answers that change")
def _():
    need_namespaces("a name server of one's own")
    with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
        file.write("nameserver 127.0.0.1\noptions timeout:10 attempts:2 edns0\n")
        file.flush()
        bind_file(file.name, "/etc/resolv.conf")
        changing = {"at": "127.0.0.9"}
        has_hole = make_hole("2001:db8::2/32")

        def answer(name, kind):
            is_v4 = kind == "A"
            return {
                "unknown.test": 3,
                "failing.test": 2,
                "silent.test": None,
                "fifty.test": [f"127.1.0.{n}" for n in range(1, 50)] + ["127.0.0.1"] if is_v4 else [],
                "hole.test": ["127.0.0.1"] if is_v4 else ["2001:db8::1"],
                "changing.test": [changing["at"]] if is_v4 else [],
            }.get(name, 3)

        NameServer(answer)
        with serve() as server:
            port = server.addresses[0].rsplit(":", 1)[1]

            def connect(name, *flags):
                begun = time.monotonic()
                done = subprocess.run(
                    [HILO, "connect", *flags, f"ws://{name}:{port}/echo"],
                    input=b"hello\n",
                    capture_output=True,
                    timeout=60,
                )
                return done.returncode, time.monotonic() - begun, done.stderr.decode().strip()

            figures = []
            for name in ("unknown.test", "failing.test", "silent.test"):
                code, took, words = connect(name)
                check(code == 1 and words, f"{name}: {code} {words}")
                figures.append(f"{name.split('.')[0]} {took:.1f} s")
            check(took <= 6, f"a silent name server is waited for {took:.1f} s")
            code, took, words = connect("fifty.test")
            figures.append(
                f"fifty addresses, one of them right: {'connected' if code == 0 else words} after "
                f"{took:.1f} s"
            )
            if has_hole:
                code, took, words = connect("hole.test")
                check(code == 0 and took < 2, f"behind the hole: {code} {took:.1f} s {words}")
                figures.append(f"IPv6 hole, then IPv4: {took * 1000:.0f} ms")
            else:
                figures.append("no IPv6 here, so no hole")
            # It comes back to where the name leads by then.
            client = subprocess.Popen(
                [
                    HILO,
                    "connect",
                    "--reconnect",
                    "--reconnect-base",
                    "300ms",
                    "--reconnect-cap",
                    "300ms",
                    "--count",
                    "1",
                    f"ws://changing.test:{port}/echo",
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
            )
            client.stderr.readline()
            changing["at"] = "127.0.0.1"
            out, errors = client.communicate(b"found\n", timeout=30)
            check(out == b"found\n", f"{out!r} {errors!r}")
            figures.append("an answer that changed was followed")
            # One name is not answered; others of the same loop do not wait for it (net/resolver.h).
            return "; ".join(figures)
