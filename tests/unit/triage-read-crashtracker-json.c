/* SPDX-License-Identifier: Apache-2.0 */
/* Reports of libdatadog's crash tracker in JSON: every version, and what it is wrapped in. */
#include <signal.h>

#include "tests/unit/reading.h"

/* Of version 1.8, with all that it may have. */
static const char newest[] =
	"{\n"
	"  \"counters\": { \"profiler_unwinding\": 1, \"profiler_inactive\": 0 },\n"
	"  \"data_schema_version\": \"1.8\",\n"
	"  \"error\": {\n"
	"    \"is_crash\": true, \"kind\": \"UnixSignal\", \"source_type\": \"Crashtracking\",\n"
	"    \"message\": \"Process terminated with SEGV_ACCERR (SIGSEGV)\",\n"
	"    \"thread_name\": \"probe-sampler\",\n"
	"    \"stack\": { \"format\": \"Datadog Crashtracker 1.0\", \"incomplete\": false,\n"
	"      \"frames\": [\n"
	"      { \"ip\": \"0x7f0000001100\", \"sp\": \"0x7ffc00\", \"function\": \"probe_hash\",\n"
	"        \"file\": \"/build/table.h\", \"line\": 7, \"column\": 3 },\n"
	"      { \"ip\": \"0x7f0000001100\", \"sp\": \"0x7ffc00\", \"function\": \"probe_get\",\n"
	"        \"file\": \"/build/table.c\", \"line\": 61, \"path\": \"/venv/_probe.so\",\n"
	"        \"relative_address\": \"0x1100\", \"build_id\": \"ab12\" },\n"
	"      { \"ip\": \"0x7f0000002200\", \"function\": \"Probe::take()\",\n"
	"        \"mangled_name\": \"_ZN5Probe4takeEv\",\n"
	"        \"symbol_address\": \"0x7f00000021f0\",\n"
	"        \"module_base_address\": \"0x7f0000000000\" },\n"
	"      { \"ip\": \"0x7f0000500010\", \"comments\": [\"no symbol\"] } ] },\n"
	"    \"threads\": [\n"
	"      { \"crashed\": true, \"name\": \"other name\", \"stack\": { \"frames\": [\n"
	"        { \"ip\": \"0x1\" } ] } },\n"
	"      { \"crashed\": false, \"name\": \"MainThread\", \"state\": \"S\", \"stack\": {\n"
	"        \"frames\": [ { \"ip\": \"0x7f0000500020\", \"function\": \"poll\" } ] } } ] },\n"
	"  \"experimental\": { \"runtime_stack\": { \"format\": \"Datadog Runtime Callback 1.0\",\n"
	"    \"frames\": [ { \"function\": \"run\", \"file\": \"/srv/app.py\", \"line\": 12 } ] } },\n"
	"  \"files\": { \"/proc/self/maps\": [\n"
	"    \"7f0000000000-7f0000001000 r--p 00000000 fe:01 11  /venv/_probe.so\",\n"
	"    \"7f0000001000-7f0000003000 r-xp 00000800 fe:01 11  /venv/_probe.so\",\n"
	"    \"7f0000500000-7f0000600000 r-xp 00026000 fe:01 12  /usr/lib/libc.so.6 (deleted)\",\n"
	"    \"7ffc00000000-7ffc00100000 rw-p 00000000 00:00 0  [stack]\", \"\" ] },\n"
	"  \"incomplete\": false,\n"
	"  \"metadata\": { \"library_name\": \"dd-trace-python\", \"library_version\": \"3.2.1\",\n"
	"    \"family\": \"python\", \"tags\": [\"service:web\", \"runtime_version:3.12.4\",\n"
	"    \"language:python\", \"env:test\", \"odd\"] },\n"
	"  \"os_info\": { \"architecture\": \"x86_64\", \"bitness\": \"64-bit\",\n"
	"    \"os_type\": \"Debian\", \"version\": \"12.0.0\" },\n"
	"  \"proc_info\": { \"pid\": 41, \"tid\": 43 },\n"
	"  \"sig_info\": { \"si_addr\": \"0x00000000000000f8\", \"si_code\": 77,\n"
	"    \"si_code_human_readable\": \"SEGV_ACCERR\", \"si_signo\": 11,\n"
	"    \"si_signo_human_readable\": \"SIGSEGV\" },\n"
	"  \"ucontext\": { \"arch\": \"x86_64\", \"registers\": { \"rip\": \"0x7f0000001100\",\n"
	"    \"rsp\": \"0x7ffc00\", \"rbp\": \"0x7ffc10\", \"rax\": \"0x1\" } },\n"
	"  \"span_ids\": [ { \"id\": \"99\" } ],\n"
	"  \"timestamp\": \"2026-01-02T03:04:05Z\", \"uuid\": \"u-1\"\n"
	"}\n";

