/* SPDX-License-Identifier: Apache-2.0 */
/* Functions' names as reports have them, a line each: cleaned, demangled, stripped to the core. */
#include "base/demangle.h"
#include "tests/fuzz/fuzz.h"
#include "triage/frames.h"
#include "triage/readers.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct lines lines;

	for (lines_begin(&lines, (const char *)data, size); lines.line.s; lines_next(&lines)) {
		struct crash_frame frame = { .pc = 1 };
		char *text = piece_copy(lines.line), *name = demangle(text), *bare;

		FUZZ_CHECK(strlen(text) <= TRACE_TEXT_MAX && fuzz_is_clean(text, false));
		FUZZ_CHECK(strlen(name) <= 3 * DEMANGLED_MAX && fuzz_is_clean(name, false));
		bare = function_bare(name);
		FUZZ_CHECK(bare && strlen(bare) <= strlen(name));
		frame_name(&frame, lines.line);
		FUZZ_CHECK(fuzz_is_clean(frame.function, false));
		FUZZ_CHECK(!frame.function || strlen(frame.function) <= TRACE_TEXT_MAX);
		crash_frame_release(&frame);
		free(bare);
		free(name);
		free(text);
	}
	return 0;
}
