#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Programs of three levels (tests/install), built in each way that tools/install/README.md names.

There are two installations: one in a real prefix, with archives and shared libraries, and one of
archives alone, staged below DESTDIR. Of what add_subdirectory brings the core is compiled here;
`make test-subtree` compiles the rest.
"""

import os
import pathlib
import re
import shlex
import subprocess
import sys
import tempfile

from programs import PATIENCE, PIPE, case, contains, equal, run_cases

TREE = pathlib.Path(__file__).resolve().parents[2]
BUILD = TREE / os.environ.get("BUILD", "build") / "release"
SOURCES = TREE / "tests/install"
CXX = shlex.split(os.environ.get("CXX", "c++"))
LEVELS = {  # and the libraries that each consists of
    "core": ["hilo-core"],
    "hilo": ["hilo", "hilo-core"],
    "socketio": ["hilo-socketio", "hilo", "hilo-core"],
}
SAYS = {"core": "core {}: hola\n", "hilo": "hilo {}: hola\n", "socketio": "socketio {}: 7\n"}
FOLDER = tempfile.TemporaryDirectory(dir=BUILD)
WORK = pathlib.Path(FOLDER.name)
CMAKE_BUILD = WORK / "cmake_build"


def output(*command, **more):
    command = [str(part) for part in command]
    done = subprocess.run(
        command, stdout=PIPE, stderr=PIPE, text=True, timeout=PATIENCE * 4, **more
    )
    if done.returncode:
        said = done.stdout[-1500:] + done.stderr[-1500:]
        raise AssertionError(f"{shlex.join(command)[:400]}: {said}")
    return done.stdout


def make(*arguments):
    return output("make", "--no-print-directory", "-C", TREE, "SETUP=0", *arguments)


class Installation:
    """What `make install` put in one place, and what pkg-config says of it."""

    def __init__(self, prefix, libdir, *more, destdir=""):
        self.prefix = pathlib.Path(f"{destdir}{prefix}")
        self.libraries = pathlib.Path(f"{destdir}{libdir}")
        self.arguments = [f"PREFIX={prefix}", f"LIBDIR={libdir}", f"DESTDIR={destdir}", *more]
        self.environment = os.environ | {
            "PKG_CONFIG_PATH": str(self.libraries / "pkgconfig"),
            "PKG_CONFIG_SYSROOT_DIR": str(destdir),
        }
        make("install", *self.arguments)

    def flags(self, *arguments):
        return shlex.split(output("pkg-config", *arguments, env=self.environment))

    def link(self, level, *arguments):
        program = WORK / f"{level}{''.join(arguments)}"
        libraries = self.flags(*arguments, "--libs", LEVELS[level][0])
        output(*CXX, OBJECTS[level], *libraries, "-o", program, cwd=WORK)
        return program


def needed(program):
    """The libraries of ours that a program asks the loader for."""
    return set(re.findall(r"\(NEEDED\).*\[(libhilo.*)\]", output("readelf", "-d", program)))


def says(level, program, **more):
    equal(output(program, **more), SAYS[level].format(VERSION))


def compile_program(level):
    flags = WHOLE.flags("--cflags", LEVELS[level][0])
    made = WORK / f"{level}.o"
    # Not in the tree, so that nothing of it is found by accident.
    output(*CXX, *flags, "-O0", "-c", SOURCES / f"{level}.cc", "-o", made, cwd=WORK)
    return made


VERSION = make("print-VERSION").strip()
MAJOR, MINOR, PATCH = VERSION.split(".")
SONAMES = {name: f"lib{name}.so.{MAJOR}" + (f".{MINOR}" if MAJOR == "0" else "")
           for name in LEVELS["socketio"]}
WHOLE = Installation(WORK / "whole", WORK / "whole/lib")
STAGED = Installation("/opt/elsewhere", "/opt/elsewhere/lib64", "SHARED=0", destdir=WORK / "staged")
OBJECTS = {level: compile_program(level) for level in LEVELS}


@case("a program of each level links with the shared libraries by pkg-config, and names them")
def _():
    for level, names in LEVELS.items():
        program = WHOLE.link(level)
        contains(needed(program), SONAMES[names[0]])
        equal(needed(program) - {SONAMES[name] for name in names}, set())
        says(level, program, env=os.environ | {"LD_LIBRARY_PATH": str(WHOLE.libraries)})


@case("a program of each level links with staged archives by pkg-config --static")
def _():
    for level in LEVELS:
        program = STAGED.link(level, "--static")
        equal(needed(program), set())
        says(level, program)


EXPORTED = {
    "hilo-core": ["hilo::ws::Session::Session(", "hilo::check_failed(", "hilo::ws::parse_url(",
                  "hilo_session_new("],
    "hilo": ["hilo::ws::Server::listen(", "hilo::ws::Client::connect(", "hilo::net::Loop::run(",
             "hilo_server_new("],
    "hilo-socketio": ["hilo::socketio::Server::Server(", "hilo::socketio::Manager::socket("],
}
# Weak symbols are inline functions and templates, but for the types of classes, which clang++ makes
# strong ones where it can.
TYPES = r"(vtable|typeinfo|typeinfo name|VTT) for "
OURS = {kind: rf"((non-)?virtual thunk to |{TYPES})?hilo::" for kind in "TDRB"}
OURS["T"] += r"|hilo_\w+$"  # of C
OURS["V"] = TYPES + "hilo::"
# Names of private headers, and whatever is no name of a function's or a class's own.
HIDDEN = re.compile(
    r"::Engine\b|Neighbour|ClientSocketState|mask_sse2|utf8_kernels|_jsonp|::read_msgpack|std::|<"
)


@case("a shared library exports what public headers declare, and nothing of anybody else's")
def _():
    for name, some in EXPORTED.items():
        listing = output("nm", "-DC", "--defined-only", WHOLE.libraries / f"lib{name}.so")
        symbols = [line.split(" ", 2)[1:] for line in listing.splitlines()]
        equal([symbol for kind, symbol in symbols if not re.match(OURS.get(kind, "$"), symbol)], [])
        bare = [symbol.partition("(")[0] for _, symbol in symbols]
        equal([symbol for symbol in bare if HIDDEN.search(symbol)], [])
        equal([each for each in some if each[:-1] not in bare], [])


@case("the whole tool runs on the shared libraries: they export enough")
def _():
    program = WORK / "hilo_shared"
    objects = [TREE / name for name in make("print-TOOL_LINKED").split()]
    output(*CXX, *objects, *WHOLE.flags("--libs", "hilo-socketio"), "-lssl", "-lcrypto", "-lz",
           f"-Wl,-rpath,{WHOLE.libraries}", "-o", program)
    equal(needed(program), set(SONAMES.values()))
    equal(output(program, "--version"), f"hilo {VERSION}\n")


@case("a shared library is known by the part of its version that programs depend on")
def _():
    for name, soname in SONAMES.items():
        real = WHOLE.libraries / f"lib{name}.so.{VERSION}"
        contains(output("readelf", "-d", real), f"Library soname: [{soname}]")
        for link in (soname, f"lib{name}.so"):
            equal((WHOLE.libraries / link).resolve(), real.resolve())


@case("a header that is installed includes none that is not")
def _():
    include = WHOLE.prefix / "include/hilo"
    missing = [
        f"{header.relative_to(include)}: {name}"
        for header in include.rglob("*.h")
        for name in re.findall(r'^#include "(.*)"', header.read_text(), re.M)
        if not (include / name).exists()
    ]
    equal(missing, [])
    listed = (TREE / "tools/install/private_headers.txt").read_text().splitlines()
    private = [line for line in listed if line and not line.startswith("#")]
    equal([name for name in private if not (TREE / name).exists()], [])
    equal([name for name in private if (include / name).exists()], [])


@case("a simulator's own seam stands in for the one in the archive")
def _():
    program = WORK / "own_clock"
    output(*CXX, *STAGED.flags("--cflags", "hilo"), "-O0", SOURCES / "own_clock.cc",
           *STAGED.flags("--static", "--libs", "hilo"), "-o", program, cwd=WORK)
    equal(output(program), "7 seconds\n")


CMAKE_PROJECT = """
cmake_minimum_required(VERSION 3.16)
project(user LANGUAGES CXX)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY "${CMAKE_BINARY_DIR}")
add_subdirectory(shared)
add_subdirectory(static)
add_subdirectory(subtree)
"""
CMAKE_FOUND = """
set(HILO_USE_STATIC_LIBS %(static)s)
find_package(hilo %(version)s REQUIRED COMPONENTS core hilo socketio)
add_executable(%(kind)s_core "%(core)s")
add_executable(%(kind)s_hilo "%(hilo)s")
add_executable(%(kind)s_socketio "%(socketio)s")
foreach(level IN ITEMS core hilo socketio)
  target_link_libraries(%(kind)s_${level} hilo::${level})
  set_target_properties(%(kind)s_${level} PROPERTIES LINKER_LANGUAGE CXX)
