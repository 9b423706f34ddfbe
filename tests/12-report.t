#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The report of recorded cells, read back by prove, by a reader of YAMLish that is as narrow as
# prove's, and by a YAML library where there is one. What is wanted stands here, not in a file that
# a run has written.
import json
import os
import re
import stat
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import (  # noqa: E402
    PROGRAM, at, diag, done, equal, forkpoint, has, like, none, objects, ok, run, scratch, sh, skip,
    slurp, spew, unlike)
from tap_reader import blocks_of, judged_by_prove, yaml_of  # noqa: E402

try:
    import yaml
except ImportError:
    yaml = None

EVERY_VERDICT = "tests/report/every-verdict.jsonl"
os.environ.pop("NO_COLOR", None)


def encode(cell):
    return json.dumps(cell, sort_keys=True, ensure_ascii=False, separators=(",", ":"))


def report(cells, *args):
    """Write cells, report them with further arguments."""
    spew(scratch("in.jsonl"), "".join(encode(cell) + "\n" for cell in cells))
    return forkpoint("report", scratch("in.jsonl"), *args)


def cell(**more):
    return {"schema": 1, "scenario": "fork-x", "twin": False, "python": "3.13.5",
            "explore": "starve", "isolation": "zygote", "trials": 3, "hits": 3,
            "outcomes": {"ok": 3}, "expected": ["ok"], "verdict": "as-expected", **more}


def skipped(**more):
    return cell(trials=None, hits=None, outcomes=None, expected=None, verdict="skipped", **more)


