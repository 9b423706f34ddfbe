/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Does a thread wait for somebody else? Read off the kernel, by looks at it that are some 100 us
 * apart; a thread that is on its way somewhere is seen to move.
 */
#ifndef FORKPOINT_EXPLORE_REST_H
#define FORKPOINT_EXPLORE_REST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/procfs.h"

/* All zero: no look yet. */
struct rest {
	struct task_state task; /* as it was when it was looked at last */
	uint64_t first;         /* its sleeps when this wait was seen first */
	unsigned int asleep;    /* looks in a row that found it asleep */
	uint64_t same_ns;       /* when it was first found in the sleep that it is in; 0: never */
};

enum resting {
	REST_NONE,   /* it runs, or did between the last two looks */
	REST_ASLEEP, /* it has slept on for so long that only another thread will end that */
	REST_ROUNDS, /* it waits in rounds, each with a time limit, and the first one is over */
	REST_GONE,   /* the thread is no more */
};

/* Takes one more look. */
enum resting rest_look(struct rest *rest, pid_t pid, pid_t tid);
/* At the last look: asleep in a futex without a time limit? */
bool rest_is_endless(const struct rest *rest);

#endif
