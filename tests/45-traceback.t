#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""embed/traceback.c on every interpreter that is here: where it takes things to be, the lines of the
standard library's instructions, tracebacks beside Python's own, thread states that are none, torn
chains, signals at any instruction; and what the two files want of whoever builds them."""
import glob
import os
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import (above, diag, done, equal, is_before, none, objects, ok, run,  # noqa: E402
                            scratch, skip, spew)
from pythons import program, pythons_here, shared_object  # noqa: E402

SECONDS = "120"
# What each script has to tell, with the sentence about it and how many there are at least.
SCRIPTS = {
    "traceback_lines": {
        "code objects": ("each code object of the library has the lines that Python says", 5000),
        "instructions": ("… of each instruction", 500000),
        "beside": ("… and beside its instructions", 4),
    },
    "traceback_shapes": {
        "stacks": ("stacks of many shapes are what the module traceback says", 200),
        "frames": ("… each frame of them", 1400),
        "ended threads": ("a thread that has ended has no thread state", 20),
        "stack": ("it takes less than 4 KiB of stack", 1),
        "descriptors": ("no descriptor is left", 1),
    },
    "traceback_states": {
        "no thread states": ("what is no thread state, or none any more, is told", 100),
        "without frames": ("a thread state without frames has none", 10),
        "another interpreter": ("another interpreter's thread is told", 1),
        "an interpreter that is no more": ("… and is no thread state when it is gone", 1),
        "torn chains": ("torn chains end well", 100000),
        "torn chains, time": ("… and soon", 1),
        "chains": ("circles and endless chains end", 10),
        "frames that have not begun": ("frames that have not begun are left out", 3),
    },
    "traceback_signals": {
        "interrupted": ("a thread interrupted at any instruction tells where it is", 1000),
        "others, by signal": ("… and where others are", 50),
        "others, by a thread": ("a thread without Python sees where others are", 1000),
    },
}


def check_script(python, command, script, *arguments, note=""):
    ran = run("timeout", "-s", "KILL", SECONDS, command, "-I", "-B", f"tests/python/{script}.py", SHIM,
              *arguments)
    equal(ran.status, 0, f"{python.release}: {script} comes to its end{note}") or diag(ran.err)
    told = {one["what"]: one for one in objects(ran.out)}
    for what, (sentence, least) in SCRIPTS[script].items():
        got = told.get(what, {"wrong": ["nothing is told of it"], "count": least})
        sentence = f"{python.release}: {sentence}{note}"
        if none(got["wrong"], sentence) and got["count"] < least:
            above(got["count"], least - 1, f"{sentence}: there were enough of them")


def check_layout(python, source):
    ran = run(program(python, f"tests/python/{source}.c"))
    lines = ran.out.split("\n")
    none([line for line in lines if line.startswith("not")],
         f"{python.release}: {source}: things are where Python's headers have them")
    equal((ran.status, len(lines) > 40), (0, True), "… all of them") or diag(ran.out, ran.err)


def check_python(python):
    check_layout(python, "layout")
    if is_before(python.release, "3.14"):
        skip(f"{python.release}: without a GIL", "its headers do not say where things are then")
    else:
        check_layout(python, "layout_free_threaded")
    command = program(python, "tests/python/python.c")
    for script in SCRIPTS:
        check_script(python, command, script)
    for error in ("EPERM", "ENOSYS", "EACCES"):
        check_script(python, command, "traceback_shapes", error,
                     note=f", by a pipe where process_vm_readv(2) says {error}")


WARNINGS = "-Wall -Wextra -Wshadow -Wconversion -Werror".split()


def check_files():
    """One .c and one .h, for C11 and C++, which call nothing that a signal handler may not."""
    for compiler in [os.environ.get("CC", "cc"), *map(os.path.basename, glob.glob("/usr/bin/clang-[0-9]*"))]:
        if "+" in compiler or compiler.count("-") > 1 or not shutil.which(compiler):
            continue
        made = run(compiler, "-std=c11", "-pedantic", "-O2", *WARNINGS, "-c", "-o", scratch("t.o"),
                   "embed/traceback.c")
        equal((made.status, made.err), (0, ""), f"{compiler} has nothing to say of it as C11")
    spew(scratch("t.cc"), '#include "embed/traceback.h"\n'
         'int main() { return traceback_frames(nullptr, nullptr, 1) == -1 && '
         'traceback_init() == -1 ? 0 : 1; }\n')
    run(os.environ.get("CC", "cc"), "-std=c11", "-O2", "-c", "-o", scratch("t.o"), "embed/traceback.c")
    made = run(os.environ.get("CXX", "c++"), "-std=c++11", *WARNINGS, "-I.", "-o", scratch("t"),
               scratch("t.cc"), scratch("t.o"))
    equal((made.status, made.err), (0, ""), "its header is C++, too")
    equal(run(scratch("t")).status, 0, "without Python there is no traceback")
    # signal-safety(7) has the first ones; syscall(2) is no more than a system call; dlsym() is for
    # traceback_init() alone, which says so.
    allowed = {"memcpy", "memset", "memcmp", "memchr", "memmove", "strlen", "__errno_location",
               "syscall", "__stack_chk_fail", "_GLOBAL_OFFSET_TABLE_", "dlsym"}
    wanted = {line.split()[-1].split("@")[0] for line in run("nm", "-u", scratch("t.o")).out.split("\n")
              if line}
    equal(wanted - allowed, set(), "it calls nothing that takes a lock or memory")
    ok("syscall" in wanted, "… and that was looked at")


SHIM = shared_object("traceback_shim", "tests/python/traceback_shim.c",
                     "tests/python/traceback_torn.c", "embed/traceback.c")
check_files()
found = pythons_here()
if not found:
    skip("tracebacks from inside", "no interpreter is here; type: forkpoint pythons fetch")
for one in found:
    check_python(one)
done()
