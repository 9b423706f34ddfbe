#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What users wait for, each figure beside a peer that was measured in the same run, so that a loaded
# or a slow machine changes both. Every row is repeated, and the median of the ratios is shown.
#
#	zygote    selftest-noop, forked from a zygote, on one core alone, beside fork, _exit and
#	          waitpid of a process of the same size. Wanted: 1,000 trials a second.
#	exec      selftest-noop, started afresh, beside `host --init-only`, which initialises the same
#	          Python and ends. Wanted: 0.8 of what that allows.
#	capture   all stacks of a process with Python in it: the first of a kind, and later ones
#	step      points of fork-lru-stdlist's window that are covered in a second (of all its walks:
#	          one under each setting of the allocator), beside a fork with handlers and check for
#	          each of them, of one process, W standing still; both with that process's beginning
#	          and end. Wanted: 4 times as many.
#	exact     microseconds a point of the same with --exact, beside such a fork. Wanted: 1.3.
#	finalize  milliseconds a point of finalize-restore/noexcept with --exact, beside a plain trial.
#	          Wanted: 1.5.
#	covered   the same without --exact: the walk's time by all points of the window
#	found     walks of fork-lru-stdlist from a warm host: how many of 1,000 met the crash, the
#	          slowest and the median; and how many of 50 times 20 forks under load (the seed's way)
#	frames    microseconds that a traceback of 100 frames takes by embed/traceback.c, beside
#		  faulthandler's to /dev/null
#	remote    the same beside _remote_debugging's from another process, which remembers code
#	triage    crash reports that are read, classified and told in a second: 2,000 or more, made of
#	          the unit tests' samples, from one text; beside a search for the ends of its lines,
#	          as `wc -l` does it, so this ratio is far below 1. Wanted: 2,000 a second.
#	stack     milliseconds of `forkpoint stack` of five threads of 20 Python frames, beside py-spy,
#	          pystack and gdb, which come by pip into $BENCH/peers (peers.txt). Wanted: 0.7, 0.2,
#	          0.25 of theirs; and that the process is held for less than 10 ms.
#	core      milliseconds of `forkpoint core` of a core of it, beside pystack. Wanted: 0.4 of
#	          that, and 40 MB resident.
#	matrix    `forkpoint run --budget 1.5s`, as `make run` does it
#
# Knobs: BENCH_REPEAT (5) repetitions, BENCH_FOUND (1000) walks, BENCH_PYTHONS (every default interpreter), BENCH_MATRIX=no,
# BENCH_STACKS=no.
set -eu
: "${FORKPOINT:?is set by make bench}" "${BENCH:?is set by make bench}" "${UNITS:?is, too}"
repeat=${BENCH_REPEAT:-5}
zygote_trials=2000
exec_trials=40
triage_reports=2000
dir=$(mktemp -d "${TMPDIR:-/tmp}/forkpoint-bench.XXXXXX")
trap 'rm -rf "$dir"' EXIT
here=$(cd "$(dirname "$0")" && pwd)

value() { # FILE KEY
	sed -n "s/^$2=//p" "$1"
}

# One core for the driver, the zygote and the subjects: what is measured is a core's worth.
alone() {
	if command -v taskset >/dev/null 2>&1; then
		taskset -c "$core" "$@"
	else
		"$@"
	fi
}
# The last core that we may use: the first one has the machine's interrupts, most often.
core=$(awk '/^Cpus_allowed_list/ { n = split($2, part, /[,-]/); print part[n] }' /proc/self/status)

median() { # column of numbers
	sort -n | awk '{ v[NR] = $1 } END { print NR % 2 ? v[(NR + 1) / 2] : (v[NR / 2] + v[NR / 2 + 1]) / 2 }'
}

# Trials a second of one cell, by the cell's own clock: neither building nor starting a host counts.
rate() { # PYTHON ISOLATION TRIALS
	alone "$FORKPOINT" run selftest-noop --python "$1" --isolation "$2" --trials "$3" --jobs 1 \
		--twins without --json "$dir/cell" >"$dir/tap" 2>&1 || {
		cat "$dir/tap" >&2
		return 1
	}
	sed -n 's/.*"trials":\([0-9]*\),.*"seconds":\([0-9.e+-]*\).*/\1 \2/p' "$dir/cell" |
		awk '{ print $1 / $2 }'
}

