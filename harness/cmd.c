/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd.h"

#include <string.h>

#include "base/suggest.h"

#define COMMAND_ADDRESS(name) &name##_command,
const struct command *const commands[] = { COMMAND_LIST(COMMAND_ADDRESS) NULL };
#define COMMANDS_COUNT (sizeof(commands) / sizeof(commands[0]) - 1)

const struct command *command_find(const char *name, struct strbuf *err)
{
	const char *names[COMMANDS_COUNT];

	for (size_t i = 0; i < COMMANDS_COUNT; i++) {
		if (!strcmp(commands[i]->name, name))
			return commands[i];
		names[i] = commands[i]->name;
	}
	strbuf_addf(err, "unknown command '%s'", name);
	if (suggest_word(name, names, COMMANDS_COUNT))
		suggest_append(err, "forkpoint ", name, names, COMMANDS_COUNT);
	else
		strbuf_addstr(err, ": 'forkpoint --help' lists them");
	return NULL;
}
