#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `forkpoint pythons` on prefixes of its own making: what is taken, what is refused and why.
# No network.
. tests/tap.sh

# BUILD may lie outside of the sources.
FORKPOINT_DATA=${FORKPOINT_DATA:-$PWD}
export FORKPOINT_DATA

FORKPOINT_CACHE=$tap_dir/cache
XDG_CONFIG_HOME=$tap_dir/config
PYENV_ROOT=$tap_dir/pyenv
PKG_CONFIG_LIBDIR=$tap_dir
FORKPOINT_OFFLINE=1
PATH=$(printf '%s' "$PATH" | awk -v RS=: -v ORS= '$0 !~ /pyenv|shims/ { print (n++ ? ":" : "") $0 }')
export FORKPOINT_CACHE XDG_CONFIG_HOME PYENV_ROOT PKG_CONFIG_LIBDIR FORKPOINT_OFFLINE PATH

# python PREFIX RELEASE SUFFIX: the files of a Python with a real, if empty, shared library.
python() {
	line=$(printf '%s' "$2" | cut -d. -f1,2)
	include=$1/include/python$line$3
	mkdir -p "$include" "$1/lib/python$line/encodings"
	printf '#define PY_VERSION "%s"\n' "$2" >"$include/patchlevel.h"
	: >"$include/Python.h"
	: >"$include/pyconfig.h"
	: >"$1/lib/python$line/os.py"
	: >"$1/lib/python$line/encodings/__init__.py"
	echo 'int nothing;' | ${CC:-cc} -shared -fPIC -x c - -o "$1/lib/libpython$line$3.so.1.0"
}

run "$FORKPOINT" pythons
is "$status" 0 "a machine without interpreters is no failure of the list"
has "$err" "forkpoint pythons fetch" "… which then says what to type"

python "$tap_dir/new" 3.19.0a2 ''
run "$FORKPOINT" pythons add "$tap_dir/new"
is "$status $out" "0 ok    3.19.0a2   from $tap_dir/new" "a release never seen before can be added"
run "$FORKPOINT" pythons
has "$out" "* 3.19.0a2   prefix         $tap_dir/new" "… and runs without being named"
run "$FORKPOINT" pythons --json
has "$out" '"python":"3.19.0a2","flavour":"release","source":"prefix"' "… and is in the JSON"

python "$tap_dir/other" 3.19.0a2 ''
run "$FORKPOINT" pythons add "$tap_dir/other"
run "$FORKPOINT" pythons
has "$out" "$tap_dir/other" "a second prefix of the same release stands beside the first"
has "$out" "$tap_dir/new" "… and does not replace it"

python "$tap_dir/debian" 3.13.5 d
arch=$tap_dir/debian/include/$(uname -m)-linux-gnu/python3.13d
mkdir -p "$arch"
echo '#define Py_DEBUG 1' >"$arch/pyconfig.h"
echo '# include <machine/python3.13d/pyconfig.h>' >"$tap_dir/debian/include/python3.13d/pyconfig.h"
run "$FORKPOINT" pythons add "$tap_dir/debian"
has "$out" "3.13.5d" "a debug build is known by the machine's own pyconfig.h, as Debian lays it out"

python "$tap_dir/both" 3.14.1 ''
python "$tap_dir/both" 3.12.9 ''
run "$FORKPOINT" pythons add "$tap_dir/both/lib/libpython3.14.so.1.0"
run "$FORKPOINT" pythons
has "$out" "3.14.1     prefix" "a libpython names the prefix around it"
has "$out" "3.12.9     prefix" "… and all that the prefix holds is added"

refused() { # NAME PART SENTENCE
	run "$FORKPOINT" pythons add "$tap_dir/$1"
	is "$status" 2 "$3"
	has "$err" "$2" "… and it says: $2"
}
python "$tap_dir/nolib" 3.13.1 ''
rm "$tap_dir/nolib/lib/libpython3.13.so.1.0"
refused nolib "no libpython3.13.so or .a under" "a prefix without libpython is refused"
python "$tap_dir/nostdlib" 3.13.1 ''
rm -r "$tap_dir/nostdlib/lib/python3.13"
refused nostdlib "has no standard library under '$tap_dir/nostdlib': lib/python3.13/os.py is missing" \
	"a libpython without its standard library is refused"
python "$tap_dir/noencodings" 3.13.1 ''
rm -r "$tap_dir/noencodings/lib/python3.13/encodings"
refused noencodings "'$tap_dir/noencodings': lib/python3.13/encodings/__init__.py is missing" \
	"one without its encodings is refused"
mkdir "$tap_dir/noencodings/lib64"
mv "$tap_dir/noencodings/lib/python3.13" "$tap_dir/noencodings/lib64/"
refused noencodings "'$tap_dir/noencodings': lib64/python3.13/encodings/__init__.py is missing" \
	"… also where it lies in lib64"
