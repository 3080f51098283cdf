# SPDX-License-Identifier: MIT
"""Processes that go: clients killed, servers told to end, killed and started again."""

import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time

from crowd import Crowd, request
from hosts import (
    HILO,
    bench,
    check,
    closes,
    descriptors,
    end_bench,
    fault,
    metrics,
    ms,
    resident_bytes,
    sees_no_clients,
    serve,
    split_address,
    start_bench,
    stop,
    wait_for,
)

CROWD = pathlib.Path(__file__).with_name("crowd.py")


class CrowdProcess:
    """Clients in a process of their own."""

    def __init__(self, address, count, rate=0.0, path="/echo"):
        self.process = subprocess.Popen(
            [sys.executable, str(CROWD), address, str(count), str(rate)],
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | {"CROWD_PATH": path},
        )
        self.count = count

    def wait_open(self):
        line = self.process.stdout.readline()
        check(line == f"open {self.count}\n", f"the crowd said {line!r}")
        return self

    def kill(self):
        self.process.kill()
        self.process.wait()

    def end(self, seconds=60):
        """What it saw: ({how: count}, messages made, messages missing)."""
        out, _ = self.process.communicate(timeout=seconds)
        found = re.match(r"ended (\S*) made=(\d+) missing=(\d+)", out)
        check(found, f"the crowd said {out!r}")
        ends = dict(part.split("=") for part in found[1].split(",") if part)
        return {how: int(count) for how, count in ends.items()}, int(found[2]), int(found[3])


