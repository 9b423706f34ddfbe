/* SPDX-License-Identifier: Apache-2.0 */
/* What must not cost the readers more than it is worth: endless stacks, lines and headings. */
#include <time.h>

#include "tests/unit/reading.h"

struct flood {
	const char *what, *head, *line; /* the line, over and over, behind the head */
};

#define TSAN_HEAD "WARNING: ThreadSanitizer: data race (pid=1)\n"

static const struct flood floods[] = {
	{ "Python frames", "Fatal Python error: Aborted\n\n", "  File \"a.py\", line 1 in f\n" },
	{ "threads", "", "Current thread 0x1 (most recent call first):\n" },
	{ "C stacks", "", "Current thread's C stack trace (most recent call first):\n"
			  "  Binary file \"a\", at f+0x1 [0x1]\n" },
	{ "C frames", "", "  Binary file \"a\", at f+0x1 [0x1]\n" },
	{ "fatal errors", "", "Fatal Python error: f: x\n" },
	{ "debug allocator lines", "Debug memory block at address p=0x1: API 'm'\n", "    x\n" },
	{ "assertions", "", "a.c:1: f: Assertion `x' failed.\n" },
	{ "last words", "", "free(): invalid pointer\n" },
	{ "frames of backtrace_symbols()", "", "a(f+0x1)[0x1]\n" },
	{ "frames of a handler", "!!! uWSGI process 1 got Segmentation Fault !!!\nBacktrace:\n"
				 "a(f+0x1)[0x1]\n/libc.so.6(+0x1)[0x1]\n", "a(f+0x1)[0x1]\n" },
	{ "frames of a failure handler", "*** SIGSEGV received at time=1 ***\n",
	  "    @ 0x1 1 f\n" },
	{ "mappings", "free(): invalid pointer\n======= Memory map: ========\n",
	  "00400000-006d2000 r-xp\n" },
	{ "kernel lines", "", "a[1]: segfault at 0 ip 00 sp 00 error 4\n" },
	{ "shell lines", "", "Aborted\n" },
	{ "panics", "", "thread 'a' panicked at 'x', a.rs:1\n" },
	{ "panics without an end", "", "thread 'a' panicked at 'x\n" },
	{ "lines of a panic", "thread 'a' panicked at 'x\n", "y\n" },
	{ "frames of Rust", "stack backtrace:\n", "   0: f\n             at a.rs:1\n" },
	{ "frames of ASan", "==1==ERROR: AddressSanitizer: x on 0x1\n", "    #1 0x1 in f a.c:1\n" },
	{ "stacks of ASan", "==1==ERROR: AddressSanitizer: x on 0x1\n", "    #0 0x1 in f a.c:1\n" },
	{ "names of threads", "==1==ERROR: AddressSanitizer: x on 0x1\n    #0 0x1 in f a.c:1\n",
	  "Thread T0 created by T0 here:\n" },
	{ "names of many threads", "==1==ERROR: AddressSanitizer: x on 0x1\n",
	  "    #0 0x1 in f a.c:1\nThread T9 created by T0 here:\n" },
	{ "shadow memory", "SUMMARY: AddressSanitizer: x\nShadow bytes\n", "  0x1: 00\n" },
	{ "undefined behaviour", "", "a.c:1:2: runtime error: x\n" },
	{ "frames of TSan", TSAN_HEAD, "    #1 f a.c:1 (b+0x1)\n" },
	{ "stacks of TSan", TSAN_HEAD, "    #0 f a.c:1 (b+0x1)\n" },
	{ "headings of TSan", TSAN_HEAD, "  Thread T1 x:\n" },
	{ "blank lines", "Fatal Python error: Aborted\n", "\n" },
	{ "brackets in one line", "a(f+0x1)[0x1]\n", "[0x(" },
	{ "words in one line", "==1==ERROR: AddressSanitizer: ", "T on 0x1 (: at " },
	{ "places in one line", "    #0 in ", "a /b:1 (c+0x " },
	{ "escapes in one line", "  File \"a\", line 1 in ", "\\xff" },
	{ "quotes in one line", "thread 'a' panicked at '", "', " },
};

