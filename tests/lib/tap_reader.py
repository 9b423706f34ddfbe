# SPDX-License-Identifier: Apache-2.0
"""TAP with YAML blocks, read as narrowly as consumers do.

prove tells what it makes of a stream, but never what is in the YAML blocks. So they are read here,
by the part of YAMLish that forkpoint writes and no more: whatever is not plainly of that part is a
ValueError, above all what prove's reader would take for something else.
"""
import collections
import re

from forkpoint_test import run, scratch, spew

QUOTED = r'"(?:[^"\\]|\\.)*"'
KEY_LINE = re.compile(rf'({QUOTED}|[^\s":]+):(?: (\S.*))?')
# In a list prove takes this for a map, even within quotes.
LOOKS_LIKE_MAP = re.compile(r"- +\S+ *:( |$)")
ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|.)")
PLAIN_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\"}

Judgement = collections.namedtuple("Judgement", "errors ended skipped_all tests failed skipped")


def unescape(match):
    code = match.group(1)
    if code[0] in "xu":
        return chr(int(code[1:], 16))
    if code not in PLAIN_ESCAPES:
        raise ValueError(f"an escape that prove does not know: \\{code}")
    return PLAIN_ESCAPES[code]


def scalar(text):
    if text in ("~", "{}", "[]"):
        return {"~": None, "{}": {}, "[]": []}[text]
    if re.fullmatch(QUOTED, text):
        return ESCAPE.sub(unescape, text[1:-1])
    if not re.fullmatch(r"-?[0-9][0-9.e+-]*|[A-Za-z][A-Za-z0-9_./+-]*", text):
        raise ValueError(f"neither quoted nor plain: {text}")
    return text


def indent_of(line):
    return len(line) - len(line.lstrip(" "))


def nested(lines, outer):
    """The list or map of the next lines, which are taken away."""
    if not lines or indent_of(lines[0]) <= outer:
        raise ValueError(f"nothing is nested before {lines[:1]}")
    indent = indent_of(lines[0])
    is_list = re.match("-( |$)", lines[0][indent:])
    return list_at(lines, indent) if is_list else map_at(lines, indent)


def next_at(lines, indent):
    """The next line of this indentation, or None where it ends."""
    if not lines or indent_of(lines[0]) < indent:
        return None
    if indent_of(lines[0]) > indent:
        raise ValueError(f"indented too far: {lines[0]}")
    return lines.pop(0)[indent:]


def list_at(lines, indent):
    items = []
    while (line := next_at(lines, indent)) is not None:
        if LOOKS_LIKE_MAP.match(line) or not re.match(r"-( \S|$)", line):
            raise ValueError(f"no item: {line}")
        items.append(scalar(line[2:]) if line != "-" else nested(lines, indent))
    return items


def map_at(lines, indent):
    result = {}
    while (line := next_at(lines, indent)) is not None:
        match = KEY_LINE.fullmatch(line)
        if not match:
            raise ValueError(f"no key and value: {line}")
        key = scalar(match.group(1)) if line.startswith('"') else match.group(1)
        if key in result:
            raise ValueError(f"twice: {key}")
        value = match.group(2)
        result[key] = scalar(value) if value is not None else nested(lines, indent)
    return result


def yaml_of(lines):
    """The map of a block, without its --- and its dots."""
    lines = list(lines)
    result = map_at(lines, 2)
    if lines:
        raise ValueError(f"after the end: {lines[0]}")
    return result


def blocks_of(stream):
    """Test number: the lines of its YAML block."""
    blocks, number, block = {}, None, None
    for line in stream.split("\n"):
        if block is not None:
            if line == "  ...":
                blocks[number], block = block, None
            else:
                block.append(line)
        elif line == "  ---":
            block = []
        elif re.match(r"(not )?ok ", line):
            number = int(re.match(r"(?:not )?ok ([0-9]+)", line).group(1))
    return blocks


def number_in(text, pattern):
    match = re.search(pattern, text)
    return int(match.group(1)) if match else 0


def judged_by_prove(stream):
    """What prove's parser makes of the stream. Strict, it takes a line that it does not know for an
    error; a YAML block that it cannot read is one anyway."""
    spew(scratch("stream.tap"), stream.replace("\n", "\npragma +strict\n", 1))
    status, out, err = run("prove", "--parse", "-e", "cat", scratch("stream.tap"))
    errors = re.search(r"^  Parse errors: .*(?:\n .*)*", out, re.M)
    return Judgement(
        errors=errors.group() if errors else "",
        ended=bool(re.search(r"^Result: (PASS|FAIL|NOTESTS)$", out, re.M)),
        skipped_all=bool(re.search(r"\.\. skipped: ", out)),
        tests=number_in(out, r"Files=1, Tests=([0-9]+),"),
        failed=number_in(out, r"Failed: ([0-9]+)\)"),
        skipped=number_in(out, r"less ([0-9]+) skipped subtest"))
