/* SPDX-License-Identifier: Apache-2.0 */
/* The notes of a core alone, which mutations of a whole core seldom reach. */
#include "base/strbuf.h"
#include "observe/core.h"
#include "tests/fuzz/fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct core *core = calloc(1, sizeof(*core));
	/* Exactly as large as the notes, so that a sanitizer sees what is read behind them. */
	uint8_t *notes = malloc(size ? size : 1);

	FUZZ_CHECK(core && notes);
	memcpy(notes, data, size);
	core_read_notes(core, notes, size);
	FUZZ_CHECK(core->nmapped <= size / 24);
	FUZZ_CHECK(core->nthreads <= size / 120);
	for (size_t i = 0; i < core->nmapped; i++)
		FUZZ_CHECK(strlen(core->mapped[i].path) <= size);
	FUZZ_CHECK(strlen(core->process.name) < sizeof(core->process.name));
	FUZZ_CHECK(strlen(core->process.args) < sizeof(core->process.args));
	core_free(core);
	free(notes);
	return 0;
}
