#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The order of dependencies holds, and the check that holds it sees what breaks it.
set -eu
. tests/tap.sh

run sh ci/check-includes.sh
is "$status" 0 "no file of the tree includes what it may not"
[ -z "$err" ] || tap_explain "$err"

# A small tree with one sin each.
tree=$tap_dir/tree
mkdir -p "$tree/harness/base" "$tree/harness/run" "$tree/harness/triage" "$tree/harness/report" \
	"$tree/harness/observe" "$tree/harness/symbols" "$tree/scenarios/lib" "$tree/embed" "$tree/library"
for header in harness/base/strbuf.h harness/run/cell.h harness/observe/crash.h \
	harness/observe/capture.h harness/symbols/symbols.h harness/triage/triage.h harness/report/report.h \
	harness/cmd.h library/memory.h embed/subject.h embed/compat.h embed/host.h scenarios/scenario.h \
	scenarios/lib/lru.h; do
	: >"$tree/$header"
done

sin() { # FILE INCLUDE VERDICT SENTENCE
	printf '\n#  include %s\n' "$2" >"$tree/$1"
	run sh ci/check-includes.sh "$tree"
	is "$status" "$3" "$4"
	if [ "$3" = 1 ]; then
		has "$err" "$1:2: " "and the line is named"
	fi
	rm -f "$tree/$1"
}

sin harness/base/x.c '"run/cell.h"' 1 "base may not include run"
sin harness/run/x.c '"base/strbuf.h"' 0 "run may include base"
sin harness/run/x.c '"report/report.h"' 1 "run may not include report"
sin harness/run/x.c '"../report/report.h"' 1 "nor by a path that goes up"
sin harness/run/x.c '"harness/report/report.h"' 1 "nor by a path from the top"
sin harness/run/x.c '<report/report.h>' 1 "nor in angle brackets"
sin harness/triage/x.c '"observe/crash.h"' 0 "triage may include observe/crash.h"
sin harness/triage/x.c '"observe/capture.h"' 1 "triage may include nothing else of observe"
sin harness/symbols/x.c '"triage/triage.h"' 0 "symbols may include triage"
sin harness/triage/x.c '"symbols/symbols.h"' 1 "triage, which reads no file, may not include symbols"
sin harness/triage/x.c '"library/memory.h"' 1 "and knows nothing of the library that is made of it"
sin library/x.c '"triage/triage.h"' 0 "the library may include triage"
sin library/x.c '"observe/crash.h"' 0 "and observe/crash.h"
sin library/x.c '"observe/capture.h"' 1 "and nothing else of observe"
sin library/x.c '"run/cell.h"' 1 "nor anything that runs"
sin harness/report/x.c '"run/cell.h"' 1 "report knows nobody who makes results"
sin harness/run/x.c '"cmd.h"' 1 "nothing may include the commands"
sin harness/cmd_x.c '"report/report.h"' 0 "a command may include report"
sin harness/cmd_x.c '<Python.h>' 1 "the driver never includes Python.h"
sin harness/run/x.c '"embed/subject.h"' 0 "the driver shares embed/subject.h"
sin harness/run/x.c '"embed/host.h"' 1 "the driver includes nothing else of the host"
sin scenarios/x.c '"base/strbuf.h"' 1 "a scenario may not include the driver's headers"
sin scenarios/x.c '"harness/base/strbuf.h"' 1 "nor by a path from the top"
sin scenarios/x.cc '"run/cell.h"' 1 "nor a scenario in C++"
sin scenarios/x.c '"lib/lru.h"' 0 "a scenario may include its own lib/"
sin scenarios/x.c '"scenarios/scenario.h"' 0 "a scenario includes the contract"
sin scenarios/x.c '<stdio.h>' 0 "a scenario may include the system's headers"
sin scenarios/x.c '"internal/pycore_runtime.h"' 1 "internal headers are not for scenarios"
sin embed/x.c '"internal/pycore_runtime.h"' 1 "nor for the host"
sin embed/compat.c '<internal/pycore_runtime.h>' 0 "they are for embed/compat.c"
sin harness/newcomer.c '"base/strbuf.h"' 0 "a file beside the commands counts as one"
mkdir "$tree/harness/newmodule"
sin harness/newmodule/x.c '"base/strbuf.h"' 1 "a module without a rule is told"

tap_done
