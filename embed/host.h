/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a host that are no part of a trial: starting Python, serving as a zygote, and the
 * by-hand mode.
 */
#ifndef FORKPOINT_EMBED_HOST_H
#define FORKPOINT_EMBED_HOST_H

#include "embed/frame.h"

/* python.c: initialise Python, isolated; home may be NULL. 0, or -1 with the reason on stderr. */
int python_start(const char *home);

/* host.c: the value of --home, or NULL. */
const char *host_home(int argc, char **argv);
/* host.c: start Python in this process and be the subject. */
void subject_exec(struct control *control, const char *home) __attribute__((noreturn));

/* zygote.c: serve the driver until it says LINK_QUIT or goes away. Returns the exit status. */
int zygote_serve(struct control *control);

/* try.c: `host --try SCENARIO …`: one trial, its end in words. Returns the exit status. */
int try_run(int argc, char **argv);

#endif
