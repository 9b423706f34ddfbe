/* SPDX-License-Identifier: Apache-2.0 */
/*
 * finalization-toctou and ffi-unwind.
 *
 * A thread that CPython ends at finalization shows both: the cause is that it came for the GIL too
 * late, the way it died is that the forced unwinding met frames which forbid it. The cause names
 * the crash where the stack shows it (CPython's attach call below the unwinding); where only the
 * unwinding is seen, that is what can be said.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"

/* How a thread comes to Python, or leaves: what meets a runtime that is going, or gone. */
static const char *const attach_names[] = {
	"PyGILState_Ensure", "PyGILState_Release", "PyEval_RestoreThread", "PyEval_SaveThread",
	"PyEval_AcquireThread", "PyEval_ReleaseThread", "PyEval_AcquireLock", "PyThreadState_New",
	"PyThreadState_Swap", "PyThreadState_Clear", "PyThreadState_Delete",
	"PyThreadState_DeleteCurrent", "PyThreadState_Ensure", "PyThreadState_Release",
	"_PyThreadState_Attach", "_PyThreadState_NewBound", "Py_AddPendingCall", NULL,
};

/* Static functions of the same path, where there are symbols. */
static const char *const attach_inner_names[] = {
	"take_gil", "new_threadstate", "init_threadstate", "tstate_activate", "bind_tstate",
	"bind_gilstate_tstate", "_PyThreadState_New", "tstate_delete_common",
	"drop_gil", "gilstate_tss_set", "_PyThreadState_MustExit", "add_threadstate", NULL,
};

static const char *const terminate_names[] = {
	"terminate", "__terminate", "__verbose_terminate_handler", "__cxa_call_terminate",
	"__gxx_personality_v0", "rust_eh_personality", "panic_cannot_unwind", NULL,
};

static int frame_among(const struct facts *facts, const char *const *names)
{
	for (int i = 0; i < facts->nframes; i++)
		if (facts_named(facts, i, names))
			return i;
	return -1;
}

/* One attach call uses another; the outermost is the one that was made from outside. */
static int attach_frame(const struct facts *facts)
{
	int attach = frame_among(facts, attach_inner_names);

	for (int i = 0; i < facts->nframes; i++)
		if (facts_named(facts, i, attach_names))
			attach = i;
	return attach;
}

/*
 * In a stripped libpython what lies between two exports are mostly static functions of the same
 * source file: near PyThreadState_Delete is CPython's handling of thread states. Only straight
 * above the native caller, where nothing else can have been called in between.
 */
static int attach_neighbour(const struct facts *facts)
{
	for (int i = facts->entry; i >= 0; i--) {
		const struct crash_frame *frame = &facts->culprit->frames[i];

		if (frame->trust != TRUST_NEAR || facts->frames[i].category != CATEGORY_CPYTHON)
			return -1;
		for (size_t k = 0; attach_names[k]; k++)
			if (!strcmp(frame->function, attach_names[k]))
				return i;
	}
	return -1;
}

/*
 * A fault this close to 0 is a field of a structure that is not there. Mappings begin at 64 KiB
 * (vm.mmap_min_addr), and CPython's interpreter and runtime structures have fields up to some tens
 * of kilobytes, so what is a little above is a NULL as well.
 */
#define NEAR_NULL 0x40000u

static bool fault_near_null(const struct facts *facts)
{
	return facts->crash->has_addr && facts->crash->addr < NEAR_NULL &&
	       (facts->crash->signo == SIGSEGV || facts->crash->signo == SIGBUS);
}

/*
 * Any other address came out of a structure that holds something else by now. Attaching follows
 * the thread state's pointers, so the state was freed. Not canonical addresses are not even told.
 */
static bool fault_on_garbage(const struct facts *facts)
{
	const struct crash *crash = facts->crash;

	return (crash->signo == SIGSEGV || crash->signo == SIGBUS) &&
	       (crash->has_addr ? crash->addr >= NEAR_NULL : crash->code == SI_KERNEL);
}

static const char *first_message(const struct facts *facts)
{
	static const enum message_kind kinds[] = {
		MESSAGE_TSTATE_DEAD, MESSAGE_TSTATE_FOREIGN, MESSAGE_NOT_RETHROWN,
		MESSAGE_TERMINATE,
	};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (facts->message[kinds[i]])
			return facts->message[kinds[i]];
	return NULL;
}

static bool is_cpython(const struct facts *facts, const struct crash_frame *frame)
{
	return frame_categorise(frame, facts->rules) == CATEGORY_CPYTHON;
}

/* Does any other thread of the process still run Python, so that the runtime must be alive? */
static bool others_interpret(const struct facts *facts)
{
	const struct crash *crash = facts->crash;

	for (size_t i = 0; i < crash->nthreads; i++) {
		const struct crash_thread *thread = &crash->threads[i];

		if (thread == facts->culprit || thread->pid != facts->culprit->pid)
			continue;
		for (size_t k = 0; k < thread->nframes; k++)
			if (is_cpython(facts, &thread->frames[k]))
				return true;
	}
	return false;
}

