#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""200 programs made at random, on each release: `forkpoint stack`, pystack and py-spy against what
the programs say of themselves. Where a peer says another thing than forkpoint, traceback decides;
how often each is right is told, and that forkpoint always is, is what is tested. Right is who has
all threads; programs with several interpreters are counted apart, since py-spy 0.4.3 shows but the
newest one. The peers come by pip (tests/bench/peers.txt); where they cannot be had forkpoint is held
to traceback alone."""
import json
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import PROGRAM, diag, done, equal, scratch, skip, skip_all, spew  # noqa: E402
from generated import program, told_by  # noqa: E402
from pythons import program as program_of, pythons_here  # noqa: E402

PROGRAMS = 200
LIMIT = 60


def output_of(*command):
    try:
        return subprocess.run(command, capture_output=True, check=True, timeout=LIMIT).stdout
    except (subprocess.SubprocessError, OSError):
        return None


def by_forkpoint(pid):
    out = output_of(PROGRAM, "stack", "--json", str(pid))
    return out and {thread["tid"]: [[f["function"], f["file"], f["line"]]
                                    for f in thread["frames"] if f["python"]]
                    for thread in json.loads(out)["threads"]}


def by_py_spy(pid):
    """It tells qualified names, of which traceback has the last part."""
    out = output_of(f"{PEERS}/bin/py-spy", "dump", "--json", "--full-filenames", "--pid", str(pid))
    return out and {thread["os_thread_id"]: [[f["name"].rpartition(".")[2], f["filename"], f["line"]]
                                             for f in thread["frames"]]
                    for thread in json.loads(out)}


def by_pystack(pid):
    """Oldest first, as traceback prints it."""
    out = (output_of(f"{PEERS}/bin/pystack", "remote", str(pid)) or b"").decode()
    stacks = {}
    for thread in re.split(r"^Traceback for thread ", out, flags=re.M)[1:]:
        found = re.findall(r'\(Python\) File "(.*)", line (\d+), in (.*)', thread)
        stacks[int(thread.split()[0])] = [[name.strip(), path, int(line)]
                                          for path, line, name in reversed(found)]
    return stacks


def install():
    made = output_of(sys.executable, "-m", "venv", PEERS) is not None and \
        output_of(f"{PEERS}/bin/pip", "install", "-q", "-r", "tests/bench/peers.txt") is not None
    if not made:
        skip("py-spy and pystack beside it", "pip could not install them")
    return {"py-spy": by_py_spy, "pystack": by_pystack} if made else {}


def look(binary, seed):
    """What the program says, and what each of those who look at it does."""
    path = scratch("generated.py")
    spew(path, program(seed))
    process = subprocess.Popen([binary, "-I", "-S", path], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    told = told_by(process)
    seen = {name: by(process.pid) for name, by in LOOKERS.items()}
    process.kill()
    process.communicate()
    return told, seen


def compare(release, binary):
    right, nothing, programs = Counter(), Counter(), Counter()
    for seed in range(PROGRAMS):
        told, seen = look(binary, seed)
        kind = "one interpreter" if told and len(told) == 1 else "several"
        programs[kind] += 1
        for name, threads in seen.items():
            right[name, kind] += threads == told
            nothing[name] += not threads
        if seen["forkpoint"] != told:
            diag(f"program {seed}:", f"got    {seen['forkpoint']}", f"wanted {told}")
    equal(sum(right["forkpoint", kind] for kind in programs), PROGRAMS,
          f"{release}: forkpoint is right each time")
    for name in LOOKERS:
        diag(f"{release} {name}: as traceback has them " + ", ".join(
                 f"{right[name, kind]} of {programs[kind]} with {kind}" for kind in sorted(programs))
             + (f", {nothing[name]} not at all" if nothing[name] else ""))


here = pythons_here()
if not here:
    skip_all("no interpreter is here: make pythons")
with tempfile.TemporaryDirectory(prefix="forkpoint-peers.") as PEERS:
    LOOKERS = {"forkpoint": by_forkpoint, **install()}
    for python in here:
        compare(python.release, program_of(python, "tests/python/python.c"))
done()
