#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`forkpoint core`: files that a core needs and that are elsewhere, and files that are no core."""
import gzip
import json
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
import core_file  # noqa: E402
from cores import begin, demanded_core, end, looked  # noqa: E402
from forkpoint_test import (  # noqa: E402
    PROGRAM, done, equal, has, like, none, run, scratch, skip, spew)

LIBRARY = "int number = {}; void call(void (*f)(void)) {{ f(); number++; }}\n"
PROGRAM_C = r'''
#include <stdio.h>
#include <unistd.h>
void call(void (*f)(void));
static void wait_there(void) { puts("there"); fflush(stdout); char c; if (read(0, &c, 1) < 0) return; }
int main(void) { call(wait_there); return 0; }
'''


def built(directory, number):
    """A program and its library; of another number they are of another build."""
    os.makedirs(directory)
    spew(f"{directory}/lib.c", LIBRARY.format(number) + "void more(void) {}\n" * (number > 1))
    spew(f"{directory}/program.c", PROGRAM_C)
    compiler = [os.environ.get("CC", "cc"), "-g", "-O0", "-fno-omit-frame-pointer"]
    for command in (["-shared", "-fPIC", "-Wl,--build-id", "-o", "libcalls.so", "lib.c"],
                    ["-Wl,--build-id", "-o", "program", "program.c", "./libcalls.so",
                     "-Wl,-rpath,$ORIGIN"]):
        subprocess.run(compiler + command, cwd=directory, check=True)
    os.remove(f"{directory}/lib.c")


def names(look):
    return [f["function"] for f in look["threads"][0]["frames"]]


def libraries():
    there, kept, other = scratch("there"), scratch("kept/a/b"), scratch("other")
    built(there, 1)
    built(other, 2)
    process = begin([f"{there}/program"], there)
    core = demanded_core(process.pid, "program")
    end(process)
    if not core:
        skip("libraries that are missing", "gcore makes no core here", 19)
        return
    ran, look = looked(core)
    equal((ran.err, "call" in names(look)), ("", True), "a library that is there is used")
    os.makedirs(kept)
    shutil.move(f"{there}/libcalls.so", f"{kept}/libcalls.so")
    ran, look = looked(core)
    like(ran.err, rf"\Aforkpoint: cannot find {there}/libcalls\.so, which the process had mapped$",
         "one that is missing is told with its path")
    equal((ran.status, "call" in names(look)), (0, False),
          "its frames have no names then, and it is no failure")
    equal(names(look)[0] is not None, True, "but others have")
    ran, look = looked(core, "--symbols", kept)
    equal("call" in names(look), True, "with --symbols a file of that build gives them")
    ran, look = looked(core, "--symbols", other)
    equal("call" in names(look), False, "but not by one of another build")
    ran, look = looked(core, "--symbols", kept, "--substitute-path", f"{there}=/elsewhere")
    equal([f["file"] for f in look["threads"][0]["frames"] if f["function"] == "call"],
          ["/elsewhere/lib.c"], "--substitute-path says where the sources are")
    for option, value in (("--lib-search-path", f"{other}/nothing:{kept}"),
                          ("--lib-search-root", scratch("kept"))):
        ran, look = looked(core, option, value)
        equal((ran.status, ran.err, "call" in names(look), "main" in names(look)),
              (0, "", True, True), f"{option} is where it is found")
    shutil.copy(f"{other}/libcalls.so", f"{there}/libcalls.so")
    ran, look = looked(core)
    like(ran.err, rf"cannot find {there}/libcalls\.so as the process had it mapped "
         rf"\(build-id [0-9a-f]{{40}}\): of another build is {there}/libcalls\.so "
         rf"\(build-id [0-9a-f]{{40}}\)", "one of another build is told, with both build-ids")
    equal("call" in names(look), False, "and not used")
    ran, look = looked(core, "--lib-search-path", f"{other}:{kept}")
    equal((ran.err, "call" in names(look)), ("", True), "nor is it on the way to the right one")
    equal(run(PROGRAM, "core", core, "--lib-search-root", scratch("nowhere")).status, 2,
          "a root that is not there is wrong usage")
    executables(core, there, kept)


def executables(core, there, kept):
    """Of a program that is moved away."""
    shutil.move(f"{there}/program", f"{kept}/program")
    ran, look = looked(core, "--lib-search-path", kept, f"{kept}/program")
    equal((ran.err, look["core"]["executable_file"], "main" in names(look)),
          ("", f"{kept}/program", True), "an executable that the user gives is used")
    ran, look = looked(core)
    has(ran.err, "the executable that the core file names is not here: give it as second argument",
        "its absence is told")
    equal((look["core"]["executable"], look["core"]["executable_file"]), (f"{there}/program", None),
          "with its path")
    spew(scratch("pytest"), "#!/usr/bin/python3 -u\n")
    ran = run(PROGRAM, "core", core, scratch("pytest"))
    equal(ran.status, 3, "a script that is given as executable is refused")
    has(ran.err, f"unable to find maps for the executable {scratch('pytest')}: it is a script, which "
        "/usr/bin/python3 -u runs; these are the available executable memory maps: ",
        "and told to be one")
    has(ran.err, f"{there}/program", "with the names of those that could be meant")


