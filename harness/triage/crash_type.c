/* SPDX-License-Identifier: Apache-2.0 */
/* What kind of crash it is, from signal, code, address, message and frames. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "triage/markdown.h"
#include "triage/narrative.h"
#include "triage/patterns.h"

/* A member of an object at address 0; larger objects are rare. */
#define NULL_OBJECT_MAX 0x1000
/* A stack that is used up faults just below its end, near its pointer. */
#define STACK_NEAR 0x10000

/* CPython's debug allocators fill memory with one byte. */
static const char *filled_with(uint64_t addr)
{
	switch (addr & 0xffffffffu) {
	case 0xddddddddu:
		return "address made of bytes 0xdd, by which CPython's debug allocator marks freed "
		       "memory: use after free";
	case 0xcdcdcdcdu:
		return "address made of bytes 0xcd, by which CPython's debug allocator marks new "
		       "memory: use before it was set";
	case 0xfdfdfdfdu:
		return "address made of bytes 0xfd, by which CPython's debug allocator marks the "
		       "ends of a block: access beyond a block";
	default:
		return NULL;
	}
}

static bool calls_null(const struct facts *facts)
{
	const struct crash_frame *top;

	if (!facts->nframes || !facts->crash->has_addr || facts->crash->addr)
		return false;
	top = &facts->culprit->frames[0];
	return !top->pc && !top->inlined && !top->function && !top->module;
}

static bool near_stack(const struct crash *crash)
{
	uint64_t gap = crash->addr > crash->sp ? crash->addr - crash->sp : crash->sp - crash->addr;

	return crash->sp && gap < STACK_NEAR;
}

static void add_fault(struct strbuf *out, const struct facts *facts)
{
	const struct crash *crash = facts->crash;
	const char *fill = crash->has_addr ? filled_with(crash->addr) : NULL;

	if (crash->code == SI_KERNEL && (!crash->has_addr || !crash->addr)) {
		/* The kernel does not tell an address that can be none. */
		strbuf_addstr(out, "access to what can be no address, as by an overwritten "
			      "pointer");
	} else if (!crash->has_addr) {
		strbuf_addstr(out, "invalid access to memory (uncertain: which address is not in "
			      "the report)");
	} else if (calls_null(facts)) {
		strbuf_addstr(out, "call of a null function pointer");
	} else if (crash->addr < NULL_OBJECT_MAX) {
		strbuf_addf(out, "null dereference (access to address 0x%llx)",
			    (unsigned long long)crash->addr);
	} else if (fill) {
		strbuf_addstr(out, fill);
	} else if (near_stack(crash)) {
		strbuf_addf(out, "access beside the stack pointer (address 0x%llx; uncertain: the "
			    "stack may be used up)", (unsigned long long)crash->addr);
	} else {
		strbuf_addf(out, "invalid access to address 0x%llx%s",
			    (unsigned long long)crash->addr,
			    crash->code == SEGV_MAPERR ? ", where nothing is mapped"
			    : crash->code == SEGV_ACCERR ? ", which is mapped but not for this"
							 : "");
	}
}

static bool has_frame(const struct facts *facts, const char *part)
{
	for (int i = 0; i < facts->nframes; i++)
		if (facts->culprit->frames[i].trust == TRUST_EXACT &&
		    strstr(facts->culprit->frames[i].function, part))
			return true;
	return false;
}

struct abort_sign {
	const char *part; /* of an exact name in the stack */
	const char *what;
};

/* Outer causes before inner ones: a panic aborts through terminate, and not the other way. */
static const struct abort_sign abort_signs[] = {
	{ "rust_panic", "abort after a Rust panic" },
	{ "rust_begin_unwind", "abort after a Rust panic" },
	{ "fatal_error", "abort by CPython's fatal error" },
	{ "Py_FatalError", "abort by CPython's fatal error" },
	{ "malloc_printerr", "abort by the allocator, whose check of its heap failed" },
	{ "__stack_chk_fail", "abort because a stack's guard was overwritten" },
	{ "__chk_fail", "abort by a bounds check of libc" },
	{ "__assert_fail", "abort by a failed assertion" },
	{ "std::terminate", "abort by std::terminate" },
	{ "__cxxabiv1::__terminate", "abort by std::terminate" },
	{ "__libc_fatal", "abort by libc" },
};

static const struct {
	enum message_kind kind;
	const char *what;
} abort_messages[] = {
	{ MESSAGE_HEAP_REUSED, "freed memory used or freed again → abort by the allocator" },
	{ MESSAGE_HEAP_CORRUPT, "damaged heap → abort by the allocator" },
	{ MESSAGE_NOT_RETHROWN, "forced unwinding of a thread that was swallowed → abort" },
	{ MESSAGE_TERMINATE, "std::terminate without an exception → abort" },
	{ MESSAGE_TSTATE_DEAD, "use of a dead thread state → CPython's fatal error" },
	{ MESSAGE_TSTATE_FOREIGN, "use of a thread state of another → CPython's fatal error" },
	{ MESSAGE_GIL_NOT_HELD, "call without the GIL → CPython's fatal error" },
	{ MESSAGE_SHUTDOWN_IO, "lock of a stream held by a dead thread → CPython's fatal error" },
};

