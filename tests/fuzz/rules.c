/* SPDX-License-Identifier: Apache-2.0 */
/* A user's rules: any text is parsed, and asked then, or refused in a clean sentence. */
#include "tests/fuzz/fuzz.h"
#include "triage/rules.h"

static void ask(const struct frame_rules *rules)
{
	const struct crash_frame frames[] = {
		{ .function = (char[]){ "acme::run(int)" }, .trust = TRUST_EXACT,
		  .module = (char[]){ "/venv/acme/io/_fast.cpython-313-x86_64-linux-gnu.so" },
		  .file = (char[]){ "/build/src/acme/io/run.c" }, .line = 3 },
		{ .function = (char[]){ "near" }, .trust = TRUST_NEAR },
		{ .function = NULL },
	};
	struct frame_origin origin;

	for (size_t i = 0; i < sizeof(frames) / sizeof(*frames); i++) {
		frame_find_origin(&frames[i], rules, &origin);
		FUZZ_CHECK(frame_kind_name(origin.kind));
		FUZZ_CHECK(fuzz_is_clean(origin.component, false));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct strbuf err = STRBUF_INIT;
	struct frame_rules *rules = frame_rules_parse("mine", (const char *)data, size, &err);

	FUZZ_CHECK(!rules == (err.len > 0));
	FUZZ_CHECK(fuzz_is_clean(err.buf, false));
	FUZZ_CHECK(!err.len || !strncmp(err.buf, "mine:", strlen("mine:")));
	if (rules)
		ask(rules);
	frame_rules_free(rules);
	strbuf_release(&err);
	return 0;
}
