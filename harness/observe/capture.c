/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/capture.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/procfs.h"
#include "base/strbuf.h"
#include "observe/denied.h"
#include "observe/image.h"
#include "observe/tracee.h"
#include "observe/unwind.h"
#include "observe/view.h"
#include "observe/waits.h"

/* One program a session. A worker drives one host for long, so a few are enough. */
#define SESSIONS 4

struct session {
	dev_t dev;
	ino_t ino;
	uint64_t used; /* clock of the last use; 0: free */
	struct unwind_session *unwind;
};

struct capture_cache {
	struct image_cache *images;
	struct session sessions[SESSIONS];
};

struct capture_cache *capture_cache_new(void)
{
	struct capture_cache *cache = xcalloc(1, sizeof(*cache));

	cache->images = image_cache_new();
	return cache;
}

void capture_cache_free(struct capture_cache *cache)
{
	if (!cache)
		return;
	for (size_t i = 0; i < SESSIONS; i++)
		unwind_session_free(cache->sessions[i].unwind);
	image_cache_free(cache->images);
	free(cache);
}

struct image_cache *capture_images(struct capture_cache *cache)
{
	return cache->images;
}

/* The one unused for longest gives way. */
struct unwind_session *capture_session(struct capture_cache *cache, pid_t pid)
{
	struct session *oldest = &cache->sessions[0];
	char path[48];
	struct stat st = { 0 };

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (stat(path, &st) < 0)
		st.st_ino = 0;
	for (size_t i = 0; i < SESSIONS; i++) {
		struct session *session = &cache->sessions[i];

		if (session->used && session->dev == st.st_dev && session->ino == st.st_ino) {
			session->used = clock_now();
			return session->unwind;
		}
		if (session->used < oldest->used)
			oldest = session;
	}
	unwind_session_free(oldest->unwind);
	oldest->unwind = unwind_session_new(cache->images);
	oldest->dev = st.st_dev;
	oldest->ino = st.st_ino;
	oldest->used = clock_now();
	return oldest->unwind;
}

static struct crash_thread *thread_of(struct crash *crash, pid_t tid)
{
	for (size_t i = 0; i < crash->nthreads; i++)
		if (crash->threads[i].tid == tid)
			return &crash->threads[i];
	return NULL;
}

/* The innermost; NULL: none is known. */
static const struct crash_frame *native_frame(const struct crash_thread *thread)
{
	for (size_t i = 0; i < thread->nframes; i++)
		if (!thread->frames[i].python)
			return &thread->frames[i];
	return NULL;
}

static void crash_take_announcement(struct crash *crash, const struct control_crash *announced)
{
	size_t n = announced->nregs < CONTROL_REGISTERS ? announced->nregs : CONTROL_REGISTERS;

	crash->kind = CRASH_KIND_SIGNAL;
	crash->pid = (pid_t)announced->pid;
	crash->tid = (pid_t)announced->tid;
	crash->signo = announced->signo;
	crash->code = announced->code;
	/*
	 * A positive code comes from the kernel's fault handlers, which know the address; but not
	 * for SI_KERNEL, where the address was no address at all (not canonical).
	 */
	crash->has_addr = announced->code > 0 && announced->code != SI_KERNEL;
	crash->addr = crash->has_addr ? announced->addr : 0;
	crash->pc = announced->pc;
	crash->sp = announced->sp;
	crash->fp = announced->fp;
	if (n) {
		crash->regs = xcalloc(n, sizeof(*crash->regs));
		memcpy(crash->regs, announced->regs, n * sizeof(*crash->regs));
		crash->nregs = n;
	}
}

static void crash_take_message(struct crash *crash, const char *message)
{
	free(crash->message);
	crash->message = xstrdup(message ? message : "");
}

struct crash *capture_signal(struct capture_cache *cache, const struct control_crash *announced,
			     const char *message)
{
	struct crash *crash = crash_new();
	struct wait_notes notes = { 0 };
	struct crash_thread *thread;

	crash_take_announcement(crash, announced);
	crash_take_message(crash, message);
	view_capture(crash, &(struct view_request){ .pid = crash->pid, .announced = announced },
		     capture_session(cache, crash->pid), &notes);
	waits_settle(crash, &notes);
	wait_notes_release(&notes);
	thread = thread_of(crash, crash->tid);
	if (!thread) {
		thread = crash_add_thread(crash);
		thread->pid = crash->pid;
		thread->tid = crash->tid;
	}
	thread->culprit = true;
	/* At the very least, where it was. */
	if (!native_frame(thread)) {
		crash_thread_add_frame(thread)->pc = crash->pc;
		thread->truncated = true;
	}
	return crash;
}

