# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# What the sources of interpreters share. Read with `.` by the scripts of this directory, which set
# HERE to it first.
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

# --- releases and specs ------------------------------------------------------------------------

# NUM: a number that orders releases, pre-releases before the final one. 1: not a release.
release_number() {
	rn_rest=$1
	rn_level=15
	rn_serial=0
	case $rn_rest in
	*rc*) rn_level=12 rn_serial=${rn_rest##*rc} rn_rest=${rn_rest%rc*} ;;
	*a*) rn_level=10 rn_serial=${rn_rest##*a} rn_rest=${rn_rest%a*} ;;
	*b*) rn_level=11 rn_serial=${rn_rest##*b} rn_rest=${rn_rest%b*} ;;
	esac
	rn_major=${rn_rest%%.*}
	rn_minor=${rn_rest#*.}
	rn_micro=${rn_minor#*.}
	rn_minor=${rn_minor%%.*}
	for rn_part in "$rn_major" "$rn_minor" "$rn_micro" "$rn_serial"; do
		case $rn_part in
		'' | *[!0-9]* | 0[0-9]* | ?????*) return 1 ;;
		esac
	done
	case $rn_rest in
	*.*.*.*) return 1 ;;
	*.*.*) ;;
	*) return 1 ;;
	esac
	NUM=$((((rn_major * 1000 + rn_minor) * 10000 + rn_micro) * 100000 + \
		rn_level * 5000 + rn_serial))
}

# From "3.13.18d+": SPEC_LINE 3.13, SPEC_RELEASE 3.13.18 (empty: any of the line), SPEC_FLAVOUR,
# SPEC_SUFFIX d, SPEC_PLUS + (or a later one). 1: malformed.
spec_parse() {
	sp_rest=$1
	SPEC_PLUS=
	SPEC_SUFFIX=
	SPEC_FLAVOUR=release
	case $sp_rest in
	*+) SPEC_PLUS=+ sp_rest=${sp_rest%+} ;;
	esac
	case $sp_rest in
	*d) SPEC_SUFFIX=d SPEC_FLAVOUR=debug sp_rest=${sp_rest%d} ;;
	*t) SPEC_SUFFIX=t SPEC_FLAVOUR=free-threaded sp_rest=${sp_rest%t} ;;
	esac
	case $sp_rest in
	*.*.*)
		release_number "$sp_rest" || return 1
		SPEC_RELEASE=$sp_rest
		sp_micro=${sp_rest#*.*.}
		SPEC_LINE=${sp_rest%".$sp_micro"}
		;;
	*.*)
		release_number "$sp_rest.0" || return 1
		SPEC_RELEASE=
		SPEC_LINE=$sp_rest
		;;
	*) return 1 ;;
	esac
}

# Does an interpreter's release and flavour answer the spec that was parsed last?
spec_accepts() {
	[ "$2" = "$SPEC_FLAVOUR" ] || return 1
	case $1 in
	"$SPEC_LINE".*) ;;
	*) return 1 ;;
	esac
	[ -n "$SPEC_RELEASE" ] || return 0
	[ "$1" = "$SPEC_RELEASE" ] && return 0
	[ -n "$SPEC_PLUS" ] || return 1
	release_number "$1" || return 1
	sa_num=$NUM
	release_number "$SPEC_RELEASE"
	[ "$sa_num" -ge "$NUM" ]
}

# May something offered as "3.13.18" or "3.13.18+" answer the spec that was parsed last?
spec_offered() {
	so_release=${1%+}
	case $so_release in
	"$SPEC_LINE".*) ;;
	*) return 1 ;;
	esac
	spec_accepts "$so_release" "$SPEC_FLAVOUR" && return 0
	[ "$so_release" != "$1" ] || return 1
	release_number "$so_release"
	so_num=$NUM
	release_number "$SPEC_RELEASE"
	[ "$NUM" -ge "$so_num" ]
}

# --- probing -----------------------------------------------------------------------------------

