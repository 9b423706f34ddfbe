# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# Packages of the machine's own manager, for what a source needs.

# Install packages of the machine's own manager, where that needs no password. 1 and WHY.
# package_install WHAT NAME…: WHAT is missing, and these packages have it
package_install() {
	pi_what=$1
	shift
	pi_wait=
	if command -v apt-get >/dev/null 2>&1; then
		pi_command='apt-get install -y --no-install-recommends'
		# A machine that has just started may be at its own updates.
		pi_wait='-o DPkg::Lock::Timeout=300 -o Dpkg::Options::=--force-confold'
	elif command -v dnf >/dev/null 2>&1; then
		pi_command='dnf install -y'
	elif command -v zypper >/dev/null 2>&1; then
		pi_command='zypper -n install'
	elif command -v pacman >/dev/null 2>&1; then
		pi_command='pacman -S --noconfirm'
	elif command -v apk >/dev/null 2>&1; then
		pi_command='apk add'
	else
		WHY="$pi_what is missing; install it"
		return 1
	fi
	pi_sudo=
	pi_type="$pi_command $*"
	if [ "$(id -u)" != 0 ] && command -v sudo >/dev/null 2>&1; then
		pi_sudo='sudo -n'
		pi_type="sudo $pi_type"
	elif [ "$(id -u)" != 0 ]; then
		pi_type="su -c '$pi_type'"
	fi
	WHY="$pi_what is missing; type: $pi_type"
	[ -z "${FORKPOINT_NO_INSTALL:-}" ] && ! offline || return 1
	[ "$(id -u)" = 0 ] || { [ -n "$pi_sudo" ] && sudo -n true 2>/dev/null; } || return 1
	progress "installing $*"
	pi_log=$TMP/install.log
	export DEBIAN_FRONTEND=noninteractive
	# shellcheck disable=SC2086 # words on purpose, here and below
	$pi_sudo $pi_command "$@" $pi_wait >"$pi_log" 2>&1 </dev/null && return 0
	case $pi_command in
	apt-get*)
		# The lists may be old, or there may be none yet.
		{
			$pi_sudo apt-get update -q && $pi_sudo $pi_command "$@" $pi_wait
		} >"$pi_log" 2>&1 </dev/null && return 0
		;;
	esac
	pi_why=$WHY
	fetch_why "$pi_log" "the package of $pi_what"
	case $WHY in
	*"could not be reached"* | *"is full"*) ;;
	*) WHY="$pi_why" ;;
	esac
	return 1
}
