# SPDX-License-Identifier: MIT
"""amalgamate.py --version V [--core] FOLDER: writes FOLDER/hilo.h and FOLDER/hilo.cc.

Everything of net/base, net, ws/core and ws, or with --core of net/base and ws/core alone, in the
order of tools/check/layers.txt: the headers in hilo.h, those that only sources include in front of
the sources in hilo.cc. The same tree gives the same bytes.

One file is one translation unit, so this fails where that would change what the sources mean: a
name that two of them have in their unnamed namespaces, a macro that one of them leaves behind, a
header of hilo.h that includes one of hilo.cc.
"""

import argparse
import collections
import pathlib
import re
import sys

TOP = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(TOP / "tools" / "check"))
from check_layers import read_groups  # noqa: E402

CORE_GROUPS = ["net/base", "ws/core"]
ALL_GROUPS = ["net/base", "net", "ws/core", "ws"]

# Headers that only sources include; all others are there for applications.
INTERNAL = {
    "net/base": "mid_page poison",
    "net": "last_error moment tls_self_signed",
    "ws/core": "processor mask_kernels utf8_kernels http_sink",
    "ws": "client_attempt client_engine client_plan connection_engine credentials dialer dock drain"
    " encoded_message http_connection memory_watch proxy_dialer proxy_preface proxy_tunnel redirect"
    " server_door server_engine tls_errors waiting_upgrade",
}

# Where the Makefile chooses a file, the preprocessor does here.
SEAMS = {
    "net/poller_epoll.cc": "HILO_POLLER_EPOLL",
    "net/poller_kqueue.cc": "HILO_POLLER_KQUEUE",
    "net/poller_poll.cc": "HILO_POLLER_POLL",
    "net/wakeup_eventfd.cc": "HILO_WAKEUP_EVENTFD",
    "net/wakeup_pipe.cc": "HILO_WAKEUP_PIPE",
}
# In front of every include, where alone it counts.
LARGE_NUMBERS = """\
// Machines with 32 bits count seconds beyond 2038 and bytes beyond 2 GB only when told so.
#if defined(__linux__) && defined(__SIZEOF_POINTER__) && __SIZEOF_POINTER__ == 4
#if !defined(_FILE_OFFSET_BITS)
#define _FILE_OFFSET_BITS 64
#endif
#if !defined(_TIME_BITS)
#define _TIME_BITS 64
#endif
#endif

"""
SEAM_CHOICE = """\
// Which of the pollers, and how another thread wakes it. Define one of each to choose by hand.
#if !defined(HILO_POLLER_EPOLL) && !defined(HILO_POLLER_KQUEUE) && !defined(HILO_POLLER_POLL)
#if defined(__linux__)
#define HILO_POLLER_EPOLL 1
#elif defined(__APPLE__) || defined(__FreeBSD__) || defined(__NetBSD__) || defined(__OpenBSD__) || \\
    defined(__DragonFly__)
#define HILO_POLLER_KQUEUE 1
#else
#define HILO_POLLER_POLL 1
#endif
#endif
#if !defined(HILO_WAKEUP_EVENTFD) && !defined(HILO_WAKEUP_PIPE)
#if defined(__linux__)
#define HILO_WAKEUP_EVENTFD 1
#else
#define HILO_WAKEUP_PIPE 1
#endif
#endif
"""

INCLUDE = re.compile(r'\s*#\s*include\s+([<"])([^>"]+)[>"]')


class Part:
    """A file without its first line, its includes of the project and those of the system that stand
    under no condition: the latter are `system`."""

    def __init__(self, path):
        self.path = path
        self.project, self.system, lines, depth = [], [], [], 0
        for line in (TOP / path).read_text().split("\n")[1:]:
            if re.match(r"\s*#\s*if", line):
                depth += 1
            elif re.match(r"\s*#\s*endif", line):
                depth -= 1
            include = INCLUDE.match(line)
            if include and include.group(1) == '"':
                self.project.append(include.group(2))
            elif include and depth == 0 and path not in SEAMS:
                self.system.append(include.group(2))
            elif line != "#pragma once":
                lines.append(line)
        self.text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip("\n")

    def write(self):
        banner = f"// ---- {self.path} "
        condition = SEAMS.get(self.path)
        text = banner + "-" * (100 - len(banner)) + "\n\n"
        text += f"#if defined({condition})\n\n{self.text}\n\n#endif  // {condition}" if condition else self.text
        return text + "\n\n"


def listed(groups, names):
    """The headers and the sources of the groups, in their order."""
    headers, sources = [], []
    for group in names:
        for name in groups[group]["names"]:
            files = [name] if "." in name else [name + ".h", name + ".cc"]
            for file in files:
                # All of hilo is in there, so nothing needs to stand in for a part of it.
                if (TOP / group / file).exists() and not file.endswith("_none.cc"):
                    (headers if file.endswith(".h") else sources).append(f"{group}/{file}")
    return headers, sources


