#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`forkpoint stack`: the frames of living processes against what they say of themselves."""
import json
import os
import select
import shutil
import signal
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import (  # noqa: E402
    PROGRAM, above, diag, done, equal, has, like, ok, run, scratch, skip, spew,
    unlike)
from pythons import python_programs  # noqa: E402
from resting import await_call, await_rest  # noqa: E402

LIMIT = 60

# Each thread tells that it is there and blocks, in one line; the main thread tells last of itself.
SHAPES = r'''
import asyncio, json, os, sys, threading, traceback

told, waiting = os.pipe(), os.pipe()
threads = {}

def stand():
    threads[threading.get_ident()] = threading.get_native_id()
    os.write(told[1], b"x"); os.read(waiting[0], 1)

def recursion(n):
    return recursion(n - 1) if n else stand()

def from_c():
    return sorted([2, 1], key=lambda x: stand())

def generator():
    yield from (stand() for _ in range(1))

def generators():
    for _ in generator():
        pass

async def deep():
    stand()

async def coroutine():
    await deep()

def decorate(f):
    def inner(*args):
        return f(*args)
    return inner

@decorate
@decorate
def decorated():
    class Body:
        there = [stand() for _ in range(1)]

def executed():
    exec(compile("def f():\n\n  stand()\nf()", "<text>", "exec"), globals())

def grün(ß=None):
    stand()

class Called:
    def __call__(self):
        max([1], key=self.called)
    def called(self, x):
        stand()

def main():
    shapes = [lambda: recursion(30), from_c, generators, lambda: asyncio.run(coroutine()), decorated,
              executed, grün, Called()]
    for shape in shapes:
        threading.Thread(target=shape, daemon=True).start()
    for shape in shapes:
        os.read(told[0], 1)
    frames = sys._current_frames()
    stacks = {threads[ident]: traceback.extract_stack(frame) for ident, frame in frames.items()
              if ident in threads}
    stacks[os.getpid()] = traceback.extract_stack()
    told_all = {tid: [[f.name, f.filename] + [f.lineno] * (tid != os.getpid()) for f in reversed(stack)]
                for tid, stack in stacks.items()}
    print(json.dumps(told_all), flush=True); sys.stdin.buffer.raw.read(1)

main()
'''


