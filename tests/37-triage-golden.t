#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# Real crashes and hangs of the scenarios, as the tools that people have told of them, are called
# what they are. What is right stands in the head of each fixture and was written by who knew the
# cause; where the answer is known to be another one, the point is a TODO, and they are counted.
import collections
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
import forkpoint_test  # noqa: E402
import triage_fixtures  # noqa: E402
from forkpoint_test import above, diag, done, equal, none, ok, slurp  # noqa: E402
from triage_fixtures import expected_golden, fixtures, golden, told, wrong  # noqa: E402

LEAST = 100

every = fixtures()
answers = triage_fixtures.triage(forkpoint_test.PROGRAM, every)


def todo(name, errors):
    """A known failure: counted, and no failure of the test."""
    forkpoint_test.counted["points"] += 1
    print(f"not ok {forkpoint_test.counted['points']} - {name} # TODO {told(errors)}")


def check(fixture):
    """Whether it is a known failure."""
    name, reports = fixture.path.name, answers[fixture.path]
    errors = wrong(fixture, reports)
    if errors and fixture.todo:
        todo(name, errors)
        return True
    ok(not errors, f"{name} is {fixture.expect['pattern']}") or diag(told(errors))
    if fixture.todo:
        diag(f"{name} is right now: `make update-golden` takes its todo away")
    if not errors:
        equal(golden(fixture, reports), expected_golden(fixture), f"{name} has its signature")
    return False


# The same crash under several releases has one signature, where a tool gives the whole stack. Which
# functions a libc has names for its builds decide, and `free` jumps to one that has none in some.
WHOLE = {"asan", "eu-stack", "forkpoint", "gdb-bt", "gdb-threads", "lldb", "tsan"}
NAMES_OF_LIBC = {"fork-lru-list"}


def over_releases():
    """{(scenario, format, end): {signature: [names of fixtures]}}"""
    groups = collections.defaultdict(lambda: collections.defaultdict(list))
    for fixture in every:
        parts = re.fullmatch(r"(.*)-3\.\d+\.\d+-(.*)", fixture.path.stem)
        answer = triage_fixtures.chosen(fixture, answers[fixture.path])
        if answer and parts and parts[2] in WHOLE and parts[1] not in NAMES_OF_LIBC:
            version, end = answer["signature"].split(" ")[:2]
            key = parts[1], fixture.expect["format"], version, end
            groups[key][answer["signature"]].append(fixture.path.name)
    return groups


groups = over_releases()
above(sum(len(sum(one.values(), [])) > 1 for one in groups.values()), 15,
      "crashes are told by one tool under several releases")
none([dict(one) for one in groups.values() if len(one) != 1],
     "each has one signature, from 3.12 to 3.15")
none([key for key in groups if key[2] != "v1"], "of this version")

above(len(every), LEAST - 1, f"there are {LEAST} fixtures or more")
for kind in ["gdb", "eu-stack", "lldb", "raw", "pystack", "py-spy", "faulthandler", "fatal-error",
             "glibc", "forkpoint", "asan", "tsan", "rust"]:
    above(sum(one.expect["format"] == kind for one in every), 0, f"some are of {kind}")
none([one.path.name for one in every
      if re.search(r"/(root|tmp|work|mnt|home)/", slurp(one.path))],
     "none has a path of the machine it was made on")

known = sum([check(one) for one in every])
diag(f"{known} of {len(every)} are known to be wrong",
     f"{sum(len(answers[one.path]) != 1 for one in every)} are read as another number than one")
done()
