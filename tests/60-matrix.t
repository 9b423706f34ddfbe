#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The main job, seen from outside: what each release of CPython does in each scenario, with nothing
# simulated. What is expected stands here a second time, on purpose: from CPython's issues, release
# notes and measurements, not from the scenarios' own tables.
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import (  # noqa: E402
    at, diag, done, equal, failures, is_before, like, line_of, none, ok, outcomes, pythons,
    run_cells, skip, skip_all, unlike)

# A release of each behaviour. Those not listed as exact move with the suite that has them: a later
# one of the line will do.
WANTED = ["3.12.1", "3.13.0", "3.13.5", "3.13.18", "3.14.10", "3.15.2"]
EXACT = ["3.12.1", "3.13.0", "3.13.5"]

# What a release shows: what the first bound after it names, else what comes last.
ALL_FIXED_IN_315 = [("3.15", "SIGSEGV"), "parked"]
OK_THEN_HANG = [("3.13", "ok"), "hang"]
GUARDED = [("3.15", None), "ok"]

# Scenario: the outcome of every trial, where the race is met each time.
ALWAYS = {
    # gh-131185, gh-124619: the auto-interpreter is NULL; fixed in 3.15.0.
    "finalize-ensure-after/gilstate": ALL_FIXED_IN_315,
    "finalize-check-then-ensure/gilstate": ALL_FIXED_IN_315,
    # gh-87135: pthread_exit, which unwinds, up to 3.13.7; held for ever from 3.13.8 on.
    "finalize-restore/cleanup": [("3.13.8", "exit"), "parked"],
    "finalize-restore/noexcept": [("3.13.8", "SIGABRT"), "parked"],
    "finalize-restore/catch-all": [("3.13.8", "SIGABRT"), "parked"],
    # gh-101437, gh-139759.
    "fork-live-subinterpreter": [("3.13", "hang"), ("3.14", "SIGABRT"), "SIGSEGV"],
    # cpython pull 116607 (3.13.0a6): HEAD_LOCK is held while C handlers run.
    "fork-atfork-head-lock/new-state": OK_THEN_HANG,
    "fork-atfork-head-lock/current-frames": OK_THEN_HANG,
    "fork-atfork-head-lock/import": OK_THEN_HANG,
    "fork-stop-sampler/release": OK_THEN_HANG,
    "fork-stop-sampler/release-keep": ["ok"],
    "fork-stop-sampler/join": ["hang"],
    # POSIX: fork() copies one thread and every locked mutex; child handlers, oldest first.
    "fork-held-mutex": ["hang"],
    "fork-atfork-order/lock": ["hang"],
    "fork-atfork-order/memory": ["SIGSEGV"],
    "fork-stop-cost": ["ok"],
    # PEP 788: whoever has a guard finishes, whoever gets none goes home.
    "finalize-ensure-after/guard": GUARDED,
    "finalize-check-then-ensure/guard": GUARDED,
    "finalize-restore/guard": GUARDED,
    "finalize-hammer/guard": GUARDED,
}
# Where luck enters, or what the allocator left: no outcome but these.
AMONG = {
    # gh-124878: a freed thread state is used; counted references from 3.14 on.
    "restore-after-reinit": [("3.14", "SIGABRT SIGSEGV"), "parked"],
    "fork-lru-list": ["SIGABRT SIGSEGV ok"],
    "fork-lru-stdlist": ["SIGABRT SIGSEGV ok"],
    # gh-132948; guarded within since 3.15.0.
    "finalize-hammer/during": [("3.15", "SIGABRT SIGSEGV ok"), "ok"],
    "finalize-hammer/after": [("3.13.8", "SIGABRT SIGSEGV exit"),
                              ("3.15", "SIGABRT SIGSEGV parked"), "parked"],
}
# What the dying process itself has to say. Messages of the C++ runtime, glibc and CPython.
MESSAGE = {
    "finalize-restore/noexcept": "terminate called without an active exception",
    "finalize-restore/catch-all": "FATAL: exception not rethrown",
    "fork-live-subinterpreter": "the function must be called with the GIL held",
}
# Crashes and hangs are confirmed by controls. None of these scenarios is excepted today; one to
# which no control applies would stand here with the reason.
UNCONFIRMED = {}


def expected(history, python):
    """What a release shows, or None where the scenario cannot be."""
    for bound, then in history[:-1]:
        if is_before(python, bound):
            return then
    return history[-1]


def is_of_wanted(python, wanted):
    if python == wanted:
        return True
    return wanted not in EXACT and line_of(python) == line_of(wanted) and is_before(wanted, python)


here = [p for p in pythons() if not is_before(p, "3.12") and is_before(p, "3.16")]
if not here:
    skip_all("no interpreter is here: make pythons")

for wanted in WANTED:
    fit = [p for p in here if is_of_wanted(p, wanted)]
    name = wanted if wanted in EXACT else f"{wanted} or later"
    if fit:
        ok(True, f"{name} is here: {' '.join(fit)}")
    else:
        skip(f"{name} is here", f"forkpoint pythons fetch {wanted}")

