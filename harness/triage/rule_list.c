/* SPDX-License-Identifier: Apache-2.0 */
/* The rules' own words on themselves. */
#include <string.h>

#include "triage/patterns.h"

static const struct pattern_rule *const tables[] = {
	fork_rules,      lock_rules,   deadlock_rules, child_rules,  runtime_rules,
	finalize_rules,  finalizer_rules, exit_rules,  shutdown_rules, unwind_rules,
	memory_rules,    finding_rules, gil_rules,     hook_rules,
};

const struct pattern_rule *pattern_rules(size_t i)
{
	return i < sizeof(tables) / sizeof(*tables) ? tables[i] : NULL;
}

static void add_source(struct strbuf *out, const char *source)
{
	const char *number = strchr(source, '#');

	if (number)
		strbuf_addf(out, "[%s](https://github.com/%.*s/issues/%s)", source,
			    (int)(number - source), source, number + 1);
	else
		strbuf_addf(out, "<%s>", source);
}

static void add_sign(struct strbuf *out, const char *word, const char *sign)
{
	if (sign)
		strbuf_addf(out, "- %s: %s\n", word, sign);
}

static void add_rule(struct strbuf *out, const struct pattern_rule *rule)
{
	strbuf_addf(out, "\n### `%s`\n\n", rule->name);
	add_sign(out, "required", rule->required);
	add_sign(out, "supporting", rule->supporting);
	add_sign(out, "contradicting", rule->contradicting);
	add_sign(out, "CPython", rule->versions);
	for (size_t i = 0; rule->sources[i]; i++) {
		strbuf_addf(out, "%s", i ? ", " : "- taught by: ");
		add_source(out, rule->sources[i]);
	}
	strbuf_addf(out, "\n");
}

void pattern_rules_list(struct strbuf *out)
{
	strbuf_addf(out, "# The rules of `forkpoint triage`\n\n"
			 "Written by `forkpoint triage --rules-list`. Ranks and confidence are in "
			 "`triage.md`.\n");
	for (enum pattern pattern = PATTERN_OTHER + 1; pattern < PATTERN_COUNT; pattern++) {
		const struct pattern_rule *rule;

		strbuf_addf(out, "\n## %s\n", pattern_name(pattern));
		for (size_t t = 0; (rule = pattern_rules(t)) != NULL; t++)
			for (; rule->match; rule++)
				if (rule->pattern == pattern)
					add_rule(out, rule);
	}
}
