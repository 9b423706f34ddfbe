/* SPDX-License-Identifier: Apache-2.0 */
/*
 * reports DIR N: what `forkpoint triage` does with N reports, made of the files in DIR in turn and
 * a line between each and the next, so that they are told apart: read, classified and told in
 * Markdown. Prints reports a second, those that a mere search for the same lines' ends comes to,
 * the number of reports that were recognised, and of bytes.
 */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/strbuf.h"
#include "triage/account.h"
#include "triage/trace.h"
#include "triage/triage.h"

static const char between[] = "\n-- and the next one:\n\n";

static void files_add(const char *dir, size_t n, struct strbuf *text)
{
	struct dirent **entries;
	int count = scandir(dir, &entries, NULL, alphasort);
	size_t added = 0;

	for (int i = 0; count > 2 && added < n; i = (i + 1) % count) {
		char *path = xstrfmt("%s/%s", dir, entries[i]->d_name);

		if (*entries[i]->d_name != '.' && !strbuf_read_file(text, path, 1 << 20)) {
			strbuf_addstr(text, between);
			added++;
		}
		free(path);
	}
	for (int i = 0; i < count; i++)
		free(entries[i]);
	if (count >= 0)
		free(entries);
}

/* To the text that users get. */
static size_t triage_all(const struct strbuf *text)
{
	struct strbuf out = STRBUF_INIT;
	struct traces traces;
	size_t n;

	traces_read(text->buf, text->len, &traces);
	for (size_t i = 0; i < traces.n; i++) {
		struct triage *triage = triage_classify(traces.v[i].crash, NULL);

		strbuf_reset(&out);
		account_md(&out, "FILE", "2000-01-01T00:00:00Z", &traces.v[i], triage, NULL, NULL);
		triage_free(triage);
	}
	n = traces.n;
	traces_release(&traces);
	strbuf_release(&out);
	return n;
}

/* As `wc -l` goes over it: no reader of lines can be faster. */
static size_t lines_count(const struct strbuf *text)
{
	size_t n = 0;

	for (const char *p = text->buf; (p = memchr(p, '\n', text->len - (size_t)(p - text->buf)));
	     p++)
		n++;
	return n;
}

int main(int argc, char **argv)
{
	struct strbuf text = STRBUF_INIT;
	volatile size_t sink;
	uint64_t begin, ours, peer;
	size_t reports;

	if (argc != 3)
		die(2, "reports DIR N");
	files_add(argv[1], strtoul(argv[2], NULL, 10), &text);
	if (!text.len)
		die(2, "no file in '%s'", argv[1]);
	sink = lines_count(&text); /* that it is in the cache for both */
	begin = clock_now();
	sink = lines_count(&text);
	peer = clock_now() - begin;
	begin = clock_now();
	reports = triage_all(&text);
	ours = clock_now() - begin;
	(void)sink;
	printf("%f %f %zu %zu\n", (double)reports * 1e9 / (double)ours,
	       (double)reports * 1e9 / (double)(peer + !peer), reports, text.len);
	strbuf_release(&text);
	return 0;
}
