/* SPDX-License-Identifier: Apache-2.0 */
/* Cases for the rules: a record in a row, and what it is to be called. See triage.h. */
#ifndef FORKPOINT_TESTS_UNIT_RULES_H
#define FORKPOINT_TESTS_UNIT_RULES_H

#include "tests/unit/triage.h"

#define PY "/usr/lib/python3.12/"
#define PACKAGE "/venv/lib/python3.12/site-packages/"

struct rule_case {
	const char *what;
	enum crash_kind kind;
	int signo;
	const char *stack;   /* NULL: no thread at all */
	const char *message, *finding;
	enum pattern pattern;
	const char *attribution; /* NULL: not asked */
	const char *confidence;  /* NULL: not asked */
	enum pattern also;       /* PATTERN_OTHER: not asked */
};

__attribute__((unused))
static struct crash *case_crash(const struct rule_case *row)
{
	struct crash *crash = crash_new();

	crash->kind = row->kind;
	crash->signo = row->signo;
	crash->pid = crash->tid = 100;
	if (row->message) {
		free(crash->message);
		crash->message = xstrdup(row->message);
	}
	crash->finding = row->finding ? xstrdup(row->finding) : NULL;
	if (row->stack)
		add_thread(crash, 100, 100, row->stack)->culprit = true;
	return crash;
}

__attribute__((unused))
static void check_case(const struct rule_case *row)
{
	struct triage *t = classify(case_crash(row));

	CHECK_PATTERN(t, row->pattern, "%s", row->what);
	if (row->attribution)
		CHECK_STR(attribution_name(t->attribution), row->attribution, "%s: whose it is",
			  row->what);
	if (row->confidence)
		CHECK_STR(confidence_name(t->confidence), row->confidence, "%s: how sure",
			  row->what);
	if (row->also != PATTERN_OTHER)
		CHECK(also(t, row->also), "%s: and %s", row->what, pattern_name(row->also));
	triage_free(t);
}

#endif
