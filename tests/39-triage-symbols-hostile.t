#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `forkpoint triage --symbols` with files that are no debug files, or that lie, or are a trap: each
# time the report is classified, in time, as it is without them.
. tests/tap.sh
. tests/lib/symbols/built.sh

run "$FORKPOINT" triage --json "$d/run.txt"
before=$out
mkdir "$d/name"
cp "$debug" "$d/name/"
triage "$d/name" "$d/run.txt"
has "$(frames libfast.so)" row_sum "the debug file itself is a good one"

# Files that are none.
hostile() { # WHAT: libfast.so.debug in $d/bad is it
	start=$(date +%s)
	triage "$d/bad" "$d/run.txt"
	is "$status" 0 "$1: the report is classified"
	has "$out" '"format":"raw"' "$1: and told"
	ok "$1: in time" test $(($(date +%s) - start)) -lt 60
	hasnt "$out" row_sum "$1: without symbols"
}
mkdir "$d/bad"
bad=$d/bad/libfast.so.debug
head -c 5000 /dev/urandom >"$bad"
hostile "garbage"
has "$err" "$bad is no ELF file that can be read: it is not used" "which is told"
head -c 1000 "$debug" >"$bad"
hostile "a file that is cut off"
: >"$bad"
hostile "an empty file"
rm "$bad"
mkfifo "$bad"
hostile "a pipe that nobody writes to"
rm "$bad"
ln -s /dev/zero "$bad"
hostile "a device without an end"
rm "$bad"
head -c 4096 "$debug" >"$bad"
truncate -s 1T "$bad" 2>/dev/null || truncate -s 8G "$bad"
hostile "a huge file"
rm "$bad"
ln -s .. "$d/bad/up"
ln -s . "$d/bad/round"
hostile "links to directories, in a circle"
has "$err" "there are no debug symbols" "what is behind such links is not found"

deep=$d/deep
for level in $(seq 40); do
	deep=$deep/$level
done
mkdir -p "$deep"
cp "$debug" "$deep"
triage "$d/deep" "$d/run.txt"
is "$status:$err" "0:forkpoint: --symbols: some directories cannot be read, or are too deep: their files are not looked at
forkpoint: --symbols: there are no debug symbols of the modules in the report" "what is too deep is told"

# Debug information that lies.
damaged() {
	for number in $(seq "$1"); do
		triage "$d/damaged/$number" "$d/run.txt"
		case $status:$out in
		'0:{"schema":1,'*'}') ;;
		*)
			tap_explain "damage $number ended with $status: $err" "$out"
			return 1
			;;
		esac
	done
}
reports damage "$debug" "$d/damaged" 100
ok "no damage to debug information ends more than the process that reads it" damaged 100

# What reads it may die of it all the same: a libdw that does stands for one that is broken.
cat >"$d/src/broken.c" <<'C'
#include <signal.h>
#include <stdlib.h>
int dwarf_getscopes(void);
int dwarf_getscopes(void)
{
	static void *volatile last;

	if (getenv("BROKEN")[0] == 'c')
		abort();
	do
		last = malloc(1 << 20);
	while (last);
	return raise(SIGUSR2);
}
C
"${CC:-cc}" -O0 -shared -fPIC -o "$d/broken.so" "$d/src/broken.c"
broken() { # HOW
	run env BROKEN="$1" LD_PRELOAD="$d/broken.so" "$FORKPOINT" triage --json --symbols "$d/name" "$d/run.txt"
}
if LD_PRELOAD=$d/broken.so "$FORKPOINT" --version >/dev/null 2>&1; then
	broken crash
	is "$status" 0 "if reading the symbols ends the process that does it, the report is classified"
	is "$err" "forkpoint: --symbols: the debug symbols of libfast.so ($d/name/libfast.so.debug) are left out: the process that read them died of SIGABRT" \
		"it is told which symbols are left out, and why"
	is "$out" "$before" "and the report is as it is without them"
	ok "no core file is left" test ! -e core
	broken memory
	has "$err" "libfast.so.debug) are left out: the process that read them died of SIGUSR2" \
		"one that takes memory without end comes to the end of what it may have"
	is "$status:$out" "0:$before" "which takes nothing along"
else
	skip "what reads it may die of it" "the program takes no other libdw"
fi

tap_done
