#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`forkpoint triage` as a command: what it reads, where it writes, and how it ends when it cannot."""
import json
import os
import re
import resource
import shutil
import signal
import stat
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from driven import finish, left_behind, send, start, succeeds, wait_for  # noqa: E402
from forkpoint_test import (  # noqa: E402
    PROGRAM, above, below, done, equal, forkpoint, has, like, none, ok, run, scratch, skip, slurp,
    spew, unlike)

FORK = """\
0x7f6e81c51fb7 raise libc.so.6+0x8bfb7
0x7f6e81c51fb2 abort libc.so.6+0x2bfb7
0x7f6e81c51fb3 free libc.so.6+0x9bfb7
0x7f6e769d7851 Probe::postfork_child() _probe.cpython-312-x86_64-linux-gnu.so+0x4f11
0x7f6e81c51fb4 fork libc.so.6+0xcbfb7
0x7f6e81c53239 os_fork_impl libpython3.12.so.1.0+0x1d2f10
"""
NAME = r"crash-analysis-[0-9]{8}-[0-9]{6}(-[0-9]+)?\.md"

fork, other = scratch("fork.txt"), scratch("other.txt")
spew(fork, FORK)
spew(other, "0x7f6e769d7851 spin libfoo.so.1+0x10\n0x7f6e769d7852 main prog+0x20\n")
prose = scratch("prose.txt")
spew(prose, "nothing of the kind\n")


def usage(args, pattern, what):
    status, out, err = forkpoint("triage", *args)
    equal(status, 2, f"{what}: exit status 2")
    equal(out, "", f"{what}: nothing on standard output")
    like(err, pattern, f"{what}: it is told")


usage([], "FILE", "no operand")
usage(["--what", fork], "what", "an option that does not exist")
usage(["--json", "--out", "/tmp", fork], r"\Aforkpoint: --out is for reports in Markdown",
      "--json with --out")
usage(["--cluster", "--out", "/tmp", fork], "--cluster writes no reports", "--cluster with --out")
usage(["--out", scratch("missing"), fork], "No such file or directory: give a directory",
      "--out without its directory")
usage(["--out", "", fork], "--out: the value is empty", "--out with no name")
usage(["--out", fork, fork], "is no directory", "--out with a file")
usage([scratch("missing")], "cannot read .*No such file", "a file that is not there")
usage(["/"], "cannot read '/': Is a directory", "a directory")

# To standard output.
status, out, err = forkpoint("triage", fork)
equal((status, err), (0, ""), "a report is read")
like(out, r"\A# Crash Analysis Report\n\n\*\*Generated\*\*: \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n",
     "and told in Markdown, with its time")
has(out, "**fork-safety**", "with its pattern")
status, out, err = run(PROGRAM, "triage", "-", stdin=fork)
has(out, "read from `-`, line 1", "- is standard input")
status, out, err = forkpoint("triage", fork, prose, other)
equal(status, 0, "of several files one needs to have a report")
equal(out.count("\n# Crash Analysis Report\n") + out.startswith("# Crash"), 2, "each is told")
like(err, "prose.txt: no crash report is recognised", "a file without one, too")
status, out, err = forkpoint("triage", prose)
equal((status, out), (1, ""), "no report at all: exit status 1")
status, out, err = forkpoint("triage", fork, scratch("missing"), other)
equal(status, 2, "one file that cannot be read: exit status 2")
equal(out.count("# Crash Analysis Report"), 2, "but the others are told")
status, out, err = forkpoint("triage", "--json", fork, other)
equal([json.loads(line)["pattern"] for line in out.splitlines()], ["fork-safety", "other"],
      "--json writes an object a report")

# --cluster.
status, out, err = forkpoint("triage", "--cluster", other, fork, prose, fork)
lines = [line.split("\t") for line in out.splitlines()]
equal([(line[0], line[2]) for line in lines], [("2", "fork-safety"), ("1", "other")],
      "--cluster writes a line a signature, the most frequent first")
none([line[1] for line in lines if not line[1].startswith("v1 ")], "each with its version")
equal([line[3] for line in lines], [f"{fork} {fork}", other], "with the files of each")
status, out, err = forkpoint("triage", "--cluster", "--json", other, fork, fork)
clusters = [json.loads(line) for line in out.splitlines()]
equal([(c["count"], c["pattern"], c["files"]) for c in clusters],
      [(2, "fork-safety", [fork, fork]), (1, "other", [other])], "as JSON objects, too")
equal(clusters[0]["signature"], lines[0][1], "with the same signature")
equal(forkpoint("triage", "--cluster", prose).status, 1, "nothing to group: exit status 1")

# What experiments say of a crash that forkpoint has made itself.
RECORD = "tests/fixtures/triage/finalize-ensure-after-gilstate-3.13.0-forkpoint.txt"
cell = json.loads([line for line in slurp(RECORD).splitlines() if line.startswith("{")][0])
CLEAN = {"outside": None, "quiet": {"trials": 3, "bad": 0},
         "twin": {"trials": 3, "bad": 0, "hits": 2}, "fresh": {"trials": 1, "same": 1, "expected": 0}}
