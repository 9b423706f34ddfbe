/* SPDX-License-Identifier: Apache-2.0 */
#include "run/watchdog.h"

#include <errno.h>
#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/procfs.h"

/*
 * What is not known: how long a healthy thread may be asleep in the middle of a trial. What is
 * known: nothing in a scenario sleeps on purpose for longer than 100 ms without saying that it
 * moves, and the longest sleep seen in a healthy fork or finalization on a loaded machine was
 * 12 ms (a page read back from disk, which is state D and not counted). So 400 ms of neither
 * moving, running nor waiting for a CPU is no slowness.
 */
#define STALL_NS 400000000ull

/*
 * As above, for F alone, while workers that cycle keep the process as such alive. That they move
 * means that F may be next, so more is needed. With an eighth of this no twin was called hung in 22
 * runs of tests/56-load.t on two CPUs; what F may have to wait for elsewhere is not known.
 */
#define OPERATOR_NS 4000000000ull

/*
 * CPU used since anything moved. A finalization costs 6 ms of CPU, 60 ms in a debug build under
 * load; an endless walk costs all there is.
 */
#define SPIN_SECONDS 2

/*
 * Somebody may stop a process for a moment, and let it go on. Nothing is lost by a second: a
 * subject that stopped itself, or that nobody continues, costs a trial that much.
 */
#define STOPPED_NS 1000000000ull

/* No trial takes this long, whatever it does. */
#define LIMIT_NS (30 * NSEC_PER_SEC)

/*
 * Two looks further apart than this mean that the driver did not run: it was stopped, perhaps
 * together with the subject, or the machine is overloaded. What went by meanwhile says nothing.
 */
#define LOOK_MAX_NS (4 * WATCHDOG_LOOK_NS)

/* A stall is one only if less than this part of the time went by waiting for a CPU. */
#define DELAY_PART 4

/* F's wait counts at least this part of the time, however short of CPU its process is. */
#define STARVED_PART 8

void watchdog_start(struct watchdog *w, const struct control *control)
{
	memset(w, 0, sizeof(*w));
	w->control = control;
	w->looked_ns = clock_now();
	w->operator_ns = OPERATOR_NS;
}

void watchdog_expect_standstill(struct watchdog *w)
{
	w->operator_ns = STALL_NS;
}

static bool futex_for_ever(const struct task_state *task)
{
	int op = (int)task->args[1] & FUTEX_CMD_MASK;

	if (op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET || op == FUTEX_LOCK_PI)
		return task->args[3] == 0;
	return false;
}

/* True only for waits that nothing but another thread or process can end. */
static bool blocked_for_ever(const struct task_state *task)
{
	if (task->state != 'S' || !task->in_syscall)
		return false;
	switch (task->nr) {
	case SYS_futex:
		return futex_for_ever(task);
#ifdef SYS_pause
	case SYS_pause:
#endif
	case SYS_rt_sigsuspend:
	case SYS_wait4:
	case SYS_waitid:
		return true;
	default:
		return false;
	}
}

/* Does it wait for a time that will be over by itself? */
static bool naps(const struct task_state *task)
{
	if (task->state != 'S' || !task->in_syscall)
		return false;
	switch (task->nr) {
	case SYS_futex:
		return !futex_for_ever(task) && task->args[3] != 0;
	case SYS_nanosleep:
	case SYS_clock_nanosleep:
	case SYS_restart_syscall:
		return true;
#ifdef SYS_poll
	case SYS_poll:
		return (int)task->args[2] > 0;
#endif
#ifdef SYS_select
	case SYS_select:
		return task->args[4] != 0;
#endif
#ifdef SYS_epoll_wait
	case SYS_epoll_wait:
#endif
	case SYS_epoll_pwait:
		return (int)task->args[3] > 0;
	case SYS_ppoll:
	case SYS_rt_sigtimedwait:
		return task->args[2] != 0;
	case SYS_pselect6:
		return task->args[4] != 0;
	default:
		return false;
	}
}

static void tasks_add(struct watch_tasks *noted, const struct task_state *task)
{
	if (noted->n == WATCH_TASKS_MAX)
		return;
	noted->tids[noted->n] = task->tid;
	noted->switches[noted->n] = task->switches;
	noted->ticks[noted->n++] = task->cpu_ticks;
}

