/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What became of a report on its way, taken back before any reader sees it: UTF-16, a byte order
 * mark, line ends of CR alone, colours, blanks of browsers, what logs (log_line.h) and mails put
 * before each line, Markdown's indentation, a blank line behind every line. A text without all that
 * is left where it is. Pure; time is linear, and memory at most one and a half times the text's.
 */
#ifndef FORKPOINT_TRIAGE_PASTE_H
#define FORKPOINT_TRIAGE_PASTE_H

#include <stddef.h>

struct paste {
	const char *data; /* what is to be read: the text itself, or `own` */
	size_t size;
	char *own;        /* allocated; NULL: nothing had to be taken back */
	unsigned char *steps; /* each line: by how many the text's are more. NULL: by one each */
	size_t nsteps;
};

/* `data` must outlive it. Release it. */
void paste_clean(struct paste *paste, const char *data, size_t size);
/*
 * The number of a line of the text, given one of `data`. *at and *number are those of the last
 * time, zero at first: each call takes time by how far it is from the one before.
 */
size_t paste_line(const struct paste *paste, size_t line, size_t *at, size_t *number);
void paste_release(struct paste *paste);

#endif