/* Does it stand in abort()? Then that is how it ended, whether or not a signal is told. */
static bool is_abort(const struct facts *facts)
{
	static const char *const names[] = { "abort", NULL };

	for (int i = 0; i < facts->nframes; i++)
		if (facts_named(facts, i, names))
			return true;
	return false;
}

/* Nothing but a check of the heap lets these call abort(). */
static bool is_heap_check(const struct facts *facts)
{
	static const char *const abort_names[] = { "abort", NULL };
	static const char *const names[] = { "free", "malloc", "realloc", "calloc", NULL };

	for (int i = 1; i < facts->nframes; i++)
		if (facts_named(facts, i - 1, abort_names) && facts_named(facts, i, names))
			return true;
	return false;
}

static const char *abort_type(const struct facts *facts)
{
	for (size_t i = 0; i < sizeof(abort_messages) / sizeof(*abort_messages); i++)
		if (facts->message[abort_messages[i].kind])
			return abort_messages[i].what;
	for (size_t i = 0; i < sizeof(abort_signs) / sizeof(*abort_signs); i++)
		if (has_frame(facts, abort_signs[i].part))
			return abort_signs[i].what;
	if (is_heap_check(facts))
		return "abort by the allocator, whose check of its heap failed";
	return "abort (uncertain: what called for it is neither in the stack nor in a message)";
}

static void add_signal(struct strbuf *out, const struct facts *facts)
{
	const struct crash *crash = facts->crash;
	char word[16];

	switch (crash->signo) {
	case 0:
		strbuf_addstr(out, is_abort(facts) ? abort_type(facts) : "uncertain: the report "
			      "does not say how it ended");
		break;
	case SIGABRT:
		strbuf_addstr(out, abort_type(facts));
		break;
	case SIGSEGV:
	case SIGBUS:
		if (crash->code < 0)
			strbuf_addf(out, "%s that a process sent; no access to memory failed",
				    signal_word(crash->signo, word, sizeof(word)));
		else
			add_fault(out, facts);
		break;
	case SIGILL:
		strbuf_addstr(out, "illegal instruction (compilers place one where code must not "
			      "come)");
		break;
	case SIGFPE:
		strbuf_addstr(out, "arithmetic that has no result, as a division by zero");
		break;
	case SIGTRAP:
		strbuf_addstr(out, "trap instruction");
		break;
	default:
		strbuf_addf(out, "end by %s", signal_word(crash->signo, word, sizeof(word)));
	}
}

static void add_hang(struct strbuf *out, const struct crash_thread *thread)
{
	strbuf_addstr(out, "hang");
	if (thread && thread->wait.what) {
		strbuf_addstr(out, ": it waits for: ");
		markdown_add_text(out, thread->wait.what);
	} else if (thread && thread->wait.syscall) {
		strbuf_addstr(out, " in the system call ");
		markdown_add_code(out, thread->wait.syscall);
	} else {
		strbuf_addstr(out, " (uncertain: what it waits for is not in the report)");
	}
}

/* What the pattern adds to how it ended; NULL: nothing that is not said anyhow. */
static const char *pattern_race(enum pattern pattern)
{
	switch (pattern) {
	case PATTERN_FINALIZATION_TOCTOU:
		return "race between finalization and a thread that still uses the interpreter";
	case PATTERN_FORK_SAFETY:
		return "state that fork left unfit for the child";
	case PATTERN_LOCK_ORDER:
		return "locks taken in two orders";
	case PATTERN_SHUTDOWN_LOCK:
		return "an end that waits for what will not come";
	case PATTERN_GIL_NOT_HELD:
		return "use of Python by a thread that is not attached to it";
	case PATTERN_ENV_RACE:
		return "race on the environment";
	case PATTERN_USE_AFTER_FREE:
		return "use after free";
	case PATTERN_RECURSION_OR_LOOP:
		return "recursion or loop without an end";
	default:
		return NULL;
	}
}

const char *narrative_caution(const struct triage *triage)
{
	if (triage->pattern == PATTERN_OTHER || triage->confidence == CONFIDENCE_HIGH)
		return "";
	return triage->confidence == CONFIDENCE_MEDIUM ? "likely: " : "uncertain: ";
}

void narrative_add_type(struct strbuf *out, const struct triage *triage,
			const struct facts *facts)
{
	const struct crash *crash = facts->crash;
	const char *race = pattern_race(triage->pattern);

	if (race)
		strbuf_addf(out, "%s%s → ", narrative_caution(triage), race);
	switch (crash->kind) {
	case CRASH_KIND_SIGNAL:
		add_signal(out, facts);
		break;
	case CRASH_KIND_HANG:
		add_hang(out, facts->culprit);
		break;
	case CRASH_KIND_FINDING:
		if (crash->finding)
			markdown_add_text(out, crash->finding);
		else
			strbuf_addstr(out, "a tool's finding");
		break;
	case CRASH_KIND_SPIN:
		strbuf_addstr(out, "endless work");
		break;
	case CRASH_KIND_STOPPED:
		strbuf_addstr(out, "none: the process was stopped from outside");
		break;
	case CRASH_KIND_LATE:
		strbuf_addstr(out, "not over in time");
		break;
	case CRASH_KIND_LOOK:
		strbuf_addstr(out, "none that is known of: somebody looked at the stacks");
		break;
	}
}
