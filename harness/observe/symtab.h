/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The functions of one ELF file, sorted by address: .symtab where there is one, in the file or in
 * its separate debug file (by build id), else .dynsym, which knows exports only.
 */
#ifndef FORKPOINT_OBSERVE_SYMTAB_H
#define FORKPOINT_OBSERVE_SYMTAB_H

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

struct symtab;

struct symbol {
	const char *name; /* as in the file; lives as long as the table */
	uint64_t value;
	bool exact; /* the symbol's size covers the address */
};

/* Never NULL; may be empty. `path` tells where debug files may lie; NULL: look for none. */
struct symtab *symtab_load(Elf *elf, const char *path);
void symtab_free(struct symtab *symtab); /* NULL is fine */
/*
 * The function at an address, else the nearest one before it in the same section: then it is only
 * near, and the true function may be one that has no symbol.
 */
bool symtab_find(const struct symtab *symtab, uint64_t vaddr, struct symbol *symbol);

#endif
