/* SPDX-License-Identifier: Apache-2.0 */
/* JSON out of the middle of a text, whole or not, and which file an address belongs to. */
#include "tests/unit/reading.h"
#include "triage/json_text.h"
#include "triage/mapped.h"

/* What is understood of a text, where it ends, and whether that is what stands there. */
static void check_json(const char *text, const char *wanted, size_t length, bool mended_wanted,
		       const char *what)
{
	struct piece piece = { text, strlen(text) };
	const char *behind;
	bool mended;
	json_t *json = json_text_read(piece, &behind, &mended);
	char *got = json ? json_dumps(json, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

	CHECK_STR(got, wanted, "%s", what);
	CHECK_INT(behind - text, length, "%s: its end is known", what);
	CHECK_INT(mended, mended_wanted, "%s: whether it is mended", what);
	json_decref(json);
	free(got);
}

static void test_whole(void)
{
	check_json("{\"a\":[1,{\"b\":null}]} and more", "{\"a\":[1,{\"b\":null}]}", 20, false,
		   "a value ends where it ends");
	check_json("[true]]", "[true]", 6, false, "brackets behind it are not its own");
	check_json("prose", NULL, 1, true, "prose is no value");
}

static void test_cut(void)
{
	check_json("{\"a\":1,\"b\":{\"c\":[2,", "{\"a\":1,\"b\":{\"c\":[2]}}", 19, true,
		   "what is open is closed");
	check_json("{\"a\":1,\"b\":", "{\"a\":1}", 11, true, "a member without a value is not");
	check_json("{\"a\":1,\"bc", "{\"a\":1}", 10, true, "and half a name");
	check_json("{\"a\":\"text", "{\"a\":\"text\"}", 10, true, "half a string is kept");
	check_json("{\"a\":\"te\\u00", "{\"a\":\"te\"}", 8, true, "but not half a character");
	check_json("{\"a\":12", "{}", 5, true, "nor half a number");
	check_json("{\"a\":tru", "{}", 5, true, "nor half a word");
	check_json("{", "{}", 1, true, "the beginning alone is empty");
	check_json("{\"a\":1,\n#0 main", "{\"a\":1}", 8, true, "other text ends it");
	check_json("{\"a\":\"x\n#0 main", "{\"a\":\"x\"}", 7, true, "and in a string a line's end");
}

static void test_mangled(void)
{
	check_json("{\"a\":\"x\xff\xfey\",\"b\":2} ",
		   "{\"a\":\"x\xef\xbf\xbd\xef\xbf\xbdy\",\"b\":2}", 18, true, "bytes that are no UTF-8 are replaced");
	check_json("{\"a\":\"\\ud800x\"}", "{\"a\":\"\xef\xbf\xbdx\"}", 15, true,
		   "and half a surrogate pair");
	check_json("{\"a\":\"\\ud83d\\ude00\xff\"}", "{\"a\":\"\xf0\x9f\x98\x80\xef\xbf\xbd\"}",
		   21, true, "but not a whole one");
	check_json("{\"a\":\"\\q\\n\"}", "{\"a\":\"\\\\q\\n\"}", 12, true,
		   "what is no escape is a backslash");
	check_json("{\"a\":\"x\ty\"}", "{\"a\":\"x y\"}", 11, true, "a tab is a blank");
	check_json("[18446744073709551615,1]", "[1.8446744073709552e19,1]", 24, true,
		   "a number that no integer holds is nearly right");
	check_json("[1e999]", "[]", 1, true, "one that nothing holds ends it");
	check_json("[\"\\u0000\"]", "[\"\\u0000\"]", 10, false, "NUL is a character");
}

static void test_nested(void)
{
	struct strbuf text = STRBUF_INIT;
	const char *behind;
	bool mended;
	json_t *json, *inner;
	size_t depth = 0;

	for (int i = 0; i < 500; i++)
		strbuf_addch(&text, '[');
	json = json_text_read((struct piece){ text.buf, text.len }, &behind, &mended);
	for (inner = json; inner; inner = json_array_get(inner, 0))
		depth++;
	CHECK_INT(depth, 500, "what is nested as it may be is read");
	json_decref(json);
	strbuf_release(&text);
}

/* Time and memory are bounded: a test that does not end, or needs the stack, would show it. */
static void test_deep(void)
{
	const size_t size = 4 << 20;
	char *text = xmalloc(size + 1);
	const char *behind;
	bool mended;
	json_t *json;

	for (size_t i = 0; i < size; i++)
		text[i] = "{\"a\":"[i % 5];
	text[size] = '\0';
	json = json_text_read((struct piece){ text, size }, &behind, &mended);
	CHECK(json && mended, "what is nested too deep is cut off there");
	CHECK(behind > text && behind <= text + 5 * (JSON_TEXT_DEPTH + 1), "and read no further");
	json_decref(json);
	CHECK(reads_clean(text, size), "and a report of it ends");
	for (size_t i = 0; i < size; i++)
		text[i] = "{\"a\":\n"[i % 6];
	CHECK(reads_clean(text, size), "and one in lines");
	for (size_t i = 0; i < size; i++)
		text[i] = "{\n\"a\":1\n"[i % 8];
	CHECK(reads_clean(text, size), "and one that begins again and again");
	for (size_t i = 0; i < size; i++)
		text[i] = "{\"error\":{\"is_crash\":1,\"stack\":\"#0 x\"}}\n"[i % 40];
	CHECK(reads_clean(text, size), "and very many reports");
	free(text);
}

static void test_numbers(void)
{
	json_t *json = json_loads("[7,\"0x1f\",\"31\",-1.0,\"x\",1e3]", 0, NULL);
	uint64_t n = 99;

	CHECK(json_number(json_array_get(json, 0), &n) && n == 7, "a number");
	CHECK(json_number(json_array_get(json, 1), &n) && n == 31, "one in hexadecimal");
	CHECK(json_number(json_array_get(json, 2), &n) && n == 31, "or in a string");
	CHECK(!json_number(json_array_get(json, 3), &n) && n == 31, "a negative one is none");
	CHECK(!json_number(json_array_get(json, 4), &n) && n == 31, "nor is a word");
	CHECK(json_number(json_array_get(json, 5), &n) && n == 1000, "a real one");
	CHECK(!json_number(NULL, &n) && !json_piece(NULL).len && !json_int(NULL), "nor nothing");
	json_decref(json);
}

static void add_maps(struct mapped *mapped, const char *text)
{
	struct lines lines;

	for (lines_begin(&lines, text, strlen(text)); lines.line.s; lines_next(&lines))
		mapped_add_line(mapped, lines.line);
}

static void check_mapped(struct mapped *mapped, uint64_t address, const char *path, uint64_t offset)
{
	const struct mapping *m = mapped_find(mapped, address);
	char *got = m ? piece_copy(m->path) : NULL;

	CHECK_STR(got, path, "0x%" PRIx64 " is in %s", address, path ? path : "none");
	if (m)
		CHECK_INT(address - m->base, offset, "at its 0x%" PRIx64, offset);
	free(got);
}

static void test_mapped(void)
{
	struct mapped mapped = { .n = 0 };

	/* Not in order; one file twice; a name with a blank; not all are files. */
	add_maps(&mapped, "7f0000500000-7f0000501000 r-xp 00001000 fe:01 12  /usr/lib/b.so\n"
		 "7f0000000000-7f0000001000 r--p 00000000 fe:01 11   /venv/my probe.so\n"
		 "7f0000001000-7f0000003000 r-xp 00000800 fe:01 11   /venv/my probe.so (deleted)\n"
		 "7f0000100000-7f0000101000 r--p 00000000 fe:01 11   /venv/my probe.so\n"
		 "7f0000200000-7f0000300000 rw-p 00000000 00:00 0    [heap]\n"
		 "7f0000300000-7f0000400000 rw-p 00000000 00:00 0 \n"
		 "7f0000900000-7f0000800000 rw-p 00000000 00:00 0   /backwards\n"
		 "nonsense\n7f00-\n");
	check_mapped(&mapped, 0x7f0000000000, "/venv/my probe.so", 0);
	check_mapped(&mapped, 0x7f0000002fff, "/venv/my probe.so", 0x2fff);
	check_mapped(&mapped, 0x7f0000003000, NULL, 0);
	check_mapped(&mapped, 0x7f0000100010, "/venv/my probe.so", 0x10);
	check_mapped(&mapped, 0x7f0000200010, NULL, 0);
	check_mapped(&mapped, 0x7f0000500010, "/usr/lib/b.so", 0x1010);
	check_mapped(&mapped, 0x7f0000850000, NULL, 0);
	check_mapped(&mapped, 1, NULL, 0);
	mapped_release(&mapped);
	check_mapped(&mapped, 1, NULL, 0);
}

int main(void)
{
	test_whole();
	test_cut();
	test_mangled();
	test_nested();
	test_deep();
	test_numbers();
	test_mapped();
	return tap_done();
}
