# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# What the sources of interpreters share: how they speak, here, and what they do, in lib/. Read with
# `.` by the scripts of this directory, which set HERE to it first.
#
# A source answers on standard output, one line a spec:
#
#	ok SPEC FILE	the interpreter file of what was asked for
#	skip SPEC WHY	it cannot be had from here
#	fail SPEC WHY	it should have been had: a broken download, a full disk
#
# and tells what it does on standard error. It exits with 0 whatever the answers are, but with
# STATUS_FULL when the disk is: then the answers may not have been written either. Functions hand
# results back in variables, named in capitals above each, because a `$(…)` is a fork, and finding
# interpreters stands in the way of every run.

STATUS_USAGE=2
STATUS_HARNESS=3
STATUS_FULL=28
STATUS_SKIP=77

# Both are ours: sources that work side by side would mix their lines otherwise.
progress() { printf 'forkpoint: %s\n' "$*" >&2; }

die() {
	status=$1
	shift
	progress "$*"
	exit "$status"
}

# STORE: where interpreters are kept. CONFIGURED: where those that a user added are.
store_locate() {
	if [ -z "${HOME:-}" ]; then
		HOME=$(getent passwd "$(id -u)" | cut -d: -f6)
	fi
	STORE=${FORKPOINT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/forkpoint}/interpreters
	CONFIGURED=${XDG_CONFIG_HOME:-$HOME/.config}/forkpoint/interpreters
	case $STORE in
	*[[:space:]]* | *\'*)
		die "$STATUS_HARNESS" "the path \"$STORE\" holds a blank or a quote, which make" \
			"cannot bear; set FORKPOINT_CACHE to a directory without"
		;;
	/*) ;;
	*)
		die "$STATUS_HARNESS" "'$STORE' is no absolute path;" \
			"set FORKPOINT_CACHE (or HOME) to one"
		;;
	esac
}

# answer KIND SPEC WHY-OR-FILE
answer() {
	printf '%s %s %s\n' "$1" "$2" "$3" 2>/dev/null || FULL=1
}

# The same for several: answer_all KIND WHY SPEC…
answer_all() {
	aa_kind=$1
	aa_why=$2
	shift 2
	for aa_spec in "$@"; do
		answer "$aa_kind" "$aa_spec" "$aa_why"
	done
}

# The end of a source.
source_end() {
	[ -z "$FULL" ] || exit "$STATUS_FULL"
	exit 0
}

offline() { [ "${FORKPOINT_OFFLINE:-0}" != 0 ]; }

# ARGS of a source's command line: `fetch SPEC…` and `find`, with -d DIR for another store.
# Sets ACTION and leaves the specs in SPECS.
source_arguments() {
	store_locate
	ACTION=${1:-}
	[ $# -eq 0 ] || shift
	SPECS=
	while [ $# -gt 0 ]; do
		case $1 in
		-d)
			[ $# -ge 2 ] || die "$STATUS_USAGE" "-d needs a directory"
			STORE=$2
			case $STORE in
			/*) ;;
			*) STORE=$PWD/$STORE ;;
			esac
			shift
			;;
		*)
			spec_parse "$1" ||
				die "$STATUS_USAGE" "'$1' names no release; write 3.13.18, 3.13.18+," \
					"3.13 or 3.13d"
			SPECS="$SPECS $1"
			;;
		esac
		shift
	done
	case $ACTION in
	find | fetch) ;;
	*) die "$STATUS_USAGE" "usage: $0 find|fetch [-d DIR] [SPEC…]" ;;
	esac
}

for part in release probe record store package; do
	. "$HERE/lib/$part.sh"
done
