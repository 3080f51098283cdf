#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Debian's Python packages of Socket.IO: python-socketio, which speaks as Socket.IO 4 does, as client
of `hilo serve` and as server of `hilo connect`; and socketIO_client, which speaks as Socket.IO 1."""

import logging
import os
import socketserver
import sys
import threading
import warnings
import wsgiref.simple_server

from programs import PATIENCE, Serve, case, contains, debian_python, equal, run, run_cases

try:
    import socketio

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from socketIO_client import SocketIO, SocketIONamespace
except ImportError:
    debian_python("python_socketio", "the packages socketio and socketIO_client are", "-W", "ignore")

WORDS = "h\u00e9llo-\u20ac-\U0001f600"
VALUES = [1, -0.5, True, None, "two", WORDS, [3, {"four": [5]}]]


class Client:
    """python-socketio, connected; what it hears is kept by event."""

    def __init__(self, server, *transports, namespaces=("/",)):
        self.io = socketio.Client(reconnection=False)
        self.heard = {}
        self.something = threading.Condition()
        for nsp in namespaces:
            self.io.on("*", lambda event, *values, nsp=nsp: self.hear(nsp, event, *values), nsp)
            self.io.on("disconnect", lambda nsp=nsp: self.hear(nsp, "disconnect"), nsp)
        self.io.connect(
            f"http://{server.addresses[0]}", transports=transports, namespaces=list(namespaces),
            wait_timeout=PATIENCE,
        )

    def hear(self, nsp, event, *values):
        with self.something:
            self.heard.setdefault((nsp, event), []).append(list(values))
            self.something.notify_all()

    def wait(self, event, nsp="/"):
        with self.something:
            if not self.something.wait_for(lambda: self.heard.get((nsp, event)), PATIENCE):
                raise AssertionError(f"no {event}, but {self.heard}")
            return self.heard[(nsp, event)].pop(0)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.io.disconnect()


for TRANSPORTS in (["polling"], ["websocket"], ["polling", "websocket"]):

    @case(f"python-socketio, {' to '.join(TRANSPORTS)}: events, answers, bytes and two namespaces")
    def _(transports=TRANSPORTS):
        with Serve() as server, Client(server, *transports, namespaces=("/", "/chat")) as client:
            for nsp in ("/", "/chat"):
                equal(list(client.wait("welcome", nsp)[0]), ["ver"])
                answer = client.io.call("echo", tuple(VALUES), namespace=nsp, timeout=PATIENCE)
                equal(list(answer), VALUES)
                client.io.emit("bin", b"\x00\xff\x80", namespace=nsp)
                equal(client.wait("bin-back", nsp), [b"\x00\xff\x80"])
                client.io.emit("utf8", namespace=nsp)
                equal(client.wait("utf8-back", nsp), [WORDS])
            # It reads no more than 16 packets at once by polling. Each message gets a thread of its
            # own there, so that the order in which we hear them says nothing of how they came.
            for number in range(10):
                client.io.emit("echo", number)
            equal(sorted(client.wait("echo-back") for _ in range(10)), [[n] for n in range(10)])


@case("python-socketio is told when the server goes")
def _():
    with Serve() as server, Client(server, "websocket") as client:
        equal(server.stop()[0], 0)
        client.wait("disconnect")


def hears_back(io, event, *values):
    """What socketIO_client hears in answer to an event, or as its acknowledgement."""
    heard = []
    io.on(event + "-back", lambda *back: heard.append(list(back)))
    io.emit(event, *values)
    while not heard:
        io.wait(seconds=0.1)
    return heard[0]


for TRANSPORTS in (["xhr-polling"], ["websocket", "xhr-polling"]):

    @case(f"socketIO_client, {', '.join(TRANSPORTS)}: events, answers and another namespace")
    def _(transports=TRANSPORTS):
        with Serve() as server:
            host, port = server.addresses[0].rsplit(":", 1)
            with SocketIO(host, int(port), transports=transports) as io:
                answers = []
                io.emit("echo", 1, "two", WORDS, lambda *values: answers.append(list(values)))
                io.wait_for_callbacks(seconds=PATIENCE)
                equal(answers, [[1, "two", WORDS]])
                equal(hears_back(io, "utf8"), [WORDS])
                equal(hears_back(io, "echo", {"n": [1, None]}), [{"n": [1, None]}])
                chat = io.define(SocketIONamespace, "/chat")
                chat.emit("echo", 3, lambda *values: answers.append(list(values)))
                io.wait_for_callbacks(seconds=PATIENCE)
                equal(answers[1:], [[3]])


class Threads(socketserver.ThreadingMixIn, wsgiref.simple_server.WSGIServer):
    """One thread a request: those that poll wait in theirs."""

    daemon_threads = True

    def handle_error(self, *_):
        """Whoever goes in the midst of its request is no news."""


class Quiet(wsgiref.simple_server.WSGIRequestHandler):
    def log_message(self, *_):
        pass

    def get_stderr(self):
        return open(os.devnull, "w")


class PythonServer:
    """python-socketio as a server, over polling: what the standard library can serve."""

    def __enter__(self):
        io = socketio.Server(async_mode="threading")
        io.on("echo", lambda sid, *values: values)
        io.on("bin", lambda sid, data: io.emit("bin-back", data, to=sid))
        io.on("connect", lambda sid, environ, auth: auth != {"token": "wrong"}, namespace="/closed")
        app = socketio.WSGIApp(io)
        self.http = wsgiref.simple_server.make_server("127.0.0.1", 0, app, Threads, Quiet)
        self.thread = threading.Thread(target=self.http.serve_forever)
        self.thread.start()
        self.url = f"http://127.0.0.1:{self.http.server_port}"
        return self

    def __exit__(self, *_):
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@case("hilo connect speaks with a server of python-socketio")
def _():
    words = ("connect", "--socketio", "--transport", "polling", "--quiet")
    with PythonServer() as server:
        code, out, errors = run(
            *words, server.url,
            stdin=f'ack echo 1 "{WORDS}" [null]\nemit bin {{"$base64":"AP+A"}}\nack echo 2\n'.encode(),
        )
        equal((code, errors), (0, ""))
        contains(out.decode(), f'"answer":[1,"{WORDS}",[null]]')
        contains(out.decode(), '"values":[{"$base64":"AP+A"}]')
        contains(out.decode(), '"answer":[2]')
        code, _, errors = run(
            *words, "--namespace", "/closed", "--auth", '{"token":"wrong"}', server.url
        )
        equal(code, 1)
        contains(errors, "/closed")


# It says that there is no WebSocket here.
logging.getLogger("engineio.server").setLevel(logging.CRITICAL)
sys.exit(run_cases())