/*
 * A foreign thread died in the call by which it attaches to Python. That call cannot fail in a
 * living runtime; so the runtime was finalizing, or over. Signs that say so add up.
 */
static void match_attach_crash(const struct facts *facts, struct finding *finding)
{
	int attach = attach_frame(facts), score = SCORE_FAIR;
	const char *message = first_message(facts);
	char *name;

	if (facts->crash->kind != CRASH_KIND_SIGNAL || attach < 0 || facts->fork >= 0 ||
	    facts->interpreting)
		return;
	/* Somebody's own code between signal and attach call: it died of something else. */
	if (facts->native >= 0 && facts->native < attach)
		return;
	name = facts_describe(facts, attach);
	if (facts->unwind >= 0) {
		score = SCORE_PROOF + 5;
		finding_because(finding, facts->unwind,
				"CPython ends the thread: a forced unwinding below %s", name);
	}
	if (fault_near_null(facts)) {
		score += 20;
		finding_because(finding, 0, "address 0x%llx is a field of a structure that is not "
					    "there any more",
				(unsigned long long)facts->crash->addr);
	}
	if (fault_on_garbage(facts)) {
		score += 12;
		finding_because(finding, 0, "it followed a pointer that leads nowhere: the thread "
					    "state was freed");
	}
	if (message) {
		score += 15;
		finding_because(finding, -1, "it said: %s", message);
	}
	if (facts->finalizer) {
		score += 20;
		finding_because(finding, -1, "thread %d is finalizing the interpreter",
				(int)facts->finalizer->tid);
	} else if (!others_interpret(facts) && facts->crash->nthreads > 1) {
		score += 8;
		finding_because(finding, -1, "no other thread of the process is inside Python");
	}
	finding_say(finding, score < 97 ? score : 97,
		    "a native thread called %s when the interpreter was finalizing or gone", name);
	finding_because(finding, attach, "%s is how a thread attaches to Python", name);
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
	free(name);
}

/* The same sign, under the name of what was done to the memory. */
static void match_freed_state(const struct facts *facts, struct finding *finding)
{
	int attach = attach_frame(facts);

	if (facts->crash->kind != CRASH_KIND_SIGNAL || attach < 0 || facts->in_child ||
	    !fault_on_garbage(facts) || (facts->native >= 0 && facts->native < attach))
		return;
	finding_say(finding, SCORE_ALSO + 5, "the thread went on with a thread state that had been "
					     "freed");
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
	finding_because(finding, attach, "a thread state's pointers lead nowhere");
}

/* The same where no name can be trusted: never certain. */
static void match_attach_neighbour(const struct facts *facts, struct finding *finding)
{
	int near = attach_neighbour(facts), score = SCORE_ALSO;
	const char *name;

	if (facts->crash->kind != CRASH_KIND_SIGNAL || near < 0 || facts->fork >= 0 ||
	    facts->interpreting || attach_frame(facts) >= 0)
		return;
	name = facts->culprit->frames[near].function;
	if (fault_near_null(facts) || fault_on_garbage(facts)) {
		score += 15;
		finding_because(finding, 0, "it followed a pointer that leads nowhere");
	}
	if (facts->finalizer) {
		score += 15;
		finding_because(finding, -1, "thread %d is finalizing the interpreter",
				(int)facts->finalizer->tid);
	}
	finding_say(finding, score, "a native thread crashed in CPython's handling of thread "
				    "states, perhaps as the interpreter was finalizing");
	finding_because(finding, near, "the nearest name that the stripped library has is %s",
			name);
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
}

/* CPython's own complaint tells as much, whatever the stack. */
static void match_dead_state_message(const struct facts *facts, struct finding *finding)
{
	const char *message = facts->message[MESSAGE_TSTATE_DEAD];

	if (!message || facts->in_child)
		return;
	finding_say(finding, SCORE_FAIR + 10,
		    "CPython met a thread state that belongs to no living runtime");
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
	finding_because(finding, -1, "CPython said: %s", message);
}

static void match_shutdown_io(const struct facts *facts, struct finding *finding)
{
	const char *message = facts->message[MESSAGE_SHUTDOWN_IO];

	if (!message)
		return;
	finding_say(finding, SCORE_STRONG, "finalization needs a stream whose lock a thread holds "
					   "that was ended or parked");
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding_because(finding, -1, "CPython said: %s", message);
}

/* The finalizing thread itself died, in its own code or in a destructor that it runs. */
static void match_finalizer_crash(const struct facts *facts, struct finding *finding)
{
	char *name;

	if (facts->crash->kind != CRASH_KIND_SIGNAL || facts->finalize < 0 || facts->fork >= 0)
		return;
	name = facts_describe(facts, facts->finalize);
	/* What it calls may have bugs of its own: a strong sign, and no proof. */
	finding_say(finding, SCORE_FAIR + 15, "the process crashed inside %s", name);
	finding_because(finding, facts->finalize, "%s is on the stack of the thread that crashed",
			name);
	finding_blame(finding, facts, facts->native >= 0 && facts->native < facts->finalize ?
				      facts->native : facts->finalize);
	free(name);
}

