/* SPDX-License-Identifier: Apache-2.0 */
#include "source/rules.h"

#include <string.h>

#include "triage/frames.h"

struct module_rule {
	const char *base;   /* how the module's base name begins */
	const char *within; /* what its path must have, to tell namesakes apart; NULL: nothing */
	const char *source;
};

/* dd-trace-py, as of its releases 2 to 4. The first that fits and is in the tree counts. */
static const struct module_rule rules[] = {
	{ "_threads.", NULL, "ddtrace/internal/_threads.cpp" },
	{ "_native.", "ddtrace/appsec/", "ddtrace/appsec/_iast/_taint_tracking/" },
	{ "_native.", "ddtrace/internal/native/", "src/native/" },
	{ "_memalloc.", NULL, "ddtrace/profiling/collector/" },
	{ "_ddup.", NULL, "ddtrace/internal/datadog/profiling/ddup/" },
	{ "_stack.", NULL, "ddtrace/internal/datadog/profiling/stack/" },
	{ "libdd_wrapper.", NULL, "ddtrace/internal/datadog/profiling/dd_wrapper/" },
	{ NULL, NULL, NULL },
};

const char *rule_source(const char *module)
{
	const char *base = module_base(module);

	for (const struct module_rule *rule = rules; base && rule->base; rule++)
		if (!strncmp(base, rule->base, strlen(rule->base)) &&
		    (!rule->within || strstr(module, rule->within)))
			return rule->source;
	return NULL;
}

const char *rule_stem(const char *module, size_t *len)
{
	const char *base = module_base(module);

	if (!strncmp(base, "lib", 3))
		base += 3;
	*len = strcspn(base, ".");
	return base;
}
