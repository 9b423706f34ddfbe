#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGKILL and Ctrl-C at random moments of the whole matrix: whatever was going on, nothing is left
behind within about a second, and who was not killed goes on. FORKPOINT_TEST_SCALE multiplies the
forty rounds; FORKPOINT_TEST_SEED repeats a run's choices, as far as a scheduler allows it."""
import os
import random
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from driven import (  # noqa: E402
    finish, interpreter, kin, left_behind, send, session_of, start, stop, tap_of, wait_for,
    waitpid)
from forkpoint_test import below, diag, done, equal, ok, slurp  # noqa: E402

interpreter()
ROUNDS = int(40 * float(os.environ.get("FORKPOINT_TEST_SCALE", "1")))
SEED = os.environ.get("FORKPOINT_TEST_SEED", str(int(time.time())))
random.seed(SEED)
diag(f"FORKPOINT_TEST_SEED={SEED}")

VICTIMS = ["main", "worker", "zygote", "subject"]
PLANS = [
    ["run", "--budget", "1s"],
    ["run", "--budget", "0.5s", "--isolation", "exec"],
    ["run", "--budget", "0.5s", "--explore", "storm", "fork-lru-list", "finalize-hammer"],
    ["run", "--trials", "5", "selftest-child-hang", "fork-held-mutex", "selftest-spin",
     "fork-stop-sampler", "selftest-abort"],
]


def goes_on(what, run, pid):
    time.sleep(0.5 + random.random())
    equal(waitpid(run.pid)[0], 0, f"{what}: the run goes on") or diag(slurp(run.err))
    equal([p.pid for p in session_of(run) if p.pid == pid], [], f"{what}: and has reaped it")
    send(signal.SIGINT, run.pid)
    finish(run, 5)
    equal(run.status, 130 << 8, f"{what}: and hears Ctrl-C")
    below(run.took, 1, f"{what}: within a second")
    equal(tap_of(run.text).faults, [], f"{what}: with TAP in order")


for number in range(1, ROUNDS + 1):
    victim = VICTIMS[number % len(VICTIMS)]
    args = random.choice(PLANS)
    run = start(*args)
    moment = 0.2 + 6 * random.random()
    what = f"{victim} killed after {moment:.2f} s of {' '.join(args)}"

    time.sleep(moment)
    chosen = wait_for(5, lambda: getattr(kin(run), victim))
    pid = random.choice(chosen) if chosen else None
    if not pid or waitpid(run.pid)[0]:
        ok(True, f"{what}: it was over already")
        stop(run)
        continue
    send(signal.SIGKILL, pid)
    if victim == "main":
        finish(run, 5)
    else:
        goes_on(what, run, pid)
    equal(left_behind(run, 1.5), "", f"{what}: nothing is left behind")
done()
