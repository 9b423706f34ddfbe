/* SPDX-License-Identifier: Apache-2.0 */
/* Crashes and hangs of a fork: what is fork-safety, what is lock-order, what is neither. */
#include "tests/unit/triage.h"

/* The crash of a sampler's cache, on AArch64, from a Python that was built with LLVM. */
static const char sampler_stack[] =
	"raise @" LIBC "\n" "abort @" LIBC "\n" "free @" LIBC "\n"
	"std::_List_base<std::pair<unsigned long, std::unique_ptr<Frame> > >::_M_clear @" EXTENSION
	"\n"
	"Probe::Sampler::postfork_child @" EXTENSION "\n"
	"_probe_atfork_child @" EXTENSION "\n"
	"__libc_fork @" LIBC "\n"
	"os_fork_impl @/usr/bin/python3.13\n"
	"cfunction_vectorcall_NOARGS.llvm.1085662745629047260 @/usr/bin/python3.13\n"
	"_PyEval_EvalFrameDefault @/usr/bin/python3.13\n"
	"Py_RunMain @/usr/bin/python3.13\n" "main @/usr/bin/python3.13\n";

static void test_handler_crash(void)
{
	struct triage *t = classify(crash_make(SIGABRT, sampler_stack,
					       "free(): double free detected in tcache 2\n"));

	CHECK_PATTERN(t, PATTERN_FORK_SAFETY, "an abort in an at-fork handler is fork-safety");
	CHECK(also(t, PATTERN_USE_AFTER_FREE), "and use-after-free, if glibc says double free");
	CHECK_STR(attribution_name(t->attribution), "extension", "the extension is at fault");
	CHECK_STR(t->component, "_probe.cpython-313-x86_64-linux-gnu.so", "by name");
	CHECK_STR(t->signature, "v1 SIGABRT free<_M_clear<postfork_child",
		  "the signature skips what abort() does, and all that C++ adds to names");
	CHECK_STR(confidence_name(t->confidence), "high", "this is certain");
	CHECK(evidence_says(t, "_probe_atfork_child runs inside fork()"), "the handler is named");
	triage_free(t);

	t = classify(crash_make(SIGABRT, sampler_stack, "free(): invalid pointer\n"));
	CHECK_PATTERN(t, PATTERN_FORK_SAFETY, "so it is with another word of glibc's");
	CHECK(!also(t, PATTERN_USE_AFTER_FREE), "which says nothing of a second free");
	triage_free(t);
}

/* The same functions, and no fork: a plain bug of the extension's. */
static void test_no_fork(void)
{
	static const char stack[] =
		"raise @" LIBC "\n" "abort @" LIBC "\n" "free @" LIBC "\n"
		"cache_clear @" EXTENSION "\n" "cache_dealloc @" EXTENSION "\n"
		"_PyEval_EvalFrameDefault @" LIBPYTHON "\n" "main @/usr/bin/python3.13\n";
	struct triage *t = classify(crash_make(SIGABRT, stack,
					       "double free or corruption (out)\n"));

	CHECK_PATTERN(t, PATTERN_USE_AFTER_FREE, "the same without a fork is use-after-free alone");
	CHECK(!also(t, PATTERN_FORK_SAFETY), "and not fork-safety");
	triage_free(t);

	t = classify(crash_make(SIGSEGV, "cache_clear @" EXTENSION "\n"
					 "_PyEval_EvalFrameDefault @" LIBPYTHON "\n", NULL));
	CHECK_PATTERN(t, PATTERN_OTHER, "a fault in an extension, and no more, is no pattern");
	CHECK_STR(confidence_name(t->confidence), "low", "which is said with little confidence");
	CHECK(strstr(t->detail, "cache_clear") && strstr(t->detail, "SIGSEGV"),
	      "but what and where is told");
	CHECK_STR(attribution_name(t->attribution), "extension", "and whose code it was");
	triage_free(t);
}

/* fork() as a near name is some other function of libc's. */
static void test_near_names(void)
{
	static const char stack[] = "cache_clear @" EXTENSION "\n" "~fork @" LIBC "\n"
				    "work @" EXTENSION "\n";
	struct triage *t = classify(crash_make(SIGSEGV, stack, NULL));

	CHECK_PATTERN(t, PATTERN_OTHER, "a name that is only near proves no fork");
	triage_free(t);
}

static struct crash *lost_owner_crash(void)
{
	struct crash *crash = crash_make(0, "~__lll_lock_wait @" LIBC "\n"
					    "pthread_mutex_lock @" LIBC "\n"
					    "reset_in_child @/srv/host\n" "fork @" LIBC "\n"
					    "operation_run @/srv/host\n", NULL);

	crash->in_child = true;
	wait_set(&crash->threads[0], "mutex", 52, 50);
	wait_set(add_thread(crash, 50, 50, "wait4 @" LIBC "\n" "operation_run @/srv/host\n"),
		 "child process", 100, 0);
	add_thread(crash, 50, 52, "syscall @" LIBC "\n" "sample @/srv/host\n");
	return crash;
}

