# SPDX-License-Identifier: MIT
"""Prints how large hilo is when it is built small, and what its headers cost to include.

usage: size.py FOLDER, the build folder of MODE=small TLS=0 DEFLATE=0 SOCKETIO=0, without exceptions,
RTTI and unwind tables (`make size`)

Sizes and lists of headers depend on the compiler and the linker alone, of which the limits know g++ 12
and binutils 2.40; beyond a limit they are a failure. A header is compared with a file that includes
nothing but the headers of the standard and of the system that hilo's own name: as user time of the
compiler, in turns, which is printed and judges nothing, and in the compiler's instructions, which
callgrind counts, which are the same each time, and have a limit. Last comes what some words of the
standard library cost whoever instantiates them.
"""

import argparse
import os
import pathlib
import re
import shlex
import statistics
import subprocess
import sys
import tempfile

COMPILER = os.environ.get("CXX", "g++").split()
FLAGS = ["-std=c++20", "-O2", "-I."]
CODEC = re.compile(r"(/bytes|buffer|check|pool|error|frame|mask\w*|message|session|utf8\w*)\.o$")
CODEC_BYTES_MAX = 25 << 10
SMALL_SERVER_BYTES_MAX = 90 << 10
ECHO_BYTES_MAX = 138_000
UNWANTED = re.compile(r"/(chrono|functional|iostream|regex|thread|future)$|nlohmann")
# Header, the most that its instructions may be of those of the bare headers, and unwanted headers that it
# may include.
HEADERS = (
    ("ws/core/session.h", 1.17, ""),
    ("ws/server.h", 1.15, ""),
    ("ws/client.h", 1.15, ""),
    ("ws/socketio/server.h", 1.60, r"nlohmann|/functional$"),  # which nlohmann's header includes
)
WORDS_HEADERS = "cstdint memory optional span string variant vector"
WORDS = (
    ("a std::unique_ptr<T> as a member", "struct T; struct A { A(); ~A(); std::unique_ptr<T> t; };"),
    ("a std::vector<T> with a default", "struct T { std::string s; }; struct A { std::vector<T> t = {}; };"),
    ("a std::shared_ptr<T> with a default", "struct T; struct A { std::shared_ptr<T> t = {}; };"),
    ("a std::optional of a std::variant", "struct T { std::string s; }; struct U { std::string s; };"
     " struct A { std::optional<std::variant<T, U>> t; };"),
    ("a std::span made of a pointer", "inline std::span<const std::uint8_t> f(const std::uint8_t* p)"
     " { return {p, 1}; }"),
    ("a std::span copied", "using S = std::span<const std::uint8_t>; void f(S); inline void g(S s) { f(s); }"),
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
    level = re.findall(r"-O\w", (folder / "flags").read_text())[-1]
    print(f"built with {level}, without TLS and zlib, exceptions and RTTI, programs optimised as a whole:")
    objects = [str(p) for p in sorted(folder.glob("net/base/*.o")) + sorted(folder.glob("ws/core/*.o"))]
    codec = [path for path in objects if CODEC.search(path)]
    texts = [path for path in codec if path.endswith("error.o")]
    report("sessions, frames, masking, UTF-8 (text)", text_bytes(set(codec) - set(texts)), CODEC_BYTES_MAX)
    report("the table of errors in words", text_bytes(texts))
    report("all of net/base and ws/core: HTTP heads, handshakes, URLs", text_bytes(objects))
    report("an echo of sessions, stripped", (folder / "tests/embedded_session").stat().st_size)
    small = (folder / "tests/embedded_server").stat().st_size
    report("an echo server of net and ws/core, stripped", small, SMALL_SERVER_BYTES_MAX)
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
    return sorted(names)


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


def instructions(text):
    """Millions that the compiler itself executes; its driver is asked how it is called."""
    with tempfile.NamedTemporaryFile("w", suffix=".cc") as source:
        source.write(text)
        source.flush()
        command = [*COMPILER, *FLAGS, "-S", source.name, "-o", os.devnull]
        shown = subprocess.run([*command, "-###"], check=True, capture_output=True, text=True).stderr
        inner = next(line for line in shown.splitlines() if "cc1plus" in line or '"-cc1"' in line)
        callgrind = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={os.devnull}", *shlex.split(inner)]
        said = subprocess.run(callgrind, check=True, capture_output=True, text=True).stderr
    return int(re.search(r"Collected : (\d+)", said)[1]) / 1e6


def bare_headers(names):
    return "".join(f"#include <{name}>\n" for name in names)


def words():
    print("millions of the compiler's instructions for the first of a type in a file:")
    bare = bare_headers(WORDS_HEADERS.split())
    base = instructions(bare)
    for name, text in WORDS:
        report(name, round(instructions(bare + text) - base), unit=f"of {base:,.0f} for the headers alone")


def headers(rounds):
    global failures
    print("to include it, user seconds and MB of the compiler; behind it the bare headers it needs:")
    for header, most, allowed in HEADERS:
        files = included(header)
        for path in files:
            if UNWANTED.search(path) and not (allowed and re.search(allowed, path)):
                print(f"  {header} includes {path}")
                failures += 1
        bare = bare_headers(foreign(files))
        pairs = [(cost(f'#include "{header}"\n'), cost(bare)) for _ in range(rounds)]
        whole = statistics.median(pair[0][0] for pair in pairs)
        base = statistics.median(pair[1][0] for pair in pairs)
        counted = instructions(f'#include "{header}"\n') / instructions(bare)
        failures += counted > most
        print(f"  {header:<22}{whole:6.2f} s {pairs[0][0][1] / 1024:5.0f} MB   bare {base:6.2f} s "
              f"{pairs[0][1][1] / 1024:5.0f} MB   ratio {whole / base:.2f}, in instructions {counted:.3f}"
              f"   at most {most}{'   EXCEEDED' if counted > most else ''}")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("folder", type=pathlib.Path)
    arguments = parser.parse_args()
    sizes(arguments.folder)
    headers(arguments.rounds)
    words()
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
