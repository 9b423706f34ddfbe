/* SPDX-License-Identifier: Apache-2.0 */
/*
 * PEP 788 by its symbols' names. Python.h is not included on purpose: where it declares these
 * functions it does so with types of its own, and where it does not there is nothing to include.
 */
#include <dlfcn.h>
#include <stddef.h>
#include <string.h>

#include "scenarios/lib/guard.h"

static struct {
	struct guard_view *(*view_new)(void);
	void (*view_close)(struct guard_view *view);
	struct guard *(*open)(struct guard_view *view);
	void (*close)(struct guard *guard);
	struct guard_token *(*attach)(struct guard *guard);
	struct guard_token *(*attach_view)(struct guard_view *view);
	void (*detach)(struct guard_token *token);
} api;

/* Copied, since C has no conversion from what dlsym() returns to a pointer to a function. */
static bool find(const char *name, void *function)
{
	void *symbol = dlsym(RTLD_DEFAULT, name);

	memcpy(function, &symbol, sizeof(symbol));
	return symbol != NULL;
}

bool guard_available(void)
{
	return find("PyInterpreterView_FromCurrent", &api.view_new) &&
	       find("PyInterpreterView_Close", &api.view_close) &&
	       find("PyInterpreterGuard_FromView", &api.open) &&
	       find("PyInterpreterGuard_Close", &api.close) &&
	       find("PyThreadState_Ensure", &api.attach) &&
	       find("PyThreadState_EnsureFromView", &api.attach_view) &&
	       find("PyThreadState_Release", &api.detach);
}

struct guard_view *guard_view_new(void)
{
	return api.view_new();
}

struct guard_view *guard_view_of_variant(struct subject *s)
{
	struct guard_view *view = NULL;

	if (!subject_is(s, "guard"))
		return NULL;
	if (guard_available())
		view = guard_view_new();
	if (!view)
		subject_say(s, OUTCOME_WRONG, "this interpreter gives no view of itself (PEP 788)");
	return view;
}

void guard_view_close(struct guard_view *view)
{
	api.view_close(view);
}

struct guard *guard_open(struct guard_view *view)
{
	return view ? api.open(view) : NULL;
}

void guard_close(struct guard *guard)
{
	api.close(guard);
}

struct guard_token *guard_attach(struct guard *guard)
{
	return api.attach(guard);
}

struct guard_token *guard_attach_view(struct guard_view *view)
{
	return view ? api.attach_view(view) : NULL;
}

void guard_detach(struct guard_token *token)
{
	api.detach(token);
}

bool guard_may_ask(struct subject *s, unsigned int *asked)
{
	if (s->control->order.meet == MEET_QUIET)
		window_enter(s);
	if (atomic_load(&s->control->state.stage) < STAGE_OPERATING)
		return true;
	return (*asked)++ < GUARD_ASKS;
}
