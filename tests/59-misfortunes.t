#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Ends that are easy to misread: a rare one among many, two deaths in one trial, controls that
tried nothing, naps, tracers, a load that is none, a page that its subject has written over."""
import glob
import os
import re
import shutil
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from driven import (  # noqa: E402
    cells_of, drive, finish, interpreter, loads_of, send, start, store, tools_in, wait_for)
from forkpoint_test import (  # noqa: E402
    at, below, diag, done, equal, like, ok, scratch, slurp, spew, unlike)

python = interpreter()
JSON = scratch("json")
COUNTER = scratch("counter")


def make_tree():
    """Data of the test's own, and a cache for the hosts that are built of it."""
    tree, cache = scratch("tree"), scratch("cache")
    for name in "embed", "scenarios":
        shutil.copytree(name, f"{tree}/{name}")
    os.makedirs(f"{tree}/harness")
    shutil.copytree("harness/base", f"{tree}/harness/base")
    shutil.copy("tests/lib/misfortunes.c", f"{tree}/scenarios")
    names = re.findall(r"^SCENARIO\((\w+),", slurp("tests/lib/misfortunes.c"), re.M)
    with open(f"{tree}/scenarios/list.h", "a", encoding="utf-8") as names_of:
        names_of.write("".join(f"SCENARIO({name})\n" for name in names))
    os.mkdir(cache)
    os.symlink(store(), f"{cache}/interpreters")
    return {"FORKPOINT_DATA": tree, "FORKPOINT_CACHE": cache, "TEST_COUNTER": COUNTER}


ENV = make_tree()


def count_from(number):
    spew(COUNTER, "." * number)


def run(*args, env=None):
    """The run and the cells of the bug."""
    if os.path.exists(JSON):
        os.unlink(JSON)
    count_from(0)
    ran = drive("run", *args, "--python", python, "--json", JSON, env={**ENV, **(env or {})})
    return ran, [cell for cell in cells_of(slurp(JSON)) if not cell["twin"]]


def cell_of(name, *args, **how):
    ran, cells = run(name, *args, "--twins", "without", **how)
    ok(len(cells) == 1, f"{name} has one cell") or diag(ran.out, ran.err)
    return cells[0] if cells else {}


def finding_of(cell, outcome):
    found = [one for one in cell.get("findings") or [] if one["outcome"] == outcome]
    return found[0] if found else {}


def many_kinds():
    cell = cell_of("test-kinds", "--trials", "21")
    equal(at(cell, "outcomes"), {"SIGSEGV": 20, "SIGBUS": 1}, "a SIGBUS after 20 kinds of SIGSEGV")
    equal(at(cell, "verdict"), "unexpected", "is unexpected")
    equal((len(at(cell, "findings") or []), at(cell, "findings_left_out")), (16, 5),
          "there is room for 16 kinds, and what was left out is counted")
    like(at(cell, "replay") or "", r":SIGBUS$", "the unexpected one is the cell's")
    like(at(cell, "triage", "signature") or "", r"\Av1 SIGBUS ", "in its signature, too")
    # The first try of the replay meets the last SIGSEGV, the second one what is looked for.
    count_from(19)
    ran = drive("replay", cell.get("replay") or "", env=ENV)
    like(ran.out, r"\ASIGBUS again, in trial 2\nv1 SIGBUS ", "replay shows what its line is about")


def two_deaths():
    cell = cell_of("test-deaths/term", "--trials", "2")
    equal(at(cell, "outcomes"), {"SIGTERM": 2}, "a child that crashes, its parent ended by SIGTERM")
    term = finding_of(cell, "SIGTERM")
    equal((term.get("frames"), term.get("triage"), term.get("si_code")), (None, None, None),
          "the child's capture is not the parent's")
    like(term.get("degraded") or "", r"no capture", "and that there is none is said")
    cell = cell_of("test-deaths/abort", "--trials", "2")
    equal(at(cell, "outcomes"), {"SIGABRT": 2}, "a child that crashes, and its parent aborts")
    like(at(cell, "triage", "signature") or "", r"\Av1 SIGABRT parent_aborts<",
         "the parent's own crash is captured")
    cell = cell_of("test-deaths/once", "--trials", "2")
    equal(at(cell, "outcomes"), {"SIGTERM": 1, "SIGSEGV": 1}, "then only the child dies")
    like(at(finding_of(cell, "SIGSEGV"), "triage", "signature") or "",
         r"\Av1 SIGSEGV child_faults<", "a capture that was dropped before is taken then")


