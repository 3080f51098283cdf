#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The tool as a user meets it: flags, exit codes, pipes, signals."""

import contextlib
import json
import os
import pathlib
import pty
import re
import resource
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.error
import urllib.request

from programs import (
    HILO,
    MIB,
    PATIENCE,
    PIPE,
    Connect,
    RawServer,
    Serve,
    case,
    contains,
    equal,
    frame,
    open_raw,
    read_frame,
    read_head,
    run,
    run_cases,
)


WEB = pathlib.Path(__file__).parents[2] / "tools/web"

# ---- help and usage --------------------------------------------------------------------------


@case("help and version print to stdout and end with 0")
def _():
    for arguments in (["--help"], ["serve", "--help"], ["connect", "-h"], ["--version"]):
        code, out, errors = run(*arguments)
        equal((code, errors), (0, ""))
        contains(out.decode(), "hilo")


SOCKETIO_LIMITS = (
    "eio-ping-interval eio-ping-timeout eio-upgrade-timeout eio-close-timeout "
    "eio-payload-bytes-max eio-packets-per-payload-max eio-queue-bytes-max "
    "eio-polling-sessions-max eio-polling-sessions-per-ip-max eio-sid-misses-max "
    "eio-sid-misses-window sio-connect-timeout sio-attachment-timeout sio-attachments-max "
    "sio-attachment-bytes-max sio-namespace-bytes-max sio-event-bytes-max sio-json-depth-max "
    "sio-namespaces-per-client-max sio-dynamic-namespaces-max sio-acks-max"
).split()


@case("the page of limits names those of each layer")
def _():
    page = pathlib.Path(__file__).parents[2].joinpath("ws/LIMITS.md").read_text()
    for name in ["message-bytes-max", *SOCKETIO_LIMITS]:
        contains(page, f"| `--{name}` | ")


@case("the help of serve and connect names every limit and every flag")
def _():
    limits = pathlib.Path(__file__).parents[2].joinpath("ws/limits.h").read_text()
    body = limits[limits.index("struct Limits {") : limits.index("std::size_t queue_bytes_limit()")]
    members = re.findall(r"^  [\w:]+ (\w+) = ", body, re.M)
    if len(members) < 20:
        raise AssertionError(f"found only {members}")
    own = {
        "serve": "listen threads busy-poll-us origin origin-any subprotocol require-subprotocol "
        "log-level quiet log-format unix-mode handover drain-time trusted-proxy forwarded-by proxy-protocol count-local "
        "keep-request-fields files client-bundle recovery parser jsonp hixie76 layers compliance sandbox trace tls-cert tls-key tls-self-signed "
        "tls-client-ca tls-client-optional tls-keylog tls-kernel broken",
        "connect": "header subprotocol origin proxy user redirects reconnect reconnect-base reconnect-cap binary hex one echo "
        "timestamps quiet trace ping ping-every "
        "count wait close-code close-reason ca-file insecure tls-server-name tls-cert tls-key "
        "tls-keylog tls-kernel socketio namespace auth event ask ack-timeout listen path transport parser eio3",
    }
    deflate = "deflate" + "".join(
        " deflate-" + name
        for name in "threshold server-takeover client-takeover server-window-bits "
        "client-window-bits level memory-level".split()
    )
    own["serve"] += " " + " ".join(SOCKETIO_LIMITS)
    for command, flags in own.items():
        flags += " " + deflate
        text = run(command, "--help")[1].decode()
        listed = set(re.findall(r"^  (?:-\w, )?(--[\w-]+)", text, re.M))
        wanted = {"--" + name for name in flags.split()}
        wanted |= {"--" + name.replace("_", "-") for name in members}
        equal(sorted(listed ^ wanted), [])
        for title in ("Examples", "Exit codes", "Signals"):
            contains(text, f"\n{title}\n")
        equal([line for line in text.split("\n") if len(line) > 80], [])


