#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`hilo serve --compliance NAME` for every name that it knows, with one exchange each; and the
server that stands in README.md, which is shorter than the page of the lesson that it answers."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import urllib.request

from programs import HILO, PATIENCE, Serve, case, contains, equal, run, run_cases

ROOT = pathlib.Path(__file__).resolve().parents[2]


def fetch(server, target, body=None):
    url = f"http://{server.addresses[0]}{target}"
    return urllib.request.urlopen(url, data=body, timeout=PATIENCE).read()


def open_session(server, path, revision):
    """The target of its requests, and what came behind the open packet."""
    target = f"{path}?EIO={revision}&transport=polling" + ("&b64=1" if revision == 3 else "")
    answer = fetch(server, target).decode()
    packet = re.search(r"0(\{.*?\})", answer)
    sid = json.loads(packet.group(1))["sid"]
    return f"{target}&sid={sid}", answer[packet.end() :]


def until(server, session, heard, wanted):
    """Polls until `wanted` has come."""
    while wanted not in heard:
        heard += fetch(server, session).decode()
    return heard


@case("engine.io: each of its servers echoes, in its revision")
def _():
    for name, revision in (
        ("engineio", 4),
        ("engineio3", 3),
        ("engineio-client", 4),
        ("engineio3-client", 3),
        ("engineio-echo", 4),
        ("engineio-echo", 3),
    ):
        with Serve("--compliance", name) as server:
            session, heard = open_session(server, "/engine.io/", revision)
            equal(fetch(server, session, b"4hello" if revision == 4 else b"6:4hello"), b"ok")
            until(server, session, heard, "4hello")


@case("socket.io: each of its servers connects a client")
def _():
    for name, revision in (("socketio", 4), ("socketio-client", 4), ("socketio-client2", 3)):
        with Serve("--compliance", name) as server:
            session, heard = open_session(server, "/socket.io/", revision)
            if revision == 4:
                equal(fetch(server, session, b'40{"token":1}'), b"ok")
                heard = until(server, session, heard, '"sid":')
            else:
                heard = until(server, session, heard, "2:40")
            if name == "socketio":
                until(server, session, heard, '42["auth",{"token":1}]')


@case("a name that is none is complained of, with those that are")
def _():
    code, _, complaint = run("serve", "--compliance", "socketio9")
    equal(code != 0, True)
    for name in ("engineio3-client", "engineio-echo", "socketio-client2"):
        contains(complaint, name)


@case("README's server is shorter than the page of the lesson that it answers")
def _():
    # The lesson's script for its server and the page for its client, without blank lines.
    lesson_lines = 18
    listings = re.findall(r"```cpp\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    server = next(each for each in listings if "num_clients" in each)
    lines = [line for line in server.splitlines() if line.strip()]
    if len(lines) >= lesson_lines:
        raise AssertionError(f"{len(lines)} lines")


# Its port is in README.md, so it has a network of its own; clients come back until it is there.
DEMO = """ip link set lo up || exit 77
"$1" & server=$!
stdbuf -oL "$2" & one=$!
trap 'kill $server $one $two' EXIT
read -r two_may_come
stdbuf -oL "$2" & two=$!
read -r one_must_go
kill -9 $one
read -r end
"""


@case("README's server and client tell how many are connected")
def _():
    programs = [str(pathlib.Path(HILO).parent / "tests" / f"readme_{n}") for n in (2, 3)]
    tools = all(shutil.which(tool) for tool in ("unshare", "ip", "stdbuf", "bash"))
    if not tools or not all(os.access(each, os.X_OK) for each in programs):
        return "README's programs, unshare, ip or stdbuf are missing"
    demo = subprocess.Popen(
        ["unshare", "-rn", "bash", "-c", DEMO, "demo", *programs],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    )
    is_begun = False
    # The first client says 1 and 2, the second 2 and, when the first is killed, 1.
    for wanted, is_last_of_step in ((b"1", True), (b"2", False), (b"2", True), (b"1", True)):
        line = demo.stdout.readline()
        if not line and not is_begun:
            return "no network of its own may be had"
        is_begun = True
        equal(line, b"Connected clients: " + wanted + b"\n")
        if is_last_of_step:
            demo.stdin.write(b"next\n")
            demo.stdin.flush()
    demo.wait(timeout=PATIENCE)


if __name__ == "__main__":
    sys.exit(run_cases())