def unnamed_names(text):
    """(namespace, name) of what stands in unnamed namespaces at the beginning of a line."""
    outer = re.search(r"^namespace (hilo[\w:]*) \{", text, re.M)
    for block in re.finditer(r"^namespace \{$(.*?)^\}  // namespace$", text, re.M | re.S):
        for line in block.group(1).split("\n"):
            if not re.match(r"[A-Za-z_\[]", line) or line.startswith(("static_assert", "template", "namespace")):
                continue
            line = re.sub(r"^\[\[.*?\]\] ", "", line)
            name = re.search(r"(\w+)\s*(?:\(|\{|=|;|\[|:(?!:)|$| final)", line)
            if name:
                yield outer.group(1) if outer else "", name.group(1)


def problems_of(public, internal, sources):
    hidden = {part.path for part in internal}
    for part in public:
        for path in part.project:
            if path in hidden:
                yield f"{part.path} includes {path}, which is one of INTERNAL"
    owners = collections.defaultdict(set)
    for part in sources:
        for key in unnamed_names(part.text):
            owners[key].add(part.path)
        defined = re.findall(r"^\s*#\s*define\s+(\w+)", part.text, re.M)
        left = set(defined) - set(re.findall(r"^\s*#\s*undef\s+(\w+)", part.text, re.M))
        if left:
            yield f"{part.path} leaves macros behind: {', '.join(sorted(left))}"
    for (namespace, name), paths in sorted(owners.items()):
        # Of the pollers one is compiled, and of the wakeups.
        seams = {SEAMS[path].rpartition("_")[0] for path in paths if path in SEAMS}
        if len(paths) > 1 and (len(seams) != 1 or not paths <= set(SEAMS)):
            yield f"{namespace}: the name {name} is that of several files: {', '.join(sorted(paths))}"


def includes(parts, known=frozenset()):
    """The system's includes of all parts, once each: C and POSIX first, then C++."""
    names = {name for part in parts for name in part.system} - set(known)
    blocks = [sorted(n for n in names if n.endswith(".h")), sorted(n for n in names if not n.endswith(".h"))]
    return "".join("".join(f"#include <{name}>\n" for name in block) + "\n" for block in blocks if block)


def head(version, core, what):
    license_lines = (TOP / "LICENSE").read_text().strip("\n").split("\n")
    commented = "".join(f"// {line}".rstrip() + "\n" for line in license_lines)
    content = "net/base and ws/core, the protocol without I/O" if core else "net/base, net, ws/core and ws"
    return (
        f"// SPDX-License-Identifier: MIT\n//\n// hilo {version}: {what}\n"
        f"// Made of {content} by `make amalgam`.\n//\n{commented}\n"
    )


def amalgamate(version, core):
    groups = read_groups(TOP / "tools" / "check" / "layers.txt")
    names = CORE_GROUPS if core else ALL_GROUPS
    headers, sources = listed(groups, names)
    inner = {f"{group}/{name}.h" for group in names for name in INTERNAL[group].split()}
    missing = sorted(inner - set(headers))
    public = [Part(path) for path in headers if path not in inner]
    internal = [Part(path) for path in headers if path in inner]
    bodies = [Part(path) for path in sources]
    problems = [f"INTERNAL names {path}, which does not exist" for path in missing]
    problems += problems_of(public, internal, bodies)
    if problems:
        sys.exit("\n".join(problems))

    libraries = "-lcrypto -lz" if core else "-lssl -lcrypto -lz -pthread"
    header = head(version, core, f"the declarations. Compile hilo.cc as C++20 and link with {libraries}.")
    header += f'#pragma once\n\n#define HILO_VERSION "{version}"\n\n' + includes(public)
    header += "".join(part.write() for part in public)
    known = {name for part in public for name in part.system}
    source = head(version, core, "the definitions.") + LARGE_NUMBERS + '#include "hilo.h"\n\n'
    source += includes(internal + bodies, known) + ("" if core else SEAM_CHOICE + "\n")
    source += "".join(part.write() for part in internal + bodies)
    return header.rstrip("\n") + "\n", source.rstrip("\n") + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--version", required=True)
    parser.add_argument("--core", action="store_true", help="net/base and ws/core alone")
    parser.add_argument("folder")
    arguments = parser.parse_args()
    header, source = amalgamate(arguments.version, arguments.core)
    folder = pathlib.Path(arguments.folder)
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in (("hilo.h", header), ("hilo.cc", source)):
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


if __name__ == "__main__":
    main()
