/* SPDX-License-Identifier: Apache-2.0 */
#include "report/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/signals.h"

/* A pipe that polls as writable takes as much at once. */
#define PIECE 4096

#define LOOK_NS (100 * NSEC_PER_MSEC)
#define PATIENCE_NS (200 * NSEC_PER_MSEC)

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

/* A FIFO can be opened once somebody reads it; who waits for that must hear Ctrl-C. */
static int open_to_write(const char *path)
{
	int fd;

	do
		fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK, 0666);
	while (fd < 0 && errno == ENXIO && !signals_interrupted() &&
	       signals_poll(NULL, 0, LOOK_NS) <= 0);
	if (fd >= 0)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}

struct output *output_open(const char *path, struct strbuf *err)
{
	struct output *out;
	int fd;

	if (!strcmp(path, "-"))
		return output_over(STDOUT_FILENO, "standard output");
	fd = open_to_write(path);
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

/*
 * Wait until the other end has room for PIECE bytes. Not in write(): a reader that has stopped
 * reading (a pager) must not keep Ctrl-C from working. Then it gets a moment, and we give up: -1.
 */
static int await_room(struct output *out)
{
	struct pollfd fd = { .fd = out->fd, .events = POLLOUT };
	uint64_t until_ns = 0;

	while (!out->regular && signals_poll(&fd, 1, LOOK_NS) <= 0) {
		if (!signals_interrupted())
			continue;
		if (!until_ns)
			until_ns = clock_now() + PATIENCE_NS;
		if (clock_now() > until_ns) {
			errno = ETIMEDOUT;
			return -1;
		}
	}
	return 0;
}

static int write_pending(struct output *out)
{
	size_t done = 0;
	int error = 0;

	while (done < out->pending.len) {
		size_t left = out->pending.len - done;
		ssize_t n = await_room(out);

		if (n == 0)
			n = write(out->fd, out->pending.buf + done,
				  !out->regular && left > PIECE ? PIECE : left);
		if (n > 0) {
			done += (size_t)n;
		} else if (n == 0 || (errno != EINTR && errno != EAGAIN)) {
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
