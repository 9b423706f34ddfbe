# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
#
# Releases and specs: "3.13.18", "3.13.18d+", "3.13".

# NUM: a number that orders releases, pre-releases before the final one. 1: not a release.
release_number() {
	rn_rest=$1
	rn_level=15
	rn_serial=0
	case $rn_rest in
	*rc*) rn_level=12 rn_serial=${rn_rest##*rc} rn_rest=${rn_rest%rc*} ;;
	*a*) rn_level=10 rn_serial=${rn_rest##*a} rn_rest=${rn_rest%a*} ;;
	*b*) rn_level=11 rn_serial=${rn_rest##*b} rn_rest=${rn_rest%b*} ;;
	esac
	rn_major=${rn_rest%%.*}
	rn_minor=${rn_rest#*.}
	rn_micro=${rn_minor#*.}
	rn_minor=${rn_minor%%.*}
	for rn_part in "$rn_major" "$rn_minor" "$rn_micro" "$rn_serial"; do
		case $rn_part in
		'' | *[!0-9]* | 0[0-9]* | ?????*) return 1 ;;
		esac
	done
	case $rn_rest in
	*.*.*.*) return 1 ;;
	*.*.*) ;;
	*) return 1 ;;
	esac
	NUM=$((((rn_major * 1000 + rn_minor) * 10000 + rn_micro) * 100000 + \
		rn_level * 5000 + rn_serial))
}

# From "3.13.18d+": SPEC_LINE 3.13, SPEC_RELEASE 3.13.18 (empty: any of the line), SPEC_FLAVOUR,
# SPEC_SUFFIX d, SPEC_PLUS + (or a later one). 1: malformed.
spec_parse() {
	sp_rest=$1
	SPEC_PLUS=
	SPEC_SUFFIX=
	SPEC_FLAVOUR=release
	case $sp_rest in
	*+) SPEC_PLUS=+ sp_rest=${sp_rest%+} ;;
	esac
	case $sp_rest in
	*d) SPEC_SUFFIX=d SPEC_FLAVOUR=debug sp_rest=${sp_rest%d} ;;
	*t) SPEC_SUFFIX=t SPEC_FLAVOUR=free-threaded sp_rest=${sp_rest%t} ;;
	esac
	case $sp_rest in
	*.*.*)
		release_number "$sp_rest" || return 1
		SPEC_RELEASE=$sp_rest
		sp_micro=${sp_rest#*.*.}
		SPEC_LINE=${sp_rest%".$sp_micro"}
		;;
	*.*)
		release_number "$sp_rest.0" || return 1
		SPEC_RELEASE=
		SPEC_LINE=$sp_rest
		;;
	*) return 1 ;;
	esac
}

# Does an interpreter's release and flavour answer the spec that was parsed last?
spec_accepts() {
	[ "$2" = "$SPEC_FLAVOUR" ] || return 1
	case $1 in
	"$SPEC_LINE".*) ;;
	*) return 1 ;;
	esac
	[ -n "$SPEC_RELEASE" ] || return 0
	[ "$1" = "$SPEC_RELEASE" ] && return 0
	[ -n "$SPEC_PLUS" ] || return 1
	release_number "$1" || return 1
	sa_num=$NUM
	release_number "$SPEC_RELEASE"
	[ "$sa_num" -ge "$NUM" ]
}

# May something offered as "3.13.18" or "3.13.18+" answer the spec that was parsed last?
spec_offered() {
	so_release=${1%+}
	case $so_release in
	"$SPEC_LINE".*) ;;
	*) return 1 ;;
	esac
	spec_accepts "$so_release" "$SPEC_FLAVOUR" && return 0
	[ "$so_release" != "$1" ] || return 1
	release_number "$so_release"
	so_num=$NUM
	release_number "$SPEC_RELEASE"
	[ "$NUM" -ge "$so_num" ]
}
