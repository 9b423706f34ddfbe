/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A signature names the few frames that tell one bug from another: how it died, what was called,
 * by whom. It leaves out what differs between builds and releases of libc and CPython (their inner
 * functions, which stripped libraries do not name either): of each run of such frames only the
 * function that was called from outside stays.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "base/strbuf.h"
#include "triage/patterns.h"
#include "triage/rules.h"

#define SIGNATURE_FRAMES 3

const char *signal_word(int signo, char *buf, size_t size)
{
	const char *name = sigabbrev_np(signo);

	if (name)
		snprintf(buf, size, "SIG%s", name);
	else if (signo)
		snprintf(buf, size, "signal %d", signo);
	else
		snprintf(buf, size, "crash"); /* by a signal that the report does not tell */
	return buf;
}

/* Which run does a frame belong to? */
enum run { RUN_PLATFORM, RUN_CPYTHON, RUN_NATIVE };

/*
 * Of a stack that tells neither modules nor sources, a function that no rule knows is taken for
 * somebody's own, unless its name is one that C reserves for the platform.
 */
static bool is_nameable(const struct facts *facts, int frame)
{
	const struct crash_frame *told = &facts->culprit->frames[frame];
	const char *name = facts->frames[frame].name;

	return name && *name != '_' && !told->module && !told->file;
}

static enum run frame_run(const struct facts *facts, int frame)
{
	enum frame_category category = facts->frames[frame].category;

	if (category_is_native(category) ||
	    (category == CATEGORY_UNKNOWN && is_nameable(facts, frame)))
		return RUN_NATIVE;
	return category == CATEGORY_CPYTHON ? RUN_CPYTHON : RUN_PLATFORM;
}

/* How a process aborts says no more than the signal does. */
static bool name_is_abort(const char *name)
{
	static const char *const names[] = {
		"raise", "abort", "__libc_message", "malloc_printerr", "__assert_fail", "terminate",
		"__assert_fail_base", "fatal_error", "fatal_error_exit", "pthread_kill",
		"__pthread_kill_implementation", "__pthread_kill_internal", "__libc_fatal",
		"unwind_cleanup", NULL,
	};

	for (size_t i = 0; names[i]; i++)
		if (!strcmp(name, names[i]))
			return true;
	return false;
}

/* From here on outwards Python code runs: which C functions run it is the same in all programs. */
static bool name_is_eval(const char *name)
{
	return !strcmp(name, "_PyEval_EvalFrameDefault") || !strcmp(name, "PyEval_EvalCode") ||
	       !strcmp(name, "_PyEval_Vector");
}

/*
 * By which of these Python code calls a C function differs between releases, and is the same for
 * all functions: PyObject_Vectorcall up to 3.14, _Py_VectorCallInstrumentation_StackRefSteal and
 * its kin from 3.15 on.
 */
static bool name_is_call(const char *name)
{
	static const char *const patterns[] = {
		"_Py_*_StackRef*", "*PyObject_Vectorcall*", "*PyObject_Call*", "_PyObject_MakeTpCall",
		"PyCFunction_Call", "cfunction_call*", "cfunction_vectorcall_*",
		"method_vectorcall*", "builtin_call*", "type_call", "PyVectorcall_Call",
		"_PyVectorcall_Call", NULL,
	};

	for (size_t i = 0; patterns[i]; i++)
		if (pattern_matches(patterns[i], name, strlen(name)))
			return true;
	return false;
}

struct signature {
	struct strbuf text;
	const char *last; /* name in it; NULL: none yet */
	int frames;
	bool over;
};

/* How deep a function has called itself is chance; some tools show its cold part as a call, too. */
static void signature_add(struct signature *signature, const char *name)
{
	if (signature->last && !strcmp(signature->last, name))
		return;
	signature->last = name;
	strbuf_addf(&signature->text, "%s%s", signature->frames ? "<" : " ", name);
	signature->over = ++signature->frames == SIGNATURE_FRAMES;
}

/*
 * Where the public function's last act is to call an inner one, compilers turn the call into a
 * jump, and the inner name stands in its place. For a signature one name of the two will do.
 */
static const char *public_name(const char *name)
{
	static const char *const jumps[][2] = {
		{ "_PyThreadState_NewBound", "PyThreadState_New" },
		{ "new_threadstate", "PyThreadState_New" },
		{ "_PyThreadState_Attach", "PyEval_RestoreThread" },
		{ "__add_to_environ", "setenv" },
		{ "memmove", "memcpy" }, /* one body in most builds of glibc */
	};

	for (size_t i = 0; name && i < sizeof(jumps) / sizeof(*jumps); i++)
		if (!strcmp(name, jumps[i][0]))
			return jumps[i][1];
	return name;
}

/*
 * The outermost exact name in [from, to), not beyond Python's evaluation loop and how that calls:
 * which C functions do this is the same in all programs. But an at-fork handler that runs Python
 * code is told by the call it made.
 */
static const char *run_entry(const struct facts *facts, int from, int to, bool *evaluated)
{
	const char *entry = NULL, *called = NULL;

	for (int i = from; i < to; i++) {
		const char *name = facts->frames[i].name;

		if (name && name_is_eval(name) && to > facts->handler) {
			*evaluated = true;
			return called ? called : name;
		}
		if (name)
			entry = name;
		if (name && !name_is_call(name))
			called = name;
	}
	return entry;
}

/*
 * "free(): invalid pointer": the allocator says itself in which function it is. Its frame may be
 * missing, since free() and its like jump to their inner functions in some builds of libc.
 */
