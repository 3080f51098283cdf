#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hilo beside other people's servers, in one interleaved run: `make bench-peers`.

    python3 bench/peers/run.py [--rounds N] [--seconds N] [--only PATTERN,...] [--peers NAME,...]
                               [--also NAME=COMMAND] [--also-tls NAME=COMMAND] [--write]

A cell is a load; a round gives it to each server in turns, who is first changes from round to round. Each
server is started anew for each measurement and pinned to one core, `hilo bench` to another. What counts is the
processor time of the server's process for one message, kernel included; of idle connections its memory, of
`latency` the median. A ratio is that of one round, where both had the same machine; medians and spread of the
rounds are printed, and with --write put into bench/README.md and BUILD/peers.html.

Each server prints "listening on PORT" and echoes at any path, but broadcasts at /broadcast. raw speaks no
protocol (raw.cc); at 1 MiB it is `raw hold`, which must hold and XOR each message as the others do. --also adds
a server of your own, as uWebSockets, which no package has.
"""

import argparse
import fnmatch
import json
import os
import pathlib
import statistics
import subprocess
import sys

HERE = pathlib.Path(__file__).parent
BUILD = pathlib.Path(os.environ.get("BUILD", "build/release")).resolve()
HILO = BUILD / "hilo"
PROGRAMS = BUILD / "bench/peers"
NPM = {"ws": "8.23.0"}
SERVER_CORE, LOAD_CORE = "0", "1"
BEGIN, END = "<!-- peers: begin -->\n", "<!-- peers: end -->\n"

SIZES = {"20 B": 20, "1 KiB": 1 << 10, "16 KiB": 16 << 10, "1 MiB": 1 << 20}
GRID = [("20 B", 64, 1), ("20 B", 64, 16), ("20 B", 1000, 16), ("1 KiB", 64, 16), ("1 KiB", 1000, 16),
        ("16 KiB", 1, 1), ("16 KiB", 64, 1), ("1 MiB", 1, 1), ("1 MiB", 64, 1)]
TLS_GRID = [("1 KiB", 64, 1), ("1 KiB", 64, 16), ("16 KiB", 64, 1), ("16 KiB", 64, 16)]


class Cell:
    """A load, and what is read off it. `raw` is how the server without a protocol is started for it."""

    def __init__(self, name, arguments, unit="µs", figure=None, path="/echo", raw=("echo",), flavour=""):
        self.name, self.arguments, self.unit, self.path, self.raw = name, arguments, unit, path, raw
        self.figure = figure or (lambda result: result["server"]["cpu_us_per_message"])
        self.flavour = flavour  # "tls", "deflate", or plain


def echo_arguments(size, connections, in_flight):
    return ["-s", str(SIZES[size]), "-c", str(connections), "-i", str(in_flight), "--payload", "binary"]


def frame_bytes(payload):
    return payload + (6 if payload < 126 else 8 if payload < 65536 else 14)


def cells():
    made = []
    for size, connections, in_flight in GRID:
        raw = ("hold", str(frame_bytes(SIZES[size]))) if size == "1 MiB" else ("echo",)
        name = f"echo {size} × {connections} × {in_flight}"
        made.append(Cell(name, echo_arguments(size, connections, in_flight), raw=raw))
    fanout = ["--mode", "fanout", "-c", "1000", "-s", "64", "--payload", "binary"]
    for in_flight in (1, 4):
        made.append(Cell(f"fan-out 64 B × 1000 × {in_flight}", [*fanout, "-i", str(in_flight)], path="/broadcast",
                         raw=("broadcast", str(frame_bytes(64)))))
    # The request is as long as this for the server without a protocol.
    made.append(Cell("connect", ["--mode", "connect", "--reset", "-c", "16", "-s", "149"]))
    made.append(Cell("idle, 10,000", ["--mode", "idle", "-c", "10000"], "B",
                     lambda result: result["server"]["bytes_per_connection"]))
    made.append(Cell("latency p50, 20 B × 1", echo_arguments("20 B", 1, 1), "µs",
                     lambda result: result["latency"]["p50_us"]))
    for size, connections, in_flight in TLS_GRID:
        made.append(Cell(f"wss echo {size} × {connections} × {in_flight}",
                         [*echo_arguments(size, connections, in_flight), "--insecure"], flavour="tls"))
    made.append(Cell("compressed echo 1 KiB JSON × 64 × 1",
                     ["-s", "1024", "-c", "64", "--payload", "json", "--deflate"], flavour="deflate"))
    return made


def certificate(folder):
    files = [str(folder / "certificate.pem"), str(folder / "key.pem")]
    if not os.path.exists(files[0]):
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-subj", "/CN=localhost", "-days", "30", "-out", files[0], "-keyout", files[1]],
                       check=True, stderr=subprocess.DEVNULL)
    return files


def node_modules():
    if not (PROGRAMS / "node_modules/ws").exists():
        packages = [f"{name}@{version}" for name, version in NPM.items()]
        subprocess.run(["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", PROGRAMS, *packages],
                       check=True)
    return str(PROGRAMS / "node_modules")


def hilo_command(cell, files):
    limits = ["--message-bytes-max", "1MiB", "--log-level", "error"]
    flavour = {"tls": ["--tls-cert", files[0], "--tls-key", files[1]], "deflate": ["--deflate"]}
    return [str(HILO), "serve", "--listen", "127.0.0.1:0", *limits, *flavour.get(cell.flavour, [])]


def commands(cell, files, given):
    """By name: how each server is started for this cell. Who cannot do it is left out."""
    npm = ["node", str(HERE / "npm_ws.mjs")]
    known = {"hilo": hilo_command(cell, files)}
    if cell.flavour == "tls":
        known |= {"Beast": [str(PROGRAMS / "beast"), *files]} | dict(given.also_tls)
    elif cell.flavour == "deflate":
        known |= {"websocketpp": [str(PROGRAMS / "websocketpp"), "deflate"], "npm ws": [*npm, "deflate"]}
    else:
        known |= {"raw": [str(PROGRAMS / "raw"), *cell.raw], **dict(given.also)}
        known |= {"Beast": [str(PROGRAMS / "beast")], "websocketpp": [str(PROGRAMS / "websocketpp")], "npm ws": npm}
        if cell.path == "/echo":
            known["libwebsockets"] = [str(PROGRAMS / "libwebsockets"), "serve"]
    wanted = given.peers.split(",") if given.peers else known
    return {name: command for name, command in known.items() if name in wanted or name == "hilo"}


def measure(name, command, cell, given, environment):
    pinned = ["taskset", "-c", SERVER_CORE, *command]
    with subprocess.Popen(pinned, stdout=subprocess.PIPE, text=True, env=environment) as server:
        try:
            # "listening on PORT", or as hilo says it "listening on HOST:PORT  URL".
            port = server.stdout.readline().split()[2].split(":")[-1]
            scheme = "tcp" if name == "raw" else "wss" if cell.flavour == "tls" else "ws"
            asked = [str(HILO), "bench", "--json", "--duration", f"{given.seconds}s", "--warm-up", "500ms",
                     "--pid", str(server.pid), *cell.arguments, f"{scheme}://127.0.0.1:{port}{cell.path}"]
            done = subprocess.run(["taskset", "-c", LOAD_CORE, *asked], stdout=subprocess.PIPE, text=True, check=False)
            result = json.loads(done.stdout)
            if "error" in result or result["failed"] > 0:
                raise RuntimeError(f"{name}: {result.get('error') or result['first_failure']}")
            return result
        finally:
            server.kill()


def summary(values, text="{:,.2f}"):
    return f"{text.format(statistics.median(values))} ({text.format(min(values))}–{text.format(max(values))})"


class Figures:
    def __init__(self):
        self.values = {}  # (cell, server) -> one figure a round
        self.limited = set()

    def ratios(self, cell, server, by):
        mine, other = self.values.get((cell, server), []), self.values.get((cell, by), [])
        return [a / b for a, b in zip(mine, other) if b > 0]

    def servers(self):
        names = list(dict.fromkeys(server for _, server in self.values))
        return ["hilo", *[name for name in names if name != "hilo"]]

    def tables(self, measured):
        servers = self.servers()
        head = ["| one … | " + " | ".join(servers) + " |", "|---|" + "---|" * len(servers)]
        rows, ratio_rows = [], []
        for cell in measured:
            texts, ratios = [], []
            for server in servers:
                values = self.values.get((cell.name, server))
                mark = "*" if (cell.name, server) in self.limited else ""
                texts.append(f"{statistics.median(values):,.2f}{mark}" if values else "")
                shares = self.ratios(cell.name, "hilo", server) if server != "hilo" else []
                ratios.append(summary(shares) if shares else "")
            rows.append(f"| {cell.name}, {cell.unit} | {' | '.join(texts)} |")
            ratio_rows.append(f"| {cell.name} | {' | '.join(ratios[1:])} |")
        ratio_head = ["| hilo ÷ | " + " | ".join(servers[1:]) + " |", "|---|" + "---|" * (len(servers) - 1)]
        return "\n".join([*head, *rows, "", *ratio_head, *ratio_rows, *self.means(measured, servers[1:])])

    def means(self, measured, others):
        names = [cell.name for cell in measured if cell.name.startswith("echo")]
        means = []
        for server in others:
            medians = [statistics.median(shares) for name in names if (shares := self.ratios(name, "hilo", server))]
            means.append(f"**{statistics.geometric_mean(medians):.2f}**" if medians else "")
        return [f"| geometric mean of the echoes | {' | '.join(means)} |"] if names else []


def page(measured, figures, about):
    """Bars: what each server spends, by cell."""
    style = ("body{font:15px system-ui,sans-serif;max-width:60em;margin:2em auto;padding:0 1em;color-scheme:light dark}"
             "div{display:grid;grid-template-columns:9em 1fr;gap:2px 1em;margin-bottom:1.5em}"
             "i{display:block;height:1.1em;background:#1f6fb4}.hilo{background:#c8501e}span{white-space:nowrap}")
    out = [f"<!doctype html><meta charset=utf-8><title>hilo and its peers</title><style>{style}</style>"
           f"<h1>hilo and its peers</h1><p>{about}</p>"]
    for cell in measured:
        medians = {server: statistics.median(values) for server in figures.servers()
                   if (values := figures.values.get((cell.name, server)))}
        most = max(medians.values()) or 1
        out.append(f"<h2>{cell.name}, {cell.unit}</h2><div>")
        for server, value in medians.items():
            width = f"calc({max(value, 0) / most:.3f} * (100% - 5em))"
            out.append(f"<span>{server}</span><span style=display:flex;gap:.5em><i class='{server}' "
                       f"style='width:{width}'></i>{value:,.2f}</span>")
        out.append("</div>")
    return "".join(out)


def write(text):
    readme = HERE.parent / "README.md"
    before, rest = readme.read_text().split(BEGIN)
    readme.write_text(before + BEGIN + text + "\n" + END + rest.split(END)[1])


def named(text):
    name, command = text.split("=", 1)
    return name, command.split()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--only", default="*")
    parser.add_argument("--peers", default="")
    parser.add_argument("--also", type=named, action="append", default=[])
    parser.add_argument("--also-tls", type=named, action="append", default=[])
    parser.add_argument("--write", action="store_true")
    given = parser.parse_args()
    PROGRAMS.mkdir(parents=True, exist_ok=True)
    files = certificate(PROGRAMS)
    environment = dict(os.environ, NODE_MODULES=node_modules())
    measured = [cell for cell in cells() if any(fnmatch.fnmatch(cell.name, each) for each in given.only.split(","))]
    figures = Figures()
    for cell in measured:
        for turn in range(given.rounds):
            servers = list(commands(cell, files, given).items())
            shift = turn % len(servers)
            for name, command in servers[shift:] + servers[:shift]:
                try:
                    result = measure(name, command, cell, given, environment)
                except RuntimeError as failure:
                    print(f"{cell.name}: {failure}", file=sys.stderr)
                    continue
                figures.values.setdefault((cell.name, name), []).append(cell.figure(result))
                if result["generator_limit"]:
                    figures.limited.add((cell.name, name))
                print(f"{cell.name:28} round {turn + 1} {name:14} {cell.figure(result):12.2f} {cell.unit}"
                      f"  server {result['server']['busy']:.0%} generator {result['generator_busy']:.0%}", flush=True)
    about = (f"Medians of {given.rounds} rounds of {given.seconds:g} s, server and generator on a core each; "
             "of a ratio also its least and most. An asterisk: the generator was the limit in a round.")
    text = f"{about}\n\n{figures.tables(measured)}\n"
    print("\n" + text)
    if given.write:
        write(text)
        (BUILD / "peers.html").write_text(page(measured, figures, about))


if __name__ == "__main__":
    main()
