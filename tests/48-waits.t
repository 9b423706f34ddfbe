#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`forkpoint stack` of processes that hang, and of such that only seem to: who waits for whom."""
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import (PROGRAM, done, equal, like, run, scratch, skip_all,  # noqa: E402
                            slurp, unlike)
from held import Held, waits_of  # noqa: E402
from pythons import python_programs  # noqa: E402
from resting import await_call, await_running, await_that, is_in  # noqa: E402

# Locks are libc's own, so that the test knows where they are and who has them.
PROGRAM_TEXT = r'''
import ctypes, os, sys, threading, time

libc, holding_gil = ctypes.CDLL(None), ctypes.PyDLL(None)
a, b = ctypes.create_string_buffer(64), ctypes.create_string_buffer(64)
ready, both = threading.Event(), threading.Barrier(2)

def thread(function):
    threading.Thread(target=function, daemon=True).start()

def tell(*numbers):
    os.write(1, (" ".join(map(str, (threading.get_native_id(), *numbers))) + "\n").encode())

def lock_both(first, second):
    libc.pthread_mutex_lock(first)
    both.wait()
    tell()
    libc.pthread_mutex_lock(second)

def circle():
    thread(lambda: lock_both(a, b))
    thread(lambda: lock_both(b, a))
    time.sleep(1000)

def lock_and_run():
    libc.pthread_mutex_lock(a)
    tell()
    ready.set()
    while True:
        pass

def with_gil():
    thread(lock_and_run)
    ready.wait()
    tell()
    holding_gil.pthread_mutex_lock(a)

def lock_and_sleep():
    libc.pthread_mutex_lock(a)
    tell()
    ready.set()
    time.sleep(1000)

def lost():
    thread(lock_and_sleep)
    ready.wait()
    child = os.fork()
    if not child:
        libc.pthread_mutex_lock(a)
    tell(child)
    os.waitpid(child, 0)

def slow():
    thread(lock_and_run)
    ready.wait()
    tell()
    libc.pthread_mutex_lock(a)

def idle():
    tell()
    time.sleep(1000)

globals()[sys.argv[1]]()
'''


def await_blocked(*tids, timed=()):
    """In a futex; for the GIL a thread waits with a time limit, for a mutex without one."""
    await_that(lambda: all(is_in(tid, "futex", tid in timed) for tid in tids + tuple(timed)),
               f"threads {tids} wait")


def wait_of(look, tid):
    wait = waits_of(look)[tid]
    return wait["what"], wait["owner"]


def check(release, program):
    with Held(program, PROGRAM_TEXT, "circle", 2) as held:
        (one,), (two,) = held.told
        await_blocked(one, two)
        text, look = held.look()
        equal([wait_of(look, tid) for tid in (one, two)], [("mutex", two), ("mutex", one)],
              f"{release}: of two threads each waits for the other's mutex")
        equal(look["waits"], "circle", f"{release}: that is a circle")
        first, second = min(one, two), max(one, two)
        like(text, rf"^  thread {first} -> mutex at 0x\w+ -> thread {second} -> mutex at 0x\w+ -> "
             rf"thread {first} again: a deadlock", f"{release}: which is drawn, once")
        equal(len(re.findall("a deadlock", text)), 1, f"{release}: indeed")
    with Held(program, PROGRAM_TEXT, "with_gil", 2) as held:
        (worker,), (main,) = held.told
        await_blocked(main, timed=[worker])
        text, look = held.look()
        equal([wait_of(look, tid) for tid in (worker, main)], [("GIL", main), ("mutex", worker)],
              f"{release}: one waits for the GIL, and the one that has it for a mutex of that one")
        equal(look["waits"], "circle", f"{release}: that is a circle as well")
        like(text, rf'^Thread {worker} ".*": .*waits for the GIL of thread {main}$',
             f"{release}: the thread's line says so")
    with Held(program, PROGRAM_TEXT, "lost", 2) as held:
        (owner,), (parent, child) = held.told
        await_blocked(child)
        await_call(parent, "wait4")
        text, look = held.look(child)
        equal(look["waits"], "lost", f"{release}: a lock that a fork has lost is known as such")
        like(text, rf"^  thread {child} -> mutex at 0x\w+ -> thread {owner} of process {parent}, which "
             r"the fork has not taken along", f"{release}: with its owner in the parent")
        like(text, rf'^Thread {owner} ".*" of process {parent}: (.*\n)+.*\(Python\) lock_and_sleep ',
             f"{release}: whose stack there is shown")
        unlike(text, rf'^Thread {parent} "', f"{release}: but no other thread's")
        text, look = held.look(parent)
        equal(look["waits"], "outside", f"{release}: the parent waits for its child, which is no lock")
    with Held(program, PROGRAM_TEXT, "slow", 2) as held:
        (worker,), (main,) = held.told
        await_blocked(main)
        await_running(worker)
        text, look = held.look()
        equal(look["waits"], "runs", f"{release}: an owner that runs is slow, and no deadlock")
        like(text, rf"^  thread {main} -> mutex at 0x\w+ -> thread {worker}, which runs: slow",
             f"{release}: which is told")
    with Held(program, PROGRAM_TEXT, "idle", 1) as held:
        text, look = held.look()
        unlike(text, "Who waits for whom", f"{release}: who sleeps waits for nobody")


def in_a_dossier(python):
    """What the harness keeps of a hang that it has met."""
    kept = scratch("kept")
    run(PROGRAM, "run", "fork-held-mutex", "--twins", "without", "--python", python, "--trials", "1",
        "--explore", "starve", "--out", kept, env={"FORKPOINT_DATA": os.getcwd(), **os.environ})
    texts = [slurp(f"{kept}/{name}") for name in os.listdir(kept)]
    equal(len(texts), 1, f"{python}: a hang of the harness's own is kept")
    like("".join(texts), r"^Who waits for whom\n  thread (\d+) -> mutex at 0x\w+ -> thread (\d+) of process "
         r"\d+, which the fork has not taken along(.*\n)+\nThread \2 .*\n(.*\n)+\n\* Thread \1 ",
         f"{python}: with who waits for whom, and the stacks of both")


if not python_programs():
    skip_all("no interpreter is here: make pythons")
for release, program in python_programs().items():
    check(release, program)
in_a_dossier(list(python_programs())[-1])
done()
