#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Interpreters of uv: those that it finds on this machine, and those that it can install.
#
#	uv.sh find  [-d DIR]
#	uv.sh fetch [-d DIR] SPEC…
#
# What is fetched goes into forkpoint's own store, not among the user's.
set -eu
case $0 in */*) HERE=${0%/*} ;; *) HERE=. ;; esac
. "$HERE/lib.sh"

# uv asks every python3 on PATH, pyenv's shims too, and gives up at the first that does not answer.
path_without_shims() {
	printf '%s' "$PATH" | awk -v RS=: -v ORS= \
		'$0 !~ /\/shims\/?$/ { print (n++ ? ":" : "") $0 }'
}

uv_find() {
	uv_path=$(path_without_shims)
	seen=:
	{
		PATH=$uv_path "$UV" python list --only-installed 2>/dev/null | awk '{ print $2 }'
		# An older uv has no such list; ask for one line after the other.
		for line in $(awk '$1 == "want" { split($2, v, "."); print v[1] "." v[2] }' \
			"$HERE/lock" | sort -u); do
			PATH=$uv_path "$UV" python find --no-python-downloads "$line" \
				2>/dev/null || :
		done
	} | while read -r program; do
		program=$(realpath "$program" 2>/dev/null) || continue
		case $seen in
		*":$program:"*) continue ;;
		esac
		seen=$seen$program:
		prefix=${program%/*}
		prefix=${prefix%/*}
		! prefix_record "${prefix:-/}" uv "$STORE" || printf 'ok %s %s\n' "$program" "$FILE"
	done
}

# What uv is asked for: it knows no "or later", so a line stands for that.
uv_request() {
	case $1 in
	*+) printf '%s' "$SPEC_LINE$2" ;;
	*) printf '%s' "${SPEC_RELEASE:-$SPEC_LINE}$2" ;;
	esac
}

uv_fetch_one() {
	spec_parse "$1"
	variant=
	[ "$SPEC_FLAVOUR" != debug ] || variant=+debug
	[ "$SPEC_FLAVOUR" != free-threaded ] || variant=t
	request=$(uv_request "$1" "$variant")
	progress "uv: installing $request"
	log=$TMP/uv.log
	if ! UV_PYTHON_INSTALL_DIR=$TMP/uv UV_PYTHON_INSTALL_BIN=0 \
		UV_HTTP_TIMEOUT=20 UV_HTTP_RETRIES=1 \
		timeout 180 "$UV" python install "$request" >"$log" 2>&1 </dev/null; then
		fetch_why "$log" "the place where uv has $request from"
		answer "$KIND" "$1" "$WHY"
		return
	fi
	for prefix in "$TMP"/uv/cpython-*; do
		[ -d "$prefix" ] && [ ! -L "$prefix" ] || continue
		for include in "$prefix"/include/python3.*; do
			interpreter_probe "$prefix" "$include" || continue
			spec_accepts "$RELEASE" "$FLAVOUR" || {
				WHY="uv has $RELEASE$SUFFIX, not $1; a newer uv may know it"
				continue
			}
			name=$RELEASE$SUFFIX-uv-install
			PREFIX=$prefix HOME_DIR=$prefix INCLUDE=$include IDIRAFTER= LOADER= RPATH=
			SOURCE=uv-install
			interp_write "$prefix/interp" "$prefix" "$STORE/$name"
			store_put "$prefix" "$name"
			answer ok "$1" "$STORE/$name/interp"
			return
		done
	done
	answer skip "$1" "${WHY:-uv installed nothing that has headers and a libpython}"
}

source_arguments "$@"
UV=$(command -v uv || :)
if [ -z "$UV" ]; then
	# shellcheck disable=SC2086 # words on purpose, here and below
	answer_all skip "uv is not installed" $SPECS
	exit 0
fi
if [ "$ACTION" = find ]; then
	uv_find
	exit 0
fi
if offline; then
	answer_all skip "FORKPOINT_OFFLINE is set; unset it to fetch" $SPECS
	exit 0
fi
store_lock
store_tmp uv
for spec in $SPECS; do
	WHY=
	uv_fetch_one "$spec"
	case $WHY in
	*"could not be reached"*)
		# One host for all: the others would only wait in vain.
		answer_all skip "$WHY" ${SPECS#*" $spec"}
		break
		;;
	esac
done
source_end