python "$tap_dir/noheaders" 3.13.1 ''
rm "$tap_dir/noheaders/include/python3.13/Python.h"
refused noheaders "install this Python's development files" "a prefix with half its headers is refused"
python "$tap_dir/old" 3.11.9 ''
refused old "forkpoint needs 3.12 or later" "Python 3.11 is refused"
python "$tap_dir/cut" 3.13.1 ''
head -c 300 "$tap_dir/old/lib/libpython3.11.so.1.0" >"$tap_dir/cut/lib/libpython3.13.so.1.0"
refused cut "is cut short" "a truncated libpython is refused"
refused nowhere "No such file or directory" "a prefix that does not exist is refused"
mkdir "$tap_dir/empty"
refused empty "no headers in" "an empty directory is refused"

rm -r "$tap_dir/other"
run "$FORKPOINT" pythons
is "$status" 0 "an added prefix that has vanished breaks nothing"
has "$out" "! 3.19.0a2" "… and is told"
run "$FORKPOINT" pythons remove "$tap_dir/other"
is "$status" 0 "… and can be removed"
run "$FORKPOINT" pythons
hasnt "$out" "! 3.19.0a2" "… after which it is not told any more"
has "$out" "$tap_dir/new" "… and the other of its name is still there"
run "$FORKPOINT" pythons remove 3.18
is "$status" 2 "what is not there cannot be removed"

for bad in 3 3.x python3.13 3.13.5q 3.13.5++ ''; do
	run "$FORKPOINT" pythons fetch "$bad"
	is "$status" 2 "'$bad' is no spec to fetch"
done
run "$FORKPOINT" pythons fetch 3.14.1 3.14.2
is "$status" 0 "offline, what is not at hand is skipped"
has "$out" "ok    3.14.1     3.14.1 from prefix" "… what is at hand serves"
has "$out" "unset it and type: forkpoint pythons fetch 3.14.2" "… and what to type is told"
run "$FORKPOINT" pythons fetch --require-all 3.14.1 3.14.2
is "$status" 1 "with --require-all that is a failure"
run "$FORKPOINT" pythons fetch 3.13.0+
has "$out" "skip" "a debug build does not stand in for a release build"

# Why a fetch was in vain is not forgotten: it stands where the interpreter is missed. A uv that has
# nothing is the only source, so no network is asked.
mkdir "$tap_dir/bin"
printf '#!/bin/sh\nexit 1\n' >"$tap_dir/bin/uv"
chmod +x "$tap_dir/bin/uv"
in_vain() { # COMMAND…
	FORKPOINT_CACHE=$tap_dir/vain XDG_CONFIG_HOME=$tap_dir/vain FORKPOINT_OFFLINE= \
		FORKPOINT_SOURCES=uv PATH=$tap_dir/bin:$PATH run "$FORKPOINT" "$@"
}
in_vain run --python 3.99.1
has "$out" "ok 1 - Python 3.99.1 # SKIP Python 3.99.1 is not here (there are: none); type: forkpoint pythons fetch 3.99.1" \
	"what was never fetched is skipped with what to type"
in_vain pythons fetch
why=$(printf '%s\n' "$out" | sed -n 's/^skip *3\.12\.1 *//p')
has "$why" "uv" "a fetch of all that is wanted says why there is no 3.12.1 ($why)"
in_vain pythons fetch 3.99.1
in_vain run selftest-noop
is "$status" 77 "a run without any interpreter is skipped"
has "$out" " - Python 3.12.1 # SKIP 3.12.1 is not on this machine; the last fetch said: $why; \
to try again, type: forkpoint pythons fetch 3.12.1" "… and tells what the fetch said, and what to type"
in_vain run --python 3.99.1
has "$out" "none); the last fetch said: " "… also of one that is named"
has "$out" "; to try again, type: forkpoint pythons fetch 3.99.1" "… in the same words"
is "$(grep -c '^3\.99\.1 ' "$tap_dir/vain/interpreters/.unfetched")" 1 "a reason is kept"
in_vain pythons fetch 3.99.1
is "$(grep -c '^3\.99\.1 ' "$tap_dir/vain/interpreters/.unfetched")" 1 "… once, however often it is asked"
python "$tap_dir/late" 3.99.1 ''
in_vain pythons add "$tap_dir/late"
in_vain pythons fetch 3.99.1 3.99.2
hasnt "$(cat "$tap_dir/vain/interpreters/.unfetched")" "3.99.1 " "… until it is there"

run "$FORKPOINT" pythons ad
is "$status" 2 "an unknown action is a usage error"
has "$err" "did you mean 'forkpoint pythons add'" "… with a suggestion"

FORKPOINT_CACHE=relative run "$FORKPOINT" pythons
is "$status" 3 "a relative FORKPOINT_CACHE is refused"
has "$err" "set it to an absolute path" "… with the remedy"
tap_done
