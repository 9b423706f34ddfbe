/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands and their options: one table a command, from which parsing (getopt_long), --help, the
 * man page and the completions are made.
 *
 * A command lives in its cmd_NAME.c: its option values in static variables, the table that points
 * to them, and at the bottom one `const struct command NAME_command`, listed in cmd.h:
 *
 *	static struct {
 *		uint64_t trials;
 *		uint64_t budget_ns;
 *		struct option_strings pythons;
 *	} opt;
 *
 *	static const struct option_spec options[] = {
 *		OPT_UNSIGNED("trials", 'n', &opt.trials, "N", "end a cell after N", .min = 1),
 *		OPT_SECONDS("budget", 0, &opt.budget_ns, "TIME", "time for one cell",
 *			    .fallback = "10s"),
 *		OPT_STRINGS("python", 'p', &opt.pythons, "SPEC", "only these interpreters"),
 *		OPT_END,
 *	};
 *
 *	static int cmd_run(int argc, char **argv) { … argv[0] is the first operand … }
 *
 *	const struct command run_command = {
 *		.name = "run", .synopsis = "[SCENARIO…] [OPTION…]", .summary = "…",
 *		.options = options, .run = cmd_run, …
 *	};
 *
 * main() parses before it calls .run, so a command sees operands only and values that are valid.
 * --help and -h belong to every command and are in no table. Not async-signal-safe, not
 * child-safe; parsing uses getopt's globals, so one thread only.
 */
#ifndef FORKPOINT_BASE_OPTIONS_H
#define FORKPOINT_BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/strbuf.h"

/* What an option takes, and what .value points to. */
enum option_type {
	OPTION_FLAG,     /* bool: becomes true */
	OPTION_STRING,   /* const char *: points into argv; the last one given counts */
	OPTION_STRINGS,  /* struct option_strings: may be given more than once */
	OPTION_UNSIGNED, /* uint64_t: decimal or 0x…, within .min and .max */
	OPTION_SECONDS,  /* uint64_t, in nanoseconds: 1.5s, 200ms, 2m, 1h; a unit is a must */
	OPTION_CHOICE,   /* unsigned int: index in .choices */
	OPTION_CUSTOM,   /* anything: .parse makes it */
};

/*
 * Values in the order given. "3.12,3.13" counts as two, unless a slash shows that it is a path.
 * The strings are copies; option_strings_release() frees them.
 */
struct option_strings {
	char **v;
	size_t n;
};

struct option_spec {
	const char *name;  /* without the dashes; NULL ends the table */
	char short_name;   /* 0: none */
	enum option_type type;
	const char *arg;   /* stands for the argument in help: FILE, N; NULL for flags */
	const char *help;  /* lower case, no full stop */
	void *value;
	const char *const *choices; /* OPTION_CHOICE: ended by NULL */
	uint64_t min, max; /* numbers and times (in ns); max 0: no limit */
	const char *fallback; /* the default as a user would type it; NULL: value is left alone */
	bool *given;       /* becomes true when the option was given; may be NULL */
	/* OPTION_CUSTOM: 0, or -1 and what is wrong with the text. */
	int (*parse)(const char *text, void *value, struct strbuf *err);
	bool hidden;       /* works, but is in no help */
};

/*
 * Rows of a table. What follows the help are further fields, by name. `?:` makes the compiler
 * refuse a value of another type than the option's.
 */
#define OPT_ROW(kind, ctype, option, letter, pointer, argument, text, ...)                         \
	{ .type = (kind), .name = (option), .short_name = (letter), .arg = (argument),             \
	  .help = (text), .value = (1 ? (pointer) : (ctype *)0), ##__VA_ARGS__ }
#define OPT_FLAG(name, letter, value, help, ...)                                                   \
	OPT_ROW(OPTION_FLAG, bool, name, letter, value, NULL, help, ##__VA_ARGS__)
#define OPT_STRING(name, letter, value, arg, help, ...)                                            \
	OPT_ROW(OPTION_STRING, const char *, name, letter, value, arg, help, ##__VA_ARGS__)
#define OPT_STRINGS(name, letter, value, arg, help, ...)                                           \
	OPT_ROW(OPTION_STRINGS, struct option_strings, name, letter, value, arg, help,             \
		##__VA_ARGS__)
#define OPT_UNSIGNED(name, letter, value, arg, help, ...)                                          \
	OPT_ROW(OPTION_UNSIGNED, uint64_t, name, letter, value, arg, help, ##__VA_ARGS__)
#define OPT_SECONDS(name, letter, value, arg, help, ...)                                           \
	OPT_ROW(OPTION_SECONDS, uint64_t, name, letter, value, arg, help, ##__VA_ARGS__)
#define OPT_CHOICE(name, letter, value, arg, help, list, ...)                                      \
	OPT_ROW(OPTION_CHOICE, unsigned int, name, letter, value, arg, help, .choices = (list),    \
		##__VA_ARGS__)
#define OPT_CUSTOM(name, letter, pointer, arg, help, parser, ...)                                  \
	OPT_ROW(OPTION_CUSTOM, void, name, letter, (void *)(pointer), arg, help,                   \
		.parse = (parser), ##__VA_ARGS__)
#define OPT_END { .name = NULL }

struct command_example {
	const char *line;  /* to type */
	const char *what;  /* what it does; lower case, no full stop */
};

struct command {
	const char *name;
	const char *synopsis;    /* what follows the name: "[SCENARIO…] [OPTION…]" */
	const char *summary;     /* a few words, for the list of commands */
	const char *description; /* paragraphs, separated by a blank line; may be NULL */
	const struct option_spec *options; /* NULL: none */
	const struct command_example *examples; /* ended by a NULL line; may be NULL */
	unsigned int operands_min;
	unsigned int operands_max; /* OPERANDS_ANY: no limit */
	bool stop_at_operand;    /* what follows the first operand is not ours: exec PROGRAM -x */
	/* argv[0] is the first operand. Returns the exit status. */
	int (*run)(int argc, char **argv);
};

#define OPERANDS_ANY (~0u)

enum options_result {
	OPTIONS_RUN,  /* values are set, argc and argv hold the operands */
	OPTIONS_HELP, /* --help was given */
	OPTIONS_BAD,  /* err has the sentence; the status is EXIT_USAGE */
};

/* *argv begins with the command's own name; its order may change (operands go last). */
enum options_result options_parse(const struct command *command, int *argc, char ***argv,
				  struct strbuf *err);

/*
 * One value. 0, or -1 and what is wrong with it, without the option's name: "'5x' is not a number:
 * write digits, or 0x and hexadecimal digits".
 */
int option_parse_unsigned(const char *text, uint64_t min, uint64_t max, uint64_t *value,
			  struct strbuf *err);
int option_parse_seconds(const char *text, uint64_t min, uint64_t max, uint64_t *ns,
			 struct strbuf *err);

void option_strings_add(struct option_strings *strings, const char *text);
void option_strings_release(struct option_strings *strings);

#endif
