#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
# The picture of a map: recorded maps (tests/report/maps.jsonl: of real runs, their paths shortened
# and their findings left out) and made ones. Each column of a strip is held against the points that
# it stands for, which are counted here once more; so is the legend.
import fcntl
import json
import os
import pty
import re
import struct
import sys
import termios

sys.dont_write_bytecode = True
sys.path.insert(0, "tests/lib")
from forkpoint_test import (  # noqa: E402
    PROGRAM, at, done, equal, forkpoint, has, like, none, objects, ok, run, scratch, slurp, spew,
    unlike)
from tap_reader import blocks_of, judged_by_prove, yaml_of  # noqa: E402

RECORDED = objects(slurp("tests/report/maps.jsonl"))
WIDTHS = [40, 41, 59, 72, 99, 100]
# From the gravest on: the outcome, its sign, its sign where F waits, its word.
SIGNS = [("SIGSEGV", "S", "s", "SEGV"), ("SIGUSR1", "X", "x", "USR1"), ("SIGKILL", "K", "k", "KILL"),
         ("SIGFPE", "F", "f", "FPE"), ("SIGBUS", "B", "b", "BUS"), ("SIGABRT", "A", "a", "ABRT"),
         ("SIGILL", "I", "i", "ILL"), ("hang", "H", "h", "hang"), ("timeout", "T", "t", "slow"),
         ("wrong", "W", "w", "wrong"), ("exit", "E", "e", "exit"), ("parked", "P", "p", "park"),
         ("ok", ".", "-", "ok")]
RANK = {(outcome, waits): 2 * n + waits for n, (outcome, _, _, _) in enumerate(SIGNS)
        for waits in (False, True)}
SIGN = {(outcome, waits): (waiting if waits else sign)
        for outcome, sign, waiting, _ in SIGNS for waits in (False, True)}
WORD = {outcome: word for outcome, _, _, word in SIGNS}
os.environ.pop("COLUMNS", None)


def segment(first, last, outcome="ok", waits=False, **more):
    return {"from": first, "to": last, "outcome": outcome, "waits": waits, "symbol": "work+0x1c",
            "trust": "exact", "source": "/src/work.c:12", "module": "/lib/libwork.so.1",
            "offset": 4096 + first, "finding": None, "pair": None, **more}


def counted(segments):
    """A trial for each outcome of a map."""
    outcomes = {one["outcome"]: 1 for one in segments}
    return {"trials": len(outcomes), "hits": len(outcomes), "outcomes": outcomes}


def cell(*segments, **more):
    points = segments[-1]["to"] + 1
    return {"schema": 1, "scenario": "fork-x", "twin": False, "python": "3.13.5", "explore": "step",
            "isolation": "zygote", **counted(segments), "expected": [one[0] for one in SIGNS],
            "verdict": "as-expected", "points": points, "forks": 2,
            "coverage": f"{points} of {points} points, 2 subjects", "map": list(segments), **more}


def lengths(*parts):
    """Segments one after the other: (how long, outcome), or (how long, outcome, waits)."""
    segments, first = [], 0
    for length, *what in parts:
        segments.append(segment(first, first + length - 1, *what))
        first += length
    return segments


def report(cells, columns=None):
    spew(scratch("in.jsonl"), "".join(json.dumps(one) + "\n" for one in cells))
    env = {**os.environ, **({} if columns is None else {"COLUMNS": str(columns)})}
    return run(PROGRAM, "report", scratch("in.jsonl"), env=env)


def pictures(tap):
    """Test number: the diagnostic lines below its point, without their '# '; below the last one
    stands the summary, too."""
    found, number = {}, None
    for line in tap.split("\n"):
        point = re.match(r"(?:not )?ok ([0-9]+)", line)
        if point:
            number = int(point.group(1))
            found[number] = []
        elif number and line.startswith("#"):
            found[number].append(line[2:])
    return found


