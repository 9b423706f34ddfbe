/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why the kernel does not let us look into a process, and what to do about it: a tracer that was
 * there first, Yama, a seccomp filter, another owner. Looked up in /proc after it has refused.
 */
#ifndef FORKPOINT_OBSERVE_DENIED_H
#define FORKPOINT_OBSERVE_DENIED_H

#include <sys/types.h>

#include "base/strbuf.h"

/*
 * Appends "no CALL: what errno says; why; what to do". `pid` is the process that was to be looked
 * into, which is still there; 0: a child of ours.
 */
void denied_explain(struct strbuf *text, const char *call, int error, pid_t pid);

#endif
