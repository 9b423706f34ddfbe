/* SPDX-License-Identifier: Apache-2.0 */
/* Stacks as the pages of libdatadog's crash tracker show them. */
#include <signal.h>

#include "tests/unit/reading.h"

static const char whole[] =
	"Error UnixSignal: Process terminated with SEGV_MAPERR (SIGSEGV)\n"
	"#0 0x0000ffff90a1b3cc probe_get (/build/probe/src/table.c:61:9)\n"
	"#1 0x0000000000000000 probe_find (/build/probe/src/table.c:80)\n"
	"#2 0x0000ffff90a1b810 probe_find (/build/probe/src/table.c:80)\n"
	"#3 0x0000ffff90a1b9a0 _ZN5Probe7Sampler4takeEv\n"
	"#4 0x0000ffff90a1ba00 probe::list<int, (probe::kind)2>::drop(void (*)(int)) const\n"
	"#5 0x0000ffff93333334\n"
	"#6 0x0000aaaab0001000 cfunction_call.llvm.123456 (/usr/src/python/Objects/call.c:5:3)\n";

static void test_whole(void)
{
	struct traces traces;
	const struct crash *crash;

	reports_read(whole, &traces);
	CHECK_INT(traces.n, 1, "one report");
	CHECK_FORMAT(&traces, 0, "crashtracker", "its format is known");
	crash = traces.v[0].crash;
	CHECK_INT(crash->signo, SIGSEGV, "the signal is told");
	CHECK_INT(crash->code, SEGV_MAPERR, "and its code");
	CHECK_INT(crash->kind, CRASH_KIND_SIGNAL, "it is a crash");
	CHECK_STR(crash->message, "", "the process itself said nothing");
	CHECK_INT(crash->nthreads, 1, "one thread");
	CHECK(crash->threads[0].culprit, "which crashed");
	CHECK(!traces.v[0].incomplete, "and nothing is missing");
	CHECK_STACK(&traces, 0, 0, "probe_get /build/probe/src/table.c:61\n"
		    "probe_find /build/probe/src/table.c:80 inlined\n"
		    "probe_find /build/probe/src/table.c:80\n"
		    "Probe::Sampler::take()\n"
		    "probe::list<int, (probe::kind)2>::drop(void (*)(int)) const\n"
		    "?\n"
		    "cfunction_call.llvm.123456 /usr/src/python/Objects/call.c:5\n",
		    "names, files and lines, and which frame is inlined");
	CHECK(frame_at(&traces, 0, 0, 0)->pc == 0xffff90a1b3cc, "addresses are kept");
	CHECK_INT(frame_at(&traces, 0, 0, 3)->trust, TRUST_EXACT, "a name is what it says");
	CHECK_INT(frame_at(&traces, 0, 0, 5)->trust, TRUST_NONE, "and without one there is none");
	traces_release(&traces);
}

static void test_null_call(void)
{
	struct traces traces;

	reports_read("Error UnixSignal: Process terminated with SEGV_MAPERR (SIGSEGV)\n"
		     "#0 0x0000000000000000\n#1 0x00007f0000001000 probe_call\n"
		     "#2 probe_run\n#3 main (/build/main.c:3)\n", &traces);
	CHECK_STACK(&traces, 0, 0, "?\nprobe_call\nprobe_run\nmain /build/main.c:3\n",
		    "0x0 without a name is a call of NULL, and no address is no 0x0");
	traces_release(&traces);
}

static void test_recursion(void)
{
	struct traces traces;

	reports_read("#0 0x00007f0000001000 probe_hash\n#1 0x00007f0000001000 probe_visit\n"
		     "#2 0x00007f0000001000 probe_visit\n#3 0x00007f0000002000 __restore_rt\n"
		     "#4 0x00007f0000003000 main\n", &traces);
	CHECK_STACK(&traces, 0, 0, "probe_hash inlined\nprobe_visit\nprobe_visit\n"
		    "__restore_rt\nmain\n", "a function that calls itself is not inlined");
	CHECK(frame_at(&traces, 0, 0, 4) && frame_at(&traces, 0, 0, 4)->signal_frame,
	      "what a signal interrupted is known");
	CHECK(frame_at(&traces, 0, 0, 3) && !frame_at(&traces, 0, 0, 3)->signal_frame,
	      "and nothing else");
	traces_release(&traces);
}

