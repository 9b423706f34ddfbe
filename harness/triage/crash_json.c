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

static void add_number(json_t *object, const char *key, uint64_t value)
{
	json_put(object, key, json_integer((json_int_t)value));
}

static json_t *frame_json(const struct crash_frame *frame, size_t n)
{
	json_t *object = json_object();

	add_number(object, "n", n);
	json_put(object, "function", json_of_text(frame->function));
	json_put(object, "module", json_of_text(frame->module));
	add_number(object, "offset", frame->module_offset);
	json_put(object, "file", json_of_text(frame->file));
	json_put(object, "line", json_integer(frame->line));
	json_put(object, "trust", json_string(trust_name(frame->trust)));
	add_number(object, "pc", frame->pc);
	json_put(object, "inlined", json_boolean(frame->inlined));
	json_put(object, "signal", json_boolean(frame->signal_frame));
	json_put(object, "python", json_boolean(frame->python));
	json_put(object, "evaluator", json_boolean(frame->evaluator));
	return object;
}

static json_t *frames_json(const struct crash_thread *thread)
{
	json_t *list = json_array();

	for (size_t i = 0; thread && i < thread->nframes; i++)
		json_append(list, frame_json(&thread->frames[i], i));
	return list;
}

static json_t *lock_json(const struct crash_wait *wait)
{
	json_t *object;

	if (!wait->lock_type)
		return json_null();
	object = json_object();
	json_put(object, "type", json_of_text(wait->lock_type));
	add_number(object, "address", wait->lock);
	return object;
}

static json_t *wait_json(const struct crash_wait *wait)
{
	json_t *object;

	if (!wait->syscall && !wait->what)
		return json_null();
	object = json_object();
	json_put(object, "syscall", json_of_text(wait->syscall));
	json_put(object, "timed", json_boolean(wait->timed));
	add_number(object, "address", wait->address);
	json_put(object, "what", json_of_text(wait->what));
	json_put(object, "lock", lock_json(wait));
	json_put(object, "owner", json_integer(wait->owner));
	json_put(object, "owner_missing", json_boolean(wait->owner_missing));
	json_put(object, "owner_elsewhere", json_integer(wait->owner_elsewhere));
	return object;
}

/* The culprit's frames stand in the finding itself; one that nothing happened to is none. */
static json_t *thread_json(const struct crash_thread *thread, bool culprit)
{
	const char state[] = { thread->state, '\0' };
	json_t *object = json_object();

	json_put(object, "pid", json_integer(thread->pid));
	json_put(object, "tid", json_integer(thread->tid));
	json_put(object, "name", json_of_text(thread->name));
	json_put(object, "culprit", json_boolean(culprit));
	json_put(object, "gil", json_boolean(thread->has_gil));
	json_put(object, "state", thread->state ? json_of_text(state) : json_null());
	json_put(object, "wait", wait_json(&thread->wait));
	json_put(object, "frames", culprit ? json_null() : frames_json(thread));
	json_put(object, "truncated", json_boolean(thread->truncated));
	json_put(object, "interpreter", thread->has_python ? json_integer(thread->interp) :
							     json_null());
	json_put(object, "runtime", json_of_text(thread->runtime));
	json_put(object, "python_torn", json_boolean(thread->python_torn));
	json_put(object, "left_out", json_integer((json_int_t)thread->left_out));
	return object;
}

static json_t *interps_json(const struct crash_python *python)
{
	json_t *list = json_array();

	for (size_t i = 0; i < python->ninterps; i++) {
		const struct crash_interp *interp = &python->interps[i];
		json_t *object = json_object();

		json_put(object, "id", json_integer(interp->id));
		json_put(object, "gil_taken", json_boolean(interp->gil_taken));
		json_put(object, "gil_thread", interp->gil_tid ? json_integer(interp->gil_tid) :
								 json_null());
		json_put(object, "collecting", json_boolean(interp->collecting));
		json_append(list, object);
	}
	return list;
}

static json_t *pythons_json(const struct crash *crash)
{
	json_t *list = json_array();

	for (size_t i = 0; i < crash->npythons; i++) {
		const struct crash_python *python = &crash->pythons[i];
		json_t *object = json_object();

		json_put(object, "pid", json_integer(python->pid));
		json_put(object, "release", json_of_text(python->release));
		json_put(object, "free_threaded", json_boolean(python->free_threaded));
		json_put(object, "module", json_of_text(python->module));
		json_put(object, "finalizing", json_boolean(python->finalizing));
		json_put(object, "finalizing_thread", python->finalizing_tid ?
			 json_integer(python->finalizing_tid) : json_null());
		json_put(object, "interpreters", interps_json(python));
		json_put(object, "trouble", json_of_text(python->trouble));
		json_append(list, object);
	}
	return list;
}

static json_t *threads_json(const struct crash *crash, const struct crash_thread *culprit)
{
	json_t *list = json_array();

	for (size_t i = 0; i < crash->nthreads; i++)
		json_append(list, thread_json(&crash->threads[i],
					      &crash->threads[i] == culprit &&
					      crash->kind != CRASH_KIND_LOOK));
	return list;
}

static json_t *registers_json(const struct crash *crash)
{
	json_t *list = json_array();

	for (size_t i = 0; i < crash->nregs; i++)
		json_append(list, json_integer((json_int_t)crash->regs[i]));
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
		json_append(list, json_stringn(path.s, path.len));
		last = path;
	}
	return list;
}

static void add_nulls(json_t *object)
{
	static const char *const keys[] = {
		"message", "si_code", "address", "frames", "degraded", "kind", "pid", "in_child",
		"in_window", "threads", "registers", "modules", "pythons",
	};

	for (size_t i = 0; i < sizeof(keys) / sizeof(*keys); i++)
		json_put(object, keys[i], json_null());
}

void crash_json_add(json_t *object, const struct crash *crash)
{
	const struct crash_thread *culprit = crash ? crash_culprit(crash) : NULL;

	add_nulls(object);
	if (!crash)
		return;
	json_put(object, "message", json_of_text(crash->message));
	if (crash->kind == CRASH_KIND_SIGNAL)
		json_put(object, "si_code", json_integer(crash->code));
	if (crash->has_addr)
		add_number(object, "address", crash->addr);
	json_put(object, "frames", frames_json(culprit));
	json_put(object, "degraded", json_of_text(crash->degraded));
	json_put(object, "kind", json_string(crash_kind_word(crash->kind)));
	json_put(object, "pid", json_integer(crash->pid));
	json_put(object, "in_child", json_boolean(crash->in_child));
	json_put(object, "in_window", json_boolean(crash->in_window));
	json_put(object, "threads", threads_json(crash, culprit));
	if (crash->nregs)
		json_put(object, "registers", registers_json(crash));
	if (crash->maps)
		json_put(object, "modules", modules_json(crash->maps));
	if (crash->npythons)
		json_put(object, "pythons", pythons_json(crash));
}
