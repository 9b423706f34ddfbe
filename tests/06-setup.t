#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The set-up finds what is missing, installs it where it may, and stops with one command where not.
# Package managers are played by scripts: what they are asked for is what counts here.
set -eu
. tests/tap.sh

bin=$tap_dir/bin
setup=$(pwd)/ci/setup.sh
export XDG_CACHE_HOME="$tap_dir/cache"

fake() { # NAME BODY
	printf '#!/bin/sh\n%s\n' "$2" >"$bin/$1"
	chmod +x "$bin/$1"
}

# Where a tool of the machine is; `command -v` would name a builtin by its bare name.
real() { # NAME
	for where in /usr/bin /bin /usr/sbin /sbin; do
		if [ -x "$where/$1" ]; then
			echo "$where/$1"
			return
		fi
	done
	echo "no-$1-on-this-machine"
}

# A PATH on which only what is named here exists. No links: what a test writes over must never be
# the machine's own program.
fresh_path() {
	rm -rf "$bin" "$XDG_CACHE_HOME" "$tap_dir/calls"
	mkdir -p "$bin"
	for tool in sh awk sed grep cat find mktemp rm mkdir true tr tail printf id uname env dirname chmod; do
		fake "$tool" "exec $(real "$tool") \"\$@\""
	done
}

# apt-get that "installs" make, cc and the like by making them; cc then finds every header.
fake_apt='echo "apt-get $*" >>"'$tap_dir'/calls"
case " $* " in *" install "*)
	for tool in make c++ pkg-config prove python3 stress-ng; do
		printf "#!/bin/sh\n" >"'$bin'/$tool"; chmod +x "'$bin'/$tool"
	done
	printf "#!/bin/sh\ncat >/dev/null\n" >"'$bin'/cc"; chmod +x "'$bin'/cc"
esac'

in_path() {
	env PATH="$bin" "$(command -v sh)" "$setup" "$@"
}

run sh "$setup" --check
if [ "$status" -eq 0 ] && [ -z "$err" ]; then
	run sh "$setup"
	is "$status:$out:$err" "0::" "where nothing is missing it says and does nothing"
	start=$(date +%s%N)
	sh "$setup"
	spent=$((($(date +%s%N) - start) / 1000000))
	# 80 ms were measured, most of it by pyenv's python3; a loaded machine gets ten times as much.
	ok "a second call is instant ($spent ms)" [ "$spent" -lt 800 ]
else
	skip "where nothing is missing it says and does nothing" "something is missing here"
fi

run sh "$setup" --chekc
is "$status" 2 "an unknown argument is an error of usage"

fresh_path
run in_path --check
is "$status" 1 "--check tells that something needed is missing"
for thing in make compiler c-library c++ pkg-config jansson elfutils libiberty prove python3 stress-ng; do
	has "$err" "setup: $thing is missing (package " "--check names $thing"
done

fresh_path
fake id 'echo 1000'
fake apt-get 'echo "apt-get $*" >>"'"$tap_dir"'/calls"'
run in_path
is "$status" 1 "without the right to install it stops"
has "$err" "type: su -c 'apt-get update && apt-get install -y --no-install-recommends make gcc libc6-dev g++ " \
	"with the one command to type"
is "$(printf '%s\n' "$err" | grep -c 'type:')" 1 "and only one"
ok "and calls no package manager" [ ! -e "$tap_dir/calls" ]

fake sudo 'exit 1'
run in_path
has "$err" "type: sudo sh -c 'apt-get update" "where sudo wants a password, the command uses it"
ok "and sudo is not waited for" [ ! -e "$tap_dir/calls" ]

fake sudo 'shift; exec "$@"'
fake apt-get "$fake_apt"
run in_path
is "$status" 0 "by a sudo without a prompt it installs"
calls=$(cat "$tap_dir/calls")
has "$calls" " update" "the lists are brought up to date"
has "$calls" " install --no-install-recommends make gcc libc6-dev g++ pkg-config libjansson-dev libdw-dev libiberty-dev" \
	"what is missing is asked for in one call"
has "$calls" "-y" "no question is asked"
rm "$tap_dir/calls"
run in_path
is "$status:$(cat "$tap_dir/calls" 2>/dev/null)" "0:" "a second call installs nothing"

# What an old Python answers to whatever program it is given, and one that does not start.
old='echo 3.8; exit 1'
fake python3 "$old"
run in_path
is "$status" 1 "a python3 that is too old for the tests stops it"
is "$err" "setup: python3 is 3.8 ($bin/python3), and the tests need 3.9 or later: put a later one first \
in PATH; 'uv python install 3.13' or 'pyenv install 3.13' gives you one" "which says which and what to do"
ok "and no package manager is asked for it" [ ! -e "$tap_dir/calls" ]
run in_path --check
is "$status" 1 "--check tells of it, too"
has "$err" "setup: python3 is 3.8 " "by the same sentence"
rm "$bin/make"
run in_path --check
has "$err" "setup: make is missing" "beside what is missing"
fake make ':'
fake python3 'exit 127'
run in_path
is "$status" 1 "so does one that does not start"
has "$err" "python3 ($bin/python3) does not start" "and that is told"
if program=$(command -v python3); then
	# The last argument is the program to run.
	as_python() { # VERSION
		fake python3 "for code; do :; done
			PATH='$PATH' exec $program -c \"import sys; sys.version_info = $1
\$code\""
		run in_path
	}
	as_python '(3, 9, 0)'
	is "$status:$err" "0:" "3.9 is not too old"
	as_python '(3, 8, 20)'
	is "$status" 1 "3.8 is"
	as_python '(3, 10, 0)'
	is "$status:$err" "0:" "and 3.10 is later than 3.9"
fi

# One that is installed and is old.
fresh_path
fake id 'echo 0'
fake apt-get "$(printf '%s\n' "$fake_apt" | sed 's/^esac$/	printf "#!\/bin\/sh\\n'"$old"'" >"BIN\/python3"\nesac/' |
	sed "s|BIN|$bin|")"
run in_path
is "$status" 1 "a python3 that comes by the package manager is looked at as well"
has "$err" "setup: python3 is 3.8 " "and told"

for row in "dnf:elfutils-devel" "apk:elfutils-dev" "pacman:libelf"; do
	fresh_path
	fake id 'echo 1000'
	fake "${row%:*}" ':'
	run in_path
	has "$err" "${row#*:}" "${row%:*} is asked for its own packages"
done

fresh_path
fake id 'echo 0'
fake apt-get 'echo "Err:1 host: Temporary failure resolving"; echo "E: Unable to fetch" >&2; exit 100'
run in_path
is "$status" 1 "without a network it fails"
has "$err" "the package servers cannot be reached" "and says that it is the network"

fresh_path
fake id 'echo 0'
run in_path
is "$status" 1 "without a known package manager it fails"
has "$err" "install these by hand: make, compiler" "and lists what to install"

# Everything but stress-ng, which cannot be had.
fresh_path
for tool in make c++ pkg-config prove python3; do
	fake "$tool" ':'
done
fake cc 'cat >/dev/null'
fake id 'echo 0'
fake apt-get 'echo "apt-get $*" >>"'"$tap_dir"'/calls"
	case "$*" in *stress-ng*) exit 100;; esac'
run in_path
is "$status" 0 "what is only wanted does not stop it"
has "$err" "stress-ng is missing (package stress-ng), wanted for:" "but is told"
rm "$tap_dir/calls"
run in_path
is "$status:$(cat "$tap_dir/calls" 2>/dev/null)" "0:" "and is not tried again at once"

tap_done
