/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What experiments say of a crash that the harness has made, and their figures: as the harness
 * writes it, and as a report in forkpoint's own JSON is read again. Pure data.
 */
#ifndef FORKPOINT_TRIAGE_EXPERIMENT_H
#define FORKPOINT_TRIAGE_EXPERIMENT_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

enum confirmation {
	CONFIRMATION_NONE = 0,     /* no experiment is known of */
	CONFIRMATION_OPEN,         /* "not confirmed": no control was run, or none could tell */
	CONFIRMATION_CONTRADICTED, /* a control shows it where the pattern says that it cannot be */
	CONFIRMATION_CONFIRMED,    /* each control that applies agrees */
};

/* matrix/confirm.h has what is done in each of them. */
struct control_result {
	bool applies;
	uint64_t trials;
	uint64_t hits; /* twin: of them, those that met the race */
	uint64_t bad;  /* fresh: of them, those that ended as the main finding did */
};

struct controls {
	bool done; /* they were run; else nothing is claimed */
	struct control_result outside, quiet, twin, fresh;
	uint64_t fresh_otherwise; /* fresh: those that came to another outcome of the defect */
};

struct experiment {
	enum confirmation confirmation;
	struct controls controls;
};

/* "confirmed", "not confirmed", "contradicted"; NULL for CONFIRMATION_NONE. Static. */
const char *confirmation_name(enum confirmation confirmation);

/* One of them was not clean: it strikes outside the window, or with the fix as well. */
bool controls_contradict(const struct controls *controls);

/* The caller's. JSON's null: they were not run; NULL: no memory. */
json_t *controls_json(const struct controls *controls);

/*
 * Out of such an object, and of the one that has "confirmation" or, as records of earlier releases,
 * "confirmed" alone. Whatever they are; without either, it is CONFIRMATION_NONE.
 */
void experiment_read(const json_t *controls, const json_t *told, struct experiment *experiment);

#endif
