#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Provide interpreters: those that SPECs name, or those that the lock file wants.
#
#	fetch.sh [SPEC…]
#
# What the machine has (the user's own prefixes, pyenv, uv, the system) and what the store holds
# already serves as it is. The rest is fetched, in this order for each: uv, Debian's suites, Maven;
# different sources side by side. Standard output has one line a spec:
#
#	ok SPEC NAME SOURCE FILE
#	skip SPEC WHY
#	fail SPEC WHY
#
# Why a spec did not come is kept in the store's .unfetched as well, a line `SPEC WHY` each.
#
# Exit status: 0 all there, 77 something cannot be had, 3 something failed, 2 usage.
#
# FORKPOINT_OFFLINE=1: nothing is downloaded. FORKPOINT_SOURCES="debian maven": only these sources
# are asked to fetch. FORKPOINT_NO_INSTALL=1: no package is installed for it.
set -eu
case $0 in */*) HERE=${0%/*} ;; *) HERE=. ;; esac
. "$HERE/lib.sh"

store_locate
if [ $# -eq 0 ]; then
	# shellcheck disable=SC2046 # words on purpose
	set -- $(awk '$1 == "want" { print $2 }' "$HERE/lock")
fi
for spec in "$@"; do
	spec_parse "$spec" ||
		die "$STATUS_USAGE" "'$spec' names no release;" \
			"write 3.13.18, 3.13.18+, 3.13 or 3.13d"
done

# The specs that nothing at hand answers, in MISSING.
missing_find() {
	MISSING=
	for mf_spec in "$@"; do
		spec_parse "$mf_spec"
		interp_satisfying || MISSING="$MISSING $mf_spec"
	done
}

# Ask every source whose turn it is, all at once; what is still missing then goes to the next. The
# specs are dealt out by what the lock file offers, so few are tried in vain.
round() {
	rd_sources=
	for rd_spec in $MISSING; do
		spec_parse "$rd_spec"
		rd_source=$(next_source "$rd_spec")
		[ -n "$rd_source" ] || continue
		printf '%s\n' "$rd_spec" | tee -a "$TMP/ask.$rd_source" >>"$TMP/tried.$rd_source"
		case " $rd_sources " in
		*" $rd_source "*) ;;
		*) rd_sources="$rd_sources $rd_source" ;;
		esac
	done
	[ -n "$rd_sources" ] || return 1
	rd_jobs=
	for rd_source in $rd_sources; do
		# shellcheck disable=SC2046 # words on purpose
		sh "$HERE/$rd_source.sh" fetch $(cat "$TMP/ask.$rd_source") \
			>"$TMP/answers.$rd_source" &
		rd_jobs="$rd_jobs $!"
	done
	for rd_job in $rd_jobs; do
		rd_status=0
		wait "$rd_job" || rd_status=$?
		case $rd_status in
		0) ;;
		"$STATUS_FULL") FULL=1 ;;
		*) BROKEN=$rd_status ;;
		esac
	done
	for rd_source in $rd_sources; do
		rm -f "$TMP/ask.$rd_source"
		while read -r rd_kind rd_spec rd_why; do
			[ "$rd_kind" = ok ] ||
				printf '%s %s\n' "$rd_kind" "$rd_why" >>"$TMP/why.$rd_spec"
		done <"$TMP/answers.$rd_source"
	done
}

# The first source, in order, that has not been asked for a spec and may have it.
next_source() {
	for ns_source in ${FORKPOINT_SOURCES:-uv debian maven}; do
		! grep -qxF -- "$1" "$TMP/tried.$ns_source" 2>/dev/null || continue
		case $ns_source in
		uv) command -v uv >/dev/null 2>&1 || continue ;;
		*)
			ns_listed=
			while read -r ns_kind ns_one ns_two _; do
				case $ns_kind in
				debian) ns_offer=$ns_two ;;
				maven) ns_offer=$ns_one ;;
				*) continue ;;
				esac
				case $ns_offer in
				"$SPEC_LINE".*) ns_listed=1 ;;
				esac
				[ "$ns_kind" = "$ns_source" ] && spec_offered "$ns_offer" || continue
				printf '%s' "$ns_source"
				return 0
			done <"$HERE/lock"
			# Debian's newest suite may have a line that the lock does not know.
			[ -z "$ns_listed" ] && [ "$ns_source" = debian ] || continue
			;;
		esac
		printf '%s' "$ns_source"
		return 0
	done
}

# What was said of the specs that did not come, for whoever tells later that they are missing. What
# was said of specs that were not asked for this time stays.
reasons_keep() {
	touch "$TMP/unfetched" "$STORE/.unfetched"
	printf '%s\n' "$@" >"$TMP/asked"
	awk 'NR == FNR { asked[$1] = 1; next } !asked[$1]' "$TMP/asked" "$STORE/.unfetched" \
		>>"$TMP/unfetched" && mv -f "$TMP/unfetched" "$STORE/.unfetched"
}

BROKEN=
missing_find "$@"
if [ -n "$MISSING" ]; then
	sh "$HERE/find.sh" >/dev/null
	# shellcheck disable=SC2086 # words on purpose
	missing_find $MISSING
fi
if [ -n "$MISSING" ] && ! offline; then
	store_lock
	store_tmp fetch
	# Another fetch may have brought them while we waited for the lock.
	# shellcheck disable=SC2086
	missing_find $MISSING
	# A full disk is no better for the next source.
	while [ -n "$MISSING" ] && [ -z "$FULL" ] && round; do
		# shellcheck disable=SC2086
		missing_find $MISSING
	done
fi

status=0
for spec in "$@"; do
	spec_parse "$spec"
	if interp_satisfying; then
		interp_read "$FILE"
		flavour_suffix "$FLAVOUR"
		printf 'ok %s %s %s %s\n' "$spec" "$RELEASE$SUFFIX" "$SOURCE" "$FILE"
		continue
	fi
	kind=skip
	why=
	if offline; then
		why="it is not at hand and FORKPOINT_OFFLINE is set;"
		why="$why unset it and type: forkpoint pythons fetch $spec"
	elif [ -r "${TMP:-}/why.$spec" ]; then
		! grep -q '^fail ' "$TMP/why.$spec" || kind=fail
		# What each source said, in the order they were asked.
		why=$(sed -n "s/^$kind //p" "$TMP/why.$spec" |
			awk '{ printf "%s%s", n++ ? "; " : "", $0 }')
	elif [ -n "$FULL" ]; then
		kind=fail
		why="the disk of '$STORE' is full;"
		why="$why free some or set FORKPOINT_CACHE to a roomier place"
	elif [ -n "$BROKEN" ]; then
		kind=fail
		why="a source ended with status $BROKEN and no answer; type the same again"
	fi
	case $why in
	'') why="no source has it; build it and type: forkpoint pythons add PREFIX" ;;
	*type* | *"set FORKPOINT"*) ;; # a remedy is in it
	*) why="$why; build it and type: forkpoint pythons add PREFIX" ;;
	esac
	printf '%s %s %s\n' "$kind" "$spec" "$why"
	[ -z "${TMP:-}" ] || printf '%s %s\n' "$spec" "$why" 2>/dev/null >>"$TMP/unfetched" || :
	[ "$kind" = skip ] && [ "$status" = 0 ] && status=$STATUS_SKIP
	[ "$kind" = skip ] || status=$STATUS_HARNESS
done
[ -z "${TMP:-}" ] || reasons_keep "$@" 2>/dev/null || :
exit "$status"
