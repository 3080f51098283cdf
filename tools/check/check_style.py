# SPDX-License-Identifier: MIT
"""check_style.py FILE...: the style rules that clang-format cannot see.

Fails on what breaks a rule; names files over 450 lines without failing, as a question to the reader:
is this still one idea?
"""

import pathlib
import re
import sys

COLUMNS_MAX = 100
FUNCTION_LINES_MAX = 70
FILE_LINES_LISTED = 450
SPDX = "// SPDX-License-Identifier: MIT"

BANNED = {
    r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|alloca)\s*\(": "writes without a limit",
    r"(?<![\w.>:])(std::)?s?rand\s*\(": "is predictable; randomness comes from the entropy seam",
    r"(?<![\w.>:])(std::)?(system|popen)\s*\(": "runs a shell",
    r"\bNULL\b": "is nullptr",
    r"\bstd::regex\b": "is slow and recursive on what a peer sent",
}
BANNED_IN_LIBRARIES = {
    r"\bconst\s+std::string\s*&": "is std::string_view, or Bytes",
    r"\bstd::(cout|cerr|clog)\b": "prints; a library returns values",
    r"(?<![\w.>])(std::)?(printf|puts)\s*\(": "prints; a library returns values",
    r"\bstd::function\b": "allocates and copies; hilo::Callback does not",
    r"\bthrow\b": "throws; errors are values",
}
# Kept out of public headers, because every program that includes them pays.
HEAVY_INCLUDES = {"iostream", "functional", "chrono", "regex", "nlohmann/json.hpp"}

CONTROL = re.compile(r"^(if|for|while|switch|catch|do|else|try|return)\b")
SCOPE = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")


def strip(text):
    """Blanks out comments and literals, keeping every line in its place."""
    pattern = re.compile(
        r'R"(\w*)\(.*?\)\1"|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|(?<![0-9a-fA-F])\'(?:\\.|[^\'\\\n])*\'',
        re.S,
    )

    def blank(match):
        token = match.group(0)
        if token.startswith("/"):
            return "\n" * token.count("\n")
        return '""' + "\n" * token.count("\n")

    return pattern.sub(blank, text)


def functions(code):
    """Yields (first line, last line) of every function body, lambdas within one included."""
    stack = []  # for each open brace: the line it belongs to if it opens a function, or None
    statement, start, line = "", 1, 1
    code = re.sub(r"^\s*#(?:[^\n\\]|\\.|\\\n)*", lambda m: "\n" * m.group(0).count("\n"), code, flags=re.M)
    for character in code:
        if character == "\n":
            line += 1
        if character == "{":
            head = statement.strip()
            inside = any(opened is not None for opened in stack)
            is_function = (
                not inside
                and ")" in head
                and not CONTROL.match(head)
                and not SCOPE.search(head.partition("(")[0])
                and "=" not in head.partition("(")[0].replace("operator=", "").replace("==", "")
            )
            stack.append(start if is_function else None)
            statement = ""
        elif character == "}":
            opened = stack.pop() if stack else None
            if opened is not None:
                yield opened, line
            statement = ""
        elif character == ";":
            statement = ""
        else:
            if not statement.strip() and not character.isspace():
                start = line
            statement += character


def check_includes(path, lines, complain):
    """Own header, then std, then project: three blocks, each sorted."""
    own = f'"{path.with_suffix(".h")}"'
    seen_any = False
    kinds, depth, previous = [], 0, 0
    for number, line in enumerate(lines, 1):
        if re.match(r"\s*#\s*if", line):
            depth += 1
        elif re.match(r"\s*#\s*endif", line):
            depth -= 1
        match = re.match(r'\s*#\s*include\s+(<[^>]+>|"[^"]+")', line)
        if not match or depth > 0:
            continue
        name = match.group(1)
        # A test has no header of its own: what it tests stands in that place.
        tested = not seen_any and name[0] == '"' and path.parts[0] in ("tests", "bench", "fuzz")
        if not seen_any and name != own and path.suffix == ".cc" and path.with_suffix(".h").exists():
            complain(number, f"{own} does not come first, which shows that it compiles alone")
        seen_any = True
        kind = 0 if name == own or tested else 1 if name[0] == "<" else 2
        # The order of system headers may matter, and each system's block stands on its own.
        if kinds and kind < kinds[-1]:
            complain(number, f"{name} stands after a later block (own header, std, project)")
        elif kinds and kind != kinds[-1] and number == previous + 1:
            complain(number, f"{name} begins a new block: leave a blank line before it")
        if name[0] == '"' and ("/" not in name or name.startswith('"..')):
            complain(number, f"{name} is not a path from the top folder")
        kinds.append(kind)
        previous = number


def check(path):
    problems = []

    def complain(number, text):
        problems.append(f"{path}:{number}: {text}")

    text = path.read_text()
    lines = text.split("\n")
    code = strip(text)
    library = path.parts[0] in ("net", "ws")
    header = path.suffix == ".h"

    if lines[0] != SPDX:
        complain(1, f"the first line is not '{SPDX}'")
    if not text.endswith("\n") or text.endswith("\n\n"):
        complain(len(lines), "the file does not end with one newline")
    if not re.fullmatch(r"[a-z0-9_]+", path.stem):
        complain(1, "file names are snake_case")
    # Between clang-format off and on stands a table, as wide and as long as its data.
    table, table_lines = False, set()
    for number, line in enumerate(lines, 1):
        if "clang-format o" in line:
            table = "clang-format off" in line
        if table:
            table_lines.add(number)
        if len(line) > COLUMNS_MAX and not table:
            complain(number, f"{len(line)} columns; {COLUMNS_MAX} is the limit")
        if "\t" in line or line != line.rstrip():
            complain(number, "a tab, or space at the end of the line")
        mark = re.search(r"\b(TODO|FIXME|XXX|HACK)\b(?!\(#\d+\))", line)
        if mark:
            complain(number, f"{mark.group(1)} without an issue number: TODO(#12)")

    rules = dict(BANNED)
    if library:
        rules |= BANNED_IN_LIBRARIES
    code_lines = code.split("\n")
    for number, line in enumerate(code_lines, 1):
        for pattern, reason in rules.items():
            match = re.search(pattern, line)
            if match:
                complain(number, f"'{match.group(0).strip()}' {reason}")
        if header and re.match(r"\s*using\s+namespace\b", line):
            complain(number, "no 'using namespace' in a header")

    if header:
        if not (len(lines) > 2 and lines[1] == "//" and re.match(r"// \S", lines[2])):
            complain(2, "a header opens with a paragraph that says what it is")
        if text.count("\n#pragma once\n") != 1:
            complain(1, "a header has one '#pragma once'")
        if library:
            for number, line in enumerate(lines, 1):
                match = re.match(r"#include <([^>]+)>", line)
                if match and match.group(1) in HEAVY_INCLUDES and path.parts[:2] != ("ws", "socketio"):
                    complain(number, f"<{match.group(1)}> is too heavy for a public header")

    check_includes(path, lines, complain)
    for first, last in functions(code):
        length = sum(number not in table_lines for number in range(first, last + 1))
        if length > FUNCTION_LINES_MAX:
            complain(first, f"a function of {length} lines; {FUNCTION_LINES_MAX} is the limit")
    if len(lines) - 1 > FILE_LINES_LISTED:
        print(f"note: {path} has {len(lines) - 1} lines: one idea?")
    return problems


def main():
    problems = [problem for name in sys.argv[1:] for problem in check(pathlib.Path(name))]
    for problem in problems:
        print(problem)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
