#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the faults F1 to F38 one after another: `make faults`, or F='F4 F12' for some of them.

One line each: number, what became of it, how long it took, the figure. The last line counts; what was
measured is written to faults/report.json of the build folder, too. Where the machine allows it each
fault has namespaces (mounts, network, processes) of its own, so that whatever it does ends with it.
"""

import argparse
import contextlib
import importlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import time
import traceback

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from hosts import BUILD, FAULTS, Skip  # noqa: E402

# A guard against hanging, not a measurement.
SECONDS_MAX = 400 + int(os.environ.get("SOAK_SECONDS", "0"))
# Whoever is not root may be so within a namespace of users, where that is allowed.
NAMESPACES = [
    ["unshare", *users, "--mount", "--net", "--pid", "--fork", "--kill-child", "--mount-proc", "--"]
    for users in ([], ["--user", "--map-root-user"])
]
FAMILIES = sorted(path.stem for path in HERE.glob("faults_*.py"))


def load():
    for family in FAMILIES:
        importlib.import_module(family)


def in_order(numbers):
    return sorted(numbers, key=lambda number: int(number[1:]))


def run_here(number):
    """In the process that is the fault's own: one line of JSON."""
    if os.environ.get("FAULT_NAMESPACES") == "1":
        subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    begun = time.monotonic()
    try:
        outcome = {"outcome": "passed", "figure": FAULTS[number][1]()}
    except Skip as reason:
        outcome = {"outcome": "skipped", "figure": str(reason)}
    except BaseException as error:
        traceback.print_exc()
        outcome = {"outcome": "failed", "figure": f"{type(error).__name__}: {error}"[:300]}
    outcome["seconds"] = round(time.monotonic() - begun, 1)
    print(json.dumps(outcome), flush=True)
    # Not by way of threads that may still wait for something.
    os._exit(0)


def find_isolation():
    """The command in front of a fault's own; none where nothing is allowed."""
    for command in NAMESPACES:
        with contextlib.suppress(OSError):
            tried = subprocess.run([*command, "ip", "link", "set", "lo", "up"], capture_output=True)
            if tried.returncode == 0:
                return command
    return []


def run_apart(number, isolation):
    command = [sys.executable, str(HERE / "run.py"), "--here", number]
    environment = os.environ | {"FAULT_NAMESPACES": "1" if isolation else "0"}
    process = subprocess.Popen(
        isolation + command,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )
    try:
        out, errors = process.communicate(timeout=SECONDS_MAX)
        outcome = json.loads(out.splitlines()[-1])
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
        outcome = {"outcome": "failed", "figure": f"it hung for {SECONDS_MAX} s", "seconds": SECONDS_MAX}
        errors = ""
    except (IndexError, ValueError):
        outcome = {"outcome": "failed", "figure": "it ended without a word", "seconds": 0}
    return {"number": number, "text": FAULTS[number][0]} | outcome, errors


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--here", help=argparse.SUPPRESS)
    parser.add_argument("--runs", type=int, default=1, help="each so many times")
    parser.add_argument("numbers", nargs="*")
    given = parser.parse_args()
    load()
    if given.here:
        run_here(given.here)
    if unknown := [number for number in given.numbers if number not in FAULTS]:
        raise SystemExit(f"no such fault: {' '.join(unknown)}")
    isolation = find_isolation()
    if not isolation:
        print("without namespaces: what needs a network or mounts of its own is skipped")
    report = []
    for number in in_order(given.numbers or FAULTS):
        for _ in range(given.runs):
            outcome, errors = run_apart(number, isolation)
            report.append(outcome)
            print(
                f"{number:4} {outcome['outcome']:7} {outcome['seconds']:6.1f} s  {outcome['text']}: "
                f"{outcome['figure']}",
                flush=True,
            )
            if outcome["outcome"] == "failed":
                print(errors, flush=True)
    folder = BUILD / "faults"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "report.json").write_text(json.dumps(report, indent=1) + "\n")
    counts = [sum(1 for each in report if each["outcome"] == how) for how in ("passed", "failed", "skipped")]
    print("{} passed, {} failed, {} skipped".format(*counts))
    return 1 if counts[1] else 0


if __name__ == "__main__":
    sys.exit(main())
