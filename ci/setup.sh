#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Finds what is missing on this machine to build forkpoint, to run it and to test it, and installs
# it by the machine's package manager where that is allowed: as root, or by a sudo that asks for no
# password. Otherwise it stops with the one command to type. When nothing is missing it says
# nothing, asks no network, and takes some 100 ms.
#
#	sh ci/setup.sh            probe, and install what is missing
#	sh ci/setup.sh --check    probe only, and name what is missing
#
# Exit status: 0 nothing needed is missing, 1 something is (or python3 is too old), 2 wrong usage.
#
# On a machine without make, this is the first command to type: it installs make, too.
set -eu

# What is needed, one a line:
#
#	name  class  probe  apt  dnf  apk  pacman  purpose
#
# class     need: nothing works without; want: something is lost without, the purpose says what
# probe     cmd:NAME in PATH, h:HEADER for the compiler, file:PATH
# packages  more than one joined by ',', '-' where the system has no such package
needs() {
	cat <<-'TABLE'
	make        need cmd:make              make          make          make          make         build
	compiler    need cmd:cc                gcc           gcc           gcc           gcc          build
	c-library   need h:stdio.h             libc6-dev     glibc-devel   musl-dev      glibc        build
	c++         need cmd:c++               g++           gcc-c++       g++           gcc          hosts with C++ scenarios
	pkg-config  need cmd:pkg-config        pkg-config    pkgconf-pkg-config pkgconf  pkgconf      finding libraries
	jansson     need h:jansson.h           libjansson-dev jansson-devel jansson-dev  jansson      JSON
	elfutils    need h:elfutils/libdwfl.h  libdw-dev     elfutils-devel elfutils-dev libelf       stacks of crashes
	libiberty   need h:libiberty/demangle.h libiberty-dev binutils-devel binutils-dev binutils    names of C++ and Rust
	TABLE
	case $(uname -m) in
	x86_64) cat <<-'TABLE'
	zydis       need h:Zydis/Zydis.h       libzydis-dev  zydis-devel   zydis-dev     zydis        decoding instructions
	TABLE
	;;
	aarch64) cat <<-'TABLE'
	capstone    need h:capstone/capstone.h libcapstone-dev capstone-devel capstone-dev capstone   decoding instructions
	TABLE
	;;
	esac
	cat <<-'TABLE'
	prove       need cmd:prove             perl          perl-Test-Harness perl-utils perl        make check
	python3     need cmd:python3           python3       python3       python3       python       make check
	stress-ng   want cmd:stress-ng         stress-ng     stress-ng     stress-ng     stress-ng    load by stress-ng; a built-in spinner stands in
	certificates want file:/etc/ssl/certs/ca-certificates.crt ca-certificates ca-certificates ca-certificates ca-certificates fetching interpreters over https
	TABLE
}

say() {
	printf 'setup: %s\n' "$*" >&2
}

fail() {
	say "$@"
	exit 1
}

# Headers are asked for all at once: a compiler takes some 20 ms to start. __has_include is in
# gcc since 5 and in clang; without a compiler every header counts as missing, for its package
# would be installed with the compiler's anyway.
missing_headers() {
	needs | awk '$3 ~ /^h:/ { print substr($3, 3) }' >"$work/headers"
	if ! command -v cc >/dev/null 2>&1; then
		cat "$work/headers"
		return
	fi
	sed 's|.*|#if !__has_include(<&>)\nMISSING &\n#endif|' "$work/headers" |
		cc -E -P -x c - 2>/dev/null | sed -n 's/^MISSING //p' | tr -d ' '
}

is_missing() { # PROBE
	case $1 in
	cmd:*) ! command -v "${1#cmd:}" >/dev/null 2>&1 ;;
	h:*) grep -qxF "${1#h:}" "$work/no-headers" ;;
	file:*) [ ! -e "${1#file:}" ] ;;
	esac
}

# Lines of the table that are not fulfilled, into $work/missing.
probe() {
	missing_headers >"$work/no-headers"
	needs | while read -r name class test rest; do
		if is_missing "$test"; then
			printf '%s %s %s %s\n' "$name" "$class" "$test" "$rest"
		fi
	done >"$work/missing"
}

# No package manager cures a python3 that is too old: it is the system's own, or one that stands
# before that in PATH.
python_fits() {
	where=$(command -v python3) || return 0 # it is in $work/missing then
	if version=$(python3 -I -S -c 'import sys
print("%d.%d" % sys.version_info[:2])
sys.exit(sys.version_info < (3, 9))' 2>/dev/null); then
		return 0
	fi
	if [ -n "$version" ]; then
		say "python3 is $version ($where), and the tests need 3.9 or later: put a later one first" \
			"in PATH; 'uv python install 3.13' or 'pyenv install 3.13' gives you one"
	else
		say "python3 ($where) does not start, and the tests need it: type: python3 --version"
	fi
	return 1
}

# The package manager: its name, and its column in the table.
find_manager() {
	manager= column=
	for candidate in apt-get:4 dnf:5 apk:6 pacman:7; do
		if command -v "${candidate%:*}" >/dev/null 2>&1; then
			manager=${candidate%:*}
			column=${candidate#*:}
			return
		fi
	done
}

packages() { # CLASS: the packages of what is missing, one a line, none twice
	awk -v class="$1" -v column="${column:-4}" '
		$2 == class && $column != "-" {
			n = split($column, names, ",")
			for (i = 1; i <= n; i++)
				if (!seen[names[i]]++)
					print names[i]
		}' "$work/missing"
}

names() { # CLASS
	awk -v class="$1" '$2 == class { printf "%s%s", sep, $1; sep = ", " }' "$work/missing"
}

# What a person would type for these packages.
install_command() { # PACKAGE…
	case $manager in
	apt-get) echo "apt-get update && apt-get install -y --no-install-recommends $*" ;;
	dnf) echo "dnf install -y $*" ;;
	apk) echo "apk add $*" ;;
	pacman) echo "pacman -Sy --needed --noconfirm $*" ;;
	esac
}

