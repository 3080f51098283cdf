# SPDX-License-Identifier: MIT
"""A bad link: two network interfaces with a program between them, which may lose what passes.

Each end is a TUN interface; the one of the client's side lives in a network namespace of its own, so
that packets between the two have to come through here. What netem of the kernel does (delay, jitter,
loss, duplicates, reordering) is done by chance from a seed, and the link can be cut, or have a
smaller MTU than it admits (a black hole). Real TCP of the kernel runs over it on both sides.

    10.77.0.1  this process's namespace: servers      10.77.0.2  the other side: `on_other_side`
"""

import contextlib
import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import threading
import time

from hosts import LIBC, Skip, need_namespaces

TUNSETIFF = 0x400454CA
IFF_TUN, IFF_NO_PI = 1, 0x1000
CLONE_NEWNET = 0x40000000
SERVER, CLIENT = "10.77.0.1", "10.77.0.2"


def open_tun(name):
    try:
        fd = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
        fcntl.ioctl(fd, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TUN | IFF_NO_PI))
    except OSError as error:
        raise Skip(f"no TUN interface: {error}") from None
    return fd


def ip(*arguments):
    subprocess.run(["ip", *arguments], check=True)


class BadLink:
    def __init__(self, seed=1):
        need_namespaces("a link of one's own")
        self.random = random.Random(seed)
        self.delay = self.jitter = 0.0  # seconds, each way
        self.loss = self.duplicate = self.reorder = 0.0  # of a hundred packets
        self.is_cut = False
        self.bytes_max = 65535  # longer packets to the client are lost, and nobody is told
        self.counts = {"passed": 0, "lost": 0, "doubled": 0, "reordered": 0, "too_long": 0}
        self.ours = open_tun("bad0")
        self.configure("bad0", SERVER, CLIENT)
        # A holder keeps the other namespace alive; its TUN is opened in there and given to the relay.
        self.holder = subprocess.Popen(["unshare", "--net", "sleep", "infinity"])
        home = os.open("/proc/self/ns/net", os.O_RDONLY)
        while os.readlink(f"/proc/{self.holder.pid}/ns/net") == os.readlink("/proc/self/ns/net"):
            time.sleep(0.01)
        other = os.open(f"/proc/{self.holder.pid}/ns/net", os.O_RDONLY)
        self.enter(other)
        try:
            self.theirs = open_tun("bad1")
            self.configure("bad1", CLIENT, SERVER)
            ip("link", "set", "lo", "up")
        finally:
            self.enter(home)
        self.at_work = True
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    @staticmethod
    def configure(name, own, other):
        ip("address", "add", own, "peer", other, "dev", name)
        ip("link", "set", name, "up", "mtu", "1500")

    @staticmethod
    def enter(fd):
        if LIBC.setns(fd, CLONE_NEWNET) != 0:
            raise Skip(f"no other namespace: {os.strerror(ctypes.get_errno())}")

    def on_other_side(self, *command):
        return ["nsenter", f"--net=/proc/{self.holder.pid}/ns/net", "--", *command]

    def run(self):
        waiting, order = [], 0
        to = {self.ours: self.theirs, self.theirs: self.ours}
        while self.at_work:
            now = time.monotonic()
            while waiting and waiting[0][0] <= now:
                _, _, fd, packet = heapq.heappop(waiting)
                with contextlib.suppress(OSError):
                    os.write(fd, packet)
            patience = max(0, waiting[0][0] - time.monotonic()) if waiting else 0.2
            for fd in select.select([self.ours, self.theirs], [], [], patience)[0]:
                for _ in range(64):
                    try:
                        packet = os.read(fd, 65535)
                    except BlockingIOError:
                        break
                    for at in self.fate(packet, fd == self.ours):
                        order += 1
                        heapq.heappush(waiting, (time.monotonic() + at, order, to[fd], packet))

    def happens(self, percent):
        return percent and self.random.random() * 100 < percent

    def fate(self, packet, to_client):
        """When it arrives: once, twice or never."""
        if self.is_cut or self.happens(self.loss):
            self.counts["lost"] += 1
            return []
        if to_client and len(packet) > self.bytes_max:
            self.counts["too_long"] += 1
            return []
        self.counts["passed"] += 1
        at = self.delay + self.random.uniform(-self.jitter, self.jitter)
        if self.happens(self.reorder):
            self.counts["reordered"] += 1
            at = 0
        if self.happens(self.duplicate):
            self.counts["doubled"] += 1
            return [at, at + 0.001]
        return [at]

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.at_work = False
        self.thread.join(1)
        self.holder.kill()
        self.holder.wait()
        for fd in (self.ours, self.theirs):
            os.close(fd)
