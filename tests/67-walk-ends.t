#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""A subject that is killed, stopped or continued while it is walked (scenarios/selftest_ends.c): the
walk ends, says what happened and how far it came, and claims nothing beyond."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from driven import interpreter  # noqa: E402
from forkpoint_test import (  # noqa: E402
    at, done, equal, like, outcomes, run_cells, skip_all, unlike)

if os.uname().machine != "x86_64":
    skip_all("there is no stepping on this machine yet")
python = interpreter()


def walk(variant, *more):
    ran = run_cells(f"selftest-step-ends/{variant}", "--explore", "step", "--python", python,
                    "--allocator", "default", *more)
    return {cell["twin"]: cell for cell in ran.cells}


def last(cell):
    return at(cell["map"], -1)


whole = walk("by-worker")[True]
like(whole["coverage"], rf"^{whole['points']} of {whole['points']} points, .*in this window$",
     "a window that is walked to its end is told as a whole one")

# W's own end is no fork's outcome, and so spoils no point.
ENDS = (("by-worker", "SIGKILL", "ok"), ("by-child", "SIGKILL", "SIGKILL"),
        ("stopped", "timeout", "timeout"))
for variant, outcome, mapped in ENDS:
    for more in (), ("--exact",):
        what = " ".join((variant, *more))
        cell = walk(variant, *more)[False]
        equal((cell["harness_error"], cell["verdict"]), (None, "as-expected"),
              f"{what}: the walk ends, and the harness is not to blame")
        equal(cell["outcomes"].get(outcome), 1, f"{what}: what ended it is told")
        equal(last(cell)["outcome"], mapped, f"{what}: the last point has what its fork came to")
        like(cell["coverage"], rf"^{cell['points']} points, up to where W ",
             f"{what}: which is not said to be all of the window")
        unlike(cell["coverage"], " of |this window", f"{what}: in no part of the sentence")
        equal(cell["points"] < whole["points"], True, f"{what}: and is not")

continued = walk("continued")[False]
equal((outcomes(continued), continued["points"]), ("ok", whole["points"]),
      "a signal that only lets a process go on is no instruction of W's")
done()
