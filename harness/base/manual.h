/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can be made of the tables of commands and options: help, a man page, completions. Tables of
 * commands end with NULL.
 */
#ifndef FORKPOINT_BASE_MANUAL_H
#define FORKPOINT_BASE_MANUAL_H

#include <stdio.h>

#include "base/options.h"

/*
 * Words of text, broken before column 80, further lines indented; a blank line in it stays. `at` is
 * the column in which the cursor stands. Ends with a newline.
 */
void manual_wrap(const char *text, size_t indent, size_t at, FILE *out);

/* `forkpoint --help`: what it is, and a line for each command. */
void manual_print_overview(const struct command *const *commands, FILE *out);

/* `forkpoint COMMAND --help`: synopsis, what it does, options, examples. */
void manual_print_command(const struct command *command, FILE *out);

/* forkpoint.1, in roff with the man macros. */
void manual_print_man(const struct command *const *commands, FILE *out);

/* A completion script for bash. */
void manual_print_bash(const struct command *const *commands, FILE *out);

#endif
