#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Interpreters of Debian's suites, release and debug builds, for a machine of any suite: unpacked
# into a directory of their own together with the libc, the C++ runtime and the loader they were
# built for. Nothing is installed, and the machine's own apt is left alone: lists, cache and
# configuration are private; only the archive's address and the way to reach it (proxies) are taken
# over from the machine.
#
#	debian.sh fetch [-d DIR] SPEC…
#
# FORKPOINT_DEBIAN_URI and FORKPOINT_DEBIAN_KEYRING name an archive where the machine's own sources
# are not Debian's.
set -eu
case $0 in */*) HERE=${0%/*} ;; *) HERE=. ;; esac
. "$HERE/lib.sh"

# What libpython needs at run time. The rest of the standard library's needs (OpenSSL, SQLite, …)
# is not: those modules are absent, or find the machine's own libraries.
RUNTIME='libc6 libstdc++6 libgcc-s1 libexpat1 zlib1g'

# ARCHIVE: the address of a Debian archive. apt tells the address of each index file that its
# configuration, in whatever format, leads to; nothing is downloaded for that.
archive_locate() {
	ARCHIVE=${FORKPOINT_DEBIAN_URI:-}
	[ -z "$ARCHIVE" ] || return 0
	al_suites='bullseye bookworm trixie forky duke sid oldstable stable testing unstable'
	ARCHIVE=$(apt-get update --print-uris 2>/dev/null |
		sed -n "s|^'\(.*\)/dists/\([a-z]*\)/InRelease'.*|\2 \1|p" |
		awk -v suites=" $al_suites " \
			'index(suites, " " $1 " ") && $2 !~ /security/ { print $2; exit }')
	[ -n "$ARCHIVE" ]
}

# KEYRING: an option for the source's line, or nothing where apt's own trust must do.
keyring_locate() {
	KEYRING=
	for kl_file in "${FORKPOINT_DEBIAN_KEYRING:-}" \
		/usr/share/keyrings/debian-archive-keyring.pgp \
		/usr/share/keyrings/debian-archive-keyring.gpg; do
		[ -n "$kl_file" ] && [ -r "$kl_file" ] || continue
		KEYRING="signed-by=$kl_file"
		return 0
	done
}

# A private apt for one suite in DIR. Only the index of binary packages is fetched: no
# translations, no sources, no application metadata. apt_configure DIR SUITE
apt_configure() {
	mkdir -p "$1/lists/partial" "$1/cache/archives/partial" "$1/debs"
	: >"$1/status"
	printf 'deb [%s arch=%s] %s %s main\n' "$KEYRING" "$ARCHITECTURE" "$ARCHIVE" "$2" \
		>"$1/sources.list"
	{
		# How to reach an archive, as the machine does it. Its hooks stay out, for they are
		# about the machine's own packages; so does whatever else its apt would fetch.
		apt-config dump |
			grep -E '^Acquire::((https?|ftp|tor)[^[:alnum:]]|Retries|ForceIPv|Check-)' || :
		cat <<-CONFIG
			Dir::State::lists "$1/lists";
			Dir::State::status "$1/status";
			Dir::Cache "$1/cache";
			Dir::Etc::sourcelist "$1/sources.list";
			Dir::Etc::sourceparts "/dev/null";
			Dir::Etc::parts "/dev/null";
			Dir::Etc::preferencesparts "/dev/null";
			Dir::Etc::preferences "/dev/null";
			Acquire::Languages "none";
			Acquire::PDiffs "false";
			APT::Sandbox::User "root";
			APT::Get::List-Cleanup "false";
		CONFIG
	} >"$1/conf"
}

# Packages of one Python of a line: packages_of LINE SUFFIX
packages_of() {
	printf '%s\n' "libpython$1" "libpython$1-minimal" "libpython$1-stdlib" "libpython$1-dev"
	[ "$2" != d ] || printf '%s\n' "libpython$1-dbg"
}

# Unpack what a host needs of a package: no static libraries, no detached symbols, no manuals.
# deb_unpack DEB DIR
deb_unpack() {
	dpkg-deb --fsys-tarfile "$1" | tar -xf - -C "$2" --no-same-owner \
		--exclude='./etc' --exclude='./usr/share' --exclude='./usr/lib/debug' \
		--exclude='./usr/lib/*/gconv' --exclude='*.a'
}

