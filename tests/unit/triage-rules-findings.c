/* SPDX-License-Identifier: Apache-2.0 */
/*
 * allocator-hook, env-race, gil-not-held, cython-silent, stripped-misattribution, use-after-free
 * and recursion, by messages, findings and stacks; and whose a crash of no pattern is.
 */
#include "base/strbuf.h"
#include "tests/unit/rules.h"
#include "triage/trace.h"

#define EVAL "_PyEval_EvalFrameDefault @" LIBPYTHON "\n"

static const struct rule_case cases[] = {
	{ "a hook of somebody's own", CRASH_KIND_SIGNAL, SIGSEGV,
	  "note @" EXTENSION "\nprobe_malloc @" EXTENSION "\nPyUnicode_New @" LIBPYTHON "\n" EVAL,
	  NULL, NULL, PATTERN_ALLOCATOR_HOOK, "extension", "medium", PATTERN_OTHER },
	{ "tracemalloc's own code", CRASH_KIND_LOOK, 0,
	  "frame_to_pyobject =Python/tracemalloc.c:9\n", NULL, NULL, PATTERN_ALLOCATOR_HOOK,
	  "cpython", "medium", PATTERN_OTHER },
	{ "a function like it that no allocator calls", CRASH_KIND_SIGNAL, SIGSEGV,
	  "probe_malloc @" EXTENSION "\nwork @" EXTENSION "\n" EVAL, NULL, NULL, PATTERN_OTHER,
	  "extension", NULL, PATTERN_OTHER },
	{ "a hook that waits for a lock", CRASH_KIND_LOOK, 0,
	  "pthread_mutex_lock @" LIBC "\nmemalloc_heap_track @" EXTENSION "\n" EVAL, NULL, NULL,
	  PATTERN_OTHER, NULL, NULL, PATTERN_OTHER },

	{ "getenv() for an extension", CRASH_KIND_SIGNAL, SIGSEGV,
	  "__strncmp_avx2 @" LIBC "\ngetenv @" LIBC "\nread_settings @" EXTENSION "\n", NULL, NULL,
	  PATTERN_ENV_RACE, "extension", "medium", PATTERN_OTHER },
	{ "for a library", CRASH_KIND_SIGNAL, SIGSEGV,
	  "__GI_getenv\nsetup @/usr/lib/libfast.so.1\n", NULL, NULL, PATTERN_ENV_RACE,
	  "interaction", NULL, PATTERN_OTHER },
	{ "for nobody who is known", CRASH_KIND_SIGNAL, SIGSEGV, "getenv @" LIBC "\n", NULL, NULL,
	  PATTERN_ENV_RACE, "application", NULL, PATTERN_OTHER },
	{ "a crash in what calls it later", CRASH_KIND_SIGNAL, SIGSEGV,
	  "work @" EXTENSION "\ngetenv @" LIBC "\n", NULL, NULL, PATTERN_OTHER, NULL, NULL,
	  PATTERN_OTHER },

	{ "Python from a thread that is not attached", CRASH_KIND_SIGNAL, SIGSEGV,
	  "PyDict_SetItem @" LIBPYTHON "\nwork @" EXTENSION "\nstart_thread @" LIBC "\n", NULL, NULL,
	  PATTERN_GIL_NOT_HELD, "extension", "low", PATTERN_OTHER },
	{ "from a thread that runs Python code", CRASH_KIND_SIGNAL, SIGSEGV,
	  "PyDict_SetItem @" LIBPYTHON "\nwork @" EXTENSION "\n" EVAL "start_thread @" LIBC "\n",
	  NULL, NULL, PATTERN_OTHER, "extension", NULL, PATTERN_OTHER },
	{ "CPython's word on the GIL", CRASH_KIND_SIGNAL, SIGABRT, NULL,
	  "Fatal Python error: _PyMem_DebugMalloc: Python memory allocator called without holding "
	  "the GIL\n", NULL, PATTERN_GIL_NOT_HELD, "extension", "medium", PATTERN_OTHER },

	{ "an exception left aside, and a crash", CRASH_KIND_SIGNAL, SIGSEGV, NULL,
	  "Exception ValueError in 'probe.run' ignored\n", NULL, PATTERN_CYTHON_SILENT,
	  "application", "medium", PATTERN_OTHER },
	{ "Cython that leaves one aside", CRASH_KIND_SIGNAL, SIGSEGV,
	  "__Pyx_WriteUnraisable @" EXTENSION "\n__pyx_f_5probe_run @" EXTENSION "\n", NULL, NULL,
	  PATTERN_CYTHON_SILENT, "extension", NULL, PATTERN_OTHER },
	{ "a crash in Cython's code alone", CRASH_KIND_SIGNAL, SIGSEGV,
	  "__pyx_f_5probe_run @" EXTENSION "\n", NULL, NULL, PATTERN_OTHER, "extension", NULL,
	  PATTERN_OTHER },

	{ "functions with one and the same line", CRASH_KIND_LOOK, 0,
	  "one =a.rs:181\ntwo =a.rs:181\nthree =a.rs:181\n", NULL, NULL,
	  PATTERN_STRIPPED_MISATTRIBUTION, NULL, "low", PATTERN_OTHER },
	{ "one function that calls itself", CRASH_KIND_LOOK, 0,
	  "one =a.rs:181\none =a.rs:181\none =a.rs:181\n", NULL, NULL, PATTERN_OTHER, NULL, NULL,
	  PATTERN_OTHER },
	{ "a thread's end under a name of fork's", CRASH_KIND_SIGNAL, SIGABRT,
	  "abort @" LIBC "\npthread_exit @" LIBC "\n_PyThread_at_fork_reinit @" LIBPYTHON "\n"
	  "take_gil @" LIBPYTHON "\nPyEval_RestoreThread @" LIBPYTHON "\nsend @" EXTENSION "\n",
	  NULL, NULL, PATTERN_FINALIZATION_TOCTOU, "interaction", NULL,
	  PATTERN_STRIPPED_MISATTRIBUTION },

	{ "a use after free, by a sanitizer", CRASH_KIND_FINDING, 0,
	  "PyUnicode_Hash @" LIBPYTHON "\n" EVAL, NULL, "heap-use-after-free",
	  PATTERN_USE_AFTER_FREE, "cpython", "high", PATTERN_OTHER },
	{ "through ctypes", CRASH_KIND_FINDING, 0,
	  "closure_fcn =Modules/_ctypes/callbacks.c:296\n? @/usr/lib/libffi.so.8\n", NULL,
	  "heap-use-after-free", PATTERN_USE_AFTER_FREE, "application", NULL, PATTERN_OTHER },
	{ "another finding of a sanitizer's", CRASH_KIND_FINDING, 0, "work @" EXTENSION "\n", NULL,
	  "heap-buffer-overflow", PATTERN_OTHER, "extension", NULL, PATTERN_OTHER },
	{ "a report that begins too late", CRASH_KIND_FINDING, 0,
	  "free\nrelease =binding.c:7\n" EVAL, "previously allocated by thread T0 here:\n", NULL,
	  PATTERN_USE_AFTER_FREE, "extension", "medium", PATTERN_OTHER },
	{ "memory that is only told who made it", CRASH_KIND_FINDING, 0, "malloc\n" EVAL,
	  "allocated by thread T0 here:\n", NULL, PATTERN_OTHER, NULL, NULL, PATTERN_OTHER },
	{ "a thread state that was freed", CRASH_KIND_SIGNAL, SIGSEGV, NULL,
	  "<freed thread state>\n", NULL, PATTERN_USE_AFTER_FREE, "cpython", "medium",
	  PATTERN_OTHER },
	{ "a count below zero", CRASH_KIND_SIGNAL, SIGABRT, NULL,
	  "object refcount is negative\n", NULL, PATTERN_USE_AFTER_FREE, NULL, "medium",
	  PATTERN_OTHER },
	{ "the collector, on its way", CRASH_KIND_SIGNAL, SIGSEGV,
	  "visit_decref =Modules/gcmodule.c:7\n" EVAL, NULL, NULL, PATTERN_USE_AFTER_FREE, NULL,
	  "low", PATTERN_OTHER },

	{ "a stack that is used up", CRASH_KIND_FINDING, SIGSEGV, EVAL EVAL EVAL, NULL,
	  "stack-overflow", PATTERN_RECURSION_OR_LOOP, "cpython", "high", PATTERN_OTHER },
	{ "a stack that one large variable may have used up", CRASH_KIND_FINDING, SIGSEGV,
	  "solve @" EXTENSION "\n" EVAL, NULL, "stack-overflow", PATTERN_RECURSION_OR_LOOP,
	  "extension", "low", PATTERN_OTHER },
	{ "CPython's word on it", CRASH_KIND_SIGNAL, SIGABRT, NULL,
	  "Fatal Python error: Cannot recover from stack overflow.\n", NULL,
	  PATTERN_RECURSION_OR_LOOP, "application", "high", PATTERN_OTHER },

	{ "a header of CPython's in somebody's code", CRASH_KIND_SIGNAL, SIGSEGV,
	  "Py_INCREF =/opt/include/python3.13/object.h:826\nadd_item =probe/list.h:12\n" EVAL, NULL,
	  NULL, PATTERN_OTHER, "extension", "low", PATTERN_OTHER },
	{ "such a header in a thread that is not attached", CRASH_KIND_SIGNAL, SIGSEGV,
	  "Py_INCREF =/opt/include/python3.13/object.h:826\nwork @" EXTENSION "\n"
	  "start_thread @" LIBC "\n", NULL, NULL, PATTERN_OTHER, "extension", NULL,
	  PATTERN_OTHER },
	{ "a container of nobody who is known", CRASH_KIND_SIGNAL, SIGSEGV,
	  "std::_Hashtable<int>::find(int) =/usr/include/c++/12/bits/hashtable.h:3\n", NULL, NULL,
	  PATTERN_OTHER, "extension", "low", PATTERN_OTHER },
	{ "two locks in two orders", CRASH_KIND_FINDING, 0, "pthread_mutex_lock\nwork @" EXTENSION
	  "\n", NULL, "lock-order-inversion (potential deadlock)", PATTERN_LOCK_ORDER,
	  "extension", "high", PATTERN_OTHER },
	{ "a thread state that is not there", CRASH_KIND_SIGNAL, SIGABRT, NULL,
	  "Fatal Python error: PyEval_SaveThread: NULL tstate\n", NULL, PATTERN_GIL_NOT_HELD,
	  "extension", NULL, PATTERN_OTHER },
	{ "a library that ctypes calls", CRASH_KIND_SIGNAL, SIGSEGV,
	  "engine::Array::wait =../src/array.cc:5\nffi_call_unix64\n", NULL, NULL, PATTERN_OTHER,
	  "third-party", NULL, PATTERN_OTHER },
	{ "CPython that waits for itself", CRASH_KIND_LOOK, 0,
	  "do_futex_wait @" LIBC "\ntstate_delete_common =Python/pystate.c:1080\n", NULL, NULL,
	  PATTERN_OTHER, "cpython", NULL, PATTERN_OTHER },
	{ "Python code of the standard library", CRASH_KIND_SIGNAL, SIGSEGV,
	  "%walk =" PY "traceback.py:3\n%main =/srv/app.py:3\n", NULL, NULL, PATTERN_OTHER,
	  "cpython", NULL, PATTERN_OTHER },
	{ "Python code of a package", CRASH_KIND_SIGNAL, SIGSEGV,
	  "%dot =" PACKAGE "fast/math.py:3\n", NULL, NULL, PATTERN_OTHER, "extension", NULL,
	  PATTERN_OTHER },
};

