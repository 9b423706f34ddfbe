# SPDX-License-Identifier: Apache-2.0
"""Thread states that are none, or none any more, or nobody's; other interpreters'; torn chains."""
import ctypes
import importlib
import os
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(__file__))
from traceback_by import extract, frames_of, shim, tell, this_thread  # noqa: E402

api = ctypes.pythonapi
for name in ("PyThreadState_New", "PyInterpreterState_Get", "PyInterpreterState_Head",
             "PyInterpreterState_Next", "PyInterpreterState_ThreadHead", "PyThreadState_Next"):
    getattr(api, name).restype = ctypes.c_void_p
for name in ("PyThreadState_New", "PyThreadState_Clear", "PyThreadState_Delete",
             "PyInterpreterState_Next", "PyInterpreterState_ThreadHead", "PyThreadState_Next"):
    getattr(api, name).argtypes = ctypes.c_void_p,
shim.shim_torn.argtypes = (ctypes.c_void_p, ctypes.POINTER(ctypes.c_uint64), ctypes.c_size_t,
                           ctypes.c_int)
shim.shim_chain.argtypes = ctypes.c_void_p, ctypes.c_uint64, ctypes.c_int, ctypes.c_int, ctypes.c_int


def new_state():
    return api.PyThreadState_New(api.PyInterpreterState_Get())


def delete_state(state):
    api.PyThreadState_Clear(state)
    api.PyThreadState_Delete(state)


def garbage():
    libc = ctypes.CDLL(None)
    libc.malloc.restype = ctypes.c_void_p
    freed = libc.malloc(ctypes.c_size_t(4096))
    libc.free(ctypes.c_void_p(freed))
    here = this_thread()
    someone = threading.Thread(target=lambda: ended.append(this_thread()))
    ended = []
    someone.start()
    someone.join()
    own = new_state()
    delete_state(own)
    addresses = [0, 1, 8, 4095, 2 ** 63, 2 ** 64 - 1, 2 ** 64 - 8, 2 ** 47, id(garbage), id(None),
                 id(garbage.__code__), here + 8, here - 8, here + 1, freed, *ended, own,
                 api.PyInterpreterState_Get(), ctypes.addressof(libc.malloc),
                 *(id(name) for name in dir(sys))]
    tell("no thread states", [hex(a) for a in addresses if frames_of(a) is not None],
         len(addresses))


def without_frames():
    states = [new_state() for _ in range(10)]
    wrong = [frames for frames in map(frames_of, states) if frames != []]
    for most in (-1, 0, 1):
        array = (ctypes.c_char * 4096)()
        got = shim.traceback_frames(this_thread(), ctypes.cast(array, ctypes.POINTER(
            shim.traceback_frames.argtypes[1]._type_)), most)
        if got != max(most, 0):
            wrong.append(f"{got} of {most}")
    for state in states:
        delete_state(state)
    tell("without frames", wrong, len(states))


def others():
    """Thread states of other interpreters than ours."""
    head = api.PyInterpreterState_Head()
    while head:
        if head != api.PyInterpreterState_Get():
            state = api.PyInterpreterState_ThreadHead(head)
            while state:
                yield state
                state = api.PyThreadState_Next(state)
        head = api.PyInterpreterState_Next(head)


def interpreters():
    for module in ("_interpreters", "_xxsubinterpreters"):
        try:
            subs = importlib.import_module(module)
            break
        except ImportError:
            pass
    read, write = os.pipe()
    script = f"""
import os
def wait(n):
    return wait(n - 1) if n else os.read({read}, 1)
wait(5)
"""
    sub = subs.create()
    thread = threading.Thread(target=subs.run_string, args=(sub, script))
    thread.start()
    wanted = [(4, "wait")] * 6 + [(5, "<module>")]
    for _ in range(100000):
        states = list(others())
        stacks = [frames_of(state) for state in states]
        got = [[(line, name.decode()) for _, line, name in stack or []] for stack in stacks]
        if wanted in got:
            break
    os.write(write, b"x")
    thread.join()
    subs.destroy(sub)
    left = [frames_of(state) for state in states]
    tell("another interpreter", [] if wanted in got else got)
    tell("an interpreter that is no more", [one for one in left if one is not None], len(left))


def with_cells(a, b, c):
    """Code that has some instructions before its own."""
    return lambda: (a, b, c)


def torn():
    state = new_state()
    codes = [id(one.__code__) for one in (torn, extract, delete_state, threading.Thread.run,
                                          os.walk, importlib.import_module)]
    values = codes * 3 + [id(None), id(type(torn.__code__)), id(state), 0, 1, 2 ** 64 - 1]
    array = (ctypes.c_uint64 * len(values))(*values)
    begin = time.monotonic()
    told = shim.shim_torn(state, array, len(values), 100000)
    took = time.monotonic() - begin
    # Most chains have some code at their beginning: if none was told, nothing was tried.
    tell("torn chains", [] if told > 10000 else [f"{told} frames"], 100000)
    tell("torn chains, time", [] if took < 60 else [f"{took} s"])
    # Owner, length, owner of the last (-1: it leads to the first again): how many are told.
    wanted = {(1, 5000, 1): [5000], (1, 1, -1): [1], (1, 7, -1): range(7, 100), (3, 7, -1): [0],
              (4, 7, -1): [0], (3, 10, 1): [1], (4, 10, 1): [1], (77, 5, 1): [0],
              # No evaluator is called so often without running anything.
              (3, 1000, 1): [0], (4, 1000, 1): [0]}
    wrong = [f"{of}: {n}" for of, n in ((of, shim.shim_chain(state, codes[0], *of)) for of in wanted)
             if n not in wanted[of]]
    tell("chains", wrong, len(wanted))
    begun = [shim.shim_chain(state, id(with_cells.__code__), owner, 5, owner) for owner in (0, 1, 2)]
    tell("frames that have not begun", [] if begun == [0, 5, 0] else begun, len(begun))
    delete_state(state)


garbage()
without_frames()
interpreters()
torn()
