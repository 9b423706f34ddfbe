/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Segments of a map in which the same outcome comes of different kinds of crash or hang: "#2" is
 * the second of the cell's "findings". It is told where the outcome alone does not tell neighbours
 * apart. Internal to report/. Pure.
 */
#ifndef FORKPOINT_REPORT_KIND_H
#define FORKPOINT_REPORT_KIND_H

#include <jansson.h>
#include <stddef.h>

#include "base/strbuf.h"

/* " #2"; nothing where all of the map that has this outcome is of one kind. */
void kind_add_number(struct strbuf *sb, const json_t *map, const json_t *segment);

/*
 * Where it crashed or hung, "sem_wait < PyThread_acquire_lock_timed", or of an abort what was said
 * of it; nothing where that is not known.
 */
void kind_add_text(struct strbuf *sb, const json_t *findings, const json_t *segment);

/* "# #1 SEGV: new_threadstate < PyGILState_Ensure", a line for each kind that has a number. */
void kinds_add(struct strbuf *sb, const json_t *map, const json_t *findings, size_t width);

#endif
