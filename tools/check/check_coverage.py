# SPDX-License-Identifier: MIT
"""check_coverage.py GATE SUMMARY: prints coverage per file and holds folders to their gate.

SUMMARY is gcovr's JSON summary. GATE has lines like `ws/core lines 97 branches 90`, in percent of a
whole folder (its subfolders excluded).
"""

import json
import pathlib
import sys


def percent(covered, total):
    return 100.0 if total == 0 else 100.0 * covered / total


def main():
    gates = {}
    for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
        if line.strip() and not line.startswith("#"):
            folder, _, lines, _, branches = line.split()
            gates[folder] = (float(lines), float(branches))

    folders = {}
    for entry in sorted(json.loads(pathlib.Path(sys.argv[2]).read_text())["files"], key=lambda e: e["filename"]):
        name = entry["filename"]
        counts = [entry[key] for key in ("line_covered", "line_total", "branch_covered", "branch_total")]
        print(f"  {name:44} lines {percent(*counts[:2]):5.1f}   branches {percent(*counts[2:]):5.1f}")
        sums = folders.setdefault(str(pathlib.PurePath(name).parent), [0, 0, 0, 0])
        for index, count in enumerate(counts):
            sums[index] += count

    failed = False
    for folder, sums in sorted(folders.items()):
        lines, branches = percent(*sums[:2]), percent(*sums[2:])
        gate = gates.get(folder)
        low = gate is not None and (lines < gate[0] or branches < gate[1])
        failed = failed or low
        wanted = f"   wanted: {gate[0]:g} and {gate[1]:g}" if gate else ""
        print(f"{folder + '/':46} lines {lines:5.1f}   branches {branches:5.1f}{wanted}{'   TOO LOW' if low else ''}")
    for folder in gates:
        if folder not in folders:
            print(f"{folder}: nothing was measured")
            failed = True
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
