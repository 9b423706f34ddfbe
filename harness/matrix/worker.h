/* SPDX-License-Identifier: Apache-2.0 */
/* A worker's side of the pool. */
#ifndef FORKPOINT_MATRIX_WORKER_H
#define FORKPOINT_MATRIX_WORKER_H

#include <stdbool.h>
#include <sys/types.h>

#include "matrix/plan.h"
#include "run/cell.h"

#define POOL_WORKERS_MAX 64u

/*
 * Read unit numbers (uint32_t) from fd until its end, run each, and write a line of JSON a result
 * and an empty line when the unit is over. `parent` is the main process, with which it ends.
 */
void worker_main(int fd, const struct plan *plan, const struct cell_limits *limits,
		 const volatile bool *interrupted, pid_t parent) __attribute__((noreturn));

#endif
