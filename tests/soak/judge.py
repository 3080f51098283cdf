# SPDX-License-Identifier: MIT
"""From series of figures to verdicts; no clock, no files. A machine that does other things, too, makes figures jump, so
that everything here is a median of something."""

import random
from statistics import median

PASSED, FAILED, OPEN = "passed", "FAILED", "not judged"
MIB = 1 << 20


def slope(points):
    """The median of the slopes between all pairs of points (Theil and Sen): a quarter of them may lie anywhere."""
    points = points[:: max(1, len(points) // 400)]
    slopes = [
        (later[1] - earlier[1]) / (later[0] - earlier[0])
        for place, earlier in enumerate(points)
        for later in points[place + 1 :]
        if later[0] > earlier[0]
    ]
    return median(slopes) if slopes else 0.0


def drift(values):
    """By how much the last third lies above the first one, as a share, and the ends of a 90 % interval for that, from
    drawing the thirds again; None if there are too few."""
    size = len(values) // 3
    if size < 3:
        return None
    first, last = values[:size], values[-size:]
    chance = random.Random(1)
    again = sorted(
        median(chance.choices(last, k=size)) / median(chance.choices(first, k=size)) - 1 for _ in range(2000)
    )
    return median(last) / median(first) - 1, again[100], again[-101]


def growth(points):
    """From the first tenth to the last one: a staircase of few steps has a slope of 0, and is seen here."""
    size = max(1, len(points) // 10)
    return median(value for _, value in points[-size:]) - median(value for _, value in points[:size]) if points else 0.0


def gate(name, where, value, limit, verdict, note=""):
    return {"gate": name, "server": where, "value": value, "limit": limit, "verdict": verdict, "note": note}


def judge_slope(where, points, limit, seconds_wanted):
    """Of [(seconds, bytes)] behind the warm-up, in MiB an hour."""
    found = slope(points) * 3600 / MIB
    seconds = points[-1][0] - points[0][0] if points else 0
    verdict = PASSED if found < limit else FAILED
    grown = f"{growth(points) / MIB:+.2f} MiB from their first tenth to the last"
    note = f"over {seconds / 60:.0f} min behind the warm-up; {grown}"
    if seconds < seconds_wanted:
        verdict, note = OPEN, f"{note}; {seconds_wanted / 60:.0f} are wanted"
    return gate("RSS slope", where, f"{found:+.3f} MiB/h", f"< {limit:g} MiB/h", verdict, note)


def judge_drift(where, ratios, limit, is_long_enough):
    """Of p99 as a multiple of the measure's, window by window."""
    found = drift(ratios)
    if found is None:
        note = f"{len(ratios)} windows behind the warm-up; 9 are wanted"
        return gate("p99 drift", where, "", f"< {limit:.0%}", OPEN, note)
    estimate, low, high = found
    note = f"beside a fresh server, {len(ratios)} windows; 90 % interval {low:+.0%} to {high:+.0%}"
    verdict = PASSED
    if not is_long_enough:
        verdict, note = OPEN, note + "; the run is too short"
    elif estimate >= limit and low > 0:
        verdict = FAILED
    elif estimate >= limit:
        verdict, note = OPEN, note + "; the machine was too restless to tell"
    return gate("p99 drift", where, f"{estimate:+.1%}", f"< {limit:.0%}", verdict, note)


def judge_rest(where, baseline, rest):
    """Descriptors, timers and all else that has to be as it was."""
    return [
        judge_count(f"{name.replace('_', ' ')} at rest", where, rest[name], before) for name, before in baseline.items()
    ]


def judge_count(name, where, count, limit=0, note=""):
    return gate(name, where, count, f"<= {limit}", PASSED if count <= limit else FAILED, note)


def summary(gates):
    """(exit code, a sentence)"""
    failed = [each for each in gates if each["verdict"] == FAILED]
    left = [each for each in gates if each["verdict"] == OPEN]
    if failed:
        return 1, f"FAILED: {names(failed)}"
    return 0, f"passed, but not judged: {names(left)}" if left else "passed"


def names(gates):
    return ", ".join(f"{each['gate']} ({each['server']})" for each in gates)
