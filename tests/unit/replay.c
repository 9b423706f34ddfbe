/* SPDX-License-Identifier: Apache-2.0 */
/* Replay lines: what is printed can be read back, and nothing else. */
#include "matrix/replay.h"
#include "tap.h"

#define GOOD "fp2:finalize-restore/noexcept:bug:3.13.0:starve:zygote:default:0x2a:17:SIGABRT"
#define OLD "fp1:finalize-restore/noexcept:bug:3.13.0:starve:zygote:0x2a:17:SIGABRT"

static void test_round_trip(void)
{
	static const char *const lines[] = {
		GOOD,
		"fp2:fork-lru-list:twin:3.15.2d:storm:exec:tcache_count=0:0xffffffffffffffff:0:"
		"hang",
	};

	for (size_t i = 0; i < 2; i++) {
		struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;
		struct replay replay;

		CHECK_INT(replay_parse(lines[i], &replay, &err), 0, "%s is read", lines[i]);
		replay_format(&replay, &out);
		CHECK_STR(out.buf, lines[i], "and written as it was");
		replay_release(&replay);
		strbuf_release(&out);
		strbuf_release(&err);
	}
}

static void test_fields(void)
{
	struct strbuf err = STRBUF_INIT;
	struct replay replay;

	replay_parse("  forkpoint replay " GOOD " \n", &replay, &err);
	CHECK_STR(replay.scenario, "finalize-restore/noexcept", "pasted with its command");
	CHECK_STR(replay.python, "3.13.0", "the interpreter");
	CHECK(!replay.twin && replay.isolation == ISOLATION_ZYGOTE, "bug, zygote");
	CHECK_INT(replay.allocator, ALLOCATOR_DEFAULT, "the setting of the allocator");
	CHECK_INT(replay.seed, 42, "the seed");
	CHECK_INT(replay.trial, 17, "the trial");
	CHECK_INT(replay.outcome, 6, "the outcome");
	replay_release(&replay);
	strbuf_release(&err);
}

/* As printed before the allocator's setting stood in it. */
static void test_old_format(void)
{
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;
	struct replay replay;

	CHECK_INT(replay_parse(OLD, &replay, &err), 0, "%s is read", OLD);
	replay_format(&replay, &out);
	CHECK_STR(out.buf, GOOD, "as what it would be today");
	replay_release(&replay);
	strbuf_release(&out);
	strbuf_release(&err);
}

static void test_quotes(void)
{
	struct strbuf err = STRBUF_INIT;
	struct replay replay;

	CHECK_INT(replay_parse("\"" GOOD "\"", &replay, &err), 0, "with the quotes of a report");
	CHECK_INT(replay.outcome, 6, "read to its end");
	replay_release(&replay);
	strbuf_release(&err);
}

static void test_garbage(void)
{
	static const char *const lines[] = {
		"", "fp1", ":::::::::", GOOD ":more", "fp2x:s:bug:3.13.0:starve:zygote:default:1:1:ok",
		"fp2:s:bug:3.13.0:starve:zygote:1:1:ok",
		"fp1:s:bug:3.13.0:starve:zygote:default:1:1:ok",
		"fp2:s:bug:3.13.0:starve:zygote::1:1:ok",
		"fp2:s:bug:3.13.0:starve:zygote:tcache:1:1:ok", "fp1:s:bad:3.13.0:starve:zygote:1:1:ok",
		"fp1:s:bug:3.13.0:nowhere:zygote:1:1:ok", "fp1:s:bug:3.13.0:starve:other:1:1:ok",
		"fp1:s:bug:3.13.0:starve:zygote:x:1:ok", "fp1:s:bug:3.13.0:starve:zygote:1:-1:ok",
		"fp1:s:bug:3.13.0:starve:zygote:1:1:SIGNONE", "fp1:s:bug:3.13.0:starve:zygote:1:1:",
		"fp1:s:bug:3.13.0:starve:zygote:99999999999999999999:1:ok",
	};

	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct strbuf err = STRBUF_INIT;
		struct replay replay;

		CHECK(replay_parse(lines[i], &replay, &err) < 0 && err.len > 0,
		      "'%s' is refused", lines[i]);
		CHECK(!strchr(err.buf, '\n'), "in one sentence: %s", err.buf);
		strbuf_release(&err);
	}
}

int main(void)
{
	test_round_trip();
	test_fields();
	test_old_format();
	test_quotes();
	test_garbage();
	return tap_done();
}
