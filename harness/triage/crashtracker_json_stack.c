/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "triage/crashtracker.h"
#include "triage/crashtracker_json.h"

static uint64_t number(const json_t *value)
{
	uint64_t n = 0;

	json_number(value, &n);
	return n;
}

static void set_line(struct crash_frame *frame, const json_t *line)
{
	uint64_t n = number(line);

	if (frame->file && n <= INT32_MAX)
		frame->line = (int)n;
}

/* "Elf": {"path": …}, of the schema without a version. */
static struct piece normalized_path(const json_t *address)
{
	const json_t *meta = json_object_get(address, "meta"), *value;
	const char *kind;

	json_object_foreach((json_t *)(uintptr_t)meta, kind, value)
		if (json_is_object(value))
			return json_piece(json_object_get(value, "path"));
	return (struct piece){ NULL, 0 };
}

static void set_place(struct crash_frame *frame, const json_t *json)
{
	uint64_t base = number(json_object_get(json, "module_base_address"));
	const json_t *normalized = json_object_get(json, "normalized_ip");

	frame_module(frame, json_piece(json_object_get(json, "path")));
	frame_module(frame, normalized_path(normalized));
	frame_build_id(frame, json_piece(json_object_get(json, "build_id")));
	frame->module_offset = number(json_object_get(json, "relative_address"));
	if (!frame->module_offset && base && frame->pc > base)
		frame->module_offset = frame->pc - base;
	if (frame->module_offset)
		return;
	frame->module_offset = number(json_object_get(normalized, "file_offset"));
	frame->offset_kind = frame->module_offset ? OFFSET_OF_FILE : OFFSET_OF_MODULE;
}

static struct crash_frame *add_frame(struct trace *trace, struct crash_thread *thread,
				     const json_t *json)
{
	struct crash_frame *frame = trace_add_frame(trace, thread);
	uint64_t symbol = number(json_object_get(json, "symbol_address"));

	if (!frame)
		return NULL;
	frame->pc = number(json_object_get(json, "ip"));
	frame->offset = symbol && symbol < frame->pc ? frame->pc - symbol : 0;
	set_place(frame, json);
	return frame;
}

/* The functions at one address, innermost first: all but the last are inlined. */
static void add_names(struct trace *trace, struct crash_thread *thread, const json_t *json,
		      const json_t *names)
{
	size_t n = json_array_size(names);

	for (size_t i = 0; i < n; i++) {
		const json_t *name = json_array_get(names, i);
		struct crash_frame *frame = add_frame(trace, thread, json);

		if (!frame)
			return;
		frame_name(frame, json_piece(json_object_get(name, "name")));
		frame_source(frame, json_piece(json_object_get(name, "filename")));
		set_line(frame, json_object_get(name, "lineno"));
		frame->inlined = i + 1 < n;
	}
}

static void add_named(struct trace *trace, struct crash_thread *thread, const json_t *json)
{
	struct crash_frame *frame = add_frame(trace, thread, json);

	if (!frame)
		return;
	frame_name(frame, json_piece(json_object_get(json, "function")));
	frame_name(frame, json_piece(json_object_get(json, "mangled_name")));
	frame_source(frame, json_piece(json_object_get(json, "file")));
	set_line(frame, json_object_get(json, "line"));
	/* Nothing is at 0x0 that could have a name: it is the next frame's address that counts. */
	frame->inlined = !frame->pc && frame->function && json_object_get(json, "ip");
}

static bool add_frames(struct trace *trace, struct crash_thread *thread, const json_t *frames)
{
	size_t i;
	const json_t *json;

	json_array_foreach(frames, i, json) {
		const json_t *names = json_object_get(json, "names");

		if (json_array_size(names))
			add_names(trace, thread, json, names);
		else if (json_is_object(json))
			add_named(trace, thread, json);
		else
			trace->incomplete = true;
	}
	crashtracker_mark_frames(thread);
	return thread->nframes > 0;
}

static bool read_lines(struct trace *trace, struct crash_thread *thread, struct piece text)
{
	struct crashtracker_line parsed;
	struct lines lines;

	lines_begin(&lines, text.s, text.len);
	while (lines.line.s && !crashtracker_line_parse(lines.line, &parsed)) {
		crashtracker_read_reason(trace, lines.line);
		lines_next(&lines);
	}
	if (lines.line.s)
		crashtracker_read_frames(&lines, trace, thread);
	return thread->nframes > 0;
}

/* A bare address and a name a line, as the raw reader knows them. */
static bool read_addresses(struct trace *trace, struct crash_thread *thread, struct piece text)
{
	struct lines lines;
	uint64_t pc;

	lines_begin(&lines, text.s, text.len);
	for (; lines.line.s; lines_next(&lines)) {
		struct piece rest = piece_trim(lines.line);
		struct crash_frame *frame;

		if (!take_hex(&rest, false, &pc))
			continue;
		frame = trace_add_frame(trace, thread);
		frame->pc = pc;
		frame_name(frame, rest);
	}
	return thread->nframes > 0;
}

static bool read_text(struct trace *trace, struct crash_thread *thread, struct piece text)
{
	struct piece first = piece_trim(text);
	const char *behind;
	bool mended, found;
	json_t *json;

	if (piece_starts(first, "[{") || piece_starts(first, "{\"")) {
		json = json_text_read(first, &behind, &mended);
		trace->incomplete |= mended;
		/* A string in there would be a third one in another: nobody writes that. */
		found = !json_is_string(json) &&
			add_frames(trace, thread, json_is_array(json) ? json :
				   json_object_get(json, "frames"));
		json_decref(json);
		return found;
	}
	if (piece_starts(first, "0x"))
		return read_addresses(trace, thread, text);
	return piece_has(text, "#") && read_lines(trace, thread, text);
}

bool crashtracker_json_stack(struct trace *trace, struct crash_thread *thread,
			     const json_t *stack)
{
	if (!thread)
		return false;
	if (json_is_string(stack))
		return read_text(trace, thread, json_piece(stack));
	if (json_is_array(stack))
		return add_frames(trace, thread, stack);
	trace->incomplete |= json_is_true(json_object_get(stack, "incomplete"));
	return add_frames(trace, thread, json_object_get(stack, "frames"));
}
