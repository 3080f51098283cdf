# SPDX-License-Identifier: MIT
"""What the system has no more of: descriptors, memory, buffers, ports."""

import contextlib
import pathlib
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request

from bad_system import BadSystem
from crowd import Crowd
from hosts import (
    HILO,
    bench,
    check,
    descriptors,
    fault,
    limit_descriptors,
    metrics,
    need_namespaces,
    open_raw,
    processor_seconds,
    sees_no_clients,
    serve,
    split_address,
    stop,
    wait_for,
)


@fault("F4", "no descriptors are left (EMFILE)")
def _():
    with serve() as server:
        pid = server.process.pid
        crowd = Crowd(server.addresses[0])
        crowd.connect(50)
        limit_descriptors(pid, descriptors(pid))
        # Newcomers are many more than there is room for, and they stay.
        newcomers = []
        for _ in range(200):
            with contextlib.suppress(OSError):
                newcomers.append(socket.create_connection(split_address(server.addresses[0]), 5))
        time.sleep(0.5)
        before, begun = processor_seconds(pid), time.monotonic()
        crowd.run(3)
        spent = (processor_seconds(pid) - before) / (time.monotonic() - begun)
        check(spent < 0.05, f"it spins: {spent:.0%} of a processor")
        for client in crowd.all:
            crowd.say(client)
        check(crowd.run_until(lambda: crowd.ledger.all_missing() == 0), "who was there is not served")
        limit_descriptors(pid, 4096)
        for each in newcomers:
            each.close()
        begun = time.monotonic()
        with open_raw(server.addresses[0]):
            resumed = time.monotonic() - begun
        check(resumed < 1, f"newcomers waited for {resumed:.1f} s")
        shed = metrics(server)["shed_total"]
        check(shed > 0, "nobody was dropped, so nothing was tried")
        return (
            f"{spent:.1%} of a processor, {shed:.0f} times shed, served again in {resumed * 1000:.0f} "
            "ms, 50 who were there lost nothing"
        )


def attempts(server, count):
    """So many clients, each with a message of its ledger: what became of them."""
    outcomes = {}
    for number in range(count):
        crowd = Crowd(server.addresses[0], numbers_from=number)
        with contextlib.closing(crowd), contextlib.suppress(AssertionError):
            crowd.connect(1)
            client = crowd.all[0]
            if client.end is None:
                crowd.say(client, 70_000)
                crowd.run_until(lambda: client.end is not None or not crowd.ledger.all_missing())
            how = client.end if client.end is not None else "served"
            outcomes[how] = outcomes.get(how, 0) + 1
    return outcomes


def ask(server, path, body=None):
    try:
        url = f"http://{server.addresses[0]}{path}"
        return urllib.request.urlopen(url, data=body, timeout=10).read().decode()
    except urllib.error.HTTPError as error:
        return f"status {error.code}"
    except OSError:
        return "end"


def open_polling(server):
    """A session of Engine.IO by polling, and a packet in it: what became of it."""
    path = "/socket.io/?EIO=4&transport=polling"
    opened = ask(server, path)
    found = re.search(r'"sid":"([^"]+)"', opened)
    how = ask(server, f"{path}&sid={found[1]}", b"3") if found else opened
    return "served" if how == "ok" else how


def ask_socketio(server):
    """A client of Socket.IO by polling, and an event with its answer: what became of it."""
    path = "/socket.io/?EIO=4&transport=polling"
    opened = ask(server, path)
    found = re.search(r'"sid":"([^"]+)"', opened)
    if not found:
        return opened
    session = f"{path}&sid={found[1]}"
    value = '{"name":["Ana",{"age":7.5}],"text":"\u20ac"}'
    for packet in ("40", f'420["echo",{value}]'):
        how = ask(server, session, packet.encode())
        if how != "ok":
            return how
    heard = []
    while not heard or not heard[-1].startswith("430"):
        how = ask(server, session)
        if how == "end" or how.startswith("status "):
            return how
        heard += how.split("\x1e")
        if heard[-1] == "1":
            return "closed"
    check(heard[-1] == f"430[{value}]", f"another answer: {heard}")
    return "served"


def fail_each(system, server, attempt, count_max):
    """Lets allocation 1 fail in the first attempt, 2 in the second ... until none does. How many
    there are, and what became of the attempts."""
    outcomes = {}
    for number in range(1, count_max):
        system["failed_allocations"] = 0
        system["allocation"] = number
        how = attempt(server)
        outcomes[how] = outcomes.get(how, 0) + 1
        system["allocation"] = 0
        check(server.process.poll() is None, f"it died of allocation {number}")
        if not system["failed_allocations"]:
            return number - 1, outcomes
    return count_max - 1, outcomes


