#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Interpreters that pyenv has built on this machine. Those built without --enable-shared have a
# static libpython, which serves as well.
#
#	pyenv.sh find [-d DIR]
set -eu
case $0 in */*) HERE=${0%/*} ;; *) HERE=. ;; esac
. "$HERE/lib.sh"

source_arguments "$@"
[ "$ACTION" = find ] || die "$STATUS_USAGE" "pyenv.sh can only find; pyenv install builds new ones"

# The tool itself may be a function of the interactive shell, so its directory is looked at instead.
root=${PYENV_ROOT:-$HOME/.pyenv}
for prefix in "$root"/versions/*; do
	case ${prefix##*/} in
	3.[0-9] | 3.[0-9].* | 3.1[01] | 3.1[01].* | 2.*) continue ;;
	esac
	# "3.13" may be a link to "3.13.0".
	[ -d "$prefix/include" ] && [ ! -L "$prefix" ] || continue
	! prefix_record "$prefix" pyenv "$STORE" || printf 'ok %s %s\n' "${prefix##*/}" "$FILE"
done
