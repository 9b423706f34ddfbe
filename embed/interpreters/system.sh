#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# The machine's own interpreters: every python-3.X-embed.pc that pkg-config knows, then every
# pythonX.Y-config on PATH (the ones that know --embed).
#
#	system.sh find [-d DIR]
set -eu
case $0 in */*) HERE=${0%/*} ;; *) HERE=. ;; esac
. "$HERE/lib.sh"

source_arguments "$@"
[ "$ACTION" = find ] || die "$STATUS_USAGE" "system.sh can only find; the package manager installs"

seen=:

# One prefix once, whoever tells of it.
record() {
	case $seen in
	*":$1:"*) return 0 ;;
	esac
	seen=$seen$1:
	! prefix_record "$1" system "$STORE" || printf 'ok %s %s\n' "$1" "$FILE"
}

if command -v pkg-config >/dev/null 2>&1; then
	for module in $(pkg-config --list-all 2>/dev/null |
		awk '$1 ~ /^python-3\.(1[2-9]|[2-9][0-9])[a-z]*-embed$/ { print $1 }'); do
		prefix=$(pkg-config --variable=prefix "$module" 2>/dev/null) || continue
		[ -z "$prefix" ] || record "$prefix"
	done
fi

blanks=$IFS
IFS=:
for dir in $PATH; do
	IFS=$blanks
	case $dir in
	*/shims) continue ;; # pyenv's, which may run another release than their name says
	esac
	for config in "$dir"/python3.1[2-9]*-config "$dir"/python3.[2-9][0-9]*-config; do
		[ -x "$config" ] && "$config" --embed --libs >/dev/null 2>&1 || continue
		prefix=$("$config" --prefix 2>/dev/null) || continue
		[ -z "$prefix" ] || record "$prefix"
	done
done
