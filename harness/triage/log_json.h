/* SPDX-License-Identifier: Apache-2.0 */
/* Lines of a log in JSON, {"log":"…\n","stream":"stderr"}, and the text that is in them. Pure. */
#ifndef FORKPOINT_TRIAGE_LOG_JSON_H
#define FORKPOINT_TRIAGE_LOG_JSON_H

#include "triage/lines.h"

/*
 * Is the line one object, of plain members (a report in JSON has stacks, that is, lists), one of
 * which is such a text? `text`: it, as JSON has it, escapes and all.
 */
bool log_json_find(struct piece line, struct piece *text);
/*
 * The escapes of JSON, read from `text` on and written at `to`, which may be where they stand: what
 * is written is never longer. A line feed at its end is left out. Returns the end of what was
 * written.
 */
char *log_json_text(struct piece text, char *to);

#endif
