#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""libforkpoint-triage, as who uses it has it: installed, found by pkg-config, linked into a program
in C and one in C++. It says what the command says, and does nothing else."""
import glob
import json
import os
import re
import shlex
import shutil
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import (  # noqa: E402
    above, diag, done, equal, forkpoint, has, none, ok, run, scratch, skip, skip_all, slurp, spew)

BUILD = os.environ.get("BUILD", "build")
CC = shlex.split(os.environ.get("CC") or "cc")
CXX = shlex.split(os.environ.get("CXX") or "c++")
STRICT = ["-Wall", "-Wextra", "-Werror", "-pedantic"]
FIXTURES = sorted(glob.glob("tests/fixtures/triage/*.txt"))

# All that the library may ask of others: memory, texts, jansson, the demanglers. No file, no process,
# no time, no locale and no end of the process is among them.
ASKS = set("""
malloc calloc realloc free memchr memcmp bcmp memcpy memmem memmove memset qsort strchr strcmp strcspn
strdup strlen strncmp strnlen strpbrk strrchr strspn strstr strtok_r sigabbrev_np snprintf vsnprintf
_setjmp longjmp getauxval cplus_demangle_v3_callback rust_demangle_callback
_GLOBAL_OFFSET_TABLE_ __tls_get_addr __stack_chk_fail
""".split())
JANSSON = re.compile(r"json_(array|object|string|stringn|integer|real|number|null|true|false|delete|pack|loadb|"
                     r"dumpb)(_[a-z_]+)?")

if not shutil.which("pkg-config") or not shutil.which("make"):
    skip_all("neither make nor pkg-config may be missing here")

dest = scratch("dest")
env = {key: value for key, value in os.environ.items() if key not in ("MAKEFLAGS", "MFLAGS")}
ran = run("make", f"BUILD={BUILD}", f"DESTDIR={dest}", "PREFIX=/usr", "install", env=env)
equal(ran.status, 0, "make install") or diag(ran.out, ran.err)
LIBRARY = f"{dest}/usr/lib/libforkpoint-triage.a"


def installed():
    for path in ["bin/forkpoint", "include/forkpoint-triage.h", "lib/libforkpoint-triage.a",
                 "lib/pkgconfig/forkpoint-triage.pc"]:
        ok(os.path.isfile(f"{dest}/usr/{path}"), f"PREFIX has {path}")
    none(re.findall(r'#include [<"](?!stddef|stdbool)(.*)', slurp(
        f"{dest}/usr/include/forkpoint-triage.h")), "the header needs the language's own alone")
    for language, standard in ("c", "c99"), ("c", "c17"), ("c++", "c++11"):
        ran = run(*CC, *STRICT, "-x", language, f"-std={standard}", "-fsyntax-only",
                  f"{dest}/usr/include/forkpoint-triage.h")
        equal((ran.status, ran.err), (0, ""), f"and is right by {standard}")


def flags():
    ran = run("pkg-config", f"--define-variable=prefix={dest}/usr", "--cflags", "--libs", "--static",
              "forkpoint-triage", env={**env, "PKG_CONFIG_PATH": f"{dest}/usr/lib/pkgconfig"})
    equal(ran.status, 0, "pkg-config knows it") or diag(ran.err)
    version = run("pkg-config", "--modversion", "forkpoint-triage", env={
        **env, "PKG_CONFIG_PATH": f"{dest}/usr/lib/pkgconfig"}).out.strip()
    has(forkpoint("--version").out, version, "under the version of the program")
    return shlex.split(ran.out)


def compile(name, source, *how, compiler=CC):
    program = scratch(name)
    ran = run(*compiler, *STRICT, "-D_GNU_SOURCE", *how, "-o", program, f"tests/library/{source}",
              *FLAGS, "-pthread")
    equal(ran.status, 0, f"{name} is compiled") or diag(ran.err)
    return program


def symbols():
    """No more is seen of it than is promised, and no more is asked for than has to be."""
    if not shutil.which("nm"):
        skip("the symbols are looked at", "nm is not installed")
        return
    rows = [line.split() for line in run("nm", "-g", LIBRARY).out.splitlines()]
    defined = [row[-1] for row in rows if len(row) == 3]
    asked = [row[-1] for row in rows if len(row) == 2 and row[0] == "U"]
    above(len(defined), 10, "it has its functions")
    none([name for name in defined if not name.startswith("fpt_")], "and no other name is seen")
    # A function that a build with _FORTIFY_SOURCE checks counts as itself.
    plain = [re.sub(r"^__(\w+)_chk$", r"\1", name) for name in asked]
    none([name for name in plain if name not in ASKS and not JANSSON.fullmatch(name)],
         "it asks for nothing but memory, texts, jansson and the demanglers")
    header = slurp(f"{dest}/usr/include/forkpoint-triage.h")
    equal(sorted(set(re.findall(r"\b(fpt_[a-z_]+)\(", header)) - {"fpt_status_text"}),
          sorted(set(defined) - {"fpt_status_text"}), "each function is in the header")


def includes():
    """What harness/triage is compiled from: the compiler's own word."""
    files = glob.glob(f"{BUILD}/pic/harness/triage/*.d")
    above(len(files), 50, "what each file of harness/triage includes is known")
    used = {name for path in files for name in re.findall(r"harness/\S+\.[ch]", slurp(path))}
    none(sorted(name for name in used if not re.match(r"harness/(triage|base)/", name)
                and name != "harness/observe/crash.h"),
         "it is observe/crash.h, base and its own")
    equal(run("sh", "ci/check-includes.sh").status, 0, "as ci/check-includes.sh holds")


