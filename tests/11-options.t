#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Commands and options as a user types them: help for all, one sentence for each mistake.
# (Values are tested one by one in tests/unit/options.c.)
set -eu
. tests/tap.sh

lines() {
	printf '%s\n' "$1" | wc -l | tr -d ' '
}

mistake() { # SENTENCE-PART WHAT ARGUMENT…
	part=$1 what=$2
	shift 2
	run "$FORKPOINT" "$@"
	is "$status" 2 "$what ends with 2"
	is "$(lines "$err"):$out" "1:" "$what gives one line, and nothing on standard output"
	has "$err" "$part" "$what is explained"
}

run "$FORKPOINT" --version
is "$status:$err" "0:" "--version works"
ok "--version gives the name and a number" sh -c "echo '$out' | grep -qxE 'forkpoint [0-9]+(\.[0-9]+)+'"

run "$FORKPOINT" --help
is "$status" 0 "--help works"
overview=$out
run "$FORKPOINT"
is "$status:$out" "2:" "without a command it ends with 2"
is "$err" "$overview" "and shows the help as errors are shown"

commands=$(printf '%s\n' "$overview" | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p')
for command in run list pythons replay report doctor help; do
	ok "--help lists $command" sh -c "echo '$commands' | grep -qx $command"
done
for command in $commands; do
	run "$FORKPOINT" "$command" --help
	is "$status:$err" "0:" "$command --help works"
	has "$out" "usage: forkpoint $command " "$command --help begins with its synopsis"
	has "$out" "
options:
" "$command --help lists options"
	has "$out" "
examples:
  forkpoint $command" "$command --help has examples"
	ok "$command --help fits 80 columns" sh -c \
		"! printf '%s\n' \"\$1\" | LC_ALL=C.UTF-8 grep -v '^usage: \|^  forkpoint' | LC_ALL=C.UTF-8 grep -qE '.{81}'" - "$out"
	is "$("$FORKPOINT" help "$command")" "$out" "help $command tells the same"
	mistake "unknown option '--xyzzy': 'forkpoint $command --help' lists them" \
		"an unknown option of $command" "$command" --xyzzy
done

mistake "unknown command 'doctro': did you mean 'forkpoint doctor'?" "a mistyped command" doctro
mistake "unknown command 'xyzzy': 'forkpoint --help' lists them" "a command that is none" xyzzy
mistake "unknown option '--json': a command comes first" "an option before the command" --json
mistake "unknown option '--jsno': did you mean '--json'?" "a mistyped option" list --jsno
mistake "--tap: '12' is none of 13, 14" "a value that is no choice" report --tap 12 x
mistake "--json needs a value: --json FILE" "an option without its value" report --json
mistake "report needs an operand" "a missing operand" report
mistake "does not know what to do with 'b'" "an operand too many" replay a b

run "$FORKPOINT" help --man
is "$status" 0 "the manual page is printed"
for command in $commands; do
	has "$out" ".SS \"forkpoint $command" "the manual page has $command"
done
has "$out" '\fB\-\-require\-all\fR' "the manual page has the options"
if command -v groff >/dev/null 2>&1; then
	printf '%s\n' "$out" >"$tap_dir/page.1"
	run groff -man -Tutf8 -k -ww -z "$tap_dir/page.1"
	is "$status:$err" "0:" "groff has nothing to say about the manual page"
else
	skip "groff has nothing to say about the manual page" "no groff"
fi

run "$FORKPOINT" help --complete bash
is "$status" 0 "the completions are printed"
if command -v bash >/dev/null 2>&1; then
	printf '%s\n' "$out" >"$tap_dir/complete.bash"
	complete() { # WORD… (the last one is to be completed)
		bash -c '. "$0"; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _forkpoint
			echo "${COMPREPLY[*]}"' "$tap_dir/complete.bash" "$@"
	}
	is "$(complete forkpoint rep)" "replay report" "bash completes commands"
	is "$(complete forkpoint report --ta)" "--tap" "bash completes options"
	is "$(complete forkpoint report --tap 1)" "13 14" "bash completes choices"
else
	skip "bash completes commands" "no bash"
fi

if [ -c /dev/full ]; then
	status=0
	"$FORKPOINT" --help >/dev/full 2>"$tap_dir/err" || status=$?
	is "$status" 3 "help that cannot be written does not pass for success"
	has "$(cat "$tap_dir/err")" "No space left on device" "and the reason is told"
fi

tap_done
