/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commands, one line each. COMMAND_LIST gives the order of `forkpoint --help`; each command is
 * a `const struct command NAME_command` in its cmd_NAME.c (base/options.h says how to write one).
 */
#ifndef FORKPOINT_CMD_H
#define FORKPOINT_CMD_H

#include <stdio.h>

#include "base/options.h"

#define COMMAND_LIST(X) \
	X(run)          \
	X(list)         \
	X(pythons)      \
	X(replay)       \
	X(report)       \
	X(triage)       \
	X(stack)        \
	X(core)         \
	X(doctor)       \
	X(help)

#define COMMAND_DECLARE(name) extern const struct command name##_command;
COMMAND_LIST(COMMAND_DECLARE)
#undef COMMAND_DECLARE

/* All commands, ended by NULL. */
extern const struct command *const commands[];

/* The command of that name, or NULL and a sentence with the nearest one. */
const struct command *command_find(const char *name, struct strbuf *err);

#endif
