#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A machine short of CPU makes trials slow, and slow is no hang. And many trials cost no more
memory or descriptors than a few. (tests/long/56-load.t does the same for longer.)"""
import contextlib
import math
import os
import re
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from driven import (  # noqa: E402
    cells_of, drive, interpreter, kin, left_behind, send, session_of, start, waitpid)
from forkpoint_test import above, below, diag, done, equal, scratch, slurp  # noqa: E402

SCALE = float(os.environ.get("FORKPOINT_TEST_SCALE", "1"))
CLEAN = ["selftest-noop", "selftest-child-hang", "selftest-window", "fork-held-mutex",
         "fork-lru-list", "fork-atfork-order", "fork-stop-sampler", "finalize-ensure-after",
         "finalize-hammer"]
# Forked children that end well, that crash, and that hang: in each a descriptor could be lost.
CASES = [("selftest-noop", 5000), ("selftest-child-crash", 1000), ("selftest-child-hang", 30),
         ("selftest-child-crash", 100, "--isolation", "exec")]

python = interpreter()


def scaled(number):
    return int(number * SCALE)


def be_busy(parent):
    """Until the test ends, and at most for the time that the load is wanted."""
    try:
        signal.alarm(math.ceil(120 * SCALE))
        while os.getppid() == parent:
            for _ in range(1000000):
                pass
    finally:
        os._exit(0)


def busy_process():
    parent = os.getpid()
    pid = os.fork()
    if pid == 0:
        be_busy(parent)
    return pid


def twins_stay_clean(explore, scenarios, trials):
    json = scratch(f"json.{explore}")
    ran = drive("run", *scenarios, "--twins", "only", "--trials", str(trials), "--python", python,
                "--jobs", "4", "--explore", explore, "--json", json)
    equal(ran.status, 0, f"{explore}: under a load of four times the CPUs, twins stay clean") or \
        diag(ran.err)
    cells = cells_of(slurp(json))
    above(len(cells), len(scenarios) - 1, "all of them")
    for cell in cells:
        # A walk has as many trials as its window asks for.
        many = cell["trials"] if explore == "step" else trials
        equal(cell.get("outcomes"), {"ok": many or 1},
              f"{cell['scenario']} {explore}: no trial of {many} is a hang") or \
            diag(cell.get("said") or "")


def twins_under_load():
    cpus = len(re.findall(r"^processor\s*:", slurp("/proc/cpuinfo"), re.M))
    busy = [busy_process() for _ in range(4 * (cpus or 1))]
    for explore in ("starve", "storm"):
        twins_stay_clean(explore, CLEAN, scaled(25))
    twins_stay_clean("step", ["fork-lru-list", "fork-lru-stdlist"], 1)
    send(signal.SIGKILL, *busy)
    for pid in busy:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def resources(pid):
    """(KiB of memory, descriptors), or None of one that ends: memory goes before descriptors."""
    try:
        fds = len(os.listdir(f"/proc/{pid}/fd"))
    except OSError:
        return None
    rss = re.search(r"^VmRSS:\s+([0-9]+) kB", slurp(f"/proc/{pid}/status"), re.M)
    return (int(rss[1]), fds) if rss else None


def watch(run):
    """Until the run is over: samples of workers and hosts by PID, and the most zombies at once."""
    samples = {}
    zombies = 0
    while True:
        pid, status = waitpid(run.pid)
        if pid:
            run.status = status if pid == run.pid else None
            return samples, zombies
        of = kin(run)
        for one in of.worker + of.zygote:
            got = resources(one)
            if got:
                samples.setdefault(one, []).append(got)
        zombies = max(zombies, sum(p.state == "Z" for p in session_of(run)))
        time.sleep(0.02)


def steady(samples):
    # The first quarter is for what is read once: symbols, caches.
    later = samples[len(samples) // 4:]
    first, last = later[0][0], later[-1][0]
    below(last - first, 1024, f"the resident memory does not grow ({first} to {last} KiB)")
    # Descriptors come and go, by the dozen in a capture; what is lost raises the fewest there are.
    fds = [each[1] for each in later]
    before, after = min(fds[:len(fds) // 2]), min(fds[len(fds) // 2:])
    below(after - before, 2, f"nor the number of descriptors ({before} to {after})")


twins_under_load()
for scenario, trials, *more in CASES:
    run = start("run", scenario, "--trials", str(scaled(trials)), "--twins", "without",
                "--python", python, "--jobs", "1", *more)
    samples, zombies = watch(run)
    equal(run.status, 0, f"{scaled(trials)} trials of {scenario}") or diag(slurp(run.err))
    lives = [each for each in samples.values() if len(each) >= 8]
    above(len(lives), 0 if more else 1, "worker and host could be watched")
    for life in lives:
        steady(life)
    below(zombies, 5, "and zombies do not pile up")
    equal(left_behind(run, 0.5), "", "nothing is left behind")
done()
