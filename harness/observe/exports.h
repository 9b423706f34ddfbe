/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where an ELF file has a certain variable or section. Addresses are the file's own.
 */
#ifndef FORKPOINT_OBSERVE_EXPORTS_H
#define FORKPOINT_OBSERVE_EXPORTS_H

#include <libelf.h>
#include <stdbool.h>
#include <stdint.h>

/* A symbol that the file defines, of .symtab or .dynsym. */
bool exports_symbol(Elf *elf, const char *name, uint64_t *vaddr);
/* A section that is loaded; needs section headers, which strip leaves in. */
bool exports_section(Elf *elf, const char *name, uint64_t *vaddr);

#endif
