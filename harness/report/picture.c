/* SPDX-License-Identifier: Apache-2.0 */
#include "report/picture.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/text.h"
#include "report/borders.h"
#include "report/kind.h"
#include "report/lines.h"
#include "report/report.h"
#include "report/segment.h"

/* Each line begins with "# ". */
#define MARGIN 2
/* A name that is longer than this pushes what stands beside it too far away. */
#define SYMBOL_WIDTH 36
#define PLACE_WIDTH_MIN 16

struct column {
	int gravity; /* -1: not known yet */
	bool waits;
};

/* All points that have an outcome, while F waits or while it does not. */
struct total {
	const char *outcome;
	json_int_t points;
	size_t columns; /* that show it */
};

struct picture {
	json_int_t points;
	const char *setting;                      /* of the allocator; NULL: not told */
	size_t width;                             /* of the screen */
	size_t ncolumns;                          /* of the strip */
	struct column columns[REPORT_WIDTH];
	char ruler[REPORT_WIDTH + 1];
	struct total totals[RESULT_GRAVITIES][2]; /* the second: F waits */
};

static char sign_of(const char *outcome, bool waits)
{
	static const struct {
		const char *outcome;
		char sign;
	} signs[] = {
		{ "ok", '.' }, { "parked", 'P' }, { "exit", 'E' }, { "wrong", 'W' },
		{ "timeout", 'T' }, { "hang", 'H' }, { "SIGSEGV", 'S' }, { "SIGABRT", 'A' },
		{ "SIGBUS", 'B' }, { "SIGFPE", 'F' }, { "SIGILL", 'I' }, { "SIGKILL", 'K' },
	};
	char sign = 'X';

	for (size_t i = 0; i < sizeof(signs) / sizeof(signs[0]); i++)
		if (!strcmp(outcome, signs[i].outcome))
			sign = signs[i].sign;
	if (!waits)
		return sign;
	return sign == '.' ? '-' : (char)tolower(sign);
}

static size_t column_of(const struct picture *picture, json_int_t point)
{
	return (size_t)(point * (json_int_t)picture->ncolumns / picture->points);
}

static const char *outcome_of(const json_t *segment)
{
	return result_text(segment, "outcome", "");
}

static void take_segment(struct picture *picture, const json_t *segment)
{
	json_int_t from = result_count(segment, "from"), to = result_count(segment, "to");
	const char *outcome = outcome_of(segment);
	bool waits = result_flag(segment, "waits");
	int gravity = result_gravity(outcome);

	if (gravity < 0 || from < 0 || from > to || to >= picture->points)
		bug("a map with an impossible segment was to be shown");
	for (size_t i = column_of(picture, from); i <= column_of(picture, to); i++) {
		struct column *column = &picture->columns[i];

		if (gravity > column->gravity ||
		    (gravity == column->gravity && column->waits && !waits))
			*column = (struct column){ gravity, waits };
	}
	picture->totals[gravity][waits].outcome = outcome;
	picture->totals[gravity][waits].points += to - from + 1;
}

/* The number of a segment's first point above its column, if there is room. */
static void mark(struct picture *picture, json_int_t point)
{
	char number[24];
	size_t at = column_of(picture, point);
	size_t len = (size_t)snprintf(number, sizeof(number), "%" JSON_INTEGER_FORMAT, point);

	if (at + len > picture->width - MARGIN)
		return;
	for (size_t i = at ? at - 1 : 0; i <= at + len && i < picture->width - MARGIN; i++)
		if (picture->ruler[i] != ' ')
			return;
	memcpy(picture->ruler + at, number, len);
}

/*
 * What went wrong is marked first, for often there is no room for all; but what stands above the
 * first column is taken for its beginning.
 */
static void mark_segments(struct picture *picture, const json_t *map)
{
	json_t *segment;
	size_t i;

	memset(picture->ruler, ' ', picture->width - MARGIN);
	mark(picture, 0);
	json_array_foreach(map, i, segment)
		if (strcmp(outcome_of(segment), "ok") != 0)
			mark(picture, result_count(segment, "from"));
	json_array_foreach(map, i, segment)
		mark(picture, result_count(segment, "from"));
}

