/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/exports.h"

#include <gelf.h>
#include <string.h>

static bool table_find(Elf *elf, Elf_Scn *scn, const GElf_Shdr *shdr, const char *name,
		       uint64_t *vaddr)
{
	Elf_Data *data = elf_getdata(scn, NULL);
	size_t n = data && shdr->sh_entsize ? shdr->sh_size / shdr->sh_entsize : 0;

	for (size_t i = 0; i < n; i++) {
		const char *string;
		GElf_Sym sym;

		if (!gelf_getsym(data, (int)i, &sym))
			return false;
		if (sym.st_shndx == SHN_UNDEF)
			continue;
		string = elf_strptr(elf, shdr->sh_link, sym.st_name);
		if (string && !strcmp(string, name)) {
			*vaddr = sym.st_value;
			return true;
		}
	}
	return false;
}

bool exports_symbol(Elf *elf, const char *name, uint64_t *vaddr)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;

		if (gelf_getshdr(scn, &shdr) &&
		    (shdr.sh_type == SHT_DYNSYM || shdr.sh_type == SHT_SYMTAB) &&
		    table_find(elf, scn, &shdr, name, vaddr))
			return true;
	}
	return false;
}

bool exports_section(Elf *elf, const char *name, uint64_t *vaddr)
{
	Elf_Scn *scn = NULL;
	size_t strings;

	if (elf_getshdrstrndx(elf, &strings) < 0)
		return false;
	while ((scn = elf_nextscn(elf, scn))) {
		const char *string;
		GElf_Shdr shdr;

		if (!gelf_getshdr(scn, &shdr) || !(shdr.sh_flags & SHF_ALLOC))
			continue;
		string = elf_strptr(elf, strings, shdr.sh_name);
		if (string && !strcmp(string, name)) {
			*vaddr = shdr.sh_addr;
			return true;
		}
	}
	return false;
}
