/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where records go: a file or standard output, one whole record at a time.
 *
 * A record is a line, or lines, that make sense only as a whole. When it cannot be written (the
 * disk is full), a file is cut back to its last whole record, one sentence goes to stderr, and
 * the record is kept: the next record, and output_close(), try again. So nothing that was written
 * is lost or left half, and what was not written is still there if space appears. When it is a pipe
 * that nobody reads any more, one sentence goes to stderr and nothing is tried again.
 *
 * The file is opened when the run begins, so that an unwritable one is told before hours of work.
 * It is locked until it is closed: of two runs that name the same file, the second is refused.
 */
#ifndef FORKPOINT_REPORT_OUTPUT_H
#define FORKPOINT_REPORT_OUTPUT_H

#include <stdbool.h>
#include <stddef.h>

#include "base/strbuf.h"

struct output;

/*
 * Makes or empties the file; "-" is standard output. `inputs` are descriptors, ended by -1, of what
 * the records are made from (NULL: none). NULL and a sentence if the file cannot be written, is one
 * of the inputs or standard output, or is being written by another process: then it is as it was.
 */
struct output *output_open(const char *path, const int *inputs, struct strbuf *err);

/* Over a descriptor that stays the caller's. The name is for messages, and copied. */
struct output *output_over(int fd, const char *name);

void output_record(struct output *out, const char *data, size_t len);

/* 0, or -1 and a sentence if the descriptor is of a file that is one of the inputs, too. */
int output_check_inputs(int fd, const char *name, const int *inputs, struct strbuf *err);

/* The descriptor is a terminal. */
int output_is_terminal(const struct output *out);

/* The columns of the terminal that it is; 0: it is none, or does not tell. */
size_t output_columns(const struct output *out);

/* It is a pipe, and who read it has gone. */
bool output_is_abandoned(const struct output *out);

/* Frees it. 0, or -1 if records are missing but in a pipe that nobody reads; it has been said. */
int output_close(struct output *out);

#endif
