#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Two servers, plain and TLS, under good and bad traffic for a long time, and what has become of them: `make soak`.

    python3 tests/soak/soak.py [--minutes N] [--output FOLDER] [--rss-slope-max MIB_PER_HOUR] ...

The exit code is 0 if no gate has failed, 1 if one has. What was too short or too restless to be judged is told.
"""

import argparse
import contextlib
import json
import os
import pathlib
import random
import signal
import sys
import threading
import time

import judge
import page
from bad import ROWS, play
from good import Ledger, Polling, Steady, Waves, measure
from served import Gone, Served, machine_busy_seconds, processor_seconds

MIB = 1 << 20
BAD_SHARE = 0.01  # bad peers for each message of the good ones
BAD_PER_SECOND_MAX = 10
PROBES_PER_SECOND = 50  # of each server


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    add = parser.add_argument
    add("--minutes", type=float, default=10, help="of traffic [%(default)s]")
    add("--output", default="build/soak", help="folder for report.html, report.json and the logs [%(default)s]")
    add("--hilo", default=os.environ.get("HILO", "build/release/hilo"), help="[%(default)s]")
    add("--warm-up", type=float, help="minutes that are not judged [a third, at most 10]")
    add("--judge-from", type=float, default=20, metavar="MINUTES",
        help="so many behind the warm-up are wanted for slopes and drifts [%(default)s]")
    add("--rss-slope-max", type=float, default=1.0, metavar="MIB", help="an hour [%(default)s]")
    add("--drift-max", type=float, default=0.10, metavar="SHARE", help="of p99 [%(default)s]")
    add("--rate", type=int, default=8, help="messages a second of each steady load [%(default)s]")
    add("--polling", type=int, default=4, help="clients of each server that poll [%(default)s]")
    add("--rest", type=float, default=150, metavar="SECONDS", help="time to come to rest at the end [%(default)s]")
    add("--serve-flag", action="append", default=[], metavar="FLAG",
        help="for hilo serve; may be repeated: --serve-flag=--idle-timeout=5s")
    return parser.parse_args()


class BadPeers(threading.Thread):
    """Plays the rows in turn, one for every hundred good messages; as fast as it may while the surge lasts."""

    def __init__(self, servers, stopping, surge_seconds):
        super().__init__(daemon=True)
        self.servers, self.stopping = servers, stopping
        self.surge_ends = time.monotonic() + surge_seconds
        self.surged = 0  # of those that were played
        self.messages = 0  # what the good ones have sent so far; told from outside
        self.played = 0
        self.rows = {name: {"played": 0, "odd": 0, "first_odd": ""} for name, _, _ in ROWS}
        self.lock = threading.Lock()
        self.start()

    def run(self):
        turns = [
            (index, server)
            for index, (_, tls, _) in enumerate(ROWS)
            for server in self.servers.values()
            if tls in (None, server.tls)
        ]
        random.Random(1).shuffle(turns)  # so that those who are late do not come in a crowd
        under_way = []
        while not self.stopping.wait(1 / BAD_PER_SECOND_MAX):
            under_way = [thread for thread in under_way if thread.is_alive()]
            if time.monotonic() < self.surge_ends:
                self.surged += 1
            elif self.played - self.surged >= self.messages * BAD_SHARE:
                continue
            index, server = turns[self.played % len(turns)]
            self.played += 1
            thread = threading.Thread(target=self.play, args=(index, server), daemon=True)
            thread.start()
            under_way.append(thread)
        for thread in under_way:
            thread.join()

    def play(self, index, server):
        name, odd = play(index, server.address, server.tls)
        with self.lock:
            self.rows[name]["played"] += 1
            if odd:
                self.rows[name]["odd"] += 1
                self.rows[name]["first_odd"] = self.rows[name]["first_odd"] or odd

    def odd_count(self):
        with self.lock:
            return sum(row["odd"] for row in self.rows.values())


class Soak:
    def __init__(self, given):
        self.given = given
        self.seconds = given.minutes * 60
        self.warm_up = (given.warm_up if given.warm_up is not None else min(10, given.minutes / 3)) * 60
        self.interval = min(5, max(0.5, self.seconds / 60))  # of samples
        self.folder = pathlib.Path(given.output)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ledger = Ledger()
        self.stopping = threading.Event()
        self.samples, self.windows, self.gates, self.traffic = [], [], [], []
        self.servers, self.baselines, self.logs = {}, {}, {}

    # ---- from the first to the last ----

    def run(self):
        for name, tls in (("ws", False), ("wss", True)):
            self.logs[name] = self.folder / f"{name}.log"
            with self.logs[name].open("w") as log:
                self.servers[name] = Served(self.given.hilo, tls, log, ["--deflate", *self.given.serve_flag])
        self.baselines = {name: server.at_rest() for name, server in self.servers.items()}
        self.began = time.monotonic()
        self.sample(0)
        for name, server in self.servers.items():
            print(f"{name}: {server.address}, process {server.process.pid}", flush=True)
        try:
            self.start_traffic()
            self.watch()
            self.stop_traffic()
            self.come_to_rest()
        except Gone as gone:
            self.gates.append(judge.gate("both live", "both", str(gone), "to the end", judge.FAILED))
            self.give_up()
        self.end()
        return self.report()

    def start_traffic(self):
        given = self.given
        for which, (name, server) in enumerate(self.servers.items()):
            steady = [given.hilo, self.ledger, self.seconds, "-c", 16, "--rate", given.rate]
            self.traffic.append(Steady(f"{name}, steady", *steady, server.url + "/echo"))
            self.traffic.append(Steady(f"{name}, steady Socket.IO", *steady, "--socketio", server.url + "/"))
            self.traffic.append(Waves(given.hilo, name, self.ledger, server.url, self.stopping, which * 5))
            for number in range(given.polling):
                self.traffic.append(
                    Polling(f"{name}, polling", self.ledger, server.address, server.tls, self.stopping, number)
                )
        self.probing = threading.Thread(target=self.probe, daemon=True)
        self.probing.start()
        self.bad = BadPeers(self.servers, self.stopping, min(60, self.warm_up / 4))

    def probe(self):
        """Windows of latencies, one behind the other, as long as there is time for a whole one."""
        seconds = min(60, max(3, self.seconds / 15))
        while (begins := time.monotonic() - self.began) + seconds <= self.seconds and not self.stopping.is_set():
            try:
                figures = measure(self.servers, self.fresh_server, seconds - 1.5, PROBES_PER_SECOND, self.ledger)
            except Gone as gone:
                return self.ledger.failed("probe", gone)
            self.windows += [{"at": begins + seconds / 2, "server": name, "us": us} for name, us in figures.items()]
            self.stopping.wait(begins + seconds - (time.monotonic() - self.began))

    def fresh_server(self, tls):
        return Served(self.given.hilo, tls, flags=["--quiet", "--deflate", *self.given.serve_flag])

    def watch(self):
        interval, next_line = self.interval, 60
        while (now := time.monotonic() - self.began) < self.seconds and not self.stopping.is_set():
            self.sample(now)
            counts = [self.samples[-1][name] for name in self.servers]
            self.bad.messages = sum(count["messages"] + count["posts"] for count in counts)
            if now >= next_line:
                self.print_line()
                self.write("not over yet", self.judged())  # for whom it takes too long, and in case it is cut off
                next_line += 60
            self.stopping.wait(interval - (time.monotonic() - self.began) % interval)

    def stop_traffic(self):
        self.stopping.set()
        print("the traffic ends; bad peers wait for the deadlines that they are there for", flush=True)
        for each in self.traffic:
            if isinstance(each, Steady):
                each.stop()
        for each in [*self.traffic, self.probing, self.bad]:
            while each.is_alive():
                self.sample(time.monotonic() - self.began)
                each.join(self.interval)

    def give_up(self):
        self.stopping.set()
        for each in self.traffic:
            if isinstance(each, Steady):
                each.stop()
        for each in self.traffic:
            each.join(20)

    def come_to_rest(self):
        for name, server in self.servers.items():
            rest = server.wait_for_rest(self.baselines[name], self.given.rest)
            self.gates += judge.judge_rest(name, self.baselines[name], rest)
        self.sample(time.monotonic() - self.began)
        self.print_line()

    def end(self):
        for name, server in self.servers.items():
            if server.process.poll() is None:
                code = server.stop()
                self.gates.append(judge.judge_count("exit code after SIGTERM", name, 99 if code is None else abs(code)))
            errors = self.logs[name].read_text(errors="replace").count(" lvl=error ")
            self.gates.append(judge.judge_count("errors in its log", name, errors))

    # ---- figures ----

    @staticmethod
    def children():
        """The processes that are its own."""
        children = []
        for task in pathlib.Path("/proc/self/task").iterdir():
            with contextlib.suppress(OSError):  # a thread that has just ended
                children += (task / "children").read_text().split()
        return children

    def own_seconds(self):
        """Processor time of all that belongs to the soak."""
        return sum(os.times()[:4]) + sum(map(processor_seconds, self.children()))

    def sample(self, now):
        sample = {"at": now, "machine_busy_seconds": machine_busy_seconds(), "own_seconds": self.own_seconds()}
        for name, server in self.servers.items():
            sample[name] = server.sample()
        self.samples.append(sample)

    @staticmethod
    def processor_shares(earlier, later):
        """Of a core: what the soak took between two samples, and what others did."""
        span = max(1e-9, later["at"] - earlier["at"])
        own = (later["own_seconds"] - earlier["own_seconds"]) / span
        return own, (later["machine_busy_seconds"] - earlier["machine_busy_seconds"]) / span - own

    def print_line(self):
        now, names = self.samples[-1], list(self.servers)
        last = {each["server"]: f"{each['us'][1]:.0f}" for each in self.windows}
        rss = " + ".join(f"{now[name]['resident_bytes'] / MIB:.2f}" for name in names)
        descriptors = " + ".join(str(now[name]["descriptors"]) for name in names)
        timers = " + ".join(str(now[name]["timers"]) for name in names)
        p99 = " + ".join(last.get(name, "-") for name in names)
        before = next(each for each in self.samples if each["at"] >= now["at"] - 60)
        own, beside = self.processor_shares(before, now)
        print(
            f"{now['at'] / 60:4.0f} min  rss {rss} MiB  fds {descriptors}  timers {timers}  p99 {p99} µs  "
            f"cpu {own:.0%}, others {beside:.0%}  good {self.bad.messages:,}  bad {self.bad.played:,}  "
            f"errors {len(self.ledger.errors)}  odd {self.bad.odd_count()}",
            flush=True,
        )

    def judged(self):
        warm = [sample for sample in self.samples if self.warm_up <= sample["at"] <= self.seconds]
        wanted, gates = self.given.judge_from * 60, []
        for name in self.servers:
            points = [(sample["at"], sample[name]["resident_bytes"]) for sample in warm]
            gates.append(judge.judge_slope(name, points, self.given.rss_slope_max, wanted))
        for name in self.servers:
            behind = [each["us"] for each in self.windows if each["server"] == name and each["at"] >= self.warm_up]
            ratios = [p99 / fresh_p99 for _, p99, _, fresh_p99 in behind]
            is_long_enough = self.seconds - self.warm_up >= wanted
            gates.append(judge.judge_drift(name, ratios, self.given.drift_max, is_long_enough))
        errors = self.ledger.errors
        gates.append(judge.judge_count("errors of good traffic", "both", len(errors), note=(errors or [""])[0]))
        odd = next((f"{name}: {row['first_odd']}" for name, row in self.bad.rows.items() if row["odd"]), "")
        gates.append(judge.judge_count("bad peers answered otherwise", "both", self.bad.odd_count(), note=odd))
        return gates + self.gates

    def what(self):
        played = self.bad.played - self.bad.surged
        share = played / max(1, self.bad.messages)
        own, beside = self.processor_shares(self.samples[0], self.samples[-1])
        return (
            f"{self.bad.messages:,} messages of good clients, {played:,} bad peers ({share:.2%}), "
            f"and {self.bad.surged:,} in the surge before. "
            f"The soak with its servers took {own:.0%} of one of {os.cpu_count()} cores, what else ran beside it "
            f"{beside:.0%}. Judged behind {self.warm_up / 60:.1f} min of warm-up."
        )

    def write(self, verdict, gates):
        report = {
            "verdict": verdict,
            "what": self.what(),
            "seconds": self.seconds,
            "warm_up_seconds": self.warm_up,
            "servers": {name: server.url for name, server in self.servers.items()},
            "baselines": self.baselines,
            "gates": gates,
            "good": dict(self.ledger.exchanges),
            "errors": self.ledger.errors,
            "bad": self.bad.rows,
            "windows": self.windows,
            "samples": self.samples,
        }
        (self.folder / "report.json").write_text(json.dumps(report))
        (self.folder / "report.html").write_text(page.html(report))

    def report(self):
        gates = self.judged()
        code, verdict = judge.summary(gates)
        self.write(verdict, gates)
        print(self.what())
        for each in gates:
            line = f"  {each['verdict']:<10}  {each['gate']}, {each['server']}: {each['value']} ({each['limit']})"
            print(f"{line}  {each['note']}".rstrip())
        print(f"report: {self.folder / 'report.html'}\n{verdict}", flush=True)
        return code


def main():
    soak = Soak(arguments())
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: soak.stopping.set())  # ends early, and reports
    try:
        return soak.run()
    finally:  # A probe may still be under way, with servers of its own.
        for pid in soak.children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(pid), signal.SIGKILL)


if __name__ == "__main__":
    sys.exit(main())
