/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What course.c and course_child.c share.
 */
#ifndef FORKPOINT_RUN_COURSE_PRIVATE_H
#define FORKPOINT_RUN_COURSE_PRIVATE_H

#include "run/course.h"
#include "run/link_private.h"
#include "run/watchdog.h"

/* While a trial runs. */
struct course {
	struct link *link;
	struct looker looker;
	struct watchdog watchdog;
	struct trial *trial;
	pid_t pid;          /* the subject; 0 until it has started */
	int pidfd;          /* ISOLATION_EXEC: readable at its end */
	bool over;
	int status;         /* wait status, once over */
	enum watch verdict;
	enum watch child_verdict; /* on the forked child of a course that may have many */
	bool standstill;    /* F and a worker were seen to wait for each other */
	bool known;         /* not the watchdog's: an earlier trial stood still in the same way */
	bool broken;        /* the harness failed: the sentence is in `error` */
	struct strbuf error;
	uint64_t ended_ns;  /* when the subject was told to end; 0: it was not */
	const volatile bool *interrupted;
};

/* Why the watchdog ended it, or a child of it; NULL: it did not. Static string. */
const char *course_stuck_why(const struct course *course, enum watch verdict);
/* And with which outcome. */
enum outcome course_stuck_outcome(enum watch verdict);

#endif
