#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The live line: there on a terminal, gone before anything else is printed, absent in a pipe.
import os
import pty
import select
import subprocess
import sys
import tempfile

UNITS = os.environ.get("UNITS", os.path.join(os.environ.get("BUILD", "build"), "tests/unit"))
PROGRAM = os.path.join(UNITS, "progress-demo")
count = 0


def check(good, sentence):
    global count
    count += 1
    print(f"{'ok' if good else 'not ok'} {count} - {sentence}")


def on_terminal(columns="100", **environment):
    """What the demonstration shows on a terminal."""
    parent, child = pty.openpty()
    subprocess.run(["stty", "cols", columns, "rows", "24"], stdin=child, check=True)
    env = {**os.environ, "TERM": "xterm", **environment}
    process = subprocess.Popen([PROGRAM], stdout=child, stderr=child, env=env)
    os.close(child)
    seen = b""
    while True:
        ready, _, _ = select.select([parent], [], [], 10)
        if not ready:
            process.kill()
            break
        try:
            chunk = os.read(parent, 65536)
        except OSError:
            break
        if not chunk:
            break
        seen += chunk
    process.wait()
    os.close(parent)
    return seen.decode()


def screen(text):
    """The lines that remain when a terminal has shown the text."""
    lines, line, column = [], "", 0
    i = 0
    while i < len(text):
        if text.startswith("\033[K", i):
            line = line[:column]
            i += 3
            continue
        char = text[i]
        if char == "\r":
            column = 0
        elif char == "\n":
            lines.append(line.rstrip())
            line, column = "", 0
        else:
            line = line[:column].ljust(column) + char + line[column + 1:]
            column += 1
        i += 1
    return lines + ([line] if line else [])


shown = on_terminal()
check("0/2 cells" in shown, "on a terminal the line is drawn")
check("fork-lru-list @ 3.13.5 starve" in shown, "it tells what runs")
check("1/2 cells · 3 crashes" in shown, "it goes on as cells are finished")
check([l for l in screen(shown) if "cells" in l and not l.startswith("#")] == [],
      "nothing of it stays on the screen")
check(screen(shown)[:2] == ["TAP version 13", "1..2"]
      and [l[:4] for l in screen(shown) if not l.startswith((" ", "#"))][2:] == ["ok 1", "ok 2"],
      "and the TAP lines stand as if it had never been there")
narrow = on_terminal(columns="20")
drawn = [part.split("\033")[0] for part in narrow.split("\r") if "cells" in part.split("\033")[0]
         and "\n" not in part.split("\033")[0]]
check(drawn and max(map(len, drawn)) == 19, "on a narrow terminal it is cut, so that it never wraps")
check("cells ·" not in on_terminal(TERM="dumb"), "a dumb terminal has none")

with tempfile.TemporaryFile() as errors:
    subprocess.run([PROGRAM], stdout=subprocess.DEVNULL, stderr=errors, check=True)
    errors.seek(0)
    check(errors.read() == b"", "where standard error is no terminal there is none")

print(f"1..{count}")
