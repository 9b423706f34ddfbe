# SPDX-License-Identifier: Apache-2.0
# For tests of `forkpoint triage --symbols`, behind tests/tap.sh: libraries to crash in, and reports
# of real crashes.
#
#	$d/built, $d/run  libraries with symbols, and stripped
#	$debug            libfast.so's debug file; $id: its build-id
#	$d/run.txt        where it crashed, as `0xPC MODULE+0xOFFSET`; run.json: with build-ids
#	triage DIR FILE…  runs the command with --symbols DIR
#	frames MODULE     of its answer; wanted LIBRARY REPORT: what addr2line has

for tool in "${CC:-cc}" objcopy strip addr2line readelf python3; do
	command -v "$tool" >/dev/null 2>&1 || {
		echo "1..0 # SKIP no $tool"
		exit 0
	}
done

d=$tap_dir
lib=$PWD/tests/lib/symbols
mkdir "$d/built" "$d/run" "$d/src"
cp "$lib"/*.c "$lib"/*.cc "$d/src"

reports() { # see there
	python3 "$lib/reports.py" "$@"
}

build() { # LIBRARY COMPILER SOURCE OPTION…: with symbols in built, without in run
	library=$1 compiler=$2 source=$3
	shift 3
	"$compiler" -g -O2 -fPIC -shared -falign-functions=1 -fno-optimize-sibling-calls \
		-Wl,--build-id "$@" -o "$d/built/$library" "$source" &&
		strip -o "$d/run/$library" "$d/built/$library"
}

made=$({ build libfast.so "${CC:-cc}" "$d/src/fast.c" &&
	build libskew.so "${CC:-cc}" "$d/src/fast.c" -DPADDED -Wl,-Ttext-segment=0x200000 \
		-Wl,--section-start=.init=0x234000 &&
	"${CC:-cc}" -O2 -o "$d/crash" "$d/src/crash.c" -ldl; } 2>&1) || {
	tap_explain "$made"
	echo "Bail out! no libraries to crash in"
	exit 1
}

frames() { # MODULE: of what run has left
	printf '%s\n' "$out" | reports frames "$1"
}
wanted() { # LIBRARY REPORT
	reports wanted "$d/built/$1" "$2"
}
triage() { # DIR REPORT…
	symbols=$1
	shift
	run "$FORKPOINT" triage --json --symbols "$symbols" "$@"
}
id_of() {
	readelf -n "$1" | sed -n 's/.*Build ID: *//p' | head -n 1
}
crash() { # LIBRARY FUNCTION raw|maps
	"$d/crash" "$d/run/$1" "$2" "$3"
}

crash libfast.so fast_run raw >"$d/run.txt"
id=$(id_of "$d/built/libfast.so")
reports json "$d/run.txt" libfast.so "$id" >"$d/run.json"
debug=$d/libfast.so.debug
objcopy --only-keep-debug "$d/built/libfast.so" "$debug"