@case("every flag of the help is understood")
def _():
    samples = {"N": "9", "SIZE": "8KiB", "TIME": "10s", "ADDR": "127.0.0.1:1", "URL": "http://a"}
    samples |= {"NAME": "a", "TEXT": "a", "'NAME: VALUE'": "A: b", "FILE": "a.pem"}
    samples |= {"FAULT": "no-pong", "MODE": "0660", "PATH": "/none", "RANGE": "10.0.0.0/8", "text|json": "json"}
    samples |= {"x-forwarded|forwarded": "forwarded", "DIR": str(WEB), "SUITE": "engineio"}
    samples |= {"NAME:PASSWORD": "a:b", "NSP": "/a", "JSON": "{}", "LINE": "a 1"}
    samples |= {"upgrade|websocket|polling": "polling", "json|msgpack": "msgpack"}
    samples |= {"close|drop|refuse": "drop", "debug|info|warn|error": "warn", "on|off|auto": "off"}
    for command in ("serve", "connect"):
        text = run(command, "--help")[1].decode()
        rows = re.findall(r"^  (?:-\w, )?(--[\w-]+)(?: ((?:'[^']*'|\S)+))?(?:  |$)", text, re.M)
        words = []
        for flag, value in rows:
            special = {"--close-code": "1000", "--redirects": "5"}
            sample = special.get(flag, samples[value]) if value else None
            words += [flag, sample] if sample else [flag]
        # With a word too many it is judged, but not run.
        address = ["ws://127.0.0.1:1/"] if command == "connect" else []
        code, _, errors = run(command, *words, *address, "one-too-many")
        equal(code, 2)
        contains(errors, "unexpected argument 'one-too-many'")


@case("the help of tap names every flag, and each is understood")
def _():
    samples = {"--format": "json", "--page": "127.0.0.1:1", "--capture": "a.pcapng", "--delay": "5ms"}
    samples |= {"--break": "mask", "--drop": "client:2", "--inject": "server:2:text a b"}
    samples |= {"--ca-file": "a.pem", "--tls-keylog": "a.log"}
    switches = ["--source", "--quiet", "--page-public", "--split", "--insecure"]
    text = run("tap", "--help")[1].decode()
    listed = re.findall(r"^  (--[\w-]+)", text, re.M)
    equal(sorted(listed), sorted([*samples, *switches]))
    equal([line for line in text.split("\n") if len(line) > 80], [])
    words = [word for flag, value in samples.items() for word in (flag, value)] + switches
    # With a word too many it is judged, but not run.
    code, _, errors = run("tap", *words, "127.0.0.1:1", "ws://127.0.0.1:1", "one-too-many")
    equal(code, 2)
    contains(errors, "unexpected argument 'one-too-many'")


@case("wrong usage is told in one line and ends with 2")
def _():
    for arguments, what in (
        ([], "hilo: a command is missing"),
        (["dance"], "hilo: unknown command or flag 'dance'"),
        (["serve", "--bogus"], "hilo serve: unknown flag --bogus"),
        (["serve", "--bogus", "value"], "hilo serve: unknown flag --bogus"),
        (["serve", "extra"], "hilo serve: unexpected argument 'extra'"),
        (["serve", "--listen"], "hilo serve: --listen needs a value"),
        (["serve", "--listen", "nowhere"], "hilo serve: --listen: 'nowhere' is no address"),
        (["serve", "--listen", "127.0.0.1:70000"], "is no address"),
        (["serve", "--threads", "0"], "hilo serve: --threads: '0' is below 1"),
        (["serve", "--threads", "two"], "'two' is not a number"),
        (["serve", "--field-count-max", "65536"], "'65536' is above 65535"),
        (["serve", "--bytes-per-fragment", "0"], "'0' is below 1"),
        (["serve", "--message-bytes-max", "1MB"], "'1MB' is not a number"),
        (["serve", "--message-bytes-max=-1"], "'-1' is not a number"),
        (["serve", "--idle-timeout", "soon"], "'soon' is not a duration"),
        (["serve", "--idle-timeout=-1s"], "'-1s' is not a duration"),
        (["serve", "--idle-timeout", "inf"], "'inf' is not a duration"),
        (["serve", "--eio-ping-interval", "0"], "'0' is below 1ms"),
        (["serve", "--sio-acks-max", "many"], "'many' is not a number"),
        (["connect", "--reconnect-cap", "late", "ws://host/"], "'late' is not a duration"),
        (["connect", "--redirects", "6", "ws://host/"], "'6' is above 5"),
        (["serve", "--overflow", "spill"], "'spill' is none of close, drop, refuse"),
        (["serve", "--log-level", "loud"], "'loud' is none of"),
        (["connect"], "hilo connect: URL is missing"),
        (["connect", "ftp://host/"], "hilo connect: URL: 'ftp://host/' is no WebSocket address"),
        (["connect", "ws://host/", "ws://host/"], "unexpected argument 'ws://host/'"),
        (["connect", "--close-code", "1005", "ws://host/"], "'1005' is no code"),
        (["connect", "--close-reason", "x" * 124, "ws://host/"], "is longer than 123 bytes"),
        (["connect", "-H", "nothing", "ws://host/"], "is not of the form"),
        (["connect", "-H", "a b: c", "ws://127.0.0.1:1/"], "hilo connect: ws://127.0.0.1:1/: "),
        (["connect", "http://host/"], "hilo connect: http is for --socketio"),
        (["connect", "--listen", "ws://host/"], "--listen and --eio3 are for --socketio"),
        (["connect", "--socketio", "--hex", "ws://host/"], "are not for --socketio"),
        (["connect", "--socketio", "ws+unix:///a:/"], "--socketio knows no Unix sockets"),
        (["connect", "--transport", "carrier", "ws://host/"], "none of upgrade, websocket, polling"),
        (["connect", "--socketio", "--auth", "[]", "ws://host/"], "'[]' is no JSON object"),
        (["connect", "--socketio", "--event", "a {", "ws://host/"], "'a {' is wrong: '{' is no JSON"),
        (["connect", "--socketio", "--ask", "connect", "ws://host/"], "is no event's name"),
    ):
        code, out, errors = run(*arguments)
        equal((code, out, errors.count("\n")), (2, b"", 1))
        contains(errors, what)


