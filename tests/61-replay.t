#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# A replay line of every kind that a run prints, pasted back as it was printed, gives the same
# outcome; what is no replay line is refused in one sentence.
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import (  # noqa: E402
    diag, done, equal, forkpoint, like, line_of, ok, pythons, run_cells, skip_all, unlike)

here = [p for p in pythons() if line_of(p) != "3.15"]
if not here:
    skip_all("no interpreter before 3.15 is here: make pythons")
python = here[-1]

# Ends of each kind, met each time and met by chance, of the subject and of its child.
SCENARIOS = ["selftest-crash", "selftest-child-crash", "selftest-abort", "selftest-hang",
             "selftest-child-hang", "selftest-spin", "selftest-window", "selftest-rare",
             "finalize-ensure-after", "finalize-hammer/after", "fork-lru-list", "fork-held-mutex"]
RUNS = [
    [*SCENARIOS, "--budget", "3s"],
    ["selftest-crash", "selftest-hang", "finalize-ensure-after", "--isolation", "exec"],
    ["selftest-crash", "fork-live-subinterpreter", "--explore", "storm", "--budget", "1s"],
]
kinds = {}
tap_line = ""
for args in RUNS:
    ran = run_cells(*args, "--python", python, "--twins", "without")
    equal(ran.status, 0, f"run {' '.join(args)}") or diag(ran.err, ran.tap)
    for finding in (f for cell in ran.cells for f in cell["findings"]):
        fields = finding["replay"].split(":")
        equal(fields[9], finding["outcome"], f"a line for {fields[1]} {finding['outcome']}")
        kinds.setdefault(":".join(fields[i] for i in (1, 4, 5, 9)), finding["replay"])
    printed = re.search(r"^  replay: (.*)$", ran.tap, re.M)
    if printed and not tap_line:
        tap_line = printed.group(1)

# What was to be found at all; the outcomes that chance chooses are whatever they were.
for kind in ["selftest-crash:starve:zygote:SIGSEGV", "selftest-child-crash:starve:zygote:SIGSEGV",
             "selftest-abort:starve:zygote:SIGABRT", "selftest-hang:starve:zygote:hang",
             "selftest-child-hang:starve:zygote:hang", "selftest-spin:starve:zygote:timeout",
             "selftest-rare:starve:zygote:SIGSEGV", "selftest-crash:starve:exec:SIGSEGV",
             "selftest-hang:starve:exec:hang", "finalize-ensure-after/gilstate:starve:exec:SIGSEGV",
             "selftest-crash:storm:zygote:SIGSEGV", "fork-held-mutex:starve:zygote:hang"]:
    ok(kind in kinds, f"there is a replay line for {kind}")
ok(any(kind.startswith("fork-lru-list:") for kind in kinds), "there is one for fork-lru-list")
ok(any(kind.startswith("finalize-hammer") for kind in kinds), "there is one for finalize-hammer")

for kind in sorted(kinds):
    outcome = kind.split(":")[3]
    status, out, err = forkpoint("replay", kinds[kind])
    equal(status, 0, f"forkpoint replay {kinds[kind]}") or diag(out, err)
    like(out, rf"^{outcome} again, in trial [0-9]+$", "has that outcome again")
    # Where no chance enters, the first trial has it.
    if re.search("selftest|ensure-after|held-mutex|live", kind):
        like(out, r" in trial 1$", "at once")

# As it stands in the TAP, with the quotes of YAML, and with the command before it.
bare = tap_line.replace('"', "")
for pasted in [tap_line, bare, f"forkpoint replay {bare}"]:
    equal(forkpoint("replay", pasted).status, 0, f"pasted as {pasted}")

# An outcome that does not come again is told, with what the trials exclude.
other = re.sub("SIGSEGV$", "SIGBUS", kinds.get("selftest-crash:starve:zygote:SIGSEGV", ""))
status, out, err = forkpoint("replay", "--tries", "7", other)
equal(status, 1, "an outcome that does not come again ends with 1")
like(out, r"\Ano SIGBUS in 7 trials: its rate is below 0\.35 at 95 %", "and a bound")
like(out, r"^instead: SIGSEGV in 7$", "with what came instead")
like(out, r"^All were forks of one process, ", "of one process, is said")
other = re.sub("SIGSEGV$", "SIGBUS", kinds.get("selftest-crash:starve:exec:SIGSEGV", ""))
out = forkpoint("replay", "--tries", "2", other).out
like(out, r"^instead: SIGSEGV in 2$", "programs started afresh come to the same")
unlike(out, "one process", "but are more than one")

# One field at a time is spoilt.
GOOD = f"fp2:selftest-crash:bug:{python}:starve:zygote:default:0x2a:0:SIGSEGV"
equal(forkpoint("replay", GOOD).status, 0, "a line written by hand is as good")
OLD = GOOD.replace("fp2", "fp1").replace(":default", "")
equal(forkpoint("replay", OLD).status, 0, "so is one of the format before it")
SPOILT = [
    (0, "fp9", r"'fp9' is another format"),
    (1, "selftest-crahs", r"no scenario 'selftest-crahs': did you mean 'selftest-crash'"),
    (1, "fork-atfork-order", r"'fork-atfork-order' does not name one scenario"),
    (2, "bugg", r"'bugg' is neither bug nor twin"),
    (3, "3.99.1", r"Python 3\.99\.1 is not here .*type: forkpoint pythons fetch 3\.99\.1"),
    (3, "banana", r"'banana' names no interpreter"),
    (4, "starvation", r"no strategy 'starvation'"),
    (5, "fork", r"'fork' is neither zygote nor exec"),
    (6, "arena", r"'arena' is neither default nor tcache_count=0"),
    (7, "0xzz", r"'0xzz' is not a whole number"),
    (8, "-1", r"'-1' is not a whole number"),
    (8, "99999999999999999999", r"99999999999999999999"),
    (9, "SIGNOT", r"no outcome 'SIGNOT'"),
]
GARBAGE = ["", " ", "fp1", ":" * 9 + "x:", f"{GOOD}:more", GOOD[:-8], "%s%n%s", "\x7f" * 5000]


def with_field(number, text):
    fields = GOOD.split(":")
    fields[number] = text
    return ":".join(fields)


refused = [(with_field(number, text), why) for number, text, why in SPOILT]
refused += [(line, "is no replay line") for line in GARBAGE]
for line, why in refused:
    status, out, err = forkpoint("replay", line)
    shown = f"{len(line)} characters" if len(line) > 70 else f"'{line}'"
    equal(status, 2, f"{shown} ends with 2")
    like(err, why, "and is explained")
    equal((out, err.count("\n")), ("", 1), "in one line on standard error")

done()
