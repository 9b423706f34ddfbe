#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Rules of the house that a machine can hold: `ci/check-style.sh` prints each breach, and fails.
#
#	SPDX       the first lines of every source file name the licence
#	columns    C lines have at most 100 columns, a tab being 8 (texts of help pages are let off)
#	paths      no path of somebody's machine
#	tabs       C is indented by tabs
set -eu
cd "$(dirname "$0")/.."
breaches=0

breach() {
	echo "$*"
	breaches=$((breaches + 1))
}

sources() { # PATTERN…
	if git rev-parse --git-dir >/dev/null 2>&1; then
		git ls-files --cached --others --exclude-standard "$@"
	else
		for pattern; do
			find . -path ./build -prune -o -name "$pattern" -print
		done
	fi
}

for file in $(sources '*.c' '*.h' '*.cc' '*.sh' '*.mk' '*.t' '*.py' Makefile); do
	[ -f "$file" ] || continue
	head -n 3 "$file" | grep -q 'SPDX-License-Identifier: Apache-2.0' ||
		breach "$file: no SPDX line at its top"
	hits=$(grep -nE "(^|[^A-Za-z0-9_.\$}])/(home|root|Users|work)/[A-Za-z]" "$file" || :)
	[ -z "$hits" ] || breach "$file: a path of somebody's machine: $hits"
done

for file in $(sources '*.c' '*.h' '*.cc'); do
	[ -f "$file" ] || continue
	hits=$(LC_ALL=C.UTF-8 awk '{
		line = $0
		gsub(/\t/, "        ", line)
		if (length(line) > 100 && line !~ /^ *(OPT_[A-Z]+\()?"/ && line !~ /OPT_[A-Z]+\(/)
			print FNR ": " length(line) " columns"
	}' "$file")
	[ -z "$hits" ] || breach "$file: $hits"
	hits=$(grep -nE '^ {4,}[^ *]' "$file" || :)
	[ -z "$hits" ] || breach "$file: indented by blanks: $hits"
done

[ "$breaches" = 0 ] || exit 1
