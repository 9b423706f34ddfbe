/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/stride.h"

#include <string.h>

#include "explore/effect.h"
#include "explore/pages.h"

/* Going ahead of W. */
struct scout {
	struct walker *walker;
	struct cpu_ahead ahead;
	uint64_t low, high; /* on its way W stores nowhere but between them, in its own stack */
	/* What the last instruction has stored where others can see it, and the stride ends. */
	struct cpu_access seen[CPU_ACCESSES_MAX];
	size_t nseen;
};

/* Has it stored there, or may it have? */
static bool has_stored(const struct scout *scout, uint64_t address, uint64_t size)
{
	return address < scout->high && address + size > scout->low;
}

static void store_privately(struct scout *scout, const struct cpu_access *store)
{
	uint64_t start = store->address, end = start + store->size;

	if (scout->low == scout->high)
		scout->low = scout->high = start;
	scout->low = start < scout->low ? start : scout->low;
	scout->high = end > scout->high ? end : scout->high;
}

/* False: nobody knows where it stores. */
static bool store(struct scout *scout, const struct cpu_instruction *instruction)
{
	struct cpu_access stores[CPU_ACCESSES_MAX];
	int n = cpu_ahead_stores(&scout->ahead, instruction, stores);

	for (int i = 0; i < n; i++) {
		if (reach_is_private(&scout->walker->reach, stores[i].address, stores[i].size))
			store_privately(scout, &stores[i]);
		else
			scout->seen[scout->nseen++] = stores[i];
	}
	return n >= 0;
}

/* What stands there when W comes by, as a number; false: nobody knows. */
static bool word_read(const struct scout *scout, uint64_t address, size_t size, uint64_t *word)
{
	*word = 0;
	return !has_stored(scout, address, size) &&
	       pages_read(scout->walker->pid, address, word, size);
}

static const uint64_t *load(const struct scout *scout, const struct cpu_instruction *instruction,
			    uint64_t *word)
{
	struct cpu_access access;

	return cpu_ahead_load(&scout->ahead, instruction, &access) &&
	       word_read(scout, access.address, access.size, word) ? word : NULL;
}

/* One instruction on. False: nobody knows where that leads, or it is none for a stride. */
static bool advance(struct scout *scout)
{
	uint64_t pc = cpu_pc(&scout->ahead.registers), next, word;
	const struct cpu_instruction *instruction;
	const uint64_t *loaded;
	enum cpu_way way;

	if (!reach_is_constant(&scout->walker->reach, pc, CPU_CODE_MAX))
		return false;
	instruction = effect_instruction(scout->walker, pc);
	way = cpu_ahead_way(&scout->ahead, instruction, &next);
	if (way == CPU_WAY_UNKNOWN ||
	    (way == CPU_WAY_READ && !word_read(scout, next, sizeof(next), &next)))
		return false;
	loaded = load(scout, instruction, &word);
	if (!store(scout, instruction))
		return false;
	cpu_ahead_go(&scout->ahead, instruction, loaded, next);
	/* The vdso is code that nobody may write, but no file's: there a step is another thing. */
	return reach_is_constant(&scout->walker->reach, next, 1) &&
	       next != scout->walker->leave_pc;
}

/* A breakpoint there would stop it the first time. */
static bool has_been(const struct stride *stride, uint64_t pc)
{
	for (size_t i = 0; i <= stride->n; i++)
		if (stride->points[i].pc == pc)
			return true;
	return false;
}

static struct stride_point point_of(const struct cpu_registers *registers)
{
	return (struct stride_point){ cpu_pc(registers), cpu_sp(registers) };
}

static void stride_add(struct stride *stride, const struct scout *scout)
{
	stride->points[++stride->n] = point_of(&scout->ahead.registers);
	stride->end = scout->ahead;
	stride->nstores = scout->nseen;
	memcpy(stride->stores, scout->seen, sizeof(scout->seen));
}

bool stride_plan(struct stride *stride, struct walker *walker)
{
	struct scout scout = { .walker = walker, .ahead = { .registers = walker->registers } };

	stride->n = stride->nstores = 0;
	stride->points[0] = point_of(&walker->registers);
	while (stride->n < STRIDE_MAX && !stride->nstores && advance(&scout) &&
	       !has_been(stride, cpu_pc(&scout.ahead.registers)))
		stride_add(stride, &scout);
	/* A signal that it is to get now leads elsewhere. A breakpoint costs more than one step. */
	return stride->n > 1 && !walker->signo;
}

/* So many of the stride's points it has come to; -1: it stands at none of them. */
static ssize_t come_to(const struct stride *stride, const struct walker *walker)
{
	ssize_t n = (ssize_t)stride->n;

	while (n >= 0 && stride->points[n].pc != cpu_pc(&walker->registers))
		n--;
	return n;
}

/* It may have left the window on a way of its own, and stand in the next. */
static bool is_astray(const struct stride *stride, const struct walker *walker, ssize_t n)
{
	if (n < 0 || atomic_load(&walker->control->walk.left))
		return true;
	return n == (ssize_t)stride->n && !cpu_ahead_agrees(&stride->end, &walker->registers);
}

enum walk_state stride_run(const struct stride *stride, struct walker *walker,
			   struct walk_effect *effect, size_t *n)
{
	struct effect_stores stores;
	enum walk_state state;
	ssize_t came;

	*n = 0;
	effect_foresee_stores(walker, stride->stores, stride->nstores, effect, &stores);
	state = walker_run_straight(walker, stride->points[stride->n].pc);
	if (state == WALK_GONE)
		return state;
	came = come_to(stride, walker);
	/* None leads out of the window, and none waits. */
	if (state != WALK_ON || is_astray(stride, walker, came))
		return WALK_ASTRAY;
	*n = (size_t)came;
	effect_look(walker, &stores, effect);
	return state;
}