def parts(lines):
    """A picture's title, ruler, strip, legend and table."""
    blank = [n for n, line in enumerate(lines) if not line]
    head, table = lines[blank[0] + 1:blank[1]], lines[blank[1] + 1:]
    table = table[:table.index("") if "" in table else len(table)]
    title = [head.pop(0)]
    while head[0].startswith("  ") and not re.match(" *[0-9]+( +[0-9]+)*$", head[0]):
        title.append(head.pop(0).strip())
    return " ".join(title), head[0], head[1], " · ".join(head[2:]), table


def wanted_strip(points, segments, columns):
    strip = [None] * min(points, columns)
    for one in segments:
        here = (one["outcome"], one["waits"])
        for point in range(one["from"], one["to"] + 1):
            column = point * len(strip) // points
            if strip[column] is None or RANK[here] < RANK[strip[column]]:
                strip[column] = here
    return "".join(SIGN[here] for here in strip)


def wanted_legend(segments, strip):
    total = {}
    for one in segments:
        here = (one["outcome"], one["waits"])
        total[here] = total.get(here, 0) + one["to"] - one["from"] + 1
    return " · ".join(
        f"{SIGN[here]} {WORD[here[0]]} {total[here]}{', F waits' if here[1] else ''}"
        f"{'' if SIGN[here] in strip else ' (behind worse ones)'}"
        for here in sorted(total, key=RANK.get))


