/* SPDX-License-Identifier: Apache-2.0 */
/*
 * os.register_at_fork() for hooks written in C.
 *
 * Python's hooks run outside of CPython's own fork handling: `before` ones ahead of any lock that
 * it takes, newest first; the others after all its repairs, oldest first. All are called with the
 * GIL.
 */
#ifndef FORKPOINT_SCENARIOS_HOOKS_H
#define FORKPOINT_SCENARIOS_HOOKS_H

#include "scenarios/scenario.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Each may be NULL. */
struct fork_hooks {
	void (*before)(struct subject *s);
	void (*parent)(struct subject *s);
	void (*child)(struct subject *s);
};

/*
 * Register. `hooks` must live as long as the process. GIL held. If Python refuses, that is said to
 * be the trial's outcome.
 */
void fork_hooks_register(struct subject *s, const struct fork_hooks *hooks);

#ifdef __cplusplus
}
#endif
#endif