specs = [word for p in here for word in ("--python", p)]
matrix = run_cells(*specs, "--twins", "without", "--budget", "1s")
equal(matrix.status, 0, "the whole matrix is as expected") or diag(
    matrix.err, *failures(matrix.tap))
like(matrix.tap, r"^1\.\.[0-9]+$", "its TAP has a plan")
unlike(matrix.tap, r"^not ok", "and no failure")

cells = {(c["scenario"], c["python"]): c for c in matrix.cells}
names = sorted({name for name, _ in cells})
known = {**ALWAYS, **AMONG}
equal(names, sorted(name for name in known
                    if not name.endswith("guard") or line_of(here[-1]) == "3.15"),
      "every scenario has run, and none that is not known here")

# The sentences that fail, of many small ones: a hundred cells are one test point each way.
wrong, vacuous, nameless, mute, refuted, uncounted = [], [], [], [], [], []


def look_at_finding(cell, finding, what):
    name = cell["scenario"]
    triage = finding["triage"]
    if not triage or triage["pattern"] == "other":
        nameless.append(f"{what}, {finding['replay']}")
    # Of a second kind that came once nothing may be known; the cell's own is borne out.
    first = finding["replay"] == cell["replay"]
    if name not in UNCONFIRMED and \
            not (triage and triage["confirmed"] in ([True] if first else [True, None])):
        refuted.append(f"{what}, {finding['replay']}")
    if name in MESSAGE and finding["outcome"] == "SIGABRT" and \
            not re.search(MESSAGE[name], finding["message"] or ""):
        mute.append(f"{what}: '{finding['message']}'")


def look_at_cell(cell, may):
    what = f"{cell['scenario']} on {cell['python']}: {outcomes(cell)}"
    if not cell["trials"] or not set(cell["outcomes"]) <= set(may):
        wrong.append(what)
    if not cell["hits"]:
        vacuous.append(what)
    for finding in cell["findings"]:
        look_at_finding(cell, finding, what)
    looked_at = sum(f["count"] for f in cell["findings"]) + cell["findings_left_out"]
    died = sum(n for o, n in cell["outcomes"].items() if o.startswith("SIG") or o == "hang")
    if died != looked_at:
        uncounted.append(f"{what}: {died} died, {looked_at} were looked at")


for python in here:
    for name in names:
        may = expected(known.get(name, [""]), python)
        if (name, python) in cells:
            look_at_cell(cells[name, python], (may or "").split())
        elif may is not None:
            wrong.append(f"{name} did not run on {python}")
none(wrong, "every cell ends in what that release is known for, each trial of it")
none(vacuous, "no cell is vacuous")
none(uncounted, "every crash and hang is found, with a replay line")
none(nameless, "every crash and hang has a pattern")
none(refuted, "the controls bear every one of them out")
none(mute, "the message of the dying process is captured")

# The cells that the project stands for, each by itself, so that a failure names it.
for python in here:
    ensure = cells.get(("finalize-ensure-after/gilstate", python), {})
    shown = outcomes(ensure)
    equal(shown, expected(ALL_FIXED_IN_315, python), f"finalize-ensure-after on {python}: {shown}")
    if shown == "SIGSEGV":
        equal(at(ensure, "findings", 0, "si_code"), 1, "a real fault: SEGV_MAPERR")
        equal(at(ensure, "triage", "pattern"), "finalization-toctou", "named")
        like(at(ensure, "triage", "signature"), r"\Av1 SIGSEGV PyGILState_Ensure<", "and placed")
    toctou = cells.get(("finalize-check-then-ensure/gilstate", python), {})
    hits, trials = toctou.get("hits"), toctou.get("trials")
    ok(hits is not None and hits == trials,
       f"the gate meets finalize-check-then-ensure on {python} each time: {hits} of {trials}")

# Chance decides each of these cells, but not all of them: rates are 1 % and more on any release.
for name in sorted(AMONG):
    prone = [p for p in here if is_before(p, "3.15") or name.startswith("fork")]
    met = [p for p in prone if "SIG" in outcomes(cells.get((name, p), {}))]
    if prone:
        ok(len(met) >= len(prone) / 2, f"{name} is met on most releases: {' '.join(met)}")

# Twins: the same code with the fix.
twins = run_cells(*specs, "--twins", "only", "--trials", "50", "--explore", "starve")
told = [(f"{c['scenario']} on {c['python']}", c) for c in twins.cells]
equal(twins.status, 0, "every twin is as expected") or diag(twins.err)
equal(len(twins.cells), len(matrix.cells), "each scenario has one on each release")
none([f"{what}: {outcomes(c)}" for what, c in told if outcomes(c) != "ok"],
     "in 50 trials each, none does anything but well")
none([f"{what}: {c['trials']}" for what, c in told if c["trials"] != 50],
     "all of 50 trials were made")
none([what for what, c in told if not c["hits"]], "and none is vacuous")

done()
