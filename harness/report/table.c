/* SPDX-License-Identifier: Apache-2.0 */
#include "report/table.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/text.h"

#define NAME_WIDTH_MAX 44

enum paint { PAINT_NONE, PAINT_GOOD, PAINT_BAD, PAINT_DIM, PAINT_COUNT };

static const char *const paints[PAINT_COUNT] = {
	[PAINT_NONE] = "", [PAINT_GOOD] = "\033[32m", [PAINT_BAD] = "\033[1;31m",
	[PAINT_DIM] = "\033[2m",
};

static int compare_rows(const void *a, const void *b)
{
	const struct table_entry *x = *(const struct table_entry *const *)a;
	const struct table_entry *y = *(const struct table_entry *const *)b;
	int order = strcmp(x->scenario, y->scenario);

	if (!order)
		order = strcmp(x->explore, y->explore);
	return order ? order : (int)x->twin - (int)y->twin;
}

static int compare_columns(const void *a, const void *b)
{
	const struct table_entry *x = *(const struct table_entry *const *)a;
	const struct table_entry *y = *(const struct table_entry *const *)b;

	return strverscmp(x->python, y->python);
}

/* One entry for each different row, or column. */
static size_t distinct(const struct table *table, const struct table_entry ***out,
		       int (*compare)(const void *, const void *))
{
	const struct table_entry **v = xcalloc(table->nentries, sizeof(const struct table_entry *));
	size_t n = 0;

	for (size_t i = 0; i < table->nentries; i++)
		v[i] = &table->entries[i];
	qsort(v, table->nentries, sizeof(const struct table_entry *), compare);
	for (size_t i = 0; i < table->nentries; i++)
		if (!n || compare(&v[n - 1], &v[i]))
			v[n++] = v[i];
	*out = v;
	return n;
}

/* Where two cells share a place (two isolations), the graver one is shown. */
static const struct table_entry *entry_at(const struct table *table, const struct table_entry *row,
				    const struct table_entry *column)
{
	static const int gravity[RESULT_VERDICTS] = {
		[RESULT_SKIPPED] = 0, [RESULT_NOT_SEEN] = 1, [RESULT_AS_EXPECTED] = 2,
		[RESULT_VACUOUS] = 3, [RESULT_UNEXPECTED] = 4, [RESULT_BROKEN] = 5,
	};
	const struct table_entry *found = NULL;

	for (size_t i = 0; i < table->nentries; i++) {
		const struct table_entry *entry = &table->entries[i];

		if (compare_rows(&entry, &row) || compare_columns(&entry, &column))
			continue;
		if (!found || entry->failed > found->failed ||
		    (entry->failed == found->failed &&
		     gravity[entry->verdict] > gravity[found->verdict]))
			found = entry;
	}
	return found;
}

/* A twin stands below its scenario; the strategy is named where a run has more than one. */
static void row_name(struct strbuf *sb, const struct table_entry *row, bool below, bool explores)
{
	if (row->twin && below)
		strbuf_addstr(sb, "  twin");
	else
		strbuf_addf(sb, "%s%s", row->scenario, row->twin ? " twin" : "");
	if (explores && *row->explore)
		strbuf_addf(sb, " %s", row->explore);
	text_cut(sb, NAME_WIDTH_MAX);
}

static bool is_below(const struct table_entry *const *rows, size_t i)
{
	return i && !strcmp(rows[i - 1]->scenario, rows[i]->scenario) &&
	       !strcmp(rows[i - 1]->explore, rows[i]->explore);
}

/* An interpreter that could not be used has none. */
static bool has_explores(const struct table *table)
{
	const char *first = "";

	for (size_t i = 0; i < table->nentries; i++) {
		const char *explore = table->entries[i].explore;

		if (*first && *explore && strcmp(first, explore) != 0)
			return true;
		if (!*first)
			first = explore;
	}
	return false;
}

static enum paint paint_of(const struct table_entry *entry)
{
	if (entry->failed)
		return PAINT_BAD;
	if (entry->verdict == RESULT_SKIPPED || entry->verdict == RESULT_NOT_SEEN)
		return PAINT_DIM;
	return PAINT_GOOD;
}

