# SPDX-License-Identifier: MIT
"""Our Socket.IO server beside npm's socket.io on Node, in one interleaved run: `make bench-socketio`.

    python3 bench/socketio_peers.py [--rounds N] [--seconds N] [--idle N] [--only NAME,...] [--node FOLDER]

Each round starts either server anew for each measurement, ours and theirs in turns (who is first changes from
round to round), pinned to one core; the clients (socketio_load) are pinned to another. What counts is the
processor time of the server's process, kernel included, for one operation. Medians, spread and the ratios of
each round are printed as a table for bench/README.md, below every single figure. What is asked for without
options is fit to be published, and takes seven minutes. BUILD names the folder with the programs; --node a
node_modules folder with socket.io, which is installed in BUILD otherwise.
"""

import argparse
import os
import pathlib
import signal
import statistics
import subprocess

NPM_PACKAGE = "socket.io@4.8.1"
SERVER_CORE, LOAD_CORE = "0", "1"

# name: what one operation is, what the clients do, the unit, which share of theirs is wanted, or which figure
MEASUREMENTS = {
    "echo 1": ("event with answer, 64 clients × 1 in flight", ["echo", "64", "1"], "µs", 1 / 3, None),
    "echo 16": ("event with answer, 64 clients × 16 in flight", ["echo", "64", "16"], "µs", 1 / 10, None),
    "burst 16": ("event with answer, 64 clients × bursts of 16", ["burst", "64", "16"], "µs", 1 / 10, None),
    "broadcast 1": ("delivery to 1,000 in a room, 1 broadcast at once", ["broadcast", "1000", "1"], "µs", 1 / 5, None),
    "broadcast 4": ("the same, 4 broadcasts at once", ["broadcast", "1000", "4"], "µs", 1 / 5, None),
    "broadcast 16": ("the same, 16 broadcasts at once", ["broadcast", "1000", "16"], "µs", 1 / 5, None),
    "connect": ("connect, CONNECT, disconnect, 16 at once", ["connect", "16"], "µs", None, 60),
    "idle": ("resident bytes of an idle client", ["idle"], "B", None, 1600),
}


def node_modules(build, given):
    for folder in [given] if given else ["tests/interop/node_modules", build / "npm/node_modules"]:
        folder = pathlib.Path(folder).resolve()
        if (folder / "socket.io/package.json").exists():
            return folder
    npm = build / "npm"
    npm.mkdir(parents=True, exist_ok=True)
    subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", npm, NPM_PACKAGE],
                   check=True)
    return (npm / "node_modules").resolve()


def measure(server, environment, load, words):
    pinned = ["taskset", "-c", SERVER_CORE, *server]
    with subprocess.Popen(pinned, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            address = process.stdout.readline().split()[2]
            asked = ["taskset", "-c", LOAD_CORE, load, address, str(process.pid), *words]
            return subprocess.run(asked, check=True, stdout=subprocess.PIPE, text=True).stdout.split()
        finally:
            process.kill()


def figure(answer):
    if len(answer) == 1:
        return float(answer[0]), 0.0
    operations, spent, passed = map(int, answer)
    return spent / operations, spent / passed


def summary(values, text="{:,.2f}"):
    return " ".join([text.format(statistics.median(values)),
                     f"({text.format(min(values))}–{text.format(max(values))})"])


def row(what, unit, share, most, ours, theirs):
    """Ratios are those of one round, where both had the same machine."""
    shares = [mine / its for mine, its in zip(ours, theirs)]
    ratios = [1 / max(each, 1e-9) for each in shares]
    is_reached = statistics.median(shares) <= share if share else statistics.median(ours) <= most
    wanted = f"≤ 1/{1 / share:.0f}" if share else f"≤ {most:,} {unit}"
    cells = [what, f"{summary(ours)} {unit}", f"{summary(theirs)} {unit}", summary(ratios, "1/{:.1f}"), wanted,
             "yes" if is_reached else "no"]
    return f"| {' | '.join(cells)} |"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--idle", type=int, default=9000)
    parser.add_argument("--only", default="")
    parser.add_argument("--node", default="")
    given = parser.parse_args()
    build = pathlib.Path(os.environ.get("BUILD", "build/release/bench")).resolve()
    modules = node_modules(build, given.node)
    environment = dict(os.environ, NODE_MODULES=str(modules))
    node = ["node", "--expose-gc", "bench/socketio_server.cjs"]
    servers = {"hilo": [str(build / "socketio_server")], "Node": node}
    names = [n for n in MEASUREMENTS if not given.only or n in given.only.split(",")]
    figures = {(name, server): [] for name in names for server in servers}
    for turn in range(given.rounds):
        for name in names:
            for server in sorted(servers, reverse=turn % 2 == 0):
                words = list(MEASUREMENTS[name][1])
                if name == "idle":
                    words += [str(given.idle)] + ([str(int(signal.SIGUSR2))] if server == "Node" else [])
                else:
                    words.append(str(given.seconds))
                value, busy = figure(measure(servers[server], environment, str(build / "socketio_load"), words))
                figures[name, server].append(value)
                print(f"round {turn + 1}  {server:5} {name:12} {value:10.2f}"
                      + (f"  (core {busy:.0%} busy)" if busy else ""), flush=True)
    version = subprocess.run(["node", "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    print(f"\nmedian (least–most) of {given.rounds} rounds; {modules}; Node {version}\n")
    print("| one … | hilo | socket.io on Node | ratio | wanted | reached |\n|---|---|---|---|---|---|")
    for name in names:
        what, _, unit, share, most = MEASUREMENTS[name]
        print(row(what, unit, share, most, figures[name, "hilo"], figures[name, "Node"]))


if __name__ == "__main__":
    main()
