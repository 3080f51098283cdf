# SPDX-License-Identifier: MIT
"""bad_system.c, compiled and put in front of `hilo serve`; `orders` are its numbers, by name."""

import mmap
import os
import re
import pathlib
import struct
import subprocess
import tempfile

from hosts import BUILD, Skip, serve

SOURCE = pathlib.Path(__file__).with_suffix(".c")
NAMES = re.findall(r"^  int32_t (\w+);", SOURCE.read_text(), re.M)


def library():
    target = BUILD / "faults" / "bad_system.so"
    target.parent.mkdir(parents=True, exist_ok=True)
    compiler = os.environ.get("CC", "cc")
    command = [compiler, "-shared", "-fPIC", "-O1", "-Wall", str(SOURCE), "-o", str(target), "-ldl"]
    try:
        done = subprocess.run(command, capture_output=True, text=True)
    except OSError as error:
        raise Skip(f"there is no C compiler: {error}") from None
    if done.returncode != 0:
        raise AssertionError(done.stderr)
    return str(target.resolve())


class BadSystem:
    def __init__(self):
        self.file = tempfile.NamedTemporaryFile()
        self.file.write(bytes(4 * len(NAMES)))
        self.file.flush()
        self.memory = mmap.mmap(self.file.fileno(), 4 * len(NAMES))
        self.environment = os.environ | {"LD_PRELOAD": library(), "BAD_SYSTEM": self.file.name}

    def serve(self, *flags, **more):
        return serve(*flags, env=self.environment, **more)

    def __setitem__(self, name, value):
        struct.pack_into("=i", self.memory, 4 * NAMES.index(name), value)

    def __getitem__(self, name):
        return struct.unpack_from("=i", self.memory, 4 * NAMES.index(name))[0]

    def clear(self):
        for name in NAMES:
            self[name] = 0
