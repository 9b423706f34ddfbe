/* SPDX-License-Identifier: Apache-2.0 */
#include "run/link.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/personality.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/signals.h"
#include "run/link_private.h"

/* Python starts in 20 to 45 ms; a minute is for a machine that is on its knees. */
#define START_PATIENCE_NS (60 * NSEC_PER_SEC)

const char *isolation_name(enum isolation isolation)
{
	return isolation == ISOLATION_EXEC ? "exec" : "zygote";
}

static const char *const allocators[ALLOCATOR_COUNT] = { "default", "tcache_count=0" };

const char *allocator_name(enum allocator allocator)
{
	return allocators[allocator];
}

int allocator_parse(const char *name, enum allocator *allocator)
{
	for (int i = 0; i < ALLOCATOR_COUNT; i++) {
		if (!strcmp(name, allocators[i])) {
			*allocator = (enum allocator)i;
			return 0;
		}
	}
	return -1;
}

/* The descriptors of embed/subject.h, whatever numbers ours have: by way of numbers above them. */
static void child_descriptors(const struct link *link, int link_fd)
{
	const int from[] = { link->control_fd, link_fd, link->sink_fd, link->announce_fds[1] };
	const int to[] = { SUBJECT_FD_CONTROL, SUBJECT_FD_LINK, SUBJECT_FD_SINK,
			   SUBJECT_FD_ANNOUNCE };
	int above[4];

	for (int i = 0; i < 4; i++) {
		above[i] = from[i] < 0 ? -1 : fcntl(from[i], F_DUPFD, SUBJECT_FD_ANNOUNCE + 1);
		if (from[i] >= 0 && above[i] < 0) {
			dprintf(STDERR_FILENO, "no descriptors: raise the limit on open files "
				"(ulimit -n)\n");
			_exit(127);
		}
	}
	for (int i = 0; i < 4; i++)
		if (above[i] >= 0)
			dup2(above[i], to[i]);
	close_range(SUBJECT_FD_ANNOUNCE + 1, ~0u, 0);
	if (link_fd < 0)
		close(SUBJECT_FD_LINK);
}

/*
 * No core file. A limit of one byte says so to a core_pattern that is a pipe, too, which the kernel
 * serves whatever a limit of none says; where the hard limit is none already, none it is.
 */
static void child_limits(void)
{
	const struct rlimit none = { 0, 0 }, one = { 1, 1 }, sink = { SINK_MAX, SINK_MAX };

	if (setrlimit(RLIMIT_CORE, &one) < 0)
		setrlimit(RLIMIT_CORE, &none);
	setrlimit(RLIMIT_FSIZE, &sink);
}

/* What the user has set stays; of two settings of one tunable the later one holds. */
static void child_allocator(enum allocator allocator)
{
	const char *given = getenv("GLIBC_TUNABLES");
	char *tunables;

	if (allocator == ALLOCATOR_DEFAULT)
		return;
	tunables = xstrfmt("%s%sglibc.malloc.%s", given ? given : "", given && *given ? ":" : "",
			   allocator_name(allocator));
	setenv("GLIBC_TUNABLES", tunables, 1);
	free(tunables);
}

static void child_exec(const struct link *link, const char *mode, int link_fd, pid_t parent)
	__attribute__((noreturn));
static void child_exec(const struct link *link, const char *mode, int link_fd, pid_t parent)
{
	char *argv[5] = { link->host };
	int n = 1, null = open("/dev/null", O_RDONLY);

	die_with_parent(SIGKILL, parent);
	dup2(null, STDIN_FILENO);
	dup2(link->sink_fd, STDOUT_FILENO);
	dup2(link->sink_fd, STDERR_FILENO);
	child_descriptors(link, link_fd);
	child_limits();
	signals_default();
	signal(SIGINT, SIG_IGN);
	/*
	 * A symbol's first call would go through the dynamic linker, some 1,600 instructions that
	 * are no part of anybody's window. The host itself is linked with -z now; its libraries
	 * are as they were built.
	 */
	setenv("LD_BIND_NOW", "1", 1);
	child_allocator(link->allocator);
	/* The same addresses each time: crashes compare, and a replay is a replay. */
	personality(ADDR_NO_RANDOMIZE);
	if (link->home) {
		argv[n++] = "--home";
		argv[n++] = link->home;
	}
	argv[n++] = (char *)mode;
	execv(link->host, argv);
	dprintf(STDERR_FILENO, "%s: %s\n", link->host, strerror(errno));
	_exit(127);
}

pid_t link_spawn(const struct link *link, const char *mode, int link_fd)
{
	pid_t parent = getpid(), pid = fork();

	if (pid == 0)
		child_exec(link, mode, link_fd, parent);
	/* Both sides, so that the group is there for whoever of us is first. */
	if (pid > 0)
		setpgid(pid, pid);
	return pid;
}

bool link_sink_is_full(const struct link *link)
{
	return lseek(link->sink_fd, 0, SEEK_END) >= (off_t)SINK_MAX;
}

