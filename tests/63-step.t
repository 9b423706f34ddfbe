#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`step` judged by windows of which it is known, to the instruction, where they do harm
(scenarios/selftest_step.c): it finds these points and no others, the same ones each time, with and
without its reduction; it says what it cannot do; and it leaves nothing behind."""
import functools
import json
import os
import re
import shlex
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from driven import (  # noqa: E402
    cells_of, drive, finish, interpreter, kin, left_behind, send, start, succeeds, tap_of, wait_for)
from forkpoint_test import (  # noqa: E402
    above, at, bail_out, below, but_for_key, done, equal, forkpoint, like, none, ok, outcomes,
    run_cells, scratch, skip, slurp, unlike)

python = interpreter()
SOURCE = "scenarios/selftest_step.c"

if os.uname().machine != "x86_64":
    ran = forkpoint("run", "selftest-step-one", "--explore", "step", "--python", python)
    equal(ran.status, 77, "where there is no stepping, all is skipped")
    like(ran.out, r"^ok 1 .* # SKIP there is no single-stepping for this kind of processor",
         "with the reason")
    done()


@functools.lru_cache(maxsize=None)
def walk(name, *more):
    """The cells of one scenario, by whether they are its twin."""
    ran = run_cells(name, "--explore", "step", "--python", python, *more)
    cells = {cell["twin"]: but_for_key(cell) for cell in ran.cells}
    if set(cells) != {False, True} or any(cell["harness_error"] for cell in ran.cells):
        bail_out(f"{name} ended with {ran.status}: {ran.err} {ran.tap}")
    return cells


def bad_of(cell):
    return [part for part in cell["map"] if part["outcome"] != "ok"]


def ranges(parts):
    return [(part["from"], part["to"]) for part in parts]


def line_of(mark):
    lines = slurp(SOURCE).split("\n")
    return next(n for n, line in enumerate(lines, 1) if f"/* HARM: {mark} */" in line)


def is_whole(cell):
    """Each point is in one part of the map, and neighbours differ."""
    edges = [part["from"] for part in cell["map"]] + [cell["points"]]
    return edges[0] == 0 and all(part["to"] + 1 == after
                                 for part, after in zip(cell["map"], edges[1:]))


# Harm is done at these many points, the first of which is before this line's instruction.
PLANTED = {"one": ("one", 1), "stack/before": ("stack", 1), "stack/within": ("stack", 1),
           "late": ("late", 1), "fill": ("fill", 63), "copy": ("copy", 15)}

for scenario, (mark, points) in PLANTED.items():
    what = f"selftest-step-{scenario}"
    cells = walk(what)
    cell, twin = cells[False], cells[True]
    bad = bad_of(cell)

    equal(cell["verdict"], "as-expected", f"{what}: what was planted is found")
    equal(outcomes(cell), "SIGSEGV ok", f"{what}: and not at every point")
    equal([to - first + 1 for first, to in ranges(bad)], [points],
          f"{what}: but at {points}, one behind the other")
    like(at(bad, 0, "source"), rf"(^|/){SOURCE}:{line_of(mark)}$",
         f"{what}: from where it was planted on")
    equal(at(bad, 0, "trust"), "exact", f"{what}: which is named with trust")
    ok(is_whole(cell) and is_whole(twin), f"{what}: the map has each point once")
    equal([one[key] for one in cells.values() for key in ("rate", "rate_upper95")], [None] * 4,
          f"{what}: points are no sample, so there is no rate")
    equal((twin["verdict"], ranges(bad_of(twin))), ("as-expected", []),
          f"{what}: the twin is clean at each point")
    ok(at(cell, "triage", "confirmed") is True, f"{what}: the crash is confirmed")
    equal(at(cell, "controls", "fresh"), {"trials": 1, "same": 1, "expected": 0},
          f"{what}: at that point of a fresh process, too")
    above(cell["points"], cell["forks"] - 1, f"{what}: with no more experiments than points")

# A twin that is not to be reported is walked all the same: some of its points say nothing of others.
alone = run_cells("selftest-step-late", "--explore", "step", "--python", python,
                  "--twins", "without").cells
equal([(cell["twin"], at(cell, "controls", "twin", "trials")) for cell in alone],
      [(False, walk("selftest-step-late")[True]["trials"])], "the twin's whole window is a control")

# What the kernel stores for W: from behind the system call to the store that is planted there.
call = walk("selftest-step-call")[False]
equal(len(bad_of(call)), 1, "what a system call stores is seen")
like(at(bad_of(call), 0, "symbol"), r"uname\+", "from the instruction behind it on")
after = [part for part in call["map"] if part["from"] - 1 == at(bad_of(call), 0, "to")]
above(int((at(after, 0, "source") or ":0").split(":")[-1]), line_of("call"), "up to W's own store")
equal(bad_of(walk("selftest-step-call")[True]), [], "its twin is clean")

# Nothing planted.
clean = walk("selftest-step-clean")[False]
equal((clean["verdict"], ranges(clean["map"])), ("as-expected", [(0, clean["points"] - 1)]),
      "a window in which nothing is ever wrong is clean at each point")
above(clean["forks"], 3, "by a fork before it, and one after each of its three stores")

# A lock that W holds: fork waits, and nobody takes that for a hang.
lock = walk("selftest-step-lock")[False]
equal(outcomes(lock), "ok", "fork waits for a lock that W holds, and all ends well")
equal([part["waits"] for part in lock["map"]], [False, True, False],
      "it is told at which points: in the middle of the window")
like(at(lock, "map", 1, "symbol"), r"^_*pthread_mutex_lock\+", "from where the lock is taken")
like(at(lock, "map", 2, "symbol"), r"unlock|lock_wake", "to where who waits is woken")

# A lock that F holds while it waits for W, which asks for the lock in rounds: neither can go on, and
# no walk goes round with them. Behind the instruction that takes the lock all is well.
rounds = walk("selftest-step-rounds", "--allocator", "default")
equal([(part["outcome"], part["waits"]) for part in rounds[False]["map"]],
      [("hang", True), ("ok", True), ("ok", False)],
      "W and F that wait for each other in rounds hang, up to a point; then F waits, and no more")
like(at(rounds[False], "map", 1, "symbol"), "mutex", "which is where W has got the lock")
ok(rounds[False]["fresh_reason"], "no fork comes through at first, so each point has its subject")
equal(at(rounds[False], "controls", "fresh"), {"trials": 1, "same": 1, "expected": 0},
      "a fresh process hangs there, too")
equal(bad_of(rounds[True]), [], "without the handler all is well at each point")

# A parent's handler that changes a word on each fork: one subject cannot serve all points.
counted = walk("selftest-step-counted")
equal([counted[twin]["fresh_subjects"] for twin in (False, True)], [True, False],
      "a handler that counts forks is noticed, and its twin's is not there")
like(counted[False].get("fresh_reason"),
     r"^a fork does not leave the process as it was: (\S+\+)?0x[0-9a-f]+$",
     "with the place of its word, and no other")
equal(counted[True]["fresh_reason"], None, "of the twin nothing is told")
equal([bad_of(counted[twin]) for twin in (False, True)], [[], []], "both are clean at each point")

# W crashes without F's help: that is no point's doing.
crash = walk("selftest-step-crash")[False]
equal(bad_of(crash), [], "W that crashes by itself spoils no point of a fork")
equal((outcomes(crash), at(crash, "findings", 0, "outcome")), ("SIGSEGV ok", "SIGSEGV"),
      "but it is told")
ok(at(crash, "triage", "confirmed") is not True, "and not confirmed for a race")
late = walk("selftest-step-crash-late")[False]
equal(ranges(bad_of(late)), [(0, late["points"] - 1)],
      "before a finalization it comes to its crash from each point")
for cell in crash, late:
    like(at(cell, "triage", "signature"), r"^v1 SIGSEGV work_crash<", "whose place is known")
    below(cell["points"], 100, "the walk does not go on through the handler of the crash")

vacuous = run_cells("selftest-vacuous", "--explore", "step", "--python", python, "--twins",
                    "without")
equal((vacuous.status, [cell["verdict"] for cell in vacuous.cells]), (1, ["vacuous"]),
      "a window that is never reached is vacuous")
equal(at(vacuous.cells, 0, "points"), 0, "it has no points")


# The reduction, and that the same is found each time. Wheres and whats, as they are in the JSON.
def facts(cell, *keys):
    return json.dumps([cell[key] for key in keys])


SAME = ("map", "points", "verdict")
for scenario in ["fork-lru-list", "fork-lru-stdlist", "selftest-step-clean", "selftest-step-call",
                 "selftest-step-lock", *(f"selftest-step-{name}" for name in PLANTED)]:
    exact, first = walk(scenario, "--exact"), walk(scenario)
    for twin, cell in first.items():
        what = f"{scenario}{' twin' if twin else ''}"
        equal(facts(cell, *SAME), facts(exact[twin], *SAME), f"{what}: --exact finds the same")
        above(exact[twin]["forks"], cell["forks"] - 1, f"{what}: by no fewer experiments")
    walk.cache_clear()
    again = walk(scenario)
    none([f"{name} of {scenario}{' twin' if twin else ''}: {facts(cell, name)} was "
          f"{facts(again[twin], name)}" for twin, cell in first.items()
          for name in ("outcomes", "forks", *SAME) if facts(cell, name) != facts(again[twin], name)],
         f"{scenario}: once more, all is the same to the letter")
below(walk("fork-lru-stdlist")[False]["forks"], 20, "a list's window needs a handful of forks")

# Replay.
for scenario in "selftest-step-one", "selftest-step-copy":
    line = walk(scenario)[False]["replay"]
    ran = forkpoint("replay", line)
    equal(ran.status, 0, f"forkpoint replay {line}")
    like(ran.out, r"^SIGSEGV again, in trial 1$", "has that outcome again, at once")


def elsewhere(line, point, outcome):
    return ":".join([*line.split(":")[:-2], point, outcome])


good = walk("selftest-step-one")[False]["replay"]
ran = forkpoint("replay", "--tries", "3", elsewhere(good, "0", "SIGSEGV"))
equal(ran.status, 1, "at another point there is no such outcome")
like(ran.out, r"^no SIGSEGV in 3 trials", "and that is told")
never = elsewhere(good.replace("step-one", "vacuous"), "0", "ok")
for line, why in [
        (elsewhere(good, "5", "SIGSEGV"), r"window has 5 points here, so there is no point 5\b"),
        (elsewhere(good, "18446744073709551615", "SIGSEGV"),
         r"window has 5 points here, so there is no point 18446744073709551615\b"),
        (elsewhere(never, "1", "ok"), r"W never comes to its window here, so there is no point 1$"),
        (good.replace("selftest-step-one", "fork-stop-cost"),
         r"fork-stop-cost @ \S+ step cannot be repeated: it has no window to walk through")]:
    ran = drive("replay", line)
    equal((ran.status, ran.out), (2, ""), f"no such point: forkpoint replay {line}")
    like(ran.err, rf"\Aforkpoint: [^\n]*{why}[^\n]*\n\Z", "is told")
equal(forkpoint("replay", never).status, 0, "a window that is never reached is not reached again")

# What cannot be walked.
ran = forkpoint("run", "fork-atfork-order", "--explore", "step", "--python", python)
equal(ran.status, 77, "without a window there is nothing to walk")
like(ran.out, r"# SKIP it has no window to walk through: try --explore starve$", "which is told")
unlike(ran.out, r"^(not )?ok(?!.*# SKIP)", "of each cell")


def without(what):
    return [scratch("without"), what, os.environ.get("FORKPOINT", "build/forkpoint")]


def skipped_for(what, reason):
    ran = drive("run", "selftest-step-one", "--explore", "step", "--python", python,
                program=without(what))
    equal((ran.status, ran.err), (77, ""), f"without {what}, step is skipped")
    like(ran.out, rf"^ok 1 .* # SKIP {reason}", "with the reason and what to do")
    return ran.out


def without_others():
    skipped_for("memory", r"no process_vm_readv: .*; a seccomp filter forbids it: \w")
    unlike(skipped_for("tracer", r"no ptrace: .*; without \(process \d+\) traces it already: "
                       r"run forkpoint without it$"), "container|root", "and no false remedy")


def without_ptrace():
    program = without("ptrace")
    json_file = scratch("without.json")
    ran = drive("run", "selftest-step-one", "--explore", "step", "--python", python,
                program=program)
    equal(ran.status, 77, "without ptrace, step is skipped")
    like(ran.out, r"^ok 1 .* # SKIP no ptrace: .*; a seccomp filter forbids it: \w",
         "with the reason and what to do")
    unlike(ran.out, "as root", "and not what would not help")
    like(drive("doctor", program=program).out,
         r"^less +step +no ptrace: .*; lost without: --explore step", "the doctor names it")
    ran = drive("run", "selftest-window", "--python", python, "--json", json_file,
                program=program)
    equal([cell["explore"] for cell in cells_of(slurp(json_file)) if cell["explore"] != "step"],
          ["starve", "starve"], "--explore auto goes on with starve")
    equal(ran.status, 0, "and all is well")


if not succeeds(*shlex.split(os.environ.get("CC") or "cc"), "-o", scratch("without"),
                "tests/lib/without.c"):
    skip("without ptrace", "no compiler")
elif not succeeds(scratch("without"), "ptrace", "true"):
    skip("without ptrace", "no seccomp")
else:
    without_ptrace()
    without_others()


# Interrupted, and killed, in the middle of a walk: of one subject, and of one a point.
def walks_long(scenario):
    return start("run", scenario, "--explore", "step", "--exact", "--python", python,
                 "--twins", "without")


def traced(run):
    """A subject that somebody traces, some time into its walk."""
    def is_traced(pid):
        return any(re.search("^TracerPid:\t[1-9]", slurp(f"/proc/{pid}/task/{tid}/status"), re.M)
                   for tid in tasks(pid))

    return wait_for(20, lambda: any(is_traced(pid) for pid in kin(run).subject))


def tasks(pid):
    try:
        return os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []


for scenario in "fork-held-mutex", "finalize-check-then-ensure/gilstate":
    run = walks_long(scenario)
    ok(traced(run), f"{scenario} is walked")
    send(signal.SIGINT, run.pid)
    finish(run, 5)
    tap = tap_of(run.text)
    equal(run.status, 130 << 8, f"{scenario}, Ctrl-C: exit status 130")
    below(run.took, 1.0, f"{scenario}, Ctrl-C: it ends within a second")
    equal((tap.faults, tap.bail, run.errors), ([], "interrupted", ""),
          f"{scenario}, Ctrl-C: the TAP is in order")
    equal(left_behind(run, 0.2), "", f"{scenario}, Ctrl-C: nothing is left behind")

    run = walks_long(scenario)
    ok(traced(run), f"{scenario} is walked")
    victim = kin(run).worker
    send(signal.SIGKILL, *victim)
    ok(wait_for(1.5, lambda: victim and not kin(run).subject),
       f"{scenario}, worker killed: its subjects end with it")
    equal(finish(run, 30), 3 << 8, f"{scenario}, worker killed: the run tells of it")
    equal(left_behind(run, 0.5), "", f"{scenario}, worker killed: nothing is left behind")

done()
