/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which file an address of a process belongs to: from the text of /proc/PID/maps, or from a list
 * of images as other systems write it. Pure. All zero is empty; mapped_release() at the end.
 */
#ifndef FORKPOINT_TRIAGE_MAPPED_H
#define FORKPOINT_TRIAGE_MAPPED_H

#include "observe/crash.h"
#include "triage/lines.h"

struct mapping {
	uint64_t start, end; /* the first address behind it */
	uint64_t base;       /* where its file begins in memory, or would if it were all there */
	bool begins;         /* it does: its first byte is mapped */
	uint64_t offset;     /* in the file */
	struct piece path;
};

struct mapped {
	struct mapping *v;
	size_t n;
	bool sorted;
};

/* A line of /proc/PID/maps, whose text must outlive this; what is no file's is left out. */
void mapped_add_line(struct mapped *mapped, struct piece line);
/* The same of gdb's `info proc mappings`. */
void mapped_add_gdb_line(struct mapped *mapped, struct piece line);
/* A whole image, up to and without `end`. */
void mapped_add_image(struct mapped *mapped, uint64_t start, uint64_t end, struct piece path);
/* NULL: in none of them. */
const struct mapping *mapped_find(struct mapped *mapped, uint64_t address);
/*
 * The module of each frame whose address lies in one, whatever the report called it, and its offset
 * there if the report does not tell it.
 */
void mapped_resolve(struct mapped *mapped, struct crash *crash);
void mapped_release(struct mapped *mapped);

#endif
