#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is recorded of live processes: the unit programs against processes made for it, then one real
# crash and one real hang of a host, as `run --json` tells them.
. tests/tap.sh

UNITS=${UNITS:-$BUILD/tests/unit}

for unit in procfs crash capture-signal capture-file capture-hang capture-denied; do
	run "$UNITS/$unit"
	is "$status" 0 "unit tests of $unit pass"
	hasnt "$out" "not ok" "none of them failed"
	has "$out" "1.." "and they came to their end"
	printf '%s\n' "$out" | grep -A3 '^not ok' | sed 's/^/# /'
done

# A crash that finds itself on the machine's oldest Python, in the harness's own scenarios.
python=$("$FORKPOINT" pythons | sed -n 's/^\* *\([^ ]*\).*/\1/p' | head -n 1)
if [ -z "$python" ]; then
	skip "a host's crash is recorded" "no interpreter is here"
	tap_done
	exit
fi

run "$FORKPOINT" run selftest-child-crash --twins without --python "$python" --json -
crash=$out
has "$crash" '"outcomes":{"SIG' "a crash in a forked child is seen"
has "$crash" '"trust":"exact"' "functions are named"
has "$crash" 'scenarios/selftest.c' "by source file"
has "$crash" '"pattern":"fork-safety"' "that it was a child is known"
hasnt "$crash" 'announce' "the announcing handler is not part of the crash"

run "$FORKPOINT" run fork-held-mutex --twins without --python "$python" --json -
has "$out" '"outcomes":{"hang":' "a hang in a forked child is seen"
has "$out" 'the mutex at 0x' "the lock it hangs on is found in memory"
has "$out" 'as its owner: no thread of process' "and its owner, who is not in the child"

tap_done