def begin(program, text):
    """A process that has told its stacks."""
    path = scratch("shapes.py")
    spew(path, text)
    process = subprocess.Popen([program, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    if not select.select([process.stdout], [], [], LIMIT)[0]:
        process.kill()
    return process, process.stdout.readline()


def end(process):
    process.kill()
    process.communicate()


def looked(*args):
    ran = run(PROGRAM, "stack", *map(str, args))
    return ran, json.loads(ran.out) if "--json" in args and ran.out else None


def python_frames(thread, lines):
    return [[f["function"], f["file"]] + ([f["line"]] if lines else [])
            for f in thread["frames"] if f["python"]]


def compare(release, process, told):
    await_rest(process.pid)
    ran, look = looked(process.pid, "--json")
    equal(ran.status, 0, f"{release}: a living process is looked at") or diag(ran.err)
    equal(look["pythons"][0]["release"], release, f"{release}: which it is is found out")
    by_tid = {thread["tid"]: thread for thread in look["threads"]}
    wanted = {int(tid): stack for tid, stack in json.loads(told).items()}
    above(len(wanted), 8, f"{release}: nine threads tell of themselves")
    got = {tid: python_frames(by_tid[tid], tid != process.pid) for tid in wanted if tid in by_tid}
    different = [tid for tid in wanted if got.get(tid) != wanted[tid]]
    equal(different, [], f"{release}: Python frames are those that traceback tells, in all shapes")
    for tid in different[:2]:
        diag(f"got    {got.get(tid)}", f"wanted {wanted[tid]}")
    return look


def merged(release, look):
    """Python frames stand where C has called them, and C's where Python has."""
    frames = next(t["frames"] for t in look["threads"]
                  if any(f["function"] == "from_c" for f in t["frames"]))
    shown = [(f["function"] or "?", f["python"]) for f in frames if not f["evaluator"]]
    names = [name for name, _ in shown]
    inner, outer = names.index("<lambda>"), names.index("from_c")
    between = shown[inner + 1:outer]
    # A library without symbols has other names for it.
    named = any(f["function"] == "_PyEval_EvalFrameDefault" and f["file"] for f in frames)
    ok(between and not any(python for _, python in between) and
       (not named or any("sort" in name for name, _ in between)),
       f"{release}: the sort that Python has called and that calls Python stands between") or \
        diag(shown)
    ok(shown[-1][1] is False and shown[0][1] is False,
       f"{release}: what is innermost and outermost is C's")
    equal([f["python"] for f in frames if f["evaluator"]][:1], [False],
          f"{release}: the evaluator's frames are known as such")


def options(release, pid):
    ran, _ = looked(pid)
    like(ran.out, rf"\AProcess {pid}: .*shapes\.py\nCPython {release}, /",
         f"{release}: the process and its Python come first")
    has(ran.out, "(Python) recursion", f"{release}: the text has Python frames")
    has(ran.out, "libpython", f"{release}: and C's")
    unlike(ran.out, "_PyEval_EvalFrameDefault", f"{release}: but not the evaluator's")
    ran, _ = looked(pid, "--native")
    unlike(ran.out, r"\(Python\)", f"{release}: --native leaves Python's out")
    has(ran.out, "_PyEval_EvalFrameDefault", f"{release}: and shows the evaluator")
    ran, _ = looked(pid, "--python")
    has(ran.out, "(Python) grün", f"{release}: --python shows Python's")
    unlike(ran.out, r"\(lib", f"{release}: and no other")


def gil(release, program):
    # It keeps the GIL while it tells, so that it has it ever after.
    process, _ = begin(program, "import ctypes\nctypes.PyDLL(None).puts(b'')\n"
                       "ctypes.PyDLL(None).fflush(None)\nwhile True: pass\n")
    _, look = looked(process.pid, "--json")
    equal(look["pythons"][0]["interpreters"],
          [{"id": 0, "gil_taken": True, "gil_thread": process.pid, "collecting": False}],
          f"{release}: a thread that runs Python has the GIL")
    equal([t["gil"] for t in look["threads"]], [True], f"{release}: the thread is known to")
    end(process)


# Names that would steer a terminal, or look like lines of forkpoint's.
HOSTILE = r'''
import ctypes, sys
def f():
    print(flush=True); sys.stdin.buffer.raw.read(1)
code = f.__code__.replace(co_name="\x1b[2J\nThread 1 \"fake\": runs", co_filename="a\x9b\u202e\r\nb")
ctypes.CDLL(None).prctl(15, b"\x1b]0;x\x07\xff\n")
exec(code)
'''


def hostile(release, program):
    process, _ = begin(program, HOSTILE)
    await_rest(process.pid)
    ran, _ = looked(process.pid)
    unlike(ran.out, r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", f"{release}: no name steers a terminal")
    equal([line[:7] for line in ran.out.split("\n") if line.startswith("Thread")], ["Thread "],
          f"{release}: none makes a line of its own") or diag(ran.out)
    _, look = looked(process.pid, "--json")
    equal([(f["function"], f["file"]) for f in look["threads"][0]["frames"] if f["python"]][0],
          ("\x1b[2J\nThread 1 \"fake\": runs", "a\x9b\u202e\r\nb"), f"{release}: JSON has them as they are")
    end(process)


CONTAINED = r'''
import os, time

def inside():
    os.write(1, b"x"); time.sleep(1000)

inside()
'''


def contained(release, program):
    """In a container a process knows its threads by other numbers than who looks from outside."""
    command = ["unshare", "--user", "--map-root-user", "--pid", "--fork", "--kill-child"]
    sentence = f"{release}: Python frames of a process in a container"
    if not shutil.which(command[0]) or run(*command, "true").status:
        skip(sentence, "unshare(1) may make none here")
        return
    process = subprocess.Popen([*command, program, "-I", "-S", "-c", CONTAINED],
                               stdout=subprocess.PIPE)
    process.stdout.read(1)
    with open(f"/proc/{process.pid}/task/{process.pid}/children", encoding="ascii") as children:
        inner, = children.read().split()
    _, look = looked(inner, "--json")
    equal([f["function"] for f in look["threads"][0]["frames"] if f["python"]],
          ["inside", "<module>"], sentence)
    end(process)


for release, program in python_programs().items():
    process, told = begin(program, SHAPES)
    look = compare(release, process, told)
    merged(release, look)
    options(release, process.pid)
    process.stdin.write(b"x")
    process.stdin.flush()
    equal(process.wait(LIMIT), 0, f"{release}: it goes on as if nothing had been")
    process.communicate()
    gil(release, program)
    hostile(release, program)
    contained(release, program)
if not python_programs():
    skip("processes of CPython", "no interpreter is here: make pythons", 22)

# What is no Python, no process, or not to be had.
sleeper = subprocess.Popen(["sleep", "1000"])
await_call(sleeper.pid, "clock_nanosleep")
ran, look = looked(sleeper.pid, "--json")
equal((ran.status, look["pythons"]), (0, None), "a process without Python has its native frames alone")
like(look["threads"][0]["frames"][0]["function"], "nanosleep", "which are there")
sleeper.send_signal(signal.SIGSTOP)
os.waitid(os.P_PID, sleeper.pid, os.WSTOPPED | os.WNOWAIT)
ran, look = looked(sleeper.pid, "--json")
equal((ran.status, look["threads"][0]["state"]), (0, "T"), "one that is stopped is looked at")
with open(f"/proc/{sleeper.pid}/stat", encoding="ascii") as stat:
    equal(stat.read().split()[2], "T", "and stays so")
sleeper.kill()
sleeper.wait()
ran, _ = looked(sleeper.pid)
equal(ran.status, 3, "one that has ended: exit status 3")
like(ran.err, rf"\Aforkpoint: there is no process {sleeper.pid}", "in a sentence")
ended = subprocess.Popen(["true"])
os.waitid(os.P_PID, ended.pid, os.WEXITED | os.WNOWAIT)
ran, _ = looked(ended.pid)
equal((ran.status, ran.out), (3, ""), "one that has ended and is not reaped: exit status 3")
like(ran.err, r"has ended; its parent has not taken notice", "in a sentence")
ended.wait()
ran = run("sh", "-c", 'exec "$0" stack $$', PROGRAM)
equal(ran.status, 3, "itself: exit status 3")
like(ran.err, "is this program itself", "in a sentence")
for text in "x", "12x", "0", "-5", "99999999999":
    ran = run(PROGRAM, "stack", "--", text)
    equal(ran.status, 2, f"'{text}' is no process: exit status 2")
    like(ran.err, "is no process", "in a sentence")
equal(run(PROGRAM, "stack").status, 2, "nothing to look at is wrong usage")
equal(run(PROGRAM, "stack", "--native", "--python", "1").status, 2, "so is both kinds alone")
done()
