#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tools/check/docs.py: what READMEs show is what programs print, or `make check` says where not."""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

from programs import HILO, PATIENCE, PIPE, case, contains, equal, run_cases

ROOT = pathlib.Path(__file__).parents[2]
BUILD = pathlib.Path(HILO).resolve().parent
PAGE = ROOT.joinpath("tools/explain/README.md").read_text()
CHAPTERS = ("net", "ws", "ws/core", "ws/engineio", "ws/socketio", "ws/trace", "tools/explain")


def docs(*arguments):
    """(exit code, what it said)"""
    maker = [sys.executable, ROOT / "tools/check/docs.py", "--build", BUILD, *arguments]
    done = subprocess.run(maker, stdout=PIPE, stderr=PIPE, timeout=PATIENCE)
    equal(done.stderr.decode(), "")
    return done.returncode, done.stdout.decode()


def judged(text):
    """What --check says of a page."""
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder, "README.md")
        page.write_text(text)
        code, said = docs("--check", page)
        equal(page.read_text(), text)
        return code, said.replace(folder, "FOLDER")


@case("docs: a page that shows what is printed is content")
def _():
    contains(PAGE, "<!-- output: hilo explain ")
    equal(judged(PAGE), (0, ""))


@case("docs: a dump that has drifted is told with its line and the difference, and made anew")
def _():
    drifted = PAGE.replace("MASK  1", "MASK  0")
    number = 1 + PAGE.splitlines().index(next(line for line in PAGE.splitlines() if line.startswith("<!-- output")))
    code, said = judged(drifted)
    equal(code, 1)
    contains(said, f"FOLDER/README.md:{number}: not what is made from 'hilo explain")
    for line in (r"^-  1\.{7} +MASK  0", r"^\+  1\.{7} +MASK  1"):
        if not re.search(line, said, re.M):
            raise AssertionError(f"{line} is not in {said}")
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder, "README.md")
        page.write_text(drifted)
        equal(docs(page)[0], 0)
        equal(page.read_text(), PAGE)


@case("docs: a piece of a source has to be there, once, and as it stands there")
def _():
    for begin, end, body, complaint in (
        ("struct Part {", "};", "struct Part {", "not what is made"),
        ("struct Nobody {", "};", "", "has 0 lines with"),
        ("namespace hilo::trace", "};", "", "lines with 'namespace hilo::trace', and one is wanted"),
        ("struct Part {", "nothing like that", "", "has no 'nothing like that' behind"),
    ):
        code, said = judged(f'<!-- snippet: ws/trace/part.h from "{begin}" to "{end}" -->\n```cpp\n{body}\n```\n')
        equal(code, 1)
        contains(said, "FOLDER/README.md:1: ")
        contains(said, complaint)


@case("docs: a picture is a file that is drawn, or told to be another")
def _():
    mark = "<!-- picture: hilo explain --frame ping --format svg -->\n"
    contains(judged(mark + "\nno picture\n")[1], "FOLDER/README.md:1: ![...](NAME.svg) belongs behind")
    with tempfile.TemporaryDirectory() as folder:
        page, file = pathlib.Path(folder, "README.md"), pathlib.Path(folder, "ping.svg")
        page.write_text(mark + "![a ping](ping.svg)\n")
        code, said = docs("--check", page)
        equal(code, 1)
        contains(said, "ping.svg is not what 'hilo explain --frame ping --format svg' draws")
        equal(docs(page)[0], 0)
        contains(file.read_text(), "<svg ")
        equal(docs("--check", page), (0, ""))
        file.write_text(file.read_text().replace("opcode", "code"))
        equal(docs("--check", page)[0], 1)


@case("docs: nothing else is run, and a block is wanted behind its line")
def _():
    for line, complaint in (
        ("<!-- output: hilo serve -->\n```\n```", "none of the commands that pages may run"),
        ("<!-- output: rm -r build -->\n```\n```", "none of the commands that pages may run"),
        ("<!-- output: hilo explain 8100 | sh -->\n```\n```", "no filter that pages may use"),
        ("<!-- output: hilo explain zz -->\n```\n```", "ended with 2"),
        ("<!-- output: hilo explain 8100 -->\ntext", "a block between ``` belongs behind this line"),
        ("<!-- output: hilo explain 8100 -->\n```\ntext", "a block between ``` belongs behind this line"),
    ):
        code, said = judged(line + "\n")
        equal(code, 1)
        contains(said, complaint)


@case("docs: a shell prints the same")
def _():
    # Of programs other than the tool `make docs` alone knows that they are built.
    folder = os.environ | {"PATH": f"{BUILD}:{os.environ['PATH']}"}
    count = 0
    for name in CHAPTERS:
        page = ROOT.joinpath(name, "README.md").read_text()
        for command, shown in re.findall(r"^<!-- output: (.*) -->\n```console\n\$ .*\n((?:.*\n)*?)```\n", page, re.M):
            if command.startswith(("hilo", "printf")):
                done = subprocess.run(["sh", "-c", command], stdout=PIPE, timeout=PATIENCE, env=folder)
                equal([line.rstrip() for line in done.stdout.decode().splitlines()], shown.splitlines())
                count += 1
    if count < 10:
        raise AssertionError(f"found only {count} commands")


@case("docs: a translation that lacks something is told where")
def _():
    english = ROOT.joinpath("ws/core/README.md")
    spanish = ROOT.joinpath("ws/core/README.es.md").read_text()
    snippet = re.search(r"<!-- snippet.*?^```$\n\n", spanish, re.M | re.S)[0]
    with tempfile.TemporaryDirectory() as folder:
        page = pathlib.Path(folder, "README.es.md")
        for text, complaint in (
            (spanish, ""),
            (spanish.replace(snippet, ""), "README.es.md:"),
            (spanish.replace("## Comprimido\n\n", ""), "\n+## ...\n"),
            (spanish.replace('as_bytes("Hello")', 'as_bytes("Hola")'), '\n-const Bytes hello = as_bytes("Hola");\n'),
            (spanish[: spanish.rindex("\n\n")] + "\n", "the other language has nothing for this"),
            (spanish + "\nUn párrafo más.\n", "the other language has nothing for this"),
        ):
            page.write_text(text)
            code, said = docs("--check", "--translation", english, page)
            equal(code, 1 if complaint else 0)
            contains(said, complaint)


sys.exit(run_cases())
