# SPDX-License-Identifier: MIT
"""limits_page: from what `hilo serve --help` prints to ws/LIMITS.md, for docs.py.

The flags are made from the structs, so the page cannot say anything that the program does not.
"""

import re

HEAD = """# Limits

Every bound on what a peer may cost, as it ships: made by `make docs` from `hilo serve --help`, and compared with it by `make check`. A flag is called as the member is: of `ws::Limits` (limits.h), behind `--eio-` of `engineio::Options`, behind `--sio-` of `socketio::Options` and its `PacketLimits`.
"""
TAIL = """
## Bounds without a flag

They protect what no honest peer comes near, so that nothing is gained by moving them. `tests/test_defaults.cc` holds this table to the code.

| Constant | Value | What it bounds |
|---|---|---|
| `method_bytes_max` | 32 | the method of a request |
| `field_count_limit` | 100 | header lines, whatever `--field-count-max` says |
| `origin_bytes_max` | 1024 | an Origin |
| `subprotocols_max` | 32 | subprotocols that a handshake offers |
| `extension_offers_max` | 16 | extensions that it offers |
| `ResponseReader::interim_max` | 8 | answers 1xx that a client skips |
| `redirects_followed_max` | 5 | redirects that a client follows, if told to |
| `proxy_line_bytes_max` | 107 | a PROXY header, version 1 |
| `proxy_header_bytes_max` | 536 | the same, version 2 |
| `Admission::remembered_max` | 4096 | addresses whose connections are counted |
| `TlsTransport::key_updates_max` | 32 | changes of TLS keys in a minute |
| `Stream::reads_per_turn_max` | 32 | receives from one peer before others have their turn |
"""
FLAG = re.compile(r"  (?:-\w, )?(--[\w-]+)(?: (\S+))?(?:  +(.*))?")


def groups(text):
    """[(title, [(flag, value, words)])] of the parts that are about limits."""
    found = []
    for part in re.split(r"\n\n", text):
        title, _, rest = part.partition("\n")
        if not title.startswith("Limits: "):
            continue
        rows = []
        for line in rest.splitlines():
            flag = FLAG.fullmatch(line)
            if flag:
                rows.append([flag.group(1), flag.group(2) or "", flag.group(3) or ""])
            else:
                rows[-1][2] = (rows[-1][2] + " " + line.strip()).strip()
        found.append((title.removeprefix("Limits: "), rows))
    return found


def page(text):
    out = HEAD
    for title, rows in groups(text):
        out += f"\n## {title[0].upper()}{title[1:]}\n\n| Flag | Default | What it bounds |\n|---|---|---|\n"
        for flag, value, words in rows:
            meaning, _, preset = words.rpartition(" [")
            if "|" in value:
                meaning += f" ({value.replace('|', ', ')})"
            out += f"| `{flag}` | {preset.rstrip(']')} | {meaning} |\n"
    return out + TAIL