static void check_fact(const struct trace *trace, const char *key, const char *wanted)
{
	CHECK_STR(trace_fact(trace, key), wanted, "%s is %s", key, wanted ? wanted : "not told");
}

static void check_newest_facts(const struct trace *trace)
{
	check_fact(trace, FACT_PYTHON, "3.12.4");
	check_fact(trace, FACT_RUNTIME_VERSION, "3.12.4");
	check_fact(trace, FACT_TRACER_VERSION, "3.2.1");
	check_fact(trace, FACT_SERVICE, "web");
	check_fact(trace, FACT_PLATFORM, "Debian 12.0.0");
	check_fact(trace, FACT_ARCHITECTURE, "x86_64");
	check_fact(trace, FACT_TIME, "2026-01-02T03:04:05Z");
	check_fact(trace, "under way", "profiler_unwinding");
	check_fact(trace, "schema version", "1.8");
	check_fact(trace, "span", "99");
	check_fact(trace, "odd", NULL);
}

static void check_newest_signal(const struct crash *crash)
{
	CHECK_INT(crash->signo, SIGSEGV, "the signal is told");
	CHECK_INT(crash->code, SEGV_ACCERR, "its code by name, for numbers differ by system");
	CHECK(crash->has_addr && crash->addr == 0xf8, "and the address");
	CHECK_INT(crash->pid, 41, "and the process");
	CHECK_INT(crash->threads[0].tid, 43, "and its thread");
	CHECK(crash->pc == 0x7f0000001100 && crash->sp == 0x7ffc00 && crash->fp == 0x7ffc10,
	      "and where it was");
	CHECK(crash->maps && strstr(crash->maps, "libc.so.6"), "the maps are kept");
	CHECK_STR(crash->message, "", "the sentence is not the process's own");
}

static void test_newest(void)
{
	struct traces traces;
	const struct crash *crash;

	reports_read(newest, &traces);
	CHECK_INT(traces.n, 1, "one report");
	CHECK_FORMAT(&traces, 0, "crashtracker-json", "its format is known");
	crash = traces.v[0].crash;
	check_newest_facts(&traces.v[0]);
	check_newest_signal(crash);
	CHECK(!traces.v[0].incomplete, "nothing is missing");
	CHECK_STACK(&traces, 0, 0, "probe_hash /build/table.h:7 inlined\n"
		    "probe_get /build/table.c:61\nProbe::take()\n?\n", "names and places");
	CHECK_STR(frame_at(&traces, 0, 0, 0)->module, "/venv/_probe.so", "modules by address");
	CHECK_INT(frame_at(&traces, 0, 0, 0)->module_offset, 0x1100,
		  "offsets from where the file's first piece is");
	CHECK_INT(frame_at(&traces, 0, 0, 2)->module_offset, 0x2200, "or from the base");
	CHECK_INT(frame_at(&traces, 0, 0, 2)->offset, 0x10, "and in the function");
	CHECK_STR(frame_at(&traces, 0, 0, 3)->module, "/usr/lib/libc.so.6",
		  "a file that was replaced is the same");
	CHECK_INT(frame_at(&traces, 0, 0, 3)->module_offset, 0x26010,
		  "a file whose beginning is not mapped begins where it would be");
	CHECK_INT(crash->nthreads, 3, "other threads, and the Python stack");
	CHECK(crash->threads[0].culprit && !crash->threads[1].culprit, "one crashed");
	CHECK_STR(crash->threads[0].name, "probe-sampler", "by its name");
	CHECK_STR(crash->threads[1].name, "MainThread", "others by theirs");
	CHECK(frame_at(&traces, 0, 2, 0) && frame_at(&traces, 0, 2, 0)->python,
	      "frames of Python are known as such");
	traces_release(&traces);
}

