/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what a host describes, and finding the row that holds. */
#include "run/catalog.h"
#include "tap.h"

#define ROW(releases, flavours, variant, twin, shows)                                             \
	"{\"releases\":\"" releases "\",\"flavours\":" flavours ",\"variant\":" variant           \
	",\"twin\":" twin ",\"shows\":\"" shows "\",\"allows\":null,\"floor\":0,"                 \
	"\"source\":\"here\"}"

#define DESCRIBED(python, flavour)                                                                \
	"{\"schema\":1,\"python\":\"" python "\",\"flavour\":\"" flavour "\",\"scenarios\":["     \
	"{\"index\":0,\"name\":\"s\",\"operation\":\"fork\",\"unsupported\":null,\"workers\":1,"  \
	"\"flags\":{\"gated\":true,\"window\":false,\"twin_retires\":false,\"hidden\":false},"    \
	"\"variants\":[{\"name\":\"a\",\"doc\":\"\",\"releases\":null},"                          \
	"{\"name\":\"b\",\"doc\":\"\",\"releases\":null}],\"expectations\":["                     \
	ROW("<3.14", "\"debug\"", "null", "false", "SIGABRT") ","                                 \
	ROW("<3.13.8", "null", "\"b\"", "false", "exit") ","                                      \
	ROW("<3.14", "null", "null", "false", "SIGSEGV") ","                                      \
	ROW(">=3.15", "null", "null", "false", "parked") ","                                      \
	ROW(">=3.15", "null", "null", "true", "ok hang") "]}]}"

static int load(struct catalog *catalog, const char *text, struct strbuf *err)
{
	return catalog_read(catalog, json_loads(text, 0, NULL), err);
}

/* The outcomes that the row promises, or "none". The caller's buffer. */
static const char *promised(const char *text, size_t variant, bool twin, struct strbuf *out)
{
	const struct expected *row;
	struct catalog catalog;
	struct strbuf err = STRBUF_INIT;

	strbuf_reset(out);
	if (load(&catalog, text, &err) < 0)
		return err.buf;
	row = catalog_expected(&catalog, &catalog.v[0], &catalog.v[0].variants[variant], twin);
	if (row)
		outcome_set_describe(&row->shows, out);
	else
		strbuf_addstr(out, "none");
	catalog_release(&catalog);
	strbuf_release(&err);
	return out->buf;
}

static void test_rows(void)
{
	struct strbuf out = STRBUF_INIT;

	CHECK_STR(promised(DESCRIBED("3.13.0", "release"), 0, false, &out), "SIGSEGV",
		  "a row of another flavour or variant is passed over");
	CHECK_STR(promised(DESCRIBED("3.13.0", "release"), 1, false, &out), "exit",
		  "a variant's own row comes first");
	CHECK_STR(promised(DESCRIBED("3.13.8", "release"), 1, false, &out), "SIGSEGV",
		  "and ends with its range");
	CHECK_STR(promised(DESCRIBED("3.13.0", "debug"), 1, false, &out), "SIGABRT",
		  "a flavour's own row comes first");
	CHECK_STR(promised(DESCRIBED("3.14.2", "release"), 0, false, &out), "none",
		  "a release that no row covers has none");
	CHECK_STR(promised(DESCRIBED("3.14.2", "release"), 0, true, &out), "ok",
		  "but its twin must be ok");
	CHECK_STR(promised(DESCRIBED("3.16.0a1", "release"), 0, false, &out), "parked",
		  "a release never seen before falls into the open range");
	CHECK_STR(promised(DESCRIBED("3.15.2", "release"), 0, true, &out), "ok hang",
		  "a twin's own row counts");
	strbuf_release(&out);
}

static void test_broken(void)
{
	static const char *const texts[] = {
		"[]", "{}", "{\"schema\":2}", "{\"schema\":1,\"python\":\"x\",\"flavour\":\"release\"}",
		"{\"schema\":1,\"python\":\"3.13.0\",\"flavour\":\"other\"}",
		"{\"schema\":1,\"python\":\"3.13.0\",\"flavour\":\"release\",\"scenarios\":[{}]}",
		"{\"schema\":1,\"python\":\"3.13.0\",\"flavour\":\"release\",\"scenarios\":[7]}",
	};
	struct catalog catalog;

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		struct strbuf err = STRBUF_INIT;

		CHECK(load(&catalog, texts[i], &err) < 0 && err.len > 0, "%s is refused: %s",
		      texts[i], err.buf);
		strbuf_release(&err);
	}
}

int main(void)
{
	test_rows();
	test_broken();
	return tap_done();
}
