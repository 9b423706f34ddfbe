/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is tried in a sandbox, each in a process of its own. It is tried without one first: there it
 * must be possible, or its refusal would say nothing.
 */
#ifndef FORKPOINT_TESTS_UNIT_SANDBOX_H
#define FORKPOINT_TESTS_UNIT_SANDBOX_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "base/sandbox_files.h"
#include "base/strbuf.h"
#include "tests/unit/tap.h"

/* Died of a signal. */
#define DIED 256

static char directory[] = "/tmp/forkpoint-sandbox.XXXXXX";
static char file[64], fresh[64], link_out[64], link_in[64];
static pid_t victim;        /* a process that waits */
__attribute__((unused))
static volatile long word;  /* of its memory, at the same place as here */
static int pipe_ends[2];

/* An errno for what system calls return. */
static int told(long result)
{
	return result < 0 ? errno : 0;
}

static int opened(const char *path, int flags)
{
	return told(open(path, flags | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0600));
}

/* Which walls are set up. */
enum walls { NO_WALL, FILES, FILTER, FILTER_FORK, FILTER_TRACE, BOTH, BOTH_FORK };

static bool enter(enum walls walls)
{
	switch (walls) {
	case NO_WALL:
		return true;
	case FILES:
		return sandbox_files_enter() > 0;
	case FILTER:
		return sandbox_enter(SANDBOX_READ | SANDBOX_OTHER_ROOT).seccomp;
	case FILTER_FORK:
		return sandbox_enter(SANDBOX_READ_FORK | SANDBOX_OTHER_ROOT).seccomp;
	case FILTER_TRACE:
		return sandbox_enter(SANDBOX_TRACE).seccomp;
	case BOTH:
		return sandbox_enter(SANDBOX_READ).seccomp;
	case BOTH_FORK:
		return sandbox_enter(SANDBOX_READ_FORK).seccomp;
	}
	return false;
}

static void put_file(void)
{
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd < 0 || write(fd, "here", 4) != 4)
		printf("Bail out! no file: %s\n", strerror(errno));
	close(fd);
	remove(fresh);
}

static void start_victim(void)
{
	victim = fork();
	if (!victim) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		for (;;)
			pause();
	}
}

static void end_victim(void)
{
	kill(victim, SIGKILL);
	while (waitpid(victim, NULL, 0) < 0 && errno == EINTR)
		;
}

/* 0: it was possible; errno; or DIED and the signal. */
static int attempt(enum walls walls, int (*act)(void))
{
	int status;
	pid_t pid;

	put_file();
	start_victim();
	pid = fork();
	if (!pid) {
		signal(SIGALRM, SIG_DFL);
		alarm(20);
		_exit(enter(walls) ? act() & 0xff : 254);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	end_victim();
	return WIFEXITED(status) ? WEXITSTATUS(status) : DIED + WTERMSIG(status);
}

struct act {
	const char *what;
	int (*try)(void);
};

static bool is_refused(int result)
{
	return result == EPERM || result == EACCES || result == ENOSYS || result == EAGAIN;
}

__attribute__((unused))
static void check_refused(enum walls walls, const char *where, const struct act *acts, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		int without = attempt(NO_WALL, acts[i].try), within;

		if (without) {
			/* Another reason than ours. */
			tap_point(true, __FILE__, __LINE__, "%s: %s # SKIP not possible here: %d",
				  where, acts[i].what, without);
			continue;
		}
		within = attempt(walls, acts[i].try);
		if (!CHECK(is_refused(within), "%s: %s is refused", where, acts[i].what))
			printf("# got %d (%s)\n", within, strerror(within));
	}
}

__attribute__((unused))
static void check_left(enum walls walls, const char *where, const struct act *acts, size_t n)
{
	for (size_t i = 0; i < n; i++)
		CHECK_INT(attempt(walls, acts[i].try), 0, "%s: %s is left", where, acts[i].what);
}

#define REFUSED(walls, where, acts) check_refused(walls, where, acts, sizeof(acts) / sizeof(*acts))
#define LEFT(walls, where, acts) check_left(walls, where, acts, sizeof(acts) / sizeof(*acts))

/* Acts that are tried in more than one sandbox */

