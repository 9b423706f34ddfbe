#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a user gets wrong on the command line of `run` and `replay`: one sentence that says what to
do, the right exit status, and nothing is run. (Other commands: tests/11-options.t.)"""
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from driven import drive, interpreter, tap_of  # noqa: E402
from forkpoint_test import SCRATCH, done, equal, like, none, scratch, slurp, spew  # noqa: E402

python = interpreter()
ON = ("--python", python)
HERE = re.escape(SCRATCH)


def mistake(wanted, sentence, *args):
    what = " ".join(arg[:57] + "…" if len(arg) > 60 else arg for arg in args)
    status, out, err = drive(*args)

    equal(status, wanted, f"{what}: ends with {wanted}")
    equal(out, "", f"{what}: runs nothing")
    like(err, r"\Aforkpoint: [^\n]*\n\Z", f"{what}: says one sentence")
    like(err, sentence, f"{what}: namely the right one")


mistake(2, r"no scenario 'fork-lru-lits': did you mean 'fork-lru-list'\?", "run", "fork-lru-lits",
        *ON)
mistake(2, r"no scenario 'xyzzy' .*forkpoint list", "run", "xyzzy", *ON)
mistake(2, r"no scenario 'finalize-restore/xyzzy'", "run", "finalize-restore/xyzzy", *ON)
mistake(2, r"no scenario 'xyzzy'", "run", "selftest-noop", "xyzzy", *ON)
mistake(2, r"no scenario ''", "run", "", *ON)
mistake(2, r"'banana' names no interpreter; write a release", "run", "--python", "banana")
mistake(2, r"'3\.x' names no interpreter", "run", "--python", "3.x")
mistake(2, r"'3\.13\.1\.1' names no interpreter", "run", "--python", "3.13.1.1")
for value in "3.11", "3.11.9d", "2.7.18", "9.9", "3.11+":
    mistake(2, rf"'{re.escape(value)}' cannot be run: forkpoint runs 3\.12 and later releases of "
            r"Python 3\n\Z", "run", "--python", value)
mistake(2, r"cannot look into '/nowhere': No such file", "run", "--python", "/nowhere")
mistake(2, r"no Python that can be used in '[^']+': .*; name a prefix", "run", "--python", SCRATCH)
mistake(2, r"--json and --names are two forms", "list", "--json", "--names")
mistake(2, r"unknown option '--jsno': did you mean '--json'\?", "run", "--jsno", "x")
mistake(2, r"--json needs a value", "run", "--json")
for value in "5q", "-1s", "0", "nan", "infs", "1e999s", "0s", "1.5.1s", " 1s":
    mistake(2, rf"--budget: '{re.escape(value)}' ", "run", "--budget", value, *ON)
for value in "x", "-1", "0x", "0xg", "1.5", "18446744073709551616":
    mistake(2, rf"--seed: '{re.escape(value)}' ", "run", "--seed", value, *ON)
for value in "0", "-5", "1e3", "1000000001":
    mistake(2, rf"--trials: '{re.escape(value)}' ", "run", "--trials", value, *ON)
for value in "0", "65", "two":
    mistake(2, rf"--jobs: '{re.escape(value)}' ", "run", "--jobs", value, *ON)
for value in ("0/3", "4/3", "1", "1/", "/3", "a/b", "1/3x", "-1/3", "1/-3", "1/4294967299", "1/ 3",
              ""):
    mistake(2, rf"'{re.escape(value)}' is no shard: write K/N", "run", "--shard", value, *ON)
for option in "budget", "seed", "trials", "json", "out":
    mistake(2, rf"--{option}: .*(is missing|is empty): ", "run", f"--{option}", "", *ON)
mistake(2, r"--tap: '12' is none of 13, 14", "run", "--tap", "12", *ON)
mistake(2, r"--isolation: 'jail' is none of zygote, exec", "run", "--isolation", "jail", *ON)
mistake(2, r"--explore: 'harder' is none of ", "run", "--explore", "harder", *ON)

# Without an interpreter to ask, the list of scenarios itself tells of a slip.
ABSENT = ("--python", "3.99.1")
mistake(2, r"no scenario 'fork-lru-lits': did you mean 'fork-lru-list'\?", "run", "fork-lru-lits",
        *ABSENT)
mistake(2, r"no scenario 'fork-lru'.*forkpoint list", "run", "fork-lru", *ABSENT)
mistake(2, r"no scenario ''", "run", "", *ABSENT)
for name in "fork-lru-list", "selftest-noop", "finalize-restore/whatever":
    equal(drive("run", name, *ABSENT).status, 77, f"{name} may be skipped")
listed = [word.replace("_", "-") for word in re.findall(r"^SCENARIO\((\w+)\)",
                                                        slurp("scenarios/list.h"), re.M)]
equal(drive("list", *listed, *ON).status, 0, "a host knows each by the name that is made of it")
none(set(drive("list", "--names", *ON).out.split()) - set(listed), "and no other")

# A cache that cannot be used hides what the machine has, which is no reason for a skip.
for cache, sentence in (
        ("/proc/x", r"cannot make the directory '/proc/x': .*: set FORKPOINT_CACHE to a directory"),
        ("/proc/version", r"cannot make the directory '/proc/version/interpreters': Not a dir.*: "
                          r"set FORKPOINT_CACHE")):
    ran = drive("run", "selftest-noop", *ON, env={"FORKPOINT_CACHE": cache})
    equal((ran.status, ran.out), (2, ""), f"a cache in {cache} ends with 2")
    like(ran.err, rf"\Aforkpoint: {sentence}[^\n]*\n\Z", "and says why, and what to do")

# Nothing is left to run: why.
for args, sentence in (
        (("finalize-ensure-after/guard", "--python", "3.12"),
         r"finalize-ensure-after/guard is for Python >=3\.15, and asked for are 3\.12\.\d+"),
        (("selftest-noop", *ON, "--shard", "40/40"),
         r"shard 40/40 is empty: there is only 1 to share out, one for each scenario.*")):
    ran = drive("run", *args)
    like(ran.out, rf"^1\.\.0 # SKIP {sentence}$", f"{' '.join(args)}: the plan says why")
    equal((ran.status, ran.err), (77, ""), "and it is a skip")
    ran = drive("run", *args, "--dry-run")
    like(ran.err, rf"\Aforkpoint: {sentence}\n\Z", "so does a dry run")
    equal((ran.status, ran.out), (77, ""), "on standard error, with the run's status")


def notes(*args):
    """What is said of options that the cells have no use for; the run goes on."""
    ran = drive("run", *ON, "--dry-run", *args)
    equal(ran.status, 0, f"{' '.join(args)}: is no mistake")
    return ran.err


for args, sentence in (
        (("fork-lru-list", "selftest-noop", "--trials", "3"), r"--trials is for starve and storm: "
         r"step tries each point of a window, and walks 2 of the 4 cells"),
        (("selftest-window", "--explore", "step", "--twins", "only", "--budget", "3s"),
         r"--budget is for starve and storm: .*"),
        (("selftest-window", "--explore", "starve", "--exact"), r"--exact is for step, .*")):
    if os.uname().machine == "x86_64":
        like(notes(*args), rf"\Aforkpoint: {sentence}\n\Z", "which says what they are for")
for args in (("selftest-window", "--explore", "all", "--budget", "3s", "--exact"),
             ("selftest-noop", "--trials", "3", "--budget", "1s"), ("fork-lru-list", "--exact")):
    equal(notes(*args), "", f"{' '.join(args)}: there is nothing to say where one has a use")


def listed(status, *args):
    ran = drive("run", *ON, "--dry-run", *args)
    equal((ran.status, ran.err), (status, ""), f"--dry-run {' '.join(args)}")
    return ran.out


WHERE = re.escape(f"selftest-noop @ {python}")
like(listed(0, "selftest-noop"), rf"\A{WHERE} starve \(and its twin\)\n\Z", "a cell and its twin")
like(listed(0, "selftest-noop", "--twins", "only"), rf"\A{WHERE} starve \(twin\)\n\Z",
     "the twin alone is told from its bug")
like(listed(0, "selftest-noop", "--twins", "without"), rf"\A{WHERE} starve\n\Z", "the bug alone")
like(listed(77, "selftest-noop", "--explore", "step"),
     rf"\A{WHERE} step \(and its twin\) # SKIP it has no window to walk through: .*\n\Z",
     "what will be skipped is listed with the reason")
like(listed(0, "selftest-noop", "--python", "3.99.1"), r"^Python 3\.99\.1 # SKIP .*pythons fetch",
     "so is an interpreter that is not here")

# Where results are to go. As a superuser, only the file system itself refuses.
NOOP = ("run", "selftest-noop", "--trials", "1", *ON)
spew(scratch("file"), "")
mistake(2, r"cannot write '/nowhere/x': No such file.*: name a file", *NOOP, "--json",
        "/nowhere/x")
mistake(2, rf"cannot write '{HERE}': Is a directory", *NOOP, "--json", SCRATCH)
mistake(2, r"cannot make the directory '/proc/x': .*--out takes a directory", *NOOP, "--out",
        "/proc/x")
mistake(2, r"--out: cannot write in /proc: .*: name a directory of yours", *NOOP, "--out", "/proc")
mistake(2, rf"--out: cannot write in {HERE}/file: Not a directory", *NOOP, "--out",
        scratch("file"))
mistake(2, rf"cannot make the directory '{HERE}/file/x': Not a directory", *NOOP, "--out",
        scratch("file/x"))


def missing_interpreters(is_failure):
    """They could be here but are not: skipped, with what to type; or a failure."""
    status, out, _ = drive("run", "selftest-noop", "--python", "3.99.1", "--python", "3.98+",
                           *(["--require-all"] if is_failure else []))
    tap = tap_of(out)

    if is_failure:
        equal(status, 1, "with --require-all a missing one is a failure")
    else:
        equal(status, 77, "all skipped")
    equal(tap.faults, [], "the TAP stream is complete")
    equal(len(tap.points), 2, "with a line for each")
    if is_failure:
        like(out, r"^not ok \d - .*3\.99\.1.*\n(?:  .*\n)*?  reason: .*pythons fetch 3\.99\.1",
             "that says what to type")
    else:
        like(out, r"^ok \d - .*3\.99\.1.* # SKIP .*forkpoint pythons fetch 3\.99\.1",
             "that says what to type")


missing_interpreters(False)
missing_interpreters(True)
ran = drive("run", "selftest-noop", "--trials", "1", *ON, "--python", "3.99.1")
equal(ran.status, 0, "one that is missing does not hide those that are here")
like(ran.out, r"^ok \d - selftest-noop", "which are run")

# Replay lines.
line = f"fp2:selftest-crash:bug:{python}:starve:zygote:default:0x1:0:SIGSEGV"
equal(drive("replay", line).status, 0, "a replay line is accepted")
equal(drive("replay", f'  forkpoint replay "{line}"\n').status, 0,
      "also as it is copied from a report")
for text in ("", "x", "fp1", ":" * 10, f"{line}:x", line[:line.rindex(":")], "a" * 5000,
             ":" * 70000):
    mistake(2, r"is no replay line: it reads fp2:", "replay", text)
for at, (value, sentence) in enumerate((
        ("fp3", r"'fp3' is another format"),
        ("xyzzy", r"no scenario 'xyzzy'"),
        ("both", r"'both' is neither bug nor twin"),
        ("banana", r"'banana' names no"),
        ("walk", r"no strategy 'walk'"),
        ("jail", r"'jail' is neither zygote nor exec"),
        ("tcache", r"'tcache' is neither default nor tcache_count=0"),
        ("0xzz", r"'0xzz' is not a whole number"),
        ("-1", r"'-1' is not a whole number"),
        ("SIGNONE", r"no outcome 'SIGNONE'"))):
    fields = line.split(":")
    fields[at] = value
    mistake(2, sentence, "replay", ":".join(fields))
    fields[at] = ""
    mistake(2, r".", "replay", ":".join(fields))
mistake(2, r"Python 3\.99\.9 is not here .*type: forkpoint pythons fetch", "replay",
        "fp2:selftest-crash:bug:3.99.9:starve:zygote:default:0x1:0:SIGSEGV")
mistake(2, r"does not name one scenario", "replay",
        f"fp2:finalize-restore:bug:{python}:starve:zygote:default:0x1:0:SIGSEGV")
mistake(2, r"replay needs an operand", "replay")
mistake(2, r"--tries: '0' ", "replay", line, "--tries", "0")

done()
