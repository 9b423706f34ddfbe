/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the headers of an ELF file say of it, read from the file or from where a process had it
 * mapped: where its parts stand, and its build-id. Pure; nothing in them is believed.
 */
#ifndef FORKPOINT_OBSERVE_ELF_FACTS_H
#define FORKPOINT_OBSERVE_ELF_FACTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/strbuf.h"

/* Files have four or five; what has more is not looked at any further. */
#define ELF_LOADS_MAX 16
#define ELF_BUILD_ID_MAX 64

struct elf_load {
	uint64_t vaddr, size;
	bool readable, writable, executable;
};

struct elf_facts {
	uint16_t machine;
	uint64_t base; /* vaddr of the file's first byte */
	struct elf_load loads[ELF_LOADS_MAX];
	size_t nloads;
	unsigned char id[ELF_BUILD_ID_MAX];
	size_t id_len;       /* 0: it has none, or it cannot be read */
	uint64_t sum;        /* of its headers, for files without a build-id */
};

typedef bool (*elf_reader)(void *context, uint64_t offset, void *out, size_t size);

/*
 * `mapped`: `reader` takes offsets from where the file's first byte stands in memory; else offsets
 * in the file. False: it is no 64-bit ELF file, or its headers cannot be read.
 */
bool elf_facts_read(struct elf_facts *facts, elf_reader reader, void *context, bool mapped);
/* Are they of one build, as far as can be told? */
bool elf_facts_same(const struct elf_facts *a, const struct elf_facts *b);
/* In hexadecimal. */
void elf_facts_add_id(struct strbuf *out, const struct elf_facts *facts);

#endif
