#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Recordings that no run has written as they are: numbers that cannot be true, several files, cells
# that come again. (What the report makes of whole ones: tests/12-report.t.)
import fcntl
import json
import os
import re
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import PROGRAM, done, equal, forkpoint, has, like, scratch, sh, slurp, spew  # noqa: E402


def encode(cell):
    return json.dumps(cell, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def report(cells):
    spew(scratch("in.jsonl"), "".join(encode(cell) + "\n" for cell in cells))
    return forkpoint("report", scratch("in.jsonl"))


def cell(**more):
    return {"schema": 1, "scenario": "fork-x", "twin": False, "python": "3.13.5",
            "explore": "starve", "isolation": "zygote", "trials": 3, "hits": 3,
            "outcomes": {"ok": 3}, "expected": ["ok"], "verdict": "as-expected", **more}


HALF = {"trials": 9, "hits": 8, "bad": 4, "rate": 0.5, "rate_upper95": 0.8}
IMPOSSIBLE = [
    ({"hits": 4}, "'hits' is 4, more than 'trials', which is 3"),
    ({"trials": -3}, "'trials' is -3, which is no count"),
    ({"hits": -1}, "'hits' is -1, which is no count"),
    ({"hits": 1.5}, "'hits' is 1.5, which is no count"),
    ({"trials": "3"}, "'trials' is \"3\", which is no count"),
    ({"trials": 10 ** 16}, "'trials' is 10000000000000000, which is no count"),
    ({"outcomes": {"ok": 2}},
     "'trials' is 3, and the outcomes of all trials sum up to 2"),
    ({"outcomes": {"ok": 3, "hang": 1}},
     "'trials' is 3, and the outcomes of all trials sum up to 4"),
    ({"outcomes": {"ok": 4, "hang": -1}}, "'outcomes.hang' is -1, which is no count"),
    ({"outcomes": ["ok"]}, "'outcomes' is [\"ok\"], which is no object"),
    ({"rate": 1.5}, "'rate' is 1.5, which is no share"),
    ({"rate": -0.1}, "'rate' is -0.1, which is no share"),
    ({"rate_upper95": 2}, "'rate_upper95' is 2, which is no share"),
    ({"rate": 0.5, "rate_upper95": 0.4}, "'rate_upper95' is 0.4, below the 'rate'"),
    ({"seconds": -1}, "'seconds' is -1, which is no time"),
    ({"measured_ns": "1"}, "'measured_ns' is \"1\", which is no time"),
    ({"schema": 2}, "'schema' is 2, which this forkpoint cannot read"),
    ({"controls": {"quiet": {"trials": 3, "bad": 4}}},
     "'controls.quiet.bad' is 4, more than 'controls.quiet.trials', which is 3"),
    ({"controls": {"fresh": {"trials": 1, "same": 2}}},
     "'controls.fresh.same' is 2, more than 'controls.fresh.trials', which is 1"),
    ({"controls": {"fresh": {"trials": 1, "same": 0, "expected": 2}}},
     "'controls.fresh.expected' is 2, more than 'controls.fresh.trials', which is 1"),
    ({"controls": {"fresh": {"trials": 1, "same": 1, "expected": 1}}},
     "'controls.fresh.expected' is 1, and with 'same' it is more than the trials"),
    ({"load": {"with": {**HALF, "hits": 10}}},
     "'load.with.hits' is 10, more than 'load.with.trials', which is 9"),
    ({"load": {"without": {**HALF, "bad": 9}}},
     "'load.without.bad' is 9, more than 'load.without.hits', which is 8"),
    ({"load": {"without": {**HALF, "rate": 3}}}, "'load.without.rate' is 3, which is no share"),
    ({"schema": None}, "'schema' is null, which this forkpoint cannot read"),
    ({"python": None}, "'python' is null, which is no interpreter"),
    ({"twin": "yes"}, "'twin' is \"yes\", which is neither true nor false"),
    ({"explore": None}, "'explore' is null, which is no strategy"),
    ({"isolation": 1}, "'isolation' is 1, which is no isolation"),
    ({"scenario": None}, "'trials' is 3, and there is no scenario"),
    ({"verdict": "great"}, "'verdict' is \"great\", which is no verdict"),
    ({"verdict": None}, "'verdict' is null, which is no verdict"),
    ({"harness_error": 1}, "'harness_error' is 1, which is no sentence"),
    ({"outcomes": {"foo": 3}}, "'outcomes.foo' is 3, which is no outcome"),
    ({"outcomes": {"SIGFOO": 3}}, "'outcomes.SIGFOO' is 3, which is no outcome"),
    ({"outcomes": {"SIG65": 3}}, "'outcomes.SIG65' is 3, which is no outcome"),
    ({"expected": "ok"}, "'expected' is \"ok\", which is no list"),
    ({"expected": ["ok", "fine"]}, "'expected' is \"fine\", which is no outcome"),
    ({"expected": None}, "'expected' is null, and a verdict needs it"),
    ({"hits": None}, "'hits' is null, and a verdict needs it"),
    ({"outcomes": {"SIGBUS": 3}, "expected": ["SIGABRT"]},
     "'verdict' is \"as-expected\", and an outcome is not expected"),
    ({"outcomes": {"SIGBUS": 3}, "verdict": "not-seen"},
     "'verdict' is \"not-seen\", and an outcome is not expected"),
    ({"hits": 0}, "'hits' is 0, and a verdict needs one"),
    ({"verdict": "skipped"}, "'trials' is 3, and the verdict is 'skipped'"),
    ({"verdict": "vacuous"}, "'hits' is 3, and the verdict is 'vacuous'"),
    ({"verdict": "unexpected", "trials": 0, "hits": 0, "outcomes": {}},
     "'trials' is 0, and the verdict is 'unexpected'"),
    ({"rate": 0.1, "outcomes": {"hang": 3}, "expected": ["hang"]},
     "'rate' is 0.1, and of 3 hits, 3 were not ok"),
    ({"rate": 0.1}, "'rate' is 0.1, and of 3 hits, 0 were not ok"),
    ({"rate": 1, "trials": 9, "outcomes": {"ok": 7, "hang": 2}, "expected": ["ok", "hang"]},
     "'rate' is 1, and of 3 hits, at most 2 were not ok"),
    ({"load": {"with": {**HALF, "rate": 0.4}}},
     "'load.with.rate' is 0.4, and of 8 hits, 4 were not ok"),
    ({"findings": [{"count": 1}, {"count": 4}]},
     "'findings[1].count' is 4, more than the trials"),
]


def mapped(*changes, points=10, forks=3):
    """A walk of two segments, changed: (segment, key, value) of it."""
    segments = [{"from": 5 * n, "to": 5 * n + 4, "outcome": outcome, "waits": False, "symbol": None,
                 "trust": "none", "source": None, "module": None, "offset": 4096, "finding": None,
                 "pair": None}
                for n, outcome in enumerate(["ok", "SIGSEGV"])]
    for n, key, value in changes:
        segments[n][key] = value
    return {"explore": "step", "points": points, "forks": forks, "coverage": None, "map": segments,
            "outcomes": {"ok": 1, "SIGSEGV": 1}, "trials": 2, "hits": 2,
            "expected": ["ok", "SIGSEGV", "SIG42", "SIG64"]}


def both(*changes, **more):
    """A cell that was walked under two settings of the allocator, one of them changed."""
    one = mapped()
    return {**one, "trials": 4, "outcomes": {"ok": 2, "SIGSEGV": 2},
            "allocators": {"default": one, "tight": {**mapped(*changes), **more}}}


SIDE = {"access": "read", "size": 8, "what": "heap", "frames": ["f+0x1 (x.so)"]}


def without(key):
    walk = mapped()
    del walk["map"][1][key]
    return walk


IMPOSSIBLE += [
    (without("pair"), "'map[1].pair' is null, for the key is missing"),
    (without("finding"), "'map[1].finding' is null, for the key is missing"),
    (mapped(points=11), "'points' is 11, and the map has 10"),
    (mapped(points=None), "'points' is null, and the map has 10"),
    (mapped(points=-1), "'points' is -1, which is no count"),
    (mapped(forks=12), "'forks' is 12, more than the points allow"),
    ({**mapped(), "map": []}, "'points' is 10, and the map has 0"),
    ({**mapped(), "map": {}}, "'map' is {}, which is no list"),
    ({**mapped(), "map": [7]}, "'map[0].from' is 7, in a segment that is no object"),
    ({**mapped(), "coverage": 1}, "'coverage' is 1, which is no text"),
    (mapped((0, "from", 1)), "'map[0].from' is 1, where the segment has to begin with 0"),
    (mapped((1, "from", 4)), "'map[1].from' is 4, where the segment has to begin with 5"),
    (mapped((1, "from", 6)), "'map[1].from' is 6, where the segment has to begin with 5"),
    (mapped((1, "from", None)), "'map[1].from' is null, where the segment has to begin with 5"),
    (mapped((0, "from", 0.5)), "'map[0].from' is 0.5, which is no count"),
    (mapped((1, "to", 4)), "'map[1].to' is 4, before the segment's begin"),
    (mapped((1, "to", None)), "'map[1].to' is null, before the segment's begin"),
    (mapped((0, "outcome", "fine")), "'map[0].outcome' is \"fine\", which is no outcome"),
    (mapped((0, "outcome", "SIG")), "'map[0].outcome' is \"SIG\", which is no outcome"),
    (mapped((0, "outcome", None)), "'map[0].outcome' is null, which is no outcome"),
    (mapped((1, "waits", 1)), "'map[1].waits' is 1, neither true nor false"),
    (mapped((1, "trust", "much")), "'map[1].trust' is \"much\", which is no degree of trust"),
    (mapped((1, "symbol", 3)), "'map[1].symbol' is 3, which is no text"),
    (mapped((1, "source", [])), "'map[1].source' is [], which is no text"),
    (mapped((1, "offset", "0x1")), "'map[1].offset' is \"0x1\", which is no offset"),
    (both(points=9),
     "'allocators.tight.points' is 9, and the map has 10"),
    (both((1, "from", 6)),
     "'allocators.tight.map[1].from' is 6, where the segment has to begin with 5"),
    ({"allocators": 3}, "'allocators' is 3, which is no object"),
    ({**mapped(), "coverage": "9 of 10 points, 3 forks"},
     "'coverage' is \"9 of 10 points, 3 forks\", and 'points' and 'forks' say otherwise"),
    ({**mapped(), "coverage": "10 of 10 points, 4 forks"},
     "'coverage' is \"10 of 10 points, 4 forks\", and 'points' and 'forks' say otherwise"),
    ({**mapped(), "coverage": "all"}, "'coverage' is \"all\", and 'points' and 'forks' say"),
    (mapped(points=10 ** 12), "'points' is 1000000000000, more than any walk makes"),
    ({**mapped(), "map": None}, "'map' is null, and there are 'points'"),
    ({**mapped(), "outcomes": {"ok": 2}},
     "'map[1].outcome' is \"SIGSEGV\", and no trial came to that"),
    ({**mapped(), "explore": "starve"}, "'points' is 10, and the cell was not walked by 'step'"),
    (mapped((1, "pair", 3)), "'map[1].pair' is 3, which is no pair"),
    (mapped((1, "pair", {"w": SIDE, "f": 3})),
     "'map[1].pair.f.access' is 3, in a side of a pair that is no object"),
    (mapped((1, "pair", {"w": {**SIDE, "frames": None}, "f": None})),
     "'map[1].pair.w.frames' is null, which is no list"),
    (mapped((1, "pair", {"w": SIDE, "f": SIDE})), "'map[1].pair.f.who' is null, which is no text"),
    (mapped((1, "finding", 0)), "'map[1].finding' is 0, and there is no such finding"),
    ({**mapped((1, "finding", 0)), "findings": [{"outcome": "hang", "count": 1}]},
     "'map[1].finding' is 0, which has another outcome"),
    (both(outcomes=None), "'allocators.tight.outcomes' is null, which is no object"),
    (both(outcomes={"ok": 1, "foo": 1}),
     "'allocators.tight.outcomes.foo' is 1, which is no outcome"),
    (both(outcomes={"ok": 1}),
     "'allocators.tight.trials' is 2, and the outcomes of all trials sum up to 1"),
    (both(trials=3, outcomes={"ok": 1, "SIGSEGV": 2}), "'trials' is 4, and 'allocators' say"),
    ({**both(), "outcomes": {"ok": 1, "SIGSEGV": 3}},
     "'outcomes.SIGSEGV' is 3, and 'allocators' say otherwise"),
]


def impossible():
    """What no run can have counted is left out by name; what stands beside it is not."""
    for change, sentence in IMPOSSIBLE:
        status, out, err = report([cell(scenario="a"), cell(**change), cell(scenario="b")])
        equal((status, re.findall("^ok .* (?:a|b|fork-x) @", out, re.M)),
              (3, ["ok 1 - a @", "ok 2 - b @"]), f"{encode(change)} is left out, and no more")
        has(err, f"in.jsonl, line 2: {sentence}", "with file, line and key")
        equal(err.count("\n"), 1, "in one sentence")
    nothing = {key: None for key in (
        "trials", "hits", "outcomes", "expected", "rate", "rate_upper95", "findings", "controls",
        "load", "seconds", "measured_ns", "points", "forks", "coverage", "map", "allocators")}
    status, out, err = report([cell(**nothing, verdict=None, harness_error="it broke")])
    equal((status, err), (3, ""), "keys that are null are no fault")
    like(out, r"^not ok 1 - fork-x @ 3\.13\.5 starve \(the harness failed\)$",
         "of a cell that failed")
    status, _, err = report([cell(outcomes={"hang": 3}, expected=["hang"], rate=1, rate_upper95=1,
                                  load={"without": HALF, "with": HALF}, seconds=0.5,
                                  controls={"outside": None, "quiet": {"trials": 3, "bad": 0}},
                                  findings=[{"count": 3}])])
    equal((status, err), (0, ""), "and numbers that can be true are not either")
    status, _, err = report([cell(outcomes={"SIG42": 2, "SIGKILL": 1}, rate=0.667, trials=3,
                                  expected=["SIG42", "SIGKILL", "ok"], hits=3)])
    equal((status, err.count("left out")), (3, 1), "a rate that is off by a third is")
    status, _, err = report([cell(outcomes={"ok": 1, "SIG42": 1, "SIGKILL": 1}, rate=0.667,
                                  expected=["SIG42", "SIGKILL", "ok"])])
    equal((status, err), (0, ""), "one of three digits is not, nor a signal without a name")
    whole = [mapped(), mapped(forks=11), mapped((1, "to", 5), points=6, forks=7),
             {**mapped((0, "outcome", "SIG42"), (1, "outcome", "SIG64")),
              "outcomes": {"SIG42": 1, "SIG64": 1}},
             {**mapped(points=0, forks=0), "map": []}, {**mapped(), "allocators": {
                 "default": mapped(), "tight": None}}, both(),
             mapped((0, "pair", {"w": SIDE, "f": None}),
                    (1, "pair", {"w": SIDE, "f": {**SIDE, "who": "F"}})),
             {**mapped((1, "finding", 0)), "findings": [{"outcome": "SIGSEGV", "count": 1}]},
             {**mapped(), "coverage": "10 of 10 points, 3 forks: no other"}]
    status, _, err = report([cell(scenario=f"s{n}", **one) for n, one in enumerate(whole)])
    equal((status, err), (0, ""), "nor are maps without a gap")


def again():
    """The same cell twice: two runs are two results."""
    one, other = scratch("one.jsonl"), scratch("other.jsonl")
    bad = cell(verdict="unexpected", outcomes={"hang": 3})
    spew(one, encode(cell()) + "\n" + encode(cell(python="3.14.1")) + "\n")
    spew(other, "\n" + encode(bad) + "\n" + encode(cell(scenario="b")) + "\n")
    status, out, err = forkpoint("report", one, other)
    equal(status, 1, "files are reported together, with the exit status of the whole")
    equal(err, f"forkpoint: 1 cell comes again (fork-x @ 3.13.5 starve in {one}, line 1, and in "
          f"{other}, line 2): each is reported and counted, and the table shows the worst\n",
          "a cell that comes again is told")
    equal(re.findall(r"^(?:(?:not )?ok |1\.\.).*", out, re.M), [
        "1..4", "ok 1 - fork-x @ 3.13.5 starve (clean)", "ok 2 - fork-x @ 3.14.1 starve (clean)",
        "not ok 3 - fork-x @ 3.13.5 starve (unexpected: hang)",
        "ok 4 - b @ 3.13.5 starve (clean)"], "and is a test point each time")
    like(out, r"^# 12 trials", "that is counted")
    like(out, r"^# fork-x +hang!! +ok$", "and the table shows the worst")
    status, out, err = forkpoint("report", one, one)
    like(err, r"\Aforkpoint: 2 cells come again \(the first is fork-x @ 3\.13\.5 starve in .*\n\Z",
         "several are told in one sentence")
    status, out, err = sh(f"cat {other} | {PROGRAM} report {one} -")
    like(err, "line 1, and in standard input, line 2", "standard input is a file among others")
    like(out, r"^1\.\.4$", "then the plan comes last")
    status, out, err = forkpoint("report", one, scratch("none.jsonl"))
    equal((status, out), (2, ""), "if one file is not there, nothing is reported")
    equal(forkpoint("report", one).err, "", "cells that differ are no recurrence")


def own_input():
    """What is read is not written: it would be lost before it is read."""
    one, link = scratch("own.jsonl"), scratch("link.jsonl")
    text = encode(cell()) + "\n"
    spew(one, text)
    os.link(one, link)
    for how in (f"report {one} --json {one}", f"report {one} --json {link}",
                f"report - --json {one} <{one}", f"report {one} >>{one}",
                f"report {one} --json - >>{link}", f"report - --json {scratch('new')} <{one} >>{one}"):
        status, out, err = sh(f"{PROGRAM} {how}")
        equal((status, out, slurp(one)), (2, "", text), f"'{how}' is refused, and nothing is lost")
        like(err, r"\A[^\n]* is what is read, too: write to another file\n\Z", "in a sentence")
    copy = scratch("both")
    status, _, err = sh(f"{PROGRAM} report {one} --json {copy} >>{copy}")
    equal((status, slurp(copy)), (2, ""), "nor is one file written by two")
    like(err, r" is standard output as well: name another file, or -\n\Z", "which is said")
    equal(sh(f"{PROGRAM} report {one} {one} --json {copy} >/dev/null").status, 0,
          "what is read twice may be")


def busy():
    """A file belongs to one run at a time."""
    one, copy = scratch("one.jsonl"), scratch("busy.jsonl")
    spew(one, encode(cell()) + "\n")
    before = "half of a result\n" * 100
    spew(copy, before)
    with open(copy, "a", encoding="utf-8") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        status, out, err = forkpoint("report", one, "--json", copy)
        equal((status, out, slurp(copy)), (2, "", before),
              "a file that another one writes is left alone")
        like(err, r"--json: another forkpoint is writing \S+busy\.jsonl: wait for its end, or",
             "which is told, with what to do")
    status, out, err = forkpoint("report", one, "--json", copy)
    equal((status, slurp(copy)), (0, encode(cell()) + "\n"), "afterwards it is free, and emptied")


def continued():
    """Who hands us a file may have read a part of it."""
    path = scratch("part.jsonl")
    spew(path, "a heading\n" + encode(cell()) + "\n")
    status, out, err = sh(f"(read -r line; {PROGRAM} report -) <{path}")
    equal((status, err), (0, ""), "what was read before us is not read again")
    like(out, r"^1\.\.1\nok 1 ", "and the rest is counted for the plan, and reported once")


def closed_pipe():
    """The writing end of a pipe that has no reader."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def unread():
    """A pipe that nobody reads any more is no full disk."""
    path = scratch("many.jsonl")
    spew(path, "".join(encode(cell(scenario=f"s{n}")) + "\n" for n in range(2000)))
    ignoring = subprocess.run(
        [PROGRAM, "report", path], stdout=closed_pipe(), stderr=subprocess.PIPE, check=False,
        preexec_fn=lambda: signal.signal(signal.SIGPIPE, signal.SIG_IGN))
    equal((ignoring.returncode, ignoring.stderr), (-signal.SIGPIPE, b""),
          "report ends quietly, by SIGPIPE, as other tools do, also where it is ignored")


impossible()
again()
own_input()
busy()
continued()
unread()
done()
