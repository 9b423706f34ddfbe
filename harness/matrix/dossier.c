/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/dossier.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "observe/machine.h"
#include "observe/stacktext.h"
#include "observe/waitgraph.h"

/* Runs of one seed into one directory; who has more of them wants another directory. */
#define SAME_NAME_MAX 1000

/* Of each process that is in it, in the order in which they are. */
static void add_processes(struct strbuf *out, const struct crash *crash,
			  void (*add)(struct strbuf *, const struct crash *, pid_t))
{
	pid_t last = 0;

	for (size_t i = 0; i < crash->nthreads; i++) {
		if (crash->threads[i].pid != last)
			add(out, crash, crash->threads[i].pid);
		last = crash->threads[i].pid;
	}
}

static void add_python(struct strbuf *out, const struct crash *crash, pid_t pid)
{
	struct strbuf text = STRBUF_INIT;

	stacktext_python(&text, crash, pid);
	if (text.len)
		strbuf_addf(out, "Process %d: %s", pid, text.buf);
	strbuf_release(&text);
}

static void add_triage(struct strbuf *out, const struct triage *t, enum confirmation confirmation)
{
	strbuf_addf(out, "pattern      %s (%s)\ndetail       %s\nattribution  %s%s%s\n"
		    "signature    %s\nexperiment   %s\n", pattern_name(t->pattern),
		    confidence_name(t->confidence), t->detail, attribution_name(t->attribution),
		    t->component ? ", " : "", t->component ? t->component : "", t->signature,
		    confirmation_name(confirmation));
	for (size_t i = 0; i < t->nevidence; i++)
		strbuf_addf(out, "evidence     %s\n", t->evidence[i].why);
}

static void add_crash(struct strbuf *out, const struct crash *crash)
{
	if (crash->kind == CRASH_KIND_SIGNAL)
		strbuf_addf(out, "signal       %d, si_code %d, process %d%s, thread %d\n",
			    crash->signo, crash->code, crash->pid,
			    crash->in_child ? " (the forked child)" : "", crash->tid);
	if (crash->has_addr)
		strbuf_addf(out, "address      0x%llx\n", (unsigned long long)crash->addr);
	if (crash->degraded)
		strbuf_addf(out, "degraded     %s\n", crash->degraded);
	strbuf_addf(out, "\nmessage:\n%s\n", crash->message);
	add_processes(out, crash, add_python);
	add_processes(out, crash, waitgraph_tell);
	for (size_t i = 0; i < crash->nthreads; i++) {
		strbuf_addstr(out, crash->threads[i].culprit ? "\n* " : "\n");
		stacktext_thread(out, &crash->threads[i], 0, STACKTEXT_MERGED);
	}
	for (size_t i = 0; i < crash->nregs; i++)
		strbuf_addf(out, "%s%-6s 0x%016llx%s", i ? "" : "\nregisters:\n",
			    machine_register_name(i), (unsigned long long)crash->regs[i],
			    i % 4 == 3 || i + 1 == crash->nregs ? "\n" : "  ");
	if (crash->maps)
		strbuf_addf(out, "\nmaps:\n%s", crash->maps);
}

/* 0 or an errno. */
static int write_all(int fd, const struct strbuf *text)
{
	for (size_t done = 0; done < text->len;) {
		ssize_t n = write(fd, text->buf + done, text->len - done);

		if (n < 0 && errno != EINTR)
			return errno;
		if (n > 0)
			done += (size_t)n;
	}
	return 0;
}

/*
 * Who has made the file beside may make the one that it stands for, and nobody else will meanwhile.
 * The descriptor, or -1 with errno: EEXIST if either is there already, whoever left it.
 */
static int open_beside(const char *beside, const char *path)
{
	int fd = open(beside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
	struct stat st;

	if (fd < 0 || lstat(path, &st) < 0)
		return fd;
	close(fd);
	unlink(beside);
	errno = EEXIST;
	return -1;
}

/* 0 or an errno: EEXIST if that name is taken. */
static int write_whole(const char *path, const struct strbuf *text)
{
	char *beside = xstrfmt("%s.part", path);
	int fd = open_beside(beside, path);
	int error = fd < 0 ? errno : write_all(fd, text);

	if (fd >= 0 && close(fd) < 0 && !error)
		error = errno;
	if (!error && rename(beside, path) < 0)
		error = errno;
	if (error && fd >= 0)
		unlink(beside);
	free(beside);
	return error;
}

/* Without its ending. */
static char *dossier_stem(const char *dir, const struct unit *unit, const struct cell *cell,
			  unsigned int n)
{
	char *scenario = unit_scenario_name(unit), *slash = strchr(scenario, '/'), *stem;

	if (slash)
		*slash = '-';
	stem = xstrfmt("%s/%s-%s-%s-%s-%s-0x%llx-%u", dir, scenario, cell->twin ? "twin" : "bug",
		       unit->python->name, unit->strategy->name,
		       outcome_name(cell->findings[n].outcome),
		       (unsigned long long)cell->limits.seed, n);
	free(scenario);
	return stem;
}

/* Under the first name that is free. */
static int dossier_keep(const char *stem, const struct strbuf *text, struct strbuf *err)
{
	char *path = xstrfmt("%s.txt", stem);
	int error = write_whole(path, text);

	for (unsigned int k = 2; error == EEXIST && k < SAME_NAME_MAX; k++) {
		free(path);
		path = xstrfmt("%s-%u.txt", stem, k);
		error = write_whole(path, text);
	}
	if (error)
		strbuf_addf(err, "--out: cannot keep %s: %s: free some space or name another "
			    "directory", path, strerror(error));
	free(path);
	return error ? -1 : 0;
}

int dossier_write(const char *dir, const struct unit *unit, const struct cell *cell, unsigned int n,
		  const char *replay, const struct triage *triage, enum confirmation confirmation,
		  struct strbuf *err)
{
	const struct finding *f = &cell->findings[n];
	char *stem = dossier_stem(dir, unit, cell, n), *title = unit_title(unit);
	struct strbuf text = STRBUF_INIT;
	int ret;

	strbuf_addf(&text, "%s%s: %s, %llu times in %llu trials\n"
		    "replay       forkpoint replay %s\n",
		    title, cell->twin ? " (twin)" : "", outcome_name(f->outcome),
		    (unsigned long long)f->count, (unsigned long long)cell->tally.trials, replay);
	if (triage)
		add_triage(&text, triage, confirmation);
	if (f->crash)
		add_crash(&text, f->crash);
	ret = dossier_keep(stem, &text, err);
	strbuf_release(&text);
	free(title);
	free(stem);
	return ret;
}
