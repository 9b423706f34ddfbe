# SPDX-License-Identifier: Apache-2.0
"""`forkpoint stack` and `forkpoint core` beside py-spy, pystack and gdb, on one process with five
threads of 20 Python frames, and on a core of it: rows for bench.sh; for how long the process stands
still, and how much memory reading the core takes.

    python3 stacks.py DIR     # DIR: where the peers' environment is kept

The peers come by pip into an environment of their own (peers.txt); what cannot be had is left out,
and that is told. Each figure is the median of RUNS, in turns.
"""
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "lib"))
from pythons import program, pythons_here  # noqa: E402

PROGRAM = os.environ["FORKPOINT"]
RUNS = 9
FRAMES, THREADS = 20, 5

# The main thread looks at the clock all the time, in one of two modes; the others sleep.
TARGET = f"""
import sys, threading, time

def rest(depth):
    if depth > 1:
        return rest(depth - 1)
    time.sleep(1000)

def watch(depth):
    if depth > 1:
        return watch(depth - 1)
    if sys.argv[1] == "sleep":
        time.sleep(1000)
    last, most = time.perf_counter_ns(), 0
    end = last + 2_000_000_000
    while last < end:
        now = time.perf_counter_ns()
        most = max(most, now - last)
        last = now
    print(most, flush=True)

for _ in range({THREADS - 1}):
    threading.Thread(target=rest, args=({FRAMES - 3},), daemon=True).start()
print(flush=True)
watch({FRAMES - 1})
"""


def peers(directory):
    """The peers' commands, by name; made where they are not there yet."""
    environment = os.path.join(directory, "peers")
    if not os.path.exists(f"{environment}/bin/pystack"):
        made = subprocess.run([sys.executable, "-m", "venv", environment], check=False,
                              stdout=subprocess.DEVNULL).returncode == 0 and \
            subprocess.run([f"{environment}/bin/pip", "install", "-q", "-r", f"{HERE}/peers.txt"],
                           check=False, stdout=subprocess.DEVNULL).returncode == 0
        if not made:
            print("stack: no py-spy and no pystack: pip could not install them")
    found = {
        "py-spy dump --native": ([f"{environment}/bin/py-spy", "dump", "--native", "--pid"], 0.7),
        "pystack remote --native-all": ([f"{environment}/bin/pystack", "remote", "--native-all"], 0.2),
    }
    if shutil.which("gdb"):
        found["gdb thread apply all bt"] = (["gdb", "-batch", "-ex", "thread apply all bt", "-p"], 0.25)
    return {name: peer for name, peer in found.items() if shutil.which(peer[0][0])}


def took(command, *operands):
    """Seconds; 0: it has failed."""
    begun = time.perf_counter()
    ran = subprocess.run([*command, *map(str, operands)], check=False, stdout=subprocess.DEVNULL,
                         stderr=subprocess.DEVNULL)
    return time.perf_counter() - begun if ran.returncode == 0 else 0


def target(python, mode):
    process = subprocess.Popen([program(python, "tests/python/python.c"), "-I", "-c", TARGET, mode],
                               stdout=subprocess.PIPE)
    process.stdout.readline()
    return process


def row(what, python, ours, theirs, wanted, name):
    pairs = [(a, b) for a, b in zip(ours, theirs) if a and b]
    if not pairs:
        print(f"{what:8} {python.release:8} {name} fails on this release")
        return
    ratio = statistics.median(a / b for a, b in pairs)
    print(f"{what:8} {python.release:8} {1000 * statistics.median(a for a, _ in pairs):9.1f}"
          f" {1000 * statistics.median(b for _, b in pairs):9.1f}  ms      {ratio:.3f}"
          f"   wanted {wanted}: {name}", flush=True)


def compare(python, others):
    process = target(python, "sleep")
    time.sleep(0.2)  # for its threads to come to rest: no figure depends on it
    ours, theirs = [], {name: [] for name in others}
    for _ in range(RUNS):
        ours.append(took([PROGRAM, "stack"], process.pid))
        for name, (command, _) in others.items():
            theirs[name].append(took(command, process.pid))
    process.kill()
    process.communicate()
    for name, (_, wanted) in others.items():
        row("stack", python, ours, theirs[name], wanted, name)


def held(python):
    """Looked at 20 times in two seconds."""
    process = target(python, "watch")
    for _ in range(20):
        took([PROGRAM, "stack"], process.pid)
    most = int(process.communicate()[0])
    print(f"held     {python.release:8} {most / 1e6:9.1f}  ms at most in one of 20 looks   wanted 10")


def resident(*command):
    """MB that the largest of the command's processes had."""
    def told():
        subprocess.run(command, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, flush=True)

    reader, writer = os.pipe()
    child = os.fork()
    if not child:
        os.dup2(writer, 1)
        told()
        os._exit(0)
    os.close(writer)
    with open(reader, encoding="ascii") as text:
        most = float(text.read())
    os.waitpid(child, 0)
    return most


def cores(python, directory):
    """A core on demand of the sleeping process."""
    pystack = os.path.join(directory, "peers/bin/pystack")
    if not (shutil.which("gcore") and os.path.exists(pystack)):
        print(f"core     {python.release:8} needs gcore and pystack")
        return
    process = target(python, "sleep")
    time.sleep(0.2)  # for its threads to come to rest: no figure depends on it
    with tempfile.TemporaryDirectory(prefix="forkpoint-bench.") as scratch:
        subprocess.run(["gcore", "-o", f"{scratch}/core", str(process.pid)], check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        executable = os.readlink(f"/proc/{process.pid}/exe")
        process.kill()
        process.communicate()
        core = f"{scratch}/core.{process.pid}"
        ours, theirs = [], []
        for _ in range(RUNS):
            ours.append(took([PROGRAM, "core"], core))
            theirs.append(took([pystack, "core", "--native-all"], core, executable))
        row("core", python, ours, theirs, 0.4, "pystack core --native-all")
        print(f"resident {python.release:8} {resident(PROGRAM, 'core', core):9.1f}  MB   wanted 40")


others = peers(sys.argv[1])
for python in pythons_here():
    compare(python, others)
    held(python)
    cores(python, sys.argv[1])
