#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Each source of interpreters by itself, into a store of the test's own, whatever the machine has:
# what it gives is there, whole, and of the release that was asked for. Downloads some 100 MB; where
# the network is not to be had, that part is skipped.
. tests/tap.sh

# BUILD may lie outside of the sources.
FORKPOINT_DATA=${FORKPOINT_DATA:-$PWD}
export FORKPOINT_DATA

scripts=embed/interpreters
store=$tap_dir/cache/interpreters
XDG_CONFIG_HOME=$tap_dir/config
value() { # FILE KEY
	sed -n "s/^$2=//p" "$1"
}

# An interpreter of this machine's or of the shared store to build the finders' cases on: one that
# needs no loader of its own.
run "$FORKPOINT" pythons --json
base=
for file in $(printf '%s\n' "$out" | sed -n 's/.*"file":"\([^"]*\)".*"default":true.*/\1/p'); do
	[ -n "$base" ] || [ -n "$(value "$file" loader)" ] || base=$file
done

FORKPOINT_CACHE=$tap_dir/cache
export FORKPOINT_CACHE XDG_CONFIG_HOME

# The fetches first, side by side as fetch.sh has them; their answers are looked at below.
sh $scripts/debian.sh fetch -d "$tap_dir/debian" 3.15.2+ 3.13d \
	>"$tap_dir/debian.out" 2>"$tap_dir/debian.err" &
debian=$!
sh $scripts/maven.sh fetch -d "$tap_dir/maven" 3.12.1 3.12.9 \
	>"$tap_dir/maven.out" 2>"$tap_dir/maven.err" &
maven=$!

if [ -n "$base" ]; then
	prefix=$(value "$base" prefix)
	release=$(value "$base" release)
	line=$(printf '%s' "$release" | cut -d. -f1,2)

	mkdir -p "$tap_dir/pyenv/versions/mine" "$tap_dir/pyenv/versions/3.11.7/include/python3.11" \
		"$tap_dir/pyenv/versions/3.13.99"
	ln -s "$prefix/include" "$prefix/lib" "$tap_dir/pyenv/versions/mine/"
	PYENV_ROOT=$tap_dir/pyenv run sh $scripts/pyenv.sh find
	is "$status $out" "0 ok mine $store/$release-pyenv/interp" \
		"pyenv: a version that is complete is found, others are not"
	is "$(value "$store/$release-pyenv/interp" prefix)" "$tap_dir/pyenv/versions/mine" \
		"… with its prefix"

	mkdir "$tap_dir/pc"
	printf 'prefix=%s\nName: Python\nDescription: Python\nVersion: %s\nLibs: -L${prefix}/lib -lpython%s\n' \
		"$prefix" "$line" "$line" >"$tap_dir/pc/python-$line-embed.pc"
	if command -v pkg-config >/dev/null; then
		PKG_CONFIG_LIBDIR=$tap_dir/pc PATH=/usr/bin:/bin run sh $scripts/system.sh find
		is "$status $out" "0 ok $prefix $store/$release-system/interp" \
			"system: python-$line-embed.pc leads to its prefix"
		PKG_CONFIG_LIBDIR=$tap_dir PATH=/usr/bin:/bin run sh $scripts/system.sh find
		hasnt "$out" "$prefix" "… and without it nothing does"
	else
		skip "system: python-$line-embed.pc leads to its prefix" "pkg-config is not installed"
	fi
	rm -r "$store/$release-system" 2>/dev/null
	if "$prefix/bin/python$line-config" --embed --libs >/dev/null 2>&1 &&
		[ "$("$prefix/bin/python$line-config" --prefix)" = "$prefix" ]; then
		PKG_CONFIG_LIBDIR=$tap_dir PATH=$prefix/bin:/usr/bin:/bin run sh $scripts/system.sh find
		has "$out" "ok $prefix $store/$release-system/interp" \
			"system: python$line-config does the same"
	else
		skip "system: python$line-config leads to its prefix" "$prefix has none that works"
	fi
else
	skip "finders on a real interpreter" "none is here; type: forkpoint pythons fetch"
fi

# uv itself comes as a wheel, where the machine does not have it.
uv=$(command -v uv || :)
if [ -z "$uv" ] && python3 -m venv "$tap_dir/venv" >/dev/null 2>&1 &&
	timeout 60 "$tap_dir/venv/bin/pip" install -q uv >/dev/null 2>&1; then
	uv=$tap_dir/venv/bin/uv
