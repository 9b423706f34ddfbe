# SPDX-License-Identifier: Apache-2.0
"""What the tests written in Python share: TAP, running forkpoint, reading what it says.

A test runs at the top of the tree and begins with

    sys.dont_write_bytecode = True
    sys.path.insert(0, "tests/lib")

A test point is a sentence. Each check returns whether it was good, so `ok(…) or diag(…)` tells more
where it was not. The plan comes last, by done(): a script that dies early has none, and fails.
Texts are UTF-8; bytes that are none survive as surrogates. Patterns are multi-line: ^ and $ are the
ends of a line, \\A and \\Z those of the text.
"""
import atexit
import collections
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile

PROGRAM = os.path.abspath(os.environ.get(
    "FORKPOINT", os.path.join(os.environ.get("BUILD", "build"), "forkpoint")))
SCRATCH = tempfile.mkdtemp(prefix="forkpoint-test.")
atexit.register(shutil.rmtree, SCRATCH, ignore_errors=True)
sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")

Ran = collections.namedtuple("Ran", "status out err")
Matrix = collections.namedtuple("Matrix", "status cells tap err")

# The kernel's si_code of a signal that a thread sends, and of a fault at what can be no address.
SI_TKILL, SI_KERNEL = -6, 128

counted = {"points": 0, "failures": 0}


def point(good, sentence):
    counted["points"] += 1
    counted["failures"] += not good
    name = sentence.replace("#", "\\#").replace("\n", " ")
    print(f"{'ok' if good else 'not ok'} {counted['points']} - {name}", flush=True)
    return bool(good)


def diag(*texts):
    for line in "\n".join(str(text) for text in texts).rstrip("\n").split("\n"):
        print(f"# {line}", flush=True)


def ok(good, sentence):
    return point(good, sentence)


def equal(got, wanted, sentence):
    return point(got == wanted, sentence) or diag(f"got:    {got!r}", f"wanted: {wanted!r}")


def above(got, bound, sentence):
    return point(got > bound, sentence) or diag(f"{got!r} is not above {bound!r}")


def below(got, bound, sentence):
    return point(got < bound, sentence) or diag(f"{got!r} is not below {bound!r}")


def like(text, pattern, sentence):
    found = text is not None and re.search(pattern, text, re.M)
    return point(found, sentence) or diag(f"no /{pattern}/ in:", text)


def unlike(text, pattern, sentence):
    return point(not re.search(pattern, text, re.M), sentence) or \
        diag(f"there is /{pattern}/ in:", text)


def has(text, part, sentence):
    return point(part in text, sentence) or diag(f"no '{part}' in:", text)


def none(found, sentence):
    """The sentence holds for each of many things; those for which it does not are told."""
    return point(not found, sentence) or diag(*found)


def skip(sentence, why, count=1):
    for _ in range(count):
        counted["points"] += 1
        print(f"ok {counted['points']} - {sentence} # SKIP {why}", flush=True)


def skip_all(why):
    print(f"1..0 # SKIP {why}", flush=True)
    sys.exit(0)


def bail_out(why):
    print("Bail out!  " + why.replace("\n", " "), flush=True)
    sys.exit(255)


def done():
    print(f"1..{counted['points']}", flush=True)
    sys.exit(1 if counted["failures"] else 0)


def scratch(name):
    """A path of the test's own, gone when it ends."""
    return os.path.join(SCRATCH, name)


def slurp(path):
    """The text of a file; of one that cannot be read, nothing."""
    try:
        with open(path, "rb") as file:
            return file.read().decode("utf-8", "surrogateescape")
    except OSError:
        return ""


def spew(path, text):
    with open(path, "wb") as file:
        file.write(text.encode("utf-8", "surrogateescape"))


def run(*command, stdin=os.devnull, **how):
    """Run to its end. A signal's end is its number plus 128, as a shell has it.

    Files, not pipes: what it leaves behind, if anything, must not keep us waiting.
    """
    out, err = scratch("out"), scratch("err")
    with open(stdin, "rb") as source, open(out, "wb") as to, open(err, "wb") as errors:
        status = subprocess.call(command, stdin=source, stdout=to, stderr=errors, **how)
    return Ran(status if status >= 0 else 128 - status, slurp(out), slurp(err))


def sh(command, **how):
    return run("sh", "-c", command, **how)


def forkpoint(*args):
    return run(PROGRAM, *args)


def objects(text):
    """One JSON object a line."""
    return [json.loads(line) for line in text.split("\n") if line]


def run_cells(*args):
    """`forkpoint run`, with its cells."""
    path = scratch("cells")
    if os.path.exists(path):
        os.unlink(path)
    status, tap, err = forkpoint("run", *args, "--json", path)
    return Matrix(status, objects(slurp(path)), tap, err)


def at(value, *path):
    """value[a][b]…, or None where there is no such thing: at(cell, "findings", 0, "si_code")."""
    for step in path:
        try:
            value = value[step]
        except (KeyError, IndexError, TypeError):
            return None
    return value


def failures(tap):
    return [line for line in tap.split("\n") if line.startswith("not ok")]


def pythons(every=False):
    """What would run without --python: "3.12.1", …, oldest first. every: debug builds, too."""
    known = objects(forkpoint("pythons", "--json").out)
    return [python["python"] for python in known if every or python["default"]]


def release(python):
    """Releases in their order: of "3.13.18" and "3.13" the second is 3.13.0, the oldest."""
    numbers = [int(re.match("[0-9]*", part).group() or 0) for part in python.split(".")]
    return tuple((numbers + [0, 0])[:3])


def is_before(python, bound):
    return release(python) < release(bound)


def line_of(python):
    """ "3.13.18" is of the line "3.13"."""
    return ".".join(python.split(".")[:2])


def frees_key(finding):
    """Did the child free glibc's tcache_key (docs/findings.md, section 6)? A number that is not
    aligned is refused; one that is, is read from, and no address."""
    how = finding["outcome"], finding["message"], finding["si_code"]
    return at(finding, "triage", "signature") == f"v1 {how[0]} free<clear_in_child<fork" and \
        finding["allocators"] == {"default": 1, "tcache_count=0": 0} and \
        how in (("SIGABRT", "free(): invalid pointer\n", SI_TKILL), ("SIGSEGV", "", SI_KERNEL))


def but_for_key(cell):
    """A cell walked by `step`, with one name for both ends of the child that frees tcache_key: the
    number is random, and fork-lru-stdlist the one scenario in which it was seen to decide."""
    ends = [finding["outcome"] for finding in cell["findings"] or [] if frees_key(finding)]
    if cell["scenario"] != "fork-lru-stdlist" or len(ends) != 1:
        return cell
    counts = collections.Counter(cell["outcomes"])
    counts.update({ends[0]: -1, "frees tcache_key": 1})
    return {**cell, "outcomes": {name: n for name, n in counts.items() if n},
            "map": [{**part, "outcome": "frees tcache_key"} if part["outcome"] == ends[0] else part
                    for part in cell["map"]]}


def outcomes(cell):
    """The outcomes of a cell as one text: "SIGABRT SIGSEGV"."""
    return " ".join(sorted(cell.get("outcomes") or {}))