endforeach()
"""
CMAKE_SUBTREE = """
add_subdirectory("%(tree)s/tools/cmake" hilo)
foreach(level IN ITEMS core hilo socketio)
  get_target_property(sources hilo_${level} SOURCES)
  file(WRITE "${CMAKE_BINARY_DIR}/sources_${level}" "${sources}")
  add_executable(subtree_${level} "%(sources)s/${level}.cc")
  target_link_libraries(subtree_${level} hilo::${level})
endforeach()
"""


def configure():
    """One project, which finds hilo twice, and has it as a subtree as well."""
    if CMAKE_BUILD.exists():
        return
    shared = {"kind": "shared", "static": "OFF", "version": VERSION}
    static = {"kind": "static", "static": "ON", "version": f"{MAJOR}.{MINOR}"}
    texts = {
        ".": CMAKE_PROJECT,
        # What was compiled with the flags of pkg-config is linked; one program is compiled again.
        "shared": CMAKE_FOUND % (shared | OBJECTS | {"core": SOURCES / "core.cc"}),
        "static": CMAKE_FOUND % (static | OBJECTS),
        "subtree": CMAKE_SUBTREE % {"tree": TREE, "sources": SOURCES},
    }
    for folder, text in texts.items():
        (WORK / "cmake" / folder).mkdir(parents=True, exist_ok=True)
        (WORK / "cmake" / folder / "CMakeLists.txt").write_text(text)
    output("cmake", "-S", WORK / "cmake", "-B", CMAKE_BUILD, "-DCMAKE_CXX_FLAGS=-O0",
           f"-DCMAKE_CXX_COMPILER={CXX[0]}", f"-DCMAKE_PREFIX_PATH={WHOLE.prefix}",
           "-DCMAKE_UNITY_BUILD=ON", "-DCMAKE_UNITY_BUILD_BATCH_SIZE=0",
           *(f"-DHILO_{name}={make(f'print-{name}').strip()}" for name in ("POLLER", "WAKEUP")))


def build(*targets):
    output("cmake", "--build", CMAKE_BUILD, "--parallel", os.cpu_count(), "--target", *targets)


@case("a program of each level links by find_package, with shared libraries and with archives")
def _():
    configure()
    build(*(f"{kind}_{level}" for kind in ("shared", "static") for level in LEVELS))
    for level in LEVELS:
        contains(needed(CMAKE_BUILD / f"shared_{level}"), SONAMES[LEVELS[level][0]])
        equal(needed(CMAKE_BUILD / f"static_{level}"), set())
        says(level, CMAKE_BUILD / f"shared_{level}")
        says(level, CMAKE_BUILD / f"static_{level}")


@case("add_subdirectory builds what the Makefile builds: the same sources, the same seams")
def _():
    configure()
    for level, names in {"core": "CORE", "hilo": "HILO OS", "socketio": "SOCKETIO"}.items():
        listed = (CMAKE_BUILD / f"sources_{level}").read_text().split(";")
        wanted = [path for name in names.split() for path in make(f"print-{name}_SOURCES").split()]
        equal(sorted(os.path.relpath(path, TREE) for path in listed), sorted(wanted))
    build("subtree_core")
    says("core", CMAKE_BUILD / "subtree_core")


@case("find_package takes a version for what was written against it, and for nothing else")
def _():
    next_minor, next_patch = f"{MAJOR}.{int(MINOR) + 1}", f"{MAJOR}.{MINOR}.{int(PATCH) + 1}"
    fitting = [VERSION, f"{MAJOR}.{MINOR}", MAJOR]
    other = [next_minor, next_patch, str(int(MAJOR) + 1)]
    script = WORK / "version.cmake"
    for asked in fitting + other:
        numbers = asked.split(".")
        settings = {"": asked, "_COUNT": len(numbers)}
        settings |= dict(zip(("_MAJOR", "_MINOR", "_PATCH"), numbers))
        lines = [f"set(PACKAGE_FIND_VERSION{name} {value})" for name, value in settings.items()]
        lines += [f'include("{WHOLE.libraries}/cmake/hilo/hilo-config-version.cmake")',
                  f'message(STATUS "{asked}: ${{PACKAGE_VERSION_COMPATIBLE}}")']
        script.write_text("\n".join(lines))
        equal(output("cmake", "-P", script), f"-- {asked}: {str(asked in fitting).upper()}\n")


@case("the version is one: of the tool, of the packages, and the newest in the list of changes")
def _():
    equal(output(STAGED.prefix / "bin/hilo", "--version"), f"hilo {VERSION}\n")
    for names in LEVELS.values():
        equal(STAGED.flags("--modversion", names[0]), [VERSION])
    changes = (TREE / "tools/install/CHANGELOG.md").read_text()
    equal(re.search(r"^## (\S+)", changes, re.M).group(1), VERSION)


@case("uninstalling leaves nothing of ours, and all that is others'")
def _():
    others = WHOLE.libraries / "pkgconfig/others.pc"
    others.write_text("")
    for installation in (WHOLE, STAGED):
        make("uninstall", *installation.arguments)
    equal([path for path in WHOLE.prefix.rglob("*") if not path.is_dir()], [others])
    equal(list(STAGED.prefix.rglob("*")), [])


with FOLDER:
    code = run_cases()
sys.exit(code)
