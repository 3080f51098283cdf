# SPDX-License-Identifier: MIT
"""Runs test programs side by side and counts their cases.

Quiet about what passes; what fails is shown with all it printed. The last line reads
`N passed, N failed, N skipped`.

A program named test_* is a doctest binary; one in a folder named ladder or loops is one case, which
holds if it exits with 0 when it is told to --check itself; anything else (a script, a program in
C) prints one line a case: `ok NAME`, `not ok NAME` or `skip NAME: REASON`. A doctest case that
cannot run prints `SKIP: NAME: REASON` (tests/support/skip.h). Where nothing may be skipped (CI or
HILO_NO_SKIPS is set) a skip is a failure unless tests/allowed_skips.txt lists it as `NAME: REASON` for that mode.
Programs of another machine are run by what EMULATOR names.
"""

import argparse
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

SECONDS_MAX = 300  # a guard against hanging, not a measurement
SUMMARY = re.compile(r"^\[doctest\] test cases:\s*(\d+)\s*\|\s*(\d+) passed\s*\|\s*(\d+) failed", re.M)
SCRIPT_CASE = re.compile(r"^(ok|not ok|skip)\s+(.*)$", re.M)


class Outcome:
    def __init__(self, path):
        self.path = path
        self.passed = self.failed = 0
        self.skips = []  # (name, reason)
        self.notes = []
        self.output = ""
        self.seconds = 0.0
        self.cpu_seconds = 0.0  # of all its processes


def checks_itself(path):
    return pathlib.PurePath(path).parent.name in ("ladder", "loops")


def command_for(path, mode):
    command = os.environ.get("EMULATOR", "").split() + [path if "/" in path else "./" + path]
    if os.path.basename(path).startswith("test_"):
        command += ["--no-version=true", "--no-colors=true"]
    if checks_itself(path):
        command += ["--check"]
    # The sanitizers want their fixed address ranges; a kernel that spreads mappings widely may sit
    # on them.
    if mode in ("asan", "tsan"):
        try:
            bits = int(pathlib.Path("/proc/sys/vm/mmap_rnd_bits").read_text())
        except (OSError, ValueError):
            bits = 0
        if bits > 28:
            command = ["setarch", "-R"] + command
    return command


def count_doctest(outcome, code):
    summary = SUMMARY.search(outcome.output)
    if summary:
        total, outcome.passed, outcome.failed = (int(n) for n in summary.groups())
        if total == 0:
            outcome.failed += 1
            outcome.notes.append("it holds no test case")
    elif code == 0:
        outcome.failed += 1
        outcome.notes.append("it ended before it said what it had tested")
    skips = dict(
        line.removeprefix("SKIP: ").split(": ", 1)
        for line in outcome.output.splitlines()
        if line.startswith("SKIP: ") and line.count(": ") >= 2
    )
    outcome.skips = list(skips.items())
    outcome.passed -= len(outcome.skips)
    if code != 0 and outcome.failed == 0:
        outcome.failed += 1


def count_script(outcome, code):
    for verdict, rest in SCRIPT_CASE.findall(outcome.output):
        if verdict == "ok":
            outcome.passed += 1
        elif verdict == "not ok":
            outcome.failed += 1
        else:
            name, _, reason = rest.partition(": ")
            outcome.skips.append((name, reason))
    if outcome.passed + outcome.failed + len(outcome.skips) == 0:
        outcome.failed += 1
        outcome.notes.append("it reported no case")
    if code != 0 and outcome.failed == 0:
        outcome.failed += 1


