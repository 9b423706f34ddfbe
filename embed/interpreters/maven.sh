#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Interpreters that Maven's org.bytedeco:cpython carries: headers, libpython and the standard
# library in one archive. The artefacts and their digests stand in the lock file. Where no Maven
# client is installed, and one may be, it is.
#
#	maven.sh fetch [-d DIR] SPEC…
set -eu
case $0 in */*) HERE=${0%/*} ;; *) HERE=. ;; esac
. "$HERE/lib.sh"

# ARTEFACT and DIGEST for the spec parsed last.
lock_lookup() {
	ARTEFACT=
	while read -r ll_kind ll_release ll_machine ll_artefact ll_digest; do
		[ "$ll_kind" = maven ] && [ "$ll_machine" = "$(uname -m)" ] &&
			spec_accepts "$ll_release" release || continue
		ARTEFACT=$ll_artefact
		DIGEST=$ll_digest
	done <"$HERE/lock"
	[ -n "$ARTEFACT" ]
}

unpack() {
	if command -v unzip >/dev/null 2>&1; then
		unzip -q "$1" -d "$2"
	elif command -v bsdtar >/dev/null 2>&1; then
		mkdir -p "$2" && bsdtar -xf "$1" -C "$2"
	elif command -v jar >/dev/null 2>&1; then
		mkdir -p "$2" && (cd "$2" && jar -xf "$1")
	elif command -v python3 >/dev/null 2>&1; then
		python3 -m zipfile -e "$1" "$2"
	else
		package_install unzip unzip && unzip -q "$1" -d "$2"
	fi
}

# The archive as the interpreter's own directory: what follows leaves PREFIX there, or WHY and KIND.
archive_place() {
	KIND=fail
	WHY="$ARTEFACT could not be unpacked; see that unzip works and '$STORE' has room"
	unpack "$1" "$TMP/open" >"$TMP/log" 2>&1 || {
		disk_full "$TMP/log" || :
		return 1
	}
	WHY="$ARTEFACT holds no Python for this machine; the lock file and the artefact disagree"
	set -- "$TMP"/open/org/bytedeco/cpython/*/include
	[ -d "$1" ] || return 1
	PREFIX=$TMP/prefix
	mv "${1%/include}" "$PREFIX"
	rm -rf "$TMP/open"
	# libpython lies beside lib/, not in it.
	for ap_lib in "$PREFIX"/libpython*.so.*; do
		[ ! -f "$ap_lib" ] || mv "$ap_lib" "$PREFIX/lib/"
	done
}

maven_fetch_one() {
	spec_parse "$1"
	if ! lock_lookup; then
		WHY="Maven has no such build for $(uname -m)"
		KIND=skip
		return 1
	fi
	am_file=${ARTEFACT#*:}
	am_classifier=${am_file##*:}
	am_type=${am_file%:*}
	am_type=${am_type##*:}
	am_version=${am_file#*:}
	am_version=${am_version%%:*}
	jar=$TMP/jars/${am_file%%:*}-$am_version-$am_classifier.$am_type
	progress "maven: downloading $ARTEFACT"
	rm -rf "$TMP/jars"
	# A repository of our own: two Maven processes must not share one. The plugin by its full
	# name: of its short one Maven looks up the newest, and where it cannot, it does not say why.
	if ! timeout 300 mvn -q -B -Dmaven.repo.local="$TMP/repository" "$PLUGIN:copy" \
		-Dartifact="$ARTEFACT" -DoutputDirectory="$TMP/jars" >"$TMP/log" 2>&1 </dev/null ||
		! [ -f "$jar" ]; then
		fetch_why "$TMP/log" "$ARTEFACT"
		return 1
	fi
	got=$(sha256sum "$jar")
	if [ "${got%% *}" != "$DIGEST" ]; then
		KIND=fail
		WHY="$ARTEFACT arrived damaged (sha-256 ${got%% *}, not $DIGEST);"
		WHY="$WHY type the same again"
		return 1
	fi
	archive_place "$jar" || return 1
	rm -rf "$TMP/jars"
	for include in "$PREFIX"/include/python3.*; do
		break
	done
	KIND=fail
	interpreter_probe "$PREFIX" "$include" || return 1
	spec_accepts "$RELEASE" "$FLAVOUR" || {
		WHY="$ARTEFACT is $RELEASE$SUFFIX, not $1; the lock file is wrong"
		return 1
	}
	name=$RELEASE$SUFFIX-maven
	SOURCE=maven HOME_DIR=$PREFIX INCLUDE=$include IDIRAFTER= LOADER=
	RPATH=$PREFIX/lib
	printf '%s %s\n' "$DIGEST" "$ARTEFACT" >"$PREFIX/origin"
	if ! interp_write "$PREFIX/interp" "$PREFIX" "$STORE/$name" ||
		! store_put "$PREFIX" "$name"; then
		disk_full "$TMP/log" ||
			WHY="cannot write to '$STORE'; set FORKPOINT_CACHE to another place"
		return 1
	fi
}

# The same answer for all specs, and the end.
answer_and_end() {
	# shellcheck disable=SC2086 # words on purpose
	answer_all "$1" "$2" $SPECS
	source_end
}

source_arguments "$@"
[ "$ACTION" = fetch ] || die "$STATUS_USAGE" "maven.sh can only fetch"
! offline || answer_and_end skip "FORKPOINT_OFFLINE is set; unset it to fetch"
store_lock
store_tmp maven
PLUGIN=$(awk '$1 == "maven-plugin" { print $2 }' "$HERE/lock")
if ! command -v mvn >/dev/null 2>&1; then
	wanted=
	for spec in $SPECS; do
		spec_parse "$spec"
		! lock_lookup || wanted=1
	done
	[ -n "$wanted" ] || answer_and_end skip "Maven has no such build for $(uname -m)"
	package_install "a Maven client" maven unzip || answer_and_end skip "$WHY"
fi
! space_missing "$TMP" 300 || { FULL=1; answer_and_end fail "$WHY"; }
for spec in $SPECS; do
	if maven_fetch_one "$spec"; then
		answer ok "$spec" "$STORE/$name/interp"
	else
		answer "$KIND" "$spec" "$WHY"
	fi
done
source_end
