/* SPDX-License-Identifier: Apache-2.0 */
/* forkpoint triage: crash reports, whoever wrote them, and what they say. */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/text.h"
#include "cmd.h"
#include "triage/account.h"
#include "triage/rules.h"

/* A crash tracker's largest report has some megabytes, `thread apply all bt` of a server tens. */
#define INPUT_MAX ((size_t)256 << 20)

static struct {
	bool json;
	const char *rules;
} opt;

static const struct option_spec options[] = {
	OPT_FLAG("json", 0, &opt.json, "write one JSON object a report, one a line"),
	OPT_STRING("rules", 0, &opt.rules, "FILE", "say whose code your own modules are, before the "
		   "built-in rules are asked"),
	OPT_END,
};

static struct frame_rules *rules_read(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct strbuf text = STRBUF_INIT, err = STRBUF_INIT;
	struct frame_rules *rules;

	if (fd < 0 || strbuf_read(&text, fd, FRAME_RULES_TEXT_MAX + 1) < 0)
		die(EXIT_USAGE, "cannot read the rules in '%s': %s: give a file with a rule a "
		    "line, for example module=_fast.* category=extension", name, strerror(errno));
	close(fd);
	rules = frame_rules_parse(name, text.buf, text.len, &err);
	if (!rules)
		die(EXIT_USAGE, "%s", err.buf);
	strbuf_release(&text);
	return rules;
}

/* 0, or -1 and a sentence. What is beyond INPUT_MAX is left out, and that is told. */
static int input_read(const char *name, struct strbuf *data, struct strbuf *err)
{
	bool is_stdin = !strcmp(name, "-");
	int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char more;

	if (fd < 0 || strbuf_read(data, fd, INPUT_MAX) < 0) {
		strbuf_addf(err, "cannot read '%s': %s: give a file with a crash report, or - for "
			    "standard input", name, strerror(errno));
		if (fd >= 0 && !is_stdin)
			close(fd);
		return -1;
	}
	if (data->len == INPUT_MAX && read(fd, &more, 1) == 1)
		warning("%s is larger than %zu MiB: the rest is left out", name, INPUT_MAX >> 20);
	if (!is_stdin)
		close(fd);
	return 0;
}

static void print_json(const char *name, const struct trace *trace, const struct triage *triage,
		       const struct triage_settings *settings)
{
	struct strbuf file = STRBUF_INIT;
	json_t *object;

	text_add_utf8(&file, name, strlen(name));
	object = account_json(file.buf, trace, triage, settings);
	json_dumpf(object, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(object);
	strbuf_release(&file);
}

/* How many reports were found in it. */
static size_t triage_file(const char *name, const struct triage_settings *settings)
{
	struct strbuf data = STRBUF_INIT, err = STRBUF_INIT;
	struct traces traces;
	size_t n;

	if (input_read(name, &data, &err) < 0)
		die(EXIT_USAGE, "%s", err.buf);
	traces_read(data.buf, data.len, &traces);
	if (!traces.n)
		warning("%s: no crash report is recognised in it", name);
	if (traces.more)
		warning("%s has more than %d reports: the rest is left out", name, TRACES_MAX);
	for (size_t i = 0; i < traces.n; i++) {
		struct triage *triage = triage_classify(traces.v[i].crash, settings);

		print_json(name, &traces.v[i], triage, settings);
		triage_free(triage);
	}
	n = traces.n;
	traces_release(&traces);
	strbuf_release(&data);
	return n;
}

static int cmd_triage(int argc, char **argv)
{
	struct frame_rules *rules = opt.rules ? rules_read(opt.rules) : NULL;
	const struct triage_settings settings = { .rules = rules };
	size_t n = 0;

	for (int i = 0; i < argc; i++)
		n += triage_file(argv[i], &settings);
	frame_rules_free(rules);
	return n ? EXIT_AS_EXPECTED : EXIT_UNEXPECTED;
}

static const struct command_example examples[] = {
	{ "forkpoint triage crash.txt", "what a crash report says, as a report in Markdown" },
	{ "gdb -p PID -batch -ex 'thread apply all bt' | forkpoint triage -", "of a live process" },
	{ "forkpoint triage --json *.txt | jq -r .signature | sort | uniq -c", "count the kinds" },
	{ "forkpoint triage --rules mine.txt crash.txt", "with a line such as: module=_fast.* "
	  "category=extension component=fast" },
	{ NULL, NULL },
};

const struct command triage_command = {
	.name = "triage",
	.synopsis = "[OPTION…] FILE…",
	.summary = "say what a crash report shows: pattern, evidence, who is at fault",
	.description =
		"Reads crash reports of any common kind, several to a file if need be, and says of "
		"each which pattern it is, on which evidence, who is at fault and how sure that "
		"is. FILE may be - for standard input. The exit status is 0 if something was "
		"classified, 1 if no report was recognised, 2 for a file that cannot be read.\n\n"
		"Whose code a frame is say rules. A file of your own for --rules has one a line, of "
		"words KEY=VALUE; '#' begins a comment, and a value with blanks stands in double "
		"quotes. module= matches the mapped file, function= an exact name without arguments, "
		"file= the source; one of them is a must, and all that are given must match: '*' "
		"stands for any characters, '?' for one, [A-Z_] for one of these. A path's pattern "
		"without '/' matches the base name, one with '/' from any directory of the path on. "
		"category= says what it is (the words of frames[].category in --json; a wrong one is "
		"answered by the list of them), component= its name in reports, owner= who answers "
		"for it: extension, third-party, cpython, application or unknown. The first rule "
		"that matches decides, yours before the built-in ones; one without module= says what "
		"the code is and not whose: within an extension it stays the extension's.",
	.options = options,
	.examples = examples,
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.run = cmd_triage,
};
