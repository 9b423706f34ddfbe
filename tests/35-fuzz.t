#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A short run of every fuzz target, from the reports that the unit tests read, and that the fuzzer
# finds what is there to be found, and finds the same again. `make fuzz` runs them for long.
. tests/tap.sh
FUZZERS=${FUZZERS:-$BUILD/tests/fuzz}
# Some thousand inputs in all: more are for `make fuzz`.
FUZZ_RUNS=${FUZZ_RUNS:-1500}
FUZZ_SEED=${FUZZ_SEED:-1}
FUZZ_FOUND=$tap_dir/found
export FUZZERS UNITS FORKPOINT FUZZ_FOUND

run sh tests/fuzz/fuzz.sh "-runs=$FUZZ_RUNS" "-seed=$FUZZ_SEED" \
	-max_total_time=20
is "$status" 0 "no input of seed $FUZZ_SEED breaks what reads what others have made"
[ "$status" = 0 ] || tap_explain "$out" "$err"
is "$(printf '%s\n' "$out" | grep -c '^ok')" 30 "each reader is fuzzed alone, and six other targets"

# A target with a fault that is some mutations away from its corpus.
cat >"$tap_dir/faulty.c" <<'C'
#include "tests/fuzz/fuzz.h"
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint64_t sum;
	for (size_t i = 0; i < size; i++)
		sum = sum * 31 + data[i];
	if (getenv("SUM"))
		fprintf(stderr, "%llu\n", (unsigned long long)sum);
	if (size > 2 && !memcmp(data, "abc", 3) && memchr(data, '\x1b', size) && !getenv("SUM"))
		abort();
	return 0;
}
C
sources=tests/fuzz/main.c
for name in errors memory strbuf strbuf_read text; do
	sources="$sources harness/base/$name.c"
done
# shellcheck disable=SC2086 # they are words
run "${CC:-cc}" -std=gnu17 -D_GNU_SOURCE -Iharness -I. -o "$tap_dir/faulty" "$tap_dir/faulty.c" $sources
is "$status" 0 "a target of one's own is built"
[ "$status" = 0 ] || tap_explain "$err"
mkdir "$tap_dir/corpus" "$tap_dir/work"
echo "abc and more of it" >"$tap_dir/corpus/a"

faulty() { # ARGUMENT…
	(ulimit -c 0 && cd "$tap_dir/work" && exec ../faulty "$@" ../corpus)
}
run faulty -runs=100000
is "$status" 134 "its fault is found, and ends it by the signal"
has "$err" "an input that kills it is left in crash-faulty" "it is told where the input is"
ok "which is the one" grep -q '^abc' "$tap_dir/work/crash-faulty"
cp "$tap_dir/work/crash-faulty" "$tap_dir/first"
run faulty -runs=100000
ok "the same number finds the same again" cmp -s "$tap_dir/first" "$tap_dir/work/crash-faulty"
(ulimit -c 0 && cd "$tap_dir/work" && exec ../faulty ../first) >/dev/null 2>&1
is "$?" 134 "and the input alone repeats it"

sums() { # SEED: what all inputs add up to
	(cd "$tap_dir/work" && SUM=1 ../faulty -runs=300 "-seed=$1" ../corpus 2>&1 | grep -v Done | tail -n 1)
}
is "$(sums 3)" "$(sums 3)" "a number decides all inputs"
ok "and another number makes others" test "$(sums 3)" != "$(sums 4)"
run faulty -max_total_time=1 -runs=0
is "$status" 0 "without mutations, the corpus itself is run"
has "$out" "Done 1 runs" "once"
run "$tap_dir/faulty" "$tap_dir/missing"
is "$status" 2 "a file that is not there is told by status 2"
tap_done
