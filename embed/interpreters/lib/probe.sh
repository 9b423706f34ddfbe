# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# What stands under a prefix: an interpreter's release, flavour, library, headers.

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

# Is the standard library of a line and flavour under a prefix? Else LACKS is the file that is not;
# where it may lie in two places and is whole in neither, the one that is there is spoken of.
stdlib_present() {
	sl_dir=python$2
	[ "$3" != free-threaded ] || sl_dir=python${2}t
	LACKS=
	for sl_lib in "lib/$sl_dir" "lib64/$sl_dir"; do
		sl_file=$sl_lib/os.py
		[ ! -r "$1/$sl_file" ] || sl_file=$sl_lib/encodings/__init__.py
		[ ! -r "$1/$sl_file" ] || return 0
		[ -n "$LACKS" ] && [ ! -d "$1/$sl_lib" ] || LACKS=$sl_file
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
		WHY="$LIB has no standard library under '$1': $LACKS is missing;"
		WHY="$WHY install it there"
		return 1
	fi
}
