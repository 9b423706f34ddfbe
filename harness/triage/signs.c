/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/signs.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/ascii.h"
#include "triage/rules.h"

/* Of two digits at most, as minor releases have; 0: there is none. */
static int leading_number(const char *text)
{
	int number = 0;

	for (int i = 0; i < 2 && ascii_is_digit(text[i]); i++)
		number = 10 * number + (text[i] - '0');
	return number;
}

/* "libpython3.12.so", "/lib/python3.12/", "x.cpython-312-x86_64-linux-gnu.so", "python312.dll". */
static int minor_of_path(const char *path)
{
	static const char *const marks[] = { "python3.", "cpython-3", "python3" };

	for (size_t i = 0; path && i < sizeof(marks) / sizeof(*marks); i++) {
		const char *at = strstr(path, marks[i]);
		int minor = at ? leading_number(at + strlen(marks[i])) : 0;

		if (minor)
			return minor;
	}
	return 0;
}

int sign_python_minor(const struct facts *facts)
{
	for (int i = 0; i < facts->nframes; i++) {
		const struct crash_frame *frame = &facts->culprit->frames[i];
		int minor = minor_of_path(frame->module);

		if (!minor)
			minor = minor_of_path(frame->file);
		if (minor)
			return minor;
	}
	return minor_of_path(facts->crash->maps);
}

bool sign_python_before(const struct facts *facts, int minor)
{
	int known = sign_python_minor(facts);

	return known && known < minor;
}

bool sign_python_since(const struct facts *facts, int minor)
{
	return sign_python_minor(facts) >= minor;
}

/* What forks and goes on in the child on the same stack; in the parent it returns at once. */
static const struct {
	const char *function, *path;
} forkers[] = {
	{ "spawn_worker", "gunicorn/arbiter.py" },
	{ "_launch", "popen_fork.py" },
	{ "fork_processes", "tornado/process.py" },
	{ "start_child", "tornado/process.py" },
	{ "_after_fork", "threading.py" },
	{ "_after_at_fork_child_reinit_locks", "logging/__init__.py" },
};

static bool forks(const struct crash_frame *frame)
{
	for (size_t i = 0; i < sizeof(forkers) / sizeof(*forkers); i++)
		if (!strcmp(frame->function, forkers[i].function) &&
		    strstr(frame->file, forkers[i].path))
			return true;
	return false;
}

/* Code that a started process of multiprocessing runs first; unless it was spawned, not forked. */
static bool started_by_fork(const struct facts *facts, int bootstrap)
{
	static const char *const spawned[] = { "spawn_main", "_main", "_serve_one", NULL };

	for (int i = bootstrap; i < facts->nframes; i++)
		if (facts_named(facts, i, spawned))
			return false;
	return true;
}

bool sign_python_child(const struct facts *facts)
{
	if (facts->python_child)
		return true;
	for (int i = 1; i < facts->nframes; i++) {
		const struct crash_frame *frame = &facts->culprit->frames[i];

		if (!frame->python || !frame->function || !frame->file)
			continue;
		if (forks(frame))
			return true;
		if (!strcmp(frame->function, "_bootstrap") &&
		    strstr(frame->file, "multiprocessing/process.py"))
			return started_by_fork(facts, i);
	}
	return false;
}

bool sign_child(const struct facts *facts)
{
	return facts->in_child || facts->message[MESSAGE_FORK_ABORT] ||
	       facts->message[MESSAGE_FORK_SPOKEN] || facts->message[MESSAGE_CLASS_INIT] ||
	       sign_python_child(facts);
}

bool sign_started_thread(const struct facts *facts)
{
	static const char *const starts[] = {
		"start_thread", "clone", "clone3", "__clone*", "_pthread_start", "thread_start",
		"execute_native_thread_routine", "pythread_wrapper", "thread_run",
		"BaseThreadInitThunk", "g_thread_proxy", NULL,
	};
	/* What runs a thread's function, where the stack is cut before its start. */
	static const char *const runs[] = {
		"std::thread::_", "QThreadPrivate::", "boost::detail::thread_data",
		"std::sys::pal::unix::thread", "std::sys::unix::thread",
		"tokio::runtime::scheduler::multi_thread::worker", "rayon_core::registry::", NULL,
	};

	return facts_find_like(facts, starts) >= 0 || sign_within(facts, runs) >= 0;
}

int sign_own_above(const struct facts *facts, int frame)
{
	return facts->native >= 0 && facts->native < frame ? facts->native : -1;
}

int sign_own_below(const struct facts *facts, int frame)
{
	for (int i = frame; i < facts->nframes; i++)
		if (category_is_native(facts->frames[i].category))
			return i;
	return -1;
}

int sign_within(const struct facts *facts, const char *const *prefixes)
{
	for (int i = 0; i < facts->nframes; i++) {
		const struct crash_frame *frame = &facts->culprit->frames[i];
		struct piece name;

		if (!frame->function || frame->trust != TRUST_EXACT || frame->python)
			continue;
		name = function_qualified(frame->function);
		for (const char *const *p = prefixes; *p; p++)
			if (piece_starts(name, *p))
				return i;
	}
	return -1;
}

bool sign_dies_in_api(const struct facts *facts)
{
	int i = 0;

	while (i < facts->nframes && facts->frames[i].category == CATEGORY_LIBC)
		i++;
	return i < facts->nframes && facts->frames[i].category == CATEGORY_CPYTHON &&
	       facts->native > i;
}

/*
 * Mappings begin at 64 KiB (vm.mmap_min_addr), and CPython's interpreter and runtime structures
 * have fields up to some tens of kilobytes, so what is a little above is a NULL as well.
 */
#define NEAR_NULL 0x40000u

