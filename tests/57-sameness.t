#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What must not change results: how subjects are started, how many workers there are, how the
cells are shared out, and doing it again with the same seed."""
import contextlib
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from driven import cells_of, drive, interpreters  # noqa: E402
from forkpoint_test import above, below, done, equal, ok, scratch, slurp  # noqa: E402

pythons = [one["python"] for one in interpreters()]
ON = ["--python", pythons[0]]
TESTS = [f"selftest-{name}" for name in
         ("noop", "crash", "child-crash", "hang", "child-hang", "silent", "window", "rare")]
FIXED = [*TESTS, *ON, "--trials", "4", "--seed", "11"]
JSON = scratch("json")


def results(*args):
    """What each cell of a run came to: its verdict and outcomes."""
    with contextlib.suppress(FileNotFoundError):
        os.unlink(JSON)
    drive("run", *args, "--json", JSON)
    of = {}
    for cell in cells_of(slurp(JSON)):
        name = " ".join((cell["scenario"], "twin" if cell["twin"] else "bug", cell["python"],
                         cell["explore"]))
        if name in of:
            ok(False, f"{name} came twice")
        outcomes = sorted((cell.get("outcomes") or {}).items())
        of[name] = " ".join([cell.get("verdict") or "none", *(f"{o}:{n}" for o, n in outcomes)])
    return of


def listed(*args):
    ran = drive("run", "--dry-run", *args)
    equal(ran.status, 0, f"--dry-run {' '.join(args)}")
    return ran.out.splitlines()


def rare(*args):
    """How many trials of 200 had the outcome, and the replay line of one."""
    drive("run", "selftest-rare", "--twins", "without", "--trials", "200", *ON, *args,
          "--json", JSON)
    cell = cells_of(slurp(JSON))[0]
    return f"{cell['outcomes']['SIGSEGV']} {cell['findings'][0]['replay']}"


def without_seed(text):
    return re.sub(r":0x\w+:", ":", text, count=1)


usual = results(*FIXED, "--jobs", "2")
equal(len(usual), 2 * len(TESTS), "each scenario and its twin has a result")
equal(results(*FIXED, "--isolation", "exec"), usual,
      "a subject that is started afresh does what a forked one does")
for jobs in "1", "8":
    equal(results(*FIXED, "--jobs", jobs), usual, f"--jobs {jobs} changes nothing")

together = {}
for k in 1, 2, 3:
    part = results(*FIXED, "--shard", f"{k}/3")
    for cell in part.keys() & together.keys():
        ok(False, f"{cell} is in two shards")
    above(len(part), 0, f"shard {k} of 3 has its part")
    together.update(part)
equal(together, usual, "the shards together are the whole")

# The same of the whole matrix, and of interpreters that are not there.
everywhere = ["--python", "3.99"]
for python in pythons:
    everywhere += ["--python", python]
whole = listed("--explore", "all", *everywhere)
parts = [line for k in range(1, 6)
         for line in listed("--explore", "all", "--shard", f"{k}/5", *everywhere)]
equal(sorted(parts), sorted(whole), "five shards of all cells are all cells, each once")
above(len(whole), 10 * len(pythons), "which are many")
equal(sum("3.99" in line for line in whole), 1, "with one that is not there")

cells = listed(*TESTS, *ON)
twins = sum(line.endswith(" (and its twin)") for line in cells)
equal(len(cells) + twins, len(usual), "--dry-run prints the cells that are run")

# Seeds.
seven = rare("--seed", "7")
line = re.search(r"\A([0-9]+) (.*:0x7:[0-9]+:SIGSEGV)\Z", seven)
if ok(line, f"a replay line has the seed: {seven}"):
    hits = int(line[1])
    above(hits, 1, "one trial in twenty is two in two hundred at least")
    below(hits, 31, "and thirty at most")
equal(rare("--seed", "0x7"), seven, "the same seed finds the same trials")
equal(rare("--seed", "7", "--isolation", "exec").replace(":exec:", ":zygote:", 1), seven,
      "also in fresh processes")
ok([without_seed(rare("--seed", seed)) for seed in ("8", "9", "10")] != [without_seed(seven)] * 3,
   "other seeds others")
equal(drive("replay", seven.split(" ", 1)[1], "--tries", "1").status, 0,
      "its replay line finds it at the first try")

# --trials is exact, whatever the strategy.
for explore in "starve", "storm":
    for trials in 1, 7:
        drive("run", "selftest-rare", "fork-lru-list", "--explore", explore, "--trials",
              str(trials), *ON, "--json", JSON)
        equal([cell["trials"] for cell in cells_of(slurp(JSON))], [trials] * 4,
              f"--trials {trials} under {explore}")
done()
