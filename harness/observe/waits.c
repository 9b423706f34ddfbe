/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/waits.h"

#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/errors.h"

/*
 * pthread_mutex_t of glibc, the same on x86-64 and AArch64 (struct __pthread_mutex_s: int __lock,
 * unsigned __count, int __owner, unsigned __nusers, int __kind). musl keeps its owner inside the
 * lock word and has other offsets; there the checks below fail and no owner is claimed.
 */
enum {
	MUTEX_LOCK = 0,
	MUTEX_OWNER = 8,
	MUTEX_NUSERS = 12,
	MUTEX_KIND = 16,
	MUTEX_SIZE = 20,
};

#define MUTEX_CONTENDED 2u
/*
 * Types 0 to 3, robust 16, inherit 32, protect 64 (with a ceiling in the top bits), shared 128,
 * elision 256 and 512: nothing between bit 10 and the ceiling is in use.
 */
#define MUTEX_KIND_UNUSED 0x0007fc00u

/* Linux limits thread ids to 2^22. */
#define TID_MAX (1u << 22)

struct syscall_name {
	long nr;
	const char *name;
};

/* Calls in which threads of such programs block; others are shown by number. */
static const struct syscall_name syscall_names[] = {
	{ SYS_futex, "futex" },
	{ SYS_wait4, "wait4" },
	{ SYS_waitid, "waitid" },
	{ SYS_read, "read" },
	{ SYS_write, "write" },
	{ SYS_ppoll, "ppoll" },
	{ SYS_pselect6, "pselect6" },
	{ SYS_epoll_pwait, "epoll_pwait" },
	{ SYS_nanosleep, "nanosleep" },
	{ SYS_clock_nanosleep, "clock_nanosleep" },
	{ SYS_rt_sigsuspend, "rt_sigsuspend" },
	{ SYS_rt_sigtimedwait, "rt_sigtimedwait" },
	{ SYS_restart_syscall, "restart_syscall" },
	{ SYS_recvfrom, "recvfrom" },
	{ SYS_recvmsg, "recvmsg" },
	{ SYS_sendto, "sendto" },
	{ SYS_sendmsg, "sendmsg" },
	{ SYS_accept, "accept" },
	{ SYS_accept4, "accept4" },
	{ SYS_connect, "connect" },
	{ SYS_flock, "flock" },
	{ SYS_fcntl, "fcntl" },
#ifdef SYS_pause
	{ SYS_pause, "pause" },
#endif
#ifdef SYS_poll
	{ SYS_poll, "poll" },
#endif
#ifdef SYS_select
	{ SYS_select, "select" },
#endif
#ifdef SYS_epoll_wait
	{ SYS_epoll_wait, "epoll_wait" },
#endif
};

struct wait_note *wait_notes_add(struct wait_notes *notes)
{
	notes->v = xrealloc(notes->v, (notes->n + 1) * sizeof(*notes->v));
	notes->v[notes->n] = (struct wait_note){ 0 };
	return &notes->v[notes->n++];
}

void wait_notes_release(struct wait_notes *notes)
{
	free(notes->v);
	*notes = (struct wait_notes){ 0 };
}

static char *syscall_name(long nr)
{
	for (size_t i = 0; i < sizeof(syscall_names) / sizeof(*syscall_names); i++)
		if (syscall_names[i].nr == nr)
			return xstrdup(syscall_names[i].name);
	return xstrfmt("syscall %ld", nr);
}

void wait_set_what(struct crash_wait *wait, const char *what)
{
	free(wait->what);
	wait->what = xstrdup(what);
}

