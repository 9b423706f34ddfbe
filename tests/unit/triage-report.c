/* SPDX-License-Identifier: Apache-2.0 */
/* The report in Markdown: its sections, its words, and that no name in it can leave its place. */
#include <stdio.h>

#include "base/strbuf.h"
#include "tests/unit/triage.h"
#include "triage/account.h"

static const char fork_stack[] =
	"abort @" LIBC "\n"
	"free @" LIBC "\n"
	"Sampler::clear() @" EXTENSION "\n"
	"Sampler::postfork_child() @" EXTENSION "\n"
	"fork @" LIBC "\n"
	"os_fork_impl @" LIBPYTHON "\n"
	"_PyEval_EvalFrameDefault @" LIBPYTHON "\n"
	"Py_RunMain @" LIBPYTHON "\n";

static const char finalize_stack[] =
	"take_gil @" LIBPYTHON "\n"
	"PyGILState_Ensure @" LIBPYTHON "\n"
	"work() @" EXTENSION "\n"
	"execute_native_thread_routine @" LIBSTDCXX "\n"
	"start_thread @" LIBC "\n"
	"clone3 @" LIBC "\n";

/* A report of the crash, which is freed. */
static char *report_of(struct crash *crash, struct trace *trace,
		       const struct account_source *source)
{
	struct triage *triage = triage_classify(crash, NULL);
	struct strbuf out = STRBUF_INIT;

	trace->crash = crash;
	account_md(&out, "crash.txt", "2026-01-02T03:04:05Z", trace, triage, NULL, source);
	triage_free(triage);
	crash_free(crash);
	return strbuf_detach(&out);
}

static char *plain_report(struct crash *crash)
{
	struct trace trace = { .format = TRACE_GDB, .line = 7 };

	return report_of(crash, &trace, NULL);
}

static void check_has(const char *text, const char *part, const char *sentence)
{
	if (!CHECK(strstr(text, part) != NULL, "%s", sentence)) {
		tap_explain("no", part);
		tap_explain("in", text);
	}
}

static void check_hasnt(const char *text, const char *part, const char *sentence)
{
	if (!CHECK(!strstr(text, part), "%s", sentence)) {
		tap_explain("there is", part);
		tap_explain("in", text);
	}
}

static void check_sections(void)
{
	static const char *const sections[] = {
		"# Crash Analysis Report\n\n", "**Generated**: 2026-01-02T03:04:05Z\n",
		"**Source ref**: ", "## Crash Metadata\n", "| Tracer version | 2.18.0 |\n",
		"| Signal | SIGABRT |\n", "| org | x |\n", "## Executive Summary\n",
		"## Stack Trace Classification\n", "| # | Type | Symbol / Location | Description |",
		"\n| 0 | libc | `abort` in `libc.so.6` |", "## Code Context\n",
		"## Pattern Match\n", "**fork-safety**", "## Attribution\n", "**extension (",
		"## Crash Flow Reconstruction\n", "**Crash type**: ", "**How it happened**: ",
		"## Related Code\n", "**Relevant PRs and commits**:", "**Related code locations**:",
		"## Additional Context\n", "line 7 on, as format gdb",
	};
	struct trace_fact facts[] = { { "org", "x" }, { FACT_TRACER_VERSION, "2.18.0" } };
	struct trace trace = { .format = TRACE_GDB, .line = 7, .facts = facts, .nfacts = 2 };
	char *text = report_of(crash_make(SIGABRT, fork_stack, "free(): invalid pointer\n"), &trace,
			       NULL);
	const char *at = text;

	for (size_t i = 0; i < sizeof(sections) / sizeof(*sections); i++) {
		const char *found = strstr(at, sections[i]);

		if (CHECK(found, "section %zu is there, in its order", i))
			at = found;
		else
			tap_explain("no", sections[i]);
	}
	check_has(text, "```text\nfree(): invalid pointer\n```\n", "the message stands in a block");
	free(text);
	text = plain_report(crash_make(SIGABRT, fork_stack, NULL));
	check_hasnt(text, "## Crash Metadata", "without facts there is no table of them");
	check_hasnt(text, "What it wrote", "without a message none is spoken of");
	free(text);
}

