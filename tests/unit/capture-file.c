/* SPDX-License-Identifier: Apache-2.0 */
/* A crash in a program whose file is gone: a copy of this one, which deletes itself. */
#include <sys/stat.h>

#include "tests/unit/capture.h"

enum { CONTROL_FD = 40, ANNOUNCE_FD = 41 };

static void copy_self(const char *path)
{
	char command[256];

	snprintf(command, sizeof(command), "cp /proc/%d/exe %s", getpid(), path);
	if (system(command))
		printf("# cannot copy this program\n");
}

static void test_deleted_file(void)
{
	char path[] = "/tmp/forkpoint-capture-XXXXXX";
	struct control_crash copy;
	struct crash *crash;
	int fd = mkstemp(path);
	pid_t pid;

	close(fd);
	copy_self(path);
	chmod(path, 0700);
	memset(shared, 0, sizeof(*shared));
	pid = fork();
	if (!pid) {
		dup2(control_fd, CONTROL_FD);
		dup2(announce_fd[1], ANNOUNCE_FD);
		execl(path, path, "deleted", NULL);
		_exit(97);
	}
	CHECK(announced(), "a program that deleted its own file announces its crash");
	memcpy(&copy, shared, sizeof(copy));
	crash = capture_signal(cache, &copy, NULL);
	CHECK_STR(name_at(crash_culprit(crash), 0), "crash_inner",
		  "what it had mapped is still read, not what stands under the name now");
	CHECK(crash_culprit(crash)->frames[0].module &&
		      !strcmp(crash_culprit(crash)->frames[0].module, path),
	      "and goes by the name that it had");
	subject_release(pid);
	crash_free(crash);
	unlink(path);
}

/* Under the name of the running program there is now another file, which is no program. */
static int run_deleted(const char *self)
{
	FILE *f;

	announce_fd[1] = ANNOUNCE_FD;
	shared_map(CONTROL_FD);
	unlink(self);
	f = fopen(self, "w");
	if (f) {
		fputs("nothing\n", f);
		fclose(f);
	}
	subject_prepare();
	crash_outer();
	return 98;
}

int main(int argc, char **argv)
{
	if (argc > 1 && !strcmp(argv[1], "deleted"))
		return run_deleted(argv[0]);
	if (!capture_begin())
		return 1;
	test_deleted_file();
	return capture_end();
}
