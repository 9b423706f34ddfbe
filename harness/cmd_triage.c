/* SPDX-License-Identifier: Apache-2.0 */
/* forkpoint triage: crash reports, whoever wrote them, and what they say. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/text.h"
#include "cmd.h"
#include "core_reading.h"
#include "observe/core_open.h"
#include "report/keep.h"
#include "report/output.h"
#include "source/source.h"
#include "symbols/substitute.h"
#include "symbols/symbols.h"
#include "triage/account.h"
#include "triage/cluster.h"
#include "triage/patterns.h"
#include "triage/rules.h"

/* A crash tracker's largest report has some megabytes, `thread apply all bt` of a server tens. */
#define INPUT_MAX ((size_t)256 << 20)

static struct {
	bool json, cluster, rules_list;
	const char *out, *source, *rules;
	struct symbols *symbols; /* NULL: none are given */
	struct substitutions substitutions;
} opt;

static const struct option_spec options[] = {
	OPT_FLAG("json", 0, &opt.json, "write one JSON object a report, one a line"),
	OPT_FLAG("cluster", 0, &opt.cluster,
		 "write one line a signature: count, signature, pattern, files"),
	OPT_STRING("out", 0, &opt.out, "DIR",
		   "write each report to a new file in DIR, and tell its path"),
	OPT_STRING("source", 0, &opt.source, "DIR[@REF]",
		   "also look into this git repository: code of the frames, commits"),
	OPT_CUSTOM("symbols", 0, &opt.symbols, "DIR", "name the frames by debug files below this "
		   "directory; may be given several times", symbols_parse),
	OPT_CUSTOM("substitute-path", 0, &opt.substitutions, "FROM=TO", "take source files of FROM "
		   "for those of TO; may be given several times", substitutions_parse),
	OPT_STRING("rules", 0, &opt.rules, "FILE", "say whose code your own modules are, before the "
		   "built-in rules are asked"),
	OPT_FLAG("rules-list", 0, &opt.rules_list,
		 "write what each rule for patterns looks for and what taught it, and read nothing"),
	OPT_END,
};

struct work {
	struct output *out; /* standard output */
	struct source *source;
	struct triage_settings settings;
	struct frame_rules *rules; /* of the settings */
	struct clusters clusters;
	size_t reports;
	int status;
	struct keep_series kept;
	bool source_told; /* what could not be had of the source is on stderr */
};

/* The worst counts: what was not read is told by 2, what could not be written by 3. */
static void work_failed(struct work *work, int status, const char *why)
{
	if (*why)
		warning("%s", why);
	work->status = status > work->status ? status : work->status;
}

/* 0, or -1 and a sentence. What is beyond INPUT_MAX is left out, and that is told of `shown`. */
static int input_read(const char *name, const char *shown, struct strbuf *data, struct strbuf *err)
{
	bool is_stdin = !strcmp(name, "-");
	int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	char more;

	if (fd < 0 || strbuf_read(data, fd, INPUT_MAX) < 0) {
		strbuf_addf(err, "cannot read '%s': %s: give a file with a crash report, or - for "
			    "standard input", shown, strerror(errno));
		if (fd >= 0 && !is_stdin)
			close(fd);
		return -1;
	}
	if (data->len == INPUT_MAX && read(fd, &more, 1) == 1)
		warning("%s is larger than %zu MiB: the rest is left out", shown, INPUT_MAX >> 20);
	if (!is_stdin)
		close(fd);
	return 0;
}

static void tell_json(struct work *work, const char *name, const struct trace *trace,
		      const struct triage *triage, const struct account_source *looked)
{
	struct strbuf text = STRBUF_INIT, line = STRBUF_INIT;

	text_add_utf8(&text, name, strlen(name));
	account_add_json(&line, text.buf, trace, triage, &work->settings, looked);
	strbuf_addch(&line, '\n');
	output_record(work->out, line.buf, line.len);
	strbuf_release(&line);
	strbuf_release(&text);
}

/* To a file of its own, whose path is told on standard output. */
static void keep_report(struct work *work, const struct strbuf *report, const struct tm *now)
{
	struct strbuf path = STRBUF_INIT, line = STRBUF_INIT, err = STRBUF_INIT;
	char stem[64];

	strftime(stem, sizeof(stem), "crash-analysis-%Y%m%d-%H%M%S", now);
	if (keep_file(&work->kept, opt.out, stem, "md", report, &path, &err) < 0) {
		work_failed(work, EXIT_HARNESS, err.buf);
	} else {
		/* A program needs the path's own bytes; a terminal would obey them. */
		if (output_is_terminal(work->out))
			text_add_line(&line, path.buf, path.len);
		else
			strbuf_add(&line, path.buf, path.len);
		strbuf_addch(&line, '\n');
		output_record(work->out, line.buf, line.len);
	}
	strbuf_release(&path);
	strbuf_release(&line);
	strbuf_release(&err);
}

