/* SPDX-License-Identifier: Apache-2.0 */
/* forkpoint doctor: what this machine offers, what is lost without it, how to get it. */
#include <elfutils/libdwfl.h>
#include <errno.h>
#include <jansson.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/apart.h"
#include "base/command.h"
#include "base/errors.h"
#include "base/manual.h"
#include "base/paths.h"
#include "base/sandbox.h"
#include "base/strbuf.h"
#include "cmd.h"
#include "explore/strategy.h"
#include "observe/capture.h"
#include "run/interp.h"

#define SCHEMA 1

/* An interpreter takes 30 to 150 MB unpacked, a host 1 MB: all of the lock file, and room. */
#define CACHE_WANTED (2ull << 30)

static struct {
	bool json;
} opt;

static const struct option_spec options[] = {
	OPT_FLAG("json", 0, &opt.json, "one JSON object a line, one line an item"),
	OPT_END,
};

/* How an item stands. MISSING: nothing runs without it. LESS: something is lost. */
enum standing { FINE, LESS, MISSING };

static const char *const standing_names[] = { "ok", "less", "missing" };

struct item {
	const char *name;
	/* Appends what was found. */
	enum standing (*look)(struct strbuf *found);
	const char *lost;   /* without it */
	const char *remedy; /* NULL: what was found tells it */
};

/* The path of a program in PATH, appended. */
static bool find_program(const char *name, struct strbuf *path)
{
	const char *dirs = getenv("PATH");

	for (dirs = dirs ? dirs : "/usr/bin:/bin"; *dirs; dirs += *dirs == ':') {
		size_t len = strcspn(dirs, ":"), start = path->len;

		strbuf_addf(path, "%.*s/%s", (int)len, dirs, name);
		if (len && access(path->buf + start, X_OK) == 0)
			return true;
		path->len = start;
		path->buf[start] = '\0';
		dirs += len;
	}
	return false;
}

/* Its path and the first line of what it says of its version. */
static enum standing look_program(const char *name, const char *option, enum standing without,
				  struct strbuf *found)
{
	struct strbuf out = STRBUF_INIT, errors = STRBUF_INIT, err = STRBUF_INIT;
	char *argv[] = { (char *)name, (char *)option, NULL };

	if (!find_program(name, found)) {
		strbuf_addf(found, "no %s in PATH", name);
		return without;
	}
	if (command_run(argv, &out, &errors, &err) == 0 && out.len)
		strbuf_addf(found, " (%.*s)", (int)strcspn(out.buf, "\n"), out.buf);
	strbuf_release(&out);
	strbuf_release(&errors);
	strbuf_release(&err);
	return FINE;
}

static enum standing look_compiler(struct strbuf *found)
{
	return look_program("cc", "--version", MISSING, found);
}

static enum standing look_cxx(struct strbuf *found)
{
	return look_program("c++", "--version", MISSING, found);
}

static enum standing look_make(struct strbuf *found)
{
	return look_program("make", "--version", MISSING, found);
}

static enum standing look_prove(struct strbuf *found)
{
	return look_program("prove", "--version", LESS, found);
}

static enum standing look_gzip(struct strbuf *found)
{
	return look_program("gzip", "--version", LESS, found);
}

static enum standing look_zstd(struct strbuf *found)
{
	return look_program("zstd", "--version", LESS, found);
}

static enum standing look_stress(struct strbuf *found)
{
	return look_program("stress-ng", "--version", LESS, found);
}

static enum standing look_ptrace(struct strbuf *found)
{
	if (capture_check_ptrace(found) < 0)
		return LESS;
	strbuf_addstr(found, "children can be traced");
	return FINE;
}

/* It wants more than ptrace: a processor that it knows, and memory that may be read. */
static enum standing look_step(struct strbuf *found)
{
	const char *why = strategy_step.unable();

	strbuf_addstr(found, why ? why : "windows can be walked");
	return why ? LESS : FINE;
}

/* Linked, so it is here; said for completeness of a bug report. */
static enum standing look_libdw(struct strbuf *found)
{
	strbuf_addf(found, "linked, %s", dwfl_version(NULL));
	return FINE;
}