static void naps_note(struct watch_tasks *noted, pid_t pid)
{
	pid_t *tids;
	int n = procfs_tasks(pid, &tids);

	noted->pid = pid;
	noted->n = 0;
	for (int i = 0; i < n; i++) {
		struct task_state task;

		if (procfs_task_read(pid, tids[i], &task) == 0 && naps(&task))
			tasks_add(noted, &task);
	}
	if (n >= 0)
		free(tids);
}

/* Is one of them still in that same wait? Those that wake up in turns are not. */
static bool naps_last(const struct watch_tasks *noted, pid_t pid)
{
	for (unsigned int i = 0; noted->pid == pid && i < noted->n; i++) {
		struct task_state task;

		if (procfs_task_read(pid, noted->tids[i], &task) == 0 && naps(&task) &&
		    task.switches == noted->switches[i])
			return true;
	}
	return false;
}

static int sums_read(struct watch_sums *sums, pid_t pid)
{
	pid_t *tids;
	int n = procfs_tasks(pid, &tids);

	memset(sums, 0, sizeof(*sums));
	sums->pid = sums->runnable.pid = pid;
	sums->blocked = sums->asleep = sums->stopped = n > 0;
	for (int i = 0; i < n; i++) {
		struct task_state task;

		if (procfs_task_read(pid, tids[i], &task) < 0) {
			sums->blocked = sums->asleep = sums->stopped = false;
			continue;
		}
		sums->threads++;
		sums->ticks += task.cpu_ticks;
		sums->switches += task.switches;
		sums->run_delay_ns += task.run_delay_ns;
		if (!blocked_for_ever(&task))
			sums->blocked = false;
		if (task.state != 'S')
			sums->asleep = false;
		if (task.state == 'R')
			tasks_add(&sums->runnable, &task);
		if (task.state != 'T' && task.state != 't')
			sums->stopped = false;
		if (task.state == 't') {
			sums->traced++;
			sums->traced_switches += task.switches;
		}
	}
	if (n >= 0)
		free(tids);
	return n > 0 ? 0 : -1;
}

static bool is_zombie(pid_t pid)
{
	struct task_state task;

	return procfs_task_read(pid, pid, &task) == 0 && task.state == 'Z';
}

/*
 * The process on which the trial waits now: the forked child while it lives. On a machine short of
 * CPU a child may exist for a while before it runs and says so; then F, which waits for it, is not
 * stuck, and it is the child that has to be looked at. Once it has ended, F has to reap it.
 */
static pid_t watched_pid(const struct control *control)
{
	pid_t child = (pid_t)atomic_load(&control->state.child_pid), *below;
	pid_t subject = (pid_t)atomic_load(&control->state.subject_pid), pid = subject;
	int n;

	if (atomic_load(&control->state.child_status) & CHILD_STATUS_SET)
		return subject;
	if (child)
		return is_zombie(child) ? subject : child;
	if (!subject)
		return 0;
	n = procfs_descendants(subject, &below);
	if (n > 0)
		pid = below[n - 1];
	if (n >= 0)
		free(below);
	return pid;
}

static bool is_same_process(const struct watch_sums *a, const struct watch_sums *b)
{
	return a->pid == b->pid && a->threads == b->threads;
}

static bool deadlocked(const struct watch_sums *last, const struct watch_sums *now)
{
	return is_same_process(last, now) && last->blocked && now->blocked &&
	       last->switches == now->switches;
}

/* Held by its tracer, in the same stop: one who only listens lets it go on at once. */
static bool traced_still(const struct watch_sums *last, const struct watch_sums *now)
{
	return now->traced && now->traced == last->traced &&
	       now->traced_switches == last->traced_switches;
}

static void count_stillness(struct watchdog *w, const struct watch_sums *now, uint64_t elapsed)
{
	uint32_t progress = atomic_load(&w->control->state.progress);
	bool moved = progress != w->progress || !is_same_process(&w->last, now);
	bool stopped = !moved && ((now->stopped && w->last.stopped) ||
				  traced_still(&w->last, now));
	uint64_t ticks = moved ? 0 : now->ticks - w->last.ticks;
	uint64_t delay = moved ? 0 : now->run_delay_ns - w->last.run_delay_ns;
	uint64_t before_ns = w->still_ns;

	w->progress = progress;
	w->spun_ticks = moved ? 0 : w->spun_ticks + ticks;
	if (moved || ticks || !now->asleep || delay > elapsed / DELAY_PART)
		w->still_ns = 0;
	else
		w->still_ns += elapsed;
	if (w->still_ns && !before_ns)
		naps_note(&w->still_naps, now->pid);
	w->stopped_ns = stopped ? w->stopped_ns + elapsed : 0;
}

