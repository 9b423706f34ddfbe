/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose fault it is: by who stands beside a frame, by what was said, by where Python code lies.
 * Each with one beside it that is nearly the same. All names of projects are made up.
 */
#include "tests/unit/pattern-cases.h"

#define JEMALLOC "je_arena_lock\nje_arena_prefork\n"
#define STREAM "could not acquire lock for <_io.BufferedWriter name='<stdout>'> at interpreter " \
	       "shutdown, possibly due to daemon threads\n"
#define FORKED "crashed on child side of fork pre-exec\n"
#define GIL "Fatal Python error: _PyInterpreterState_GET: the function must be called with the " \
	    "GIL held, but the GIL is released\n"
#define RUN "%run =/usr/lib/python3.13/threading.py:992\n" \
	    "%_bootstrap =/usr/lib/python3.13/threading.py:1012\n"
#define OVERRUN "ERROR: AddressSanitizer: heap-buffer-overflow\n" \
		"SUMMARY: AddressSanitizer: heap-buffer-overflow "
#define OUTER "Py_RunMain @" LIBPYTHON "\nPy_BytesMain @" LIBPYTHON "\n"

/* Of a pattern_case; in the place of the rule stands the attribution that is wanted. */
#define SIGNAL(wanted, what, signo, stack, other, message) \
	{ wanted, what, true, CRASH_KIND_SIGNAL, signo, stack, other, message, NULL, NULL }
#define LOOK(wanted, what, stack) \
	{ wanted, what, true, CRASH_KIND_LOOK, 0, stack, NULL, NULL, NULL, NULL }
#define FINDING(wanted, what, stack, message) \
	{ wanted, what, true, CRASH_KIND_FINDING, 0, stack, NULL, message, \
	  "heap-buffer-overflow", NULL }

