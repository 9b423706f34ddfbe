#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A hostile file takes over the library that reads it: it can create, send, start and change nothing,
# and what it is read for goes on. tests/unit/sandbox*.c has all that is refused, one by one.
. tests/tap.sh
. tests/lib/symbols/built.sh

seccomp=$("$FORKPOINT" doctor | sed -n 's/^[a-z]* *sandbox *\(no \)\{0,1\}seccomp.*/\1seccomp/p')
hostile=$d/hostile.so
if [ "$seccomp" != seccomp ] ||
	! "${CC:-cc}" -O1 -shared -fPIC -o "$hostile" tests/lib/hostile.c -ldl ||
	! LD_PRELOAD=$hostile "$FORKPOINT" --version >/dev/null 2>&1; then
	skip "a hostile file" "no seccomp here, or the program takes no other libelf"
	tap_done
	exit
fi
mkdir "$d/name"
cp "$debug" "$d/name/"
python3 tests/lib/core_file.py "$d/made"
core=$d/made/cores/fault

# It waits for more of the pipe, which is open once it is there.
mkfifo "$d/pipe"
cat "$d/pipe" >/dev/null &
other=$!
exec 9>"$d/pipe"
address=$(sed -n 's/^\([0-9a-f]*\)-.*\[stack\]$/\1/p' /proc/$other/maps)

under() { # WHAT COMMAND…
	what=$1
	shift
	rm -f "$d/created"
	run env HOSTILE="$what" HOSTILE_FILE="$d/created" HOSTILE_PID=$other \
		HOSTILE_ADDRESS="$address" LD_PRELOAD="$hostile" "$@"
}

# Where nothing is refused.
for what in create connect fork execute signal write; do
	under $what python3 -c 'import ctypes; ctypes.CDLL(None).elf_begin(0, 0, None)'
	is "$status" 42 "it would $what if it could"
done

run "$FORKPOINT" core --json "$core"
before=$status:$out
under nothing "$FORKPOINT" core --json "$core"
if has "$err" "what reads it ended with status 42" "it has what reads a core"; then
	for what in create connect fork execute signal write; do
		under $what "$FORKPOINT" core --json "$core"
		is "$status:$out" "$before" "a core is read by one that would $what"
		under $what "$FORKPOINT" triage --json "$core"
		is "$status" 0 "and triaged"
		ok "and nothing is created" test ! -e "$d/created"
	done
fi

run "$FORKPOINT" triage --json --symbols "$d/name" "$d/run.txt"
before=$status:$out
under nothing "$FORKPOINT" triage --json --symbols "$d/name" "$d/run.txt"
has "$err" "the process that read them ended with status 42" "it has what reads debug symbols"
for what in create connect fork execute signal write; do
	under $what "$FORKPOINT" triage --json --symbols "$d/name" "$d/run.txt"
	is "$status:$out" "$before" "symbols are read by one that would $what"
done

# What only the right to trace opens: files of a container, as its host sees them.
root=/proc/$other/root
here=$(cd "$d" && pwd -P)
run "$FORKPOINT" triage --json --symbols "$root$here/name" "$d/run.txt"
is "$status:$out" "$before" "symbols are found in another process's root"
mkdir "$d/found"
python3 -c 'import sys; sys.path.insert(0, "tests/lib"); import core_file
sys.stdout.buffer.write(core_file.program())' >"$d/found/python3"
for where in / $root/; do
	found=${where%/}$here/found
	run "$FORKPOINT" core --json --lib-search-path "$found" "$core"
	has "$out" "\"executable_file\":\"$found/python3\"" "a program is found below ${where%%[0-9]*}"
	run "$FORKPOINT" core --json "$core" "$found/python3"
	has "$out" "\"executable_file\":\"$found/python3\"" "and taken from there if it is given"
done

run "$FORKPOINT" stack "$other"
if [ "$status" -ne 0 ]; then
	skip "it looks at a process" "$err"
else
	before=$out
	under nothing "$FORKPOINT" stack "$other"
	is "$status" 42 "it has what looks at a process"
	for what in create connect fork execute signal write poke; do
		under $what "$FORKPOINT" stack "$other"
		is "$status:$out" "0:$before" "a process is looked at by one that would $what"
	done
fi

# A kernel that has neither wall.
"${CC:-cc}" -shared -fPIC -o "$d/bare.so" -x c - <<'C'
int prctl(int option, ...);
int prctl(int option, ...)
{
	(void)option;
	return -1;
}
C
run "$FORKPOINT" core --json "$core"
before=$status:$out
run env LD_PRELOAD="$d/bare.so" "$FORKPOINT" core --json "$core"
is "$status:$out" "$before" "without a sandbox a core is read"
run env LD_PRELOAD="$d/bare.so" "$FORKPOINT" doctor
has "$out" "less    sandbox       no seccomp, as in some containers, no Landlock" \
	"the doctor says what is missing"

exec 9>&-
wait $other || :
tap_done
