/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/facts.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/rules.h"

static const char *const fork_names[] = {
	"fork", "vfork", "_Fork", "forkpty", "__run_fork_handlers", "__run_prefork_handlers",
	"__run_postfork_handlers", "os_fork_impl", "os_fork", "os_fork1", "os_forkpty_impl",
	"PyOS_BeforeFork", "PyOS_AfterFork", "PyOS_AfterFork_Child", "PyOS_AfterFork_Parent",
	"run_at_forkers", NULL,
};

/* These run in the child only. */
static const char *const child_names[] = { "PyOS_AfterFork", "PyOS_AfterFork_Child", NULL };

static const char *const finalize_names[] = {
	"Py_FinalizeEx", "Py_Finalize", "_Py_Finalize", "Py_EndInterpreter", "finalize_modules",
	"_PyRuntimeState_Fini", NULL,
};

static const char *const unwind_names[] = {
	"pthread_exit", "__pthread_exit", "__do_cancel", "__pthread_unwind", "_Unwind_ForcedUnwind",
	"_Unwind_ForcedUnwind_Phase2", "unwind_stop", "PyThread_exit_thread", NULL,
};

/* What runs destructors: of static objects, of a thread's own, of loaded libraries. */
static const char *const exit_names[] = {
	"__run_exit_handlers", "exit", "__cxa_finalize", "__cxa_finalize_ranges", "_dl_fini",
	"_dl_call_fini", "__call_tls_dtors", "__nptl_deallocate_tsd", "_pthread_tsd_cleanup",
	"_tlv_exit", "dyld_finalize", NULL,
};

/* As debuggers call the kernel's return from a signal's handler. */
static const char *const signal_names[] = {
	"<signal handler called>", "__restore_rt", "_sigtramp", "__kernel_rt_sigreturn", NULL,
};

static const char *const eval_names[] = {
	"_PyEval_EvalFrameDefault", "_PyEval_EvalFrame", "PyEval_EvalFrameEx", "PyEval_EvalCode",
	NULL,
};

static bool name_in(const char *name, const char *const *names)
{
	for (; name && *names; names++)
		if (!strcmp(name, *names))
			return true;
	return false;
}

bool facts_named(const struct facts *facts, int frame, const char *const *names)
{
	return frame >= 0 && frame < facts->nframes && !facts->frames[frame].namesake &&
	       name_in(facts->frames[frame].name, names);
}

int facts_find(const struct facts *facts, const char *const *names)
{
	for (int i = 0; i < facts->nframes; i++)
		if (facts_named(facts, i, names))
			return i;
	return -1;
}

bool facts_like(const struct facts *facts, int frame, const char *const *patterns)
{
	const char *name = frame >= 0 && frame < facts->nframes && !facts->frames[frame].namesake ?
				   facts->frames[frame].name : NULL;

	for (; name && *patterns; patterns++)
		if (pattern_matches(*patterns, name, strlen(name)))
			return true;
	return false;
}

int facts_find_like(const struct facts *facts, const char *const *patterns)
{
	for (int i = 0; i < facts->nframes; i++)
		if (facts_like(facts, i, patterns))
			return i;
	return -1;
}

bool facts_troubled(const struct facts *facts)
{
	enum crash_kind kind = facts->crash->kind;

	return facts->culprit && (kind == CRASH_KIND_SIGNAL || kind == CRASH_KIND_FINDING ||
				  kind == CRASH_KIND_LOOK);
}

bool facts_recorded_hang(const struct facts *facts)
{
	return facts->crash->kind == CRASH_KIND_HANG && facts->culprit;
}

bool facts_hang(const struct facts *facts)
{
	return facts->culprit && (facts->crash->kind == CRASH_KIND_HANG ||
				  facts->crash->kind == CRASH_KIND_LOOK);
}

/* How far from the innermost frame the call is by which a thread waits. */
#define WAIT_FRAMES 8

bool facts_lock_wait(const struct facts *facts)
{
	static const char *const waits[] = {
		"pthread_mutex_lock", "__pthread_mutex_lock", "___pthread_mutex_lock",
		"__pthread_mutex_lock_full", "__pthread_mutex_cond_lock", "__lll_lock_wait*",
		"lll_lock_wait*", "___lll_lock_wait*", "pthread_rwlock_*lock",
		"__pthread_rwlock_*lock", "__psynch_mutexwait", "_pthread_mutex_*lock*",
		"PyThread_acquire_lock*", "_PyMutex_Lock*", "PyMutex_Lock*", "_PyParkingLot_Park",
		"_PySemaphore_Wait", "__ulock_wait*", "_os_unfair_lock_lock_slow", NULL,
	};

	if (!facts_hang(facts))
		return false;
	if (facts->culprit->wait.what)
		return true;
	for (int i = 0; i < facts->nframes && i < WAIT_FRAMES; i++)
		if (facts_like(facts, i, waits))
			return true;
	return false;
}

