/* SPDX-License-Identifier: Apache-2.0 */
/* That signatures stay the same where the bug does. */
#include "tests/unit/triage.h"
#include "triage/trace.h"

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

	CHECK_STR(a->signature, "v1 SIGABRT free<lru_clear<fork",
		      "a signature names what tells bugs apart");
	CHECK_STR(b->signature, a->signature, "and is the same with a stripped libc that jumps");
	CHECK_STR(again->signature, b->signature, "and the same each time");
	triage_free(a);
	triage_free(b);
	triage_free(again);
}

/* The signature of one stack, at other addresses each time. */
static char *signature_of(const char *stack)
{
	struct triage *triage = classify(crash_make(SIGSEGV, stack, NULL));
	char *signature = xstrdup(triage->signature);

	triage_free(triage);
	return signature;
}

static void check_same(const char *a, const char *b, const char *what)
{
	char *x = signature_of(a), *y = signature_of(b);

	CHECK_STR(y, x, "%s", what);
	free(x);
	free(y);
}

#define OUTSIDE "handler @" EXTENSION "\n" "fork @" LIBC "\n" "os_fork @" LIBPYTHON "\n"

static void test_suffixes(void)
{
	static const char *const suffixes[] = {
		"drop.cold", "drop.isra.0", "drop.part.0.cold", "drop.constprop.1.isra.0",
		"drop.llvm.1234567", "drop [clone .isra.0]", "drop(int, char const*)",
		"acme::pool<int>::drop(int) const", "acme::drop::h0123456789abcdef",
	};

	for (size_t i = 0; i < sizeof(suffixes) / sizeof(*suffixes); i++) {
		char *stack = xstrfmt("%s @" EXTENSION "\n" OUTSIDE, suffixes[i]);

		check_same("drop @" EXTENSION "\n" OUTSIDE, stack, suffixes[i]);
		free(stack);
	}
}

static void test_recursion(void)
{
	check_same("walk @" EXTENSION "\n" OUTSIDE,
		   "walk @" EXTENSION "\n" "walk.cold @" EXTENSION "\n" "walk @" EXTENSION "\n"
		   OUTSIDE, "a function that calls itself, however deep");
}

/* CPython's own functions that differ between releases and builds, each with what it stands for. */
static void test_releases(void)
{
	static const char *const calls[] = {
		"PyObject_Vectorcall", "_Py_VectorCallInstrumentation_StackRefSteal",
		"_PyObject_MakeTpCall", "_PyObject_Call", "cfunction_vectorcall_NOARGS",
		"_Py_BuiltinCallFast_StackRef",
	};
	char *with, *without = signature_of("sys_current @" LIBPYTHON "\n"
					    "_PyEval_EvalFrameDefault @" LIBPYTHON "\n");

	CHECK_STR(without, "v1 SIGSEGV sys_current", "what Python code called is told");
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		char *stack = xstrfmt("sys_current @" LIBPYTHON "\n" "%s @" LIBPYTHON "\n"
				      "_PyEval_EvalFrameDefault @" LIBPYTHON "\n", calls[i]);

		with = signature_of(stack);
		CHECK_STR(with, without, "and not by way of %s", calls[i]);
		free(with);
		free(stack);
	}
	free(without);
	check_same("PyThreadState_New @" LIBPYTHON "\n" OUTSIDE,
		   "_PyThreadState_NewBound @" LIBPYTHON "\n" OUTSIDE, "an inner name, by a jump");
	check_same("PyThreadState_New @" LIBPYTHON "\n" OUTSIDE,
		   "new_threadstate @" LIBPYTHON "\n" OUTSIDE, "and another one, inlined");
	check_same("take_gil @" LIBPYTHON "\n" "PyEval_RestoreThread @" LIBPYTHON "\n" OUTSIDE,
		   "_PyMutex_LockTimed @" LIBPYTHON "\n" "_PyThreadState_Attach @" LIBPYTHON "\n"
		   "PyEval_RestoreThread @" LIBPYTHON "\n" OUTSIDE, "and how the GIL is taken");
}

