/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Workers: processes that run units side by side and send their results to the main process.
 *
 * A worker that dies (a bug of ours, a library that a broken process leads astray) costs its unit,
 * which is told, and nothing else. Main and workers are subreapers: whatever a subject leaves
 * behind ends up below one of them and is ended. A worker whose main process is gone (SIGKILL) gets
 * SIGTERM from the kernel and ends its hosts; hosts and subjects die with their parents anyhow.
 */
#ifndef FORKPOINT_MATRIX_POOL_H
#define FORKPOINT_MATRIX_POOL_H

#include <jansson.h>
#include <stdbool.h>

#include "matrix/plan.h"
#include "run/cell.h"

/* What the main process does with what happens; called from pool_run() only. */
struct pool_hooks {
	void *context;
	void (*unit_begins)(void *context, size_t slot, const struct unit *unit);
	void (*unit_ends)(void *context, size_t slot);
	void (*result)(void *context, const json_t *result);
	void (*tick)(void *context); /* ten times a second, for a progress line */
};

/*
 * Run the plan with `jobs` workers. Returns when all units are done, or after Ctrl-C (SIGINT,
 * SIGTERM, SIGHUP) when all workers have ended. 0; 1 if interrupted; -1 and a sentence if there
 * could be no workers.
 */
int pool_run(const struct plan *plan, const struct cell_limits *limits, unsigned int jobs,
	     const struct pool_hooks *hooks, struct strbuf *err);

#endif