/* As a reading process enters it. */
static void try_sandbox(int fd, void *data)
{
	struct sandbox sandbox = sandbox_enter(SANDBOX_READ);

	(void)data;
	if (write(fd, &sandbox, sizeof(sandbox)) != sizeof(sandbox))
		_exit(EXIT_HARNESS);
}

static enum standing look_sandbox(struct strbuf *found)
{
	static const struct apart_limits limits = {
		.memory = 64u << 20, .seconds = 10, .output = 4096,
	};
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;
	struct sandbox sandbox = { 0 };

	if (apart_run(try_sandbox, NULL, &limits, &out, &err) < 0)
		strbuf_addf(found, "it %s: ", err.buf);
	else if (out.len == sizeof(sandbox))
		memcpy(&sandbox, out.buf, sizeof(sandbox));
	strbuf_addstr(found, sandbox.seccomp ? "seccomp" : "no seccomp, as in some containers");
	if (sandbox.landlock)
		strbuf_addf(found, ", Landlock (ABI %d)", sandbox.landlock);
	else
		strbuf_addstr(found, ", no Landlock, which Linux has from 5.13 on, if it is built "
			      "with it and `lsm=` does not leave it out");
	strbuf_release(&out);
	strbuf_release(&err);
	return sandbox.seccomp && sandbox.landlock ? FINE : LESS;
}

static enum standing look_interpreters(struct strbuf *found)
{
	struct interp_list list = { 0 };
	struct strbuf err = STRBUF_INIT;
	const struct interp **defaults = NULL;
	size_t n = 0;

	if (interp_list_load(&list, &err) < 0) {
		strbuf_addstr(found, err.buf);
	} else {
		n = interp_defaults(&list, &defaults);
		if (!n)
			strbuf_addstr(found, "none from 3.12 on");
		for (size_t i = 0; i < n; i++)
			strbuf_addf(found, "%s%s", i ? ", " : "", defaults[i]->name);
	}
	free(defaults);
	interp_list_release(&list);
	strbuf_release(&err);
	return n ? FINE : MISSING;
}

/* Captures need no core; where the kernel puts one is told for who wants one besides. */
static enum standing look_cores(struct strbuf *found)
{
	struct strbuf pattern = STRBUF_INIT;
	struct rlimit limit = { 0 };

	if (strbuf_read_file(&pattern, "/proc/sys/kernel/core_pattern", 4096) < 0)
		strbuf_addstr(&pattern, "unknown");
	strbuf_rtrim(&pattern);
	getrlimit(RLIMIT_CORE, &limit);
	strbuf_addf(found, "limit %s, pattern '%s'; not needed: crashes are captured from outside",
		    !limit.rlim_cur ? "0" : limit.rlim_cur == RLIM_INFINITY ? "none" : "set",
		    pattern.buf);
	strbuf_release(&pattern);
	return FINE;
}

static enum standing look_cpus(struct strbuf *found)
{
	cpu_set_t set;
	int usable = sched_getaffinity(0, sizeof(set), &set) == 0 ? CPU_COUNT(&set) : 1;

	strbuf_addf(found, "%d of %ld usable", usable, sysconf(_SC_NPROCESSORS_CONF));
	return usable > 1 ? FINE : LESS;
}

/* The nearest directory that exists, for the cache may not have been made yet. */
static int stat_cache(const char *path, struct statvfs *fs)
{
	char *dir = xstrdup(path), *slash;
	int result;

	while ((result = statvfs(dir, fs)) < 0 && errno == ENOENT) {
		slash = strrchr(dir, '/');
		if (!slash || slash == dir)
			break;
		*slash = '\0';
	}
	free(dir);
	return result;
}

static enum standing look_cache(struct strbuf *found)
{
	struct strbuf err = STRBUF_INIT;
	unsigned long long available;
	struct statvfs fs;

	if (paths_cache(found, &err) < 0) {
		strbuf_addstr(found, err.buf);
		strbuf_release(&err);
		return MISSING;
	}
	strbuf_release(&err);
	if (stat_cache(found->buf, &fs) < 0) {
		strbuf_addf(found, ": %s", strerror(errno));
		return MISSING;
	}
	if (fs.f_flag & ST_RDONLY) {
		strbuf_addstr(found, " is on a file system that may only be read");
		return MISSING;
	}
	available = (unsigned long long)fs.f_bavail * fs.f_frsize;
	strbuf_addf(found, ": %llu MB free", available >> 20);
	return available >= CACHE_WANTED ? FINE : LESS;
}

