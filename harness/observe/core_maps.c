/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/core_maps.h"

#include <inttypes.h>
#include <string.h>

#include "base/strbuf.h"

#define PAGE 4096u

struct mapped_elf {
	const struct core *core;
	uint64_t start;
};

static bool core_reader(void *context, uint64_t offset, void *out, size_t size)
{
	const struct mapped_elf *elf = context;

	return core_read(elf->core, elf->start + offset, out, size);
}

bool core_elf_facts(struct elf_facts *facts, const struct core *core, uint64_t start)
{
	struct mapped_elf elf = { core, start };

	return elf_facts_read(facts, core_reader, &elf, true);
}

/* The file that the sweep is in. */
struct sweep {
	const struct core *core;
	struct strbuf text;
	const char *path;      /* NULL: none whose headers are known */
	uint64_t start;
	struct elf_facts facts;
};

/* What may be done at an address of it, by its headers: the last part that begins before it. */
static const struct elf_load *load_at(const struct sweep *sweep, uint64_t address)
{
	const struct elf_load *found = NULL;
	uint64_t vaddr = sweep->facts.base + (address - sweep->start);

	for (size_t i = 0; i < sweep->facts.nloads; i++)
		if (sweep->facts.loads[i].vaddr / PAGE * PAGE <= vaddr)
			found = &sweep->facts.loads[i];
	return found;
}

/* A path in a line of its own, that steers no terminal. */
static void add_path(struct strbuf *text, const char *path)
{
	for (; *path; path++)
		strbuf_addch(text, (unsigned char)*path < ' ' || *path == 0x7f ? '?' : *path);
}

static void sweep_add(struct sweep *sweep, uint64_t start, uint64_t end,
		      const struct core_segment *segment, const struct core_mapped *mapped)
{
	bool r = segment && segment->readable, w = segment && segment->writable;
	bool x = segment && segment->executable;
	uint64_t offset = mapped ? mapped->offset + (start - mapped->start) : 0;
	const struct elf_load *load;

	if (mapped && !offset) {
		sweep->path = core_elf_facts(&sweep->facts, sweep->core, start) ? mapped->path
										: NULL;
		sweep->start = start;
	}
	load = mapped && !segment && sweep->path && !strcmp(sweep->path, mapped->path) ?
		load_at(sweep, start) : NULL;
	if (load) {
		r = load->readable;
		w = load->writable;
		x = load->executable;
	}
	strbuf_addf(&sweep->text, "%" PRIx64 "-%" PRIx64 " %c%c%cp %08" PRIx64 " 00:00 0 ", start,
		    end, r ? 'r' : '-', w ? 'w' : '-', x ? 'x' : '-', offset);
	if (mapped)
		add_path(&sweep->text, mapped->path);
	else if (start == sweep->core->vdso && start)
		strbuf_addstr(&sweep->text, "[vdso]");
	strbuf_addch(&sweep->text, '\n');
}

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

void core_maps(struct maps *maps, const struct core *core)
{
	struct sweep sweep = { .core = core, .text = STRBUF_INIT };
	size_t s = 0, m = 0;
	uint64_t at = 0;

	while (s < core->nsegments || m < core->nmapped) {
		const struct core_segment *segment = s < core->nsegments ? &core->segments[s]
									 : NULL;
		const struct core_mapped *mapped = m < core->nmapped ? &core->mapped[m] : NULL;
		uint64_t next = least(segment ? segment->start : UINT64_MAX,
				      mapped ? mapped->start : UINT64_MAX);
		uint64_t end = least(segment ? segment->end : UINT64_MAX,
				     mapped ? mapped->end : UINT64_MAX);

		if (at < next)
			at = next;
		/* Up to where the other one begins, if it does not hold here yet. */
		if (segment && segment->start > at)
			end = least(end, segment->start);
		if (mapped && mapped->start > at)
			end = least(end, mapped->start);
		sweep_add(&sweep, at, end, segment && segment->start <= at ? segment : NULL,
			  mapped && mapped->start <= at ? mapped : NULL);
		at = end;
		s += segment && segment->end <= at;
		m += mapped && mapped->end <= at;
	}
	maps_of_text(maps, strbuf_detach(&sweep.text));
}
