/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An object within a cell that was read from a file, and what is said of a member that cannot be
 * true. Internal to report/. Pure.
 */
#ifndef FORKPOINT_REPORT_PART_H
#define FORKPOINT_REPORT_PART_H

#include <jansson.h>

#include "base/strbuf.h"

/* More trials than a machine makes in its life; sums of such counts do not overflow. */
#define PART_COUNT_MAX 1000000000000000

/* Of a value, or a name, that is shown. */
#define PART_VALUE_WIDTH 40

/* Everything is the caller's. */
struct part {
	const json_t *object;
	const char *name;   /* with the dot: "load.with."; empty: it is the cell */
	struct strbuf *why; /* what is wrong */
};

/* Says "'load.with.hits' is 5, fault"; a value that is NULL is shown as null. -1. */
int part_refuse(const struct part *part, const char *key, const json_t *value, const char *fault);

/* NULL: it is absent, or null. */
const json_t *part_member(const struct part *part, const char *key);

/* *n is -1 where there is none. -1, and why, if the member is no count. */
int part_read_count(const struct part *part, const char *key, json_int_t *n);

#endif