static void test_parts(void)
{
	struct traces traces;

	reports_read("It crashes when it forks:\n```\n#0   free\n"
		     "#1   Probe::drop(std::vector<int>&)\n[...]\n"
		     "#7   0x00007f0000001000 fork\n\n#8   main\n```\n> what is this?\n", &traces);
	CHECK_INT(traces.n, 1, "a stack without its first line, prose around it");
	CHECK_FORMAT(&traces, 0, "crashtracker", "is one, too");
	CHECK_STACK(&traces, 0, 0, "free\nProbe::drop(std::vector<int>&)\nfork\nmain\n",
		    "and goes on behind a gap");
	CHECK(traces.v[0].incomplete, "but is not all");
	CHECK_INT(traces.v[0].line, 3, "it begins in the third line");
	traces_release(&traces);

	reports_read("#20  probe_a (/build/a.c:1)\n#21  probe_b (/build/a.c:2)\n", &traces);
	CHECK(traces.n == 1 && traces.v[0].incomplete, "a stack without its beginning is not all");
	traces_release(&traces);

	reports_read("#0 0x00007f0000001000 probe_get\n#1 0x00007f0000001001\n[...]\nand so on\n",
		     &traces);
	CHECK(traces.n == 1 && traces.v[0].incomplete, "nor is one without its end");
	traces_release(&traces);

	reports_read("here:\n#4 0x00007f0000001000 probe_get\nhm\n#1 word\n", &traces);
	CHECK_STACK(&traces, 0, 0, "probe_get\n", "a single frame with name and address is one");
	CHECK_INT(traces.n, 1, "but not a single word");
	traces_release(&traces);

	reports_read("Process terminated with SI_TKILL (SIGABRT)\n", &traces);
	CHECK(traces.n == 1 && traces.v[0].incomplete, "the sentence alone is a report");
	CHECK_INT(traces.n ? traces.v[0].crash->code : 0, SI_TKILL, "with its code");
	traces_release(&traces);

	reports_read("Error Panic: index out of bounds\n\n#0 0x00007f0000001000 rust_panic\n"
		     "#1 0x00007f0000001001 probe::run\n", &traces);
	CHECK_STR(traces.n ? traces.v[0].crash->finding : NULL, "Panic", "not only signals");
	CHECK_STR(traces.n ? traces.v[0].crash->message : NULL, "index out of bounds\n",
		  "what was said is the message");
	traces_release(&traces);
}

static void test_others(void)
{
	static const char *const texts[] = {
		"#0  0x00007ffff7c8b1f7 in raise () from /lib/libc.so.6\n"
		"#1  0x00007ffff7c8b1f8 in abort () from /lib/libc.so.6\n",
		"#0  probe_get (key=3) at table.c:61\n#1  main () at main.c:3\n",
		"#0  probe_get (key=3, \n    list=0x0) at table.c:61\n#1  main () at main.c:3\n",
		"#0  raise (libc.so.6 + 0x38c86)\n#1  abort (libc.so.6 + 0x228ba)\n",
		"#17042 was merged\n#17043 was not\n\n#3\n",
		"Error reading file: no such file\n",
	};
	struct traces traces;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		reports_read(texts[i], &traces);
		CHECK(!traces.n || traces.v[0].format != TRACE_CRASHTRACKER,
		      "what is another's is not taken for one (%zu)", i);
		traces_release(&traces);
	}
}

static void test_several(void)
{
	char *twice = xstrfmt("%s%sand again:\n\n%s", whole, whole, whole);
	struct traces traces;

	reports_read(twice, &traces);
	CHECK_INT(traces.n, 3, "reports behind each other are told apart");
	CHECK_INT(traces.n == 3 ? traces.v[2].line : 0, 19, "and each knows its line");
	CHECK_INT(traces.n == 3 ? traces.v[1].crash->threads[0].nframes : 0, 7, "and its frames");
	traces_release(&traces);
	free(twice);
}

int main(void)
{
	test_whole();
	test_null_call();
	test_recursion();
	test_parts();
	test_others();
	test_several();
	check_stands(whole, "a stack");
	return tap_done();
}
