#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Interpreters and hosts that are broken, and compilers that are not there: one sentence for each
and exit status 3, while the results of other interpreters are kept."""
import glob
import os
import re
import shutil
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from driven import (  # noqa: E402
    cells_of, drive, interpreters, store, tap_of, tools_in)
from forkpoint_test import (  # noqa: E402
    SCRATCH, at, bail_out, done, equal, like, ok, scratch, skip_all, slurp, spew, unlike)

known = interpreters()
first = known[0]
other = known[1]["python"] if len(known) > 1 else None
WITH_OTHER = ("--python", other) if other else ()
RUN = ("run", "selftest-noop", "--trials", "1", "--twins", "without")
HERE = re.escape(SCRATCH)

lib = re.search("^lib=(.*)", slurp(first["file"]), re.M)[1]
if ".so" not in lib:
    skip_all("the first interpreter has no shared library")

# A store of the test's own: the user's hosts stay what they are.
cache, empty = scratch("cache"), scratch("empty")
for directory in cache, empty, scratch("lib"):
    os.mkdir(directory)
os.symlink(store(), f"{cache}/interpreters")
ENV = {"FORKPOINT_CACHE": cache}


def variant(name, **changes):
    """A copy of an interpreter's file in which a few keys differ.

    An old one, and all of one name, so that they share a host and it is not built again.
    """
    text = slurp(first["file"])
    for key, value in changes.items():
        text = re.sub(f"^{key}=.*", lambda _, new=f"{key}={value}": new, text, count=1, flags=re.M)
    os.makedirs(scratch(f"{name}/broken"), exist_ok=True)
    path = scratch(f"{name}/broken/interp")
    spew(path, text)
    os.utime(path, (1, 1))
    return scratch(f"{name}/broken")


def program(path, text):
    spew(path, text)
    os.chmod(path, 0o755)


def broken(what, sentence, *args, env=None):
    """It is told in one sentence, and the other one is run."""
    json = scratch("json")
    if os.path.exists(json):
        os.unlink(json)
    status, out, _ = drive(*RUN, "--json", json, *args, env={**ENV, **(env or {})})
    cells = cells_of(slurp(json))
    errors = [cell["harness_error"] for cell in cells if cell.get("harness_error") is not None]

    equal(status, 3, f"{what}: the exit status tells of the harness")
    equal(tap_of(out).faults, [], f"{what}: the TAP stream is complete")
    equal(len(errors), 1, f"{what}: it is told once")
    like(at(errors, 0), sentence, f"{what}: in the right words")
    unlike(at(errors, 0) or "", r"\n", f"{what}: in one line")
    if other in args:
        equal([cell.get("verdict") for cell in cells if cell["python"] == other], ["as-expected"],
              f"{what}: the other one is run")


copy = scratch("lib/" + os.path.basename(lib))
shutil.copyfile(lib, copy)
good = variant("good", lib=copy)
ran = drive(*RUN, "--python", good, *WITH_OTHER, env=ENV)
equal(ran.status, 0, "as long as nothing is broken, all is well") or bail_out(ran.out + ran.err)
hosts = glob.glob(f"{cache}/hosts/broken-*/host")
host = hosts[0] if hosts else bail_out("where is its host?")
kept = scratch("host.kept")

# Something else stands where the host was.
os.rename(host, kept)
for case, text, wanted in (
        ("a host that crashes at start", "#!/bin/sh\nkill -SEGV $$\n",
         r"does not start: .*died of Segm.*remove"),
        ("a host that ends at start", "#!/bin/sh\necho oh no >&2\nexit 5\n",
         r"does not start: oh no: .*remove"),
        ("a host that ends in silence", "#!/bin/sh\nexit 5\n",
         r"status 5 and without a word.*remove"),
        ("a host that is another program", "#!/bin/sh\nexit 0\n", r"is no host, .*remove it"),
        ("a host that is no program", "\1\2\3\4", r"does not start: [^:]*.*remove")):
    program(host, text)
    broken(case, wanted, "--python", good, *WITH_OTHER)

# One that starts, and then dies when it is to serve. Its catalog and its start are the real one's.
for end in "exit 7", "echo last words >&2; kill -KILL $$", "exec </dev/null; sleep 0.1":
    program(host, f'#!/bin/sh\ncase $* in *--zygote*) {end};; *) exec {kept} "$@";; esac\n')
    broken(f"a host that ends before it serves ({end})", r"the host \S+ does not start: ",
           "--python", good, *WITH_OTHER)
os.rename(kept, host)

# Python without what it needs. What can be seen at once is refused at once.
ran = drive(*RUN, "--python", variant("homeless", home=empty, lib=copy), env=ENV)
equal((ran.status, ran.out), (2, ""), "an interpreter without a standard library is refused")
like(ran.err, rf"\Aforkpoint: .*has no standard library under '{HERE}/empty'.*\n\Z",
     "in one sentence")
release = re.match(r"\d+\.\d+", first["python"])[0]
os.makedirs(f"{empty}/lib/python{release}/encodings")
for module in "os.py", "encodings/__init__.py":
    spew(f"{empty}/lib/python{release}/{module}", "")
broken("an interpreter with an empty standard library",
       rf"python does not start: .*see that {HERE}/empty has its standard library",
       "--python", variant("homeless", home=empty, lib=copy), *WITH_OTHER)
os.truncate(copy, 10000)
os.utime(copy, (1, 1))
ran = drive(*RUN, "--python", good, env=ENV)
ok(ran.status != 0, "a libpython that was cut off is noticed")
like(ran.out + ran.err, rf"{re.escape(copy)}.*(?:short|cut|truncated|fetch|cannot be used)",
     "and named")

# Nothing to build with. In an empty cache, where all is to be built.
FEW = "sh mkdir mv cmp sed printf cat rm".split()
for case, wanted, change in (
        ("a compiler that fails",
         r"cannot build the host of .*doctor.*make -f \S+ .*shows all",
         {"CC": "false", "CXX": "false"}),
        ("a compiler that is not there",
         r"cannot build the host of .*(?:not found|No such file).*doctor",
         {"PATH": tools_in(scratch("bin.make"), FEW + ["make"])}),
        ("no make", r"cannot run make: No such file.*doctor",
         {"PATH": tools_in(scratch("bin.nothing"), FEW)})):
    new = scratch("cache.new")
    os.mkdir(new)
    os.symlink(store(), f"{new}/interpreters")
    broken(case, wanted, "--python", first["python"], env={"FORKPOINT_CACHE": new, **change})
    shutil.rmtree(new)

# Nowhere to build.
spew(scratch("a-file"), "")
for where in scratch("a-file"), "/proc/forkpoint":
    ran = drive(*RUN, "--python", first["file"], env={"FORKPOINT_CACHE": where})
    ok(ran.status != 0, f"a cache in {where}: it is a failure")
    like(ran.out + ran.err, rf"(?:cannot|make the directory).*{re.escape(where)}",
         f"a cache in {where}: it is told")

done()
