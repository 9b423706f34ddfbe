#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
#
# Look for interpreters on this machine and note them in the store: pyenv's, uv's, the system's.
#
#	find.sh
set -eu
case $0 in */*) HERE=${0%/*} ;; *) HERE=. ;; esac
. "$HERE/lib.sh"

store_locate
for source in pyenv uv system; do
	sh "$HERE/$source.sh" find &
done
wait