build_embedded() { # INTERPRETER-FILE OUT
	loader=$(value "$1" loader)
	rpath=$(value "$1" rpath)
	lib=$(value "$1" lib)
	idirafter=$(value "$1" idirafter)
	libs=$(value "$1" libs)
	# shellcheck disable=SC2086 # libs are words
	${CC:-cc} -O2 -o "$2" -I"$(value "$1" include)" ${idirafter:+-idirafter "$idirafter"} \
		"$here/embedded.c" ${loader:+-Wl,--dynamic-linker="$loader" -Wl,--allow-shlib-undefined} \
		-Wl,--disable-new-dtags -Wl,-rpath,"${rpath:+$rpath:}$(dirname "$lib")" \
		-Wl,--export-dynamic "$lib" $libs -ldl -lm -lpthread
}

# No pipe, here and above it: a program that fails is to end the bench, not to give a figure of 0.
ns_to_rate() {
	awk -v ns="$1" 'BEGIN { print 1e9 / ns }'
}

# Ours and the peer's in turns; one line each time: OURS PEER RATIO.
turns() { # FILE OURS PEER
	: >"$1"
	for _ in $(seq "$repeat"); do
		ours=$($2)
		peer=$($3)
		echo "$ours $peer" | awk '{ print $1, $2, $1 / $2 }' >>"$1"
	done
}

row() { # WHAT PYTHON FILE UNIT
	ours=$(cut -d' ' -f1 "$3" | median)
	peer=$(cut -d' ' -f2 "$3" | median)
	ratio=$(cut -d' ' -f3 "$3" | median)
	low=$(cut -d' ' -f3 "$3" | sort -n | head -n 1)
	high=$(cut -d' ' -f3 "$3" | sort -n | tail -n 1)
	echo "$1 $2 $ours $peer $ratio $low $high" |
		awk -v unit="$4" '{ printf "%-8s %-9s %10.1f %10.1f  %-12s %5.3g (%.3g to %.3g)\n", $1, $2, $3, $4, unit, $5, $6, $7 }'
}

zygote_ours() { rate "$python" zygote "$zygote_trials"; }
zygote_peer() {
	ns=$(alone "$dir/embedded" "$home" fork "$zygote_trials")
	ns_to_rate "$ns"
}
exec_ours() { rate "$python" exec "$exec_trials"; }
exec_peer() {
	ns=$(alone "$BENCH/starts" "$exec_trials" "$host" ${home:+--home "$home"} --init-only)
	ns_to_rate "$ns"
}
# First and later captures, in milliseconds; here ours is the first, and the peer the later ones.
capture_rows() { # FILE
	: >"$1"
	for _ in $(seq "$repeat"); do
		alone "$BENCH/captures" 20 "$dir/embedded" "$home" wait >"$dir/captures"
		awk '{ print $1 / 1e6, $2 / 1e6, $1 / $2 }' "$dir/captures" >>"$1"
	done
}

# Two rows from one run each time: points a second, and what a point costs without the reduction.
step_rows() { # PYTHON FILE-OF-STEP FILE-OF-EXACT
	: >"$2"
	: >"$3"
	for _ in $(seq "$repeat"); do
		alone "$BENCH/steps" fork "$1" fork-lru-stdlist >"$dir/steps"
		awk '{ print 1e9 / $1, 1e9 / $3, $3 / $1 }' "$dir/steps" >>"$2"
		awk '{ print $2 / 1e3, $3 / 1e3, $2 / $3 }' "$dir/steps" >>"$3"
	done
}
# And two from one again.
finalize_rows() { # PYTHON FILE-OF-FINALIZE FILE-OF-COVERED
	: >"$2"
	: >"$3"
	for _ in $(seq "$repeat"); do
		alone "$BENCH/steps" finalize "$1" finalize-restore/noexcept >"$dir/steps"
		awk '{ print $1 / 1e6, $2 / 1e6, $1 / $2 }' "$dir/steps" >>"$2"
		awk '{ print $3 / 1e6, $2 / 1e6, $3 / $2 }' "$dir/steps" >>"$3"
	done
	left_out=$(cut -d' ' -f4 "$dir/steps")
}

