/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/standstill.h"

static bool equal(const struct standstill *a, const struct standstill *b)
{
	return a->operator_waits_for == b->operator_waits_for && a->pc == b->pc && a->sp == b->sp;
}

bool standstill_again(struct standstill_round *round, uint64_t operator_waits_for,
		      const struct cpu_registers *w)
{
	struct standstill now = { operator_waits_for, cpu_pc(w), cpu_sp(w) };

	if (equal(&round->kept, &now)) {
		round->asked = 0;
		return true;
	}
	if (++round->asked > round->length) {
		round->kept = now;
		round->length = 2 * round->length + 1;
		round->asked = 0;
	}
	return false;
}

void standstills_add(struct standstills *list, const struct standstill *s)
{
	if (list->n < STANDSTILLS_MAX && !standstills_have(list, s))
		list->v[list->n++] = *s;
}

bool standstills_have(const struct standstills *list, const struct standstill *s)
{
	for (unsigned int i = 0; i < list->n; i++)
		if (equal(&list->v[i], s))
			return true;
	return false;
}
