/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A library to crash in. Its functions shall be built to stand one behind the other, without a gap:
 * where the last call of one returns to, another begins; and a crash at the first instruction of
 * one is next to the end of another.
 */
#include <stdlib.h>

#ifdef PADDED
__asm__(".text\n\t.skip 0x40000\n");
#endif

struct table {
	int *cells, n;
};

static inline __attribute__((always_inline)) int cell_get(struct table *t, int i)
{
	return t->cells[i] + i;
}

static inline __attribute__((always_inline)) int row_sum(struct table *t)
{
	int sum = 0;

	for (int i = 0; i < t->n; i++)
		sum += cell_get(t, i);
	return sum;
}

__attribute__((noinline)) int table_walk(struct table *t)
{
	int sum = row_sum(t);

	__asm__ volatile("" : "+r"(sum) : : "memory");
	return sum;
}

__attribute__((noreturn, noinline)) void table_end(struct table *t)
{
	exit(table_walk(t) + 1);
}

__attribute__((noinline)) void table_run(struct table *t)
{
	t->n += 2;
	table_end(t);
}

__attribute__((noinline)) int table_first(const int *p)
{
	return *p;
}

void fast_first(struct table *t)
{
	t->n = table_first(t->cells);
}

void fast_run(struct table *t)
{
	table_run(t);
	t->n = 0;
}