static void add_padded(const struct table *table, struct strbuf *sb, const char *text,
		       size_t width, enum paint paint)
{
	size_t shown = text_width(text);
	bool painted = table->color && paint != PAINT_NONE;

	strbuf_addf(sb, "%s%s%s", painted ? paints[paint] : "", text, painted ? "\033[0m" : "");
	for (; shown < width; shown++)
		strbuf_addch(sb, ' ');
}

static void end_line(struct strbuf *sb)
{
	strbuf_rtrim(sb);
	strbuf_addch(sb, '\n');
}

struct grid {
	const struct table_entry **rows, **columns;
	size_t nrows, ncolumns;
	size_t name_width;
	bool explores;
};

static void add_row(const struct table *table, const struct grid *grid, struct strbuf *sb,
		    size_t row, const size_t *widths, size_t from, size_t to)
{
	struct strbuf name = STRBUF_INIT, line = STRBUF_INIT;

	row_name(&name, grid->rows[row], is_below(grid->rows, row), grid->explores);
	strbuf_addstr(&line, "# ");
	add_padded(table, &line, name.buf, grid->name_width, PAINT_NONE);
	for (size_t i = from; i < to; i++) {
		const struct table_entry *entry =
			entry_at(table, grid->rows[row], grid->columns[i]);

		strbuf_addstr(&line, "  ");
		add_padded(table, &line, entry ? entry->word : "", widths[i],
			   entry ? paint_of(entry) : PAINT_NONE);
	}
	end_line(&line);
	strbuf_add(sb, line.buf, line.len);
	strbuf_release(&name);
	strbuf_release(&line);
}

/* Some columns of the table, as many as fit the width. */
static size_t add_block(const struct table *table, const struct grid *grid,
			struct strbuf *sb, const size_t *widths, size_t from)
{
	struct strbuf line = STRBUF_INIT;
	size_t to = from, used = 2 + grid->name_width;

	while (to < grid->ncolumns && (to == from || used + 2 + widths[to] <= table->width))
		used += 2 + widths[to++];
	strbuf_addstr(&line, "# ");
	add_padded(table, &line, "", grid->name_width, PAINT_NONE);
	for (size_t i = from; i < to; i++) {
		strbuf_addstr(&line, "  ");
		add_padded(table, &line, grid->columns[i]->python, widths[i], PAINT_NONE);
	}
	end_line(&line);
	strbuf_addf(sb, "#\n%s", line.buf);
	strbuf_release(&line);
	for (size_t row = 0; row < grid->nrows; row++)
		add_row(table, grid, sb, row, widths, from, to);
	return to;
}

void table_add(const struct table *table, struct strbuf *sb)
{
	struct grid grid = { .explores = has_explores(table) };
	size_t *widths;

	grid.nrows = distinct(table, &grid.rows, compare_rows);
	grid.ncolumns = distinct(table, &grid.columns, compare_columns);
	widths = xcalloc(grid.ncolumns, sizeof(*widths));
	for (size_t i = 0; i < grid.nrows; i++) {
		struct strbuf name = STRBUF_INIT;

		row_name(&name, grid.rows[i], is_below(grid.rows, i), grid.explores);
		if (text_width(name.buf) > grid.name_width)
			grid.name_width = text_width(name.buf);
		strbuf_release(&name);
	}
	for (size_t i = 0; i < grid.ncolumns; i++) {
		widths[i] = text_width(grid.columns[i]->python);
		for (size_t j = 0; j < table->nentries; j++) {
			const struct table_entry *entry = &table->entries[j];

			if (!compare_columns(&entry, &grid.columns[i]) &&
			    text_width(entry->word) > widths[i])
				widths[i] = text_width(entry->word);
		}
	}
	for (size_t from = 0; from < grid.ncolumns;)
		from = add_block(table, &grid, sb, widths, from);
	free(widths);
	free(grid.rows);
	free(grid.columns);
}
