#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A core_pattern that is a pipe wakes a program for each crash of the machine. Ours wake nobody,
and are captured all the same. The pattern is the whole machine's, so it is changed for a few
seconds and only if FORKPOINT_TEST_CORE_PATTERN=1 allows it; a second process puts it back if we
die."""
import os
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from driven import cells_of, drive, interpreter, wait_for  # noqa: E402
from forkpoint_test import (  # noqa: E402
    PROGRAM, SCRATCH, above, at, done, equal, ok, scratch, skip_all, slurp, spew)

FILE = "/proc/sys/kernel/core_pattern"

python = interpreter()
if os.environ.get("FORKPOINT_TEST_CORE_PATTERN", "") in ("", "0"):
    skip_all("it changes the machine: FORKPOINT_TEST_CORE_PATTERN=1 allows it")
if not os.access(FILE, os.W_OK):
    skip_all(f"{FILE} cannot be written")


def keep(pattern):
    """A process that puts the pattern back when the descriptor that is returned is closed."""
    read, write = os.pipe()
    pid = os.fork()
    if pid:
        os.close(read)
        return pid, write
    try:
        os.setsid()
        os.close(write)
        os.read(read, 1)
        spew(FILE, pattern)
    finally:
        os._exit(0)


before = slurp(FILE)
taker, taken = scratch("taker"), scratch("taken")
spew(taker, f'#!/bin/sh\necho "$1" >>{taken}\ncat >/dev/null\n')
os.chmod(taker, 0o755)
os.chmod(SCRATCH, 0o755)

keeper, held = keep(before)
spew(FILE, f"|{taker} %p")

# The pattern works: a process that nobody captures is handed over.
subprocess.call(["sh", "-c", "ulimit -c unlimited; kill -SEGV $$"])
works = wait_for(2, lambda: slurp(taken))
if works:
    os.unlink(taken)
ran = drive("run", *(f"selftest-{name}" for name in ("crash", "child-crash", "abort", "kill")),
            "--trials", "5", "--twins", "without", "--python", python, "--json", scratch("json"),
            program=["sh", "-c", 'ulimit -c unlimited; exec "$0" "$@"', PROGRAM])
woken = slurp(taken)
os.close(held)
os.waitpid(keeper, 0)

equal(slurp(FILE), before, "the pattern is what it was")
ok(works, "a pipe is served on this machine")
equal(ran.status, 0, "crashes are what they are")
equal(woken, "", "and none of them woke the pipe")
for cell in cells_of(slurp(scratch("json"))):
    above(len(at(cell, "findings", 0, "frames") or []), 0, f"{cell['scenario']} is captured")
done()
