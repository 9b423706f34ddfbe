#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`forkpoint core`: cores of real processes against what was seen of them while they lived."""
import glob
import gzip
import json
import os
import shutil
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from cores import begin, core_allowed, demanded_core, end, left_core, looked  # noqa: E402
from forkpoint_test import (  # noqa: E402
    PROGRAM, diag, done, equal, has, like, none, ok, run, scratch, skip, slurp,
    spew, unlike)
from pythons import python_programs  # noqa: E402

# Threads that recurse, are called by C, run a generator and wait for a lock.
THREADS = r'''
import sys, threading
lock = threading.Lock()
lock.acquire()
def recursion(n):
    return recursion(n - 1) if n else lock.acquire()
def from_c():
    return sorted([2, 1], key=lambda x: lock.acquire())
def generator():
    yield lock.acquire()
def generators():
    for _ in generator():
        pass
threads = [threading.Thread(target=f, daemon=True)
           for f in (lambda: recursion(30), from_c, generators)]
for thread in threads:
    thread.start()
print("there", flush=True)
def main():
    sys.stdin.buffer.raw.read(1)
main()
'''

FAULT = r'''
import ctypes, mmap, sys
def write(address):
    ctypes.memset(address, 1, 1)
def read(address):
    ctypes.string_at(address)
def execute(address):
    ctypes.CFUNCTYPE(None)(address)()
page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ)
libc = ctypes.CDLL(None)
libc.mmap.restype = ctypes.c_void_p
there = libc.mmap(None, ctypes.c_size_t(4096), 1, 0x22, -1, ctypes.c_size_t(0))
globals()[sys.argv[1]](int(sys.argv[2], 0) or there)
'''

def seen(look):
    """What is to be compared: threads by id, each with its frames and what it waits for."""
    keys = "function", "file", "line", "python", "evaluator", "offset", "pc", "trust"
    frames = {t["tid"]: t["frames"] if t["frames"] is not None else look["frames"]
              for t in look["threads"]}
    return {tid: [[f[key] for key in keys] + [os.path.basename(f["module"] or "")] for f in these]
            for tid, these in frames.items()}


def waits(look):
    return {t["tid"]: t["wait"] and (t["wait"]["syscall"], t["wait"]["what"], t["wait"]["address"])
            for t in look["threads"]}


def same(what, got, wanted):
    """Frames, line by line where they differ."""
    different = [tid for tid in wanted if got.get(tid) != wanted[tid]]
    equal((sorted(got), different), (sorted(wanted), []), what)
    for tid in different[:2]:
        for pair in zip(got.get(tid, []), wanted[tid]):
            if pair[0] != pair[1]:
                diag(f"got    {pair[0]}", f"wanted {pair[1]}")


def on_demand(release, program, text):
    """A core by gcore of a process that lives on, and what is seen of it alive."""
    process = begin([program, text], scratch("threads"))
    alive = json.loads(run(PROGRAM, "stack", "--json", str(process.pid)).out)
    core = demanded_core(process.pid, f"gcore-{release}")
    end(process)
    if not core:
        skip(f"{release}: cores on demand", "gcore makes none here", 9)
        return None
    ran, look = looked(core)
    equal((ran.status, ran.err), (0, ""), f"{release}: a core on demand is read") or diag(ran.err)
    same(f"{release}: frames in the core are those of the living process", seen(look), seen(alive))
    equal(waits(look), waits(alive), f"{release}: so is what its threads wait for")
    equal(look["pythons"], alive["pythons"], f"{release}: and what is known of its CPython")
    equal([look["core"][key] for key in ("pid", "uid", "gid", "ppid", "on_demand", "signal")],
          [process.pid, os.getuid(), os.getgid(), os.getpid(), True, None],
          f"{release}: which process it was, and that nothing had happened to it")
    ran = run(PROGRAM, "core", core)
    like(ran.out, r"\AUsing executable found in the core file: /.*python",
         f"{release}: the executable is found by the core")
    like(ran.out, rf"Core file information:\nstate: . zombie: False niceness: \d+\n"
         rf"pid: {process.pid} ppid: {os.getpid()} sid: \d+\nuid: {os.getuid()} gid: {os.getgid()} "
         rf"pgrp: \d+\nexecutable: python arguments: /.*python",
         f"{release}: what the process was is told")
    has(ran.out, "seems to have been generated on demand (the process did not crash)",
        f"{release}: and why there is a core")
    has(ran.out, "(Python) recursion", f"{release}: its threads follow")
    return core


