#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Builds each mutant of the engine and shows what finds it: `make mutants`.

    run.py [--runs 1000] [--write README.md] [word ...]
    run.py --check                 builds nothing: is each one's text where it is looked for?

The tree and its objects are copied into the build folder once; a mutant then costs the compilation
of one file. First whole systems are simulated, and where that finds nothing the tests run that the
mutant names. A mutant that nothing finds, or whose text is not there any more, is a failure. Words
pick the mutants whose sentence or file they are in; --write puts the table into a README.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from mutants import MUTANTS  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("BUILD", "build"))
COPY = (ROOT / BUILD / "mutants").resolve()
SIM = "build/release/tests/sim/system/sim"
# A mutant may well spin: what passes takes a part of this.
SECONDS_MAX = 300


def copy_tree():
    shutil.rmtree(COPY, ignore_errors=True)
    COPY.mkdir(parents=True)
    files = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True)
    for name in files.stdout.decode().split("\0"):
        source = ROOT / name
        if name and source.exists():
            (COPY / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, COPY / name)
    release = ROOT / BUILD / "release"
    if release.exists():
        skipped = shutil.ignore_patterns("bench", "fuzz", "install", "hilo", "ladder", "loops", "test_*[!.][!o]")
        shutil.copytree(release, COPY / "build/release", ignore=skipped)


def make(*arguments):
    command = ["make", "--no-print-directory", "SETUP=0", *arguments]
    return subprocess.run(command, cwd=COPY, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, errors="replace", env={**os.environ, "MAKELEVEL": "0"})


def simulate(runs):
    """What the simulation found, or None."""
    try:
        run = subprocess.run([SIM, "1", str(runs)], cwd=COPY, stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, timeout=SECONDS_MAX)
    except subprocess.TimeoutExpired:
        return "simulation: it never ends"
    if run.returncode == 0:
        return None
    text = run.stdout.decode(errors="replace")
    wrong = re.search(r"seed (\d+) goes wrong:\n  (.*)", text)
    if wrong:
        return f"simulation, seed {wrong[1]}: {plain(wrong[2])}"
    check = re.search(r"HILO_CHECK.*|.*check failed.*", text)
    return "simulation: " + (plain(check[0]) if check else f"it ends by signal {-run.returncode}")


def plain(text):
    return re.sub(r"[^ -~]+", "?", text).replace("|", "/")[:100]


def test(name):
    """What a test found: one that cannot be built, or is not there, has found nothing."""
    try:
        run = make(f"T={name}", "test")
    except subprocess.TimeoutExpired:
        return f"test {name}: it never ends"
    said = re.findall(r"^(\d+) passed, (\d+) failed, \d+ skipped$", run.stdout, re.M)
    return f"test {name}" if said and int(said[-1][1]) > 0 else None


def check_tests(mutants):
    """Those that are named are there, and pass as long as nothing is wrong."""
    for name in sorted({name for mutant in mutants for name in mutant.tests}):
        run = make(f"T={name}", "test")
        if run.returncode != 0:
            sys.exit(f"without any mutant the test {name} fails, or there is none:\n{run.stdout[-400:]}")


def times_there(mutant, tree):
    return (tree / mutant.file).read_text().count(mutant.old)


def check_texts():
    """A change of the engine takes its mutants along, or nobody notices that they are none any more."""
    stale = [(m, times_there(m, ROOT)) for m in MUTANTS if times_there(m, ROOT) != 1]
    for mutant, times in stale:
        print(f"tests/mutants/mutants.py: {mutant.says}: its text is there {times} times in {mutant.file}")
    sys.exit(1 if stale else 0)


def find(mutant, runs):
    path = COPY / mutant.file
    original = path.read_text()
    if times_there(mutant, COPY) != 1:
        return False, f"its text is there {times_there(mutant, COPY)} times"
    path.write_text(original.replace(mutant.old, mutant.new))
    try:
        built = make(SIM)
        if built.returncode != 0:
            return False, "it does not compile: " + built.stdout[-400:]
        found = simulate(runs)
        for name in mutant.tests:
            found = found or test(name)
        return found is not None, found or "nothing finds it"
    finally:
        path.write_text(original)


def write_table(readme, rows):
    begin, end = "<!-- mutants -->\n", "<!-- /mutants -->\n"
    text = readme.read_text()
    head, rest = text.split(begin)
    tail = rest.split(end)[1]
    lines = ["| What is wrong | In | Found by |", "|---|---|---|"]
    lines += [f"| {mutant.says} | {mutant.file} | {how} |" for mutant, how in rows]
    readme.write_text(head + begin + "\n".join(lines) + "\n" + end + tail)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=1000, help="seeds of the simulation for each")
    parser.add_argument("--write", type=Path, help="the README that has the table")
    parser.add_argument("--check", action="store_true", help="only whether their texts are there")
    parser.add_argument("words", nargs="*", help="only mutants with one of these in sentence or file")
    options = parser.parse_args()
    if options.check:
        check_texts()
    picked = [m for m in MUTANTS
              if not options.words or any(w in m.says or w in m.file for w in options.words)]
    copy_tree()
    built = make(SIM)
    if built.returncode != 0:
        sys.exit("the tree itself does not build:\n" + built.stdout[-2000:])
    wrong = simulate(options.runs)
    if wrong:
        sys.exit(f"the tree itself is found wrong: {wrong}")
    check_tests(picked)
    rows, survivors = [], 0
    for mutant in picked:
        found, how = find(mutant, options.runs)
        rows.append((mutant, how))
        survivors += not found
        print(f"{'found ' if found else 'ALIVE '} {mutant.says}: {how}", flush=True)
    if options.write and not survivors:
        write_table(options.write, rows)
    print(f"{len(rows) - survivors} passed, {survivors} failed")
    sys.exit(1 if survivors else 0)


if __name__ == "__main__":
    main()