static void test_lost_owner(void)
{
	struct triage *t = classify(lost_owner_crash());

	CHECK_PATTERN(t, PATTERN_FORK_SAFETY,
		      "a lock whose owner stayed in the parent is fork-safety");
	CHECK(!also(t, PATTERN_LOCK_ORDER), "and not lock-order");
	CHECK_STR(attribution_name(t->attribution), "extension", "a program's own code counts as "
							       "native code beside Python");
	CHECK(evidence_says(t, "thread 52 as its owner"), "the owner is evidence");
	CHECK(evidence_says(t, "thread 52 is in sample"), "and so is where it took the lock");
	CHECK_STR(t->signature, "v1 hang (mutex) reset_in_child<fork<operation_run",
		  "a hang's signature says what is waited for, by whom");
	triage_free(t);
}

/* forkpoint itself held the owner where it stood: that is nobody's doing. */
static void test_held_owner(void)
{
	struct crash *crash = lost_owner_crash();
	struct triage *t;

	add_thread(crash, 50, 53, "syscall @" LIBC "\n" "stand @/srv/host\n"
				  "window_enter @/srv/host\n" "take_lock @/srv/host\n"
				  "worker_main @/srv/host\n");
	crash->threads[0].wait.owner = 53;
	t = classify(crash);
	CHECK(evidence_says(t, "thread 53 is in take_lock"),
	      "a thread that forkpoint holds is in the function that called forkpoint");
	triage_free(t);
}

/* The culprit itself may stand in forkpoint's hands: a hang of a W that is held. */
static void test_held_culprit(void)
{
	struct crash *crash = crash_make(0, "syscall @" LIBC "\n" "stand @/srv/host\n"
					    "hold_handler @/srv/host\n" "? @" LIBC "\n"
					    "lru_store @/srv/host\n" "work @/srv/host\n", NULL);
	struct triage *t = classify(crash);

	CHECK(strstr(t->detail, "lru_store"), "so it is where the signal met it");
	CHECK_STR(t->signature, "v1 hang lru_store<work", "and the signature begins there");
	triage_free(t);
}

static void test_handler_loop(void)
{
	static const char stack[] = "lru_find @/srv/host\n" "lru_clear @/srv/host\n"
				    "~__register_atfork @" LIBC "\n" "fork @" LIBC "\n"
				    "operation_run @/srv/host\n";
	struct crash *crash = crash_make(0, stack, NULL);
	struct triage *t;

	crash->kind = CRASH_KIND_SPIN;
	crash->in_child = true;
	crash->threads[0].state = 'R';
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_FORK_SAFETY, "a loop in an at-fork handler is fork-safety");
	CHECK(also(t, PATTERN_RECURSION_OR_LOOP), "and a loop");
	CHECK(!also(t, PATTERN_LOCK_ORDER), "and waits for no lock");
	CHECK_STR(t->detail, "the at-fork handler lru_clear runs without end in the child",
		  "which is how it is told");
	CHECK_STR(t->signature, "v1 spin lru_find<lru_clear<fork", "its signature is no hang's");
	triage_free(t);
}

/* The forking thread took it in a prepare handler; the child's handlers come in the wrong order. */
static void test_handler_order(void)
{
	struct crash *crash = lost_owner_crash();
	struct triage *t;

	crash->threads[0].wait.owner = 50;
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_FORK_SAFETY, "a lock that the forking thread took is fork-safety");
	CHECK(also(t, PATTERN_LOCK_ORDER), "and the order of handlers is told");
	triage_free(t);
}

static struct crash *join_in_handler_crash(const char *other_waits)
{
	struct crash *crash = crash_make(0, "~sem_trywait @" LIBC "\n" "~pthread_join @" LIBC "\n"
					    "stop_in_handler @/srv/host\n"
					    "~__register_atfork @" LIBC "\n" "fork @" LIBC "\n"
					    "operation_run @/srv/host\n", NULL);

	wait_set(&crash->threads[0], "thread join", 101, 0);
	wait_set(add_thread(crash, 100, 101, "~x @" LIBC "\n" "PyGILState_Ensure @" LIBPYTHON "\n"
					     "sample @/srv/host\n"), other_waits, 0, 0);
	return crash;
}

static void test_join_in_handler(void)
{
	struct triage *t = classify(join_in_handler_crash("GIL"));

	CHECK_PATTERN(t, PATTERN_LOCK_ORDER,
		      "to join in a handler who waits for the GIL is lock-order");
	CHECK(also(t, PATTERN_FORK_SAFETY), "and it happens in a fork");
	CHECK(evidence_says(t, "thread 101 waits for the GIL"), "who waits for what is evidence");
	triage_free(t);
	t = classify(join_in_handler_crash(NULL));
	CHECK_PATTERN(t, PATTERN_LOCK_ORDER, "a wait inside CPython that no symbol names will do");
	triage_free(t);
	t = classify(join_in_handler_crash("condition"));
	CHECK_PATTERN(t, PATTERN_LOCK_ORDER, "whatever libc calls it");
	triage_free(t);
}

