/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose fault it is where names, modules and words must do: programs and libraries without a
 * suffix, programs' own handlers of signals, stacks that show nobody's code. Each with one beside
 * it that is nearly the same. All names of projects are made up.
 */
#include "tests/unit/pattern-cases.h"

#define ABORTED "__pthread_kill_implementation @" LIBC "\n" ABORT
#define PYTHON3 "/usr/bin/python3.13"
#define NTDLL "NtWaitForSingleObject @ntdll\n"
#define CALLED "PyObject_Call @python313\n"
#define WAITS "futex_wait @" LIBC "\n"

/* Of a pattern_case; in the place of the rule stands the attribution that is wanted. */
#define SIGNAL(wanted, what, signo, stack, message) \
	{ wanted, what, true, CRASH_KIND_SIGNAL, signo, stack, NULL, message, NULL, NULL }
#define LOOK(wanted, what, stack, other) \
	{ wanted, what, true, CRASH_KIND_LOOK, 0, stack, other, NULL, NULL, NULL }

static const struct pattern_case cases[] = {
	/* Modules without a suffix: one of them may be the program. */
	SIGNAL("third-party", "Windows' library beneath a module", SIGSEGV,
	       "fill @blastlib\nPyArray_Fill @_codec_win\n" CALLED, NULL),
	SIGNAL("extension", "a module that Windows' Python called", SIGSEGV,
	       "fill @codec\n" CALLED NTDLL, NULL),
	SIGNAL("application", "Windows' program by its start", SIGSEGV,
	       "fill @editor\n" CALLED "main @editor\n" NTDLL, NULL),
	SIGNAL("extension", "macOS' module that Python called", SIGSEGV,
	       "fill @codec\n_PyEval_EvalFrameDefault @Python\n", NULL),
	SIGNAL("application", "macOS' program that called Python", SIGSEGV,
	       "fill @Editor\n_PyEval_EvalFrameDefault @Python\nrun @Editor\n", NULL),
	SIGNAL("third-party", "macOS' library in another program", SIGSEGV,
	       "fill @Blast\nrun @Editor\n", NULL),
	SIGNAL("application", "Linux' program", SIGSEGV,
	       "fill @editord\n" EVAL, NULL),

	/* A path that was cut. */
	SIGNAL("extension", "a cut path beside CPython", SIGSEGV,
	       "PyErr_Fetch\ntranslate @/opt/engine/.[...]\n", NULL),
	SIGNAL("application", "a whole one", SIGSEGV,
	       "PyErr_Fetch\ntranslate @/opt/engine/editord\n", NULL),
	SIGNAL("third-party", "a cut path of a well-known library's function", SIGSEGV,
	       "H5T_get_size @/opt/engine/en...\n", NULL),

	/* What tells of a crash has no part in it. */
	SIGNAL("extension", "a program's own handler above a module", SIGSEGV,
	       "print_trace @engined\non_fatal_error_handler @engined\n? @" LIBC "\ndecode @" CODEC
	       "\n" EVAL "run @engined\n", NULL),
	SIGNAL("application", "the program's own function in the same place", SIGSEGV,
	       "print_trace @engined\non_idle @engined\n? @" LIBC "\ndecode @" CODEC
	       "\n" EVAL "run @engined\n", NULL),
	SIGNAL("application", "a handler that is called by the program", SIGSEGV,
	       "set_fatal_handler @engined\nrun @engined\nPy_RunMain @" LIBPYTHON "\n", NULL),

	/* Nothing of Python's. */
	SIGNAL("third-party", "a program without Python", SIGSEGV,
	       "scan =/src/tool/scan.c:3\nmain =/src/tool/main.c:9\n", NULL),
	SIGNAL("extension", "the same with Python on its stack", SIGSEGV,
	       "scan =/src/tool/scan.c:3\nPyObject_Call\nmain =/src/tool/main.c:9\n", NULL),
	SIGNAL("extension", "an excerpt that does not reach the start", SIGSEGV,
	       "scan =/src/tool/scan.c:3\nwalk =/src/tool/scan.c:9\n", NULL),
	LOOK("extension", "a program with Python in another thread",
	     "scan =/src/tool/scan.c:3\nmain =/src/tool/main.c:9\n", EVAL),
	SIGNAL("third-party", "another interpreter", SIGSEGV,
	       "PyPyList_New\nlist_of =/src/feed/list.rs:8\n", NULL),

	/* Names that begin as CPython's do. */
	SIGNAL("extension", "a function that is called as an extension's may be", SIGSEGV,
	       "PyImgKit_Fill =tree.c:3\n", NULL),
	SIGNAL("extension", "the same with nothing beside it", SIGSEGV, "PyImgKit_Fill\n", NULL),
	SIGNAL("cpython", "one of CPython's", SIGSEGV, "PyUnicode_Fill =tree.c:3\n", NULL),
	SIGNAL("cpython", "any that is CPython's by its module", SIGSEGV,
	       "PyImgKit_Fill @" LIBPYTHON "\n", NULL),

	/* Two copies of the C++ runtime. */
	SIGNAL("interaction", "a module's copy sets up what another has", SIGABRT,
	       ABORTED "free @" LIBC "\nstd::locale::_S_initialize_once() @" CODEC "\n" EVAL, NULL),
	SIGNAL("extension", "a module's own container", SIGABRT,
	       ABORTED "free @" LIBC "\nstd::vector<int>::~vector() @" CODEC "\n" EVAL, NULL),

	/* A toolkit that gives up. */
	SIGNAL("application", "Qt's refusal of what Python does", SIGABRT,
	       ABORTED "QMessageLogger::fatal(char const*, ...) const @QtCore\n"
	       "QTimer::~QTimer() @QtCore\nsipQTimer::~sipQTimer() @QtCore.abi3.so\n" EVAL, NULL),
	SIGNAL("third-party", "Qt's crash there", SIGSEGV,
	       "QTimer::~QTimer() @QtCore\nsipQTimer::~sipQTimer() @QtCore.abi3.so\n" EVAL, NULL),

	SIGNAL("third-party", "a wheel's copy of Qt", SIGSEGV,
	       "? @" SITE "imgkit/libs/libQt5Core.so.5\n" EVAL, NULL),
	SIGNAL("extension", "a wheel's library of its own", SIGSEGV,
	       "? @" SITE "imgkit/libs/libImgCore.so.5\n" EVAL, NULL),
	SIGNAL("extension", "what only names of modules tell of a package", SIGSEGV,
	       "? @libtorch_cpu.so\n", NULL),
	SIGNAL("third-party", "of a library", SIGSEGV, "? @libimg_cpu.so\n", NULL),
	SIGNAL("third-party", "a driver's part", SIGSEGV,
	       "? @/usr/lib/dri/iris_dri.so\n" EVAL, NULL),

	/* A heap that is damaged. */
	SIGNAL("extension", "the allocator's crash beneath CPython", SIGSEGV,
	       "_int_malloc =malloc.c:3489\nmalloc =malloc.c:2891\n"
	       "dict_resize =../Objects/dictobject.c:643\n", NULL),
	SIGNAL("cpython", "CPython's own crash", SIGSEGV,
	       "dict_resize =../Objects/dictobject.c:643\n", NULL),

	/* Nobody's code. */
	SIGNAL("third-party", "an exception that no binding stopped", SIGABRT, ABORTED,
	       "terminate called after throwing an instance of 'blast::Error'\n"),
	SIGNAL("extension", "an abort, and nothing more", SIGABRT, ABORTED, NULL),
	SIGNAL("extension", "a panic of a task's", SIGABRT, NULL,
	       "thread 'blast-worker' panicked at library/std/src/thread.rs:9:5:\nno thread\n"),
	LOOK("third-party", "a wait in the unwinder",
	     "__lll_lock_wait @" LIBC "\n_Unwind_Find_FDE @" LIBGCC "\n_Unwind_Backtrace @" LIBGCC
	     "\n", NULL),
	LOOK("unknown", "a wait in libc", WAITS, NULL),
	SIGNAL("extension", "a handler's report, cut after the signal", SIGSEGV,
	       "engine_backtrace @uwsgi\nuwsgi_segfault @uwsgi\n? @" LIBC "\n", NULL),
	LOOK("extension", "a function that no table has", "blast_poll\n", NULL),
	LOOK("third-party", "a package that waits",
	     "%wait =threading.py:3\n%get =blast/feed/pull.py:8\n%main =run.py:1\n", NULL),
	LOOK("application", "a program that waits, in a package's hands",
	     "%wait =/usr/lib64/python3.13/threading.py:3\n%main =/srv/app/run.py:1\n"
	     "%serve =" SITE "blast/serve.py:1\n", NULL),
	SIGNAL("third-party", "Rust's stack used up", SIGABRT, NULL,
	       "thread 'blast' has overflowed its stack\nfatal runtime error: stack overflow\n"),
	SIGNAL("application", "Python's", SIGABRT, NULL,
	       "Fatal Python error: Cannot recover from stack overflow.\n"),
	SIGNAL("extension", "a thread's state that was lost at the end", SIGABRT, NULL,
	       "Fatal Python error: PyGILState_Release: auto-releasing thread-state, but no "
	       "thread-state for this thread\nPython runtime state: finalizing (tstate=0x7f)\n"),
};

