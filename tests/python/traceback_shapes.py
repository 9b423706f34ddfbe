# SPDX-License-Identifier: Apache-2.0
"""Tracebacks from inside beside those of the module traceback, in many shapes of a stack.

    traceback_shapes.py SHIM.so [ERROR]     ERROR: what process_vm_readv(2) fails with
"""
import asyncio
import contextlib
import ctypes
import errno
import functools
import os
import sys
import threading

sys.path.insert(0, os.path.dirname(__file__))
from traceback_by import MAX, extract, frames_of, shim, tell, this_thread  # noqa: E402

wrong = []
compared = {"stacks": 0, "frames": 0}


def compare(*_):
    """Of the stack as it is here. Its own line differs, being two here."""
    ours = frames_of(this_thread())
    theirs = extract(sys._getframe())[:MAX]
    compared["stacks"] += 1
    compared["frames"] += len(ours or [])
    # frames_of() has a frame, too.
    if ours is None or ours[2:MAX] != theirs[1:MAX - 1] or ours[1][2] != theirs[0][2]:
        wrong.append(f"{ours} for {theirs}")
    return 0


def deeper(n):
    return deeper(n - 1) if n else compare()


def generator():
    yield compare()
    yield from inner_generator()


def inner_generator():
    try:
        yield compare()
    finally:
        compare()


def generators():
    for _ in generator():
        pass
    list(compare() for _ in range(3))
    one = generator()
    next(one)
    one.close()
    with contextlib.closing(generator()) as another:
        next(another)
        compare()


async def coroutine(n):
    compare()
    if n:
        await coroutine(n - 1)
    await asyncio.sleep(0)
    compare()
    async for _ in agen():
        compare()


async def agen():
    yield compare()
    compare()


async def tasks():
    await asyncio.gather(*(coroutine(i) for i in range(3)))
    async with asyncio.timeout(10):
        compare()


def decorator(function):
    @functools.wraps(function)
    def wrapper(*args):
        compare()
        return function(*args)
    return wrapper


@decorator
@functools.lru_cache
def decorated(n):
    return compare() + n


class Weird:
    compare()
    inside = [compare() for _ in range(2)]

    def __init__(self):
        compare()

    def __eq__(self, other):
        compare()
        return True

    def __hash__(self):
        return compare()

    def __del__(self):
        compare()

    def __getattr__(self, name):
        compare()
        raise AttributeError(name)

    @property
    def value(self):
        return compare()

    def __enter__(self):
        compare()
        return self

    def __exit__(self, *_):
        compare()

    def __iter__(self):
        return (compare() for _ in range(2))

    def __init_subclass__(cls):
        compare()


def classes():
    class Local(Weird):
        compare()

        class Nested:
            compare()

    with Local() as one:
        {one: one.value}
        assert one == Local()
        hasattr(one, "missing")
        list(one)
    type("Made", (Weird,), {"compare": compare()})


def from_c():
    sorted([3, 1, 2], key=compare)
    list(map(compare, range(2)))
    list(filter(compare, map(lambda n: compare(n), range(2))))
    functools.reduce(lambda a, b: compare(), range(3))
    max([1, 2], key=lambda n: compare())
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)(
        lambda a, b: compare())
    array = (ctypes.c_int * 4)(4, 3, 2, 1)
    ctypes.CDLL(None).qsort(array, 4, 4, callback)
    functools.partial(compare)()


def comprehensions():
    [compare() for _ in range(2)]
    [[compare() for _ in range(n)] for n in range(2)]
    {compare(): compare() for _ in range(2)}
    {compare() for _ in range(2)}
    (lambda: [
        compare()
        for _ in range(2)
        if not
        compare()
    ])()


def executed():
    exec("compare()")
    eval("compare()")
    exec("\n\n\ndef f():\n  compare()\nf()\n")
    for name in ("ä.py", "日本語.py", "𝔘.py", "x" * 255, "x" * 256, "y" * 300, "ü" * 127, "ü" * 128,
                 "ä" * 200, "日" * 84, "日" * 85, "日" * 90, "x日" * 80, "𝔘" * 100, "x" * 251 + "𝔘x",
                 "x" * 252 + "𝔘", "sur\udc80rogate", "\ud800", "", "a\tb\nc", "\x7f\x80\xff"):
        exec(compile("compare()", name, "exec"), globals())
        code = compile("def f():\n compare()\n", name, "exec").co_consts[0]
        for text in (name, type("Text", (str,), {})(name)):
            with contextlib.suppress(TypeError, SystemError):
                changed = code.replace(co_name=text, co_filename=text)
                eval(changed, globals())


def lines():
    compare(
        *[1,
          2])
    (
        compare()
    )
    for first in (0, 1, 100000, 2 ** 31 - 100):
        code = compile("compare()\n\n\ncompare()\nif compare(\n): pass", "lines.py", "exec")
        exec(code.replace(co_firstlineno=first), globals())
    try:
        raise KeyError
    except KeyError:
        compare()
    finally:
        compare()
    # No line at all.
    no_line = code.replace(co_linetable=bytes([0xff] * (len(code.co_code) // 2 // 8 + 1)))
    exec(no_line, globals())


def threads():
    ready, go = threading.Semaphore(0), threading.Event()
    states = {}

    def stand(n):
        if n:
            return stand(n - 1)
        states[threading.get_ident()] = this_thread()
        ready.release()
        return go.wait()

    everyone = [threading.Thread(target=stand, args=(n,)) for n in range(20)]
    for thread in everyone:
        thread.start()
        ready.acquire()
    for ident, state in states.items():
        compare_other(ident, state)
    go.set()
    for thread in everyone:
        thread.join()
    left = [frames_of(state) for state in states.values()]
    tell("ended threads", [one for one in left if one is not None], len(left))


def compare_other(ident, state):
    """It may be on its way into the wait still: as soon as it is there both say the same."""
    for _ in range(10000):
        ours, theirs = frames_of(state), extract(sys._current_frames()[ident])
        if ours == theirs:
            break
    compared["stacks"] += 1
    if ours != theirs:
        wrong.append(f"{ours} for {theirs} of another thread")


def deep():
    """Ten thousand, of which as many are told as there is room for."""
    sys.setrecursionlimit(20000)
    seen = []

    def dive(n):
        return dive(n - 1) if n else seen.append((frames_of(this_thread(), 20000),
                                                  frames_of(this_thread(), 50),
                                                  extract(sys._getframe())))
    dive(10000)
    everything, some, theirs = seen[0]
    if everything[2:] != theirs[1:] or some[2:] != everything[2:50] or len(everything) < 10000:
        wrong.append(f"{len(everything)} and {len(some)} of {len(theirs)}")


def stack():
    """Of the C stack."""
    used = shim.shim_stack(this_thread())
    tell("stack", [] if 0 < used < 4096 else [used], used)


def main():
    before = os.listdir("/proc/self/fd")
    if len(sys.argv) > 2 and shim.shim_deny(getattr(errno, sys.argv[2])):
        sys.exit("the system call is not denied")
    for n in (0, 1, 5, 50, 150):
        deeper(n)
    generators()
    asyncio.run(tasks())
    decorated(1)
    classes()
    from_c()
    comprehensions()
    executed()
    lines()
    threads()
    deep()
    stack()
    tell("stacks", wrong, compared["stacks"])
    tell("frames", wrong, compared["frames"])
    tell("descriptors", set(os.listdir("/proc/self/fd")) - set(before))


main()
