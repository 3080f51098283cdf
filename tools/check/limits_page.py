# SPDX-License-Identifier: MIT
"""limits_page.py: from `hilo serve --help` on stdin to ws/LIMITS.md on stdout.

The flags are made from the structs, so the page cannot say anything that the program does not.
"""

import re
import sys

HEAD = """# Limits

Every bound on what a peer may cost, as it ships: made by `make docs` from `hilo serve --help`, and compared with it by a test. A flag is called as the member is: of `ws::Limits` (limits.h), behind `--eio-` of `engineio::Options`, behind `--sio-` of `socketio::Options` and its `PacketLimits`.
"""
FLAG = re.compile(r"  (?:-\w, )?(--[\w-]+)(?: (\S+))?(?:  +(.*))?")


def groups(text):
    """[(title, [(flag, value, words)])] of the parts that are about limits."""
    found = []
    for part in re.split(r"\n\n", text):
        title, _, rest = part.partition("\n")
        if not title.startswith("Limits: "):
            continue
        rows = []
        for line in rest.splitlines():
            flag = FLAG.fullmatch(line)
            if flag:
                rows.append([flag.group(1), flag.group(2) or "", flag.group(3) or ""])
            else:
                rows[-1][2] = (rows[-1][2] + " " + line.strip()).strip()
        found.append((title.removeprefix("Limits: "), rows))
    return found


def page(text):
    out = HEAD
    for title, rows in groups(text):
        out += f"\n## {title[0].upper()}{title[1:]}\n\n| Flag | Default | What it bounds |\n|---|---|---|\n"
        for flag, value, words in rows:
            meaning, _, preset = words.rpartition(" [")
            if "|" in value:
                meaning += f" ({value.replace('|', ', ')})"
            out += f"| `{flag}` | {preset.rstrip(']')} | {meaning} |\n"
    return out


if __name__ == "__main__":
    sys.stdout.write(page(sys.stdin.read()))
