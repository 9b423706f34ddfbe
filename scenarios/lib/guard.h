/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PEP 788: attaching to a runtime that may be on its way out, without a race.
 *
 * A *view* names an interpreter and keeps nothing alive. A *guard* is a promise of the runtime not
 * to finalize before the guard is closed; asking for one fails once finalization cannot wait any
 * more. 3.15 has the functions, earlier releases do not, so they are looked up at run time and one
 * source serves all releases. The structures are CPython's own and opaque here.
 *
 * All functions but guard_available() may be called only where that one has returned true; no view
 * gives no guard, so that a worker need not know.
 * Not child-safe, not async-signal-safe.
 */
#ifndef FORKPOINT_SCENARIOS_GUARD_H
#define FORKPOINT_SCENARIOS_GUARD_H

#include <stdbool.h>

#include "scenarios/scenario.h"

#ifdef __cplusplus
extern "C" {
#endif

struct guard;
struct guard_view;
struct guard_token;

/* Looks the functions up, once; call it in setup(), before other threads exist. */
bool guard_available(void);

/*
 * A view of the calling thread's interpreter. Needs an attached thread state. NULL with a Python
 * exception set if memory is short. The caller owns it; it may outlive the interpreter.
 */
struct guard_view *guard_view_new(void);

/*
 * For setup(): a view if the trial's variant is `guard`, else NULL. Says `wrong` if the interpreter
 * has none to give, though the variant is only for releases that do.
 */
struct guard_view *guard_view_of_variant(struct subject *s);

/* Any thread, attached or not. */
void guard_view_close(struct guard_view *view);

/* A guard, or NULL: the interpreter is beyond waiting. Any thread; sets no exception. */
struct guard *guard_open(struct guard_view *view);
void guard_close(struct guard *guard);

/*
 * Attach the calling thread under a guard that it holds. The token ends it: guard_detach(). NULL
 * if memory is short.
 */
struct guard_token *guard_attach(struct guard *guard);

/* guard_open() and guard_attach() in one; guard_detach() gives up both. NULL as guard_open(). */
struct guard_token *guard_attach_view(struct guard_view *view);
void guard_detach(struct guard_token *token);

/*
 * May a worker that loops over guards ask for another? Always before the operation begins, and
 * GUARD_ASKS times after. Call it once before each time; *asked is the worker's own, 0 at first.
 *
 * The limit is there because 3.15 goes on granting guards while Py_FinalizeEx waits for the last to
 * be closed: threads that ask fast enough take turns in keeping it from ever finishing. Measured on
 * 3.15.2 and 2 cores, six threads without a pause and without this limit: 9 of 12 finalizations
 * had not finished after 3 s. That is a defect of its own, and must not pass for another's hang.
 * With a thousand each, six threads delay it by 10 to 30 ms.
 *
 * In the quiet control W stands in here, before it has a guard. Its window may well begin with the
 * guard in its hand, and there it would rightly keep F waiting for ever.
 */
#define GUARD_ASKS 1000
bool guard_may_ask(struct subject *s, unsigned int *asked);

#ifdef __cplusplus
}
#endif
#endif
