#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# `forkpoint triage --symbols`: frames that a report has by address alone get what addr2line says of
# the module before it was stripped, and no file of another build, or that is garbage, does harm.
. tests/tap.sh

. tests/lib/symbols/built.sh

answer=$(wanted libfast.so "$d/run.txt")
crash libfast.so fast_first raw >"$d/first.txt"
tap_explain "addr2line has of the crash:" "$answer"

# The crash itself: a real one, and one that needs what is tested.
is "$(printf '%s\n' "$answer" | cut -d' ' -f1,3 | tr '\n' ' ')" \
	"cell_get inlined row_sum inlined table_walk exact table_end exact table_run exact fast_run exact " \
	"the crash is three functions deep in one place, and called from places that end functions"
run "$FORKPOINT" triage --json "$d/run.txt"
hasnt "$out" row_sum "without symbols its functions are not known"
before=$out

# Found by name.
mkdir -p "$d/name/deep/down" "$d/module/x" "$d/named/x" "$d/id/usr/lib/debug/.build-id/${id%"${id#??}"}"
cp "$debug" "$d/name/deep/down/"
triage "$d/name" "$d/run.txt"
is "$status:$err" "0:" "a debug file that is called as the module is found"
is "$(frames libfast.so)" "$answer" "functions, files, lines and inlined frames are addr2line's"
has "$out" '"symbols":"name"' "and it is told that they were found by name"
is "$(printf '%s\n' "$out" | reports numbers)" \
	"$(seq -s ' ' 0 $(($(printf '%s\n' "$before" | reports numbers | wc -w) + 1)))" \
	"frames are numbered anew, the inlined ones among them"
triage "$d/name" "$d/first.txt"
is "$(frames libfast.so)" "$(wanted libfast.so "$d/first.txt")" \
	"where it crashed is not taken for where a call returns to"
has "$(frames libfast.so)" "table_first $d/src/fast.c:" "though it is the first of a function"
run "$FORKPOINT" triage --symbols "$d/name" "$d/run.txt"
has "$out" "deep/down/libfast.so.debug, by its name alone: the report has no build-id" \
	"the report says which file was used, and on what ground"
has "$out" "its debug symbols were found by the module's name alone" "and which frames it is about"
has "$out" "from the report and debug symbols alone" "and what it was made from"
cp "$d/built/libfast.so" "$d/module/x/"
triage "$d/module" "$d/run.txt"
is "$(frames libfast.so)" "$answer" "a module that is not stripped has them, too"
cp "$debug" "$d/named/x/libfast.so.$id.debug"
triage "$d/named" "$d/run.txt"
is "$(frames libfast.so)" "$answer" "a file may have the build-id in its name"
mkdir "$d/none"
triage "$d/none" --symbols "$d/name" "$d/run.txt"
is "$(frames libfast.so)" "$answer" "several directories are looked through"

# Found by build-id.
cp "$debug" "$d/id/usr/lib/debug/.build-id/${id%"${id#??}"}/${id#??}.debug"
triage "$d/id" "$d/run.json"
is "$status:$err" "0:" "a debug file that is called as the build-id is found"
is "$(frames libfast.so)" "$answer" "with addr2line's answer"
has "$out" '"symbols":"build-id"' "and it is told that they were found so"
hasnt "$out" '"symbols":"name"' "all of them"
triage "$d/id" "$d/run.txt"
is "$(frames libfast.so)" "$(printf '%s\n' "$before" | reports frames libfast.so)" \
	"without a build-id in the report it is not found"
has "$err" "there are no debug symbols of the modules in the report" "which is told"
triage "$d/id/usr/lib/debug/.build-id" "$d/run.json"
is "$(frames libfast.so)" "$answer" "the directory may be .build-id itself"
reports dump "$d/run.txt" libfast.so "$id" >"$d/dump.txt"
triage "$d/id" "$d/dump.txt"
is "$(frames libfast.so)" "$answer" "coredumpctl's list of modules has build-ids, too"

# As the archive of debug symbols of a wheel is unpacked over the wheel.
packages=$d/venv/lib/python3.12/site-packages
mkdir -p "$packages/native" "$packages/other"
cp "$d/run/libfast.so" "$debug" "$packages/native/"
cp "$d/run/libskew.so" "$packages/other/libfast.so"
sed 's|libfast.so+|/app/site-packages/native/libfast.so+|' "$d/run.txt" >"$d/path.txt"
triage "$d/venv" "$d/path.txt"
is "$err:$(frames libfast.so)" ":$answer" "a debug file beside its module is found"
triage "$d/venv" "$d/run.json"
is "$err:$(frames libfast.so)" ":$answer" "by its build-id, too"

# Another build.
wrong=$(printf '%s' "$id" | tr '0123456789abcdef' '123456789abcdef0')
reports json "$d/run.txt" libfast.so "$wrong" >"$d/wrong.json"
triage "$d/name" "$d/wrong.json"
is "$status" 0 "of another build, the report is classified all the same"
is "$err" "forkpoint: --symbols: $d/name/deep/down/libfast.so.debug is of another build of /venv/native/libfast.so: its build-id is $id, in the report it is $wrong: it is not used" \
	"it is told that the file is of another build"
hasnt "$out" row_sum "and it is not used"
triage "$d/name" "$d/wrong.json" "$d/wrong.json"
is "$(printf '%s\n' "$err" | wc -l | tr -d ' ')" 1 "which is told once"
objcopy --remove-section .note.gnu.build-id "$debug" "$d/none/libfast.so.debug" 2>/dev/null
triage "$d/none" "$d/run.json"
has "$err" "cannot be told to be of this build of /venv/native/libfast.so: its build-id is missing" \
	"a file without a build-id is not used for a report with one"
hasnt "$out" row_sum "as is to be seen"
rm "$d/none/libfast.so.debug"

# Two builds of one name.
mkdir -p "$d/two/a/native" "$d/two/b/other"
"${CC:-cc}" -g -O1 -fPIC -shared -Wl,--build-id -o "$d/two/b/other/libfast.so" "$d/src/fast.c"
cp "$debug" "$d/two/a/native/"
triage "$d/two" "$d/run.txt"
has "$err" "several files may be those of libfast.so, they are of different builds" \
	"two builds of one name are told"
hasnt "$out" row_sum "and neither is used"
triage "$d/two" "$d/run.json"
is "$err:$(frames libfast.so)" ":$answer" "the build-id says which it is"
triage "$d/two" "$d/path.txt"
is "$err:$(frames libfast.so)" ":$answer" "and without one, the directories in the module's path"

# A stripped module tells what its debug file is called.
mkdir -p "$d/both/lib"
cp -R "$d/id/usr" "$d/both/"
cp "$d/run/libfast.so" "$d/both/lib/"
triage "$d/both" "$d/run.txt"
is "$err:$(frames libfast.so)" ":$answer" "the build-id of a module is followed, which the report has not"
has "$out" '"symbols":"name"' "though the module was found by its name alone"
mkdir -p "$d/link/bin" "$d/link/other"
objcopy --remove-section .note.gnu.build-id "$debug" "$d/link/other/odd.dbg" 2>/dev/null
cp "$d/run/libfast.so" "$d/link/bin/libfast.so"
(cd "$d/link/other" && objcopy --add-gnu-debuglink=odd.dbg ../bin/libfast.so)
triage "$d/link" "$d/run.json"
is "$err:$(frames libfast.so)" ":$answer" "the debug link of a module is followed"
has "$out" '"symbols":"debug-link"' "and that is told"
triage "$d/link" "$d/run.txt"
has "$out" '"symbols":"name"' "without a build-id, the module itself was found by its name alone"
printf x >>"$d/link/other/odd.dbg"
triage "$d/link" "$d/run.json"
has "$err" "odd.dbg does not have the checksum that the debug link of bin/libfast.so tells" \
	"a file with another checksum is told"
hasnt "$out" row_sum "and not used"

# What several debug files have in common may be in one more.
mkdir -p "$d/dwz/common" "$d/trap"
mkfifo "$d/trap/common.dbg"
if command -v dwz >/dev/null 2>&1; then
	for n in 1 2; do
		cp "$debug" "$d/dwz/libfast.so.$n"
	done
	cp "$debug" "$d/dwz/libfast.so.debug"
	(cd "$d/dwz" && dwz -m common/common.dbg -M "$d/trap/common.dbg" libfast.so.*)
fi
if [ -s "$d/dwz/common/common.dbg" ]; then
	triage "$d/dwz" "$d/run.txt"
	is "$err:$(frames libfast.so)" ":$answer" "a file with parts in common with others is found, too"
	reports rename "$d/dwz/common/common.dbg" "$(id_of "$d/dwz/common/common.dbg")"
	triage "$d/dwz" "$d/run.txt"
	has "$err" "needs a further file for all its names, which is not there: common.dbg" \
		"but not one of another build"
	rm "$d/dwz/common/common.dbg"
	triage "$d/dwz" "$d/run.txt"
	is "$err" "forkpoint: --symbols: $d/dwz/libfast.so.debug needs a further file for all its names, which is not there: common.dbg" \
		"if it is not there, that is told, and it is opened nowhere else"
	has "$(frames libfast.so)" "table_walk $d/src/fast.c:" "and what is known is used"
else
	skip "a file with parts in common with others is found, too" "no dwz"
fi

# Debug information that is in further files (.dwo).
mkdir "$d/split"
if (cd "$d/split" && "${CC:-cc}" -g -gsplit-dwarf -O2 -fPIC -shared -falign-functions=1 \
	-fno-optimize-sibling-calls -Wl,--build-id -o libfast.so "$d/src/fast.c") 2>/dev/null; then
	triage "$d/split" "$d/run.txt"
	is "$err:$(frames libfast.so | sed -n 1p | cut -d' ' -f1)" ":table_walk" \
		"of split debug information, what is in the file itself is had"
else
	skip "of split debug information, what is in the file itself is had" "it cannot be split"
fi

# Where the module lies in memory, and in itself.
crash libfast.so fast_run maps >"$d/maps.txt"
triage "$d/name" "$d/maps.txt"
is "$err:$(frames libfast.so)" ":$answer" "addresses alone will do, with /proc/self/maps behind them"
mkdir "$d/skew"
objcopy --only-keep-debug "$d/built/libskew.so" "$d/skew/libskew.so.debug"
crash libskew.so fast_run raw >"$d/skew.txt"
triage "$d/skew" "$d/skew.txt"
has "$(frames libskew.so)" "cell_get $d/src/fast.c:" "a module whose code is not where it is in the file"
is "$(frames libskew.so)" "$(wanted libskew.so "$d/skew.txt")" "has its own addresses"
crash libskew.so fast_run maps >"$d/skew-maps.txt"
triage "$d/skew" "$d/skew-maps.txt"
is "$(frames libskew.so)" "$(wanted libskew.so "$d/skew.txt")" "with the mappings, too"
code=$(sed -n 's/^\([0-9a-f]*\)-[0-9a-f]* r-xp .*libfast.so$/\1/p' "$d/maps.txt")
at=$(head -n 1 "$d/maps.txt" | sed 's/^0x//')
echo "python3[4242]: segfault at 0 ip 0000$at sp 00007ffd00000000 error 4 in libfast.so[$code+1000]" \
	>"$d/kernel.txt"
triage "$d/name" "$d/kernel.txt"
is "$(frames libfast.so)" "$(printf '%s\n' "$answer" | head -n 3)" \
	"the kernel's line, whose offset is that in the mapping"
offset=$(sed -n 's/^0x[^ ]* libfast.so+0x//p' "$d/run.txt" | sed -n 1p)
sed "s/\[$code/[$offset,$code/" "$d/kernel.txt" >"$d/kernel-new.txt"
triage "$d/name" "$d/kernel-new.txt"
is "$(frames libfast.so)" "$(printf '%s\n' "$answer" | head -n 3)" "of newer ones that in the file"

mkdir "$d/whole"
cp "$d/built/libskew.so" "$d/whole/"
at=$(sed -n '1s/^0x//p' "$d/skew-maps.txt")
sed -n 's/^\([0-9a-f]*\)-[0-9a-f]* r-xp \([0-9a-f]*\) .*libskew.so$/\1 \2/p' "$d/skew-maps.txt" |
	while read -r start offset; do
		printf 'python3[4242]: segfault at 0 ip 0000%s sp 00007ffd00000000 error 4 in libskew.so[%x,%s+1000]\n' \
			"$at" $((0x$at - 0x$start + 0x$offset)) "$start"
	done >"$d/kernel-skew.txt"
triage "$d/whole" "$d/kernel-skew.txt"
is "$(frames libskew.so)" "$(wanted libskew.so "$d/skew.txt" | sed -n 1,3p)" \
	"which the module itself translates, if it is not the distance in memory"
triage "$d/skew" "$d/kernel-skew.txt"
is "$(frames libskew.so)" "None None:None none" "and its debug file cannot"

# A signal's handler on the stack: what the signal interrupted has called nothing.
{ printf '0x7f6e81c51fb2 crashed\n0x7f6e81c51fb3 __restore_rt libc.so.6+0x3bfb3\n'; cat "$d/first.txt"; } \
	>"$d/handler.txt"
triage "$d/name" "$d/handler.txt"
is "$(frames libfast.so)" "$(wanted libfast.so "$d/first.txt")" "behind a handler, too, a crash is no call"
start=$(sed -n 's/^\([0-9a-f]*\)-[0-9a-f]* [^ ]* 0*0 .*libfast.so$/\1/p' "$d/maps.txt")
offset=$(sed -n 's/^0x[^ ]* libfast.so+//p' "$d/first.txt" | sed -n 1p)
printf '#0  0x%x in crashed ()\n#1  <signal handler called>\n#2  0x%x in ?? () from libfast.so\n%s\n' \
	$((0x$start - 65536)) $((0x$start + offset)) \
	"$(sed -n 's/^\([0-9a-f]*-[0-9a-f]* .*libfast.so\)$/\1/p' "$d/maps.txt")" >"$d/handler-gdb.txt"
triage "$d/name" "$d/handler-gdb.txt"
is "$(frames libfast.so)" "$(wanted libfast.so "$d/first.txt" | sed -n 1p)" "nor is it in gdb's"

# Two reports in one text do not share their mappings.
{ cat "$d/maps.txt"; echo; echo "and"; echo; grep '^0x' "$d/maps.txt"; } >"$d/both.txt"
triage "$d/name" "$d/both.txt"
is "$(printf '%s\n' "$out" | wc -l | tr -d ' '):$(printf '%s\n' "$out" | grep -c row_sum)" "2:1" \
	"of two reports in a text each has what it tells itself"

# C++.
if command -v "${CXX:-c++}" >/dev/null 2>&1 && build libtable.so "${CXX:-c++}" "$d/src/table.cc"; then
	mkdir "$d/cxx"
	objcopy --only-keep-debug "$d/built/libtable.so" "$d/cxx/libtable.so.debug"
	crash libtable.so cxx_run raw >"$d/cxx.txt"
	triage "$d/cxx" "$d/cxx.txt"
	is "$(frames libtable.so | sed -n 1,3p)" "$(wanted libtable.so "$d/cxx.txt" | sed -n 1,3p)" \
		"C++ has its names, those of inlined members and templates too"
	has "$(frames libtable.so)" "acme::Table::get(int) const $d/src/table.cc:11 inlined
int acme::sum<acme::Table>(acme::Table const&) $d/src/table.cc:19 inlined
acme::walk(acme::Table const&) $d/src/table.cc:25 exact
acme::(anonymous namespace)::hidden $d/src/table.cc:34 inlined
acme::run(acme::Table const&) $d/src/table.cc:40 exact" "and namespaces where the linker has no name"
	is "$(frames libtable.so | sed "s|.* $d|$d|")" \
		"$(wanted libtable.so "$d/cxx.txt" | sed "s|.* $d|$d|")" "and all lines are addr2line's"
else
	skip "C++ has its names, inlined ones too" "no C++ compiler"
fi

# What gdb has of a stripped program: no names, and no module until it is asked for the mappings.
if command -v gdb >/dev/null 2>&1; then
	"${CC:-cc}" -g -O2 -Wl,--build-id -o "$d/built/prog" "$d/src/prog.c"
	strip -o "$d/run/prog" "$d/built/prog"
	mkdir "$d/prog"
	objcopy --only-keep-debug "$d/built/prog" "$d/prog/prog.debug"
	timeout 60 gdb -nx -batch -iex 'set debuginfod enabled off' -ex run -ex bt \
		-ex 'info proc mappings' "$d/run/prog" </dev/null >"$d/gdb.txt" 2>/dev/null
fi
if [ -s "$d/gdb.txt" ] && grep -q '^#0 .* in ?? ()' "$d/gdb.txt"; then
	triage "$d/prog" "$d/gdb.txt"
	start=$(sed -n 's|^ *0x\([0-9a-f]*\) .*/run/prog$|\1|p' "$d/gdb.txt" | sed -n 1p)
	pc=$(sed -n 's/^#0  0x\([0-9a-f]*\) in .*/\1/p' "$d/gdb.txt")
	printf '0x%s prog+0x%x\n' "$pc" $((0x$pc - 0x$start)) >"$d/prog.txt"
	is "$(frames prog | sed -n 1,2p)" "$(wanted prog "$d/prog.txt")" \
		"gdb's stack of a stripped program, by its mappings"
	has "$(frames prog)" "
main $d/src/prog.c:19 exact" "to the end"
	has "$out" '"format":"gdb"' "as gdb's"
else
	skip "gdb's stack of a stripped program, by its mappings" "no gdb that can run a program"
fi

# What is said of frames stays about the same frames.
reports fork "$d/run.txt" libfast.so >"$d/fork.txt"
triage "$d/name" "$d/fork.txt"
innermost=$(wanted libfast.so "$d/fork.txt" | sed -n '1s/\([^ ]*\) .* inlined/\1/p')
is "$(printf '%s\n' "$out" | reports evidence)" "fork-safety fast_run $innermost" \
	"evidence is about the frames that it names, behind inlined ones, too"

# Where the source is.
S=$d/src
triage "$d/name" --substitute-path "$S=/elsewhere/fast" "$d/run.txt"
is "$(frames libfast.so)" "$(printf '%s\n' "$answer" | sed "s|$S|/elsewhere/fast|")" \
	"paths of source files are substituted"
triage "$d/name" --substitute-path "$S/=/one/" --substitute-path "$S=/two" "$d/run.txt"
has "$(frames libfast.so)" " /one/fast.c:" "the first rule that matches is used"
hasnt "$out" /two/ "and no other one"
triage "$d/name" --substitute-path "${S%c}=/part" --substitute-path "/nowhere=/x" "$d/run.txt"
is "$(frames libfast.so)" "$answer" "a rule matches whole directories"
if command -v git >/dev/null 2>&1; then
	mkdir -p "$d/repo/native/x" "$d/repo/other/x"
	cp "$d/src/fast.c" "$d/repo/native/x/"
	cp "$d/src/fast.c" "$d/repo/other/x/"
	(cd "$d/repo" && export GIT_CONFIG_GLOBAL=/dev/null GIT_CONFIG_NOSYSTEM=1 && git init -q . &&
		git add -A && git -c user.name=n -c user.email=n@example.invalid commit -qm x) >/dev/null 2>&1
	run "$FORKPOINT" triage --symbols "$d/name" --source "$d/repo" "$d/run.txt"
	hasnt "$out" "native/x/fast.c:19" "one name in two places of the source is not found"
	run "$FORKPOINT" triage --symbols "$d/name" --source "$d/repo" \
		--substitute-path "$S=$d/repo/native/x" "$d/run.txt"
	has "$out" "native/x/fast.c:19" "with its directory substituted it is"
	has "$out" "return t->cells[i] + i;   // >>> CRASH POINT <<<" "and the line is shown"
else
	skip "with its directory substituted, source is found" "no git"
fi

# Wrong use.
mistake() { # SENTENCE WHAT OPTION VALUE
	run "$FORKPOINT" triage "$3" "$4" "$d/run.txt"
	is "$status:$out" "2:" "$2 is wrong use"
	is "$err" "forkpoint: $3: $1" "with what to do"
}
mistake "cannot read '$d/nowhere': No such file or directory: give a directory with debug files" \
	"a directory that is not there" --symbols "$d/nowhere"
mistake "cannot read '$debug': Not a directory: give a directory with debug files" \
	"a file" --symbols "$debug"
mistake "'/a/b' is no FROM=TO: write the directory in which it was built, '=', and the one where its source is" \
	"a substitution without '='" --substitute-path /a/b
mistake "'=/b' is no FROM=TO: write the directory in which it was built, '=', and the one where its source is" \
	"one of nothing" --substitute-path =/b
mkdir -m 0 "$d/closed"
if [ "$(id -u)" != 0 ]; then
	mistake "cannot read '$d/closed': Permission denied: give a directory with debug files" \
		"a directory that may not be read" --symbols "$d/closed"
else
	skip "a directory that may not be read is wrong use" "root may read all"
fi
chmod 700 "$d/closed"

run "$FORKPOINT" triage --help
has "$out" "--symbols DIR" "--help names the option"
has "$out" "--substitute-path FROM=TO" "and the other one"
tap_done