static bool thread_has(const struct crash_thread *thread, const char *const *names)
{
	for (size_t i = 0; i < thread->nframes; i++)
		if (thread->frames[i].trust == TRUST_EXACT &&
		    name_in(thread->frames[i].function, names))
			return true;
	return false;
}

static void frames_collect(struct facts *facts)
{
	const struct crash_thread *thread = facts->culprit;

	facts->nframes = (int)thread->nframes;
	facts->frames = xcalloc(thread->nframes + 1, sizeof(*facts->frames));
	for (size_t i = 0; i < thread->nframes; i++) {
		const struct crash_frame *frame = &thread->frames[i];

		facts_origin(facts, frame, &facts->frames[i].origin);
		facts->frames[i].category = facts->frames[i].origin.category;
		if (frame->function && frame->trust == TRUST_EXACT)
			facts->frames[i].name = frame->python ? xstrdup(frame->function)
							      : function_bare(frame->function);
		facts->frames[i].namesake = facts_is_namesake(frame, &facts->frames[i]);
		if (facts->frames[i].namesake && facts->frames[i].category == CATEGORY_LIBC) {
			facts->frames[i].origin = (struct frame_origin){
				.kind = KIND_EXTENSION,
				.category = CATEGORY_EXTENSION,
				.owner = ATTRIBUTION_EXTENSION,
			};
			facts->frames[i].category = CATEGORY_EXTENSION;
		}
	}
}

static bool frame_is_native(const struct facts *facts, int frame)
{
	return category_is_native(facts->frames[frame].category);
}

static bool is_signal(const struct facts *facts, int frame)
{
	return facts->culprit->frames[frame].signal_frame ||
	       facts_named(facts, frame, signal_names);
}

/* A handler of a signal gave up by itself: what it interrupted did not lead to that. */
static bool signal_aborts(const struct facts *facts)
{
	static const char *const aborts[] = { "abort", "raise", "terminate", "__terminate", NULL };

	if (facts->crash->signo != SIGABRT || facts->signal < 0 || facts->native < 0 ||
	    facts->native > facts->signal || facts_find(facts, aborts) < 0)
		return false;
	for (int i = facts->signal; i < facts->nframes; i++)
		if (facts_named(facts, i, aborts))
			return false;
	return true;
}

static void places_collect(struct facts *facts)
{
	int reporter = facts_reporter(facts);

	for (int i = 0; i < facts->nframes; i++) {
		if (facts->culprit->frames[i].python)
			continue; /* anybody's own function may be called fork, or exit */
		if (facts_named(facts, i, fork_names))
			facts->fork = i;
		if (facts_named(facts, i, child_names))
			facts->in_child = true;
		if (facts->native < 0 && i > reporter && frame_is_native(facts, i))
			facts->native = i;
		if (facts->finalize < 0 && facts_named(facts, i, finalize_names))
			facts->finalize = i;
		if (facts->unwind < 0 && facts_named(facts, i, unwind_names))
			facts->unwind = i;
		if (facts->exit < 0 && facts_named(facts, i, exit_names))
			facts->exit = i;
		if (facts_named(facts, i, eval_names))
			facts->interpreting = true;
		if (is_signal(facts, i))
			facts->signal = i;
	}
	if (facts->unwind > facts->signal && signal_aborts(facts))
		facts->unwind = -1;
	for (int i = 0; i < facts->fork; i++)
		if (is_signal(facts, i))
			facts->handler = -1; /* fork() called nothing of what is further in */
		else if (frame_is_native(facts, i) || facts_is_allocator(facts, i))
			facts->handler = i;
	/* An allocator that fork() itself called is who acts; else it does what it is told to. */
	if (facts->handler >= 0 && (facts->native < 0 || facts->native > facts->handler))
		facts->native = facts->handler;
	if (facts->native > 0 &&
	    facts->frames[facts->native - 1].category == CATEGORY_CPYTHON)
		facts->entry = facts->native - 1;
}

