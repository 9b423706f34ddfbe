/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table at the end, as TAP diagnostics: scenarios down, interpreters across, one word a cell;
 * below it what was skipped and why, what failed and how to repeat it, and the counts.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/text.h"
#include "report/lines.h"
#include "report/report.h"
#include "report/table.h"

#define FAILURES_MAX 20

struct summary {
	struct reporter reporter;
	struct output *out;
	struct table table;
};

static char *clean_copy(const char *s)
{
	struct strbuf sb = STRBUF_INIT;

	text_add_line(&sb, s, strlen(s));
	return strbuf_detach(&sb);
}

static char *added(void (*add)(struct strbuf *, const json_t *), const json_t *cell)
{
	struct strbuf sb = STRBUF_INIT;
	char *clean;

	add(&sb, cell);
	clean = clean_copy(sb.buf);
	strbuf_release(&sb);
	return clean;
}

/*
 * The outcome that a cell is shown by: of an unexpected cell one that was not expected, else one
 * that is not ok. Among several the most frequent; but of a map, in which none is frequent, since
 * each point was tried once, the gravest.
 */
static const char *leading_outcome(const json_t *cell, size_t *kinds)
{
	bool unexpected = result_verdict(cell) == RESULT_UNEXPECTED;
	bool mapped = json_is_array(json_object_get(cell, "map"));
	const char *outcome, *best = "ok";
	json_int_t most = 0;
	bool best_foreign = false;
	json_t *count;

	*kinds = 0;
	json_object_foreach(json_object_get(cell, "outcomes"), outcome, count) {
		bool foreign = unexpected && !result_expects(cell, outcome);
		json_int_t weight = mapped ? result_gravity(outcome) : json_integer_value(count);

		if (!outcome_is_bad(outcome, count))
			continue;
		++*kinds;
		if (foreign < best_foreign || (foreign == best_foreign && weight <= most))
			continue;
		best = outcome;
		best_foreign = foreign;
		most = weight;
	}
	return best;
}

static void outcome_word(const json_t *cell, char *word)
{
	size_t kinds;
	const char *outcome = result_word(leading_outcome(cell, &kinds));

	snprintf(word, TABLE_WORD_MAX, "%.8s%s%s", outcome, kinds > 1 ? "+" : "",
		 result_verdict(cell) == RESULT_UNEXPECTED ? "!!" : "");
}

static void summary_cell(struct reporter *self, const json_t *cell)
{
	struct table *table = &((struct summary *)self)->table;
	struct table_entry *entry;

	table->entries = xrealloc(table->entries, (table->nentries + 1) * sizeof(*entry));
	entry = &table->entries[table->nentries++];
	*entry = (struct table_entry){
		.scenario = clean_copy(json_is_null(json_object_get(cell, "scenario")) ?
				       "every scenario" : result_text(cell, "scenario", "(no name)")),
		.python = clean_copy(result_text(cell, "python", "?")),
		.explore = clean_copy(result_text(cell, "explore", "")),
		.reason = clean_copy(result_text(cell, "harness_error",
					       result_text(cell, "reason", ""))),
		.replay = clean_copy(result_text(cell, "replay", "")),
		.name = added(result_add_name, cell),
		.finding = added(result_add_finding, cell),
		.twin = result_flag(cell, "twin"),
		.missing = result_flag(cell, "missing"),
		.verdict = result_verdict(cell),
	};
	switch (entry->verdict) {
	case RESULT_NOT_SEEN:
		strcpy(entry->word, "–");
		break;
	case RESULT_SKIPPED:
		strcpy(entry->word, "skip");
		break;
	case RESULT_VACUOUS:
		strcpy(entry->word, "none!!");
		break;
	case RESULT_BROKEN:
		strcpy(entry->word, "error!!");
		break;
	default:
		outcome_word(cell, entry->word);
	}
	entry->failed = entry->verdict == RESULT_UNEXPECTED || entry->verdict == RESULT_VACUOUS ||
			entry->verdict == RESULT_BROKEN;
}

static const struct {
	const char *word;
	const char *meaning;
} legend[] = {
	{ "ok", "nothing wrong" },
	{ "hang", "did not end" },
	{ "park", "CPython holds the thread for ever" },
	{ "exit", "the thread was ended" },
	{ "wrong", "an invariant broken" },
	{ "slow", "out of time" },
	{ "–", "expected crash not met" },
	{ "none", "never met the window" },
	{ "error", "the harness failed" },
};

static bool word_is(const struct table_entry *entry, const char *word)
{
	size_t len = strlen(word);

	return !strncmp(entry->word, word, len) &&
	       (!entry->word[len] || entry->word[len] == '+' || entry->word[len] == '!');
}

static bool any_word(const struct summary *summary, const char *part)
{
	for (size_t i = 0; i < summary->table.nentries; i++)
		if (strstr(summary->table.entries[i].word, part))
			return true;
	return false;
}

/* Only the words that the table has; nothing where it has none but "skip". */
static void add_legend(const struct summary *summary, struct strbuf *sb)
{
	struct strbuf lines = STRBUF_INIT, line = STRBUF_INIT;
	bool signals = false;

	for (size_t i = 0; i < summary->table.nentries; i++)
		signals |= isupper((unsigned char)summary->table.entries[i].word[0]) != 0;
	if (signals)
		lines_add_item(&lines, &line, summary->table.width,
			       "SEGV, ABRT…: died of that signal");
	for (size_t i = 0; i < sizeof(legend) / sizeof(legend[0]); i++) {
		bool used = false;
		char *item;

		for (size_t j = 0; j < summary->table.nentries; j++)
			used |= word_is(&summary->table.entries[j], legend[i].word);
		if (!used)
			continue;
		item = xstrfmt("%s: %s", legend[i].word, legend[i].meaning);
		lines_add_item(&lines, &line, summary->table.width, item);
		free(item);
	}
	if (any_word(summary, "+"))
		lines_add_item(&lines, &line, summary->table.width, "+: and other outcomes");
	if (any_word(summary, "!!"))
		lines_add_item(&lines, &line, summary->table.width, "!!: not as expected");
	if (line.len)
		strbuf_addf(sb, "#\n%s%s\n", lines.buf, line.buf);
	strbuf_release(&lines);
	strbuf_release(&line);
}

