/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/core.h"

#include <elf.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"

/* Its bytes from `offset` on, of which there are `size`; fewer if the file ends before. */
static const unsigned char *core_bytes(const struct core *core, uint64_t offset, uint64_t *size)
{
	if (offset >= core->size)
		*size = 0;
	else if (*size > core->size - offset)
		*size = core->size - offset;
	return core->bytes + (*size ? offset : 0);
}

static const char *type_word(uint16_t type)
{
	switch (type) {
	case ET_REL:
		return "a relocatable object";
	case ET_EXEC:
		return "an executable";
	case ET_DYN:
		return "an executable or a shared library";
	default:
		return "an ELF file of no kind that is known here";
	}
}

/* The header, or -1 and why it is none of a core. */
static int header_read(struct core *core, Elf64_Ehdr *header, struct strbuf *err)
{
	if (core->size < sizeof(*header)) {
		strbuf_addf(err, "is no core file: it has %zu bytes, an ELF header has %zu",
			    core->size, sizeof(*header));
		return -1;
	}
	memcpy(header, core->bytes, sizeof(*header));
	if (memcmp(header->e_ident, ELFMAG, SELFMAG)) {
		strbuf_addstr(err, "is no core file: it is not of the ELF format");
		return -1;
	}
	if (header->e_ident[EI_CLASS] != ELFCLASS64 || header->e_ident[EI_DATA] != ELFDATA2LSB) {
		strbuf_addstr(err, "is of a machine that is not read here: only 64-bit, "
				   "little-endian ones are");
		return -1;
	}
	if (header->e_type != ET_CORE) {
		strbuf_addf(err, "is no core file: it is %s", type_word(header->e_type));
		return -1;
	}
	return 0;
}

/* More than fit into the header's 16 bits are counted in the first section header. */
static uint64_t headers_count(const struct core *core, const Elf64_Ehdr *header)
{
	Elf64_Shdr section;
	uint64_t size = sizeof(section);
	const unsigned char *at;

	if (header->e_phnum != PN_XNUM)
		return header->e_phnum;
	at = core_bytes(core, header->e_shoff, &size);
	if (size < sizeof(section))
		return 0;
	memcpy(&section, at, sizeof(section));
	return section.sh_info;
}

static void want(struct core *core, uint64_t offset, uint64_t size)
{
	uint64_t end = offset + size;

	if (end < offset)
		end = UINT64_MAX;
	if (end > core->wanted)
		core->wanted = end;
}

static void segment_add(struct core *core, const Elf64_Phdr *header)
{
	struct core_segment *segment = &core->segments[core->nsegments];
	uint64_t kept = header->p_filesz < header->p_memsz ? header->p_filesz : header->p_memsz;

	if (!header->p_memsz || header->p_vaddr + header->p_memsz < header->p_vaddr) {
		core->torn |= header->p_memsz != 0;
		return;
	}
	core_bytes(core, header->p_offset, &kept);
	*segment = (struct core_segment){
		.start = header->p_vaddr, .end = header->p_vaddr + header->p_memsz,
		.offset = header->p_offset, .kept = kept,
		.readable = header->p_flags & PF_R, .writable = header->p_flags & PF_W,
		.executable = header->p_flags & PF_X,
	};
	core->nsegments++;
}

static int segment_compare(const void *a, const void *b)
{
	const struct core_segment *left = a, *right = b;

	return left->start < right->start ? -1 : left->start > right->start;
}

static int mapped_compare(const void *a, const void *b)
{
	const struct core_mapped *left = a, *right = b;

	return left->start < right->start ? -1 : left->start > right->start;
}

/* Ascending; what begins within another is none of a process. */
static void segments_order(struct core *core)
{
	size_t n = 0;

	qsort(core->segments, core->nsegments, sizeof(*core->segments), segment_compare);
	for (size_t i = 0; i < core->nsegments; i++)
		if (!n || core->segments[i].start >= core->segments[n - 1].end)
			core->segments[n++] = core->segments[i];
	core->torn |= n < core->nsegments;
	core->nsegments = n;
}

