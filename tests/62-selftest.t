#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The harness judged by scenarios that do one known thing each: scenarios/selftest.c. They say what
# happens to a crash, a hang, a loop, silence, and a window that is never met.
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import (  # noqa: E402
    above, at, bail_out, below, done, equal, forkpoint, like, ok, outcomes, pythons, run_cells,
    skip_all, unlike)

here = pythons()
if not here:
    skip_all("no interpreter is here: make pythons")
# The harness's own doings do not depend on the release; the newest has most in its way.
python = here[-1]


def run_one(name, *more):
    """The one cell, the exit status, the TAP."""
    ran = run_cells(f"selftest-{name}", "--python", python, "--twins", "without", *more)
    if len(ran.cells) != 1:
        bail_out(f"selftest-{name} ended with {ran.status}: {ran.err}")
    return ran.cells[0], ran.status, ran.tap


def cell_of(name, *more):
    return run_one(name, *more)[0]


def picked(mapping, *keys):
    return [at(mapping, key) for key in keys]


# What fails must fail, in the verdict, the TAP and the exit status.
for name, verdict, why in [
        ("vacuous", "vacuous", r"never began inside the window"),
        ("promise", "unexpected", r"only SIGSEGV is expected"),
        ("floor", "unexpected", r"at least 0\.02 of the hits; 149 hits")]:
    cell, status, tap = run_one(name, "--budget", "60s")
    equal(status, 1, f"selftest-{name} ends with 1")
    equal(cell["verdict"], verdict, f"it is {verdict}")
    like(cell["reason"], why, "and says why")
    like(tap, rf"^not ok 1 - selftest-{name} ", "it is no ok in the TAP either")
    equal(outcomes(cell), "ok", "though nothing bad was seen")

# A crash in one trial of twenty, drawn from the seed: 150 trials without are one run in 2,200.
rare, status, tap = run_one("rare", "--seed", "42", "--budget", "60s")
equal(status, 0, "a rare crash that is expected passes")
equal(rare["verdict"], "as-expected", "once it is seen")
above(rare["rate_upper95"] or 0, rare["rate"] or 0, "its rate has a bound above it")
again = cell_of("rare", "--seed", "42", "--budget", "60s")
equal(picked(again, "trials", "outcomes", "replay"), picked(rare, "trials", "outcomes", "replay"),
      "the same seed gives the same trials")
short = cell_of("rare", "--seed", "42", "--trials", "2")
equal(short["verdict"], "not-seen", "two trials do not meet it: not seen is no failure")
like(short["reason"], r"its rate is below 0\.78 at 95 %", "it is told with its bound")

# A budget is for what may go well. What is to crash and has not gets eight of them.
awaited = cell_of("awaited", "--budget", "50ms")
equal(awaited["verdict"], "not-seen", "a crash that never comes is not seen")
above(awaited["seconds"], 0.39, "after eight budgets")

# The controls: a crash of the window's own, and one that has nothing to do with it.
window = cell_of("window")
equal((at(window, "triage", "confirmed"), at(window, "triage", "confirmation")),
      (True, "confirmed"), "a crash inside the window only is confirmed")
quiet = at(window, "controls", "quiet")
equal(picked(quiet, "trials", "bad"), [3, 0], "the quiet control is clean")
outside = cell_of("outside")
equal((at(outside, "triage", "confirmed"), at(outside, "triage", "confirmation")),
      (False, "contradicted"), "a crash that happens without the race is not")
equal(at(outside, "controls", "quiet", "bad"), 3, "the quiet control has refuted it")

# Slow, busy, silent, stopped, stuck: different things.
slow = cell_of("slow", "--trials", "1")
equal(outcomes(slow), "ok", "a subject that takes three seconds and moves is no hang")
above(slow["seconds"], 2.9, "it was let be")
spin = cell_of("spin", "--trials", "1")
equal(outcomes(spin), "timeout", "one that only burns CPU is a timeout")
like(spin["said"], r"CPU used and nothing moved", "and no hang")
equal(at(spin, "triage", "pattern"), "recursion-or-loop", "known for a loop")
like(at(spin, "triage", "detail"), r"runs without end in spin\b", "which is said to run")
like(at(spin, "triage", "signature"), r"\Av1 spin spin<", "with a signature that is no hang's")
for isolation in "zygote", "exec":
    stop = cell_of("stop", "--trials", "1", "--isolation", isolation)
    equal(outcomes(stop), "timeout", f"one that was stopped ({isolation}) is a timeout")
    like(stop["said"], r"stopped by a signal", "for a reason of its own")
    below(stop["seconds"], 20, "and not waited for until its time is over")
    like(at(stop, "triage", "detail"), r"stopped by a signal in stop_itself\b", "it is told where")
    like(at(stop, "triage", "signature"), r"\Av1 stopped stop_itself<", "and is no hang, either")
