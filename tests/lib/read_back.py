#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Is a crash that was recorded classified as it was when it was met?

    read_back.py FORKPOINT CELLS

CELLS is what `run --json` wrote. Each of its findings with a capture is given to `triage --json`.
Says how many there were; and each answer that is another one, and ends with 1 then."""
import json
import subprocess
import sys

SAME = ["pattern", "detail", "also", "attribution", "component", "confidence", "signature",
        "evidence"]


def captured(path):
    with open(path, encoding="utf-8") as cells:
        for line in cells:
            for finding in json.loads(line).get("findings") or []:
                if finding["triage"] and (finding["frames"] or finding["message"]):
                    yield finding


def main():
    findings = list(captured(sys.argv[2]))
    ran = subprocess.run([sys.argv[1], "triage", "--json", sys.argv[2]], capture_output=True,
                         check=False)
    answers = [json.loads(line) for line in ran.stdout.splitlines()]
    wrong = 0
    for finding, answer in zip(findings, answers):
        for key in SAME:
            if answer[key] != finding["triage"][key]:
                wrong += 1
                print(f"{finding['replay']}: {key} was {finding['triage'][key]!r}, "
                      f"is {answer[key]!r}")
    print(f"{len(answers)} of {len(findings)} findings are read back")
    return 1 if wrong or len(answers) != len(findings) else 0


if __name__ == "__main__":
    sys.exit(main())
