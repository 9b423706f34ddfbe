#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""200 programs made at random, on each release: `forkpoint stack`, pystack and py-spy against what
the programs say of themselves. Where a peer says another thing than forkpoint, traceback decides;
how often each is right is told, and that forkpoint always is, is what is tested. The peers come by
pip (tests/bench/peers.txt); where they cannot be had forkpoint is held to traceback alone."""
import json
import os
import re
import subprocess
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import PROGRAM, diag, done, equal, scratch, skip, skip_all, spew  # noqa: E402
from generated import program  # noqa: E402
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
    return out and [[f["function"], f["file"], f["line"]]
                    for f in json.loads(out)["threads"][0]["frames"] if f["python"]]


def by_py_spy(pid):
    """It tells qualified names, of which traceback has the last part."""
    out = output_of(f"{PEERS}/bin/py-spy", "dump", "--json", "--full-filenames", "--pid", str(pid))
    return out and [[f["name"].rpartition(".")[2], f["filename"], f["line"]] for f in json.loads(out)[0]["frames"]]


def by_pystack(pid):
    """Oldest first, as traceback prints it."""
    out = output_of(f"{PEERS}/bin/pystack", "remote", str(pid))
    found = re.findall(r'\(Python\) File "(.*)", line (\d+), in (.*)', (out or b"").decode())
    return out and [[name.strip(), path, int(line)] for path, line, name in reversed(found)]


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
    told = json.loads(process.stdout.readline() or "null")
    seen = {name: by(process.pid) for name, by in LOOKERS.items()}
    process.kill()
    process.communicate()
    return told, seen


here = pythons_here()
if not here:
    skip_all("no interpreter is here: make pythons")
with tempfile.TemporaryDirectory(prefix="forkpoint-peers.") as PEERS:
    LOOKERS = {"forkpoint": by_forkpoint, **install()}
    for python in here:
        binary = program_of(python, "tests/python/python.c")
        right, nothing = dict.fromkeys(LOOKERS, 0), dict.fromkeys(LOOKERS, 0)
        for seed in range(PROGRAMS):
            told, seen = look(binary, seed)
            for name, frames in seen.items():
                right[name] += frames == told
                nothing[name] += not frames
            if seen["forkpoint"] != told:
                diag(f"program {seed}:", f"got    {seen['forkpoint']}", f"wanted {told}")
        equal(right["forkpoint"], PROGRAMS, f"{python.release}: forkpoint is right each time")
        for name in LOOKERS:
            diag(f"{python.release} {name}: {right[name]} of {PROGRAMS} as traceback has them"
                 + (f", {nothing[name]} not at all" if nothing[name] else ""))
done()