record = scratch("record.txt")


def experiment(controls, **said):
    """What is told in Markdown, what in JSON, and what of this when it is read again."""
    for word in "confirmed", "confirmation":
        cell["findings"][0]["triage"].pop(word, None)
    cell["findings"][0]["triage"].update(said)
    spew(record, json.dumps({**cell, "controls": controls}))
    markdown, line = forkpoint("triage", record).out, forkpoint("triage", "--json", record).out
    spew(record, line)
    again = json.loads(forkpoint("triage", "--json", record).out)
    answer = json.loads(line)
    for key in "confirmation", "controls":
        equal(again[key], answer[key], f"of {said} the {key} stays when it is read again")
    return markdown, answer["confirmation"], answer["controls"]


out, *answer = experiment(CLEAN, confirmed=True, confirmation="confirmed")
equal(answer, ["confirmed", CLEAN], "a crash that is confirmed, with its figures")
has(out, "\n**confirmed**: each control of the experiment that applies agrees.\n\n- quiet, the "
    "thread parked before its window: 0 of 3 trials went wrong\n- twin, the same code with the fix: "
    "0 of 3 trials went wrong\n- of the twin's trials, 2 met the race\n- fresh, a process of its "
    "own: 1 of 1 trials ended the same way\n\n", "in Markdown, too")
against = {**CLEAN, "twin": {"trials": 3, "bad": 2, "hits": 3}}
out, *answer = experiment(against, confirmed=False, confirmation="contradicted")
equal(answer, ["contradicted", against], "one that came with the fix as well is contradicted")
has(out, "\n**contradicted**: a control of the experiment shows it where the race cannot be.\n",
    "in Markdown, too")
has(out, "with the fix: 2 of 3 trials went wrong", "with the figure that speaks against it")
unmet = {**CLEAN, "twin": {"trials": 3, "bad": 0, "hits": 0}}
out, *answer = experiment(unmet, confirmed=None, confirmation="not confirmed")
equal(answer, ["not confirmed", unmet], "a twin that was never met confirms nothing")
has(out, "\n**not confirmed**: no control of the experiment could tell.\n", "in Markdown, too")
out, *answer = experiment(None, confirmed=None, confirmation="not confirmed")
equal(answer, ["not confirmed", None], "nor what was not tried")
has(out, "\n**not confirmed**: no control was run, or its figures are not in the report.\n",
    "which is told")
# Records of earlier releases have the one word only, and it was for both.
for controls, wanted in (against, "contradicted"), (unmet, "not confirmed"):
    equal(experiment(controls, confirmed=False)[1], wanted, f"an earlier record is {wanted}")
equal(experiment(CLEAN, confirmed=True)[1], "confirmed", "an earlier record is confirmed")
out, *answer = experiment(CLEAN, confirmation="perhaps")
equal(answer[0], None, "a word that is none says nothing")
for word in "confirmed", "contradicted", "not confirmed":
    equal(experiment(CLEAN, confirmation=word)[1], word, f"{word} is told")
    said = {**cell["triage"], "confirmation": word}
    spew(record, json.dumps({**cell, "triage": said, "controls": CLEAN}))
    has(re.sub('"', "", forkpoint("report", record).out), f"confirmation: {word}\n",
        "in the words of `forkpoint report`")
lone = {**CLEAN, "fresh": {"trials": 3, "same": 0, "expected": 0}}
out, *answer = experiment(lone, confirmed=None, confirmation="not confirmed")
has(out, "\n**not confirmed**: no control of the experiment speaks against it, but not each bears "
    "it out.\n", "what a process of its own did not do again is not called untold")
out = forkpoint("triage", fork).out
ok("confirmed" not in out, "of a report that others wrote no experiment is told")

# --out.
kept = scratch("kept")
os.mkdir(kept)
many = scratch("many.txt")
spew(many, (FORK + "and\n") * 30)
status, out, err = forkpoint("triage", "--out", kept, many)
paths = out.splitlines()
equal((status, err), (0, ""), "reports are kept")
equal(len(paths), 30, "each in a file of its own")
equal(sorted(os.path.basename(path) for path in paths), sorted(os.listdir(kept)),
      "whose paths are told")
none([path for path in paths if not re.fullmatch(f"{re.escape(kept)}/{NAME}", path)],
     "files are called by their time")
above(sum(bool(re.search(r"-[0-9]+-[0-9]+-[0-9]+\.md", path)) for path in paths), 0,
      "those of one second have numbers")
none([path for path in paths if not slurp(path).endswith("people judge.*\n")], "each is whole")
before = {path: slurp(path) for path in paths}
forkpoint("triage", "--out", kept + "/", other)
none([path for path in paths if slurp(path) != before[path]], "nothing is overwritten")
equal(len(os.listdir(kept)), 31, "a further report has its own file")
equal(stat.S_IMODE(os.stat(paths[0]).st_mode) & 0o111, 0, "no report is a program")

