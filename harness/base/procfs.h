/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What /proc says of a process's threads and children. Every function works on processes that may
 * end at any moment: "gone" is an ordinary answer (-1, errno ESRCH), not an error.
 */
#ifndef FORKPOINT_BASE_PROCFS_H
#define FORKPOINT_BASE_PROCFS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct task_state {
	pid_t tid;
	char state;            /* R S D T t Z X, as in /proc/PID/stat */
	uint64_t cpu_ticks;    /* user and system time used */
	uint64_t switches;     /* voluntary and involuntary context switches */
	uint64_t sleeps;       /* the voluntary ones: it has given its CPU up so often */
	uint64_t run_delay_ns; /* time spent runnable without a CPU; 0 if the kernel does not say */
	bool in_syscall;       /* nr and args hold; false also where it may not be read */
	long nr;
	uint64_t args[6];
	uint64_t sp;           /* as the others, inside the call */
};

/* -1 with errno ESRCH once the task is gone. */
int procfs_task_read(pid_t pid, pid_t tid, struct task_state *task);

/*
 * Its state alone, at a quarter of the cost; '\0' once the task is gone. Nobody looks whether its
 * number has gone to another process since, as procfs_task_read() does.
 */
char procfs_task_letter(pid_t tid);

enum procfs_kind { PROCFS_GONE, PROCFS_LIVING, PROCFS_ENDED, PROCFS_KERNEL };

/* Is it gone, or a zombie, or a thread of the kernel's? */
enum procfs_kind procfs_kind(pid_t pid);

/* The process that a thread is of, and who traces it; 0: none, or it is gone. */
pid_t procfs_process(pid_t tid);
pid_t procfs_tracer(pid_t tid);

/* All thread ids of a process, in an array that the caller frees. Their number, or -1. */
int procfs_tasks(pid_t pid, pid_t **tids);

/* 0: it is gone, or its parent is none that can be seen. */
pid_t procfs_parent(pid_t pid);

/*
 * What a thread is called in its own pid namespace, where that lies within ours: what gettid()
 * gives there. 0: it is in ours, or nothing is told.
 */
pid_t procfs_own_tid(pid_t pid, pid_t tid);

/* Its children, zombies too, in an array to free. Number, or -1. */
int procfs_children(pid_t pid, pid_t **pids);

/*
 * How many children it has, zombies too, by a look at it alone. -1: gone, or the kernel does not
 * say. Right only while none of them ends.
 */
int procfs_count_children(pid_t pid);

/* All living descendants of a process, nearest first, in an array to free. Number, or -1. */
int procfs_descendants(pid_t pid, pid_t **pids);

/* Members of a process group (zombies left out), in an array to free. Number, or -1. */
int procfs_group(pid_t pgid, pid_t **pids);

#endif
