# SPDX-License-Identifier: Apache-2.0
"""Programs of the tests with each of the interpreters in them.

    for python in pythons_here():
        run(program(python, "tests/python/python.c"), "-I", "-B", "script.py")

runs a Python program on every release that forkpoint finds. Each program is one C file, built by
embed/host.mk into $BUILD/tests/python/ID (or where the environment has PYTHON_PROGRAMS), where it
stays: only what changed is built again.
"""
import os
from collections import namedtuple

from forkpoint_test import bail_out, forkpoint, objects, run

os.environ.setdefault("FORKPOINT_DATA", os.getcwd())
ROOT = os.path.abspath(os.environ.get("BUILD", "build")) + "/tests/python"

Python = namedtuple("Python", "release id file")


def pythons_here(every=False):
    """Oldest first. every: debug builds, too."""
    return [Python(known["python"], os.path.basename(os.path.dirname(known["file"])), known["file"])
            for known in objects(forkpoint("pythons", "--json").out) if every or known["default"]]


def program(python, source):
    """The program of that C file, with that Python in it."""
    out = f"{ROOT}/{python.id}"
    built = run("make", "--no-print-directory", "-f", "embed/host.mk", "program", f"TOP={os.getcwd()}",
                f"INTERP={python.file}", f"OUT={out}", f"PROGRAM={source}", "WERROR=1")
    if built.status:
        bail_out(f"{source} cannot be built for {python.release}: {built.err}")
    return f"{out}/{os.path.basename(source)[:-2]}"


def has_own_libc(python):
    """Does it come with a C library that is not the machine's?"""
    with open(python.file, encoding="utf-8") as lines:
        return any(line.startswith("loader=/") for line in lines)


def python_programs(native=False):
    """The program `python` of each, by release. native: of those that use the machine's libc."""
    return {python.release: program(python, "tests/python/python.c") for python in pythons_here()
            if not (native and has_own_libc(python))}


def shared_object(name, *sources, flags=()):
    """A shared object without Python in it, which every interpreter can load: its path."""
    os.makedirs(ROOT, exist_ok=True)
    out = f"{ROOT}/{name}.so"
    built = run(os.environ.get("CC", "cc"), "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-g", "-fPIC",
                "-shared", "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wstrict-prototypes",
                "-Wmissing-prototypes", "-Werror", "-I.", *flags, "-o", f"{out}.new", *sources)
    if built.status:
        bail_out(f"{name}.so cannot be built: {built.err}")
    os.replace(f"{out}.new", out)
    return out
