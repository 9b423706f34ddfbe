/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frame chains as they are read from another process or a core file. The input is patches, four
 * bytes each (where, and two bytes), of a small memory in which everything is well: no input at all
 * is the stack that is expected below.
 */
#include "embed/traceback.h"
#include "tests/fuzz/fuzz.h"

#define ADDRESS 0x1000
#define SLOT 64
#define SLOTS 32
#define SLOT_AT(n) (ADDRESS + (uint64_t)SLOT * (n))

enum { THREAD, FRAMES, CODE = FRAMES + 4, TYPE, TYPE_NAME, LINES, NAMES };

/* An own layout, so that all of it is small. */
static const struct traceback_offsets layout = {
	.release = 0x030f,
	.frame_previous = 0, .frame_code = 8, .frame_instruction = 16, .frame_owner = 24,
	.object_type = 0, .code_filename = 8, .code_name = 16, .code_qualname = 24,
	.code_lines = 32, .code_first_line = 40, .code_first_traceable = 44,
	.code_instructions = 48,
	.type_name = 8, .bytes_size = 0, .bytes_data = 8,
	.text_length = 0, .text_state = 8, .text_ascii_size = 16, .text_compact_size = 24,
};

static struct {
	uint8_t bytes[SLOT * SLOTS];
	unsigned int reads;
} memory;

static bool memory_read(void *context, uint64_t address, void *to, size_t size)
{
	(void)context;
	memory.reads++;
	if (address < ADDRESS || size > sizeof(memory.bytes) ||
	    address - ADDRESS > sizeof(memory.bytes) - size)
		return false;
	memcpy(to, memory.bytes + (address - ADDRESS), size);
	return true;
}

static const struct traceback_reader reader = { memory_read, NULL };

static void put(unsigned int slot, uint32_t offset, uint64_t value)
{
	memcpy(memory.bytes + slot * SLOT + offset, &value, sizeof(value));
}

static void put_text(unsigned int slot, unsigned int kind, bool ascii, uint64_t length,
		     const void *data, size_t size)
{
	put(slot, layout.text_length, length);
	put(slot, layout.text_state, kind << 2 | 1 << 5 | (unsigned int)ascii << 6);
	memcpy(memory.bytes + slot * SLOT +
	       (ascii ? layout.text_ascii_size : layout.text_compact_size), data, size);
}

/* A generator, run by C for a function that has not begun, which another has called. */
static void memory_fill(void)
{
	static const uint8_t owners[] = { 1, 3, 0, 0 };
	static const uint16_t euro[] = { 'n', 0x20ac };

	memset(&memory, 0, sizeof(memory));
	put(THREAD, layout.thread_frame, SLOT_AT(FRAMES));
	for (unsigned int i = 0; i < sizeof(owners); i++) {
		unsigned int slot = FRAMES + i;

		put(slot, layout.frame_previous, i + 1 < sizeof(owners) ? SLOT_AT(slot + 1) : 0);
		put(slot, layout.frame_code, SLOT_AT(CODE) | 1);
		put(slot, layout.frame_instruction,
		    SLOT_AT(CODE) + layout.code_instructions + (i == 2 ? 0 : 2));
		memory.bytes[slot * SLOT + layout.frame_owner] = owners[i];
	}
	put(CODE, layout.object_type, SLOT_AT(TYPE));
	put(CODE, layout.code_filename, SLOT_AT(NAMES));
	put(CODE, layout.code_name, SLOT_AT(NAMES + 1));
	put(CODE, layout.code_qualname, SLOT_AT(NAMES + 2));
	put(CODE, layout.code_lines, SLOT_AT(LINES));
	put(CODE, layout.code_first_line, 10 | 1ull << 32);
	put(TYPE, layout.type_name, SLOT_AT(TYPE_NAME));
	memcpy(memory.bytes + TYPE_NAME * SLOT, "code", sizeof("code"));
	put(LINES, layout.bytes_size, 6);
	memcpy(memory.bytes + LINES * SLOT + layout.bytes_data, "\xd0\x02\x04\xd8\x02\x04", 6);
	put_text(NAMES, 1, true, 4, "a.py", 4);
	put_text(NAMES + 1, 2, false, 2, euro, sizeof(euro));
	put_text(NAMES + 2, 1, false, 1, "\xe4", 1);
}

static void check_text(uint64_t text, const char *wanted)
{
	for (size_t size = 1; size < TRACEBACK_TEXT_MAX; size = size * 2 + 1) {
		char *to = malloc(size);
		bool good = traceback_text(&layout, &reader, text, to, size);

		FUZZ_CHECK(memchr(to, '\0', size) && (good || !*to));
		for (const char *at = to; *at;) {
			uint32_t character;
			size_t len = text_decode(at, strlen(at), &character);

			FUZZ_CHECK(character != TEXT_INVALID || len > 1);
			at += len;
		}
		FUZZ_CHECK(!wanted || size < 16 || !strcmp(to, wanted));
		free(to);
	}
}

static void walk(bool whole)
{
	static const enum traceback_step wanted[] = { TRACEBACK_PYTHON, TRACEBACK_ENTRY,
						      TRACEBACK_PYTHON, TRACEBACK_END };
	struct traceback_walk walk;
	struct traceback_code code;
	enum traceback_step step;
	unsigned int n = 0;

	FUZZ_CHECK(traceback_begin(&walk, &layout, &reader, SLOT_AT(THREAD)));
	do {
		memory.reads = 0;
		step = traceback_next(&walk, &code);
		/* 64 frames that do not count, their code and their tables. */
		FUZZ_CHECK(memory.reads < 65 * (5 + sizeof(memory.bytes) / 64));
		FUZZ_CHECK(!whole || step == wanted[n]);
		FUZZ_CHECK(code.lineno >= -1 && n <= 4 * sizeof(memory.bytes));
		if (step == TRACEBACK_PYTHON) {
			FUZZ_CHECK(!whole || code.lineno == 11);
			check_text(code.filename, whole ? "a.py" : NULL);
			check_text(code.name, whole ? "n\xe2\x82\xac" : NULL);
			check_text(code.qualname, whole ? "\xc3\xa4" : NULL);
		}
		n++;
	} while (step > TRACEBACK_TORN);
	FUZZ_CHECK(traceback_next(&walk, &code) == TRACEBACK_END);
}

/* Code is what says that it is. */
static void walk_no_code(void)
{
	struct traceback_walk walk;
	struct traceback_code code;

	memory.bytes[TYPE_NAME * SLOT] = 'm';
	FUZZ_CHECK(traceback_begin(&walk, &layout, &reader, SLOT_AT(THREAD)));
	FUZZ_CHECK(traceback_next(&walk, &code) == TRACEBACK_TORN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct traceback_offsets offsets;

	memory_fill();
	for (size_t at = 0; at + 4 <= size; at += 4) {
		uint16_t where;

		memcpy(&where, data + at, sizeof(where));
		memcpy(memory.bytes + where % (sizeof(memory.bytes) - 1), data + at + 2, 2);
	}
	walk(size < 4);
	if (size < 4)
		walk_no_code();
	traceback_offsets_find(&offsets, data, size, 0);
	return 0;
}
