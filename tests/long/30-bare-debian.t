#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From `git clone` to the report on a bare Debian 12: nothing but git, make and the certificates is
# on it, no compiler, no Python's headers, no Maven client, no cache. What is cloned is this tree as
# it stands, uncommitted changes included.
#
# Each command runs in the bare root with namespaces of its own for mounts and processes: nothing
# stays mounted and no process stays alive, however the test ends. It downloads some 600 MB, and
# takes some 7 minutes.
#
#	FORKPOINT_BARE=DIR    keep the root made by debootstrap there, for the next time
set -eu
. tests/tap.sh

# What is promised, in seconds on 2 cores. Other work on the machine counts against it.
FIRST_MAX=360
SECOND_MAX=90
DISK_MB=3000
# A command that does not end is ended; a slow mirror has the difference to FIRST_MAX.
COMMAND_MAX=900
trap 'exit 130' INT TERM

missing() { # WHY
	skip "a bare Debian 12 gets from git clone to the report" "$1"
	tap_done
	exit 0
}

[ "$(id -u)" -eq 0 ] || missing "only root may make a root of its own"
for tool in apt-get git unshare chroot; do
	command -v $tool >/dev/null || missing "$tool is not installed"
done
command -v debootstrap >/dev/null ||
	missing "debootstrap is not installed; type: apt-get install debootstrap"
unshare -m -p -f true 2>/dev/null || missing "namespaces are not allowed here"
[ "$(df -Pk "$tap_dir" | awk 'NR == 2 { print int($4 / 1024) }')" -ge $DISK_MB ] ||
	missing "less than $DISK_MB MB are free in ${TMPDIR:-/tmp}"

# The archive's address and suites, and the way there, as this machine has them.
apt-get update --print-uris 2>/dev/null |
	sed -n "s|^'\(.*\)/dists/\([a-z-]*\)/InRelease'.*|\1 \2|p" >"$tap_dir/archives"
suites='bullseye bookworm trixie forky sid stable testing unstable'
archive=$(awk -v suites=" $suites " 'index(suites, " " $2 " ") { print $1; exit }' \
	"$tap_dir/archives")
[ -n "$archive" ] || missing "no Debian archive among apt's sources"

root=$tap_dir/root
home=home/newcomer
pristine=${FORKPOINT_BARE:-$tap_dir}/pristine

root_make() {
	mkdir -p "${pristine%/*}"
	rm -rf "$pristine.new"
	timeout "$COMMAND_MAX" debootstrap --variant=minbase --include=git,make,ca-certificates \
		bookworm "$pristine.new" "$archive" >"$tap_dir/debootstrap.log" 2>&1 || return 1
	mv "$pristine.new" "$pristine"
}
[ -d "$pristine" ] || root_make ||
	missing "debootstrap failed: $(grep -E '^E:' "$tap_dir/debootstrap.log" | tail -n 1)"
if [ "${FORKPOINT_BARE:-}" ]; then
	cp -a "$pristine" "$root"
else
	mv "$pristine" "$root"
fi

# What a person's machine has: its archive, its way to the network, its certificates.
{
	echo "deb $archive bookworm main"
	awk '$2 ~ /^bookworm-/ { print "deb", $1, $2, "main" }' "$tap_dir/archives"
} >"$root/etc/apt/sources.list"
apt-config dump | grep -E '^Acquire::((https?|ftp)[^[:alnum:]]|Retries|ForceIPv|Check-)' \
	>"$root/etc/apt/apt.conf.d/99machine" || :
cp /etc/resolv.conf /etc/hosts "$root/etc/"
find /usr/local/share/ca-certificates -name '*.crt' 2>/dev/null |
	while read -r file; do cp "$file" "$root/usr/local/share/ca-certificates/"; done
chroot "$root" update-ca-certificates >/dev/null 2>&1
echo "newcomer:x:1000:1000::/$home:/bin/sh" >>"$root/etc/passwd"
echo 'newcomer:x:1000:' >>"$root/etc/group"
install -d -o 1000 -g 1000 "$root/$home"
mkdir "$root/log"
if [ -r "$HOME/.m2/settings.xml" ]; then
	install -D -m 644 "$HOME/.m2/settings.xml" "$root/root/.m2/settings.xml"
	install -D -m 644 "$HOME/.m2/settings.xml" "$root/$home/.m2/settings.xml"
