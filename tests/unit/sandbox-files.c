/* SPDX-License-Identifier: Apache-2.0 */
/* Landlock, alone and with seccomp: which files can be read, and what of other processes. */
#include <netinet/in.h>
#include <stddef.h>
#include <sys/un.h>

#include "tests/unit/sandbox.h"

/* As on all machines; headers may be too old for it. */
#define LANDLOCK_CREATE_RULESET 444

static char abstract[64]; /* somebody's socket */

static int read_device(void) { return opened("/dev/zero", O_RDONLY); }
static int read_kernel(void) { return opened("/sys/kernel", O_RDONLY); }
static int read_by_link(void) { return opened(link_out, O_RDONLY); }
static int read_by_dots(void) { return opened("/usr/../tmp/../dev/zero", O_RDONLY); }
static int read_by_root(void) { return opened("/proc/self/root/dev/zero", O_RDONLY); }

static int connect_abstract(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	size_t len = strlen(abstract);
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	memcpy(address.sun_path + 1, abstract, len);
	return told(connect(fd, (struct sockaddr *)&address,
			    (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)));
}

static int bind_tcp(void)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	return told(bind(fd, (struct sockaddr *)&address, sizeof(address)));
}

static int read_environment(void)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/environ", victim);
	return opened(path, O_RDONLY);
}

static int read_memory_file(void)
{
	char path[48];

	snprintf(path, sizeof(path), "/proc/%d/mem", victim);
	return opened(path, O_RDONLY);
}

/* A further process, in a further sandbox, which is to be ended. */
static int fork_and_end(void)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		sandbox_enter(SANDBOX_READ);
		_exit(fork_once() && open_write() && take_tcp() && !read_on() ? 7 : 8);
	}
	if (waitpid(pid, &status, 0) != pid || !WIFEXITED(status) || WEXITSTATUS(status) != 7)
		return EIO;
	pid = fork();
	while (!pid)
		pause();
	if (kill(pid, SIGKILL))
		return errno;
	return waitpid(pid, &status, 0) == pid && WIFSIGNALED(status) ? 0 : EIO;
}

static const struct act hidden[] = {
	{ "to read a device", read_device },
	{ "to read it by a link", read_by_link },
	{ "to read it by going up", read_by_dots },
	{ "to read it by /proc", read_by_root },
	{ "to read the kernel's", read_kernel },
};

/* By who has more capabilities, it must be both walls. */
static const struct act others[] = {
	{ "to read another's environment", read_environment },
	{ "to read another's memory as a file", read_memory_file },
};

static const struct act outside[] = {
	{ "to send a signal", send_signal },
	{ "to end a process", end_other },
	{ "to reach an abstract socket", connect_abstract },
};

static const struct act network[] = { { "to bind a TCP port", bind_tcp } };

static const struct act forking[] = {
	{ "to fork, with a further sandbox, and to end the child", fork_and_end },
};

static void check_files(int abi)
{
	REFUSED(FILES, "Landlock", changes);
	REFUSED(FILES, "Landlock", programs);
	REFUSED(FILES, "Landlock", hidden);
	REFUSED(FILES, "Landlock", tracing);
	LEFT(FILES, "Landlock", reading);
	if (abi >= 4)
		REFUSED(FILES, "Landlock", network);
	if (abi >= SANDBOX_FILES_SCOPED)
		REFUSED(FILES, "Landlock", outside);
}

static void check_both(int abi)
{
	LEFT(BOTH, "both", reading);
	REFUSED(BOTH, "both", hidden);
	REFUSED(BOTH, "both", others);
	LEFT(BOTH_FORK, "both, with forks", reading);
	if (abi < SANDBOX_FILES_SCOPED)
		return;
	LEFT(BOTH_FORK, "both, with forks", forking);
	REFUSED(BOTH_FORK, "both, with forks", outside);
}

static void listen_abstract(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	size_t len;

	snprintf(abstract, sizeof(abstract), "forkpoint-sandbox-%d", getpid());
	len = strlen(abstract);
	memcpy(address.sun_path + 1, abstract, len);
	if (bind(fd, (struct sockaddr *)&address,
		 (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + len)) < 0 ||
	    listen(fd, 64) < 0)
		printf("Bail out! no socket: %s\n", strerror(errno));
}

int main(void)
{
	struct sandbox sandbox = offered();
	long abi;

	set_up();
	listen_abstract();
	printf("# seccomp %d, Landlock ABI %d\n", sandbox.seccomp, sandbox.landlock);
	abi = syscall(LANDLOCK_CREATE_RULESET, NULL, 0, 1);
	CHECK_INT(sandbox.landlock, abi > 0 ? abi : 0, "Landlock holds where the kernel has it");
	if (sandbox.landlock)
		check_files(sandbox.landlock);
	if (sandbox.seccomp && sandbox.landlock)
		check_both(sandbox.landlock);
	clean_up();
	return tap_done();
}
