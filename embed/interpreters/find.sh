#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Look for interpreters on this machine and note them in the store: pyenv's, uv's, the system's.
#
#	find.sh
set -eu
case $0 in */*) HERE=${0%/*} ;; *) HERE=. ;; esac
. "$HERE/lib.sh"

abandon() {
	trap - INT TERM HUP
	descendants_end
	exit "$1"
}

store_locate
trap 'abandon 130' INT
trap 'abandon 143' TERM
trap 'abandon 129' HUP
for source in pyenv uv system; do
	sh "$HERE/$source.sh" find &
done
wait