static void check_prose(void)
{
	char *fork = plain_report(crash_make(SIGABRT, fork_stack, "free(): invalid pointer\n"));
	char *fini = plain_report(crash_make(SIGSEGV, finalize_stack, NULL));

	check_has(fork, "was ended by SIGABRT in the main thread", "the main thread is told");
	check_has(fork, "in a handler that a fork calls: \\#3 `postfork_child`", "and its handler");
	check_has(fork, "1. **CPython runtime**: \\#7 `Py_RunMain` in `libpython3.13.so.1.0` "
		  "leads, by further calls, to \\#5 `os_fork_impl`", "the flow begins at the outermost");
	check_has(fork, "2. **libc**: \\#4 `fork`", "goes from one component to the next");
	check_has(fork, "3. **extension**: \\#3 `postfork_child`", "and names each");
	check_has(fork, "damaged heap → abort by the allocator", "the message makes the type");
	check_has(fini, "was ended by SIGSEGV in a thread that C++ code started",
		  "a thread of C++ is told");
	check_has(fini, "uncertain: which address is not in the report",
		  "an address that is not known is not made up");
	check_hasnt(fini, "a fork", "a crash without a fork does not speak of one");
	check_hasnt(fork, "ending the interpreter", "nor one without finalization of that");
	check_has(fini, "**Crash type**: likely: race between finalization",
		  "what is not sure is called likely");
	check_has(fini, "**How it happened**: likely: ", "in the story as well");
	check_has(fork, "Of the crashing thread, 2 frames are its: \\#2 and \\#3.",
		  "whose frames are meant is told");
	free(fork);
	free(fini);
}

/* The line of a report that begins so, allocated; "" if there is none. */
static char *line_of(const char *text, const char *begin)
{
	const char *at = strstr(text, begin);

	return at ? xstrfmt("%.*s", (int)strcspn(at, "\n"), at) : xstrdup("");
}

static struct crash *faulty(uint64_t addr, int code, bool has_addr)
{
	struct crash *crash = crash_make(SIGSEGV, "work @" EXTENSION "\n", NULL);

	crash->addr = addr;
	crash->code = code;
	crash->has_addr = has_addr;
	crash->sp = 0x7ffe00000000;
	return crash;
}

static void check_type(struct crash *crash, const char *wanted, const char *sentence)
{
	char *text = plain_report(crash), *line = line_of(text, "**Crash type**: ");

	check_has(line, wanted, sentence);
	free(line);
	free(text);
}

static void check_types(void)
{
	struct crash *crash;

	check_type(faulty(0x10, SEGV_MAPERR, true), "null dereference (access to address 0x10)",
		   "a low address is a null dereference");
	check_type(faulty(0x7f0000000000, SEGV_ACCERR, true), "which is mapped but not for this",
		   "a protected one is told apart");
	check_type(faulty(0x5500000000, SEGV_MAPERR, true), "where nothing is mapped",
		   "from one that is not mapped");
	check_type(faulty(0, SI_KERNEL, true), "what can be no address",
		   "the kernel's 0 is not taken for a null pointer");
	check_type(faulty(0xdddddddddddddddd, SEGV_MAPERR, true), "use after free",
		   "freed memory of a debug build is known by its bytes");
	check_type(faulty(0x7ffdfffffff8, SEGV_MAPERR, true), "the stack may be used up",
		   "a fault beside the stack is told with doubt");
	check_type(faulty(0, SI_TKILL, false), "that a process sent",
		   "a signal that was sent is no fault");
	check_type(faulty(0, SEGV_MAPERR, false), "uncertain: which address",
		   "without an address there is doubt");
	check_type(crash_make(SIGABRT, "abort @" LIBC "\nwork @" EXTENSION "\n", NULL),
		   "uncertain: what called for it", "an abort without a reason is told as such");
	check_type(crash_make(SIGABRT, "abort @" LIBC "\nstd::terminate() @" LIBSTDCXX "\n"
			      "work @" EXTENSION "\n", NULL),
		   "std::terminate", "one by terminate has one");
	check_type(crash_make(SIGFPE, "work @" EXTENSION "\n", NULL), "division by zero",
		   "arithmetic is told");

	crash = faulty(0, SEGV_MAPERR, true);
	free(crash->threads[0].frames[0].function);
	free(crash->threads[0].frames[0].module);
	crash->threads[0].frames[0] = (struct crash_frame){ .pc = 0 };
	check_type(crash, "call of a null function pointer", "a jump to 0 is told");
	crash = faulty(0, SEGV_MAPERR, true);
	free(crash->threads[0].frames[0].function);
	free(crash->threads[0].frames[0].module);
	crash->threads[0].frames[0] = (struct crash_frame){ .pc = 0, .inlined = true };
	check_type(crash, "null dereference (access to address 0x0)",
		   "an inlined frame at 0 is no jump to it");

	crash = crash_make(0, "futex_wait @" LIBC "\nwork @" EXTENSION "\n", NULL);
	wait_set(&crash->threads[0], "mutex", 0, 0);
	check_type(crash, "hang: it waits for: mutex", "a hang says what it waits for");
	crash = crash_make(0, "work @" EXTENSION "\n", NULL);
	crash->kind = CRASH_KIND_FINDING;
	crash->finding = xstrdup("heap-use-after-free");
	check_type(crash, "heap-use-after-free", "a finding is called as the tool calls it");
	crash = crash_make(0, "work @" EXTENSION "\n", NULL);
	crash->kind = CRASH_KIND_LOOK;
	check_type(crash, "somebody looked at the stacks", "a look is no crash");
	crash = crash_make(0, "abort @" LIBC "\nfree @" LIBC "\nwork @" EXTENSION "\n", NULL);
	crash->kind = CRASH_KIND_SIGNAL;
	check_type(crash, "abort by the allocator", "frames tell an abort without a signal");
}