static bool is_fault(const struct facts *facts)
{
	return facts->crash->signo == SIGSEGV || facts->crash->signo == SIGBUS;
}

bool sign_near_null(const struct facts *facts)
{
	return is_fault(facts) && facts->crash->has_addr && facts->crash->addr < NEAR_NULL;
}

/* Not canonical addresses are not even told. */
bool sign_garbage(const struct facts *facts)
{
	const struct crash *crash = facts->crash;

	return is_fault(facts) &&
	       (crash->has_addr ? crash->addr >= NEAR_NULL : crash->code == SI_KERNEL);
}

static bool is_like(const char *name, const char *const *patterns)
{
	size_t len = strlen(name);

	for (; *patterns; patterns++)
		if ((**patterns == *name || **patterns == '*') &&
		    pattern_matches(*patterns, name, len))
			return true;
	return false;
}

/* Most names of C are bare as they are. */
static bool is_bare(const char *function)
{
	return *function != '_' && !strpbrk(function, ":(<.@$ ");
}

int thread_find_like(const struct crash_thread *thread, const char *const *patterns)
{
	for (size_t i = 0; i < thread->nframes; i++) {
		const struct crash_frame *frame = &thread->frames[i];
		char *bare = NULL;
		bool found;

		if (!frame->function || frame->trust != TRUST_EXACT)
			continue;
		if (!frame->python && !is_bare(frame->function))
			bare = function_bare(frame->function);
		found = is_like(bare ? bare : frame->function, patterns);
		free(bare);
		if (found)
			return (int)i;
	}
	return -1;
}

int thread_native(const struct facts *facts, const struct crash_thread *thread)
{
	for (size_t i = 0; i < thread->nframes; i++) {
		struct frame_origin origin;

		facts_origin(facts, &thread->frames[i], &origin);
		if (category_is_native(origin.category))
			return (int)i;
	}
	return -1;
}

/* How far from the innermost frame the call is by which a thread waits. */
#define WAIT_FRAMES 9

static bool waits_by(const struct crash_thread *thread, const char *const *patterns)
{
	int at = thread_find_like(thread, patterns);

	return at >= 0 && at < WAIT_FRAMES;
}

bool thread_awaits_gil(const struct crash_thread *thread)
{
	static const char *const takers[] = {
		"take_gil", "PyEval_RestoreThread", "PyGILState_Ensure", "PyEval_AcquireThread",
		"PyEval_AcquireLock", "_PyThreadState_Attach", "tstate_wait_attach", NULL,
	};
	static const char *const python[] = {
		"take_gil", "PyEval_*", "PyGILState_*", "_PyThreadState_Attach", "tstate_*",
		"PyThread_*", "_PyMutex_*", "_PyParkingLot_*", "_PySemaphore_*", "PyCOND_*",
		"_PyEval_EvalFrame*", NULL,
	};
	int taker, first;

	if (thread->wait.what)
		return !strcmp(thread->wait.what, "GIL");
	taker = thread_find_like(thread, takers);
	/* Another's lock that is waited for within the call is not the GIL. */
	first = thread_find_like(thread, python);
	return taker < WAIT_FRAMES && first >= 0 && first <= taker;
}

bool thread_awaits_lock(const struct crash_thread *thread)
{
	static const char *const waits[] = {
		"pthread_mutex_lock", "__pthread_mutex_lock_full", "__lll_lock_wait*",
		"lll_lock_wait*", "___lll_lock_wait*", "futex_wait_lock", "pthread_rwlock_*lock",
		"__pthread_rwlock_*lock*", "__psynch_mutexwait", "__psynch_rw_*lock",
		"_pthread_mutex_*lock*", "_os_unfair_lock_lock_slow", "SRWLock*",
		"RtlAcquireSRWLock*", "RtlEnterCriticalSection", "EnterCriticalSection",
		"RtlpEnterCriticalSection*", "RtlpWaitOnCriticalSection", "lock_contended",
		"lock_slow", "std::mutex::lock", NULL,
	};

	return waits_by(thread, waits) && !thread_awaits_gil(thread);
}

bool thread_exits(const struct crash_thread *thread)
{
	static const char *const ends[] = {
		"Py_FinalizeEx", "Py_Finalize", "_Py_Finalize", "Py_EndInterpreter",
		"_PyRuntime_Finalize", "finalize_modules", "__run_exit_handlers", "exit",
		"_dl_fini", "_dl_call_fini", "__cxa_finalize", "Py_Exit", "_dyld_*finalize*",
		"ExitProcess", "RtlExitUserProcess", "LdrShutdownProcess", NULL,
	};

	return thread_find_like(thread, ends) >= 0;
}

int thread_spins(const struct crash_thread *thread)
{
	static const char *const waits[] = {
		"SpinLockDelay", "AbslInternalSpinLockDelay*", "SlowLock", "SpinLock_lock*",
		"spin_lock_slow*", "Spinlock_lock*", "malloc_mutex_lock_slow",
		"je_malloc_mutex_lock_slow", "__spin_lock*",
		"_OSSpinLockLockSlow", NULL,
	};
	int at = thread_find_like(thread, waits);

	return at < WAIT_FRAMES ? at : -1;
}

const char *thread_wait_article(const struct crash_thread *thread)
{
	return thread_waits_for(thread, "GIL") ? "the" : "a";
}

const char *thread_wait_word(const struct crash_thread *thread)
{
	return thread->wait.what ? thread->wait.what : "lock";
}

bool sign_owner_forked(const struct facts *facts)
{
	const struct crash_thread *owner = facts->lock_owner;

	/* The parent's forking thread waits for the child, or is still in fork(). */
	return owner && owner->pid == facts->culprit->wait.owner_elsewhere &&
	       thread_waits_for(owner, "child process");
}
