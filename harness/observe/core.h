/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an ELF core file says: memory, mapped files, threads, what the process was and what ended
 * it. Pure, over bytes that are hostile: no length, offset or count in them is believed, and what
 * is cut off is told. Cores of 64-bit little-endian machines, of which x86-64 and AArch64 have
 * threads whose registers can be told.
 */
#ifndef FORKPOINT_OBSERVE_CORE_H
#define FORKPOINT_OBSERVE_CORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/strbuf.h"

/* AArch64 has 34 words, x86-64 27. */
#define CORE_REGISTERS_MAX 34

/* Linux lets a process have fewer, by far. */
#define CORE_THREADS_MAX 65536u

/* A mapping, of which the first `kept` bytes are in the core. */
struct core_segment {
	uint64_t start, end;
	uint64_t offset, kept; /* in the core, whose size they keep to */
	bool readable, writable, executable;
};

/* Where a file was mapped. */
struct core_mapped {
	uint64_t start, end;
	uint64_t offset;       /* in the file */
	const char *path;      /* the core's; not yet clean */
};

struct core_thread {
	pid_t tid;
	int signo;             /* 0: none came to it */
	uint64_t regs[CORE_REGISTERS_MAX]; /* as PTRACE_GETREGSET has them */
	size_t nregs;
};

struct core_process {
	char state;            /* as ps shows it */
	bool zombie;
	int nice;
	uid_t uid;
	gid_t gid;
	pid_t pid, ppid, pgrp, sid;
	char name[17];         /* of the program; cut to 15 bytes by the kernel */
	char args[81];         /* cut to 79 bytes */
};

struct core_signal {
	int signo, code;
	bool sent;             /* by somebody: pid and uid hold */
	pid_t pid;
	uid_t uid;
	bool fault;            /* address holds */
	uint64_t address;
};

struct core {
	const unsigned char *bytes; /* the caller's */
	size_t size;
	uint16_t machine;      /* EM_… */
	struct core_segment *segments; /* ascending, none within another */
	size_t nsegments;
	struct core_mapped *mapped;    /* the same */
	size_t nmapped;
	char *paths;
	struct core_thread *threads;   /* first the one that the signal came to */
	size_t nthreads;
	bool has_process;
	struct core_process process;
	struct core_signal signal; /* signo 0: none, or it does not tell */
	/* Of the auxiliary vector; 0: not told. */
	uint64_t program_headers, execfn, vdso;
	uint64_t wanted;       /* bytes that it should have; more than `size`: it is cut off */
	bool torn;             /* a note or a table ends where it should not */
};

/*
 * `bytes` must outlive what is returned. NULL and a sentence that goes on from the file's name:
 * they are no core.
 */
struct core *core_parse(const void *bytes, size_t size, struct strbuf *err);
void core_free(struct core *core); /* NULL is fine */
/* core_notes.c: all notes of `size` bytes; a part of core_parse(). */
void core_read_notes(struct core *core, const unsigned char *notes, size_t size);

/* What the core itself has of [address, address + size): all of it, or false. */
bool core_read(const struct core *core, uint64_t address, void *out, size_t size);
/* The mapping of a file that has an address, or NULL. */
const struct core_mapped *core_mapped_at(const struct core *core, uint64_t address);
/* The signal that came to its first thread; 0: none. */
int core_signo(const struct core *core);
/* Did a signal end it that ends processes with a core? Else somebody asked for the core. */
bool core_is_crash(const struct core *core);

#endif
