/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running units: what a worker does. A bench keeps the hosts that it has started, so that the next
 * unit of the same interpreter finds Python initialised.
 */
#ifndef FORKPOINT_MATRIX_UNIT_H
#define FORKPOINT_MATRIX_UNIT_H

#include <jansson.h>
#include <stdbool.h>

#include "matrix/plan.h"

struct bench;

/* `interrupted` is set by a signal handler and read until the bench is freed. */
struct bench *bench_new(const struct cell_limits *limits, const volatile bool *interrupted);
/* Ends all hosts. */
void bench_free(struct bench *bench);

/*
 * Why the unit, which has a scenario, is skipped: not for this machine, release or strategy. NULL:
 * it is run. Not the caller's to free.
 */
const char *unit_unable(const struct unit *unit);

/* Takes a result over (json_decref). */
typedef void bench_emit(void *context, json_t *result);

/*
 * Run a unit and emit a result for each of its cells, whatever happens: a harness that fails is a
 * result too. Only an interruption leaves cells without one.
 */
void bench_run(struct bench *bench, const struct unit *unit, bench_emit *emit, void *context);

/* A cell of the unit, ready for trials by the bench's link; NULL and a sentence. For replay. */
struct cell *bench_cell(struct bench *bench, const struct unit *unit, bool twin,
			struct strbuf *err);
void bench_cell_free(struct cell *cell);

#endif
