# SPDX-License-Identifier: MIT
"""docs.py [--check] [--build FOLDER] [PAGE...]: the parts of READMEs that programs make.

A line that Markdown does not show tells where the block behind it comes from:

  <!-- output: hilo explain --frame text Hi --mask 37fa213d | head -4 -->
      the command as one would type it, and what it prints
  <!-- snippet: tools/ladder/07_frame.cc from "// Write it." to "ws::mask_copy(" -->
      lines of a file, from the one with that text to the next one with the other; `until`: without it
  <!-- picture: hilo explain --frame text Hi --format svg -->
      what it prints is the file that the ![...](NAME.svg) behind it shows

Without --check blocks are brought up to date; with it, one that is not is told with its file, its line
and the difference. A README.es.md is held to be what its README.md is: the same blocks, the same
programs, and heading for heading and paragraph for paragraph the same form. ws/LIMITS.md is made
from the flags of `hilo serve` (limits_page.py).

Nothing is run but what COMMANDS allows: programs whose output depends on no machine, time or
language. The filters behind them are done here, as the shell's own would.
"""

import argparse
import difflib
import os
import pathlib
import re
import shlex
import subprocess
import sys

import limits_page

ROOT = pathlib.Path(__file__).parents[2]
# The folders whose README.md has a translation beside it.
TRANSLATED = ("", "net", "net/base", "ws", "ws/core", "ws/engineio", "ws/socketio", "ws/trace",
              "tools/ladder")
COMMANDS = (r"hilo explain( .*)?", r"build/release/ladder/(0[5-8]|1[01])_\w+", r"build/release/chapters/\w+( \w+)?")
MARK = re.compile(r"<!-- (output|snippet|picture): (.*) -->")
PATIENCE = 60  # seconds: a guard against hanging


class Mistake(Exception):
    """Of whoever wrote the page."""


# ---- what a command prints -------------------------------------------------------------------


def printed_by_printf(words):
    """The bytes of `printf 'TEXT'`, as POSIX has it, of the escapes that pages use."""
    if len(words) != 2 or "%" in words[1].replace("%%", ""):
        raise Mistake("printf takes one text, without conversions")
    text = words[1].replace("%%", "%").encode("latin-1", "backslashreplace")
    known = {b"r": b"\r", b"n": b"\n", b"\\": b"\\"}
    try:
        return re.sub(rb"\\([0-7]{3}|.)", lambda m: known.get(m[1]) or bytes([int(m[1], 8)]), text)
    except ValueError as error:
        raise Mistake(f"printf knows no escape in {words[1]!r}") from error


def run_program(command, stdin, build):
    if not any(re.fullmatch(each, command) for each in COMMANDS):
        raise Mistake(f"{command!r} is none of the commands that pages may run (COMMANDS in docs.py)")
    words = shlex.split(command)
    words[0] = str(build / words[0].removeprefix("build/release/"))
    done = subprocess.run(
        words, input=stdin, capture_output=True, timeout=PATIENCE, cwd=ROOT, env={**os.environ, "LC_ALL": "C", "TZ": "UTC"}
    )
    # 1: a rule is broken, which is what the page shows.
    if done.returncode not in (0, 1) or done.stderr:
        raise Mistake(f"{command!r} ended with {done.returncode}: {done.stderr.decode()}")
    return done.stdout.decode().splitlines()


def between(lines, first, last):
    """As sed -n '/first/,/last/p': from each line that matches the one to the next that matches the other."""
    kept, inside = [], False
    for line in lines:
        if inside or re.search(first, line):
            kept.append(line)
            inside = not (inside and re.search(last, line))
    return kept


def filtered(lines, command):
    words = shlex.split(command)
    match words:
        case ["head", number]:
            return lines[: -int(number)]
        case ["tail", number]:
            return lines[int(number) :]
        case ["grep", "-E", pattern]:
            return [line for line in lines if re.search(pattern, line)]
        case ["grep", "-vE", pattern]:
            return [line for line in lines if not re.search(pattern, line)]
        case ["sed", "-n", script] if found := re.fullmatch(r"/(.*)/,/(.*)/p", script):
            return between(lines, *found.groups())
        case ["awk", "-v", "RS=", script] if found := re.fullmatch(r"/(.*)/", script):
            paragraphs = re.split(r"\n\n+", "\n".join(lines))
            return [line for each in paragraphs if re.search(found[1], each) for line in each.splitlines()]
    raise Mistake(f"{command!r} is no filter that pages may use")


