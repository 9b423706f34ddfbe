#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""`forkpoint stack` of processes that are not as others are: what is damaged or malicious in their
memory, another root, a leader that has ended, two who look at once, numbers of threads."""
import os
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import (  # noqa: E402
    PROGRAM, below, diag, done, equal, has, is_before, like, none, run, scratch, skip, slurp, spew,
    unlike)
from pythons import python_programs, shared_object  # noqa: E402
from resting import await_rest, await_that  # noqa: E402

# By the words of the table with which the runtime begins. What is damaged stays so while it is held.
DAMAGED = r'''
import ctypes, struct, sys

runtime = ctypes.addressof(ctypes.c_char.in_dll(ctypes.pythonapi, "_PyRuntime"))
table = (ctypes.c_uint64 * 128).from_address(runtime)
line = (table[1] >> 16) - 0x030d
words = {"interpreters": (5, 5, 5), "next_interpreter": (8, 8, 8), "threads": (9, 9, 9),
         "next_thread": (21, 24, 24), "frame": (23, 26, 26), "previous": (29, 32, 40),
         "code": (30, 33, 41), "instruction": (31, 34, 42), "lines": (38, 43, 51),
         "size": (65, 75, 87), "data": (66, 76, 88)}
at = {name: table[numbers[line]] for name, numbers in words.items()}

def word(address):
    return ctypes.c_uint64.from_address(address)

interpreter = word(runtime + at["interpreters"]).value
thread = word(interpreter + at["threads"]).value

def circles():
    return {thread + at["next_thread"]: thread, interpreter + at["next_interpreter"]: interpreter}

keep = []

def memory(content):
    keep.append(ctypes.create_string_buffer(content, len(content)))
    return ctypes.addressof(keep[-1])

# Thousands of frames whose code has a location table of 16 MiB without a line.
def endless():
    count, size = 20000, 256
    lines = bytearray(ctypes.string_at(id(b"x"), at["data"])) + b"\xf8" * (1 << 24)
    struct.pack_into("<Q", lines, at["size"], (1 << 24) - 1)
    code = bytearray(ctypes.string_at(id(endless.__code__), size))
    struct.pack_into("<Q", code, at["lines"], memory(bytes(lines)))
    frame = bytearray(size)
    struct.pack_into("<Q", frame, at["code"], memory(bytes(code)))
    struct.pack_into("<Q", frame, at["instruction"], 1 << 60)
    first = memory(bytes(frame) * count)
    for n in range(count):
        word(first + n * size + at["previous"]).value = first + (n + 1) % count * size
    return {thread + at["frame"]: first}

damage = globals()[sys.argv[2]]()
hold = ctypes.PyDLL(sys.argv[1]).hold
hold((ctypes.c_uint64 * len(damage))(*damage), (ctypes.c_uint64 * len(damage))(*damage.values()), len(damage))
print("goes on", flush=True)
'''


def look_at_damage(release, program, kind):
    """What is said of it, and how long that took; it must go on as if nothing had been."""
    process = subprocess.Popen([program, scratch("damaged.py"), HOLD, kind], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    process.stdout.readline()
    begun = time.monotonic()
    ran = run("timeout", "-s", "KILL", "60", PROGRAM, "stack", str(process.pid))
    took = time.monotonic() - begun
    equal(process.communicate(b"x")[0], b"goes on\n", f"{release}, {kind}: it goes on afterwards")
    return ran, took


def damaged(release, program):
    ran, _ = look_at_damage(release, program, "circles")
    equal((ran.status, ran.out.count("  interpreter 0: "), ran.out.count("(Python) <module>")), (0, 1, 1),
          f"{release}: of lists that are circles each one is told once") or diag(ran)
    has(ran.out, "its lists of interpreters and threads are torn", f"{release}: that they are torn is told")
    ran, took = look_at_damage(release, program, "endless")
    equal(ran.status, 3, f"{release}: frames that take for ever are left out: exit status 3")
    like(ran.err, r"\Aforkpoint: what CPython has in memory is not read to its end: it took more than 2 s$",
         f"{release}: in a sentence")
    below(took, 30, f"{release}: and soon")


def built(name, text):
    """A C program there."""
    os.makedirs(os.path.dirname(scratch(name)), exist_ok=True)
    spew(scratch("p.c"), text)
    subprocess.run([os.environ.get("CC", "cc"), "-g", "-O0", "-pthread", "-o", scratch(name), scratch("p.c")],
                   check=True)
    return scratch(name)


WAITS = '#include <stdio.h>\n#include <unistd.h>\n%s\n' \
        'void %s(void) { char c; puts("there"); fflush(stdout); if (read(0, &c, 1) < 0) return; }\n' \
        'int main(void) { %s(); return 0; }\n'


def begin(*command):
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    if process.stdout.readline() == b"there\n":
        await_rest(process.pid)
        return process
    process.communicate()
    return None


def end(process):
    process.kill()
    process.communicate()


def other_root():
    """Where the process has its file, we have another one."""
    ours = built("ours/program", WAITS % ("int more[4096] = { 1 };", "ours", "ours"))
    built("theirs/program", WAITS % ("", "theirs", "theirs"))
    process = begin("unshare", "-m", "sh", "-c", 'mount --bind "$1" "$2" && exec "$3"', "sh",
                    scratch("theirs"), scratch("ours"), ours)
    if not process:
        skip("a process with a file system of its own", "mounting is not allowed here", 2)
        return
    out = run(PROGRAM, "stack", str(process.pid)).out
    has(out, "theirs+0x", "names are from the files that the process sees")
    unlike(out, r"\bours\+0x", "and not from ours of that name")
    end(process)


LEADERLESS = r'''
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static void *rest(void *leader)
{
	char c;

	pthread_join(*(pthread_t *)leader, NULL);
	puts("there");
	fflush(stdout);
	return read(0, &c, 1) < 0 ? leader : NULL;
}
int main(void)
{
	static pthread_t leader;
	pthread_t thread;

	leader = pthread_self();
	pthread_create(&thread, NULL, rest, &leader);
	pthread_exit(NULL);
}
'''


def leaderless():
    process = subprocess.Popen([built("leaderless/program", LEADERLESS)], stdin=subprocess.PIPE,
                               stdout=subprocess.PIPE)
    process.stdout.readline()
    await_that(lambda: slurp(f"/proc/{process.pid}/stat").split()[2] == "Z", "the leader has ended")
    ran = run(PROGRAM, "stack", str(process.pid))
    equal((ran.status, ran.err), (0, ""), "a process whose main thread has ended is none that has ended")
    like(ran.out, rf"^Thread {process.pid} .*: has ended$", "that it has is told")
    has(ran.out, "rest+0x", "and what the others do")
    end(process)


# So many threads that a look takes its time.
CROWD = r'''
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>
static void *rest(void *arg)
{
	char c;

	return read(0, &c, 1) < 0 ? arg : NULL;
}
int main(void)
{
	pthread_t thread;

	for (int i = 0; i < 60; i++)
		pthread_create(&thread, NULL, rest, NULL);
	puts("there");
	fflush(stdout);
	rest(NULL);
}
'''


def at_once(pid):
    wrong = []
    for _ in range(5):
        looking = [subprocess.Popen([PROGRAM, "stack", str(pid)], stdout=subprocess.PIPE,
                                    stderr=subprocess.PIPE) for _ in range(2)]
        told = [looker.communicate() for looker in looking]
        wrong += [(looker.returncode, err) for looker, (out, err) in zip(looking, told)
                  if (looker.returncode, out.count(b"rest+0x"), err) != (0, 61, b"")]
    none(wrong, "two may look at the same process at once")


def numbers(pid):
    thread = max(os.listdir(f"/proc/{pid}/task"), key=int)
    ran = run(PROGRAM, "stack", thread)
    equal((ran.status, ran.out, ran.err),
          (3, "", f"forkpoint: {thread} is a thread of process {pid}: give that number\n"),
          "a thread's number is told to be one")
    ran = run(PROGRAM, "stack", str(pid), "x")
    equal((ran.status, ran.out), (2, ""), "nothing is looked at if one of the operands is no number")
    for text in "+1", " 1":
        equal(run(PROGRAM, "stack", text).status, 2, f"'{text}' is none")


# As a JIT has it, which writes its code by another mapping; more than there is memory for.
SHARED = r'''
#define _GNU_SOURCE
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>
#define SIZE (1l << 38)
int main(void)
{
	int fd = memfd_create("code", 0);
	char *p, c;

	if (ftruncate(fd, SIZE) < 0)
		return 1;
	p = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, fd, 0);
	if (p == MAP_FAILED || mprotect(p, 4096, PROT_READ | PROT_EXEC) < 0)
		return 1;
	puts("there");
	fflush(stdout);
	return read(0, &c, 1) < 0;
}
'''


def shared():
    process = begin(built("shared/program", SHARED))
    if not process:
        skip("memory that is shared", "there is no such memory here", 2)
        return
    ran = run("timeout", "-s", "KILL", "60", PROGRAM, "stack", str(process.pid))
    equal((ran.status, ran.err), (0, ""), "memory that is shared is not searched for a CPython")
    like(slurp(f"/proc/{process.pid}/status"), r"^RssShmem:\s+0 kB$", "and none of it comes to be by that")
    end(process)


def crowd():
    process = begin(built("crowd/program", CROWD))
    at_once(process.pid)
    numbers(process.pid)
    end(process)


HOLD = shared_object("hold", "tests/lib/hold.c")
spew(scratch("damaged.py"), DAMAGED)
for release, program in python_programs().items():
    # 3.12 has no table.
    if not is_before(release, "3.13"):
        damaged(release, program)
other_root()
leaderless()
shared()
crowd()
done()
