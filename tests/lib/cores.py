# SPDX-License-Identifier: Apache-2.0
"""Processes that leave cores, and what `forkpoint core` says of them."""
import glob
import json
import os
import resource
import select
import subprocess

from forkpoint_test import PROGRAM, run, scratch
from resting import await_rest

LIMIT = 60
CORE_SIZE_MAX = 1 << 30


def core_allowed():
    """In a child that shall leave one."""
    limit = min(CORE_SIZE_MAX, resource.getrlimit(resource.RLIMIT_CORE)[1] % (1 << 63))
    resource.setrlimit(resource.RLIMIT_CORE, (limit, limit))


def begin(command, directory, **how):
    """A process that has said that it is there, and whose threads all wait."""
    os.makedirs(directory, exist_ok=True)
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL, cwd=directory, preexec_fn=core_allowed,
                               **how)
    if not select.select([process.stdout], [], [], LIMIT)[0]:
        process.kill()
    process.stdout.readline()
    await_rest(process.pid)
    return process


def end(process):
    process.kill()
    process.communicate()


def left_core(directory):
    """What the kernel has left there, or None."""
    found = glob.glob(f"{directory}/core*")
    return found[0] if found else None


def demanded_core(pid, name):
    """By gcore, or None."""
    ran = subprocess.run(["gcore", "-o", scratch(name), str(pid)], stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False,
                         timeout=LIMIT)
    path = f"{scratch(name)}.{pid}"
    return path if not ran.returncode and os.path.exists(path) else None


def looked(*args):
    ran = run(PROGRAM, "core", "--json", *args)
    return ran, json.loads(ran.out) if ran.out else None
