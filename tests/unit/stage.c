/* SPDX-License-Identifier: Apache-2.0 */
/* Stages of finalization, read from fields that this program makes up. */
#include <string.h>
#include <unistd.h>

#include "explore/stage.h"
#include "tests/unit/tap.h"

static uint64_t values[RUNTIME_FIELDS];
static uint32_t key;
static struct control_runtime fields;

/* A runtime in full swing: thread state 1 is F's, 2 the newest. */
static void start(bool has_key)
{
	memset(&fields, 0, sizeof(fields));
	for (int i = 0; i < RUNTIME_FIELDS; i++) {
		values[i] = 9;
		fields.address[i] = (uint64_t)(uintptr_t)&values[i];
	}
	values[RUNTIME_FINALIZING] = 0;
	values[RUNTIME_THREADS] = 2;
	key = 1;
	fields.address[RUNTIME_TSS] = has_key ? (uint64_t)(uintptr_t)&key : 0;
	fields.gil = 0x1000;
	fields.gil_size = 0x100;
}

static void reads(bool done, uint64_t waits_for, const char *wanted, const char *sentence)
{
	struct final_stage stage = final_stage_read(getpid(), &fields, done, waits_for);
	struct strbuf text = STRBUF_INIT;

	final_stage_text(stage, &text);
	CHECK_STR(text.buf, wanted, "%s", sentence);
	strbuf_release(&text);
}

int main(void)
{
	start(true);
	reads(false, 0x1010, "not begun (F waits for the GIL)", "a wait on a word in the GIL");
	reads(false, 0x1100, "not begun (F waits)", "a wait on the first word behind it");
	reads(true, 0, "initialized again", "F is back and the runtime is up");
	values[RUNTIME_FINALIZING] = 1;
	reads(false, 0, "finalizing: no thread may attach (F waits)", "the mark is set");
	values[RUNTIME_THREADS] = 1;
	reads(false, 0, "finalizing: no other thread has a state (F waits)",
	      "the newest thread state is F's");
	values[RUNTIME_MODULES] = 0;
	reads(false, 0, "modules deleted (F waits)", "sys.modules is gone");
	values[RUNTIME_GILSTATE_INTERP] = 0;
	reads(false, 0, "PyGILState has no interpreter (F waits)",
	      "the interpreter of PyGILState is gone");
	values[RUNTIME_MAIN_INTERP] = 0;
	reads(false, 0, "interpreter deleted (F waits)", "the main interpreter is gone");
	key = 0;
	reads(false, 0, "PyGILState's key deleted (F waits)", "the key is gone");
	reads(true, 0, "finalized", "and F is back");

	start(false);
	values[RUNTIME_FINALIZING] = 1;
	values[RUNTIME_MAIN_INTERP] = 0;
	reads(false, 0, "interpreter deleted (F waits)", "a release without the key");

	memset(&fields, 0, sizeof(fields));
	reads(true, 0, "unknown", "a host that publishes nothing");
	start(true);
	fields.address[RUNTIME_MODULES] = 8;
	reads(true, 0, "unknown", "a field that cannot be read");
	return tap_done();
}
