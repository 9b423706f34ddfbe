/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is told of a trace and its classification: one JSON object, or a report in Markdown.
 */
#ifndef FORKPOINT_TRIAGE_ACCOUNT_H
#define FORKPOINT_TRIAGE_ACCOUNT_H

#include <jansson.h>

#include "triage/trace.h"
#include "triage/triage.h"

/* `file`: what the user called it. `settings`: those it was classified by. The caller's. */
json_t *account_json(const char *file, const struct trace *trace, const struct triage *triage,
		     const struct triage_settings *settings);

#endif
