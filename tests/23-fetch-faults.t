#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What can go wrong with a fetch: no network, a bad signature, a damaged artefact, a kill, two at
# once, a full disk. Whatever it is, nothing half done is ever seen, one sentence says what to do,
# and the next fetch is well. Downloads some 60 MB where the network allows.
. tests/tap.sh

# BUILD may lie outside of the sources.
FORKPOINT_DATA=${FORKPOINT_DATA:-$PWD}
export FORKPOINT_DATA

FORKPOINT_CACHE=$tap_dir/cache
XDG_CONFIG_HOME=$tap_dir/config
PYENV_ROOT=$tap_dir/pyenv
PKG_CONFIG_LIBDIR=$tap_dir
PATH=/usr/bin:/bin:/usr/sbin:/sbin
export FORKPOINT_CACHE XDG_CONFIG_HOME PYENV_ROOT PKG_CONFIG_LIBDIR PATH
store=$FORKPOINT_CACHE/interpreters
fetch=embed/interpreters/fetch.sh

# All that a store shows: interpreters, and what a fetch has left behind.
shown() {
	ls -A "$store" 2>/dev/null | grep -vx '\.lock\|\.machine\|\.unfetched' | tr '\n' ' '
}

# --- clients that are not to be asked, or do badly ---------------------------------------------

mkdir "$tap_dir/bin"
for client in apt-get mvn uv; do
	printf '#!/bin/sh\necho "$0 $*" >>"%s"\nexit 1\n' "$tap_dir/asked" >"$tap_dir/bin/$client"
	chmod +x "$tap_dir/bin/$client"
done
PATH=$tap_dir/bin:$PATH FORKPOINT_OFFLINE=1 run sh $fetch 3.13.5 3.12.1
is "$status" 77 "offline, all is skipped"
has "$out" "skip 3.13.5 it is not at hand and FORKPOINT_OFFLINE is set; unset it" "… and it says why"
# What uv has already may be asked for.
asked=$(grep -v 'uv python \(list\|find\)' "$tap_dir/asked" 2>/dev/null)
is "$asked" "" "… and no client was asked for more"
for source in debian maven uv; do
	PATH=$tap_dir/bin:$PATH FORKPOINT_OFFLINE=1 run sh embed/interpreters/$source.sh fetch 3.12.1
	has "$out" "skip 3.12.1 FORKPOINT_OFFLINE is set" "… by itself, $source keeps to it, too"
done
rm "$tap_dir/bin/apt-get" "$tap_dir/bin/uv"

# A Maven that delivers half of what it should.
cat >"$tap_dir/bin/mvn" <<'MVN'
#!/bin/sh
for argument in "$@"; do
	case $argument in
	-DoutputDirectory=*) dir=${argument#*=} ;;
	-Dartifact=*) version=$(echo "$argument" | cut -d: -f3) ;;
	esac
done
mkdir -p "$dir"
head -c 100000 /dev/zero >"$dir/cpython-$version-linux-x86_64.jar"
MVN
if [ "$(uname -m)" = x86_64 ]; then
	PATH=$tap_dir/bin:$PATH FORKPOINT_SOURCES=maven run sh $fetch 3.12.1
	is "$status" 3 "an artefact with another digest is a failure"
	has "$out" "fail 3.12.1 org.bytedeco:cpython:3.12.1" "… that names the artefact"
	has "$out" "arrived damaged" "… says what is wrong with it"
	has "$out" "type the same again" "… and what to do"
	is "$(shown)" "" "… and nothing of it is kept"
else
	skip "an artefact with another digest" "Maven has no build for this machine"
fi

