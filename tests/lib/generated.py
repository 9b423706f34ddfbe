# SPDX-License-Identifier: Apache-2.0
"""Python programs made at random, whose stack is known: they tell it and wait.

A program is a chain of layers. Each layer calls the next one in its own way (a generator, a
coroutine, a callback from C, …); the innermost tells what `traceback` says of the stack, as one
line of JSON, and waits for a byte, in the same line of its text.

Some programs have threads that go on in interpreters of their own: a chain of the main one's, and
behind that one of the other interpreter's. `traceback` knows those of one interpreter, so such a
thread tells twice, the outer chain first. The main thread tells last, when all others wait.
"""
import json
import random

HEAD = r'''
import _thread, contextlib, functools, json, os, re, sys, traceback

def line(stack):
    frames = [[f.name, f.filename, f.lineno] for f in reversed(stack)]
    return (json.dumps([_thread.get_native_id(), frames]) + "\n").encode()

def stand():
    os.write(1, line(traceback.extract_stack())); os.write(READY, b"."); os.read(0, 1)

def ctypes_here():
    """In 3.12 an interpreter with its own GIL cannot have it, and some builds have none."""
    try:
        import ctypes
        return ctypes
    except ImportError:
        return None

def decorated(function):
    @functools.wraps(function)
    def inner(*args):
        return function(*args)
    return inner

@contextlib.contextmanager
def managed(function):
    yield function()
'''

MAIN = "import os\n\nTOLD, READY = os.pipe()\n"

INTERPRETERS = r'''
try:
    import _interpreters as interpreters
except ImportError:
    import _xxsubinterpreters as interpreters

def interpreter(own_gil):
    if sys.version_info < (3, 13):
        return interpreters.create(isolated=own_gil)
    return interpreters.create("isolated" if own_gil else "legacy")
'''

ENTER = r'''
def enter%(n)d():
    number = interpreter(own_gil=%(own_gil)r)
    text = f"READY = {READY}\n" + %(text)r
    try:
        os.write(1, line(traceback.extract_stack())); interpreters.run_string(number, text)
    finally:
        os.write(READY, b"!")
'''

