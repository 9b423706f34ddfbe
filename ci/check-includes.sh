#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Holds the order of dependencies: what may include what. From the top: commands → source, symbols →
# explore, triage, report → run → observe → base. The driver and the scenarios meet in embed/subject.h alone, the
# page that they share; Python.h is for embed/ and scenarios/, CPython's internal headers are for
# embed/compat.c, and for the test of what embed/traceback.c knows without them.
#
#	sh ci/check-includes.sh [TOP]
#
# Says each include that breaks a rule as FILE:LINE, and ends with 1 if there is one.
set -eu
cd "${1:-$(dirname "$0")/..}"

# Module, and what it may include: modules, or single headers. A rule for a single file goes before
# its module's.
rules() {
	cat <<-'RULES'
	base                    base
	observe                 base observe embed/subject.h embed/traceback.h
	triage                  base triage observe/crash.h
	library                 base triage library observe/crash.h
	report                  base report
	run                     base observe run embed/subject.h embed/futex.h
	explore                 base observe run explore embed/subject.h
	source                  base triage source observe/crash.h
	symbols                 base triage symbols observe/crash.h observe/image.h observe/inlines.h
	matrix                  base observe run explore triage matrix embed/subject.h
	cmd                     base observe run explore triage source symbols matrix report cmd embed/subject.h
	embed/compat.c          embed Python internals
	embed                   embed scenarios/scenario.h scenarios/list.h Python base/clock.h base/rng.h
	scenarios/scenario.h    embed/subject.h
	scenarios               scenarios scenarios/lib Python embed/compat.h
	scenarios/lib           scenarios/scenario.h scenarios/lib Python embed/compat.h
	tests/bench/embedded.c  Python
	tests/python/python.c   Python
	tests/python/layout.c   Python internals embed/traceback.c
	tests                   base observe run explore triage source symbols matrix report cmd tests embed/subject.h embed/registers.h embed/traceback.h scenarios/lib
	RULES
}

sources() {
	find harness library embed scenarios tests -type f \( -name '*.[ch]' -o -name '*.cc' -o -name '*.hh' \) \
		! -path 'tests/fixtures/*' 2>/dev/null | sort
}

sources | while read -r file; do
	awk -v file="$file" '
		/^[ \t]*#[ \t]*include[ \t]*["<]/ {
			name = $0
			sub(/^[^"<]*["<]/, "", name)
			sub(/[">].*/, "", name)
			print file, FNR, name
		}' "$file"
done | awk -v rules="$(rules)" -v sources="$(sources)" '
	function module_of(path) {
		if (path ~ /^harness\/[^\/]*$/)
			return "cmd"
		if (path ~ /^scenarios\/lib\//)
			return "scenarios/lib"
		sub(/^harness\//, "", path)
		sub(/\/.*/, "", path)
		return path
	}

	# The file of this tree that is meant, or "": the compiler looks beside the file first, then
	# in harness/, then at the top.
	function resolve(file, name,    dir, i, n, part, out, path) {
		dir = file
		sub(/[^\/]*$/, "", dir)
		if ((dir name) in known)
			return dir name
		n = split(dir name, part, "/")
		path = ""
		for (i = 1; i <= n; i++) {
			if (part[i] == "..")
				sub(/\/?[^\/]*$/, "", path)
			else if (part[i] != ".")
				path = path (path == "" ? "" : "/") part[i]
		}
		if (path in known)
			return path
		if (("harness/" name) in known)
			return "harness/" name
		return name in known ? name : ""
	}

	function allowed(file, header, module,    rule) {
		rule = file in rule_of ? file : module_of(file)
		sub(/^harness\//, "", header)
		return index(rule_of[rule], " " header " ") || index(rule_of[rule], " " module " ")
	}

	BEGIN {
		n = split(rules, lines, "\n")
		for (i = 1; i <= n; i++) {
			count = split(lines[i], words, /[ \t]+/)
			may = " "
			for (j = 2; j <= count; j++)
				may = may words[j] " "
			rule_of[words[1]] = may
		}
		n = split(sources, lines, "\n")
		for (i = 1; i <= n; i++)
			known[lines[i]] = 1
	}

	{
		file = $1
		header = resolve(file, $3)
		if ($3 ~ /^internal\/|pycore_/)
			module = "internals"
		else if ($3 == "Python.h" || $3 ~ /^cpython\//)
			module = "Python"
		else if (header == "")
			next # of the system
		else
			module = module_of(header)
		if (allowed(file, header, module))
			next
		printf "%s:%d: %s may not include %s\n", file, $2, module_of(file), $3
		bad = 1
	}

	END { exit bad }
' >&2
