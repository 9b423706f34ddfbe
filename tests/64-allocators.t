#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Settings of the allocator: they reach the host, each walk is under one of them, and what came
under which is told and can be repeated."""
import os
import signal
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from driven import (  # noqa: E402
    drive, finish, interpreters, kin, left_behind, send, start, wait_for)
from forkpoint_test import (  # noqa: E402
    above, at, diag, done, equal, forkpoint, none, run_cells, skip)

SETTINGS = ["default", "tcache_count=0"]
pythons = [one["python"] for one in interpreters()]
python = pythons[0]


def strings(pid, name):
    try:
        with open(f"/proc/{pid}/{name}", encoding="utf-8") as file:
            return file.read().split("\0")
    except OSError:
        return []


def tunables(pid):
    """glibc puts ends of strings where colons were in what the program was given."""
    found = [part.removeprefix("GLIBC_TUNABLES=") for part in strings(pid, "environ")
             if part.startswith(("GLIBC_TUNABLES=", "glibc."))]
    return ":".join(found)


def tunables_of_hosts(setting, given):
    """What the zygotes of a run have, once there is one."""
    run = start("run", "selftest-rare", "--python", python, "--twins", "without", "--explore",
                "storm", "--budget", "60s", "--allocator", setting, env={"GLIBC_TUNABLES": given})
    wanted = 2 if setting == "both" else 1

    def ready():
        # A host that is asked for its scenarios is no zygote.
        found = {tunables(pid) for pid in kin(run).zygote if "--zygote" in strings(pid, "cmdline")}
        return sorted(found) if len(found) == wanted else None

    found = wait_for(60, ready)
    send(signal.SIGTERM, run.pid)
    finish(run)
    equal(left_behind(run, 10), "", f"--allocator {setting} leaves nothing behind")
    return found


OFF = "glibc.malloc.tcache_count=0"
MINE = "glibc.malloc.arena_max=2"
equal(tunables_of_hosts("default", None), [""], "by default nothing is set")
equal(tunables_of_hosts("tcache_count=0", None), [OFF], "the setting reaches the host")
equal(tunables_of_hosts("tcache_count=0", MINE), [f"{MINE}:{OFF}"], "what the user has set stays")
equal(tunables_of_hosts("both", MINE), [MINE, f"{MINE}:{OFF}"], "both have a host each")


def cell_of(*args):
    return run_cells(*args, "--python", python, "--twins", "without").cells[0]


def trials(cell):
    return [at(cell, "allocators", setting, "trials") for setting in SETTINGS]


equal(trials(cell_of("selftest-noop", "--trials", "5")), [5, None], "starve takes the defaults")
equal(trials(cell_of("selftest-noop", "--trials", "5", "--allocator", "both")), [3, 2],
      "asked for both, it takes turns")
equal(trials(cell_of("selftest-noop", "--trials", "5", "--allocator", "tcache_count=0")),
      [None, 5], "or the other one alone")
ran = drive("run", "selftest-noop", "--allocator", "tcache")
equal(ran.status, 2, "no other setting is known")

if os.uname().machine != "x86_64":
    skip("step walks under both", "no stepping for this kind of processor")
    done()

cell = cell_of("fork-lru-list", "--explore", "step")
both = cell["allocators"]
equal(sorted(both), SETTINGS, "step walks under both")
none([setting for setting in SETTINGS if not both[setting]["map"]], "each walk has its map")
equal([cell["map"], cell["points"], cell["forks"]],
      [both["default"][key] for key in ("map", "points", "forks")],
      "the first one's stands for the cell")
sums = {}
for setting in SETTINGS:
    for outcome, count in both[setting]["outcomes"].items():
        sums[outcome] = sums.get(outcome, 0) + count
equal(sums, cell["outcomes"], "the cell's outcomes are those of both")
for finding in cell["findings"]:
    equal(sum(finding["allocators"].values()), finding["count"],
          f"{finding['outcome']} came under settings that are told")
    first = finding["replay"].split(":")[6]
    above(finding["allocators"][first], 0, f"its replay line has one of them, {first}")
    again = forkpoint("replay", finding["replay"])
    equal(again.status, 0, "and repeats it") or diag(again.out, again.err)
alone = cell_of("fork-lru-list", "--explore", "step", "--allocator", "default")
equal(alone["allocators"]["tcache_count=0"], None, "asked for the defaults, it walks once")
equal([at(alone["map"], i, "outcome") for i in range(len(alone["map"]))],
      [part["outcome"] for part in cell["map"]], "with the same map")

# Measured on glibc 2.36, which these two interpreters have where they are the machine's own.
if python in ("3.12.1", "3.13.0") and os.confstr("CS_GNU_LIBC_VERSION") == "glibc 2.36":
    equal([sorted(set(both[setting]["outcomes"]) - {"ok"}) for setting in SETTINGS],
          [["SIGABRT"], ["SIGSEGV"]], "one double free ends in two ways")
else:
    skip("one double free ends in two ways", "measured with another libc")
done()
