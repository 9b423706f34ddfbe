/* SPDX-License-Identifier: Apache-2.0 */
/*
 * shutdown-lock: the end of the process, or of the interpreter, waits for what will not come, since
 * who was to give it has been ended, is parked, or was never told to end. And
 * finalization-toctou of what is called then, and faults.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "triage/patterns.h"
#include "triage/rules.h"
#include "triage/signs.h"

/* The standard library's own part in a process's end. */
static const struct {
	const char *function, *file;
} python_ends[] = {
	{ "_shutdown", "threading.py" },
	{ "_python_exit", "thread.py" },
	{ "_python_exit", "process.py" },
	{ "_exit_function", "util.py" },
	{ "_run_finalizers", "util.py" },
	{ "_run_exitfuncs", "atexit.py" },
	{ "_exitfunc", "weakref.py" },
	{ "shutdown", "__init__.py" }, /* logging's */
};

/* The outermost frame of Python code that ends the process; -1: none. */
static int python_end(const struct facts *facts)
{
	int end = -1;

	for (int i = 0; i < facts->nframes; i++) {
		const struct crash_frame *frame = &facts->culprit->frames[i];
		const char *file = module_base(frame->file);

		for (size_t k = 0; k < sizeof(python_ends) / sizeof(*python_ends); k++)
			if (frame->python && frame->function && file &&
			    !strcmp(frame->function, python_ends[k].function) &&
			    !strcmp(file, python_ends[k].file))
				end = i;
	}
	return end;
}

/* A fault in what Python code runs at the end, when much of the process is gone already. */
static void match_python_end(const struct facts *facts, struct finding *finding)
{
	bool fault = facts->crash->signo == SIGSEGV || facts->crash->signo == SIGBUS;
	int end = python_end(facts);

	if (!fault || end < 0 || facts->fork >= 0 || sign_child(facts))
		return;
	finding_say(finding, SCORE_WEAK, "it crashed in what Python runs at the end of the "
					 "process, perhaps for want of what was destroyed before");
	finding->attribution = facts_owner(facts, &finding->frame);
	finding_because(finding, end, "this runs at the end of the process");
}

/* The outermost frame of the culprit's that ends the process; -1: none. */
static int end_frame(const struct facts *facts)
{
	int end = python_end(facts);

	if (end < 0)
		end = facts->finalize >= 0 ? facts->finalize : facts->exit;
	return end < 0 && facts->culprit && thread_exits(facts->culprit) ? facts->nframes - 1 : end;
}

static const char *const waits[] = {
	"futex*", "__futex*", "do_futex_wait*", "syscall", "pthread_*lock", "__lll_lock_wait*",
	"lll_lock_wait*", "___lll_lock_wait*", "__pthread_*", "___pthread_*", "pthread_cond_*",
	"pthread_join", "pthread_clockjoin_np", "sem_*wait*", "__new_sem_wait*", "__psynch_*",
	"__ulock_wait*", "semaphore_wait*", "PyThread_acquire_lock*", "_PyMutex_Lock*",
	"_PyParkingLot_Park", "_PySemaphore_Wait", "NtWaitFor*", "WaitForSingleObject*",
	"take_gil", "join", "wait", "acquire", "_wait_for_tstate_lock", "_shutdown",
	"wait_for_thread_shutdown", "poll", "__poll", "wait4", "waitpid", "lock", NULL,
};

static bool waits_at_all(const struct facts *facts, int end)
{
	if (facts->culprit->wait.what || facts->culprit->wait.syscall)
		return true;
	for (int i = 0; i < end && i < 4; i++)
		if (facts_like(facts, i, waits))
			return true;
	return facts_named(facts, 0, (const char *const[]){ "_shutdown", NULL });
}

/*
 * CPython waits for threads that are no daemons before it finalizes. Where they are there, and run
 * code of their own, it is they who do not come to an end.
 */
static bool waits_for_living(const struct facts *facts)
{
	static const char *const joins[] = { "_shutdown", "wait_for_thread_shutdown", NULL };

	if (facts_find_like(facts, joins) < 0)
		return false;
	for (size_t i = 0; i < facts->crash->nthreads; i++) {
		const struct crash_thread *thread = &facts->crash->threads[i];
		const char *file = thread->nframes ? module_base(thread->frames[0].file) : NULL;

		if (thread != facts->culprit && thread->nframes && thread->frames[0].python &&
		    file && strcmp(file, "threading.py") != 0)
			return true;
	}
	return false;
}