/* The schema that had no version, and stacks with several functions to an address. */
static const char oldest[] =
	"{\"additional_stacktraces\":{\"Thread 7\":[{\"ip\":\"0x7f0000003000\"}]},"
	"\"incomplete\":true,\"metadata\":{\"profiling_library_name\":\"x\",\"family\":\"python\","
	"\"tags\":[\"language_version:3.11.2\"]},"
	"\"siginfo\":{\"signum\":6,\"signame\":\"SIGABRT\",\"faulting_address\":4096},"
	"\"stacktrace\":[{\"ip\":\"0x7f0000001100\",\"names\":["
	"{\"name\":\"_ZN5Probe4hashEv\",\"filename\":\"/build/table.h\",\"lineno\":7,\"colno\":1},"
	"{\"name\":\"probe_get\"}],"
	"\"normalized_ip\":{\"file_offset\":4352,\"meta\":{\"Elf\":{\"path\":\"/venv/_probe.so\","
	"\"build_id\":[1,2]}}}},{\"ip\":\"0x0\"}],\"uuid\":\"u-2\"}";

static void test_oldest(void)
{
	struct traces traces;

	reports_read(oldest, &traces);
	CHECK_FORMAT(&traces, 0, "crashtracker-json", "the oldest schema is known, too");
	CHECK_STACK(&traces, 0, 0, "Probe::hash() /build/table.h:7 inlined\nprobe_get\n?\n",
		    "with all functions at an address");
	CHECK_STR(frame_at(&traces, 0, 0, 1)->module, "/venv/_probe.so", "and the file");
	CHECK_INT(frame_at(&traces, 0, 0, 1)->module_offset, 4352, "and the offset there");
	CHECK_INT(traces.v[0].crash->signo, SIGABRT, "and the signal");
	CHECK(traces.v[0].crash->addr == 4096, "and the address");
	CHECK(traces.v[0].incomplete, "it says itself that it is not all");
	CHECK_INT(traces.v[0].crash->nthreads, 2, "and other threads");
	CHECK_STR(trace_fact(&traces.v[0], FACT_PYTHON), "3.11.2", "and the release");
	traces_release(&traces);
}

static void test_no_maps(void)
{
	struct traces traces;

	reports_read("{\"is_crash\":0,\"error\":{\"is_crash\":true,\"stack\":[{\"ip\":"
		     "\"0x7f0000001100\",\"module_base_address\":\"0x7f0000001000\",\"names\":["
		     "{\"name\":\"visit\"},{\"name\":\"visit\"},{\"name\":\"probe_get\"}]},"
		     "{\"ip\":\"0x0000000000000000\",\"function\":\"probe_run\"},"
		     "{\"function\":\"probe_main\"}]}}", &traces);
	CHECK_STACK(&traces, 0, 0, "visit inlined\nvisit inlined\nprobe_get\n"
		    "probe_run inlined\nprobe_main\n", "what is inlined is known without maps");
	CHECK_INT(frame_at(&traces, 0, 0, 2) ? frame_at(&traces, 0, 0, 2)->module_offset : 0,
		  0x100, "and the offset");
	traces_release(&traces);
}

