/* SPDX-License-Identifier: Apache-2.0 */
#include "base/procfs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/strbuf.h"

/* What this module needs of a stat file; the comm in the middle may hold blanks and brackets. */
struct stat_line {
	char state;
	pid_t ppid;
	pid_t pgrp;
	unsigned int flags;
	uint64_t ticks;
	long threads;
};

/*
 * Read a small file of /proc whole. They are made at the first read, so one read() of a page is
 * consistent in itself. Length, or -1 with errno; a task that is gone is always ESRCH, though the
 * kernel says ENOENT at open and ESRCH at read.
 */
__attribute__((format(printf, 3, 4)))
static ssize_t procfs_slurp(char *buf, size_t size, const char *fmt, ...)
{
	char path[96];
	va_list ap;
	ssize_t n;
	int fd, saved;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0) {
		if (errno == ENOENT)
			errno = ESRCH;
		return -1;
	}
	do {
		n = read(fd, buf, size - 1);
	} while (n < 0 && errno == EINTR);
	saved = errno;
	close(fd);
	errno = saved;
	if (n >= 0)
		buf[n] = '\0';
	return n;
}

static int stat_parse(const char *text, struct stat_line *line)
{
	const char *p = strrchr(text, ')');
	unsigned long long utime, stime;

	if (!p || sscanf(p + 1,
			 " %c %d %d %*d %*d %*d %u %*u %*u %*u %*u %llu %llu %*d %*d %*d %*d %ld",
			 &line->state, &line->ppid, &line->pgrp, &line->flags, &utime, &stime,
			 &line->threads) != 7) {
		errno = ESRCH;
		return -1;
	}
	line->ticks = utime + stime;
	return 0;
}

static uint64_t status_number(const char *status, const char *key)
{
	const char *p = strstr(status, key);

	return p ? strtoull(p + strlen(key), NULL, 10) : 0;
}

static void syscall_parse(const char *text, struct task_state *task)
{
	char *end;

	/* "running" for a task on a CPU, "-1 SP PC" for one that sleeps outside a call. */
	if (!isdigit((unsigned char)*text))
		return;
	task->nr = strtol(text, &end, 10);
	for (int i = 0; i < 6; i++) {
		const char *p = end;

		task->args[i] = strtoull(p, &end, 16);
		if (end == p)
			return;
	}
	task->sp = strtoull(end, NULL, 16);
	task->in_syscall = true;
}

/*
 * A thread is looked at as a task of its own number, which names the same files as its leader's
 * does. So what the kernel caches of it hangs below /proc/TID and not below /proc/PID: who reaps
 * the process has to take away all that is below the latter, and spins while a thread that is on
 * its way out takes away the same, which may have lost its processor to whoever spins.
 */
#define TASK_FILE "/proc/%d/task/%d/"

/* Who has a thread's number may be somebody else by now. */
static bool is_task_of(const char *status, pid_t pid)
{
	return status_number(status, "\nTgid:") == (uint64_t)pid;
}

int procfs_task_read(pid_t pid, pid_t tid, struct task_state *task)
{
	char buf[4096];
	struct stat_line line;
	char *p;

	memset(task, 0, sizeof(*task));
	task->tid = tid;
	if (procfs_slurp(buf, sizeof(buf), TASK_FILE "stat", tid, tid) < 0)
		return -1;
	if (stat_parse(buf, &line) < 0)
		return -1;
	task->state = line.state;
	task->cpu_ticks = line.ticks;
	if (procfs_slurp(buf, sizeof(buf), TASK_FILE "status", tid, tid) < 0)
		return -1;
	if (!is_task_of(buf, pid)) {
		errno = ESRCH;
		return -1;
	}
	/* The longer word holds the shorter one, hence the newline. */
	task->sleeps = status_number(buf, "\nvoluntary_ctxt_switches:");
	task->switches = task->sleeps +
			 status_number(buf, "\nnonvoluntary_ctxt_switches:");
	if (procfs_slurp(buf, sizeof(buf), TASK_FILE "schedstat", tid, tid) > 0) {
		p = strchr(buf, ' ');
		if (p)
			task->run_delay_ns = strtoull(p, NULL, 10);
	}
	if (procfs_slurp(buf, sizeof(buf), TASK_FILE "syscall", tid, tid) > 0)
		syscall_parse(buf, task);
	return 0;
}

char procfs_task_letter(pid_t tid)
{
	struct stat_line line;
	char buf[4096];

	if (procfs_slurp(buf, sizeof(buf), TASK_FILE "stat", tid, tid) < 0 ||
	    stat_parse(buf, &line) < 0)
		return '\0';
	return line.state;
}

/* A zombie leader whose other threads run on is of a living process. */
static bool is_living(const struct stat_line *line)
{
	return !strchr("ZX", line->state) || line->threads > 1;
}

/* PF_KTHREAD of the kernel's sched.h. */
#define FLAG_KERNEL 0x00200000u

enum procfs_kind procfs_kind(pid_t pid)
{
	struct stat_line line;
	char buf[4096];

	if (procfs_slurp(buf, sizeof(buf), TASK_FILE "stat", pid, pid) < 0 ||
	    stat_parse(buf, &line) < 0)
		return PROCFS_GONE;
	if (line.flags & FLAG_KERNEL)
		return PROCFS_KERNEL;
	return is_living(&line) ? PROCFS_LIVING : PROCFS_ENDED;
}

static pid_t status_pid(pid_t tid, const char *key)
{
	char buf[4096];

	return procfs_slurp(buf, sizeof(buf), TASK_FILE "status", tid, tid) < 0 ?
	       0 : (pid_t)status_number(buf, key);
}

pid_t procfs_process(pid_t tid)
{
	return status_pid(tid, "\nTgid:");
}

