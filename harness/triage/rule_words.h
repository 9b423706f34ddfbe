/* SPDX-License-Identifier: Apache-2.0 */
/* How the built-in tables write their rules (rules.h), one a line. For these files alone. */
#ifndef FORKPOINT_TRIAGE_RULE_WORDS_H
#define FORKPOINT_TRIAGE_RULE_WORDS_H

#include "triage/rules.h"

#define MODULE(pattern, name, what) { .module = pattern, .kind = KIND_##name, .component = what }
#define FUNCTION(pattern, name, what) \
	{ .function = pattern, .kind = KIND_##name, .component = what }
#define SOURCE(pattern, name, what) { .file = pattern, .kind = KIND_##name, .component = what }
#define WITHIN(in, pattern, name, what) \
	{ .module = in, .function = pattern, .kind = KIND_##name, .component = what }
/* A name that others use as well: only where no module is known. */
#define LOOSE(pattern, name, what) WITHIN("", pattern, name, what)
/* A library beneath a Python module, whatever its kind's own owner. */
#define BENEATH(pattern, name, what) \
	{ .module = pattern, .kind = KIND_##name, .component = what, .has_owner = true, \
	  .owner = ATTRIBUTION_THIRD_PARTY }

#define TOOL(pattern, name, what) \
	{ .function = pattern, .kind = KIND_##name, .component = what, .has_owner = true, \
	  .owner = ATTRIBUTION_THIRD_PARTY }

#endif