def without_files(release, program, text):
    """A core on another machine, which has nothing of that Python."""
    prefix, away = os.path.dirname(os.path.dirname(program)), scratch(f"away-{release}")
    os.makedirs(away)
    shutil.copy(os.path.realpath(program), f"{away}/python3")
    for library in glob.glob(f"{prefix}/lib/libpython*.so.*"):
        shutil.copy(library, away)
    process = begin([f"{away}/python3", text], scratch("threads"),
                    env={**os.environ, "LD_LIBRARY_PATH": away, "PYTHONHOME": prefix})
    alive = json.loads(run(PROGRAM, "stack", "--json", str(process.pid)).out)
    core = demanded_core(process.pid, f"away-{release}")
    end(process)
    shutil.rmtree(away)
    if not core:
        skip(f"{release}: a core without files", "gcore makes none here", 2)
        return
    ran, look = looked(core)
    like(ran.err, rf"cannot find {away}/python3, which the process had mapped$",
         f"{release}: that Python is not here is told")
    same(f"{release}: and its frames are found in memory", python_seen(look), python_seen(alive))


def python_seen(look):
    return {t["tid"]: [[f["function"], f["file"], f["line"]] for f in t["frames"] if f["python"]]
            for t in look["threads"]}


def kinds(core):
    """Which frames are shown."""
    ran = run(PROGRAM, "core", "--native", core)
    unlike(ran.out, r"\(Python\)", "--native leaves Python's frames out")
    has(ran.out, "_PyEval_EvalFrameDefault", "and shows the evaluator")
    unlike(run(PROGRAM, "core", "--python", core).out, r"\(lib", "--python shows no others")


