#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The soak of tests/soak for some seconds: its report is whole, and its gates fail where they have to. No figure is
judged here but those that are made up."""

import contextlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys
import tempfile

from programs import HILO, PATIENCE, PIPE, case, contains, equal, open_raw, run_cases

SOAK = pathlib.Path(__file__).parent.parent / "soak"
sys.path.insert(0, str(SOAK))
import judge  # noqa: E402: it is found only now

# Those who are late are given less time than they get from a server with its defaults.
DEADLINES = (
    "head-timeout tls-handshake-timeout body-timeout message-timeout stall-timeout close-timeout eio-ping-interval "
    "eio-ping-timeout eio-upgrade-timeout eio-close-timeout sio-connect-timeout sio-attachment-timeout"
).split()
HURRIED = [f"--serve-flag=--{name}=2s" for name in DEADLINES]


class Soak:
    """A running soak; `servers` are its two: (address, process)."""

    def __init__(self, folder, *arguments):
        command = [sys.executable, str(SOAK / "soak.py"), "--hilo", HILO, "--output", folder, *HURRIED, *arguments]
        self.process = subprocess.Popen(command, stdout=PIPE, stderr=PIPE, text=True)
        self.servers = []
        for name in ("ws", "wss"):
            line = self.process.stdout.readline()
            address, pid = re.fullmatch(rf"{name}: (\S+), process (\d+)\n", line).groups()
            self.servers.append((address, int(pid)))

    def end(self, folder):
        """(exit code, what it printed, the report as JSON, the page)"""
        out, errors = self.process.communicate(timeout=PATIENCE)
        equal(errors, "")
        report, page = pathlib.Path(folder, "report.json"), pathlib.Path(folder, "report.html")
        return self.process.returncode, out, json.loads(report.read_text()), page.read_text()


@contextlib.contextmanager
def soak(*arguments):
    with tempfile.TemporaryDirectory() as folder:
        running = Soak(folder, *arguments)
        try:
            yield running, lambda: running.end(folder)
        finally:
            if running.process.poll() is None:
                running.process.kill()
                running.process.communicate()


def verdicts(report):
    return {(each["gate"], each["server"]): each["verdict"] for each in report["gates"]}


@case("soak: a short one passes, says what was not judged, and reports all of it")
def _():
    with soak("--minutes", "0.1") as (_, end):
        code, out, report, page = end()
        equal((code, report["errors"]), (0, []))
        found = verdicts(report)
        for server in ("ws", "wss"):
            for name in ("RSS slope", "p99 drift"):
                equal(found.pop((name, server)), "not judged")
            for name in ("descriptors", "timers", "open", "queued bytes", "pool bytes"):
                contains(found, (f"{name} at rest", server))
            contains(found, ("exit code after SIGTERM", server))
        equal(set(found.values()), {"passed"})
        contains(out, "passed, but not judged: RSS slope (ws), RSS slope (wss), p99 drift (ws), p99 drift (wss)")
        for name in ("ws, probe", "wss, probe", "ws, polling", "wss, polling", "ws, steady", "wss, steady Socket.IO"):
            equal(report["good"][name] > 0, True)
        equal(sum(row["played"] for row in report["bad"].values()) > 0, True)
        equal(len(report["samples"]) > 5 and len(report["windows"]) > 0, True)
        for part in ("<!doctype html>", "RSS slope", "Memory, MiB", "Descriptors", "Timers", "p99 of the probes",
                     "Bad peers", "106 RSV2", "prefers-color-scheme:dark"):
            contains(page, part)
        equal(page.count("<svg") >= 8, True)


@case("soak: what somebody leaves behind is found, and memory that grows more than it may")
def _():
    with soak("--minutes", "0.05", "--rest", "1", "--judge-from", "0", "--rss-slope-max=-1000000") as (running, end):
        with open_raw(running.servers[0][0]):
            code, out, report, page = end()
        found = verdicts(report)
        failed = {name for name, verdict in found.items() if verdict == "FAILED"}
        equal(code, 1)
        equal(failed, {("RSS slope", "ws"), ("RSS slope", "wss"), ("descriptors at rest", "ws"),
                       ("timers at rest", "ws"), ("open at rest", "ws")})
        contains(out, "FAILED: RSS slope (ws)")
        contains(page, 'class="FAILED"')


@case("soak: a server that dies ends it at once, with a report")
def _():
    with soak("--minutes", "60") as (running, end):
        os.kill(running.servers[1][1], signal.SIGKILL)
        code, _, report, _ = end()
        equal((code, verdicts(report)[("both live", "both")]), (1, "FAILED"))


def made_up(slope, jump=0.0):
    """An hour of memory that grows by `slope` MiB an hour, and does other things, too."""
    chance = random.Random(7)
    for second in range(0, 3600, 5):
        noise = chance.uniform(-0.2, 0.2) + (jump if chance.random() < 0.1 else 0)
        yield second, (20 + noise + slope * second / 3600) * judge.MIB


@case("soak: slopes are found beneath noise and peaks")
def _():
    for slope, verdict in ((0, "passed"), (0.9, "passed"), (1.1, "FAILED"), (-3, "passed")):
        for jump in (0, 5):
            equal(judge.judge_slope("", list(made_up(slope, jump)), 1.0, 1200)["verdict"], verdict)
    equal(judge.judge_slope("", list(made_up(5))[:100], 1.0, 1200)["verdict"], "not judged")
    step = [(second, 20.0 + (second > 3000)) for second in range(3600)]
    equal((judge.slope(step), judge.growth(step)), (0, 1))  # no slope, and yet it is told


@case("soak: a drift is told from restlessness")
def _():
    chance = random.Random(7)
    for growth, verdict in ((1.0, "passed"), (1.3, "FAILED")):
        ratios = [growth ** (n / 47) * (1 + 0.1 * chance.random()) for n in range(48)]
        equal(judge.judge_drift("", ratios, 0.1, True)["verdict"], verdict)
    half_and_half = [1.0, 5.0] * 23 + [5.0, 5.0]  # the median is a matter of luck
    equal(judge.judge_drift("", half_and_half, 0.1, True)["verdict"], "not judged")
    equal(judge.judge_drift("", [1.0] * 48, 0.1, False)["verdict"], "not judged")
    equal(judge.judge_drift("", [1.0] * 5, 0.1, True)["verdict"], "not judged")


if __name__ == "__main__":
    sys.exit(run_cases())
