#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Output that cannot be written: the run goes on, what could be written is whole, the exit status
and one sentence tell of the rest."""
import os
import re
import resource
import stat
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from driven import (  # noqa: E402
    cells_of, drive, finish, interpreter, left_behind, start, succeeds, tap_of)
from forkpoint_test import (  # noqa: E402
    PROGRAM, above, below, done, equal, like, scratch, skip, slurp, unlike)

python = interpreter()
RUN = ("run", "selftest-noop", "selftest-crash", "selftest-abort", "selftest-kill", "--trials", "3",
       "--python", python)
CELLS = 8
json = scratch("json")


def is_device(path):
    return os.path.exists(path) and stat.S_ISCHR(os.stat(path).st_mode)


def limited(size):
    return lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))


def full_device():
    status, _, err = drive(*RUN, "--json", json, stdout="/dev/full")
    equal(status, 3, "a full disk under stdout: exit status 3")
    like(err, r"cannot write to standard output: No space left on device: .*make room",
         "one is told, and what to do")
    equal(len(cells_of(slurp(json))), CELLS, "no result is lost for it")

    status, out, err = drive(*RUN, "--json", "/dev/full")
    equal(status, 3, "a full disk under --json: exit status 3")
    like(err, r"cannot write to /dev/full: No space left.*make room", "one is told")
    equal(len(tap_of(out).points), CELLS, "the TAP is all there")


if is_device("/dev/full"):
    full_device()
else:
    skip("a full disk", "no /dev/full", 6)


def broken_pipe():
    """A descriptor that nobody reads any more."""
    reader, writer = os.pipe()
    os.dup2(writer, 1)
    os.close(reader)
    os.close(writer)


# Nobody reads on, as in `forkpoint run | head -1`.
LONG = ("run", "selftest-noop", "--python", python, "--trials", "1000000000", "--jobs", "1")
ran = drive(*LONG, before=broken_pipe)
equal(ran.status, 141, "a pipe that nobody reads: the run ends, as by SIGPIPE")
equal(ran.err, "forkpoint: nobody reads standard output any more: what was to come there is lost\n",
      "in one sentence, which is not of disks")
equal(drive(*RUN, "--json", "-", before=broken_pipe).status, 141,
      "so it does with --json -, at the first result")
ran = drive(*RUN, "--json", json, before=broken_pipe)
equal(ran.status, 141, "with --json FILE the status is the same")
equal(len(cells_of(slurp(json))), CELLS, "but the run goes on, for the file")


def closed(*numbers):
    """Nothing of ours may get the numbers of descriptors that are closed."""
    what = f"closed descriptors ({', '.join(map(str, numbers))})"
    run = start(*RUN, "--json", json, before=lambda: [os.close(number) for number in numbers])

    equal(finish(run, 60), 3 << 8, f"{what}: exit status 3")
    equal(len(cells_of(slurp(json))), CELLS, f"{what}: the JSON file is complete")
    if 2 not in numbers:
        like(run.errors, r"cannot write to standard output: Bad file descriptor",
             f"{what}: it is told")
    equal(left_behind(run, 0.5), "", f"{what}: nothing is left behind")


closed(1)
closed(0, 1)
closed(0, 1, 2)
ran = drive(*RUN, before=lambda: [os.close(number) for number in (0, 2)])
equal(ran.status, 0, "closed stdin and stderr are no matter")
equal(tap_of(ran.out).faults, [], "and the TAP stream is in order")

# A file that stops growing in the middle of a record.
cut = scratch("json.limited")
ran = drive(*RUN, "--json", cut, before=limited(8192))
cells = cells_of(slurp(cut))
equal(ran.status, 3, "a limit on file sizes: exit status 3")
like(ran.err, rf"cannot write to {re.escape(cut)}: File too large", "one is told which file")
above(len(cells), 0, "what was written before is whole")
below(len(cells), CELLS, "though some is missing")
ran = drive(*RUN, before=limited(512))
equal(ran.status, 3, "a limit that lets us share no page: exit status 3")
like(ran.out, r"no memory to share with a host: File too large: .*ulimit -f", "which is told, with what to do")

# A file system that is really full, where we may make one.
small = scratch("small")
os.mkdir(small)


def mounted(size):
    return ("unshare", "-m", "sh", "-c",
            'mount -t tmpfs -o size=$0 tmpfs "$1" && shift && exec "$@"', size, small)


def full_file_system():
    # It is gone with the inner shell, so what it has is copied within.
    look = '"$@"; s=$?; {} find "$0" >"$0.ls"; exit $s'
    copy_json = 'cp "$0/json" "$0.json";'

    status, out, err = drive(*RUN, "--json", f"{small}/json", program=[
        *mounted("8k"), "sh", "-c", look.format(copy_json), small, PROGRAM])
    equal(status, 3, "a file system that fills under --json: exit status 3")
    like(err, r"cannot write to \S+: No space left on device: .*make room", "one is told")
    above(len(cells_of(slurp(f"{small}.json"))), 0, "what was written before is whole")
    equal(len(tap_of(out).points), CELLS, "and the TAP is all there")

    status, _, err = drive(*RUN, "--out", f"{small}/crashes", "--json", json, program=[
        *mounted("8k"), "sh", "-c", look.format(""), small, PROGRAM])
    equal(status, 3, "a file system that fills under --out: exit status 3")
    like(err, r"\Aforkpoint: --out: cannot keep \S+: No space left on device: free some space"
         r"[^\n]*\n\Z", "one is told, once")
    equal(len(cells_of(slurp(json))), CELLS, "no result is lost for it")
    like(slurp(f"{small}.ls"), r"/crashes$", "the directory was made")
    unlike(slurp(f"{small}.ls"), r"\.part", "and no half of a file stays in it")


if succeeds(*mounted("16k"), "true"):
    full_file_system()
else:
    skip("a file system that is full", "no tmpfs can be mounted here", 9)

done()
