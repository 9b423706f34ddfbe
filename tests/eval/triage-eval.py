#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""How often `forkpoint triage` is right.

    triage-eval.py CORPUS [FIXTURES]

CORPUS has reports/NNN.txt and labels.jsonl (its README says what the labels mean). A pattern is
right if it is the label's or stands in its `also`; labels of pattern `none` are left out; where the
label is `other`, the three patterns that are no races of fork or finalization count as right, too.
Wanted: 90 % of the patterns, 80 % of the attributions, no error of high confidence, and no negative
called fork-safety or finalization-toctou. The figure is also given with each repository left out in
turn: rules about causes hold without it, rules about one project's traces do not.

FIXTURES has the project's own reports, with what is expected in the head of each (the words of
tests/lib/triage_fixtures.py). They are scored in the same way and told apart; what is left out in
turn is a scenario.

Exit status 0: as wanted; 1: not; 2: usage."""
import collections
import json
import os
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "lib"))
import triage_fixtures  # noqa: E402

WANTED_PATTERNS, WANTED_ATTRIBUTIONS = 0.90, 0.80
RACES = {"fork-safety", "finalization-toctou"}
BESIDE_OTHER = {"other", "gil-not-held", "shutdown-lock", "lock-order"}

Case = collections.namedtuple("Case", "label answer")


def triage(path):
    """The first report of a file; None: nothing is recognised."""
    ran = subprocess.run([os.environ["FORKPOINT"], "triage", "--json", str(path)],
                         capture_output=True, text=True, timeout=60, check=False)
    lines = ran.stdout.splitlines()
    return json.loads(lines[0]) if lines else None


def right_patterns(label):
    if label["pattern"] == "other":
        return BESIDE_OTHER | set(label.get("also") or [])
    return {label["pattern"], *(label.get("also") or [])}


def pattern_of(case):
    return case.answer["pattern"] if case.answer else "(not read)"


def pattern_is_right(case):
    return pattern_of(case) in right_patterns(case.label)


def attribution_is_right(case):
    return bool(case.answer) and case.answer["attribution"] == case.label["attribution"]


def part(cases, is_right):
    return sum(map(is_right, cases)) / len(cases) if cases else 0


def print_confusion(cases):
    counts = collections.Counter((case.label["pattern"], pattern_of(case)) for case in cases)
    columns = sorted({column for _, column in counts})
    rows = sorted({row for row, _ in counts})
    width = max(map(len, rows + columns))
    print("label (rows) and answer (columns):")
    for number, column in enumerate(columns):
        print(f"  {number:2} {column}")
    print(" " * (width + 1) + "".join(f"{number:4}" for number in range(len(columns))))
    for row in rows:
        line = "".join(f"{counts.get((row, column)) or '.':>4}" for column in columns)
        print(f"{row:{width}} {line}")


def print_errors(cases):
    for case in cases:
        label, answer = case.label, case.answer or {}
        if pattern_is_right(case) and attribution_is_right(case):
            continue
        print(f"{label['id']} {label['format']:13} {label['pattern']} -> {pattern_of(case)}, "
              f"{label['attribution']} -> {answer.get('attribution')} "
              f"({answer.get('confidence')}; label {label['confidence']})")


def leave_out_in_turn(cases):
    """The least and the mean figure over all repositories; of fixtures, over all scenarios."""
    repositories = sorted({case.label["repo"] for case in cases})
    figures = [(part([c for c in cases if c.label["repo"] != repository], pattern_is_right),
                repository) for repository in repositories]
    return min(figures), sum(figure for figure, _ in figures) / len(figures)


def score(cases, of_one="repository"):
    """True if all is as wanted."""
    patterns, attributions = part(cases, pattern_is_right), part(cases, attribution_is_right)
    proud = [case.label["id"] for case in cases if case.answer and not pattern_is_right(case)
             and case.answer["confidence"] == "high"]
    false = [case.label["id"] for case in cases
             if case.label["pattern"] == "other" and pattern_of(case) in RACES
             and not pattern_is_right(case)]
    (least, repository), mean = leave_out_in_turn(cases)

    print_confusion(cases)
    print()
    print_errors(cases)
    print()
    print(f"{len(cases)} reports: pattern {100 * patterns:.1f} %, "
          f"attribution {100 * attributions:.1f} %")
    print(f"with each {of_one} left out in turn: pattern {100 * mean:.1f} % in the mean, "
          f"{100 * least:.1f} % without {repository}")
    print(f"errors of high confidence: {' '.join(proud) or 'none'}")
    print(f"negatives called a race of fork or finalization: {' '.join(false) or 'none'}")
    return (patterns >= WANTED_PATTERNS and attributions >= WANTED_ATTRIBUTIONS
            and not proud and not false)


def fixture_cases(directory):
    """As if their heads were labels."""
    every = triage_fixtures.fixtures(directory)
    answers = triage_fixtures.triage(os.environ["FORKPOINT"], every)
    for one in every:
        pattern, *also = one.expect["pattern"].split("|")
        answer = triage_fixtures.chosen(one, answers[one.path])
        attributions = one.expect["attribution"].split("|")
        right = answer and answer["attribution"] in attributions
        name = one.path.stem
        yield Case({"id": name, "format": one.expect["format"], "pattern": pattern, "also": also,
                    "attribution": answer["attribution"] if right else attributions[0],
                    "confidence": "by construction",
                    "repo": re.sub(r"-3\.[0-9.]+-.*|-[a-z]+$", "", name)}, answer)


def main():
    if len(sys.argv) < 2:
        print(__doc__, file=sys.stderr)
        return 2
    corpus = pathlib.Path(sys.argv[1])
    with open(corpus / "labels.jsonl", encoding="utf-8") as lines:
        labels = [json.loads(line) for line in lines]
    cases = [Case(label, triage(corpus / "reports" / f"{label['id']}.txt"))
             for label in labels if label["pattern"] != "none"]
    as_wanted = score(cases)
    if len(sys.argv) > 2:
        print("\nthe project's own reports:\n")
        as_wanted = score(list(fixture_cases(sys.argv[2])), "scenario") and as_wanted
    return 0 if as_wanted else 1


if __name__ == "__main__":
    sys.exit(main())