def compressed(core):
    plain = run(PROGRAM, "core", core)
    packed = scratch("packed.gz")
    with open(core, "rb") as source, gzip.open(packed, "wb", compresslevel=1) as to:
        shutil.copyfileobj(source, to)
    temporary = scratch("temporary")
    os.mkdir(temporary)
    ran = run(PROGRAM, "core", packed, env={**os.environ, "TMPDIR": temporary})
    equal(ran, plain, "a core that gzip has compressed says the same")
    equal(os.listdir(temporary), [], "nothing is left of what was decompressed")
    if shutil.which("zstd"):
        subprocess.run(["zstd", "-q", "-1", "-o", scratch("packed.zst"), core], check=True)
        equal(run(PROGRAM, "core", scratch("packed.zst")), plain, "and one that zstd has")
    else:
        skip("and one that zstd has", "there is no zstd")
    with open(packed, "rb") as file:
        half = file.read(os.path.getsize(packed) // 2)
    with open(scratch("half.gz"), "wb") as file:
        file.write(half)
    ran = run(PROGRAM, "core", scratch("half.gz"))
    equal(ran.status, 3, "one that is cut off is told by the exit status")
    like(ran.err, "gzip says: what comes before is used", "and in a sentence")
    bare = scratch("bare")
    os.mkdir(bare)
    ran = run(PROGRAM, "core", packed, env={**os.environ, "PATH": bare})
    equal(ran.status, 3, "without the program that decompresses there is no reading it")
    like(ran.err, "decompresses it, gzip, cannot be run: .*; install it", "which is told by its name")
    ran = run(PROGRAM, "core", packed, env={**os.environ, "TMPDIR": scratch("nowhere")})
    like(ran.err, "set TMPDIR to a directory that can be written",
         "nor without a place for what is decompressed")


def crashed(release, program, *args, name):
    """The core of a process that does not survive, or None."""
    directory = scratch(f"{name}-{release}")
    os.makedirs(directory)
    run(program, scratch("fault.py"), *args, cwd=directory, preexec_fn=core_allowed)
    return left_core(directory)


def faults(release, program):
    core = crashed(release, program, "read", "0x75bcd15", name="read")
    if not core:
        skip(f"{release}: cores by the kernel", "core_pattern is " +
             slurp("/proc/sys/kernel/core_pattern").strip(), 12)
        return
    ran, look = looked(core)
    equal((ran.status, ran.err), (0, ""), f"{release}: a core of a crash is read") or diag(ran.err)
    equal([look["kind"], look["core"]["signal"], look["core"]["address"], look["si_code"],
           look["core"]["access"]], ["signal", "SIGSEGV", 0x75bcd15, 1, "to read"],
          f"{release}: the signal and the address are told")
    equal([f["function"] for f in look["frames"] if f["python"]][-2:], ["read", "<module>"],
          f"{release}: and who was at fault")
    ok(any("strlen" in (f["function"] or "") for f in look["frames"][:1]),
       f"{release}: beginning with the function that has read there") or diag(look["frames"][:2])
    equal([t["culprit"] for t in look["threads"]][:1], [True], f"{release}: its thread is first")
    like(run(PROGRAM, "core", core).out, "segmentation fault accessing address: 0x75bcd15, "
         "to read: nothing is mapped there$", f"{release}: all of it is told in a line")
    report = json.loads(run(PROGRAM, "triage", "--json", core).out)
    equal([report["signal"], report["frames"][0]["function"], report["python"]],
          ["SIGSEGV", look["frames"][0]["function"], release], f"{release}: triage reads the core")
    for what, address, access in (("write", "0", "to write"), ("write", "0x18", "to write"),
                                  ("execute", "0x10", "to execute it")):
        core = crashed(release, program, what, address, name=what + address)
        _, look = looked(core)
        equal(look["core"]["access"], access, f"{release}: what was tried there is told: to {what} at {address}")
        equal([f["function"] for f in look["frames"] if f["python"]][-2:], [what, "<module>"],
              f"{release}: with who has tried it")
    killed(release, program)


def killed(release, program):
    directory = scratch(f"killed-{release}")
    process = begin([program, scratch("threads.py")], directory)
    alive = json.loads(run(PROGRAM, "stack", "--json", str(process.pid)).out)
    os.kill(process.pid, signal.SIGBUS)
    process.communicate()
    core = left_core(directory)
    _, look = looked(core)
    same(f"{release}: frames of a killed process are those of the living one", seen(look), seen(alive))
    has(run(PROGRAM, "core", core).out, "The process died due to receiving signal SIGBUS sent by "
        f"pid {os.getpid()}, uid {os.getuid()} (here and now that is ",
        f"{release}: who has sent the signal is told")
    equal(look["core"]["sender"]["command"], slurp("/proc/self/comm").strip(),
          f"{release}: and how it is called") or diag(look["core"])


def cut(core):
    """What is left of it at many lengths."""
    size, bad, shown = os.path.getsize(core), [], 0
    with open(core, "rb") as file:
        content = file.read()
    lengths = [*range(0, 4096, 173), *(size * n // 40 for n in range(1, 40)), size - 1]
    for length in lengths:
        with open(scratch("cut"), "wb") as file:
            file.write(content[:length])
        ran = run(PROGRAM, "core", scratch("cut"))
        shown += "(Python) " in ran.out
        if ran.status != 3 or not ran.err.startswith("forkpoint: "):
            bad.append(f"{length} bytes: status {ran.status}: {ran.err}")
        elif length >= 64 and "cut off: it has" not in ran.err:
            bad.append(f"{length} bytes: {ran.err}")
    none(bad, "a core that is cut off, wherever, is told to be by a sentence and status 3")
    ok(shown > 0, "and gives what it has: Python frames, too") or diag(f"{shown} of {len(lengths)}")


# The machine's gdb may know less than a newer libc: cores that gdb 13 made of processes with glibc 2.43
# had nothing of the stacks of their threads.
PROGRAMS = python_programs(native=True)
for release in python_programs().keys() - PROGRAMS.keys():
    skip(f"{release}: cores", "it has a newer libc than this machine's gdb may know")
spew(scratch("threads.py"), THREADS)
spew(scratch("fault.py"), FAULT)
has_gcore = shutil.which("gcore")
cores = {}
for release, program in PROGRAMS.items():
    if has_gcore:
        cores[release] = on_demand(release, program, scratch("threads.py"))
        # 3.12 does not tell from outside where it keeps things.
        if not release.startswith("3.12."):
            without_files(release, program, scratch("threads.py"))
    else:
        skip(f"{release}: cores on demand", "there is no gcore", 9)
    faults(release, program)
if not PROGRAMS:
    skip("cores of CPython", "no interpreter has a program of its own", 21)
some = [core for core in cores.values() if core]
if some:
    kinds(some[-1])
    compressed(some[-1])
else:
    skip("compressed cores", "there is none", 12)
killed_cores = [left_core(scratch(f"killed-{release}")) for release in PROGRAMS]
if any(killed_cores):
    cut([core for core in killed_cores if core][-1])
else:
    skip("cores that are cut off", "there is none", 2)
done()
