/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The live line on a terminal: cells done, what runs now, crashes so far, time left. Where the
 * descriptor is no terminal (or TERM is dumb) every function does nothing.
 *
 *	12/84 cells · 37 crashes · about 0:41 left · fork-lru-list @ 3.13.18 starve, 1 more
 *
 * The main process owns it. A *slot* is a worker that runs one cell at a time. progress_reporter()
 * comes before all other writers in a report, so that the line is gone when they write; main calls
 * progress_draw() whenever it wakes up.
 */
#ifndef FORKPOINT_REPORT_PROGRESS_H
#define FORKPOINT_REPORT_PROGRESS_H

#include <stddef.h>
#include <stdint.h>

#include "report/report.h"

#define PROGRESS_SLOTS 64

struct progress;

/* fd is where the line goes, 2 as a rule. The cells become known by the reporter's begin(). */
struct progress *progress_new(int fd);
void progress_free(struct progress *progress);

/* Slot begins a cell (the name is copied); its crashes so far; it is done with it. */
void progress_start(struct progress *progress, size_t slot, const char *name);
void progress_update(struct progress *progress, size_t slot, uint64_t crashes);
void progress_stop(struct progress *progress, size_t slot);

/* Draws the line if the last time was at least 100 ms ago. */
void progress_draw(struct progress *progress);
void progress_clear(struct progress *progress);

/* Counts finished cells and clears the line; freeing it leaves the progress alone. */
struct reporter *progress_reporter(struct progress *progress);

/* The line as it would be drawn, without control characters; elapsed in ns. For tests. */
void progress_format(const struct progress *progress, uint64_t elapsed, size_t width,
		     struct strbuf *sb);

#endif
