# SPDX-License-Identifier: MIT
"""Runs the official test suites of Engine.IO and Socket.IO, which are no part of hilo, against
`hilo serve`:

    python3 tests/interop/official_suites.py engineio FOLDER [RUNS]
    python3 tests/interop/official_suites.py engineio3 FOLDER [RUNS]
    python3 tests/interop/official_suites.py socketio FOLDER [RUNS]

FOLDER is the folder test-suite of github.com/socketio/engine.io-protocol (of its branch v3 for
engineio3; of socketio/socket.io-protocol for socketio), after `npm ci` there. Nothing in it is
changed: the suite runs from a copy that asks our port. HILO names the binary. Prints what mocha prints; the exit code is 0 if no run had a failure.
"""

import os
import shutil
import subprocess
import sys
import tempfile

suite, folder = sys.argv[1], os.path.abspath(sys.argv[2])
runs = int(sys.argv[3]) if len(sys.argv) > 3 else 1
hilo = os.environ.get("HILO", "build/release/hilo")

server = subprocess.Popen([hilo, "serve", "--compliance", suite, "--listen", "127.0.0.1:0"],
                          stdout=subprocess.PIPE, text=True)
try:
    address = server.stdout.readline().split()[2]
    with tempfile.TemporaryDirectory() as copy:
        os.symlink(os.path.join(folder, "node_modules"), os.path.join(copy, "node_modules"))
        for name in ("package.json", "node-imports.js"):
            shutil.copy(os.path.join(folder, name), copy)
        with open(os.path.join(folder, "test-suite.js"), encoding="utf-8") as file:
            text = file.read()
        with open(os.path.join(copy, "test-suite.js"), "w", encoding="utf-8") as file:
            file.write(text.replace("localhost:3000", address))
        failed = 0
        for _ in range(runs):
            result = subprocess.run(["node_modules/.bin/mocha", "--exit", "test-suite.js"], cwd=copy, check=False)
            failed += result.returncode != 0
finally:
    server.terminate()
    server.wait()
print(f"{runs - failed} of {runs} runs without a failure")
sys.exit(1 if failed else 0)