static int open_write(void) { return opened(file, O_WRONLY); }
static int open_both(void) { return opened(file, O_RDWR); }
static int open_create(void) { return opened(fresh, O_RDONLY | O_CREAT); }
static int open_truncate(void) { return opened(file, O_RDONLY | O_TRUNC); }
static int open_temporary(void) { return opened(directory, O_TMPFILE | O_RDWR); }
static int cut(void) { return told(truncate(file, 0)); }
static int take_away(void) { return told(unlink(file)); }
static int make_directory(void) { return told(mkdir(fresh, 0700)); }
static int make_link(void) { return told(link(file, fresh)); }
static int make_name(void) { return told(symlink(file, fresh)); }
static int change_name(void) { return told(rename(file, fresh)); }
__attribute__((unused))
static int take_tcp(void) { return told(socket(AF_INET, SOCK_STREAM, 0)); }
__attribute__((unused))
static int send_signal(void) { return told(kill(victim, SIGCONT)); }
__attribute__((unused))
static int end_other(void) { return told(kill(victim, SIGKILL)); }
static int trace(void) { return told(ptrace(PTRACE_SEIZE, victim, NULL, NULL)); }

static int execute(void)
{
	char *const argv[] = { (char *)"true", NULL };

	execv("/bin/true", argv);
	return errno;
}

static int spawn(void)
{
	char *const argv[] = { (char *)"true", NULL };
	pid_t pid;

	return posix_spawn(&pid, "/bin/true", NULL, NULL, argv, environ);
}

__attribute__((unused))
static int fork_once(void)
{
	pid_t pid = fork();

	if (!pid)
		_exit(0);
	return told(pid);
}

static int read_memory(void)
{
	long got = 0;
	struct iovec here = { &got, sizeof(got) };
	struct iovec there = { (void *)(uintptr_t)&word, sizeof(word) };

	return told(process_vm_readv(victim, &here, 1, &there, 1, 0));
}

/* All of this is for reading. */
static int read_on(void)
{
	struct strbuf text = STRBUF_INIT;
	struct stat st;
	char *memory = malloc(64u << 20);
	void *mapped;
	int fd = open(link_in, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || fstat(fd, &st) || !memory)
		return errno;
	memset(memory, 1, 64u << 20);
	mapped = mmap(NULL, 4, PROT_READ, MAP_PRIVATE, fd, 0);
	if (mapped == MAP_FAILED || memcmp(mapped, "here", 4))
		return errno;
	if (strbuf_read_file(&text, "/proc/self/status", 65536) < 0 ||
	    strbuf_read_file(&text, "/proc/1/comm", 64) < 0 || access("/usr", R_OK))
		return errno;
	close(fd);
	return write(pipe_ends[1], "said", 4) == 4 ? 0 : errno;
}

static int read_self(void) { return opened("/proc/self/exe", O_RDONLY); }

static const struct act changes[] = {
	{ "to open for writing", open_write },
	{ "to open for both", open_both },
	{ "to create by opening", open_create },
	{ "to empty by opening", open_truncate },
	{ "a file without a name", open_temporary },
	{ "to cut a file", cut },
	{ "to take a file away", take_away },
	{ "to make a directory", make_directory },
	{ "to make a link", make_link },
	{ "to make a symbolic link", make_name },
	{ "to rename", change_name },
};

static const struct act programs[] = {
	{ "to execute a program", execute },
	{ "to spawn one", spawn },
};

static const struct act tracing[] = {
	{ "to trace", trace },
	{ "to read another's memory", read_memory },
};

static const struct act reading[] = {
	{ "to read", read_on },
	{ "to read its own program", read_self },
};

static void set_up(void)
{
	if (!mkdtemp(directory) || pipe2(pipe_ends, O_CLOEXEC) < 0)
		printf("Bail out! no directory or pipe: %s\n", strerror(errno));
	snprintf(file, sizeof(file), "%s/file", directory);
	snprintf(fresh, sizeof(fresh), "%s/fresh", directory);
	snprintf(link_out, sizeof(link_out), "%s/out", directory);
	snprintf(link_in, sizeof(link_in), "%s/in", directory);
	if (symlink("/dev/zero", link_out) < 0 || symlink("file", link_in) < 0)
		printf("Bail out! no link: %s\n", strerror(errno));
}

static void clean_up(void)
{
	remove(file);
	remove(fresh);
	remove(link_out);
	remove(link_in);
	rmdir(directory);
}

/* By a child's: it is for good. */
__attribute__((unused))
static struct sandbox offered(void)
{
	struct sandbox sandbox = { 0 };
	pid_t pid = fork();

	if (!pid) {
		sandbox = sandbox_enter(SANDBOX_READ);
		_exit(sandbox.landlock << 1 | sandbox.seccomp);
	}
	int status = 0;

	waitpid(pid, &status, 0);
	sandbox.seccomp = WEXITSTATUS(status) & 1;
	sandbox.landlock = WEXITSTATUS(status) >> 1;
	return sandbox;
}

#endif
