#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Interpreters in a prefix that the user names: any CPython from 3.12 on with its headers, a shared
# or a static libpython, and its standard library.
#
#	prefix.sh find [-d DIR] PREFIX…
#
# PREFIX may also be a Python program (PREFIX/bin/python3.13) or a libpython inside the prefix.
# One `ok PREFIX FILE` for each, or `skip PREFIX WHY`.
set -eu
case $0 in */*) HERE=${0%/*} ;; *) HERE=. ;; esac
. "$HERE/lib.sh"

# PREFIX_OF a directory, a program or a library.
prefix_of() {
	PREFIX_OF=$1
	if [ -f "$1" ]; then
		PREFIX_OF=$(realpath "$1")
		PREFIX_OF=${PREFIX_OF%/*}
	else
		PREFIX_OF=$(realpath "$1" 2>/dev/null) || return 1
	fi
	while [ -n "$PREFIX_OF" ]; do
		for po_include in "$PREFIX_OF"/include/python3.*; do
			[ ! -d "$po_include" ] || return 0
		done
		# A directory is the prefix itself; a file stands somewhere below it.
		[ -f "$1" ] || return 0
		PREFIX_OF=${PREFIX_OF%/*}
	done
	return 1
}

store_locate
[ "${1:-}" = find ] || die "$STATUS_USAGE" "usage: $0 find [-d DIR] PREFIX…"
shift
DIR=$CONFIGURED
if [ "${1:-}" = -d ]; then
	[ $# -ge 2 ] || die "$STATUS_USAGE" "-d needs a directory"
	DIR=$2
	shift 2
fi
[ $# -gt 0 ] || die "$STATUS_USAGE" "usage: $0 find [-d DIR] PREFIX…"

status=0
for prefix in "$@"; do
	if ! [ -e "$prefix" ]; then
		printf 'skip %s there is no such directory\n' "$prefix"
		status=$STATUS_SKIP
	elif ! prefix_of "$prefix"; then
		answer skip "$prefix" "no include/python3.* beside or above it; name the prefix itself"
		status=$STATUS_SKIP
	elif ! prefix_record "$PREFIX_OF" prefix "$DIR"; then
		printf 'skip %s %s\n' "$prefix" "$WHY"
		status=$STATUS_SKIP
	else
		printf 'ok %s %s\n' "$prefix" "$FILE"
	fi
done
exit "$status"