fi
if [ -n "$uv" ]; then
	mkdir "$tap_dir/uv"
	ln -s "$uv" "$tap_dir/uv/uv"
	UV_CACHE_DIR=$tap_dir/uvcache
	UV_PYTHON_INSTALL_DIR=$tap_dir/uvpython
	export UV_CACHE_DIR UV_PYTHON_INSTALL_DIR
	if [ -n "$base" ] && "$prefix/bin/python$line" -c '' 2>/dev/null; then
		PATH=$tap_dir/uv:$prefix/bin:/usr/bin:/bin run sh $scripts/uv.sh find
		has "$out" "$store/$release-uv/interp" "uv: what it finds is found"
	else
		skip "uv: what it finds is found" "no Python from 3.12 on that runs by itself"
	fi
	# Nothing listens there: what a machine without a way to uv's downloads sees.
	UV_PYTHON_INSTALL_MIRROR=http://127.0.0.1:1 PATH=$tap_dir/uv:/usr/bin:/bin \
		run sh $scripts/uv.sh fetch 3.12.1 3.13.18+
	is "$status" 0 "uv: a download that fails is an answer, no failure of the script"
	has "$out" "skip 3.12.1 the place where uv has 3.12.1 from could not be reached; check the network" \
		"… that says why and what to do"
	has "$out" "skip 3.13.18+ " "… for each spec"
	is "$(ls -a "$store" | grep -c '^\.tmp')" 0 "… and leaves nothing behind"
else
	skip "uv" "it is neither here nor to be had from pip"
fi
PATH=/usr/bin:/bin run sh $scripts/uv.sh fetch 3.12.1
if [ -z "$(PATH=/usr/bin:/bin command -v uv)" ]; then
	is "$status $out" "0 skip 3.12.1 uv is not installed" "uv: its absence is told"
fi

fetched() { # STORE NAME RELEASE FLAVOUR: is it whole?
	file=$1/$2/interp
	is "$(value "$file" release) $(value "$file" flavour)" "$3 $4" "… $2 is $3, $4"
	digests=$(grep -cE '^[0-9a-f]{64} ' "$1/$2/origin")
	ok "… with the digest of all that it was made of ($digests)" test "$digests" -ge 1
	run sh $scripts/prefix.sh find -d "$tap_dir/again" "$(value "$file" prefix)"
	has "$out" "ok " "… and complete"
	for path in prefix home include lib; do
		ok "… its $path is where it says" test -e "$(value "$file" $path)"
	done
}
unreachable() {
	grep -q 'could not be reached' "$1"
}

wait $debian
out=$(cat "$tap_dir/debian.out")
if unreachable "$tap_dir/debian.out" || ! command -v apt-get >/dev/null; then
	skip "debian: sid, release and debug" "$(head -n 1 "$tap_dir/debian.out")"
else
	for dir in "$tap_dir"/debian/3.15.*-debian-sid; do
		has "$out" "ok 3.15.2+ $dir/interp" "debian: sid gives its 3.15"
		name=${dir##*/}
		fetched "$tap_dir/debian" "$name" "${name%%-*}" release
		loader=$(value "$dir/interp" loader)
		run "$loader" --version
		has "$out" "stable release version" "… the loader it names is one"
		out=$(cat "$tap_dir/debian.out")
	done
	for dir in "$tap_dir"/debian/3.13.*d-debian-sid; do
		has "$out" "ok 3.13d $dir/interp" "debian: sid gives its debug build of 3.13"
		name=${dir##*/}
		name=${name%%-*}
		fetched "$tap_dir/debian" "${dir##*/}" "${name%d}" debug
	done
	is "$(ls -a "$tap_dir/debian" | grep -c '^\.tmp')" 0 "… and nothing else is left"
fi
wait $maven
out=$(cat "$tap_dir/maven.out")
if unreachable "$tap_dir/maven.out" || grep -q 'is missing' "$tap_dir/maven.out"; then
	skip "maven: 3.12.1" "$(head -n 1 "$tap_dir/maven.out")"
else
	has "$out" "ok 3.12.1 $tap_dir/maven/3.12.1-maven/interp" "maven: gives 3.12.1"
	has "$out" "skip 3.12.9 Maven has no such build" "… and says what it does not have"
	fetched "$tap_dir/maven" 3.12.1-maven 3.12.1 release
	is "$(ls -a "$tap_dir/maven" | grep -c '^\.tmp')" 0 "… and nothing else is left"
fi
tap_done
