# SPDX-License-Identifier: MIT
"""The report as one page that needs nothing from elsewhere, in the colours of `hilo bench --html`."""

import math
from html import escape

STYLE = """
:root{color-scheme:light dark;--ink:#222;--paper:#fff;--faint:#ddd;--a:#1f6fb4;--b:#c8501e;--c:#2a8f4a;--d:#8a3fa0;
--e:#a07800;--f:#666}
@media(prefers-color-scheme:dark){:root{--ink:#ddd;--paper:#16181b;--faint:#3a3d42;--a:#6db3f2;--b:#ff9a66;--c:#6fd08c;
--d:#cf9be0;--e:#e0bd55;--f:#aaa}}
body{font:15px/1.45 system-ui,sans-serif;margin:2em auto;max-width:60em;padding:0 1em;color:var(--ink);
background:var(--paper)}
h1{font-size:1.4em}h2{font-size:1.1em;margin-top:2em}table{border-collapse:collapse;display:block;overflow-x:auto}
td,th{padding:.2em 1.2em .2em 0;text-align:left;vertical-align:top}td:nth-child(-n+5){white-space:nowrap}
td.number{text-align:right}th{font-weight:600}
figure{margin:1.5em 0}svg{width:100%;height:auto}svg line{stroke:var(--faint)}svg line.warm{stroke-dasharray:2 4;
stroke:var(--f)}
svg text{fill:var(--ink);font:12px system-ui,sans-serif}polyline{fill:none;stroke-width:1.6}
.dashed{stroke-dasharray:5 4}
.line0{stroke:var(--a)}.line1{stroke:var(--b)}.line2{stroke:var(--c)}.line3{stroke:var(--d)}.line4{stroke:var(--e)}
.line5{stroke:var(--f)}
.legend{margin:.2em 0 0 4.5em}.key{display:inline-block;width:1.6em;border-top:3px solid;vertical-align:middle}
.key.dashed{border-top-style:dashed}.key.line0{border-color:var(--a)}.key.line1{border-color:var(--b)}
.key.line2{border-color:var(--c)}.key.line3{border-color:var(--d)}.key.line4{border-color:var(--e)}
.key.line5{border-color:var(--f)}
.passed{color:var(--c);font-weight:600}.FAILED{color:var(--b);font-weight:600}.not{color:var(--e);font-weight:600}
"""

WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 720, 260, 72, 16, 34, 46


def number(value):
    if value >= 1e6:
        return f"{value / 1e6:.3g}M"
    return f"{value / 1e3:.3g}k" if value >= 1e4 else f"{value:.4g}"