static void test_own_lock(void)
{
	static const char exact[] =
		"~x @" LIBC "\n" "_PyMutex_LockTimed @" LIBPYTHON "\n"
		"_PyThreadState_NewBound @" LIBPYTHON "\n" "reach @/srv/host\n" "fork @" LIBC "\n"
		"operation_run @/srv/host\n";
	static const char stripped[] =
		"~x @" LIBC "\n" "? @" LIBPYTHON "\n" "? @" LIBPYTHON "\n"
		"PyThreadState_New @" LIBPYTHON "\n" "reach @/srv/host\n" "fork @" LIBC "\n"
		"operation_run @/srv/host\n";
	struct crash *crash = crash_make(0, exact, NULL);
	struct triage *t, *u;

	wait_set(&crash->threads[0], "PyMutex", 0, 0);
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_LOCK_ORDER, "a handler that waits inside CPython is lock-order");
	CHECK_STR(attribution_name(t->attribution), "interaction", "of no single party");
	CHECK_STR(t->component, "host", "the handler's module is named");
	crash = crash_make(0, stripped, NULL);
	wait_set(&crash->threads[0], NULL, 0, 0);
	u = classify(crash);
	CHECK_PATTERN(u, PATTERN_LOCK_ORDER, "with a stripped libpython, too");
	CHECK_STR(u->signature, t->signature, "and with the same signature");
	CHECK_STR(t->signature, "v1 hang (cpython lock) PyThreadState_New<reach<fork",
		  "which names the public function");
	triage_free(t);
	triage_free(u);
}

static void test_cpython_after_fork(void)
{
	static const char stack[] = "_Py_Dealloc @" LIBPYTHON "\n"
				    "PyInterpreterState_Clear @" LIBPYTHON "\n"
				    "PyOS_AfterFork_Child @" LIBPYTHON "\n"
				"operation_run @/srv/host\n";
	struct triage *t = classify(crash_make(SIGSEGV, stack, NULL));

	CHECK_PATTERN(t, PATTERN_FORK_SAFETY,
		      "CPython dying in PyOS_AfterFork_Child is fork-safety");
	CHECK_STR(attribution_name(t->attribution), "cpython", "of CPython itself");
	CHECK_STR(t->signature, "v1 SIGSEGV PyOS_AfterFork_Child<operation_run",
		  "what it did inside differs by release and is left out");
	triage_free(t);
	t = classify(crash_make(SIGABRT, stack, "Fatal Python error: PyThreadState_Get: the "
						"function must be called with the GIL "
						"held, after x\n"));
	CHECK_PATTERN(t, PATTERN_FORK_SAFETY, "also when CPython complains of the GIL");
	CHECK(also(t, PATTERN_GIL_NOT_HELD), "which is told as well");
	triage_free(t);
}

static struct triage *child_triage(int signo, const char *call, bool in_window)
{
	struct crash *crash = crash_make(signo, "~x @" LIBC "\n" "use_table @/srv/host\n", NULL);

	crash->in_child = true;
	crash->in_window = in_window;
	if (!signo) {
		wait_set(&crash->threads[0], NULL, 0, 0);
		free(crash->threads[0].wait.syscall);
		crash->threads[0].wait.syscall = xstrdup(call);
	}
	return classify(crash);
}

/* To be a forked child is no crime: what comes of it is the fork's only if something says so. */
static void test_child(void)
{
	struct triage *t = child_triage(SIGSEGV, NULL, false);

	CHECK_STR(confidence_name(t->confidence), "low", "a child's crash may be the fork's");
	CHECK_STR(t->detail, "a forked child crashed in use_table", "of which nothing is asserted");
	CHECK_STR(attribution_name(t->attribution), "extension", "it is whose code it was in");
	triage_free(t);
	t = child_triage(SIGSEGV, NULL, true);
	CHECK_PATTERN(t, PATTERN_FORK_SAFETY, "if a thread of the parent was in its window, it is");
	CHECK_STR(confidence_name(t->confidence), "medium", "likely");
	CHECK(evidence_says(t, "was in its window"), "which is the evidence");
	triage_free(t);
	t = child_triage(0, "read", true);
	CHECK(t->pattern != PATTERN_FORK_SAFETY && !also(t, PATTERN_FORK_SAFETY),
	      "a child that reads from a pipe waits for another process, and for no lost lock");
	triage_free(t);
	t = child_triage(0, "futex", true);
	CHECK_PATTERN(t, PATTERN_FORK_SAFETY, "one that waits for a futex may wait for such a one");
	triage_free(t);
}

int main(void)
{
	test_handler_crash();
	test_no_fork();
	test_near_names();
	test_lost_owner();
	test_held_owner();
	test_held_culprit();
	test_handler_loop();
	test_handler_order();
	test_join_in_handler();
	test_own_lock();
	test_cpython_after_fork();
	test_child();
	return tap_done();
}
