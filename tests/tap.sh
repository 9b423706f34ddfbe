# SPDX-License-Identifier: Apache-2.0
# TAP for tests written in sh: read by `. tests/tap.sh`, from the top of the tree. A test is a
# sentence; the plan comes last, by tap_done, so a script that dies early has none and fails.
#
#	run COMMAND…           keeps its output in $out, its errors in $err, its status in $status
#	ok "sentence" TEST…    passes if the command TEST… does
#	is GOT WANTED "…"      equal strings
#	has TEXT PART "…"      PART is in TEXT; hasnt: it is not
#	skip "…" WHY           counted, with its reason

# `make check` tells where things are; by hand, BUILD=… sh tests/11-options.t will do.
BUILD=${BUILD:-build}
FORKPOINT=${FORKPOINT:-$BUILD/forkpoint}
UNITS=${UNITS:-$BUILD/tests/unit}
tap_count=0
tap_dir=$(mktemp -d "${TMPDIR:-/tmp}/forkpoint-test.XXXXXX")
trap 'rm -rf "$tap_dir"' EXIT

tap_result() { # RESULT SENTENCE
	tap_count=$((tap_count + 1))
	echo "$1 $tap_count - $2"
}

tap_explain() {
	printf '%s\n' "$@" | sed 's/^/# /'
}

run() {
	status=0
	"$@" >"$tap_dir/out" 2>"$tap_dir/err" </dev/null || status=$?
	out=$(cat "$tap_dir/out")
	err=$(cat "$tap_dir/err")
}

ok() {
	tap_sentence=$1
	shift
	if "$@"; then
		tap_result ok "$tap_sentence"
	else
		tap_result 'not ok' "$tap_sentence"
		tap_explain "failed: $*"
	fi
}

is() {
	if [ "$1" = "$2" ]; then
		tap_result ok "$3"
	else
		tap_result 'not ok' "$3"
		tap_explain "got:" "$1" "wanted:" "$2"
	fi
}

has() {
	case $1 in
	*"$2"*) tap_result ok "$3" ;;
	*)
		tap_result 'not ok' "$3"
		tap_explain "no '$2' in:" "$1"
		;;
	esac
}

hasnt() {
	case $1 in
	*"$2"*)
		tap_result 'not ok' "$3"
		tap_explain "there is '$2' in:" "$1"
		;;
	*) tap_result ok "$3" ;;
	esac
}

skip() {
	tap_result ok "$1 # SKIP $2"
}

tap_done() {
	echo "1..$tap_count"
}
