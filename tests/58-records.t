#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What the record of a cell says: every key in each, whatever became of the cell; bounds that are
not too low; what a capture lacks; an exit status that only looks like the harness's own."""
import os
import re
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from driven import cells_of, drive, interpreter, store  # noqa: E402
from forkpoint_test import at, done, equal, like, none, ok, scratch, slurp, spew  # noqa: E402

python = interpreter()
ON = ("--python", python, "--trials", "2")
JSON = scratch("json")

# Two ends that selftest has not, in a copy of the scenarios: theirs is no harness's business.
SCENARIOS = """\
/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <unistd.h>

#include "scenarios/scenario.h"

static const struct expectation expectations[] = {
	{ .releases = "", .shows = "wrong SIGKILL", .allows = "ok", .source = "by construction" },
	{ .releases = NULL },
};

/* The status by which the frame itself tells that it could not do its part. */
static void leave(struct subject *s)
{
	if (!s->twin)
		_exit(74);
	subject_say(s, OUTCOME_OK, "");
}

const struct scenario scenario_test_exit = {
	.name = "test-exit", .race = "none", .symptom = "none", .fix = "none",
	.operation = OPERATION_NONE, .flags = SCENARIO_GATED, .expectations = expectations,
	.check = leave,
};

static void vanish(struct subject *s)
{
	if (!s->twin)
		kill(getpid(), SIGKILL);
	subject_say(s, OUTCOME_OK, "");
}

const struct scenario scenario_test_kill = {
	.name = "test-kill", .race = "none", .symptom = "none", .fix = "none",
	.operation = OPERATION_NONE, .flags = SCENARIO_GATED, .expectations = expectations,
	.check = vanish,
};
"""


def make_tree():
    """Data of the test's own, and a cache for the hosts that are built of it."""
    tree, cache = scratch("tree"), scratch("cache")
    for name in "embed", "scenarios":
        shutil.copytree(name, f"{tree}/{name}")
    os.makedirs(f"{tree}/harness")
    shutil.copytree("harness/base", f"{tree}/harness/base")
    spew(f"{tree}/scenarios/test_ends.c", SCENARIOS)
    with open(f"{tree}/scenarios/list.h", "a", encoding="utf-8") as names:
        names.write("SCENARIO(test_exit)\nSCENARIO(test_kill)\n")
    os.mkdir(cache)
    os.symlink(store(), f"{cache}/interpreters")
    return {"FORKPOINT_DATA": tree, "FORKPOINT_CACHE": cache}


def run(*args, env=None):
    if os.path.exists(JSON):
        os.unlink(JSON)
    ran = drive("run", *args, "--json", JSON, env=env)
    return ran, cells_of(slurp(JSON))


def documented():
    """The keys that the README tells of, those of a cell and those of a finding."""
    section = re.search(r"^## JSON\n(.*?)^## ", slurp("README.md"), re.M | re.S)[1]
    rows = re.findall(r"^\| (`.*?) \| (.*) \|$", section, re.M)
    keys = [key for names, _ in rows for key in re.findall("`([a-z_0-9]+)`", names)]
    findings = [value for names, value in rows if names == "`findings`"][0]
    return sorted(keys), sorted(re.findall("`([a-z_]+)`", findings))


def every_key(env):
    keys, keys_of_finding = documented()
    ran, cells = run("selftest-crash", "selftest-hang", "selftest-noop", *ON, "--python", "3.99.1",
                     "--explore", "all")
    equal((ran.status, len(cells)), (0, 13), "cells that ran and one that did not")
    none([cell for cell in cells if sorted(cell) != keys],
         "each has every key that the README tells of, and no other")
    equal(len({tuple(cell) for cell in cells}), 1, "in one order")
    findings = [finding for cell in cells for finding in cell["findings"] or []]
    equal(len(findings), 4, "a crash and a hang, by two strategies")
    none([finding for finding in findings if sorted(finding) != keys_of_finding],
         "each has every key as well")
    skipped = [cell for cell in cells if cell["verdict"] == "skipped"]
    equal([{key: value for key, value in cell.items() if value is not None} for cell in skipped],
          [{"schema": 1, "python": "3.99.1", "verdict": "skipped", "missing": True,
            "reason": at(skipped, 0, "reason")}],
          "where there is no interpreter, all is null but why")

    ran, cells = run("selftest-noop", *ON, env={**env, "CC": "false", "FORKPOINT_CACHE": broken()})
    equal((ran.status, len(cells)), (3, 1), "a host that cannot be built is the harness's failure")
    equal([sorted(cell) for cell in cells], [keys], "its cell has every key")
    equal(sorted(key for key, value in (at(cells, 0) or {}).items() if value is not None),
          ["harness_error", "python", "schema"], "all null but why")
    like(ran.out, rf"^not ok 1 - Python {re.escape(python)} \(the harness failed\)$",
         "and its point has the interpreter's name")


def broken():
    """A cache without hosts."""
    path = scratch("no-hosts")
    os.mkdir(path)
    os.symlink(store(), f"{path}/interpreters")
    return path


def bounds():
    # 1 - 0.05 ** (1 / 2) is 0.77639…, of which the nearest three digits would promise too much.
    ran, cells = run("selftest-noop", "--twins", "without", *ON)
    equal(at(cells, 0, "rate_upper95"), 0.777, "the bound of two clean trials is rounded up")
    like(ran.out, r"^  rate_upper95: 0\.777$", "in TAP, too")


def ends(env):
    ran, cells = run("test-exit", "test-kill", *ON, env=env)
    equal(ran.status, 0, "ends without a word are seen") or ok(False, ran.out + ran.err)
    of = {cell["scenario"]: cell for cell in cells if not cell["twin"]}
    equal((at(of, "test-exit", "outcomes"), at(of, "test-exit", "harness_error")),
          ({"wrong": 2}, None), "an exit status of 74 without a word is the subject's, not ours")
    equal(at(of, "test-kill", "outcomes"), {"SIGKILL": 2}, "SIGKILL is seen")
    lacks = "no capture: it ended without its crash handler"
    equal((at(of, "test-kill", "degraded"), at(of, "test-kill", "triage")), (lacks, None),
          "that there is no capture of it is said")
    equal(at(of, "test-kill", "findings", 0, "degraded"), lacks, "in its finding as well")
    like(ran.out, rf"^  degraded: \"{lacks}\"$", "and in TAP")


ENV = make_tree()
every_key(ENV)
bounds()
ends(ENV)
done()
