/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What stands in a report beside its stacks and tells where their addresses belong: lines of
 * /proc/PID/maps, gdb's `info proc mappings`, and the build-ids that coredumpctl lists. Pure.
 */
#ifndef FORKPOINT_SYMBOLS_CONTEXT_H
#define FORKPOINT_SYMBOLS_CONTEXT_H

#include "triage/trace.h"

/*
 * Fill in modules, offsets and build-ids of the frames of all reports of a text. What stands before
 * the first report is the first one's, what stands between two is the one's before.
 */
void context_apply(struct traces *traces, const char *text, size_t size);

#endif