# ---- serve -----------------------------------------------------------------------------------


@case("a port in use is told in one line and ends with 1")
def _():
    with Serve() as first:
        address = first.addresses[0]
        line = f"hilo serve: cannot listen on {address}: Address already in use\n"
        equal(run("serve", "--listen", address), (1, b"", line))
        equal(run("serve", "--listen", address, "--threads", "2"), (1, b"", line))


@case("a port shared by threads is in use for everybody else")
def _():
    with Serve("--threads", "2") as first:
        address = first.addresses[0]
        code, _, errors = run("serve", "--listen", address, "--threads", "2")
        equal(code, 1)
        contains(errors, "Address already in use")


@case("an address of another machine cannot be listened on")
def _():
    code, _, errors = run("serve", "--listen", "192.0.2.1:0")
    equal(code, 1)
    contains(errors, "hilo serve: cannot listen on 192.0.2.1:0: ")


@case("the page, health and the counters are served")
def _():
    with Serve() as server:
        page = server.get("/")
        equal(page.headers["Content-Type"], "text/html; charset=utf-8")
        equal(page.headers["X-Content-Type-Options"], "nosniff")
        contains(page.headers["Content-Security-Policy"], "default-src 'none'")
        contains(page.read().decode().lower(), "<!doctype html>")
        equal(server.get("/health").read(), b"ok\n")
        run("connect", server.url(), stdin=b"a\nb\n")
        run("connect", server.url("/nothing"))
        contains(server.get("/metrics").read().decode(), "\nhilo_upgrades_total 1\n")


@case("the files of a directory are served in place of the page, and nothing beside them")
def _():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder, "root")
        root.mkdir()
        root.joinpath("index.html").write_text("my page")
        root.joinpath(".secret").write_text("mine")
        pathlib.Path(folder, "secret").write_text("mine")
        for threads in ("1", "2"):
            with Serve("--files", str(root), "--threads", threads) as server:
                page = server.get("/")
                equal(page.read(), b"my page")
                equal(page.headers["Cache-Control"], "no-cache")
                contains(page.headers["Date"], " GMT")
                equal(server.get("/health").read(), b"ok\n")
                equal(run("connect", server.url(), stdin=b"x\n")[0], 0)
                host, port = server.addresses[0].rsplit(":", 1)
                for path in ("/.secret", "/../secret", "/%2e%2e/secret"):
                    with socket.create_connection((host, int(port)), PATIENCE) as raw:
                        raw.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                        contains(read_head(raw), "HTTP/1.1 404 ")
    code, _, errors = run("serve", "--listen", "127.0.0.1:0", "--files", "/nowhere")
    equal(code, 1)
    contains(errors, "hilo serve: cannot serve the files of /nowhere: No such file or directory")


@case("with threads the counters are those of all")
def _():
    with Serve("--threads", "3") as server:
        for _ in range(9):
            equal(run("connect", server.url(), stdin=b"x\n")[0], 0)
        for _ in range(4):  # whichever thread answers
            contains(server.get("/metrics").read().decode(), "\nhilo_messages_in_total 9\n")


@case("health says 503 while the server drains")
def _():
    with Serve() as server:
        host, port = server.addresses[0].rsplit(":", 1)
        with socket.create_connection((host, int(port)), PATIENCE) as early:
            equal(server.get("/health").status, 200)  # `early` was accepted before this
            server.process.send_signal(signal.SIGTERM)
            while b"ev=stop" not in server.process.stderr.readline():
                pass
            early.sendall(b"GET /health HTTP/1.1\r\nHost: a\r\n\r\n")
            head = read_head(early)
            contains(head, "HTTP/1.1 503 ")
            contains(head, "Connection: close\r\n")
            equal(early.recv(100), b"draining\n")


