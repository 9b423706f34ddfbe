/* SPDX-License-Identifier: Apache-2.0 */
/* Threads that come to an interpreter which is finalizing, or gone; and what looks like it. */
#include "tests/unit/triage.h"

static const char ensure_stack[] = "new_threadstate @" LIBPYTHON "\n"
				   "PyGILState_Ensure @" LIBPYTHON "\n" "sample @" EXTENSION "\n"
				   "start_thread @" LIBC "\n" "clone3 @" LIBC "\n";

static void test_ensure(void)
{
	struct crash *crash = crash_make(SIGSEGV, ensure_stack, NULL);
	struct triage *t;

	crash->has_addr = true;
	crash->addr = 0x1cb8;
	add_thread(crash, 100, 101, "clock_nanosleep @" LIBC "\n" "main @/srv/host\n");
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_FINALIZATION_TOCTOU, "PyGILState_Ensure that faults near NULL in "
						      "a native thread is finalization");
	CHECK_STR(attribution_name(t->attribution), "interaction", "of both parties");
	CHECK_STR(t->component, "_probe.cpython-313-x86_64-linux-gnu.so", "the caller is named");
	CHECK_STR(confidence_name(t->confidence), "high", "this is certain");
	CHECK_STR(t->signature, "v1 SIGSEGV PyGILState_Ensure<sample", "the signature is the call");
	triage_free(t);
}

static void test_ensure_alive(void)
{
	static const char runs[] = "select @" LIBC "\n" "_PyEval_EvalFrameDefault @" LIBPYTHON "\n"
				   "Py_RunMain @" LIBPYTHON "\n";
	static const char parked[] = "pause @" LIBC "\n" "_PyEval_EvalFrameDefault @" LIBPYTHON "\n"
				     "thread_run @" LIBPYTHON "\n";
	struct crash *crash = crash_make(SIGSEGV, ensure_stack, NULL);
	struct triage *t;

	crash->has_addr = true;
	crash->addr = 0x1cb8;
	add_thread(crash, 100, 101, runs);
	t = classify(crash);
	CHECK(t->confidence < CONFIDENCE_HIGH, "nothing is certain while the main thread runs "
					       "Python code");
	triage_free(t);
	crash = crash_make(SIGSEGV, ensure_stack, NULL);
	crash->has_addr = true;
	crash->addr = 0x1cb8;
	add_thread(crash, 100, 101, parked);
	t = classify(crash);
	CHECK_STR(confidence_name(t->confidence), "high", "a daemon thread's frames say nothing");
	triage_free(t);
}

static void test_ensure_near_misses(void)
{
	static const char interpreting[] =
		"PyGILState_Ensure @" LIBPYTHON "\n" "callback @" EXTENSION "\n"
		"_PyEval_EvalFrameDefault @" LIBPYTHON "\n" "main @/usr/bin/python3.13\n";
	static const char callback[] =
		"strlen @" LIBC "\n" "callback @" EXTENSION "\n"
		"PyGILState_Ensure @" LIBPYTHON "\n"
		"sample @" EXTENSION "\n";
	struct triage *t = classify(crash_make(SIGSEGV, interpreting, NULL));

	CHECK_PATTERN(t, PATTERN_OTHER, "a thread that runs Python code is no late one");
	triage_free(t);
	t = classify(crash_make(SIGSEGV, callback, NULL));
	CHECK_PATTERN(t, PATTERN_OTHER, "nor is one that died in its own code above the call");
	triage_free(t);
}

static void test_near_attach(void)
{
	static const char stack[] = "~PyGILState_Ensure @" LIBPYTHON "\n"
				    "~PyThreadState_Delete @" LIBPYTHON "\n"
				"sample @" EXTENSION "\n"
				    "~clone @" LIBC "\n";
	static const char far[] = "~PyDict_Next @" LIBPYTHON "\n" "sample @" EXTENSION "\n";
	struct crash *crash = crash_make(SIGSEGV, stack, NULL);
	struct triage *t;

	crash->has_addr = true;
	crash->addr = 0x555500001000;
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_FINALIZATION_TOCTOU, "near names of one neighbourhood are a sign");
	CHECK(t->confidence < CONFIDENCE_HIGH, "but never a certain one");
	triage_free(t);
	t = classify(crash_make(SIGSEGV, far, NULL));
	CHECK_PATTERN(t, PATTERN_OTHER, "near names of another are none");
	triage_free(t);
}

static const char restore_stack[] =
	"raise @" LIBC "\n" "abort @" LIBC "\n"
	"__gnu_cxx::__verbose_terminate_handler() @" LIBSTDCXX "\n"
	"__cxa_call_terminate @" LIBSTDCXX "\n" "__gxx_personality_v0 @" LIBSTDCXX "\n"
	"_Unwind_ForcedUnwind @" LIBGCC "\n" "pthread_exit @" LIBC "\n"
	"PyThread_exit_thread @" LIBPYTHON "\n" "take_gil @" LIBPYTHON "\n"
	"PyEval_RestoreThread @" LIBPYTHON "\n" "come_back(void*) @" EXTENSION "\n"
	"start_thread @" LIBC "\n";