/* Is this a locked and waited-for mutex? Then its owner. */
static pid_t mutex_owner(struct memory *memory, uint64_t address)
{
	unsigned char mutex[MUTEX_SIZE];
	uint32_t lock, owner, nusers, kind;

	if (!memory_read(memory, address, mutex, sizeof(mutex)))
		return 0;
	memcpy(&lock, mutex + MUTEX_LOCK, sizeof(lock));
	memcpy(&owner, mutex + MUTEX_OWNER, sizeof(owner));
	memcpy(&nusers, mutex + MUTEX_NUSERS, sizeof(nusers));
	memcpy(&kind, mutex + MUTEX_KIND, sizeof(kind));
	/* nusers counts the owner; a negative kind (a destroyed mutex is -1) is none. */
	if (lock != MUTEX_CONTENDED || !owner || owner > TID_MAX || !nusers ||
	    nusers > TID_MAX || kind & MUTEX_KIND_UNUSED || kind == UINT32_MAX)
		return 0;
	return (pid_t)owner;
}

static void futex_read(struct crash_wait *wait, struct wait_note *note,
		       const struct task_state *task, struct memory *memory)
{
	unsigned int op = (unsigned int)task->args[1];
	unsigned int command = op & (unsigned int)FUTEX_CMD_MASK;
	uint32_t expected = (uint32_t)task->args[2], word;

	wait->address = note->futex = task->args[0];
	wait->timed = task->args[3] != 0;
	note->shared_futex = !(op & FUTEX_PRIVATE_FLAG);
	if (!memory || !memory_read_u32(memory, wait->address, &word))
		return;
	if (command == FUTEX_LOCK_PI || command == FUTEX_LOCK_PI2) {
		wait_set_what(wait, "mutex");
		wait->owner = (pid_t)(word & FUTEX_TID_MASK);
	} else if (expected == MUTEX_CONTENDED &&
		   (wait->owner = mutex_owner(memory, wait->address))) {
		wait_set_what(wait, "mutex");
	}
}

void wait_read(struct crash_thread *thread, struct wait_note *note, const struct task_state *task,
	       struct memory *memory)
{
	struct crash_wait *wait = &thread->wait;

	if (!task->in_syscall)
		return;
	wait->syscall = syscall_name(task->nr);
	switch (task->nr) {
	case SYS_futex:
		futex_read(wait, note, task, memory);
		break;
	case SYS_wait4:
		wait_set_what(wait, "child process");
		if ((pid_t)task->args[0] > 0)
			wait->owner = (pid_t)task->args[0];
		break;
	case SYS_waitid:
		wait_set_what(wait, "child process");
		break;
	case SYS_restart_syscall:
		/* Which call goes on is not told, but its arguments still stand. */
		note->futex = task->args[0];
		wait->timed = true;
		break;
	case SYS_nanosleep:
	case SYS_clock_nanosleep:
	case SYS_rt_sigtimedwait:
		wait->timed = true;
		break;
	default:
		break;
	}
}

struct name_meaning {
	const char *prefix;
	const char *what;
};

/* libc's public entries, beneath which threads wait. */
static const struct name_meaning libc_waits[] = {
	{ "pthread_mutex_", "mutex" },    { "__pthread_mutex_", "mutex" },
	{ "pthread_cond_", "condition" }, { "__pthread_cond_", "condition" },
	{ "pthread_rwlock_", "rwlock" },  { "__pthread_rwlock_", "rwlock" },
	{ "sem_", "semaphore" },          { "__new_sem_", "semaphore" },
	{ "pthread_once", "once" },       { "__pthread_once", "once" },
	{ "pthread_barrier_", "barrier" }, { "pthread_join", "thread join" },
	{ "pthread_timedjoin_np", "thread join" }, { "pthread_clockjoin_np", "thread join" },
	{ "__pthread_clockjoin", "thread join" }, { "__pthread_join", "thread join" },
	{ "fork", "fork handlers' lock" }, { "__libc_fork", "fork handlers' lock" },
};

#define PARKED "for ever, by CPython's design"