# RELEASE: what a patchlevel.h says, without the "+" of a build between releases.
header_release() {
	RELEASE=
	[ -r "$1" ] || return 1
	while read -r hr_define hr_name hr_value _; do
		case "$hr_define $hr_name" in
		"#define PY_VERSION")
			RELEASE=${hr_value#\"}
			RELEASE=${RELEASE%\"}
			RELEASE=${RELEASE%+}
			return 0
			;;
		esac
	done <"$1"
	return 1
}

# FLAVOUR: what a pyconfig.h says. 1: both debug and free-threaded, which has no name here.
header_flavour() {
	# Debian's is a switch over machines; the real one stands in the machine's own directory.
	hf_file=$1/pyconfig.h
	for hf_arch in "${1%/*}/$(uname -m)"-*/"${1##*/}"/pyconfig.h; do
		[ ! -r "$hf_arch" ] || hf_file=$hf_arch
	done
	hf_debug=$(grep -cE '^#define[[:blank:]]+Py_DEBUG[[:blank:]]+1' "$hf_file" || :)
	hf_nogil=$(grep -cE '^#define[[:blank:]]+Py_GIL_DISABLED[[:blank:]]+1' "$hf_file" || :)
	case $hf_debug$hf_nogil in
	00) FLAVOUR=release ;;
	10) FLAVOUR=debug ;;
	01) FLAVOUR=free-threaded ;;
	*) return 1 ;;
	esac
}

# SUFFIX of a FLAVOUR.
flavour_suffix() {
	case $1 in
	debug) SUFFIX=d ;;
	free-threaded) SUFFIX=t ;;
	*) SUFFIX= ;;
	esac
}

# LIBS: what a program needs besides a static libpython, from the Makefile it was built with.
static_libs() {
	LIBS=$(awk '
		function expand(s, depth,   a, b, name) {
			while (depth < 20 && match(s, /\$[({][A-Za-z0-9_]+[)}]/)) {
				name = substr(s, RSTART + 2, RLENGTH - 3)
				a = substr(s, 1, RSTART - 1)
				b = substr(s, RSTART + RLENGTH)
				s = a expand(value[name], depth + 1) b
			}
			return s
		}
		{
			while (sub(/\\$/, "") && (getline more) > 0)
				$0 = $0 more
		}
		match($0, /^[A-Za-z_][A-Za-z0-9_]*[ \t]*=/) {
			name = substr($0, 1, RLENGTH - 1)
			sub(/[ \t]+$/, "", name)
			text = substr($0, RLENGTH + 1)
			gsub(/^[ \t]+|[ \t]+$/, "", text)
			value[name] = text
		}
		END {
			all = expand("$(LINKFORSHARED) $(LIBS) $(MODLIBS) $(SYSLIBS)", 0)
			gsub(/[ \t]+/, " ", all)
			gsub(/^ | $/, "", all)
			print all
		}' "$1")
}

# LIB: libpython of an ldversion ("3.13d") under a prefix, shared before static; LIBS with it.
lib_find() {
	LIB=
	LIBS=
	for lf_dir in "$1"/lib "$1"/lib64 "$1/lib/$(uname -m)"-linux-*; do
		for lf_file in "$lf_dir/libpython$2.so.1.0" "$lf_dir/libpython$2.so"; do
			[ -e "$lf_file" ] || continue
			LIB=$lf_file
			return 0
		done
	done
	lf_line=${2%[dt]}
	for lf_config in "$1/lib/python$lf_line"*/config-"$2"* \
		"$1/lib64/python$lf_line"*/config-"$2"*; do
		[ -r "$lf_config/Makefile" ] || continue
		for lf_file in "$lf_config/libpython$2.a" "$1/lib/libpython$2.a" \
			"$1/lib64/libpython$2.a"; do
			[ -e "$lf_file" ] || continue
			LIB=$lf_file
			static_libs "$lf_config/Makefile"
			return 0
		done
	done
	return 1
}

# Is a libpython all there? The table of sections stands at the end of a shared one.
lib_complete() {
	case $(od -An -c -N 4 "$1" | tr -d ' ') in
	'177ELF' | '\177ELF')
		lc_start=$(od -An -tu8 -j 40 -N 8 "$1")
		# shellcheck disable=SC2046 # words on purpose: size of an entry, number of entries
		set -- "$1" $(od -An -tu2 -j 58 -N 4 "$1")
		[ $# -eq 3 ] && [ "$(stat -L -c %s "$1")" -ge $((lc_start + $2 * $3)) ]
		;;
	'!<ar') ;;
	*) return 1 ;;
	esac
}

