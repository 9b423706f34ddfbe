#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""SIGKILL, which nobody can prepare for, to each kind of process of a run. What is below it ends
with it; what is above goes on, and says what was lost."""
import os
import random
import re
import signal
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from driven import (  # noqa: E402
    cells_of, finish, interpreter, kin, left_behind, loads_of, ppid_of, send, session_of, start,
    tap_of, tools_in, wait_for, waitpid)
from forkpoint_test import at, below, done, equal, like, ok, scratch, slurp  # noqa: E402

python = interpreter()
ON = ("--twins", "without", "--python", python)


def kill_main(what, isolation, *args):
    """The main process: all is gone within about a second."""
    run = start("run", *args, *ON, "--isolation", isolation)
    level = "zygote" if isolation == "exec" else "subject"

    ok(wait_for(20, lambda: getattr(kin(run), level)), f"{what} ({isolation}) runs")
    time.sleep(0.05 + random.random() * 0.1)
    send(signal.SIGKILL, run.pid)
    finish(run, 5)
    equal(left_behind(run, 1.5), "",
          f"{what} ({isolation}): a killed main process takes all along")


# A trial for ever: in each, processes are where a kill may leave something behind.
for case in (("a child that hangs", "selftest-child-hang", "--trials", "1000000"),
             ("a child that waits for a lock", "fork-held-mutex", "--trials", "1000000"),
             ("a loop without end", "selftest-spin", "--trials", "1000000"),
             ("trials in quick succession", "selftest-child-crash", "--trials", "1000000"),
             ("a storm", "fork-lru-list", "--explore", "storm", "--budget", "60s")):
    for way in ("zygote", "exec"):
        kill_main(case[0], way, *case[1:])


def kill_while_looking():
    """For interpreters, which scripts do, and programs that they ask."""
    slow = scratch("slow")
    os.mkdir(slow)
    with open(f"{slow}/uv", "w", encoding="utf-8") as uv:
        uv.write("#!/bin/sh\nexec sleep 60\n")
    os.chmod(f"{slow}/uv", 0o755)
    run = start("pythons", env={"PATH": f"{slow}:{os.environ['PATH']}",
                                "FORKPOINT_CACHE": scratch("new")})

    ok(wait_for(20, lambda: [p for p in session_of(run) if p.name == "sleep"]),
       "a script asks a program that does not answer")
    send(signal.SIGKILL, run.pid)
    finish(run, 5)
    equal(left_behind(run, 1.5), "", "a killed main process takes both along")


kill_while_looking()


def kill_under_load(what, victim, path, own):
    """While a load runs, of stress-ng and of our own.

    Half of the budget is a load's, or what the trials before it leave of that: a twin's take
    milliseconds, while one that hangs may take it all.
    """
    run = start("run", "fork-lru-list", "--explore", "storm", "--budget", "2s", "--twins", "only",
                "--python", python, env={"PATH": path})

    def ended():
        return not [p for p in session_of(run) if p.state == "R" and p.pid == load[0].pid]

    load = wait_for(20, lambda: loads_of(run, own))
    ok(load, f"{what} is there")
    send(signal.SIGKILL, *getattr(kin(run), victim))
    if victim == "worker":
        ok(load and wait_for(1.5, ended), f"{what} ends with its worker")
        equal(finish(run, 30), 3 << 8, "and the run tells of it")
    else:
        finish(run, 5)
    equal(left_behind(run, 1.5), "", f"a killed {victim} takes {what} along")


for one in ("main", "worker"):
    kill_under_load("a load", one, os.environ["PATH"], False)
without_stress = tools_in(scratch("bin"))
for one in ("main", "worker"):
    kill_under_load("the load of our own", one, without_stress, True)


def kill_at_work(victim, why, number=signal.SIGKILL):
    """Its unit is lost, and told; the rest of the run goes on. Half-way, so that a cell is done."""
    json = scratch(f"json.{victim}")
    run = start("run", "selftest-noop", "selftest-slow", "selftest-silent", "--trials", "1",
                "--json", json, "--jobs", "1", *ON)

    ok(wait_for(20, lambda: slurp(json).count("\n") == 1 and kin(run).subject),
       f"a slow trial runs, to lose its {victim}")
    send(number, *getattr(kin(run), victim))
    equal(finish(run, 60), 3 << 8, f"a killed {victim}: the exit status tells of the harness")
    tap = tap_of(run.text)
    equal(tap.faults, [], f"a killed {victim}: the TAP stream is complete")
    equal(tap.bail, None, f"a killed {victim}: and does not bail out")
    cells = cells_of(slurp(json))
    broken = [cell for cell in cells if cell.get("harness_error") is not None]
    equal(len(cells), 3, f"a killed {victim}: each cell has a result")
    equal([cell["scenario"] for cell in broken], ["selftest-slow"],
          f"a killed {victim}: it costs its own cell only")
    like(at(broken, 0, "harness_error"), why, f"a killed {victim}: and says how")
    equal(left_behind(run, 0.5), "", f"a killed {victim}: nothing is left behind")


kill_at_work("worker", r"the worker died \(signal 9\): its unit is lost, the others are not")
kill_at_work("worker", r"somebody ended the worker \(SIGTERM or SIGHUP\): its unit is lost, the others",
             signal.SIGTERM)
kill_at_work("zygote", r"the host \S+ died while its subject ran: SIGKILL: .*\w")


def kill_beside_others():
    """A worker that is killed leaves hosts and subjects, which end although the run goes on."""
    run = start("run", "selftest-spin", "selftest-slow", "--trials", "1", "--jobs", "2", *ON)

    def both_at_work():
        now = kin(run)
        return now if len(now.subject) >= 2 and len(now.worker) == 2 else None

    now = wait_for(20, both_at_work) or kin(run)
    above = {zygote: ppid_of(zygote) for zygote in now.zygote}
    victim = next(worker for worker in now.worker if worker in above.values())
    doomed = {victim, *(zygote for zygote in above if above[zygote] == victim)}
    send(signal.SIGKILL, victim)
    ok(wait_for(1.5, lambda: not doomed.intersection(p.pid for p in session_of(run))),
       "worker and host are gone, not even zombies, while the run goes on")
    equal(waitpid(run.pid)[0], 0, "and it does")
    equal(finish(run, 60), 3 << 8, "to its end")
    equal(left_behind(run, 0.5), "", "and leaves nothing")


kill_beside_others()


def kill_subject():
    """An outcome is what happened."""
    json = scratch("json.subject")
    run = start("run", "selftest-slow", "--trials", "1", "--json", json, *ON)

    send(signal.SIGKILL, *(wait_for(20, lambda: kin(run).subject) or []))
    equal(finish(run, 60), 1 << 8, "a subject that somebody killed is no success")
    equal(at(cells_of(slurp(json)), 0, "outcomes"), {"SIGKILL": 1}, "and its outcome says so")


kill_subject()


def kill_idle_worker():
    """Nothing is lost."""
    run = start("run", "selftest-noop", "selftest-slow", "--trials", "1", "--jobs", "2", *ON)

    def idle():
        now = kin(run)
        if len(now.worker) != 2 or not re.search("^ok 1", slurp(run.out), re.M):
            return None
        if not now.subject:
            return None
        busy_zygotes = {ppid_of(subject) for subject in now.subject}
        busy = {ppid_of(zygote) for zygote in now.zygote if zygote in busy_zygotes}
        return next((worker for worker in now.worker if worker not in busy), None)

    victim = wait_for(20, idle)
    ok(victim, "one of two workers has nothing to do")
    if victim:
        send(signal.SIGKILL, victim)
    equal(finish(run, 60), 0, "killing it costs nothing")
    equal(left_behind(run, 0.5), "", "and leaves nothing")


kill_idle_worker()


def stop_host():
    """A host that is stopped is no reason to wait for ever, nor for Ctrl-C to be lost."""
    run = start("run", "selftest-slow", "--trials", "1", *ON)

    wait_for(20, lambda: kin(run).subject)
    send(signal.SIGSTOP, *kin(run).zygote)
    send(signal.SIGINT, run.pid)
    equal(finish(run, 5), 130 << 8, "Ctrl-C ends a run whose host is stopped")
    below(run.took, 1, "within a second")
    equal(left_behind(run, 1), "", "and leaves nothing")


stop_host()
done()
