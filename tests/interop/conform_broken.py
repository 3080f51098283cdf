#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""hilo conform against servers that break one rule each: it finds every one of them, by the cases
of the section that the rule stands in, and has nothing to say about the same server without fault.

The cases are made from what `--broken list` prints and run side by side; one line each, `ok NAME`
or `not ok NAME`.
"""

import concurrent.futures
import json
import re
import sys
import traceback

from programs import Serve, equal, run

# How long the tester waits for what a broken server never sends. Too short on a busy machine mostly
# means that more cases fail, of those that are there to fail; but a server that says nothing to an
# announced length in time seems to wait for the rest of it, which is no failure (group 1.5).
ANSWER_WITHIN = "3s"
AT_ONCE = 12  # most of the time is spent waiting
FAULTS_MIN = 80


def faults():
    """(name, section, rule, cases) of each, as `--broken list` prints them."""
    return [line.split("\t") for line in run("serve", "--broken", "list")[1].decode().splitlines()]


def sections(text):
    """ "RFC 6455 §5.4, §7.1.7" as {("6455", "5.4"), ("6455", "7.1.7")}."""
    found, document = set(), ""
    for part in re.findall(r"RFC (\d+)|§([\d.]*\d)", text):
        document = part[0] or document
        if part[1]:
            found.add((document, part[1]))
    return found


def holds(case_section, fault_section):
    """Whether a case answers to the section of the fault, or to one that this is part of."""
    ((document, number),) = sections(fault_section)
    return any(
        document == each and (number + ".").startswith(outer + ".")
        for each, outer in sections(case_section)
    )


def conform(name, cases, within):
    """The JSON report on the server with this fault."""
    picks = [word for each in cases.split() for word in ("--case", each)]
    with Serve("--broken", name) as server:
        done = run("conform", "--timeout", within, "--format", "json", *picks, server.url())
        equal(server.stop(), (0, ""))
    return json.loads(done[1])


def without_fault():
    report = conform("nothing", "*", "20s")
    equal([each["id"] for each in report["results"] if each["verdict"] != "ok"], [])
    if report["cases"] < 1000:
        raise AssertionError(f"only {report['cases']} cases")


def with_fault(name, section, cases):
    report = conform(name, cases, ANSWER_WITHIN)
    bad = [each for each in report["results"] if each["verdict"] in ("failed", "non_strict")]
    if not bad:
        raise AssertionError(f"nothing was found in {report['cases']} cases")
    equal([each["id"] for each in bad if not holds(each["section"], section)], [])


def listed():
    rows = faults()
    equal({len(row) for row in rows}, {4})
    names = [row[0] for row in rows]
    equal((len(set(names)), names[0]), (len(names), "nothing"))
    equal([row for row in rows[1:] if len(sections(row[1])) != 1 or not row[2]], [])
    if len(rows) < FAULTS_MIN:
        raise AssertionError(f"only {len(rows)} faults")


def unknown():
    code, _, errors = run("serve", "--broken", "no-such-rule")
    equal((code, "is no fault" in errors), (2, True))


def tell(name, function):
    try:
        function()
        return f"ok {name}", True
    except Exception:
        return f"not ok {name}\n{traceback.format_exc()}", False


def main():
    plays = [
        ("--broken list names each fault, its rule and its section", listed),
        ("--broken knows no other names", unknown),
        ("the server without fault passes every case", without_fault),
    ]
    for name, section, rule, cases in faults()[1:]:
        title = f"{name} is found: {rule} ({section})"
        plays.append((title, lambda n=name, s=section, c=cases: with_fault(n, s, c)))
    good = True
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for text, passed in pool.map(lambda play: tell(*play), plays):
            print(text, flush=True)
            good = good and passed
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
