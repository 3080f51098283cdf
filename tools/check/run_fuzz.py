# SPDX-License-Identifier: MIT
"""Runs the fuzz targets in a folder, one after the other.

    run_fuzz.py --folder FOLDER --seconds 60 TARGET...   libFuzzer so long each, and a table at the end
    run_fuzz.py --folder FOLDER --runs 4000 TARGET...    so many runs each: all of the stored corpus first
    run_fuzz.py --folder FOLDER --replay TARGET...       the stored corpus once, by fuzz/driver_main.cc
    run_fuzz.py --folder FOLDER --merge TARGET...        what runs have found goes to fuzz/corpus, minimised

The stored seeds are read from fuzz/corpus/<target>. What is found new goes to
FOLDER/corpus/<target>, and what crashes to FOLDER/crash-<target>-..., so that nothing but --merge
changes the source tree. On a terminal each target has a line that moves while it runs.
"""

import argparse
import pathlib
import re
import subprocess
import sys
import time

INPUT_BYTES_MAX = 4096
STATUS = re.compile(rb"^#(\d+)\s.*cov: (\d+) ft: (\d+) corp: (\d+)/(\S+).*exec/s: (\d+)", re.M)
COUNTERS = re.compile(rb"\((\d+) inline 8-bit counters\)")
EXECUTED = re.compile(rb"^(?:stat::number_of_executed_units: *|replayed )(\d+)", re.M)
RATE = re.compile(rb"^stat::average_exec_per_sec: *(\d+)", re.M)
HEADINGS = ("target", "corpus", "executions", "exec/s", "edges", "of", "features", "findings")


class Target:
    def __init__(self, folder, name):
        self.name = name
        self.program = folder / name
        self.seeds = pathlib.Path("fuzz/corpus") / name
        self.found = folder / "corpus" / name
        self.log = folder / f"{name}.log"
        self.crashes = folder / f"crash-{name}-"
        self.found.mkdir(parents=True, exist_ok=True)
        self.output = b""
        self.failed = False
        self.findings = 0

    def crash_files(self):
        return set(self.crashes.parent.glob(self.crashes.name + "*"))

    def command(self, options):
        if options.replay:
            return [self.program, *self.folders()[::-1]]
        common = ["-timeout=20", "-rss_limit_mb=2048"]
        # Counting how rare each feature is takes longer than a run where there are so many.
        if self.name.startswith("whole_"):
            common.append("-entropic=0")
        if options.merge:
            self.seeds.mkdir(parents=True, exist_ok=True)
            return [self.program, "-set_cover_merge=1", f"-max_len={INPUT_BYTES_MAX}", *common, self.seeds, self.found]
        if options.seconds:
            how_long = [f"-max_total_time={options.seconds}"]
        else:
            how_long = [f"-runs={options.runs}", "-seed=1"]
        words = pathlib.Path(f"fuzz/dict/{self.name}.dict")
        return [self.program, *how_long, *common, f"-max_len={INPUT_BYTES_MAX}", "-print_final_stats=1",
                f"-artifact_prefix={self.crashes}", *([f"-dict={words}"] if words.exists() else []), *self.folders()]

    def folders(self):
        return [self.found] + ([self.seeds] if self.seeds.is_dir() else [])

    def run(self, options, show_progress):
        before = self.crash_files()
        with open(self.log, "wb") as log:
            process = subprocess.Popen(self.command(options), stdout=log, stderr=subprocess.STDOUT)
        while process.poll() is None:
            time.sleep(0.05)
            if show_progress:
                print(f"\r  fuzz {self.name}: {self.progress()}\033[K", end="", flush=True)
        if show_progress:
            print("\r\033[K", end="")
        self.output = self.log.read_bytes()
        self.failed = process.returncode != 0
        self.findings = len(self.crash_files() - before)

    def progress(self):
        status = self.last_status(self.log.read_bytes()[-10_000:])
        if status is None:
            return "begins"
        runs, edges, features, inputs, _, rate = status
        return f"{runs} runs, {rate} a second, {edges} edges, {features} features, {inputs} inputs"

    @staticmethod
    def last_status(output):
        every = STATUS.findall(output)
        return [each.decode() for each in every[-1]] if every else None

    def number(self, pattern):
        every = pattern.findall(self.output)
        return every[-1].decode() if every else "?"

    def row(self):
        _, edges, features, inputs, size, _ = self.last_status(self.output) or ["?"] * 6
        return (self.name, f"{inputs} ({size.removesuffix('b')}{'' if size == '?' else 'B'})", self.number(EXECUTED),
                self.number(RATE), edges, self.number(COUNTERS), features, str(self.findings))

    def say(self, options):
        if self.failed:
            sys.stdout.flush()
            sys.stdout.buffer.write(b"\n".join(self.output.split(b"\n")[-60:]) + b"\n")
            print(f"  fuzz {self.name}: FAILED (whole output in {self.log})")
        elif options.merge:
            stored = list(self.seeds.iterdir())
            print(f"  fuzz {self.name}: {len(stored)} files, {sum(each.stat().st_size for each in stored)} bytes")
        else:
            print(f"  fuzz {self.name}: {self.number(EXECUTED)} runs, nothing found", flush=True)


def print_table(rows):
    print("| " + " | ".join(HEADINGS) + " |")
    print("|---" + "|---:" * (len(HEADINGS) - 1) + "|")
    for row in rows:
        print("| `" + row[0] + "` | " + " | ".join(row[1:]) + " |")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--folder", type=pathlib.Path, required=True)
    parser.add_argument("targets", nargs="*")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--seconds", type=int)
    what.add_argument("--runs", type=int)
    what.add_argument("--replay", action="store_true")
    what.add_argument("--merge", action="store_true")
    options = parser.parse_args()
    if not options.targets:
        print("  fuzz: no such target")
        return 1
    targets = [Target(options.folder, name) for name in options.targets]
    for target in targets:
        target.run(options, show_progress=sys.stdout.isatty())
        target.say(options)
    if options.seconds:
        print_table([target.row() for target in targets])
    return 1 if any(target.failed for target in targets) else 0


if __name__ == "__main__":
    sys.exit(main())