# One interpreter's directory out of the packages in $1/debs. WHY and KIND where it fails.
# root_build APT SUITE LINE SUFFIX VERSION
root_build() {
	KIND=fail
	rb_root=$1/root-$3$4
	mkdir -p "$rb_root"
	: >"$rb_root/origin"
	for rb_package in $(packages_of "$3" "$4") $RUNTIME; do
		for rb_deb in "$1/debs/$rb_package"_*.deb; do
			break
		done
		if ! deb_unpack "$rb_deb" "$rb_root" 2>>"$1/log"; then
			fetch_why "$1/log" "${rb_deb##*/}"
			return 1
		fi
		rb_digest=$(sha256sum "$rb_deb")
		printf '%s %s\n' "${rb_digest%% *}" "${rb_deb##*/}" >>"$rb_root/origin"
	done
	# The packages link to files of the machine that they would have installed.
	rm -f "$rb_root/usr/lib/python$3/sitecustomize.py"
	PREFIX=$rb_root/usr
	interpreter_probe "$PREFIX" "$PREFIX/include/python$3$4" || return 1
	for rb_lib in "$PREFIX/lib/$(uname -m)"-linux-*; do
		break
	done
	for LOADER in "$rb_lib"/ld-linux*.so.* ''; do
		break
	done
	if ! [ -f "$LOADER" ]; then
		WHY="libc6 of $2 has no dynamic linker where it was looked for ($rb_lib)"
		return 1
	fi
	name=$RELEASE$SUFFIX-debian-$2
	SOURCE=debian-$2 HOME_DIR=$PREFIX INCLUDE=$PREFIX/include/python$3$4
	IDIRAFTER=$PREFIX/include RPATH=$rb_lib
	if ! interp_write "$rb_root/interp" "$rb_root" "$STORE/$name" ||
		! store_put "$rb_root" "$name"; then
		disk_full "$1/log" ||
			WHY="cannot write to '$STORE'; set FORKPOINT_CACHE to another place"
		return 1
	fi
}

# VERSION that the suite has of a package; 1: none.
package_version() {
	VERSION=$(apt-cache show --no-all-versions "$1" 2>/dev/null |
		sed -n 's/^Version: //p' | head -n 1)
	[ -n "$VERSION" ]
}

# Is what the suite has of a line new enough for the lock? suite_accepts SUITE LINE VERSION
suite_accepts() {
	while read -r sc_kind sc_suite sc_offer sc_version; do
		[ "$sc_kind $sc_suite" = "debian $1" ] || continue
		case $sc_offer in
		"$2".*) dpkg --compare-versions "$3" ge "$sc_version" || return 1 ;;
		esac
	done <"$HERE/lock"
}

