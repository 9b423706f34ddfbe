/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/crash_json.h"

#include <string.h>

#include "triage/json_text.h"

const char *crash_kind_word(enum crash_kind kind)
{
	static const char *const words[] = {
		[CRASH_KIND_SIGNAL] = "signal",   [CRASH_KIND_HANG] = "hang",
		[CRASH_KIND_SPIN] = "spin",       [CRASH_KIND_STOPPED] = "stopped",
		[CRASH_KIND_LATE] = "late",       [CRASH_KIND_FINDING] = "finding",
		[CRASH_KIND_LOOK] = "look",
	};

	return words[kind];
}

static void add(json_t *object, const char *key, json_t *value)
{
	json_object_set_new(object, key, value);
}

static void add_number(json_t *object, const char *key, uint64_t value)
{
	add(object, key, json_integer((json_int_t)value));
}

static json_t *frame_json(const struct crash_frame *frame, size_t n)
{
	json_t *object = json_object();

	add_number(object, "n", n);
	add(object, "function", json_of_text(frame->function));
	add(object, "module", json_of_text(frame->module));
	add_number(object, "offset", frame->module_offset);
	add(object, "file", json_of_text(frame->file));
	add(object, "line", json_integer(frame->line));
	add(object, "trust", json_string(trust_name(frame->trust)));
	add_number(object, "pc", frame->pc);
	add(object, "inlined", json_boolean(frame->inlined));
	add(object, "signal", json_boolean(frame->signal_frame));
	return object;
}

static json_t *frames_json(const struct crash_thread *thread)
{
	json_t *list = json_array();

	for (size_t i = 0; thread && i < thread->nframes; i++)
		json_array_append_new(list, frame_json(&thread->frames[i], i));
	return list;
}

static json_t *wait_json(const struct crash_wait *wait)
{
	json_t *object;

	if (!wait->syscall && !wait->what)
		return json_null();
	object = json_object();
	add(object, "syscall", json_of_text(wait->syscall));
	add(object, "timed", json_boolean(wait->timed));
	add_number(object, "address", wait->address);
	add(object, "what", json_of_text(wait->what));
	add(object, "owner", json_integer(wait->owner));
	add(object, "owner_missing", json_boolean(wait->owner_missing));
	add(object, "owner_elsewhere", json_integer(wait->owner_elsewhere));
	return object;
}

/* The culprit's frames stand in the finding itself. */
static json_t *thread_json(const struct crash_thread *thread, bool culprit)
{
	const char state[] = { thread->state, '\0' };
	json_t *object = json_object();

	add(object, "pid", json_integer(thread->pid));
	add(object, "tid", json_integer(thread->tid));
	add(object, "name", json_of_text(thread->name));
	add(object, "culprit", json_boolean(culprit));
	add(object, "gil", json_boolean(thread->has_gil));
	add(object, "state", thread->state ? json_of_text(state) : json_null());
	add(object, "wait", wait_json(&thread->wait));
	add(object, "frames", culprit ? json_null() : frames_json(thread));
	add(object, "truncated", json_boolean(thread->truncated));
	return object;
}

static json_t *threads_json(const struct crash *crash, const struct crash_thread *culprit)
{
	json_t *list = json_array();

	for (size_t i = 0; i < crash->nthreads; i++)
		json_array_append_new(list, thread_json(&crash->threads[i],
							&crash->threads[i] == culprit));
	return list;
}

static json_t *registers_json(const struct crash *crash)
{
	json_t *list = json_array();

	for (size_t i = 0; i < crash->nregs; i++)
		json_array_append_new(list, json_integer((json_int_t)crash->regs[i]));
	return list;
}

/* The files that are mapped, each once: its mappings stand one behind the other. */
static json_t *modules_json(const char *maps)
{
	json_t *list = json_array();
	struct piece last = { NULL, 0 };
	struct lines lines;

	for (lines_begin(&lines, maps, strlen(maps)); lines.line.s; lines_next(&lines)) {
		size_t at = piece_find(lines.line, "/");
		struct piece path = { lines.line.s + at, lines.line.len - at };

		if (!path.len || (path.len == last.len && !memcmp(path.s, last.s, path.len)))
			continue;
		json_array_append_new(list, json_stringn(path.s, path.len));
		last = path;
	}
	return list;
}

static void add_nulls(json_t *object)
{
	static const char *const keys[] = {
		"message", "si_code", "address", "frames", "degraded", "kind", "pid", "in_child",
		"in_window", "threads", "registers", "modules",
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		add(object, keys[i], json_null());
}

void crash_json_add(json_t *object, const struct crash *crash)
{
	const struct crash_thread *culprit = crash ? crash_culprit(crash) : NULL;

	add_nulls(object);
	if (!crash)
		return;
	add(object, "message", json_of_text(crash->message));
	if (crash->kind == CRASH_KIND_SIGNAL)
		add(object, "si_code", json_integer(crash->code));
	if (crash->has_addr)
		add_number(object, "address", crash->addr);
	add(object, "frames", frames_json(culprit));
	add(object, "degraded", json_of_text(crash->degraded));
	add(object, "kind", json_string(crash_kind_word(crash->kind)));
	add(object, "pid", json_integer(crash->pid));
	add(object, "in_child", json_boolean(crash->in_child));
	add(object, "in_window", json_boolean(crash->in_window));
	add(object, "threads", threads_json(crash, culprit));
	if (crash->nregs)
		add(object, "registers", registers_json(crash));
	if (crash->maps)
		add(object, "modules", modules_json(crash->maps));
}
