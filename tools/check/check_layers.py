# SPDX-License-Identifier: MIT
"""check_layers.py layers.txt: who includes whom, against the plan.

layers.txt holds groups, which are folders, and the files of each in order:

    [net] uses net/base
    fd address socket poller

A name stands for NAME.h and NAME.cc; a name with its ending stands for that one file, where header
and source belong at different places. A file includes only names that stand before its own in its
group, its own header, and files of the groups that its group uses. A file that is not listed fails,
and so does a name without a file: the list cannot go stale.
"""

import pathlib
import re
import sys

# Only these may be included from outside: the core knows neither system calls nor user-facing text.
CORE_FORBIDDEN = re.compile(
    r"^(sys/|netinet/|arpa/|net/|unistd\.h|poll\.h|fcntl\.h|signal\.h|pthread\.h|time\.h|ctime|chrono|thread"
    r"|mutex|condition_variable|random|iostream|fstream|cstdio|stdio\.h|functional|filesystem)"
)


def read_groups(path):
    groups, current = {}, None
    for number, line in enumerate(pathlib.Path(path).read_text().splitlines(), 1):
        line = line.partition("#")[0].strip()
        if not line:
            continue
        head = re.fullmatch(r"\[([a-z/]+)\](?:\s+uses\s+(.*))?", line)
        if head:
            current = head.group(1)
            groups[current] = {"uses": (head.group(2) or "").split(), "names": []}
            for used in groups[current]["uses"]:
                if used not in groups:
                    sys.exit(f"{path}:{number}: group {used} does not stand above {current}")
        elif current is None:
            sys.exit(f"{path}:{number}: a file outside of any group")
        else:
            groups[current]["names"] += line.split()
    return groups


def position_of(path, names):
    """Where a file stands in its group, or None."""
    for name in (path.name, path.stem):
        if name in names:
            return names.index(name)
    return None


def is_core(path):
    """Of the protocol core: its folder, and its part of the C API."""
    return path.parent == pathlib.Path("ws/core") or path.name.startswith("core_")


def check_file(path, group, groups):
    names = groups[group]["names"]
    position = position_of(path, names)
    if position is None:
        yield f"{path}: not listed in tools/check/layers.txt, group [{group}]"
        return
    for number, line in enumerate(path.read_text().splitlines(), 1):
        match = re.match(r'\s*#\s*include\s+([<"])([^>"]+)[>"]', line)
        if not match:
            continue
        where, included = f"{path}:{number}", pathlib.PurePath(match.group(2))
        if match.group(1) == "<":
            if is_core(path) and CORE_FORBIDDEN.match(match.group(2)):
                yield f"{where}: the protocol core does not include <{included}>"
            continue
        other = str(included.parent)
        if other == group:
            below = position_of(included, names)
            if below is None:
                yield f"{where}: {included} is not listed in group [{group}]"
            elif below > position:
                yield f"{where}: {included.name} stands below {path.stem} in layers.txt"
        elif other not in groups[group]["uses"]:
            yield f"{where}: [{group}] does not use {other}"
        elif is_core(path) and other not in ("ws/core", "net/base"):
            yield f"{where}: the protocol core does not use {other}"


def main():
    groups = read_groups(sys.argv[1])
    problems = []
    for group, content in groups.items():
        folder = pathlib.Path(group)
        files = sorted([*folder.glob("*.h"), *folder.glob("*.cc")])
        for path in files:
            problems += check_file(path, group, groups)
        for name in content["names"]:
            if content["names"].count(name) > 1:
                problems.append(f"{sys.argv[1]}: {name} is listed twice in [{group}]")
            if not any(name in (path.stem, path.name) for path in files):
                problems.append(f"{sys.argv[1]}: {group}/{name} does not exist")
    listed = {pathlib.Path(group) for group in groups}
    for path in sorted([*pathlib.Path("net").rglob("*.cc"), *pathlib.Path("ws").rglob("*.cc"),
                        *pathlib.Path("net").rglob("*.h"), *pathlib.Path("ws").rglob("*.h")]):
        if path.parent not in listed:
            problems.append(f"{path}: its folder is no group of {sys.argv[1]}")
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
