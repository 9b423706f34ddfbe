/* SPDX-License-Identifier: Apache-2.0 */
/* Work in a process of its own: what it writes comes back, and it can harm nobody but itself. */
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/apart.h"
#include "base/clock.h"
#include "base/errors.h"
#include "base/procfs.h"
#include "tests/unit/tap.h"

static const struct apart_limits limits = {
	.memory = 64u << 20, .seconds = 1, .output = 1u << 20,
};

static void write_all(int fd, const char *text)
{
	if (write(fd, text, strlen(text)) < 0)
		_exit(9);
}

static void say(int fd, void *data)
{
	write_all(fd, data);
}

static void crash(int fd, void *data)
{
	write_all(fd, data);
	raise(SIGSEGV);
}

static void spin(int fd, void *data)
{
	(void)fd;
	(void)data;
	for (volatile unsigned int n = 0;; n++)
		;
}

static void sleep_on(int fd, void *data)
{
	(void)fd;
	(void)data;
	for (;;)
		pause();
}

static void flood(int fd, void *data)
{
	(void)data;
	for (;;)
		write_all(fd, "for ever and ever and ever and ever and ever\n");
}

static void hoard(int fd, void *data)
{
	(void)fd;
	(void)data;
	for (;;) {
		char *p = xmalloc(1u << 20);

		memset(p, 1, 1u << 20);
	}
}

static void complain(int fd, void *data)
{
	(void)data;
	warning("this is heard by nobody");
	puts("nor is this");
	fflush(stdout);
	write_all(fd, "done");
}

/* Its limits, as the child has them. */
static void tell_limits(int fd, void *data)
{
	struct rlimit core, files;
	char text[64];

	(void)data;
	getrlimit(RLIMIT_CORE, &core);
	getrlimit(RLIMIT_FSIZE, &files);
	snprintf(text, sizeof(text), "core %d files %d", (int)core.rlim_cur, (int)files.rlim_cur);
	write_all(fd, text);
}

static void tell_descriptors(int fd, void *data)
{
	char text[32];
	int n = 0;

	(void)data;
	for (int other = 0; other < 1024; other++)
		n += fcntl(other, F_GETFD) >= 0;
	snprintf(text, sizeof(text), "%d, pipe %d", n, fcntl(fd, F_GETFD) >= 0);
	write_all(fd, text);
}

/* `or`: where no CPU is to be had, real time may be over first. */
static void check(void (*work)(int fd, void *data), int wanted, const char *out, const char *why,
		  const char *or, const char *sentence)
{
	struct strbuf got = STRBUF_INIT, err = STRBUF_INIT;
	uint64_t start = clock_now();
	char text[] = "hello";
	pid_t *children;

	CHECK_INT(apart_run(work, text, &limits, &got, &err), wanted, "%s", sentence);
	if (out)
		CHECK_STR(got.buf, out, "what it wrote came back");
	CHECK_STR(err.buf, or && !strcmp(err.buf, or) ? or : why, "and it is told why, if not");
	CHECK(clock_now() - start < 15 * NSEC_PER_SEC, "that does not take for ever");
	CHECK_INT(procfs_children(getpid(), &children), 0, "nothing of it is left");
	free(children);
	strbuf_release(&got);
	strbuf_release(&err);
}

int main(void)
{
	static const char late[] = "did not end within 2 s";
	struct rlimit core;

	/* What a child may not have, we have. */
	getrlimit(RLIMIT_CORE, &core);
	core.rlim_cur = core.rlim_max;
	setrlimit(RLIMIT_CORE, &core);
	check(say, 0, "hello", "", NULL, "work that ends well");
	check(complain, 0, "done", "", NULL, "work that speaks to others is not heard");
	check(tell_limits, 0, "core 0 files 0", "", NULL, "work can leave no file");
	if (open("/dev/null", O_RDWR) < 0 || open("/", O_RDONLY | O_CLOEXEC) < 0)
		return 1;
	check(tell_descriptors, 0, "4, pipe 1", "", NULL, "work has no descriptor but its own");
	check(crash, -1, NULL, "died of SIGSEGV", NULL, "work that crashes");
	check(spin, -1, NULL, "took more than 1 s", late, "work that computes for ever");
	check(sleep_on, -1, NULL, late, NULL, "work that waits for ever");
	check(flood, -1, NULL, "wrote more than 1 MiB", NULL, "work that writes for ever");
	check(hoard, -1, NULL, "ran out of memory", late, "work that takes all memory");
	return tap_done();
}