def as_text(value):
    """A JSON value as YAMLish gives it back: numbers and truth values are words there."""
    if isinstance(value, dict):
        return {key: as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [as_text(item) for item in value]
    if isinstance(value, bool):
        return "true" if value else "false"
    return format(value, ".15g") if isinstance(value, (int, float)) else value


def every_verdict():
    status, out, err = forkpoint("report", EVERY_VERDICT)
    equal(status, 3, "a cell in which the harness failed makes the exit status 3")
    equal(err, "", "a recorded run that is whole gives no message")
    lines = out.split("\n")
    equal([line for line in lines if re.match(r"(not )?ok |1\.\.|TAP", line)], [
        "TAP version 13",
        "1..10",
        "ok 1 - fork-lru-list @ 3.13.18 starve (SIGSEGV or SIGABRT as expected)",
        "ok 2 - fork-lru-list twin @ 3.13.18 starve (clean)",
        "ok 3 - finalize-ensure-after @ 3.15.2 starve (parked as expected)",
        "not ok 4 - finalize-restore/noexcept @ 3.12.1 starve exec (unexpected: SIGSEGV)",
        "not ok 5 - fork-lru-stdlist @ 3.12.1 storm (SIGSEGV did not happen)",
        "ok 6 - finalize-hammer @ 3.13.18d storm (not seen)",
        "not ok 7 - fork-held-mutex @ 3.13.18 starve (vacuous)",
        "ok 8 - fork-held-mutex @ 3.14.10 starve # SKIP 3.14.10 is not here: type "
        "'forkpoint pythons fetch 3.14.10'",
        "ok 9 - finalize-restore/guard @ 3.12.1 starve # SKIP needs PEP 788, new in 3.15",
        "not ok 10 - fork-stop-sampler @ 3.12.1 starve (the harness failed)",
    ], "each verdict has its test point, the plan comes first")
    judged = judged_by_prove(out)
    equal((judged.ended, judged.tests), (True, 10), "prove reads the stream to its end")
    equal(judged.errors, "", "prove finds no error in the stream, and knows every line of it")
    yaml_of_every_verdict(out)
    summary_of_every_verdict(out)
    out14 = forkpoint("report", "--tap", "14", EVERY_VERDICT).out
    equal(out14, re.sub(r"\ATAP version 13", "TAP version 14", out),
          "--tap 14 changes the first line only")


def read_blocks(out):
    """Test number: its block, or nothing where it cannot be read."""
    blocks = {}
    for number, lines in blocks_of(out).items():
        try:
            blocks[number] = yaml_of(lines)
        except ValueError as problem:
            diag(problem)
            blocks[number] = {}
    return blocks


def yaml_of_every_verdict(out):
    blocks = read_blocks(out)
    cells = [as_text(cell) for cell in objects(slurp(EVERY_VERDICT))]
    for key in ["outcomes", "trials", "hits", "rate", "rate_upper95", "replay", "expected", "load"]:
        equal(at(blocks, 1, key), cells[0][key], f"the YAML has the cell's {key}")
    for key in ["pattern", "signature", "detail", "attribution", "confidence", "evidence"]:
        equal(at(blocks, 1, key), cells[0]["triage"][key], f"the YAML has the triage's {key}")
    equal(at(blocks, 1, "confirmed"), "true", "the YAML says that the pattern is confirmed")
    equal([at(blocks, n, "confirmation") for n in (1, 4)],
          [cells[n - 1]["triage"]["confirmation"] for n in (1, 4)], "in a word")
    equal(at(blocks, 6, "reason"), cells[5]["reason"], "the bound of a not-seen cell is told")
    equal(at(blocks, 7, "verdict"), "vacuous", "the YAML has the verdict")
    equal(at(blocks, 10, "harness_error"), cells[9]["harness_error"], "the harness error is told")
    equal(at(blocks, 4, "findings"),
          [{key: value for key, value in finding.items() if key not in ("registers", "modules")}
           for finding in cells[3]["findings"]],
          "a point that fails has its findings, stacks and all, but not what programs read alone")
    ok("findings" not in (at(blocks, 1) or ["findings"]), "one that does not leaves them to --json")
    ok(9 not in blocks, "a skipped cell has no YAML")


TABLE = """\
#                                   3.12.1   3.13.18  3.13.18d  3.14.10  3.15.2
# finalize-ensure-after starve                                           park
# finalize-hammer storm                               –
# finalize-restore/guard starve     skip
# finalize-restore/noexcept starve  SEGV!!
# fork-held-mutex starve                     none!!             skip
# fork-lru-list starve                       SEGV+
#   twin starve                              ok
# fork-lru-stdlist storm            ok!!
# fork-stop-sampler starve          error!!
"""


def summary_of_every_verdict(out):
    table = re.search(r"^#\n((?:# .*\n)+)#\n# SEGV, ", out, re.M)
    equal(table and table.group(1), TABLE,
          "the table has a row each scenario and a column each interpreter")
    like(out, r"^# 10 cells: 3 as expected, 2 unexpected, 1 not seen, 1 vacuous, 2 skip",
         "the verdicts are counted")
    like(out, r"^# 1488 trials, 1456 hits, 6 crashes, 0 hangs$", "the trials are counted")
    like(out, r"^#   repeat it: forkpoint replay fp1:y$", "a failure has its replay line")
    unlike(out, "\033", "nothing is coloured where nobody looks")
    none([line for line in out.split("\n")
          if len(line) > 100 and not re.search(r"repeat it|^ |SKIP", line)],
         "no line of the summary is wider than 100 columns")


def statuses():
    cells = {
        "good": cell(),
        "seen": cell(outcomes={"SIGSEGV": 3}, expected=["SIGSEGV"]),
        "unseen": cell(verdict="not-seen"),
        "bad": cell(verdict="unexpected", outcomes={"hang": 3}),
        "vacuous": cell(verdict="vacuous", hits=0),
        "skipped": skipped(reason="no"),
        "missing": skipped(reason="no", missing=True),
        "broken": cell(harness_error="it broke"),
        "strange": cell(verdict="splendid"),
    }
    for wanted, names in [
            (0, "good"), (0, "good seen unseen skipped"), (1, "good bad skipped"),
            (1, "vacuous good"), (3, "bad broken skipped"), (3, "good strange"),
            (77, "skipped missing"), (77, "skipped")]:
        status = report([cells[name] for name in names.split()]).status
        equal(status, wanted, f"a run of cells that are {names} ends with {wanted}")
    status, out, _ = report([cells["good"], cells["missing"]], "--require-all")
    equal(status, 1, "with --require-all a missing interpreter is a failure")
    like(out, r"^not ok 2 - fork-x @ 3\.13\.5 starve \(skipped\)$", "and its point is not ok")
    has(out, "skip!!", "and the table marks it")
    status = report([cells["good"], cells["skipped"]], "--require-all").status
    equal(status, 0, "with --require-all a scenario that cannot exist there is still a skip")
    status, out, _ = report([])
    equal(status, 77, "a run without a cell was skipped")
    judged = judged_by_prove(out)
    equal((judged.ended, judged.errors, judged.skipped_all), (True, "", True),
          "and is a valid stream that says so")


def wide_table():
    """More interpreters than a line has room for."""
    pythons = [f"3.{n}.{patch}" for n in range(12, 22) for patch in ("1", "18d")]
    out = report([cell(python=p, scenario="a-name-of-some-length") for p in pythons]).out
    lines = [line for line in out.split("\n") if line.startswith("#")]
    none([line for line in lines if len(line) > 100], "a wide table goes on below itself")
    heads = [word for line in lines for word in line.split()[1:] if re.match("# +3[.]", line)]
    equal(heads, pythons, "with every interpreter once")
    row = [word for line in lines for word in line.split()[2:]
           if re.match("# a-name-of-some-length +", line)]
    equal(row.count("ok"), len(pythons), "and every cell")


# Everything that could end a line, a string, a YAML block or the stream.
HOSTILE = [
    "two\nlines", "tab\tand\rreturn", 'a "quoted" \\ back\\\\slash', "nul \0 inside",
    "esc \033[31mred", "# SKIP me", "x # TODO later", "back \\# SKIP slash", "---", "...",
    "\n...\nok 99 - forged", "Bail out! no", "Bail out!\nBail out!", "key: value", "key:", ": x",
    "- item", "one two: three", "'single'", '"', "\\", " lead", "trail ", "", "~", "true", "No",
    "12", "1e3", "{}", "[]", "[a, b]", "{a: b}", "|", ">", "%TAG", "@at", "`tick", "\x85next",
    "\u2028sep", "\u202ertl", "\ufeffbom", "\U0001f40d snake", "é", "x" * 100_000, ": " * 3000]


def hostile():
    cells = [cell(scenario=f"s{text}", reason=text, replay=text, evidences=[text, text],
                  triage={"signature": text,
                          "evidence": [text, [text], {text.replace("\0", ""): text}]},
                  verdict="unexpected", outcomes={"hang": 3}) for text in HOSTILE]
    cells += [skipped(reason=f"r{text}", python=text) for text in HOSTILE]
    status, out, _ = report(cells)
    equal(status, 1, "hostile texts leave the exit status alone")
    judged = judged_by_prove(out)
    ok(judged.ended, "prove does not die of hostile texts")
    equal(judged.errors, "", "prove finds no error among hostile texts: each is read, and none "
          "becomes a line of its own")
    equal(judged.tests, len(cells), "each hostile cell is one test point")
    equal(judged.failed, len(HOSTILE), "no hostile text turns a failure into a success")
    equal(judged.skipped, len(HOSTILE), "no hostile text skips a test")
    ok(not re.search("[\ud800-\udfff]", out), "the stream is UTF-8")
    unlike(out, r"[\x00-\x09\x0b-\x1f\x7f]", "no control character reaches the terminal")
    blocks = blocks_of(out)
    equal(sorted(blocks), list(range(1, len(HOSTILE) + 1)), "each failure has its YAML block")
    none(changed_texts(blocks), "a reader as narrow as prove's gives back what went in")
    yaml_library(out)


def changed_texts(blocks):
    changed = []
    for number, text in enumerate(HOSTILE, 1):
        try:
            block = yaml_of(blocks[number])
        except (KeyError, ValueError) as problem:
            changed.append(f"{text[:80]!r}: {problem}")
            continue
        got = [at(block, "signature"), at(block, "replay"), at(block, "evidence", 0),
               at(block, "evidence", 1, 0), at(block, "evidences", 1),
               at(block, "evidence", 2, text.replace("\0", ""))]
        if len(text) <= 4000:
            changed += [f"got {one!r} for {text!r}" for one in got if one != text]
    return changed


def yaml_library(out):
    """The blocks once more, by a real YAML parser."""
    if not yaml:
        skip("by a YAML library", "python3 has no yaml module", 2)
        return
    blocks, problems, wrong = [], [], []
    for text in re.findall(r"^  ---\n(.*?)^  \.\.\.\n", out, re.M | re.S):
        try:
            blocks.append(yaml.safe_load(text))
        except yaml.YAMLError as problem:
            blocks.append(None)
            problems.append(problem)
    equal((len(blocks), problems), (len(HOSTILE), []), "a YAML library reads every block")
    for text, block in zip(HOSTILE, blocks):
        got = [at(block, "signature"), at(block, "evidence", 0),
               at(block, "evidence", 2, text.replace("\0", ""))]
        if len(text) <= 4000:
            wrong += [f"got {one!r} for {text!r}" for one in got if one != text]
    none(wrong, "a YAML library gives back what went in")


def outputs():
    cells = [cell(hits=10, trials=10, outcomes={"ok": 9, "hang": 1}, expected=["ok", "hang"],
                  rate=0.1), cell(scenario="b", python="3.9.1"), cell(python="3.13.18")]
    copy = scratch("copy.jsonl")
    out = report(cells, "--json", copy).out
    equal(objects(slurp(copy)), cells, "--json FILE gets every cell, one a line")
    like(slurp(copy), r'"rate":0\.1[,}]', "a number looks as it did")
    equal(report(cells, "--json", "-").out, slurp(copy),
          "--json - writes the same to standard output, without TAP")
    like(out, r"^# +3\.9\.1 +3\.13\.5 +3\.13\.18$",
         "releases are in their order, not in that of letters")
    streamed = sh(f"cat {scratch('in.jsonl')} | {PROGRAM} report -").out
    like(streamed, r"\ATAP version 13\nok 1 (?s:.*)\n1\.\.3\n\Z",
         "where the number of cells is not known the plan comes last")
    status, out, err = report(cells, "--json", scratch("no/such/dir"))
    equal(status, 2, "an unwritable --json FILE is an error of usage")
    equal(out, "", "and is told before anything is written")
    like(err, r"\Aforkpoint: --json: cannot write '.*such/dir': No such file or directory: .+\n\Z",
         "by one sentence with a remedy")


def full_disk():
    if not os.path.exists("/dev/full") or not stat.S_ISCHR(os.stat("/dev/full").st_mode):
        skip("a full disk", "no /dev/full here", 4)
        return
    status, out, err = report([cell(), cell(scenario="b")], "--json", "/dev/full")
    equal(status, 3, "results that cannot be stored make the exit status 3")
    equal(len(re.findall("^ok ", out, re.M)), 2, "and the other writers go on")
    like(err, r"\Aforkpoint: cannot write to /dev/full: No space left on device: .+\n"
         r".*incomplete.*\n\Z", "and it is said once, and once at the end")
    kept = scratch("kept.jsonl")
    status = sh(f"{PROGRAM} report {scratch('in.jsonl')} --json {kept} >/dev/full").status
    equal((status, slurp(kept).count("\n")), (3, 2),
          "a full standard output loses no line of the file")


def full_later():
    """A file system that fills and is then cleared: a limit on the file's size acts the same."""
    cells = [cell(scenario=f"s{n}", reason="r" * 300) for n in range(1, 9)]
    report(cells)
    part = scratch("part.jsonl")
    # The report goes to /dev/null: the limit would hold for a file, too.
    status = sh(f"trap '' XFSZ; ulimit -f 2; {PROGRAM} report {scratch('in.jsonl')} --json {part}"
                " >/dev/null").status
    equal(status, 3, "a file that cannot grow makes the exit status 3")
    text = slurp(part)
    try:
        kept = objects(text)
    except ValueError as problem:
        diag(problem)
        kept = []
    ok(0 < len(kept) < 8 and text.endswith("\n"), "what could be stored is whole lines")
    equal(kept, cells[:len(kept)], "and they are the first ones")


def bad_input():
    path = scratch("in.jsonl")
    report([cell()])
    good = slurp(path)
    spew(path, good + "\n" + good[:40])
    status, out, err = forkpoint("report", path)
    equal(status, 3, "a recording that was cut short makes the exit status 3")
    like(err, r"in\.jsonl, line 3: .+: the line is left out\n?\Z", "and the line is named")
    like(out, r"^1\.\.1\nok 1 ", "and the whole lines are reported")
    spew(path, "[1]\n{}\n3\n" + good)
    status, out, err = forkpoint("report", path)
    equal((status, err.count("left out")), (3, 3), "what is no cell is told line by line")
    like(out, r"^1\.\.1\nok 1 ", "and the cell among it is reported")
    equal(forkpoint("report", scratch("none.jsonl")).status, 2,
          "a file that is not there is an error of usage")
    status, out, err = forkpoint("report", os.path.dirname(path))
    equal(status, 3, "a directory cannot be reported")
    like(err, r"cannot read .*Is a directory", "which is said")
    spew(path, good[:40] + "\n")
    for name, nothing in ("a directory", os.path.dirname(path)), ("a file without a cell", path):
        out = forkpoint("report", nothing).out
        like(out, r"^Bail out! no result could be read\n\Z", f"{name} ends the stream")
        unlike(out, r"^1\.\.0|SKIP", "and no reader takes it for a skip")


def absent():
    """What was promised and did not come has its name."""
    for outcomes, expected, wanted in [
            ({"SIGSEGV": 3}, ["ok", "SIGSEGV"], "ok did not happen"),
            ({"SIGSEGV": 3}, ["SIGSEGV", "SIGABRT", "hang"], "SIGABRT or hang did not happen"),
            ({"ok": 3}, ["ok", "hang"], "hang did not happen"),
            ({"ok": 3}, ["hang"], "hang did not happen"),
            ({"ok": 1, "hang": 2}, ["hang"], "unexpected: ok"),
            ({"ok": 1, "hang": 2}, ["ok", "SIGABRT"], "unexpected: hang")]:
        out = report([cell(verdict="unexpected", outcomes=outcomes, expected=expected)]).out
        like(out, rf"^not ok 1 - fork-x @ 3\.13\.5 starve \({wanted}\)$",
             f"{encode(outcomes)} where {encode(expected)} is expected: {wanted}")


def small_rates():
    """YAML 1.1 wants a dot in a number that has an exponent."""
    count = 10 ** 5
    out = report([cell(trials=count, hits=count, outcomes={"ok": count - 1, "hang": 1},
                       expected=["ok", "hang"], rate=1e-5, rate_upper95=4.74e-5)]).out
    like(out, r"^  rate: 1\.0e-05\n  rate_upper95: 4\.74e-05$", "a rate below 1e-4 is a number")


def unusable():
    """An interpreter that cannot be used has one cell, for all scenarios."""
    gone = cell(scenario=None, twin=None, explore=None, isolation=None, trials=None, hits=None,
                outcomes=None, expected=None, verdict="skipped", python="3.12.1", missing=True,
                reason="not here")
    status, out, err = report([gone])
    equal((status, err), (77, ""), "a run without an interpreter was skipped")
    like(out, r"^ok 1 - Python 3\.12\.1 # SKIP not here$", "the point has the interpreter's name")
    like(out, r"^# every scenario  skip\n#\n# skipped 1: not here\n#\n# 1 cell: 1 skipped$",
         "where only skips are in the table no legend stands below it")
    out = report([gone, cell()]).out
    like(out, r"^# every scenario  skip\n# fork-x +ok\n#\n# ok: nothing wrong\n#\n# skipped",
         "beside others it has a row, and names no strategy")
    out = report([gone, cell(), cell(explore="storm")]).out
    like(out, r"^# every scenario  skip\n# fork-x starve +ok\n# fork-x storm", "nor beside two")
    gone.update(verdict=None, harness_error="no host")
    like(report([gone]).out, r"^not ok 1 - Python 3\.12\.1 \(the harness failed\)$",
         "also where the host could not be built")


def proved(recording):
    script = scratch("stream.sh")
    spew(script, f"exec {PROGRAM} report {recording}\n")
    return run("prove", "-e", "sh", script)


def prove_accepts():
    spew(scratch("good.jsonl"),
         encode(cell()) + "\n" + encode(skipped(reason="r")) + "\n")
    good = proved(scratch("good.jsonl"))
    equal(good.status, 0, "prove is content with a good run") or diag(good.out, good.err)
    bad = proved(EVERY_VERDICT)
    ok(bad.status != 0, "prove is not content with a bad one")
    like(bad.out, r"Failed tests:  4-5, 7, 10", "and names its failures")
    unlike(bad.out + bad.err, r"Parse errors", "and has no parse error")


every_verdict()
statuses()
wide_table()
hostile()
outputs()
full_disk()
full_later()
bad_input()
absent()
small_rates()
unusable()
prove_accepts()
done()
