/* SPDX-License-Identifier: Apache-2.0 */
/* forkpoint stack: what every thread of a process does, in C and in Python. */
#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/procfs.h"
#include "base/sandbox.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "cmd.h"
#include "observe/capture.h"
#include "observe/stacktext.h"
#include "observe/waitgraph.h"
#include "triage/crash_json.h"
#include "triage/json_text.h"

#define SCHEMA 1

static struct {
	bool native, python, json;
} opt;

static const struct option_spec options[] = {
	OPT_FLAG("native", 0, &opt.native, "native frames alone, the evaluator's among them"),
	OPT_FLAG("python", 0, &opt.python, "Python frames alone"),
	OPT_FLAG("json", 0, &opt.json, "one JSON object a line, one line a process"),
	OPT_END,
};

/* A process's number; 0 and a sentence: it is none. */
static pid_t parse_pid(const char *text, struct strbuf *err)
{
	char *end;
	long pid;

	errno = 0;
	pid = strtol(text, &end, 10);
	if (errno || *end || !isdigit((unsigned char)*text) || pid <= 0 || pid != (pid_t)pid) {
		strbuf_addf(err, "'%s' is no process: give its number, as ps shows it", text);
		return 0;
	}
	return (pid_t)pid;
}

/* Has it a stack to be looked at? If not, it is told what it is. */
static bool is_to_see(pid_t pid)
{
	enum procfs_kind kind = procfs_kind(pid);
	pid_t process = procfs_process(pid);

	if (pid == getpid())
		warning("process %d is this program itself", pid);
	else if (kind == PROCFS_KERNEL)
		warning("process %d is a thread of the kernel, which has no stack of ours", pid);
	else if (kind == PROCFS_ENDED && process == pid)
		warning("process %d has ended; its parent has not taken notice of it yet", pid);
	else if (process && process != pid)
		warning("%d is a thread of process %d: give that number", pid, process);
	else
		return true;
	return false;
}

/* As it was started: its arguments. */
static void command_line(pid_t pid, struct strbuf *out)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/cmdline", pid);
	if (strbuf_read_file(out, path, 4096) < 0)
		strbuf_reset(out);
	for (size_t i = 0; i < out->len; i++)
		if (!out->buf[i])
			out->buf[i] = ' ';
	strbuf_rtrim(out);
}

/* Of its parent, those whose locks it waits for. */
static bool is_shown(const struct crash *crash, const struct crash_thread *thread)
{
	for (size_t i = 0; thread->pid != crash->pid && i < crash->nthreads; i++)
		if (crash->threads[i].wait.owner_elsewhere == thread->pid &&
		    crash->threads[i].wait.owner == thread->tid)
			return true;
	return thread->pid == crash->pid;
}

static void print_text(const struct crash *crash, const char *command)
{
	enum stacktext_frames which = opt.native ? STACKTEXT_NATIVE :
				      opt.python ? STACKTEXT_PYTHON : STACKTEXT_MERGED;
	struct strbuf out = STRBUF_INIT;

	strbuf_addf(&out, "Process %d: ", crash->pid);
	text_add_line(&out, command, strlen(command));
	strbuf_addch(&out, '\n');
	stacktext_python(&out, crash, crash->pid);
	waitgraph_tell(&out, crash, crash->pid);
	for (size_t i = 0; i < crash->nthreads; i++) {
		if (!is_shown(crash, &crash->threads[i]))
			continue;
		strbuf_addch(&out, '\n');
		stacktext_thread(&out, &crash->threads[i], crash->pid, which);
	}
	fputs(out.buf, stdout);
	strbuf_release(&out);
}

static void print_json(const struct crash *crash, const char *command)
{
	json_t *object = json_object();
	char *text;

	json_object_set_new(object, "schema", json_integer(SCHEMA));
	json_object_set_new(object, "command", json_of_text(command));
	json_object_set_new(object, "waits",
			    json_string(wait_end_name(waitgraph_worst(crash, crash->pid))));
	crash_json_add(object, crash);
	text = json_dumps(object, JSON_COMPACT);
	if (!text)
		no_memory();
	puts(text);
	free(text);
	json_decref(object);
}

static int look_at(struct capture_cache *cache, pid_t pid)
{
	struct strbuf command = STRBUF_INIT;
	struct crash *crash;
	int status = EXIT_AS_EXPECTED;

	if (kill(pid, 0) < 0 && errno == ESRCH) {
		warning("there is no process %d (any more)", pid);
		return EXIT_HARNESS;
	}
	if (!is_to_see(pid))
		return EXIT_HARNESS;
	command_line(pid, &command);
	crash = capture_look(cache, pid);
	if (crash->degraded) {
		warning("%s", crash->degraded);
		status = EXIT_HARNESS;
	}
	if (opt.json)
		print_json(crash, command.buf);
	else
		print_text(crash, command.buf);
	crash_free(crash);
	strbuf_release(&command);
	return status;
}

/* Before any is looked at. */
static pid_t *parse_pids(int n, char **operands)
{
	pid_t *pids = xcalloc((size_t)n, sizeof(*pids));
	struct strbuf err = STRBUF_INIT;

	for (int i = 0; i < n; i++) {
		pids[i] = parse_pid(operands[i], &err);
		if (!pids[i])
			die(EXIT_USAGE, "%s", err.buf);
	}
	return pids;
}

static int cmd_stack(int argc, char **argv)
{
	pid_t *pids = parse_pids(argc, argv);
	struct capture_cache *cache;
	int status = EXIT_AS_EXPECTED;

	if (opt.native && opt.python)
		die(EXIT_USAGE, "--native and --python exclude each other: without them both kinds "
		    "of frames are shown");
	/* What the process has mapped is hostile, too, and so may be what is in its memory. */
	sandbox_enter(SANDBOX_TRACE);
	cache = capture_cache_new();
	for (int i = 0; i < argc; i++) {
		int one = look_at(cache, pids[i]);

		if (one != EXIT_AS_EXPECTED)
			status = one;
	}
	capture_cache_free(cache);
	free(pids);
	return status;
}

static const struct command_example examples[] = {
	{ "forkpoint stack 4711", "all threads, native and Python frames merged" },
	{ "forkpoint stack --python $(pgrep -f server.py)", "of several processes, Python alone" },
	{ NULL, NULL },
};

const struct command stack_command = {
	.name = "stack",
	.synopsis = "PID… [OPTION…]",
	.summary = "what every thread of a process does, in C and in Python",
	.description =
		"Stops the process, for some milliseconds, reads the stacks of all its threads, lets "
		"it go on, and prints them: native and Python frames in one, with names and lines as "
		"far as there are any, who has the GIL, what a blocked thread waits for and who has "
		"that (a mutex, a threading.RLock, the GIL, a thread to join), and whether the "
		"interpreter is being finalized. Nothing is changed in it, and it lends "
		"no help: it may be stuck, half torn down, or a program that embeds CPython 3.12 to "
		"3.15.",
	.options = options,
	.examples = examples,
	.operands_min = 1,
	.operands_max = OPERANDS_ANY,
	.run = cmd_stack,
};
