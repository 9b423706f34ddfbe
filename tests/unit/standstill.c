/* SPDX-License-Identifier: Apache-2.0 */
/* Rounds that close, and standstills that have been judged. */
#include "explore/standstill.h"
#include "tests/unit/tap.h"

/* Where W stands makes no difference here: the word that F waits for tells the places. */
static const struct cpu_registers somewhere;

/* In which asking it is told that a round of so many places has closed; 0: in none of `most`. */
static unsigned int closes_in(unsigned int places, unsigned int before, unsigned int most)
{
	struct standstill_round round = { .asked = 0 };

	for (unsigned int n = 1; n <= most; n++) {
		uint64_t word = n <= before ? 0x1000 + n : 0x2000 + n % places;

		if (standstill_again(&round, word, &somewhere))
			return n;
	}
	return 0;
}

int main(void)
{
	struct standstills list = { .n = 0 };
	struct standstill one = { .operator_waits_for = 1 }, other = { .operator_waits_for = 2 };

	CHECK_INT(closes_in(1, 0, 10), 2, "the same place twice is a round");
	for (unsigned int places = 1; places <= 5; places++) {
		CHECK(closes_in(places, 0, 40) > places, "a round of %u closes, and not before",
		      places);
		CHECK(closes_in(places, 7, 60) > 7 + places, "nor does it with a way before it");
	}
	CHECK_INT(closes_in(1000, 0, 1000), 0, "who comes to new places each time goes no rounds");

	CHECK(!standstills_have(&list, &one), "nothing has been judged");
	standstills_add(&list, &one);
	standstills_add(&list, &one);
	CHECK(standstills_have(&list, &one) && list.n == 1, "what has been judged is known");
	CHECK(!standstills_have(&list, &other), "and another is not");
	for (uint64_t i = 2; i < 2 * STANDSTILLS_MAX; i++)
		standstills_add(&list, &(struct standstill){ .operator_waits_for = i });
	CHECK_INT(list.n, STANDSTILLS_MAX, "there is an end to what is kept");
	return tap_done();
}