static bool is_failure(const struct table_entry *entry)
{
	/* What is missing is in the list of skips already, once for all its cells. */
	return entry->failed && entry->verdict != RESULT_SKIPPED;
}

static void add_failures(const struct summary *summary, struct strbuf *sb)
{
	size_t n = 0, shown = 0;

	for (size_t i = 0; i < summary->table.nentries; i++)
		n += is_failure(&summary->table.entries[i]);
	if (n)
		strbuf_addstr(sb, "#\n");
	for (size_t i = 0; i < summary->table.nentries && shown < FAILURES_MAX; i++) {
		const struct table_entry *entry = &summary->table.entries[i];
		char *text;

		if (!is_failure(entry))
			continue;
		shown++;
		text = xstrfmt("%s: %s%s%s", entry->name, entry->finding,
			       *entry->reason ? ": " : "", entry->reason);
		lines_add_wrapped(sb, text, summary->table.width);
		free(text);
		if (*entry->replay)
			strbuf_addf(sb, "#   repeat it: forkpoint replay %s\n", entry->replay);
	}
	if (n > shown)
		strbuf_addf(sb, "# … and %zu more that failed\n", n - shown);
}

/* Each reason once, with the number of cells that it cost. */
static void add_skips(const struct summary *summary, struct strbuf *sb)
{
	bool first = true;

	for (size_t i = 0; i < summary->table.nentries; i++) {
		const struct table_entry *entry = &summary->table.entries[i];
		size_t same = 0, before = 0;
		char *text;

		if (entry->verdict != RESULT_SKIPPED)
			continue;
		for (size_t j = 0; j < summary->table.nentries; j++) {
			bool equal = summary->table.entries[j].verdict == RESULT_SKIPPED &&
				     !strcmp(summary->table.entries[j].reason, entry->reason);

			same += equal;
			before += equal && j < i;
		}
		if (before)
			continue;
		text = xstrfmt("skipped %zu: %s", same,
			       *entry->reason ? entry->reason : "no reason was given");
		strbuf_addstr(sb, first ? "#\n" : "");
		lines_add_wrapped(sb, text, summary->table.width);
		free(text);
		first = false;
	}
}

static void add_counts(struct strbuf *sb, const struct report_tally *tally)
{
	static const char *const words[RESULT_VERDICTS] = {
		[RESULT_AS_EXPECTED] = "as expected", [RESULT_NOT_SEEN] = "not seen",
		[RESULT_UNEXPECTED] = "unexpected", [RESULT_VACUOUS] = "vacuous",
		[RESULT_SKIPPED] = "skipped", [RESULT_BROKEN] = "failed in the harness",
	};
	size_t n = 0;

	strbuf_addf(sb, "#\n# %zu cell%s", tally->cells, tally->cells == 1 ? "" : "s");
	for (size_t i = 0; i < RESULT_VERDICTS; i++)
		if (tally->verdicts[i])
			strbuf_addf(sb, "%s %zu %s", n++ ? "," : ":", tally->verdicts[i], words[i]);
	strbuf_addf(sb, "\n# %" JSON_INTEGER_FORMAT " trials, %" JSON_INTEGER_FORMAT
		    " hits, %" JSON_INTEGER_FORMAT " crashes, %" JSON_INTEGER_FORMAT " hangs\n",
		    tally->trials, tally->hits, tally->crashes, tally->hangs);
}

/* With --require-all, a skip for want of something that can be had is a failure. */
static void fail_missing(struct summary *summary)
{
	for (size_t i = 0; i < summary->table.nentries; i++) {
		struct table_entry *entry = &summary->table.entries[i];

		if (entry->verdict != RESULT_SKIPPED || !entry->missing)
			continue;
		entry->failed = true;
		strcpy(entry->word, "skip!!");
	}
}

static void summary_end(struct reporter *self, const struct report_tally *tally, const char *bail)
{
	struct summary *summary = (struct summary *)self;
	struct strbuf sb = STRBUF_INIT;

	if (tally->require_all)
		fail_missing(summary);
	if (summary->table.nentries) {
		table_add(&summary->table, &sb);
		add_legend(summary, &sb);
		add_skips(summary, &sb);
		add_failures(summary, &sb);
	}
	add_counts(&sb, tally);
	if (bail)
		strbuf_addstr(&sb, "# the run stopped before its end; these cells were finished\n");
	output_record(summary->out, sb.buf, sb.len);
	strbuf_release(&sb);
}

static void summary_free(struct reporter *self)
{
	struct summary *summary = (struct summary *)self;

	for (size_t i = 0; i < summary->table.nentries; i++) {
		struct table_entry *entry = &summary->table.entries[i];

		free(entry->scenario);
		free(entry->python);
		free(entry->explore);
		free(entry->reason);
		free(entry->replay);
		free(entry->name);
		free(entry->finding);
	}
	free(summary->table.entries);
	free(summary);
}

struct reporter *reporter_summary_new(struct output *out, bool color, size_t width)
{
	struct summary *summary = xcalloc(1, sizeof(*summary));

	summary->reporter = (struct reporter){ NULL, summary_cell, summary_end, summary_free };
	summary->out = out;
	summary->table.color = color;
	summary->table.width = width;
	return &summary->reporter;
}
