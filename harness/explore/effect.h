/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What one step of W does to memory that others can see: its instruction is decoded before it is
 * executed, and what stands where it stores is compared before and after. For walker.c.
 */
#ifndef FORKPOINT_EXPLORE_EFFECT_H
#define FORKPOINT_EXPLORE_EFFECT_H

#include "explore/walker.h"

/* What a step stores is compared with what was there. */
struct effect_store {
	uint64_t address;
	size_t size;
	uint8_t before[64];
};

struct effect_stores {
	struct effect_store v[CPU_ACCESSES_MAX];
	size_t n;
};

/* What walker_observe(), which is here as well, has begun. NULL: nothing to do. */
void effect_code_free(struct walker_code *code);

/*
 * The instruction at an address that W may come to, until the next one is asked for. Code that
 * nobody may write is read once.
 */
const struct cpu_instruction *effect_instruction(struct walker *walker, uint64_t pc);

/* The instruction before which W stands; needs no walker_observe(). */
void effect_decode(const struct walker *walker, struct cpu_instruction *instruction);

/* W stands before an instruction: what it will do, as far as that is known now. */
void effect_foresee(struct walker *walker, struct walk_effect *effect,
		    struct effect_stores *stores);
/*
 * The same of stores that it will make while it runs to another place, `n` of them, none of which
 * depends on another: known addresses, and what else it stores there nobody can see.
 */
void effect_foresee_stores(struct walker *walker, const struct cpu_access *accesses, size_t n,
			   struct walk_effect *effect, struct effect_stores *stores);
/* W has executed it. */
void effect_look(struct walker *walker, const struct effect_stores *stores,
		 struct walk_effect *effect);

#endif
