/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stacks that CPython writes when it dies, or when somebody asks for them. faulthandler and
 * Py_FatalError() write the same, each behind a heading of its own:
 *
 *	Thread 0x00007f58ead9b80 [worker] (most recent call first):
 *	  File "/srv/app/main.py", line 3 in work
 *
 *	Current thread 0x00007f5ead0a6c0 [python] (most recent call first):
 *	  <no Python frame>
 *
 *	Current thread's C stack trace (most recent call first):
 *	  Binary file "/usr/lib/libfoo.so", at foo_do+0x12 [0x7f0000001012]
 *	  Binary file "/usr/lib/libfoo.so", at +0x12 [0x7f0000000012]
 *
 *	Extension modules: foo, bar (total: 2)
 *
 * The native frames (from 3.14 on) are put before the Python frames of the same thread, for that
 * is where it died. What the dump itself has put on that stack, from the signal on, is left out.
 */
#ifndef FORKPOINT_TRIAGE_PYTHON_DUMP_H
#define FORKPOINT_TRIAGE_PYTHON_DUMP_H

#include "triage/readers.h"

/* All of it, if it begins at the current line or behind a blank one; else nothing is taken. */
void python_dump_read(struct lines *lines, struct trace *trace);

#endif