# All specs of one suite. suite_fetch SUITE SPEC…
suite_fetch() {
	suite=$1
	shift
	apt=$TMP/apt-$suite
	apt_configure "$apt" "$suite"
	APT_CONFIG=$apt/conf
	export APT_CONFIG
	progress "debian $suite: reading the package index"
	# Errors of one index are warnings to apt, unless told otherwise.
	if ! timeout 180 apt-get update -q -o APT::Update::Error-Mode=any \
		>"$apt/log" 2>&1 </dev/null; then
		if grep -qE 'NO_PUBKEY|not signed|EXPKEYSIG' "$apt/log"; then
			WHY="the signature of Debian's $suite cannot be checked here;"
			answer_all skip "$WHY install debian-archive-keyring" "$@"
			return
		fi
		fetch_why "$apt/log" "the package index of Debian's $suite"
		answer_all "$KIND" "$WHY" "$@"
		return
	fi
	packages=
	builds=
	for spec in "$@"; do
		spec_parse "$spec"
		if ! package_version "libpython$SPEC_LINE"; then
			answer_all skip "Debian's $suite has no Python $SPEC_LINE" "$spec"
			continue
		fi
		# 3.13.5-2+deb13u5, 3.15.0~b1-1
		upstream=${VERSION%-*}
		upstream=$(printf '%s' "$upstream" | sed 's/^[0-9]*://; s/~//; s/[+~].*//')
		if ! spec_accepts "$upstream" "$SPEC_FLAVOUR"; then
			answer_all skip "Debian's $suite has $upstream, not $spec" "$spec"
			continue
		fi
		if ! suite_accepts "$suite" "$SPEC_LINE" "$VERSION"; then
			WHY="Debian's $suite offers $VERSION, older than the lock file says;"
			answer_all skip "$WHY see that its mirror is up to date" "$spec"
			continue
		fi
		if [ "$SPEC_SUFFIX" = t ] ||
			{ [ "$SPEC_SUFFIX" = d ] && ! package_version "libpython$SPEC_LINE-dbg"; }; then
			WHY="Debian's $suite has no $SPEC_FLAVOUR build of $SPEC_LINE"
			answer_all skip "$WHY" "$spec"
			continue
		fi
		packages="$packages $(packages_of "$SPEC_LINE" "$SPEC_SUFFIX")"
		builds="$builds $spec"
	done
	[ -n "$builds" ] || return 0
	progress "debian $suite: downloading$builds"
	# One call for all packages: each call reads the whole index again.
	# shellcheck disable=SC2086 # words on purpose
	if ! (cd "$apt/debs" && timeout 300 apt-get download -q \
		$(printf '%s\n' $packages $RUNTIME | sort -u)) >"$apt/log" 2>&1 </dev/null; then
		fetch_why "$apt/log" "the packages of Debian's $suite"
		# shellcheck disable=SC2086
		answer_all "$KIND" "$WHY" $builds
		return
	fi
	for spec in $builds; do
		spec_parse "$spec"
		progress "debian $suite: unpacking $spec"
		if root_build "$apt" "$suite" "$SPEC_LINE" "$SPEC_SUFFIX"; then
			answer_all ok "$STORE/$name/interp" "$spec"
		else
			answer_all "$KIND" "$WHY" "$spec"
		fi
	done
}

# SUITE that may have what the spec parsed last asks for: as the lock says, else the one that moves.
suite_choose() {
	SUITE=
	cs_listed=
	while read -r cs_kind cs_suite cs_offer _; do
		[ "$cs_kind" = debian ] || continue
		case $cs_offer in
		"$SPEC_LINE".*) cs_listed=1 ;;
		esac
		! spec_offered "$cs_offer" || SUITE=$cs_suite
	done <"$HERE/lock"
	[ -n "$SUITE$cs_listed" ] || SUITE=sid
	[ -n "$SUITE" ]
}

source_arguments "$@"
[ "$ACTION" = fetch ] || die "$STATUS_USAGE" "debian.sh can only fetch"
refusal=
if ! command -v apt-get >/dev/null 2>&1 || ! command -v dpkg-deb >/dev/null 2>&1; then
	refusal="apt and dpkg are not installed"
elif offline; then
	refusal="FORKPOINT_OFFLINE is set; unset it to fetch"
elif ! archive_locate; then
	refusal="no Debian archive among apt's sources; set FORKPOINT_DEBIAN_URI to one"
fi
if [ -n "$refusal" ]; then
	# shellcheck disable=SC2086 # words on purpose
	answer_all skip "$refusal" $SPECS
	exit 0
fi
ARCHITECTURE=$(dpkg --print-architecture)
keyring_locate
store_lock
store_tmp debian
# shellcheck disable=SC2086
! space_missing "$TMP" 500 || { answer_all fail "$WHY" $SPECS; FULL=1; source_end; }

suites=
for spec in $SPECS; do
	spec_parse "$spec"
	if ! suite_choose; then
		answer_all skip "no suite of Debian has it" "$spec"
		continue
	fi
	printf '%s\n' "$spec" >>"$TMP/suite.$SUITE"
	case " $suites " in
	*" $SUITE "*) ;;
	*) suites="$suites $SUITE" ;;
	esac
done
# Answers are single lines, which no other can break into.
jobs=
for suite in $suites; do
	(
		# shellcheck disable=SC2046
		suite_fetch "$suite" $(sort -u "$TMP/suite.$suite")
		source_end
	) &
	jobs="$jobs $!"
done
for job in $jobs; do
	wait "$job" || FULL=1
done
source_end
