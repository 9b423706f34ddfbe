/* SPDX-License-Identifier: Apache-2.0 */
/* Crash reports of macOS: the text that its tools show, and the file itself. */
#include <signal.h>

#include "tests/unit/reading.h"

static const char text[] =
	"-------------------------------------\n"
	"Translated Report (Full Report Below)\n"
	"-------------------------------------\n\n"
	"Process:               Python [4537]\n"
	"Path:                  /opt/py/Python.app/Contents/MacOS/Python\n"
	"Identifier:            org.python.python\n"
	"Version:               3.13.1 (3.13.1)\n"
	"Code Type:             ARM-64 (Native)\n"
	"Parent Process:        Python [4530]\n\n"
	"Date/Time:             2026-01-02 03:04:05.6789 +0100\n"
	"OS Version:            macOS 15.2 (24C101)\n"
	"Report Version:        12\n\n"
	"Crashed Thread:        1\n\n"
	"Exception Type:        EXC_BAD_ACCESS (SIGSEGV)\n"
	"Exception Codes:       KERN_INVALID_ADDRESS at 0x0000000000000110\n"
	"Exception Codes:       0x0000000000000001, 0x0000000000000110\n\n"
	"Termination Reason:    Namespace SIGNAL, Code 11 Segmentation fault: 11\n"
	"Terminating Process:   exc handler [4537]\n\n"
	"VM Region Info: 0x110 is not in any region.\n"
	"      REGION TYPE                    START - END\n"
	"--->  \n"
	"      __TEXT                      104b00000-104b04000\n\n"
	"Application Specific Information:\n"
	"crashed on child side of fork pre-exec\n"
	"probe[4537]: it may have been in progress\n\n\n"
	"Thread 0::  Dispatch queue: com.apple.main-thread\n"
	"0   libsystem_kernel.dylib        \t       0x18d1b2600 poll + 8\n"
	"1   Python                        \t       0x104b01230 0x104b00000 + 4656\n\n"
	"Thread 1 name:  probe sampler\n"
	"Thread 1 Crashed:\n"
	"0   ???                           \t0x0000000000000000 0 + 0\n"
	"1   _probe.cpython-313-darwin.so  \t       0x10aa04100 probe_get + 16 (table.c:61)\n"
	"2   libsystem_platform.dylib      \t       0x18d200000 _sigtramp + 56\n"
	"3   My Probe App                  \t       0x10aa04200 Probe::take(int) + 32\n"
	"4   libc++abi.dylib               \t       0x18d300000 -[Probe run:] [inlined] + 4\n"
	"5   libobjc.A.dylib               \t       0x18d401000 0x18d400000 + 4096\n\n"
	"Thread 1 crashed with ARM Thread State (64-bit):\n"
	"    x0: 0x0000000000000000   x1: 0x0000000000000000\n"
	"   far: 0x0000000000000110  esr: 0x92000006 (Data Abort)\n\n"
	"Binary Images:\n"
	"       0x104b00000 -        0x104b03fff org.python.python (3.13.1) <1-2> /opt/py/Python\n"
	"       0x10aa00000 -        0x10aa0ffff +_probe.cpython-313-darwin.so (*) <3-4> "
	"/opt/probe/_probe.cpython-313-darwin.so\n"
	"               0x0 - 0xffffffffffffffff ??? (*) <00000000-0000> ???\n\n"
	"EOF\n";

#define HEADER \
	"{\"app_name\":\"python3.12\",\"timestamp\":\"2026-01-02 03:04:05.00 +0100\"," \
	"\"app_version\":\"3.12.8\",\"bug_type\":\"309\",\"os_version\":\"macOS 15.2 (24C101)\"}\n"