/* As a JSON string within JSON. Allocated. */
static char *quoted(const char *text)
{
	struct strbuf out = STRBUF_INIT;

	for (; *text; text++)
		strbuf_addf(&out, *text == '\n' ? "\\n" : strchr("\"\\", *text) ? "\\%c" : "%c",
			    *text);
	return strbuf_detach(&out);
}

static void test_wrapped(void)
{
	char *inner = quoted(newest), *twice;
	char *telemetry = xstrfmt("2026-01-02 ERROR sent {\"api_version\":\"v2\",\"application\":"
				  "{\"tracer_version\":\"9.9\",\"language_name\":\"python\"},"
				  "\"request_type\":\"logs\",\"payload\":{\"logs\":[{\"message\":"
				  "\"%s\",\"level\":\"ERROR\"}]}}\n", inner);
	struct traces traces;

	reports_read(telemetry, &traces);
	CHECK_FORMAT(&traces, 0, "crashtracker-json", "telemetry that brings it in a string");
	CHECK_STR(frame_at(&traces, 0, 0, 1) ? frame_at(&traces, 0, 0, 1)->function : NULL,
		  "probe_get", "is looked into");
	CHECK_STR(traces.n ? trace_fact(&traces.v[0], FACT_TRACER_VERSION) : NULL, "3.2.1",
		  "what the report says goes before what its wrapper says");
	traces_release(&traces);

	telemetry[strlen(telemetry) - 1300] = '\0';
	reports_read(telemetry, &traces);
	CHECK(traces.n == 1 && traces.v[0].incomplete, "a string that is cut off is not all");
	CHECK_STR(frame_at(&traces, 0, 0, 1) ? frame_at(&traces, 0, 0, 1)->function : NULL,
		  "probe_get", "but what is there is read");
	traces_release(&traces);

	reports_read("{\"message\":\"{\\\"error\\\":{\\\"is_crash\\\":true,\\\"stack\\\":"
		     "\\\"#0 free\\\"}\",\"level\":1}", &traces);
	CHECK(traces.n == 1 && traces.v[0].incomplete, "cut off inside a wrapper that is whole");
	traces_release(&traces);

	twice = xstrfmt("[%s,%s]\n", oldest, oldest);
	reports_read(twice, &traces);
	CHECK_INT(traces.n, 2, "an array in one line");
	traces_release(&traces);
	free(twice);

	twice = xstrfmt("{\n\"data\": [{\"attributes\": %s}, %s]\n}\n%s", newest, oldest, oldest);
	reports_read(twice, &traces);
	CHECK_INT(traces.n, 3, "several in one object, and one behind it, are told apart");
	CHECK_INT(traces.n == 3 ? traces.v[2].crash->signo : 0, SIGABRT, "each with its own");
	traces_release(&traces);
	free(twice);
	free(telemetry);
	free(inner);
}

