/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared objects that are built from scenarios/lib/so_*.c and stand beside the host.
 */
#ifndef FORKPOINT_SCENARIOS_BESIDE_H
#define FORKPOINT_SCENARIOS_BESIDE_H

#include "scenarios/scenario.h"

/*
 * dlopen() so_`name`.so. NULL if that fails, and then that is said to be the trial's outcome: the
 * sentence names the file. Its constructors run in here. Not child-safe.
 */
void *beside_open(struct subject *s, const char *name);

/* dlsym() in what beside_open() returned; NULL, and said, if it is not there. */
void *beside_symbol(struct subject *s, void *object, const char *symbol);

#endif
