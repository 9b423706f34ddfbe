#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every scenario by `step` on every interpreter: as expected, the same twice to the letter but for
one signal that a random number of glibc's decides, and the same with --exact; and what was measured
of finalization by another program, before this one was written, is found again at each
instruction."""
import json
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import (  # noqa: E402
    but_for_key, diag, done, equal, failures, is_before, none, ok, outcomes, pythons, run_cells,
    skip, skip_all)

here = pythons()
if not here:
    skip_all("no interpreter is here: make pythons")

SAME = ("verdict", "points", "forks", "outcomes", "map")
# A reduced walk makes fewer experiments, and that is the only difference.
REDUCED = ("verdict", "points", "map")


def walked(*args):
    """The cells that were walked, by scenario, twin and interpreter."""
    ran = run_cells("--explore", "step", *args)
    none([f"{cell['scenario']} on {cell['python']}: {cell['harness_error']}" for cell in ran.cells
          if cell["harness_error"]], f"the harness never fails: {' '.join(args)}")
    return ran, {(cell["scenario"], cell["twin"], cell["python"]): but_for_key(cell)
                 for cell in ran.cells if cell["map"] is not None}


def differences(one, other, keys):
    return [f"{name}: {key}: {json.dumps(cell[key])} and {json.dumps(other[name][key])}"
            for name, cell in one.items() if name in other
            for key in keys if json.dumps(cell[key]) != json.dumps(other[name][key])]


first, cells = walked()
equal(first.status, 0, "the matrix is as expected") or diag(*failures(first.tap))
ok(cells, f"{len(cells)} cells were walked")
equal({cell["verdict"] for cell in cells.values()}, {"as-expected"}, "each as expected")
none([str(name) for name, cell in cells.items() if name[1] and outcomes(cell) != "ok"],
     "every twin is clean at every point")
again = walked()[1]
equal(sorted(again), sorted(cells), "a second run walks the same cells")
none(differences(cells, again, SAME), "and finds the same, to the letter")

forks = sorted({name[0] for name in cells if name[0].startswith("fork-")})
exact = walked("--exact", *forks)[1]
equal(len(exact), sum(name[0] in forks for name in cells), "each fork is walked with --exact")
none(differences(exact, cells, REDUCED), "every point by an experiment of its own: the same map")

python = "3.13.0" if "3.13.0" in here else here[0]
one = "finalize-check-then-ensure/gilstate"
exact = walked("--exact", "--python", python, one)[1]
equal(len(exact), 2, f"{one} on {python} is walked with --exact")
none(differences(exact, cells, REDUCED), "every point by a subject of its own: the same map")


def course_of(cell):
    """Outcomes in their order, neighbours that are equal joined."""
    found = []
    for part in cell["map"]:
        if not found or found[-1] != part["outcome"]:
            found.append(part["outcome"])
    return found


# Measured every 20th instruction by a program of its own, with the GIL's holder let run freely.
for python in here:
    cell = cells.get((one, False, python))
    if not cell:
        skip(f"{one} on {python}", "it was not walked")
        continue
    found = course_of(cell)
    sentence = f"{one} on {python}: "
    if not is_before(python, "3.15"):
        none([outcome for outcome in found if re.match("SIG", outcome)],
             f"{sentence}no crash at any point")
    else:
        held = "exit" if is_before(python, "3.13.8") else "parked"
        equal(found, ["SIGSEGV", "SIGABRT", held, "SIGABRT", held, "ok"],
              f"{sentence}the outcomes along the window")

done()
