/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The classifier on records made by hand: what each pattern looks like, what looks much like it and
 * is not, and that signatures stay the same where the bug does.
 *
 * A stack is written as lines "function @module", innermost first; "~" before the function marks a
 * name that is only near, "?" no name at all.
 */
#include <signal.h>
#include <stdlib.h>

#include "base/errors.h"
#include "observe/crash.h"
#include "tests/unit/tap.h"
#include "triage/frames.h"
#include "triage/triage.h"

#define LIBC "/lib/x86_64-linux-gnu/libc.so.6"
#define LIBPYTHON "/opt/lib/libpython3.13.so.1.0"
#define LIBSTDCXX "/usr/lib/x86_64-linux-gnu/libstdc++.so.6"
#define LIBGCC "/usr/lib/x86_64-linux-gnu/libgcc_s.so.1"
#define EXTENSION "/venv/lib/python3.13/site-packages/probe/_probe.cpython-313-x86_64-linux-gnu.so"

static void frame_parse(struct crash_frame *frame, char *line)
{
	char *at = strstr(line, " @");

	if (at) {
		*at = '\0';
		frame->module = xstrdup(at + 2);
	}
	if (*line == '?')
		return;
	frame->trust = *line == '~' ? TRUST_NEAR : TRUST_EXACT;
	frame->function = xstrdup(line + (*line == '~'));
}

/* Pointers to earlier threads are void afterwards. */
static struct crash_thread *add_thread(struct crash *crash, pid_t pid, pid_t tid, const char *stack)
{
	struct crash_thread *thread = crash_add_thread(crash);
	char *text = xstrdup(stack), *save = NULL;
	uint64_t pc = 0x7f0000001000;

	thread->pid = pid;
	thread->tid = tid;
	for (char *p = strtok_r(text, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
		struct crash_frame *frame = crash_thread_add_frame(thread);

		frame->pc = pc += 0x111;
		frame->module_offset = pc & 0xffff;
		frame_parse(frame, p);
	}
	free(text);
	return thread;
}

static struct crash *crash_make(int signo, const char *stack, const char *message)
{
	struct crash *crash = crash_new();

	crash->kind = signo ? CRASH_KIND_SIGNAL : CRASH_KIND_HANG;
	crash->signo = signo;
	crash->code = signo == SIGABRT ? SI_TKILL : SEGV_MAPERR;
	crash->pid = crash->tid = 100;
	if (message) {
		free(crash->message);
		crash->message = xstrdup(message);
	}
	add_thread(crash, 100, 100, stack)->culprit = true;
	return crash;
}

static void wait_set(struct crash_thread *thread, const char *what, pid_t owner, pid_t elsewhere)
{
	thread->wait.syscall = xstrdup("futex");
	thread->wait.what = what ? xstrdup(what) : NULL;
	thread->wait.owner = owner;
	thread->wait.owner_missing = elsewhere != 0;
	thread->wait.owner_elsewhere = elsewhere;
}

static bool also(const struct triage *triage, enum pattern pattern)
{
	for (size_t i = 0; i < triage->nalso; i++)
		if (triage->also[i] == pattern)
			return true;
	return false;
}

static bool evidence_says(const struct triage *triage, const char *part)
{
	for (size_t i = 0; i < triage->nevidence; i++)
		if (strstr(triage->evidence[i].why, part))
			return true;
	return false;
}

/* Classify and free the record. */
static struct triage *classify(struct crash *crash)
{
	struct triage *triage = triage_classify(crash);

