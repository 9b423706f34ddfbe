/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/stage.h"

#include <string.h>
#include <sys/uio.h>

bool final_stage_same(struct final_stage a, struct final_stage b)
{
	return a.reached == b.reached && a.waits == b.waits;
}

/* All fields that this release has, into their places in `values`. */
static bool fields_read(pid_t pid, const struct control_runtime *fields,
			uint64_t values[RUNTIME_FIELDS])
{
	struct iovec local[RUNTIME_FIELDS], remote[RUNTIME_FIELDS];
	ssize_t size = 0;
	unsigned long n = 0;

	memset(values, 0, RUNTIME_FIELDS * sizeof(*values));
	for (int i = 0; i < RUNTIME_FIELDS; i++) {
		size_t width = i == RUNTIME_TSS ? sizeof(uint32_t) : sizeof(uint64_t);

		if (!fields->address[i])
			continue;
		local[n] = (struct iovec){ &values[i], width };
		remote[n++] = (struct iovec){ (void *)(uintptr_t)fields->address[i], width };
		size += (ssize_t)width;
	}
	return n && process_vm_readv(pid, local, n, remote, n, 0) == size;
}

/* The furthest that the fields show; of a process whose F has not come back. */
static enum final_reached reached_of(const struct control_runtime *fields, const uint64_t *values)
{
	if (!values[RUNTIME_FINALIZING])
		return FINAL_NOT_BEGUN;
	if (fields->address[RUNTIME_TSS] && !values[RUNTIME_TSS])
		return FINAL_KEY;
	if (!values[RUNTIME_MAIN_INTERP])
		return FINAL_INTERPRETER;
	if (!values[RUNTIME_GILSTATE_INTERP])
		return FINAL_GILSTATE;
	if (fields->address[RUNTIME_MODULES] && !values[RUNTIME_MODULES])
		return FINAL_MODULES;
	if (fields->address[RUNTIME_THREADS] &&
	    values[RUNTIME_THREADS] == values[RUNTIME_FINALIZING])
		return FINAL_ALONE;
	return FINAL_MARKED;
}

static enum final_reached reached_when_done(const uint64_t *values)
{
	if (!values[RUNTIME_MAIN_INTERP])
		return FINAL_DONE;
	return values[RUNTIME_FINALIZING] ? FINAL_UNKNOWN : FINAL_AGAIN;
}

struct final_stage final_stage_read(pid_t pid, const struct control_runtime *fields, bool done,
				    uint64_t waits_for)
{
	struct final_stage stage = { FINAL_UNKNOWN, FINAL_MOVES };
	uint64_t values[RUNTIME_FIELDS];

	if (!fields_read(pid, fields, values))
		return stage;
	if (done) {
		stage.reached = (uint8_t)reached_when_done(values);
		return stage;
	}
	stage.reached = (uint8_t)reached_of(fields, values);
	stage.waits = fields->gil && waits_for - fields->gil < fields->gil_size ? FINAL_WAITS_GIL
										 : FINAL_WAITS;
	return stage;
}

void final_stage_text(struct final_stage stage, struct strbuf *text)
{
	static const char *const names[] = {
		[FINAL_UNKNOWN] = "unknown",
		[FINAL_NOT_BEGUN] = "not begun",
		[FINAL_MARKED] = "finalizing: no thread may attach",
		[FINAL_ALONE] = "finalizing: no other thread has a state",
		[FINAL_MODULES] = "modules deleted",
		[FINAL_GILSTATE] = "PyGILState has no interpreter",
		[FINAL_INTERPRETER] = "interpreter deleted",
		[FINAL_KEY] = "PyGILState's key deleted",
		[FINAL_DONE] = "finalized",
		[FINAL_AGAIN] = "initialized again",
	};
	static const char *const waits[] = {
		[FINAL_MOVES] = "",
		[FINAL_WAITS] = " (F waits)",
		[FINAL_WAITS_GIL] = " (F waits for the GIL)",
	};

	strbuf_addstr(text, names[stage.reached]);
	strbuf_addstr(text, waits[stage.waits]);
}
