/* SPDX-License-Identifier: Apache-2.0 */
/* fork-safety by messages and bare stacks: what shows it, what does not, what speaks against it. */
#include "tests/unit/rules.h"

#define MULTIPROCESSING                                                                            \
	"%_bootstrap =" PY "multiprocessing/process.py:314\n"                                      \
	"%_launch =" PY "multiprocessing/popen_fork.py:71\n"                                       \
	"%start =" PY "multiprocessing/process.py:121\n"

static const struct rule_case cases[] = {
	{ "Objective-C's abort in a child", CRASH_KIND_SIGNAL, SIGABRT, NULL,
	  "objc[77]: +[NSValue initialize] may have been in progress in another thread when fork() "
	  "was called.\n", NULL, PATTERN_FORK_SAFETY, "interaction", "high", PATTERN_OTHER },
	{ "the system's note that it was a child", CRASH_KIND_SIGNAL, SIGSEGV, NULL,
	  "crashed on child side of fork pre-exec\n", NULL, PATTERN_FORK_SAFETY, "third-party",
	  "high", PATTERN_OTHER },
	{ "a message of fork() that failed", CRASH_KIND_SIGNAL, SIGABRT, NULL,
	  "fork: Cannot allocate memory\n", NULL, PATTERN_OTHER, NULL, "low", PATTERN_OTHER },

	{ "a child of multiprocessing that flushes", CRASH_KIND_LOOK, 0,
	  "%flush\n" MULTIPROCESSING, NULL, NULL, PATTERN_FORK_SAFETY, "application", "medium",
	  PATTERN_OTHER },
	{ "one that a package has started", CRASH_KIND_LOOK, 0,
	  "%_flush_std_streams =" PY "multiprocessing/util.py:9\n" MULTIPROCESSING
	  "%scan =" PACKAGE "scanner/pool.py:4\n", NULL, NULL, PATTERN_FORK_SAFETY, "third-party",
	  NULL, PATTERN_OTHER },
	{ "a worker that waits for work", CRASH_KIND_LOOK, 0,
	  "%__enter__ =" PY "multiprocessing/synchronize.py:95\n"
	  "%get =" PY "multiprocessing/queues.py:365\n" MULTIPROCESSING, NULL, NULL, PATTERN_OTHER,
	  NULL, NULL, PATTERN_OTHER },
	{ "a process that flushes and is no child", CRASH_KIND_LOOK, 0,
	  "%flush\n%main =/srv/app.py:3\n", NULL, NULL, PATTERN_OTHER, NULL, NULL, PATTERN_OTHER },
	{ "a child that was spawned, and not forked", CRASH_KIND_LOOK, 0,
	  "%flush\n%_bootstrap =" PY "multiprocessing/process.py:314\n"
	  "%_main =" PY "multiprocessing/spawn.py:129\n", NULL, NULL, PATTERN_OTHER, NULL, NULL,
	  PATTERN_OTHER },

	{ "a look at who spins", CRASH_KIND_LOOK, 0,
	  "syscall @" LIBC "\n" "AbslInternalSpinLockDelay_lts_20240722 =third_party/absl/w.inc:6\n"
	  "absl::base_internal::SpinLock::SlowLock =third_party/absl/spinlock.cc:1\n", NULL, NULL,
	  PATTERN_FORK_SAFETY, "third-party", "low", PATTERN_OTHER },
	{ "a crash with a spin lock", CRASH_KIND_SIGNAL, SIGSEGV,
	  "SpinLock::SlowLock =base/spinlock.cc:1\nwork =work.cc:2\n", NULL, NULL, PATTERN_OTHER,
	  NULL, NULL, PATTERN_OTHER },

	{ "a broken mutex in an extension", CRASH_KIND_SIGNAL, SIGABRT,
	  "raise @" LIBC "\nabort @" LIBC "\n? @" EXTENSION "\n",
	  "[mutex.cc : 12] RAW: Check w != nullptr failed: Mutex::Fer\n", NULL,
	  PATTERN_FORK_SAFETY, "extension", "low", PATTERN_OTHER },
	{ "one in a program without Python", CRASH_KIND_SIGNAL, SIGABRT,
	  "raise @" LIBC "\nabort @" LIBC "\n? @/srv/server\n",
	  "[mutex.cc : 12] RAW: Check w != nullptr failed: Mutex::Fer\n", NULL, PATTERN_OTHER, NULL,
	  NULL, PATTERN_OTHER },

	{ "an event loop without its descriptor", CRASH_KIND_FINDING, 0, NULL,
	  "thread 'w' panicked at mio-1.0.0/src/poll.rs:2:3:\n"
	  "failed to wake: Os { code: 9, message: \"Bad file descriptor\" }\n", "panic",
	  PATTERN_FORK_SAFETY, "extension", "medium", PATTERN_OTHER },
	{ "a closed file elsewhere", CRASH_KIND_FINDING, 0, NULL,
	  "thread 'w' panicked at app/src/log.rs:2:3:\n"
	  "write: Os { code: 9, message: \"Bad file descriptor\" }\n", "panic", PATTERN_OTHER, NULL,
	  NULL, PATTERN_OTHER },
	{ "another panic of a runtime", CRASH_KIND_FINDING, 0, NULL,
	  "thread 'w' panicked at tokio-1.0.0/src/poll.rs:2:3:\nno reactor running\n", "panic",
	  PATTERN_OTHER, "third-party", NULL, PATTERN_OTHER },

	{ "a handler whose fork() is cut off", CRASH_KIND_SIGNAL, SIGSEGV,
	  "cache_clear @" EXTENSION "\nprobe_postfork_child @" EXTENSION "\n", NULL, NULL,
	  PATTERN_FORK_SAFETY, "extension", "medium", PATTERN_OTHER },
	{ "what is named so on a stack that is whole, and has no fork()", CRASH_KIND_SIGNAL,
	  SIGSEGV,
	  "node_get @" EXTENSION "\nprobe_postfork_child @" EXTENSION "\nmain @/srv/host\n",
	  NULL, NULL, PATTERN_OTHER, NULL, NULL, PATTERN_OTHER },
	{ "one that Python code called", CRASH_KIND_SIGNAL, SIGSEGV,
	  "probe_after_fork_count @" EXTENSION "\ncfunction_call @" LIBPYTHON "\n"
	  "_PyEval_EvalFrameDefault @" LIBPYTHON "\n", NULL, NULL, PATTERN_OTHER, "extension", NULL,
	  PATTERN_OTHER },
	{ "one whose callers nobody knows", CRASH_KIND_SIGNAL, SIGSEGV,
	  "probe_postfork_child @" EXTENSION "\n? @" LIBC "\nmain @/srv/host\n", NULL, NULL,
	  PATTERN_FORK_SAFETY, "extension", "medium", PATTERN_OTHER },
	{ "the one that asks for handlers", CRASH_KIND_SIGNAL, SIGSEGV,
	  "__probe_register_atfork @" EXTENSION "\nnode_get @" EXTENSION "\n", NULL, NULL,
	  PATTERN_OTHER, "extension", NULL, PATTERN_OTHER },
	{ "words that any fork may be meant by", CRASH_KIND_SIGNAL, SIGABRT, NULL,
	  "table.c:3: check: Assertion `n == 3 && \"balanced after fork()\"' failed.\n", NULL,
	  PATTERN_FORK_SAFETY, NULL, "medium", PATTERN_OTHER },
	{ "CPython's name for a thread's end", CRASH_KIND_SIGNAL, SIGSEGV,
	  "_PyThread_at_fork_reinit @" LIBPYTHON "\nPyObject_Call @" LIBPYTHON "\n", NULL, NULL,
	  PATTERN_OTHER, NULL, NULL, PATTERN_OTHER },
	{ "a look at a handler inside fork()", CRASH_KIND_LOOK, 0,
	  "pthread_mutex_lock @" LIBC "\nlock_all @" EXTENSION "\nfork @" LIBC "\n", NULL, NULL,
	  PATTERN_FORK_SAFETY, "extension", "medium", PATTERN_OTHER },

	{ "the proxies of macOS", CRASH_KIND_SIGNAL, SIGSEGV,
	  "%getproxies_macosx_sysconf =" PY "urllib/request.py:2\n%work =/srv/app.py:1\n", NULL,
	  NULL, PATTERN_FORK_SAFETY, "interaction", "medium", PATTERN_OTHER },
	{ "the same in a child that was spawned", CRASH_KIND_SIGNAL, SIGSEGV,
	  "%getproxies_macosx_sysconf =" PY "urllib/request.py:2\n"
	  "%spawn_main =" PY "multiprocessing/spawn.py:1\n", NULL, NULL, PATTERN_OTHER, NULL,
	  NULL, PATTERN_OTHER },

	{ "a child that waits for a pool", CRASH_KIND_LOOK, 0,
	  "exec_blas_async_wait @/usr/lib/libopenblas.so.0\n" MULTIPROCESSING, NULL, NULL,
	  PATTERN_FORK_SAFETY, "third-party", "medium", PATTERN_OTHER },
	{ "a process that waits for a pool", CRASH_KIND_LOOK, 0,
	  "exec_blas_async_wait @/usr/lib/libopenblas.so.0\n", NULL, NULL, PATTERN_OTHER, NULL,
	  NULL, PATTERN_OTHER },
};

/* A list of threads that has one only, and that one waits. */
static void test_alone(void)
{
	static const char stack[] = "%sample =" PACKAGE "probe/sampler.py:8\n";
	const struct rule_case look = { .kind = CRASH_KIND_LOOK, .stack = stack };
	struct crash *crash = case_crash(&look);
	struct triage *t;

	crash->threads[0].name = xstrdup("python");
	crash->threads[0].wait.what = xstrdup("GIL");
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_FORK_SAFETY, "the only thread, and it waits: a fork perhaps");
	CHECK_STR(confidence_name(t->confidence), "low", "but lists are cut");
	triage_free(t);
	crash = case_crash(&look);
	crash->threads[0].name = xstrdup("python");
	crash->threads[0].wait.what = xstrdup("GIL");
	add_thread(crash, 100, 101, "%work =/srv/app.py:7\n");
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_OTHER, "one of two threads may wait for the other");
	triage_free(t);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check_case(&cases[i]);
	test_alone();
	return tap_done();
}