/* Bars that end a cell. */
static int bars(const char *line)
{
	int n = 0;

	for (const char *p = line; *p; p++)
		n += *p == '|' && (p == line || p[-1] != '\\');
	return n;
}

static void check_hostile(void)
{
	static const char evil[] = "a|b`c``d<script>alert(1)</script>\n\n# Title\n"
				   "[x](javascript:y)\x1b[2J";
	struct crash *crash = crash_make(SIGSEGV, "x @" EXTENSION "\nmain @/bin/prog\n", evil);
	struct crash_frame *frame = &crash->threads[0].frames[0];
	struct trace_fact facts[] = { { (char *)evil, (char *)evil } };
	struct trace trace = { .facts = facts, .nfacts = 1 };
	char *text, *row;

	free(frame->function);
	free(frame->module);
	frame->function = xstrdup(evil);
	frame->module = xstrdup(evil);
	frame->file = xstrdup(evil);
	crash->threads[0].name = xstrdup(evil);
	crash->degraded = xstrdup(evil);
	text = report_of(crash, &trace, NULL);
	row = line_of(text, "\n| 0 |");
	CHECK_INT(strlen(row), 0, "the helper takes no line end for a line");
	free(row);
	row = line_of(text, "| 0 |");
	CHECK_INT(bars(row), 5, "a row has four cells, whatever is in them");
	tap_explain("row", row);
	check_has(row, "``` a\\|b`c``d", "code is fenced by more backticks than it has");
	check_hasnt(text, "\n# Title\n\n", "no name begins a heading");
	check_hasnt(text, "\x1b", "nor steers a terminal");
	free(row);
	row = line_of(text, "| a\\|b");
	CHECK_INT(bars(row), 3, "a fact's row has two cells");
	check_hasnt(row, "<", "no HTML in text");
	check_has(row, "\\[x\\](javascript:y)", "nor a link");
	free(row);
	free(text);
}

static void check_trust(void)
{
	struct crash *crash = crash_make(SIGSEGV, "~fork @" EXTENSION "\n? @" EXTENSION "\n",
					 NULL);
	char *text;

	crash->threads[0].tid = 0;
	text = plain_report(crash);
	check_has(text, "uncertain: the name is the nearest export", "a near name is marked");
	check_has(text, "uncertain: the function has no name", "so is a missing one");
	check_has(text, "`fork` (uncertain name)", "where it is mentioned, too");
	check_hasnt(text, "makes a child process", "what its like does is not claimed");
	check_has(text, "uncertain: where the thread began is not in the trace",
		  "and where the thread began is not known");
	free(text);
}

