#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`forkpoint stack` of processes whose threads wait for locks of CPython's own: which lock it is, who
has it where the lock tells, and what that comes to."""
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import (diag, done, equal, is_before, like, skip, skip_all,  # noqa: E402
                            unlike)
from cores import demanded_core, looked  # noqa: E402
from held import Held, await_futex, waits_of  # noqa: E402
from pythons import python_programs  # noqa: E402

# A line of each thread that is about to wait, and of the main thread, which idles: its thread id,
# and the address of the lock that it waits for.
PROGRAM_TEXT = r'''
import ctypes, os, sys, threading, time

both, ready = threading.Barrier(2), threading.Event()

def thread(function, *args):
    new = threading.Thread(target=function, args=args, daemon=True)
    new.start()
    return new

def tell(lock=None, *numbers):
    words = (threading.get_native_id(), id(lock), *numbers)
    os.write(1, (" ".join(map(str, words)) + "\n").encode())

def idle():
    tell()
    while True:
        time.sleep(1000)

def with_both(first, second):
    with first:
        both.wait()
        tell(second)
        with second:
            pass

def acquire_both(first, second, seconds):
    first.acquire()
    first.acquire(blocking=False)
    both.wait()
    tell(second)
    second.acquire(timeout=seconds)

def circle(make, function, *args):
    one, two = make(), make()
    thread(function, one, two, *args)
    thread(function, two, one, *args)
    idle()

def rlocks():
    circle(threading.RLock, with_both)

def rlocks_acquired():
    circle(threading.RLock, acquire_both, -1)

def rlocks_for_a_time():
    circle(threading.RLock, acquire_both, 1000)

def locks():
    circle(threading.Lock, with_both)

def want(lock):
    tell(lock)
    lock.acquire()

def slow():
    lock = threading.RLock()
    with lock:
        thread(want, lock)
        tell()
        while True:
            pass

def take_and_end(lock):
    lock.acquire()
    ready.wait()

def ended():
    lock = threading.RLock()
    owner = thread(take_and_end, lock)
    while lock.acquire(blocking=False):
        lock.release()
    thread(want, lock)
    ready.set()
    owner.join()
    idle()

def take_and_idle(lock):
    with lock:
        ready.set()
        idle()

def lost():
    lock = threading.RLock()
    thread(take_and_idle, lock)
    ready.wait()
    child = os.fork()
    if not child:
        want(lock)
    tell(None, child)
    os.waitpid(child, 0)

def joins():
    lock = threading.RLock()
    with lock:
        wants = thread(want, lock)
        tell()
        wants.join()

def mutex():
    word = ctypes.create_string_buffer(8)
    lock = ctypes.CDLL(None).PyMutex_Lock
    lock(word)
    os.write(1, f"{threading.get_native_id()} {ctypes.addressof(word)}\n".encode())
    lock(word)

globals()[sys.argv[1]]()
'''


def waiters_of(held):
    """Those that wait, with what for: not the main thread."""
    waiters = {tid: address for tid, address, *_ in held.told if tid != held.pid}
    for tid in waiters:
        await_futex(tid)
    return waiters


def lock_of(look, tid):
    wait = waits_of(look)[tid]
    lock = wait["lock"] or {"type": None, "address": None}
    return lock["type"], lock["address"], wait["owner"]


def check_circle(release, program, kind):
    with Held(program, PROGRAM_TEXT, kind, 3) as held:
        waiters = waiters_of(held)
        one, two = sorted(waiters)
        text, look = held.look()
        equal([lock_of(look, tid) for tid in (one, two)],
              [("threading.RLock", waiters[one], two), ("threading.RLock", waiters[two], one)],
              f"{release}: {kind}: each waits for the RLock that the other has")
        equal(look["waits"], "circle", f"{release}: {kind}: that is a circle")
        end = ("none of the circle goes on until one of them gives up" if kind.endswith("for_a_time")
               else "a deadlock, none of the circle goes on$")
        like(text, rf"^  thread {one} -> threading.RLock at {waiters[one]:#x} -> thread {two} -> "
             rf"threading.RLock at {waiters[two]:#x} -> thread {one} again: {end}",
             f"{release}: {kind}: which is drawn") or diag(text)
        equal(len(re.findall("none of the circle", text)), 1, f"{release}: {kind}: once")
        like(text, rf'^Thread {one} ".*": sleeps, in futex\(\), waits for a threading.RLock at '
             rf"{waiters[one]:#x} of thread {two}", f"{release}: {kind}: the thread's line says so")


def check_core(release, program):
    """The same of a process that is no more."""
    with Held(program, PROGRAM_TEXT, "rlocks", 3) as held:
        waiters = waiters_of(held)
        one, two = sorted(waiters)
        core = demanded_core(held.pid, f"locks-{release}")
    if not core:
        skip(f"{release}: locks in a core", "gcore makes none here", 2)
        return
    _, look = looked(core)
    os.remove(core)
    # Where libc's guard pages lie within the stacks' mappings, gdb cannot read these as a whole.
    if all(thread["python_torn"] for thread in look["threads"] if thread["tid"] in waiters):
        skip(f"{release}: locks in a core", "gcore has left the threads' stacks out", 2)
        return
    equal([lock_of(look, tid) for tid in (one, two)],
          [("threading.RLock", waiters[one], two), ("threading.RLock", waiters[two], one)],
          f"{release}: a core tells who has which RLock")
    equal(look["waits"], "circle", f"{release}: and that it was a circle")


def check_locks(release, program):
    with Held(program, PROGRAM_TEXT, "locks", 3) as held:
        waiters = waiters_of(held)
        text, look = held.look()
        equal({tid: lock_of(look, tid) for tid in waiters},
              {tid: ("threading.Lock", address, 0) for tid, address in waiters.items()},
              f"{release}: a Lock is known, and nobody is said to have it")
        equal(look["waits"], "unknown", f"{release}: what it comes to is not known")
        unlike(text, "a deadlock|: slow", f"{release}: and is called neither slow nor a deadlock")
        for tid, address in waiters.items():
            like(text, rf'^Thread {tid} ".*": sleeps, in futex\(\), waits for a threading.Lock at '
                 rf"{address:#x}, which does not tell its owner", f"{release}: that it does not tell is said")


def check_ends(release, program):
    with Held(program, PROGRAM_TEXT, "slow", 2) as held:
        waiters = waiters_of(held)
        text, look = held.look()
        pid, (tid, address) = held.pid, waiters.popitem()
        equal(lock_of(look, tid), ("threading.RLock", address, pid), f"{release}: the main thread has it")
        equal(look["waits"], "runs", f"{release}: and runs, so this is slow")
        like(text, rf"^  thread {tid} -> threading.RLock at {address:#x} -> thread {pid}, which runs: slow",
             f"{release}: in a sentence")
    with Held(program, PROGRAM_TEXT, "ended", 2) as held:
        waiters = waiters_of(held)
        text, look = held.look()
        tid, address = waiters.popitem()
        equal(lock_of(look, tid), ("threading.RLock", address, 0), f"{release}: its owner has ended")
        equal((waits_of(look)[tid]["owner_missing"], look["waits"]), (True, "lost"),
              f"{release}: so the lock is lost")
        like(text, rf"^  thread {tid} -> threading.RLock at {address:#x} -> a thread that this process has "
             "not: it has ended, or", f"{release}: in a sentence")
    with Held(program, PROGRAM_TEXT, "lost", 3) as held:
        parent = held.pid
        child = next(rest[0] for tid, _, *rest in held.told if tid == parent)
        owner = next(tid for tid, *_ in held.told if tid not in (parent, child))
        await_futex(child)
        text, look = held.look(child)
        equal((lock_of(look, child)[::2], waits_of(look)[child]["owner_elsewhere"], look["waits"]),
              (("threading.RLock", owner), parent, "lost"), f"{release}: its owner is the parent's thread")
        like(text, rf'^Thread {owner} ".*" of process {parent}: (.*\n)+.*\(Python\) take_and_idle ',
             f"{release}: whose stack there is shown")
    with Held(program, PROGRAM_TEXT, "joins", 2) as held:
        waiters = waiters_of(held)
        pid, (tid, address) = held.pid, waiters.popitem()
        await_futex(pid)
        text, look = held.look()
        wait = waits_of(look)[pid]
        equal((wait["what"], wait["owner"], wait["lock"]), ("thread join", tid, None),
              f"{release}: Thread.join() waits for that thread")
        equal((lock_of(look, tid), look["waits"]), (("threading.RLock", address, pid), "circle"),
              f"{release}: which wants a lock of the one that joins it: a circle")


def check_mutex(release, program):
    if is_before(release, "3.13"):
        skip(f"{release}: a PyMutex", "there is none before 3.13", 2)
        return
    with Held(program, PROGRAM_TEXT, "mutex", 1) as held:
        (tid, address), = held.told
        await_futex(tid)
        text, look = held.look()
        equal(lock_of(look, tid), ("PyMutex", address, 0), f"{release}: a PyMutex is known by its address")
        like(text, rf"waits for a PyMutex at {address:#x}, which does not tell its owner",
             f"{release}: in a sentence")


if not python_programs():
    skip_all("no interpreter is here: make pythons")
for release, program in python_programs().items():
    for kind in "rlocks", "rlocks_acquired", "rlocks_for_a_time":
        check_circle(release, program, kind)
    check_core(release, program)
    check_locks(release, program)
    check_ends(release, program)
    check_mutex(release, program)
done()
