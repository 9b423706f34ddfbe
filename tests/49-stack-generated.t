#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`forkpoint stack` of programs made at random, against what they say of themselves."""
import itertools
import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import PROGRAM, above, done, none, run, scratch, skip, skip_all, spew  # noqa: E402
from generated import program, told_by  # noqa: E402
from pythons import python_programs  # noqa: E402
from resting import await_rest  # noqa: E402

# tests/long/12-stack-peers.t runs more of them.
PROGRAMS = 40


def look(binary, seed):
    """What its threads tell of themselves, and what forkpoint does: in words, why it does not."""
    path = scratch(f"generated-{seed}.py")
    spew(path, program(seed))
    process = subprocess.Popen([binary, "-I", "-S", path], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    told = told_by(process)
    await_rest(process.pid)
    ran = subprocess.run([PROGRAM, "stack", "--json", str(process.pid)], capture_output=True,
                         check=False)
    process.kill()
    process.communicate()
    return told, ran.stderr.decode() if ran.returncode else json.loads(ran.stdout)


def python_frames(thread):
    return [[f["function"], f["file"], f["line"]] for f in thread["frames"] if f["python"]]


def qsort_calls(thread):
    """Of each callback from qsort(): do the native frames right behind it have that?"""
    frames = thread["frames"]
    for i, frame in enumerate(frames):
        if frame["python"] and frame["function"] == "for_qsort":
            native = itertools.takewhile(lambda f: not f["python"], frames[i + 1:])
            yield any("qsort" in (f["function"] or "") for f in native)


def judge(seed, told, seen):
    """What is wrong; how many qsort() there were, and how many interpreters but the main one."""
    if isinstance(seen, str) or not told:
        return [f"program {seed}: told {told}, got {seen}"], 0, 0
    got = {thread["tid"]: python_frames(thread) for thread in seen["threads"]}
    calls = [right for thread in seen["threads"] for right in qsort_calls(thread)]
    interpreters = sum(len(python["interpreters"]) for python in seen["pythons"])
    wrong = [f"program {seed}:\n  got    {got}\n  wanted {told}"] if got != told else []
    if interpreters != len(told):
        wrong.append(f"program {seed}: {interpreters} interpreters, not {len(told)}")
    if not all(calls):
        wrong.append(f"program {seed}: qsort() is not behind its callback")
    return wrong, len(calls), len(told) - 1


def compare(release, binary):
    with ThreadPoolExecutor(2) as pool:
        seen = pool.map(lambda seed: look(binary, seed), range(PROGRAMS))
        wrong, calls, others = zip(*(judge(seed, *both) for seed, both in enumerate(seen)))
    none([why for whys in wrong for why in whys][:3],
         f"{release}: the frames of {PROGRAMS} programs are traceback's, in each thread")
    above(sum(others), 0, f"{release}: {sum(others)} threads have an interpreter of their own")
    if run(binary, "-I", "-S", "-c", "import ctypes").status:
        skip(f"{release}: a callback from C's qsort()", "this build has no _ctypes")
    else:
        above(sum(calls), 0, f"{release}: {sum(calls)} callbacks have C's qsort() behind them")


if not python_programs():
    skip_all("no interpreter is here: make pythons")
for known in python_programs().items():
    compare(*known)
done()