static void test_text_stack(void)
{
	struct traces traces;

	reports_read("{\"service\":\"web\",\"ddtags\":\"env:x,language_version:3.13.1,language:"
		     "python\",\"error\":{\"kind\":\"SIGSEGV\",\"is_crash\":true,\"message\":"
		     "\"Process terminated with SI_KERNEL (SIGSEGV)\",\"stack\":\"#0 0x00007f0000001"
		     "100 probe_get (/build/table.c:61:2)\\n#1 main\\n\"}}", &traces);
	CHECK_STACK(&traces, 0, 0, "probe_get /build/table.c:61\nmain\n", "a stack in lines");
	CHECK_INT(traces.n ? traces.v[0].crash->code : 0, SI_KERNEL, "the reason is read");
	CHECK_STR(traces.n ? trace_fact(&traces.v[0], FACT_PYTHON) : NULL, "3.13.1",
		  "tags with commas between them");
	CHECK_STR(traces.n ? trace_fact(&traces.v[0], FACT_SERVICE) : NULL, "web", "the service");
	traces_release(&traces);

	reports_read("{\"error\":{\"is_crash\":true,\"stack\":\"0x7f0000001100 probe_get\\n"
		     "0x7f0000001200\"}}", &traces);
	CHECK_STACK(&traces, 0, 0, "probe_get\n?\n", "or in bare addresses");
	traces_release(&traces);

	reports_read("{\"payload\":[{\"message\":\"{\\\"siginfo\\\":{\\\"signum\\\":11,\\\"x\\\":1}"
		     "}\",\"stack_trace\":\"[{\\\"ip\\\":\\\"0x7f0000001100\\\",\\\"names\\\":[{"
		     "\\\"name\\\":\\\"probe_get\\\"}]}]\"}]}", &traces);
	CHECK_STACK(&traces, 0, 0, "probe_get\n", "or beside the report, as JSON in a string");
	traces_release(&traces);
}

static void test_threads_1_7(void)
{
	struct traces traces;

	reports_read("{\"data_schema_version\":\"1.7\",\"error\":{\"is_crash\":true,\"stack\":{"
		     "\"frames\":[]},\"threads\":{\"count\":9,\"incomplete\":true,\"threads\":["
		     "{\"crashed\":false,\"name\":\"a\",\"stack\":{\"frames\":[{\"function\":\"poll"
		     "\"}]}},{\"crashed\":true,\"name\":\"b\",\"stack\":{\"frames\":[{\"function\":"
		     "\"probe_get\"}]}}]}}}", &traces);
	CHECK_STACK(&traces, 0, 1, "probe_get\n", "threads of version 1.7 are one level deeper");
	CHECK(traces.n && traces.v[0].crash->threads[1].culprit, "the one that crashed is found");
	CHECK(traces.n && traces.v[0].incomplete, "and that they are not all");
	traces_release(&traces);
}

static void test_no_stack(void)
{
	struct traces traces;

	reports_read("{\"crash_uuid\":\"u-3\",\"kind\":\"UnixSignal\",\"message\":\"crash ping: "
		     "started\",\"siginfo\":{\"si_signo\":11,\"si_code\":1}}", &traces);
	CHECK(traces.n == 1 && traces.v[0].incomplete, "the ping that goes before a report");
	CHECK_INT(traces.n ? traces.v[0].crash->signo : 0, SIGSEGV, "has its signal");
	CHECK_STR(traces.n ? traces.v[0].crash->message : NULL, "crash ping: started\n",
		  "and its sentence");
	traces_release(&traces);
}

static void test_others(void)
{
	static const char *const texts[] = {
		"{\"error\":{\"kind\":\"ValueError\",\"stack\":\"Traceback (most recent call last)"
		":\\n  File \\\"a.py\\\", line 1\",\"message\":\"si_signo\"}}",
		"{\n  \"name\": \"x\",\n  \"siginfo\": {}\n}\n",
		"{ data_schema_version }",
		"{\"data_schema_version\"",
	};
	struct traces traces;

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		reports_read(texts[i], &traces);
		CHECK_INT(traces.n, 0, "JSON that is no report is none (%zu)", i);
		traces_release(&traces);
	}
}

int main(void)
{
	test_newest();
	test_oldest();
	test_no_maps();
	test_wrapped();
	test_text_stack();
	test_threads_1_7();
	test_no_stack();
	test_others();
	check_reading("{\"error\":{\"is_crash\":true,\"stack\":{\"frames\":[{\"ip\":\"0x1000\","
		      "\"function\":\"f\"}]}},\"sig_info\":{\"signum\":-11}}\n",
		      "crashtracker-json line 1: signal\n*\n    0x1000 f\n",
		      "a signal that no system has");
	check_stands(oldest, "the oldest schema");
	check_stands(newest, "the newest schema");
	return tap_done();
}