/* CPython's own functions that wait for one thing only, by exact name. */
static const struct name_meaning cpython_waits[] = {
	{ "take_gil", "GIL" },
	{ "_PyMutex_LockTimed", "PyMutex" },
	{ "_PyMutex_LockSlow", "PyMutex" },
	{ "PyMutex_Lock", "PyMutex" },
	{ "_PyRawMutex_LockSlow", "PyMutex" },
	{ "_PyThreadState_WaitAttach", "GIL" },
	{ "tstate_wait_attach", "GIL" },
	{ "PyThread_acquire_lock_timed", "PyThread lock" },
	{ "PyThread_acquire_lock", "PyThread lock" },
	{ "PyThread_hang_thread", PARKED },
	{ "_PyThreadState_HangThread", PARKED },
};

/* What calls these waits on a condition for the GIL alone, even where take_gil has no name. */
static const char *const gil_takers[] = {
	"PyEval_RestoreThread", "PyEval_AcquireThread", "PyEval_AcquireLock", "PyGILState_Ensure",
	"PyThreadState_Swap", "_PyThreadState_Attach",
};

bool waits_frame_exact(const struct crash_frame *frame)
{
	return frame->function && frame->trust == TRUST_EXACT;
}

static const char *wait_by_libc(const struct crash_thread *thread)
{
	for (size_t i = 0; i < thread->nframes && i < WAIT_DEPTH; i++) {
		const struct crash_frame *frame = &thread->frames[i];

		if (!waits_frame_exact(frame))
			continue;
		for (size_t k = 0; k < sizeof(libc_waits) / sizeof(*libc_waits); k++)
			if (!strncmp(frame->function, libc_waits[k].prefix,
				     strlen(libc_waits[k].prefix)))
				return libc_waits[k].what;
	}
	return NULL;
}

/*
 * Both the wait for the GIL and the parking of a thread after finalization stand in functions that
 * stripped libraries do not name. Which one it is follows from how the public function waits.
 */
static const char *gil_taker_waits(const struct crash_thread *thread, const char *libc_what)
{
	if (libc_what && !strcmp(libc_what, "condition"))
		return "GIL";
	return thread->wait.syscall && !strcmp(thread->wait.syscall, "pause") ? PARKED : NULL;
}

static const char *wait_by_cpython(const struct crash_thread *thread, const char *libc_what)
{
	for (size_t i = 0; i < thread->nframes && i < WAIT_DEPTH; i++) {
		const struct crash_frame *frame = &thread->frames[i];

		if (!waits_frame_exact(frame))
			continue;
		for (size_t k = 0; k < sizeof(cpython_waits) / sizeof(*cpython_waits); k++)
			if (!strcmp(frame->function, cpython_waits[k].prefix))
				return cpython_waits[k].what;
		for (size_t k = 0; k < sizeof(gil_takers) / sizeof(*gil_takers); k++)
			if (!strcmp(frame->function, gil_takers[k]))
				return gil_taker_waits(thread, libc_what);
	}
	return NULL;
}

void wait_name(struct crash_thread *thread)
{
	const char *what, *better;

	what = wait_by_libc(thread);
	better = wait_by_cpython(thread, what);
	/*
	 * A thread that wants the GIL wakes up every 5 ms to ask for it, and may have been on a
	 * CPU when it was looked at: its stack still tells. Other waits must be in the kernel.
	 */
	if (!thread->wait.syscall && (!better || strcmp(better, "GIL")))
		return;
	/* Memory has told already, unless CPython has a better word for the same wait. */
	if (thread->wait.what && (!better || thread->wait.owner))
		return;
	if (better || (what && !thread->wait.what))
		wait_set_what(&thread->wait, better ? better : what);
}

const struct crash_thread *waits_thread(const struct crash *crash, pid_t tid)
{
	for (size_t i = 0; i < crash->nthreads; i++)
		if (crash->threads[i].tid == tid)
			return &crash->threads[i];
	return NULL;
}

bool waits_is_parked(const struct crash_wait *wait)
{
	return wait->what && !strcmp(wait->what, PARKED);
}

bool wait_is_for_process(const struct crash_wait *wait)
{
	return wait->what && !strcmp(wait->what, "child process");
}

bool waits_lock_has_no_owner(const struct crash_wait *wait)
{
	return wait->lock_type && strcmp(wait->lock_type, "threading.RLock") != 0;
}
