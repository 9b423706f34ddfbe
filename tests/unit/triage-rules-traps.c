/* SPDX-License-Identifier: Apache-2.0 */
/* What looks like a pattern and is another, or none; and which rule has the last word. */
#include "tests/unit/pattern-cases.h"
#include "triage/facts.h"
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
	{ "a method that is called fork", CRASH_KIND_SIGNAL, SIGSEGV,
	  "copy_tree @" FEED "\nRepo::fork @" FEED "\n" EVAL, NULL, NULL, PATTERN_OTHER, "extension",
	  NULL, PATTERN_OTHER },
	{ "one of a simulation, without a module", CRASH_KIND_SIGNAL, SIGSEGV,
	  "sim::World::step(int)\nsim::World::fork()\nmain\n", NULL, NULL, PATTERN_OTHER, NULL, NULL,
	  PATTERN_OTHER },
	{ "one of Rust's", CRASH_KIND_SIGNAL, SIGSEGV,
	  "rgit::tree::walk @" FEED "\nrgit::repo::Repo::fork @" FEED "\n" EVAL, NULL, NULL,
	  PATTERN_OTHER, "extension", NULL, PATTERN_OTHER },
	{ "a function of an extension that is called fork", CRASH_KIND_SIGNAL, SIGSEGV,
	  "copy_tree @" FEED "\nfork @" FEED "\n" EVAL, NULL, NULL, PATTERN_OTHER, "extension", NULL,
	  PATTERN_OTHER },
	{ "one whose source is not libc's", CRASH_KIND_SIGNAL, SIGSEGV,
	  "copy_tree =/src/mylib/tree.c:3\nfork =/src/mylib/fork.c:9\nmain =/src/m.c:4\n", NULL,
	  NULL, PATTERN_OTHER, "third-party", NULL, PATTERN_OTHER },
	{ "libc's own, by its source", CRASH_KIND_SIGNAL, SIGSEGV,
	  "feed_reset =/src/feed/feed.c:3\n__libc_fork =../sysdeps/nptl/fork.c:9\nmain =m.c:4\n",
	  NULL, NULL, PATTERN_FORK_SAFETY, "extension", "high", PATTERN_OTHER },
	{ "a method that is called getenv", CRASH_KIND_SIGNAL, SIGSEGV,
	  "strlen @" LIBC "\nConfig::getenv @" FEED "\n" EVAL, NULL, NULL, PATTERN_OTHER,
	  "extension", NULL, PATTERN_OTHER },
	{ "a signal's handler that gives up while the thread forks", CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT "on_alarm @" SERVER "\n<signal handler called>\n__libc_fork @" LIBC "\nmain @"
	  SERVER "\n", NULL, NULL, PATTERN_OTHER, NULL, NULL, PATTERN_OTHER },
	{ "an at-fork handler below a handler of its crash", CRASH_KIND_SIGNAL, SIGSEGV,
	  "on_crash @" SERVER "\n<signal handler called>\nfeed_reset @" FEED "\nfork @" LIBC
	  "\nmain @" SERVER "\n", NULL, NULL, PATTERN_FORK_SAFETY, NULL, "high", PATTERN_OTHER },
	{ "a signal's handler that gives up while a thread is ended", CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT "on_alarm @" SERVER "\n<signal handler called>\n_Unwind_ForcedUnwind @" LIBGCC
	  "\npthread_exit @" LIBC "\nwork @" SERVER "\n" THREAD, NULL, NULL, PATTERN_OTHER, NULL,
	  NULL, PATTERN_OTHER },
	{ "an at-fork handler that divides by nothing", CRASH_KIND_SIGNAL, SIGFPE,
	  "rate_update @" FEED "\n__run_postfork_handlers @" LIBC "\nfork @" LIBC "\nos_fork @"
	  LIBPYTHON "\n" EVAL, NULL, NULL, PATTERN_FORK_SAFETY, "extension", "medium",
	  PATTERN_OTHER },
	{ "an at-fork handler that gives up by itself", CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT "feed_reset @" FEED "\nfork @" LIBC "\nos_fork @" LIBPYTHON "\n" EVAL, NULL, NULL,
	  PATTERN_FORK_SAFETY, "extension", "medium", PATTERN_OTHER },
	{ "an at-fork handler in which libc gives up", CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT "malloc_printerr @" LIBC "\nfree @" LIBC "\nfeed_reset @" FEED "\nfork @" LIBC
	  "\nos_fork @" LIBPYTHON "\n" EVAL, NULL, NULL, PATTERN_FORK_SAFETY, "extension", "high",
	  PATTERN_OTHER },
	{ "a module that ends in finalization", CRASH_KIND_SIGNAL, SIGSEGV,
	  "cache_clear @" FEED "\nfast_module_free @" FEED "\nmodule_dealloc @" LIBPYTHON
	  "\nfinalize_modules @" LIBPYTHON "\nPy_FinalizeEx @" LIBPYTHON "\n", NULL, NULL,
	  PATTERN_OTHER, "extension", NULL, PATTERN_OTHER },
	{ "the C++ runtime's last words and no more", CRASH_KIND_SIGNAL, SIGABRT, NULL,
	  NO_EXCEPTION, NULL, PATTERN_FFI_UNWIND, NULL, "low", PATTERN_OTHER },
};

