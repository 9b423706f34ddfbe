/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who meets a word of memory, and where: F's thread, or the process that it forks, under ptrace
 * with a debug register.
 *
 * The calling thread becomes the tracer. SIGCHLD is blocked, as a walker has it. What the kernel
 * does to the word in a system call is not seen.
 */
#ifndef FORKPOINT_EXPLORE_SENTRY_H
#define FORKPOINT_EXPLORE_SENTRY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "embed/subject.h"

/* As for cpu_watch_set(). */
struct sentry_word {
	uint64_t address;
	size_t size;
	bool reads;
};

/* A thread that has just met the word and stands behind the instruction. */
struct sentry_hit {
	pid_t pid, tid;
	bool child;
	bool changed; /* the word is another one than before */
};

struct sentry {
	/* The caller's. */
	pid_t pid, tid; /* F */
	pid_t worker;   /* W, which stands still under the same tracer */
	struct sentry_word word;
	void (*take)(const struct sentry_hit *hit, void *arg); /* looks at it */
	void *arg;
	/* Its own. */
	pid_t child;
	bool attached;       /* to F */
	bool child_attached; /* to the child */
	uint64_t value;
};

/* F, which waits for a command, is under watch. 0, or -1 (no ptrace, gone). End in any case. */
int sentry_begin(struct sentry *sentry);

/*
 * F is told to fork: until its child has met the word, has ended, crashed or come to rest, or F
 * waits for somebody and forks no more. take() is called for F's first hit before the fork, if
 * there is one, and for the child's first.
 */
void sentry_await_fork(struct sentry *sentry);

/*
 * F is told to operate: until it has answered, crashed or ended, or waits for W. take() is called
 * for the n-th hit, from 1. The number of hits, up to `most`.
 */
unsigned int sentry_await_operation(struct sentry *sentry, const struct control *control,
				    unsigned int n, unsigned int most);

/* F is let go, its child killed. */
void sentry_end(struct sentry *sentry);

#endif
