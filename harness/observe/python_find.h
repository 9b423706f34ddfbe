/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where in a process, or in a core, a CPython has its runtime: for python.c.
 */
#ifndef FORKPOINT_OBSERVE_PYTHON_FIND_H
#define FORKPOINT_OBSERVE_PYTHON_FIND_H

#include <stdbool.h>
#include <stdint.h>

#include "embed/traceback.h"

struct maps;
struct maps_module;
struct memory;
struct strbuf;
struct unwind_session;

struct python_search {
	const struct maps *maps;
	struct memory *memory;
	struct unwind_session *session;
	uint64_t deadline_ns; /* of clock_now() */
	bool late;            /* that is over */
};

struct python_place {
	const struct maps_module *module;
	struct traceback_offsets offsets;
	uint32_t release; /* PY_VERSION_HEX; 0: not told */
	uint64_t runtime;
	bool scanned; /* its module's file is not to be had */
};

/* Looks at the clock. */
bool python_search_is_late(struct python_search *search);

/*
 * Is there a runtime in this module that can be read? False: there is none, or *why says what is
 * wrong with it.
 */
bool python_find(struct python_search *search, const struct maps_module *module,
		 struct python_place *place, struct strbuf *why);
/* A runtime that is in use has an interpreter, or has had one and ends. */
bool python_is_in_use(const struct python_search *search, const struct python_place *place);
/* Is the file called so? Where CPython is linked into a program it is not. */
bool python_is_named(const struct maps_module *module);

#endif
