# SPDX-License-Identifier: Apache-2.0
"""The fixtures of `forkpoint triage`: a real report a file, with what is right of it in its head.

    # made: gdb 13.1, …
    # expect: pattern=fork-safety|lock-order attribution=extension format=gdb signal=… signature="…"
    # todo: answers attribution=unknown

`made` and what is expected come from who made it (tests/fixtures/triage/make.py) and knew the
cause; of several words each is right, and the first says most. The signature, and how many reports
are found if that is not one (a program may say itself what a tool says again), is what was answered
last, so that a change is seen. `todo` says where the answer is known to be wrong.

As a program, `triage_fixtures.py --update` (that is `make update-golden`) writes signatures and
todos anew, and says what changed. What is expected it never touches."""
import collections
import json
import pathlib
import re
import subprocess
import sys

DIRECTORY = pathlib.Path(__file__).resolve().parents[1] / "fixtures/triage"
JUDGED = ["pattern", "attribution", "format", "signal"]
WORD = re.compile(r'(\w+)=(?:"([^"]*)"|(\S+))')

Fixture = collections.namedtuple("Fixture", "path made expect todo")


def read(path):
    """Raises ValueError if its head is none."""
    with open(path, encoding="utf-8") as lines:
        head = dict(re.findall(r"^# (made|expect|todo): (.*)", "".join(
            line for _, line in zip(range(3), lines)), re.M))
    expect = {key: quoted or bare for key, quoted, bare in WORD.findall(head.get("expect", ""))}
    if "made" not in head or not {*JUDGED, "signature"} <= set(expect):
        raise ValueError(f"{path}: not made, or not all that is expected is there")
    return Fixture(path, head["made"], expect, head.get("todo"))


def fixtures(directory=DIRECTORY):
    return [read(path) for path in sorted(pathlib.Path(directory).glob("*.txt"))]


def triage(program, every):
    """{path: the reports that are in the file}, by one process for all."""
    ran = subprocess.run([program, "triage", "--json", *(str(one.path) for one in every)],
                         stdin=subprocess.DEVNULL, capture_output=True, timeout=300, check=False)
    answers = {one.path: [] for one in every}
    for line in ran.stdout.splitlines():
        answer = json.loads(line)
        answers[pathlib.Path(answer["file"])].append(answer)
    return answers


def chosen(fixture, reports):
    """The report that is judged: the first of the tool's own format."""
    own = [one for one in reports if one["format"] == fixture.expect["format"]]
    return (own or reports or [None])[0]


def wrong(fixture, reports):
    """{key: what is answered} where it is not right."""
    answer = chosen(fixture, reports)
    answered = {key: str(answer[key] or "none") if answer else "nothing" for key in JUDGED}
    return {key: answered[key] for key in JUDGED
            if answered[key] not in fixture.expect[key].split("|")}


def golden(fixture, reports):
    """What is answered and written down, right or not."""
    answer = chosen(fixture, reports)
    number = f" reports={len(reports)}" if len(reports) != 1 else ""
    return f'signature="{answer["signature"] if answer else ""}"{number}'


def expected_golden(fixture):
    number = fixture.expect.get("reports")
    return f'signature="{fixture.expect["signature"]}"' + (f" reports={number}" if number else "")


def told(answers):
    return "answers " + " ".join(f"{key}={value}" for key, value in answers.items())


def head_of(fixture, reports):
    words = " ".join(f"{key}={fixture.expect[key]}" for key in JUDGED)
    lines = [f"# made: {fixture.made}", f"# expect: {words} {golden(fixture, reports)}"]
    errors = wrong(fixture, reports)
    return lines + [f"# todo: {told(errors)}"] * bool(errors)


def update(program):
    """Returns how many files changed."""
    every = fixtures()
    answers, changed = triage(program, every), 0
    for one in every:
        lines = one.path.read_text(encoding="utf-8").split("\n")
        old = lines[:3 if one.todo else 2]
        new = head_of(one, answers[one.path])
        if old == new:
            continue
        changed += 1
        one.path.write_text("\n".join(new + lines[len(old):]), encoding="utf-8")
        print(one.path.name)
        print(*(f"  - {line}" for line in old if line not in new), sep="\n")
        print(*(f"  + {line}" for line in new if line not in old), sep="\n")
    return changed


def main():
    if sys.argv[1:2] != ["--update"] or len(sys.argv) != 3:
        print("usage: triage_fixtures.py --update FORKPOINT", file=sys.stderr)
        return 2
    print(f"{update(sys.argv[2])} fixtures changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
