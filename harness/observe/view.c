/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/view.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/procfs.h"
#include "base/strbuf.h"
#include "observe/denied.h"
#include "observe/machine.h"
#include "observe/scene.h"
#include "observe/tracee.h"
#include "observe/waits.h"

/*
 * How long threads may take to stop, and how long a process may be held for its native frames. A
 * thread that runs or waits stops soon, since the kernel wakes it for this; a second is for a
 * machine that is swapping or has several busy threads a CPU, where a quarter of it was seen not to
 * do. The first unwinding of a large program reads its tables, some 100 ms; two seconds is twenty
 * times that. Then what we have is what we report.
 */
#define STOP_NS NSEC_PER_SEC
#define HOLD_NS (2 * NSEC_PER_SEC)
/* A thousand frames of Python's take some milliseconds. What takes this long is made to. */
#define PYTHON_NS (2 * NSEC_PER_SEC)

struct view {
	pid_t pid;
	struct scene scene;
	struct task_state *tasks;
	struct tracees tracees;
	struct wait_notes *notes;
	const struct control_crash *announced;
};

void view_ptrace_remedy(struct strbuf *text, int error)
{
	denied_explain(text, "ptrace", error, 0);
}

static void crash_degrade_ptrace(struct crash *crash, int error, pid_t pid)
{
	struct strbuf text = STRBUF_INIT;

	denied_explain(&text, "ptrace", error, pid);
	crash_degrade(crash, "%s", text.buf);
	strbuf_release(&text);
}

/* Who traces a thread, if it is somebody else than we; 0: nobody. */
static pid_t thread_tracer(pid_t tid)
{
	pid_t tracer = procfs_tracer(tid);

	return tracer == getpid() ? 0 : tracer;
}

static char *thread_name(pid_t pid, pid_t tid)
{
	struct strbuf text = STRBUF_INIT;
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/task/%d/comm", pid, tid);
	if (strbuf_read_file(&text, path, 64) < 0)
		strbuf_reset(&text);
	strbuf_rtrim(&text);
	return strbuf_detach(&text);
}

static int tid_compare(const void *a, const void *b)
{
	return *(const pid_t *)a < *(const pid_t *)b ? -1 : 1;
}

/* In a namespace of its own they have other names, which its memory has. */
static void view_own_tids(struct view *view, const struct crash *crash)
{
	struct scene *scene = &view->scene;

	if (!procfs_own_tid(view->pid, view->pid))
		return;
	scene->own_tids = xcalloc(scene->n + 1, sizeof(*scene->own_tids));
	for (size_t i = 0; i < scene->n; i++)
		scene->own_tids[i] =
			procfs_own_tid(view->pid, crash->threads[scene->first + i].tid);
}

/* The child that the process calls so. */
static pid_t child_called(pid_t pid, pid_t own)
{
	pid_t *children, found = 0;
	int n = procfs_children(pid, &children);

	for (int i = 0; i < n; i++)
		if (procfs_own_tid(children[i], children[i]) == own)
			found = children[i];
	if (n >= 0)
		free(children);
	return found;
}

/* The thread of a process in an inner namespace, too. */
static pid_t thread_called(pid_t pid, pid_t own)
{
	pid_t *tids, found = 0;
	int n = procfs_tasks(pid, &tids);

	for (int i = 0; i < n; i++)
		if (procfs_own_tid(pid, tids[i]) == own)
			found = tids[i];
	if (n >= 0)
		free(tids);
	return found;
}

/* Who is waited for, as it is called here: perhaps a thread that a fork has left behind. */
static void view_translate_owner(const struct view *view, const struct crash *crash,
				 struct crash_wait *wait)
{
	pid_t own = wait->owner;

	if (!view->scene.own_tids || !own)
		return;
	if (wait_is_for_process(wait)) {
		wait->owner = child_called(view->pid, own);
		return;
	}
	wait->owner = scene_tid(&view->scene, crash, own);
	if (!wait->owner)
		wait->owner = thread_called(procfs_parent(view->pid), own);
}

