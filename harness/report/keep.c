/* SPDX-License-Identifier: Apache-2.0 */
#include "report/keep.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define FILE_MODE 0666
/* Reports of one second in one directory. */
#define SAME_NAME_MAX 100000

static int write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = write(fd, data, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static void path_make(struct strbuf *path, const char *dir, const char *stem,
		      const char *extension, unsigned int number)
{
	strbuf_reset(path);
	strbuf_addf(path, "%s%s%s", dir, *dir && dir[strlen(dir) - 1] == '/' ? "" : "/", stem);
	if (number > 1)
		strbuf_addf(path, "-%u", number);
	strbuf_addf(path, ".%s", extension);
}

/* Give the unnamed file its name. linkat() overwrites nothing. */
static int name_it(int fd, const char *path)
{
	char self[32];

	snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
	return linkat(AT_FDCWD, self, AT_FDCWD, path, AT_SYMLINK_FOLLOW);
}

/* 0; -1 with errno; 1: the file system knows no unnamed files, or /proc is not there. */
static int keep_unnamed(int fd, const struct strbuf *data, const char *dir, const char *stem,
			const char *extension, unsigned int *number, struct strbuf *path)
{
	if (write_all(fd, data->buf, data->len) < 0)
		return -1;
	for (; *number < SAME_NAME_MAX; ++*number) {
		path_make(path, dir, stem, extension, *number);
		if (name_it(fd, path->buf) == 0)
			return 0;
		if (errno != EEXIST)
			return errno == ENOENT || errno == EOPNOTSUPP || errno == EPERM ? 1 : -1;
	}
	return -1;
}

static int keep_named(const struct strbuf *data, const char *dir, const char *stem,
		      const char *extension, unsigned int *number, struct strbuf *path)
{
	int fd = -1, error = 0;

	for (; *number < SAME_NAME_MAX; ++*number) {
		path_make(path, dir, stem, extension, *number);
		fd = open(path->buf, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
		if (fd >= 0)
			break;
		if (errno != EEXIST)
			return -1;
	}
	if (fd < 0)
		return -1;
	if (write_all(fd, data->buf, data->len) < 0)
		error = errno;
	/* Some file systems tell only now that there was no room. */
	if (close(fd) < 0 && !error)
		error = errno;
	if (error)
		unlink(path->buf);
	errno = error;
	return error ? -1 : 0;
}

int keep_file(struct keep_series *series, const char *dir, const char *stem, const char *extension,
	      const struct strbuf *data, struct strbuf *path, struct strbuf *err)
{
	int fd = open(dir, O_WRONLY | O_TMPFILE | O_CLOEXEC, FILE_MODE), kept = 1, error;

	if (strcmp(stem, series->stem) != 0) {
		snprintf(series->stem, sizeof(series->stem), "%s", stem);
		series->number = 1;
	}
	if (fd >= 0)
		kept = keep_unnamed(fd, data, dir, stem, extension, &series->number, path);
	else if (errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
		kept = -1;
	error = errno;
	if (fd >= 0)
		close(fd);
	errno = error;
	if (kept > 0)
		kept = keep_named(data, dir, stem, extension, &series->number, path);
	if (kept == 0)
		return 0;
	strbuf_addf(err, "cannot write a report to %s: %s: %s", dir, strerror(errno),
		    errno == ENOSPC || errno == EDQUOT || errno == EFBIG
			    ? "make room" : "give a directory that is there and can be written to");
	return -1;
}