pid_t procfs_tracer(pid_t tid)
{
	return status_pid(tid, "\nTracerPid:");
}

struct pid_array {
	pid_t *v;
	size_t n, alloc;
};

static void pid_array_add(struct pid_array *array, pid_t pid)
{
	if (array->n == array->alloc) {
		array->alloc = array->alloc ? 2 * array->alloc : 16;
		array->v = xrealloc(array->v, array->alloc * sizeof(*array->v));
	}
	array->v[array->n++] = pid;
}

/* The numeric entries of a directory. -1 with errno if it cannot be opened. */
static int pid_array_list(struct pid_array *array, const char *path)
{
	struct dirent *entry;
	DIR *dir = opendir(path);

	if (!dir) {
		if (errno == ENOENT)
			errno = ESRCH;
		return -1;
	}
	while ((entry = readdir(dir)))
		if (isdigit((unsigned char)entry->d_name[0]))
			pid_array_add(array, (pid_t)atol(entry->d_name));
	closedir(dir);
	return 0;
}

int procfs_tasks(pid_t pid, pid_t **tids)
{
	struct pid_array array = { 0 };
	char path[64];

	*tids = NULL;
	snprintf(path, sizeof(path), "/proc/%d/task", pid);
	if (pid_array_list(&array, path) < 0)
		return -1;
	/* The directory of a process that ends under our eyes reads as empty. */
	if (!array.n) {
		errno = ESRCH;
		return -1;
	}
	*tids = array.v;
	return (int)array.n;
}

struct process {
	pid_t pid, ppid, pgrp;
	bool living;
};

static int processes_list_all(struct process **out)
{
	struct pid_array pids = { 0 };
	struct process *v;
	size_t n = 0;

	*out = NULL;
	if (pid_array_list(&pids, "/proc") < 0)
		return -1;
	v = xcalloc(pids.n + 1, sizeof(*v));
	for (size_t i = 0; i < pids.n; i++) {
		struct stat_line line;
		char buf[1024];

		if (procfs_slurp(buf, sizeof(buf), "/proc/%d/stat", pids.v[i]) < 0 ||
		    stat_parse(buf, &line) < 0)
			continue;
		v[n++] = (struct process){ pids.v[i], line.ppid, line.pgrp, is_living(&line) };
	}
	free(pids.v);
	*out = v;
	return (int)n;
}

/* All processes that are more than a zombie, in an array to free. */
static int processes_list(struct process **out)
{
	int all = processes_list_all(out), n = 0;

	for (int i = 0; i < all; i++)
		if ((*out)[i].living)
			(*out)[n++] = (*out)[i];
	return all < 0 ? -1 : n;
}

int procfs_children(pid_t pid, pid_t **pids)
{
	struct pid_array found = { 0 };
	struct process *all;
	int n = processes_list_all(&all);

	*pids = NULL;
	if (n < 0)
		return -1;
	for (int i = 0; i < n; i++)
		if (all[i].ppid == pid)
			pid_array_add(&found, all[i].pid);
	free(all);
	*pids = found.v;
	return (int)found.n;
}

int procfs_count_children(pid_t pid)
{
	pid_t *tids;
	int n = procfs_tasks(pid, &tids), count = n < 0 ? -1 : 0;

	for (int i = 0; i < n && count >= 0; i++) {
		char buf[4096];

		if (procfs_slurp(buf, sizeof(buf), TASK_FILE "children", tids[i], tids[i]) < 0)
			count = -1;
		else
			for (const char *p = buf; (p = strchr(p, ' ')); p++)
				count++;
	}
	free(tids);
	return count;
}

int procfs_descendants(pid_t pid, pid_t **pids)
{
	struct pid_array found = { 0 };
	struct process *all;
	int n = processes_list(&all);

	*pids = NULL;
	if (n < 0)
		return -1;
	/* Breadth first: what `found` holds grows while it is walked. */
	for (size_t next = 0;; next++) {
		for (int i = 0; i < n; i++)
			if (all[i].ppid == pid)
				pid_array_add(&found, all[i].pid);
		if (next >= found.n)
			break;
		pid = found.v[next];
	}
	free(all);
	*pids = found.v;
	return (int)found.n;
}

int procfs_group(pid_t pgid, pid_t **pids)
{
	struct pid_array found = { 0 };
	struct process *all;
	int n = processes_list(&all);

	*pids = NULL;
	if (n < 0)
		return -1;
	for (int i = 0; i < n; i++)
		if (all[i].pgrp == pgid)
			pid_array_add(&found, all[i].pid);
	free(all);
	*pids = found.v;
	return (int)found.n;
}

pid_t procfs_parent(pid_t pid)
{
	struct strbuf text = STRBUF_INIT;
	char path[48];
	const char *p;
	pid_t parent = 0;

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	if (!strbuf_read_file(&text, path, 4096) && (p = strstr(text.buf, "\nPPid:")))
		parent = (pid_t)atol(p + strlen("\nPPid:"));
	strbuf_release(&text);
	return parent;
}

/* Lists of groups come before, and may be long. */
#define STATUS_MAX 65536

pid_t procfs_own_tid(pid_t pid, pid_t tid)
{
	struct strbuf text = STRBUF_INIT;
	char path[64], *line;
	pid_t own = 0;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	if (!strbuf_read_file(&text, path, STATUS_MAX) && (line = strstr(text.buf, "\nNSpid:"))) {
		/* Of each namespace from ours to its own. */
		line += strlen("\nNSpid:");
		line[strcspn(line, "\n")] = '\0';
		strtol(line, &line, 10);
		for (char *end; ; line = end) {
			long id = strtol(line, &end, 10);

			if (end == line)
				break;
			own = (pid_t)id;
		}
	}
	strbuf_release(&text);
	return own;
}
