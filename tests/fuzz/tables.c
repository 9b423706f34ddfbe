/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Location tables of code objects: four bytes of a first line, two of an offset, and a table, of
 * which more or less may be there than it says.
 */
#include "embed/traceback.h"
#include "tests/fuzz/fuzz.h"

#define ADDRESS 0x1000

struct table {
	const uint8_t *data;
	size_t size;
	unsigned int reads;
};

static bool table_read(void *context, uint64_t address, void *to, size_t size)
{
	struct table *table = context;

	table->reads++;
	if (address < ADDRESS || size > table->size || address - ADDRESS > table->size - size)
		return false;
	memcpy(to, table->data + (address - ADDRESS), size);
	return true;
}

/* That many bytes of it, as it says itself. */
static int line(struct table *table, uint64_t n, int first, int64_t offset)
{
	struct traceback_reader reader = { table_read, table };
	int got;

	table->reads = 0;
	got = traceback_line(&reader, ADDRESS, n, first, offset);
	FUZZ_CHECK(got >= -2 || (offset < 0 && got == first));
	FUZZ_CHECK(table->reads <= table->size / 64 + 2);
	return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct table table;
	int32_t first;
	uint16_t offset;
	int got;

	if (size < sizeof(first) + sizeof(offset))
		return 0;
	memcpy(&first, data, sizeof(first));
	memcpy(&offset, data + sizeof(first), sizeof(offset));
	table.data = data + sizeof(first) + sizeof(offset);
	table.size = size - sizeof(first) - sizeof(offset);
	FUZZ_CHECK(line(&table, table.size, first, -2) == first);
	got = line(&table, table.size, first, offset);
	/* What lies behind it makes no difference to what it says. */
	if (got >= 0)
		FUZZ_CHECK(line(&table, UINT64_MAX, first, offset) == got || table.size % 128);
	line(&table, table.size, first, INT64_MAX);
	line(&table, table.size / 2, first, offset);
	line(&table, table.size + 1, first, offset);
	return 0;
}
