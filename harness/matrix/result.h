/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cell as the JSON object that reports are made of (docs: README, "JSON").
 */
#ifndef FORKPOINT_MATRIX_RESULT_H
#define FORKPOINT_MATRIX_RESULT_H

#include <jansson.h>

#include "matrix/confirm.h"
#include "matrix/plan.h"

/*
 * A new object with every key, null but for what is known before a unit runs: who and how. The unit
 * of an interpreter that cannot be used has no scenario: `scenario`, `twin` and the like stay null.
 */
json_t *result_new(const struct unit *unit, bool twin);

/*
 * A cell that ran: outcomes, findings (each classified), verdict. `confirmed` may be NULL.
 * Both in a new object.
 */
json_t *result_of_cell(const struct unit *unit, const struct cell *cell,
		       const struct confirm *confirmed);

/* A cell that did not run, and why. */
json_t *result_skipped(const struct unit *unit, bool twin, const char *reason, bool missing);

/* A cell in which the harness itself failed. */
json_t *result_broken(const struct unit *unit, bool twin, const char *why);

#endif
