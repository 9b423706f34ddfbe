#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`forkpoint stack` of a process whose interpreter does not come to its end: threads that CPython holds
for ever are no deadlock, unless the one that ends it waits for them."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import (diag, done, equal, is_before, like, skip,  # noqa: E402
                            skip_all, unlike)
from held import Held, await_futex, waits_of  # noqa: E402
from pythons import python_programs  # noqa: E402
from resting import await_that, call_of  # noqa: E402

# What a module that has nothing else holds is finalized when no other thread gets the GIL any more.
PROGRAM_TEXT = r'''
import os, sys, threading, time, types

lock, held = threading.RLock(), threading.Event()

def tell():
    os.write(1, f"{threading.get_native_id()}\n".encode())

def daemon():
    with lock:
        tell()
        held.set()
        while True:
            time.sleep(0.001)

class Last:
    def __init__(self, do):
        self.do = do
    def __del__(self, tell=tell):
        tell()
        self.do()

def forever(read=os.read, fd=os.pipe()[0]):
    read(fd, 1)

sys.modules["apart"] = types.ModuleType("apart")
sys.modules["apart"].last = Last({"idle": forever, "locked": lock.acquire}[sys.argv[1]])
threading.Thread(target=daemon, daemon=True).start()
held.wait()
'''

# Earlier releases let the thread end instead, which looks as if it had taken its locks with it.
FIRST_THAT_PARKS = "3.13.8"
PAUSE = {"x86_64": "34", "aarch64": "73"}[os.uname().machine]


def await_parked(tid):
    """It wakes up, finds that it is too late, and stays where it is, or goes."""
    await_that(lambda: call_of(tid)[0] in (PAUSE, "gone"), f"thread {tid} ends")


def check_idle(release, program, parks):
    with Held(program, PROGRAM_TEXT, "idle", 2) as held:
        (daemon,), (main,) = held.told
        await_parked(daemon)
        text, look = held.look()
        equal((main, look["pythons"][0]["finalizing"]), (held.pid, True), f"{release}: it is being finalized")
        like(text, rf"^  finalizing: thread {main} ends the interpreter$", f"{release}: by the main thread")
        unlike(text, "a deadlock", f"{release}: there is no deadlock")
        if parks:
            equal(look["waits"], "parked", f"{release}: a thread is parked")
            like(text, rf"^  thread {daemon}, which CPython holds for ever, by design$",
                 f"{release}: by design, which is told") or diag(text)
            like(text, rf'^Thread {daemon} ".*": sleeps, in \w+\(\), waits for ever, by CPython\'s design$',
                 f"{release}: in its own line, too")
        else:
            equal(look["waits"], "outside", f"{release}: the main thread waits for no lock")
            unlike(text, rf"^Thread {daemon} ", f"{release}: the other one has ended")


def check_locked(release, program, parks):
    if not is_before(release, "3.15"):
        skip(f"{release}: a lock that nobody gives back", "3.15 raises PythonFinalizationError", 3)
        return
    with Held(program, PROGRAM_TEXT, "locked", 2) as held:
        (daemon,), (main,) = held.told
        await_parked(daemon)
        await_futex(main)
        text, look = held.look()
        equal((waits_of(look)[main]["lock"]["type"], waits_of(look)[main]["owner"], look["waits"]),
              ("threading.RLock", daemon, "parked") if parks else ("threading.RLock", 0, "lost"),
              f"{release}: who ends the interpreter waits for a lock of one that is held or gone")
        like(text, rf"^  thread {main} -> threading.RLock at 0x\w+ -> " +
             (rf"thread {daemon}, which CPython holds for ever, by design$" if parks else
              r"a thread that this process has not: it has ended"), f"{release}: in a sentence")


if not python_programs():
    skip_all("no interpreter is here: make pythons")
for release, program in python_programs().items():
    parks = not is_before(release, FIRST_THAT_PARKS)
    check_idle(release, program, parks)
    check_locked(release, program, parks)
done()