/* Frames by number: those in the middle are not told. */
static void test_depth(void)
{
	struct crash *crash = crash_make(SIGSEGV, "decode @" EXTENSION "\n", NULL);
	struct triage *t;

	crash->threads[0].left_out = 20000;
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_RECURSION_OR_LOOP, "20,000 frames are calls without end");
	triage_free(t);
	crash = crash_make(SIGSEGV, "decode @" EXTENSION "\n", NULL);
	crash->threads[0].left_out = 900;
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_OTHER, "900 are what Python code may have");
	triage_free(t);
}

/* As many frames of one function, each of its callers another. */
static void test_shape(void)
{
	struct strbuf same = STRBUF_INIT, mixed = STRBUF_INIT;
	struct triage *t;

	for (int i = 0; i < 60; i++) {
		strbuf_addf(&same, "decode @%s\n", EXTENSION);
		strbuf_addf(&mixed, "decode_%d @%s\n", i, EXTENSION);
	}
	t = classify(crash_make(SIGSEGV, same.buf, NULL));
	CHECK_PATTERN(t, PATTERN_RECURSION_OR_LOOP, "60 frames of one function");
	triage_free(t);
	t = classify(crash_make(SIGSEGV, mixed.buf, NULL));
	CHECK_PATTERN(t, PATTERN_OTHER, "60 frames of 60 functions");
	triage_free(t);
	strbuf_release(&same);
	strbuf_release(&mixed);
}

