# SPDX-License-Identifier: Apache-2.0
"""For tests that start forkpoint, disturb it, and look at what it leaves behind.

Each run is the leader of a session of its own. Nothing below it leaves that session, so whatever
has its id in /proc, zombies included, is the run's, and nobody else's process on the machine is
ever counted or touched. The test is a subreaper: orphans come to it, and are reaped by it.
"""
import atexit
import contextlib
import ctypes
import os
import re
import shutil
import signal
import subprocess
import time
from types import SimpleNamespace

from forkpoint_test import PROGRAM, SCRATCH, Ran, objects, skip_all, slurp

os.environ.setdefault("FORKPOINT_DATA", os.getcwd())

# All that building a host wants, and no stress-ng.
TOOLS = "make sh cc c++ gcc g++ ld as mkdir mv cmp sed printf cat rm".split()

PR_SET_CHILD_SUBREAPER = 36
ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

STAT = re.compile(r"([0-9]+) \((.*)\) (\S) ([0-9]+) ([0-9]+) ([0-9]+)", re.DOTALL)

started = []


def succeeds(*command):
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode == 0
    except OSError:
        return False


def tools_in(path, tools=TOOLS):
    """A directory for PATH on which only these tools exist."""
    os.mkdir(path)
    for tool in tools:
        where = shutil.which(tool)
        if where:
            os.symlink(where, f"{path}/{tool}")
    return path


def fields_of(pid):
    """/proc/PID/stat as (pid, name, state, ppid, pgrp, sid), or None."""
    match = STAT.match(slurp(f"/proc/{pid}/stat"))
    if not match:
        return None
    number, name, state, *rest = match.groups()
    return (int(number), name, state, *map(int, rest))


def pids():
    return [name for name in os.listdir("/proc") if name.isdigit()]


def exe_of(pid):
    try:
        return os.readlink(f"/proc/{pid}/exe")
    except OSError:
        return ""


def ppid_of(pid):
    fields = fields_of(pid)
    return fields[3] if fields else None


def send(number, *targets):
    """As kill(1) does; a process that is gone already is no mistake. -PID is a group."""
    for pid in targets:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def waitpid(pid):
    """Without waiting: (PID, status), (0, 0) while it runs, (-1, 0) if it is none of ours."""
    try:
        return os.waitpid(pid, os.WNOHANG)
    except ChildProcessError:
        return -1, 0


def open_as(number, path, flags):
    """Let a path be a certain descriptor, which a program that we turn into keeps."""
    fd = os.open(path, flags, 0o666)
    if fd != number:
        os.dup2(fd, number)
        os.close(fd)
    os.set_inheritable(number, True)


