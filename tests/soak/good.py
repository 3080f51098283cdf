# SPDX-License-Identifier: MIT
"""Good traffic: what hilo bench makes of it, and clients that poll. None of it may fail."""

import contextlib
import json
import pathlib
import random
import signal
import ssl
import subprocess
import sys
import threading

from served import APART
from wire import CLOSE, TEXT, Ended, Peer, frame

PIPE = subprocess.PIPE
PROBE = str(pathlib.Path(__file__).with_name("probe.py"))
ENGINE = "/socket.io/?EIO=4&transport="


class Ledger:
    """What came of the good traffic, from all threads."""

    def __init__(self):
        self.lock = threading.Lock()
        self.exchanges = {}  # kind of traffic: messages that were answered
        self.errors = []

    def answered(self, kind, count):
        with self.lock:
            self.exchanges[kind] = self.exchanges.get(kind, 0) + count

    def failed(self, kind, what):
        with self.lock:
            self.errors.append(f"{kind}: {what}")

    def total(self):
        with self.lock:
            return sum(self.exchanges.values())


class Bench:
    """A running `hilo bench`; `result` waits for its end and is its line of JSON."""

    def __init__(self, hilo, *arguments):
        command = [hilo, "bench", "--json", "--insecure", *map(str, arguments)]
        self.process = subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True, **APART)

    def stop(self):
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGINT)

    def result(self, kind, ledger):
        out, errors = self.process.communicate()
        try:
            result = json.loads(out)
        except ValueError:
            ledger.failed(kind, f"hilo bench ended with {self.process.returncode}: {errors.strip()[:200]}")
            return None
        ledger.answered(kind, result["messages"])
        if result["failed"] or result["odd_messages"] or self.process.returncode != 0:
            why = result.get("first_failure") or result.get("error") or "odd messages"
            ledger.failed(kind, f"{result['failed']} connections failed, {result['odd_messages']} odd messages: {why}")
        return result


class Steady(threading.Thread):
    """Connections that stay from the first minute to the last, with so many messages a second."""

    def __init__(self, kind, hilo, ledger, seconds, *arguments):
        super().__init__(daemon=True)
        self.kind, self.ledger = kind, ledger
        self.bench = Bench(hilo, "--duration", f"{seconds:.0f}s", "--interval", "60s", *arguments)
        self.start()

    def run(self):
        self.bench.result(self.kind, self.ledger)

    def stop(self):
        self.bench.stop()


# Connections that come, do something and go; each of these in turn. Those without a rate are as fast as both sides can
# be, for a tenth of a second.
def waves(url):
    brief = ("--duration", "100ms", "--warm-up", "0")
    calm = ("--rate", 8, "--duration", "8s")
    binary = ("--payload", "binary")
    cut_off = ("-i", 4, "--reset", "--duration", "50ms", "--warm-up", "0")
    echo, broadcast, socketio = url + "/echo", url + "/broadcast", url + "/"
    return [
        ("messages of 16 KiB", ["-c", 10, "-s", "16KiB", *binary, *calm, echo]),
        ("compressed messages", ["-c", 10, "-s", "4KiB", "--payload", "json", "--deflate", *calm, echo]),
        ("connections, closed", ["--mode", "connect", "-c", 4, *brief, echo]),
        ("Socket.IO, come and go", ["--socketio", "-c", 10, *calm, socketio]),
        ("messages of 600 KiB", ["-c", 2, "-s", "600KiB", *binary, "--rate", 2, "--duration", "5s", echo]),
        ("connections, reset", ["--mode", "connect", "--reset", "-c", 4, *brief, echo]),
        ("fan-out", ["--mode", "fanout", "-c", 20, *brief, broadcast]),
        ("Socket.IO, fan-out", ["--socketio", "--mode", "fanout", "-c", 10, *brief, socketio]),
        ("connections, reset within messages", ["-c", 20, *cut_off, echo]),
        ("Socket.IO connections", ["--socketio", "--mode", "connect", "-c", 2, *brief, socketio]),
    ]


class Waves(threading.Thread):
    def __init__(self, hilo, kind, ledger, url, stopping, first):
        super().__init__(daemon=True)
        self.hilo, self.kind, self.ledger, self.stopping, self.first = hilo, kind, ledger, stopping, first
        self.waves = waves(url)
        self.start()

    def run(self):
        # First all of them at once: what the server will ever hold for them, it has held then.
        surge = [(name, Bench(self.hilo, *arguments)) for name, arguments in self.waves]
        for name, bench in surge:
            bench.result(f"{self.kind}, {name}", self.ledger)
        at = self.first
        while not self.stopping.wait(2):
            name, arguments = self.waves[at % len(self.waves)]
            Bench(self.hilo, *arguments).result(f"{self.kind}, {name}", self.ledger)
            at += 1