# Where there is a peer outside, it has been asked for the same stack.
traceback_rows() { # INTERPRETER-FILE FILE-OF-FAULTHANDLER FILE-OF-REMOTE
	: >"$2"
	: >"$3"
	make --no-print-directory -f embed/host.mk program TOP=. INTERP="$1" OUT="$dir/python" \
		PROGRAM=tests/python/python.c
	"${CC:-cc}" -O2 -shared -fPIC -o "$dir/traceback.so" embed/traceback.c
	for _ in $(seq "$repeat"); do
		alone "$dir/python/python" -I -B "$here/tracebacks.py" "$dir/traceback.so" 300 \
			>"$dir/tracebacks"
		awk '{ print $1 / 1e3, $2 / 1e3, $1 / $2 }' "$dir/tracebacks" >>"$2"
		awk '$3 != "-" { print $1 / 1e3, $3 / 1e3, $1 / $3 }' "$dir/tracebacks" >>"$3"
	done
}

hosts() { # NAME of an interpreter's directory: where its host is
	cache=${FORKPOINT_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/forkpoint}
	ls -t "$cache"/hosts/"$1"-????????/host | head -n 1
}

echo "$(uname -sm), $(nproc) cores, load $(cut -d' ' -f1-3 /proc/loadavg) when this began"
echo "medians of $repeat repetitions, on one core; in brackets the least and the greatest ratio"
echo
printf '%-8s %-9s %10s %10s  %-12s %s\n' what python ours peer unit ratio
"$FORKPOINT" pythons --json >"$dir/pythons"
sed -n 's/.*"python":"\([^"]*\)".*"file":"\([^"]*\)".*"default":true.*/\1 \2/p' "$dir/pythons" \
	>"$dir/list"
[ -s "$dir/list" ] || {
	echo "no interpreter is here: make pythons" >&2
	exit 77
}
while read -r python file; do
	case " ${BENCH_PYTHONS:-$python} " in *" $python "*) ;; *) continue ;; esac
	home=$(value "$file" home)
	host=$(hosts "$(basename "$(dirname "$file")")")
	build_embedded "$file" "$dir/embedded"
	rate "$python" zygote 100 >/dev/null # builds the host where there is none
	turns "$dir/turns" zygote_ours zygote_peer
	row zygote "$python" "$dir/turns" "trials/s"
	turns "$dir/turns" exec_ours exec_peer
	row exec "$python" "$dir/turns" "trials/s"
	capture_rows "$dir/turns"
	row capture "$python" "$dir/turns" "ms 1st:later"
	step_rows "$python" "$dir/turns" "$dir/exact"
	row step "$python" "$dir/turns" "points:forks/s"
	row exact "$python" "$dir/exact" "us"
	finalize_rows "$python" "$dir/turns" "$dir/covered"
	row finalize "$python" "$dir/turns" "ms"
	row covered "$python" "$dir/covered" "ms"
	echo "         of its points the reduction leaves out $(echo "$left_out" | awk '{ print 100 * $1 }') %"
	traceback_rows "$file" "$dir/turns" "$dir/remote"
	row frames "$python" "$dir/turns" "us"
	[ ! -s "$dir/remote" ] || row remote "$python" "$dir/remote" "us"
done <"$dir/list"

. "$here/../fuzz/samples.sh"
samples_write "$dir/samples"
: >"$dir/turns"
for _ in $(seq "$repeat"); do
	alone "$BENCH/reports" "$dir/samples" "$triage_reports" >"$dir/reports"
	awk '{ print $1, $2, $1 / $2 }' "$dir/reports" >>"$dir/turns"
done
row triage - "$dir/turns" "reports/s"
awk '{ printf "         of %d reports in %d bytes\n", $3, $4 }' "$dir/reports"

[ "${BENCH_STACKS:-yes}" = no ] || python3 "$here/stacks.py" "$BENCH"

read -r python file <"$dir/list"
"$BENCH/steps" found "$python" fork-lru-stdlist "${BENCH_FOUND:-1000}" | awk -v python="$python" \
	'{ printf "\nfound %s: %d walks met it, the slowest in %.1f ms, the median in %.1f ms\n", \
		python, $1, $2 / 1e6, $3 / 1e6 }'
"$BENCH/steps" seed "$python" fork-lru-stdlist 50 |
	awk '{ printf "the seed'"'"'s way, 20 forks under load: %d of %d met it\n", $1, $2 }'

[ "${BENCH_MATRIX:-yes}" = yes ] || exit 0
echo
start=$(date +%s.%N)
status=0
"$FORKPOINT" run --budget 1.5s >"$dir/tap" 2>"$dir/err" || status=$?
echo "matrix: $(date +%s.%N | awk -v start="$start" '{ printf "%.1f s", $1 - start }')," \
	"exit status $status; $(grep '^# [0-9]* cells:' "$dir/tap" | cut -c3-)"
