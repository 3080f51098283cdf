# SPDX-License-Identifier: MIT
"""Peers that do not take what they are sent."""

import pathlib
import time

from crowd import Crowd, frame, quantile
from hosts import (
    check,
    descriptors,
    fault,
    metrics,
    mib,
    ms,
    need_namespaces,
    resident_bytes,
    serve,
    wait_for,
)

KIB = 1 << 10


def room(server, members, **more):
    crowd = Crowd(server.addresses[0], path="/broadcast", **more)
    crowd.connect(members)
    return crowd


def read_some(client, count):
    try:
        return client.socket.recv(count)
    except OSError:
        return None


@fault("F16", "one of a room of 1,000 reads 1 KB a second")
def _():
    # The default is 1 MiB and 64 KiB, so that a message of the largest size fits.
    with serve("--queue-bytes-max", "896KiB") as server:
        everybody = room(server, 999)
        slow = room(server, 1, receive_bytes=4096, numbers_from=5000)
        slow.ignore(slow.all[0])
        speaker = everybody.all[0]

        def say(times):
            """Each message once everybody has the one before: how long each took."""
            took = []
            for number in range(times):
                wanted = everybody.ledger.total_taken() + 999
                begun = time.monotonic()
                everybody.say(speaker, 8 * KIB)
                check(
                    everybody.run_until(lambda: everybody.ledger.total_taken() >= wanted),
                    "a message is missing",
                )
                took.append(time.monotonic() - begun)
                if number % 20 == 0:
                    read_some(slow.all[0], KIB)
            return took

        say(20)  # warm
        metrics(server)  # what a look at them holds is there before, too
        begun, memory = time.monotonic(), resident_bytes(server.process.pid)
        took, most = [], 0
        while time.monotonic() - begun < 60:
            took += say(20)
            values = metrics(server)
            most = max(most, values["sendq_bytes_max"])
            if values['conns{state="open"}'] < 1000:
                break
        grown = resident_bytes(server.process.pid) - memory
        check(most <= 896 * KIB, f"its queue held {mib(most)}")
        check(grown <= 1 << 20, f"memory grew by {mib(grown)}")
        check(not everybody.ended, f"others ended: {everybody.ends()}")
        values = metrics(server)
        check(values['conns{state="open"}'] == 999, "the slow one is still there, and its queue is not full")
        full = sum(
            v for name, v in values.items() if name.startswith("rejects_total") and "slow_consumer" in name
        )
        check(full == 1, "its end is not counted by its reason")
        return (
            f"{len(took)} messages of 8 KiB to 999: p50 {ms(quantile(took, 0.5))}, p99 "
            f"{ms(quantile(took, 0.99))}; "
            f"the slow one's queue reached {mib(most)}, then it was ended and counted; memory +{mib(grown)}"
        )


@fault("F17", "all 1,000 of a room do not read, 100 messages of 64 KiB")
def _():
    return "; ".join(nobody_reads(budget) for budget in (32, 8))


def nobody_reads(budget):
    with serve(
        "--memory-bytes-max", f"{budget}MiB", "--message-bytes-max", "128KiB", "--queue-bytes-max", "16MiB"
    ) as server:
        slow = room(server, 999, receive_bytes=4096)
        for client in slow.all:
            slow.ignore(client)
        speaker = room(server, 1, numbers_from=5000)
        speaker.connect(0)
        pid = server.process.pid
        memory, most, queued = resident_bytes(pid), 0, 0
        for _ in range(100):
            if speaker.all[0].end is None:
                speaker.say(speaker.all[0], 64 * KIB)
            speaker.run(0.02)
            most = max(most, resident_bytes(pid))
            queued = max(queued, metrics(server)["mem_budget_used_bytes"])
        speaker.run_until(lambda: speaker.ledger.all_missing() == 0 or speaker.ended)
        values = metrics(server)
        check(queued <= 1.2 * (budget << 20), f"{mib(queued)} were held")
        # Not counted: what a turn brings before it is looked at, and all that is no block of the pool.
        check(most - memory <= (budget + 4) << 20, f"memory grew by {mib(most - memory)}")
        check(server.process.poll() is None, "it lives")
        check(not speaker.ended, "who reads was ended, too")
        shed = {
            name.split("reason=")[1].strip('"}'): int(v)
            for name, v in values.items()
            if name.startswith("rejects_total") and v
        }
        return (
            f"limit {budget} MiB: at most {mib(queued)} were held, memory +{mib(most - memory)}; ended: {shed}"
        )


@fault("F18", "10,000 closed windows")
def _():
    need_namespaces("a kernel that keeps little of what is sent")
    pathlib.Path("/proc/sys/net/ipv4/tcp_wmem").write_text("4096 8192 16384")
    with serve("--stall-timeout", "6s") as server:
        pid = server.process.pid
        fds = descriptors(pid)
        crowd = Crowd(server.addresses[0], sources=4, receive_bytes=2048)
        crowd.connect(10_000)
        for client in crowd.all:
            crowd.ignore(client)
        message = frame(2, bytes(48 * KIB))
        begun = time.monotonic()
        for client in crowd.all:
            client.socket.setblocking(True)
            client.socket.settimeout(1)
            try:
                client.socket.sendall(message)
            except OSError:
                pass
        sent = time.monotonic() - begun
        most, held = 0, 0
        begun = time.monotonic()
        while (values := metrics(server))['conns{state="open"}'] > 0:
            most = max(most, resident_bytes(pid))
            held = max(held, values["sendq_bytes"])
            check(
                time.monotonic() - begun < 60,
                f"{values['conns{state=' + chr(34) + 'open' + chr(34) + '}']:.0f} are still there",
            )
            time.sleep(0.5)
        took = time.monotonic() - begun
        stalled = sum(
            v for name, v in values.items() if name.startswith("rejects_total") and "slow_consumer" in name
        )
        check(stalled == 10_000, f"{stalled:.0f} ended as slow")
        wait_for(lambda: descriptors(pid) <= fds + 1, "its descriptors are back")
        crowd.close()
        return (
            f"{stalled:.0f} of 10,000 ended as stalled (limit 6 s; sending took {sent:.0f} s, the last "
            f"was gone {took:.1f} s later), "
            f"at most {mib(held)} queued, resident {mib(most)}"
        )