def crowds(address, count, rate=0.0, parts=2):
    started = [CrowdProcess(address, count // parts, rate / parts) for _ in range(parts)]
    return [each.wait_open() for each in started]


def add_up(results):
    ends, made, missing = {}, 0, 0
    for part, part_made, part_missing in results:
        for how, count in part.items():
            ends[how] = ends.get(how, 0) + count
        made += part_made
        missing += part_missing
    return ends, made, missing


@fault("F3", "5,000 clients are killed at once (kill -9)")
def _():
    with serve() as server:
        pid = server.process.pid
        url = server.url()
        bench(url, "-c", "20", "-d", "500ms")
        fds = descriptors(pid)
        # What it keeps for the next 5,000 is no leak: it is there already.
        for each in crowds(server.addresses[0], 5000):
            each.kill()
        wait_for(lambda: sees_no_clients(server), "the first 5,000 are gone")
        memory = resident_bytes(pid)
        quiet = bench(url, "-c", "20", "--rate", "500", "-d", "2s")["latency"]
        victims = crowds(server.addresses[0], 5000)
        there = Crowd(server.addresses[0], numbers_from=1_000_000)
        there.connect(20)
        others = start_bench(url, "-c", "20", "--rate", "500", "-d", "4s")
        time.sleep(2)
        before = metrics(server)
        for each in victims:
            each.kill()
        took = wait_for(lambda: closes(metrics(server)) - closes(before) >= 5000, "5,000 closes")
        by_network = 'closes_total{code="1006",initiator="network"}'
        lost = metrics(server)[by_network] - before.get(by_network, 0)
        check(lost == 5000, f"{lost:.0f} ended by 1006")
        for client in there.all:
            there.say(client)
        check(there.run_until(lambda: there.ledger.all_missing() == 0), "the others are not served")
        beside = end_bench(others)
        check(beside["failed"] == 0, f"others were lost: {beside}")
        there.close()
        wait_for(lambda: sees_no_clients(server), "the connections are gone")
        wait_for(lambda: descriptors(pid) <= fds + 1, "its descriptors are back")
        kept = resident_bytes(pid) / memory - 1
        check(kept <= 0.05, f"memory grew by {kept:.1%}")
        return (
            f"5,000 closes in {took:.2f} s, each once, by 1006; others' p99 "
            f"{quiet['p99_us'] / 1000:.1f} ms before, "
            f"{beside['latency']['p99_us'] / 1000:.1f} ms beside; resident memory {kept:+.1%} against "
            "the 5,000 before"
        )


def drain(count, rate, window, *flags):
    with serve("--drain-time", f"{window}s", *flags) as server:
        there = crowds(server.addresses[0], count, rate)
        time.sleep(2)
        # These have written and not read when the signal comes: what the server took is owed to them.
        owed = Crowd(server.addresses[0], numbers_from=1_000_000)
        owed.connect(50)
        before = metrics(server)["messages_in_total"]
        for client in owed.all:
            for _ in range(15):
                owed.say(client, 4000)
        wait_for(lambda: metrics(server)["messages_in_total"] >= before + 50 * 15, "they are received")
        # One is in the midst of its handshake when the signal comes, and is told 503.
        late = socket.create_connection(split_address(server.addresses[0]), 60)
        head = request(server.addresses[0])
        late.sendall(head[:20])
        wait_for(lambda: metrics(server)['conns{state="http"}'] >= 2, "it is accepted")
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        late.sendall(head[20:])
        answer = late.recv(4096)
        check(b" 503 " in answer, f"a new handshake got {answer!r}")
        late.close()
        check(owed.run_until(lambda: len(owed.ended) == 50), "those who were owed something ended")
        code = server.process.wait(window + 30)
        took = time.monotonic() - begun
        check(code == 0, f"exit code {code}")
        check(owed.ledger.all_missing() == 0, f"{owed.ledger.all_missing()} accepted messages were lost")
        ends, made, missing = add_up(each.end() for each in there)
        for how, number in owed.ends().items():
            ends[str(how)] = ends.get(str(how), 0) + number
        check(ends == {"1001": count + 50}, f"they ended so: {ends}")
        # One at most is on its way for each connection, when its Close comes.
        check(missing <= count, f"{missing} messages got no answer")
        return took, made, missing


@fault("F12", "SIGTERM under traffic, and a second one")
def _():
    took, made, missing = drain(10_000, 5000, 10)
    check(took <= 15, f"it took {took:.1f} s")
    with serve() as server:
        crowd = Crowd(server.addresses[0])
        crowd.connect(100)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.3)
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        code = server.process.wait(10)
        at_once = time.monotonic() - begun
        check(code == 143, f"exit code {code}")
    return (
        f"10,000 connections that sent {made:,} messages in {took + 2:.0f} s, window 10 s: all told "
        "1001, exit 0 after "
        f"{took:.1f} s; 750 accepted messages that waited all arrived; {missing} others crossed a Close; "
        f"a second SIGTERM: 143 after {at_once * 1000:.0f} ms"
    )


@fault("F13", "restart by handover, and who comes back")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "hand.over")
        flags = ["--handover", path, "--drain-time", "6s"]
        with serve(*flags) as first:
            there = Crowd(first.addresses[0])
            there.connect(2000)
            with serve(*flags, listen=["127.0.0.1:1"]) as second:
                times, refused = [], 0
                returning = Crowd(second.addresses[0], numbers_from=1_000_000)
                begun = time.monotonic()
                known = 0
                while len(there.ended) < 2000 and time.monotonic() - begun < 30:
                    there.turn(0.01)
                    for _ in there.ended[known:]:
                        times.append(time.monotonic() - begun)
                        returning._dial()
                    known = len(there.ended)
                    returning.turn(0)
                check(returning.run_until(lambda: returning.open_count() == 2000), "all are back")
                check(there.ends() == {1012: 2000}, f"they ended so: {there.ends()}")
                check(first.process.wait(30) == 0, "the first one's exit code")
                refused = returning.ends()
                check(not refused, f"refused: {refused}")
                # By tenths of the time over which they were told.
                span = times[-1]
                tenths = [sum(1 for t in times if i <= t / span * 10 < i + 1) for i in range(10)]
                ratio = max(tenths) / 200
                check(ratio <= 2, f"in tenths of {span:.1f} s: {tenths}")
                return (
                    f"2,000 told 1012 over {span:.1f} s and all back at once, 0 refused; peak "
                    f"{ratio:.2f} x mean"
                )


@fault("F14", "the listening sockets change hands under 100,000 connects")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "hand.over")
        flags = ["--handover", path, "--drain-time", "2s"]
        servers = [serve(*flags)]
        [address] = servers[0].addresses
        asks = b"GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        script = (
            "import socket,sys\n"
            "host,port,count,source=sys.argv[1],int(sys.argv[2]),int(sys.argv[3]),sys.argv[4]\n"
            "bad={}\n"
            "for _ in range(count):\n"
            "    try:\n"
            "        with socket.create_connection((host,port),60,(source,0)) as c:\n"
            f"            c.sendall({asks!r})\n"
            "            if b' 200 ' not in c.recv(4096): bad['answer']=bad.get('answer',0)+1\n"
            "            while c.recv(4096): pass\n"
            "    except OSError as e:\n"
            "        bad[str(e)]=bad.get(str(e),0)+1\n"
            "print(bad)\n"
        )
        host, port = split_address(address)
        begun = time.monotonic()
        askers = [
            subprocess.Popen(
                [sys.executable, "-c", script, host, str(port), "25000", f"127.0.3.{i + 1}"],
                stdout=subprocess.PIPE,
                text=True,
            )
            for i in range(4)
        ]
        changes = 0
        try:
            while any(asker.poll() is None for asker in askers):
                time.sleep(1.5)
                servers.append(serve(*flags, listen=["127.0.0.1:1"]))
                check(servers[-2].process.wait(30) == 0, "a predecessor's exit code")
                changes += 1
                check(time.monotonic() - begun < 300, "it takes too long")
            results = {asker.communicate()[0].strip() for asker in askers}
        finally:
            for server in servers:
                server.__exit__()
            for asker in askers:
                asker.kill()
        check(results == {"{}"}, f"not served: {results}")
        took = time.monotonic() - begun
        return (
            f"100,000 connects in {took:.0f} s while {changes} servers followed each other: 0 refused, "
            "0 reset"
        )


