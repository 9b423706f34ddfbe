/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Futexes on the 32-bit words of a subject. Async-signal-safe and child-safe: bare system calls,
 * no lock of libc's, so a thread may wait here from a signal handler while F forks.
 */
#ifndef FORKPOINT_EMBED_FUTEX_H
#define FORKPOINT_EMBED_FUTEX_H

#include <linux/futex.h>
#include <limits.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "embed/subject.h"

/* Wait while *word is `value`, for timeout_ns at most (0: without end). Wakes up spuriously. */
static inline void futex_wait(SHARED_U32 *word, uint32_t value, uint64_t timeout_ns)
{
	struct timespec ts = { (time_t)(timeout_ns / 1000000000u),
			       (long)(timeout_ns % 1000000000u) };

	syscall(SYS_futex, word, FUTEX_WAIT, value, timeout_ns ? &ts : NULL, NULL, 0);
}

static inline void futex_wake(SHARED_U32 *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE, INT_MAX, NULL, NULL, 0);
}

#endif