/* More frames than CPython allows itself are whose it calls. */
static void test_depth(void)
{
	struct crash *crash = case_crash(&(struct rule_case){
		.kind = CRASH_KIND_SIGNAL, .signo = SIGSEGV,
		.stack = "PyEval_EvalFrameEx =../Python/ceval.c:30\n" });
	struct triage *triage;

	crash->threads[0].left_out = 149702;
	triage = classify(crash);
	CHECK_STR(attribution_name(triage->attribution), "extension",
		  "a recursion of 149702 calls");
	triage_free(triage);
}

/* What is no more than likely is said to be that. */
static void test_likeliest(void)
{
	const struct pattern_case seen = SIGNAL("", "", SIGSEGV, "fill @" CODEC "\n", NULL);
	const struct pattern_case unseen = SIGNAL("", "", SIGABRT, ABORTED, NULL);
	struct triage *code = classify(pattern_crash(&seen));
	struct triage *none = classify(pattern_crash(&unseen));

	CHECK(!code->likeliest, "a frame of an extension's is seen");
	CHECK(none->likeliest && none->confidence == CONFIDENCE_LOW, "an abort alone shows nobody");
	triage_free(code);
	triage_free(none);
}

static void check_culprit(const struct pattern_case *row)
{
	struct triage *triage = classify(pattern_crash(row));

	CHECK_STR(attribution_name(triage->attribution), row->rule, "%s: %s", row->what, row->rule);
	triage_free(triage);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check_culprit(&cases[i]);
	test_depth();
	test_likeliest();
	return tap_done();
}
