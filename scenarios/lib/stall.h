/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long fork holds up the thread that calls it: all handlers and hooks before it, the fork
 * itself, and those in the parent after it. That is the price of a fix, and what its users pay.
 */
#ifndef FORKPOINT_SCENARIOS_STALL_H
#define FORKPOINT_SCENARIOS_STALL_H

#include "scenarios/scenario.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * Measure the coming fork into state.measured_ns. The last call of setup(): what is registered with
 * Python after it is not measured, for it runs outside of the clock. GIL held.
 */
void stall_watch(struct subject *s);

/*
 * In check(): if the child came to a good end, say so with the time that fork took, and `how` (a
 * literal) behind it. Nothing is said otherwise.
 */
void stall_say(struct subject *s, const char *how);

#ifdef __cplusplus
}
#endif
#endif
