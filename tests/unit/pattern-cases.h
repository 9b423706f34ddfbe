/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One rule at a time (triage/patterns.h): for each a report that it must see, of another project
 * than those that taught it, and one that is nearly the same and that it must not see. All names of
 * projects are made up.
 */
#ifndef FORKPOINT_TESTS_UNIT_PATTERN_CASES_H
#define FORKPOINT_TESTS_UNIT_PATTERN_CASES_H

#include "tests/unit/rules.h"
#include "triage/patterns.h"

#define SITE "/venv/lib/python3.13/site-packages/"
#define CODEC SITE "imgkit/_codec.cpython-313-x86_64-linux-gnu.so"
#define FEED SITE "feedparse/_feed.abi3.so"
#define ENGINE "/opt/engine/lib/libengine.so.4"
#define SERVER "/opt/engine/bin/engined"
#define LIBPY15 "/opt/lib/libpython3.15.so.1.0"
#define EVAL "_PyEval_EvalFrameDefault @" LIBPYTHON "\n"
#define THREAD "start_thread @" LIBC "\nclone3 @" LIBC "\n"
#define ABORT "raise @" LIBC "\nabort @" LIBC "\n"

struct pattern_case {
	const char *rule, *what;
	bool seen;
	enum crash_kind kind;
	int signo;
	const char *stack;   /* the culprit's; NULL: no thread at all */
	const char *other;   /* another thread's; NULL: none */
	const char *message, *finding;
	void (*prepare)(struct crash *crash); /* what the words above cannot say; NULL: nothing */
};

static const struct pattern_rule *rule_named(const char *name)
{
	const struct pattern_rule *rule;

	for (size_t t = 0; (rule = pattern_rules(t)) != NULL; t++)
		for (; rule->match; rule++)
			if (!strcmp(rule->name, name))
				return rule;
	return NULL;
}

static struct crash *pattern_crash(const struct pattern_case *row)
{
	const struct rule_case plain = {
		.kind = row->kind, .signo = row->signo, .stack = row->stack,
		.message = row->message, .finding = row->finding,
	};
	struct crash *crash = case_crash(&plain);

	if (row->other)
		add_thread(crash, 100, 101, row->other);
	if (row->prepare)
		row->prepare(crash);
	return crash;
}

static void check_pattern_case(const struct pattern_case *row)
{
	const struct pattern_rule *rule = rule_named(row->rule);
	struct crash *crash = pattern_crash(row);
	struct finding finding = { .frame = -1 };
	struct facts facts;

	facts_collect(&facts, crash, NULL);
	if (rule)
		rule->match(&facts, &finding);
	CHECK(rule != NULL, "there is a rule %s", row->rule);
	CHECK(row->seen == (finding.score > 0), "%s %s %s", row->rule,
	      row->seen ? "sees" : "does not see", row->what);
	CHECK(!row->seen || (finding.detail && finding.nevidence),
	      "%s says why (%s)", row->rule, row->what);
	finding_release(&finding);
	facts_release(&facts);
	crash_free(crash);
}

static int count_cases(const struct pattern_case *cases, size_t n, const char *rule, bool seen)
{
	int count = 0;

	for (size_t i = 0; i < n; i++)
		count += cases[i].seen == seen && !strcmp(cases[i].rule, rule);
	return count;
}

/* Every rule of these patterns (ended by PATTERN_OTHER) has both, and is told in full. */
__attribute__((unused))
static void check_patterns(const struct pattern_case *cases, size_t n, const enum pattern *patterns)
{
	const struct pattern_rule *rule;

	for (size_t i = 0; i < n; i++)
		check_pattern_case(&cases[i]);
	for (; *patterns != PATTERN_OTHER; patterns++)
		for (size_t t = 0; (rule = pattern_rules(t)) != NULL; t++)
			for (; rule->match; rule++) {
				if (rule->pattern != *patterns)
					continue;
				CHECK(count_cases(cases, n, rule->name, true),
				      "%s has a report that it sees", rule->name);
				CHECK(count_cases(cases, n, rule->name, false),
				      "%s has one that it does not see", rule->name);
				CHECK(rule->required && rule->sources[0],
				      "%s says what it requires and what taught it", rule->name);
			}
}

#endif
