/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What of the report cannot be reached by `forkpoint report`: the exit status of every mix of
 * verdicts, bytes that are no UTF-8, Ctrl-C, the progress line, a disk that gets room again.
 */
#include "report/report.h"

#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/text.h"
#include "report/progress.h"
#include "tap.h"

static char dir[] = "/tmp/forkpoint-test.XXXXXX";

static const char *path_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return path;
}

static struct output *open_file(const char *name)
{
	struct strbuf err = STRBUF_INIT;
	struct output *out = output_open(path_of(name), NULL, &err);

	if (!out)
		die(EXIT_HARNESS, "%s", err.buf);
	return out;
}

static void check_content(const char *name, const char *wanted, const char *sentence)
{
	struct strbuf text = STRBUF_INIT;

	strbuf_read_file(&text, path_of(name), 1 << 20);
	CHECK_STR(text.buf, wanted, "%s", sentence);
	unlink(path_of(name));
	strbuf_release(&text);
}

static void check_status(void)
{
	static const struct {
		const char *what;
		struct report_tally tally;
		int wanted;
	} cases[] = {
		{ "nothing at all", { .cells = 0 }, 77 },
		{ "as expected", { .cells = 2, .verdicts[RESULT_AS_EXPECTED] = 2 }, 0 },
		{ "not seen", { .cells = 1, .verdicts[RESULT_NOT_SEEN] = 1 }, 0 },
		{ "one skipped of two", { .cells = 2, .verdicts[RESULT_SKIPPED] = 1,
					  .verdicts[RESULT_AS_EXPECTED] = 1 }, 0 },
		{ "all skipped", { .cells = 2, .verdicts[RESULT_SKIPPED] = 2 }, 77 },
		{ "all missing", { .cells = 2, .verdicts[RESULT_SKIPPED] = 2, .missing = 2 }, 77 },
		{ "all missing, all required", { .cells = 2, .verdicts[RESULT_SKIPPED] = 2,
						 .missing = 2, .require_all = true }, 1 },
		{ "all skipped, none missing, all required",
		  { .cells = 2, .verdicts[RESULT_SKIPPED] = 2, .require_all = true }, 77 },
		{ "unexpected", { .cells = 2, .verdicts[RESULT_UNEXPECTED] = 1,
				  .verdicts[RESULT_SKIPPED] = 1 }, 1 },
		{ "vacuous", { .cells = 1, .verdicts[RESULT_VACUOUS] = 1 }, 1 },
		{ "broken and unexpected", { .cells = 2, .verdicts[RESULT_BROKEN] = 1,
					     .verdicts[RESULT_UNEXPECTED] = 1 }, 3 },
		{ "results lost", { .cells = 1, .verdicts[RESULT_AS_EXPECTED] = 1,
				    .incomplete = true }, 3 },
		{ "all skipped, results lost", { .cells = 1, .verdicts[RESULT_SKIPPED] = 1,
						 .incomplete = true }, 3 },
		{ "unread", { .cells = 2, .verdicts[RESULT_UNEXPECTED] = 2, .abandoned = true },
		  141 },
		{ "unread, results lost", { .cells = 1, .verdicts[RESULT_AS_EXPECTED] = 1,
					    .abandoned = true, .incomplete = true }, 3 },
		{ "interrupted, unread", { .cells = 0, .interrupted = true, .abandoned = true },
		  130 },
		{ "interrupted", { .cells = 0, .interrupted = true }, 130 },
		{ "interrupted and broken", { .cells = 1, .verdicts[RESULT_BROKEN] = 1,
					      .interrupted = true }, 130 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		CHECK_INT(report_exit_status(&cases[i].tally), cases[i].wanted,
			  "%s ends with %d", cases[i].what, cases[i].wanted);
}

static json_t *cell_new(const char *scenario, const char *verdict)
{
	return json_pack("{s:s, s:b, s:s, s:s, s:s, s:{s:i}, s:[s]}", "scenario", scenario, "twin",
			 0, "python", "3.13.5", "explore", "starve", "verdict", verdict,
			 "outcomes", "ok", 1, "expected", "ok");
}

/* A maker of cells can get past jansson's check; no result may be lost for it. */
static void check_invalid_utf8(void)
{
	struct report *report = report_new(false);
	struct output *lines = open_file("lines"), *tap = open_file("tap");
	json_t *cell = cell_new("x", "unexpected"), *read;
	struct strbuf text = STRBUF_INIT;

	json_object_set_new(cell, "reason", json_stringn_nocheck("bad \xff\xc3 end", 10));
	json_object_set_new(cell, "list",
			    json_pack("[o]", json_stringn_nocheck("\xed\xa0\x80", 3)));
	report_own(report, lines);
	report_own(report, tap);
	report_add(report, reporter_jsonl_new(lines));
	report_add(report, reporter_tap_new(tap, 13, false));
	report_begin(report, 1);
	report_cell(report, cell);
	CHECK_INT(report_end(report, NULL), 1, "bytes that are no UTF-8 do not end the run");
	report_free(report);
	json_decref(cell);

	strbuf_read_file(&text, path_of("lines"), 1 << 20);
	read = json_loads(text.buf, 0, NULL);
	CHECK(read != NULL, "the line is JSON");
	CHECK_STR(json_string_value(json_object_get(read, "reason")),
		  "bad \xef\xbf\xbd\xef\xbf\xbd end", "each such byte becomes U+FFFD");
	json_decref(read);
	strbuf_reset(&text);
	strbuf_read_file(&text, path_of("tap"), 1 << 20);
	CHECK(strstr(text.buf, "reason: \"bad \xef\xbf\xbd\xef\xbf\xbd end\"\n"),
	      "and in the YAML as well");
	strbuf_release(&text);
	unlink(path_of("lines"));
	unlink(path_of("tap"));
}

static void check_interruption(void)
{
	struct report *report = report_new(false);
	struct output *out = open_file("tap");
	json_t *cell = cell_new("x", "skipped");

	report_own(report, out);
	report_add(report, reporter_tap_new(out, 13, false));
	report_begin(report, 3);
	report_cell(report, cell);
	report_interrupted(report);
	CHECK_INT(report_end(report, "interrupted"), 130, "an interrupted run ends with 130");
	report_free(report);
	json_decref(cell);
	check_content("tap", "TAP version 13\n1..3\n"
		      "ok 1 - x @ 3.13.5 starve # SKIP no reason was given\n"
		      "Bail out! interrupted\n",
		      "an interrupted stream keeps what was finished and says that it bails out");
}

/* Nothing may wait in a buffer while the run goes on: a killed run keeps its finished cells. */
static void check_streaming(void)
{
	struct report *report = report_new(false);
	struct output *out = open_file("lines");
	json_t *cell = cell_new("x", "as-expected");
	struct strbuf text = STRBUF_INIT;

	report_own(report, out);
	report_add(report, reporter_jsonl_new(out));
	report_begin(report, 2);
	report_cell(report, cell);
	strbuf_read_file(&text, path_of("lines"), 1 << 20);
	CHECK(text.len && text.buf[text.len - 1] == '\n', "a cell is in the file at once");
	report_free(report);
	json_decref(cell);
	strbuf_release(&text);
	unlink(path_of("lines"));
}

static void limit_file_size(rlim_t size)
{
	struct rlimit limit;

	getrlimit(RLIMIT_FSIZE, &limit);
	limit.rlim_cur = size;
	setrlimit(RLIMIT_FSIZE, &limit);
}

/* A limit on the size of files stands for the disk: it fills, then there is room again. */
static void check_full_disk(void)
{
	struct output *out = open_file("full");
	struct strbuf text = STRBUF_INIT;
	int saved = dup(STDERR_FILENO), ends[2];

	/* A pipe, for the limit would cut a file of messages short as well. */
	if (pipe(ends) < 0)
		die(EXIT_HARNESS, "no pipe: %m");

	signal(SIGXFSZ, SIG_IGN);
	fflush(stdout);
	dup2(ends[1], STDERR_FILENO);
	output_record(out, "one\n", 4);
	limit_file_size(6);
	output_record(out, "two\n", 4);
	strbuf_read_file(&text, path_of("full"), 100);
	limit_file_size(RLIM_INFINITY);
	output_record(out, "three\n", 6);
	CHECK_STR(text.buf, "one\n", "a record that does not fit leaves no half of it");
	CHECK_INT(output_close(out), 0, "once there is room nothing is missing");
	check_content("full", "one\ntwo\nthree\n",
		      "and what could not be written is there, in order");
	dup2(saved, STDERR_FILENO);
	close(saved);
	close(ends[1]);
	strbuf_reset(&text);
	strbuf_read(&text, ends[0], 1 << 16);
	close(ends[0]);
	CHECK(strstr(text.buf, "cannot write to") && strstr(text.buf, "complete after all"),
	      "both are told");
	strbuf_release(&text);
}

static void check_progress_line(void)
{
	struct progress *progress = progress_new(-1);
	struct reporter *reporter = progress_reporter(progress);
	json_t *cell = json_pack("{s:{s:i, s:i, s:i, s:i}}", "outcomes", "ok", 5, "SIGSEGV", 3,
				 "SIGABRT", 4, "hang", 2);
	struct strbuf line = STRBUF_INIT;

	reporter->begin(reporter, 84);
	progress_format(progress, 0, 80, &line);
	CHECK_STR(line.buf, "0/84 cells · 0 crashes",
		  "at first nothing is known of the time left");
	for (int i = 0; i < 12; i++)
		reporter->cell(reporter, cell);
	progress_start(progress, 0, "fork-lru-list @ 3.13.18\033[31m starve");
	progress_start(progress, 1, "fork-held-mutex @ 3.12.1 starve");
	progress_update(progress, 1, 16);
	strbuf_reset(&line);
	progress_format(progress, 12000000000, 80, &line);
	CHECK_STR(line.buf, "12/84 cells · 100 crashes · about 1:12 left · "
		  "fork-lru-list @ 3.13.18?[31m star…",
		  "the line tells cells, crashes, time left and what runs, and fits");
	progress_stop(progress, 0);
	strbuf_reset(&line);
	progress_format(progress, 12000000000, 200, &line);
	CHECK_STR(line.buf, "12/84 cells · 100 crashes · about 1:12 left · "
		  "fork-held-mutex @ 3.12.1 starve", "a slot that is done is not shown");
	progress_draw(progress);
	strbuf_release(&line);
	json_decref(cell);
	reporter->free(reporter);
	progress_free(progress);
}

static void check_text(void)
{
	static const struct {
		const char *bytes;
		size_t len;
		uint32_t character;
	} cases[] = {
		{ "a", 1, 'a' }, { "é", 2, 0xe9 }, { "…", 3, 0x2026 },
		{ "\xf0\x9f\x90\x8d", 4, 0x1f40d },
		{ "\x80", 1, TEXT_INVALID }, { "\xc0\xaf", 1, TEXT_INVALID },
		{ "\xe0\x80\xaf", 1, TEXT_INVALID }, { "\xed\xa0\x80", 1, TEXT_INVALID },
		{ "\xf4\x90\x80\x80", 1, TEXT_INVALID }, { "\xff", 1, TEXT_INVALID },
		{ "\xc3(", 1, TEXT_INVALID },
	};
	struct strbuf cut = STRBUF_INIT;
	uint32_t c;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = text_decode(cases[i].bytes, strlen(cases[i].bytes), &c);

		CHECK(n == cases[i].len && c == cases[i].character, "character %zu is decoded", i);
	}
	CHECK_INT(text_decode("…", 2, &c), 1, "a character that is cut off is invalid");
	strbuf_addstr(&cut, "é…é…");
	text_cut(&cut, 4);
	CHECK_STR(cut.buf, "é…é…", "what fits is not cut");
	text_cut(&cut, 3);
	CHECK_STR(cut.buf, "é……", "a text is cut between characters");
	strbuf_reset(&cut);
	text_add_line(&cut, "a\nb\r\tc\033d\177\0e", 11);
	CHECK_STR(cut.buf, "a b  c?d??e", "line ends and tabs become blanks, other controls '?'");
	strbuf_release(&cut);
}

int main(void)
{
	if (!mkdtemp(dir))
		return EXIT_HARNESS;
	check_status();
	check_invalid_utf8();
	check_interruption();
	check_streaming();
	check_full_disk();
	check_progress_line();
	check_text();
	rmdir(dir);
	return tap_done();
}