def run(path, mode):
    outcome = Outcome(path)
    environment = dict(os.environ)
    environment.setdefault("ASAN_OPTIONS", "detect_stack_use_after_return=1:strict_string_checks=1")
    environment.setdefault("UBSAN_OPTIONS", "print_stacktrace=1")
    environment.setdefault("TSAN_OPTIONS", "second_deadlock_stack=1")
    start = time.monotonic()
    try:
        process = subprocess.Popen(
            command_for(path, mode),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            env=environment,
        )
    except OSError as error:
        outcome.failed = 1
        outcome.notes.append(f"it could not be started: {error}")
        return outcome
    seconds_max = SECONDS_MAX * (4 if os.environ.get("EMULATOR") else 1)
    hung = threading.Event()

    def kill():
        hung.set()
        os.killpg(process.pid, signal.SIGKILL)

    guard = threading.Timer(seconds_max, kill)
    guard.start()
    outcome.output = process.stdout.read().decode(errors="replace")
    _, status, usage = os.wait4(process.pid, 0)
    guard.cancel()
    process.stdout.close()
    process.returncode = code = os.waitstatus_to_exitcode(status)
    outcome.seconds = time.monotonic() - start
    outcome.cpu_seconds = usage.ru_utime + usage.ru_stime
    if hung.is_set():
        outcome.notes.append(f"it hung for {seconds_max} seconds and was killed")
    if code < 0:
        outcome.notes.append(f"it ended by signal {signal.Signals(-code).name}")
    if os.path.basename(path).startswith("test_"):
        count_doctest(outcome, code)
    elif checks_itself(path):
        outcome.passed, outcome.failed = int(code == 0), int(code != 0)
    else:
        count_script(outcome, code)
    return outcome


def run_all(paths, mode, jobs):
    waiting = list(reversed(paths))
    outcomes = {}
    lock = threading.Lock()

    def worker():
        while True:
            with lock:
                if not waiting:
                    return
                path = waiting.pop()
            outcome = run(path, mode)
            with lock:
                outcomes[path] = outcome

    threads = [threading.Thread(target=worker) for _ in range(jobs)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [outcomes[path] for path in paths]


def allowed_skips(mode):
    """The names of the cases that may be skipped in this mode."""
    allowed = set()
    applies = True
    listing = pathlib.Path("tests/allowed_skips.txt")
    for line in listing.read_text().splitlines() if listing.exists() else []:
        if line.startswith("["):
            modes = line.strip("[]").split()
            applies = "any" in modes or mode in modes
        elif applies and line.strip() and not line.startswith("#"):
            allowed.add(line.partition(": ")[0].strip())
    return allowed


def judge_skips(outcomes, report, mode):
    """Reports skips, and turns those that are not allowed into failures."""
    strict = any(os.environ.get(name, "") not in ("", "0", "false") for name in ("CI", "HILO_NO_SKIPS"))
    allowed = allowed_skips(mode)
    skipped = 0
    for outcome in outcomes:
        for name, reason in outcome.skips:
            if strict and name not in allowed:
                outcome.failed += 1
                outcome.notes.append(f"'{name}' may not be skipped here: {reason}")
            else:
                skipped += 1
                report.append(f"skipped {outcome.path}: {name}: {reason}")
    return skipped


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--mode", default="release")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--summary", help="a file that receives the last line as well")
    parser.add_argument("paths", nargs="*")
    arguments = parser.parse_args()

    report = []  # written at once: other programs may be printing too
    if not arguments.paths:
        report.append("no test has that name")
    outcomes = run_all(arguments.paths, arguments.mode, max(1, arguments.jobs))
    skipped = judge_skips(outcomes, report, arguments.mode)
    for outcome in outcomes:
        if outcome.failed:
            report.append(f"---- {outcome.path}: {outcome.failed} failed")
            report.append(outcome.output.rstrip("\n"))
            report += [f"{outcome.path}: {note}" for note in outcome.notes]
    if os.environ.get("V") == "1":
        for outcome in sorted(outcomes, key=lambda each: each.cpu_seconds):
            report.append(f"{outcome.cpu_seconds:8.2f} s of processor time, {outcome.seconds:8.2f} s  {outcome.path}")

    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes) + (0 if arguments.paths else 1)
    line = f"{passed} passed, {failed} failed, {skipped} skipped"
    if arguments.summary:
        pathlib.Path(arguments.summary).write_text(line + "\n")
    if arguments.mode != "release":
        line = f"{arguments.mode}: {line}"
    report.append(line)
    sys.stdout.write("\n".join(report) + "\n")
    sys.stdout.flush()
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