def wrong_marks(ruler, points, segments, columns):
    """Numbers that are no segment's first point, or stand in another column than that."""
    strip = min(points, columns)
    firsts = {one["from"] for one in segments}
    return [mark.group() for mark in re.finditer("[0-9]+", ruler)
            if int(mark.group()) not in firsts or
            int(mark.group()) * strip // points != mark.start()]


def wrong_rows(table, segments, width):
    """Rows that do not begin with the range and the word of their segment."""
    wanted = []
    for one in segments[:16]:
        last = "" if one["to"] == one["from"] else f"-{one['to']}"
        waits = ", F waits" if one["waits"] else ""
        wanted.append(f"{one['from']}{last}  {WORD[one['outcome']]}{waits} ")
    return [f"no row '{want}' but '{row}'" for row, want in zip(table, wanted)
            if not re.sub(r"^ +", "", row).startswith(want)] + \
        ([f"{len(table)} rows for {len(wanted)} segments"] if len(table) < len(wanted) else [])


def faults(one, lines, width, setting=""):
    """All that is wrong with a picture of the cell."""
    points, segments = one["points"], one["map"]
    try:
        title, ruler, strip, legend, table = parts(lines)
    except (IndexError, ValueError):
        return [f"no picture: {lines}"]
    most = -(-points // min(points, width - 2))
    wanted = {
        "title": f"{points} point{'s' if points > 1 else ''} of the window{setting}, " + (
            "one a column" if most == 1 else f"up to {most} a column (the worst shown)"),
        "strip": wanted_strip(points, segments, width - 2),
        "legend": wanted_legend(segments, wanted_strip(points, segments, width - 2))}
    got = {"title": title, "strip": strip, "legend": legend}
    return [f"{key}: got '{got[key]}', wanted '{wanted[key]}'"
            for key in wanted if got[key] != wanted[key]] + \
        [f"too wide: {line}" for line in [title[:width // 2], ruler, strip, *legend.split(" · "),
                                          *table] if len(line) + 2 > width] + \
        [f"{mark} in '{ruler}'" for mark in wrong_marks(ruler, points, segments, width - 2)] + \
        wrong_rows(table, segments, width)


def recorded():
    good = [one["map"] is None or all(part["outcome"] == "ok" for part in one["map"])
            for one in RECORDED]
    equal((len(good), sum(good)), (5, 1), "five maps were recorded, one of them wholly ok")
    for width in WIDTHS:
        status, tap, err = report(RECORDED, width)
        equal((status, err), (0, ""), f"they are reported in {width} columns")
        judged = judged_by_prove(tap)
        equal((judged.errors, judged.tests), ("", 5), "prove finds no error")
        drawn = pictures(tap)
        none([fault for number, one in enumerate(RECORDED, 1) if not good[number - 1]
              for fault in faults(one, drawn[number], width)],
             "each strip, legend and table tells what the map does")
        equal([number for number in drawn if not good[number - 1]
               or drawn[number] == []], [1, 2, 3, 4, 5], "what is wholly ok has no picture")
    unlike(tap, "\033", "nothing is coloured")


def recorded_brief():
    tap = report(RECORDED).out
    blocks = {number: yaml_of(lines) for number, lines in blocks_of(tap).items()}
    equal(at(blocks, 2, "map"), "0-46 ok, work+0x84, host+0x10c74, fork_lru_stdlist.cc:144",
          "a map of one segment is one line of YAML")
    equal(at(blocks, 1, "map", 1),
          "34 SIGSEGV, std::__detail::_List_node_base::_M_transfer+0x14, "
          "libstdc++.so.6.0.30+0xb9604", "without source the module stands alone")
    equal(at(blocks, 4, "map"),
          "0-1923 hang (F waits), work+0xc3, host+0xd0f3, fork_stop_sampler.c:40",
          "that F waits is told")
    for number, one in enumerate(RECORDED, 1):
        for key in "points", "forks", "coverage":
            equal(at(blocks, number, key), None if one.get(key) is None else str(one[key]),
                  f"point {number} has the cell's {key}")
    like(tap, r"^  points: 2582\n  forks: 619\n  coverage: \"2582 of 2582 points, 619 subjects\"\n"
         r"  map:\n    - \"0-31 SIGSEGV, ", "they stand together, the map last")
    like(tap, r"^# fork-lru-stdlist +SEGV$", "in the table a cell with one bad outcome has its word")
    like(tap, r"^# finalize-check-then-ensure/gilstate +SEGV\+ +SEGV\+$",
         "one with several has that of the gravest, not of the most frequent")


def one_point():
    """One bad point in a window of any length, seen on any screen."""
    missing = []
    for points in 1, 2, 37, 38, 39, 97, 98, 99, 100, 1000, 99991:
        for bad in sorted({0, 1, points // 3, points - 2, points - 1} & set(range(points))):
            segments = lengths(*[part for part in (
                (bad, "ok"), (1, "SIGSEGV"), (points - bad - 1, "ok")) if part[0] > 0])
            one = cell(*segments)
            for width in 40, 100:
                lines = pictures(report([one], width).out)[1]
                missing += [f"{points}, {bad}, {width}: {fault}"
                            for fault in faults(one, lines, width)]
                strip = parts(lines)[2] if len(lines) > 5 else ""
                if strip.count("S") != 1 or len(strip) != min(points, width - 2):
                    missing.append(f"{points}, {bad}, {width}: {strip}")
    none(missing, "one bad point is one sign, wherever it is")


def every_sign():
    segments = lengths(*[(3, outcome, waits) for outcome, _, _, _ in SIGNS
                         for waits in (False, True)])
    one = cell(*segments)
    for width in WIDTHS:
        status, tap, err = report([one], width)
        equal((status, err), (0, ""), "every outcome there is")
        none(faults(one, pictures(tap)[1], width), f"has its sign and its word at {width} columns")
    like(tap, r"^# 10 more segments: --json has them$", "of a long map the table's end is counted")
    block = yaml_of(blocks_of(tap)[1])
    equal((len(block["map"]), block["map"][-1]), (17, "10 more segments: --json has them"),
          "and that of the YAML")
    mixed = lengths((500, "SIGSEGV", True), (500, "SIGSEGV"), (1, "hang"), (500, "hang", True))
    none(faults(cell(*mixed), pictures(report([cell(*mixed)], 60).out)[1], 60),
         "beside points at which F waits those at which it does not show")


SYMBOLS = [
    ("take_gil+0x12", "exact", "take_gil+0x12"),
    ("take_gil+0x12", "near", "~take_gil+0x12"),
    (None, "none", "?"),
    ("", "none", "?"),
    ("ns::f(std::vector<int, std::allocator<int> > const&, void (*)(int))+0x0", "exact",
     "ns::f+0x0"),
    ("(anonymous namespace)::work(subject*)+0x84", "exact", "work+0x84"),
    ("void ns::run<int, (ns::kind)1>(int) const+0x4", "exact", "ns::run+0x4"),
    ("std::map<int, std::list<int> >::operator[](int const&)+0x1f", "exact",
     "std::map::operator[]+0x1f"),
    ("ns::less::operator()(int, int) const+0x1f", "exact", "ns::less::operator()+0x1f"),
    ("ns::operator<<(std::ostream&, ns::text const&)+0x1f", "exact", "ns::operator<<+0x1f"),
    ("ns::counter::operator++(int)", "exact", "ns::counter::operator++"),
    ("operator new(unsigned long)+0x1c", "exact", "operator new+0x1c"),
    ("ns::run()::{lambda(int)#1}::operator()(int) const+0x9", "exact",
     "ns::run::{lambda#1}::operator()+0x9"),
    ("(((+0x1", "exact", "(((+0x1"),
    (")>) ( <a", "near", "~)>) ( <a"),
]


def symbols():
    for symbol, trust, wanted in SYMBOLS:
        one = cell(segment(0, 0, "SIGSEGV", symbol=symbol, trust=trust))
        has(report([one]).out, f'  map: "0 SIGSEGV, {wanted}, libwork.so.1+0x1000, work.c:12"',
            f"{symbol} is shown as {wanted}")
    long = "outer::" * 30 + "inner_function_with_a_name_of_a_length_beyond_all_measure+0x1234"
    tap = report([cell(segment(0, 0, "SIGSEGV", symbol=long))]).out
    like(tap, r"^# 0  SEGV  inner_function_with_a_name_o…\+0x1234  libwork\.so\.1\+0x1000  "
         r"work\.c:12$", "a long name keeps its beginning and its offset")
    like(report([cell(segment(0, 0, "SIGSEGV", symbol=long))], 40).out,
         r"^# 0  SEGV  inner_function_with_a…\+0x1234$", "also on a narrow screen")
    tap = report([cell(segment(0, 0, "SIGSEGV", source=None, module=None))]).out
    like(tap, r"^# 0  SEGV  work\+0x1c$", "of what nobody knows nothing is said")


def allocators():
    usual = cell(*lengths((5, "ok")))
    other = cell(*lengths((3, "ok"), (1, "SIGSEGV")))
    setting = {key: other[key] for key in ("trials", "outcomes", "points", "forks", "map")}
    same = {key: usual[key] for key in ("trials", "outcomes", "points", "forks", "map")}
    usual.update(trials=3, hits=3, outcomes={"ok": 2, "SIGSEGV": 1})
    usual["allocators"] = {"default": {**same, "fresh_reason": None}, "tight": setting}
    tap = report([usual]).out
    none(faults({**usual, **setting}, pictures(tap)[1], 100, " under tight"),
         "a setting of the allocator whose map is another has a picture")
    block = yaml_of(blocks_of(tap)[1])
    equal(at(block, "allocators", "default"),
          {"trials": "1", "outcomes": {"ok": "1"}},
          "what the cell says already is not said twice")
    equal(at(block, "allocators", "tight", "map", 1),
          "3 SIGSEGV, work+0x1c, libwork.so.1+0x1003, work.c:12", "its own map is")
    twice = cell(*other["map"], trials=4, hits=4, outcomes={"ok": 2, "SIGSEGV": 2},
                 allocators={"default": setting, "tight": setting})
    equal(report([twice]).out.count(" of the window"), 1, "the same map is drawn once")
    usual["allocators"]["tight"] = None
    usual.update(counted(usual["map"]))
    tap = report([usual]).out
    unlike(tap, "allocators|of the window", "one setting alone is not told of")
    setting["map"][0]["to"] = 7
    usual["allocators"]["tight"] = setting
    usual.update(trials=3, hits=3, outcomes={"ok": 2, "SIGSEGV": 1})
    status, _, err = report([usual])
    equal(status, 3, "an impossible map of a setting is refused")
    has(err, "'allocators.tight.map[1].from' is 3, where the segment has to begin with 8",
        "by its name")


def behind():
    """Few points that are well among many that are not: no column shows them, the legend does."""
    tap = report([cell(*lengths((7, "ok"), (1031, "SIGSEGV"), (3, "ok")))]).out
    like(tap, r"^# S SEGV 1031 · \. ok 10 \(behind worse ones\)$", "what no column shows is told")
    like(tap, r"^# 0\n# S{98}$", "and the first column begins at 0, whatever it shows")
    tap = report([cell(*lengths((17, "ok"), (1031, "SIGSEGV"), (3, "ok")))]).out
    like(tap, r"^# S SEGV 1031 · \. ok 20$", "what one shows is not")


def kinds():
    """Neighbours with the same outcome are told apart by their findings."""
    def frame(function, trust="exact", python=False):
        return {"n": 0, "function": function, "trust": trust, "python": python}

    findings = [
        {"outcome": "SIGSEGV", "count": 1, "message": "no word of it",
         "frames": [frame("new_threadstate"), frame("from_python", python=True),
                    frame("PyGILState_Ensure"), frame("work")]},
        {"outcome": "SIGSEGV", "count": 1, "message": "", "frames": [frame("sem_wait", "near")]},
        {"outcome": "SIGABRT", "count": 1, "message": "free(): invalid\nsize", "frames": []},
        {"outcome": "SIGABRT", "count": 1, "message": "", "frames": [frame("abort")]},
        {"outcome": "hang", "count": 1, "message": "", "frames": [frame("take_gil")]}]
    segments = lengths((2, "SIGSEGV"), (3, "SIGSEGV"), (1, "SIGABRT"), (1, "ok"), (1, "SIGABRT"),
                       (1, "hang"), (1, "SIGSEGV"))
    for one, number in zip(segments, [0, 1, 2, None, 3, 4, 0]):
        one["finding"] = number
    one = cell(*segments, findings=findings, trials=9, hits=9,
               outcomes={"SIGSEGV": 4, "SIGABRT": 2, "ok": 2, "hang": 1})
    tap = report([one]).out
    like(tap, r"^# 0-1  SEGV #1  .*\n# 2-4  SEGV #2  .*\n#   5  ABRT #3 ",
         "each kind has its number in the table")
    like(tap, r"^#   8  hang     ", "an outcome of one kind has none")
    equal(re.findall(r"^# (#.*)$", tap, re.M),
          ["#1 SEGV: new_threadstate < PyGILState_Ensure", "#2 SEGV: ~sem_wait",
           "#3 ABRT: free(): invalid", "#4 ABRT: abort"],
          "which is told once: where it was in C, or what an abort said")
    brief = yaml_of(blocks_of(tap)[1])["map"]
    like(brief[0], r"^0-1 SIGSEGV #1 \(new_threadstate < PyGILState_Ensure\), work\+0x1c,",
         "so it is in the YAML")
    like(brief[5], r"^8 hang, work", "where it says something")
    one["findings"] = None
    for one in segments:
        one["finding"] = None
    unlike(report([cell(*segments)]).out, r"(SEGV|SIGSEGV) #", "without findings there is no number")


def side(access, *frames, what="heap", **more):
    return {"access": access, "size": 8, "what": what, "frames": list(frames), **more}


def borders():
    """What W did last before a border, and what F does with the same memory."""
    segments = lengths((28, "SIGSEGV"), (1, "SIGABRT"), (2, "ok"), (3, "exit"), (1, "ok"))
    segments[1]["pair"] = {
        "w": side("read", "PyGILState_Ensure+0x60 (libx.so)", "work+0xb6 (host)", "start (x)",
                  what="data of libx.so+0x10"),
        "f": side("write", "near _Fini+0x1f (libx.so)", "ns::end(int)+0x1 (libx.so)", who="F")}
    segments[2]["pair"] = {"w": side("read and write", "f+0x1 (x)"),
                           "f": side("read", "libz.so+0x88", who="child")}
    segments[3]["pair"] = {"w": side("system call", "futex+0x1 (libc.so.6)", what=None), "f": None}
    tap = report([cell(*segments)]).out
    has(tap, """#
# at each border: what W did last before it, and what F, or its child, does with that
# 28  W read data of libx.so+0x10: PyGILState_Ensure+0x60 < work+0xb6
#     F writes it: ~_Fini+0x1f < ns::end+0x1
# 29  W read and wrote heap: f+0x1
#     its child reads it: libz.so+0x88
# 31  W called the kernel: futex+0x1
#
""", "each border with a pair has its lines, in words")
    none([line for line in report([cell(*segments)], 40).out.split("\n")
          if line.startswith("# ") and len(line) > 40], "which are no wider than the screen")
    many = lengths(*[(1, "ok" if n % 2 else "SIGSEGV") for n in range(20)])
    for one in many[1:]:
        one["pair"] = segments[3]["pair"]
    tap = report([cell(*many)]).out
    equal(tap.count("W called the kernel"), 12, "of many borders the first are shown")
    has(tap, "\n# 7 more borders: --json has them\n", "and the others counted")


def hostile():
    texts = ["two\nlines", "\n...\nok 99 - forged", "Bail out! no", "esc \033[31m", "nul \0 x",
             "key: value", "- item", '"', "x" * 100_000, "\u202ertl", "(" * 5000, "<" * 5000,
             "::" * 5000, "operator" * 999, "/", "+0x", "+", "# TODO", "a b c d"]
    cells = [cell(segment(0, 3, "SIGSEGV", symbol=text, source=text, module=text),
                  segment(4, 9, "ok", trust="near", symbol=text, source=text, module=text, pair={
                      "w": side(text, text, f"near {text} ({text})", what=text),
                      "f": side(text, text, who=text)}),
                  fresh_reason=text, trials=3, hits=3, outcomes={"SIGSEGV": 1, "ok": 1, "hang": 1},
                  allocators={"a": {"trials": 2, "outcomes": {"SIGSEGV": 1, "ok": 1}},
                              text.replace("\0", ""): {
                                  "trials": 1, "outcomes": {"hang": 1}, "points": 1,
                                  "map": [segment(0, 0, "hang")]}}, scenario=f"s{number}")
             for number, text in enumerate(texts)]
    for width in 40, 100:
        status, tap, err = report(cells, width)
        equal((status, err), (0, ""), f"hostile texts in maps are reported in {width} columns")
        judged = judged_by_prove(tap)
        equal((judged.ended, judged.errors, judged.tests, judged.failed),
              (True, "", len(cells), 0), "prove reads each, and none becomes a line of its own")
        unlike(tap, r"[\x00-\x09\x0b-\x1f\x7f\u202e]", "no control character comes through")
        none([line for lines in pictures(tap).values() for line in lines
              if len(line) + 2 > width and line.count(" ") < 3], "no line is too wide")
    blocks = blocks_of(tap)
    none([text for number, text in enumerate(texts, 1)
          if len(text) < 4000 and at(yaml_of(blocks[number]), "fresh_reason") != text],
         "the YAML gives back what went in")


def screens():
    one = cell(*lengths((200, "ok"), (1, "SIGSEGV"), (200, "ok")))

    def strip(columns):
        return len(parts(pictures(report([one], columns).out)[1])[2])

    equal([strip(columns) for columns in ("", "x", "0", "1", "39", "64", "101", "99999999999", "-3")],
          [98, 98, 98, 38, 38, 62, 98, 98, 98], "COLUMNS has bounds, and what is no number is not it")
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 55, 0, 0))
    env = {**os.environ, "NO_COLOR": "1"}
    # What is written must fit the terminal's buffer of 4 KiB: nobody reads meanwhile.
    spew(scratch("one.sh"), f"exec {PROGRAM} report {scratch('in.jsonl')} >/dev/tty\n")
    pid = os.fork()
    if not pid:
        os.close(leader)
        os.login_tty(follower)
        os.execvpe("sh", ["sh", scratch("one.sh")], env)
    os.close(follower)
    seen = b""
    while True:
        try:
            more = os.read(leader, 4096)
        except OSError:
            break
        if not more:
            break
        seen += more
    os.waitpid(pid, 0)
    os.close(leader)
    drawn = pictures(seen.decode().replace("\r\n", "\n"))
    none(faults(one, drawn.get(1, []), 55), "a terminal's own width is taken")


recorded()
recorded_brief()
one_point()
every_sign()
symbols()
allocators()
behind()
kinds()
borders()
hostile()
screens()
ok(forkpoint("report", "tests/report/maps.jsonl").status == 0, "the recording is a good one")
done()