struct crash *capture_hang(struct capture_cache *cache, enum crash_kind kind, const pid_t *pids,
			   size_t n, const char *message)
{
	struct crash *crash = crash_new();
	const struct crash_thread *culprit;
	struct wait_notes notes = { 0 };

	crash->kind = kind;
	crash_take_message(crash, message);
	for (size_t i = 0; i < n; i++)
		view_capture(crash, &(struct view_request){ .pid = pids[i] },
			     capture_session(cache, pids[i]), &notes);
	waits_settle(crash, &notes);
	wait_notes_release(&notes);
	culprit = waits_choose_culprit(crash, n ? pids[n - 1] : 0);
	if (culprit) {
		crash->pid = culprit->pid;
		crash->tid = culprit->tid;
		crash->in_child = culprit->pid != pids[0];
		if (native_frame(culprit))
			crash->pc = native_frame(culprit)->pc;
	} else if (n) {
		crash->pid = crash->tid = pids[n - 1];
	}
	return crash;
}

/* Else one is not a fork of the other, or not any more. */
static bool same_program(pid_t one, pid_t other)
{
	struct stat a, b;
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/exe", one);
	if (stat(path, &a) < 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/exe", other);
	return stat(path, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/*
 * A lock whose owner is no thread of the process may have been locked before a fork, by a thread of
 * its parent. 0: none is, or that one has no such thread.
 */
static pid_t wanted_parent(const struct crash *crash, const struct wait_notes *notes, pid_t pid)
{
	pid_t parent = procfs_parent(pid);

	if (parent && waits_miss_owner(crash, notes) && same_program(pid, parent))
		return parent;
	for (size_t i = 0; parent && i < crash->nthreads; i++) {
		const struct crash_wait *wait = &crash->threads[i].wait;
		struct task_state task;

		if (wait->owner && !wait_is_for_process(wait) &&
		    !waits_thread(crash, wait->owner) &&
		    procfs_task_read(parent, wait->owner, &task) == 0)
			return parent;
	}
	return 0;
}

struct crash *capture_look(struct capture_cache *cache, pid_t pid)
{
	struct crash *crash = crash_new();
	struct wait_notes notes = { 0 };
	pid_t parent;

	crash->kind = CRASH_KIND_LOOK;
	crash->pid = crash->tid = pid;
	view_capture(crash, &(struct view_request){ .pid = pid, .locks = true },
		     capture_session(cache, pid), &notes);
	parent = wanted_parent(crash, &notes, pid);
	if (parent)
		view_capture(crash, &(struct view_request){ .pid = parent, .locks = true },
			     capture_session(cache, parent), &notes);
	waits_settle(crash, &notes);
	waits_settle_gils(crash);
	wait_notes_release(&notes);
	return crash;
}

/* For a fork and a stop, on a machine under load. */
#define TRY_NS (2 * NSEC_PER_SEC)

/* A child that waits for its end; -1 and a sentence: there can be none. */
static pid_t try_child(const char *what, struct strbuf *err)
{
	pid_t child = fork();

	if (child < 0)
		strbuf_addf(err, "cannot try %s: fork failed: %s", what, strerror(errno));
	while (!child)
		pause();
	return child;
}

static void try_over(pid_t child)
{
	kill(child, SIGKILL);
	while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
		;
}

int capture_check_ptrace(struct strbuf *err)
{
	struct tracees tracees = { 0 };
	pid_t child = try_child("ptrace", err);
	int ret = 0, error;

	if (child < 0)
		return -1;
	if (tracees_stop(&tracees, child, clock_now() + TRY_NS) < 0) {
		error = errno;
		if (error == ETIMEDOUT)
			strbuf_addstr(err, "no ptrace: a child process did not stop in time; "
					   "try again on a less loaded machine");
		else
			denied_explain(err, "ptrace", error, child);
		ret = -1;
	}
	tracees_release(&tracees);
	try_over(child);
	return ret;
}

int capture_check_memory(struct strbuf *err)
{
	static const char here = 1;
	pid_t child = try_child("process_vm_readv", err);
	char there;
	struct iovec local = { &there, 1 }, remote = { (void *)(uintptr_t)&here, 1 };
	int ret = 0;

	if (child < 0)
		return -1;
	if (process_vm_readv(child, &local, 1, &remote, 1, 0) != 1) {
		denied_explain(err, "process_vm_readv", errno, child);
		ret = -1;
	}
	try_over(child);
	return ret;
}