class Polling(threading.Thread):
    """A Socket.IO client that polls: opens a session, sends events that are answered, and leaves; every third time it
    moves to a WebSocket first."""

    def __init__(self, name, ledger, address, tls, stopping, seed):
        super().__init__(daemon=True)
        self.kind, self.ledger, self.address, self.tls, self.stopping = name, ledger, address, tls, stopping
        self.random = random.Random(seed)
        self.start()

    def run(self):
        while not self.stopping.is_set():
            try:
                self.session(upgrades=self.random.random() < 0.34)
            except (Ended, AssertionError, OSError, ssl.SSLError) as error:
                self.ledger.failed(self.kind, f"{type(error).__name__} {error}")
                self.stopping.wait(1)

    def session(self, upgrades):
        with Peer(self.address, self.tls) as self.getting, Peer(self.address, self.tls) as self.posting:
            opened = self.request(self.getting, "GET", ENGINE + "polling")
            self.target = ENGINE + "polling&sid=" + json.loads(opened[1:])["sid"]
            self.post("40")
            self.poll_for("40{")
            for number in range(self.random.randrange(5, 30)):
                if self.stopping.wait(self.random.uniform(0.5, 1.5)):
                    break
                event, answer = self.event(number)
                self.post(event)
                self.poll_for(answer)
                self.ledger.answered(self.kind, 1)
            if upgrades:
                return self.upgraded()
            self.post("41")
            self.post("1")

    def event(self, number):
        text = "hola \u20ac " * self.random.choice((1, 10, 400))
        return f'42{number}["echo",{{"text":"{text}"}}]', f'43{number}[{{"text":"{text}"}}]'

    def request(self, peer, method, target, body=b""):
        peer.ask(method, target, {"Content-Type": "text/plain;charset=UTF-8"} if body else {}, body)
        status, answer = peer.answer()
        if status != 200:
            raise AssertionError(f"{method} was answered with {status}: {answer!r:.80}")
        return answer

    def post(self, packet):
        if self.request(self.posting, "POST", self.target, packet.encode()) != b"ok":
            raise AssertionError("a POST was not answered with ok")

    def poll(self):
        packets = self.request(self.getting, "GET", self.target).decode().split("\x1e")
        if "1" in packets:
            raise AssertionError("the server has closed the session")
        if "2" in packets:
            self.post("3")
        return packets

    def poll_for(self, wanted):
        while not any(packet.startswith(wanted) for packet in self.poll()):
            pass

    def upgraded(self):
        with Peer(self.address, self.tls) as websocket:
            websocket.upgrade(self.target.replace("transport=polling", "transport=websocket"))
            websocket.send(frame(TEXT, b"2probe"))
            self.hear(websocket, "3probe")
            self.poll()  # It is let go, with a packet that says nothing or with the last ones.
            websocket.send(frame(TEXT, b"5"))
            for number in range(100, 100 + self.random.randrange(5, 20)):
                if self.stopping.wait(self.random.uniform(0.5, 1.5)):
                    break
                event, answer = self.event(number)
                websocket.send(frame(TEXT, event.encode()))
                self.hear(websocket, answer)
                self.ledger.answered(self.kind + ", upgraded", 1)
            websocket.send(frame(CLOSE, b"\x03\xe8"))
            if websocket.close_code() != 1000:
                raise AssertionError("a Close with 1000 was answered otherwise")

    @staticmethod
    def hear(websocket, wanted):
        while True:
            opcode, payload = websocket.receive()
            if opcode == CLOSE:
                raise AssertionError(f"the server closed: {payload!r:.80}")
            packet = payload.decode()
            if packet == wanted:
                return
            if packet == "2":
                websocket.send(frame(TEXT, b"3"))


def measure(servers, start_server, seconds, per_second, ledger):
    """{name: p50 and p99 in µs, and both of the measure}: of {name: server}. The measure is a server that has just been
    started and has no other peers; what else the machine does happens to both."""
    fresh = {name: start_server(server.tls) for name, server in servers.items()}
    targets = [
        ("tls:" if server.tls else "") + server.address for name in servers for server in (servers[name], fresh[name])
    ]
    command = [sys.executable, PROBE, f"{seconds:.1f}", str(per_second), *targets]
    done = subprocess.run(command, stdout=PIPE, stderr=PIPE, text=True, **APART)
    for server in fresh.values():
        server.stop()
    if done.returncode != 0:
        ledger.failed("probe", (done.stderr.splitlines() or ["no word"])[-1])
        return {}
    found = json.loads(done.stdout)
    measured = {}
    for place, name in enumerate(servers):
        aged, measure = found[2 * place : 2 * place + 2]
        ledger.answered(f"{name}, probe", aged["count"])
        measured[name] = (aged["p50_us"], aged["p99_us"], measure["p50_us"], measure["p99_us"])
    return measured
