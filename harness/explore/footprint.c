/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/footprint.h"

#include <linux/futex.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>

#include "base/errors.h"

#define WORD 8u
#define SLOTS_FIRST 1024

/* Of what the kernel calls sigset_t, which is not what the C library does. */
#define SIGSET_SIZE 8

/* A slot: 0 is free; else twice the word's number and one more if it is written. */
static uint64_t slot_of(uint64_t word, bool writes)
{
	return word << 1 | writes;
}

/* Where the word is, or would be. */
static uint64_t *slot_find(const struct footprint *f, uint64_t word)
{
	uint64_t i = word * 0x9e3779b97f4a7c15ull >> 32;

	for (;; i++) {
		uint64_t *slot = &f->slots[i & (f->nslots - 1)];

		if (!*slot || *slot >> 1 == word)
			return slot;
	}
}

static void grow(struct footprint *f)
{
	struct footprint old = *f;

	f->nslots = old.nslots ? 2 * old.nslots : SLOTS_FIRST;
	f->slots = xcalloc(f->nslots, sizeof(*f->slots));
	for (size_t i = 0; i < old.nslots; i++)
		if (old.slots[i])
			*slot_find(f, old.slots[i] >> 1) = old.slots[i];
	free(old.slots);
}

void footprint_release(struct footprint *footprint)
{
	free(footprint->slots);
	memset(footprint, 0, sizeof(*footprint));
}

void footprint_add(struct footprint *footprint, uint64_t address, uint64_t size, bool writes)
{
	for (uint64_t word = address / WORD; size && word <= (address + size - 1) / WORD; word++) {
		uint64_t *slot;

		if (2 * footprint->n >= footprint->nslots)
			grow(footprint);
		slot = slot_find(footprint, word);
		footprint->n += !*slot;
		*slot |= slot_of(word, writes);
	}
}

bool footprint_call_has_limit(const struct cpu_registers *registers)
{
	int op = (int)cpu_call_argument(registers, 1) & FUTEX_CMD_MASK;

	return cpu_call(registers) == SYS_futex && (op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET) &&
	       cpu_call_argument(registers, 3);
}

static bool add_futex(struct footprint *f, const struct cpu_registers *registers)
{
	int op = (int)cpu_call_argument(registers, 1) & FUTEX_CMD_MASK;
	bool waits = op == FUTEX_WAIT || op == FUTEX_WAIT_BITSET;
	uint64_t limit = cpu_call_argument(registers, 3);

	if (!waits && op != FUTEX_WAKE && op != FUTEX_WAKE_BITSET)
		return false;
	footprint_add(f, cpu_call_argument(registers, 0), sizeof(uint32_t), false);
	if (waits && limit)
		footprint_add(f, limit, sizeof(struct timespec), false);
	return true;
}

bool footprint_add_call(struct footprint *footprint, const struct cpu_registers *registers)
{
	uint64_t address;

	switch (cpu_call(registers)) {
	case SYS_futex:
		return add_futex(footprint, registers);
	case SYS_rt_sigprocmask:
		address = cpu_call_argument(registers, 1);
		if (address)
			footprint_add(footprint, address, SIGSET_SIZE, false);
		address = cpu_call_argument(registers, 2);
		if (address)
			footprint_add(footprint, address, SIGSET_SIZE, true);
		return true;
	case SYS_clock_gettime:
		footprint_add(footprint, cpu_call_argument(registers, 1), sizeof(struct timespec),
			      true);
		return true;
	case SYS_getpid:
	case SYS_gettid:
	case SYS_sched_yield:
		return true;
	default:
		return false;
	}
}

bool footprint_meets(const struct footprint *footprint, const struct cpu_access *access)
{
	uint64_t first = access->address / WORD, last = (access->address + access->size - 1) / WORD;

	for (uint64_t word = first; footprint->n && access->size && word <= last; word++) {
		uint64_t slot = *slot_find(footprint, word);

		if (slot && (access->writes || slot & 1))
			return true;
	}
	return false;
}