/* Far more than a report has, and little enough for a test. */
#define FLOOD_SIZE (4u << 20)

/* It takes some hundredths of a second; what is looked for takes minutes. */
#define SECONDS_MAX 5.0

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* What a process says last has far fewer. */
#define MESSAGE_LINES_MAX 256

static size_t line_count(const char *text)
{
	size_t n = 0;

	while ((text = strchr(text, '\n'))) {
		text++;
		n++;
	}
	return n;
}

static bool within_limits(const struct traces *traces)
{
	for (size_t i = 0; i < traces->n; i++) {
		const struct crash *crash = traces->v[i].crash;
		size_t all = 0;

		if (crash->nthreads > TRACE_THREADS_MAX || traces->v[i].line == 0 ||
		    line_count(crash->message) > MESSAGE_LINES_MAX)
			return false;
		for (size_t k = 0; k < crash->nthreads; k++) {
			if (crash->threads[k].nframes > TRACE_FRAMES_FIRST + TRACE_FRAMES_LAST)
				return false;
			all += crash->threads[k].nframes;
		}
		if (all > TRACE_ALL_FRAMES_MAX + TRACE_THREADS_MAX)
			return false;
	}
	return traces->n <= TRACES_MAX;
}

static void check_flood(const struct flood *flood)
{
	struct strbuf text = STRBUF_INIT;
	struct traces traces;
	double start;

	strbuf_addstr(&text, flood->head);
	while (text.len < FLOOD_SIZE)
		strbuf_addstr(&text, flood->line);
	start = seconds();
	traces_read(text.buf, text.len, &traces);
	start = seconds() - start;
	CHECK(within_limits(&traces), "%s without end stay within the limits", flood->what);
	CHECK(start < SECONDS_MAX, "and are read in time in proportion to them");
	printf("# %.2f s\n", start);
	traces_release(&traces);
	strbuf_release(&text);
}

/* A stack that is just short of being cut for itself, in each of very many threads. */
static void check_all_frames(const char *head, const char *line, const char *what)
{
	const size_t nthreads = 4 * TRACE_ALL_FRAMES_MAX / TRACE_FRAMES_FIRST;
	struct strbuf text = STRBUF_INIT;
	const struct crash *crash;
	struct traces traces;

	for (size_t i = 1; i <= nthreads; i++) {
		strbuf_addf(&text, head, i);
		for (int k = 1; k <= TRACE_FRAMES_FIRST; k++)
			strbuf_addf(&text, line, k);
	}
	traces_read(text.buf, text.len, &traces);
	CHECK_INT(traces.n, 1, "%s: very many long stacks are one report", what);
	CHECK(within_limits(&traces), "%s: of which no more is kept than is allowed", what);
	crash = traces.n ? traces.v[0].crash : NULL;
	CHECK(traces.n && traces.v[0].incomplete, "%s: and that it is not all is told", what);
	CHECK(crash && crash->nthreads >= nthreads &&
	      crash->threads[nthreads - 1].nframes &&
	      crash->threads[nthreads - 1].nframes < TRACE_FRAMES_FIRST &&
	      crash->threads[nthreads - 1].truncated && !crash->threads[0].truncated,
	      "%s: but each thread is there, with a frame at least", what);
	traces_release(&traces);
	strbuf_release(&text);
}

int main(void)
{
	check_all_frames("Thread %zu (LWP 7):\n#0  f () at a.c:1\n", "#%d  f () at a.c:1\n", "gdb");
	check_all_frames("TID %zu:\n", "#%d 0x00007ffff734c528 f\n", "eu-stack");
	check_all_frames("Traceback for thread %zu [] (most recent call last):\n",
			 "    (Python) File \"a.py\", line %d, in f\n", "pystack");
	check_all_frames("\nThread 0x%zu (most recent call first):\n",
			 "  File \"a.py\", line %d in f\n", "faulthandler");
	for (size_t i = 0; i < sizeof(floods) / sizeof(*floods); i++)
		check_flood(&floods[i]);
	return tap_done();
}
