# SPDX-License-Identifier: Apache-2.0
"""embed/traceback.c by ctypes, for what runs on each interpreter; and how its answers go back.

A script of these is run as `python -I -B SCRIPT SHIM.so …` and writes one JSON object for each thing
that it has checked: what, how often, and what was wrong.
"""
import ctypes
import json
import sys
import traceback

TEXT_MAX = 256
MAX = 200


class Frame(ctypes.Structure):
    _fields_ = [("filename", ctypes.c_char * TEXT_MAX), ("lineno", ctypes.c_int),
                ("name", ctypes.c_char * TEXT_MAX)]


class Sample(ctypes.Structure):
    _fields_ = [("n", ctypes.c_int), ("own", ctypes.c_int), ("innermost", Frame),
                ("outermost", Frame)]


shim = ctypes.CDLL(sys.argv[1])
shim.traceback_frames.argtypes = ctypes.c_void_p, ctypes.POINTER(Frame), ctypes.c_int
shim.shim_lines.argtypes = (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int,
                            ctypes.POINTER(ctypes.c_int))
shim.shim_line_at.argtypes = ctypes.c_char_p, ctypes.c_size_t, ctypes.c_int, ctypes.c_int64
shim.shim_stack.argtypes = ctypes.c_void_p,
shim.shim_stack.restype = ctypes.c_long
shim.shim_mine.argtypes = ctypes.c_void_p, ctypes.c_int
shim.shim_samples.restype = ctypes.POINTER(Sample)
if shim.traceback_init():
    sys.exit("traceback_init() finds no Python")

this_thread = ctypes.pythonapi.PyThreadState_Get
this_thread.restype = ctypes.c_void_p


def tell(what, wrong, count=1):
    print(json.dumps({"what": what, "wrong": [str(one) for one in wrong][:10], "count": count}),
          flush=True)


def cut(text):
    """As it fits into a field, which is UTF-8."""
    characters = ["�".encode() if "\ud800" <= c <= "\udfff" else c.encode() for c in text]
    whole = b"".join(characters)
    if len(whole) < TEXT_MAX:
        return whole
    while len(whole) + len("...") >= TEXT_MAX:
        whole = whole[:-len(characters.pop())]
    return whole + b"..."


def frames_of(tstate, most=MAX):
    """(filename, line, name) of each, or None where there is no such thread state."""
    array = (Frame * most)()
    n = shim.traceback_frames(tstate, array, most)
    return None if n < 0 else [(f.filename, f.lineno, f.name) for f in array[:n]]


def extract(frame):
    """The same of a frame and its callers as Python says it: traceback.extract_stack(), which does
    not open the files."""
    stack = traceback.StackSummary.extract(traceback.walk_stack(frame), lookup_lines=False)
    return [(cut(f.filename), -1 if f.lineno is None else f.lineno, cut(f.name)) for f in stack]
