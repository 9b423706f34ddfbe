# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# The store of what is fetched: its lock, a place to work in, and why a fetch failed.

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