/*
 * Threads and their system calls, before they are stopped: a restarted call would show as
 * restart_syscall. False if the process is gone.
 */
static bool view_list_threads(struct view *view, struct crash *crash)
{
	pid_t *tids;
	int n = procfs_tasks(view->pid, &tids);

	view->scene.first = crash->nthreads;
	if (n < 0)
		return false;
	qsort(tids, (size_t)n, sizeof(*tids), tid_compare);
	view->tasks = xcalloc((size_t)n, sizeof(*view->tasks));
	view->scene.stacks = xcalloc((size_t)n, sizeof(*view->scene.stacks));
	for (int i = 0; i < n; i++) {
		struct crash_thread *thread;

		if (procfs_task_read(view->pid, tids[i], &view->tasks[view->scene.n]) < 0)
			continue;
		thread = crash_add_thread(crash);
		thread->pid = view->pid;
		thread->tid = tids[i];
		thread->state = view->tasks[view->scene.n].state;
		thread->name = thread_name(view->pid, tids[i]);
		wait_notes_add(view->notes);
		view->scene.n++;
	}
	free(tids);
	view_own_tids(view, crash);
	return view->scene.n > 0;
}

/* sp and pc, which /proc gives of a blocked thread also without ptrace. */
static bool registers_from_proc(pid_t pid, pid_t tid, struct machine_registers *registers)
{
	struct strbuf text = STRBUF_INIT;
	unsigned long long sp, pc;
	char path[64];
	bool ok;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/syscall", pid, tid);
	ok = !strbuf_read_file(&text, path, 512) &&
	     sscanf(text.buf, "%*d %*x %*x %*x %*x %*x %*x %llx %llx", &sp, &pc) == 2;
	if (ok)
		machine_from_blocked(sp, pc, registers);
	strbuf_release(&text);
	return ok;
}

/*
 * The announcing thread's stack as it was when the signal came: from the registers that the signal
 * saved, so the handler's own frames, and the stack they stand on, do not matter.
 */
static void view_unwind_announced(struct view *view, struct wait_note *note,
				  struct unwind_stack *stack)
{
	const struct control_crash *announced = view->announced;
	size_t nregs = announced->nregs < CONTROL_REGISTERS ? announced->nregs : CONTROL_REGISTERS;
	struct machine_registers registers = { 0 };

	if (!machine_fetch((pid_t)announced->tid, &registers))
		note->thread_pointer = registers.thread_pointer;
	if (!machine_from_context(announced->regs, nregs, &registers))
		machine_from_blocked(announced->sp, announced->pc, &registers);
	unwind_thread(view->scene.session, &registers, stack);
}

static void view_unwind_thread(struct view *view, pid_t tid, struct wait_note *note,
			       struct unwind_stack *stack)
{
	const struct tracee *tracee = tracees_find(&view->tracees, tid);
	struct machine_registers registers = { 0 };

	if (tracee && tracee->stopped) {
		if (machine_fetch(tid, &registers) < 0)
			return;
		note->thread_pointer = registers.thread_pointer;
	} else if (!registers_from_proc(view->pid, tid, &registers)) {
		return;
	}
	unwind_thread(view->scene.session, &registers, stack);
}

static bool thread_announced(const struct view *view, const struct crash_thread *thread)
{
	return view->scene.announced && view->scene.announced == thread->tid;
}

static void view_unwind(struct view *view, struct crash *crash, uint64_t deadline)
{
	unwind_begin(view->scene.session, &view->scene.maps, view->scene.memory, deadline);
	for (size_t i = 0; i < view->scene.n; i++) {
		const struct crash_thread *thread = &crash->threads[view->scene.first + i];
		struct wait_note *note = &view->notes->v[view->scene.first + i];

		if (thread_announced(view, thread))
			view_unwind_announced(view, note, &view->scene.stacks[i]);
		else
			view_unwind_thread(view, thread->tid, note, &view->scene.stacks[i]);
	}
	if (clock_now() > deadline)
		crash_degrade(crash, "stacks are cut short: process %d was held for %d s",
			      view->pid, (int)(HOLD_NS / NSEC_PER_SEC));
}

