/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a shell says of a process that a signal ended: "Segmentation fault (core dumped)" of sh,
 * "x.sh: line 3: 123 Aborted  python x.py" of bash, "[1]  123 abort  python x.py" of zsh.
 */
#ifndef FORKPOINT_TRIAGE_SHELL_LINE_H
#define FORKPOINT_TRIAGE_SHELL_LINE_H

#include "triage/readers.h"

/* The signal; 0: it is no such line. */
int shell_signal(struct piece line);
/*
 * Take such a line if it follows, at once or behind one blank line: it ends the report. The signal
 * is that of a crash of which none is known yet; 0: there is no such line.
 */
int shell_take(struct lines *lines, struct trace *trace);

#endif
