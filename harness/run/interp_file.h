/* SPDX-License-Identifier: Apache-2.0 */
/* One interpreter file: reading it, and seeing that what it tells of is there. */
#ifndef FORKPOINT_RUN_INTERP_FILE_H
#define FORKPOINT_RUN_INTERP_FILE_H

#include "base/strbuf.h"
#include "run/interp.h"

/*
 * 0: *interp is filled in, for interp_clear() to empty. -1 and what is wrong: the file cannot be
 * read or is malformed (interp is empty), or what it tells of is not there any more or damaged
 * (interp->name and the rest tell which it is).
 */
int interp_file_read(const char *path, struct interp *interp, struct strbuf *err);

/* Free what an interp owns. */
void interp_clear(struct interp *interp);

/* Was it found on the machine or named by the user? What is not was fetched and is ours. */
bool interp_is_fetched(const struct interp *interp);

#endif
