#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`hilo serve --sandbox`: all that a server does, in each of its variants, with nothing left to it
but what that takes. (What kills it is in tests/test_sandbox.cc.)"""

import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import platform
import re
import resource
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import tempfile
import urllib.request

import certificates
import programs
from certificates import certificate, client_context, file
from programs import (
    HILO,
    PATIENCE,
    PIPE,
    Connect,
    case,
    contains,
    equal,
    open_raw,
    read_head,
    run,
    run_cases,
)

HERE = pathlib.Path(__file__).parent


class Serve(programs.Serve):
    """A running `hilo serve --sandbox`."""

    def __init__(self, *arguments, **more):
        self.tls = "--tls-cert" in arguments
        super().__init__("--sandbox", *arguments, **more)

    def page(self, path, data=None):
        url = f"{'https' if self.tls else 'http'}://{self.addresses[0]}{path}"
        return urllib.request.urlopen(
            url, data, PATIENCE, context=client_context(check_hostname=False) if self.tls else None
        )

    def url(self, path="/echo", index=0):
        plain = super().url(path, index)
        return plain.replace("ws:", "wss:") if self.tls else plain

    def trust(self):
        """What `hilo connect` needs to believe this server."""
        return ["--ca-file", file("ca.pem")] if self.tls else []

    def connect(self, *arguments, path="/echo", stdin=b""):
        """One run of `hilo connect` to its end: stdout."""
        words = ["connect", *self.trust(), *arguments, self.url(path)]
        code, out, errors = run(*words, stdin=stdin)
        equal((code, errors), (0, "" if "--quiet" in arguments else 'closed 1000 ""\n'))
        return out

    def read_log_until(self, part):
        while True:
            line = self.process.stderr.readline().decode()
            if not line:
                raise AssertionError(f"the log ended without {part!r}")
            if part in line:
                return line

    def check_threads(self, least):
        """Every thread has the filter, and may gain nothing by other programs."""
        tasks = list(pathlib.Path(f"/proc/{self.process.pid}/task").iterdir())
        equal(len(tasks) >= least, True)
        for task in tasks:
            status = dict(
                line.split(":\t", 1) for line in task.joinpath("status").read_text().splitlines()
            )
            equal((status["Seccomp"], status["NoNewPrivs"]), ("2", "1"))


def missing():
    """Why there can be no sandbox here; nothing if there can."""
    process = subprocess.Popen(
        [HILO, "serve", "--sandbox", "--listen", "127.0.0.1:0"], stdout=PIPE, stderr=PIPE
    )
    with process:
        if process.stdout.readline():
            process.terminate()
            process.communicate(timeout=PATIENCE)
            return ""
        return process.stderr.read().decode().strip()


MISSING = missing()


def sandboxed(name):
    """A case that is skipped where the kernel has no sandbox."""

    def register(function):
        return case(name)(lambda: MISSING or function())

    return register


# ---- everything that is served ----------------------------------------------------------------


def use_websockets(server):
    out = server.connect(stdin="hola\n\u00f1and\u00fa\n".encode())
    equal(out.decode(), "hola\n\u00f1and\u00fa\n")
    equal(server.connect("--hex", stdin=b"00ff80\n"), b"00ff80\n")
    text = b"again and " * 500 + b"again\n"
    equal(server.connect("--deflate", stdin=text), text)
    equal(server.connect("--binary", "--one", stdin=bytes(1 << 20)), bytes(1 << 20))
    client = lambda: Connect(server.url("/broadcast"), *server.trust())
    with client() as one, client() as other:
        for client in (one, other):  # both are there once they hear themselves
            client.say(b"here")
            client.hear_until(b"here")
        one.say(b"to all")
        one.hear_until(b"to all")
        other.hear_until(b"to all")


def use_socketio(server):
    for transport in ("polling", "websocket", "upgrade"):
        out = server.connect(
            *("--socketio", "--quiet", "--transport", transport, "--ask", 'echo 1 {"$base64":"AQI="}'),
            path="/",
        )
        [answer] = [line for line in map(json.loads, out.decode().splitlines()) if "answer" in line]
        equal(answer["answer"], [1, {"$base64": "AQI="}])


def use_pages(server):
    contains(server.page("/").read().decode().lower(), "<!doctype html>")
    for path in ("/chat", "/lesson"):
        contains(server.page(path).read().decode(), "socket.io")
    contains(server.page("/socket.io/socket.io.js").read().decode(), "io")
    equal(server.page("/body", b"sent").read(), b"sent")
    equal(server.page("/health").read(), b"ok\n")
    contains(server.page("/metrics").read().decode(), "hilo_upgrades_total")


def drain(server):
    """SIGTERM with an open connection: it is told 1001, and the end is a good one."""
    with Connect(server.url(), *server.trust()) as client:
        client.say(b"there?")
        equal(client.hear(), b"there?")
        code, log = server.stop()
        equal(code, 0)
        contains(log, "ev=end")
        equal(client.end(), (0, b"", 'closed 1001 ""\n'))
    return log


def use_everything(server, threads=1):
    use_websockets(server)
    use_socketio(server)
    use_pages(server)
    server.check_threads(threads)
    contains(drain(server), "ev=sandbox landlock_abi=")


@sandboxed("everything is served in the sandbox, from one thread")
def _():
    with Serve() as server:
        use_everything(server)


@sandboxed("everything is served in the sandbox, from three threads")
def _():
    with Serve("--threads", "3") as server:
        use_everything(server, 3)


@sandboxed("everything is served in the sandbox, over TLS")
def _():
    with Serve(*certificate("server"), "--threads", "2") as server:
        use_everything(server, 2)


@sandboxed("everything is served in the sandbox, over TLS by the kernel where it can")
def _():
    with Serve(*certificate("server"), "--tls-kernel") as server:
        use_everything(server)


@sandboxed("everything is served in the sandbox with compression, busy polling and short timeouts")
def _():
    with Serve("--deflate", "--busy-poll-us", "50", "--ping-interval", "1s") as server:
        use_everything(server)


@sandboxed("WebSockets are served in the sandbox at a Unix socket, whose file is gone at the end")
def _():
    with tempfile.TemporaryDirectory() as folder:
        listen = [f"unix:{folder}/socket", f"unix:@hilo-sandbox-{os.getpid()}"]
        with Serve("--threads", "2", listen=listen) as server:
            equal(stat.S_ISSOCK(os.stat(f"{folder}/socket").st_mode), True)
            use_websockets(server)
            server.check_threads(2)
            drain(server)
        equal(os.listdir(folder), [])


@sandboxed("other people's programs find the sandboxed server as it was")
def _():
    # The scripts of this folder, with a tool that serves in the sandbox, but for what is not for it.
    tool = pathlib.Path(file("hilo"))
    tool.write_text(
        "#!/bin/sh\n"
        f'hilo="{os.path.abspath(HILO)}"\n'
        '[ "$1" = serve ] || exec "$hilo" "$@"\n'
        'shift; [ "$3" = --compliance ] || set -- --sandbox "$@"\n'
        'exec "$hilo" serve "$@"\n'
    )
    tool.chmod(0o700)
    for script in ("curl.py", "metrics.py", "socketio.mjs"):
        done = subprocess.run(
            [HERE / script], stdout=PIPE, env=os.environ | {"HILO": str(tool)}, timeout=4 * PATIENCE
        )
        lines = done.stdout.decode().splitlines()
        equal([line for line in lines if line.startswith("not ok")], [])
        equal(done.returncode, 0)


# ---- what is opened later ----------------------------------------------------------------------


@sandboxed("files below --files are served, new ones too, and nothing else is")
def _():
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder, "root")
        root.joinpath("below").mkdir(parents=True)
        root.joinpath("index.html").write_text("my page")
        root.joinpath("below/page.html").write_text("below")
        pathlib.Path(folder, "secret.html").write_text("mine")
        root.joinpath("link.html").symlink_to("../secret.html")
        with Serve("--files", str(root), "--threads", "2") as server:
            equal(server.page("/").read(), b"my page")
            equal(server.page("/below/page.html").read(), b"below")
            root.joinpath("new.html").write_text("new")
            equal(server.page("/new.html").read(), b"new")
            host, port = server.addresses[0].rsplit(":", 1)
            for path in ("/link.html", "/none.html", "/../secret.html"):
                with socket.create_connection((host, int(port)), PATIENCE) as raw:
                    raw.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode())
                    contains(read_head(raw), "HTTP/1.1 404 ")
            drain(server)


def subject(server):
    with socket.create_connection(server.addresses[0].rsplit(":", 1), PATIENCE) as bare:
        with client_context(check_hostname=False).wrap_socket(bare) as connection:
            return connection.getpeercert()["subject"][0][0][1]


@sandboxed("SIGHUP reads certificates that were replaced, also where links lead elsewhere now")
def _():
    # As certbot has them: links in one directory to files in another.
    for folder in ("live", "archive"):
        os.mkdir(file(folder))
    for number, name in enumerate(("server", "second")):
        for ending in ("pem", "key"):
            shutil.copy(file(f"{name}.{ending}"), file(f"archive/{number}.{ending}"))

    def point_to(number):
        for ending in ("pem", "key"):
            with contextlib.suppress(FileNotFoundError):
                os.remove(file(f"live/own.{ending}"))
            os.symlink(f"../archive/{number}.{ending}", file(f"live/own.{ending}"))

    point_to(0)
    flags = ["--tls-cert", file("live/own.pem"), "--tls-key", file("live/own.key")]
    keys = ["--tls-keylog", file("keys.log")]
    with Serve(*flags, *keys, "--threads", "2") as server:
        equal(subject(server), "server")
        point_to(1)
        server.process.send_signal(signal.SIGHUP)
        server.read_log_until("lvl=info ev=tls_reload")
        equal(subject(server), "second")
        os.remove(file("archive/1.key"))
        server.process.send_signal(signal.SIGHUP)
        server.read_log_until("ev=tls_reload_failed")
        equal(subject(server), "second")
        equal(server.stop()[0], 0)
    contains(pathlib.Path(file("keys.log")).read_text(), "SERVER_TRAFFIC_SECRET_0")


@sandboxed("a log in a file is written on, by a thread that is in the sandbox")
def _():
    with open(file("log"), "wb") as log, Serve("--threads", "2", stderr=log) as server:
        with open_raw(server.addresses[0]) as connection:
            connection.sendall(b"\x83\x80\0\0\0\0")  # a reserved opcode
            while connection.recv(4096):
                pass
        server.check_threads(3)
        server.process.send_signal(signal.SIGTERM)
        equal(server.process.wait(PATIENCE), 0)
    lines = pathlib.Path(file("log")).read_text().splitlines()
    events = [re.search(r"ev=(\w+)", line).group(1) for line in lines]
    equal(events, ["start", "sandbox", "reject", "stop", "end"])


@sandboxed("sandboxed servers hand their sockets over, and the last takes the file along")
def _():
    with tempfile.TemporaryDirectory() as folder:
        flags = ["--handover", f"{folder}/hand.over", "--drain-time", "1s"]
        with Serve(*flags) as first, open_raw(first.addresses[0]) as connection:
            with Serve(*flags, "--threads", "2", listen=["127.0.0.1:1"]) as second:
                equal(second.addresses, first.addresses)
                equal(programs.read_frame(connection), (0x88, struct.pack(">H", 1012)))
                connection.sendall(b"\x88\x82\0\0\0\0" + struct.pack(">H", 1012))
                first.process.communicate(timeout=PATIENCE)
                equal(first.process.returncode, 0)
                use_everything(second, 2)
        equal(os.listdir(folder), [])


@sandboxed("a sandboxed server that runs out of descriptors sheds newcomers, time and again")
def _():
    few = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24))
    with Serve("--connections-max", "1000", preexec_fn=few) as server:
        host, port = server.addresses[0].rsplit(":", 1)
        early = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)

        def ask(path):
            early.request("GET", path)
            return early.getresponse().read().decode()

        equal(ask("/health"), "ok\n")
        for _ in range(2):  # the second time by a reserve that was opened in the sandbox
            dial = lambda: socket.create_connection((host, int(port)), PATIENCE)
            with contextlib.ExitStack() as stack:
                crowd = [stack.enter_context(dial()) for _ in range(30)]
                # No descriptor is left for the last one.
                with contextlib.suppress(ConnectionResetError):
                    equal(crowd[-1].recv(1), b"")
        shed = re.search(r"^hilo_shed_total (\d+)$", ask("/metrics"), re.M).group(1)
        equal(int(shed) >= 2, True)
        equal(server.stop()[0], 0)


# ---- where there is none -----------------------------------------------------------------------


@case("--sandbox is for the demo, and refused where other servers are asked for")
def _():
    for other in (["--broken", "no-pong"], ["--compliance", "engineio"]):
        code, out, errors = run("serve", "--sandbox", *other)
        equal((code, out), (2, b""))
        equal(errors, "hilo serve: --sandbox is not for --broken and --compliance\n")


# The kernel's little machine: load the number of the call; if it is that one, fail with ENOSYS.
LOAD, EQUALS, RETURN = 0x20, 0x15, 0x06
ALLOW, ENOSYS = 0x7FFF0000, 0x00050026
PR_SET_SECCOMP, PR_SET_NO_NEW_PRIVS, FILTER = 22, 38, 2


def take_away(number):
    """A function that leaves this process without a system call."""
    program = b"".join(
        struct.pack("=HBBI", *instruction)
        for instruction in ((LOAD, 0, 0, 0), (EQUALS, 0, 1, number), (RETURN, 0, 0, ENOSYS), (RETURN, 0, 0, ALLOW))
    )
    instructions = ctypes.create_string_buffer(program, len(program))
    attached = ctypes.create_string_buffer(struct.pack("@HP", 4, ctypes.addressof(instructions)))
    prctl = ctypes.CDLL(None, use_errno=True).prctl

    def call():
        keep = instructions  # as long as the kernel reads it
        if prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(PR_SET_SECCOMP, FILTER, attached, 0, 0):
            raise OSError(ctypes.get_errno(), "prctl", keep)

    return call


@sandboxed("a kernel without Landlock, or without filters, is told in one line, and ends it with 1")
def _():
    seccomp = {"x86_64": 317, "aarch64": 277}[platform.machine()]
    landlock_create_ruleset = 444
    for number, line in (
        (landlock_create_ruleset, "this kernel has no Landlock"),
        (seccomp, "this kernel has no filters of system calls"),
    ):
        outcome = run(
            "serve", "--sandbox", "--listen", "127.0.0.1:0", preexec_fn=take_away(number)
        )
        equal(outcome, (1, b"", f"hilo serve: --sandbox: {line}\n"))


if __name__ == "__main__":
    certificates.make()
    sys.exit(run_cases())