# A machine without a Maven client, where a package may be installed or may not.
mkdir "$tap_dir/bare"
ln -s /usr/bin/* /bin/sh "$tap_dir/bare/" 2>/dev/null
rm -f "$tap_dir/bare/mvn" "$tap_dir/bare/apt-get"
mv "$tap_dir/bin/mvn" "$tap_dir/mvn"
printf '#!/bin/sh\necho "$*" >>"%s"\nln -s "%s" "%s/mvn"\n' "$tap_dir/installed" "$tap_dir/mvn" \
	"$tap_dir/bare" >"$tap_dir/bare/apt-get"
chmod +x "$tap_dir/bare/apt-get" "$tap_dir/mvn"
if [ "$(uname -m)" = x86_64 ]; then
	PATH=$tap_dir/bare FORKPOINT_NO_INSTALL=1 FORKPOINT_SOURCES=maven run sh $fetch 3.12.1
	is "$status" 77 "a missing Maven client that may not be installed is no failure"
	has "$out" "is missing; type: " "… and what to type is told"
	has "$out" "apt-get install -y --no-install-recommends maven" "… in full"
	ok "… and nothing was installed" test ! -e "$tap_dir/installed"
	if [ "$(id -u)" = 0 ]; then
		PATH=$tap_dir/bare FORKPOINT_SOURCES=maven run sh $fetch 3.12.9 3.14.9
		ok "it is not installed for a release that Maven does not have" \
			test ! -e "$tap_dir/installed"
		PATH=$tap_dir/bare FORKPOINT_SOURCES=maven run sh $fetch 3.12.1
		has "$(cat "$tap_dir/installed")" "install -y --no-install-recommends maven unzip" \
			"where it may be, the client is installed"
		has "$out" "arrived damaged" "… and used"
	else
		skip "the client is installed" "not root"
	fi
else
	skip "a missing Maven client" "Maven has no build for this machine"
fi

command -v apt-get >/dev/null || {
	skip "Debian's faults" "apt is not installed"
	tap_done
	exit 0
}
FORKPOINT_SOURCES=debian
export FORKPOINT_SOURCES

# Nothing listens on port 1.
FORKPOINT_DEBIAN_URI=http://127.0.0.1:1/debian run sh $fetch 3.13.5
is "$status" 77 "an archive that cannot be reached is skipped"
has "$out" "could not be reached; check the network" "… and it says so"
is "$(shown)" "" "… and nothing is left"

# An archive that nobody has signed.
archive=$tap_dir/archive/dists/trixie
mkdir -p "$archive/main/binary-amd64"
: >"$archive/main/binary-amd64/Packages"
printf 'Origin: Debian\nSuite: trixie\nCodename: trixie\nComponents: main\nArchitectures: amd64\n' \
	>"$archive/Release"
FORKPOINT_DEBIAN_URI=file://$tap_dir/archive run sh $fetch 3.13.5
is "$status" 77 "an archive without a signature is not believed"
has "$out" "signature of Debian's trixie cannot be checked" "… and it says so"
is "$(shown)" "" "… and nothing is left"

# --- the real one, ill treated ------------------------------------------------------------------

# begin COMMAND…: in a process group of its own, whose id is in $group.
begin() {
	setsid "$@" >"$tap_dir/out" 2>"$tap_dir/err" </dev/null &
	group=$!
}
# await TEXT: until it is said on standard error, or the command has ended.
await() {
	while kill -0 "$group" 2>/dev/null && ! grep -q "$1" "$tap_dir/err"; do
		sleep 0.02
	done
	grep -q "$1" "$tap_dir/err"
}
gone() { # GROUP
	tries=0
	while [ $tries -lt 250 ] && kill -0 "-$1" 2>/dev/null; do
		sleep 0.02
		tries=$((tries + 1))
	done
	! kill -0 "-$1" 2>/dev/null
}

begin sh $fetch 3.13.5
await 'reading the package index' || :
kill -TERM "$group"
status=0
wait "$group" || status=$?
is "$status" 143 "a fetch that is told to end says so"
ok "… leaves no process" gone "$group"
is "$(shown)" "" "… and no file"

begin sh $fetch 3.13.5
if ! await 'downloading 3.13.5'; then
	wait "$group" || :
	skip "a fetch killed midway" "$(head -n 1 "$tap_dir/out")"
	tap_done
	exit 0
fi
kill -KILL "-$group"
wait "$group" 2>/dev/null || :
gone "$group" || :
run "$FORKPOINT" pythons
hasnt "$out" "3.13.5" "a fetch that was killed midway shows nothing half done"
ok "… though it had begun" test -n "$(shown)"

begin sh $fetch 3.13.5
first=$group
cp "$tap_dir/out" "$tap_dir/out.first" 2>/dev/null || :
setsid sh $fetch 3.13.5 >"$tap_dir/out.2" 2>"$tap_dir/err.2" </dev/null &
second=$!
status=0
wait "$first" || status=$?
is "$status" 0 "the next fetch succeeds"
has "$(cat "$tap_dir/out")" "ok 3.13.5 3.13.5 debian-trixie $store/3.13.5-debian-trixie/interp" \
	"… with what was asked for"
status=0
wait "$second" || status=$?
is "$status" 0 "so does another at the same time"
is "$(cat "$tap_dir/out.2")" "$(cat "$tap_dir/out")" "… with the same"
is "$(cat "$tap_dir/err" "$tap_dir/err.2" | grep -c 'downloading')" 1 "… and one of them downloaded"
is "$(shown)" "3.13.5-debian-trixie " "… and what the killed one had left is gone"
run "$FORKPOINT" pythons
has "$out" "3.13.5     debian-trixie" "… and it is there to be used"

lib=$(sed -n 's/^lib=//p' "$store/3.13.5-debian-trixie/interp")
truncate -s 100000 "$lib"
run "$FORKPOINT" pythons
has "$out" "is damaged; type: forkpoint pythons fetch 3.13.5" "damage that comes later is told"

# --- a disk that fills: a small one of its own ----------------------------------------------------

# The damaged interpreter has to be fetched again, onto a disk that is filled up meanwhile.
cat >"$tap_dir/full.sh" <<'FULL'
mount -t tmpfs -o size=560m none "$FORKPOINT_CACHE" || exit 99
sh embed/interpreters/fetch.sh 3.13.5 2>"$1" &
fetch=$!
while kill -0 $fetch 2>/dev/null && ! grep -q 'downloading' "$1"; do
	sleep 0.02
done
dd if=/dev/zero of="$FORKPOINT_CACHE/filler" bs=1M >/dev/null 2>&1
wait $fetch
status=$?
ls -A "$FORKPOINT_CACHE/interpreters"
exit $status
FULL
mkdir "$tap_dir/small"
FORKPOINT_CACHE=$tap_dir/small run unshare -m sh "$tap_dir/full.sh" "$tap_dir/err.full"
if [ "$status" = 99 ] || [ "$status" = 1 ]; then
	skip "a disk that fills" "no mount of our own is allowed here"
else
	is "$status" 3 "a disk that fills during a fetch is a failure"
	has "$out" "fail 3.13.5 the disk of '$tap_dir/small/interpreters' is full; free some" \
		"… that says so"
	has "$out" "set FORKPOINT_CACHE to a roomier place" "… and what to do"
	hasnt "$out" "debian-trixie" "… and nothing half done is left"
	hasnt "$out" ".tmp" "… not even the traces of it"
fi
cat >"$tap_dir/small.sh" <<'SMALL'
mount -t tmpfs -o size=20m none "$FORKPOINT_CACHE" || exit 99
sh embed/interpreters/fetch.sh 3.13.5
SMALL
FORKPOINT_CACHE=$tap_dir/small run unshare -m sh "$tap_dir/small.sh"
if [ "$status" = 99 ] || [ "$status" = 1 ]; then
	skip "a disk that is too small" "no mount of our own is allowed here"
else
	is "$status" 3 "a disk that is too small is seen before anything is downloaded"
	has "$out" "MiB are free in" "… and how much is missing is told"
	hasnt "$err" "downloading" "… and nothing was downloaded"
fi

run sh $fetch 3.13.5
is "$status" 0 "a damaged interpreter is fetched again"
run "$FORKPOINT" pythons
has "$out" "* 3.13.5     debian-trixie" "… and whole again"
tap_done