# Is the standard library of a line and flavour under a prefix?
stdlib_present() {
	sl_dir=python$2
	[ "$3" != free-threaded ] || sl_dir=python${2}t
	for sl_lib in "$1/lib/$sl_dir" "$1/lib64/$sl_dir"; do
		[ ! -r "$sl_lib/os.py" ] || [ ! -r "$sl_lib/encodings/__init__.py" ] || return 0
	done
	return 1
}

# What stands behind one directory of headers: RELEASE, FLAVOUR, SUFFIX, LIB, LIBS; else WHY.
# interpreter_probe PREFIX INCLUDE
interpreter_probe() {
	ip_ldversion=${2##*/python}
	if ! header_release "$2/patchlevel.h"; then
		WHY="'$2' has no patchlevel.h with a release in it; install this Python's headers"
		return 1
	fi
	if ! release_number "$RELEASE"; then
		WHY="'$2/patchlevel.h' speaks of a release '$RELEASE', which is none"
		return 1
	fi
	ip_line=${RELEASE#*.}
	ip_line=${RELEASE%%.*}.${ip_line%%.*}
	if ! [ -r "$2/Python.h" ] || ! [ -r "$2/pyconfig.h" ]; then
		WHY="the headers in '$2' are not complete; install this Python's development files"
		return 1
	fi
	if ! header_flavour "$2"; then
		WHY="'$1' is a debug and a free-threaded build at once, which is not known here"
		return 1
	fi
	flavour_suffix "$FLAVOUR"
	if ! lib_find "$1" "$ip_ldversion"; then
		WHY="no libpython$ip_ldversion.so or .a under '$1'; build it with --enable-shared or"
		WHY="$WHY install the package that has it"
		return 1
	fi
	if ! lib_complete "$LIB"; then
		WHY="'$LIB' is cut short or no library; build or install it again"
		return 1
	fi
	if ! stdlib_present "$1" "$ip_line" "$FLAVOUR"; then
		WHY="$LIB has no standard library under '$1' (lib/python$ip_line/os.py);"
		WHY="$WHY install it there"
		return 1
	fi
}

# --- interpreter files -------------------------------------------------------------------------

# Write an interpreter file, unless it says the same already (its time makes hosts be built anew).
# interp_write FILE FROM TO: paths below FROM are written as below TO. The rest comes from
# RELEASE FLAVOUR SOURCE PREFIX HOME_DIR INCLUDE IDIRAFTER LIB LIBS LOADER RPATH. What was fetched
# has the size of its libpython with it, by which damage is seen; what others own may change.
interp_write() {
	iw_file=$1
	iw_from=$2
	iw_to=$3
	iw_new=$(
		printf 'release=%s\nflavour=%s\nsource=%s\n' "$RELEASE" "$FLAVOUR" "$SOURCE"
		for iw_pair in "prefix=$PREFIX" "home=$HOME_DIR" "include=$INCLUDE" \
			"idirafter=$IDIRAFTER" "lib=$LIB" "loader=$LOADER" "rpath=$RPATH"; do
			iw_value=${iw_pair#*=}
			case $iw_value in
			"$iw_from"*) iw_value=$iw_to${iw_value#"$iw_from"} ;;
			esac
			printf '%s=%s\n' "${iw_pair%%=*}" "$iw_value"
		done
		printf 'libs=%s\n' "$LIBS"
		[ -z "$iw_from" ] || printf 'lib_size=%s\n' "$(stat -L -c %s "$LIB")"
	)
	if [ -r "$iw_file" ] && [ "$iw_new" = "$(cat "$iw_file")" ]; then
		return 0
	fi
	mkdir -p "${iw_file%/*}" && printf '%s\n' "$iw_new" >"$iw_file.$$" &&
		mv -f "$iw_file.$$" "$iw_file"
}

# RELEASE FLAVOUR SOURCE PREFIX HOME_DIR INCLUDE LIB LIB_SIZE of an interpreter file.
interp_read() {
	RELEASE= FLAVOUR= SOURCE= PREFIX= HOME_DIR= INCLUDE= LIB= LIB_SIZE=
	while IFS== read -r ir_key ir_value; do
		case $ir_key in
		release) RELEASE=$ir_value ;;
		flavour) FLAVOUR=$ir_value ;;
		source) SOURCE=$ir_value ;;
		prefix) PREFIX=$ir_value ;;
		home) HOME_DIR=$ir_value ;;
		include) INCLUDE=$ir_value ;;
		lib) LIB=$ir_value ;;
		lib_size) LIB_SIZE=$ir_value ;;
		esac
	done <"$1"
	[ -n "$RELEASE" ] && [ -n "$LIB" ]
}

