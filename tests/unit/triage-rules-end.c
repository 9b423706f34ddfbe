/* SPDX-License-Identifier: Apache-2.0 */
/* Each rule of finalization-toctou and ffi-unwind: what it sees, and what it does not. */
#include "tests/unit/pattern-cases.h"

#define ENSURE "PyGILState_Ensure @" LIBPYTHON "\n"
#define NOTIFY "Feed::notify @" FEED "\n" THREAD
#define PY_END "Py_FinalizeEx @" LIBPYTHON "\nPy_RunMain @" LIBPYTHON "\n"
#define NOT_RETHROWN "FATAL: exception not rethrown\n"
#define NO_EXCEPTION "terminate called without an active exception\n"

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

/* The thread that is waited for is held by CPython. */
static void owner_parked(struct crash *crash)
{
	wait_set(&crash->threads[0], "thread join", 101, 0);
	crash->threads[1].wait.what = xstrdup("for ever, by CPython's design");
}

static void owner_at_work(struct crash *crash)
{
	wait_set(&crash->threads[0], "thread join", 101, 0);
}

static void freed_at_end(struct crash *crash)
{
	crash->threads[1].role = xstrdup("freed by");
}

static void map_python(struct crash *crash)
{
	crash->maps = xstrdup("7f00-7f01 r-xp 0 0:0 1 /usr/lib/libpython3.12.so.1.0\n");
}

static void be_child(struct crash *crash)
{
	crash->in_child = true;
	map_python(crash);
}

