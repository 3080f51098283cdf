#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hilo conform against hilo and the echoes of this folder, in both roles: a table, and reports.

`make conform-peers` calls it, with HILO and the folder of the reports; the table goes to stdout.
Each program knows three words: `version`; `serve`, which prints `listening on PORT`; and
`connect BASE`, which reads the numbers of cases and goes to BASE with each of them behind it.
"""

import contextlib
import http.client
import itertools
import json
import os
import pathlib
import resource
import subprocess
import sys
import urllib.request

HERE = pathlib.Path(__file__).parent
HILO = os.environ.get("HILO", "build/release/hilo")
LIMIT = ["--message-bytes", "1MiB", "--timeout", "8s"]
PATIENCE = 30  # seconds for a group: a guard against hanging, which libwebsockets needs
MEMORY = 2 << 30  # bytes: a guard, too
VERDICTS = ("ok", "informational", "unimplemented", "non_strict", "failed")


def build_libwebsockets(folder):
    program = folder / "libwebsockets_echo"
    source = HERE / "libwebsockets_echo.c"
    subprocess.run(["cc", "-O1", "-Wall", "-o", program, source, "-lwebsockets"], check=True)
    return [str(program)]


def limit_memory():
    resource.setrlimit(resource.RLIMIT_DATA, (MEMORY, MEMORY))


def conform(report, *arguments, **more):
    words = [HILO, "conform", *LIMIT, "--format", "json", "--output", str(report), *arguments]
    return subprocess.Popen(words, stderr=subprocess.PIPE, text=True, **more)


def test_server(command, report):
    server = subprocess.Popen([*command, "serve"], stdout=subprocess.PIPE, text=True)
    with server:
        port = server.stdout.readline().split()[-1]
        with conform(report, f"ws://127.0.0.1:{port}/") as tester:
            tester.communicate(timeout=20 * PATIENCE)
        server.kill()


def play(command, base, numbers):
    with contextlib.suppress(subprocess.TimeoutExpired):
        subprocess.run(
            [*command, "connect", base],
            input="\n".join(numbers) + "\n",
            text=True,
            timeout=PATIENCE,
            stderr=subprocess.DEVNULL,
            preexec_fn=limit_memory,
        )
    # Whatever the client did not come to is a case that it failed.
    for number in numbers:
        with contextlib.suppress(OSError, http.client.HTTPException):
            urllib.request.urlopen(f"http{base[2:]}{number}", timeout=PATIENCE).close()


def test_client(command, report):
    listen = ["--listen", "127.0.0.1:0"]
    listed = subprocess.run(
        [HILO, "conform", *LIMIT, *listen, "--list"], check=True, stdout=subprocess.PIPE, text=True
    )
    numbers = [line.split("\t")[0] for line in listed.stdout.splitlines()]
    with conform(report, *listen) as tester:
        base = f"ws://{tester.stderr.readline().split()[-1]}/case/"
        # A group at a time: a client that dies of one case misses the rest of that group alone.
        for _, group in itertools.groupby(numbers, lambda number: number.rpartition(".")[0]):
            play(command, base, list(group))
        tester.communicate(timeout=20 * PATIENCE)


TAKEOVER = ["--deflate", "--deflate-server-takeover", "--deflate-client-takeover"]


def test_own_server(report):
    words = [HILO, "serve", "--quiet", "--listen", "127.0.0.1:0", *TAKEOVER]
    server = subprocess.Popen(words, stdout=subprocess.PIPE, text=True)
    with server:
        address = server.stdout.readline().split()[2]
        with conform(report, f"ws://{address}/echo") as tester:
            tester.communicate(timeout=20 * PATIENCE)
        server.terminate()


def test_own_client(report):
    command = " ".join([f"'{os.path.abspath(HILO)}'", "connect --quiet --echo", *TAKEOVER])
    with conform(report, "--listen", "127.0.0.1:0", "--run", command) as tester:
        tester.communicate(timeout=20 * PATIENCE)


def print_row(name, role, path):
    report = json.loads(path.read_text(encoding="utf-8"))
    counts = " | ".join(str(report[verdict]) for verdict in VERDICTS)
    print(f"| {name.strip()} | {role} | {report['cases']} | {counts} |", flush=True)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    peers = {
        "npm_ws": ["node", str(HERE / "npm_ws_echo.mjs")],
        "python_websockets": ["/usr/bin/python3", str(HERE / "python_websockets_echo.py")],
        "libwebsockets": build_libwebsockets(folder),
    }
    print("| peer | role | cases | ok | informational | unimplemented | non-strict | failed |")
    print("|---|---|--:|--:|--:|--:|--:|--:|")
    said = subprocess.run([HILO, "--version"], check=True, stdout=subprocess.PIPE, text=True)
    for role, test in (("server", test_own_server), ("client", test_own_client)):
        path = folder / f"hilo_{role}.json"
        path.unlink(missing_ok=True)
        test(path)
        print_row(said.stdout, role, path)
    for name, command in peers.items():
        said = subprocess.run([*command, "version"], check=True, stdout=subprocess.PIPE, text=True)
        for role, test in (("server", test_server), ("client", test_client)):
            path = folder / f"{name}_{role}.json"
            path.unlink(missing_ok=True)
            test(command, path)
            print_row(said.stdout, role, path)


if __name__ == "__main__":
    main()