# Does what an interpreter file tells of still stand there?
interp_valid() {
	interp_read "$1" || return 1
	iv_release=$RELEASE
	[ -s "$LIB" ] && header_release "$INCLUDE/patchlevel.h" && [ -r "$INCLUDE/Python.h" ] &&
		[ "$RELEASE" = "$iv_release" ] || return 1
	[ -z "$LIB_SIZE" ] || [ "$(stat -L -c %s "$LIB")" = "$LIB_SIZE" ] || return 1
	iv_line=${RELEASE#*.}
	stdlib_present "${HOME_DIR:-$PREFIX}" "${RELEASE%%.*}.${iv_line%%.*}" "$FLAVOUR"
}

# FILE: an interpreter at hand that answers the spec parsed last: the newest, and of several sources
# the one that forkpoint itself would take (run/interp.c has the same order).
interp_satisfying() {
	FILE=
	is_best=0
	for is_source in prefix pyenv uv system uv-install debian- maven; do
		for is_file in "$CONFIGURED"/*-"$is_source"*/interp \
			"$STORE"/*-"$is_source"*/interp; do
			[ -r "$is_file" ] || continue
			interp_read "$is_file" && spec_accepts "$RELEASE" "$FLAVOUR" &&
				interp_valid "$is_file" || continue
			release_number "$RELEASE" && [ "$NUM" -gt "$is_best" ] || continue
			is_best=$NUM
			FILE=$is_file
		done
	done
	[ -n "$FILE" ]
}

# Every Python under a prefix, an interpreter file each, into DIR; FOUND is their number and FILE
# the newest. 1 and WHY if there is none. prefix_record PREFIX SOURCE DIR
prefix_record() {
	PREFIX=$1
	SOURCE=$2
	FOUND=0
	WHY="no headers in '$1/include/python3.*';"
	WHY="$WHY name a prefix that has them (a Python's development files)"
	pr_best=0
	pr_file=
	# Two prefixes of a user may hold the same release.
	pr_id=
	if [ "$2" = prefix ]; then
		pr_id=$(printf '%s' "$1" | cksum)
		pr_id=-${pr_id%% *}
	fi
	for pr_include in "$1"/include/python3.*; do
		[ -d "$pr_include" ] || continue
		interpreter_probe "$1" "$pr_include" || continue
		release_number "$RELEASE"
		release_supported || continue
		HOME_DIR=$1 INCLUDE=$pr_include IDIRAFTER= LOADER= RPATH=
		interp_write "$3/$RELEASE$SUFFIX-$2$pr_id/interp" "" "" || return 1
		FOUND=$((FOUND + 1))
		if [ "$NUM" -gt "$pr_best" ]; then
			pr_best=$NUM
			pr_file=$3/$RELEASE$SUFFIX-$2$pr_id/interp
		fi
	done
	FILE=$pr_file
	[ "$FOUND" -gt 0 ]
}

# Is RELEASE new enough? Else WHY.
release_supported() {
	case $RELEASE in
	3.[0-9].* | 3.1[01].*)
		WHY="'$PREFIX' is Python $RELEASE; forkpoint needs 3.12 or later"
		return 1
		;;
	esac
}