@case("SIGTERM and SIGINT close all open connections with 1001 and end with 0")
def _():
    for threads in ("1", "2"):
        for number in (signal.SIGTERM, signal.SIGINT):
            with contextlib.ExitStack() as stack:
                server = stack.enter_context(Serve("--threads", threads))
                clients = [stack.enter_context(Connect(server.url())) for _ in range(4)]
                for client in clients:
                    client.say(b"are you there")
                    equal(client.hear(), b"are you there")
                code, log = server.stop(number)
                equal(code, 0)
                contains(log, f"lvl=info ev=stop signal={int(number)}")
                for client in clients:
                    equal(client.end(), (0, b"", 'closed 1001 ""\n'))


@case("a low soft limit of descriptors is raised to the hard one, and the log says so")
def _():
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    low = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))
    with Serve(preexec_fn=low) as server:
        equal(resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE), (hard, hard))
        code, log = server.stop()
        equal(code, 0)
        contains(log, f"descriptors={hard}")


@case("SIGINT without connections ends with 0")
def _():
    with Serve() as server:
        equal(server.stop(signal.SIGINT)[0], 0)


@case("a second signal does not wait for a silent peer")
def _():
    with Serve("--close-timeout", "1h") as server:
        with open_raw(server.addresses[0]) as connection:
            server.process.send_signal(signal.SIGTERM)
            equal(read_frame(connection), (0x88, b"\x03\xe9"))
            equal(server.stop()[0], 143)


@case("a Unix socket is served and its file removed at the end")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/hilo.sock"
        for _ in range(2):
            with Serve(listen=["unix:" + path, "127.0.0.1:0"], *["--threads", "2"]) as server:
                equal(server.addresses[0], "unix:" + path)
                code, out, _ = run("connect", server.url(), stdin=b"over a file\n")
                equal((code, out), (0, b"over a file\n"))
                equal(server.stop()[0], 0)
            equal(os.path.exists(path), False)


@case("IPv6 is served where there is any")
def _():
    try:
        socket.create_server(("::1", 0), family=socket.AF_INET6).close()
    except OSError:
        return "no IPv6 here"
    with Serve(listen=["[::1]:0"]) as server:
        equal(run("connect", server.url(), stdin=b"six\n")[:2], (0, b"six\n"))


@case("pages of other origins are refused unless they are allowed")
def _():
    own = ("--origin", "http://other.example")
    for flags, code in (
        ([], 1),
        (["--origin", "http://other.example"], 0),
        (["--origin", "http://third.example"], 1),
        (["--origin-any"], 0),
    ):
        with Serve(*flags) as server:
            got, _, errors = run("connect", *own, server.url())
            equal(got, code)
            if code:
                contains(errors, "the server answered 403 ")


@case("a subprotocol is agreed upon, or required")
def _():
    with Serve("--subprotocol", "a", "--subprotocol", "b", "--require-subprotocol") as server:
        equal(run("connect", "--subprotocol", "b", server.url())[0], 0)
        code, _, errors = run("connect", server.url())
        equal(code, 1)
        contains(errors, "the server answered 400 ")


def eio_open(server):
    """(the open packet, url for more) of a session of Engine.IO that polls."""
    url = f"http://{server.addresses[0]}/socket.io/?EIO=4&transport=polling"
    body = urllib.request.urlopen(url, timeout=PATIENCE).read()
    told = json.loads(body[1:])
    return told, f"{url}&sid={told['sid']}"


def eio_post(url, body):
    return urllib.request.urlopen(url, body, timeout=PATIENCE).read()


def eio_poll(url):
    return urllib.request.urlopen(url, timeout=PATIENCE).read()


@case("the times and limits of Engine.IO and Socket.IO are those of the flags")
def _():
    flags = ["--eio-ping-interval", "7s", "--eio-ping-timeout", "9s"]
    flags += ["--eio-payload-bytes-max", "5000", "--sio-namespaces-per-client-max", "1"]
    with Serve(*flags, "--sio-attachments-max", "1", "--eio-packets-per-payload-max", "2") as server:
        told, url = eio_open(server)
        wanted = {"pingInterval": 7000, "pingTimeout": 9000, "maxPayload": 5000}
        equal({name: told[name] for name in wanted}, wanted)
        equal(eio_post(url, b"40"), b"ok")
        contains(eio_poll(url), b'40{"sid":"')
        equal(eio_post(url, b"40/chat,"), b"ok")
        equal(eio_poll(url), b'44/chat,{"message":"Too many namespaces"}')
        for body, reason in (
            (b'452-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]', "sio"),
            (b"4" + b"x" * 5000, "eio"),
            (b"2\x1e2\x1e2", "eio"),
        ):
            _, url = eio_open(server)
            if reason == "sio":
                equal(eio_post(url, b"40"), b"ok")
            with contextlib.suppress(urllib.error.HTTPError):
                eio_post(url, body)
        _, log = server.stop()
    for reason in ("sio_attachments_many", "eio_size", "eio_packets"):
        contains(log, f"reason={reason} ")


