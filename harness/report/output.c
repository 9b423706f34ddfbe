/* SPDX-License-Identifier: Apache-2.0 */
#include "report/output.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"

struct output {
	int fd;
	bool own_fd;
	bool regular;   /* can be cut back */
	bool complained;
	char *name;
	struct strbuf pending; /* not written yet; begins with a whole record if `regular` */
};

struct output *output_over(int fd, const char *name)
{
	struct output *out = xcalloc(1, sizeof(*out));
	struct stat st;

	out->fd = fd;
	out->name = xstrdup(name);
	out->regular = fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
	strbuf_init(&out->pending);
	return out;
}

struct output *output_open(const char *path, struct strbuf *err)
{
	struct output *out;
	int fd;

	if (!strcmp(path, "-"))
		return output_over(STDOUT_FILENO, "standard output");
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0) {
		strbuf_addf(err, "cannot write '%s': %s: name a file in a directory that exists "
			    "and that you may write to", path, strerror(errno));
		return NULL;
	}
	out = output_over(fd, path);
	out->own_fd = true;
	return out;
}

/* Take back a record of which only a part went out, if the file allows it. */
static void cut_back(struct output *out, size_t written)
{
	off_t end = lseek(out->fd, 0, SEEK_CUR);

	if (end < (off_t)written || ftruncate(out->fd, end - (off_t)written) < 0)
		return;
	/* With O_APPEND the position follows by itself, without it must be set. */
	lseek(out->fd, end - (off_t)written, SEEK_SET);
}

static int write_pending(struct output *out)
{
	size_t done = 0;
	int error = 0;

	while (done < out->pending.len) {
		ssize_t n = write(out->fd, out->pending.buf + done, out->pending.len - done);

		if (n > 0) {
			done += (size_t)n;
		} else if (n < 0 && errno == EAGAIN) {
			/* Somebody made our terminal or pipe non-blocking. */
			poll(&(struct pollfd){ .fd = out->fd, .events = POLLOUT }, 1, -1);
		} else if (n == 0 || errno != EINTR) {
			error = n ? errno : ENOSPC;
			break;
		}
	}
	if (!error) {
		strbuf_reset(&out->pending);
		return 0;
	}
	if (out->regular) {
		cut_back(out, done);
	} else {
		memmove(out->pending.buf, out->pending.buf + done, out->pending.len - done + 1);
		out->pending.len -= done;
	}
	errno = error;
	return -1;
}

void output_record(struct output *out, const char *data, size_t len)
{
	strbuf_add(&out->pending, data, len);
	if (write_pending(out) == 0 || out->complained)
		return;
	out->complained = true;
	warning("cannot write to %s: %m: the run goes on, and tries again with each result: "
		"make room, or give another file the next time", out->name);
}

int output_is_terminal(const struct output *out)
{
	return isatty(out->fd);
}

int output_close(struct output *out)
{
	int result = out->pending.len ? write_pending(out) : 0;

	if (result < 0)
		warning("%s is incomplete: %m: its last %zu bytes could not be written", out->name,
			out->pending.len);
	else if (out->complained)
		warning("%s is complete after all", out->name);
	/* Some file systems tell of a full disk only now. */
	if (out->own_fd && close(out->fd) < 0 && result == 0) {
		warning("%s may be incomplete: %m", out->name);
		result = -1;
	}
	strbuf_release(&out->pending);
	free(out->name);
	free(out);
	return result;
}