# Each name that is taken would be tried for each report again.
crowd = scratch("crowd")
os.mkdir(crowd)
crowded = scratch("crowded.txt")
spew(crowded, (FORK + "and\n") * 400)
strace = shutil.which("strace")
if strace and succeeds(strace, "-o", os.devnull, "true"):
    traced = scratch("traced")
    ran = run(strace, "-f", "-o", traced, "-e", "trace=linkat,openat", PROGRAM, "triage", "--out",
              crowd, crowded)
    equal((ran.status, len(os.listdir(crowd))), (0, 400), "many reports are kept")
    below(slurp(traced).count("EEXIST"), 400, "and for all of them few names are tried twice")
else:
    skip("many reports are kept", "strace does not work here", 2)

# A name may hold what a terminal would obey.
odd = scratch("\x1b[31modd")
has(forkpoint("triage", "--out", odd, fork).err, "?[31modd'", "an escape in DIR is not told raw")
unlike(forkpoint("triage", "--out", odd, fork).err, "\x1b", "on standard error")
os.mkdir(odd)
ours, theirs = os.openpty()
run_ = start("triage", "--out", odd, fork, before=lambda: os.dup2(theirs, 1))
finish(run_, 20)
told = os.read(ours, 4096).decode()
has(told, "/?[31modd/crash-analysis-", "nor to a terminal")
unlike(told, "\x1b", "where it would be obeyed")
ok(os.path.isfile(forkpoint("triage", "--out", odd, fork).out.rstrip("\n")),
   "but programs get the path as it is")
os.close(ours)
os.close(theirs)

# What cannot be written.
if os.path.exists("/dev/full"):
    run_ = start("triage", fork, stdout="/dev/full")
    equal(finish(run_, 20), 3 << 8, "a full disk under standard output: exit status 3")
    like(run_.errors, "cannot write to standard output: No space left", "it is told")
else:
    skip("a full disk", "no /dev/full", 2)

run_ = start("triage", fork, before=lambda: os.close(1))
equal(finish(run_, 20), 3 << 8, "a closed standard output: exit status 3")
like(run_.errors, "cannot write to standard output", "it is told")


def broken_pipe():
    reader, writer = os.pipe()
    os.dup2(writer, 1)
    os.close(reader)
    os.close(writer)


run_ = start("triage", many, before=broken_pipe)
equal(finish(run_, 20), signal.SIGPIPE, "a pipe that nobody reads: SIGPIPE ends it")

limited = scratch("limited")
os.mkdir(limited)
run_ = start("triage", "--out", limited, many,
             before=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (512, 512)))
equal(finish(run_, 20), 3 << 8, "a limit on file sizes: exit status 3")
like(run_.errors, "cannot write a report to .*File too large: make room", "it is told")
equal(os.listdir(limited), [], "no half of a report is left")

small = scratch("small")
os.mkdir(small)
MOUNT = ("unshare", "-m", "sh", "-c",
         'mount -t tmpfs -o size=8k tmpfs "$0" && "$@"; s=$?; find "$0" -type f -size -1 '
         '>"$0.ls"; exit $s', small)
if succeeds(*MOUNT, "true"):
    run_ = start("triage", "--out", small, many, program=[*MOUNT, PROGRAM])
    equal(finish(run_, 20), 3 << 8, "a file system that is full: exit status 3")
    like(run_.errors, "No space left on device: make room", "it is told")
    equal(slurp(small + ".ls"), "", "no empty file is left")
else:
    skip("a file system that is full", "no tmpfs can be mounted here", 3)

if os.geteuid() and os.path.isdir("/proc"):
    sealed = scratch("sealed")
    os.mkdir(sealed, 0o500)
    equal(forkpoint("triage", "--out", sealed, fork).status, 3, "a directory without permission")
else:
    skip("a directory without permission", "root has all permissions")

# Much, and without an end.
began = time.monotonic()
run_ = start("triage", "/dev/zero", before=lambda: resource.setrlimit(
    resource.RLIMIT_AS, (1 << 30, 1 << 30)))
equal(finish(run_, 60), 1 << 8, "a file without end: none is recognised, in 1 GiB of memory")
like(run_.errors, "/dev/zero is larger than 256 MiB: the rest is left out", "and that is told")
below(time.monotonic() - began, 30, "it comes to an end")

fifo = scratch("fifo")
os.mkfifo(fifo)
waiting = scratch("waiting")
os.mkdir(waiting)
run_ = start("triage", "--out", waiting, fork, fifo)
ok(wait_for(20, lambda: os.listdir(waiting)), "the first report is kept")
send(signal.SIGINT, run_.pid)
finish(run_, 5)
ok(run_.status in (signal.SIGINT, 130 << 8), "Ctrl-C ends it while it waits for more")
below(run_.took, 1, "within a second")
equal(left_behind(run_, 0.2), "", "nothing runs on")
names = os.listdir(waiting)
none([name for name in names if not slurp(f"{waiting}/{name}").endswith("people judge.*\n")],
     "what was kept is whole")

done()