void link_read_sink(const struct link *link, struct strbuf *out, size_t max)
{
	off_t size = lseek(link->sink_fd, 0, SEEK_END), from;
	char chunk[4096];
	ssize_t n;

	from = size > (off_t)max ? size - (off_t)max : 0;
	while (from < size && (n = pread(link->sink_fd, chunk, sizeof(chunk), from)) > 0) {
		strbuf_add(out, chunk, (size_t)n);
		from += n;
	}
}

static int memory_open(const char *name, off_t size)
{
	int fd = memfd_create(name, MFD_CLOEXEC);

	if (fd >= 0 && size && ftruncate(fd, size) < 0) {
		close(fd);
		return -1;
	}
	return fd;
}

static int link_resources(struct link *link, struct strbuf *err)
{
	int error;

	link->control_fd = memory_open(CONTROL_MEMORY_NAME, CONTROL_SIZE);
	link->sink_fd = memory_open("forkpoint-sink", 0);
	if (link->control_fd < 0 || link->sink_fd < 0 ||
	    fcntl(link->sink_fd, F_SETFL, O_APPEND) < 0 ||
	    pipe2(link->announce_fds, O_CLOEXEC | O_NONBLOCK) < 0)
		goto failed;
	link->control = mmap(NULL, CONTROL_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED,
			     link->control_fd, 0);
	if (link->control == MAP_FAILED) {
		link->control = NULL;
		goto failed;
	}
	link->control->magic = CONTROL_MAGIC;
	link->control->version = CONTROL_VERSION;
	link->control->size = CONTROL_SIZE;
	return 0;
failed:
	error = errno;
	strbuf_addf(err, "no memory to share with a host: %s%s", strerror(error), error == EFBIG ?
		    ": the limit of a file's size is too low (ulimit -f unlimited)" : "");
	return -1;
}

static int await_ready(struct link *link, const volatile bool *interrupted, struct strbuf *err)
{
	struct pollfd fd = { .fd = link->link_fd, .events = POLLIN };
	uint64_t until_ns = clock_now() + START_PATIENCE_NS;
	struct strbuf output = STRBUF_INIT;
	struct link_reply reply;

	while (!*interrupted && clock_now() < until_ns && !fd.revents)
		if (signals_poll(&fd, 1, NSEC_PER_SEC) < 0)
			fd.revents = 0;
	if (fd.revents && recv(link->link_fd, &reply, sizeof(reply), 0) == (ssize_t)sizeof(reply) &&
	    reply.event == LINK_READY)
		return 0;
	if (*interrupted && !fd.revents) {
		strbuf_addf(err, "the host %s was not ready yet when it was interrupted",
			    link->host);
		return -1;
	}
	link_read_sink(link, &output, 2000);
	strbuf_rtrim(&output);
	strbuf_addf(err, "the host %s does not start: %s (its interpreter may lack its standard "
		    "library: forkpoint pythons)", link->host,
		    output.len ? output.buf : fd.revents ? "it ended without a word" :
		    "it is not ready after a minute");
	strbuf_release(&output);
	return -1;
}

static int zygote_open(struct link *link, const volatile bool *interrupted, struct strbuf *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		strbuf_addf(err, "no socket to a host: %s", strerror(errno));
		return -1;
	}
	link->link_fd = pair[0];
	link->zygote = link_spawn(link, "--zygote", pair[1]);
	close(pair[1]);
	if (link->zygote < 0) {
		strbuf_addf(err, "no process for a host: %s", strerror(errno));
		link->zygote = 0;
		return -1;
	}
	return await_ready(link, interrupted, err);
}

struct link *link_open(const char *host, const char *home, enum isolation isolation,
		       enum allocator allocator, const volatile bool *interrupted,
		       struct strbuf *err)
{
	struct link *link = xcalloc(1, sizeof(*link));

	link->isolation = isolation;
	link->allocator = allocator;
	link->host = xstrdup(host);
	link->home = home ? xstrdup(home) : NULL;
	link->control_fd = link->sink_fd = link->link_fd = -1;
	link->announce_fds[0] = link->announce_fds[1] = -1;
	if (link_resources(link, err) < 0 ||
	    (isolation == ISOLATION_ZYGOTE && zygote_open(link, interrupted, err) < 0)) {
		link_close(link);
		return NULL;
	}
	return link;
}

static void close_if(int fd)
{
	if (fd >= 0)
		close(fd);
}

/*
 * The subject is in a process group of its own. The zygote kills it when the link is shut, but it
 * may be stuck itself: then its death is the subject's (PR_SET_PDEATHSIG).
 */
void link_close(struct link *link)
{
	if (!link)
		return;
	if (link->zygote > 0) {
		if (link->subject > 0)
			kill(-link->subject, SIGKILL);
		kill(link->zygote, SIGKILL);
		while (waitpid(link->zygote, NULL, 0) < 0 && errno == EINTR)
			;
	}
	close_if(link->link_fd);
	close_if(link->control_fd);
	close_if(link->sink_fd);
	close_if(link->announce_fds[0]);
	close_if(link->announce_fds[1]);
	if (link->control)
		munmap(link->control, CONTROL_SIZE);
	free(link->host);
	free(link->home);
	free(link);
}
