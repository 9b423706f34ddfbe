# SPDX-License-Identifier: Apache-2.0
"""Python programs that come to hang on purpose, looked at by `forkpoint stack`.

    with Held(program, TEXT, "deadlock", 2) as held:
        await_futex(held.told[0][0])
        text, look = held.look()

TEXT is a program whose first argument says what it is to do; `told` are the numbers of so many lines
that it writes.
"""
import json
import os
import signal
import subprocess
import time

from forkpoint_test import PROGRAM, diag, equal, run, scratch, spew
from resting import await_that, call_of, is_in


def await_futex(tid):
    """Of a thread that has told that it is about to wait. It stays there: no lock on its way."""
    def stays():
        call = call_of(tid)
        time.sleep(0.05)  # a lock on its way, the GIL's say, is held for less
        return is_in(tid, "futex") and call_of(tid) == call

    await_that(stays, f"thread {tid} waits")


class Held:
    """The process; `within`: a command that it is run by, whose only child it is then."""

    def __init__(self, program, text, name, lines, within=()):
        path = scratch("held.py")
        spew(path, text)
        self.process = subprocess.Popen([*within, program, "-W", "ignore", path, name],
                                        stdout=subprocess.PIPE, start_new_session=True)
        self.told = [[int(word) for word in self.process.stdout.readline().split()]
                     for _ in range(lines)]
        self.pid = self.process.pid
        if within:
            with open(f"/proc/{self.pid}/task/{self.pid}/children", encoding="ascii") as children:
                self.pid = int(children.read())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.communicate()

    def look(self, pid=None):
        pid = str(pid or self.pid)
        text = run(PROGRAM, "stack", pid)
        object = json.loads(run(PROGRAM, "stack", "--json", pid).out)
        equal(text.status, 0, "it is looked at") or diag(text.err)
        return text.out, object


def waits_of(look):
    """What each thread waits for, by its id."""
    return {thread["tid"]: thread["wait"] for thread in look["threads"] if thread["wait"]}