/* Somebody waits for the end of a thread that CPython holds for ever. */
static void match_join_of_parked(const struct facts *facts, struct finding *finding)
{
	const struct crash_thread *other = facts->lock_owner;

	if (facts->crash->kind != CRASH_KIND_HANG || !other ||
	    !thread_waits_for(other, "for ever, by CPython's design"))
		return;
	finding_say(finding, SCORE_PROOF, "the process waits for a thread that CPython has "
					  "parked for ever since it came for the GIL after "
					  "finalization");
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
	finding_because(finding, facts->native, "it waits for thread %d to end", (int)other->tid);
	finding_because(finding, -1, "thread %d is parked in CPython", (int)other->tid);
}

/*
 * std::terminate() called straight from somebody's own code, or by a std::thread that nobody
 * joined: the message is the same, but no unwinding is on the stack.
 */
static bool terminates_by_call(const struct facts *facts, int terminate)
{
	static const char *const unwinding[] = {
		"__gxx_personality_v0", "__cxa_call_terminate", "rust_eh_personality",
		"panic_cannot_unwind", NULL,
	};

	if (terminate < 0 || frame_among(facts, unwinding) >= 0)
		return false;
	for (int i = 0; i < facts->nframes; i++)
		if (facts->frames[i].category == CATEGORY_UNWINDER)
			return false;
	return facts->native > terminate;
}

/* A forced unwinding ran into a frame that lets nothing through. */
static void match_forced_unwind(const struct facts *facts, struct finding *finding)
{
	const char *swallowed = facts->message[MESSAGE_NOT_RETHROWN];
	const char *terminated = facts->message[MESSAGE_TERMINATE];
	int terminate = frame_among(facts, terminate_names), score = 0;

	if (facts->crash->kind != CRASH_KIND_SIGNAL || facts->crash->signo != SIGABRT)
		return;
	if (facts->unwind >= 0)
		score = SCORE_PROOF - 2;
	else if (swallowed)
		score = SCORE_STRONG;
	else if (terminated && !terminates_by_call(facts, terminate))
		score = SCORE_FAIR;
	if (!score)
		return;
	finding_say(finding, score, "%s",
		    swallowed || facts->swallowed ?
				"the thread was being ended, and a handler that catches everything "
				"kept the unwinding from going on"
			      : "the thread was being ended, and the unwinding met a frame that "
				"promises to let nothing through");
	if (facts->unwind >= 0)
		finding_because(finding, facts->unwind,
				"a thread's end unwinds its stack by force");
	if (terminate >= 0)
		finding_because(finding, terminate, "the C++ runtime gave up");
	if (swallowed || terminated)
		finding_because(finding, -1, "it said: %s", swallowed ? swallowed : terminated);
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
}

/*
 * By the time a `catch (...)` swallowed it, the unwinding has left CPython's frames behind. But in
 * a process that has Python in it, who ends threads by force is above all CPython up to 3.13.7, at
 * finalization; worth telling beside the unwinding, which is what the record shows.
 */
static void match_swallowed_with_python(const struct facts *facts, struct finding *finding)
{
	const char *message = facts->message[MESSAGE_NOT_RETHROWN];
	const char *maps = facts->crash->maps;

	if (!message || !maps || !strstr(maps, "libpython") || facts->in_child ||
	    facts->interpreting)
		return;
	finding_say(finding, SCORE_ALSO + 5, "a thread that was ended by force in a process with "
					     "Python in it, probably as it came for the GIL");
	finding->attribution = ATTRIBUTION_INTERACTION;
	finding->frame = facts->native;
	finding_because(finding, -1, "it said: %s", message);
}

const struct pattern_rule finalize_rules[] = {
	{ PATTERN_FINALIZATION_TOCTOU, "attach-crash", match_attach_crash },
	{ PATTERN_FINALIZATION_TOCTOU, "attach-neighbour", match_attach_neighbour },
	{ PATTERN_FINALIZATION_TOCTOU, "dead-state-message", match_dead_state_message },
	{ PATTERN_FINALIZATION_TOCTOU, "shutdown-io", match_shutdown_io },
	{ PATTERN_FINALIZATION_TOCTOU, "finalizer-crash", match_finalizer_crash },
	{ PATTERN_FINALIZATION_TOCTOU, "join-of-parked", match_join_of_parked },
	{ PATTERN_FINALIZATION_TOCTOU, "swallowed-with-python", match_swallowed_with_python },
	{ PATTERN_USE_AFTER_FREE, "freed-state", match_freed_state },
	{ PATTERN_FFI_UNWIND, "forced-unwind", match_forced_unwind },
	{ .match = NULL },
};