static const char file[] = HEADER
	"{\n"
	"  \"uptime\" : 480000,\n"
	"  \"osVersion\" : { \"train\" : \"macOS 15.2\", \"build\" : \"24C101\" },\n"
	"  \"pid\" : 82, \"cpuType\" : \"ARM-64\", \"procName\" : \"python3.12\",\n"
	"  \"procPath\" : \"\\/opt\\/bin\\/python3.12\",\n"
	"  \"exception\" : {\"codes\":\"0x1, 0x110\",\"type\":\"EXC_BAD_ACCESS\","
	"\"signal\":\"SIGBUS\",\"subtype\":\"KERN_PROTECTION_FAILURE at 0x0000000000000110\"},\n"
	"  \"termination\" : {\"code\":10,\"namespace\":\"SIGNAL\",\"byProc\":\"exc handler\"},\n"
	"  \"asi\" : {\"libsystem_c.dylib\":[\"crashed on child side of fork pre-exec\"]},\n"
	"  \"faultingThread\" : 1,\n"
	"  \"threads\" : [{\"id\":7001,\"queue\":\"com.apple.main-thread\",\"frames\":["
	"{\"imageOffset\":1234,\"symbol\":\"poll\",\"symbolLocation\":8,\"imageIndex\":0}]},"
	"{\"triggered\":true,\"id\":7002,\"name\":\"sampler\",\"threadState\":{\"x\":["
	"{\"value\":18446744073709551615}]},\"frames\":["
	"{\"imageOffset\":272,\"symbol\":\"probe_get\",\"symbolLocation\":16,\"imageIndex\":1,"
	"\"sourceFile\":\"table.c\",\"sourceLine\":61,\"inline\":true},"
	"{\"imageOffset\":288,\"imageIndex\":1},"
	"{\"imageOffset\":5,\"imageIndex\":77}]}],\n"
	"  \"usedImages\" : [{\"base\":6000000000,\"name\":\"libsystem_kernel.dylib\"},"
	"{\"base\":4304404480,\"size\":65536,\"path\":\"\\/opt\\/_probe.so\",\"name\":\"_probe.so\"}],\n"
	"  \"vmregioninfo\" : \"0x110 is not in any region.\"\n"
	"}\n";

static void check_fact(const struct trace *trace, const char *key, const char *wanted)
{
	CHECK_STR(trace_fact(trace, key), wanted, "%s is %s", key, wanted);
}

static void check_text(const struct traces *traces)
{
	const struct trace *trace = &traces->v[0];
	const struct crash *crash = trace->crash;

	CHECK_FORMAT(traces, 0, "macos", "its format is known");
	check_fact(trace, FACT_PYTHON, "3.13.1");
	check_fact(trace, FACT_PROGRAM, "/opt/py/Python.app/Contents/MacOS/Python");
	check_fact(trace, FACT_PLATFORM, "macOS 15.2 (24C101)");
	check_fact(trace, FACT_ARCHITECTURE, "ARM-64 (Native)");
	CHECK_INT(crash->signo, SIGSEGV, "the signal is told");
	CHECK_INT(crash->code, SEGV_MAPERR, "what is wrong with the address");
	CHECK(crash->has_addr && crash->addr == 0x110, "and the address");
	CHECK_INT(crash->pid, 4537, "and the process");
	CHECK_STR(crash->message, "crashed on child side of fork pre-exec\n"
		  "probe[4537]: it may have been in progress\n", "what was said is the message");
	CHECK_INT(crash->nthreads, 2, "two threads");
	CHECK(!crash->threads[0].culprit && crash->threads[1].culprit, "of which one crashed");
	CHECK_STR(crash->threads[1].name, "probe sampler", "by its name");
	CHECK_STR(crash->threads[0].name, "com.apple.main-thread", "or its queue");
	CHECK(!trace->incomplete, "nothing is missing");
}

