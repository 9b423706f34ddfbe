# SPDX-License-Identifier: Apache-2.0
"""Tracebacks from a signal handler in C, and from a thread that has nothing to do with Python, while
threads of Python run, import, collect garbage, begin and end."""
import collections
import ctypes
import gc
import importlib
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))
from traceback_by import shim, tell, this_thread  # noqa: E402

MODULES = "json.decoder decimal fractions textwrap string csv ast dis difflib calendar".split()
THREADS = 3
exists = {}


def calls(n):
    return calls(n - 1) + sum(i for i in range(3)) if n else sorted([3, 2, 1], key=lambda i: -i)[0]


def generate(n):
    for i in range(n):
        yield from (i * j for j in range(2))


def allocate():
    class Made:
        def __init__(self):
            self.me = self
    return [Made() for _ in range(20)]


def imports():
    name = MODULES[int(time.monotonic() * 1000) % len(MODULES)]
    sys.modules.pop(name, None)
    importlib.import_module(name)


def code():
    exec(compile("def f(n):\n  return [n for n in range(n)]\nf(20)", "<made>", "exec"), {})


def threads():
    def short(n):
        # Another takes the place: what is looked at has ended, or is somebody else's by then.
        shim.shim_mine(this_thread(), n)
        calls(5)
    some = [threading.Thread(target=short, args=(THREADS + n,)) for n in range(3)]
    for thread in some:
        thread.start()
    for thread in some:
        thread.join()


def work(n, until, lock):
    shim.shim_mine(this_thread(), n)
    while time.monotonic() < until:
        calls(20)
        list(generate(20))
        allocate()
        code()
        threads()
        gc.collect(0)
        with lock:
            imports()


def is_known(name):
    if name not in exists:
        exists[name] = name.startswith(b"<frozen ") or name in (b"<made>", b"<string>") or \
            os.path.exists(name)
    return exists[name]


def sane(frame):
    return is_known(frame.filename) and frame.name and -1 <= frame.lineno < 20000


def sample(seconds, from_thread):
    lock = threading.Lock()
    until = time.monotonic() + seconds
    everyone = [threading.Thread(target=work, args=(n, until, lock)) for n in range(THREADS)]
    if shim.shim_sample_start(from_thread):
        sys.exit("nothing is sampled")
    for thread in everyone:
        thread.start()
    for thread in everyone:
        thread.join()
    n = shim.shim_sample_stop()
    counts, wrong = collections.Counter(), {True: [], False: []}
    for one in shim.shim_samples()[:n]:
        own = bool(one.own)
        counts["own" if own else "others"] += 1
        counts["none"] += one.n <= 0
        if one.n > 0 and not (sane(one.innermost) and sane(one.outermost)):
            wrong[own].append((one.n, one.innermost.filename, one.innermost.name,
                               one.innermost.lineno, one.outermost.filename))
    return counts, wrong


def main():
    counts, wrong = sample(2, False)
    tell("interrupted", wrong[True], counts["own"])
    # A thread goes on while others read what it does: one traceback of many may be of two times.
    tell("others, by signal", wrong[False] if len(wrong[False]) * 100 > counts["others"] else [],
         counts["others"])
    counts, wrong = sample(2, True)
    tell("others, by a thread", wrong[False] if len(wrong[False]) * 100 > counts["others"] else [],
         counts["others"])


main()
