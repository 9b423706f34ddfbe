/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An ELF file that processes map: its symbols and source lines. Opened once and kept, whatever
 * process maps it wherever; answers are remembered, since crashes of one bug ask the same again.
 *
 * Addresses are the file's own (`vaddr`), that is, without where a process happened to load it.
 */
#ifndef FORKPOINT_OBSERVE_IMAGE_H
#define FORKPOINT_OBSERVE_IMAGE_H

#include <elfutils/libdw.h>
#include <libelf.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "observe/crash.h"

struct image;
struct image_cache;

/* What is known of an address. Strings live as long as the cache. */
struct image_place {
	const char *function; /* demangled; NULL with TRUST_NONE */
	uint64_t offset;
	enum trust trust;
	const char *file; /* NULL: no DWARF */
	int line;
};

struct image_cache *image_cache_new(void);
void image_cache_free(struct image_cache *cache); /* NULL is fine */

/*
 * The image of a file. `open_path` is where to read it, if that is not its name (a deleted file).
 * NULL if it is no ELF file or cannot be read.
 */
struct image *image_open(struct image_cache *cache, const char *path, const char *open_path);
/* The image of a file that stands in memory (the vdso); the bytes are copied. */
struct image *image_open_memory(struct image_cache *cache, const char *name, const void *bytes,
				size_t size);

Elf *image_elf(const struct image *image);
/* NULL: it has none. The image's. */
Dwarf *image_dwarf(struct image *image);
/* The compilation unit of an address; false: there is none. */
bool image_unit(struct image *image, uint64_t vaddr, Dwarf_Die *unit);
/* Changes when the file at the path changes. */
unsigned int image_id(const struct image *image);
/* vaddr of the byte that stands at the start of the mapped file. */
uint64_t image_base(const struct image *image);
/*
 * `vaddr` is where the thread goes on; for a caller that is behind the call, perhaps behind the
 * whole function, so `after_call` looks up the byte before.
 */
struct image_place image_lookup(struct image *image, uint64_t vaddr, bool after_call);

#endif