@case("who names no namespace within the time of its flag is closed")
def _():
    with Serve("--sio-connect-timeout", "10ms") as server:
        with open_raw(server.addresses[0], "/socket.io/?EIO=4&transport=websocket") as connection:
            equal(read_frame(connection)[1][:1], b"0")
            while (got := read_frame(connection))[0] != 0x88:
                equal(got[0], 0x81)
        contains(server.stop()[1], "reason=sio_connect_timeout")


@case("what one sends to /broadcast reaches all, over all threads")
def _():
    with Serve("--threads", "2") as server, contextlib.ExitStack() as stack:
        clients = [stack.enter_context(Connect(server.url("/broadcast"))) for _ in range(12)]
        for number, client in enumerate(clients):
            client.say(b"here is %d" % number)
            client.hear_until(b"here is %d" % number)
        clients[0].say(b"everybody")
        for client in clients:
            client.hear_until(b"everybody")


@case("a flood over threads arrives whole and in order")
def _():
    lines = [b"%d %s" % (number, b"x" * 2000) for number in range(20000)]
    flags = ["--queue-bytes-max", "64MiB"]
    with Serve("--threads", "2", *flags) as server, contextlib.ExitStack() as stack:
        url = server.url("/broadcast")
        clients = []
        for number in range(4):
            client = stack.enter_context(Connect(url, "--count", str(len(lines) + 4 - number)))
            client.say(b"here is %d" % number)
            clients.append(client)
            for earlier in clients:
                equal(earlier.hear(), b"here is %d" % number)
        # Three of the greetings were counted by the first client only, and so on.
        heard = [[] for _ in clients]
        readers = [
            threading.Thread(target=lambda c=c, h=h: h.extend(c.process.stdout.read().split(b"\n")))
            for c, h in zip(clients, heard)
        ]
        for reader in readers:
            reader.start()
        for line in lines:
            clients[0].process.stdin.write(line + b"\n")
        clients[0].process.stdin.flush()
        for client, reader, got in zip(clients, readers, heard):
            reader.join(PATIENCE)
            equal(client.process.wait(PATIENCE), 0)
            equal(got == lines + [b""], True)


@case("stdout and stderr may be closed, full or unread")
def _():
    with tempfile.TemporaryDirectory() as folder:
        path = f"{folder}/hilo.sock"
        url = f"ws+unix://{path}:/echo"
        full = open("/dev/full", "wb") if os.path.exists("/dev/full") else None
        unread, unread_end = os.pipe()
        os.close(unread)
        closed = {"preexec_fn": lambda: (os.close(1), os.close(2)), "stdout": None, "stderr": None}
        for more in (
            closed,
            {"stdout": unread_end, "stderr": unread_end},
            *([{"stdout": full, "stderr": full}] if full else []),
        ):
            with Serve(listen=["unix:" + path], **more) as server:
                # Nothing says that it is ready: until it is, there is nobody to connect to.
                while (outcome := run("connect", url, stdin=b"still here\n"))[0] == 1:
                    equal(server.process.poll(), None)
                equal(outcome[:2], (0, b"still here\n"))
                equal(run("connect", url.replace("/echo", "/nothing"))[0], 1)  # logs a line
                equal(server.stop()[0], 0)
        os.close(unread_end)
        if full:
            full.close()


# ---- connect ---------------------------------------------------------------------------------


@case("lines go through a pipe and come back as they were")
def _():
    with Serve() as server:
        for text in (b"", b"one\n", b"one\n\ntwo\n", "é € 𝄞\n".encode()):
            code, out, errors = run("connect", server.url(), stdin=text)
            equal((code, out, errors), (0, text, 'closed 1000 ""\n'))
        equal(run("connect", server.url(), stdin=b"no line feed")[1], b"no line feed\n")
        equal(run("connect", "--quiet", server.url(), stdin=b"x\n")[2], "")


@case("a hundred thousand lines come back in order, from a pipe and from a file")
def _():
    lines = b"".join(b"%d %s\n" % (i, b"y" * (i % 97)) for i in range(100_000))
    with Serve() as server, tempfile.TemporaryFile() as file:
        equal(run("connect", server.url(), stdin=lines)[1] == lines, True)
        file.write(lines)
        file.seek(0)
        equal(run("connect", server.url(), stdin=file)[1] == lines, True)