def become(run, env, before, command):
    os.setsid()
    # What Python ignores, others do not.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
    # Nor is what a shell ignores for who runs the tests in the background.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    open_as(0, "/dev/null", os.O_RDONLY)
    open_as(1, run.out, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    open_as(2, run.err, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.chdir(run.cwd)
    os.environ["TMPDIR"] = run.tmp
    for name, value in (env or {}).items():
        if value is None:
            os.environ.pop(name, None)
        else:
            os.environ[name] = value
    if before:
        before()
    os.execvp(command[0], command)


def start(*args, env=None, before=None, stdout=None, cwd=None, program=None):
    """A run in a session of its own, or of `program`. Returns what the other functions take.

    A variable that is None in `env` is removed; `before` is called in the new process.
    """
    n = len(started) + 1
    run = SimpleNamespace(out=stdout or f"{SCRATCH}/out.{n}", err=f"{SCRATCH}/err.{n}",
                          tmp=f"{SCRATCH}/tmp.{n}", cwd=cwd or f"{SCRATCH}/cwd.{n}", status=None)
    os.mkdir(run.tmp)
    os.mkdir(f"{SCRATCH}/cwd.{n}")
    run.pid = os.fork()
    if run.pid == 0:
        try:
            become(run, env, before, [*(program or [PROGRAM]), *args])
        except BaseException as error:  # pylint: disable=broad-except
            os.write(2, f"{error!r}\n".encode())
        finally:
            os._exit(126)
    started.append(run)
    return run


def session_of(run):
    """All processes of the run's session."""
    found = []
    for name in pids():
        fields = fields_of(name)
        if fields and fields[5] == run.pid:
            pid, name, state, ppid, pgrp, _ = fields
            found.append(SimpleNamespace(pid=pid, name=name, state=state, ppid=ppid, pgrp=pgrp,
                                         exe=exe_of(pid)))
    return found


def kin(run):
    """The run's processes by what they are: main, workers, zygotes, subjects, loads."""
    everyone = session_of(run)
    below = {"main": "worker", "worker": "zygote", "zygote": "subject", "subject": "subject"}
    of = SimpleNamespace(main=[run.pid], worker=[], zygote=[], subject=[], load=[])
    kinds = {run.pid: "main"}
    found = True
    while found:
        found = False
        for process in everyone:
            if process.pid in kinds or process.ppid not in kinds:
                continue
            kind = below.get(kinds[process.ppid], "load")
            if process.name.startswith(("stress", "forkpoint-load")):
                kind = "load"
            if kind == "zygote" and not process.exe.endswith("/host"):
                continue
            kinds[process.pid] = kind
            getattr(of, kind).append(process.pid)
            found = True
    return of


def loads_of(run, own):
    """Processes that load the CPUs: stress-ng's, or our own, by its name.

    Nothing else tells ours: any child is a copy of forkpoint at the head of a group of its own
    between fork and exec, and on a loaded machine that lasts.
    """
    name = "forkpoint-load" if own else "stress-ng-cpu"
    return [p for p in session_of(run) if p.name.startswith(name)]


def wait_for(seconds, what):
    """What a function without arguments returns as soon as that is true; else None."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        got = what()
        if got:
            return got
        time.sleep(0.002)
    return None


def reap_strangers():
    ours = {run.pid for run in started if run.status is None}
    for name in pids():
        fields = fields_of(name)
        if fields and fields[3] == os.getpid() and fields[2] == "Z" and fields[0] not in ours:
            waitpid(fields[0])


def finish(run, seconds=60):
    """Wait for the run's main process; its status (as waitpid has it) or None."""
    def over():
        pid, status = waitpid(run.pid)
        if pid == run.pid:
            run.status = status
        return pid != 0

    begin = time.monotonic()
    wait_for(seconds, over)
    run.took = time.monotonic() - begin
    run.text = slurp(run.out) if os.path.isfile(run.out) else ""
    run.errors = slurp(run.err)
    return run.status


def drive(*args, **how):
    """To its end; what start() takes. The exit status is as a shell has it."""
    run = start(*args, **how)
    finish(run, 120)
    stop(run)
    if run.status is None:
        return Ran(128, run.text, run.errors)
    number = run.status & 127
    return Ran(128 + number if number else run.status >> 8, run.text, run.errors)


def files_in(path):
    try:
        return [f"{path}/{name}" for name in sorted(os.listdir(path))]
    except FileNotFoundError:
        return []


def left_behind(run, seconds):
    """What is left of a run that is over, after so many seconds: processes and files, as text."""
    left = []

    def processes_are_gone():
        reap_strangers()
        left[:] = [f"{p.pid} ({p.name}) {p.state}" for p in session_of(run)]
        return not left

    wait_for(seconds, processes_are_gone)
    left += files_in(run.tmp)
    if run.cwd.startswith(SCRATCH):
        left += files_in(run.cwd)
    return ", ".join(left)


def stop(run):
    """By pid, and only ours: a test that fails leaves nothing either."""
    send(signal.SIGKILL, *(p.pid for p in session_of(run) if p.state != "Z"))
    reap_strangers()


@atexit.register
def stop_all():
    for run in started:
        stop(run)


def tap_of(text):
    """What a TAP stream has, and what is wrong with it."""
    stream = SimpleNamespace(plan=None, points=[], bail=None, faults=[])
    in_yaml = False
    lines = text.split("\n")
    if lines.pop():
        stream.faults.append("the last line has no end")
    if not lines or lines.pop(0) not in ("TAP version 13", "TAP version 14"):
        stream.faults.append("no version")
    for line in lines:
        plan = re.match(r"1\.\.([0-9]+)", line)
        point = re.match(r"(?:not )?ok ([0-9]+) - ", line)
        if in_yaml:
            in_yaml = line != "  ..."
            if not line.startswith("  "):
                stream.faults.append(f"in YAML: {line}")
        elif stream.bail is not None:
            stream.faults.append(f"after the bail-out: {line}")
        elif line == "  ---":
            in_yaml = True
        elif plan:
            if stream.plan is not None:
                stream.faults.append("two plans")
            stream.plan = int(plan[1])
        elif point:
            stream.points.append(line)
            if int(point[1]) != len(stream.points):
                stream.faults.append(f"number: {line}")
        elif line.startswith("Bail out! "):
            stream.bail = line[len("Bail out! "):]
        elif not line.startswith("#"):
            stream.faults.append(f"unknown: {line}")
    if in_yaml:
        stream.faults.append("YAML without an end")
    if stream.bail is None and stream.plan != len(stream.points):
        stream.faults.append("fewer points than planned")
    return stream


def cells_of(text):
    """The JSON objects of a text; raises ValueError if a line is none."""
    if text and not text.endswith("\n"):
        raise ValueError("the last line has no end")
    return objects(text)


def interpreters():
    """Interpreters that are here, as `pythons --json` tells of them, oldest first.

    Where there is none, there is nothing to test.
    """
    found = [one for one in cells_of(drive("pythons", "--json").out) if one["default"]]
    if not found:
        skip_all("no interpreter is known: make pythons")
    return found


def interpreter():
    """The one whose start is fastest and whose hosts the machine's own libraries serve."""
    return interpreters()[0]["python"]


def store():
    """Where the user keeps interpreters that were fetched."""
    cache = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    return (os.environ.get("FORKPOINT_CACHE") or f"{cache}/forkpoint") + "/interpreters"