static void tell_markdown(struct work *work, const char *name, const struct trace *trace,
			  const struct triage *triage, const struct account_source *looked)
{
	struct strbuf report = STRBUF_INIT;
	time_t seconds = time(NULL);
	char generated[32];
	struct tm now;

	gmtime_r(&seconds, &now);
	strftime(generated, sizeof(generated), "%Y-%m-%dT%H:%M:%SZ", &now);
	if (work->reports && !opt.out)
		strbuf_addch(&report, '\n');
	account_md(&report, name, generated, trace, triage, &work->settings, looked);
	if (opt.out)
		keep_report(work, &report, &now);
	else
		output_record(work->out, report.buf, report.len);
	strbuf_release(&report);
}

/* Once: what fails for one report fails for the others, and each tells it itself. */
static void warn_of_source(struct work *work, const struct account_source *looked)
{
	if (work->source_told)
		return;
	if (looked->code_lack)
		warning("--source: not all frames were looked for: %s", looked->code_lack);
	if (looked->history_lack)
		warning("--source: not all of the history was looked at: %s",
			looked->history_lack);
	work->source_told = looked->code_lack || looked->history_lack;
}

static void triage_trace(struct work *work, const char *name, const struct trace *trace)
{
	struct triage *triage = triage_classify(trace->crash, &work->settings);
	struct account_source *looked = work->source ? source_look(work->source, trace, triage)
						     : NULL;

	if (opt.cluster)
		clusters_add(&work->clusters, name, triage);
	else if (opt.json)
		tell_json(work, name, trace, triage, looked);
	else
		tell_markdown(work, name, trace, triage, looked);
	if (looked) {
		warn_of_source(work, looked);
		source_release(looked);
	}
	work->reports++;
	triage_free(triage);
}

/* What the user has beside the reports goes into them first. */
static void improve(struct traces *traces, const struct strbuf *data)
{
	struct strbuf notes = STRBUF_INIT;
	char *line, *rest;

	if (opt.symbols)
		symbols_improve(opt.symbols, traces, data->buf, data->len, &notes);
	for (rest = notes.buf; (line = strsep(&rest, "\n")) && *line;)
		warning("--symbols: %s", line);
	substitute_all(&opt.substitutions, traces);
	strbuf_release(&notes);
}

static void triage_file(struct work *work, const char *name)
{
	struct strbuf data = STRBUF_INIT, err = STRBUF_INIT, shown = STRBUF_INIT;
	bool is_core = strcmp(name, "-") != 0 && core_may_be(name);
	struct traces traces;

	/* A file's name may hold anything, too; a line of output may not. */
	text_add_line(&shown, name, strlen(name));
	if (is_core ? core_reading_report(name, opt.symbols, &opt.substitutions, &data) < 0 :
		      input_read(name, shown.buf, &data, &err) < 0) {
		work_failed(work, EXIT_USAGE, err.buf);
		strbuf_release(&shown);
		strbuf_release(&err);
		strbuf_release(&data);
		return;
	}
	traces_read(data.buf, data.len, &traces);
	if (!traces.n)
		warning("%s: no crash report is recognised in it", shown.buf);
	if (traces.more)
		warning("%s has more than %d reports, or more than %d threads and frames: the rest "
			"is left out", shown.buf, TRACES_MAX, TRACES_PARTS_MAX);
	if (!is_core)
		improve(&traces, &data);
	for (size_t i = 0; i < traces.n; i++)
		triage_trace(work, name, &traces.v[i]);
	traces_release(&traces);
	strbuf_release(&shown);
	strbuf_release(&data);
}

/* Before anything is read: what is asked for goes together, and is there. */
static void check_options(void)
{
	struct stat st;

	if (opt.cluster && (opt.out || opt.source))
		die(EXIT_USAGE, "--cluster writes no reports: leave out --out and --source, or "
		    "--cluster");
	if (opt.json && opt.out)
		die(EXIT_USAGE, "--out is for reports in Markdown: leave it out, or --json");
	if (!opt.out)
		return;
	if (stat(opt.out, &st) < 0)
		die(EXIT_USAGE, "--out: cannot write to '%s': %m: give a directory that is there",
		    opt.out);
	if (!S_ISDIR(st.st_mode))
		die(EXIT_USAGE, "--out: '%s' is no directory: give one", opt.out);
}

