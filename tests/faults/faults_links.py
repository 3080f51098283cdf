# SPDX-License-Identifier: MIT
"""Links that lose, double and delay packets, that go down, that swallow what is long."""

import json
import os
import pathlib
import re
import subprocess
import sys
import threading
import time

from bad_link import SERVER, BadLink
from crowd import Crowd
from hosts import (
    HILO,
    check,
    fault,
    metrics,
    serve,
    wait_for,
)
from ledger import Ledger

ANYWHERE = ["0.0.0.0:0"]
# A tenth of what ships (30 s, 20 s), so that it takes no minute; the virtual network has the whole.
SHORT = ("--ping-interval", "3s", "--pong-timeout", "2s")


def reachable(server):
    port = server.addresses[0].rsplit(":", 1)[1]
    server.addresses = [f"127.0.0.1:{port}"]
    return f"{SERVER}:{port}"


def far_crowd(link, address, count, rate, path="/echo"):
    command = [
        sys.executable,
        str(pathlib.Path(__file__).with_name("crowd.py")),
        address,
        str(count),
        str(rate),
    ]
    crowd = subprocess.Popen(
        link.on_other_side(*command), stdout=subprocess.PIPE, text=True, env=os.environ | {"CROWD_PATH": path}
    )
    check(crowd.stdout.readline() == f"open {count}\n", "the far side did not connect")
    return crowd


def open_count(server):
    return metrics(server)['conns{state="open"}']


def rejects(server):
    found = {}
    for name, value in metrics(server).items():
        if name.startswith("rejects_total") and value:
            found[name.split("reason=")[1].strip('"}')] = int(value)
    return found


@fault("F2", "half-open: the peers are gone, and no packet says so")
def _():
    with BadLink() as link, serve(*SHORT, listen=ANYWHERE) as server:
        address = reachable(server)
        quiet = far_crowd(link, address, 100, 0)
        link.is_cut = True
        begun = time.monotonic()
        wait_for(lambda: open_count(server) == 0, "they are found")
        took = time.monotonic() - begun
        why = rejects(server)
        quiet.kill()
        # What is being sent to somebody who is gone is found by the kernel, long before any deadline of ours.
    with BadLink() as link, serve(
        "--ping-interval",
        "0",
        "--idle-timeout",
        "0",
        "--stall-timeout",
        "0",
        "--tcp-user-timeout",
        "3s",
        listen=ANYWHERE,
    ) as server:
        address = reachable(server)
        far = far_crowd(link, address, 100, 0, "/broadcast")
        near = Crowd(server.addresses[0], path="/broadcast", numbers_from=1_000_000)
        near.connect(1)
        link.is_cut = True
        near.say(near.all[0])
        begun = time.monotonic()
        near.run_until(lambda: open_count(server) == 1, 30)
        backstop = time.monotonic() - begun
        check(open_count(server) == 1, "those to whom something is on its way are still there")
        far.kill()
    check(took <= 6, f"{took:.1f} s")
    return (
        f"100 found after {took:.1f} s (ping 3 s + 2 s; with what ships 50 s): {why}; 100 without "
        f"pings, to whom something was on its way, by TCP_USER_TIMEOUT (3 s) after {backstop:.1f} s"
    )


def pipe_through(link, url, lines, *flags):
    """Lines through `hilo connect` on the other side: what came back."""
    done = subprocess.run(
        link.on_other_side(HILO, "connect", *flags, url),
        input=b"".join(line + b"\n" for line in lines),
        capture_output=True,
        timeout=240,
    )
    return done.returncode, done.stdout.splitlines(), done.stderr.decode()