static void check_text_frames(const struct traces *traces)
{
	CHECK_STACK(traces, 0, 0, "poll\n?\n", "an image's address is no name");
	CHECK_STACK(traces, 0, 1, "?\nprobe_get table.c:61\n_sigtramp\nProbe::take(int)\n"
		    "-[Probe run:] inlined\n?\n", "names and places");
	CHECK_STR(frame_at(traces, 0, 1, 0)->module, NULL, "??? is no module");
	CHECK_STR(frame_at(traces, 0, 1, 1)->module, "/opt/probe/_probe.cpython-313-darwin.so",
		  "modules by address");
	CHECK_INT(frame_at(traces, 0, 1, 1)->module_offset, 0x4100, "with the offset there");
	CHECK_INT(frame_at(traces, 0, 1, 1)->offset, 16, "and in the function");
	CHECK_STR(frame_at(traces, 0, 0, 0)->module, "libsystem_kernel.dylib",
		  "or as the frame has it");
	CHECK_STR(frame_at(traces, 0, 1, 2)->module, "libsystem_platform.dylib",
		  "names of modules end before the address");
	CHECK(frame_at(traces, 0, 1, 3)->signal_frame, "what a signal interrupted is known");
	CHECK_INT(frame_at(traces, 0, 0, 1)->module_offset, 4656, "offsets in an image");
	CHECK_INT(frame_at(traces, 0, 1, 5)->module_offset, 4096, "and in one that is not listed");
}

static void test_text(void)
{
	char *both = xstrfmt("%s-----------\nFull Report\n-----------\n\n%s\n%s", text, file, text);
	struct traces traces;

	reports_read(text, &traces);
	CHECK_INT(traces.n, 1, "one report");
	if (traces.n) {
		check_text(&traces);
		check_text_frames(&traces);
	}
	traces_release(&traces);
	reports_read(both, &traces);
	CHECK_INT(traces.n, 2, "the same as text and file is one, what follows is another");
	traces_release(&traces);
	free(both);
}

static void test_text_parts(void)
{
	struct traces traces;

	reports_read("Exception Type:  EXC_CRASH (SIGABRT)\nThread 0 Crashed:\n"
		     "0   libsystem_c.dylib   abort + 126\n\nThread 1 Crashed:\n"
		     "0   libsystem_c.dylib   abort + 126\n", &traces);
	CHECK(traces.n == 1 && traces.v[0].crash->nthreads == 2 &&
	      traces.v[0].crash->threads[0].culprit && !traces.v[0].crash->threads[1].culprit,
	      "of two that are said to have crashed one is the culprit");
	traces_release(&traces);

	reports_read("Look:\nException Type:  EXC_CRASH (SIGABRT)\nApplication Specific "
		     "Information:\nabort() called\n", &traces);
	CHECK_INT(traces.n ? traces.v[0].crash->signo : 0, SIGABRT, "a part of one is one");
	CHECK(traces.n && traces.v[0].incomplete, "which is not all");
	traces_release(&traces);

	reports_read("Thread 3 Crashed:\n0   libsystem_c.dylib   abort + 126\n1   probe\n\n"
		     "Some words.\n#0  probe_get (/build/table.c:61)\n#1  main\n", &traces);
	CHECK_INT(traces.n, 2, "what stands a few lines behind it is another's");
	CHECK_STACK(&traces, 0, 0, "abort\n?\n", "a stack without addresses, and cut off");
	CHECK(traces.n && traces.v[0].incomplete, "which is not all");
	traces_release(&traces);

	reports_read("Process: it is slow [sometimes]\nThread 3 is slow\nException Type: none\n",
		     &traces);
	CHECK_INT(traces.n, 0, "prose is none");
	traces_release(&traces);
}

static void check_file(const struct traces *traces)
{
	const struct trace *trace = &traces->v[0];
	const struct crash *crash = trace->crash;

	check_fact(trace, FACT_PYTHON, "3.12.8");
	check_fact(trace, FACT_PROGRAM, "/opt/bin/python3.12");
	check_fact(trace, FACT_ARCHITECTURE, "ARM-64");
	check_fact(trace, "termination", "SIGNAL");
	CHECK_INT(crash->signo, SIGBUS, "the signal is told");
	CHECK_INT(crash->code, SEGV_ACCERR, "what is wrong with the address");
	CHECK(crash->has_addr && crash->addr == 0x110, "and the address");
	CHECK_STR(crash->message, "crashed on child side of fork pre-exec\n", "and the message");
	CHECK(crash->nthreads == 2 && crash->threads[1].culprit && !crash->threads[0].culprit,
	      "the thread that crashed is known");
	CHECK_INT(crash->threads[1].tid, 7002, "by its id");
	CHECK_STACK(traces, 0, 1, "probe_get table.c:61 inlined\n?\n?\n", "with its frames");
	CHECK_STR(frame_at(traces, 0, 1, 0)->module, "/opt/_probe.so", "and modules");
	CHECK(frame_at(traces, 0, 1, 0)->pc == 4304404480u + 272, "and addresses");
	CHECK_STR(frame_at(traces, 0, 0, 0)->module, "libsystem_kernel.dylib",
		  "by name where there is no path");
	CHECK_STR(frame_at(traces, 0, 1, 2)->module, NULL, "or none if there is no such image");
}

