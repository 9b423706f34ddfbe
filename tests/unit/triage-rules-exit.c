/* SPDX-License-Identifier: Apache-2.0 */
/* finalization-toctou and ffi-unwind by messages, findings and bare stacks. */
#include "tests/unit/rules.h"

#define STARTED "start_thread @" LIBC "\n"

static const struct rule_case cases[] = {
	{ "a data race with finalization", CRASH_KIND_FINDING, 0,
	  "free\n_PyMem_RawFree @" LIBPYTHON "\nfree_threadstate =Python/pystate.c:3\n"
	  "_Py_Finalize @" LIBPYTHON "\n", NULL, "data race", PATTERN_FINALIZATION_TOCTOU,
	  "cpython", "medium", PATTERN_OTHER },
	{ "one of an extension's destructor", CRASH_KIND_FINDING, 0,
	  "release_all @" EXTENSION "\nsubtype_dealloc @" LIBPYTHON "\n"
	  "Py_FinalizeEx @" LIBPYTHON "\n", NULL, "data race", PATTERN_FINALIZATION_TOCTOU,
	  "extension", NULL, PATTERN_OTHER },
	{ "the summary alone", CRASH_KIND_FINDING, 0, NULL,
	  "SUMMARY: ThreadSanitizer: data race Python/pystate.c:7 in PyThreadState_Clear\n",
	  "data race", PATTERN_FINALIZATION_TOCTOU, "cpython", NULL, PATTERN_OTHER },
	{ "a data race elsewhere in CPython", CRASH_KIND_FINDING, 0,
	  "dict_resize =Objects/dictobject.c:7\n", NULL, "data race", PATTERN_OTHER, "cpython",
	  NULL, PATTERN_OTHER },
	{ "another finding in finalization", CRASH_KIND_FINDING, 0,
	  "work @" EXTENSION "\nPy_FinalizeEx @" LIBPYTHON "\n", NULL, "heap-use-after-free",
	  PATTERN_USE_AFTER_FREE, NULL, NULL, PATTERN_OTHER },

	{ "CPython's word that it is finalizing", CRASH_KIND_SIGNAL, SIGSEGV,
	  "work @" EXTENSION "\n", "Python runtime state: finalizing (tstate=0x7f00)\n", NULL,
	  PATTERN_FINALIZATION_TOCTOU, "extension", "medium", PATTERN_OTHER },
	{ "its word that it is not", CRASH_KIND_SIGNAL, SIGSEGV, "work @" EXTENSION "\n",
	  "Python runtime state: initialized\n", NULL, PATTERN_OTHER, NULL, NULL, PATTERN_OTHER },
	{ "a stream's lock at shutdown", CRASH_KIND_SIGNAL, SIGABRT, NULL,
	  "Fatal Python error: _enter_buffered_busy: could not acquire lock for <stdout>\n", NULL,
	  PATTERN_FINALIZATION_TOCTOU, "interaction", NULL, PATTERN_OTHER },

	{ "a static object that calls Python", CRASH_KIND_SIGNAL, SIGSEGV,
	  "PyEval_SaveThread @" LIBPYTHON "\nCache::~Cache() @" EXTENSION "\n"
	  "__run_exit_handlers @" LIBC "\nexit @" LIBC "\n", NULL, NULL,
	  PATTERN_FINALIZATION_TOCTOU, NULL, NULL, PATTERN_OTHER },
	{ "a thread's own object that drops another", CRASH_KIND_SIGNAL, SIGSEGV,
	  "_Py_Dealloc @" LIBPYTHON "\nState::~State() @" EXTENSION "\n"
	  "__call_tls_dtors @" LIBC "\n" STARTED, NULL, NULL, PATTERN_FINALIZATION_TOCTOU,
	  "extension", "medium", PATTERN_OTHER },
	{ "a static object without Python", CRASH_KIND_SIGNAL, SIGSEGV,
	  "Cache::~Cache() @" EXTENSION "\n__run_exit_handlers @" LIBC "\nexit @" LIBC "\n", NULL,
	  NULL, PATTERN_FINALIZATION_TOCTOU, "extension", "low", PATTERN_OTHER },

	{ "a switch that is never made", CRASH_KIND_LOOK, 0,
	  "pthread_cond_wait @" LIBC "\ndrop_gil @" LIBPYTHON "\n"
	  "_PyEval_EvalFrameDefault @" LIBPYTHON "\n", NULL, NULL, PATTERN_FINALIZATION_TOCTOU,
	  "unknown", "low", PATTERN_OTHER },
	{ "a thread that gives the GIL back", CRASH_KIND_LOOK, 0,
	  "pthread_mutex_lock @" LIBC "\ndrop_gil @" LIBPYTHON "\n"
	  "_PyEval_EvalFrameDefault @" LIBPYTHON "\n", NULL, NULL, PATTERN_OTHER, "cpython", NULL,
	  PATTERN_OTHER },
	{ "a thread that waits its turn", CRASH_KIND_LOOK, 0,
	  "pthread_cond_timedwait @" LIBC "\ntake_gil @" LIBPYTHON "\n"
	  "_PyEval_EvalFrameDefault @" LIBPYTHON "\n", NULL, NULL, PATTERN_OTHER, NULL, NULL,
	  PATTERN_OTHER },
	{ "a thread that CPython has parked", CRASH_KIND_LOOK, 0,
	  "pause @" LIBC "\nPyThread_hang_thread @" LIBPYTHON "\nwork @" EXTENSION "\n", NULL, NULL,
	  PATTERN_FINALIZATION_TOCTOU, "interaction", "medium", PATTERN_OTHER },
	{ "a look into finalization", CRASH_KIND_LOOK, 0,
	  "futex_wait @" LIBC "\njoin_all @" EXTENSION "\nPy_FinalizeEx @" LIBPYTHON "\n", NULL,
	  NULL, PATTERN_SHUTDOWN_LOCK, "extension", "medium", PATTERN_OTHER },

	{ "the main thread's assertion", CRASH_KIND_SIGNAL, SIGABRT,
	  "abort @" LIBC "\n__assert_fail @" LIBC "\n__libc_start_main @" LIBC "\n",
	  "Python/pystate.c:3: unbind_gilstate_tstate: Assertion `autoTSSkey' failed\n", NULL,
	  PATTERN_FINALIZATION_TOCTOU, "cpython", "medium", PATTERN_OTHER },
	{ "the same of a thread unknown", CRASH_KIND_SIGNAL, SIGABRT, NULL,
	  "Python/pystate.c:3: unbind_gilstate_tstate: Assertion `autoTSSkey' failed\n", NULL,
	  PATTERN_FINALIZATION_TOCTOU, "interaction", "medium", PATTERN_OTHER },
	{ "static objects of a taint engine", CRASH_KIND_SIGNAL, SIGSEGV,
	  "TaintEngineContext::get(_object*) @" EXTENSION "\n", NULL, NULL,
	  PATTERN_FINALIZATION_TOCTOU, "extension", "low", PATTERN_OTHER },
	{ "of another engine", CRASH_KIND_SIGNAL, SIGSEGV,
	  "SearchEngine::get(_object*) @" EXTENSION "\n", NULL, NULL, PATTERN_OTHER, "extension",
	  "low", PATTERN_OTHER },

	{ "a Python error nobody caught", CRASH_KIND_SIGNAL, SIGABRT, NULL,
	  "terminate called after throwing an instance of 'pybind11::error_already_set'\n", NULL,
	  PATTERN_FFI_UNWIND, NULL, "medium", PATTERN_OTHER },
	{ "another exception nobody caught", CRASH_KIND_SIGNAL, SIGABRT, NULL,
	  "terminate called after throwing an instance of 'std::bad_alloc'\n", NULL, PATTERN_OTHER,
	  NULL, NULL, PATTERN_OTHER },
	{ "a panic that comes to C", CRASH_KIND_SIGNAL, SIGABRT, NULL,
	  "panic in a function that cannot unwind\n", NULL, PATTERN_FFI_UNWIND, NULL, "medium",
	  PATTERN_OTHER },
	{ "a forced unwinding that nobody gave a signal for", CRASH_KIND_LOOK, 0,
	  "std::terminate() @" LIBSTDCXX "\n_Unwind_ForcedUnwind @" LIBGCC "\nwork @" EXTENSION "\n",
	  NULL, NULL, PATTERN_FFI_UNWIND, "interaction", "high", PATTERN_OTHER },
	{ "terminate() called by a thread's owner", CRASH_KIND_SIGNAL, SIGABRT,
	  "abort @" LIBC "\nstd::terminate() @" LIBSTDCXX "\nPool::~Pool() @" EXTENSION "\n",
	  "terminate called without an active exception\n", NULL, PATTERN_OTHER, "extension", NULL,
	  PATTERN_OTHER },
	{ "the same message of a stack that is cut there", CRASH_KIND_SIGNAL, SIGABRT,
	  "abort @" LIBC "\nstd::terminate() @" LIBSTDCXX "\n",
	  "terminate called without an active exception\n", NULL, PATTERN_FFI_UNWIND,
	  "interaction", "low", PATTERN_OTHER },
	{ "a terminate handler that ends its thread", CRASH_KIND_LOOK, 0,
	  "_Unwind_ForcedUnwind @" LIBGCC "\nstd::terminate() @" LIBSTDCXX "\nwork @/srv/host\n",
	  NULL, NULL, PATTERN_OTHER, NULL, NULL, PATTERN_OTHER },
	{ "terminate() and no unwinding", CRASH_KIND_LOOK, 0,
	  "std::terminate() @" LIBSTDCXX "\nwork @/srv/server\n", NULL, NULL, PATTERN_OTHER, NULL,
	  NULL, PATTERN_OTHER },
};

static struct crash *use_after(const char *user)
{
	const struct rule_case row = {
		.kind = CRASH_KIND_FINDING, .stack = user, .finding = "heap-use-after-free",
	};
	struct crash *crash = case_crash(&row);

	add_thread(crash, 100, 101, "free\nPyThreadState_Delete @" LIBPYTHON "\n"
				    "Py_FinalizeEx @" LIBPYTHON "\n")->role =
		xstrdup("freed by");
	return crash;
}

static void test_freed_by_finalization(void)
{
	struct triage *t = classify(use_after("drop_gil @" LIBPYTHON "\nwork @" EXTENSION "\n"));

	CHECK_PATTERN(t, PATTERN_FINALIZATION_TOCTOU, "use of what finalization has freed");
	CHECK(also(t, PATTERN_USE_AFTER_FREE), "and use-after-free");
	triage_free(t);
	t = classify(use_after("dict_next @" LIBPYTHON "\nPy_FinalizeEx @" LIBPYTHON "\n"));
	CHECK_PATTERN(t, PATTERN_USE_AFTER_FREE, "by finalization itself it is a plain bug");
	triage_free(t);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check_case(&cases[i]);
	test_freed_by_finalization();
	return tap_done();
}
