/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/build.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/cpus.h"
#include "base/errors.h"
#include "base/signals.h"
#include "run/host.h"

/* What a builder may say; a catalog has some 20 KiB. */
#define ANSWER_MAX (4u << 20)

#define LOOK_NS (100 * NSEC_PER_MSEC)

/* Who has asked us to end waits no longer for a compiler to notice. */
#define GRACE_NS (400 * NSEC_PER_MSEC)

struct builder {
	struct python *python;
	pid_t pid; /* 0: none */
	int fd;
	struct strbuf answer; /* the description, or a sentence: its exit status says which */
};

static void answer_write(int fd, const char *text, size_t len)
{
	while (len) {
		ssize_t n = write(fd, text, len);

		if (n < 0 && errno != EINTR)
			return; /* nobody is there to hear it */
		if (n > 0) {
			text += n;
			len -= (size_t)n;
		}
	}
}

static void builder_main(const struct interp *interp, unsigned int compilers, int fd, pid_t parent)
	__attribute__((noreturn));
static void builder_main(const struct interp *interp, unsigned int compilers, int fd, pid_t parent)
{
	struct strbuf err = STRBUF_INIT;
	char *host, *text = NULL;
	json_t *json = NULL;

	die_with_parent(SIGTERM, parent);
	/* Ctrl-C reaches all of a terminal's processes; it is for the main process to say so. */
	signal(SIGINT, SIG_IGN);
	host = host_build(interp, compilers, &err);
	if (host && host_try_at(host, interp->home, &err) == 0)
		json = host_describe_at(host, &err);
	if (json)
		text = json_dumps(json, JSON_COMPACT);
	answer_write(fd, text ? text : err.buf, text ? strlen(text) : err.len);
	processes_sweep();
	_exit(text ? 0 : EXIT_HARNESS);
}

static void builder_start(struct builder *b, struct python *python, unsigned int compilers)
{
	pid_t parent = getpid();
	int pipes[2];

	b->python = python;
	strbuf_init(&b->answer);
	if (pipe(pipes) < 0)
		goto failed;
	b->pid = fork();
	if (b->pid == 0) {
		signals_take();
		builder_main(python->interp, compilers, pipes[1], parent);
	}
	close(pipes[1]);
	b->fd = pipes[0];
	if (b->pid > 0)
		return;
	b->pid = 0;
	close(pipes[0]);
failed:
	python->problem = xstrfmt("there is no process to build its host: %s: raise the limits on "
				  "processes and open files", strerror(errno));
	b->python = NULL;
}

static void builder_conclude(struct python *python, int status, struct strbuf *answer)
{
	struct strbuf err = STRBUF_INIT;
	json_error_t error;
	json_t *json;

	if (status != 0) {
		python->problem = answer->len ? strbuf_detach(answer) :
				  xstrfmt("what builds its host ended without a word (wait status "
					  "0x%x): run it again", (unsigned int)status);
		return;
	}
	json = json_loadb(answer->buf, answer->len, 0, &error);
	if (!json)
		bug("a builder's answer cannot be read: %s", error.text);
	if (catalog_read(&python->catalog, json, &err) < 0)
		python->problem = strbuf_detach(&err);
	else
		python->host = host_path(python->interp, &err);
	strbuf_release(&err);
}

/* Its pipe is shut: it is over, or as good as. */
static void builder_end(struct builder *b)
{
	int status = -1;

	close(b->fd);
	while (waitpid(b->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!signals_interrupted())
		builder_conclude(b->python, status, &b->answer);
	strbuf_release(&b->answer);
	b->pid = 0;
	b->python = NULL;
}

static void builder_read(struct builder *b)
{
	char chunk[16384];
	ssize_t n = read(b->fd, chunk, sizeof(chunk));

	if (n > 0 && b->answer.len < ANSWER_MAX)
		strbuf_add(&b->answer, chunk, (size_t)n);
	else if (n == 0 || (n < 0 && errno != EINTR))
		builder_end(b);
}

static unsigned int builders_busy(const struct builder *builders, unsigned int n)
{
	unsigned int busy = 0;

	for (unsigned int i = 0; i < n; i++)
		busy += builders[i].pid != 0;
	return busy;
}

static void builders_wait(struct builder *builders, unsigned int n)
{
	struct pollfd *fds = xcalloc(n, sizeof(*fds));

	for (unsigned int i = 0; i < n; i++)
		fds[i] = (struct pollfd){ .fd = builders[i].pid ? builders[i].fd : -1,
					  .events = POLLIN };
	if (signals_poll(fds, n, LOOK_NS) > 0)
		for (unsigned int i = 0; i < n; i++)
			if (fds[i].revents)
				builder_read(&builders[i]);
	free(fds);
}

/* The next python that has neither host nor problem, from *next on. */
static struct python *next_unbuilt(struct python_list *list, size_t *next)
{
	while (*next < list->n) {
		struct python *python = &list->v[(*next)++];

		if (!python->problem)
			return python;
	}
	return NULL;
}

/* CPUs that a host's compilers may use when so many hosts, at most, are built at once. */
static unsigned int share_of_cpus(const struct python_list *list, unsigned int jobs)
{
	unsigned int hosts = 0;

	for (size_t i = 0; i < list->n; i++)
		hosts += !list->v[i].problem;
	if (hosts > jobs)
		hosts = jobs;
	return hosts && cpus_online() > hosts ? cpus_online() / hosts : 1;
}

static void builders_stop(struct builder *builders, unsigned int n)
{
	uint64_t until_ns = clock_now() + GRACE_NS;

	for (unsigned int i = 0; i < n; i++)
		if (builders[i].pid)
			kill(builders[i].pid, SIGTERM);
	while (builders_busy(builders, n) && clock_now() < until_ns)
		builders_wait(builders, n);
	for (unsigned int i = 0; i < n; i++) {
		if (!builders[i].pid)
			continue;
		kill(builders[i].pid, SIGKILL);
		builder_end(&builders[i]);
	}
	processes_sweep();
}

int build_all(struct python_list *list, unsigned int jobs)
{
	struct builder *builders = xcalloc(jobs, sizeof(*builders));
	unsigned int compilers = share_of_cpus(list, jobs);
	size_t next = 0;

	do {
		for (unsigned int i = 0; i < jobs; i++) {
			struct python *python = builders[i].pid ? NULL : next_unbuilt(list, &next);

			if (python)
				builder_start(&builders[i], python, compilers);
		}
		if (builders_busy(builders, jobs))
			builders_wait(builders, jobs);
	} while (!signals_interrupted() && (builders_busy(builders, jobs) || next < list->n));
	if (signals_interrupted())
		builders_stop(builders, jobs);
	free(builders);
	return signals_interrupted();
}