@fault("F24", "a drain beside clients that never answer")
def _():
    with serve("--drain-time", "4s", "--close-timeout", "1h", "--stall-timeout", "0") as server:
        dead = Crowd(server.addresses[0])
        dead.connect(1000)
        for client in dead.all:
            dead.ignore(client)
        alive = CrowdProcess(server.addresses[0], 1000).wait_open()
        code, took = stop(server)
        check(code == 0, f"exit code {code}")
        check(took <= 9, f"it took {took:.1f} s")
        ends, _, _ = alive.end()
        check(ends == {"1001": 1000}, f"the others ended so: {ends}")
        # Each of the dead was told, and reset in the end.
        told = 0
        for client in dead.all:
            client.socket.setblocking(True)
            client.socket.settimeout(10)
            try:
                told += client.socket.recv(64) == b"\x88\x02\x03\xe9"
                client.socket.recv(64)
                raise AssertionError("it ended in good order")
            except ConnectionResetError:
                pass
        # A reset may overtake what was not read.
        return (
            f"exit 0 after {took:.1f} s (window 4 s); 1,000 silent ones reset, {told} of them saw "
            "1001; 1,000 others all told 1001"
        )


def accept_times(listener, count, seconds):
    """When each of so many came, from the first on."""
    times, held = [], []
    until = time.monotonic() + seconds
    listener.settimeout(0.2)
    while len(times) < count and time.monotonic() < until:
        try:
            held.append(listener.accept()[0])
            times.append(time.monotonic())
        except TimeoutError:
            pass
    for each in held:
        each.close()
    return times


@fault("F20", "everybody is dropped at once and comes back")
def _():
    count = 150
    with serve() as server:
        clients = [
            subprocess.Popen(
                [
                    HILO,
                    "connect",
                    "--quiet",
                    "--reconnect",
                    "--reconnect-base",
                    "4s",
                    "--reconnect-cap",
                    "4s",
                    "--wait",
                    "1h",
                    server.url(),
                ],
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
            for _ in range(count)
        ]
        try:
            wait_for(lambda: metrics(server)['conns{state="open"}'] == count, "all are open")
            server.process.kill()
            server.process.wait()
            killed = time.monotonic()
            listener = socket.create_server(split_address(server.addresses[0]), backlog=1024)
            times = [at - killed for at in accept_times(listener, count, 30)]
        finally:
            for client in clients:
                client.kill()
                client.wait()
        check(len(times) == count, f"{len(times)} of {count} came back")
        # By fifths of the first wait, which is anything up to 4 s.
        fifths = [sum(1 for t in times if i * 0.8 <= t < (i + 1) * 0.8) for i in range(5)]
        ratio = max(fifths) / (count / 5)
        check(ratio <= 2, f"in fifths of 4 s: {fifths}")
        return f"{count} clients back within {times[-1]:.1f} s (base 4 s), peak {ratio:.2f} x mean"


@fault("F31", "the server is killed (kill -9) and started again")
def _():
    with serve() as server:
        address = server.addresses[0]
        url = server.url()
        there = Crowd(address)
        there.connect(500)
        client = subprocess.Popen(
            [
                HILO,
                "connect",
                "--reconnect",
                "--reconnect-base",
                "200ms",
                "--reconnect-cap",
                "200ms",
                "--count",
                "1",
                url,
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        wait_for(lambda: metrics(server)['conns{state="open"}'] == 501, "all are open")
        server.process.kill()
        server.process.wait()
        begun = time.monotonic()
        with serve(listen=[address]) as again:
            check(again.addresses == [address], "it listens there again")
            bound = time.monotonic() - begun
            check(bound < 1, f"it took {bound:.2f} s to bind")
            there.run_until(lambda: len(there.ended) == 500)
            check(
                there.ends() == {"reset": 500} or there.ends().keys() <= {"reset", "end"}, str(there.ends())
            )
            wait_for(lambda: metrics(again)['conns{state="open"}'] == 1, "the client is back")
            out, _ = client.communicate(b"again\n", timeout=60)
            check(out == b"again\n", f"{out!r}")
            back = time.monotonic() - begun
    return (
        f"listens again after {ms(bound)}; 500 connections ended; a client with --reconnect echoed "
        f"after {back:.1f} s"
    )
