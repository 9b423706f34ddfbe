/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/core_unpack.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/signals.h"
#include "observe/core_open.h"

/* A pipe holds so much; also the grain in which zeros are left out. */
#define CHUNK 65536u
/* How often the room is looked at. */
#define LOOK_BYTES (64u << 20)

static int temporary_file(struct strbuf *err)
{
	const char *directory = getenv("TMPDIR");
	char *path = xstrfmt("%s/forkpoint-core.XXXXXX", directory && *directory ? directory :
										    "/tmp");
	int fd = mkostemp(path, O_CLOEXEC);

	if (fd < 0)
		strbuf_addf(err, "is compressed, and there is no place to decompress it: %s: %s; "
			    "set TMPDIR to a directory that can be written", path, strerror(errno));
	else
		unlink(path);
	free(path);
	return fd;
}

static pid_t program_start(int fd, const char *program, int to, struct strbuf *err)
{
	char *const argv[] = { (char *)program, "-dc", NULL };
	posix_spawn_file_actions_t actions;
	pid_t pid;
	int error;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, fd, STDIN_FILENO);
	posix_spawn_file_actions_adddup2(&actions, to, STDOUT_FILENO);
	posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	error = posix_spawnp(&pid, program, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (!error)
		return pid;
	strbuf_addf(err, "is compressed, and the program that decompresses it, %s, cannot be run: "
		    "%s; install it", program, strerror(error));
	return -1;
}

static bool is_zero(const char *bytes, size_t n)
{
	return !n || (!bytes[0] && !memcmp(bytes, bytes + 1, n - 1));
}

static bool is_room(int fd)
{
	struct statvfs fs;

	return fstatvfs(fd, &fs) < 0 ||
	       (uint64_t)fs.f_bavail * fs.f_frsize >= (uint64_t)CORE_SPARE_MIB << 20;
}

/* As much as comes: a pipe gives less than asked for. */
static ssize_t chunk_read(int from, char *chunk)
{
	size_t n = 0;

	while (n < CHUNK) {
		ssize_t got = read(from, chunk + n, CHUNK - n);

		if (got < 0 && errno == EINTR && !signals_interrupted())
			continue;
		if (got < 0)
			return -1;
		if (!got)
			break;
		n += (size_t)got;
	}
	return (ssize_t)n;
}

/* The size of all, or -1 and a sentence. */
static off_t copy(int from, int to, struct strbuf *err)
{
	static char chunk[CHUNK];
	off_t size = 0;
	ssize_t n;

	while ((n = chunk_read(from, chunk)) > 0) {
		/* Most of a large file would come for nothing. */
		if (!size && memcmp(chunk, ELFMAG, SELFMAG) != 0) {
			strbuf_addstr(err, "is no core file: what is compressed in it is not of "
					   "the ELF format");
			return -1;
		}
		if (size % LOOK_BYTES == 0 && !is_room(to)) {
			strbuf_addf(err, "is not decompressed: less than %d MiB are free for "
				    "temporary files; set TMPDIR to where there are more",
				    CORE_SPARE_MIB);
			return -1;
		}
		if (!is_zero(chunk, (size_t)n) && pwrite(to, chunk, (size_t)n, size) != n) {
			strbuf_addf(err, "cannot be decompressed to a temporary file: %s",
				    strerror(errno));
			return -1;
		}
		size += n;
		if (size > (off_t)CORE_UNPACKED_MAX_GIB << 30) {
			strbuf_addf(err, "is not decompressed: it has more than %d GiB",
				    CORE_UNPACKED_MAX_GIB);
			return -1;
		}
	}
	if (n < 0 || ftruncate(to, size) < 0) {
		strbuf_addf(err, "cannot be decompressed: %s", strerror(errno));
		return -1;
	}
	return size;
}

/* Zero: it went well, or well enough. */
static int program_end(pid_t pid, const char *program, off_t size, struct strbuf *notes,
		       struct strbuf *err)
{
	int status = 0;

	if (size < 0)
		kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (size < 0)
		return -1;
	if (status && !size) {
		strbuf_addf(err, "cannot be decompressed: %s finds nothing in it", program);
		return -1;
	}
	if (status)
		strbuf_addf(notes, "what is compressed is damaged or cut off, %s says: what comes "
			    "before is used\n", program);
	return 0;
}

int core_unpack(int fd, const char *program, struct strbuf *notes, struct strbuf *err)
{
	int file = temporary_file(err), ends[2];
	off_t size;
	pid_t pid;

	if (file < 0)
		return -1;
	if (pipe2(ends, O_CLOEXEC) < 0) {
		strbuf_addf(err, "cannot be decompressed: %s", strerror(errno));
		close(file);
		return -1;
	}
	pid = program_start(fd, program, ends[1], err);
	close(ends[1]);
	size = pid < 0 ? -1 : copy(ends[0], file, err);
	close(ends[0]);
	if (pid < 0 || program_end(pid, program, size, notes, err) < 0) {
		close(file);
		return -1;
	}
	return file;
}
