#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The rules of the house that a machine can hold (ci/check-style.sh), and that it holds them.
. tests/tap.sh

run sh ci/check-style.sh
is "$status" 0 "the tree keeps the rules of the house"
[ "$status" = 0 ] || tap_explain "$out"

# A copy with one breach each: the check must see it.
tree=$tap_dir/tree
breach() { # "sentence" FILE TEXT PART
	rm -rf "$tree"
	mkdir -p "$tree/ci" "$tree/harness"
	cp ci/check-style.sh "$tree/ci/"
	printf '%b' "$3" >"$tree/$2"
	run sh "$tree/ci/check-style.sh"
	is "$status" 1 "$1 is seen"
	has "$out" "$4" "and told"
}
licence='/* SPDX-License-Identifier: Apache-2.0 */\n'
breach "a file without licence" harness/a.c 'int x;\n' "no SPDX line"
breach "a line of 101 columns" harness/a.c "$licence/* $(printf '%094d' 0) */x\n" "101 columns"
breach "an indent of blanks" harness/a.c "${licence}int f(void)\n{\n    return 1;\n}\n" "blanks"
breach "a path of somebody's machine" harness/a.c "$licence/* see /ho""me/me/x */\n" "somebody"
tap_done
