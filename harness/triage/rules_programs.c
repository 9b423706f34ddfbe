/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose code a frame is by its module, where that has no suffix: programs, and what Windows' tools
 * call so. The built-in rules that are asked after rules_builtin.c. Change FRAME_RULES_VERSION with
 * any of them.
 */
#include "triage/rule_words.h"

const struct frame_rule builtin_programs[] = {
	MODULE("_*", EXTENSION, NULL), /* as Python calls them, without a suffix: WinDbg's way */
	MODULE("Qt[56][A-Z]*", LIBRARY, "Qt"),
	MODULE("uwsgi", LIBRARY, "uWSGI"), MODULE("unitd", LIBRARY, "NGINX Unit"),
	MODULE("httpd", LIBRARY, "Apache"), MODULE("apache2", LIBRARY, "Apache"),
	MODULE("nginx", LIBRARY, "nginx"), MODULE("postgres", LIBRARY, "PostgreSQL"),
	MODULE("ruby", LIBRARY, "Ruby"), MODULE("php*", LIBRARY, "PHP"),
	MODULE("node", LIBRARY, "Node.js"), MODULE("java", LIBRARY, "Java"),
	MODULE("gdb", LIBRARY, "GDB"), MODULE("py-spy", LIBRARY, "py-spy"),
	/* In forkpoint's hosts a scenario's code plays an extension's part. */
	{ .module = "host", .kind = KIND_PROGRAM, .has_owner = true,
	  .owner = ATTRIBUTION_EXTENSION },
	MODULE("*", PROGRAM, NULL),
};

const size_t builtin_programs_count = sizeof(builtin_programs) / sizeof(*builtin_programs);
