/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands before each line of a report that went through a log, or through somebody's mail:
 *
 *	2026-01-02T03:04:05.678Z stderr F
 *	2026-01-02 03:04:05,678 ERROR
 *	03:04:05.678
 *	[2026-01-02 03:04:05,678] {subprocess.py:12} INFO -
 *	Jan 02 03:04:05 host python[12]:
 *	web-1  |
 *	[pod/web/main]
 *	[rank0]:
 *	[1,0]<stderr>:
 *	(worker pid=12, ip=10.0.0.1)
 *	>
 *	{"log":"…\n","stream":"stderr"}
 *
 * Pure. Only so many bytes of a line are looked at, but for JSON, of which it is all.
 */
#ifndef FORKPOINT_TRIAGE_LOG_LINE_H
#define FORKPOINT_TRIAGE_LOG_LINE_H

#include "triage/lines.h"

enum log_shape {
	LOG_NONE,
	LOG_TIME,   /* the time, and whatever may stand behind it */
	LOG_SYSLOG,
	LOG_PIPE,
	LOG_TAG,
	LOG_QUOTE,
	LOG_JSON,
	LOG_SHAPES,
};

/* `rest`: what the prefix stands before; of LOG_JSON, the text as JSON has it, escapes and all. */
enum log_shape log_shape(struct piece line, struct piece *rest);
/*
 * "worker: ", which may be a logger's name behind a LOG_TIME, or what a program says of itself:
 * only the lines around tell.
 */
bool log_logger(struct piece *p, struct piece *name);

#endif
