/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A cell that was read from a file: may it be believed? Whoever edits, cuts or joins recordings,
 * and a disk that fails, make objects that no run writes. Pure.
 */
#ifndef FORKPOINT_REPORT_RECORD_H
#define FORKPOINT_REPORT_RECORD_H

#include <jansson.h>

#include "base/strbuf.h"

/*
 * 0 if the object is a cell and its numbers can be true together: counts from 0 on, hits within
 * trials, outcomes that have a name and sum up to the trials, rates that they make, below their
 * bounds, a map without gap from the first point of its window to the last, and a verdict that they
 * bear. Else -1 and a sentence that names the key: "'hits' is 5, more than 'trials', which is 3".
 * Of a cell that did not run, only what names it must be there.
 */
int record_check(const json_t *cell, struct strbuf *why);

#endif
