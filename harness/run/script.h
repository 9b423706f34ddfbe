/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running the scripts of embed/interpreters/. Their standard error is ours, so that progress is
 * seen; their standard input is empty. They get SIGTERM when we end before them, however we do. Not
 * async-signal-safe.
 */
#ifndef FORKPOINT_RUN_SCRIPT_H
#define FORKPOINT_RUN_SCRIPT_H

#include <stdbool.h>

#include "base/strbuf.h"

/*
 * Run `name` ("fetch.sh") with arguments (ended by NULL) to its end. What it writes to standard
 * output is appended to *out. Its exit status (128 + the signal that ended it), or -1 and a
 * sentence if it could not be started. `quiet` sends standard error away.
 */
int script_run(const char *name, const char *const *args, bool quiet, struct strbuf *out,
	       struct strbuf *err);

#endif