static const struct pattern_case cases[] = {
	/* A library that calls Python itself is native Python code; one beneath is a library. */
	SIGNAL("extension", "a library that calls CPython", SIGSEGV,
	       "PyImport_Import @" LIBPYTHON "\nload @" ENGINE "\n" EVAL, NULL, NULL),
	SIGNAL("third-party", "one that an extension calls", SIGSEGV,
	       "load @" ENGINE "\ndecode @" CODEC "\n" EVAL, NULL, NULL),
	SIGNAL("extension", "its own inner function", SIGSEGV,
	       "scan @" ENGINE "\nPyImport_Import @" LIBPYTHON "\nload @" ENGINE "\n" EVAL, NULL,
	       NULL),

	/* A library's plug-in, and what only looks like one. */
	SIGNAL("third-party", "a module that a library calls, without Python", SIGSEGV,
	       "? @breeze.so\ndraw @breeze.so\nshow @libQt5Widgets.so.5\n", NULL, NULL),
	SIGNAL("extension", "a module that nobody is seen to call", SIGSEGV,
	       "? @breeze.so\ndraw @breeze.so\n", NULL, NULL),
	SIGNAL("extension", "a Python module that a library calls back", SIGSEGV,
	       "draw @_draw.abi3.so\nshow @libQt5Widgets.so.5\n", NULL, NULL),
	SIGNAL("extension", "a module that Python called first", SIGSEGV,
	       "draw @breeze.so\nshow @libQt5Widgets.so.5\n" EVAL, NULL, NULL),

	/* An allocator's at-fork handler is its own; what an extension frees in one is not. */
	LOOK("third-party", "an allocator's at-fork handler",
	     "__lll_lock_wait @" LIBC "\n" JEMALLOC "fork @" LIBC "\nspawn @" FEED "\n"),
	LOOK("extension", "an extension's, which calls an allocator",
	     "__lll_lock_wait @" LIBC "\n" JEMALLOC "reset @" FEED "\nfork @" LIBC "\n"),
	LOOK("third-party", "an allocator's inner functions, by their sources",
	     "SpinLock::Wait =src/base/spin.cc:8\ntcmalloc::LockAll =src/static_vars.cc:58\n"
	     "fork @" LIBC "\nmain =srv.cc:1\n"),
	LOOK("extension", "functions of another's sources that it calls",
	     "Probe::Wait =probe/probe.cc:8\ntcmalloc::LockAll =src/static_vars.cc:58\n"
	     "fork @" LIBC "\nmain =srv.cc:1\n"),

	/* CPython's by the name alone. */
	SIGNAL("extension", "a name like CPython's, of another's source", SIGSEGV,
	       "PyTable_Fill =imgkit/src/table.c:3\n", NULL, NULL),
	SIGNAL("cpython", "the same of CPython's", SIGSEGV,
	       "PyTable_Fill =/usr/src/python3.13/Objects/table.c:3\n", NULL, NULL),
	SIGNAL("cpython", "a library that stands where a source does", SIGSEGV,
	       "PyTable_Fill =/usr/lib/libpython3.13.so.1.0\n", NULL, NULL),

	/* Who ends the interpreter embeds it. */
	SIGNAL("application", "a plug-in that ends the interpreter", SIGABRT,
	       ABORT "Py_FinalizeEx @" LIBPYTHON "\nunload =plugins/script.c:3\n", NULL, NULL),
	SIGNAL("extension", "an extension's object, freed at the end", SIGSEGV,
	       "drop @" FEED "\n_Py_Dealloc @" LIBPYTHON "\nPy_FinalizeEx @" LIBPYTHON
	       "\nunload =plugins/script.c:3\n", NULL, NULL),

	/* Python code itself cannot crash. */
	SIGNAL("extension", "a module that is being loaded", SIGSEGV,
	       "%create_module =<frozen importlib._bootstrap_external>:1289\n", NULL, NULL),
	SIGNAL("cpython", "a module that is being looked for", SIGSEGV,
	       "%find_spec =<frozen importlib._bootstrap_external>:1528\n", NULL, NULL),
	SIGNAL("extension", "a program's line, with extensions loaded", SIGSEGV,
	       "%go =/srv/app/main.py:3\n", NULL, "Extension modules: imgkit._codec (total: 1)\n"),
	SIGNAL("extension", "the same with none that are told", SIGSEGV,
	       "%go =/srv/app/main.py:3\n", NULL, NULL),
	SIGNAL("application", "a program that calls itself", SIGABRT,
	       "%go =/srv/app/main.py:3\n", NULL, "Extension modules: imgkit._codec (total: 1)\n"
	       "Fatal Python error: Cannot recover from stack overflow.\n"),

	/* Who had the stream. */
	SIGNAL("application", "a program's thread at shutdown", SIGABRT, "%flush =x.py:1\n",
	       "%report =/srv/app/main.py:3\n" RUN, STREAM),
	SIGNAL("third-party", "a package's", SIGABRT, "%flush =x.py:1\n",
	       "%send =" SITE "meter/send.py:3\n" RUN, STREAM),
	SIGNAL("interaction", "one that shows no code of its own", SIGABRT, "%flush =x.py:1\n",
	       RUN, STREAM),

	SIGNAL("application", "a CPython that nobody initialised", SIGABRT, NULL, NULL,
	       GIL "Python runtime state: unknown\n"),
	SIGNAL("extension", "one that runs", SIGABRT, NULL, NULL,
	       GIL "Python runtime state: initialized\n"),
	SIGNAL("extension", "a state that was lost while Python ends", SIGABRT, NULL, NULL,
	       "PyGILState_Release: thread state 0x7f01 must be current when releasing\n"
	       "Python runtime state: finalizing (tstate=0x7f)\n"),
	SIGNAL("interaction", "another word while Python ends", SIGABRT, NULL, NULL,
	       "Python runtime state: finalizing (tstate=0x7f)\n"),
	SIGNAL("interaction", "a library that blames its client", SIGILL, NULL, NULL,
	       "BUG IN CLIENT OF LIBDISPATCH: called from the wrong thread\n" FORKED),
	SIGNAL("third-party", "one that does not", SIGILL, NULL, NULL, FORKED),

	/* A sanitizer's last line, where the stack above is cut. */
	FINDING("extension", "a source of an extension's", OUTER,
		OVERRUN "/build/imgkit/fill.cc:1050 in imgkit::fill(int)\n"),
	FINDING("third-party", "a library", OUTER, OVERRUN "(" ENGINE "+0x1234) in fill\n"),
	FINDING("cpython", "CPython", OUTER, OVERRUN "/src/Objects/listobject.c:3 in list_fill\n"),
	FINDING("cpython", "no such line", OUTER,
		"SUMMARY: AddressSanitizer: heap-buffer-overflow\n"),
};

static void check_party(const struct pattern_case *row)
{
	struct triage *triage = classify(pattern_crash(row));

	CHECK_STR(attribution_name(triage->attribution), row->rule, "%s: %s", row->what, row->rule);
	triage_free(triage);
}

int main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		check_party(&cases[i]);
	return tap_done();
}
