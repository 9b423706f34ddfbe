#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# embed/host.mk on real interpreters and a small source tree of the test's own: what is built runs
# with the Python, the libc and the C++ runtime that it was built for, and only what has changed is
# built again. Uses the interpreters that are here, and fetches none.
. tests/tap.sh

# BUILD may lie outside of the sources.
FORKPOINT_DATA=${FORKPOINT_DATA:-$PWD}
export FORKPOINT_DATA

top=$tap_dir/top
mkdir -p "$top/embed" "$top/scenarios/lib"
cp embed/host.mk "$top/embed/"
cat >"$top/embed/host.c" <<'C'
#include <Python.h>
#include <dlfcn.h>
#include <stdio.h>
#include "embed/number.h"
int scenario_list(void);
int host_number(void);
int host_number(void)
{
	return NUMBER;
}
/* host HOME SO CODE */
int main(int argc, char **argv)
{
	int (*so)(void);
	PyConfig config;
	void *handle;

	PyConfig_InitIsolatedConfig(&config);
	if (argc < 4 || PyStatus_Exception(PyConfig_SetBytesString(&config, &config.home, argv[1])) ||
	    PyStatus_Exception(Py_InitializeFromConfig(&config)))
		return 1;
	handle = dlopen(argv[2], RTLD_NOW);
	if (!handle)
		return 2;
	*(void **)&so = dlsym(handle, "so_number");
	printf("%s %d %d\n", PY_VERSION, so(), scenario_list());
	fflush(stdout);
	return PyRun_SimpleString(argv[3]) || Py_FinalizeEx();
}
C
echo '#define NUMBER 42' >"$top/embed/number.h"
cat >"$top/embed/compat.c" <<'C'
#define Py_BUILD_CORE 1
#include <Python.h>
#include "pycore_interp.h"
unsigned long compat_size(void);
unsigned long compat_size(void)
{
	return sizeof(PyInterpreterState);
}
C
cat >"$top/scenarios/list.cc" <<'C'
#include <list>
#include <string>
extern "C" int scenario_list(void);
int scenario_list(void)
{
	std::list<std::string> l{ "a", "b" };

	try {
		throw l.size();
	} catch (std::size_t n) {
		return (int)n;
	}
}
C
echo 'int host_number(void); int so_number(void); int so_number(void) { return host_number(); }' \
	>"$top/scenarios/lib/so_call.c"
echo 'int scenario_helper(void); int scenario_helper(void) { return 0; }' \
	>"$top/scenarios/lib/helper.c"

build() { # INTERP OUT
	run make --no-print-directory -f embed/host.mk TOP="$top" INTERP="$1" OUT="$2" WERROR=1
}
value() { # FILE KEY
	sed -n "s/^$2=//p" "$1"
}
# Standard library modules that are extensions, too, and where the C libraries came from.
code='import socket, hashlib, threading, select, json, zlib, sys
threading.Thread(target=print, args=("thread",)).start()
print(hashlib.sha256(b"x").hexdigest()[:8], sys.prefix)
with open("/proc/self/maps") as maps:
    print(*sorted({line.split()[-1] for line in maps if "/libc.so" in line or "/libstdc++" in line}))'

try_host() { # INTERP OUT
	release=$(value "$1" release)
	flavour=$(value "$1" flavour)
	what="$release ($flavour, $(value "$1" source))"
	build "$1" "$2"
	is "$status" 0 "the host of $what is built without a warning"
	[ "$status" = 0 ] || tap_explain "$out" "$err"
	home=$(value "$1" home)
	run timeout 60 "$2/host" "$home" "$2/so_call.so" "$code"
	is "$status" 0 "… runs and ends well"
	[ "$status" = 0 ] || tap_explain "$out" "$err"
	has "$out" "$release 42 2" "… with the shared object calling back into it"
	has "$out" "2d711642 $home" "… and its own standard library"
	rpath=$(value "$1" rpath)
	[ -z "$(value "$1" loader)" ] || has "$out" "$rpath/libc.so.6 $rpath/libstdc++.so.6" \
		"… and the libc and C++ runtime it was made for"
}

run "$FORKPOINT" pythons --json
files=$(printf '%s\n' "$out" | sed -n 's/.*"file":"\([^"]*\)".*"default":true.*/\1/p')
[ -n "$files" ] || skip "hosts of real interpreters" "none is here; type: forkpoint pythons fetch"
n=0
for file in $files; do
	n=$((n + 1))
	try_host "$file" "$tap_dir/out.$n"
done

# A prefix that has the static library only, made of one that has both.
static=
for file in $files; do
	prefix=$(value "$file" prefix)
	line=$(value "$file" release | cut -d. -f1,2)
	[ -z "$static" ] && [ -z "$(value "$file" loader)" ] || continue
	for library in "$prefix/lib/python$line/config-$line"*/libpython"$line".a; do
		[ ! -f "$library" ] || static=$tap_dir/static
	done
	[ -n "$static" ] || continue
	mkdir -p "$static/lib" "$static/include"
	ln -s "$prefix/include/python$line" "$static/include/"
	ln -s "$prefix/lib/python$line" "$static/lib/"
done
if [ -n "$static" ]; then
	sh embed/interpreters/prefix.sh find -d "$tap_dir/added" "$static" >/dev/null
	for file in "$tap_dir"/added/*/interp; do
		has "$(value "$file" lib)" ".a" "a prefix without a shared libpython gives its static one"
		try_host "$file" "$tap_dir/out.static"
	done
else
	skip "a host with a static libpython" "no interpreter here has one"
fi

if [ -n "$files" ]; then
	file=${files%%
*}
	out_dir=$tap_dir/out.1
	cp "$file" "$tap_dir/interp"
	build "$tap_dir/interp" "$out_dir"
	has "$out" HOST "another interpreter file means another host"
	build "$tap_dir/interp" "$out_dir"
	is "$out" "" "a second build does nothing"
	echo '#define NUMBER 43' >"$top/embed/number.h"
	build "$tap_dir/interp" "$out_dir"
	run "$out_dir/host" "$(value "$file" home)" "$out_dir/so_call.so" ''
	has "$out" " 43 2" "a changed header is built in"
	echo 'libs=-lm' >>"$tap_dir/interp"
	build "$tap_dir/interp" "$out_dir"
	has "$out" HOST "a changed interpreter file is built in"
	run make --no-print-directory -f embed/host.mk TOP="$top" INTERP="$tap_dir/interp" OUT="$out_dir" WERROR=1 \
		CFLAGS='-g -O1'
	has "$out" HOST "other flags are built in"
	mv "$top" "$tap_dir/moved"
	top=$tap_dir/moved
	build "$tap_dir/interp" "$out_dir"
	is "$status" 0 "a source tree that has moved is built from where it is now"
	echo 'int main(void) { return x; }' >"$top/embed/host.c"
	build "$tap_dir/interp" "$out_dir"
	ok "a source that does not compile fails the build" test "$status" -ne 0
	ok "… and leaves the last good host in place" test -x "$out_dir/host"
	run readelf -dn "$out_dir/host"
	has "$out" "BIND_NOW" "hosts are bound at start"
	has "$out" "Build ID" "hosts have a build id"
	hasnt "$out" RUNPATH "library paths hold for the libraries' own libraries"
fi
run make -f embed/host.mk TOP="$top" INTERP="$tap_dir/nowhere" OUT="$tap_dir/x"
has "$err" "no interpreter file" "a missing interpreter file is told"
tap_done
