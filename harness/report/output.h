/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where records go: a file or standard output, one whole record at a time.
 *
 * A record is a line, or lines, that make sense only as a whole. When it cannot be written (the
 * disk is full), a file is cut back to its last whole record, one sentence goes to stderr, and
 * the record is kept: the next record, and output_close(), try again. So nothing that was written
 * is lost or left half, and what was not written is still there if space appears.
 *
 * The file is opened when the run begins, so that an unwritable one is told before hours of work.
 */
#ifndef FORKPOINT_REPORT_OUTPUT_H
#define FORKPOINT_REPORT_OUTPUT_H

#include <stddef.h>

#include "base/strbuf.h"

struct output;

/* Makes or empties the file; "-" is standard output. NULL and a sentence if it cannot. */
struct output *output_open(const char *path, struct strbuf *err);

/* Over a descriptor that stays the caller's. The name is for messages, and copied. */
struct output *output_over(int fd, const char *name);

void output_record(struct output *out, const char *data, size_t len);

/* The descriptor is a terminal. */
int output_is_terminal(const struct output *out);

/* Frees it. 0, or -1 if records are missing, which has been said on stderr. */
int output_close(struct output *out);

#endif
