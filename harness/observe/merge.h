/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Python frames put where they belong among native ones. Where C calls the evaluator, that makes a
 * frame of its own on the thread's stack, and its address tells which native frame it is: no name
 * of a function is needed for it.
 */
#ifndef FORKPOINT_OBSERVE_MERGE_H
#define FORKPOINT_OBSERVE_MERGE_H

#include "observe/crash.h"
#include "observe/python.h"
#include "observe/unwind.h"

/*
 * What is told of CPython in process `pid`. `python` NULL: there is none that can be read; `why`
 * says why, "" that there is none.
 */
void merge_process(struct crash *crash, pid_t pid, const struct python *python, const char *why);

/*
 * `stack` is what thread->frames were made of, one by one. Python frames that belong to no native
 * frame that is known (the unwinder went no further) are put behind them all.
 */
void merge_thread(struct crash_thread *thread, const struct unwind_stack *stack,
		  const struct python *pythons);

#endif
