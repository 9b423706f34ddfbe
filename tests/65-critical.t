#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# What stands at the borders of a map: how far finalization had come, and the two accesses whose
# order the border tells of.
import json
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import (  # noqa: E402
    at, bail_out, done, equal, forkpoint, has, like, none, ok, pythons, run_cells, skip_all,
    unlike)

here = pythons()
if not here:
    skip_all("no interpreter is here: make pythons")
if not re.search(r"^ok +ptrace ", forkpoint("doctor").out, re.M):
    skip_all("no ptrace here")


def map_of(scenario, python):
    ran = run_cells(scenario, "--python", python, "--twins", "without", "--explore", "step")
    if len(ran.cells) != 1 or not ran.cells[0].get("map"):
        bail_out(f"{scenario} on {python} ended with {ran.status} and no map: {ran.err}")
    return ran.cells[0]["map"]


def text(value):
    return json.dumps(value, sort_keys=True)


# A fork: the child meets the list as W's last store has left it.
segments = map_of("fork-lru-stdlist", here[0])
none([text(s) for s in segments if s["stage"] is not None], "a fork has no stage of finalization")
equal(segments[0]["pair"], None, "the first segment has no border before it")
bad = [s for s in segments if s["outcome"] != "ok"]
ok(bad, "there is a bad segment")
for segment in bad:
    pair = segment["pair"] or {}
    w, f = pair.get("w") or {}, pair.get("f") or {}
    equal([w.get("access"), w.get("size"), w.get("what")], ["write", 8, "heap"],
          "W writes a link of a list node")
    like(at(w.get("frames") or [""], 0), r"_List_node_base::_M_transfer\(", "inside splice()")
    like(" < ".join(w.get("frames") or []), r"work\(subject\*\)", "below the sampler's work")
    equal([f.get("who"), f.get("access"), f.get("what")], ["child", "read", "heap"],
          "the child reads it")
    like(" < ".join(f.get("frames") or []), r"clear.* < .*fork.* < fork_once",
         "in the handler that clears the list, below fork")
pairs = text([s["pair"] for s in segments])
unlike(pairs, r"0x[0-9a-f]{7,}", "no address is in the pairs")
equal(text([s["pair"] for s in map_of("fork-lru-stdlist", here[0])]), pairs,
      "a second walk finds the same pairs")

# Finalization, of a release whose libpython may have symbols, and of one that has none, most likely.
wanted = {
    "SIGSEGV": r"^finalized$",
    "SIGABRT": r"^finalized$",
    "exit": r"^finalizing: no .* \(F waits\)|^finalized$",
    "parked": r"\(F waits\)$|^finalized$",
}
symbols = "3.13.0" if "3.13.0" in here else here[0]
for python in sorted({symbols, here[-1]}):
    segments = map_of("finalize-check-then-ensure/gilstate", python)
    none([text(s) for s in segments if not s["stage"]], f"{python}: the stage is always known")
    none([text(s) for s in segments
          if not re.search(wanted.get(s["outcome"], ""), s["stage"] or "")],
         f"{python}: each outcome comes in its stage")
    has(" ".join(s["stage"] or "" for s in segments), "not begun (F waits for the GIL)",
        f"{python}: F is seen waiting for the GIL that W holds")
    none([text(after) for before, after in zip(segments, segments[1:])
          if not after["pair"] and before["outcome"] != after["outcome"]],
         f"{python}: each border between two verdicts has its pair")
    unlike(text([s["pair"] for s in segments]), r"0x[0-9a-f]{9,}", "without addresses")
    if python == symbols == "3.13.0":
        pair = at([s["pair"] for s in segments if s["outcome"] == "SIGABRT"], 0)
        equal([at(pair, "w", "access"), at(pair, "f", "access"), at(pair, "f", "who")],
              ["read", "write", "F"], "behind the first crash W has read what F writes")
        like(at(pair, "w", "what"), r"^data of libpython", "the runtime's own data")
        like(at(pair, "w", "frames", 0), r"^PyGILState_Ensure\+", "where it attaches")
        like(" < ".join(at(pair, "f", "frames") or []), r"_PyGILState_Fini.* < .*_Py_Finalize",
             "and where finalization takes the interpreter away")

done()
