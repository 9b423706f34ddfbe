#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Places and limits that a user may run us in: all works, or one is told what is lost. A limit
never turns into a verdict."""
import os
import re
import resource
import shlex
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from driven import (  # noqa: E402
    cells_of, drive, finish, interpreter, left_behind, pids, start, succeeds, tools_in)
from forkpoint_test import (  # noqa: E402
    PROGRAM, SCRATCH, above, at, diag, done, equal, like, ok, scratch, skip, slurp, spew)

python = interpreter()
RUN = ("run", "selftest-noop", "selftest-crash", "selftest-child-hang", "--trials", "2",
       "--python", python)
json = scratch("json")


def works(what, *args, **how):
    """All cells are as expected, nothing is said, nothing stays."""
    run = start(*RUN, *args, **how)
    ok(finish(run, 60) == 0, f"{what}: all is as expected") or \
        diag(f"status {run.status}", run.text + run.errors)
    equal(run.errors, "", f"{what}: and quiet")
    equal(left_behind(run, 0.5), "", f"{what}: nothing stays")
    return run


def forget_environment():
    for name in list(os.environ):
        if not name.startswith("FORKPOINT_"):
            del os.environ[name]


def ignore(*numbers):
    for number in numbers:
        signal.signal(number, signal.SIG_IGN)


def limit(what, size):
    """A limit that is higher than we may set it stays as it is."""
    try:
        resource.setrlimit(what, (size, size))
    except ValueError:
        pass


works("a working directory where nobody can write", cwd="/proc/self")
gone = scratch("gone")
os.mkdir(gone)
works("a working directory that is gone", cwd=gone, before=lambda: os.rmdir(gone))
works("no HOME", env={"HOME": None})
works("no environment", before=forget_environment)
works("SIGCHLD ignored", before=lambda: ignore(signal.SIGCHLD))
works("all signals blocked",
      before=lambda: signal.pthread_sigmask(signal.SIG_SETMASK, signal.valid_signals()))
works("all signals ignored", before=lambda: ignore(
    signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGPIPE, signal.SIGALRM, signal.SIGUSR1,
    signal.SIGUSR2, signal.SIGCHLD, signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGFPE,
    signal.SIGILL, signal.SIGXFSZ, signal.SIGXCPU))
for name, most in ("0", 0), ("unlimited", resource.RLIM_INFINITY):
    works(f"core files limited to {name}", "--json", json,
          before=lambda size=most: limit(resource.RLIMIT_CORE, size))
    crash = next(cell for cell in cells_of(slurp(json))
                 if cell["scenario"] == "selftest-crash" and not cell["twin"])
    above(len(at(crash, "findings", 0, "frames") or []), 0, "and the crash is captured")

def soft_stack(size):
    resource.setrlimit(resource.RLIMIT_STACK, (size, resource.getrlimit(resource.RLIMIT_STACK)[1]))


works("a soft limit of 64 KiB on the stack", before=lambda: soft_stack(64 << 10))
works("a hard limit of 1 MiB on the stack",
      before=lambda: limit(resource.RLIMIT_STACK, 1 << 20))
ran = drive(*RUN, before=lambda: limit(resource.RLIMIT_STACK, 64 << 10))
equal((ran.status, ran.out), (3, ""), "a hard limit of 64 KiB on the stack: nothing is begun")
like(ran.err, r"\Aforkpoint: the stack is limited to 64 KiB, .*: ulimit -s \d+\n\Z",
     "which is told, with what to type")

TOLD = "limit|descriptors|Too many open files|temporarily unavailable|Cannot fork"


def bears(what, **how):
    """No limit may make a verdict of ours: either all is well, or the harness says that it failed.

    Returns the exit status, None where there is none.
    """
    run = start(*RUN, "--json", json, **how)
    finish(run, 90)
    ended = run.status is not None and not run.status & 127
    status = run.status >> 8 if ended else None
    said = run.text + run.errors
    try:
        cells = cells_of(slurp(json))
    except ValueError:
        cells = []

    ok(status in (0, 3), f"{what}: status 0 or 3") or diag(f"{run.status}: {said}")
    equal([cell["verdict"] for cell in cells
           if cell.get("verdict") not in ("as-expected", "none", None)], [],
          f"{what}: no verdict for it")
    ok(status == 0 or re.search(TOLD, said), f"{what}: told if it hurts") or diag(said)
    equal(left_behind(run, 1), "", f"{what}: nothing stays")
    return status


seen = None
for files in 8, 10, 12, 14, 17, 20, 24, 32, 64:
    if os.path.exists(json):
        os.unlink(json)
    seen = bears(f"{files} open files",
                 before=lambda most=files: limit(resource.RLIMIT_NOFILE, most))
equal(seen, 0, "64 descriptors are enough")

# Processes: the superuser has no limit, so be somebody else whose files we may read all the same.
# (access(2) would forget the capability without that securebit.)
SOMEBODY = os.geteuid() or 54321
AS_SOMEBODY = [] if os.geteuid() else shlex.split(
    f"setpriv --securebits=+no_setuid_fixup --reuid={SOMEBODY} --clear-groups "
    "--inh-caps=-all,+dac_override,+dac_read_search "
    "--ambient-caps=-all,+dac_override,+dac_read_search --")


def threads_of(user):
    count = 0
    for pid in pids():
        status = slurp(f"/proc/{pid}/status")
        uid = re.search(r"^Uid:\t([0-9]+)", status, re.M)
        threads = re.search(r"^Threads:\t([0-9]+)", status, re.M)
        if uid and threads and int(uid[1]) == user:
            count += int(threads[1])
    return count


def few_processes():
    mine = threads_of(SOMEBODY)
    statuses = []
    for more in 1, 2, 3, 5, 8, 64:
        spew(json, "")
        os.chmod(json, 0o666)
        os.chmod(SCRATCH, 0o755)
        statuses.append(bears(f"{more} processes", program=[
            *AS_SOMEBODY, "bash", "-c", f'ulimit -u {mine + more}; exec "$0" "$@"', PROGRAM]))
    equal(statuses[0], 3, "a single process is not enough, and that is told")
    equal(statuses[-1], 0, "64 processes are enough")


if succeeds(*AS_SOMEBODY, "true"):
    few_processes()
else:
    skip("a limit on processes", "nobody else can be", 26)


def without(denied, isolation):
    """Without ptrace, stacks are lost and nothing else."""
    what = f"without {denied} ({isolation})"
    run = works(what, "--json", json, "--isolation", isolation,
                program=[scratch("without"), denied, PROGRAM])
    of = {cell["scenario"]: cell for cell in cells_of(slurp(json)) if not cell["twin"]}
    finding = at(of, "selftest-crash", "findings", 0)

    equal(at(of, "selftest-crash", "outcomes"), {"SIGSEGV": 2}, f"{what}: crashes are counted")
    equal(at(finding, "si_code"), 1, f"{what}: with their code")
    equal(at(finding, "address"), 0x10, f"{what}: and their address")
    like(at(finding, "degraded"), "ptrace|permitted", f"{what}: and what is lost is told")
    equal(at(of, "selftest-child-hang", "outcomes"), {"hang": 2}, f"{what}: hangs are hangs")
    like(run.text, "^ +degraded: ", f"{what}: the TAP tells, too")


if not succeeds(*shlex.split(os.environ.get("CC") or "cc"), "-o", scratch("without"),
                "tests/lib/without.c"):
    skip("without ptrace", "no compiler")
elif not succeeds(scratch("without"), "ptrace", "true"):
    skip("without ptrace", "no seccomp")
else:
    for call in "ptrace", "readv":
        for way in "zygote", "exec":
            without(call, way)

# Without stress-ng a storm saturates the CPUs by itself.
ran = drive("run", "fork-lru-list", "--explore", "storm", "--budget", "0.4s", "--twins", "only",
            "--python", python, "--json", json, env={"PATH": tools_in(scratch("bin"))})
load = at(cells_of(slurp(json)), 0, "load")
equal(ran.status, 0, "without stress-ng a storm goes on")
equal(at(load, "tool"), "built-in spinner", "with the load of our own")
above(at(load, "with", "trials") or 0, 0, "under which there were trials")

done()
