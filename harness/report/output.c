/* SPDX-License-Identifier: Apache-2.0 */
#include "report/output.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
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
	bool abandoned; /* nobody reads it any more */
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

/* Only a file can lose what is read from it: a terminal or a device may well be both ends. */
static bool same_file(int fd, int other)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && fstat(other, &b) == 0 && S_ISREG(a.st_mode) &&
	       a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

int output_check_inputs(int fd, const char *name, const int *inputs, struct strbuf *err)
{
	for (; inputs && *inputs >= 0; inputs++) {
		if (!same_file(fd, *inputs))
			continue;
		strbuf_addf(err, "%s is what is read, too: write to another file", name);
		return -1;
	}
	return 0;
}

/*
 * A file that is ours alone, empty. Where locks are not to be had (some network file systems), it
 * is written without one.
 */
static int claim(struct output *out, const int *inputs, struct strbuf *err)
{
	if (output_check_inputs(out->fd, out->name, inputs, err) < 0)
		return -1;
	if (!out->regular || !out->own_fd)
		return 0;
	if (same_file(out->fd, STDOUT_FILENO)) {
		strbuf_addf(err, "%s is standard output as well: name another file, or -",
			    out->name);
		return -1;
	}
	if (flock(out->fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK) {
		strbuf_addf(err, "another forkpoint is writing %s: wait for its end, or name "
			    "another file", out->name);
		return -1;
	}
	if (ftruncate(out->fd, 0) == 0)
		return 0;
	strbuf_addf(err, "cannot empty %s: %s: name another file", out->name, strerror(errno));
	return -1;
}

/* A FIFO can be opened once somebody reads it; who waits for that must hear Ctrl-C. */
static int open_to_write(const char *path)
{
	int fd;

	do
		fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
	while (fd < 0 && errno == ENXIO && !signals_interrupted() &&
	       signals_poll(NULL, 0, LOOK_NS) <= 0);
	if (fd >= 0)
		fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK);
	return fd;
}

static void output_free(struct output *out)
{
	if (out->own_fd && out->fd >= 0)
		close(out->fd);
	strbuf_release(&out->pending);
	free(out->name);
	free(out);
}

struct output *output_open(const char *path, const int *inputs, struct strbuf *err)
{
	bool standard = !strcmp(path, "-");
	struct output *out;
	int fd = STDOUT_FILENO;

	if (!standard)
		fd = open_to_write(path);
	if (fd < 0) {
		strbuf_addf(err, "cannot write '%s': %s: name a file in a directory that exists "
			    "and that you may write to", path, strerror(errno));
		return NULL;
	}
	out = output_over(fd, standard ? "standard output" : path);
	out->own_fd = !standard;
	if (claim(out, inputs, err) == 0)
		return out;
	output_free(out);
	return NULL;
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
	if (out->abandoned)
		return;
	strbuf_add(&out->pending, data, len);
	if (write_pending(out) == 0)
		return;
	if (errno == EPIPE) {
		warning("nobody reads %s any more: what was to come there is lost", out->name);
		out->abandoned = true;
		strbuf_reset(&out->pending);
	} else if (!out->complained) {
		warning("cannot write to %s: %m: it is tried again with each result: make room, "
			"or give another file the next time", out->name);
		out->complained = true;
	}
}

int output_is_terminal(const struct output *out)
{
	return isatty(out->fd);
}

size_t output_columns(const struct output *out)
{
	struct winsize size;

	return ioctl(out->fd, TIOCGWINSZ, &size) < 0 ? 0 : size.ws_col;
}

bool output_is_abandoned(const struct output *out)
{
	return out->abandoned;
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
	out->fd = -1;
	output_free(out);
	return result;
}