void facts_collect(struct facts *facts, const struct crash *crash,
		   const struct frame_rules *rules)
{
	*facts = (struct facts){
		.crash = crash,
		.rules = rules,
		.culprit = crash_culprit(crash),
		.fork = -1,
		.handler = -1,
		.signal = -1,
		.native = -1,
		.entry = -1,
		.finalize = -1,
		.unwind = -1,
		.exit = -1,
		.in_child = crash->in_child,
	};
	messages_find(crash->message, facts->message);
	if (!facts->culprit)
		return;
	frames_collect(facts);
	facts_claim_frames(facts);
	facts_claim_parties(facts);
	places_collect(facts);
	facts->python_child = thread_is_python_child(facts->culprit);
	for (size_t i = 0; i < crash->nthreads; i++) {
		const struct crash_thread *thread = &crash->threads[i];

		if (facts->culprit->wait.owner && thread->tid == facts->culprit->wait.owner)
			facts->lock_owner = thread;
		if (thread != facts->culprit && thread->pid == facts->culprit->pid &&
		    thread_has(thread, finalize_names))
			facts->finalizer = thread;
	}
}

void facts_release(struct facts *facts)
{
	for (int i = 0; i < facts->nframes; i++)
		free(facts->frames[i].name);
	free(facts->frames);
	for (int i = 0; i < MESSAGE_KINDS; i++)
		free(facts->message[i]);
}

static char *frame_describe(const struct crash_frame *frame, const char *name)
{
	if (name)
		return xstrdup(name);
	if (frame->signal_frame)
		return xstrdup("<signal handler called>");
	if (frame->module)
		return xstrfmt("%s+0x%llx", module_base(frame->module),
			       (unsigned long long)frame->module_offset);
	return xstrdup("code that is in no module");
}

const char *facts_verb(const struct facts *facts)
{
	static const char *const verbs[] = {
		[CRASH_KIND_SIGNAL] = "crashed",
		[CRASH_KIND_HANG] = "hangs",
		[CRASH_KIND_SPIN] = "runs without end",
		[CRASH_KIND_STOPPED] = "was stopped by a signal",
		[CRASH_KIND_LATE] = "was not over in time",
		[CRASH_KIND_FINDING] = "failed a tool's check",
		[CRASH_KIND_LOOK] = "was looked at",
	};

	if (facts->crash->kind == CRASH_KIND_STOPPED && facts->culprit &&
	    facts->culprit->state == 't')
		return "was held by its tracer";
	if (facts->crash->breakpoint && facts->crash->kind == CRASH_KIND_LOOK)
		return "was stopped by a breakpoint";
	return verbs[facts->crash->kind];
}

char *facts_describe(const struct facts *facts, int frame)
{
	if (frame < 0 || frame >= facts->nframes)
		return xstrdup("an unknown place");
	return frame_describe(&facts->culprit->frames[frame], facts->frames[frame].name);
}

char *thread_describe_native(const struct facts *facts, const struct crash_thread *thread)
{
	for (size_t i = 0; i < thread->nframes; i++) {
		const struct crash_frame *frame = &thread->frames[i];
		char *name, *text;

		if (!category_is_native(frame_categorise(frame, facts->rules)))
			continue;
		name = frame->trust == TRUST_EXACT ? function_bare(frame->function) : NULL;
		text = frame_describe(frame, name);
		free(name);
		return text;
	}
	return NULL;
}

bool thread_waits_for(const struct crash_thread *thread, const char *what)
{
	return thread->wait.what && !strcmp(thread->wait.what, what);
}

bool thread_waits_in_cpython(const struct facts *facts, const struct crash_thread *thread)
{
	static const char *const locks[] = { "GIL", "PyMutex", "PyThread lock" };

	for (size_t i = 0; i < sizeof(locks) / sizeof(*locks); i++)
		if (thread_waits_for(thread, locks[i]))
			return true;
	/* A report from elsewhere, which has no record of system calls. */
	if (!thread->wait.what && !thread->wait.syscall &&
	    facts->crash->kind != CRASH_KIND_SIGNAL)
		return stack_waits_in_cpython(facts, thread);
	/* A plain lock of libc's that CPython's own code waits for. */
	if (!thread->wait.syscall || strcmp(thread->wait.syscall, "futex") || thread->wait.owner)
		return false;
	for (size_t i = 0; i < thread->nframes; i++) {
		enum frame_category category = frame_categorise(&thread->frames[i], facts->rules);

		if (category != CATEGORY_LIBC)
			return category == CATEGORY_CPYTHON;
	}
	return false;
}
