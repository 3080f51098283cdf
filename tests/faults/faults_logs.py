# SPDX-License-Identifier: MIT
"""Logs that nobody takes: a full disk, a disk that stands still, closed pipes."""

import contextlib
import os
import pathlib
import re
import socket
import subprocess
import tempfile
import threading
import time

from crowd import Crowd, quantile
from hosts import (
    Skip,
    bench,
    check,
    fault,
    lag_max,
    metrics,
    mount,
    ms,
    need_namespaces,
    program,
    serve,
    split_address,
    stop,
    wait_for,
)


def log_lines(server, count):
    """Requests that are refused, each of which is worth a line."""
    for _ in range(count):
        with socket.create_connection(split_address(server.addresses[0])) as connection:
            connection.sendall(b"GET /echo HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                connection.recv(4096)


def full_disk(folder):
    """1 MiB, and log lines until long after it is full; then there is room again."""
    mount("tmpfs", folder, "size=1m")
    try:
        return fill_disk(folder)
    finally:
        subprocess.run(["umount", "-l", str(folder)])


def fill_disk(folder):
    (folder / "ballast").write_bytes(bytes(900 << 10))
    with open(folder / "log", "wb") as log, serve("--log-level", "debug", stderr=log) as server:
        crowd = Crowd(server.addresses[0])
        crowd.connect(50)
        begun = time.monotonic()
        # The rate of lines is limited to 20 a second; connections that say nothing are not.
        while metrics(server)["log_dropped_total"] < 500:
            check(time.monotonic() - begun < 60, "nothing was dropped")
            for _ in range(200):
                socket.create_connection(split_address(server.addresses[0])).close()
            for client in crowd.all:
                crowd.say(client)
            check(crowd.run_until(lambda: crowd.ledger.all_missing() == 0), "something is missing")
        dropped = metrics(server)["log_dropped_total"]
        (folder / "ballast").unlink()
        log_lines(server, 1)
        wait_for(
            lambda: "ev=log_dropped" in (folder / "log").read_text(errors="replace"),
            "the line that counts them",
        )
        told = sum(
            int(n)
            for n in re.findall(r"ev=log_dropped lines=(\d+)", (folder / "log").read_text(errors="replace"))
        )
        last = metrics(server)["log_dropped_total"]
        check(told == last, f"{told} were told, {last:.0f} counted")
        check(stop(server)[0] == 0, "its exit code")
        crowd.run_until(lambda: len(crowd.ended) == 50)
        check(
            crowd.ends() == {1001: 50} and crowd.ledger.all_missing() == 0, f"they ended so: {crowd.ends()}"
        )
        return (
            f"full disk: {dropped:.0f} lines dropped and counted, told when there was room, "
            f"{crowd.ledger.total_taken()} echoes whole"
        )


def standing_disk(folder):
    """An ext4 in a file, frozen (FIFREEZE): whoever writes to it waits."""
    make, freeze = program("mkfs.ext4", "e2fsprogs"), program("fsfreeze", "util-linux")
    image = folder / "image"
    with open(image, "wb") as file:
        file.truncate(32 << 20)
    subprocess.run([make, "-q", str(image)], check=True)
    disk = folder / "disk"
    disk.mkdir()
    if subprocess.run([program("mount", "mount"), "-o", "loop", str(image), str(disk)]).returncode != 0:
        raise Skip("no loop device may be mounted")
    try:
        with open(disk / "log", "wb") as log, serve(stderr=log) as server:
            crowd = Crowd(server.addresses[0])
            crowd.connect(20)
            subprocess.run([freeze, "-f", str(disk)], check=True)
            try:
                threading.Thread(target=log_lines, args=(server, 10), daemon=True).start()
                begun = time.monotonic()
                while time.monotonic() - begun < 3:
                    for client in crowd.all:
                        crowd.say(client)
                    check(
                        crowd.run_until(lambda: crowd.ledger.all_missing() == 0, 10),
                        "the loop waits for the disk",
                    )
            finally:
                subprocess.run([freeze, "-u", str(disk)], check=True)
            wait_for(lambda: (disk / "log").read_text().count("ev=reject") == 10, "the lines are written")
            turn = lag_max(metrics(server))
            check(turn < 1, f"a turn of the loop took up to {turn} s")
            check(stop(server)[0] == 0, "its exit code")
            return (
                f"disk that stands still for 3 s: {len(crowd.latencies)} echoes meanwhile, p99 "
                f"{ms(quantile(crowd.latencies, 0.99))}, "
                f"no turn of the loop above {turn * 1000:.1f} ms, the 10 lines written afterwards"
            )
    finally:
        subprocess.run(["umount", "-l", str(disk)])


@fault("F8", "the disk of the log is full, or stands still")
def _():
    with serve(stderr=open("/dev/full", "wb")) as server:
        measured = bench(server.url(), "-c", "10", "-d", "500ms")
        check(measured["failed"] == 0, "echoes")
        log_lines(server, 5)
        dropped = metrics(server)["log_dropped_total"]
        check(dropped >= 6, f"{dropped:.0f} lines were counted")
        check(stop(server)[0] == 0, "its exit code")
    figures = [f"/dev/full: {dropped:.0f} lines counted"]
    need_namespaces("a disk of one's own")
    with tempfile.TemporaryDirectory() as name:
        for part in (full_disk, standing_disk):
            folder = pathlib.Path(name) / part.__name__
            folder.mkdir()
            figures.append(part(folder))
    return "; ".join(figures)


@fault("F9", "stdout and stderr are pipes whose reader is gone")
def _():
    reading, writing = os.pipe()
    # Until the first line, as `hilo serve | head -1` does.
    with serve("--log-level", "debug", stdout=writing, stderr=writing) as server:
        os.close(writing)
        text = b""
        while not (found := re.search(rb"listening on (\S+)", text)):
            text += os.read(reading, 4096)
        os.close(reading)
        server.addresses = [found[1].decode()]
        log_lines(server, 10)
        measured = bench(server.url(), "-c", "10", "-d", "500ms")
        check(measured["failed"] == 0 and measured["messages"] > 0, "echoes")
        dropped = metrics(server)["log_dropped_total"]
        check(dropped >= 10, f"{dropped:.0f} lines were counted")
        check(stop(server)[0] == 0, "its exit code")
        return f"no SIGPIPE: {dropped:.0f} lines counted as dropped, {measured['messages']} echoes, exit 0"