	crash_free(crash);
	return triage;
}

#define CHECK_PATTERN(triage, wanted, ...) \
	CHECK_STR(pattern_name((triage)->pattern), pattern_name(wanted), __VA_ARGS__)

/* -------- names */

static void check_bare(const char *name, const char *wanted)
{
	char *bare = function_bare(name);

	CHECK_STR(bare, wanted, "%.60s is %s", name, wanted);
	free(bare);
}

static void test_names(void)
{
	check_bare("run_mod.llvm.17615948296688877498", "run_mod");
	check_bare("lru_get.cold", "lru_get");
	check_bare("lru_get.part.0.constprop.3", "lru_get");
	check_bare("lru_get.isra.0 [clone .cold]", "lru_get");
	check_bare("fork@@GLIBC_2.2.5", "fork");
	check_bare("__libc_free", "free");
	check_bare("cfree", "free");
	check_bare("std::_List_base<std::pair<unsigned long, std::unique_ptr<Frame> >, "
		   "std::allocator<int> >::_M_clear", "_M_clear");
	check_bare("Probe::Sampler::postfork_child()", "postfork_child");
	check_bare("(anonymous namespace)::come_back(void*)", "come_back");
	check_bare("std::vector<int>& probe::grow<int>(std::vector<int>&) const", "grow");
	check_bare("probe::key::operator<(probe::key const&) const", "operator<");
	check_bare("probe::call::operator()(int)", "operator()");
	check_bare("probe::list::operator->() const", "operator->");
	check_bare("void probe::fill(int).part.0", "fill");
	check_bare("tokio::runtime::park::h0123456789abcdef", "park");
	check_bare("operator_run", "operator_run");
}

static void check_category(const char *function, const char *module, enum frame_category wanted)
{
	struct crash_frame frame = {
		.function = (char *)(uintptr_t)function,
		.module = (char *)(uintptr_t)module,
		.trust = TRUST_EXACT,
	};

	CHECK_STR(category_name(frame_categorise(&frame)), category_name(wanted),
		  "%s of %s is %s", function, module ? module : "nowhere", category_name(wanted));
}

static void test_categories(void)
{
	check_category("work", LIBPYTHON, CATEGORY_CPYTHON);
	check_category("free", LIBC, CATEGORY_LIBC);
	check_category("_Unwind_ForcedUnwind", LIBGCC, CATEGORY_UNWINDER);
	check_category("__cxa_throw", LIBSTDCXX, CATEGORY_CXX);
	check_category("_dl_open", "/lib64/ld-linux-x86-64.so.2", CATEGORY_LOADER);
	check_category("sample", EXTENSION, CATEGORY_EXTENSION);
	check_category("sample", "/srv/build/so_sampler.so", CATEGORY_EXTENSION);
	check_category("uv_run", "/usr/lib/libuv.so.1", CATEGORY_LIBRARY);
	check_category("work", "/srv/build/host", CATEGORY_PROGRAM);
	check_category("PyEval_RestoreThread", "/srv/build/host", CATEGORY_CPYTHON);
	check_category("main", "/usr/bin/python3.13", CATEGORY_CPYTHON);
	check_category("main", "/usr/bin/python-proxy", CATEGORY_PROGRAM);
	check_category("_json_c", "/usr/lib/python3.13/lib-dynload/_json.cpython-313.so",
		       CATEGORY_CPYTHON);
	check_category("PyInit_probe", "/srv/build/host", CATEGORY_PROGRAM);
	check_category("PyGILState_Ensure", NULL, CATEGORY_CPYTHON);
	check_category("pthread_mutex_lock", NULL, CATEGORY_LIBC);
	check_category("sample", NULL, CATEGORY_UNKNOWN);
}

/* -------- fork */

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
	CHECK_STR(t->signature, "SIGABRT free<_M_clear<postfork_child",
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
	CHECK_STR(t->signature, "hang (mutex) reset_in_child<fork<operation_run",
		  "a hang's signature says what is waited for, by whom");
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
	CHECK_STR(t->signature, "hang (cpython lock) PyThreadState_New<reach<fork",
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
	CHECK_STR(t->signature, "SIGSEGV PyOS_AfterFork_Child<operation_run",
		  "what it did inside differs by release and is left out");
	triage_free(t);
	t = classify(crash_make(SIGABRT, stack, "Fatal Python error: PyThreadState_Get: the "
						"function must be called with the GIL "
						"held, after x\n"));
	CHECK_PATTERN(t, PATTERN_FORK_SAFETY, "also when CPython complains of the GIL");
	CHECK(also(t, PATTERN_GIL_NOT_HELD), "which is told as well");
	triage_free(t);
}

/* -------- finalization */

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
	CHECK_STR(t->signature, "SIGSEGV PyGILState_Ensure<sample", "the signature is the call");
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
	CHECK_STR(t->signature, "SIGABRT PyEval_RestoreThread<come_back",
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

/* -------- the rest */

static void test_circle(void)
{
	struct crash *crash = crash_make(0, "pthread_mutex_lock @" LIBC "\n"
	"f @/srv/host\n", NULL);
	struct triage *t;

	wait_set(&crash->threads[0], "mutex", 101, 0);
	wait_set(add_thread(crash, 100, 101, "pthread_mutex_lock @" LIBC "\n" "g @/srv/host\n"),
		 "mutex", 100, 0);
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_LOCK_ORDER, "two threads that wait for each other are lock-order");
	CHECK_INT(t->nevidence, 2, "each wait is evidence");
	triage_free(t);

	crash = crash_make(0, "pthread_mutex_lock @" LIBC "\n" "f @/srv/host\n", NULL);
	wait_set(&crash->threads[0], "mutex", 101, 0);
	add_thread(crash, 100, 101, "compute @/srv/host\n");
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_OTHER, "one that waits for a thread that works is no pattern");
	triage_free(t);
}

static void test_recursion(void)
{
	struct crash *crash = crash_new();
	struct crash_thread *thread;
	struct triage *t;

	crash->kind = CRASH_KIND_SIGNAL;
	crash->signo = SIGSEGV;
	thread = crash_add_thread(crash);
	thread->culprit = true;
	thread->truncated = true;
	for (int i = 0; i < 256; i++) {
		struct crash_frame *frame = crash_thread_add_frame(thread);

		frame->function = xstrdup(i % 2 ? "visit" : "walk");
		frame->trust = TRUST_EXACT;
		frame->module = xstrdup(EXTENSION);
	}
	t = classify(crash);
	CHECK_PATTERN(t, PATTERN_RECURSION_OR_LOOP, "a stack full of two functions is recursion");
	triage_free(t);
}

static void test_nothing(void)
{
	struct crash *crash = crash_new();
	struct triage *t;

	crash->kind = CRASH_KIND_SIGNAL;
	crash->signo = SIGBUS;
	t = triage_classify(crash);
	CHECK_PATTERN(t, PATTERN_OTHER, "a record without a thread is no pattern");
	CHECK_STR(t->signature, "SIGBUS", "its signature is its signal");
	CHECK(t->detail && *t->detail, "and there is a sentence");
	triage_free(t);
	crash->kind = CRASH_KIND_HANG;
	t = triage_classify(crash);
	CHECK_STR(t->signature, "hang", "or that it hangs");
	triage_free(t);
	crash_free(crash);
	triage_free(NULL);
}

/* What differs between two crashes of one bug must not be in the signature. */
static void test_signature_stable(void)
{
	static const char with_symbols[] =
		"__pthread_kill_implementation @" LIBC "\n" "raise @" LIBC "\n" "abort @" LIBC "\n"
		"__libc_message @" LIBC "\n" "malloc_printerr @" LIBC "\n" "_int_free @" LIBC "\n"
		"free @" LIBC "\n" "lru_clear.part.0 @/srv/host\n"
		"__run_postfork_handlers @" LIBC "\n" "fork @" LIBC "\n"
		"os_fork_impl @" LIBPYTHON "\n" "_PyEval_EvalFrameDefault @" LIBPYTHON "\n";
	static const char stripped[] =
		"~pthread_key_delete @" LIBC "\n" "raise @" LIBC "\n" "abort @" LIBC "\n"
		"~timer_settime @" LIBC "\n" "~x @" LIBC "\n" "~x @" LIBC "\n"
		"lru_clear @/opt/x/host\n" "~__register_atfork @" LIBC "\n" "fork @" LIBC "\n"
		"~PyOS_x @" LIBPYTHON "\n" "_PyEval_EvalFrameDefault @" LIBPYTHON "\n";
	const char *message = "free(): double free detected in tcache 2\n";
	struct triage *a = classify(crash_make(SIGABRT, with_symbols, message));
	struct triage *b = classify(crash_make(SIGABRT, stripped, message));
	struct triage *again = classify(crash_make(SIGABRT, stripped, message));

	CHECK_STR(a->signature, "SIGABRT free<lru_clear<fork",
		      "a signature names what tells bugs apart");
	CHECK_STR(b->signature, a->signature, "and is the same with a stripped libc that jumps");
	CHECK_STR(again->signature, b->signature, "and the same each time");
	triage_free(a);
	triage_free(b);
	triage_free(again);
}

int main(void)
{
	test_names();
	test_categories();
	test_handler_crash();
	test_no_fork();
	test_near_names();
	test_lost_owner();
	test_handler_order();
	test_join_in_handler();
	test_own_lock();
	test_cpython_after_fork();
	test_ensure();
	test_ensure_near_misses();
	test_near_attach();
	test_restore();
	test_swallowed();
	test_reinit();
	test_freed_state();
	test_parked();
	test_circle();
	test_recursion();
	test_nothing();
	test_signature_stable();
	return tap_done();
}
