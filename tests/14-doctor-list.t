#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The doctor finds what is missing, and says what is lost and how to get it; the list of scenarios
# comes from a host.
set -eu
. tests/tap.sh

program=$(pwd)/$FORKPOINT
case $FORKPOINT in
/*) program=$FORKPOINT ;;
esac

run "$program" doctor
for item in compiler make interpreters ptrace step libdw sandbox stress-ng prove cpus cache cores gzip zstd; do
	ok "the doctor looks at $item" sh -c "echo \"\$1\" | grep -qE '^(ok|less|missing) +$item '" - "$out"
done
is "$(printf '%s\n' "$out" | grep -vcE '^(ok|less|missing) ')" 0 "an item is one line"
is "$status" "$(printf '%s\n' "$out" | grep -c '^missing' | sed 's/^[1-9].*/1/')" \
	"the status is 1 if something is missing, else 0"

# A PATH with nothing on it but a linker of names to answers.
mkdir "$tap_dir/bin"
run env PATH="$tap_dir/bin" "$program" doctor
is "$status" 1 "without a compiler it ends with 1"
for item in 'missing compiler' 'missing make' 'less stress-ng' 'less prove'; do
	line=$(printf '%s\n' "$out" | grep -E "^${item% *} +${item#* } " || :)
	has "$line" "; lost without: " "without ${item#* } it says what is lost"
	has "$line" "; remedy: sh ci/setup.sh" "and the remedy"
done

run env XDG_CACHE_HOME=/proc/no/such "$program" doctor
ok "a cache where nothing can be stored is not ok" \
	sh -c "echo \"\$1\" | grep -qE '^(less|missing) +cache '" - "$out"

run "$program" doctor --json
json_lines() {
	python3 -c 'import json, sys
rows = [json.loads(line) for line in sys.stdin]
good = [row for row in rows if row["schema"] == 1 and row["item"] and "remedy" in row and
        row["standing"] in ("ok", "less", "missing")]
print(f"{len(good)}/{len(rows)}")'
}
is "$(printf '%s\n' "$out" | json_lines)" "15/15" "--json gives one object a line for each item"

run "$program" list --names
if [ "$status" -ne 0 ]; then
	skip "the list comes from a host" "no host here: $err"
	tap_done
	exit
fi
names=$out
ok "the names are one a line" sh -c "echo \"\$1\" | grep -qx fork-lru-list" - "$names"
hasnt "$names" "selftest" "the harness's own tests are not among them"
run "$program" list --json
names_of() {
	python3 -c 'import json, sys
for line in sys.stdin:
    print(json.loads(line)["name"])'
}
is "$(printf '%s\n' "$out" | names_of)" "$names" "--json has one object a line, in the same order"
run "$program" list fork-lru-list
has "$out" "fork-lru-list
  race      " "a scenario is shown with its race"
for label in 'seen as' twin operation expected links; do
	has "$out" "
  $label " "and with its $label"
done
has "$out" "twin, every release: ok" "a twin must be ok"
run "$program" list fork-lru-lits
is "$status:$err" "2:forkpoint: unknown scenario 'fork-lru-lits': did you mean 'fork-lru-list'?" \
	"a mistyped scenario is told with the nearest"
run "$program" list --python 2.7
is "$status" 2 "an interpreter that is not there is an error of usage"

tap_done
