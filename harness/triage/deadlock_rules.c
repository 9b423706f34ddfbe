/* SPDX-License-Identifier: Apache-2.0 */
/* lock-order between the GIL and what somebody's own code waits for, in stacks of all threads. */
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"
#include "triage/signs.h"

static bool same_directory(const char *a, const char *b)
{
	size_t len = (size_t)(module_base(a) - a);

	return len && len == (size_t)(module_base(b) - b) && !strncmp(a, b, len);
}

/* What is compiled into everybody's modules: of one's namespace it says nothing. */
static bool is_binding(const struct crash_frame *frame)
{
	static const char *const spaces[] = {
		"pybind11::", "nanobind::", "boost::", "std::", "pyo3::",
	};

	for (size_t i = 0; frame->function && i < sizeof(spaces) / sizeof(*spaces); i++)
		if (!frame->module && !strncmp(frame->function, spaces[i], strlen(spaces[i])))
			return true;
	return false;
}

/* Have two frames one module, or where none is told, one directory of sources or namespace? */
static bool same_party(const struct crash_frame *a, const struct crash_frame *b)
{
	const char *x = module_base(a->module), *y = module_base(b->module);
	size_t space;

	if (x && y)
		return !strcmp(x, y);
	if (a->file && b->file && !a->python && !b->python && same_directory(a->file, b->file))
		return true;
	if (!a->function || !b->function)
		return false;
	space = strcspn(a->function, ":");
	return a->function[space] && !strncmp(a->function, b->function, space + 1);
}

/* Has Python code called what the thread waits in? Then it has the GIL, or had it. */
static bool runs_python(const struct crash_thread *thread)
{
	static const char *const evals[] = {
		"_PyEval_EvalFrameDefault", "PyEval_EvalFrameEx", "_PyEval_EvalFrame",
		"_PyObject_*Call*", "PyObject_Call*", "cfunction_*", "_PyCFunction_*", NULL,
	};

	return thread_find_like(thread, evals) >= 0;
}

/* It waits for others in any other way: for a condition, a thread's end, a result. */
static bool awaits_work(const struct crash_thread *thread)
{
	static const char *const works[] = {
		"pthread_cond_*wait*", "pthread_join", "__pthread_clockjoin_ex",
		"__pthread_timedjoin_ex", "_pthread_join", "__psynch_cvwait", "sem_wait",
		"sem_timedwait", "do_futex_wait*", "SleepConditionVariable*", NULL,
	};
	int at = thread_find_like(thread, works);

	return at >= 0 && at < 6 && !thread_awaits_gil(thread);
}

/* Is any thread on its way in Python code? Then it has the GIL, and will give it. */
static bool python_goes_on(const struct facts *facts)
{
	for (size_t i = 0; i < facts->crash->nthreads; i++) {
		const struct crash_thread *thread = &facts->crash->threads[i];

		if (!thread->role && runs_python(thread) && !thread_awaits_gil(thread) &&
		    !thread_awaits_lock(thread) && !awaits_work(thread))
			return true;
	}
	return false;
}

/* More threads that wait for the GIL are not asked for. */
#define WAITERS_MAX 64

struct waiters {
	const struct crash_thread *thread[WAITERS_MAX];
	int n;
};

static void waiters_find(const struct facts *facts, struct waiters *waiters)
{
	for (size_t i = 0; i < facts->crash->nthreads && waiters->n < WAITERS_MAX; i++) {
		const struct crash_thread *thread = &facts->crash->threads[i];

		if (!thread->role && thread_awaits_gil(thread) && thread_native(facts, thread) >= 0)
			waiters->thread[waiters->n++] = thread;
	}
}

/* Of so many frames of somebody's own it is asked whose they are, from the innermost one. */
#define PARTY_FRAMES 6

static int own_frames(const struct facts *facts, const struct crash_thread *thread,
		      const struct crash_frame *frames[PARTY_FRAMES])
{
	int n = 0;

	for (size_t i = 0; i < thread->nframes && n < PARTY_FRAMES; i++) {
		struct frame_origin origin;

		facts_origin(facts, &thread->frames[i], &origin);
		if (category_is_native(origin.category) && !is_binding(&thread->frames[i]))
			frames[n++] = &thread->frames[i];
	}
	return n;
}

static bool share_party(const struct facts *facts, const struct crash_thread *one,
			const struct crash_thread *two)
{
	const struct crash_frame *a[PARTY_FRAMES], *b[PARTY_FRAMES];
	int na = own_frames(facts, one, a), nb = own_frames(facts, two, b);

	for (int i = 0; i < na; i++)
		for (int k = 0; k < nb; k++)
			if (same_party(a[i], b[k]))
				return true;
	return false;
}

/* Does any of them run the code of another thread? */
static bool waiter_of(const struct facts *facts, const struct waiters *waiters,
		      const struct crash_thread *holder)
{
	for (int i = 0; i < waiters->n; i++)
		if (waiters->thread[i] != holder && share_party(facts, waiters->thread[i], holder))
			return true;
	return false;
}

static void say_gil_and_lock(const struct facts *facts, struct finding *finding,
			     const struct crash_thread *holder, int native, bool lock)
{
	bool mine = holder == facts->culprit;
	struct frame_origin origin;

	facts_origin(facts, &holder->frames[native], &origin);
	finding_say(finding, lock ? SCORE_FAIR + 5 : SCORE_ALSO,
		    "a thread waits for %s with the GIL in its hands, and another, in the same "
		    "code, waits for the GIL: the two are taken in both orders",
		    lock ? "a lock" : "others' work");
	finding->attribution = origin.owner;
	finding->frame = mine ? native : facts->native;
	finding_because(finding, mine ? native : -1, "called by Python code, it waits");
	finding_because(finding, -1, "another thread of the same code waits for the GIL");
}