# --- fetching ----------------------------------------------------------------------------------

# Take the store's lock, unless the caller of this script holds it. Every process started from here
# keeps it (descriptor 9), so that what a killed fetch left running is waited for, too.
store_lock() {
	[ -z "${FORKPOINT_STORE_LOCKED:-}" ] || return 0
	mkdir -p "$STORE" 2>/dev/null && [ -w "$STORE" ] ||
		die "$STATUS_HARNESS" "cannot write to '$STORE';" \
			"set FORKPOINT_CACHE to a directory that can be written"
	command -v flock >/dev/null 2>&1 ||
		die "$STATUS_HARNESS" "flock is missing; install util-linux"
	exec 9>"$STORE/.lock"
	if ! flock -n 9; then
		progress "another fetch is under way in $STORE; waiting for it"
		flock 9
	fi
	FORKPOINT_STORE_LOCKED=1
	export FORKPOINT_STORE_LOCKED
	# Nobody else fetches now: what is left of earlier, interrupted fetches goes.
	rm -rf "$STORE"/.tmp.*
}

# TMP: a directory beside the interpreters, gone when the script ends, however it ends.
store_tmp() {
	TMP=$(mktemp -d "$STORE/.tmp.$1.XXXXXX" 2>/dev/null) ||
		die "$STATUS_HARNESS" "cannot make a directory in '$STORE';" \
			"free some space there or set FORKPOINT_CACHE"
	trap 'rm -rf "$TMP"' EXIT
	trap 'tmp_abandon 130' INT
	trap 'tmp_abandon 143' TERM
	trap 'tmp_abandon 129' HUP
}

tmp_abandon() {
	trap - EXIT INT TERM HUP
	descendants_end
	rm -rf "$TMP"
	exit "$1"
}

# PIDS: what a process of ours has started, and what that has.
descendants() {
	for ds_pid in $(cat /proc/"$1"/task/"$1"/children 2>/dev/null); do
		PIDS="$PIDS $ds_pid"
		descendants "$ds_pid"
	done
}

# End all that this script has started. Jobs in the background do not get a terminal's Ctrl-C; and
# while one is alive, it may write into the directory that is about to go.
descendants_end() {
	PIDS=
	descendants $$
	[ -n "$PIDS" ] || return 0
	# shellcheck disable=SC2086 # words on purpose, here and below
	kill $PIDS 2>/dev/null || :
	de_tries=0
	for de_pid in $PIDS; do
		while [ -e "/proc/$de_pid" ] && [ "$de_tries" -lt 100 ]; do
			# One of ours that has ended stays a zombie until it is waited for.
			! grep -q '^State:[[:blank:]]*Z' "/proc/$de_pid/status" 2>/dev/null || break
			de_tries=$((de_tries + 1))
			sleep 0.05
		done
	done
	kill -KILL $PIDS 2>/dev/null || :
}

# Put a directory that is complete in place, in one step as far as any reader can tell.
# store_put DIR NAME
store_put() {
	if [ -e "$STORE/$2" ]; then
		mv "$STORE/$2" "$TMP/old.$2"
	fi
	# A rename may reach the disk before what is renamed: a power cut must not tear a libpython.
	sync -f "$1" 2>/dev/null || :
	mv "$1" "$STORE/$2"
}

