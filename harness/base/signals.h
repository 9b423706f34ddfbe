/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ctrl-C and its kin, what we were started with, and ending what is left below this process.
 * Nothing here is safe in a signal handler or between fork and exec, but signals_default().
 */
#ifndef FORKPOINT_BASE_SIGNALS_H
#define FORKPOINT_BASE_SIGNALS_H

#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/strbuf.h"

/*
 * Call first of all. A parent may hand down things that would make us lie: closed standard
 * descriptors (the next file opened would get TAP written into it), an ignored SIGCHLD (the kernel
 * would then forget how children ended) or SIGPIPE, blocked signals, a SIGXFSZ that kills where a
 * failed write can be told, a low soft limit on open files or on the stack, or no PATH. 0, or -1
 * and a sentence: we cannot run with what is left.
 */
int surroundings_mend(struct strbuf *err);

/*
 * From now on SIGINT, SIGTERM and SIGHUP set the flag and end nothing; a SIGHUP that is ignored
 * (nohup) stays so. They are blocked except in signals_poll(). Orphans below this process become
 * its children. May be called again.
 */
const volatile bool *signals_take(void);

/* As if one of them had come. */
void signals_interrupt(void);

/* The flag, also if nobody has taken signals yet. */
bool signals_interrupted(void);

/* ppoll() that lets these signals in if they were taken. As ppoll() returns; errno EINTR. */
int signals_poll(struct pollfd *fds, nfds_t n, uint64_t timeout_ns);

/* For a child that is about to exec: all dispositions as a fresh process has them, none blocked. */
void signals_default(void);

/*
 * End this process with `signo` when its parent ends; at once if that is not `parent` any more.
 * Safe between fork and exec.
 */
void die_with_parent(int signo, int parent);

/* End and reap every process below this one. The caller is a subreaper. */
void processes_sweep(void);

#endif
