#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`forkpoint stack` of processes in a pid namespace of their own, whose memory has other thread ids than
those that they are called by here."""
import os
import re
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import done, equal, like, ok, run, skip, skip_all  # noqa: E402
from held import Held, await_futex, waits_of  # noqa: E402
from pythons import python_programs  # noqa: E402

PROGRAM_TEXT = r'''
import ctypes, os, sys, threading, time

libc = ctypes.CDLL(None)
a, b = ctypes.create_string_buffer(64), threading.RLock()
both = threading.Barrier(2)

def tell(*numbers):
    os.write(1, (" ".join(map(str, (threading.get_native_id(), *numbers))) + "\n").encode())

def mutex_first():
    libc.pthread_mutex_lock(a)
    both.wait()
    tell()
    b.acquire()

def rlock_first():
    b.acquire()
    both.wait()
    tell()
    libc.pthread_mutex_lock(a)

def circle():
    threading.Thread(target=mutex_first, daemon=True).start()
    threading.Thread(target=rlock_first, daemon=True).start()
    time.sleep(1000)

def hold():
    libc.pthread_mutex_lock(a)
    tell()
    both.wait()
    time.sleep(1000)

def lost():
    threading.Thread(target=hold, daemon=True).start()
    both.wait()
    child = os.fork()
    if not child:
        libc.pthread_mutex_lock(a)
    tell(child)
    os.waitpid(child, 0)

globals()[sys.argv[1]]()
'''

UNSHARE = ("unshare", "-r", "-p", "-f", "--kill-child", "--mount-proc")


def own_ids(pid):
    """The threads of a process by what they call themselves."""
    ids = {}
    for tid in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{tid}/status", encoding="utf-8") as status:
            ids[int(re.search(r"^NSpid:.*\t(\d+)$", status.read(), re.M)[1])] = int(tid)
    return ids


def functions_of(look, tid):
    thread, = (thread for thread in look["threads"] if thread["tid"] == tid)
    return [frame["function"] for frame in thread["frames"] if frame["python"]]


def check_circle(release, program):
    with Held(program, PROGRAM_TEXT, "circle", 2, within=UNSHARE) as held:
        ids = own_ids(held.pid)
        own = [tid for tid, in held.told]
        one, two = (ids[tid] for tid in own)
        ok(not {one, two} & set(own), f"{release}: threads have other numbers within their namespace")
        await_futex(one)
        await_futex(two)
        text, look = held.look()
        equal(sorted(functions_of(look, tid)[:1] for tid in (one, two)), [["mutex_first"], ["rlock_first"]],
              f"{release}: each has its Python frames")
        waits = waits_of(look)
        equal([waits[one]["owner"], waits[two]["owner"]], [two, one],
              f"{release}: owners are told by the numbers that they have here")
        equal({waits[tid]["what"] if not waits[tid]["lock"] else waits[tid]["lock"]["type"]
               for tid in (one, two)}, {"mutex", "threading.RLock"}, f"{release}: of libc's lock and of CPython's")
        equal(look["waits"], "circle", f"{release}: and make a circle")


def check_lost(release, program):
    with Held(program, PROGRAM_TEXT, "lost", 2, within=UNSHARE) as held:
        (own_owner,), (own_parent, own_child) = held.told
        owner = own_ids(held.pid)[own_owner]
        with open(f"/proc/{held.pid}/task/{held.pid}/children", encoding="ascii") as children:
            child = int(children.read())
        await_futex(child)
        text, look = held.look(child)
        like(text, rf"^  thread {child} -> mutex at 0x\w+ -> thread {owner} of process {held.pid}, which "
             "the fork has not taken along", f"{release}: a lock that a fork has lost, too")
        text, look = held.look()
        equal(waits_of(look)[held.pid]["owner"], child, f"{release}: and a child that is waited for")
        like(text, rf"waits for child process {child}$", f"{release}: in its line")


if not python_programs():
    skip_all("no interpreter is here: make pythons")
if run(*UNSHARE, "true").status:
    skip("processes in a pid namespace of their own", "this machine allows no unshare(1)")
    done()
    sys.exit()
for release, program in python_programs().items():
    check_circle(release, program)
    check_lost(release, program)
done()
