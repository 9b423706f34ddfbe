/* SPDX-License-Identifier: Apache-2.0 */
/* What looks like a pattern and is another, or none; and which rule has the last word. */
#include "tests/unit/pattern-cases.h"
#include "triage/trace.h"

#define LIBPY14 "/opt/lib/libpython3.14.so.1.0"
#define NO_EXCEPTION "terminate called without an active exception\n"

static const struct rule_case cases[] = {
	{ "std::terminate() in a program with no Python in it", CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT "std::terminate() @" LIBSTDCXX "\n" THREAD, NO_EXCEPTION, NULL, PATTERN_OTHER, NULL,
	  "low", PATTERN_OTHER },
	{ "the same, called by the program itself", CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT "std::terminate() @" LIBSTDCXX "\nstd::thread::~thread() @" LIBSTDCXX "\n"
	  "main @" SERVER "\n__libc_start_main @" LIBC "\n", NO_EXCEPTION, NULL, PATTERN_OTHER, NULL,
	  "low", PATTERN_OTHER },
	{ "std::terminate() in an at-fork handler", CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT "std::terminate() @" LIBSTDCXX "\nstd::thread::~thread() @" LIBSTDCXX "\n"
	  "feed_reset @" FEED "\nfork @" LIBC "\nos_fork @" LIBPYTHON "\n" EVAL, NO_EXCEPTION, NULL,
	  PATTERN_FORK_SAFETY, "extension", NULL, PATTERN_OTHER },
	{ "a nearest name that says fork, where a thread is ended", CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT "_Unwind_ForcedUnwind @" LIBGCC "\npthread_exit @" LIBC "\n"
	  "~_PyThread_at_fork_reinit @" LIBPYTHON "\nPyEval_RestoreThread @" LIBPYTHON "\n"
	  "upload @" FEED "\n" THREAD, NO_EXCEPTION, NULL, PATTERN_FINALIZATION_TOCTOU,
	  "interaction", "high", PATTERN_FFI_UNWIND },
	{ "the same on 3.14, where CPython ends no thread", CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT "_Unwind_ForcedUnwind @" LIBGCC "\npthread_exit @" LIBC "\n"
	  "PyEval_RestoreThread @" LIBPY14 "\nupload @" FEED "\n" THREAD, NO_EXCEPTION, NULL,
	  PATTERN_FFI_UNWIND, "interaction", "high", PATTERN_OTHER },
	{ "a count of references that comes out at the end", CRASH_KIND_SIGNAL, SIGABRT, NULL,
	  "Fatal Python error: none_dealloc: deallocating None: bug likely caused by a refcount "
	  "error in a C extension\nPython runtime state: finalizing (tstate=0x7f)\n", NULL,
	  PATTERN_USE_AFTER_FREE, NULL, "medium", PATTERN_FINALIZATION_TOCTOU },
	{ "the GIL that is gone since Python is", CRASH_KIND_SIGNAL, SIGABRT, NULL,
	  "Fatal Python error: PyThreadState_Get: the function must be called with the GIL held\n"
	  "Python runtime state: finalizing (tstate=0x7f)\n", NULL, PATTERN_FINALIZATION_TOCTOU, NULL,
	  "medium", PATTERN_GIL_NOT_HELD },
	{ "the end of a process that damaged its heap long before", CRASH_KIND_SIGNAL, SIGSEGV,
	  "_int_free @" LIBC "\nfree @" LIBC "\nimage_dealloc @" CODEC "\n"
	  "finalize_modules @" LIBPYTHON "\nPy_FinalizeEx @" LIBPYTHON "\n", NULL, NULL, PATTERN_OTHER,
	  "extension", "low", PATTERN_OTHER },
	{ "a spin lock, and no more to say that it is a child", CRASH_KIND_LOOK, 0,
	  "sched_yield @" LIBC "\nSpinLockDelay @" ENGINE "\nload @" ENGINE "\n", NULL, NULL,
	  PATTERN_FORK_SAFETY, "third-party", "low", PATTERN_OTHER },
};

/* gRPC's threads are in every process that has it. */
static void test_innocent_thread(void)
{
	struct crash *crash = crash_make(SIGSEGV, "decode @" CODEC "\n" EVAL, NULL);
	struct triage *t;

	add_thread(crash, 100, 101, "epoll_wait @" LIBC "\n"
				    "grpc_completion_queue_next @" SITE "grpc/_cython/cygrpc.so\n");
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_OTHER, "gRPC's idle thread is no pattern");
	CHECK_STR(attribution_name(t->attribution), "extension", "and not at fault");
	CHECK_STR(t->component, "_codec.cpython-313-x86_64-linux-gnu.so", "who crashed is");
	CHECK(!t->rule, "no rule has found that");
	triage_free(t);
}

/* A crash tracker gives inlined functions no address of their own: nobody called NULL. */
static void test_inlined(void)
{
	static const char text[] =
		"Error UnixSignal: Process terminated with SEGV_MAPERR (SIGSEGV)\n"
		"#0   0x0000000000000000 PyGILState_Ensure (/src/Python/pystate.c:2785)\n"
		"#1   0x00007f40123451e0 feed_notify (/src/feedparse/feed.c:40)\n"
		"#2   0x00007f4012340000 start_thread (/src/nptl/pthread_create.c:442)\n";
	struct triage *t = NULL;
	struct traces traces;

	traces_read(text, sizeof(text) - 1, &traces);
	CHECK_INT(traces.n, 1, "a crash tracker's report is read");
	if (traces.n)
		t = triage_classify(traces.v[0].crash, NULL);
	CHECK(t && t->pattern == PATTERN_FINALIZATION_TOCTOU,
	      "a function at 0x0 is one that was inlined, and stays what it is");
	CHECK_STR(t ? t->rule : NULL, "attach-crash", "by the rule for it");
	triage_free(t);
	traces_release(&traces);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check_case(&cases[i]);
	test_innocent_thread();
	test_inlined();
	return tap_done();
}