def controls():
    cell = cell_of("test-empty-twin")
    equal(at(cell, "outcomes"), {"SIGSEGV": 3}, "a crash in the window")
    equal(at(cell, "controls", "twin"), {"trials": 3, "bad": 0, "hits": 0},
          "beside a twin that never enters its window")
    equal((at(cell, "triage", "confirmed"), at(cell, "triage", "confirmation")),
          (None, "not confirmed"), "is not confirmed by that")
    if os.uname().machine == "x86_64":
        ran, cells = run("test-no-entry", "--explore", "step")
        equal((ran.status, at(cells, 0, "verdict"), at(cells, 0, "harness_error")),
              (1, "vacuous", None), "a window that W never enters is vacuous, though F's child dies")
        equal(at(cells, 0, "controls", "fresh"), {"trials": 1, "same": 1, "expected": 0},
              "which it does in a fresh process as well")
        equal((at(cells, 0, "triage", "confirmed"), at(cells, 0, "triage", "confirmation")),
              (False, "contradicted"), "and is no race of that window")
        ran = drive("replay", at(cells, 0, "replay") or "", env=ENV)
        equal((ran.status, ran.err), (0, ""), "its replay line repeats it") or diag(ran.out)
    outside = at(cell_of("test-outside", "--trials", "60", "--explore", "starve"), "controls", "outside")
    ok(outside and outside["trials"] > 0 and outside["bad"] == outside["trials"],
       "trials outside that went wrong without a crash are counted") or diag(str(outside))
    cell = cell_of("test-several/promised")
    equal(at(cell, "outcomes"), {"SIGSEGV": 2, "SIGABRT": 1}, "one defect with two faces")
    equal((at(cell, "controls", "fresh"), at(cell, "triage", "confirmed")),
          ({"trials": 1, "same": 0, "expected": 1}, True),
          "in a fresh process the other one counts apart, and bears it out as well")
    ok(at(finding_of(cell, "SIGABRT"), "triage", "confirmed") is True,
       "and the one that came is confirmed as well")
    cell = cell_of("test-several/other")
    equal(at(cell, "controls", "fresh"), {"trials": 1, "same": 1, "expected": 0},
          "the same is the same")
    ok(at(finding_of(cell, "SIGSEGV"), "triage", "confirmed") is True, "one that came again is")
    ok(finding_of(cell, "SIGABRT").get("triage", {"confirmed": 0})["confirmed"] is None,
       "of one that came once and never again nothing is said")


def naps():
    for variant in "sleep", "futex", "poll":
        cell = cell_of(f"test-nap/{variant}", "--trials", "1")
        equal(at(cell, "outcomes"), {"ok": 1}, f"a {variant} of a second is no hang")
    cell = cell_of("test-nap/pipe", "--trials", "1")
    equal(at(cell, "outcomes"), {"hang": 1}, "a child that reads what nobody writes hangs")
    triage = at(cell, "triage") or {"pattern": "?", "also": []}
    ok("fork-safety" not in [triage["pattern"], *triage["also"]], "which is no lock's fault") or \
        diag(str(triage))


def traced():
    cell = cell_of("test-traced/itself", "--trials", "1")
    equal(at(cell, "outcomes"), {"timeout": 1}, "who is held by a tracer is no hang")
    below(at(cell, "seconds") or 99, 20, "and is not waited for until its time is over")
    like(at(cell, "said") or "", r"its tracer holds it", "it is said why")
    like(at(cell, "degraded") or "", r"process \d+ traces it already", "and why there are no stacks")
    unlike(at(cell, "degraded") or "", r"container|SYS_PTRACE", "without a false remedy")
    unlike(at(cell, "triage", "detail") or "", r"by a signal", "nor a false cause")
    cell = cell_of("test-traced/itself", "--trials", "1", "--isolation", "exec")
    equal(at(cell, "outcomes"), {"timeout": 1}, "nor if the tracer is forkpoint itself")
    like(at(cell, "triage", "detail") or "", r"was held by its tracer in be_traced\b",
         "which can see where")
    cell = cell_of("test-traced/child", "--trials", "1")
    equal(at(cell, "outcomes"), {"timeout": 1}, "a child that was stopped has not ended")


def scribble():
    with subprocess.Popen(["sleep", "100"], start_new_session=True) as victim:
        cell = cell_of("test-scribble", "--trials", "1", env={"TEST_VICTIM": str(victim.pid)})
        like(at(cell, "harness_error") or "", r"died while its subject ran", "a host is killed")
        ok(victim.poll() is None, "whoever a subject names as itself in its page is let live")
        victim.kill()


def dossiers():
    where = scratch("crashes")
    for seed in 1, 1, 2:
        ran, _ = run("selftest-crash", "--twins", "without", "--out", where, "--seed", str(seed))
        equal(ran.status, 0, f"a run with --out and seed {seed}")
    files = sorted(map(os.path.basename, glob.glob(f"{where}/*")))
    equal([re.sub(r".*-SIGSEGV", "", name) for name in files],
          ["-0x1-0-2.txt", "-0x1-0.txt", "-0x2-0.txt"], "each has a file of its own")
    said = {line for name in files for line in slurp(f"{where}/{name}").splitlines()
            if line.startswith(("signature ", "experiment "))}
    equal(sorted(line.split()[:2] for line in said),
          [["experiment", "confirmed"], ["signature", "v1"]], "with what the controls say")


def loads():
    fake = tools_in(scratch("fake"))
    spew(f"{fake}/stress-ng", "#!/bin/sh\n"
         'case $1 in --version) echo "stress-ng, version 9.9 (fake)";; *) exit 1;; esac\n')
    os.chmod(f"{fake}/stress-ng", 0o755)
    cell = cell_of("selftest-vacuous", "--explore", "storm", "--trials", "4", env={"PATH": fake})
    equal(at(cell, "load", "tool"), "built-in spinner", "a stress-ng that ends at once is no load")
    for half in "without", "with":
        equal(at(cell, "load", half), {"trials": 2, "hits": 0, "bad": 0, "rate": None,
                                       "rate_upper95": None}, f"no hit {half} load is no rate")
    if os.path.exists(JSON):
        os.unlink(JSON)
    of = start("run", "selftest-rare", "--explore", "storm", "--twins", "without", "--budget",
               "8s", "--python", python, "--json", JSON,
               env={**ENV, "PATH": tools_in(scratch("none"))})
    load = wait_for(30, lambda: loads_of(of, True))
    send(signal.SIGKILL, *(one.pid for one in load or []))
    status = finish(of)
    equal(status and status >> 8, 3, "a load that is killed is the harness's failure")
    like(at(cells_of(slurp(JSON)), 0, "harness_error") or "", r"the load \(built-in spinner\) .* "
         r"went away", "which says so")


many_kinds()
two_deaths()
controls()
naps()
traced()
scribble()
dossiers()
loads()
done()