static void match_exit_wait(const struct facts *facts, struct finding *finding)
{
	int end;
	char *place;

	if (!facts_hang(facts) || facts->fork >= 0 || sign_child(facts))
		return;
	end = end_frame(facts);
	if (end < 0 || !waits_at_all(facts, end) || waits_for_living(facts))
		return;
	place = facts_describe(facts, end);
	finding_say(finding, SCORE_FAIR, "the end of the process does not come: %s waits", place);
	finding->attribution = facts_owner(facts, &finding->frame);
	if (facts->nframes && facts->culprit->frames[0].python)
		finding->attribution = python_owner(facts);
	finding_because(finding, end, "it is inside the end of the process or of the interpreter");
	free(place);
}

/* What is waited for in finalization's midst without a function that says so. */
static void match_finalizer_stack(const struct facts *facts, struct finding *finding)
{
	if (!facts_hang(facts) || facts->finalize < 0 || facts->fork >= 0)
		return;
	finding_say(finding, SCORE_ALSO, "finalization does not come to its end");
	finding->attribution = facts_owner(facts, &finding->frame);
	finding_because(finding, facts->finalize, "it is inside finalization");
}

static void match_stream_lock(const struct facts *facts, struct finding *finding)
{
	const char *message = facts->message[MESSAGE_SHUTDOWN_IO];

	if (!message)
		return;
	finding_say(finding, SCORE_FAIR, "a stream's lock is held by another thread, possibly one "
					 "that CPython has ended or parked");
	finding->attribution = stream_owner(facts);
	finding_because(finding, -1, "CPython said: %s", message);
}

/*
 * Python code, or a function of Python's, that was registered to run at the end, and crashed in
 * somebody's own native code: what that needs may be destroyed already.
 */
static void match_exit_hook(const struct facts *facts, struct finding *finding)
{
	static const char *const hooks[] = { "*_atexit", "atexit_*", "*_at_exit", NULL };
	int hook = facts_find_like(facts, hooks);
	bool python = false;

	for (int i = facts->native; i >= 0 && i < hook; i++)
		python |= facts->frames[i].category == CATEGORY_CPYTHON;
	if (facts->crash->kind != CRASH_KIND_SIGNAL || facts->crash->signo == SIGABRT || !python ||
	    facts->fork >= 0 || facts->native < facts->signal ||
	    facts->frames[facts->native].category != CATEGORY_EXTENSION)
		return;
	finding_say(finding, SCORE_WEAK, "native code was called at the end of the process, when "
					 "what it needs was perhaps destroyed already");
	finding_blame(finding, facts, facts->native);
	finding_because(finding, hook, "it calls what is to run at the end");
}

const struct pattern_rule shutdown_rules[] = {
	{
		.pattern = PATTERN_SHUTDOWN_LOCK,
		.name = "exit-wait",
		.match = match_exit_wait,
		.required = "a hang, or stacks, in which the end of the process or interpreter, or "
			    "the standard library's part in it, waits: for a lock, a thread's end",
		.contradicting = "a fork, or a forked child, of which other rules know more; the "
				 "threads that are waited for are there and run code of their own",
		.versions = "daemon threads with a lock are ended up to 3.13.7, parked since "
			    "3.13.8; joining one raises an error since 3.14",
		.sources = { "python/cpython#137433", "GrahamDumpleton/mod_wsgi#730",
			     "overfl0/Pythia#13", "rohanpm/more-executors#178", "tqdm/tqdm#1751",
			     "python/cpython#130402" },
	}, {
		.pattern = PATTERN_SHUTDOWN_LOCK,
		.name = "finalizer-stack",
		.match = match_finalizer_stack,
		.required = "a hang, or stacks, inside finalization",
		.contradicting = "a fork",
		.sources = { "python/cpython#137433", "GrahamDumpleton/mod_wsgi#730" },
	}, {
		.pattern = PATTERN_SHUTDOWN_LOCK,
		.name = "stream-lock",
		.match = match_stream_lock,
		.required = "CPython's word that a stream's lock is not to be had at shutdown",
		.sources = { "python/cpython#129536" },
	}, {
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "python-end",
		.match = match_python_end,
		.required = "a fault in what the standard library calls at the end of the process: "
			    "exit handlers, finalizers, the joining of workers",
		.contradicting = "a fork; a forked child; any other finding, for it is weak",
		.sources = { "passagemath/passagemath#1809", "python/cpython#104690" },
	}, {
		.pattern = PATTERN_FINALIZATION_TOCTOU,
		.name = "exit-hook",
		.match = match_exit_hook,
		.required = "a fault in a native module that Python has called, at the end of the "
			    "process, for a hook that runs then",
		.contradicting = "SIGABRT, which tells its own reason; a fork",
		.sources = { "DataDog/dd-trace-py#8504", "protocolbuffers/protobuf#5108" },
	},
	{ .match = NULL },
};
