/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/stride.h"

#include "explore/effect.h"
#include "explore/pages.h"

/* Going ahead of W. */
struct scout {
	struct walker *walker;
	struct cpu_ahead ahead;
	uint64_t low, high; /* on its way W stores nowhere but between them, in its own stack */
};

/* Has it stored there, or may it have? */
static bool has_stored(const struct scout *scout, uint64_t address, uint64_t size)
{
	return address < scout->high && address + size > scout->low;
}

/* False: others may see something of it. */
static bool store(struct scout *scout, const struct cpu_instruction *instruction)
{
	struct cpu_access stores[CPU_ACCESSES_MAX];
	int n = cpu_ahead_stores(&scout->ahead, instruction, stores);

	for (int i = 0; i < n; i++) {
		uint64_t start = stores[i].address, end = start + stores[i].size;

		if (!reach_is_private(&scout->walker->reach, start, stores[i].size))
			return false;
		if (scout->low == scout->high)
			scout->low = scout->high = start;
		scout->low = start < scout->low ? start : scout->low;
		scout->high = end > scout->high ? end : scout->high;
	}
	return n >= 0;
}

/* What stands there when W comes by; false: nobody knows. */
static bool word_read(const struct scout *scout, uint64_t address, uint64_t *word)
{
	const struct reach *reach = &scout->walker->reach;
	bool constant = reach_is_constant(reach, address, sizeof(*word));

	if (!constant && (!reach_is_private(reach, address, sizeof(*word)) ||
			  has_stored(scout, address, sizeof(*word))))
		return false;
	return pages_read(scout->walker->pid, address, word, sizeof(*word));
}

/* One instruction on. False: nobody knows where that leads, or it is none for a stride. */
static bool advance(struct scout *scout)
{
	uint64_t pc = cpu_pc(&scout->ahead.registers), next;
	const struct cpu_instruction *instruction;
	enum cpu_way way;

	if (!reach_is_constant(&scout->walker->reach, pc, CPU_CODE_MAX))
		return false;
	instruction = effect_instruction(scout->walker, pc);
	way = cpu_ahead_way(&scout->ahead, instruction, &next);
	if (way == CPU_WAY_UNKNOWN || (way == CPU_WAY_READ && !word_read(scout, next, &next)) ||
	    !store(scout, instruction))
		return false;
	cpu_ahead_go(&scout->ahead, instruction, next);
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

bool stride_plan(struct stride *stride, struct walker *walker)
{
	struct scout scout = { .walker = walker, .ahead = { .registers = walker->registers } };

	stride->n = 0;
	stride->points[0] = point_of(&walker->registers);
	while (stride->n < STRIDE_MAX && advance(&scout) &&
	       !has_been(stride, cpu_pc(&scout.ahead.registers)))
		stride->points[++stride->n] = point_of(&scout.ahead.registers);
	/* A signal that it is to get now leads elsewhere. A breakpoint costs more than one step. */
	return stride->n > 1 && !walker->signo;
}

enum walk_state stride_run(const struct stride *stride, struct walker *walker, size_t *n)
{
	enum walk_state state = walker_run_straight(walker, stride->points[stride->n].pc);

	*n = stride->n;
	if (state != WALK_ON)
		*n = 0;
	while (*n && stride->points[*n].pc != cpu_pc(&walker->registers))
		--*n;
	return state;
}
