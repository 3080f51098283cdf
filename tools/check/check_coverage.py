# SPDX-License-Identifier: MIT
"""check_coverage.py GATE SUMMARY: prints coverage per file and holds folders and parsers to their gate.

SUMMARY is gcovr's JSON summary. GATE has two kinds of lines:

    ws/core lines 97 branches 90       in percent of a whole folder, its subfolders excluded
    ws/core/url.cc misses 1: reason    of a parser: how many branches may stay untaken, and why
"""

import json
import pathlib
import sys


def percent(covered, total):
    return 100.0 if total == 0 else 100.0 * covered / total


def read_gate(path):
    folders, parsers = {}, {}
    for line in pathlib.Path(path).read_text().splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        what, reason = (line.split(":", 1) + [""])[:2]
        words = what.split()
        if words[1] == "misses":
            parsers[words[0]] = int(words[2])
            if parsers[words[0]] and not reason.strip():
                sys.exit(f"{path}: no reason is given for {words[0]}")
        else:
            folders[words[0]] = (float(words[2]), float(words[4]))
    return folders, parsers


def main():
    gates, parsers = read_gate(sys.argv[1])
    failed = False
    folders, seen = {}, set()
    for entry in sorted(json.loads(pathlib.Path(sys.argv[2]).read_text())["files"], key=lambda e: e["filename"]):
        name = entry["filename"]
        counts = [entry[key] for key in ("line_covered", "line_total", "branch_covered", "branch_total")]
        note = ""
        if name in parsers:
            seen.add(name)
            missed = counts[3] - counts[2]
            if missed > parsers[name]:
                note = f"   {missed} branches missed, {parsers[name]} with a reason"
                failed = True
        print(f"  {name:44} lines {percent(*counts[:2]):5.1f}   branches {percent(*counts[2:]):5.1f}{note}")
        sums = folders.setdefault(str(pathlib.PurePath(name).parent), [0, 0, 0, 0])
        for index, count in enumerate(counts):
            sums[index] += count

    for folder, sums in sorted(folders.items()):
        lines, branches = percent(*sums[:2]), percent(*sums[2:])
        gate = gates.get(folder)
        low = gate is not None and (lines < gate[0] or branches < gate[1])
        failed = failed or low
        wanted = f"   wanted: {gate[0]:g} and {gate[1]:g}" if gate else ""
        print(f"{folder + '/':46} lines {lines:5.1f}   branches {branches:5.1f}{wanted}{'   TOO LOW' if low else ''}")
    for name in [folder for folder in gates if folder not in folders] + sorted(set(parsers) - seen):
        print(f"{name}: nothing was measured")
        failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