static void check_sizes(void)
{
	struct strbuf stack = STRBUF_INIT;
	struct crash *crash = crash_new();
	char *text;

	crash->kind = CRASH_KIND_SIGNAL;
	crash->signo = SIGSEGV;
	text = plain_report(crash);
	check_has(text, "The report has no stack", "a report without a stack says so");
	free(text);
	for (int i = 0; i < 2000; i++)
		strbuf_addf(&stack, i % 2 ? "f%d @" LIBC "\n" : "f%d @" EXTENSION "\n", i);
	crash = crash_make(SIGSEGV, stack.buf, NULL);
	for (int i = 0; i < 50; i++)
		add_thread(crash, 100, 200 + i, "poll @" LIBC "\nrun_loop @/opt/libgrpc.so\n");
	text = plain_report(crash);
	check_has(text, "| … | | | 1872 frames are not shown |", "a long stack's ends are told");
	check_has(text, "\n| 1999 | ", "with the outermost frame");
	check_has(text, "more changes between components)", "nor is its flow without end");
	check_has(text, "Other threads in the report: 50.", "other threads are counted");
	check_has(text, "- thread 200: the innermost frame beside the platform's is `run_loop`",
		  "and told");
	check_has(text, "- and 30 more\n", "not without end");
	CHECK(strlen(text) < 60000, "so it has a size that can be read (%zu)", strlen(text));
	free(text);
	strbuf_release(&stack);
}

static void check_source(void)
{
	char *lines[] = { "int a;", "``` b", "\tfree(p);" };
	char *notes[] = { "uncertain: *all*" };
	struct account_place places[] = {
		{ .frame = 2, .path = "src/a|b.cc", .line = 12, .url = "https://h/x#L12",
		  .first = 10, .lines = lines, .nlines = 3 },
		{ .frame = 3, .path = "src/c.cc", .line = 1, .found = true, .doubt = "why `not`" },
	};
	struct account_commit commits[] = {
		{ "0123456789abcdef", "Fix <it> (#12)", "changes src/c.cc", "https://h/c", "12",
		  "https://h/pull/12" },
		{ "fedcba9876543210", "Other", "its message", NULL, NULL, NULL },
	};
	struct account_source source = {
		.name = "O/N", .ref = "v1", .commit = "0123456789abcdef", .why = "as given",
		.url = "https://h/tree/v1", .places = places, .nplaces = 2, .commits = commits,
		.ncommits = 2, .notes = notes, .nnotes = 1,
	};
	struct trace trace = { .format = TRACE_GDB, .line = 1 };
	char *text = report_of(crash_make(SIGABRT, fork_stack, NULL), &trace, &source);

	check_has(text, "**Source ref**: [`v1`](https://h/tree/v1) of O/N (commit 0123456789ab); "
		  "as given\n", "the revision is told, with its reason");
	check_has(text, "### Frame 2: `Sampler::clear()` ([`src/a|b.cc:12`](https://h/x#L12))\n\n"
		  "````cpp\n", "a frame's code has a link");
	check_has(text, "\n            11  ``` b\n", "lines have their numbers");
	check_has(text, "\n>>>         12          free(p);   // >>> call in progress <<<\n````\n",
		  "and the frame's is marked");
	check_has(text, "### Frame 3: `Sampler::postfork_child()` (`src/c.cc:1`)",
		  "without an address there is no link");
	check_has(text, "uncertain: why \\`not\\`.", "doubt is told");
	check_has(text, "- [`#12`](https://h/pull/12): Fix &#60;it&#62; (\\#12) — changes "
		  "src/c.cc ([`0123456789ab`](https://h/c))\n", "a pull request is linked");
	check_has(text, "- `fedcba987654`: Other — its message\n", "another commit is named");
	check_has(text, "- uncertain: \\*all\\*\n", "notes are told");
	check_has(text, "- source revision: v1; as given\n", "and the revision once more");
	free(text);
	places[0].frame = 0;
	text = report_of(crash_make(SIGABRT, fork_stack, NULL), &trace, &source);
	check_has(text, "// >>> CRASH POINT <<<", "the innermost frame's line is the crash point");
	free(text);
}

int main(void)
{
	check_sections();
	check_prose();
	check_types();
	check_hostile();
	check_trust();
	check_sizes();
	check_source();
	return tap_done();
}
