# SPDX-License-Identifier: MIT
"""Prints how large hilo is when it is built small, and what its headers cost to include.

usage: size.py FOLDER, the build folder of MODE=small TLS=0 DEFLATE=0 SOCKETIO=0, without exceptions,
RTTI and unwind tables (`make size`)

Sizes and lists of headers depend on the compiler and the linker alone, of which the limits know g++ 12
and binutils 2.40; beyond a limit they are a failure. Times are printed, and judge nothing. A header is
compared with a file that includes nothing but the headers of the standard and of the system that hilo's
own name, as user time of the compiler, in turns.
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys

COMPILER = os.environ.get("CXX", "g++").split()
FLAGS = ["-std=c++20", "-O2", "-I."]
CODEC = re.compile(r"(/bytes|buffer|check|pool|error|frame|mask\w*|message|session|utf8\w*)\.o$")
CODEC_BYTES_MAX = 25 << 10
ECHO_BYTES_MAX = 147_000
UNWANTED = re.compile(r"/(chrono|functional|iostream|regex|thread|future)$|nlohmann")
# Header, unwanted headers that it may include.
HEADERS = (
    ("ws/core/session.h", ""),
    ("ws/server.h", ""),
    ("ws/client.h", ""),
    ("ws/socketio/server.h", r"nlohmann|/functional$"),  # which nlohmann's header includes
)
failures = 0


def report(name, value, limit=None, unit="bytes"):
    global failures
    verdict = ""
    if limit is not None:
        verdict = f"   at most {limit:,}" + ("" if value <= limit else "   EXCEEDED")
        failures += value > limit
    print(f"  {name:<58}{value:>9,} {unit}{verdict}")


def text_bytes(objects):
    out = subprocess.run(["size", *objects], check=True, capture_output=True, text=True).stdout
    return sum(int(line.split()[0]) for line in out.splitlines()[1:])


def sizes(folder):
    print("built with -Os, without TLS and zlib, exceptions and RTTI, programs optimised as a whole:")
    objects = [str(p) for p in sorted(folder.glob("net/base/*.o")) + sorted(folder.glob("ws/core/*.o"))]
    codec = [path for path in objects if CODEC.search(path)]
    texts = [path for path in codec if path.endswith("error.o")]
    report("sessions, frames, masking, UTF-8 (text)", text_bytes(set(codec) - set(texts)), CODEC_BYTES_MAX)
    report("the table of errors in words", text_bytes(texts))
    report("all of net/base and ws/core: HTTP heads, handshakes, URLs", text_bytes(objects))
    report("an echo of sessions, stripped", (folder / "tests/embedded_session").stat().st_size)
    report("the README's echo server, stripped", (folder / "tests/readme_1").stat().st_size, ECHO_BYTES_MAX)


def included(header):
    command = [*COMPILER, *FLAGS, "-M", "-x", "c++", "-"]
    out = subprocess.run(command, input=f'#include "{header}"\n', check=True, capture_output=True, text=True)
    return out.stdout.replace("\\\n", " ").split()


def foreign(files):
    """What hilo's own headers among them include in angle brackets."""
    names = set()
    for path in files:
        if re.match(r"(net|ws)/", path):
            names |= set(re.findall(r"^#include <(.*)>", pathlib.Path(path).read_text(), re.M))
    return sorted(name for name in names if not name.startswith("sanitizer/"))


def cost(text):
    """User seconds and kilobytes of one compilation."""
    command = [*COMPILER, *FLAGS, "-c", "-x", "c++", "-", "-o", os.devnull]
    process = subprocess.Popen(command, stdin=subprocess.PIPE)
    process.stdin.write(text.encode())
    process.stdin.close()
    _, status, usage = os.wait4(process.pid, 0)
    if status != 0:
        sys.exit("a header does not compile alone")
    return usage.ru_utime, usage.ru_maxrss


def headers(rounds):
    global failures
    print("to include it, user seconds and MB of the compiler; behind it the bare headers it needs:")
    for header, allowed in HEADERS:
        files = included(header)
        for path in files:
            if UNWANTED.search(path) and not (allowed and re.search(allowed, path)):
                print(f"  {header} includes {path}")
                failures += 1
        bare = "".join(f"#include <{name}>\n" for name in foreign(files))
        pairs = [(cost(f'#include "{header}"\n'), cost(bare)) for _ in range(rounds)]
        whole = statistics.median(pair[0][0] for pair in pairs)
        base = statistics.median(pair[1][0] for pair in pairs)
        print(f"  {header:<26}{whole:6.2f} s {pairs[0][0][1] / 1024:5.0f} MB   bare {base:6.2f} s "
              f"{pairs[0][1][1] / 1024:5.0f} MB   ratio {whole / base:.2f}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("folder", type=pathlib.Path)
    arguments = parser.parse_args()
    sizes(arguments.folder)
    headers(arguments.rounds)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
