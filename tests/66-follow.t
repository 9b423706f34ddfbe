#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`step` where F has to wait for W, so that following F saves experiments: by windows of which it
is known, to the instruction, where harm begins or ends (scenarios/selftest_follow.c). Whatever F or
W meets, in whichever way, the map has its border there, as it has with an experiment a point."""
import functools
import json
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from driven import cells_of, finish, interpreter, left_behind, start  # noqa: E402
from forkpoint_test import (  # noqa: E402
    above, at, bail_out, below, done, equal, like, run_cells, scratch, skip_all, slurp)

SOURCE = "scenarios/selftest_follow.c"

if os.uname().machine != "x86_64":
    skip_all("there is no stepping on this machine yet")
python = interpreter()


@functools.lru_cache(maxsize=None)
def walk(name, *more):
    """The cells of one scenario, by whether they are its twin."""
    ran = run_cells(name, "--explore", "step", "--python", python, *more)
    cells = {cell["twin"]: cell for cell in ran.cells}
    if set(cells) != {False, True} or any(cell["harness_error"] for cell in ran.cells):
        bail_out(f"{name} ended with {ran.status}: {ran.err} {ran.tap}")
    return cells


def line_of(mark):
    lines = slurp(SOURCE).split("\n")
    return next(n for n, line in enumerate(lines, 1) if f"/* HARM: {mark} */" in line)


def parts(cell):
    """What two walks must have in common."""
    return json.dumps([[part[key] for key in ("from", "to", "outcome", "symbol")]
                       for part in cell["map"]])


# The outcomes from the window's begin, and of the point at which they change: the mark of its line,
# or the function of libc's in which it is.
HARM_BEGINS, HARM_ENDS = ["ok", "SIGSEGV"], ["SIGSEGV", "ok"]
PLANTED = {
    "seen/stored": (HARM_BEGINS, "stored", "work_seen"),
    "seen/blind": (HARM_BEGINS, "blind", "work_seen"),
    "seen/vdso": (HARM_BEGINS, None, "clock_gettime"),
    "seen/kernel": (HARM_BEGINS, None, "syscall"),
    "seen/rounds": (HARM_BEGINS, "stored", "work_seen"),
    "seen/blindly": (HARM_BEGINS, "stored", "work_seen"),
    "asked/stored": (HARM_ENDS, "asked", "work_asked"),
    "asked/blind": (HARM_ENDS, "asked", "work_asked"),
    "asked/vdso": (HARM_ENDS, "asked", "work_asked"),
    "asked/kernel": (HARM_ENDS, "asked", "work_asked"),
    "asked/unknown": (HARM_ENDS, "asked", "work_asked"),
}

# Of these F's way is not known to its end, so that nothing is saved by it.
UNKNOWN = {"seen/blindly", "asked/blind", "asked/unknown"}

for scenario, (wanted, mark, function) in PLANTED.items():
    what = f"selftest-step-{scenario}"
    cells, exact = walk(what), walk(what, "--exact")
    cell, twin = cells[False], cells[True]

    equal(cell["verdict"], "as-expected", f"{what}: what was planted is found")
    equal([part["outcome"] for part in cell["map"]], wanted, f"{what}: there is one border")
    like(at(cell, "map", 1, "symbol"), rf"^{function}\+", f"{what}: in {function}()")
    if mark:
        like(at(cell, "map", 1, "source"), rf"(^|/){SOURCE}:{line_of(mark)}$",
             f"{what}: where it was planted")
    equal((twin["verdict"], [part["outcome"] for part in twin["map"]]), ("as-expected", ["ok"]),
          f"{what}: the twin is clean at each point")
    ok_controls = at(cell, "controls", "fresh"), at(cell, "triage", "confirmed")
    equal(ok_controls, ({"trials": 1, "same": 1, "expected": 0}, True), f"{what}: the crash is confirmed")
    for is_twin, name in (False, what), (True, f"{what} twin"):
        equal(parts(cells[is_twin]), parts(exact[is_twin]), f"{name}: --exact finds the same")
        equal(exact[is_twin]["forks"], exact[is_twin]["points"],
              f"{name}: by an experiment a point")
        below(cells[is_twin]["forks"], exact[is_twin]["points"], f"{name}: of which some are saved")

# F's way is known to its end, or nobody can say what it meets there.
for name in "seen", "asked":
    for way in (key for key in PLANTED if key.startswith(f"{name}/") and key in UNKNOWN):
        above(walk(f"selftest-step-{way}")[False]["forks"],
              walk(f"selftest-step-{name}/stored")[False]["forks"],
              f"selftest-step-{way}: what F meets there is not known, which costs experiments")

# Nothing in common but the lock: the first experiment shows that F waits, the second one why.
for way in "asleep", "rounds":
    what = f"selftest-step-apart/{way}"
    cells, exact = walk(what), walk(what, "--exact")
    for is_twin, cell in cells.items():
        equal((cell["verdict"], [part["outcome"] for part in cell["map"]]), ("as-expected", ["ok"]),
              f"{what}: clean at each point")
        above(cell["points"], 200, f"{what}: of a long window")
        equal(cell["forks"], 2, f"{what}: by two experiments")
        equal(parts(cell), parts(exact[is_twin]), f"{what}: --exact finds the same")

# W's way is another one each time, so points are none that another walk meets.
ran = run_cells("selftest-step-chance", "--explore", "step", "--python", python)
equal((ran.status, len(ran.cells)), (3, 2), "a way that is chance is not called clean")
for cell in ran.cells:
    like(cell["harness_error"], "depends on chance", "but told")

# In a session of its own, to see that nothing is left.
json_file = scratch("cells.json")
run = start("run", "selftest-step-seen/rounds", "selftest-step-apart/rounds", "--explore", "step",
            "--python", python, "--json", json_file)
equal(finish(run, 60), 0, "all of F's ways of waiting are gone through")
equal([cell["verdict"] for cell in cells_of(slurp(json_file))], ["as-expected"] * 4,
      "as they were before")
equal(left_behind(run, 0.5), "", "nothing is left behind")

done()
