#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# All fuzz targets, one after the other, each reader alone and all together:
#
#	FUZZERS=DIR UNITS=DIR FORKPOINT=FILE sh tests/fuzz/fuzz.sh ARGUMENT…
#
# The arguments are libFuzzer's. Inputs that kill a target are left in $FUZZ_FOUND (./fuzz-found), and tell by
# their name which one (with FUZZ_READER for a reader alone); the exit status is 1 then.
set -u
: "${FUZZERS:?}" "${UNITS:?}" "${FORKPOINT:?}"
. tests/fuzz/samples.sh
dir=$(mktemp -d "${TMPDIR:-/tmp}/forkpoint-fuzz.XXXXXX")
trap 'rm -rf "$dir"' EXIT
found=${FUZZ_FOUND:-$PWD/fuzz-found}
status=0
# What abort() ends is what our own handler writes down.
export ASAN_OPTIONS="abort_on_error=1:handle_segv=0:handle_abort=0:detect_stack_use_after_return=0"
export UBSAN_OPTIONS="abort_on_error=1:print_stacktrace=1"

fuzz() { # NAME TARGET CORPUS ARGUMENT…
	name=$1
	target=$2
	corpus=$3
	shift 3
	mkdir "$dir/run"
	if (cd "$dir/run" && "$FUZZERS/$target" "$@" "$corpus" >../said 2>&1); then
		echo "ok $name: $(tail -n 1 "$dir/said")"
	else
		echo "not ok $name"
		tail -n 40 "$dir/said" | sed 's/^/# /'
		mkdir -p "$found"
		for input in "$dir"/run/*; do
			[ -f "$input" ] || continue
			cp "$input" "$found/$name-${input##*/}"
			echo "# the input is kept: $found/$name-${input##*/}"
		done
		status=1
	fi
	rm -rf "$dir/run"
}

samples_write "$dir/samples" && samples_sort "$dir/samples" "$dir/sorted" || exit 2
python3 -B tests/lib/core_file.py "$dir/made" || exit 2
mkdir "$dir/rules" "$dir/names" "$dir/tables" "$dir/chains"
cat >"$dir/rules/all" <<'RULES'
# Rules of all kinds.
module=_fast.*  category="application extension"  component=fast
module=acme/io/_*.so  function=acme::*  category=extension  component=acme-io
file=src/acme/io*  category=library  component=acme  owner=application
module="" function=[A-Z_]?un* category=unknown owner=unknown
module=/opt/* category=cpython owner=third-party
RULES
printf 'function=a category=nothing\n' >"$dir/rules/wrong"
grep -ho '_[ZR][A-Za-z0-9_$.]*' tests/unit/demangle.c tests/unit/triage-names.c >"$dir/names/mangled"
grep -ho 'check_bare("[^"]*' tests/unit/triage-names.c | cut -c 13- >"$dir/names/bare"
# A first line, an offset, and an entry of each kind.
printf '\012\0\0\0\004\0\320\002\004\330\002\004\350\004\200\001\370\362\003\001\002\003\377' \
	>"$dir/tables/kinds"
printf '\377\377\377\177\0\0\350\177\177\177\177\177\077' >"$dir/tables/far"
# Patches, if there are any: another owner, another frame before, a longer text.
printf '' >"$dir/chains/none"
printf '\130\0\004\0\300\0\100\020' >"$dir/chains/owner"
printf '\0\002\377\377\010\002\104\0' >"$dir/chains/text"

fuzz all readers "$dir/samples" "$@"
for reader in "$dir"/sorted/*; do
	reader=${reader##*/}
	[ "$reader" = none ] && continue
	export FUZZ_READER="$reader"
	fuzz "reader-$reader" readers "$dir/sorted/$reader" "$@" "$dir/sorted/none"
	unset FUZZ_READER
done
fuzz rules rules "$dir/rules" "$@"
fuzz names names "$dir/names" "$@"
fuzz writers writers "$dir/samples" "$@"
fuzz tables tables "$dir/tables" "$@"
fuzz chains chains "$dir/chains" "$@"
fuzz core core "$dir/made/cores" "$@"
fuzz notes notes "$dir/made/notes" "$@"
exit $status