fi

# apt-get that notes what it was asked for, and how long that took: "SECONDS ARGUMENTS".
cat >"$root/usr/local/bin/apt-get" <<'APT'
#!/bin/sh
start=$(date +%s%N)
/usr/bin/apt-get "$@"
status=$?
echo "$((($(date +%s%N) - start) / 1000000)) ${APT_CONFIG:+own} $*" >>/log/apt
exit $status
APT
chmod 755 "$root/usr/local/bin/apt-get"
chmod 777 "$root/log"

# This tree, in a file that can be cloned from, without a trace in the repository's own objects.
tree_bundle() {
	objects=$(git rev-parse --path-format=absolute --git-path objects)
	mkdir -p "$tap_dir/git"
	git clone -q --bare --shared . "$tap_dir/git/clone"
	(
		GIT_INDEX_FILE=$tap_dir/git/index
		GIT_OBJECT_DIRECTORY=$tap_dir/git/clone/objects
		GIT_ALTERNATE_OBJECT_DIRECTORIES=$objects
		export GIT_INDEX_FILE GIT_OBJECT_DIRECTORY GIT_ALTERNATE_OBJECT_DIRECTORIES
		git read-tree HEAD
		git add -A
		git -c user.name=test -c user.email=test@localhost commit-tree -p HEAD \
			-m 'the tree as it stands' "$(git write-tree)"
	) >"$tap_dir/git/commit"
	git -C "$tap_dir/git/clone" update-ref refs/heads/main "$(cat "$tap_dir/git/commit")"
	git -C "$tap_dir/git/clone" symbolic-ref HEAD refs/heads/main
	git -C "$tap_dir/git/clone" bundle create -q "$root/srv/forkpoint.bundle" HEAD main
	chmod 644 "$root/srv/forkpoint.bundle"
}
tree_bundle

cat >"$tap_dir/enter" <<'ENTER'
mount -t proc proc "$1/proc"
mount --rbind /sys "$1/sys"
mount --rbind /dev "$1/dev"
root=$1
user=$2
home=$3
shift 3
# Not as process 1, whose signals and orphans are another matter.
chroot --userspec="$user" --groups="$user" "$root" /usr/bin/env -i \
	HOME="$home" PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
	TERM=dumb ${http_proxy:+"http_proxy=$http_proxy"} ${https_proxy:+"https_proxy=$https_proxy"} \
	${no_proxy:+"no_proxy=$no_proxy"} ${MAVEN_OPTS:+"MAVEN_OPTS=$MAVEN_OPTS"} \
	/bin/sh -c "$@"
ENTER

# enter [-n] USER COMMAND: in the root, as root or newcomer; -n without any network.
enter() {
	net=
	[ "$1" != -n ] || { net=-n; shift; }
	case $1 in
	root) set -- 0 /root "$2" ;;
	newcomer) set -- 1000 "/$home" "$2" ;;
	esac
	timeout "$COMMAND_MAX" unshare $net -m -p -f --kill-child \
		sh -eu "$tap_dir/enter" "$root" "$@"
}

# Its time, in milliseconds, in $spent.
timed() { # enter…
	start=$(date +%s%N)
	run "$@"
	spent=$((($(date +%s%N) - start) / 1000000))
	tap_explain "$(printf '%s: %d.%03d s, load %s' "$*" $((spent / 1000)) $((spent % 1000)) \
		"$(cut -d' ' -f1-3 /proc/loadavg)")"
}

# Files that are newer than the mark, below what root's runs write. Locks are opened anew each time.
touched() {
	find "$root/root/forkpoint/build" "$root/root/.cache/forkpoint" -newer "$root/log/mark" \
		-type f ! -name lock ! -name .lock
}

# The report in $out: every cell as expected, none skipped, and nothing else on standard output.
report_is_whole() {
	printf '%s\n' "$out" >"$tap_dir/report"
	is "$(grep -c '^not ok' "$tap_dir/report")" 0 "… every cell is as expected"
	is "$(grep -c '^ok .* # SKIP' "$tap_dir/report")" 0 "… none is skipped"
	ok "… there are some ($(grep -c '^ok ' "$tap_dir/report"))" grep -q '^ok 100 ' "$tap_dir/report"
	run prove -Q --exec cat "$tap_dir/report"
	is "$status" 0 "… and standard output is TAP"
	is "$(head -n 1 "$tap_dir/report")" "TAP version 13" "… from its first line on"
}

