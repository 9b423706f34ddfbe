#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`forkpoint stack` of programs made at random, against what they say of themselves."""
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import PROGRAM, diag, done, equal, scratch, skip_all, spew  # noqa: E402
from generated import program  # noqa: E402
from pythons import python_programs  # noqa: E402

# tests/long/12-stack-peers.t runs more of them.
PROGRAMS = 40


def frames(pid):
    """Python frames of its one thread, and what else there is to complain of."""
    ran = subprocess.run([PROGRAM, "stack", "--json", str(pid)], capture_output=True, check=False)
    if ran.returncode:
        return ran.stderr
    thread, = json.loads(ran.stdout)["threads"]
    return [[f["function"], f["file"], f["line"]] for f in thread["frames"] if f["python"]]


def differs(binary, seed):
    path = scratch(f"generated-{seed}.py")
    spew(path, program(seed))
    process = subprocess.Popen([binary, "-I", "-S", path], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    told = json.loads(process.stdout.readline() or "null")
    got = frames(process.pid)
    process.kill()
    process.communicate()
    if got == told and told:
        return None
    return f"program {seed}:\n  got    {got}\n  wanted {told}"


if not python_programs():
    skip_all("no interpreter is here: make pythons")
for release, binary in python_programs().items():
    with ThreadPoolExecutor(2) as pool:
        different = [why for why in pool.map(lambda seed: differs(binary, seed), range(PROGRAMS))
                     if why]
    equal(len(different), 0, f"{release}: the frames of {PROGRAMS} programs are traceback's")
    diag(*different[:3]) if different else None
done()