/* What stands around a stack is told only if it is one of a few known sentences. */
static void test_around(void)
{
	static const char text[] =
		"We fork() a lot, and so does everybody.\n"
		"[mutex.cc : 9] RAW: Check w failed: Mutex::Fer while waiting\n"
		"\n"
		"#0  raise () from /lib/libc.so.6\n"
		"#1  work () from /srv/site-packages/probe.so\n"
		"\n"
		"Exception in 'probe.run' ignored\n";
	struct traces traces;

	traces_read(text, sizeof(text) - 1, &traces);
	CHECK_INT(traces.n, 1, "a stack with words around it is one report");
	CHECK_STR(traces.n ? traces.v[0].crash->message : NULL,
		  "[mutex.cc : 9] RAW: Check w failed: Mutex::Fer while waiting\n"
		  "Exception in 'probe.run' ignored\n", "what is known belongs to it, and prose does not");
	traces_release(&traces);
}

/* Between two reports it belongs to the nearer one. */
static void test_between(void)
{
	static const char text[] =
		"#0  raise () from /lib/libc.so.6\n"
		"#1  work () from /srv/site-packages/probe.so\n"
		"(end of it)\n"
		"[mutex.cc : 8] RAW: Check v failed: Mutex::Dtor\n"
		"some words\nmore words\nmore words\nmore words\n"
		"[mutex.cc : 9] RAW: Check w failed: Mutex::Fer\n"
		"and then\n"
		"thread 'main' panicked at a.rs:1:2:\n"
		"no\n";
	struct traces traces;

	traces_read(text, sizeof(text) - 1, &traces);
	CHECK_INT(traces.n, 2, "two reports, and words between them");
	CHECK_STR(traces.n == 2 ? traces.v[0].crash->message : NULL,
		  "[mutex.cc : 8] RAW: Check v failed: Mutex::Dtor\n",
		  "what stands behind the first is the first one's");
	CHECK(traces.n == 2 && strstr(traces.v[1].crash->message, "Mutex::Fer"),
	      "what stands before the second is the second one's");
	traces_release(&traces);
}

/* Assertions stand in the arguments of who tells them. */
static void test_last_words(void)
{
	static const char text[] =
		"#0  abort () at abort.c:79\n"
		"#1  __assert_fail_base (fmt=\"%s\", assertion=\"tstate == autoTSSkey\") at "
		"assert.c:96\n"
		"#20000 main () at main.c:2\n";
	struct traces traces;

	traces_read(text, sizeof(text) - 1, &traces);
	CHECK(traces.n == 1 && strstr(traces.v[0].crash->message, "autoTSSkey"),
	      "an assertion's words are the message");
	CHECK(traces.n == 1 && traces.v[0].crash->threads[0].left_out == 19998,
	      "frames that are not there are counted by their numbers");
	traces_release(&traces);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check_case(&cases[i]);
	test_depth();
	test_shape();
	test_around();
	test_between();
	test_last_words();
	return tap_done();
}
