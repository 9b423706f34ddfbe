/* SPDX-License-Identifier: Apache-2.0 */
/* Each rule about memory, the allocator, the environment, the GIL, names and endless calls. */
#include "base/strbuf.h"
#include "tests/unit/pattern-cases.h"

#define JEMALLOC "/usr/lib/libjemalloc.so.2"

static void near_null(struct crash *crash)
{
	crash->has_addr = true;
	crash->addr = 0x10;
}

static void garbage(struct crash *crash)
{
	crash->has_addr = true;
	crash->addr = 0x5555dead1000;
}

static void dead_registers(struct crash *crash)
{
	crash->regs = xcalloc(2, sizeof(*crash->regs));
	crash->nregs = 2;
	crash->regs[1] = 0xddddddddddddddddull;
}

static void live_registers(struct crash *crash)
{
	crash->regs = xcalloc(2, sizeof(*crash->regs));
	crash->nregs = 2;
	crash->regs[1] = 0xdddddddd;
}

/* As many calls of one function in another's; of which the outermost are not told. */
static void many_frames(struct crash *crash, int n, const char *one, const char *two)
{
	struct crash_thread *thread;
	struct strbuf stack = STRBUF_INIT;

	for (int i = 0; i < n; i++)
		strbuf_addf(&stack, "%s%d @%s\n", i % 3 ? one : two, i % 3 ? 0 : i, FEED);
	thread = add_thread(crash, 100, 100, stack.buf);
	thread->culprit = thread->truncated = true;
	strbuf_release(&stack);
}

static void recurse(struct crash *crash)
{
	many_frames(crash, 250, "visit_node", "visit_child");
}

static void call_on(struct crash *crash)
{
	many_frames(crash, 40, "visit_node", "visit_child");
}

/* Frames of Python code, of two functions in turn; `step` lines apart each time. */
static void python_frames(struct crash *crash, int n, int step)
{
	struct strbuf stack = STRBUF_INIT;

	for (int i = 0; i < n; i++)
		strbuf_addf(&stack, "%%%s =/srv/app/proxy.py:%d\n", i % 2 ? "wrap" : "__getattr__",
			    10 + i * step);
	add_thread(crash, 100, 100, stack.buf)->culprit = true;
	strbuf_release(&stack);
}

static void go_round(struct crash *crash)
{
	python_frames(crash, 16, 0);
}

static void go_round_once_less(struct crash *crash)
{
	python_frames(crash, 15, 0);
}

static void go_on(struct crash *crash)
{
	python_frames(crash, 40, 1);
}

static void leave_out_many(struct crash *crash)
{
	crash->threads[0].left_out = 30000;
}

static void leave_out_some(struct crash *crash)
{
	crash->threads[0].left_out = 1000;
}

static void one_place(struct crash *crash)
{
	for (size_t i = 0; i + 1 < crash->threads[0].nframes; i++)
		crash->threads[0].frames[i].pc = 0x7f0000001149;
}

static void far_behind(struct crash *crash)
{
	crash->threads[0].frames[0].offset = 0x4000;
}