def same_answers(c, cxx):
    above(len(FIXTURES), 99, "there are fixtures")
    said = forkpoint("triage", "--json", *FIXTURES).out
    above(len(said), 100000, "the command has something to say of them")
    for name, program in ("C", c), ("C++", cxx):
        ran = run(program, *FIXTURES)
        equal((ran.status, ran.err), (0, ""), f"a program in {name} reads them")
        ok(ran.out == said, f"and says the same in JSON, byte by byte, in {name}")
    said = re.sub(r"^(\*\*Generated\*\*: ).*$", r"\g<1>2026-01-02T03:04:05Z",
                  forkpoint("triage", *FIXTURES).out, flags=re.M)
    ok(run(c, "--markdown", *FIXTURES).out == said + "\n", "and in Markdown")
    rules = scratch("rules.txt")
    spew(rules, "module=host category=\"application extension\" component=mine\n")
    said = forkpoint("triage", "--json", "--rules", rules, *FIXTURES).out
    ok(run(c, "--rules", rules, *FIXTURES).out == said and '"component":"mine"' in said,
       "and with a user's rules")
    spew(rules, "\nmodule=x category=nonsense\n")
    wrong = run(c, "--rules", rules, FIXTURES[0])
    equal((wrong.status, wrong.err.replace("classify: ", "")),
          (2, forkpoint("triage", "--rules", rules, FIXTURES[0]).err.replace("forkpoint: ", "")),
          "rules with an error are refused in the same words")


def nothing_else(c):
    ran = run(c, "--threads", "4", *FIXTURES)
    equal((ran.status, ran.err), (0, ""), "four threads at once agree, on what they share as well")
    ran = run(c, "--confined", *FIXTURES)
    if ran.status == 77:
        skip("it asks the kernel for memory alone", "no seccomp here")
        return
    equal(ran.status, 0, "it asks the kernel for memory alone") or \
        diag(f"SIGSYS is {-signal.SIGSYS}", ran.err)
    ok(ran.out == forkpoint("triage", "--json", *FIXTURES).out, "and says the same")


def no_memory():
    program = compile("no_memory", "no_memory.c", "-std=gnu17")
    for name in ["fork-lru-list-3.13.5-eu-stack", "fork-lru-stdlist-3.13.0-lldb",
                 "finalize-restore-noexcept-3.12.1-asan", "fork-held-mutex-3.13.0-gdb-threads"]:
        ran = run(program, f"tests/fixtures/triage/{name}.txt")
        equal(ran.status, 0, f"whatever is refused, it is told and nothing is lost: {name}") or \
            diag(ran.out, ran.err)
        numbers = [int(word) for word in re.findall(r"\d+", ran.out)]
        ok(len(numbers) == 2 and numbers[0] == numbers[1] > 100, "each time, and often") or \
            diag(ran.out)


def members():
    program = compile("reports", "reports.cc", "-std=c++17", compiler=CXX)
    path = "tests/fixtures/triage/finalize-ensure-after-gilstate-3.13.0-forkpoint.txt"
    ran = run(program, path)
    equal(ran.status, 0, "a program in C++ reads the members")
    lines = ran.out.splitlines()
    answer = json.loads(forkpoint("triage", "--json", path).out)
    lines, heads = lines[:lines.index(next(one for one in lines if one.startswith("head ")))], \
        ran.out.partition("head ")[2]
    equal(heads, "**Generated**: 2026?\\[2J \ufffd\\# &#60;b&#62;\n\nend\nhead end\n",
          "the time in Markdown is made fit for a line, and left out if there is none")
    told = dict(line.split(" ", 1) for line in lines)
    for key in ["format", "signal", "pattern", "detail", "attribution", "component", "confidence",
                "signature", "thread", "python", "confirmation"]:
        equal(told.get(key), answer[key] or "none", f"{key} is that of the JSON")
    equal(told.get("line"), "4", "and where it begins")
    equal([line for line in lines if line.startswith("also ")],
          [f"also {name}" for name in answer["also"]], "and what holds as well")
    equal([line for line in lines if line.startswith("evidence ")],
          [f"evidence {-1 if one['frame'] is None else one['frame']} {one['why']}"
           for one in answer["evidence"]], "and the evidence")
    keys = ["n", "function", "module", "file", "line", "category", "component", "trust"]
    equal([line for line in lines if line.startswith("frame ")],
          [" ".join(["frame", *(str(one[key] if one[key] is not None else
                                    0 if key == "line" else "none") for key in keys)])
           for one in answer["frames"]], "and the frames")
    version, rules, signature = told["versions"].split()
    has(forkpoint("--version").out, version, "the version is the program's")
    equal(rules, answer["rules"], "the rules' date, too")
    ok(answer["signature"].startswith(f"v{signature} "), "and the signature's")
    equal(told["beyond"], "1 1 1 there is no report of that number", "beyond them is none")
    equal(told["null"], "00111", "and no reports are none")
    empty = scratch("empty.txt")
    spew(empty, "")
    equal(run(program, empty).out.count("\n"), 3, "an empty text has no report")


installed()
FLAGS = flags()
symbols()
includes()
in_c = compile("classify", "classify.c", "-std=c17")
in_cxx = compile("classify++", "classify.c", "-std=c++17", "-xc++", compiler=CXX)
same_answers(in_c, in_cxx)
nothing_else(in_c)
no_memory()
members()
ran = run("make", f"BUILD={BUILD}", f"DESTDIR={dest}", "PREFIX=/usr", "uninstall", env=env)
equal((ran.status, [name for _, _, names in os.walk(dest) for name in names]), (0, []),
      "make uninstall takes all of it back")
done()