static void view_read_waits(struct view *view, struct crash *crash)
{
	for (size_t i = 0; i < view->scene.n; i++) {
		struct crash_thread *thread = &crash->threads[view->scene.first + i];

		/* The announcing thread waits for us, which is not its trouble. */
		if (thread_announced(view, thread))
			continue;
		wait_read(thread, &view->notes->v[view->scene.first + i], &view->tasks[i],
			  view->scene.memory);
		view_translate_owner(view, crash, &thread->wait);
	}
}

static bool has_ended(const struct view *view, size_t i)
{
	return view->tasks[i].state == 'Z' || view->tasks[i].state == 'X';
}

static void view_note_unstopped(const struct view *view, struct crash *crash)
{
	for (size_t i = 0; i < view->scene.n; i++) {
		pid_t tid = crash->threads[view->scene.first + i].tid;
		const struct tracee *tracee = tracees_find(&view->tracees, tid);
		pid_t tracer;

		if (!tracee || tracee->stopped || tracee->error == ESRCH || has_ended(view, i))
			continue;
		tracer = thread_tracer(tid);
		if (tracer)
			crash_degrade(crash, "no ptrace of thread %d: process %d traces it already",
				      tid, tracer);
		else if (tracee->error)
			crash_degrade(crash, "thread %d could not be stopped: %s", tid,
				      strerror(tracee->error));
		else
			crash_degrade(crash, "thread %d did not stop within %d ms", tid,
				      (int)(STOP_NS / NSEC_PER_MSEC));
	}
}

static void view_release(struct view *view)
{
	tracees_release(&view->tracees);
	free(view->tasks);
	scene_release(&view->scene);
}

static bool view_is_traced(const struct view *view)
{
	for (size_t i = 0; i < view->tracees.n; i++)
		if (thread_tracer(view->tracees.v[i].tid))
			return true;
	return false;
}

static void view_stop(struct view *view, struct crash *crash, uint64_t deadline)
{
	int error = tracees_stop(&view->tracees, view->pid, deadline) < 0 ? errno : 0;

	if (!error || error == ETIMEDOUT)
		view_note_unstopped(view, crash);
	else if (error == ESRCH || procfs_kind(view->pid) != PROCFS_LIVING)
		crash_degrade(crash, "process %d ended while it was looked at", view->pid);
	else if (view_is_traced(view))
		view_note_unstopped(view, crash);
	else
		crash_degrade_ptrace(crash, error, view->pid);
}

/* A thread whose memory is the process's: the leader may have ended before the others. */
static pid_t view_living(const struct view *view)
{
	for (size_t i = 0; i < view->scene.n; i++)
		if (!has_ended(view, i))
			return view->tasks[i].tid;
	return view->pid;
}

void view_capture(struct crash *crash, const struct view_request *request,
		  struct unwind_session *session, struct wait_notes *notes)
{
	pid_t pid = request->pid;
	struct view view = {
		.pid = pid,
		.scene = {
			.pid = pid, .session = session,
			.announced = request->announced ? (pid_t)request->announced->tid : 0,
		},
		.announced = request->announced,
		.notes = notes,
	};
	uint64_t begin = clock_now();

	if (!view_list_threads(&view, crash)) {
		crash_degrade(crash, "process %d is gone: no stacks", pid);
		goto out;
	}
	view_stop(&view, crash, begin + STOP_NS);
	/* Also without ptrace: memory may still be readable, and who waits does not move. */
	if (maps_read(&view.scene.maps, view_living(&view)) < 0) {
		crash_degrade(crash, "no maps of process %d: %s", pid, strerror(errno));
		goto out;
	}
	view.scene.memory = memory_open(view_living(&view));
	view_read_waits(&view, crash);
	view_unwind(&view, crash, begin + HOLD_NS);
	scene_read_python(&view.scene, crash, notes, PYTHON_NS);
	if (request->locks)
		scene_read_locks(&view.scene, notes);
	/* Nobody is held longer than needed: names are found without the process. */
	tracees_release(&view.tracees);
	scene_tell(&view.scene, crash);
out:
	view_release(&view);
}
