# SPDX-License-Identifier: MIT
"""Clocks that jump, processes that stand still."""

import email.utils
import signal
import time

from bad_system import BadSystem
from crowd import Crowd
from faults_going import crowds
from hosts import check, closes, fault, metrics, serve, wait_for


def served_date(server):
    return email.utils.parsedate_to_datetime(server.get("/health").headers["Date"]).timestamp()


@fault("F10", "the wall clock jumps an hour, a second, ten years")
def _():
    system = BadSystem()
    # Every deadline is shorter than the jumps, and longer than this takes.
    flags = ("--ping-interval", "30s", "--idle-timeout", "50s", "--head-timeout", "40s")
    with system.serve(*flags) as server:
        crowd = Crowd(server.addresses[0])
        crowd.connect(200)
        before = metrics(server)
        jumps = (3600, -3600, 1, -1, 315_360_000, 0)
        for jump in jumps:
            system["clock_seconds"] = jump
            shown = served_date(server) - time.time()
            check(abs(shown - jump) < 3, f"the clock did not jump: {shown:.0f} s in place of {jump}")
            for client in crowd.all:
                crowd.say(client)
            check(crowd.run_until(lambda: crowd.ledger.all_missing() == 0), "something is missing")
        crowd.run(1)
        after = metrics(server)
        check(closes(after) == closes(before) == 0 and not crowd.ended, "a connection ended")
        check(sum(client.pings for client in crowd.all) == 0, "somebody was pinged")
        return (
            f"{len(jumps)} jumps of up to ten years: no timer fired, 0 of 200 connections ended, "
            f"{crowd.ledger.total_taken()} messages whole"
        )


@fault("F11", "SIGSTOP for longer than every deadline, and SIGCONT")
def _():
    # A tenth of what ships: 3 s and 2 s for pings, 12 s of silence; stopped for 60 s.
    flags = (
        "--ping-interval",
        "3s",
        "--pong-timeout",
        "2s",
        "--idle-timeout",
        "12s",
        "--stall-timeout",
        "3s",
    )
    with serve(*flags) as server:
        there = crowds(server.addresses[0], 5000, rate=500)
        time.sleep(4)
        server.process.send_signal(signal.SIGSTOP)
        time.sleep(60)
        server.process.send_signal(signal.SIGCONT)
        time.sleep(8)
        values = metrics(server)
        lost = closes(values)
        check(lost <= 50, f"{lost:.0f} of 5,000 were lost")
        check(values['conns{state="open"}'] == 5000 - lost, "the count of connections")
        for each in there:
            each.kill()
        wait_for(lambda: metrics(server)['conns{state="open"}'] == 0, "all are gone")
        return f"stopped for 60 s, twelve times the time of a ping and its answer: {lost:.0f} of 5,000 lost"
