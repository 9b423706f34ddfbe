/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names and sets of outcomes (enum outcome of embed/subject.h).
 */
#ifndef FORKPOINT_RUN_OUTCOME_H
#define FORKPOINT_RUN_OUTCOME_H

#include <stdbool.h>

#include "base/strbuf.h"
#include "embed/subject.h"

struct outcome_set {
	bool has[OUTCOME_COUNT];
};

/* "ok", "SIGSEGV", "hang", …; a signal without a name of its own is "SIG42". Static string. */
const char *outcome_name(enum outcome outcome);
/* -1: no such outcome. */
int outcome_parse(const char *name, enum outcome *outcome);
/* Words separated by blanks, added to the set; NULL adds none. -1 and a sentence. */
int outcome_set_add(struct outcome_set *set, const char *words, struct strbuf *err);
bool outcome_set_empty(const struct outcome_set *set);
/* "ok SIGSEGV"; "nothing" for the empty set. */
void outcome_set_describe(const struct outcome_set *set, struct strbuf *out);

#endif