static const struct pattern_case cases[] = {
	{ "freed-state", "an attach call with a pointer into nowhere", true, CRASH_KIND_SIGNAL,
	  SIGSEGV, "take_gil @" LIBPYTHON "\nPyEval_RestoreThread @" LIBPYTHON "\nback @" FEED "\n",
	  NULL, NULL, NULL, garbage },
	{ "freed-state", "one with NULL", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "take_gil @" LIBPYTHON "\nPyEval_RestoreThread @" LIBPYTHON "\nback @" FEED "\n", NULL,
	  NULL, NULL, near_null },
	{ "heap-message", "a double free", true, CRASH_KIND_SIGNAL, SIGABRT, "decode @" CODEC "\n",
	  NULL, "free(): double free detected in tcache 2\n", NULL, NULL },
	{ "heap-message", "a pointer that was never its own", false, CRASH_KIND_SIGNAL, SIGABRT,
	  "decode @" CODEC "\n", NULL, "free(): invalid pointer\n", NULL, NULL },
	{ "heap-message", "memory that is used up", false, CRASH_KIND_SIGNAL, SIGABRT,
	  "decode @" CODEC "\n", NULL, "imgkit: malloc failed: out of memory\n", NULL, NULL },
	{ "dead-bytes", "registers full of freed bytes", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "decode @" CODEC "\n", NULL, NULL, NULL, dead_registers },
	{ "dead-bytes", "a register with half of them", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "decode @" CODEC "\n", NULL, NULL, NULL, live_registers },
	{ "dead-state", "a state that nobody knows", true, CRASH_KIND_SIGNAL, SIGABRT, NULL, NULL,
	  "Fatal Python error: PyGILState_Release: auto-releasing thread-state, but no thread-state "
	  "for this thread\n", NULL, NULL },
	{ "dead-state", "a state that is another's", false, CRASH_KIND_SIGNAL, SIGABRT, NULL, NULL,
	  "Fatal Python error: PyGILState_Release: thread state 0x1 must be current when releasing\n",
	  NULL, NULL },
	{ "sanitizer", "its word", true, CRASH_KIND_FINDING, 0, "decode @" CODEC "\n", NULL, NULL,
	  "heap-use-after-free", NULL },
	{ "sanitizer", "its word on another fault", false, CRASH_KIND_FINDING, 0,
	  "decode @" CODEC "\n", NULL, NULL, "stack-buffer-overflow", NULL },
	{ "refcount", "None, which is never freed", true, CRASH_KIND_SIGNAL, SIGABRT, NULL, NULL,
	  "Fatal Python error: none_dealloc: deallocating None: bug likely caused by a refcount "
	  "error in a C extension\n", NULL, NULL },
	{ "refcount", "another fatal error", false, CRASH_KIND_SIGNAL, SIGABRT, NULL, NULL,
	  "Fatal Python error: init_fs_encoding: failed to get the Python codec\n", NULL, NULL },
	{ "walk", "the collector", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "visit_reachable @" LIBPYTHON "\ndict_traverse @" LIBPYTHON "\n" EVAL, NULL, NULL, NULL,
	  NULL },
	{ "walk", "what the collector calls", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "feed_traverse @" FEED "\nsubtract_refs @" LIBPYTHON "\n" EVAL, NULL, NULL, NULL, NULL },
	{ "sampler", "a sampling thread", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "PyFrame_GetBack @" LIBPYTHON "\nsample_stacks @" FEED "\n" THREAD, NULL, NULL, NULL, NULL
	  },
	{ "sampler", "a tracer of its own thread", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "PyFrame_GetBack @" LIBPYTHON "\ntrace_call @" FEED "\n" EVAL THREAD, NULL, NULL, NULL,
	  NULL },

	{ "hook", "an allocation function of somebody's own", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "note @" FEED "\nfeed_realloc @" FEED "\nPyMem_Realloc @" LIBPYTHON "\n" EVAL, NULL, NULL,
	  NULL, NULL },
	{ "hook", "one that no allocator calls", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "note @" FEED "\nfeed_realloc @" FEED "\nfeed_add @" FEED "\n" EVAL, NULL, NULL, NULL,
	  NULL },
	{ "hook", "one that comes back into the allocator, and waits", true, CRASH_KIND_LOOK, 0,
	  "__lll_lock_wait @" LIBC "\nmalloc @" JEMALLOC "\ntrack_allocation @" FEED
	  "\nmmap @" FEED "\n", NULL, NULL, NULL, NULL },
	{ "hook", "one that waits for a lock of its own", false, CRASH_KIND_LOOK, 0,
	  "__lll_lock_wait @" LIBC "\nFeed::lock @" FEED "\ntrack_allocation @" FEED
	  "\nmmap @" FEED "\n", NULL, NULL, NULL, NULL },
	{ "environment", "a locale that is looked up", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "__strncmp_sse42 @" LIBC "\ngetenv @" LIBC "\nopen_display @" ENGINE "\n" THREAD, NULL,
	  NULL, NULL, NULL },
	{ "environment", "one whose handler raised it again", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "raise @" LIBC "\n?\ngetenv @" LIBC "\nopen_display @" ENGINE "\n" THREAD, NULL, NULL,
	  NULL, NULL },
	{ "environment", "what comes after it", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "__strncmp_sse42 @" LIBC "\nopen_display @" ENGINE "\n" THREAD, NULL, NULL, NULL, NULL },
	{ "unraisable", "an error that was left aside", true, CRASH_KIND_SIGNAL, SIGSEGV, NULL,
	  NULL, "Exception ignored in: 'feedparse._feed.tokens'\n", NULL, NULL },
	{ "unraisable", "a traceback of no error", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "PyTraceBack_Here @" LIBPYTHON "\n__Pyx_AddTraceback @" FEED "\n" EVAL, NULL, NULL, NULL,
	  NULL },
	{ "unraisable", "an object's end that complains, and no crash", false, CRASH_KIND_LOOK, 0,
	  "decode @" CODEC "\n", NULL, "Exception ignored in: 'feedparse._feed.tokens'\n", NULL,
	  NULL },
	{ "misnamed", "three functions at one place", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "parse =feed.rs:40\nskip =feed.rs:40\nnext =feed.rs:40\n", NULL, NULL, NULL, NULL },
	{ "misnamed", "three at three", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "parse =feed.rs:40\nskip =feed.rs:52\nnext =feed.rs:67\n", NULL, NULL, NULL, NULL },

	{ "gil-message", "nanobind's word", true, CRASH_KIND_SIGNAL, SIGABRT, NULL, NULL,
	  "Critical nanobind error: nanobind::detail::incref_check(): attempted to change the "
	  "reference count of a Python object while the GIL was not held.\n", NULL, NULL },
	{ "gil-message", "a word on the GIL that says nothing", false, CRASH_KIND_SIGNAL, SIGABRT,
	  NULL, NULL, "warning: imgkit releases the GIL while it decodes\n", NULL, NULL },
	{ "gil-check", "pybind11's check", true, CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT "std::terminate() @" LIBSTDCXX "\npybind11::handle::throw_gilstate_error @" CODEC
	  "\nreport @" CODEC "\n" THREAD, NULL, NULL, NULL, NULL },
	{ "gil-check", "a crash of it, by a pointer that is none", false, CRASH_KIND_SIGNAL,
	  SIGSEGV, "nanobind::detail::decref_checked @" CODEC "\nreport @" CODEC "\n" THREAD, NULL,
	  NULL, NULL, NULL },
	{ "unattached", "a worker that drops a reference", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "_PyObject_Malloc @" LIBPYTHON "\nPyUnicode_New @" LIBPYTHON "\nreport @" CODEC "\n"
	  THREAD, NULL, NULL, NULL, near_null },
	{ "unattached", "a worker that lets go of a GIL it does not have", true, CRASH_KIND_SIGNAL,
	  SIGSEGV, "PyEval_SaveThread @" LIBPYTHON "\nreport @" CODEC "\n" THREAD, NULL, NULL, NULL,
	  near_null },
	{ "unattached", "one that is attached", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "_PyObject_Malloc @" LIBPYTHON "\nPyUnicode_New @" LIBPYTHON "\nreport @" CODEC "\n"
	  "PyGILState_Ensure @" LIBPYTHON "\nreport_all @" CODEC "\n" THREAD, NULL, NULL, NULL,
	  near_null },

	{ "recursion", "a visitor without end", true, CRASH_KIND_SIGNAL, SIGSEGV, NULL, NULL, NULL,
	  NULL, recurse },
	{ "recursion", "a visitor of a tree", false, CRASH_KIND_SIGNAL, SIGSEGV, NULL, NULL, NULL,
	  NULL, call_on },
	{ "loop", "CPU time and no end", true, CRASH_KIND_SPIN, 0, "scan @" CODEC "\n", NULL, NULL,
	  NULL, NULL },
	{ "loop", "a wait", false, CRASH_KIND_HANG, 0, "scan @" CODEC "\n", NULL, NULL, NULL, NULL
	  },
	{ "overflow", "Rust's word", true, CRASH_KIND_SIGNAL, SIGABRT, NULL, NULL,
	  "fatal runtime error: stack overflow, aborting\n", NULL, NULL },
	{ "overflow", "a stack that is smashed", false, CRASH_KIND_SIGNAL, SIGABRT, NULL, NULL,
	  "*** stack smashing detected ***: terminated\n", NULL, NULL },
	{ "depth", "30,000 frames", true, CRASH_KIND_SIGNAL, SIGSEGV, "visit @" FEED "\n", NULL,
	  NULL, NULL, leave_out_many },
	{ "depth", "1,000 frames", false, CRASH_KIND_SIGNAL, SIGSEGV, "visit @" FEED "\n", NULL,
	  NULL, NULL, leave_out_some },
	{ "shape", "two thirds of one function", true, CRASH_KIND_SIGNAL, SIGSEGV, NULL, NULL, NULL,
	  NULL, recurse },
	{ "shape", "too few frames to tell", false, CRASH_KIND_SIGNAL, SIGSEGV, NULL, NULL, NULL,
	  NULL, call_on },
	{ "circle", "two functions that call each other", true, CRASH_KIND_SIGNAL, SIGSEGV, NULL,
	  NULL, NULL, NULL, go_round },
	{ "circle", "the same a little less often", false, CRASH_KIND_SIGNAL, SIGSEGV, NULL, NULL,
	  NULL, NULL, go_round_once_less },
	{ "circle", "as many calls from other lines", false, CRASH_KIND_SIGNAL, SIGSEGV, NULL, NULL,
	  NULL, NULL, go_on },
	{ "circle", "an abort", false, CRASH_KIND_SIGNAL, SIGABRT, NULL, NULL, NULL, NULL,
	  go_round },
	{ "cut-access", "valgrind's word without the address", true, CRASH_KIND_FINDING, 0,
	  "get @" FEED "\n", NULL, "Invalid read of size 8\n", "invalid-read", NULL },
	{ "cut-access", "with the address", false, CRASH_KIND_FINDING, 0, "get @" FEED "\n", NULL,
	  "Invalid read of size 8\nAddress 0x8 is not stack'd, malloc'd or (recently) free'd\n",
	  "invalid-read", NULL },
	{ "sanitizer-stack", "a stack inside its report", true, CRASH_KIND_LOOK, 0,
	  "abort @" LIBC "\n__asan_report_load1 @/usr/lib/libclang_rt.asan.so\nget @" FEED "\n", NULL,
	  NULL, NULL, NULL },
	{ "sanitizer-stack", "with its word", false, CRASH_KIND_FINDING, 0,
	  "abort @" LIBC "\n__asan_report_load1 @/usr/lib/libclang_rt.asan.so\nget @" FEED "\n", NULL,
	  NULL, "stack-buffer-overflow", NULL },
	{ "race-with-free", "who frees beside who reads", true, CRASH_KIND_FINDING, 0,
	  "get @" FEED "\n", "mi_free @" LIBPYTHON "\ndrop @" FEED "\n", NULL, "data race", NULL },
	{ "race-with-free", "who writes beside who reads", false, CRASH_KIND_FINDING, 0,
	  "get @" FEED "\n", "put @" FEED "\n", NULL, "data race", NULL },
	{ "repeats", "one call of a function by itself", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "visit @" FEED "\nvisit @" FEED "\nvisit @" FEED "\nvisit @" FEED "\nscan @" FEED "\n",
	  NULL, NULL, NULL, one_place },
	{ "repeats", "calls from several places", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "visit @" FEED "\nvisit @" FEED "\nvisit @" FEED "\nvisit @" FEED "\nscan @" FEED "\n",
	  NULL, NULL, NULL, NULL },
	{ "repeats", "an abort", false, CRASH_KIND_SIGNAL, SIGABRT,
	  "visit @" FEED "\nvisit @" FEED "\nvisit @" FEED "\nvisit @" FEED "\nscan @" FEED "\n",
	  NULL, NULL, NULL, one_place },
	{ "repeats", "nothing but a line of Python code", true, CRASH_KIND_LOOK, 0,
	  "%get =/srv/a.py:5\n%get =/srv/a.py:5\n%get =/srv/a.py:5\n%get =/srv/a.py:5\n", NULL,
	  NULL, NULL, NULL },
	{ "repeats", "the same under what has called it", false, CRASH_KIND_LOOK, 0,
	  "%get =/srv/a.py:5\n%get =/srv/a.py:5\n%get =/srv/a.py:5\n%get =/srv/a.py:5\n"
	  "%main =/srv/a.py:9\n", NULL, NULL, NULL, NULL },
	{ "unraisable", "a nearest name at its beginning", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "~PyTraceBack_Here @" LIBPYTHON "\n", NULL, NULL, NULL, NULL },
	{ "unraisable", "a nearest name far behind it", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "~PyTraceBack_Here @" LIBPYTHON "\n", NULL, NULL, NULL, far_behind },
	{ "handlers", "a handler that faults", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "report @" FEED "\n__restore_rt @" LIBC "\nreport @" FEED "\n__restore_rt @" LIBC
	  "\nreport @" FEED "\n__restore_rt @" LIBC "\nwork @" CODEC "\n", NULL, NULL, NULL, NULL },
	{ "handlers", "a handler that does its work", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "report @" FEED "\n__restore_rt @" LIBC "\nwork @" CODEC "\n", NULL, NULL, NULL, NULL },
};

int main(void)
{
	static const enum pattern patterns[] = {
		PATTERN_USE_AFTER_FREE, PATTERN_ALLOCATOR_HOOK, PATTERN_RECURSION_OR_LOOP,
		PATTERN_CYTHON_SILENT, PATTERN_STRIPPED_MISATTRIBUTION, PATTERN_ENV_RACE,
		PATTERN_GIL_NOT_HELD, PATTERN_OTHER,
	};

	check_patterns(cases, sizeof(cases) / sizeof(*cases), patterns);
	return tap_done();
}