static const struct item items[] = {
	{ "compiler", look_compiler, "no host can be built, so nothing runs", "sh ci/setup.sh" },
	{ "c++ compiler", look_cxx, "no host can be built, so nothing runs", "sh ci/setup.sh" },
	{ "make", look_make, "no host can be built, so nothing runs", "sh ci/setup.sh" },
	{ "interpreters", look_interpreters, "there is nothing to run scenarios on",
	  "forkpoint pythons fetch" },
	{ "ptrace", look_ptrace,
	  "stacks of crashes and hangs, and with them patterns and signatures", NULL },
	{ "step", look_step,
	  "--explore step and its maps; auto takes starve instead", NULL },
	{ "libdw", look_libdw, "stacks of crashes and hangs", "sh ci/setup.sh" },
	{ "sandbox", look_sandbox,
	  "a wall around what reads hostile core and ELF files; they are read all the same", NULL },
	{ "stress-ng", look_stress, "its load; a built-in spinner stands in", "sh ci/setup.sh" },
	{ "prove", look_prove, "make check", "sh ci/setup.sh" },
	{ "gzip", look_gzip, "core files that end in .gz", "install the package gzip" },
	{ "zstd", look_zstd, "core files that end in .zst", "install the package zstd" },
	{ "cpus", look_cpus,
	  "threads that really run at once, so races that need it are met rarely",
	  "give the machine, container or task set two CPUs" },
	{ "cache", look_cache, "room for interpreters and hosts (2 GB are enough for all)",
	  "set XDG_CACHE_HOME to a directory on a larger disk, that may be written to" },
	{ "cores", look_cores, "nothing", NULL },
};

static void print_item(const struct item *item, enum standing standing, const char *found)
{
	printf("%-8s%-14s", standing_names[standing], item->name);
	if (standing == FINE) {
		printf("%s\n", found);
		return;
	}
	printf("%s; lost without: %s", found, item->lost);
	if (item->remedy)
		printf("; remedy: %s", item->remedy);
	putchar('\n');
}

static void print_json(const struct item *item, enum standing standing, const char *found)
{
	bool fine = standing == FINE;
	json_t *line = json_pack("{s:i, s:s, s:s, s:s, s:s?, s:s?}", "schema", SCHEMA,
				 "item", item->name, "standing", standing_names[standing],
				 "found", found, "lost", fine ? NULL : item->lost,
				 "remedy", fine ? NULL : item->remedy);

	if (!line)
		return;
	json_dumpf(line, stdout, JSON_COMPACT);
	putchar('\n');
	json_decref(line);
}

static int cmd_doctor(int argc, char **argv)
{
	int status = EXIT_AS_EXPECTED;

	(void)argc;
	(void)argv;
	for (size_t i = 0; i < sizeof(items) / sizeof(items[0]); i++) {
		struct strbuf found = STRBUF_INIT;
		enum standing standing = items[i].look(&found);

		if (opt.json)
			print_json(&items[i], standing, found.buf);
		else
			print_item(&items[i], standing, found.buf);
		fflush(stdout);
		if (standing == MISSING)
			status = EXIT_UNEXPECTED;
		strbuf_release(&found);
	}
	return status;
}

static const struct command_example examples[] = {
	{ "forkpoint doctor", "one line an item: ok, less or missing" },
	{ NULL, NULL },
};

const struct command doctor_command = {
	.name = "doctor",
	.synopsis = "[OPTION…]",
	.summary = "what this machine offers, what is lost without it, how to get it",
	.description =
		"Tries what forkpoint needs and says of each item how it stands: ok; less, when "
		"runs are possible but something is lost; missing, when they are not. What is lost "
		"and the remedy stand beside it. The exit status is 1 if something is missing, else 0. "
		"Hardware counters and core files are not needed.",
	.options = options,
	.examples = examples,
	.run = cmd_doctor,
};
