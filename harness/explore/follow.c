/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/follow.h"

#include <errno.h>

#include "base/clock.h"
#include "explore/effect.h"

/*
 * On its way to a wait inside fork() F makes some 1,000. A step costs 20 us, and the experiment
 * that it may save some milliseconds.
 */
#define STEPS_MAX 4096

/* Between two looks at F in a system call. */
#define LOOK_NS (100 * NSEC_PER_USEC)

bool follow_is_due(struct follow_policy *policy)
{
	if (policy->never || !policy->waited)
		return false;
	if (!policy->skip)
		return true;
	policy->skip--;
	return false;
}

void follow_note(struct follow_policy *policy, enum operator_state state, bool in_vain)
{
	policy->waited = state == OPERATOR_BLOCKED;
	if (in_vain)
		policy->skip = policy->length = 2 * policy->length + 1;
}

/* A wait in a futex with a time limit. */
struct round {
	uint64_t pc, sp;
	bool over; /* nobody has woken F */
};

/* Is F about to wait as it has before, in vain? Then it will until W lets it go on. */
static bool round_closes(struct round *round, const struct cpu_registers *f)
{
	bool again = round->over && round->pc == cpu_pc(f) && round->sp == cpu_sp(f);

	if (!footprint_call_has_limit(f))
		return false;
	*round = (struct round){ cpu_pc(f), cpu_sp(f), false };
	return again;
}

/*
 * Add what F is about to meet. False: nobody knows what that is. `call`: the length of its
 * instruction, if it is a system call.
 */
static bool footprint_add_next(struct footprint *footprint, const struct walker *f, size_t *call)
{
	struct cpu_access accesses[CPU_ACCESSES_MAX];
	struct cpu_instruction instruction;
	size_t n;

	effect_decode(f, &instruction);
	*call = instruction.system_call ? instruction.length : 0;
	if (instruction.wild || (*call && !footprint_add_call(footprint, &f->registers)))
		return false;
	n = cpu_accesses(&instruction, &f->registers, accesses);
	for (size_t i = 0; i < n; i++)
		footprint_add(footprint, accesses[i].address, accesses[i].size,
			      accesses[i].writes);
	return true;
}

/* The end of a system call of F's; OPERATOR_ON: it is over. */
static enum operator_state await_call(struct follow *follow, struct operator *f,
				      enum walk_state state)
{
	enum operator_state now = OPERATOR_ON;
	struct rest rest = { .asleep = 0 };

	while (state == WALK_BLOCKED && now == OPERATOR_ON && course_poll(f->course, 0)) {
		now = operator_look(f, &rest);
		if (now == OPERATOR_ON)
			state = walker_resume(&follow->f, LOOK_NS);
	}
	return now == OPERATOR_ON && state != WALK_ON ? OPERATOR_GONE : now;
}

/* OPERATOR_BLOCKED, or OPERATOR_ON: it cannot be followed any further. */
static enum operator_state follow_f(struct follow *follow, struct operator *f)
{
	const struct control *control = course_control(f->course);
	const struct cpu_registers *registers = &follow->f.registers;
	struct round round = { .over = false };
	enum operator_state state = OPERATOR_ON;
	size_t call;

	for (unsigned int i = 0; i < STEPS_MAX && state == OPERATOR_ON; i++) {
		if (operator_answered(control) ||
		    !footprint_add_next(&follow->footprint, &follow->f, &call))
			break;
		if (call && round_closes(&round, registers)) {
			f->waits_for = cpu_call_argument(registers, 0);
			return OPERATOR_BLOCKED;
		}
		if (call)
			state = await_call(follow, f, walker_call(&follow->f, call));
		else if (walker_advance(&follow->f) != WALK_ON)
			state = OPERATOR_GONE;
		if (call && state == OPERATOR_ON && cpu_call_result(registers) == -ETIMEDOUT)
			round.over = true;
	}
	return state;
}

enum operator_state follow_begin(struct follow *follow, struct operator *f,
				 const struct walker *w)
{
	pid_t tid = (pid_t)atomic_load(&course_control(f->course)->state.operator_tid);
	enum operator_state state = OPERATOR_ON;
	bool taken;

	*follow = (struct follow){ .known = false };
	taken = walker_take(&follow->f, w, tid) == 0;
	operator_tell(f, WALK_OPERATE);
	if (taken)
		state = follow_f(follow, f);
	follow->known = state == OPERATOR_BLOCKED &&
			(!follow->f.running || walker_hold(&follow->f) == WALK_ON);
	if (follow->known)
		return state;
	walker_end(&follow->f);
	return operator_await(f);
}

/* Does W's next instruction depend on what F has done, or would that have depended on it? */
static bool depends(const struct follow *follow, const struct walker *w)
{
	struct cpu_access accesses[CPU_ACCESSES_MAX];
	struct cpu_instruction instruction;
	size_t n;

	effect_decode(w, &instruction);
	if (instruction.wild || instruction.system_call)
		return true;
	n = cpu_accesses(&instruction, &w->registers, accesses);
	for (size_t i = 0; i < n; i++)
		if (footprint_meets(&follow->footprint, &accesses[i]))
			return true;
	return false;
}

bool follow_w(struct follow *follow, struct walker *w, const struct map *map, size_t k,
	      enum walk_state *state)
{
	const struct map_point *next = &map->points[k + 1];

	/* What the vdso does is one step, of which nothing is known: points[k].called. */
	if (k + 1 >= map->n || map->points[k].called || depends(follow, w))
		return false;
	*state = walker_step(w, NULL);
	if (*state != WALK_ON || w->signo)
		return false;
	follow->strayed = cpu_pc(&w->registers) != next->pc || cpu_sp(&w->registers) != next->sp;
	return !follow->strayed;
}

void follow_end(struct follow *follow)
{
	walker_end(&follow->f);
	footprint_release(&follow->footprint);
}
