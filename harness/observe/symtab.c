/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/symtab.h"

#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/strbuf.h"

struct entry {
	uint64_t value;
	uint64_t size;
	const char *name;
	unsigned char bind;
	uint32_t section;
};

struct section {
	uint64_t start, end;
};

struct symtab {
	struct entry *v;
	size_t n;
	struct section *sections; /* by index; empty where not executable */
	size_t nsections;
	Elf *debug; /* the separate debug file, kept open for its strings */
};

/*
 * By address; among names for one address the one that a reader knows comes first: sized before
 * unsized, exported before local, without leading underscores, then by the alphabet, so that the
 * choice is the same on each machine.
 */
static int entry_compare(const void *left, const void *right)
{
	const struct entry *a = left, *b = right;
	size_t lead_a, lead_b;

	if (a->value != b->value)
		return a->value < b->value ? -1 : 1;
	if (!a->size != !b->size)
		return a->size ? -1 : 1;
	if ((a->bind == STB_LOCAL) != (b->bind == STB_LOCAL))
		return a->bind == STB_LOCAL ? 1 : -1;
	lead_a = strspn(a->name, "_");
	lead_b = strspn(b->name, "_");
	if (lead_a != lead_b)
		return lead_a < lead_b ? -1 : 1;
	return strcmp(a->name, b->name);
}

static void sections_load(struct symtab *symtab, Elf *elf)
{
	size_t n;

	if (elf_getshdrnum(elf, &n) < 0)
		return;
	symtab->sections = xcalloc(n + 1, sizeof(*symtab->sections));
	symtab->nsections = n;
	for (size_t i = 0; i < n; i++) {
		GElf_Shdr shdr;
		Elf_Scn *scn = elf_getscn(elf, i);

		if (!scn || !gelf_getshdr(scn, &shdr) || !(shdr.sh_flags & SHF_EXECINSTR))
			continue;
		symtab->sections[i].start = shdr.sh_addr;
		symtab->sections[i].end = shdr.sh_addr + shdr.sh_size;
	}
}

static bool entry_wanted(const struct symtab *symtab, const GElf_Sym *sym)
{
	unsigned char type = GELF_ST_TYPE(sym->st_info);

	if (sym->st_shndx == SHN_UNDEF || sym->st_shndx >= symtab->nsections)
		return false;
	if (!symtab->sections[sym->st_shndx].end)
		return false;
	return type == STT_FUNC || type == STT_GNU_IFUNC || type == STT_NOTYPE;
}

/* All functions of one symbol section. False if the file has no section of that type. */
static bool entries_load(struct symtab *symtab, Elf *elf, uint32_t type)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn))) {
		Elf_Data *data;
		GElf_Shdr shdr;
		size_t n;

		if (!gelf_getshdr(scn, &shdr) || shdr.sh_type != type || !shdr.sh_entsize)
			continue;
		data = elf_getdata(scn, NULL);
		if (!data)
			return false;
		n = shdr.sh_size / shdr.sh_entsize;
		symtab->v = xcalloc(n + 1, sizeof(*symtab->v));
		for (size_t i = 0; i < n; i++) {
			struct entry *entry = &symtab->v[symtab->n];
			GElf_Sym sym;

			if (!gelf_getsym(data, (int)i, &sym) || !entry_wanted(symtab, &sym))
				continue;
			entry->name = elf_strptr(elf, shdr.sh_link, sym.st_name);
			/* $x and $d are marks of the AArch64 assembler, not functions. */
			if (!entry->name || !*entry->name || *entry->name == '$')
				continue;
			entry->value = sym.st_value;
			entry->size = sym.st_size;
			entry->bind = GELF_ST_BIND(sym.st_info);
			entry->section = sym.st_shndx;
			symtab->n++;
		}
		return symtab->n > 0;
	}
	return false;
}

/*
 * <root>/usr/lib/debug/.build-id/ab/cdef….debug, where <root> is what stands before /usr/lib or
 * /lib in the file's own name: an interpreter in an unpacked root brings its debug files along.
 */
static Elf *debug_open(Elf *elf, const char *path)
{
	const char *cut = strstr(path, "/usr/");
	struct strbuf name = STRBUF_INIT;
	const unsigned char *id;
	const void *bits;
	ssize_t len = dwelf_elf_gnu_build_id(elf, &bits);
	Elf *debug = NULL;
	int fd;

	if (len < 2)
		return NULL;
	id = bits;
	if (!cut)
		cut = strstr(path, "/lib");
	strbuf_add(&name, path, cut ? (size_t)(cut - path) : 0);
	strbuf_addf(&name, "/usr/lib/debug/.build-id/%02x/", id[0]);
	for (ssize_t i = 1; i < len; i++)
		strbuf_addf(&name, "%02x", id[i]);
	strbuf_addstr(&name, ".debug");
	fd = open(name.buf, O_RDONLY | O_CLOEXEC);
	strbuf_release(&name);
	if (fd < 0)
		return NULL;
	debug = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (debug)
		elf_cntl(debug, ELF_C_FDREAD);
	close(fd);
	return debug;
}

struct symtab *symtab_load(Elf *elf, const char *path)
{
	struct symtab *symtab = xcalloc(1, sizeof(*symtab));

	sections_load(symtab, elf);
	if (!entries_load(symtab, elf, SHT_SYMTAB)) {
		free(symtab->v);
		symtab->v = NULL;
		symtab->n = 0;
		symtab->debug = path ? debug_open(elf, path) : NULL;
		if (!symtab->debug || !entries_load(symtab, symtab->debug, SHT_SYMTAB)) {
			free(symtab->v);
			symtab->v = NULL;
			symtab->n = 0;
			entries_load(symtab, elf, SHT_DYNSYM);
		}
	}
	if (symtab->n)
		qsort(symtab->v, symtab->n, sizeof(*symtab->v), entry_compare);
	return symtab;
}

void symtab_free(struct symtab *symtab)
{
	if (!symtab)
		return;
	free(symtab->v);
	free(symtab->sections);
	elf_end(symtab->debug);
	free(symtab);
}

/* Index of the first entry behind an address. */
static size_t entries_above(const struct symtab *symtab, uint64_t vaddr)
{
	size_t low = 0, high = symtab->n;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symtab->v[middle].value <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static const struct section *section_at(const struct symtab *symtab, uint64_t vaddr)
{
	for (size_t i = 0; i < symtab->nsections; i++)
		if (vaddr >= symtab->sections[i].start && vaddr < symtab->sections[i].end)
			return &symtab->sections[i];
	return NULL;
}

/*
 * Functions do not nest, but assembly gives labels inside a sized function; so a covering symbol
 * may stand a few entries before the nearest one.
 */
#define LABELS_MAX 16

bool symtab_find(const struct symtab *symtab, uint64_t vaddr, struct symbol *symbol)
{
	const struct section *section = section_at(symtab, vaddr);
	size_t above = entries_above(symtab, vaddr), near;

	if (!section || !above || symtab->v[above - 1].value < section->start)
		return false;
	near = above - 1;
	for (size_t i = near, left = LABELS_MAX; left--; i--) {
		const struct entry *entry = &symtab->v[i];

		/* The first of several names for one address is the one to give. */
		if (vaddr - entry->value < entry->size &&
		    (!i || symtab->v[i - 1].value != entry->value)) {
			*symbol = (struct symbol){ entry->name, entry->value, true };
			return true;
		}
		if (!i)
			break;
	}
	while (near && symtab->v[near - 1].value == symtab->v[near].value)
		near--;
	*symbol = (struct symbol){ symtab->v[near].name, symtab->v[near].value, false };
	return true;
}
