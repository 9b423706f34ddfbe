#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What tests/38-triage-symbols.t makes of reports, and asks of answers.

    reports.py frames MODULE <ANSWER     `FUNCTION FILE:LINE how` of a module's frames
    reports.py numbers <ANSWER           the frames' numbers
    reports.py evidence <ANSWER          the pattern, and the functions that the evidence is about
    reports.py wanted LIBRARY RAW        as `frames`, by addr2line of a library's addresses in RAW
    reports.py json RAW LIBRARY BUILDID  a crash tracker's report in JSON, of RAW
    reports.py dump RAW LIBRARY BUILDID  coredumpctl's
    reports.py fork RAW LIBRARY          RAW as a handler of fork() that frees something
    reports.py rename FILE BUILDID       gives a file another build-id than that
    reports.py damage FROM DIR COUNT     DIR/1/… and so on: a debug file, bytes of whose sections of
                                         symbols are others, at random but the same each time
"""
import json
import os
import random
import re
import subprocess
import sys


def out_of(*command):
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def answer():
    return json.loads(sys.stdin.readline())


def frames(module):
    for f in answer()["frames"]:
        if (f["module"] or "").endswith(module):
            print(f["function"], f"{f['file']}:{f['line']}", f["trust"])


def numbers():
    print(*(f["n"] for f in answer()["frames"]))


def evidence():
    report = answer()
    names = {report["frames"][e["frame"]]["function"] for e in report["evidence"]
             if e["frame"] is not None}
    print(report["pattern"], *sorted(map(str, names)))


def lines_of(raw):
    for line in open(raw):
        if "+" in line:
            yield re.fullmatch(r"(\S+) (?:.* )?(\S+)\+(\S+)\n", line).groups()


def wanted(library, raw):
    """A caller's address is where its call returns to: the byte before is still the call's."""
    load = re.search(r"LOAD +\S+ +(0x[0-9a-f]+)", out_of("readelf", "-lW", library))
    first = int(load.group(1), 16) & ~0xfff
    for n, (_, name, offset) in enumerate(lines_of(raw)):
        if name != library.rsplit("/", 1)[1]:
            continue
        address = hex(first + int(offset, 16) - (n > 0))
        said = out_of("addr2line", "-C", "-f", "-i", "-e", library, address).splitlines()
        pairs = list(zip(said[::2], said[1::2]))
        for i, (function, place) in enumerate(pairs):
            print(function, place.split(" ")[0], "exact" if i + 1 == len(pairs) else "inlined")


def as_json(raw, library, build_id):
    stack = []
    for pc, name, offset in lines_of(raw):
        stack.append({"ip": pc, "path": "/venv/native/" + name, "relative_address": offset})
        if name == library:
            stack[-1] |= {"build_id": build_id, "build_id_type": "GNU", "file_type": "ELF"}
    print(json.dumps({"error": {"is_crash": True, "kind": "UnixSignal",
                                "stack": {"frames": stack}},
                      "sig_info": {"si_signo": 11, "si_signo_human_readable": "SIGSEGV"}}))


def dump(raw, library, build_id):
    print(f"                Module /venv/native/{library} with build-id {build_id}")
    print("                Stack trace of thread 77:")
    for n, (pc, name, offset) in enumerate(lines_of(raw)):
        print(f"                #{n}  {pc} n/a ({name} + {offset})")


def fork(raw, library):
    print("0x7f6e81c51fb2 abort libc.so.6+0x2bfb7\n0x7f6e81c51fb3 free libc.so.6+0x9bfb7")
    for pc, name, offset in lines_of(raw):
        if name == library:
            print(f"{pc} {name}+{offset}")
    print("0x7f6e81c51fb4 fork libc.so.6+0xcbfb7")
    print("0x7f6e81c53239 os_fork_impl libpython3.12.so.1.0+0x1d2f10")


def rename(path, build_id):
    data = open(path, "rb").read()
    old = bytes.fromhex(build_id)
    open(path, "wb").write(data.replace(old, old[::-1]))


def damage(source, target, count):
    whole = open(source, "rb").read()
    where = []
    for found in re.finditer(r"\.(?:debug_\S+|symtab|strtab) +\S+ +\S+ +(\S+) +(\S+)",
                             out_of("readelf", "-SW", source)):
        start, size = (int(number, 16) for number in found.groups())
        where += range(start, start + size)
    for seed in range(1, int(count) + 1):
        dice = random.Random(seed)
        data = bytearray(whole)
        for _ in range(dice.choice([1, 3, 30, 300])):
            data[dice.choice(where)] = dice.choice([0, 1, 0x7f, 0x80, 0xff, dice.randrange(256)])
        if dice.randrange(4) == 0:
            data[dice.randrange(64)] ^= 1 << dice.randrange(8)
        os.makedirs(f"{target}/{seed}")
        open(f"{target}/{seed}/{os.path.basename(source)}", "wb").write(data)



{"frames": frames, "numbers": numbers, "evidence": evidence, "wanted": wanted, "json": as_json,
 "dump": dump, "fork": fork, "rename": rename, "damage": damage}[sys.argv[1]](*sys.argv[2:])
