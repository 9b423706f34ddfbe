/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/effect.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "base/errors.h"

/* Power of two. Windows have some 2,000 different instructions; colliding ones take turns. */
#define CODE_SLOTS 8192

struct code_slot {
	uint64_t pc;
	struct cpu_instruction instruction;
};

struct walker_code {
	struct code_slot *slots[CODE_SLOTS]; /* NULL: not used yet, as most are never */
};

struct walker_code *effect_code_new(void)
{
	return xcalloc(1, sizeof(struct walker_code));
}

void effect_code_free(struct walker_code *code)
{
	for (size_t i = 0; code && i < CODE_SLOTS; i++)
		free(code->slots[i]);
	free(code);
}

static bool process_read(pid_t pid, uint64_t address, void *out, size_t size)
{
	struct iovec local = { out, size }, remote = { (void *)(uintptr_t)address, size };

	return process_vm_readv(pid, &local, 1, &remote, 1, 0) == (ssize_t)size;
}

/* Up to the end of the page, if the next one cannot be read. */
static size_t code_read(pid_t pid, uint64_t pc, uint8_t code[CPU_CODE_MAX])
{
	size_t left = 4096 - (pc & 4095);

	if (process_read(pid, pc, code, CPU_CODE_MAX))
		return CPU_CODE_MAX;
	return left < CPU_CODE_MAX && process_read(pid, pc, code, left) ? left : 0;
}

void effect_decode(const struct walker *walker, struct cpu_instruction *instruction)
{
	uint8_t code[CPU_CODE_MAX];

	cpu_decode(code, code_read(walker->pid, cpu_pc(&walker->registers), code), instruction);
}

/* Code that somebody may write (a just-in-time compiler) is decoded anew each time. */
static const struct cpu_instruction *decode(struct walker *walker)
{
	uint64_t pc = cpu_pc(&walker->registers);
	struct code_slot **at = &walker->code->slots[(pc ^ pc >> 13) & (CODE_SLOTS - 1)];
	struct code_slot *slot = *at ? *at : (*at = xcalloc(1, sizeof(*slot)));

	if (slot->pc == pc && reach_is_constant(&walker->reach, pc, 1))
		return &slot->instruction;
	slot->pc = pc;
	effect_decode(walker, &slot->instruction);
	return &slot->instruction;
}

void effect_foresee(struct walker *walker, struct walk_effect *effect, struct effect_stores *stores)
{
	const struct cpu_instruction *instruction = decode(walker);
	struct cpu_access accesses[CPU_ACCESSES_MAX];
	size_t n = cpu_accesses(instruction, &walker->registers, accesses);

	stores->n = 0;
	*effect = (struct walk_effect){ .called = instruction->system_call };
	effect->waited = effect->called && cpu_call(&walker->registers) == SYS_futex;
	effect->changed = effect->touched = instruction->wild || instruction->system_call;
	if (instruction->wild)
		reach_lost(&walker->reach);
	for (size_t i = 0; i < n; i++) {
		const struct cpu_access *a = &accesses[i];
		struct effect_store *store = &stores->v[stores->n];

		if (reach_is_private(&walker->reach, a->address, a->size) ||
		    reach_is_constant(&walker->reach, a->address, a->size))
			continue;
		effect->touched = true;
		if (!a->writes)
			continue;
		store->address = a->address;
		store->size = a->size;
		if (a->size <= sizeof(store->before) &&
		    process_read(walker->pid, a->address, store->before, a->size))
			stores->n++;
		else
			effect->changed = true;
	}
}

void effect_look(struct walker *walker, const struct effect_stores *stores,
		 struct walk_effect *effect)
{
	uint8_t now[sizeof(stores->v[0].before)];

	for (size_t i = 0; i < stores->n; i++) {
		const struct effect_store *store = &stores->v[i];

		if (!process_read(walker->pid, store->address, now, store->size)) {
			effect->changed = true;
			continue;
		}
		if (memcmp(now, store->before, store->size) != 0)
			effect->changed = true;
		reach_stored(&walker->reach, store->address, now, store->size);
	}
}