# What went wrong, where something did.
succeeded() { # SENTENCE
	is "$status" 0 "$1"
	[ "$status" -eq 0 ] || tap_explain "$(printf '%s\n' "$out" | grep -A 12 '^not ok' | head -n 60)" \
		"$(printf '%s\n' "$err" | tail -n 20)"
}

# Text as a regular expression.
escape() {
	printf '%s' "$1" | sed 's/[.+]/\\&/g'
}

wanted=$(awk '$1 == "want" { print $2 }' embed/interpreters/lock)

# --- nobody in particular, and nothing is installed ---------------------------------------------

run enter newcomer 'git clone -q /srv/forkpoint.bundle ~/forkpoint'
succeeded "a user clones it"
run enter newcomer 'cd ~/forkpoint && make run'
is "$status" 2 "without the right to install, make run fails"
is "$(printf '%s\n' "$err" | grep -c "type: su -c 'apt-get update && apt-get install ")" 1 \
	"… with one command to type"
typed=$(printf '%s\n' "$err" | sed -n "s/.*type: su -c '\(.*\)'$/\1/p")
run enter newcomer 'cd ~/forkpoint && git status --short --ignored && ls -A ~ | grep -vx forkpoint'
is "$out" "" "… nothing half done"
ok "… and no package manager asked" [ ! -e "$root/log/apt" ]

# With a narrow umask: what is installed from here is for others all the same.
run enter root 'umask 077 && git clone -q /srv/forkpoint.bundle ~/forkpoint'
succeeded "root clones it"
run enter -n root 'cd ~/forkpoint && make run'
is "$status" 2 "without a network, make run fails"
has "$err" "the package servers cannot be reached: connect this machine to the network" \
	"… and says that it is the network"
rm -f "$root/log/apt"

# --- from nothing to the report -----------------------------------------------------------------

timed enter root 'cd ~/forkpoint && make run'
succeeded "root gets to the report by make run"
first=$spent
packages=$(awk '$2 != "own" { ms += $1 } END { print ms + 0 }' "$root/log/apt")
tap_explain "the package manager: $packages ms; the rest: $((first - packages)) ms" \
	"$(sed 's/^\([0-9]*\) \(.\{0,100\}\).*/\1 ms: apt-get \2/' "$root/log/apt")"
report_is_whole
ok "… in at most $FIRST_MAX s without the package manager's part" \
	[ $((first - packages)) -le $((FIRST_MAX * 1000)) ]
run enter root '~/forkpoint/build/forkpoint pythons'
for release in $wanted; do
	case $release in
	3.12.1 | 3.13.0) source=maven ;;
	*) source=debian- ;;
	esac
	# 3.13.18+ is 3.13.18 or a later one of its line, and none of three digits is known yet.
	case $release in
	*[0-9][0-9]+) name=$(escape "${release%[0-9]+}")'[0-9]' ;;
	*+) name=$(escape "${release%[0-9]+}")'[0-9]+' ;;
	*) name=$(escape "$release") ;;
	esac
	ok "… $release comes from ${source%-}" grep -qE "^\* $name +$source" "$tap_dir/out"
done
has "$(cat "$root/log/apt")" " install -y --no-install-recommends maven unzip" \
	"… Maven's client is installed for it"
run enter root "$typed"
succeeded "the command that the user was told works as it is"

# --- a second time ------------------------------------------------------------------------------

rm "$root/log/apt"
touch "$root/log/mark"
timed enter -n root 'cd ~/forkpoint && make run'
succeeded "a second time it needs no network"
report_is_whole
is "$(printf '%s\n' "$err" | grep -vE '^ok ')" "" "… it tells of no work"
ok "… takes at most $SECOND_MAX s" [ "$spent" -le $((SECOND_MAX * 1000)) ]
ok "… asks no package manager" [ ! -e "$root/log/apt" ]
is "$(touched)" "" "… builds nothing and fetches nothing"
run enter root "cd ~/forkpoint &&
	FORKPOINT_OFFLINE=1 make run RUNFLAGS='fork-held-mutex --require-all'"
succeeded "so it is with FORKPOINT_OFFLINE, and --require-all is content"

# --- without interpreters, and no way to have them ------------------------------------------------

