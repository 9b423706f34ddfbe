#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C and its kin, at whatever moment: all ends within a second, the TAP stream is complete and
says so, finished cells are kept, and nothing is left behind."""
import os
import random
import re
import shlex
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from driven import (  # noqa: E402
    cells_of, finish, interpreter, kin, left_behind, loads_of, send, session_of, start, store,
    succeeds, tap_of, tools_in, wait_for)
from forkpoint_test import below, diag, done, equal, ok, scratch, slurp  # noqa: E402

python = interpreter()

# What the issue demands is a second. A machine whose CPUs others use gives us only a part of it.
LIMIT = 1.0


def to_main(number):
    return lambda run: send(number, run.pid)


def to_all(number):
    return lambda run: send(number, -run.pid)


def interrupted(what, run, moment, *sends):
    """Wait for the moment, send, and look."""
    ok(moment(), f"{what}: the moment has come") or diag(slurp(run.err))
    for one in sends:
        one(run)
    finish(run, 5)
    equal(run.status, 130 << 8, f"{what}: exit status 130")
    below(run.took, LIMIT, f"{what}: it took {run.took:.2f} s")
    equal(left_behind(run, 0.2), "", f"{what}: nothing is left behind")
    tap = tap_of(run.text)
    equal(tap.faults, [], f"{what}: the TAP stream is in order")
    equal(tap.bail, "interrupted", f"{what}: and bails out")
    equal(run.errors, "", f"{what}: there is nothing on stderr")
    return tap


def in_the_middle(what, *sends):
    """Of a run: each signal, to one and to all."""
    json = scratch("cells.json")
    run = start("run", "selftest-noop", "selftest-crash", "selftest-child-hang", "selftest-rare",
                "--trials", "40", "--json", json, "--python", python, "--jobs", "2",
                "--explore", "all")

    def some_cells():
        return wait_for(30, lambda: len(re.findall("^ok ", slurp(run.out), re.M)) >= 3)

    tap = interrupted(what, run, some_cells, *sends)
    cells = cells_of(slurp(json))
    below(len(tap.points), tap.plan or 0, f"{what}: it was not over")
    equal(len(cells), len(tap.points), f"{what}: finished cells are in the JSON file")


in_the_middle("SIGINT to the main process", to_main(signal.SIGINT))
in_the_middle("SIGTERM to the main process", to_main(signal.SIGTERM))
in_the_middle("SIGHUP to the main process", to_main(signal.SIGHUP))
in_the_middle("Ctrl-C at a terminal", to_all(signal.SIGINT))
in_the_middle("Ctrl-C three times", to_main(signal.SIGINT), lambda run: time.sleep(0.03),
              to_all(signal.SIGINT), to_main(signal.SIGINT))


def in_a_control():
    """A cell whose controls are under way is not finished: nothing is said of it."""
    json = scratch("control.json")
    run = start("run", "selftest-child-hang", "--json", json, "--python", python)

    def moment():
        # A second host: the one that is started afresh for the last control.
        return wait_for(20, lambda: len(kin(run).zygote) > 1)

    tap = interrupted("in a control", run, moment, to_main(signal.SIGINT))
    equal([(cell["twin"], cell["controls"]) for cell in cells_of(slurp(json)) if not cell["twin"]],
          [], "in a control: the cell that it is for counts for nothing")
    equal(len(tap.points), slurp(json).count("\n"), "in a control: nor has it a test point")


in_a_control()


def in_a_trial(what, scenario, isolation):
    """While the one trial that there is goes on."""
    run = start("run", scenario, "--trials", "1000000", "--twins", "without", "--python", python,
                "--isolation", isolation, "--explore", "starve")
    level = "zygote" if isolation == "exec" else "subject"

    def moment():
        there = wait_for(20, lambda: getattr(kin(run), level))
        time.sleep(0.1 + random.random() * 0.1 if there else 0)
        return there

    interrupted(f"{what} ({isolation})", run, moment, to_main(signal.SIGINT))


for case in (("a child that hangs", "selftest-child-hang"),
             ("a loop without end", "selftest-spin"),
             ("a subject that is slow", "selftest-slow"),
             ("storms of trials", "selftest-noop"),
             ("threads that are held", "selftest-window"),
             ("crashes", "selftest-crash")):
    for way in ("zygote", "exec"):
        in_a_trial(*case, way)


def under_load(what, path, own):
    """While stress-ng, or what takes its place, saturates the CPUs."""
    run = start("run", "fork-lru-list", "--explore", "storm", "--budget", "2s", "--twins",
                "only", "--python", python, env={"PATH": path})

    interrupted(what, run, lambda: wait_for(20, lambda: loads_of(run, own)),
                to_main(signal.SIGINT))


under_load("a load", os.environ["PATH"], False)
under_load("the load of our own", tools_in(scratch("no-tools")), True)


def in_a_capture():
    """While the driver holds a crashed process."""
    linger = scratch("linger.so")
    ok(succeeds(*shlex.split(os.environ.get("CC") or "cc"), "-shared", "-fPIC", "-o", linger,
                "tests/lib/linger.c"), "a capture can be made to last")
    run = start("run", "selftest-crash", "--twins", "without", "--python", python,
                env={"LD_PRELOAD": linger})

    def held():
        return wait_for(20, lambda: [p for p in session_of(run) if p.state == "t"])

    interrupted("a capture", run, held, to_main(signal.SIGINT))


in_a_capture()


def in_a_build(what, cache, sends):
    """While hosts are built: the compiler ends, too, and no half of a host stays."""
    run = start("run", "selftest-noop", "--python", python, env={"FORKPOINT_CACHE": cache})

    def moment():
        return wait_for(20, lambda: [p for p in session_of(run) if p.name.startswith("cc1")])

    tap = interrupted(f"building hosts ({what})", run, moment, sends)
    equal(len(tap.points), 0, "and there is no cell yet")


new_cache = scratch("cache")
os.mkdir(new_cache)
os.symlink(store(), f"{new_cache}/interpreters")
in_a_build("INT", new_cache, to_main(signal.SIGINT))
in_a_build("group", new_cache, to_all(signal.SIGINT))


def reader_that_stops():
    """A reader that has stopped reading, as a pager does."""
    source, sink = os.pipe()
    names = "abort child-crash kill noop outside promise rare window silent floor".split()
    run = start("run", "selftest-crash", "--trials", "2", "--python", python, "--explore", "all",
                *(f"selftest-{name}" for name in names), before=lambda: os.dup2(sink, 1))

    os.close(sink)
    # 64 KiB is what a pipe holds.
    time.sleep(1.5)
    send(signal.SIGINT, run.pid)
    finish(run, 5)
    below(run.took, LIMIT, "a reader that has stopped does not keep Ctrl-C away")
    equal(left_behind(run, 0.2), "", "and nothing is left behind")
    os.close(source)


reader_that_stops()


def hangup_ignored():
    """nohup means that a hangup is to be ignored."""
    run = start("run", "selftest-crash", "--trials", "300", "--python", python,
                before=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))

    wait_for(10, lambda: kin(run).subject)
    send(signal.SIGHUP, run.pid)
    equal(finish(run, 60), 0, "with SIGHUP ignored (nohup), a hangup ends nothing")


hangup_ignored()
done()
