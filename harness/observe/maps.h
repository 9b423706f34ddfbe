/* SPDX-License-Identifier: Apache-2.0 */
/*
 * /proc/PID/maps, or what a core file says in its place, and the modules (ELF files, the vdso) that
 * it shows.
 */
#ifndef FORKPOINT_OBSERVE_MAPS_H
#define FORKPOINT_OBSERVE_MAPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct maps_module {
	uint64_t start; /* where the file's first byte is, or would be, mapped */
	uint64_t end;
	const char *path;   /* without " (deleted)"; "[vdso]" for the vdso */
	bool deleted;
	uint64_t map_start, map_end; /* of one mapping, names it in /proc/PID/map_files */
	const char *file; /* where to read it, "" for nowhere; NULL: where the process has it */
};

struct maps_range {
	uint64_t start, end;
	bool readable;
	bool executable;
	bool writable;
	bool file; /* a file's pages */
	bool shared;  /* on purpose: what one process writes, others read */
	const char *path; /* of the file, or the kernel's name for it; "": it has none */
	bool control; /* the page that a subject shares with its driver */
	size_t module; /* index, or SIZE_MAX */
};

struct maps {
	char *text;      /* the file as read */
	struct maps_module *modules; /* ascending; only what has executable pages */
	size_t nmodules;
	struct maps_range *ranges;   /* ascending; all of them */
	size_t nranges;
	char *names;
};

/* 0, or -1 with errno; release in either case. */
int maps_read(struct maps *maps, pid_t pid);
/* Of a text in the form of /proc/PID/maps, which is taken over. */
void maps_of_text(struct maps *maps, char *text);
/* What was read before, once more, for somebody who keeps it longer. */
void maps_copy(struct maps *maps, const struct maps *from);
void maps_release(struct maps *maps);
/* The module that covers an address, or NULL. */
const struct maps_module *maps_module_at(const struct maps *maps, uint64_t address);
bool maps_is_code(const struct maps *maps, uint64_t address);
bool maps_is_readable(const struct maps *maps, uint64_t address);
bool maps_is_writable(const struct maps *maps, uint64_t address);

#endif
