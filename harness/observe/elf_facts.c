/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/elf_facts.h"

#include <elf.h>
#include <string.h>

#define HEADERS_MAX 64u
/* Notes of a file take some hundred bytes. */
#define NOTES_MAX 4096u

/* FNV-1a. */
static uint64_t sum_add(uint64_t sum, const void *data, size_t size)
{
	const unsigned char *p = data;

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ p[i]) * 0x100000001b3ull;
	return sum;
}

static void load_add(struct elf_facts *facts, const Elf64_Phdr *header)
{
	if (!facts->nloads)
		facts->base = header->p_vaddr - header->p_offset;
	if (facts->nloads < ELF_LOADS_MAX)
		facts->loads[facts->nloads++] = (struct elf_load){
			.vaddr = header->p_vaddr, .size = header->p_memsz,
			.readable = header->p_flags & PF_R, .writable = header->p_flags & PF_W,
			.executable = header->p_flags & PF_X,
		};
}

static void id_find(struct elf_facts *facts, const unsigned char *notes, size_t size)
{
	size_t at = 0;

	while (size - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr header;
		size_t name, data;

		memcpy(&header, notes + at, sizeof(header));
		at += sizeof(header);
		name = ((size_t)header.n_namesz + 3) & ~(size_t)3;
		data = ((size_t)header.n_descsz + 3) & ~(size_t)3;
		if (name > size - at || data > size - at - name)
			return;
		if (header.n_type == NT_GNU_BUILD_ID && header.n_namesz == 4 &&
		    !memcmp(notes + at, "GNU", 4) && header.n_descsz <= ELF_BUILD_ID_MAX) {
			memcpy(facts->id, notes + at + name, header.n_descsz);
			facts->id_len = header.n_descsz;
			return;
		}
		at += name + data;
	}
}

static void notes_read(struct elf_facts *facts, const Elf64_Phdr *header, elf_reader reader,
		       void *context, bool mapped)
{
	unsigned char notes[NOTES_MAX];
	size_t size = header->p_filesz < sizeof(notes) ? header->p_filesz : sizeof(notes);

	if (!facts->id_len &&
	    reader(context, mapped ? header->p_vaddr - facts->base : header->p_offset, notes, size))
		id_find(facts, notes, size);
}

bool elf_facts_read(struct elf_facts *facts, elf_reader reader, void *context, bool mapped)
{
	Elf64_Phdr headers[HEADERS_MAX];
	Elf64_Ehdr elf;

	memset(facts, 0, sizeof(*facts));
	if (!reader(context, 0, &elf, sizeof(elf)) || memcmp(elf.e_ident, ELFMAG, SELFMAG) ||
	    elf.e_ident[EI_CLASS] != ELFCLASS64 || elf.e_ident[EI_DATA] != ELFDATA2LSB ||
	    elf.e_phentsize != sizeof(*headers) || elf.e_phnum > HEADERS_MAX ||
	    !reader(context, elf.e_phoff, headers, elf.e_phnum * sizeof(*headers)))
		return false;
	facts->machine = elf.e_machine;
	facts->sum = sum_add(0xcbf29ce484222325ull, &elf, sizeof(elf));
	facts->sum = sum_add(facts->sum, headers, elf.e_phnum * sizeof(*headers));
	for (size_t i = 0; i < elf.e_phnum; i++)
		if (headers[i].p_type == PT_LOAD)
			load_add(facts, &headers[i]);
	for (size_t i = 0; i < elf.e_phnum; i++)
		if (headers[i].p_type == PT_NOTE)
			notes_read(facts, &headers[i], reader, context, mapped);
	return true;
}

bool elf_facts_same(const struct elf_facts *a, const struct elf_facts *b)
{
	if (a->id_len && b->id_len)
		return a->id_len == b->id_len && !memcmp(a->id, b->id, a->id_len);
	return a->sum == b->sum;
}

void elf_facts_add_id(struct strbuf *out, const struct elf_facts *facts)
{
	for (size_t i = 0; i < facts->id_len; i++)
		strbuf_addf(out, "%02x", facts->id[i]);
}