static const struct pattern_case cases[] = {
	{ "attach-crash", "a native thread's Ensure near NULL", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "new_threadstate @" LIBPYTHON "\n" ENSURE NOTIFY, NULL, NULL, NULL, near_null },
	{ "attach-crash", "a callback that runs within Python", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  ENSURE "Feed::notify @" FEED "\n" EVAL, NULL, NULL, NULL, near_null },
	{ "attach-crash", "a thread that lets go of what it does not have", false,
	  CRASH_KIND_SIGNAL, SIGSEGV, "PyEval_SaveThread @" LIBPYTHON "\n" NOTIFY, NULL, NULL, NULL,
	  near_null },
	{ "attach-neighbour", "nearest names of attach calls", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "~PyThreadState_Delete @" LIBPYTHON "\n" NOTIFY, NULL, NULL, NULL, garbage },
	{ "attach-neighbour", "nearest names of others", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "~PyUnicode_Find @" LIBPYTHON "\n" NOTIFY, NULL, NULL, NULL, garbage },
	{ "attach-stack", "a core's stack with no signal told", true, CRASH_KIND_LOOK, 0,
	  ENSURE NOTIFY, NULL, NULL, NULL, NULL },
	{ "attach-stack", "a thread that waits for the GIL", false, CRASH_KIND_LOOK, 0,
	  "pthread_cond_timedwait @" LIBC "\ntake_gil @" LIBPYTHON "\n" ENSURE NOTIFY, NULL, NULL,
	  NULL, NULL },
	{ "attach-stack", "a thread that lets go of the GIL", false, CRASH_KIND_LOOK, 0,
	  "PyEval_SaveThread @" LIBPYTHON "\n" NOTIFY, NULL, NULL, NULL, NULL },
	{ "attach-stack", "3.15, where this is safe", false, CRASH_KIND_LOOK, 0,
	  "PyGILState_Ensure @" LIBPY15 "\n" NOTIFY, NULL, NULL, NULL, NULL },
	{ "attach-stack", "a caller whose name is cut", true, CRASH_KIND_LOOK, 0,
	  ENSURE "FeedReader[...]\n", NULL, NULL, NULL, NULL },
	{ "forgotten", "a callback in a thread that runs Python code", true, CRASH_KIND_SIGNAL,
	  SIGSEGV, "new_threadstate @" LIBPYTHON "\n" ENSURE "Feed::notify @" FEED "\n" EVAL, NULL,
	  NULL, NULL, NULL },
	{ "forgotten", "one that has its state", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  ENSURE "Feed::notify @" FEED "\n" EVAL, NULL, NULL, NULL, NULL },
	{ "forgotten", "a thread that runs no Python code", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "new_threadstate @" LIBPYTHON "\n" ENSURE NOTIFY, NULL, NULL, NULL, NULL },
	{ "late-use", "a worker in its own code while the main thread exits", true,
	  CRASH_KIND_SIGNAL, SIGSEGV, NOTIFY, "munmap @" LIBC "\n_dl_fini @" LIBC "\nexit @" LIBC
	  "\n", NULL, NULL, NULL },
	{ "own-destructor", "a static object of a module", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "Feed::~Feed @" FEED "\n__cxa_finalize @" LIBC "\nexit @" LIBC "\n", NULL, NULL, NULL,
	  NULL },
	{ "own-destructor", "one of a library that is unloaded", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "Feed::~Feed @" FEED "\n__cxa_finalize @" LIBC "\n_dl_close_worker @" LIBC "\n"
	  "dlclose @" LIBC "\n" EVAL, NULL, NULL, NULL, NULL },
	{ "own-destructor", "one of a program without Python", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "Cache::~Cache @" SERVER "\n__cxa_finalize @" LIBC "\nexit @" LIBC "\n", NULL, NULL,
	  NULL, NULL },
	{ "own-destructor", "a destructor in the midst of a program", false, CRASH_KIND_SIGNAL,
	  SIGSEGV, "Feed::~Feed @" FEED "\n" EVAL, NULL, NULL, NULL, NULL },
	{ "python-end", "a finalizer that faults", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "%drop =" PACKAGE "feed/pool.py:3\n%_exitfunc =" PY "weakref.py:624\n", NULL, NULL, NULL,
	  NULL },
	{ "python-end", "the same function of somebody's own", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "%_exitfunc =/srv/feed.py:3\n", NULL, NULL, NULL, NULL },
	{ "exit-hook", "a module that a server calls as it ends", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "flush @" FEED "\nPyObject_Call @" LIBPYTHON "\nengine_plugins_atexit @" SERVER "\n",
	  NULL, NULL, NULL, NULL },
	{ "exit-hook", "the same while it works", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "flush @" FEED "\nPyObject_Call @" LIBPYTHON "\nengine_request @" SERVER "\n", NULL,
	  NULL, NULL, NULL },
	{ "late-use", "a worker while the main thread exits", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "PyDict_GetItem @" LIBPYTHON "\n" NOTIFY, "munmap @" LIBC "\n_dl_fini @" LIBC "\nexit @"
	  LIBC "\n", NULL, NULL, NULL },
	{ "late-use", "a worker while the main thread works", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "PyDict_GetItem @" LIBPYTHON "\n" NOTIFY, "poll @" LIBC "\n" EVAL, NULL, NULL, NULL },
	{ "dead-state-message", "an assertion of a debug build", true, CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT NOTIFY, NULL, "PyGILState_Ensure: Assertion `tstate_is_alive(tcur)' failed.\n",
	  NULL, NULL },
	{ "dead-state-message", "another assertion", false, CRASH_KIND_SIGNAL, SIGABRT, ABORT
	  NOTIFY, NULL, "dict_merge: Assertion `PyDict_Check(a)' failed.\n", NULL, NULL },
	{ "shutdown-io", "a stream at shutdown", true, CRASH_KIND_SIGNAL, SIGABRT, NULL, NULL,
	  "Fatal Python error: _enter_buffered_busy: could not acquire lock for "
	  "<_io.BufferedWriter name='<stdout>'> at interpreter shutdown\n", NULL, NULL },
	{ "shutdown-io", "a reentrant call", false, CRASH_KIND_SIGNAL, SIGABRT, NULL, NULL,
	  "RuntimeError: reentrant call inside <_io.BufferedWriter name='<stdout>'>\n", NULL, NULL
	  },
	{ "finalizer-crash", "the clearing of thread states", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "tstate_delete_common @" LIBPYTHON "\n_PyThreadState_DeleteList @" LIBPYTHON "\n" PY_END,
	  NULL, NULL, NULL, NULL },
	{ "finalizer-crash", "a destructor, while a thread comes for the GIL", true,
	  CRASH_KIND_SIGNAL, SIGSEGV, "Feed::stop @" FEED "\nsubtype_dealloc @" LIBPYTHON "\n"
	  PY_END, "take_gil @" LIBPYTHON "\n" ENSURE NOTIFY, NULL, NULL, NULL },
	{ "finalizer-crash", "a heap that was damaged before", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "_int_free @" LIBC "\nfree @" LIBC "\ndict_dealloc @" LIBPYTHON "\n" PY_END, NULL, NULL,
	  NULL, NULL },
	{ "not-initialized", "PyO3's word in a worker", true, CRASH_KIND_FINDING, 0, NULL, NULL,
	  "thread 'pool-3' panicked at pyo3-0.27.1/src/internal/state.rs:9:9:\n"
	  "The Python interpreter is not initialized and the `auto-initialize` feature is not "
	  "enabled.\n", "panic", NULL },
	{ "not-initialized", "the same in a program that never made one", false, CRASH_KIND_FINDING,
	  0, NULL, NULL, "thread 'main' panicked at pyo3-0.27.1/src/internal/state.rs:9:9:\n"
	  "The Python interpreter is not initialized and the `auto-initialize` feature is not "
	  "enabled.\n", "panic", NULL },
	{ "join-of-parked", "a join of a thread that is held", true, CRASH_KIND_HANG, 0,
	  "pthread_join @" LIBC "\nFeed::stop @" FEED "\n", "pause @" LIBC "\n", NULL, NULL,
	  owner_parked },
	{ "join-of-parked", "a join of a thread at work", false, CRASH_KIND_HANG, 0,
	  "pthread_join @" LIBC "\nFeed::stop @" FEED "\n", "read @" LIBC "\n", NULL, NULL,
	  owner_at_work },
	{ "race", "a race with the end of the runtime", true, CRASH_KIND_FINDING, 0,
	  "Feed::notify @" FEED "\n", "free\n_PyRuntimeState_Fini @" LIBPYTHON "\n", NULL,
	  "data race", NULL },
	{ "race", "a race of two workers", false, CRASH_KIND_FINDING, 0, "Feed::notify @" FEED "\n",
	  "Feed::add @" FEED "\n", NULL, "data race", NULL },
	{ "freed-by-finalization", "a state that finalization freed", true, CRASH_KIND_FINDING, 0,
	  "drop_gil @" LIBPYTHON "\n" NOTIFY, "free\nPyInterpreterState_Delete @" LIBPYTHON "\n",
	  NULL, "heap-use-after-free", freed_at_end },
	{ "freed-by-finalization", "one that a worker freed", false, CRASH_KIND_FINDING, 0,
	  "drop_gil @" LIBPYTHON "\n" NOTIFY, "free\nFeed::drop @" FEED "\n", NULL,
	  "heap-use-after-free", freed_at_end },
	{ "finalizing", "CPython's word", true, CRASH_KIND_SIGNAL, SIGSEGV, "decode @" CODEC "\n",
	  NULL, "Python runtime state: finalizing (tstate=0x7f)\n", NULL, NULL },
	{ "finalizing", "its word that it runs", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "decode @" CODEC "\n", NULL, "Python runtime state: initialized\n", NULL, NULL },
	{ "finalizing", "an interpreter that was left over", false, CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT PY_END, NULL, "PyInterpreterState_Delete: remaining subinterpreters\n", NULL,
	  NULL },
	{ "destructor", "a static object that drops a reference", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "_Py_Dealloc @" LIBPYTHON "\nCodecs::~Codecs() @" CODEC "\n__cxa_finalize @" LIBC
	  "\n_dl_fini @" LIBC "\n", NULL, NULL, NULL, NULL },
	{ "destructor", "an inlined Py_DECREF in an engine that embeds Python", true,
	  CRASH_KIND_SIGNAL, SIGSEGV, "Py_DECREF\nScripts::~Scripts() @" SERVER
	  "\n__run_exit_handlers @" LIBC "\nexit @" LIBC "\n", NULL, NULL, NULL, NULL },
	{ "destructor", "a static object without Python", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "free @" LIBC "\nCodecs::~Codecs() @" CODEC "\n__cxa_finalize @" LIBC "\n", NULL, NULL,
	  NULL, NULL },
	{ "forced-switch", "a switch that nobody takes", true, CRASH_KIND_LOOK, 0,
	  "pthread_cond_wait @" LIBC "\ndrop_gil @" LIBPYTHON "\nPyEval_SaveThread @" LIBPYTHON
	  "\n", NULL, NULL, NULL, NULL },
	{ "forced-switch", "the same in a forked child", false, CRASH_KIND_LOOK, 0,
	  "pthread_cond_wait @" LIBC "\ndrop_gil @" LIBPYTHON "\n%spawn_worker =" PACKAGE
	  "gunicorn/arbiter.py:605\n", NULL, NULL, NULL, NULL },
	{ "parked", "another thread that CPython holds", true, CRASH_KIND_LOOK, 0,
	  "pthread_join @" LIBC "\nFeed::stop @" FEED "\n", "pause @" LIBC
	  "\nPyEval_RestoreThread @" LIBPYTHON "\n" NOTIFY, NULL, NULL, NULL },
	{ "parked", "a thread that pauses by itself", false, CRASH_KIND_LOOK, 0,
	  "pause @" LIBC "\nFeed::idle @" FEED "\n" THREAD, NULL, NULL, NULL, NULL },
	{ "own-bookkeeping", "the main thread's assertion", true, CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT "zapthreads @" LIBPYTHON "\n__libc_start_main @" LIBC "\n", NULL,
	  "Assertion `tstate->_status.initialized && !tstate->_status.cleared' failed.\n", NULL,
	  NULL },
	{ "own-bookkeeping", "one with somebody's own code", false, CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT "zapthreads @" LIBPYTHON "\nscript_end @" SERVER "\n__libc_start_main @" LIBC "\n",
	  NULL, "Assertion `tstate->_status.initialized && !tstate->_status.cleared' failed.\n",
	  NULL, NULL },
	{ "known-static", "MLIR's stack of contexts", true, CRASH_KIND_SIGNAL, SIGSEGV,
	  "mlir::python::PyThreadContextEntry::getContext() @" FEED "\n", NULL, NULL, NULL, NULL },
	{ "known-static", "another context", false, CRASH_KIND_SIGNAL, SIGSEGV,
	  "feed::ThreadContext::getContext() @" FEED "\n", NULL, NULL, NULL, NULL },
	{ "swallowed-with-python", "an unwinding, with Python in the process", true,
	  CRASH_KIND_SIGNAL, SIGABRT, ABORT NOTIFY, NULL, NOT_RETHROWN, NULL, map_python },
	{ "swallowed-with-python", "the same in a forked child", false, CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT NOTIFY, NULL, NOT_RETHROWN, NULL, be_child },

	{ "forced-unwind", "the C++ runtime's last words", true, CRASH_KIND_SIGNAL, SIGABRT, ABORT,
	  NULL, NO_EXCEPTION, NULL, NULL },
	{ "forced-unwind", "a destructor of a thread that nobody joined", false, CRASH_KIND_SIGNAL,
	  SIGABRT, ABORT "std::terminate() @" LIBSTDCXX "\nPool::~Pool() @" FEED "\n" EVAL, NULL,
	  NO_EXCEPTION, NULL, NULL },
	{ "forced-unwind", "a server with no Python in it", false, CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT "std::terminate() @" LIBSTDCXX "\n" THREAD, "poll @" LIBC "\nmain @" SERVER "\n",
	  NO_EXCEPTION, NULL, NULL },
	{ "fatal-catch", "libc right above a catch clause", true, CRASH_KIND_SIGNAL, SIGABRT,
	  "abort @" LIBC "\n__libc_fatal @" LIBC "\n? @" LIBC "\nFeed::run @" FEED "\n" THREAD,
	  NULL, NULL, NULL, NULL },
	{ "fatal-catch", "libc about its own heap", false, CRASH_KIND_SIGNAL, SIGABRT,
	  "abort @" LIBC "\n__libc_fatal @" LIBC "\nmalloc_printerr @" LIBC "\nfree @" LIBC
	  "\nFeed::run @" FEED "\n" THREAD, NULL, NULL, NULL, NULL },
	{ "uncaught", "nanobind's error", true, CRASH_KIND_SIGNAL, SIGABRT, NULL, NULL,
	  "terminate called after throwing an instance of 'nanobind::python_error'\n", NULL, NULL },
	{ "uncaught", "an exception that leaves a function for Python", true, CRASH_KIND_SIGNAL,
	  SIGABRT, ABORT "std::terminate() @" LIBSTDCXX "\n__cxa_throw @" LIBSTDCXX "\nparse @" FEED
	  "\n" EVAL, NULL, "terminate called after throwing an instance of 'feed::syntax_error'\n",
	  NULL, NULL },
	{ "uncaught", "one of which the stack alone tells", true, CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT "std::terminate() @" LIBSTDCXX "\n__cxa_throw @" LIBSTDCXX "\nparse @" FEED "\n"
	  "PyObject_Call @" LIBPYTHON "\n", NULL, NULL, NULL, NULL },
	{ "uncaught", "one of a thread of its own, by the stack alone", false, CRASH_KIND_SIGNAL,
	  SIGABRT, ABORT "std::terminate() @" LIBSTDCXX "\n__cxa_throw @" LIBSTDCXX "\nparse @" FEED
	  "\n" THREAD, NULL, NULL, NULL, NULL },
	{ "uncaught", "one under Python code, as faulthandler shows it", true, CRASH_KIND_SIGNAL,
	  SIGABRT, "%parse =/srv/feed.py:3\n", NULL,
	  "terminate called after throwing an instance of 'std::length_error'\n", NULL, NULL },
	{ "uncaught", "a library's exception, and no stack", true, CRASH_KIND_SIGNAL, SIGABRT, NULL,
	  NULL, "terminate called after throwing an instance of 'imgkit::bad_header'\n", NULL, NULL
	  },
	{ "uncaught", "one of C++'s own, and no stack", false, CRASH_KIND_SIGNAL, SIGABRT, NULL,
	  NULL, "terminate called after throwing an instance of 'std::length_error'\n", NULL, NULL
	  },
	{ "uncaught", "one of a program's own", false, CRASH_KIND_SIGNAL, SIGABRT,
	  ABORT "std::terminate() @" LIBSTDCXX "\n__cxa_throw @" LIBSTDCXX "\nmain @" SERVER "\n",
	  NULL, "terminate called after throwing an instance of 'std::runtime_error'\n", NULL, NULL
	  },
	{ "unwind-stack", "a forced unwinding, looked at", true, CRASH_KIND_LOOK, 0,
	  "std::terminate() @" LIBSTDCXX "\n_Unwind_ForcedUnwind @" LIBGCC "\npthread_exit @" LIBC
	  "\n" NOTIFY, NULL, NULL, NULL, NULL },
	{ "unwind-stack", "a thread's end that comes through", false, CRASH_KIND_LOOK, 0,
	  "_Unwind_ForcedUnwind @" LIBGCC "\npthread_exit @" LIBC "\n" NOTIFY, NULL, NULL, NULL,
	  NULL },
};

int main(void)
{
	static const enum pattern patterns[] = {
		PATTERN_FINALIZATION_TOCTOU, PATTERN_FFI_UNWIND, PATTERN_OTHER,
	};

	check_patterns(cases, sizeof(cases) / sizeof(*cases), patterns);
	return tap_done();
}
