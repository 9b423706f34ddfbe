#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What real crashes and hangs of real interpreters are called. Only scenarios in which the race is
# met each time run here, on every interpreter that is at hand, without their twins; whatever they
# end in on a release, if it is a crash or a hang it has this name.
. tests/tap.sh

cells=$tap_dir/cells.jsonl
run "$FORKPOINT" run fork-atfork-order fork-held-mutex fork-stop-sampler fork-live-subinterpreter \
	fork-atfork-head-lock finalize-ensure-after finalize-check-then-ensure finalize-restore \
	restore-after-reinit --twins without --json "$cells"
if [ "$status" = 77 ]; then
	skip "real crashes get their names" "no interpreter is here"
	tap_done
	exit
fi
# Verdicts are another test's business; here the run must only have come to its end.
ok "the scenarios are run (status $status)" test "$status" -le 1
[ "$status" -le 1 ] || tap_explain "$err"

# The cells of a scenario in which something was found. `"findings":[{` has one at least.
found() { # SCENARIO
	grep -F "\"scenario\":\"$1\"" "$cells" | grep -F '"findings":[{' || :
}

# Every one of the cells has the part, and there is one.
each() { # SCENARIO PART SENTENCE
	lines=$(found "$1")
	if [ -z "$lines" ]; then
		tap_result 'not ok' "$1: $3"
		tap_explain "no cell of $1 ended in a crash or a hang"
		return
	fi
	other=$(printf '%s\n' "$lines" | grep -vF "$2" || :)
	is "$(printf '%s' "$other" | cut -c 1-1500)" "" "$1: $3"
}

each fork-atfork-order/lock '"triage":{"pattern":"fork-safety"' "is fork-safety"
each fork-atfork-order/lock '"also":["lock-order"' "and the order of handlers"
each fork-atfork-order/lock '"component":"so_profile.so"' "and the module at fault is named"
each fork-atfork-order/memory '"triage":{"pattern":"fork-safety"' "is fork-safety"
each fork-held-mutex '"triage":{"pattern":"fork-safety"' "is fork-safety"
each fork-held-mutex 'as its owner: no thread of process' "its lock's owner is the evidence"
each fork-held-mutex 'is in work of the parent' "and who held it stands in its own code"
each fork-held-mutex '"signature":"v1 hang (mutex) reset_in_child<fork' "with one signature for all"
each fork-stop-sampler/join '"triage":{"pattern":"lock-order"' "is lock-order"
each fork-live-subinterpreter '"triage":{"pattern":"fork-safety"' "is fork-safety"
each fork-live-subinterpreter '"attribution":"cpython"' "of CPython's own"
for variant in new-state current-frames import; do
	each "fork-atfork-head-lock/$variant" '"triage":{"pattern":"lock-order"' "is lock-order"
	each "fork-atfork-head-lock/$variant" '"attribution":"interaction"' "of no single party"
done
each finalize-ensure-after/gilstate '"triage":{"pattern":"finalization-toctou"' "is finalization"
each finalize-ensure-after/gilstate '"signature":"v1 SIGSEGV PyGILState_Ensure<ensure_after_work' \
	"with one signature for all"
each finalize-check-then-ensure/gilstate '"triage":{"pattern":"finalization-toctou"' \
	"is finalization"
each finalize-restore/noexcept '"triage":{"pattern":"finalization-toctou"' "is finalization"
each finalize-restore/noexcept '"also":["ffi-unwind"' "and ffi-unwind"
each finalize-restore/catch-all '"triage":{"pattern":"ffi-unwind"' "is ffi-unwind"
each finalize-restore/catch-all '"also":["finalization-toctou"' "and likely finalization"
each restore-after-reinit '"triage":{"pattern":"finalization-toctou"' "is finalization"
each restore-after-reinit '"also":["use-after-free"' "and use-after-free"

is "$(grep -cF '"pattern":"other"' "$cells" || :)" 0 "no crash is left without a name"

run python3 tests/lib/read_back.py "$FORKPOINT" "$cells"
is "$status" 0 "what is recorded of them is classified in the same words as what was met"
tap_explain "$out" "$err"

tap_done
