# SPDX-License-Identifier: MIT
"""Faults that a test shows in full: it is run under the fault's number, and its cases are counted.

On the virtual network (tests/sim) for what takes long, or has to be met at each step; the scripts of
tests/interop for what concerns the process.
"""

import pathlib
import re
import subprocess
import sys

from hosts import BUILD, check, fault

INTEROP = pathlib.Path(__file__).resolve().parent.parent / "interop"


def doctest(name, cases="*"):
    """Runs the cases of tests/[sim/]test_<name>: what its summary counts."""
    folder = BUILD / "tests" / ("sim" if name.startswith("sim_") else "")
    done = subprocess.run(
        [str(folder / f"test_{name}"), "--no-colors=true", f"--test-case={cases}"],
        capture_output=True,
        text=True,
        timeout=300,
    )
    check(done.returncode == 0, f"{name}: {done.stdout[-2000:]}")
    found = re.search(r"test cases: +(\d+) \| +(\d+) passed.*\n.*assertions: +(\d+)", done.stdout)
    check(found and found[1] == found[2] != "0", f"{name}: no case was run: {done.stdout}")
    # A SKIP line says that the case could not be shown.
    check("SKIP:" not in done.stdout, f"{name}: {done.stdout}")
    figure = re.search(r"MESSAGE: (.*)", done.stdout)
    return f"{name} ({found[1]} cases, {int(found[3]):,} assertions{'; ' + figure[1] if figure else ''})"


def script(name, cases):
    done = subprocess.run(
        [sys.executable, str(INTEROP / name), cases], capture_output=True, text=True, timeout=300
    )
    passed = re.findall(r"^ok ", done.stdout, re.M)
    check(done.returncode == 0 and passed, f"{name}: {done.stdout}{done.stderr}")
    return f"interop/{name} ({len(passed)} case{'s' * (len(passed) != 1)})"


def by_tests(number, text, *parts, note=""):
    @fault(number, text)
    def _():
        return "by " + ", ".join(run(*arguments) for run, *arguments in parts) + note


by_tests(
    "F15",
    "certificates are read again, bad files too",
    (doctest, "net_tls", "*reload*"),
    (script, "tls.py", "SIGHUP"),
)
by_tests("F29", "polling moves to a WebSocket under losses and kills at each step", (doctest, "sim_system"))
by_tests(
    "F32",
    "a handler throws, or blocks for two seconds",
    (doctest, "ws_connection", "*handler that throws*"),
    (doctest, "sim_stall", "*(F32)*"),
    (doctest, "ws_client", "*that throw*"),
)
by_tests(
    "F33",
    "callbacks destroy the server, the client",
    (doctest, "ws_server_destroy"),
    (doctest, "ws_client_destroy"),
    note=" (under AddressSanitizer in make check)",
)
by_tests(
    "F34",
    "calls from other threads",
    (doctest, "net_loop_calls"),
    (doctest, "ws_sender"),
    (doctest, "ws_hub", "*(F34)*"),
    note=" (under ThreadSanitizer in make check)",
)
by_tests("F35", "a descriptor is closed and given out again in one batch", (doctest, "sim_fd_reuse"))
by_tests("F36", "100,000 timers in the same tick", (doctest, "net_timers"))
