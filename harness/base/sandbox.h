/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walls around this process, for good, before it works on hostile input with a library that may not
 * survive it: if that input takes the process over, it can read and compute, and no more. A further
 * defence, no requirement: what a kernel does not have is left out, and the work goes on.
 *
 * seccomp (any Linux that we know, but a container may refuse it) lists the system calls that are
 * left. No file is opened for writing, created, changed or removed; no memory becomes code; no
 * program, process, thread or socket is begun; no signal is sent, no other process looked at or
 * changed, but for what the kind allows. What is open already may be written to, and other
 * processes are seen in /proc, as far as this one's user may.
 *
 * Landlock (Linux 5.13, where it is switched on; not for SANDBOX_TRACE) says the same of files in
 * the kernel itself. They may be read, but those of /sys and /dev (/dev/shm excepted) not even so.
 * Of other processes /proc has nothing that takes the right to trace them: no memory, environment
 * or root. From ABI 4 on it refuses TCP, and from 6 on signals to others and abstract sockets.
 *
 * The superuser keeps one capability, to read any file; all of them for SANDBOX_TRACE.
 *
 * Call it once all is open that is to be written to, from a process of one thread, which should
 * have no descriptor that it does not need. It lasts, and children inherit it; a second call adds
 * to it. Not async-signal-safe.
 */
#ifndef FORKPOINT_BASE_SANDBOX_H
#define FORKPOINT_BASE_SANDBOX_H

#include <stdbool.h>
#include <string.h>

enum sandbox_kind {
	SANDBOX_NONE,
	SANDBOX_READ,  /* read files */
	/*
	 * The same, and fork such processes (no threads, no programs), wait for them, and, where
	 * Landlock keeps signals inside (ABI 6), end them.
	 */
	SANDBOX_READ_FORK,
	/*
	 * Read files, and look at other processes: be their tracer, read registers and memory. Not
	 * write to either, nor send a signal; but a tracee takes the one that its release names.
	 * Landlock would refuse to trace, so it is not used. `stack` parses files in the tracer
	 * itself: taken over, it could still hold and read whatever its user may trace.
	 */
	SANDBOX_TRACE,
	/*
	 * With one of those: there is a file to be read in /proc/PID/root. So without Landlock, and
	 * capabilities are kept.
	 */
	SANDBOX_OTHER_ROOT = 16,
};

struct sandbox {
	bool seccomp;
	int landlock; /* the kernel's ABI; 0: it does not hold */
};

/* Is a path, of a user's, one that only SANDBOX_OTHER_ROOT reaches? */
static inline bool sandbox_is_other_root(const char *path)
{
	return !strncmp(path, "/proc/", strlen("/proc/"));
}

/*
 * What holds now. What is refused fails, and kills nobody: by EPERM or EACCES; by ENOSYS if the
 * whole system call is, so that a C library that knows newer ones falls back on older ones.
 */
struct sandbox sandbox_enter(enum sandbox_kind kind);

#endif
