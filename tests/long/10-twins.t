#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Every fix held against 1,000 trials: none ends in anything but ok, which bounds its rate of
# failure at 0.3 % on this machine. (tests/60-matrix.t does 50.) By `starve`, which makes as many
# trials as it is told; `step` makes those that a window asks for (tests/long/11-step.t).
# FORKPOINT_TWIN_TRIALS: another number.
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import above, diag, done, equal, ok, pythons, run_cells, skip_all  # noqa: E402

trials = int(os.environ.get("FORKPOINT_TWIN_TRIALS", "1000"))
here = pythons()
if not here:
    skip_all("no interpreter is here: make pythons")

ran = run_cells("--twins", "only", "--explore", "starve", "--trials", str(trials))
equal(ran.status, 0, "every twin is as expected") or diag(ran.err)
ok(len(ran.cells) >= 20 * len(here), "there are at least 20 on each interpreter")
for cell in ran.cells:
    good = cell["outcomes"].get("ok", 0)
    equal((good, cell["trials"]), (trials, trials), f"{cell['scenario']} on {cell['python']}: ok") \
        or diag(f"{cell['outcomes']} {cell['replay']}")
    above(cell["hits"], 0, "and met")

done()
