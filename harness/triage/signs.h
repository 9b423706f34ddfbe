/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signs that more than one rule asks for (patterns.h): of threads beside the culprit, of a child,
 * of the release of CPython. Pure, and each in time proportional to the frames that it looks at.
 */
#ifndef FORKPOINT_TRIAGE_SIGNS_H
#define FORKPOINT_TRIAGE_SIGNS_H

#include <stdbool.h>

#include "triage/facts.h"

/* N of CPython 3.N, by what is mapped and by the paths of sources; 0: not told. */
int sign_python_minor(const struct facts *facts);
/* Is the release known, and older than 3.`minor`? And from it on? */
bool sign_python_before(const struct facts *facts, int minor);
bool sign_python_since(const struct facts *facts, int minor);

/* Do Python frames tell that the process was forked and went on: multiprocessing, gunicorn, …? */
bool sign_python_child(const struct facts *facts);
/* Does the report bear out that the process is a forked child? */
bool sign_child(const struct facts *facts);
/* Did the thread that forked take the lock itself, in a prepare handler? */
bool sign_owner_forked(const struct facts *facts);
/* Does the culprit begin as a thread, and not as a program? */
bool sign_started_thread(const struct facts *facts);
/* Is somebody's own code on the stack, inside of `frame`? Its innermost frame, or -1. */
int sign_own_above(const struct facts *facts, int frame);
/* The same from `frame` on outwards. */
int sign_own_below(const struct facts *facts, int frame);
/* The innermost frame whose full name begins with one of these; -1: none. */
int sign_within(const struct facts *facts, const char *const *prefixes);
/* Is the innermost code, libc's left aside, CPython's, called straight from somebody's own? */
bool sign_dies_in_api(const struct facts *facts);
/* An address in the first pages: a field of a structure that is not there. */
bool sign_near_null(const struct facts *facts);
/* Any other address that is not mapped, or none at all: what was followed was no pointer. */
bool sign_garbage(const struct facts *facts);

/* Of any thread: the innermost frame whose exact bare name is like one of these; -1: none. */
int thread_find_like(const struct crash_thread *thread, const char *const *patterns);
/* Its innermost frame of somebody's own; -1: none. */
int thread_native(const struct facts *facts, const struct crash_thread *thread);
/* Does it wait: for CPython's GIL or a thread state; for a lock of libc's or the system's? */
bool thread_awaits_gil(const struct crash_thread *thread);
bool thread_awaits_lock(const struct crash_thread *thread);
/* The frame in which it waits for a spin lock, or for an allocator's lock; -1: it does not. */
int thread_spins(const struct crash_thread *thread);
/* "a" mutex, "the" GIL: there is one GIL. And that word. Static. */
const char *thread_wait_article(const struct crash_thread *thread);
const char *thread_wait_word(const struct crash_thread *thread);
/* Is it inside the end of the process or of the interpreter? */
bool thread_exits(const struct crash_thread *thread);

#endif