static void mapped_order(struct core *core)
{
	size_t n = 0;

	if (core->nmapped)
		qsort(core->mapped, core->nmapped, sizeof(*core->mapped), mapped_compare);
	for (size_t i = 0; i < core->nmapped; i++)
		if (!n || core->mapped[i].start >= core->mapped[n - 1].end)
			core->mapped[n++] = core->mapped[i];
	core->torn |= n < core->nmapped;
	core->nmapped = n;
}

static void headers_read(struct core *core, const Elf64_Ehdr *elf)
{
	uint64_t n = headers_count(core, elf), size = n * sizeof(Elf64_Phdr);
	const unsigned char *at;

	want(core, elf->e_phoff, size);
	at = core_bytes(core, elf->e_phoff, &size);
	core->torn |= elf->e_phentsize != sizeof(Elf64_Phdr);
	if (n > size / sizeof(Elf64_Phdr))
		n = size / sizeof(Elf64_Phdr);
	core->segments = xcalloc(n + 1, sizeof(*core->segments));
	for (uint64_t i = 0; i < n; i++) {
		Elf64_Phdr header;

		memcpy(&header, at + i * sizeof(header), sizeof(header));
		if (header.p_type != PT_LOAD && header.p_type != PT_NOTE)
			continue;
		want(core, header.p_offset, header.p_filesz);
		if (header.p_type == PT_LOAD) {
			segment_add(core, &header);
		} else {
			uint64_t kept = header.p_filesz;
			const unsigned char *notes = core_bytes(core, header.p_offset, &kept);

			core->torn |= kept < header.p_filesz;
			core_read_notes(core, notes, kept);
		}
	}
	segments_order(core);
	mapped_order(core);
}

struct core *core_parse(const void *bytes, size_t size, struct strbuf *err)
{
	struct core *core = xcalloc(1, sizeof(*core));
	Elf64_Ehdr header;

	core->bytes = bytes;
	core->size = size;
	if (header_read(core, &header, err) < 0) {
		core_free(core);
		return NULL;
	}
	core->machine = header.e_machine;
	headers_read(core, &header);
	/* A debugger writes down what it has stopped the thread by. */
	if (core->signal.signo != core_signo(core))
		core->signal = (struct core_signal){ 0 };
	return core;
}

void core_free(struct core *core)
{
	if (!core)
		return;
	free(core->segments);
	free(core->mapped);
	free(core->paths);
	free(core->threads);
	free(core);
}

static const struct core_segment *segment_at(const struct core *core, uint64_t address)
{
	size_t low = 0, high = core->nsegments;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (address < core->segments[middle].start)
			high = middle;
		else if (address >= core->segments[middle].end)
			low = middle + 1;
		else
			return &core->segments[middle];
	}
	return NULL;
}

bool core_read(const struct core *core, uint64_t address, void *out, size_t size)
{
	unsigned char *p = out;

	while (size) {
		const struct core_segment *segment = segment_at(core, address);
		uint64_t at = segment ? address - segment->start : 0, part;

		if (!segment || at >= segment->kept)
			return false;
		part = segment->kept - at < size ? segment->kept - at : size;
		memcpy(p, core->bytes + segment->offset + at, part);
		p += part;
		address += part;
		size -= part;
	}
	return true;
}

const struct core_mapped *core_mapped_at(const struct core *core, uint64_t address)
{
	size_t low = 0, high = core->nmapped;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (address < core->mapped[middle].start)
			high = middle;
		else if (address >= core->mapped[middle].end)
			low = middle + 1;
		else
			return &core->mapped[middle];
	}
	return NULL;
}

int core_signo(const struct core *core)
{
	return core->nthreads ? core->threads[0].signo : core->signal.signo;
}

bool core_is_crash(const struct core *core)
{
	static const int ending[] = { SIGQUIT, SIGILL, SIGTRAP, SIGABRT, SIGBUS, SIGFPE, SIGSEGV,
				      SIGXCPU, SIGXFSZ, SIGSYS };
	int signo = core_signo(core);

	for (size_t i = 0; i < sizeof(ending) / sizeof(*ending); i++)
		if (signo == ending[i])
			return true;
	return false;
}
