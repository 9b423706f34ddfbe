/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Running another program to its end, its output collected. The program is in a process group of
 * its own and dies with this process. Not async-signal-safe.
 */
#ifndef FORKPOINT_BASE_COMMAND_H
#define FORKPOINT_BASE_COMMAND_H

#include <sys/types.h>

#include "base/strbuf.h"

/*
 * argv ends with NULL; argv[0] is looked up in PATH. `name` is what the sentence calls it. `out`
 * takes stdout, `errors` stderr (NULL: ours); both are capped at 16 MiB. Returns the wait status,
 * or -1 and a sentence if the program could not be started or was ended by us: after `seconds` (0:
 * never), or by an interruption (base/signals.h).
 */
int command_run_within(unsigned int seconds, const char *name, char *const argv[],
		       struct strbuf *out, struct strbuf *errors, struct strbuf *err);
int command_run(char *const argv[], struct strbuf *out, struct strbuf *errors, struct strbuf *err);

/*
 * Start without waiting: stdin, stdout and stderr are /dev/null. The pid, or -1 and a sentence.
 * command_stop() ends its process group (SIGTERM, then SIGKILL) and reaps it.
 */
pid_t command_start(char *const argv[], struct strbuf *err);
void command_stop(pid_t pid);

#endif