def output(command, build):
    # A bar within quotes is none.
    stages = [s.strip() for s in re.split(r"""\|(?=(?:[^']*'[^']*')*[^']*$)""", command)]
    stdin = b""
    if stages[0].startswith("printf "):
        stdin = printed_by_printf(shlex.split(stages.pop(0)))
    lines = run_program(stages[0], stdin, build)
    for stage in stages[1:]:
        lines = filtered(lines, stage)
    if not lines:
        raise Mistake(f"{command!r} prints nothing")
    return ["```console", f"$ {command}", *(line.rstrip() for line in lines), "```"]


# ---- a piece of a file -----------------------------------------------------------------------


def snippet(arguments):
    words = shlex.split(arguments)
    if len(words) != 5 or words[1] != "from" or words[3] not in ("to", "until"):
        raise Mistake('a snippet is FILE from "TEXT" to "TEXT", or until "TEXT"')
    name, _, first, end, last = words
    try:
        lines = (ROOT / name).read_text().splitlines()
    except OSError as error:
        raise Mistake(f"{name}: {error.strerror}") from error
    starts = [at for at, line in enumerate(lines) if first in line]
    if len(starts) != 1:
        raise Mistake(f"{name} has {len(starts)} lines with {first!r}, and one is wanted")
    start = starts[0]
    ends = [at for at in range(start, len(lines)) if last in lines[at]]
    if not ends:
        raise Mistake(f"{name} has no {last!r} behind {first!r}")
    piece = "\n".join(lines[start : ends[0] + (end == "to")]).rstrip().split("\n")
    margin = min(len(line) - len(line.lstrip()) for line in piece if line)
    return ["```cpp", *(line[margin:] for line in piece), "```"]


# ---- pages -----------------------------------------------------------------------------------


class Maker:
    """Makes each block once, however many pages have it."""

    def __init__(self, build):
        self.build = build
        self.made = {}

    def block(self, kind, arguments):
        key = (kind, arguments)
        if key not in self.made:
            self.made[key] = output(arguments, self.build) if kind == "output" else snippet(arguments)
        return self.made[key]


def remade(name, lines, maker):
    """(the lines of the page with its blocks made anew, complaints about those that were not so)"""
    made, complaints, at, inside = [], [], 0, False
    while at < len(lines):
        made.append(lines[at])
        inside = inside != lines[at].startswith("```")
        # What stands between ``` of the page's own is an example.
        mark = None if inside else MARK.fullmatch(lines[at])
        at += 1
        if not mark or mark[1] == "picture":
            continue
        where = f"{name}:{at}"
        if at == len(lines) or not lines[at].startswith("```") or "```" not in lines[at + 1 :]:
            raise Mistake(f"{where}: a block between ``` belongs behind this line")
        end = lines.index("```", at + 1) + 1
        try:
            block = maker.block(*mark.groups())
        except Mistake as mistake:
            raise Mistake(f"{where}: {mistake}") from mistake
        if lines[at:end] != block:
            complaints.append(f"{where}: not what is made from {mark[2]!r}; `make docs` brings it up to date\n"
                              + difference(lines[at:end], block, name))
        made += block
        at = end
    return made, complaints


def pictures(page):
    """[(line number, command, file)]"""
    inside = False
    lines = page.read_text().splitlines()
    for number, (line, behind) in enumerate(zip(lines, [*lines[1:], ""]), 1):
        inside = inside != line.startswith("```")
        mark = None if inside else MARK.fullmatch(line)
        if not mark or mark[1] != "picture":
            continue
        shown = re.fullmatch(r"!\[.+\]\(([\w-]+\.svg)\)", behind)
        if not shown:
            raise Mistake(f"{shown_name(page)}:{number}: ![...](NAME.svg) belongs behind this line")
        yield number, mark[2], page.parent / shown[1]


def draw(page, build, check):
    """Writes the pictures of a page anew, or tells which are not as they are drawn."""
    complaints = []
    for number, command, file in pictures(page):
        drawn = "\n".join(run_program(command, b"", build)) + "\n"
        if file.exists() and file.read_text() == drawn:
            continue
        if check:
            complaints.append(f"{shown_name(page)}:{number}: {file.name} is not what {command!r} draws; "
                              "`make docs` brings it up to date")
        else:
            file.write_text(drawn)
            print(f"  DOCS  {shown_name(file)}")
    return complaints


def difference(stands, wanted, name, other="as it is made"):
    return "\n".join(difflib.unified_diff(stands, wanted, f"{name}, as it stands", other, lineterm=""))


# ---- translations ----------------------------------------------------------------------------