@case("hexadecimal lines are binary messages")
def _():
    with Serve() as server:
        code, out, _ = run("connect", "--hex", server.url(), stdin=b"00 ff 10\nDEADbeef\n\n")
        equal((code, out), (0, b"00ff10\ndeadbeef\n\n"))
        code, _, errors = run("connect", "--hex", server.url(), stdin=b"00\n0g\n")
        equal(code, 1)
        contains(errors, "hilo connect: message 2 is not hexadecimal")


@case("binary input comes back to the byte")
def _():
    data = os.urandom(3_000_000)
    with Serve() as server:
        equal(run("connect", "--binary", server.url(), stdin=data)[1] == data, True)
        code, out, _ = run("connect", "--binary", "--one", server.url(), stdin=data[:500_000])
        equal((code, out == data[:500_000]), (0, True))
        code, out, errors = run("connect", server.url(), stdin=b"fine\n\xff\n")
        equal(code, 1)
        contains(errors, "message 2 is not UTF-8")


@case("a message of 16 MiB passes where both sides allow it")
def _():
    data = os.urandom(16 * MIB)
    allow = ("--message-bytes-max", "16MiB")
    with Serve(*allow) as server:
        code, out, _ = run("connect", *allow, "--binary", "--one", server.url(), stdin=data)
        equal((code, out == data), (0, True))
    with Serve() as server:
        code, _, errors = run("connect", *allow, "--binary", "--one", server.url(), stdin=data)
        equal(code, 3)
        contains(errors, "closed 1009 ")
        code, _, errors = run("connect", "--binary", "--one", server.url(), stdin=data)
        equal(code, 1)
        contains(errors, "is larger than the queue (--queue-bytes-max)")


@case("a ping tells its round trip")
def _():
    with Serve() as server:
        code, _, errors = run("connect", "--ping", server.url())
        equal(code, 0)
        equal(bool(re.fullmatch(r'pong \d+\.\d{3} ms\nclosed 1000 ""\n', errors)), True)
        with Connect(server.url(), "--ping-every", "1ms") as client:
            for _ in range(3):
                contains(client.process.stderr.readline(), b"pong ")


@case("count and wait say when to close")
def _():
    with Serve() as server:
        with Connect(server.url(), "--count", "2") as client:
            client.say(b"a")
            client.say(b"b")
            code, out, _ = client.end()
            equal((code, out), (0, b"a\nb\n"))
        equal(run("connect", "--wait", "0", server.url(), stdin=b"")[0], 0)
        # The end of stdin does not close where a number of messages is awaited.
        with Connect(server.url("/broadcast"), "--count", "2") as listener:
            listener.say(b"first")
            equal(listener.hear(), b"first")
            listener.process.stdin.close()
            run("connect", server.url("/broadcast"), stdin=b"second\n")
            equal(listener.hear(), b"second")
            equal(listener.process.wait(PATIENCE), 0)


