# SPDX-License-Identifier: Apache-2.0
# What fuzzers and the bench begin with: read by `. tests/fuzz/samples.sh`, from the top of the tree.
# The samples are those of the readers' unit tests, which are built already, in $UNITS.

# One file a text in DIR.
samples_write() { # DIR
	mkdir -p "$1" || return
	for unit in "$UNITS"/triage-read-*; do
		case $unit in
		*.d | *-limits) continue ;; # made by the compiler; no samples in it
		esac
		FORKPOINT_SAMPLES=$1 "$unit" >"$1.log" || {
			cat "$1.log" >&2
			return 1
		}
	done
	rm -f "$1.log"
}

# Those of each reader to DIR/NAME, and of no report to DIR/none.
samples_sort() { # FROM DIR
	for sample in "$1"/*; do
		name=$("$FORKPOINT" triage --json "$sample" 2>/dev/null |
			sed -n '1s/.*"format":"\([^"]*\)".*/\1/p')
		mkdir -p "$2/${name:-none}" || return
		cp "$sample" "$2/${name:-none}/" || return
	done
}