# How to become root without being asked: "" as root, "sudo -n", or nothing works (status 1).
find_root() {
	root=
	[ "$(id -u)" -eq 0 ] && return
	root='sudo -n'
	command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null
}

# Commands of the package manager speak into the log; it is shown when they fail.
quietly() {
	# $root is one or two words, or none.
	# shellcheck disable=SC2086
	$root env DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true LC_ALL=C \
		"$@" >>"$work/log" 2>&1 </dev/null
}

apt() {
	quietly apt-get -q -y -o Acquire::Retries=3 -o Acquire::http::Timeout=30 \
		-o Acquire::https::Timeout=30 -o DPkg::Lock::Timeout=300 \
		-o Dpkg::Options::=--force-confold -o APT::Update::Error-Mode=any "$@"
}

refresh() {
	case $manager in
	apt-get) apt update ;;
	apk) quietly apk update ;;
	esac
}

install() { # PACKAGE…
	case $manager in
	apt-get) apt install --no-install-recommends "$@" ;;
	dnf) quietly dnf install -y "$@" ;;
	apk) quietly apk add "$@" ;;
	pacman) quietly pacman -Sy --needed --noconfirm "$@" ;;
	esac
}

explain_failure() { # PACKAGE…
	grep -E '^(E|W|Err|ERROR|error|Error)[: ]' "$work/log" | tail -n 5 >&2 || tail -n 5 "$work/log" >&2
	# shellcheck disable=SC2119
	if grep -qiE 'could ?n.t (resolve|connect)|temporary failure|unable to (fetch|connect)|failed to fetch|timed out|network is unreachable' \
		"$work/log"; then
		fail "the package servers cannot be reached: connect this machine to the network" \
			"(or set http_proxy), then try again, or type: $(install_command "$@")"
	fi
	fail "$manager could not install $*: see above; once that is cured, try again"
}

install_missing() {
	need=$(packages need)
	want=$(packages want)
	: >"$work/log"
	# shellcheck disable=SC2086
	say "installing" $need $want "by $manager"
	refreshed=yes
	refresh || refreshed=no
	# What is only wanted must not keep what is needed from being installed.
	# shellcheck disable=SC2086
	if [ -n "$need$want" ] && ! install $need $want; then
		if [ -n "$need" ] && ! install $need; then
			explain_failure $need
		fi
		for package in $want; do
			install "$package" || say "$package cannot be installed here"
		done
	fi
	if [ $refreshed = no ]; then
		say "the lists of packages could not be brought up to date; went by the old ones"
	fi
}

report_missing() {
	while read -r name class _ apt dnf apk pacman purpose; do
		case $manager in
		apt-get | '') package=$apt ;;
		dnf) package=$dnf ;;
		apk) package=$apk ;;
		pacman) package=$pacman ;;
		esac
		printf 'setup: %s is missing (package %s), %s for: %s\n' "$name" "$package" \
			"$([ "$class" = need ] && echo needed || echo wanted)" "$purpose" >&2
	done <"$work/missing"
}

check_only=no
case ${1-} in
'') ;;
--check) check_only=yes ;;
*)
	say "unknown argument '$1': it takes --check, or nothing"
	exit 2
	;;
esac

work=$(mktemp -d "${TMPDIR:-/tmp}/forkpoint-setup.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

probe
fits=yes
python_fits || fits=no
if [ $check_only = no ] && [ $fits = no ]; then
	exit 1
fi
[ -s "$work/missing" ] || [ $fits = no ] || exit 0
find_manager

# What is only wanted and could not be had is not tried again for a day: a second call shall be
# instant there, too.
given_up=${XDG_CACHE_HOME:-${HOME:-/nonexistent}/.cache}/forkpoint/setup-without
if [ $check_only = no ] && [ -z "$(names need)" ] && [ -n "$(find "$given_up" -mtime -1 2>/dev/null)" ] &&
	[ "$(cat "$given_up")" = "$(names want)" ]; then
	exit 0
fi

if [ $check_only = yes ]; then
	report_missing
	[ -z "$(names need)" ] && [ $fits = yes ]
	exit
fi

if [ -z "$manager" ]; then
	report_missing
	[ -n "$(names need)" ] || exit 0
	fail "no package manager that it knows (apt-get, dnf, apk, pacman): install these by hand: $(names need)"
fi

if ! find_root; then
	# shellcheck disable=SC2046
	command=$(install_command $(packages need) $(packages want))
	if [ -z "$(names need)" ]; then
		# Told once a call; what works without it goes on.
		say "$(names want) missing; to have it, type: sudo sh -c '$command'"
		exit 0
	fi
	if command -v sudo >/dev/null 2>&1; then
		fail "$(names need) missing, and sudo wants a password: type: sudo sh -c '$command'"
	fi
	fail "$(names need) missing, and only root may install: type: su -c '$command'"
fi

install_missing
probe
if [ -n "$(names need)" ]; then
	report_missing
	fail "$manager installed the packages, yet $(names need) cannot be found: look at PATH and CPATH"
fi
python_fits || exit 1
if [ -n "$(names want)" ]; then
	report_missing
	# Without a place for it, it is tried each time.
	{ mkdir -p "${given_up%/*}" && names want >"$given_up"; } 2>/dev/null || :
fi
