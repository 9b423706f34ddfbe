/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Taking a struct crash from processes that still live: ptrace to hold them, libdwfl to unwind
 * them, /proc for the rest. Nothing is changed in them, and they run on afterwards (a crashing
 * thread waits in its announcing handler, see embed/announce.c; the caller releases it).
 *
 * Without ptrace (EPERM) the record holds what /proc and the announcement give, and `degraded`
 * says what is missing and what to do about it.
 */
#ifndef FORKPOINT_OBSERVE_CAPTURE_H
#define FORKPOINT_OBSERVE_CAPTURE_H

#include <stddef.h>
#include <sys/types.h>

#include "embed/subject.h"
#include "observe/crash.h"

/*
 * Modules that were opened once stay open: unwinding the second crash of the same host costs a
 * tenth of the first. One cache serves many processes, one at a time.
 */
struct capture_cache;
struct capture_cache *capture_cache_new(void);
void capture_cache_free(struct capture_cache *cache);
/* The files whose symbols it knows; the cache's own. */
struct image_cache;
struct image_cache *capture_images(struct capture_cache *cache);
/* What unwinds processes of the program that this one runs; the cache's, until the next call. */
struct unwind_session;
struct unwind_session *capture_session(struct capture_cache *cache, pid_t pid);

/*
 * All of these have the native frames of each thread and its Python frames merged, and what CPython
 * says of its interpreters.
 *
 * A crash that a thread has announced. `announced` is a copy of the control block's record.
 * `message` is taken over as it is (copied).
 */
struct crash *capture_signal(struct capture_cache *cache, const struct control_crash *announced,
			     const char *message);

/*
 * A trial that does not end, of any kind but CRASH_KIND_SIGNAL: all threads of the `n` processes
 * given, with what each waits for and who owns it. The culprit of a CRASH_KIND_HANG is the thread
 * that the others wait for in vain: one whose lock's owner does not exist in its process, else one
 * of a cycle, else the first blocked one of the last process. Of other kinds it is the first thread
 * of the last process that runs, else the first one.
 */
struct crash *capture_hang(struct capture_cache *cache, enum crash_kind kind, const pid_t *pids,
			   size_t n, const char *message);

/* All threads of a process that nothing has happened to. */
struct crash *capture_look(struct capture_cache *cache, pid_t pid);

/* 0, or -1 and a sentence: can this process trace its children? Tried, not looked up. */
struct strbuf;
int capture_check_ptrace(struct strbuf *err);
/* The same of process_vm_readv(2): a capture does without, a walk cannot. */
int capture_check_memory(struct strbuf *err);

#endif
