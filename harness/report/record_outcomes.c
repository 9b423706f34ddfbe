/* SPDX-License-Identifier: Apache-2.0 */
#include "report/record_outcomes.h"

#include <stdio.h>

#include "report/result.h"

/* "allocators.NAME.outcomes." */
#define OUTCOMES_NAME 512

int record_outcomes_check(const struct part *part)
{
	char fault[128], name[OUTCOMES_NAME];
	const struct part outcomes = { part_member(part, "outcomes"), name, part->why };
	json_int_t trials, n, sum = 0;
	const char *outcome;
	json_t *value;

	snprintf(name, sizeof(name), "%soutcomes.", part->name);
	if (outcomes.object && !json_is_object(outcomes.object))
		return part_refuse(part, "outcomes", outcomes.object, "which is no object");
	json_object_foreach((json_t *)outcomes.object, outcome, value) {
		if (part_read_count(&outcomes, outcome, &n) < 0)
			return -1;
		if (result_gravity(outcome) < 0)
			return part_refuse(&outcomes, outcome, value, "which is no outcome");
		if (n > 0 && (sum += n) > PART_COUNT_MAX)
			return part_refuse(&outcomes, outcome, value, "which is too many");
	}
	if (part_read_count(part, "trials", &trials) < 0)
		return -1;
	if (!outcomes.object || trials < 0 || sum == trials)
		return 0;
	snprintf(fault, sizeof(fault), "and the outcomes of all trials sum up to %"
		 JSON_INTEGER_FORMAT, sum);
	return part_refuse(part, "trials", part_member(part, "trials"), fault);
}