static void test_file(void)
{
	char *twice = xstrfmt("%s%s", file, file);
	struct traces traces;

	reports_read(file, &traces);
	CHECK_INT(traces.n, 1, "a file is one report");
	CHECK_FORMAT(&traces, 0, "macos", "its format is known");
	if (traces.n)
		check_file(&traces);
	traces_release(&traces);
	reports_read(file + strlen(HEADER), &traces);
	CHECK(traces.n == 1 && traces.v[0].crash->nthreads == 2, "it may lack its first line");
	traces_release(&traces);
	reports_read(twice, &traces);
	CHECK_INT(traces.n, 2, "two are two");
	traces_release(&traces);
	twice[strlen(HEADER) + 1000] = '\0';
	reports_read(twice, &traces);
	CHECK(traces.n == 1 && traces.v[0].incomplete, "one that is cut off is not all");
	CHECK_INT(traces.n ? traces.v[0].crash->signo : 0, SIGBUS, "but has its signal");
	traces_release(&traces);
	reports_read("{\n  \"exception\" : {\"type\":\"EXC_CRASH\"}\n}\n", &traces);
	CHECK_INT(traces.n ? traces.v[0].crash->signo : 0, SIGABRT, "an exception has a signal");
	traces_release(&traces);
	free(twice);
}

/* The end of what was said is what it died of. */
static void test_long_message(void)
{
	struct strbuf long_text = STRBUF_INIT;
	struct traces traces;
	const char *message;

	strbuf_addstr(&long_text, "Exception Type: EXC_CRASH (SIGABRT)\n"
		      "Application Specific Information:\n");
	for (int i = 0; i < 100000; i++)
		strbuf_addf(&long_text, "line \xc3\xa4\xc3\xb6 %d\n", i);
	reports_read(long_text.buf, &traces);
	message = traces.n ? traces.v[0].crash->message : "";
	CHECK(strlen(message) > 65000 && strlen(message) <= 65536, "64 KiB of a message are kept");
	CHECK(strstr(message, "99999\n") && !strstr(message, "line \xc3\xa4\xc3\xb6 7\n"),
	      "and they are the last");
	traces_release(&traces);
	strbuf_release(&long_text);
}

/* Wherever it is cut, that is not within a character. */
static void test_cut_message(void)
{
	for (int shift = 0; shift < 2; shift++) {
		struct strbuf long_text = STRBUF_INIT;
		struct traces traces;

		strbuf_addstr(&long_text, "Exception Type: EXC_CRASH (SIGABRT)\n"
			      "Application Specific Information:\n");
		for (int i = 0; i < 40000; i++)
			strbuf_addstr(&long_text, "\xc3\xa4\xc3\xa4\xc3\xa4");
		strbuf_addstr(&long_text, shift ? "\nx\n" : "\nxx\n");
		for (int i = 0; i < 10000; i++)
			strbuf_addstr(&long_text, "\xc3\xa4\xc3\xa4\xc3\xa4");
		strbuf_addstr(&long_text, "\n");
		reports_read(long_text.buf, &traces);
		CHECK(traces.n && ((unsigned char)*traces.v[0].crash->message & 0xc0) != 0x80,
		      "a message begins with a character (%d)", shift);
		traces_release(&traces);
		strbuf_release(&long_text);
	}
}

int main(void)
{
	test_cut_message();
	test_long_message();
	test_text();
	test_text_parts();
	test_file();
	check_stands(text, "a report in text");
	check_stands(file, "a file");
	return tap_done();
}