@case("timestamps stand in front of messages")
def _():
    with Serve() as server:
        out = run("connect", "--timestamps", server.url(), stdin=b"now\n")[1]
        equal(bool(re.fullmatch(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z now\n", out)), True)


@case("who cannot connect ends with 1 and says why")
def _():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    code, out, errors = run("connect", f"ws://127.0.0.1:{port}/")
    url = f"ws://127.0.0.1:{port}/"
    equal((code, out, errors), (1, b"", f"hilo connect: {url}: Connection refused\n"))
    with Serve() as server:
        url = server.url("/nothing")
        equal(
            run("connect", url)[::2],
            (1, f"hilo connect: {url}: the server answered 404 Not Found\n"),
        )


@case("a close that is no good-bye ends with 3")
def _():
    with Serve() as server:
        code, _, errors = run("connect", "--close-code", "4000", "--close-reason", "x", server.url())
        equal(code, 3)
        contains(errors, "closed 4000 ")

    def say(data):
        return lambda connection: connection.sendall(data)

    def close_with(body):
        def talk(connection):
            connection.sendall(frame(8, body))
            read_frame(connection)

        return talk

    for talk, code, text in (
        (say(b""), 3, 'closed 1006 "": '),
        (close_with(b""), 0, 'closed 1005 ""\n'),
        (close_with(b"\x03\xe8bye"), 0, 'closed 1000 "bye"\n'),
        (close_with(b"\x03\xe9"), 0, 'closed 1001 ""\n'),
        (close_with(b"\x0f\xa0no\x1b[2J"), 3, 'closed 4000 "no\\x1b[2J"\n'),
        (close_with(b"\x03\xf3oops"), 3, 'closed 1011 "oops"\n'),
    ):
        with RawServer(talk) as server, Connect(server.url) as client:
            got, _, errors = client.end()
            equal(got, code)
            contains(errors, text)


@case("a server that breaks a rule is told so, and it ends with 3")
def _():
    def talk(connection):
        connection.sendall(b"\xc1\x00")
        first, body = read_frame(connection)
        equal((first, body[:2]), (0x88, b"\x03\xea"))

    with RawServer(talk) as server, Connect(server.url) as client:
        code, _, errors = client.end()
        equal(code, 3)
        contains(errors, "closed 1002 ")


@case("the handshake carries what was asked for")
def _():
    with RawServer(lambda connection: connection.sendall(frame(8, b"\x03\xe8"))) as server:
        flags = ["-H", "X-One: 1", "--header", "X-Two:two words", "--origin", "http://page.example"]
        with Connect(server.url + "path?query=1", *flags) as client:
            client.end()
    head = server.head.lower()
    contains(head, "get /path?query=1 http/1.1\r\n")
    for line in ("x-one: 1", "x-two: two words", "origin: http://page.example"):
        contains(head, "\r\n" + line + "\r\n")


@case("echo mode sends everything back in its kind until the server closes")
def _():
    def talk(connection):
        for opcode, payload in ((1, b"text"), (2, b"\x00\xff"), (1, b""), (9, b"ping")):
            connection.sendall(frame(opcode, payload))
            wanted = 10 if opcode == 9 else opcode
            equal(read_frame(connection), (0x80 | wanted, payload))
        connection.sendall(frame(8, b"\x0b\xb8"))
        equal(read_frame(connection), (0x88, b"\x0b\xb8"))

    with RawServer(talk) as server:
        code, out, errors = run("connect", "--echo", server.url, stdin=b"not read\n")
        equal((code, out, errors), (0, b"", 'closed 3000 ""\n'))


@case("SIGINT closes politely")
def _():
    with Serve() as server, Connect(server.url()) as client:
        client.say(b"here")
        client.hear()
        client.process.send_signal(signal.SIGINT)
        code, _, errors = client.end()
        equal((code, errors), (0, 'closed 1000 ""\n'))


@case("SIGINT before the connection is open ends with 130")
def _():
    with socket.create_server(("127.0.0.1", 0)) as silent:
        silent.settimeout(PATIENCE)
        url = "ws://127.0.0.1:%d/" % silent.getsockname()[1]
        with Connect(url) as client:
            connection, _ = silent.accept()
            with connection:
                read_head(connection)
                client.process.send_signal(signal.SIGINT)
                equal(client.end()[0], 130)


@case("a reader that has seen enough ends the talk")
def _():
    with Serve() as server, Connect(server.url()) as client:
        client.say(b"first")
        equal(client.hear(), b"first")
        client.process.stdout.close()
        client.say(b"second")
        equal(client.process.wait(PATIENCE), 0)
    if os.path.exists("/dev/full"):
        with Serve() as server, open("/dev/full", "wb") as full:
            source = subprocess.run(
                [HILO, "connect", server.url()],
                input=b"x\n",
                stdout=full,
                stderr=PIPE,
                timeout=PATIENCE,
            )
            equal(source.returncode, 1)
            contains(source.stderr, b"cannot write to stdout: No space left on device")


# ---- connect --socketio ----------------------------------------------------------------------


def lines_of(out):
    return [json.loads(line) for line in out.decode().splitlines()]


@case("events and answers are lines of JSON, and the end of stdin waits for the answers")
def _():
    with Serve() as server:
        url = f"http://{server.addresses[0]}"
        code, out, errors = run(
            *("connect", "--socketio", "--namespace", "/", "--namespace", "/chat", url),
            stdin=b'ack echo 1 "two" [{"$base64":"AQI="}]\n\n/chat ack "echo" null\n',
        )
        equal(code, 0)
        contains(errors, "connected to /chat as ")
        contains(errors, "disconnected from /: io client disconnect\n")
        answers = [line for line in lines_of(out) if "answer" in line]
        first = {"answer": [1, "two", [{"$base64": "AQI="}]], "event": "echo", "nsp": "/"}
        equal(answers, [first, {"answer": [None], "event": "echo", "nsp": "/chat"}])


@case("an event of the command line needs no stdin; --count, --wait and --quiet hold for events")
def _():
    with Serve() as server:
        url = f"ws://{server.addresses[0]}/chat"
        words = ("connect", "--socketio", "--quiet")
        equal(run(*words, "--event", "echo 1", url)[::2], (0, ""))
        code, out, errors = run(*words, "--event", "echo 1", "--count", "2", url)
        equal((code, errors), (0, ""))
        equal(lines_of(out)[1], {"event": "echo-back", "nsp": "/chat", "values": [1]})
        equal(run(*words, "--wait", "1ms", url)[0], 0)
        code, out, _ = run(*words, "--eio3", "--ask", 'echo "h\u00e9"', url)
        equal((code, lines_of(out)[-1]["answer"]), (0, ["h\u00e9"]))


@case("who is not let in, not answered or not understood ends with 1")
def _():
    with Serve() as server:
        url = f"http://{server.addresses[0]}"
        words = ("connect", "--socketio", "--quiet")
        line = f"hilo connect: {url}/none: /none: Invalid namespace\n"
        equal(run(*words, url + "/none"), (1, b"", line))
        code, out, errors = run(*words, "--ack-timeout", "1ms", "--ask", "nobody", url)
        equal((code, errors), (1, ""))
        equal(lines_of(out)[-1]["error"], "operation has timed out")
        for typed, what in (
            (b"dance", "line 1: 'dance' is no emit, ack or answer"),
            (b"emit a\nemit b {", "line 2: '{' is no JSON"),
            (b"emit", "line 1: an event needs a name"),
            (b'emit a {"$base64":"?"}', "is no base64"),
            (b"/other emit a", "not connected to '/other'"),
            (b"answer 1", "nobody waits for that answer"),
            (b"answer x", "'x' is no number"),
            (b"emit a \xff", "it is not UTF-8"),
        ):
            code, _, errors = run(*words, url, stdin=typed)
            equal((code, errors.count("\n")), (1, 1))
            contains(errors, what)
    code, _, errors = run("connect", "--socketio", "http://127.0.0.1:1")
    equal(code, 1)
    contains(errors, "/: Connection refused\n")


@case("--listen stays until the server goes or a signal comes")
def _():
    with Serve() as server:
        words = [HILO, "connect", "--socketio", "--listen", f"http://{server.addresses[0]}"]
        for number in (signal.SIGINT, None):
            process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=PIPE, stderr=PIPE)
            contains(process.stdout.readline(), b"stats")
            if number:
                process.send_signal(number)
            else:
                server.stop()
            _, errors = process.communicate(timeout=PATIENCE)
            equal(process.returncode, 0 if number else 3)
            contains(errors, b"disconnected from /: " + (b"io client" if number else b"transport"))


# ---- the terminal ----------------------------------------------------------------------------


def read_terminal(terminal, until):
    text = b""
    while until not in text:
        if not select.select([terminal], [], [], PATIENCE)[0]:
            raise AssertionError(f"{until!r} did not come; got {text!r}")
        text += os.read(terminal, 4096)
    return text


@case("on a terminal there is a prompt, and no orders from the peer")
def _():
    with Serve() as server:
        terminal, inside = pty.openpty()
        process = subprocess.Popen(
            [HILO, "connect", server.url("/broadcast")], stdin=inside, stdout=inside, stderr=inside
        )
        os.close(inside)
        read_terminal(terminal, b"(Ctrl-D closes)\r\n> ")
        os.write(terminal, b"hello\n")
        read_terminal(terminal, b"\x1b[Khello\r\n> ")
        run("connect", server.url("/broadcast"), stdin="\x1b[2J\x9bx\n".encode())
        read_terminal(terminal, b"\x1b[K\\x1b[2J\\u009bx\r\n> ")
        os.write(terminal, b"\x04")
        read_terminal(terminal, b'closed 1000 ""\r\n')
        equal(process.wait(PATIENCE), 0)
        os.close(terminal)


@case("commands have a prompt on a terminal, and a wrong one is not the end")
def _():
    with Serve() as server:
        terminal, inside = pty.openpty()
        url = f"http://{server.addresses[0]}/chat"
        process = subprocess.Popen(
            [HILO, "connect", "--socketio", url], stdin=inside, stdout=inside, stderr=inside
        )
        os.close(inside)
        read_terminal(terminal, b" (Ctrl-D ends)\r\n> ")
        os.write(terminal, b"dance\n")
        read_terminal(terminal, b"line 1: 'dance' is no emit, ack or answer\r\n> ")
        os.write(terminal, b"emit echo 7\n")
        read_terminal(terminal, b'\x1b[K{"event":"echo-back","nsp":"/chat","values":[7]}\r\n> ')
        os.write(terminal, b"\x04")
        read_terminal(terminal, b"disconnected from /chat: io client disconnect\r\n")
        equal(process.wait(PATIENCE), 0)
        os.close(terminal)


if __name__ == "__main__":
    sys.exit(run_cases())