/*
 * Did a thread want a CPU from the one look to the other, and get none? run_delay grows by such a
 * wait only when it is over. Under four busy processes a CPU, Linux 6.18 has let a thread that had
 * just been made wait for more than a second, and F, which waited for that thread, with it.
 */
static bool starves(const struct watch_tasks *last, const struct watch_tasks *now)
{
	for (unsigned int i = 0; i < now->n; i++)
		for (unsigned int k = 0; k < last->n; k++)
			if (now->tids[i] == last->tids[k] &&
			    now->switches[i] == last->switches[k] &&
			    now->ticks[i] == last->ticks[k])
				return true;
	return false;
}

/*
 * While its threads wait for a CPU, nobody can do what F waits for: such time counts little, but it
 * does count, or a machine under load would never end a hang.
 */
static uint64_t time_in_hand(const struct watchdog *w, const struct watch_sums *now,
			     uint64_t elapsed)
{
	uint64_t delay = is_same_process(&w->last, now) ?
			 now->run_delay_ns - w->last.run_delay_ns : 0;
	uint64_t least = elapsed / STARVED_PART;

	if (starves(&w->last.runnable, &now->runnable))
		return least;
	return delay < elapsed - least ? elapsed - delay : least;
}

static void count_operator(struct watchdog *w, const struct watch_sums *now, uint64_t elapsed)
{
	pid_t pid = (pid_t)atomic_load(&w->control->state.subject_pid);
	pid_t tid = (pid_t)atomic_load(&w->control->state.operator_tid);
	struct task_state task = { .tid = tid };
	uint64_t before_ns = w->operator_still_ns;

	if (now->pid == pid && procfs_task_read(pid, tid, &task) == 0 &&
	    blocked_for_ever(&task) && task.switches == w->operator_switches)
		w->operator_still_ns += time_in_hand(w, now, elapsed);
	else
		w->operator_still_ns = 0;
	if (w->operator_still_ns && !before_ns)
		naps_note(&w->operator_naps, now->pid);
	w->operator_switches = task.switches;
}

/* Long enough, and nobody who naps could still go on. */
static bool stalled(const struct watchdog *w, pid_t pid)
{
	return (w->still_ns >= STALL_NS && !naps_last(&w->still_naps, pid)) ||
	       (w->operator_still_ns >= w->operator_ns && !naps_last(&w->operator_naps, pid));
}

enum watch watchdog_look(struct watchdog *w)
{
	uint64_t now = clock_now(), elapsed = now - w->looked_ns;
	struct watch_sums sums;
	enum watch watch = WATCH_ON;
	pid_t pid = watched_pid(w->control);

	if (elapsed > LOOK_MAX_NS)
		elapsed = LOOK_MAX_NS;
	w->looked_ns = now;
	w->watched_ns += elapsed;
	if (atomic_load(&w->control->crash.state) == CRASH_ANNOUNCED)
		return WATCH_ON;
	if (w->watched_ns > LIMIT_NS) {
		w->culprit = pid;
		return WATCH_LIMIT;
	}
	if (!pid || sums_read(&sums, pid) < 0)
		return WATCH_ON;
	count_stillness(w, &sums, elapsed);
	count_operator(w, &sums, elapsed);
	if (deadlocked(&w->last, &sums) || stalled(w, pid))
		watch = WATCH_HANG;
	else if (w->spun_ticks >= (uint64_t)(SPIN_SECONDS * sysconf(_SC_CLK_TCK)))
		watch = WATCH_SPIN;
	else if (w->stopped_ns >= STOPPED_NS)
		watch = WATCH_STOPPED;
	w->culprit = pid;
	w->last = sums;
	return watch;
}

const char *watchdog_why(const struct watchdog *w, enum watch watch)
{
	if (watch == WATCH_LIMIT)
		return "still there after 30 s";
	if (watch == WATCH_SPIN)
		return "2 s of CPU used and nothing moved";
	if (watch == WATCH_STOPPED && w->last.traced)
		return "the subject is traced, and its tracer holds it and does not let it go on";
	if (watch == WATCH_STOPPED)
		return "the subject was stopped by a signal, and nobody let it go on";
	if (w->last.blocked)
		return "every thread waits without a time limit, and nobody is left to wake it";
	if (w->still_ns >= STALL_NS)
		return "no thread ran, and none was waiting for a CPU";
	return "the operating thread waits without a time limit while others cycle";
}