static void match_gil_and_lock(const struct facts *facts, struct finding *finding)
{
	struct waiters waiters = { .n = 0 };
	bool idle;

	if (!facts_hang(facts) || facts->fork >= 0 || facts->crash->nthreads < 2)
		return;
	waiters_find(facts, &waiters);
	idle = waiters.n && !python_goes_on(facts);
	for (size_t i = 0; waiters.n && i < facts->crash->nthreads; i++) {
		const struct crash_thread *holder = &facts->crash->threads[i];
		bool lock = thread_awaits_lock(holder);
		int native = -1;

		if (!holder->role && runs_python(holder) && (lock || (idle && awaits_work(holder))))
			native = thread_native(facts, holder);
		if (native < 0 || !waiter_of(facts, &waiters, holder))
			continue;
		say_gil_and_lock(facts, finding, holder, native, lock);
		if (lock)
			return;
	}
}

/* Is the innermost Python code of a thread the standard library's taking of a lock? */
static bool acquires(const struct crash_thread *thread)
{
	for (size_t i = 0; i < thread->nframes; i++) {
		const struct crash_frame *frame = &thread->frames[i];
		const char *file = module_base(frame->file);

		if (frame->python)
			return frame->function && file && !strcmp(file, "threading.py") &&
			       (!strcmp(frame->function, "acquire") ||
				!strcmp(frame->function, "__enter__"));
	}
	return false;
}

static void match_two_acquire(const struct facts *facts, struct finding *finding)
{
	int n = 0;

	if (!facts_hang(facts) || facts->fork >= 0 || sign_child(facts) ||
	    !acquires(facts->culprit))
		return;
	for (size_t i = 0; i < facts->crash->nthreads; i++)
		n += !facts->crash->threads[i].role && acquires(&facts->crash->threads[i]);
	if (n < 2)
		return;
	finding_say(finding, SCORE_ALSO, "%d threads wait for locks of Python's, perhaps each for "
					 "another's", n);
	finding->attribution = python_owner(facts);
	finding_because(finding, 0, "this thread waits, and so do others");
}

/*
 * The loader and the unwinder call others' code with their lock in hand: constructors, callbacks of
 * dl_iterate_phdr(). Who waits for it mostly has a lock of its own: the GIL, or an allocator's.
 */
static void match_loader_lock(const struct facts *facts, struct finding *finding)
{
	static const char *const takers[] = {
		"dl_iterate_phdr", "__dl_iterate_phdr", "_Unwind_Find_FDE",
		"_Unwind_Find_registered_FDE", "_dl_open", "_dl_close", "__tls_get_addr_slow*",
		"_dl_tlsdesc_dynamic*", NULL,
	};
	int taker = facts_hang(facts) ? facts_find_like(facts, takers) : -1;

	if (taker < 0 || facts->fork >= 0 || sign_child(facts) ||
	    !(taker == 0 || (thread_awaits_lock(facts->culprit) && facts->native != 0)))
		return;
	for (int i = 0; i < taker; i++)
		if (facts->frames[i].category != CATEGORY_LIBC &&
		    facts->frames[i].category != CATEGORY_UNWINDER &&
		    facts->frames[i].category != CATEGORY_LOADER && facts->frames[i].name &&
		    facts->frames[i].category != CATEGORY_UNKNOWN)
			return;
	finding_say(finding, SCORE_WEAK, "it waits for a lock of the loader's or the unwinder's, "
					 "with which others' code is called");
	finding->attribution = facts_owner(facts, &finding->frame);
	if (finding->attribution == ATTRIBUTION_UNKNOWN)
		finding->attribution = ATTRIBUTION_THIRD_PARTY;
	finding_because(finding, taker, "this takes the lock");
}

const struct pattern_rule deadlock_rules[] = {
	{
		.pattern = PATTERN_LOCK_ORDER,
		.name = "gil-and-lock",
		.match = match_gil_and_lock,
		.required = "one thread, called by Python code, waits for a lock of libc's or the "
			    "system's; another one of the same module waits for the GIL",
		.supporting = "a lock, and not a condition or a thread's end, for which the GIL "
			      "may have been given back",
		.contradicting = "a fork on the stack; where it is no lock, Python code that goes "
				 "on in another thread",
		.sources = { "NatronGitHub/Natron#407", "hoffstadt/DearPyGui#2581",
			     "GafferHQ/gaffer#3512", "pytorch/pytorch#58391" },
	}, {
		.pattern = PATTERN_LOCK_ORDER,
		.name = "two-acquire",
		.match = match_two_acquire,
		.required = "two threads or more whose innermost Python code is threading's taking "
			    "of a lock",
		.contradicting = "a forked child; a fork",
		.sources = { "dpkp/kafka-python#1461" },
	}, {
		.pattern = PATTERN_LOCK_ORDER,
		.name = "loader-lock",
		.match = match_loader_lock,
		.required = "stacks whose innermost function takes the loader's or the unwinder's "
			    "lock, or waits for it",
		.contradicting = "a fork; a forked child; somebody's own callback further in",
		.sources = { "joblib/threadpoolctl#239", "ray-project/ray#48671" },
	},
	{ .match = NULL },
};
