/* SPDX-License-Identifier: Apache-2.0 */
/* The fix that most twins of the finalization scenarios have. */
#ifndef FORKPOINT_SCENARIOS_RETIRE_H
#define FORKPOINT_SCENARIOS_RETIRE_H

#include "scenarios/scenario.h"

#ifdef __cplusplus
extern "C" {
#endif

/*
 * A before() hook. In a twin the workers are asked to stop and joined, with the GIL released, since
 * they may need it to come to their end. In the bug nothing is done. F, GIL held.
 */
void twin_retires_workers(struct subject *s);

#ifdef __cplusplus
}
#endif
#endif
