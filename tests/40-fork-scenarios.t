#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# What the fork scenarios claim beyond an outcome in a table: that a hang lies in the window and
# nowhere else, that the twin is clean, and what stopping a sampler costs.
# On the oldest and the newest interpreter of this machine.
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import (  # noqa: E402
    above, at, diag, done, equal, failures, ok, outcomes, pythons, run_cells, skip_all)

here = pythons()
if not here:
    skip_all("no interpreter is known: make pythons")
ends = [here[0], here[-1]] if len(here) > 1 else here

specs = [word for python in ends for word in ("--python", python)]
ran = run_cells("fork-held-mutex", "fork-stop-sampler", "fork-atfork-order", "fork-stop-cost",
                *specs, "--budget", "1s")
equal(ran.status, 0, "every cell is as expected") or diag(*failures(ran.tap), ran.err)

bugs = {(c["python"], c["scenario"]): c for c in ran.cells if not c["twin"]}
twins = {(c["python"], c["scenario"]): c for c in ran.cells if c["twin"]}

for python in ends:
    for name in ["fork-held-mutex", "fork-stop-sampler/join", "fork-atfork-order/lock"]:
        bug = bugs.get((python, name), {})
        equal(outcomes(bug), "hang", f"{name} hangs on {python}")
        ok(at(bug, "triage", "confirmed") is True, "and the controls bear it out")
        equal(outcomes(twins.get((python, name), {})), "ok", "its twin does not")

    # A sampler that wakes every 10 ms is waited for 5 ms on average. A loaded machine may add
    # to both, so only half of that is demanded, and that it dwarfs the other.
    stop = (at(bugs, (python, "fork-stop-cost"), "measured_ns") or 0) / 1e6
    fresh = (at(twins, (python, "fork-stop-cost"), "measured_ns") or 0) / 1e6
    above(stop, 2.5, f"stopping the sampler holds up fork for milliseconds on {python}")
    above(stop, 3 * fresh, f"{stop:.2f} ms against {fresh:.2f} ms for a fresh cache")

done()
