#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The whole matrix, 20 times in a row with another seed each: the same verdicts, no fault of the
# harness, nothing left behind. FORKPOINT_REPEAT and FORKPOINT_REPEAT_BUDGET: how often, and with
# what time a cell.
#
# A crash that chance has not met is another verdict, not-seen, and no exception here.
import collections
import glob
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import (  # noqa: E402
    diag, done, equal, failures, none, ok, outcomes, pythons, run_cells, skip_all, slurp)

times = int(os.environ.get("FORKPOINT_REPEAT", "20"))
budget = os.environ.get("FORKPOINT_REPEAT_BUDGET", "1.5s")
if not pythons():
    skip_all("no interpreter is here: make pythons")

# What we have started, and what that has: known by its environment, for others may run hosts, too.
mark = f"repeat-{os.getpid()}-"
os.environ["FORKPOINT_TEST_MARK"] = mark


def started():
    return [path for path in glob.glob("/proc/[0-9]*")
            if path != f"/proc/{os.getpid()}" and mark in slurp(f"{path}/environ")]


# Met each time, a cell has one outcome; for ever.
MET_EACH_TIME = re.compile("finalize-(ensure|check|restore)|fork-(atfork|held|live|stop)")
verdicts = collections.defaultdict(collections.Counter)
seen = collections.defaultdict(set)
faults = []


def note(turn, cell):
    name = f"{cell['scenario']}{' twin' if cell['twin'] else ''} on {cell['python']}"
    verdict = cell.get("verdict") or "none"
    if cell.get("harness_error"):
        faults.append(f"run {turn}, {name}: {cell['harness_error']}")
    verdicts[name][verdict] += 1
    if MET_EACH_TIME.match(cell["scenario"] or ""):
        seen[name].add(outcomes(cell))


for turn in range(1, times + 1):
    ran = run_cells("--budget", budget, "--seed", str(turn))
    equal(ran.status, 0, f"run {turn} of {times} is as expected") or diag(
        *failures(ran.tap), ran.err)
    for cell in ran.cells:
        note(turn, cell)
    none(started(), "and leaves no process")

none(faults, "the harness never failed")
for name in sorted(verdicts):
    equal(dict(verdicts[name]), {"as-expected": times}, f"{name}: verdict")
    if name in seen:
        ok(len(seen[name]) == 1, f"{name}: outcome") or diag(*sorted(seen[name]))

done()
