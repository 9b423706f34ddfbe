/* SPDX-License-Identifier: Apache-2.0 */
/* The summary's table: scenarios down, interpreters across. Internal to report/. */
#ifndef FORKPOINT_REPORT_TABLE_H
#define FORKPOINT_REPORT_TABLE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "report/result.h"

#define TABLE_WORD_MAX 24

/* A cell, its strings fit for a line. */
struct table_entry {
	char *scenario, *python, *explore, *reason, *replay, *name, *finding;
	bool twin;
	bool missing; /* skipped for want of something that can be had */
	bool failed;
	enum result_verdict verdict;
	char word[TABLE_WORD_MAX]; /* what stands in the table */
};

struct table {
	struct table_entry *entries;
	size_t nentries;
	bool color;
	size_t width; /* columns of the screen; as many interpreters a block as fit */
};

/* Lines that begin with "# ". */
void table_add(const struct table *table, struct strbuf *sb);

#endif
