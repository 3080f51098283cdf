# SPDX-License-Identifier: MIT
"""A `hilo serve` that is watched: its memory, descriptors and processor time from /proc, the rest from /metrics."""

import http.client
import os
import pathlib
import re
import signal
import subprocess
import time

from wire import PATIENCE, TLS

TICKS = os.sysconf("SC_CLK_TCK")
WATCHED = {
    "timers": r"hilo_timers (\d+)",
    "http": r'hilo_conns\{state="http"\} (\d+)',
    "open": r'hilo_conns\{state="open"\} (\d+)',
    "closing": r'hilo_conns\{state="closing"\} (\d+)',
    "queued_bytes": r"hilo_sendq_bytes (\d+)",
    "pool_bytes": r"hilo_mem_budget_used_bytes (\d+)",
    "cached_bytes": r"hilo_mem_cached_bytes (\d+)",
    "accepts": r"hilo_accepts_total (\d+)",
    "messages": r"hilo_messages_in_total (\d+)",
    "posts": r"hilo_eio_posts_total (\d+)",
    "sessions_opened": r"hilo_eio_opened_total (\d+)",
    "sessions_closed": r"hilo_eio_closed_total (\d+)",
}
# What is started here hears nothing of the Ctrl-C that ends the soak early.
APART = {"start_new_session": True}
# What has to be again as it was before the first peer came.
BASELINE = ("descriptors", "timers", "http", "open", "closing", "queued_bytes", "pool_bytes")


class Gone(Exception):
    """The server has ended before it was told to, or does not answer."""


def processor_seconds(pid):
    """User and system time of a process, 0 if it is gone."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0.0
    fields = stat.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def machine_busy_seconds():
    """What all processors did, for whomever."""
    numbers = [int(number) for number in pathlib.Path("/proc/stat").read_text().splitlines()[0].split()[1:9]]
    return (sum(numbers) - numbers[3] - numbers[4]) / TICKS


class Served:
    def __init__(self, hilo, tls, log=subprocess.DEVNULL, flags=()):
        command = [hilo, "serve", "--listen", "127.0.0.1:0", *(["--tls-self-signed"] if tls else []), *flags]
        self.tls = tls
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True, **APART)
        line = self.process.stdout.readline().split()
        if len(line) < 3:
            raise Gone(f"{' '.join(command)} does not serve: exit code {self.process.wait()}")
        self.address = line[2]
        self.url = f"{'wss' if tls else 'ws'}://{self.address}"
        # One connection asks each time, so that it is always one descriptor that is its own.
        kind = http.client.HTTPSConnection if tls else http.client.HTTPConnection
        self.asking = kind(self.address, timeout=PATIENCE, **({"context": TLS} if tls else {}))

    def sample(self):
        page = self.metrics()
        sample = {name: int(re.search(f"^{pattern}$", page, re.M).group(1)) for name, pattern in WATCHED.items()}
        folder = pathlib.Path(f"/proc/{self.process.pid}")
        try:
            status = (folder / "status").read_text()
            sample["descriptors"] = len(os.listdir(folder / "fd"))
        except OSError as error:
            raise Gone(f"{self.url} is gone") from error
        for name, field in (("resident_bytes", "VmRSS"), ("anonymous_bytes", "RssAnon")):
            sample[name] = int(re.search(rf"^{field}:\s+(\d+) kB", status, re.M).group(1)) * 1024
        sample["processor_seconds"] = processor_seconds(self.process.pid)
        return sample

    def metrics(self):
        try:
            self.asking.request("GET", "/metrics")
            return self.asking.getresponse().read().decode()
        except (OSError, http.client.HTTPException) as error:
            try:
                raise Gone(f"{self.url} ended with {self.process.wait(5)}") from error
            except subprocess.TimeoutExpired:
                raise Gone(f"{self.url} does not answer: {error}") from error

    def at_rest(self):
        sample = self.sample()
        return {name: sample[name] for name in BASELINE}

    def wait_for_rest(self, baseline, seconds):
        """What is there when nothing is more than it was, or when the time is over."""
        until = time.monotonic() + seconds
        now = self.at_rest()
        while any(now[name] > before for name, before in baseline.items()) and time.monotonic() < until:
            time.sleep(0.5)
            now = self.at_rest()
        return now

    def stop(self):
        """The exit code after SIGTERM; None if it had to be killed."""
        self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            return None
        finally:
            self.asking.close()
            self.process.stdout.close()
