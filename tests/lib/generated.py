# SPDX-License-Identifier: Apache-2.0
"""Python programs made at random, whose stack is known: they tell it and wait.

A program is a chain of layers. Each layer calls the next one in its own way (a generator, a
coroutine, a callback from C, …); the innermost tells what `traceback` says of the stack, as one
line of JSON, and waits for a byte, in the same line of its text.
"""
import random

HEAD = r'''
import asyncio, contextlib, functools, json, os, sys, traceback

def stand():
    os.write(1, (json.dumps([[f.name, f.filename, f.lineno] for f in reversed(traceback.extract_stack())]) + "\n").encode()); os.read(0, 1)

def decorated(function):
    @functools.wraps(function)
    def inner(*args):
        return function(*args)
    return inner

@contextlib.contextmanager
def managed(function):
    yield function()
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


def program(seed):
    """The text of the program of that number."""
    chance = random.Random(seed)
    kinds = [chance.choice(sorted(LAYERS)) for _ in range(chance.randint(1, 12))]
    text, following = [HEAD], "stand"
    for n, kind in enumerate(kinds):
        text.append(LAYERS[kind] % {"n": n, "next": following, "depth": chance.randint(1, 20)})
        following = f"layer{n}"
    text.append(f"{following}()\n")
    return "\n".join(text)
