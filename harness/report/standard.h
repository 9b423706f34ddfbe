/* SPDX-License-Identifier: Apache-2.0 */
/* The reports that every command which runs or re-renders cells offers by the same options. */
#ifndef FORKPOINT_REPORT_STANDARD_H
#define FORKPOINT_REPORT_STANDARD_H

#include "report/progress.h"
#include "report/report.h"

struct report_wish {
	const char *json;     /* --json: a file, "-" for stdout and then no TAP; NULL: none */
	unsigned int tap;     /* version, 13 or 14 */
	bool require_all;
	struct progress *progress; /* NULL: none */
	const int *inputs;    /* what the cells are read from (report/output.h); NULL: nothing */
};

/* NULL and a sentence if an output cannot be opened or is an input; nothing was written then. */
struct report *report_standard(const struct report_wish *wish, struct strbuf *err);

#endif