@fault("F5", "no memory is left: allocation N fails, for each N")
def _():
    def one(server):
        [how] = attempts(server, 1)
        return how

    system = BadSystem()
    # The first connection of a process makes what later ones find.
    with system.serve() as server:
        fresh, first = fail_each(system, server, one, 300)
    with system.serve("--log-level", "debug", "--eio-sid-misses-max", "1000") as server:
        pid = server.process.pid
        attempts(server, 2)
        fds = descriptors(pid)
        steady, outcomes = fail_each(system, server, one, 300)
        polls, poll_outcomes = fail_each(system, server, open_polling, 300)
        events, event_outcomes = fail_each(system, server, ask_socketio, 300)
        check(attempts(server, 1) == {"served": 1}, "the next one is not served")
        check(open_polling(server) == "served", "the next session is not served")
        check(ask_socketio(server) == "served", "the next client of Socket.IO is not served")
        # And all of them for a while, with others there.
        crowd = Crowd(server.addresses[0])
        crowd.connect(20)
        system["persistent"] = 1
        system["allocation"] = 1
        refused = attempts(server, 20)
        system["allocation"] = 0
        check(system["failed_allocations"] > 0, "nothing failed")
        check(server.process.poll() is None, "it died without memory")
        crowd.run(0.1)
        for client in crowd.all:
            if client.end is None:
                crowd.say(client)
        check(crowd.run_until(lambda: crowd.ledger.all_missing() == 0), "who was there is not served")
        check(not crowd.ended, f"of those who were there some ended: {crowd.ends()}")
        crowd.close()
        wait_for(lambda: sees_no_clients(server), "the connections are gone")
        wait_for(lambda: descriptors(pid) <= fds + 1, "its descriptors are back")
        check(stop(server)[0] == 0, "its exit code")
        return (
            f"an echo, N = 1 to {fresh} in a new process: {first}, 1 to {steady} later: {outcomes}; "
            f"a session of Engine.IO by polling, N = 1 to {polls}: {poll_outcomes}; "
            f"an event of Socket.IO and its answer, N = 1 to {events}: {event_outcomes}; "
            f"all of them: {refused}, and 20 others go on"
        )


@fault("F6", "short reads and writes, EAGAIN, EINTR, ENOBUFS")
def _():
    system = BadSystem()
    with system.serve("--tls-self-signed") as _tls, system.serve() as server:
        system["short_io"], system["would_block"], system["interrupted"] = 60, 20, 10
        system["no_buffers"] = 20
        crowd = Crowd(server.addresses[0])
        crowd.connect(40)
        for size in (0, 1, 125, 126, 4000, 70_000):
            for client in crowd.all:
                crowd.say(client, size)
        check(crowd.run_until(lambda: crowd.ledger.all_missing() == 0), "something is missing")
        secure = bench(f"wss://{_tls.addresses[0]}/echo", "--insecure", "-c", "4", "-d", "1s", "-s", "20KiB")
        check(
            secure["failed"] == 0 and secure["odd_messages"] == 0 and secure["messages"] > 0, f"TLS: {secure}"
        )
        counts = {
            name: system[name] for name in ("moved_short", "blocked", "was_interrupted", "failed_accepts")
        }
        check(all(counts.values()), f"not all happened: {counts}")
        return (
            f"{crowd.ledger.total_taken()} messages whole and in order, {secure['messages']} over TLS; "
            f"{counts}"
        )


@fault("F7", "epoll_ctl fails")
def _():
    system = BadSystem()
    with system.serve() as server:
        pid = server.process.pid
        attempts(server, 1)
        before = descriptors(pid)
        outcomes = {}
        for number in range(1, 6):
            system["epoll_add"] = number
            for how, count in attempts(server, 8).items():
                outcomes[how] = outcomes.get(how, 0) + count
        system["epoll_add"], system["persistent"] = 1, 1
        all_fail = attempts(server, 8)
        failed = system["failed_epoll_adds"]
        system["epoll_add"] = 0
        check("served" not in all_fail, f"served without being watched: {all_fail}")
        check(failed >= 13, f"only {failed} calls failed")
        check(attempts(server, 8) == {"served": 8}, "the next ones are not served")
        wait_for(lambda: descriptors(pid) <= before, "its descriptors are back")
        return (
            f"{failed} calls failed: {outcomes}, then {all_fail}; the next 8 are served, no descriptor "
            "is left behind"
        )


@fault("F38", "a client has no port left (EADDRNOTAVAIL)")
def _():
    need_namespaces("a range of ten ports")
    pathlib.Path("/proc/sys/net/ipv4/ip_local_port_range").write_text("40000 40009")
    with serve() as server:
        address = server.addresses[0]
        crowd = Crowd(address)
        crowd.connect(8)  # and the server has one for itself
        holds = socket.create_connection(split_address(address))
        client = subprocess.Popen(
            [
                HILO,
                "connect",
                "--reconnect",
                "--reconnect-base",
                "400ms",
                "--reconnect-cap",
                "400ms",
                "--count",
                "1",
                server.url(),
            ],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        first = client.stderr.readline().decode().strip()
        check("connecting again in" in first or "Cannot assign" in first, first)
        spent, begun = processor_seconds(client.pid), time.monotonic()
        crowd.run(3)
        spent = (processor_seconds(client.pid) - spent) / (time.monotonic() - begun)
        check(client.poll() is None, "it gave up")
        check(spent < 0.05, f"it spins: {spent:.0%} of a processor")
        holds.close()
        crowd.close()
        out, errors = client.communicate(b"there at last\n", timeout=60)
        check(out == b"there at last\n", f"{out!r} {errors!r}")
        tries = errors.count(b"connecting again")
        generated = bench(server.url(), "-c", "30", "-d", "1s", "--sources", "127.0.0.1-127.0.0.1")
        check(generated["failed"] == 20 or generated["error"], "the generator says nothing of it")
        return (
            f"{tries + 1} tries, {spent:.1%} of a processor, connected once there was a port; "
            f"the generator: {generated['first_failure'] or generated['error']}"
        )
