/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Building and trying the hosts of many interpreters at once, each in a process of its own: a
 * compiler is what takes the time, and a library that crashes or hangs at start must cost only its
 * own interpreter. A process that is told to end (SIGTERM, or because we have ended) ends its
 * compiler first.
 */
#ifndef FORKPOINT_MATRIX_BUILD_H
#define FORKPOINT_MATRIX_BUILD_H

#include "matrix/python.h"

/*
 * For each python of the list that has no problem: its host built, seen to start Python, and its
 * catalog read; or its problem. `jobs` at once, whose compilers share the CPUs. 0, or 1 if
 * interrupted (base/signals.h).
 */
int build_all(struct python_list *list, unsigned int jobs);

#endif