def no_cores():
    spew(scratch("text"), "not a core\n")
    spew(scratch("script"), "#!/bin/sh\n")
    spew(scratch("empty"), "")
    for name, start in (("xz", b"\xfd7zXZ\0"), ("elf32", b"\x7fELF\1\1\1" + bytes(57)),
                        ("bytes", bytes(range(1, 255)))):
        with open(scratch(name), "wb") as file:
            file.write(start)
    bad = []
    for path, why in ((scratch("text"), "it is a text"), (scratch("script"), "it is a script"),
                      (scratch("empty"), "it is empty"), (scratch(""), "it is a directory"),
                      ("/dev/null", "it is no regular file"), (PROGRAM, "it is an executable"),
                      (scratch("nothing"), "cannot be opened: No such file"),
                      (scratch("xz"), "is compressed by xz, which is not read here"),
                      (scratch("elf32"), "only 64-bit"), (scratch("bytes"), "neither of the ELF")):
        ran = run(PROGRAM, "core", path)
        if ran.status != 3 or ran.out or not ran.err.startswith(f"forkpoint: {path} ") or \
                why not in ran.err:
            bad.append(f"{path}: {ran}")
    none(bad, "a file that is no core says why, with exit status 3")
    equal(run(PROGRAM, "core").status, 2, "no core at all is wrong usage")
    equal(run(PROGRAM, "core", "--native", "--python", scratch("empty")).status, 2,
          "so is both kinds alone")


def hostile():
    """Made by hand; what is right must come out, what is wrong must be survived."""
    endless = core_file.mapped((0x1000, 0x2000, 0, b"/a"), count=1 << 62)
    half = [(0x1000 * n, 5, b"", 0x1800) for n in range(3000)]
    made = {
        **core_file.CORES,
        "count": core_file.core(core_file.prstatus() + endless),
        "overlap": core_file.core(core_file.prstatus(), half),
        "headers": core_file.elf(phnum=0xffff, shoff=1 << 63),
        "far": core_file.elf(phoff=(1 << 64) - 56, phnum=9),
        "wide": core_file.core(core_file.prstatus(), [((1 << 64) - 0x1000, 7, b"x" * 4096, 1 << 63)]),
        "terminal": core_file.core(core_file.prpsinfo(name=b"\x1b[31mred", args=b"a\nb\x9b") +
                                   core_file.prstatus(tid=-1)),
        "arm": core_file.elf(machine=183),
    }
    bad, outs = [], {}
    for name, content in made.items():
        with open(scratch("hostile"), "wb") as file:
            file.write(content)
        outs[name] = ran = run(PROGRAM, "core", scratch("hostile"))
        if ran.status not in (0, 3) or "died of" in ran.err or any(c in ran.out for c in "\x1b\x9b"):
            bad.append(f"{name}: {ran}")
    none(bad, "cores that nobody has made are survived, and steer no terminal")
    has(outs["sent"].out, "signal SIGBUS sent by pid 23, uid 1000", "a sender that is no more is told")
    has(outs["fault"].err, "cannot find /opt/python3", "so is a file that is not here")
    has(outs["count"].err, "a table in it ends where it should not", "so is a table that is torn")
    has(outs["arm"].err, "of another machine", "so is another machine")
    triaged(made)
    large()


def large():
    """As many as a file can have of what a process has few of."""
    made = {
        "threads": core_file.core(b"".join(core_file.prstatus(tid=n) for n in range(1, 65536)),
                                  [core_file.STACK]),
        "files": core_file.core(core_file.prstatus() + core_file.mapped(
            *((0x1000 * n, 0x1000 * n + 0x1000, 0, b"/f%d" % n) for n in range(1, 100000)))),
    }
    statuses = {}
    for name, content in made.items():
        with open(scratch("large"), "wb") as file:
            file.write(content)
        statuses[name] = run("timeout", "-s", "KILL", "20", PROGRAM, "core", scratch("large")).status
    equal(statuses, {"threads": 0, "files": 0}, "many threads and many files are read soon")
    with open(scratch("log.gz"), "wb") as file:
        file.write(gzip.compress(b"a line\n" * 100000))
    ran = run(PROGRAM, "core", scratch("log.gz"))
    equal((ran.status, ran.err), (3, f"forkpoint: {scratch('log.gz')} is no core file: what is compressed in "
                                  "it is not of the ELF format\n"),
          "what is compressed and no core is not decompressed to its end")


def triaged(made):
    """Cores as reports of crashes."""
    reports = {}
    for name in "fault", "sent":
        with open(scratch(name), "wb") as file:
            file.write(made[name])
        ran = run(PROGRAM, "triage", "--json", scratch(name))
        reports[name] = json.loads(ran.out)["signal"] if ran.out else ran
    equal(reports, {"fault": "SIGSEGV", "sent": "SIGBUS"}, "triage reads them, too")
    with open(scratch("core.gz"), "wb") as file:
        file.write(gzip.compress(made["fault"]))
    like(run(PROGRAM, "triage", scratch("core.gz")).out, r"^\| Signal \| SIGSEGV \|$",
         "and those that are compressed")
    ran = run(PROGRAM, "triage", PROGRAM)
    equal((ran.status, ran.err), (2, f"forkpoint: {PROGRAM} is no core file: it is an executable or a "
                                  "shared library\n"), "and says of other ELF files that they are none")


if shutil.which("gcore"):
    libraries()
else:
    skip("libraries that are missing", "there is no gcore", 19)
no_cores()
hostile()
done()
