/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The scenarios of a host, as it describes them (`host --describe`, embed/describe.c). The driver
 * links no scenario; this is all it knows of them.
 */
#ifndef FORKPOINT_RUN_CATALOG_H
#define FORKPOINT_RUN_CATALOG_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"
#include "run/outcome.h"
#include "run/release.h"

struct expected {
	const char *releases;
	const char *flavours; /* NULL: each */
	const char *variant;  /* NULL: each */
	bool twin;
	struct outcome_set shows;
	struct outcome_set allows; /* shows included */
	double floor;
	const char *source;
};

struct catalog_variant {
	const char *name;     /* "" if the scenario has no variants */
	const char *doc;
	const char *releases; /* NULL: everywhere */
};

struct catalog_scenario {
	unsigned int index;   /* in the host's table */
	const char *name;
	const char *operation;
	const char *unsupported; /* NULL: this interpreter can run it */
	bool gated, window, twin_retires, hidden;
	unsigned int workers;
	struct catalog_variant *variants; /* at least one */
	size_t nvariants;
	struct expected *expected;
	size_t nexpected;
};

struct catalog {
	json_t *json; /* owns all strings */
	struct release release; /* what the library itself says it is */
	enum flavour flavour;
	struct catalog_scenario *v;
	size_t n;
};

/* Takes the reference to `json` over, also when it fails. 0, or -1 and a sentence. */
int catalog_read(struct catalog *catalog, json_t *json, struct strbuf *err);
void catalog_release(struct catalog *catalog);

/*
 * The row that holds for a variant on this catalog's release and flavour: the first that fits. A
 * twin without a row of its own must be ok. NULL: the table says nothing of it.
 */
const struct expected *catalog_expected(const struct catalog *catalog,
					const struct catalog_scenario *scenario,
					const struct catalog_variant *variant, bool twin);

#endif
