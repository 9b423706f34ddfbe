/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The releases that the lock file (embed/interpreters/lock) wants side by side.
 */
#ifndef FORKPOINT_RUN_WANTED_H
#define FORKPOINT_RUN_WANTED_H

#include "run/interp.h"

struct wanted {
	char *text;             /* as the lock file has it: "3.13.18+" */
	struct release release;
	bool or_later;          /* a later one of the same line serves too */
};

struct wanted_list {
	struct wanted *v;
	size_t n;
};

/* 0, or -1 and a sentence. */
int wanted_load(struct wanted_list *list, struct strbuf *err);
void wanted_release(struct wanted_list *list);

/* Is there a release build that serves? */
bool wanted_satisfied(const struct wanted *wanted, const struct interp_list *list);

#endif
