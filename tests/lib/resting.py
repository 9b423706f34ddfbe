# SPDX-License-Identifier: Apache-2.0
"""Threads of other processes that have come to where a test wants them, by what the kernel says.

A process that has told that it is there still has to go on to where it waits; under load that takes
its time. Each of these waits until it is so, and ends the test where it never is.
"""
import os
import time

from forkpoint_test import bail_out

LIMIT = 60
CALLS = {
    "x86_64": {"read": "0", "futex": "202", "clock_nanosleep": "230", "wait4": "61"},
    "aarch64": {"read": "63", "futex": "98", "clock_nanosleep": "115", "wait4": "260"},
}[os.uname().machine]
# No thread spends so much on its way from a lock to what it does then.
RUNS_NS = 20_000_000


def call_of(tid):
    """The system call that a thread waits in, and its arguments; of one that runs, neither."""
    try:
        with open(f"/proc/{tid}/syscall", encoding="ascii") as call:
            return call.read().split()
    except OSError:
        return ["gone"]


def is_in(tid, call, timed=None):
    """timed: of a futex, with a time limit or without; for the GIL a thread waits with one."""
    words = call_of(tid)
    return words[0] == CALLS[call] and timed in (None, words[4] != "0x0")


def is_at_rest(tid):
    """In a call that nobody but others can end."""
    return is_in(tid, "read") or is_in(tid, "futex", timed=False)


def await_that(condition, what):
    end = time.monotonic() + LIMIT
    while not condition():
        if time.monotonic() > end:
            bail_out(f"{what}: it does not come to that")
        time.sleep(0.001)


def await_rest(pid):
    """All its threads read, or wait for a lock that is not the GIL."""
    await_that(lambda: all(map(is_at_rest, os.listdir(f"/proc/{pid}/task"))),
               f"the threads of process {pid} rest")


def await_call(tid, call):
    await_that(lambda: is_in(tid, call), f"thread {tid} is in {call}()")


def time_run(tid):
    with open(f"/proc/{tid}/schedstat", encoding="ascii") as numbers:
        return int(numbers.read().split()[0])


def await_running(tid):
    """It has run since the call, for longer than it takes to leave whatever it has waited for."""
    since = time_run(tid)
    await_that(lambda: time_run(tid) > since + RUNS_NS, f"thread {tid} runs")
