/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A core file: whatever it says, all that is taken from it stays within its bytes and in order, its
 * mappings are ones, and the headers of the files in its memory can be read.
 */
#include "base/strbuf.h"
#include "observe/core.h"
#include "observe/core_maps.h"
#include "tests/fuzz/fuzz.h"

static void check_tables(const struct core *core)
{
	for (size_t i = 0; i < core->nsegments; i++) {
		const struct core_segment *segment = &core->segments[i];

		FUZZ_CHECK(segment->start < segment->end);
		FUZZ_CHECK(!i || segment[-1].end <= segment->start);
		FUZZ_CHECK(segment->kept <= segment->end - segment->start);
		FUZZ_CHECK(!segment->kept || (segment->offset < core->size &&
					      segment->kept <= core->size - segment->offset));
	}
	for (size_t i = 0; i < core->nmapped; i++) {
		const struct core_mapped *mapped = &core->mapped[i];

		FUZZ_CHECK(mapped->start < mapped->end);
		FUZZ_CHECK(!i || mapped[-1].end <= mapped->start);
		FUZZ_CHECK(core_mapped_at(core, mapped->start) == mapped);
	}
	for (size_t i = 0; i < core->nthreads; i++)
		FUZZ_CHECK(core->threads[i].nregs <= CORE_REGISTERS_MAX);
}

static void check_memory(const struct core *core)
{
	unsigned char bytes[64];
	struct elf_facts facts;

	for (size_t i = 0; i < core->nsegments; i++) {
		const struct core_segment *segment = &core->segments[i];

		FUZZ_CHECK(core_read(core, segment->start, bytes, 1) == (segment->kept > 0));
		core_read(core, segment->end - 1, bytes, sizeof(bytes));
		if (core_elf_facts(&facts, core, segment->start))
			FUZZ_CHECK(facts.nloads <= ELF_LOADS_MAX &&
				   facts.id_len <= ELF_BUILD_ID_MAX);
	}
	FUZZ_CHECK(!core_read(core, UINT64_MAX, bytes, sizeof(bytes)));
}

static void check_maps(const struct core *core)
{
	struct maps maps;

	core_maps(&maps, core);
	for (size_t i = 0; i < maps.nranges; i++) {
		FUZZ_CHECK(maps.ranges[i].start < maps.ranges[i].end);
		FUZZ_CHECK(!i || maps.ranges[i - 1].end <= maps.ranges[i].start);
	}
	for (size_t i = 0; i < maps.nmodules; i++)
		FUZZ_CHECK(maps.modules[i].path[0] == '/' || maps.modules[i].path[0] == '[');
	maps_release(&maps);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf err = STRBUF_INIT;
	struct core *core = core_parse(data, size, &err);

	FUZZ_CHECK(!core == (err.len > 0));
	if (core) {
		check_tables(core);
		check_memory(core);
		check_maps(core);
		core_is_crash(core);
	}
	core_free(core);
	strbuf_release(&err);
	return 0;
}