def form(lines):
    """What a translation has to have in common: [(line number, what stands there)]."""
    found, inside, previous = [], None, ""
    for number, line in enumerate(lines, 1):
        if inside is not None:
            inside.append(line)
            if line == "```":
                # Programs are the same. Pictures and shell lines have words in them, and output is compared
                # with what its command prints.
                same = "\n".join(inside) if inside[0] in ("```cpp", "```c") else inside[0]
                found.append((number - len(inside) + 1, same))
                inside = None
        elif line.startswith("```"):
            inside = [line]
        elif mark := MARK.fullmatch(line):
            found.append((number, mark[0]))
        elif kind := re.match(r"#+ |- |\d+\. |\|(?=-)|\|", line):
            kind = re.sub(r"\d+", "1", kind[0])
            found.append((number, f"{kind}..." if kind != "|" else "| ..."))
        elif line and not previous:
            found.append((number, "a paragraph"))
        previous = line
    return found


def translation_complaint(original, translation):
    """What a README.es.md lacks, or None. Both are (name, lines)."""
    wanted, got = form(original[1]), form(translation[1])
    for (line, what), (line_here, what_here) in zip(wanted, got):
        if what != what_here:
            where = f"{translation[0]}:{line_here}: not as {original[0]}:{line}\n"
            return where + difference(what_here.split("\n"), what.split("\n"), translation[0], original[0])
    if len(wanted) == len(got):
        return None
    name, rest = (translation[0], got[len(wanted) :]) if len(got) > len(wanted) else (original[0], wanted[len(got) :])
    return f"{name}:{rest[0][0]}: the other language has nothing for this"


def translations():
    for folder in TRANSLATED:
        pair = [ROOT / folder / "README.md", ROOT / folder / "README.es.md"]
        missing = [page for page in pair if not page.exists()]
        if missing:
            yield None, f"{missing[0].relative_to(ROOT)} is wanted beside the other language"
        else:
            yield pair, None


# ---- all of it -------------------------------------------------------------------------------


def pages():
    """READMEs that have a block, in a fixed order."""
    skipped = {"build", "node_modules", ".git"}
    for folder, folders, files in os.walk(ROOT):
        folders[:] = sorted(set(folders) - skipped)
        for name in sorted(files):
            page = pathlib.Path(folder) / name
            if name in ("README.md", "README.es.md") and re.search(rf"^{MARK.pattern}$", page.read_text(), re.M):
                yield page


def shown_name(page):
    page = page.resolve()
    return str(page.relative_to(ROOT.resolve()) if page.is_relative_to(ROOT.resolve()) else page)


def treat(page, make, check):
    """Writes the page anew, or tells how it differs."""
    old = page.read_text()
    lines, complaints = make(shown_name(page), old.splitlines())
    new = "\n".join(lines) + "\n"
    if check:
        return complaints
    if new != old:
        page.write_text(new)
        print(f"  DOCS  {shown_name(page)}")
    return []


def limits(build):
    def make(name, lines):
        text = subprocess.run([build / "hilo", "serve", "--help"], capture_output=True, check=True, timeout=PATIENCE)
        made = limits_page.page(text.stdout.decode()).splitlines()
        same = made == lines
        return made, [] if same else [f"{name}: not what `hilo serve --help` says; `make docs` brings it up to date\n"
                                      + difference(lines, made, name)]
    return make


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--check", action="store_true")
    parser.add_argument("--build", type=pathlib.Path, default=pathlib.Path("build/release"))
    parser.add_argument("--translation", nargs=2, type=pathlib.Path, help="a README.md and its translation, and no more")
    parser.add_argument("pages", nargs="*", type=pathlib.Path)
    chosen = parser.parse_args()
    build = chosen.build.resolve()
    maker = Maker(build)
    complaints = []
    try:
        for page in [] if chosen.translation else chosen.pages or pages():
            complaints += treat(page, lambda name, lines: remade(name, lines, maker), chosen.check)
            complaints += draw(page, build, chosen.check)
        if not chosen.pages and not chosen.translation:
            complaints += treat(ROOT / "ws/LIMITS.md", limits(build), chosen.check)
    except Mistake as mistake:
        complaints.append(str(mistake))
    if not chosen.pages:
        for pair, complaint in [(chosen.translation, None)] if chosen.translation else translations():
            if pair:
                complaint = translation_complaint(*((shown_name(page), page.read_text().splitlines()) for page in pair))
            complaints += [complaint] if complaint else []
    for complaint in complaints:
        print(complaint)
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
