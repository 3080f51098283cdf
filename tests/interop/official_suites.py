# SPDX-License-Identifier: MIT
"""Runs the official test suites of Engine.IO and Socket.IO, which are no part of hilo, against
`hilo serve`:

    python3 tests/interop/official_suites.py engineio FOLDER [RUNS]
    python3 tests/interop/official_suites.py engineio3 FOLDER [RUNS]
    python3 tests/interop/official_suites.py socketio FOLDER [RUNS]

FOLDER is the folder test-suite of github.com/socketio/engine.io-protocol (of its branch v3 for
engineio3; of socketio/socket.io-protocol for socketio), after `npm ci` there.

    python3 tests/interop/official_suites.py engineio-client FOLDER [RUNS]
    python3 tests/interop/official_suites.py engineio3-client FOLDER [RUNS]
    python3 tests/interop/official_suites.py socketio-client FOLDER [RUNS]
    python3 tests/interop/official_suites.py socketio-client2 FOLDER [RUNS]

FOLDER is a package of the JavaScript clients with its tests: packages/engine.io-client (6.x) or
packages/socket.io-client (4.x) of github.com/socketio/socket.io, compiled (or with build/ of the
npm package); github.com/socketio/engine.io-client at 3.5.x, or socketio/socket.io-client at 2.5.0.
Its node_modules needs mocha 10, expect.js and what else its tests require, and tsx for 4.x.

These two are older than Blob in Node, and their clients cannot read one there: they run without it.

Nothing in FOLDER is changed: a suite runs from a copy of its tests that asks our port and starts no
server of its own. HILO names the binary. Prints what mocha prints; the exit code is 0 if no run had
a failure.
"""

import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

# What is copied, where the server is named there and how, and what mocha is told.
PROTOCOL = (["test-suite.js", "package.json", "node-imports.js"], "localhost:3000", "{host}:{port}", ["test-suite.js"])
CLIENT, ENGINE_CLIENT = (["test"], "3210", "{port}"), (["test"], "3000", "{port}")
OLD = ["--require", "./without_blob.cjs", "test/index.js"]
SUITES = {
    "engineio": PROTOCOL,
    "engineio3": PROTOCOL,
    "socketio": PROTOCOL,
    "engineio-client": (*ENGINE_CLIENT, ["test/index.js"]),
    "engineio3-client": (*ENGINE_CLIENT, OLD),
    "socketio-client": (*CLIENT, ["--import=tsx", "test/index.ts"]),
    "socketio-client2": (*CLIENT, OLD),
}


def copy_suite(folder, copy, copied, named, names):
    for entry in folder.iterdir():
        if entry.name not in copied:
            (copy / entry.name).symlink_to(entry)
        elif entry.is_dir():
            shutil.copytree(entry, copy / entry.name)
        else:
            shutil.copy(entry, copy)
    (copy / "without_blob.cjs").write_text("delete globalThis.Blob;\n")
    for file in copy.rglob("*.[jt]s"):
        text = file.read_text(encoding="utf-8") if file.is_file() and not file.is_symlink() else ""
        if named in text:
            file.write_text(text.replace(named, names), encoding="utf-8")


suite, folder = sys.argv[1], pathlib.Path(sys.argv[2]).resolve()
copied, named, names, arguments = SUITES[suite]
runs = int(sys.argv[3]) if len(sys.argv) > 3 else 1
hilo = os.environ.get("HILO", "build/release/hilo")

server = subprocess.Popen([hilo, "serve", "--compliance", suite, "--listen", "127.0.0.1:0"],
                          stdout=subprocess.PIPE, text=True)
try:
    host, port = server.stdout.readline().split()[2].rsplit(":", 1)
    with tempfile.TemporaryDirectory() as copy:
        copy_suite(folder, pathlib.Path(copy), copied, named, names.format(host=host, port=port))
        failed = 0
        for _ in range(runs):
            mocha = ["node_modules/.bin/mocha", "--exit", *arguments]
            failed += subprocess.run(mocha, cwd=copy, check=False).returncode != 0
finally:
    server.terminate()
    server.wait()
print(f"{runs - failed} of {runs} runs without a failure")
sys.exit(1 if failed else 0)
