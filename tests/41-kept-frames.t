#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What is kept of a crash or a hang that the harness meets: Python frames and native ones in one,
in the dossier and in the JSON; and that nothing is judged by the Python frames."""
import json
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import (  # noqa: E402
    above, at, equal, done, forkpoint, has, is_before, like, none, objects, pythons, run_cells,
    scratch, skip, skip_all, slurp, spew, unlike)

# As scenarios/selftest_python.c has them.
FRAMES = [["inner", "<string>", 2], ["outer", "<string>", 5], ["<module>", "<string>", 7]]
LISTS = "its lists of interpreters and threads are torn"
FRAMES_TORN = "the Python frames end in memory that is none of a frame"


def kept(python, *names):
    """The cells of a run by scenario, and the texts of what was kept of each."""
    out = scratch(f"kept-{python}-{names[0]}")
    ran = run_cells(*names, "--python", python, "--twins", "without", "--trials", "1", "--seed", "1",
                    "--explore", "starve", "--out", out)
    cells = {cell["scenario"]: cell for cell in ran.cells}
    texts = {name: "".join(slurp(f"{out}/{file}") for file in sorted(os.listdir(out))
                           if file.startswith(name.replace("/", "-") + "-bug-")) for name in cells}
    return cells, texts


def culprit_of(finding):
    return next((thread for thread in finding["threads"] if thread["culprit"]), {})


def shown(finding):
    return [frame for frame in finding["frames"] if not frame["evaluator"]]


def merged(what, finding, text):
    """Python frames stand between C's that they call and C's that call them."""
    frames = shown(finding)
    kinds = [frame["python"] for frame in frames]
    python = [[f["function"], f["file"], f["line"]] for f in frames if f["python"]]
    equal(python, FRAMES, f"{what}: the Python frames are there, in their order")
    first = kinds.index(True) if True in kinds else 0
    equal(kinds[first:first + len(FRAMES)], [True] * len(FRAMES), f"{what}: without a gap")
    # A compiler may have put the function's end elsewhere.
    above(sum((f["function"] or "").startswith("end_here") for f in frames[:first]), 0,
          f"{what}: in front of them is the C function that they call")
    above(sum(f["function"] == "PyRun_SimpleStringFlags" for f in frames[first:]), 0,
          f"{what}: behind them the one that has called them")
    like(text, r"(?s)^\* Thread \d+ .*: has the GIL, .*\n  #\d+ +end_here.*\n"
         r"  #\d+ +\(Python\) inner  <string>:2\n  #\d+ +\(Python\) outer  <string>:5\n"
         r"  #\d+ +\(Python\) <module>  <string>:7\n.*\n  #\d+ +PyRun_SimpleStringFlags\+",
         f"{what}: and the dossier has them so")


def state(what, python, finding, text):
    thread = culprit_of(finding)
    equal([thread.get("gil"), thread.get("interpreter")], [True, 0],
          f"{what}: the thread has the GIL of the interpreter that it runs in")
    known = [one for one in finding["pythons"] or [] if one["pid"] == finding["pid"]]
    equal([at(known, 0, key) for key in ("release", "finalizing", "trouble")],
          [python, False, None], f"{what}: which CPython it is, and that it is not finalizing")
    equal(at(known, 0, "interpreters", 0, "gil_thread"), thread.get("tid"),
          f"{what}: its GIL is the thread's")
    has(text, f"Process {finding['pid']}: CPython {python}, ", f"{what}: the dossier tells it")
    has(text, f"interpreter 0: the GIL is held by thread {thread.get('tid')}\n", f"{what}: with its GIL")


def verdict(finding):
    """What the classifier says, without the numbers of frames and processes."""
    triage = {key: value for key, value in finding["triage"].items() if key != "evidence"}
    return triage, [re.sub(r"\d+", "N", one["why"]) for one in finding["triage"]["evidence"]]


def retold(*cells):
    """What `forkpoint triage` says of recordings."""
    path = scratch("retold.jsonl")
    spew(path, "".join(json.dumps(cell) + "\n" for cell in cells))
    keys = "pattern", "detail", "attribution", "confidence", "signature"
    return [[account[key] for key in keys] for account in objects(forkpoint("triage", "--json", path).out)]


def without_python(cell):
    """The recording as it would be had nothing of CPython been read."""
    cell = json.loads(json.dumps(cell))
    for finding in cell["findings"]:
        finding["pythons"] = None
        for holder in [finding, *finding["threads"]]:
            holder["frames"] = holder["frames"] and [f for f in holder["frames"] if not f["python"]]
            holder["gil"] = False
    return cell


def check(python):
    names = "selftest-python", "selftest-python-child"
    cells, texts = kept(python, *names)
    for name in names:
        crash, torn, hang = (at(cells, f"{name}/{variant}", "findings", 0)
                             for variant in ("crash", "torn", "hang"))
        for variant, finding in (("crash", crash), ("hang", hang)):
            what = f"{python}, {name}/{variant}"
            merged(what, finding, texts[f"{name}/{variant}"])
            state(what, python, finding, texts[f"{name}/{variant}"])
        what = f"{python}, {name}/torn"
        equal([f for f in torn["frames"] if f["python"]], [], f"{what}: no frame is made up")
        equal([f["function"] for f in torn["frames"]],
              [f["function"] for f in crash["frames"] if not f["python"]],
              f"{what}: the native stack remains")
        equal(culprit_of(torn).get("python_torn"), True, f"{what}: and that it is torn is known")
        equal(at(torn, "pythons", 0, "trouble"), LISTS, f"{what}: a circle of threads is known to be one")
        for sentence in FRAMES_TORN, LISTS:
            has(texts[f"{name}/torn"], sentence, f"{what}: the dossier says: {sentence}")
            unlike(texts[f"{name}/crash"], sentence, f"{what}: which it does not of a whole one")
        equal(verdict(torn), verdict(crash),
              f"{what}: the same crash has the same signature and pattern, read or not")
    every = list(cells.values())
    equal(retold(*every), retold(*map(without_python, every)),
          f"{python}: of the recordings triage says the same as without Python's frames")
    equal([account[-1] for account in retold(*every)],
          [cell["findings"][0]["triage"]["signature"] for cell in every],
          f"{python}: and the same signatures as when they were made")


def evidence_counts(python):
    """It names a frame by its number among the native ones."""
    if is_before(python, "3.13"):
        return skip(f"{python}: evidence beside Python frames", "that scenario does not hang in 3.12")
    cells, _ = kept(python, "fork-atfork-head-lock")
    finding = cells["fork-atfork-head-lock/import"]["findings"][0]
    native = [frame for frame in finding["frames"] if not frame["python"]]
    pairs = [(native[one["frame"]]["function"], one["why"])
             for one in finding["triage"]["evidence"] if one["frame"] is not None]
    above(sum(frame["python"] for frame in finding["frames"]), 5,
          f"{python}: a child hangs in Python code, at an import")
    none([pair for pair in pairs if pair[0] not in pair[1]] if len(pairs) > 1 else ["no evidence"],
         f"{python}: the frame that evidence points to is the one that it speaks of")
    return None


def in_a_handler(python):
    """Before CPython's own part of a fork the child's memory has the parent's numbers of threads."""
    cells, texts = kept(python, "fork-held-mutex")
    finding = cells["fork-held-mutex"]["findings"][0]
    thread = culprit_of(finding)
    equal([thread["pid"] == finding["pid"], thread["gil"], thread["interpreter"]], [True, True, 0],
          f"{python}: in a child's at-fork handler a thread is known to have the GIL")
    has(texts["fork-held-mutex"], f"interpreter 0: the GIL is held by thread {thread['tid']}\n",
        f"{python}: by the number that it has there")


def taken_apart(python):
    """Py_FinalizeEx() is over, and a thread comes back."""
    cells, texts = kept(python, "finalize-ensure-after")
    name = "finalize-ensure-after/gilstate"
    finding = at(cells, name, "findings", 0)
    if not finding:
        return skip(f"{python}: a crash in what is no more", "this release holds the thread for ever")
    equal([[one["finalizing"], one["interpreters"]] for one in finding["pythons"]], [[True, []]],
          f"{python}: an interpreter that has been taken apart is known to be")
    above(len([frame for frame in finding["frames"] if not frame["python"]]), 2,
          f"{python}: the native stack remains")
    like(texts[name], r"(?m)^  no interpreter is in its list .*: no Python frame can be read$",
         f"{python}: and what cannot be read is told")
    return None


here = pythons()
if not here:
    skip_all("no interpreter is here: make pythons")
for one in here:
    check(one)
for one in here[0], here[-1]:
    evidence_counts(one)
    in_a_handler(one)
    taken_apart(one)
done()