all_skipped() {
	printf '%s\n' "$out" >"$tap_dir/report"
	for release in $wanted; do
		ok "… $release is skipped, and it says what to type" \
			grep -qE "^ok .* # SKIP .*forkpoint pythons fetch $(escape "$release")\$" \
			"$tap_dir/report"
	done
}

empty='cd ~/forkpoint && export FORKPOINT_CACHE=$HOME/empty &&'
run enter root "$empty FORKPOINT_OFFLINE=1 make run"
is "$status" 2 "offline and without interpreters make run fails"
has "$err" "Error 77" "… since all is skipped"
has "$err" "FORKPOINT_OFFLINE is set; unset it and type: " "… and says why"
all_skipped
run enter root "$empty FORKPOINT_OFFLINE=1 build/forkpoint run"
is "$status" 77 "forkpoint run tells that by its status"
run enter root "$empty FORKPOINT_OFFLINE=1 build/forkpoint run --require-all"
is "$status" 1 "… and fails with --require-all"
run enter root "$empty FORKPOINT_OFFLINE=1 build/forkpoint pythons fetch --require-all"
is "$status" 1 "… as pythons fetch does"
run enter -n root "$empty make run"
is "$status" 2 "without a network and interpreters make run fails"
remedy='could not be reached; check the network and type the same again'
for release in $wanted; do
	ok "… $release could not be reached, and it says what to do" \
		grep -qE "^skip +$(escape "$release") .* $remedy" "$tap_dir/err"
done
all_skipped
# Why nothing came is kept there on purpose.
is "$(cd "$root/root/empty/interpreters" && ls -A | grep -vx '\.lock\|\.machine\|\.unfetched')" "" \
	"… and nothing half done is left"

# --- a user, when all is installed --------------------------------------------------------------

mv "$root/usr/share/maven/bin/mvn" "$root/usr/share/maven/bin/mvn.away"
run enter newcomer 'cd ~/forkpoint && make run RUNFLAGS=fork-held-mutex'
succeeded "a user without a Maven client gets to a report"
install='apt-get install -y --no-install-recommends maven unzip'
has "$err" "a Maven client is missing; type: su -c '$install'" "… is told what to type"
for release in 3.12.1 3.13.0; do
	has "$out" "# SKIP $release " "… and $release is skipped"
done
mv "$root/usr/share/maven/bin/mvn.away" "$root/usr/share/maven/bin/mvn"
timed enter newcomer 'cd ~/forkpoint && make run'
succeeded "a user without any rights gets to the report, once all is installed"
report_is_whole
ok "… and keeps what was fetched at home" [ -d "$root/$home/.cache/forkpoint/interpreters" ]

# --- installed ----------------------------------------------------------------------------------

files='find . -type f | sort'
touch "$root/log/mark"
run enter root "cd ~/forkpoint && make install PREFIX=/usr DESTDIR=\$HOME/stage >/dev/null &&
	cd ~/stage/usr && $files"
succeeded "make install heeds DESTDIR"
staged=$out
is "$(find "$root/usr" -newer "$root/log/mark" -type f)" "" "… and writes nowhere else"
run enter root "cd ~/forkpoint && make install PREFIX=/opt/forkpoint >/dev/null &&
	touch /opt/forkpoint/share/forkpoint/embed/stale.c &&
	make install PREFIX=/opt/forkpoint >/dev/null && cd /opt/forkpoint && $files"
is "$out" "$staged" "… and PREFIX, where an earlier release's files go"
mv "$root/root/forkpoint" "$root/root/away"
mv "$root/$home/forkpoint" "$root/$home/away"
for i in 1 2; do
	touch "$root/log/mark"
	run enter newcomer 'cd / && /opt/forkpoint/bin/forkpoint run fork-held-mutex --python 3.13.5'
	succeeded "what is installed runs without the sources"
done
is "$(find "$root/$home/.cache" -newer "$root/log/mark" -type f ! -name lock)" "" \
	"… and builds its hosts once"
run enter root "cd ~/away && make uninstall PREFIX=/opt/forkpoint >/dev/null &&
	make uninstall PREFIX=/usr DESTDIR=\$HOME/stage >/dev/null && find /opt ~/stage ! -type d"
is "$out" "" "make uninstall takes all of it back"

tap_explain "the root: $(du -sm "$root" | cut -f1) MB"
tap_done