static struct frame_rules *rules_read(const char *name)
{
	int fd = open(name, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	struct strbuf text = STRBUF_INIT, err = STRBUF_INIT;
	struct frame_rules *rules;

	if (fd < 0 || strbuf_read(&text, fd, FRAME_RULES_TEXT_MAX + 1) < 0)
		die(EXIT_USAGE, "cannot read the rules in '%s': %m: give a file with a rule a "
		    "line, for example module=_fast.* category=extension", name);
	close(fd);
	rules = frame_rules_parse(name, text.buf, text.len, &err);
	if (!rules)
		die(EXIT_USAGE, "%s", err.buf);
	strbuf_release(&text);
	return rules;
}

static void work_begin(struct work *work)
{
	struct strbuf err = STRBUF_INIT;

	if (opt.rules)
		work->settings.rules = work->rules = rules_read(opt.rules);
	if (opt.source) {
		work->source = source_open(opt.source, &err);
		if (!work->source)
			die(EXIT_USAGE, "%s", err.buf);
		if (source_lack(work->source))
			warning("--source: %s: the reports have no code and no history",
				source_lack(work->source));
	}
	work->out = output_over(STDOUT_FILENO, "standard output");
	strbuf_release(&err);
}

static int work_end(struct work *work)
{
	struct strbuf text = STRBUF_INIT;

	clusters_tell(&work->clusters, opt.json, &text);
	if (text.len)
		output_record(work->out, text.buf, text.len);
	if (output_close(work->out) < 0)
		work->status = EXIT_HARNESS;
	clusters_release(&work->clusters);
	frame_rules_free(work->rules);
	symbols_free(opt.symbols);
	substitutions_release(&opt.substitutions);
	if (work->source)
		source_close(work->source);
	strbuf_release(&text);
	return work->status || work->reports ? work->status : EXIT_UNEXPECTED;
}

static int list_rules(int argc)
{
	struct strbuf text = STRBUF_INIT;
	struct output *out;

	if (argc)
		die(EXIT_USAGE, "--rules-list reads no reports: leave out the files, or it");
	out = output_over(STDOUT_FILENO, "standard output");
	pattern_rules_list(&text);
	output_record(out, text.buf, text.len);
	strbuf_release(&text);
	return output_close(out) < 0 ? EXIT_HARNESS : EXIT_AS_EXPECTED;
}

static int cmd_triage(int argc, char **argv)
{
	struct work work = { .status = EXIT_AS_EXPECTED };

	if (opt.rules_list)
		return list_rules(argc);
	if (!argc)
		die(EXIT_USAGE, "triage needs a FILE with crash reports: give one, or - for "
		    "standard input");
	check_options();
	work_begin(&work);
	for (int i = 0; i < argc; i++)
		triage_file(&work, argv[i]);
	return work_end(&work);
}

static const struct command_example examples[] = {
	{ "forkpoint triage crash.txt", "what a crash report says, as a report in Markdown" },
	{ "gdb -p PID -batch -ex 'thread apply all bt' | forkpoint triage -", "of a live process" },
	{ "forkpoint triage --source ~/src/project@v2.18.0 --out reports crash.txt",
	  "with the code and its history, to a file" },
	{ "forkpoint triage --symbols ~/debug crash.json", "with the names that a stripped module "
	  "lacks" },
	{ "forkpoint triage --rules mine.txt crash.txt", "with a line such as: module=_fast.* "
	  "category=extension component=fast" },
	{ "forkpoint triage --cluster *.txt", "which crashes are one, and how often each came" },
	{ "forkpoint triage --json *.txt | jq -r .signature", "for programs" },
	{ NULL, NULL },
};

const struct command triage_command = {
	.name = "triage",
	.synopsis = "[OPTION…] FILE…",
	.summary = "say what a crash report shows: pattern, evidence, who is at fault",
	.description =
		"Reads crash reports of any common kind, several to a file if need be, and says of "
		"each which pattern it is, on which evidence, who is at fault and how sure that "
		"is. FILE may be - for standard input, or a core file, as `forkpoint core` reads "
		"it.\n\n"
		"With --source, the revision of DIR that crashed is REF; else the tag of the "
		"version in the report's metadata; else that of the version in one of its paths; "
		"else what is checked out, unless it is the main branch; else that. Nothing that "
		"the repository configures is run, and nothing in it is changed.\n\n"
		"With --symbols, frames that a report has by module and address are looked up in "
		"debug files below DIR: .build-id/ab/cdef.debug, NAME.BUILDID.debug, NAME.debug, "
		"or a module that is not stripped. The build-id must be that of the report where "
		"it tells one; else the name must do, and that is marked. Addresses alone are "
		"enough with the lines of /proc/PID/maps, or of gdb's 'info proc mappings', in the "
		"same text. --substitute-path is as gdb's: FROM matches whole directories at the "
		"beginning of a source file's path, and of several rules the first that matches "
		"is used, before --source looks for the file.\n\n"
		"Files of --out are called crash-analysis-YYYYMMDD-HHMMSS.md (UTC); none is "
		"overwritten. The exit status is 0 if something was classified, 1 if no report was "
		"recognised, 2 for a file that cannot be read (the others are read), 3 for a "
		"report that cannot be written.\n\n"
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
	.operands_min = 0, /* none for --rules-list */
	.operands_max = OPERANDS_ANY,
	.run = cmd_triage,
};
