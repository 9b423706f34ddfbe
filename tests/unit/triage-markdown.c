/* SPDX-License-Identifier: Apache-2.0 */
/* Text made fit for Markdown, and reports grouped by signature. */
#include "tests/unit/triage.h"
#include "triage/cluster.h"
#include "triage/markdown.h"

static void check_text(const char *from, const char *wanted, const char *sentence)
{
	struct strbuf out = STRBUF_INIT;

	markdown_add_text(&out, from);
	CHECK_STR(out.buf, wanted, "%s", sentence);
	strbuf_release(&out);
}

static void check_code(const char *from, const char *wanted, const char *sentence)
{
	struct strbuf out = STRBUF_INIT;

	markdown_add_code(&out, from);
	CHECK_STR(out.buf, wanted, "%s", sentence);
	strbuf_release(&out);
}

static void check_markdown(void)
{
	const char *const lines[] = { "a", "````", "\tb\tc" };
	struct strbuf out = STRBUF_INIT;
	char *text;

	check_text("*a_b* `c` #1 ~x~ $y$ !", "\\*a\\_b\\* \\`c\\` \\#1 \\~x\\~ \\$y\\$ \\!",
		   "markup is escaped");
	check_text("<b>&@me http://x www.y", "&#60;b&#62;&#38;&#64;me http&#58;//x &#119;ww.y",
		   "HTML, names and addresses are");
	check_text("a\nb\xff", "a b\xef\xbf\xbd", "lines and bytes that are no UTF-8 are mended");
	check_code("a", "`a`", "code is code");
	check_code("`", "`` ` ``", "a backtick stays apart from the fence");
	check_code(" a ", "`  a  `", "blanks stay");
	check_code("", "(empty)", "nothing is said to be nothing");
	check_code("   ", "(empty)", "and so are blanks");
	markdown_fence_begin(&out, lines, 3, "c");
	for (int i = 0; i < 3; i++)
		markdown_fence_line(&out, lines[i]);
	markdown_fence_end(&out, lines, 3);
	CHECK_STR(out.buf, "`````c\na\n````\n        b       c\n`````\n",
		  "a fence is longer than any in the block, and tabs are blanks");
	strbuf_release(&out);
	text = xmalloc(100001);
	memset(text, '`', 100000);
	text[100000] = '\0';
	markdown_add_code(&out, text);
	CHECK(out.len < 3000, "a long name is cut");
	strbuf_release(&out);
	free(text);
}

static void check_clusters(void)
{
	struct triage a = { .signature = "A", .pattern = PATTERN_OTHER };
	struct triage b = { .signature = "B", .pattern = PATTERN_FORK_SAFETY };
	struct triage b_other = { .signature = "B", .pattern = PATTERN_OTHER };
	struct triage c = { .signature = "C\t", .pattern = PATTERN_LOCK_ORDER };
	static const char one[] = "one", two[] = "two\n\xff";
	struct clusters clusters = { .n = 0 };
	struct strbuf out = STRBUF_INIT;

	clusters_tell(&clusters, false, &out);
	CHECK_STR(out.buf, "", "no report, no line");
	clusters_add(&clusters, one, &c);
	clusters_add(&clusters, one, &b_other);
	clusters_add(&clusters, one, &b);
	clusters_add(&clusters, two, &b);
	clusters_add(&clusters, two, &a);
	clusters_tell(&clusters, false, &out);
	CHECK_STR(out.buf, "2\tB\tfork-safety\tone two \xef\xbf\xbd\n"
		  "1\tA\tother\ttwo \xef\xbf\xbd\n"
		  "1\tB\tother\tone\n"
		  "1\tC \tlock-order\tone\n", "the largest first, each file once, a pattern a line");
	strbuf_reset(&out);
	clusters_tell(&clusters, true, &out);
	CHECK(strstr(out.buf, "{\"schema\":1,\"count\":2,\"signature\":\"B\",\"pattern\":"
		  "\"fork-safety\",\"files\":[\"one\",\"two\\n\xef\xbf\xbd\"]}\n"),
	      "as JSON, too");
	clusters_release(&clusters);
	strbuf_release(&out);
}

int main(void)
{
	check_markdown();
	check_clusters();
	return tap_done();
}