@fault("F25", "a link with delay, loss, duplicates and reordering")
def _():
    with BadLink() as link, serve(listen=ANYWHERE) as server:
        address = reachable(server)
        link.delay, link.jitter, link.loss, link.duplicate, link.reorder = 0.05, 0.02, 2, 1, 5
        far = far_crowd(link, address, 50, 300)
        ledger = Ledger()
        lines = [ledger.make(1, 100).hex().encode() for _ in range(1500)]
        code, back, errors = pipe_through(link, f"ws://{address}/echo", lines)
        check(code == 0, f"{code} {errors}")
        for line in back:
            ledger.take(1, bytes.fromhex(line.decode()))
        check(ledger.all_missing() == 0, "a message is missing")
        asked = {}
        for transport in ("polling", "upgrade"):
            lines = [b"ack echo " + json.dumps({"n": n}).encode() for n in range(100)]
            code, back, errors = pipe_through(
                link, f"http://{address}/", lines, "--socketio", "--transport", transport
            )
            check(code == 0, f"{transport}: {code} {errors}")
            got = [json.loads(line) for line in back]
            answers = [each["answer"][0]["n"] for each in got if "answer" in each]
            check(answers == list(range(100)), f"{transport}: {len(answers)} answers, {back[:3]}")
            asked[transport] = len(answers)
        # The far crowd ends by its Closes, each of which stands behind everything that was owed.
        server.process.send_signal(15)
        out, _ = far.communicate(timeout=60)
        found = re.search(r"ended 1001=50 made=(\d+) missing=(\d+)", out)
        check(found and int(found[2]) <= 50, out)
        return (
            f"{1500 + int(found[1]) - int(found[2])} messages whole and in order over WebSockets, each of "
            f"{asked} Socket.IO events answered once; packets: {link.counts}"
        )


@fault("F26", "the link is down for 10 s")
def _():
    with BadLink() as link, serve(
        "--ping-interval", "4s", "--pong-timeout", "25s", listen=ANYWHERE
    ) as server:
        address = reachable(server)
        link.delay = 0.005
        far = far_crowd(link, address, 100, 200)
        time.sleep(1)
        link.is_cut = True
        time.sleep(10)
        at = metrics(server)["messages_in_total"]
        link.is_cut = False
        took = wait_for(lambda: metrics(server)["messages_in_total"] > at + 100, "traffic goes on", 55)
        time.sleep(5)
        kept = open_count(server)
        server.process.send_signal(15)
        out, _ = far.communicate(timeout=60)
        found = re.search(r"ended (\S*) made=(\d+) missing=(\d+)", out)
        check(found, out)
        check(kept == 100 and found[1] == "1001=100", f"{kept:.0f} are left; {out}")
        # And with deadlines that are shorter than that they end, and none hangs.
    with BadLink() as link, serve(*SHORT, listen=ANYWHERE) as server:
        address = reachable(server)
        far_short = far_crowd(link, address, 100, 0)
        link.is_cut = True
        time.sleep(10)
        link.is_cut = False
        wait_for(lambda: open_count(server) == 0, "all ended")
        far_short.kill()
    return (
        f"100 of 100 go on {took:.1f} s after it is up again, nothing lost ({found[2]} messages, "
        f"{found[3]} crossed the end); with deadlines of 5 s all 100 ended by 1006"
    )


@fault("F27", "an MTU black hole: long packets vanish")
def _():
    with BadLink() as link, serve(
        *SHORT, "--stall-timeout", "5s", "--tcp-user-timeout", "5s", listen=ANYWHERE
    ) as server:
        address = reachable(server)
        # The way to the server takes anything, the way back is a hole.
        client = subprocess.Popen(
            link.on_other_side(
                HILO,
                "connect",
                "--one",
                "--binary",
                "--ping-interval",
                "2s",
                "--pong-timeout",
                "4s",
                "--tcp-user-timeout",
                "5s",
                f"ws://{address}/echo",
            ),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        wait_for(lambda: open_count(server) == 1, "it is open")
        link.bytes_max = 1280
        begun = time.monotonic()
        threading.Thread(
            target=lambda: (client.stdin.write(bytes(500_000)), client.stdin.close()), daemon=True
        ).start()
        code = client.wait(55)
        its_time = time.monotonic() - begun
        check(code in (1, 3), f"exit code {code}")
        wait_for(lambda: open_count(server) == 0, "the server noticed", 55)
        took = time.monotonic() - begun
        check(link.counts["too_long"] > 0, "nothing was lost")
        return (
            f"the client gave up after {its_time:.1f} s ({client.stderr.read().decode().strip()!r}), "
            f"the server after {took:.1f} s; {link.counts['too_long']} packets vanished"
        )
