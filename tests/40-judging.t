#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The pure parts of judging a cell: statistics, verdicts, tables, replay lines.
. tests/tap.sh

UNITS=${UNITS:-$BUILD/tests/unit}

for unit in stats verdict catalog replay; do
	run "$UNITS/$unit"
	is "$status" 0 "unit tests of $unit pass"
	hasnt "$out" "not ok" "none of $unit failed"
	has "$out" "1.." "and $unit came to its end"
	printf '%s\n' "$out" | grep -A3 '^not ok' | sed 's/^/# /'
done
tap_done