# WHY, if the disk of a directory has less than so many MiB left. space_missing DIR MIB
space_missing() {
	sm_free=$(df -Pk "$1" | awk 'NR == 2 { print int($4 / 1024) }')
	[ "${sm_free:-$2}" -lt "$2" ] || return 1
	WHY="$sm_free MiB are free in '$STORE' and a fetch needs $2;"
	WHY="$WHY free some or set FORKPOINT_CACHE to a roomier place"
}

# KIND and WHY, and FULL=1 if the disk is, from the log of a client that failed. fetch_why LOG WHAT
FULL=
fetch_why() {
	if disk_full "$1"; then
		return
	fi
	KIND=skip
	fw_damage='hash sum mismatch|checksum|size mismatch|unexpected size|premature end'
	fw_network='could not resolve|temporary failure|name or service|name resolution|dns error'
	fw_network="$fw_network|connect|timed out|timeout|unreachable|network|could not transfer"
	if grep -qiE "$fw_damage" "$1"; then
		WHY="$2 arrived damaged; type the same again"
		KIND=fail
	elif grep -qiE "$fw_network" "$1"; then
		WHY="$2 could not be reached; check the network and type the same again"
	else
		# Maven colours its errors even where nobody sees it.
		fw_line=$(tr -d '\033' <"$1" | sed 's/^\(\[[0-9;]*m\)*//' |
			grep -iE '^(E:|error|\[ERROR\])' | head -n 1 | cut -c 1-160)
		WHY="$2 failed (${fw_line:-no message})"
	fi
}

# KIND, WHY and FULL if that is what a client's log, or the disk itself, says.
disk_full() {
	grep -qi 'no space left' "$1" 2>/dev/null || space_missing "$TMP" 8 || return 1
	WHY="the disk of '$STORE' is full; free some or set FORKPOINT_CACHE to a roomier place"
	KIND=fail
	FULL=1
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

# Install packages of the machine's own manager, where that needs no password. 1 and WHY.
# package_install WHAT NAME…: WHAT is missing, and these packages have it
package_install() {
	pi_what=$1
	shift
	pi_wait=
	if command -v apt-get >/dev/null 2>&1; then
		pi_command='apt-get install -y --no-install-recommends'
		# A machine that has just started may be at its own updates.
		pi_wait='-o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold'
	elif command -v dnf >/dev/null 2>&1; then
		pi_command='dnf install -y'
	elif command -v zypper >/dev/null 2>&1; then
		pi_command='zypper -n install'
	elif command -v pacman >/dev/null 2>&1; then
		pi_command='pacman -S --noconfirm'
	elif command -v apk >/dev/null 2>&1; then
		pi_command='apk add'
	else
		WHY="$pi_what is missing; install it"
		return 1
	fi
	pi_sudo=
	pi_type="$pi_command $*"
	if [ "$(id -u)" != 0 ] && command -v sudo >/dev/null 2>&1; then
		pi_sudo='sudo -n'
		pi_type="sudo $pi_type"
	elif [ "$(id -u)" != 0 ]; then
		pi_type="su -c '$pi_type'"
	fi
	WHY="$pi_what is missing; type: $pi_type"
	[ -z "${FORKPOINT_NO_INSTALL:-}" ] && ! offline || return 1
	[ "$(id -u)" = 0 ] || { [ -n "$pi_sudo" ] && sudo -n true 2>/dev/null; } || return 1
	progress "installing $*"
	pi_log=$TMP/install.log
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086 # words on purpose, here and below
	$pi_sudo $pi_command "$@" $pi_wait >"$pi_log" 2>&1 </dev/null && return 0
	case $pi_command in
	apt-get*)
		# The lists may be old, or there may be none yet.
		{
			$pi_sudo apt-get update -q && $pi_sudo $pi_command "$@" $pi_wait
		} >"$pi_log" 2>&1 </dev/null && return 0
		;;
	esac
	pi_why=$WHY
	fetch_why "$pi_log" "the package of $pi_what"
	case $WHY in
	*"could not be reached"* | *"is full"*) ;;
	*) WHY="$pi_why" ;;
	esac
	return 1
}

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