/* What a debugger shows of arguments, and where it stopped by itself. */
static struct triage *classify_text(const char *text)
{
	struct traces traces;
	struct triage *t = NULL;

	traces_read(text, strlen(text), &traces);
	CHECK_INT(traces.n, 1, "a session with gdb is read");
	if (traces.n)
		t = triage_classify(traces.v[0].crash, NULL);
	traces_release(&traces);
	return t;
}

static void test_arguments(void)
{
	struct triage *t = classify_text(
		"Program terminated with signal SIGSEGV, Segmentation fault.\n"
		"#0  __strlen_evex () at ../sysdeps/x86_64/multiarch/strlen-evex-base.S:81\n"
		"#1  0x00007f0000001000 in __add_to_environ (name=0x7f11 \"X\", value=0x0, "
		"combined=0x0, replace=1) at ./stdlib/setenv.c:131\n"
		"#2  0x00007f0000002000 in setenv (name=0x7f11 \"X\", value=0x0, replace=1) at "
		"setenv.c:200\n"
		"#3  0x0000550000001000 in cfg_apply (c=0x1) at /src/cfg/cfg.c:3\n");

	CHECK(t && t->pattern == PATTERN_OTHER, "a value that is NULL is no race");
	CHECK_STR(t ? t->signature : NULL, "v1 SIGSEGV setenv<cfg_apply",
		  "and libc's inner functions are not in the signature");
	triage_free(t);
	t = classify_text("Program terminated with signal SIGSEGV, Segmentation fault.\n"
			  "#0  0x00007f0000000100 in tree_copy (t=0x1) at tree.c:4\n"
			  "#1  0x00007f0000001000 in fork (this=0x7f11) at fork.c:81\n"
			  "#2  0x0000550000001000 in main () at /src/cfg/cfg.c:3\n");
	CHECK(t && t->pattern == PATTERN_OTHER, "a function with a `this` is not libc's fork()");
	triage_free(t);
}

static void test_breakpoint(void)
{
	struct triage *t = classify_text(
		"Thread 1 \"python3\" hit Breakpoint 1, pool_child_handler () at /src/pool.c:20\n"
		"#0  pool_child_handler () at /src/pool.c:20\n"
		"#1  0x00007f0000001000 in __run_postfork_handlers () from /lib/libc.so.6\n"
		"#2  0x00007f0000002000 in __libc_fork () from /lib/libc.so.6\n"
		"#3  0x0000550000000100 in main () at main.c:3\n");

	CHECK(t && t->pattern == PATTERN_OTHER, "a stop at a breakpoint is no hang");
	CHECK_STR(t ? t->detail : NULL,
		  "no known pattern: it was stopped by a breakpoint in pool_child_handler",
		  "and is called what it is");
	triage_free(t);
}

/* Nothing made an interpreter for the main thread, or it is gone. */
static void test_main_thread(void)
{
	struct triage *t = classify(crash_make(SIGSEGV, "PyGILState_Ensure @" LIBPYTHON
		"\nmain @" SERVER "\n__libc_start_call_main @" LIBC "\n", NULL));

	CHECK(strstr(t->detail, "not initialised yet, or already gone") != NULL &&
	      !strstr(t->detail, "native thread"), "the main thread may have come too early");
	CHECK(t->confidence != CONFIDENCE_HIGH, "which is not sure");
	triage_free(t);
}

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

/* What is not known is not told as if it were. */
static void test_sentences(void)
{
	const struct rule_case found = {
		"a leak", CRASH_KIND_FINDING, 0, "fast_new @" FEED "\n" EVAL, NULL, "leak",
		PATTERN_OTHER, NULL, NULL, PATTERN_OTHER,
	};
	struct crash *crash = crash_make(SIGSEGV, "?\nmain @" SERVER "\n", NULL);
	struct triage *t = classify(case_crash(&found));
	char *place;
	struct facts facts;

	CHECK_STR(t->detail, "no known pattern: it failed a tool's check in fast_new",
		  "what a tool found is told in English");
	triage_free(t);
	crash->threads[0].frames[0].signal_frame = true;
	facts_collect(&facts, crash, NULL);
	place = facts_describe(&facts, 0);
	CHECK_STR(place, "<signal handler called>", "a signal's frame is no unknown code");
	free(place);
	facts_release(&facts);
	crash_free(crash);
	t = classify(crash_make(SIGABRT, "abort @" LIBC "\n", "Fatal Python error: "
		"_enter_buffered_busy: could not acquire lock for <_io.BufferedWriter "
		"name='<stdout>'> at interpreter shutdown, possibly due to daemon threads\n"));
	CHECK_PATTERN(t, PATTERN_FINALIZATION_TOCTOU, "a stream's lock at shutdown");
	CHECK(also(t, PATTERN_SHUTDOWN_LOCK), "which is a lock at shutdown, too");
	CHECK(strstr(t->detail, "possibly") && t->confidence != CONFIDENCE_HIGH,
	      "and who has it CPython does not know");
	triage_free(t);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check_case(&cases[i]);
	test_innocent_thread();
	test_inlined();
	test_arguments();
	test_breakpoint();
	test_main_thread();
	test_sentences();
	return tap_done();
}
