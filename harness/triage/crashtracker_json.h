/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a report of libdatadog's crash tracker in JSON. For read_crashtracker_json.c, which
 * finds the reports; these make of them what they say. Schema versions 1.0 to 1.8, and the one that
 * had no version.
 */
#ifndef FORKPOINT_TRIAGE_CRASHTRACKER_JSON_H
#define FORKPOINT_TRIAGE_CRASHTRACKER_JSON_H

#include "triage/json_text.h"
#include "triage/readers.h"

/* Objects about a report, in each other: what is deeper is not looked at. */
#define CRASHTRACKER_WRAPPERS_MAX 24

/* The whole report, with what only the `n` objects around it tell, outermost first. */
void crashtracker_json_report(struct trace *trace, const json_t *report,
			      const json_t *const *wrappers, size_t n);
/*
 * The frames of a stack, whichever way it is written: an object with "frames", an array, a string
 * of lines, a string with JSON in it. True: there were some.
 */
bool crashtracker_json_stack(struct trace *trace, struct crash_thread *thread,
			     const json_t *stack);
/* Who wrote it, what ran, where and when: of the report, or of what it is wrapped in. */
void crashtracker_json_facts(struct trace *trace, const json_t *object);

#endif