/* One stack as several tools print it. */
static void test_tools(void)
{
	static const char gdb[] =
		"Thread 1 (Thread 0x7f0000001000 (LWP 100)):\n"
		"#0  0x00007f0000001111 in drop (p=0x0) from /venv/probe/_probe.so\n"
		"#1  0x00007f0000002222 in handler () from /venv/probe/_probe.so\n"
		"#2  0x00007f0000003333 in fork () from /lib/x86_64-linux-gnu/libc.so.6\n"
		"#3  0x0000555500004444 in spawn () from /venv/probe/_probe.so\n";
	static const char eu_stack[] =
		"PID 100 - process\n" "TID 100:\n"
		"#0  0x00007e9900001111 drop.isra.0 - /opt/probe/_probe.so\n"
		"#1  0x00007e9900002222 handler - /opt/probe/_probe.so\n"
		"#2  0x00007e9900003333 fork - /usr/lib/libc.so.6\n"
		"#3  0x00007e9900004444 spawn - /opt/probe/_probe.so\n";
	static const char raw[] =
		"0x7f6e81c51111 drop\n" "0x7f6e81c52222 handler\n" "0x7f6e81c53333 fork\n"
		"0x7f6e81c54444 spawn\n";
	static const char *const texts[] = { gdb, eu_stack, raw };

	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct traces traces;
		struct triage *triage;

		traces_read(texts[i], strlen(texts[i]), &traces);
		CHECK_INT(traces.n, 1, "a report is found");
		if (!traces.n)
			continue;
		triage = triage_classify(traces.v[0].crash, NULL);
		CHECK_STR(triage->signature, "v1 stacks drop<handler<fork", "and has as %s the "
			  "one signature", trace_format_name(traces.v[0].format));
		triage_free(triage);
		traces_release(&traces);
	}
}

/* Which implementation libc takes is the machine's matter. */
static void test_machines(void)
{
	static const char *const copies[] = {
		"__memcpy_evex_unaligned_erms", "__memmove_avx_unaligned_erms", "__memcpy_ssse3",
		"__memmove_evex512_unaligned_erms", "__memcpy_generic", "memmove",
	};

	for (size_t i = 0; i < sizeof(copies) / sizeof(*copies); i++) {
		char *stack = xstrfmt("%s @" LIBC "\n" "drop @" EXTENSION "\n" OUTSIDE, copies[i]);
		char *bare = xstrfmt("%s\n" "drop\n" OUTSIDE, copies[i]);

		check_same("memcpy @" LIBC "\n" "drop @" EXTENSION "\n" OUTSIDE, stack, copies[i]);
		check_same("memcpy\n" "drop\n" OUTSIDE, bare, "also where no module is told");
		free(stack);
		free(bare);
	}
	check_same("strlen @" LIBC "\n" "drop @" EXTENSION "\n" OUTSIDE,
		   "__strlen_avx2 @" LIBC "\n" "drop @" EXTENSION "\n" OUTSIDE, "strlen, too");
	check_same("memset @" LIBC "\n" "drop @" EXTENSION "\n" OUTSIDE,
		   "__memset_sse2_unaligned @" LIBC "\n" "drop @" EXTENSION "\n" OUTSIDE, "memset");
	check_same("setenv @" LIBC "\n" "drop @" EXTENSION "\n" OUTSIDE,
		   "__strlen_evex @" LIBC "\n" "__add_to_environ @" LIBC "\n" "drop @" EXTENSION "\n"
		   OUTSIDE, "and an inner function that is jumped to");
}

static void check_words(const char *stack, const char *message, const char *wanted)
{
	struct triage *t = classify(crash_make(SIGABRT, stack, message));

	CHECK_STR(t->signature, wanted, "without native frames, %s", wanted);
	triage_free(t);
}

/* Reports without native frames are not all one bug. */
static void test_words(void)
{
	check_words("%load =/srv/app/load.py:3\n%main =/srv/app/main.py:9\n", NULL,
		    "v1 SIGABRT load");
	check_words("%save =/srv/app/load.py:3\n", NULL, "v1 SIGABRT save");
	check_words("%save =/srv/app/load.py:3\n%fork =/srv/app/tree.py:3\n%main =/srv/m.py:9\n",
		    NULL, "v1 SIGABRT save");
	check_words("%save =/srv/app/load.py:3\n",
		    "Fatal Python error: PyThreadState_Get: the function must be called with the GIL "
		    "held (tstate=0x7f01)\n", "v1 SIGABRT Fatal Python error: PyThreadState_Get: "
		    "the function must be");
	check_words("abort @" LIBC "\n", "corrupted size vs. prev_size 0x7f0012 in 1234\n",
		    "v1 SIGABRT corrupted size vs. prev_size N in N");
}

int main(void)
{
	test_signature_stable();
	test_suffixes();
	test_recursion();
	test_releases();
	test_tools();
	test_machines();
	test_words();
	return tap_done();
}
