#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A user's own rules for `forkpoint triage`: they are heard before the built-in ones, and a file
# that is none is refused with its line and what to do.
. tests/tap.sh

report=$tap_dir/report.txt
rules=$tap_dir/rules.txt
cat >"$report" <<'REPORT'
0x7f6e81c51fb7 copy_row _fast.so+0x4f10
0x7f6e81c51fc8 _ZN4acme4look17h0123456789abcdefE
0x7f6e81c51fd9 PyObject_Call libpython3.12.so.1.0+0x1d2f10
REPORT

run "$FORKPOINT" triage --json "$report"
is "$status" 0 "without rules"
has "$out" '"function":"copy_row","module":"_fast.so","file":null,"line":null,"category":"extension","component":null,"trust":"exact"' \
	"the built-in ones say what can be seen"
has "$out" '"function":"acme::look"' "Rust's names are read"
has "$out" '"category":"cpython"' "and Python is Python"
has "$out" '"rules":"20' "the built-in rules have a date"

cat >"$rules" <<'RULES'
# ours
module=_fast.*    category="application extension"  component=fast
function=acme::*  category=library  component=acme  owner=third-party
RULES
run "$FORKPOINT" triage --json --rules "$rules" "$report"
is "$status" 0 "with rules"
has "$out" '"category":"application extension","component":"fast"' "the module has its name"
has "$out" '"category":"library","component":"acme"' "and the function"
has "$out" '"attribution":"application","component":"fast"' "and so has who is at fault"

refused() { # SENTENCE TEXT...
	sentence=$1
	shift
	printf "$@" >"$rules"
	run "$FORKPOINT" triage --json --rules "$rules" "$report"
	is "$status:$out" "2:" "a bad rule is refused"
	has "$err" "$sentence" "with: $sentence"
}

refused "rules.txt:2: no such category: use one of unknown, cpython" \
	'module=a category=libc\nmodule=b category=mine\n'
refused "rules.txt:1: no such key: 'modules': use module, function" 'modules=a category=libc\n'
refused "rules.txt:1: the rule has no category=" 'module=a\n'
refused "rules.txt:1: '?[2J' is no KEY=VALUE" '\033[2J'

run "$FORKPOINT" triage --json --rules "$tap_dir/none" "$report"
is "$status" 2 "rules that are not there are refused"
has "$err" "No such file or directory: give a file with a rule a line" "with what to do"
run "$FORKPOINT" triage --json --rules /dev/zero "$report"
is "$status" 2 "rules without an end are refused"
has "$err" "/dev/zero:1: more than 1024 KiB of rules" "before they fill the memory"
run "$FORKPOINT" triage --json --rules "$tap_dir" "$report"
is "$status" 2 "a directory is refused"

printf '# mine\nmodule=_a[bc category=libc\n' >"$tap_dir/open"
run "$FORKPOINT" triage --json --rules "$tap_dir/open" "$report"
is "$status" 2 "a set that is not closed is refused"
has "$err" "/open:2: column 10: a '[' of the pattern is not closed" "with its line and column"
escape=$(printf '\033')
for name in "$tap_dir/${escape}[31mr" "$tap_dir/${escape}[31mx"; do
	case $name in *r) echo 'x' >"$name" ;; esac
	run "$FORKPOINT" triage --json --rules "$name" "$report"
	is "$status" 2 "rules whose name has an escape are refused"
	hasnt "$err" "$escape" "which does not reach the terminal"
	has "$err" "?[31m" "but is told"
done

# What the rules for patterns say of themselves is in the documentation, word for word.
run "$FORKPOINT" triage --rules-list
is "$status" 0 "--rules-list"
printf '%s\n' "$out" >"$tap_dir/list.md"
run cmp "$tap_dir/list.md" docs/triage-rules.md
is "$status:$out" "0:" "is docs/triage-rules.md (else write it there)"
is "$(grep -c '^### ' docs/triage-rules.md)" "$(grep -c '^- required: ' docs/triage-rules.md)" \
	"each rule says what it requires"
is "$(grep -c '^### ' docs/triage-rules.md)" "$(grep -c '^- taught by: ' docs/triage-rules.md)" \
	"and what has taught it"
is "$(grep '^- taught by' docs/triage-rules.md | tr ',' '\n' |
	grep -vcE '\[[A-Za-z0-9_.-]+/[A-Za-z0-9_.-]+#[1-9][0-9]*\]\(https://github.com/')" 0 \
	"each by threads that have an address"
run "$FORKPOINT" triage --rules-list "$report"
is "$status:$out" "2:" "it reads no report"

run "$FORKPOINT" triage --help
has "$out" "--rules FILE" "--help names the option"
has "$out" "function= an exact name" "and the language"

tap_done
