#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A program of ten lines, built from what `make install` put somewhere and from hilo.pc alone."""

import os
import pathlib
import shlex
import subprocess
import sys
import tempfile

from programs import PATIENCE, PIPE, case, contains, equal, run_cases

SOURCE = r"""
#include <cstdio>
#include "ws/server.h"
int main() {
  hilo::net::Loop loop;
  hilo::ws::Server server{loop};
  server.on_message([](hilo::ws::Connection& c, hilo::ws::Message m) { c.send(m); });
  const auto bound = server.listen({.host = "127.0.0.1"});
  std::puts(bound ? "listening" : "failed");
  return bound ? 0 : 1;
}
"""
TREE = pathlib.Path(__file__).parents[2]
PREFIX = "/opt/elsewhere"


def make(target, folder):
    command = ["make", "-C", TREE, target, f"DESTDIR={folder}", f"PREFIX={PREFIX}", "SETUP=0"]
    done = subprocess.run(command, stdout=PIPE, stderr=PIPE, timeout=PATIENCE * 4)
    equal((done.returncode, done.stderr.decode()[-300:] if done.returncode else ""), (0, ""))


def variables(text, installed):
    """What stands in a .pc file, with its prefix where the files are now."""
    values = {"prefix": str(installed)}
    for line in text.splitlines():
        name, _, value = line.partition(": ")
        values[name] = value.replace("${prefix}", str(installed))
    return values


@case("a program links with what was installed, by hilo.pc alone, and uninstalling leaves no file")
def _():
    with tempfile.TemporaryDirectory() as folder:
        installed = pathlib.Path(folder + PREFIX)
        make("install", folder)
        package = (installed / "lib/pkgconfig/hilo.pc").read_text()
        contains(package, f"prefix={PREFIX}\n")
        values = variables(package, installed)
        version = subprocess.run([installed / "bin/hilo", "--version"], stdout=PIPE, check=True)
        contains(version.stdout.decode(), values["Version"])

        program = pathlib.Path(folder) / "program"
        program.with_suffix(".cc").write_text(SOURCE)
        compiler = shlex.split(os.environ.get("CXX", "c++"))
        subprocess.run(
            [*compiler, *shlex.split(values["Cflags"]), program.with_suffix(".cc"), "-o", program]
            + shlex.split(values["Libs"]),
            cwd=folder,  # nothing of the tree is found by accident
            check=True,
            timeout=PATIENCE * 4,
        )
        done = subprocess.run([program], stdout=PIPE, timeout=PATIENCE)
        equal((done.returncode, done.stdout), (0, b"listening\n"))

        make("uninstall", folder)
        equal([path for path in installed.rglob("*") if path.is_file()], [])


sys.exit(run_cases())