static void add_strip(struct strbuf *sb, struct picture *picture)
{
	strbuf_addf(sb, "# %s", picture->ruler);
	strbuf_rtrim(sb);
	strbuf_addstr(sb, "\n# ");
	for (size_t i = 0; i < picture->ncolumns; i++) {
		const struct column *column = &picture->columns[i];
		struct total *total = &picture->totals[column->gravity][column->waits];

		strbuf_addch(sb, sign_of(total->outcome, column->waits));
		total->columns++;
	}
	strbuf_addch(sb, '\n');
}

static void add_title(struct strbuf *sb, const struct picture *picture)
{
	json_int_t columns = (json_int_t)picture->ncolumns;
	json_int_t most = (picture->points + columns - 1) / columns;
	struct strbuf title = STRBUF_INIT;

	strbuf_addf(&title, "%" JSON_INTEGER_FORMAT " point%s of the window", picture->points,
		    picture->points == 1 ? "" : "s");
	if (picture->setting) {
		strbuf_addstr(&title, " under ");
		text_add_line(&title, picture->setting, strlen(picture->setting));
		text_cut(&title, picture->width);
	}
	if (most == 1)
		strbuf_addstr(&title, ", one a column");
	else
		strbuf_addf(&title, ", up to %" JSON_INTEGER_FORMAT " a column (the worst shown)",
			    most);
	lines_add_wrapped(sb, title.buf, picture->width);
	strbuf_release(&title);
}

static void add_legend(struct strbuf *sb, const struct picture *picture)
{
	struct strbuf line = STRBUF_INIT;

	for (int i = 2 * RESULT_GRAVITIES - 1; i >= 0; i--) {
		bool waits = !(i % 2);
		const struct total *total = &picture->totals[i / 2][waits];
		char *item;

		if (!total->points)
			continue;
		item = xstrfmt("%c %s %" JSON_INTEGER_FORMAT "%s%s", sign_of(total->outcome, waits),
			       result_word(total->outcome), total->points,
			       waits ? ", F waits" : "",
			       total->columns ? "" : " (behind worse ones)");
		lines_add_item(sb, &line, picture->width, item);
		free(item);
	}
	strbuf_addf(sb, "%s\n", line.buf);
	strbuf_release(&line);
}

/* The table: its columns, and how wide they are. */
enum { RANGE, WORD, SYMBOL, MODULE, SOURCE, FIELDS };

struct rows {
	struct strbuf fields[SEGMENTS_SHOWN][FIELDS];
	size_t widths[FIELDS];
	size_t n;
};

static void measure(struct rows *rows)
{
	memset(rows->widths, 0, sizeof(rows->widths));
	for (size_t i = 0; i < rows->n; i++) {
		for (int f = 0; f < FIELDS; f++) {
			size_t width = text_width(rows->fields[i][f].buf);

			if (width > rows->widths[f])
				rows->widths[f] = width;
		}
	}
}

static size_t width_of(const struct rows *rows)
{
	size_t width = MARGIN + rows->widths[RANGE];

	for (int f = WORD; f < FIELDS; f++)
		if (rows->widths[f])
			width += 2 + rows->widths[f];
	return width;
}

static void fill(struct rows *rows, const json_t *map, size_t width)
{
	size_t room;

	for (size_t i = 0; i < rows->n; i++) {
		struct strbuf *fields = rows->fields[i];
		const json_t *segment = json_array_get(map, i);

		for (int f = 0; f < FIELDS; f++)
			strbuf_init(&fields[f]);
		segment_add_range(&fields[RANGE], segment);
		strbuf_addstr(&fields[WORD], result_word(outcome_of(segment)));
		kind_add_number(&fields[WORD], map, segment);
		strbuf_addstr(&fields[WORD], result_flag(segment, "waits") ? ", F waits" : "");
		segment_add_module(&fields[MODULE], segment);
		segment_add_source(&fields[SOURCE], segment);
	}
	measure(rows);
	room = MARGIN + rows->widths[RANGE] + 2 + rows->widths[WORD] + 2;
	room = room < width ? width - room : 1;
	for (size_t i = 0; i < rows->n; i++)
		segment_add_symbol(&rows->fields[i][SYMBOL], json_array_get(map, i),
				   room < SYMBOL_WIDTH ? room : SYMBOL_WIDTH);
	measure(rows);
}

