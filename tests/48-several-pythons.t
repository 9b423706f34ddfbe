#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`forkpoint stack` of a process that has several CPythons in it: each is told, each thread has its own
one's frames, and waits for its own one's GIL."""
import json
import os
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import (PROGRAM, bail_out, done, equal, like, ok, run, scratch,  # noqa: E402
                            skip, skip_all, slurp)
from held import waits_of  # noqa: E402
from pythons import has_own_libc, pythons_here  # noqa: E402
from resting import await_that  # noqa: E402

# One thread gets the GIL for good, whichever; the other one waits for it.
TEXT = r'''
import _thread, posix, sys

def turn():
    posix.write(1, b"%d %d\n" % (sys.version_info[1], _thread.get_native_id()))
    while True:
        pass

def second(begun):
    begun.append(1)
    while sys.getswitchinterval() < 1:
        pass
    turn()

def first():
    begun = []
    _thread.start_new_thread(second, (begun,))
    while not begun:
        pass
    sys.setswitchinterval(1e6)
    turn()

first()
'''


def value_of(python, key):
    return re.search(rf"^{key}=(.*)$", slurp(python.file), re.M)[1]


def begin(pythons):
    command = scratch("several")
    built = run(os.environ.get("CC", "cc"), "-Wall", "-Wextra", "-Werror", "-pthread", "-o", command,
                "tests/python/several.c", "-ldl")
    if built.status:
        bail_out(f"several.c cannot be built: {built.err}")
    where = [value_of(python, key) for python in pythons for key in ("lib", "home")]
    return subprocess.Popen([command, TEXT, *where], stdout=subprocess.PIPE)


def settled(process):
    """A look when one thread of each has come to wait for the GIL."""
    looks = []

    def both_wait():
        ran = run(PROGRAM, "stack", "--json", str(process.pid))
        looks.append((ran.status, json.loads(ran.out)))
        return [wait["what"] for wait in waits_of(looks[-1][1]).values()].count("GIL") == 2
    await_that(both_wait, "threads wait for the GIL")
    return looks[-1]


def innermost(thread):
    return next(frame["function"] for frame in thread["frames"] if frame["python"])


def check(process, pythons):
    # Of each the one that gets the GIL says so, and perhaps the other one, before it asks for it.
    told = [tuple(map(int, process.stdout.readline().split())) for _ in pythons]
    status, look = settled(process)
    equal((status, sorted(python["release"] for python in look["pythons"])),
          (0, sorted(python.release for python in pythons)), "both are told")
    threads = {thread["tid"]: thread for thread in look["threads"]}
    for python in pythons:
        known = next(one for one in look["pythons"] if one["release"] == python.release)
        its = [tid for tid, thread in threads.items() if thread["runtime"] == known["module"]]
        equal(len(its), 2, f"{python.release}: two threads are its")
        minor = int(python.release.split(".")[1])
        ok({tid for its_minor, tid in told if its_minor == minor} <= set(its), f"{python.release}: … rightly")
        ok({innermost(threads[tid]) for tid in its} <= {"turn", "second"},
           f"{python.release}: with its frames")
        has = known["interpreters"][0]["gil_thread"]
        wants, = set(its) - {has}
        equal((waits_of(look)[wants]["what"], waits_of(look)[wants]["owner"], threads[has]["gil"]),
              ("GIL", has, True), f"{python.release}: one has its GIL, which the other wants")
    text = run(PROGRAM, "stack", str(process.pid)).out
    for python in pythons:
        like(text, rf"^CPython {python.release}, /.*\n  interpreter 0: the GIL is held by thread \d+$",
             f"{python.release}: in a sentence")
        like(text, rf'^Thread \d+ ".*": .*, in {os.path.basename(value_of(python, "lib"))}$',
             f"{python.release}: and in the threads' lines")


# Those with a C library of their own cannot be in one process with others.
pythons = [python for python in pythons_here() if not has_own_libc(python)][:2]
if not pythons:
    skip_all("no interpreter is here: make pythons")
if len(pythons) < 2 or not all(".so" in value_of(python, "lib") for python in pythons):
    skip("several of CPython in one process", "fewer than two libpythons here use the machine's libc")
    done()
process = begin(pythons)
try:
    check(process, pythons)
finally:
    process.kill()
    process.communicate()
done()