static void test_restore(void)
{
	struct triage *t = classify(crash_make(SIGABRT, restore_stack,
					       "terminate called without an active exception\n"));

	CHECK_PATTERN(t, PATTERN_FINALIZATION_TOCTOU, "a thread ended below PyEval_RestoreThread "
						      "is finalization: the cause comes first");
	CHECK(also(t, PATTERN_FFI_UNWIND), "and ffi-unwind: how it died");
	CHECK_STR(t->signature, "v1 SIGABRT PyEval_RestoreThread<come_back",
		  "the signature is the call, not the unwinding");
	triage_free(t);
}

static void test_swallowed(void)
{
	static const char stack[] = "~x @" LIBC "\n" "abort @" LIBC "\n" "~x @" LIBC "\n"
				    "come_back @/srv/host\n" "start_thread @" LIBC "\n";
	struct crash *crash = crash_make(SIGABRT, stack, "FATAL: exception not rethrown\n");
	struct triage *t;

	crash->maps = xstrdup("7f00-7f01 r-xp 00000000 00:00 1 " LIBPYTHON "\n");
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_FFI_UNWIND, "a swallowed unwinding shows itself only");
	CHECK(also(t, PATTERN_FINALIZATION_TOCTOU),
		      "with Python in the process its cause is likely");
	triage_free(t);
	t = classify(crash_make(SIGABRT, stack, "FATAL: exception not rethrown\n"));
	CHECK_PATTERN(t, PATTERN_FFI_UNWIND, "in any process it is ffi-unwind");
	CHECK(!also(t, PATTERN_FINALIZATION_TOCTOU), "without Python there is nothing to finalize");
	triage_free(t);
	t = classify(crash_make(SIGSEGV, stack, "FATAL: exception not rethrown\n"));
	CHECK(t->pattern != PATTERN_FFI_UNWIND,
		      "a fault is not an abort, whatever was written before");
	triage_free(t);
}

static void test_reinit(void)
{
	static const char stack[] = "abort @" LIBC "\n" "fatal_error @" LIBPYTHON "\n"
				    "PyGILState_Release @" LIBPYTHON "\n" "sample @" EXTENSION "\n";
	struct triage *t;

	t = classify(crash_make(SIGABRT, stack, "Fatal Python error: PyGILState_Release: "
						"auto-releasing thread-state, but no thread-state "
						"for this thread\n"));
	CHECK_PATTERN(t, PATTERN_FINALIZATION_TOCTOU,
		      "a thread state of a dead runtime is finalization");
	CHECK(also(t, PATTERN_USE_AFTER_FREE), "and use of what was freed with it");
	triage_free(t);
}

/* Without a word of CPython's: a fault's address tells a freed state from one that is not there. */
static void test_freed_state(void)
{
	static const char stack[] = "? @" LIBPYTHON "\n" "PyEval_RestoreThread @" LIBPYTHON "\n"
				    "come_back @" EXTENSION "\n" "start_thread @" LIBC "\n";
	struct crash *crash = crash_make(SIGSEGV, stack, NULL);
	struct triage *t;

	crash->has_addr = true;
	crash->addr = 0x2f0000014c;
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_FINALIZATION_TOCTOU,
		      "PyEval_RestoreThread on garbage is finalization");
	CHECK(also(t, PATTERN_USE_AFTER_FREE), "and use of a thread state that was freed");
	triage_free(t);
	crash = crash_make(SIGSEGV, stack, NULL);
	crash->has_addr = true;
	crash->addr = 0x60;
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_FINALIZATION_TOCTOU, "near NULL it is finalization");
	CHECK(!also(t, PATTERN_USE_AFTER_FREE), "and no use of freed memory");
	triage_free(t);
}

static void test_parked(void)
{
	struct crash *crash = crash_make(0, "pthread_join @" LIBC "\n"
	"shutdown @/srv/host\n", NULL);
	struct triage *t;

	wait_set(&crash->threads[0], "thread join", 101, 0);
	wait_set(add_thread(crash, 100, 101, "pause @" LIBC "\n"), "for ever, by CPython's design",
		 0, 0);
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_FINALIZATION_TOCTOU,
		      "to join a thread that CPython parked is finalization");
	triage_free(t);
}

int main(void)
{
	test_ensure();
	test_ensure_alive();
	test_ensure_near_misses();
	test_near_attach();
	test_restore();
	test_swallowed();
	test_reinit();
	test_freed_state();
	test_parked();
	return tap_done();
}
