#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The README is run as it is written: every command of its sh blocks, in a copy of the tree, with
# the scenario that it tells to write. `make run`, `make check` and other targets are looked up in
# the Makefile by `make --dry-run` instead, for this test is a part of one of them. Its recorded
# output is compared with what the command prints now.
import glob
import os
import re
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
import forkpoint_test  # noqa: E402
from forkpoint_test import (  # noqa: E402
    above, diag, done, equal, like, line_of, none, ok, pythons, scratch, skip_all, slurp, spew)

README = slurp("README.md")
newest = {line_of(python): python for python in pythons()}
if "3.13" not in newest or "3.15" not in newest:
    skip_all("Python 3.13 and 3.15 are not here: make pythons")

# A copy, so that `build/forkpoint` is ours and a new scenario is nobody else's; with a cache of its
# own for the hosts, in which the interpreters are those of the real one.
TREE = scratch("tree")
CACHE = os.environ.get("FORKPOINT_CACHE") or os.path.join(
    os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "forkpoint")


def make_copy():
    os.makedirs(f"{TREE}/build")
    os.mkdir(f"{TREE}/cache")
    for name in ["Makefile", "README.md", "LICENSE"]:
        shutil.copy(name, TREE)
    for name in ["ci", "embed", "harness", "library", "scenarios", "tests/fixtures"]:
        shutil.copytree(name, f"{TREE}/{name}", symlinks=True)
    shutil.copy(forkpoint_test.PROGRAM, f"{TREE}/build/forkpoint")
    os.symlink(f"{CACHE}/interpreters", f"{TREE}/cache/interpreters")


def sh(command):
    env = {**os.environ, "FORKPOINT_DATA": "", "FORKPOINT_CACHE": f"{TREE}/cache"}
    return forkpoint_test.run("timeout", "300", "sh", "-c", command, cwd=TREE, env=env)


def as_here(text):
    """What moves with Debian's suites is what is here today."""
    return re.sub(r"\b3\.15\.2\b", newest["3.15"], re.sub(r"\b3\.13\.18\b", newest["3.13"], text))


def without_compiler(line):
    """How long a window is, and where in a library it lies, is the compilers' choice. That it has
    one bad point, between good ones, is not."""
    if not re.match(r'# +[0-9]+(-[0-9]+)? ( |points)|# \.|# [A-Z] |  (points|forks|coverage|map):'
                    r'|    - "[0-9]|#  +its child ', line):
        return line
    line = re.sub(r"\b(lib[\w+]+\.so)[0-9.]*|0x[0-9a-f]+", r"\1", re.sub(r"\.{2,}", "…", line))
    return re.sub("[0-9]+", "N", re.sub(" +", " ", line))


def without_chance(line):
    line = without_compiler(line)
    line = re.sub(r"^((?:not )?ok) [0-9]+", r"\1 N", line)
    return re.sub(r"address 0x\w+", "address 0xN", re.sub(r"seconds: \S+", "seconds: N", line))


def check_record(record, out):
    """The record is real if a run of today gives its lines. Seconds, addresses and the order of
    cells are each run's own; all else must be there."""
    today = {without_chance(line) for line in out.split("\n")}
    none([line for line in as_here(record).split("\n")
          if line not in ("", "[…]") and without_chance(line) not in today],
         "the recorded output is what is printed today")


NUMBERS = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten"]


def forks_of(text):
    """How many forks so many points took."""
    return set(re.findall(r"^  points: ([0-9]+)\n  forks: ([0-9]+)$", text, re.M))


def check_forks(record, out):
    """A window of the same length takes the same forks, and the prose has their number."""
    points, forks = min(forks_of(record))
    today = forks_of(out)
    ok((points, forks) in today or points not in {length for length, _ in today},
       f"{points} points take {forks} forks today") or diag(str(today))
    like(README, rf"\b{NUMBERS[int(forks)].capitalize()} forks were enough\b", "as the prose says")


def check_reload(out, explore):
    like(out, rf"^ok 1 - fork-reload @ \S+ {explore} \(SIGSEGV as expected\)$",
         f"the scenario of the README crashes under {explore}")
    like(out, r"^    SIGSEGV: ([3-9]|\d{2,})$", "three times or more")
    like(out, r"^  confirmed: true$", "confirmed")
    like(out, rf"^ok 2 - fork-reload twin @ \S+ {explore} \(clean\)$", "its twin is clean")


def check_files(directory):
    files = sorted(glob.glob(f"{TREE}/{directory}/*"))
    above(len(files), 0, "a file is kept for the hang")
    like(slurp(files[0]) if files else "", r"\Aregisters|^maps:|^thread ", "with stacks")


def check_more(command, out):
    """What the README says of a command beyond that it works."""
    kept = re.search(r"--out (\w+)", command)
    if " run fork-reload " in command:
        check_reload(out, "storm" if " storm " in command else "step")
    elif kept:
        check_files(kept.group(1))
    elif re.search("fork-lru-list.* storm", command):
        like(out, r"^  load:\n    tool: .*\n    without:\n(.*\n)+?    with:$",
             "a rate with and without load")
    elif command.endswith("--trials 100"):
        like(out, r"^  outcomes:\n    ok: 100$", "a hundred clean trials")
    elif " replay " in command:
        like(out, r"^SIGSEGV again, in trial 1$", "the trial is repeated")


def check_command(command):
    """Run it, or look its target up; what it printed, and whether it was run."""
    target = re.fullmatch(r"make(?: ([a-z-]+))?", command)
    status, out, err = sh(f"make --dry-run {target.group(1) or 'all'}" if target else command)
    equal(status, 0, command) or diag(out, err)
    check_more(command, out)
    return out, not target


make_copy()
blocks = re.findall(r"^```(\S[^\n]*)?\n(.*?)^```$", README, re.M | re.S)
equal(sum(bool(re.match(r"sh\b", language)) for language, _ in blocks), 6,
      "the README has six blocks of commands")
equal(sum(language == "c" for language, _ in blocks), 1, "and one scenario")

ran, looked_up, last_out = 0, 0, ""
for language, text in blocks:
    if language == "c":
        file = re.search(r"^Write `(scenarios/[a-z_]+\.c)`:$", README, re.M)
        if ok(file, "the README says where the scenario goes"):
            spew(f"{TREE}/{file.group(1)}", text)
    elif language == "text" and text.startswith(("TAP version", "# Crash")):
        check_record(text, last_out)
        if forks_of(text):
            check_forks(text, last_out)
    if not re.match(r"sh\b", language):
        continue
    for line in filter(str.strip, text.split("\n")):
        last_out, was_run = check_command(as_here(re.sub(r"\s+#.*", "", line)))
        ran += was_run
        looked_up += not was_run
above(ran, 10, f"{ran} commands were run")
ok(looked_up >= 2, f"{looked_up} targets were looked up")

# Whatever the prose names as a target is one.
for target in re.findall(r"`make ([a-z-]+)`", README):
    equal(sh(f"make --dry-run {target}").status, 0, f"there is a target {target}")

done()
