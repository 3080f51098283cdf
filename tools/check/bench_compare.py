# SPDX-License-Identifier: MIT
"""bench_compare.py COMMIT NAME...: the benchmarks of this tree against those of another commit.

The other commit is built in a work tree of its own in the build folder. Then both programs run in
turns, ROUNDS times, and the fastest time of each benchmark counts: one run after the other measures
what else the machine was doing meanwhile (equal programs have come out as x0.6 and x1.7 that way).
The spread, slowest over fastest, says how far to trust a line.
"""

import json
import os
import pathlib
import shlex
import subprocess
import sys

ROUNDS = int(os.environ.get("ROUNDS", "5"))


def measure(program, output, times):
    arguments = shlex.split(os.environ.get("ARGS", "--benchmark_min_time=0.1"))
    command = [program, f"--benchmark_out={output}", "--benchmark_out_format=json", *arguments]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for run in json.loads(pathlib.Path(output).read_text())["benchmarks"]:
        times.setdefault((run["name"], run["time_unit"]), []).append(run["cpu_time"])


def compare(name, old, new, build):
    before, after = {}, {}
    output = build / "bench_compare.json"
    for _ in range(ROUNDS):
        measure(old, output, before)
        measure(new, output, after)
    for key, times in after.items():
        if key not in before:
            continue
        spread = max(max(each) / min(each) for each in (times, before[key]))
        ratio = min(times) / min(before[key])
        print(f"{key[0]:44} {min(before[key]):11.1f} -> {min(times):11.1f} {key[1]}  x{ratio:.2f}  (spread x{spread:.2f})")


def main():
    base, names = sys.argv[1], sys.argv[2:]
    build = pathlib.Path(os.environ.get("BUILD", "build")).absolute()
    tree, tree_build = build / "bench_base", build / "bench_base_build"
    remove = ["git", "worktree", "remove", "--force", str(tree)]
    subprocess.run(remove, check=False, stderr=subprocess.DEVNULL)
    subprocess.run(["git", "worktree", "add", "--force", "--detach", "--quiet", str(tree), base], check=True)
    try:
        for name in names:
            if not (tree / f"bench/bench_{name}.cc").exists():
                print(f"{name}: not there at {base}")
                continue
            old, new = tree_build / "release/bench" / name, build / "release/bench" / name
            make = ["make", "--no-print-directory", "-C", str(tree), f"BUILD={tree_build}", str(old)]
            subprocess.run(make, check=True, stdout=subprocess.DEVNULL)
            compare(name, old, new, build)
    finally:
        subprocess.run(remove, check=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
