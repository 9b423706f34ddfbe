/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading a cell: one JSON object, the result of scenario × interpreter × strategy. Its keys are
 * those of `forkpoint run --json`; nothing here demands that a key is there. A cell whose scenario
 * is null stands for all that would have run on an interpreter that cannot be used. Of keys that
 * are mostly null these mean something to the writers:
 *
 *   missing        true: skipped for want of something that can be had (an interpreter);
 *                  --require-all makes that a failure, other skips stay skips
 *   harness_error  a sentence: the harness failed in this cell, whatever the verdict
 *
 * Strings that are returned belong to the cell.
 */
#ifndef FORKPOINT_REPORT_RESULT_H
#define FORKPOINT_REPORT_RESULT_H

#include <jansson.h>
#include <stdbool.h>

#include "base/strbuf.h"

enum result_verdict {
	RESULT_AS_EXPECTED,
	RESULT_UNEXPECTED,
	RESULT_NOT_SEEN,
	RESULT_VACUOUS,
	RESULT_SKIPPED,
	RESULT_BROKEN, /* harness_error, or a verdict that is none of the above */
	RESULT_VERDICTS,
};

enum result_verdict result_verdict(const json_t *cell);

/* "as-expected", …, "harness-error". Static strings. */
const char *result_verdict_name(enum result_verdict verdict);

/* A string member; `otherwise` if there is none, or it is empty. */
const char *result_text(const json_t *cell, const char *key, const char *otherwise);
bool result_flag(const json_t *cell, const char *key);
/* A member that is a whole number; 0 if there is none. */
json_int_t result_count(const json_t *cell, const char *key);

/*
 * What the cell is called, the same in each run: "fork-lru-list twin @ 3.13.18 starve"; isolation
 * is told where it is not the usual zygote. "Python 3.13.18" where there is no scenario. As it
 * came: not fit for a line yet.
 */
void result_add_name(struct strbuf *sb, const json_t *cell);

/* Trials that ended by a signal, and those that hung. */
json_int_t result_crashes(const json_t *cell);
json_int_t result_hangs(const json_t *cell);

/* A member of "outcomes" that is neither "ok" nor 0. */
bool outcome_is_bad(const char *outcome, const json_t *count);

/*
 * How grave an outcome is: 0 for "ok", then what ends orderly, then what does not end, then deaths
 * by a signal; -1: no such outcome. No two are equally grave.
 */
#define RESULT_GRAVITIES 70
int result_gravity(const char *outcome);
/* Its short name in tables: "SEGV" of "SIGSEGV", "park" of "parked". It, or static. */
const char *result_word(const char *outcome);

/* The outcome is a member of "expected". */
bool result_expects(const json_t *cell, const char *outcome);

/*
 * What happened, in words that numbers do not enter and that chance changes as little as can be:
 * "SIGSEGV as expected", "clean", "unexpected: hang", "not seen", "vacuous".
 */
void result_add_finding(struct strbuf *sb, const json_t *cell);

#endif