def ticks(least, most):
    """Three to eight round numbers."""
    rough = max((most - least) / 6, 1e-12)
    power = 10 ** math.floor(math.log10(rough))
    step = power * (2 if rough / power < 2 else 5 if rough / power < 5 else 10)
    first = math.ceil(least / step)
    return [place * step for place in range(first, int((most + step / 1e6) // step) + 1)]


def powers(least, most):
    """Those of ten, and 2 and 5 times each."""
    found = [base * 10**power for power in range(-1, 9) for base in (1, 2, 5)]
    return [each for each in found if least * 0.999 <= each <= most * 1.001]


def plot(title, lines, warm=None, logarithmic=False, zero=True):
    """`lines`: (name, colour, dashed, [(minutes, value)]); `warm`: the minute from which on is judged."""
    points = [point for line in lines for point in line[3] if point[1] > 0 or not logarithmic]
    if len(points) < 2:
        return ""
    right = max(x for x, _ in points) or 1
    least, most = min(y for _, y in points), max(y for _, y in points)
    if zero and not logarithmic:
        least = 0
    if most <= least:
        most = least + 1
    scale = math.log10 if logarithmic else float

    def at(x, y):
        share = (scale(y) - scale(least)) / (scale(most) - scale(least))
        return LEFT + x / right * (WIDTH - LEFT - RIGHT), HEIGHT - BOTTOM - share * (HEIGHT - BOTTOM - TOP)

    def line_at(x1, y1, x2, y2, kind=""):
        return f'<line {kind} x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'

    def text_at(x, y, anchor, text):
        return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(text)}</text>'

    out = [f'<figure><svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}">']
    for tick in ticks(0, right):
        x, _ = at(tick, most)
        out += [line_at(x, TOP, x, HEIGHT - BOTTOM), text_at(x, HEIGHT - BOTTOM + 16, "middle", number(tick))]
    for tick in powers(least, most) if logarithmic else ticks(least, most):
        _, y = at(0, tick)
        out += [line_at(LEFT, y, WIDTH - RIGHT, y), text_at(LEFT - 6, y + 4, "end", number(tick))]
    if warm:
        x, _ = at(warm, most)
        out.append(line_at(x, TOP, x, HEIGHT - BOTTOM, 'class="warm"'))
        anchor, beside = ("end", -4) if x > WIDTH * 0.8 else ("start", 4)
        out.append(text_at(x + beside, TOP - 4, anchor, "judged from here"))
    out += [text_at((LEFT + WIDTH) / 2, HEIGHT - 8, "middle", "minutes"), text_at(LEFT - 60, TOP - 12, "start", title)]
    legend = []
    for name, color, dashed, values in lines:
        kind = f"line{color}{' dashed' if dashed else ''}"
        places = " ".join("{:.1f},{:.1f}".format(*at(x, y)) for x, y in values if y > 0 or not logarithmic)
        out.append(f'<polyline class="{kind}" points="{places}"><title>{escape(name)}</title></polyline>')
        legend.append(f'<span class="key {kind}"></span> {escape(name)} &#160; ')
    return "\n".join(out) + f'</svg><p class="legend">{"".join(legend)}</p></figure>\n'


def table(head, rows, numbers=()):
    def cell(place, value):
        kind = ' class="number"' if place in numbers else ""
        if value in ("passed", "FAILED", "not judged"):
            kind = f' class="{value}"'
        return f"<td{kind}>{escape(f'{value:,}' if isinstance(value, int) else str(value))}</td>"

    body = "".join("<tr>" + "".join(cell(*each) for each in enumerate(row)) + "</tr>\n" for row in rows)
    return "<table><tr>" + "".join(f"<th>{escape(name)}</th>" for name in head) + f"</tr>\n{body}</table>\n"


def series(report, server, name, factor=1.0):
    return [(sample["at"] / 60, sample[server][name] * factor) for sample in report["samples"]]


def rates(report, read):
    """Of what only grows: how much of it in a second, between one sample and the next."""
    samples = report["samples"]
    return [
        (later["at"] / 60, (read(later) - read(earlier)) / (later["at"] - earlier["at"]))
        for earlier, later in zip(samples, samples[1:])
    ]


def plots(report):
    warm, servers = report["warm_up_seconds"] / 60, list(report["servers"])

    def of_each(title, name, factor=1.0, **more):
        lines = [(server, color, False, series(report, server, name, factor)) for color, server in enumerate(servers)]
        return plot(title, lines, warm, **more)

    memory, latency = [], {"p50": [], "p99": []}
    for color, server in enumerate(servers):
        for what, name in (("resident_bytes", f"{server} RSS"), ("anonymous_bytes", f"{server} without files")):
            memory.append((name, color, what != "resident_bytes", series(report, server, what, 1 / (1 << 20))))
        windows = [each for each in report["windows"] if each["server"] == server]
        for place, which in enumerate(("p50", "p99", "p50", "p99")):
            name = server if place < 2 else f"{server}, fresh"
            latency[which].append((name, color, place >= 2, [(each["at"] / 60, each["us"][place]) for each in windows]))
    processors = [
        (server, color, False, rates(report, lambda sample, server=server: 100 * sample[server]["processor_seconds"]))
        for color, server in enumerate(servers)
    ]
    beside = rates(report, lambda sample: 100 * (sample["machine_busy_seconds"] - sample["own_seconds"]))
    processors.append(("all of the soak", 2, False, rates(report, lambda sample: 100 * sample["own_seconds"])))
    return "".join((
        plot("Memory, MiB", memory, warm),
        of_each("Descriptors", "descriptors"),
        of_each("Timers", "timers"),
        of_each("Open WebSockets", "open"),
        of_each("Bytes that wait to be sent, KiB", "queued_bytes", 1 / 1024),
        of_each("Free memory that the pools keep, MiB", "cached_bytes", 1 / (1 << 20)),
        plot("p99 of the probes, µs, beside a server just started", latency["p99"], warm, logarithmic=True),
        plot("p50 of the probes, µs", latency["p50"], warm, logarithmic=True),
        plot("Processor time, % of a core", processors, warm),
        plot("What the machine did beside, % of a core", [("others", 5, False, beside)], warm),
    ))


def html(report):
    gates = [[each[key] for key in ("gate", "server", "value", "limit", "verdict", "note")] for each in report["gates"]]
    rows = sorted(report["bad"].items(), key=lambda item: int(item[0].split()[0]))
    bad = [[name, row["played"], row["odd"], row["first_odd"]] for name, row in rows]
    errors = "".join(f"<li>{escape(error)}</li>" for error in report["errors"][:50])
    title = f"hilo soak, {report['seconds'] / 60:.0f} min: {report['verdict']}"
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width">\n'
        f"<title>hilo soak</title><style>{STYLE}</style></head><body>\n"
        f"<h1>{escape(title)}</h1>\n<p>{escape(report['what'])}</p>\n"
        + table(["gate", "server", "value", "limit", "verdict", ""], gates, (2,))
        + (f"<h2>Errors of the good traffic</h2><ul>{errors}</ul>" if errors else "")
        + plots(report)
        + "<h2>Good traffic</h2>"
        + table(["what", "answered"], sorted(report["good"].items()), (1,))
        + "<h2>Bad peers, by rows of the catalogue</h2>"
        + table(["row", "peers", "answered otherwise", ""], bad, (1, 2))
        + "</body></html>\n"
    )
