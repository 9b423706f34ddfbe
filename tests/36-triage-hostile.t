#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What `forkpoint triage` does with input that is made to hurt: each ends in time, within a limit on
its memory, with clean output and a clear sentence."""
import json
import os
import random
import re
import resource
import signal
import socket
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from driven import finish, send, start, wait_for  # noqa: E402
from forkpoint_test import (  # noqa: E402
    PROGRAM, Ran, below, done, equal, forkpoint, has, like, none, ok, point, scratch, slurp, spew)

MIB = 1 << 20
# The text itself, what doubling its buffer takes, and what is made of it.
MEMORY = 1 << 30
SECONDS = 60

REPORT = "#0  0x0000000000001000 in probe_get (key=1) at table.c:61\n" \
         "#1  0x0000000000001010 in main () at main.c:3\n"


def limits():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def limited(*args, feed=None):
    """Run within the limits; `feed` writes to its standard input until nobody reads it."""
    out, err = scratch("limited.out"), scratch("limited.err")
    with open(out, "wb") as to, open(err, "wb") as errors:
        child = subprocess.Popen([PROGRAM, "triage", *args], stdout=to, stderr=errors,
                                 stdin=subprocess.PIPE if feed else subprocess.DEVNULL,
                                 preexec_fn=limits)
        if feed:
            try:
                with child.stdin:
                    for block in feed:
                        child.stdin.write(block)
            except BrokenPipeError:
                pass
        status = child.wait()
    return Ran(status if status >= 0 else 128 - status, slurp(out), slurp(err))


# More than is read.
sparse = scratch("sparse")
spew(sparse, REPORT)
os.truncate(sparse, 1 << 30)
status, out, err = limited("--json", sparse)
equal(status, 0, "1 GiB of a sparse file: the report at its beginning is told")
has(out, '"function":"probe_get"', "with its frames")
has(err, "is larger than 256 MiB: the rest is left out", "and that not all was read")

given = {"blocks": 0}


def garbage():
    block = random.Random(1).randbytes(MIB)
    yield REPORT.encode()
    for _ in range(1024):
        given["blocks"] += 1
        yield block


status, out, err = limited("--json", "-", feed=garbage())
equal(status, 0, "1 GiB of garbage through a pipe: so is the report before it")
has(out, '"function":"probe_get"', "with its frames")
below(given["blocks"], 260, "no more is taken from the pipe than is read")

status, out, err = limited("-", feed=[b"\n" * MIB] * 300)
equal((status, out), (1, ""), "300 MiB of empty lines: nothing is recognised")

status, out, err = limited("-", feed=[b"#0\n" * MIB] * 86)
equal((status, out), (1, ""), "256 MiB of lines that begin like a report: nothing is recognised")

# A report that is cut off behind its first line.
HEADS = {
    "a thread that waits for the GIL":
        "Traceback for thread 12 (python) [Waiting for the GIL] (most recent call last):\n",
    "a list of one thread":
        "(gdb) info threads\n  Id   Target Id         Frame\n* 1    Thread 0x7f0000001000 (LWP 12)\n",
    "the thread that crashed": "Current thread 0x00007f0000001000 (most recent call first):\n",
    "a thread": "Thread 1 (Thread 0x7f0000001000 (LWP 12) \"python\"):\n",
    "a sanitizer's": "==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x1 at pc 0x1\n",
}
for what, line in HEADS.items():
    status, out, err = limited("--json", "-", feed=[line.encode()])
    ok(status in (0, 1) and status == (0 if out else 1), f"no more than {what}: it is told")

# Lines that each look like the beginning of something.
for what, line in {
    "chains that nobody calls a crash": b"a() -> b_c() -> d()\n",
    "headings of chains": b"SIGSEGV in a_b()\n",
    "heads without a stack": b"#  SIGSEGV (0xb) at pc=0x1, pid=1, tid=1\n",
    "exceptions, and no stack near": b"Exception code: 0xc0000005\n" + b"a\n" * 29,
    "stacks of one frame, of no error": b"==1==    at 0x1: f (a.c:1)\n",
    "lines that name a cause": b"objc[1]: fork()\n",
    "deeper and deeper": b"".join(b" " * i + b"a_b()\n" for i in range(400)),
    "brackets that do not close": b"a_b" + b"(" * 990 + b"\n",
    "blank lines by twos": b"x\n\n\n",
    "numbers that do not end": b"Exception code: 0xc0" + b"c" * 4000 + b"\n",
}.items():
    block = line * (MIB // len(line))
    status, out, err = limited("--cluster", "-", feed=[block] * 16)
    ok(status in (0, 1), f"16 MiB of {what}: they are read (status {status})")
status, out, err = limited("--cluster", "-", feed=[b"#  SIGSEGV (0xb) at pc=0x1, pid=1\n"] +
                           [b"x\n" * (MIB // 2)] * 64)
equal(status, 0, "a head and nothing for 64 MiB: it is read")

# Texts that are none, whatever they hold.
PROSE = {
    "a log of a web server":
        '10.0.0.1 - - [01/Jan/2026:00:00:00 +0000] "GET /a->b => c HTTP/1.1" 200 5 "-" "x/1.0 (y)"\n'
        "2026/01/01 00:00:00 [error] 12#12: *3 connect() failed (111: Connection refused) while "
        "connecting to upstream, server: _, request: \"GET /abort() HTTP/1.1\"\n" * 3,
    "a diff":
        "--- a/probe.c\n+++ b/probe.c\n@@ -1,4 +1,4 @@ main()\n-    probe_crash();\n-    abort();\n"
        "-    free(p);\n+    probe_get();\n+    raise(SIGSEGV);\n",
    "a source in Python":
        "def crash_get(key: int) -> str:\n    return table_get(key)\n\nclass A(B_c):\n"
        "    abort()\n        raise_it()\n    x = {'a': b_c(), 'crash': abort()}\n",
    "a text in Markdown":
        "# Why it crashes\n\n- `probe_get()` is called by `main()`\n- `abort()` ends it\n"
        "- see `free()`\n\n> **crash** in prose -> text => more -> words\n\n"
        "1. run_it()\n2. wait_for()\n\nThe call `a() -> b()` segfaults sometimes.\n",
}
for what, text in PROSE.items():
    status, out, err = limited("-", feed=[text.encode()])
    equal((status, out), (1, ""), f"{what}: nothing is recognised")

# More than is kept.
pasted = b"0x7f0000000001 probe_visit\n" * 10000
status, out, err = limited("--json", "-", feed=(pasted for _ in range(900)))
equal(status, 0, "nine million frames of one stack: they are read")
report = json.loads(out) if point(out.count("\n") == 1, "as one report") else {"frames": []}
equal((len(report["frames"]), report.get("incomplete")), (2048, True),
      "of which the first and the last are kept, and that is told")


def threads():
    stack = b"".join(b"#%d f () at a.c:1\n" % i for i in range(1000))
    for i in range(10000):
        yield b"Thread %d (LWP %d):\n%s" % (i, i + 1, stack)


status, out, err = limited("--json", "-", feed=threads())
equal(status, 0, "ten million frames in ten thousand threads: they are read")
equal(json.loads(out)["incomplete"] if out else None, True, "but not all, and that is told")

status, out, err = limited("--cluster", "-", feed=(pasted + b"--\n" for _ in range(900)))
equal(status, 0, "nine hundred stacks of ten thousand frames each: they are read")
equal(out.split("\t")[0], "900", "and grouped")
short = b"0x7f0000000001 f\n0x7f0000000002 g\n--\n" * 11000
status, out, err = limited("--cluster", "-", feed=[short])
equal((status, out.split("\t")[0]), (0, "10000"), "of eleven thousand reports ten thousand are kept")
like(err, "^forkpoint: - has more than 10000 reports.*: the rest is left out$", "and that is told")

# JSON that is deeper than any stack, or that holds itself again and again.
for what, text in {
    "arrays": b'{"schema":1,"scenario":' + b"[" * 5000000,
    "objects": b'{"a":' * 2000000,
    "objects in lines": b'{"a":\n' * 1000000,
    "crash reports in crash reports": b'{"error":{"is_crash":true,"stack":[' * 300000,
    "threads in threads": b'{"exception":{"threads":[{"frames":[' * 300000,
}.items():
    status, out, err = limited("--cluster", "-", feed=[text])
    ok(status in (0, 1), f"{what}, nested without an end, are read (status {status})")
inner = '{"error":{"is_crash":true,"stack":"#0 0x7f0000000001 probe_get"}}'
for _ in range(12):
    inner = json.dumps({"message": inner, "is_crash": True, "level": 1})
status, out, err = limited("--cluster", "-", feed=[inner.encode()])
ok(status in (0, 1), f"a report in a string in a string, 12 times, is read (status {status})")

# What steers a terminal, or is markup.
EVIL = "\x1b[31mred\x1b]0;title\x07\u202eright\u2028line\x9b2J\x7f<script>alert(1)</script>" \
       "<img src=x onerror=y>[a](javascript:b)`|*\x00nul\udcff\udcc3(\r"
NAMED = {
    "gdb": f"#0  0x0000000000001000 in pr{EVIL} (a=1) at {EVIL}.c:61\n"
           f"#1  0x0000000000001010 in main () from /lib/{EVIL}.so\n",
    "raw": f"0x7f0000000001 pr{EVIL}\n0x7f0000000002 main lib{EVIL}.so+0x10\n",
    "faulthandler": "Fatal Python error: Segmentation fault\n\nCurrent thread 0x1 (most recent call "
                    f'first):\n  File "{EVIL}", line 3 in {EVIL}\n',
    "asan": f"==1==ERROR: AddressSanitizer: heap-use-after-free on address 0x10 {EVIL}\n"
            f"    #0 0x1000 in pr{EVIL} {EVIL}.c:3\nSUMMARY: AddressSanitizer: {EVIL}\n",
    "glibc": f"terminate called after throwing an instance of '{EVIL}'\n  what():  {EVIL}\n",
    "rust": f"thread '{EVIL}' panicked at src/{EVIL}.rs:3:5:\n{EVIL}\nAborted\n",
    "valgrind": f"==1== Invalid read of size 8\n==1==    at 0x10: pr{EVIL} ({EVIL}.c:3)\n"
                f"==1==    by 0x20: main (in /lib/{EVIL}.so)\n",
    "windows": f"probe!pr{EVIL}+0x12\nprobe!main+0x1 [{EVIL} @ 3]\n",
    "backtrace": f" 0# pr{EVIL} at {EVIL}.c:3\n 1# main in /lib/{EVIL}.so\n",
    "drawn": f"SIGSEGV in a_b()\n -> b_c() ({EVIL})\n -> main()\n -> _start\n",
    "message": f"{EVIL} probe() is being called while the GIL is either not held or invalid\n",
    "crashtracker-json": json.dumps({"error": {"is_crash": True, "message": EVIL, "stack": {
        "frames": [{"ip": "0x1000", "function": EVIL, "file": EVIL, "line": 1}]}},
        "metadata": {"library_name": EVIL, "tags": [f"service:{EVIL}", f"{EVIL}:{EVIL}"]}}) + "\n",
}
# Controls but the line's end, the C1 set, and what turns a line round or ends it.
STEERS = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\udc80-\udcff]")


def steering(form, text):
    """What is wrong in it. --cluster has tabs between its columns."""
    return STEERS.findall(re.sub(r"\t", "", text) if form == "--cluster" else text)


def markup(text):
    """What is left of a report for Markdown and HTML: no code, in blocks or in lines."""
    text = re.sub(r"^(`{3,})[^`\n]*\n.*?^\1$", "", text, flags=re.M | re.S)
    return re.sub(r"(?<![`\\])(`+)(?!`).*?(?<!`)\1(?!`)", "", text)


for name, text in NAMED.items():
    path = scratch(f"{name}.txt")
    spew(path, text)
    for form in ("--json", "--cluster", "--md"):
        status, out, err = forkpoint("triage", *[form] * (form != "--md"), path)
        equal(status, 0, f"{name} {form}: a name with controls in it is read")
        none(steering(form, out + err), f"{name} {form}: nothing in the output steers a terminal")
        if form == "--md":
            none(re.findall(r"<[a-z/!].*|(?<!\\)\]\(javascript.*", markup(out)),
                 f"{name}: and nothing is markup of its own")
        if form == "--json":
            equal(json.loads(out)["format"], name, f"{name}: it is JSON, of this format")

# Names of files, too.
path = scratch("a\x1b[31m\nb<b>|`\udcff.txt")
spew(path, REPORT)
for form in ("--json", "--cluster", "--md"):
    status, out, err = forkpoint("triage", *[form] * (form != "--md"), path, path + ".missing")
    equal(status, 2, f"a hostile file name, {form}: what is there is told, what is not is told, too")
    none(steering(form, out + err), f"a hostile file name, {form}: it steers no terminal")

# Files that are none.
link = scratch("link")
os.symlink("/dev/zero", link)
status, out, err = limited(link)
equal((status, out), (1, ""), "a link to /dev/zero: nothing is recognised")
has(err, "is larger than 256 MiB", "and that it has no end is told")
status, out, err = forkpoint("triage", "--rules", link, link)
equal((status, out), (2, ""), "nor are there rules in it")
os.symlink("loop", scratch("loop"))
os.symlink("nowhere", scratch("dangling"))
listening = socket.socket(socket.AF_UNIX)
listening.bind(scratch("socket"))
for what, path, why in (("a directory", "/", "Is a directory"),
                        ("a loop of links", scratch("loop"), "Too many levels of symbolic links"),
                        ("a link to nothing", scratch("dangling"), "No such file or directory"),
                        ("a socket", scratch("socket"), "No such device or address"),
                        ("memory of a process", "/proc/self/mem", "Input/output error"),
                        ("a name that is too long", "x" * 300, "File name too long")):
    status, out, err = forkpoint("triage", path)
    equal((status, out), (2, ""), f"{what}: exit status 2")
    like(err, f"\\Aforkpoint: cannot read '.*': {why}: give a file with a crash report", "and why")
status, out, err = limited("-", feed=[b""])
equal((status, out), (1, ""), "nothing at all: nothing is recognised")
like(err, "no crash report is recognised", "and that is told")

# A FIFO is waited for, as `forkpoint triage <(gdb …)` wants it; Ctrl-C ends that, see
# 33-triage-report.t. It costs nothing, and a writer that comes late is heard.
fifo = scratch("fifo")
os.mkfifo(fifo)
run = start("triage", "--json", fifo)
ok(wait_for(20, lambda: slurp(f"/proc/{run.pid}/wchan") not in ("", "0") or
            slurp(f"/proc/{run.pid}/stat").split(") ")[-1][:1] == "S"), "a FIFO: it waits")
time.sleep(0.5)
ticks = slurp(f"/proc/{run.pid}/stat").rsplit(") ", 1)[-1].split()[11:13]
below(sum(map(int, ticks)), 20, "and does nothing meanwhile")


def write_late():
    with open(fifo, "w", encoding="utf-8") as file:
        file.write(REPORT)


threading.Thread(target=write_late, daemon=True).start()
equal(finish(run, 20), 0, "what is written late is read")
has(run.text, "probe_get", "and told")
run = start("triage", fifo)
send(signal.SIGTERM, run.pid)
finish(run, 5)
ok(run.status in (signal.SIGTERM, 143 << 8), "SIGTERM ends the wait, too")

done()
