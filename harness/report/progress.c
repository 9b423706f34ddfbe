/* SPDX-License-Identifier: Apache-2.0 */
#include "report/progress.h"

#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/text.h"

/* Ten lines a second look live, and cost nothing even over a slow connection. */
#define DRAW_INTERVAL (100 * NSEC_PER_MSEC)

struct progress {
	int fd;
	bool live;  /* fd is a terminal that understands "erase to the end of the line" */
	bool drawn;
	size_t cells, done;
	json_int_t crashes; /* of finished cells */
	uint64_t started, last;
	struct {
		char *name; /* NULL: idle */
		uint64_t crashes;
	} slots[PROGRESS_SLOTS];
};

struct progress_writer {
	struct reporter reporter;
	struct progress *progress;
};

struct progress *progress_new(int fd)
{
	struct progress *progress = xcalloc(1, sizeof(*progress));
	const char *term = getenv("TERM");

	progress->fd = fd;
	progress->live = isatty(fd) && term && strcmp(term, "dumb") != 0;
	progress->started = clock_now();
	return progress;
}

void progress_free(struct progress *progress)
{
	if (!progress)
		return;
	progress_clear(progress);
	for (size_t i = 0; i < PROGRESS_SLOTS; i++)
		free(progress->slots[i].name);
	free(progress);
}

void progress_start(struct progress *progress, size_t slot, const char *name)
{
	struct strbuf clean = STRBUF_INIT;

	if (slot >= PROGRESS_SLOTS)
		return;
	progress_stop(progress, slot);
	text_add_line(&clean, name, strlen(name));
	progress->slots[slot].name = strbuf_detach(&clean);
}

void progress_update(struct progress *progress, size_t slot, uint64_t crashes)
{
	if (slot < PROGRESS_SLOTS)
		progress->slots[slot].crashes = crashes;
}

void progress_stop(struct progress *progress, size_t slot)
{
	if (slot >= PROGRESS_SLOTS)
		return;
	free(progress->slots[slot].name);
	progress->slots[slot].name = NULL;
	progress->slots[slot].crashes = 0;
}

static void add_time_left(const struct progress *progress, uint64_t elapsed, struct strbuf *sb)
{
	uint64_t left;

	if (!progress->done || progress->done >= progress->cells)
		return;
	left = elapsed / progress->done * (progress->cells - progress->done) / NSEC_PER_SEC;
	strbuf_addf(sb, " · about %llu:%02llu left", (unsigned long long)left / 60,
		    (unsigned long long)left % 60);
}

void progress_format(const struct progress *progress, uint64_t elapsed, size_t width,
		     struct strbuf *sb)
{
	unsigned long long crashes = (unsigned long long)progress->crashes;
	size_t running = 0;
	const char *name = NULL;

	for (size_t i = 0; i < PROGRESS_SLOTS; i++) {
		if (!progress->slots[i].name)
			continue;
		crashes += progress->slots[i].crashes;
		if (!running++)
			name = progress->slots[i].name;
	}
	if (progress->cells)
		strbuf_addf(sb, "%zu/%zu cells", progress->done, progress->cells);
	else
		strbuf_addf(sb, "%zu cells", progress->done);
	strbuf_addf(sb, " · %llu crash%s", crashes, crashes == 1 ? "" : "es");
	add_time_left(progress, elapsed, sb);
	if (name)
		strbuf_addf(sb, " · %s", name);
	if (running > 1)
		strbuf_addf(sb, ", %zu more", running - 1);
	text_cut(sb, width);
}

/* One write a line; a terminal that has gone away is no reason to stop. */
static void put(const struct progress *progress, const char *text, size_t len)
{
	ssize_t n = write(progress->fd, text, len);

	(void)n;
}

/* Asked each time instead of on SIGWINCH: right within one drawing, and no signal handler. */
static size_t terminal_width(const struct progress *progress)
{
	struct winsize size;

	if (ioctl(progress->fd, TIOCGWINSZ, &size) < 0 || !size.ws_col)
		return 80;
	return size.ws_col;
}

void progress_draw(struct progress *progress)
{
	struct strbuf sb = STRBUF_INIT, line = STRBUF_INIT;
	uint64_t now = clock_now();

	if (!progress->live || (progress->drawn && now - progress->last < DRAW_INTERVAL))
		return;
	/* One column stays free: many terminals wrap when the last one is filled. */
	progress_format(progress, now - progress->started, terminal_width(progress) - 1, &line);
	strbuf_addf(&sb, "\r%s\033[K", line.buf);
	put(progress, sb.buf, sb.len);
	progress->drawn = true;
	progress->last = now;
	strbuf_release(&line);
	strbuf_release(&sb);
}

void progress_clear(struct progress *progress)
{
	if (!progress->drawn)
		return;
	put(progress, "\r\033[K", 4);
	progress->drawn = false;
}

static void writer_begin(struct reporter *self, size_t cells)
{
	struct progress *progress = ((struct progress_writer *)self)->progress;

	progress_clear(progress);
	progress->cells = cells;
}

static void writer_cell(struct reporter *self, const json_t *cell)
{
	struct progress *progress = ((struct progress_writer *)self)->progress;

	progress_clear(progress);
	progress->done++;
	progress->crashes += result_crashes(cell);
}

static void writer_end(struct reporter *self, const struct report_tally *tally, const char *bail)
{
	(void)tally;
	(void)bail;
	progress_clear(((struct progress_writer *)self)->progress);
}

static void writer_free(struct reporter *self)
{
	free(self);
}

struct reporter *progress_reporter(struct progress *progress)
{
	struct progress_writer *writer = xcalloc(1, sizeof(*writer));

	writer->reporter = (struct reporter){ writer_begin, writer_cell, writer_end, writer_free };
	writer->progress = progress;
	return &writer->reporter;
}
