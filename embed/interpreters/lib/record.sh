# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# Interpreter files: written, read, and looked through for one that answers a spec.

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
