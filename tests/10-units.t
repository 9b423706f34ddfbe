#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each program of tests/unit is one test here: its plan is kept, no point of it fails, it ends well.
set -eu
. tests/tap.sh

check_unit() { # NAME
	if [ ! -x "$UNITS/$1" ]; then
		tap_explain "$UNITS/$1 was not built"
		return 1
	fi
	run timeout 120 "$UNITS/$1"
	planned=$(printf '%s\n' "$out" | sed -n 's/^1\.\.\([0-9]*\).*/\1/p')
	points=$(printf '%s\n' "$out" | grep -cE '^(not )?ok ' || :)
	if [ "$status" -eq 0 ] && [ "$planned" = "$points" ] && ! printf '%s\n' "$out" | grep -q '^not ok'; then
		return 0
	fi
	tap_explain "ended with $status, $points of '$planned' points"
	printf '%s\n' "$out" | grep -A4 '^not ok' | sed 's/^/# /' || :
	[ -z "$err" ] || tap_explain "$err"
	return 1
}

for source in tests/unit/*.c; do
	name=$(basename "$source" .c)
	ok "the checks of tests/unit/$name.c hold" check_unit "$name"
done

tap_done
