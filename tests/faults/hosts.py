# SPDX-License-Identifier: MIT
"""What the faults share: running `hilo`, looking into its process, and how a fault is told.

A fault is a function with @fault(NUMBER, TEXT). It returns the figure that it measured, raises
Skip(REASON) where this machine does not allow it, and fails by any other exception. Each runs in a
process of its own (run.py), in namespaces of its own where the machine allows them: what it mounts,
sets and starts is gone with it.
"""

import ctypes
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "interop"))
from programs import HILO, Serve, open_raw  # noqa: E402,F401

BUILD = pathlib.Path(os.environ.get("BUILD", "build/release"))
PATIENCE = 60  # seconds: a guard against hanging, not a measurement
FAULTS = {}
LIBC = ctypes.CDLL(None, use_errno=True)


class Skip(Exception):
    pass


def fault(number, text):
    def register(function):
        assert number not in FAULTS, number
        FAULTS[number] = (text, function)
        return function

    return register


def check(condition, text):
    if not condition:
        raise AssertionError(text)


def wait_for(condition, text, patience=PATIENCE):
    """How long it took."""
    begun = time.monotonic()
    while not condition():
        if time.monotonic() - begun > patience:
            raise AssertionError(f"not within {patience} s: {text}")
        time.sleep(0.02)
    return time.monotonic() - begun


def own_namespaces():
    """Whether this process has network and mounts for itself: then it may change them."""
    return os.environ.get("FAULT_NAMESPACES") == "1"


def need_namespaces(what):
    if not own_namespaces():
        raise Skip(f"{what} needs namespaces, which this machine does not allow")


# ---- a server, and what can be seen of its process ---------------------------------------------


def serve(*flags, **more):
    """`hilo serve` for this machine's clients, which are many and come from one address."""
    more = {"stderr": subprocess.DEVNULL} | more
    return Serve("--connections-per-ip-max", "0", "--handshakes-per-second-max", "0", *flags, **more)


def metrics(server):
    text = server.get("/metrics").read().decode()
    return {match[1]: float(match[2]) for match in re.finditer(r"^hilo_(\S+) (\S+)$", text, re.M)}


def closes(values):
    return sum(value for name, value in values.items() if name.startswith("closes_total"))


def lag_max(values):
    """The bucket, in seconds, of the longest turn of a loop."""
    buckets = [
        (float(name.split('"')[1].replace("+Inf", "inf")), value)
        for name, value in values.items()
        if name.startswith("loop_lag_seconds_bucket")
    ]
    total = max(value for _, value in buckets)
    return min(bound for bound, value in buckets if value == total)


def resident_bytes(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return int(re.search(r"^VmRSS:\s+(\d+) kB", status, re.M)[1]) * 1024


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def processor_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def limit_descriptors(pid, count):
    hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (count, hard))


def sees_no_clients(server):
    """No connection but the one that asks."""
    values = metrics(server)
    return (
        values['conns{state="open"}'] + values['conns{state="closing"}'] == 0
        and values['conns{state="http"}'] <= 1
    )


def stop(server, seconds=PATIENCE):
    """Ends it by SIGTERM: (exit code, seconds that took)."""
    begun = time.monotonic()
    server.process.send_signal(signal.SIGTERM)
    return server.process.wait(seconds), time.monotonic() - begun


def bench(url, *flags):
    """`hilo bench` to its end: its line of JSON."""
    done = subprocess.run(
        [HILO, "bench", "--json", *flags, url], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300
    )
    return json.loads(done.stdout.splitlines()[-1])


def start_bench(url, *flags):
    return subprocess.Popen(
        [HILO, "bench", "--json", *flags, url], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )


def end_bench(process):
    out, _ = process.communicate(timeout=300)
    return json.loads(out.splitlines()[-1])


def split_address(address):
    host, port = address.rsplit(":", 1)
    return host, int(port)


def mib(count):
    return f"{count / (1 << 20):.1f} MiB"


def ms(seconds):
    return f"{seconds * 1000:.1f} ms"


# ---- the machine -------------------------------------------------------------------------------


def mount(kind, target, options="", source="none"):
    code = LIBC.mount(source.encode(), str(target).encode(), kind.encode(), 0, options.encode())
    if code != 0:
        raise Skip(f"a {kind} cannot be mounted: {os.strerror(ctypes.get_errno())}")


def bind_file(source, target):
    """Puts a file in the place of another, for this process and its children."""
    if LIBC.mount(str(source).encode(), str(target).encode(), b"none", 4096, None) != 0:
        raise Skip(f"{target} cannot be replaced: {os.strerror(ctypes.get_errno())}")


def program(name, package):
    for folder in os.environ["PATH"].split(":") + ["/usr/sbin", "/sbin"]:
        if (path := pathlib.Path(folder) / name).exists():
            return str(path)
    raise Skip(f"{name} is not installed ({package})")