/*
 * Where not all fits, a line of source stands for the module; and neither does where there is no
 * room to tell one from another.
 */
static void fit(struct rows *rows, size_t width)
{
	if (width_of(rows) <= width)
		return;
	for (size_t i = 0; i < rows->n; i++) {
		struct strbuf *fields = rows->fields[i];

		if (!fields[SOURCE].len)
			strbuf_addstr(&fields[SOURCE], fields[MODULE].buf);
		strbuf_reset(&fields[MODULE]);
	}
	measure(rows);
	if (width_of(rows) > width &&
	    width_of(rows) - rows->widths[SOURCE] + PLACE_WIDTH_MIN > width)
		rows->widths[SOURCE] = 0;
}

static void add_row(struct strbuf *sb, const struct rows *rows, const struct strbuf *fields,
		    size_t width)
{
	struct strbuf line = STRBUF_INIT;

	strbuf_addf(&line, "# %*s", (int)rows->widths[RANGE], fields[RANGE].buf);
	for (int f = WORD; f < FIELDS; f++) {
		size_t len = text_width(fields[f].buf);

		if (!rows->widths[f])
			continue;
		strbuf_addf(&line, "  %s%*s", fields[f].buf, (int)(rows->widths[f] - len), "");
	}
	strbuf_rtrim(&line);
	text_cut(&line, width);
	strbuf_addf(sb, "%s\n", line.buf);
	strbuf_release(&line);
}

static void add_table(struct strbuf *sb, const json_t *map, size_t width)
{
	struct rows rows = { .n = json_array_size(map) };
	struct strbuf rest = STRBUF_INIT;

	if (rows.n > SEGMENTS_SHOWN)
		rows.n = SEGMENTS_SHOWN;
	fill(&rows, map, width);
	fit(&rows, width);
	for (size_t i = 0; i < rows.n; i++) {
		add_row(sb, &rows, rows.fields[i], width);
		for (int f = 0; f < FIELDS; f++)
			strbuf_release(&rows.fields[i][f]);
	}
	segments_add_rest(&rest, map);
	if (rest.len)
		lines_add_wrapped(sb, rest.buf, width);
	strbuf_release(&rest);
}

static bool wholly_ok(const json_t *map)
{
	json_t *segment;
	size_t i;

	json_array_foreach(map, i, segment)
		if (strcmp(outcome_of(segment), "ok") != 0)
			return false;
	return true;
}

/* The map of the whole cell, or of one setting of the allocator. */
static void add_map(struct strbuf *sb, const json_t *cell, const json_t *walk, const char *setting,
		    size_t width)
{
	const json_t *map = json_object_get(walk, "map");
	struct picture picture = {
		.points = result_count(walk, "points"), .setting = setting, .width = width,
		.ncolumns = width - MARGIN,
	};
	json_t *segment;
	size_t i;

	if (wholly_ok(map))
		return;
	if (picture.points < (json_int_t)picture.ncolumns)
		picture.ncolumns = (size_t)picture.points;
	for (i = 0; i < picture.ncolumns; i++)
		picture.columns[i].gravity = -1;
	json_array_foreach(map, i, segment)
		take_segment(&picture, segment);
	mark_segments(&picture, map);
	strbuf_addstr(sb, "#\n");
	add_title(sb, &picture);
	add_strip(sb, &picture);
	add_legend(sb, &picture);
	strbuf_addstr(sb, "#\n");
	add_table(sb, map, width);
	kinds_add(sb, map, json_object_get(cell, "findings"), width);
	borders_add(sb, map, width);
}

void picture_add(struct strbuf *sb, const json_t *cell, size_t width)
{
	const json_t *map = json_object_get(cell, "map");
	const char *name;
	json_t *setting;

	add_map(sb, cell, cell, NULL, width);
	json_object_foreach(json_object_get(cell, "allocators"), name, setting)
		if (!segments_equal(map, json_object_get(setting, "map")))
			add_map(sb, cell, setting, name, width);
}