static const char *allocator_function(const struct facts *facts)
{
	static const char *const functions[] = { "free", "malloc", "realloc", "calloc" };
	const char *heap = facts->message[MESSAGE_HEAP_REUSED];

	if (!heap)
		heap = facts->message[MESSAGE_HEAP_CORRUPT];
	for (size_t i = 0; heap && i < sizeof(functions) / sizeof(*functions); i++)
		if (!strncmp(heap, functions[i], strlen(functions[i])) &&
		    heap[strlen(functions[i])] == '(')
			return functions[i];
	return NULL;
}

static bool run_forks(const struct facts *facts, int from, int to)
{
	static const char *const names[] = { "fork", "vfork", "_Fork", NULL };

	for (int i = from; i < to; i++)
		if (!facts->culprit->frames[i].python && facts_named(facts, i, names))
			return true;
	return false;
}

/* A pasted stack does not tell of what it is: no more than one that somebody looked at. */
static bool is_killed(const struct facts *facts)
{
	return facts->crash->kind == CRASH_KIND_SIGNAL && facts->crash->signo;
}

static void signature_add_run(struct signature *signature, const struct facts *facts, int from,
			      int to)
{
	enum run run = frame_run(facts, from);
	bool called_by_native = to < facts->nframes && frame_run(facts, to) == RUN_NATIVE;
	bool evaluated = false;
	const char *name;

	if (run == RUN_NATIVE) {
		for (int i = from; i < to && !signature->over; i++) {
			const struct crash_frame *frame = &facts->culprit->frames[i];

			name = facts->frames[i].name;
			signature_add(signature, name ? name : module_base(frame->module));
		}
		return;
	}
	/*
	 * What a hang waits for has been said in better words than a function's name; and which
	 * call a loop is in when it is looked at is chance.
	 */
	if (run == RUN_PLATFORM && !is_killed(facts) && from == 0)
		return;
	/* Libraries call each other; only fork() tells something, whoever called it. */
	if (run == RUN_PLATFORM && !called_by_native && !run_forks(facts, from, to))
		return;
	name = public_name(run_entry(facts, from, to, &evaluated));
	/* How Python code came to call the frames before is the same for all. */
	if (evaluated && signature->frames)
		name = NULL;
	if (from == 0 && run == RUN_PLATFORM && (!name || name_is_abort(name)))
		name = allocator_function(facts);
	if (name && !name_is_abort(name))
		signature_add(signature, name);
	signature->over |= evaluated;
}

/* CPython's locks go by one word: which of them it is, stripped libraries do not tell. */
static const char *hang_word(const struct facts *facts)
{
	const struct crash_thread *culprit = facts->culprit;

	if (!culprit)
		return NULL;
	if (thread_waits_in_cpython(facts, culprit))
		return "cpython lock";
	return culprit->wait.what ? culprit->wait.what : culprit->wait.syscall;
}

/* How it died, or what it does instead. */
static void signature_add_head(struct strbuf *text, const struct facts *facts)
{
	const char *wait;
	char word[16];

	switch (facts->crash->kind) {
	case CRASH_KIND_SIGNAL:
		strbuf_addstr(text, !is_killed(facts) ? "stacks" :
			      signal_word(facts->crash->signo, word, sizeof(word)));
		break;
	case CRASH_KIND_HANG:
		wait = hang_word(facts);
		strbuf_addstr(text, "hang");
		if (wait)
			strbuf_addf(text, " (%s)", wait);
		break;
	case CRASH_KIND_SPIN:
		strbuf_addstr(text, "spin");
		break;
	case CRASH_KIND_STOPPED:
		strbuf_addstr(text, "stopped");
		break;
	case CRASH_KIND_LATE:
		strbuf_addstr(text, "timeout");
		break;
	case CRASH_KIND_FINDING:
		strbuf_addstr(text, facts->crash->finding ? facts->crash->finding : "finding");
		break;
	case CRASH_KIND_LOOK:
		strbuf_addstr(text, "stacks");
		break;
	}
}

#define WORDS_MAX 60

/* What was written, without what differs from run to run: addresses, numbers, odd bytes. */
static void words_add(struct strbuf *text, const char *line)
{
	size_t n = 0;

	strbuf_addch(text, ' ');
	while (*line && n < WORDS_MAX) {
		bool hex = line[0] == '0' && line[1] == 'x' && ascii_is_hex(line[2]);
		size_t number = hex ? 2 + strspn(line + 2, "0123456789abcdefABCDEF")
				    : strspn(line, "0123456789");

		strbuf_addch(text, number ? 'N' : *line >= ' ' && *line <= '~' ? *line : '?');
		line += number ? number : 1;
		n++;
	}
	strbuf_rtrim(text);
}

/*
 * Of a report without a native frame that tells something: what CPython or libc said, else the
 * function of Python code that ran.
 */
static void signature_add_words(struct signature *signature, const struct facts *facts)
{
	for (int i = 0; i < MESSAGE_KINDS; i++) {
		if (facts->message[i] && is_killed(facts)) {
			words_add(&signature->text, facts->message[i]);
			return;
		}
	}
	for (int i = 0; i < facts->nframes; i++) {
		if (facts->culprit->frames[i].python && facts->culprit->frames[i].function) {
			words_add(&signature->text, facts->culprit->frames[i].function);
			return;
		}
	}
}

char *signature_make(const struct facts *facts)
{
	struct signature signature = { .text = STRBUF_INIT };

	strbuf_addf(&signature.text, "v%d ", SIGNATURE_VERSION);
	signature_add_head(&signature.text, facts);
	for (int from = 0, to; from < facts->nframes && !signature.over; from = to) {
		for (to = from + 1; to < facts->nframes; to++)
			if (frame_run(facts, to) != frame_run(facts, from))
				break;
		signature_add_run(&signature, facts, from, to);
	}
	if (!signature.frames)
		signature_add_words(&signature, facts);
	return strbuf_detach(&signature.text);
}
