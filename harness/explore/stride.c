/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/stride.h"

#include "explore/effect.h"

/* Where W is going next; 0: nobody knows, or others may see something of it. */
static uint64_t next_pc(const struct stride *stride, struct walker *walker)
{
	uint64_t pc = stride->pcs[stride->n];
	const struct cpu_instruction *instruction;

	if (!reach_is_constant(&walker->reach, pc, CPU_CODE_MAX))
		return 0;
	instruction = effect_instruction(walker, pc);
	if (instruction->straight)
		return pc + instruction->length;
	return instruction->jumps && !stride->n ? cpu_jump(instruction, &walker->registers) : 0;
}

/* A breakpoint there would stop it the first time. */
static bool has_been(const struct stride *stride, uint64_t pc)
{
	for (size_t i = 0; i <= stride->n; i++)
		if (stride->pcs[i] == pc)
			return true;
	return false;
}

bool stride_plan(struct stride *stride, struct walker *walker)
{
	uint64_t pc = cpu_pc(&walker->registers);

	stride->n = 0;
	stride->pcs[0] = pc;
	while (stride->n < STRIDE_MAX && (pc = next_pc(stride, walker)) &&
	       pc != walker->leave_pc && !has_been(stride, pc))
		stride->pcs[++stride->n] = pc;
	/* A signal that it is to get now leads elsewhere. A breakpoint costs more than one step. */
	return stride->n > 1 && !walker->signo;
}

enum walk_state stride_run(const struct stride *stride, struct walker *walker, size_t *n)
{
	enum walk_state state = walker_run_straight(walker, stride->pcs[stride->n]);

	*n = stride->n;
	if (state != WALK_ON)
		*n = 0;
	while (*n && stride->pcs[*n] != cpu_pc(&walker->registers))
		--*n;
	return state;
}
