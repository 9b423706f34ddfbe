/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/strbuf.h"

int strbuf_read(struct strbuf *sb, int fd, size_t max)
{
	char chunk[8192];
	size_t got = 0;

	while (got < max) {
		size_t want = max - got < sizeof(chunk) ? max - got : sizeof(chunk);
		ssize_t n = read(fd, chunk, want);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		strbuf_add(sb, chunk, (size_t)n);
		got += (size_t)n;
	}
	return 0;
}

int strbuf_read_file(struct strbuf *sb, const char *path, size_t max)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), saved, ret;

	if (fd < 0)
		return -1;
	ret = strbuf_read(sb, fd, max);
	saved = errno;
	close(fd);
	errno = saved;
	return ret;
}
