/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the debug file of one module says of some addresses. It is chosen and read in a process of
 * its own; what comes back from there is checked as if it were the file's own.
 */
#ifndef FORKPOINT_SYMBOLS_LOOKUP_H
#define FORKPOINT_SYMBOLS_LOOKUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"
#include "observe/crash.h"
#include "observe/inlines.h"
#include "symbols/store.h"

struct lookup_address {
	uint64_t offset;
	enum offset_kind kind; /* what it counts from */
	bool after_call;       /* it is where a call returns to */
};

struct lookup {
	struct store *store;
	const char *module, *build_id; /* build_id NULL: not known */
	struct store_found found;      /* by store_find(): one at least */
	const struct lookup_address *addresses;
	size_t n;
};

struct lookup_answer {
	struct inline_function *v; /* innermost first; n is 0: nothing is known */
	size_t n;
	enum trust trust;          /* of the last one */
	uint64_t offset;           /* in the last one; 0: not known */
};

struct lookup_result {
	enum debug_match match;        /* DEBUG_NONE: no file could be used */
	char *file;                    /* which, as store_file.shown; NULL: none */
	struct lookup_answer *answers; /* of each address; NULL: there are none */
	struct strbuf notes;           /* sentences, one a line: what was not used, and why */
};

void lookup_run(const struct lookup *lookup, struct lookup_result *result);
/* `n` as of the lookup. */
void lookup_release(struct lookup_result *result, size_t n);

/* For the child alone. symbols/lookup_choose.c: */

/*
 * The file to use, opened, or NULL; `file` and `match` tell which and why. Sentences on the others
 * go to notes.
 */
struct image *lookup_choose(const struct lookup *lookup, struct image_cache *images,
			    const struct store_file **file, enum debug_match *match,
			    struct strbuf *notes);

/* symbols/lookup_alternate.c: give it the further file that it names, if there is one. */
void lookup_add_alternate(const struct lookup *lookup, struct image *image,
			  const struct store_file *file, struct strbuf *notes);

#endif
