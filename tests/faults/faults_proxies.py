# SPDX-License-Identifier: MIT
"""Others in between: a proxy that cuts who is silent, a balancer without a memory."""

import contextlib
import pathlib
import re
import socket
import subprocess
import tempfile
import threading
import time

from crowd import Crowd
from hosts import HILO, check, fault, program, serve, split_address, wait_for


@fault("F28", "a proxy that cuts who is silent (nginx)")
def _():
    nginx = program("nginx", "nginx-light")
    with tempfile.TemporaryDirectory() as folder, serve(
        "--ping-interval", "2500ms", "--pong-timeout", "2s", "--origin-any"
    ) as server, serve("--ping-interval", "0", "--idle-timeout", "0", "--origin-any") as silent:
        # A tenth of what ships: 60 s there, 25 s of Engine.IO and 30 s of WebSocket here.
        ports = []
        for _ in range(2):
            with socket.create_server(("127.0.0.1", 0)) as free:
                ports.append(free.getsockname()[1])
        hosts = "".join(
            "server "
            f"{{ listen 127.0.0.1:{port}; location / {{ proxy_pass http://{upstream.addresses[0]}; proxy_http_version 1.1; "
            "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $http_connection; "
            "proxy_set_header Host $host; "
            "proxy_read_timeout 6s; proxy_send_timeout 6s; } }\n"
            for port, upstream in zip(ports, (server, silent))
        )
        conf = pathlib.Path(folder) / "nginx.conf"
        conf.write_text(
            f"daemon off; pid {folder}/pid; error_log {folder}/error.log; events "
            f"{{ worker_connections 2048; }}\n"
            "http "
            f"{{ access_log off; client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f; "
            f"uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;\n{hosts}}}\n"
        )
        proxy = subprocess.Popen([nginx, "-p", folder, "-c", str(conf)], stderr=subprocess.DEVNULL)
        try:

            def up(port):
                with contextlib.suppress(OSError):
                    socket.create_connection(("127.0.0.1", port)).close()
                    return True
                return False

            wait_for(lambda: all(map(up, ports)), "nginx listens")
            kept, cut = Crowd(f"127.0.0.1:{ports[0]}"), Crowd(f"127.0.0.1:{ports[1]}")
            kept.connect(100)
            cut.connect(20)
            check(kept.open_count() == 100 and cut.open_count() == 20, f"{kept.ends()} {cut.ends()}")
            until = time.monotonic() + 60
            while time.monotonic() < until:
                kept.turn(0.1)
                cut.turn(0)
            check(not kept.ended, f"dropped: {kept.ends()}")
            check(len(cut.ended) == 20, "without pings nobody was cut, so nothing was tried")
            for client in kept.all:
                kept.say(client)
            check(kept.run_until(lambda: kept.ledger.all_missing() == 0), "they do not echo")
        finally:
            proxy.terminate()
            proxy.wait()
        return "60 s of silence behind a limit of 6 s (a tenth of 600 s and 60 s): 0 of 100 dropped with pings every 2.5 s, 20 of 20 without"


@fault("F30", "no sticky sessions: two servers in turns")
def _():
    with tempfile.TemporaryFile("w+") as first_log, tempfile.TemporaryFile("w+") as second_log, serve(
        stderr=first_log
    ) as first, serve(stderr=second_log) as second:
        backs = [split_address(each.addresses[0]) for each in (first, second)]
        listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        turn = [0]

        def carry(source, to):
            with contextlib.suppress(OSError):
                while data := source.recv(65536):
                    to.sendall(data)
            for each in (source, to):
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

        def balance():
            while True:
                client = listener.accept()[0]
                server = socket.create_connection(backs[turn[0] % 2])
                turn[0] += 1
                for pair in ((client, server), (server, client)):
                    threading.Thread(target=carry, args=pair, daemon=True).start()

        threading.Thread(target=balance, daemon=True).start()
        port = listener.getsockname()[1]

        def get(path):
            with socket.create_connection(("127.0.0.1", port)) as connection:
                connection.sendall(f"GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".encode())
                answer = b""
                while data := connection.recv(65536):
                    answer += data
            return answer

        opened = get("/socket.io/?EIO=4&transport=polling")
        sid = re.search(rb'"sid":"([^"]+)"', opened)[1].decode()
        missed = get(f"/socket.io/?EIO=4&transport=polling&sid={sid}")
        check(b" 400 " in missed and b'"code":1' in missed, f"{missed!r}")
        # A client that speaks WebSocket alone needs no stickiness; one that polls finds a way or says why.
        outcomes = {}
        for transport in ("websocket", "upgrade", "polling"):
            done = subprocess.run(
                [
                    HILO,
                    "connect",
                    "--socketio",
                    "--transport",
                    transport,
                    "--ask",
                    'echo "x"',
                    f"http://127.0.0.1:{port}/",
                ],
                capture_output=True,
                text=True,
                timeout=60,
                stdin=subprocess.DEVNULL,
            )
            outcomes[transport] = (
                "answered"
                if done.returncode == 0
                else f"exit {done.returncode}: {done.stderr.strip().splitlines()[-1]}"
            )
        check(outcomes["websocket"] == "answered", str(outcomes))
        logs = ""
        for log in (first_log, second_log):
            log.seek(0)
            logs += log.read()
        hint = next((line for line in logs.splitlines() if "sid" in line and "ev=reject" in line), "")
        check(hint, f"no line hints at it: {logs}")
        return (
            "the other server's session: 400 with code 1; log: "
            f"{hint.split('ev=')[1].split(' peer')[0]!r}; {outcomes}"
        )