# By %(n)d is its number, by %(next)s what it calls.
LAYERS = {
    "call": "def layer%(n)d():\n    return %(next)s()\n",
    "recursion": "def layer%(n)d(depth=%(depth)d):\n"
                 "    return layer%(n)d(depth - 1) if depth else %(next)s()\n",
    "generator": "def gen%(n)d():\n    yield %(next)s()\n\n"
                 "def layer%(n)d():\n    for _ in gen%(n)d():\n        pass\n",
    "yield_from": "def inner%(n)d():\n    yield %(next)s()\n\n"
                  "def gen%(n)d():\n    yield from inner%(n)d()\n\n"
                  "def layer%(n)d():\n    return list(gen%(n)d())\n",
    "coroutine": "async def inner%(n)d():\n    %(next)s()\n\n"
                 "async def coro%(n)d():\n    await inner%(n)d()\n\n"
                 "def layer%(n)d():\n"
                 "    coro = coro%(n)d()\n"
                 "    try:\n        coro.send(None)\n"
                 "    except StopIteration:\n        pass\n",
    "sort": "def layer%(n)d():\n    return sorted([1], key=lambda x: %(next)s())\n",
    "reduce": "def layer%(n)d():\n    return functools.reduce(lambda a, b: %(next)s(), [1, 2])\n",
    "substitution": "def layer%(n)d():\n    return re.sub('a', lambda m: str(%(next)s()), 'a')\n",
    "qsort": "def layer%(n)d():\n"
             "    ctypes = ctypes_here()\n"
             "    if not ctypes:\n        return %(next)s()\n"
             "    kind = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p)\n"
             "    def for_qsort(a, b):\n        return bool(%(next)s())\n"
             "    ctypes.CDLL(None).qsort((ctypes.c_int * 2)(), 2, 4, kind(for_qsort))\n",
    "with_gil": "def layer%(n)d():\n"
                "    ctypes = ctypes_here()\n"
                "    if not ctypes:\n        return %(next)s()\n"
                "    call = ctypes.pythonapi.PyObject_CallNoArgs\n"
                "    call.restype = ctypes.py_object\n"
                "    return call(ctypes.py_object(%(next)s))\n",
    "map": "def layer%(n)d():\n    return list(map(lambda x: %(next)s(), [1]))\n",
    "partial": "def layer%(n)d():\n    return functools.partial(%(next)s)()\n",
    "decorator": "@decorated\n@decorated\ndef layer%(n)d():\n    return %(next)s()\n",
    "object": "class Class%(n)d:\n    def __call__(self):\n        return %(next)s()\n\n"
              "layer%(n)d = Class%(n)d()\n",
    "method": "class Class%(n)d:\n    @property\n    def attribute(self):\n        return %(next)s()\n\n"
              "def layer%(n)d():\n    return Class%(n)d().attribute\n",
    "missing": "class Class%(n)d:\n    def __getattr__(self, name):\n        return %(next)s()\n\n"
               "def layer%(n)d():\n    return Class%(n)d().missing\n",
    "comparison": "class Class%(n)d:\n    def __lt__(self, other):\n        return bool(%(next)s())\n\n"
                  "def layer%(n)d():\n    return min(Class%(n)d(), Class%(n)d())\n",
    "executed": "def layer%(n)d():\n"
                "    exec(compile('def f():\\n\\n  %(next)s()\\nf()', '<layer%(n)d>', 'exec'), globals())\n",
    "comprehension": "def layer%(n)d():\n    return [%(next)s() for _ in range(1)]\n",
    "expression": "def layer%(n)d():\n    return list(%(next)s() for _ in range(1))\n",
    "class_body": "def layer%(n)d():\n    class Body:\n        value = %(next)s()\n",
    "manager": "def layer%(n)d():\n    with managed(%(next)s):\n        pass\n",
    "finalizer": "class Class%(n)d:\n    def __del__(self):\n        %(next)s()\n\n"
                 "def layer%(n)d():\n    Class%(n)d()\n",
    "handler": "def layer%(n)d():\n    try:\n        raise ValueError\n"
               "    except ValueError:\n        return %(next)s()\n    finally:\n        pass\n",
    "long_line": "def layer%(n)d(\n        a=1,\n        b=2):\n    return (a,\n            b,\n"
                 "            %(next)s(\n            ))\n",
}


def chain(chance, longest, innermost, first=0):
    """Layers from that number on, down to `innermost`: their text, and the name of the outermost."""
    text, following = [], innermost
    for n in range(first, first + chance.randint(1, longest)):
        kind = chance.choice(sorted(LAYERS))
        text.append(LAYERS[kind] % {"n": n, "next": following, "depth": chance.randint(1, 20)})
        following = f"layer{n}"
    return "\n".join(text), following


def other_interpreter(chance, n):
    """A thread that goes on in an interpreter of its own."""
    inner, outermost = chain(chance, 6, "stand")
    enter = ENTER % {"n": n, "own_gil": chance.random() < 0.5,
                     "text": f"{HEAD}\n{inner}\n{outermost}()\n"}
    outer, outermost = chain(chance, 3, f"enter{n}", first=100 * n)
    return f"{enter}\n{outer}\n_thread.start_new_thread({outermost}, ())\nos.read(TOLD, 1)\n"


def program(seed):
    """The text of the program of that number; half of them have more than one interpreter."""
    chance = random.Random(seed)
    layers, outermost = chain(chance, 12, "stand")
    text = [MAIN, HEAD, layers]
    others = chance.choice((0, 0, 1, 2))
    if others:
        text += [INTERPRETERS, *(other_interpreter(chance, n) for n in range(1, others + 1))]
    return "\n".join([*text, f"{outermost}()\n"])


def told_by(process):
    """What its threads tell of themselves, by their numbers: frames, innermost first."""
    stacks = {}
    for line in process.stdout:
        thread, frames = json.loads(line)
        stacks[thread] = frames + stacks.get(thread, [])
        if thread == process.pid:
            return stacks
    return None