silent = cell_of("silent")
equal(outcomes(silent), "wrong", "one that ends without a word is wrong")
like(silent["said"], r"without a word \(exit status 0\)", "whatever its exit status")
words = cell_of("words")
equal(outcomes(words), "wrong", "of several words the worst counts, though it is not the first")
equal(words["said"], "the worst", "and of two as bad the first")
hang = cell_of("hang", "--trials", "2")
equal(outcomes(hang), "hang", "one that waits for its own lock is a hang")
equal(at(hang, "triage", "pattern"), "lock-order", "and known for one")
frames = at(hang, "findings", 0, "frames") or []
locks = [frame for frame in frames if "lock" in (frame.get("function") or "")]
above(len(locks), 0, "its stack shows where")

# Signals: what was raised by whom, and what was said before.
crash = cell_of("crash")
equal(outcomes(crash), "SIGSEGV", "a null pointer is SIGSEGV")
fault = at(crash, "findings", 0)
equal(at(fault, "si_code"), 1, "a fault has si_code SEGV_MAPERR")
equal(at(fault, "address"), 16, "and its address")
equal(at(fault, "frames", 0, "function"), "fault", "its stack begins where it happened")
kill = cell_of("kill")
equal(outcomes(kill), "SIGSEGV", "a signal that was sent is the same outcome")
equal(at(kill, "findings", 0, "si_code"), 0, "but has si_code SI_USER")
found = at(kill, "findings", 0)
ok(found and found.get("address") is None, "and no address")
abort = cell_of("abort")
equal(outcomes(abort), "SIGABRT", "abort is SIGABRT")
equal(at(abort, "findings", 0, "si_code"), -6, "with si_code SI_TKILL")
equal(at(abort, "findings", 0, "message"), "selftest: these words come before the abort\n",
      "and the message before it")

# A limit of the harness's own, and the same signal for another reason.
for isolation in "zygote", "exec":
    flood = cell_of("flood/output", "--isolation", isolation)
    equal(outcomes(flood), "wrong", f"to print without end ({isolation}) is wrong, and no crash")
    like(flood["said"], r"wrote more than 16 MiB to its output", "and said in these words")
other = cell_of("flood/other")
equal(outcomes(other), "SIGXFSZ", "a SIGXFSZ that is not about its output is a crash")

# A host that its subject kills is no host that was built badly.
lost, status, tap = run_one("parricide", "--trials", "1")
equal(status, 3, "a subject that kills its host is the harness's failure")
like(lost["harness_error"], r"the host \S+ died while its subject ran: SIGKILL: .*killed its parent",
     "it is told how the host died, and who may have done it")
like(lost["harness_error"], r"\(in trial 0\)$", "and in which trial")
unlike(lost["harness_error"], r"build|doctor", "to build it again is not advised")

# The child's death is the trial's, and known for the child's.
child = cell_of("child-crash")
equal(outcomes(child), "SIGSEGV", "a forked child's crash is the trial's outcome")
equal(picked(at(child, "triage"), "pattern", "confidence"), ["fork-safety", "low"],
      "and may be the fork's, of which nothing tells but that it is a child")
like(at(child, "triage", "detail"), r"\Aa forked child crashed in fault$", "no more is said")
child_hang = cell_of("child-hang", "--trials", "2")
equal(outcomes(child_hang), "hang", "a forked child's hang is the trial's outcome")
names = [at(child_hang, "triage", "pattern"), *(at(child_hang, "triage", "also") or [])]
ok("lock-order" in names and "fork-safety" not in names,
   "and is that of one who waits for itself: no fork is blamed for it")

# Hidden: none of this is in the matrix unless it is named.
unlike(forkpoint("run", "--dry-run").out, r"selftest", "the matrix itself has none of them")

done()
