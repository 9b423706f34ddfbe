/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/python_dump.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/python_lines.h"

struct dump {
	struct trace *trace;
	struct crash_thread *thread; /* the last one */
	bool blank;                  /* the line before was */
	bool c_stack;                /* there was one */
	size_t c_from;               /* its first frame, in `thread` */
};

static void dump_thread(struct dump *dump, bool current, uint64_t id, struct piece name)
{
	dump->thread = trace_add_thread(dump->trace);
	if (!dump->thread)
		return;
	dump->thread->culprit = current;
	if (name.len)
		dump->thread->name = piece_copy(name);
	/* What is larger is no number of the system's, but where the thread's data is. */
	if (id <= INT32_MAX)
		dump->thread->tid = (pid_t)id;
}

static void c_stack_begin(struct dump *dump)
{
	struct crash *crash = dump->trace->crash;

	dump->c_stack = true;
	for (size_t i = 0; i < crash->nthreads; i++)
		if (crash->threads[i].culprit && !crash->threads[i].left_out) {
			dump->thread = &crash->threads[i];
			dump->c_from = dump->thread->nframes;
			return;
		}
	dump_thread(dump, true, 0, (struct piece){ NULL, 0 });
	dump->c_from = 0;
}

/* _Py_DumpStack() itself is there even where no signal was. */
static size_t frames_of_dump(const struct crash *crash, const struct crash_frame *frames, size_t n)
{
	size_t handler = crash->signo ? frames_of_handler(frames, n) : 0;

	if (!n || !frames->function || strcmp(frames->function, "_Py_DumpStack"))
		return 0;
	return handler ? handler : 1;
}

static void c_stack_end(struct dump *dump)
{
	struct crash_thread *thread = dump->thread;
	size_t python = dump->c_from, native, drop;
	struct crash_frame *copy;

	if (!dump->c_stack || !thread || thread->left_out || thread->nframes <= python)
		return;
	native = thread->nframes - python;
	drop = frames_of_dump(dump->trace->crash, thread->frames + python, native);
	copy = xcalloc(thread->nframes, sizeof(*copy));
	for (size_t i = 0; i < drop; i++)
		crash_frame_release(&thread->frames[python + i]);
	memcpy(copy, thread->frames + python + drop, (native - drop) * sizeof(*copy));
	memcpy(copy + native - drop, thread->frames, python * sizeof(*copy));
	thread->nframes -= drop;
	memcpy(thread->frames, copy, thread->nframes * sizeof(*copy));
	free(copy);
}

/* "<no Python frame>", "<truncated rest of calls>", "<freed thread state>", "..." */
static bool dump_remark(struct dump *dump, struct piece line)
{
	struct piece p = piece_trim(line);
	bool dots = piece_is(p, "...");

	if (!dots && !(piece_starts(p, "<") && piece_ends(p, ">")))
		return false;
	if (piece_has(p, "freed") || piece_has(p, "invalid") || piece_has(p, "corrupt"))
		dump->trace->incomplete = true;
	if (piece_is(p, "<freed thread state>"))
		trace_add_message(dump->trace, p);
	/* Between threads: there are more of them. */
	if (dots && line.s == p.s)
		dump->trace->incomplete = true;
	else if (dump->thread && (dots || piece_has(p, "truncated")))
		dump->thread->truncated = true;
	return true;
}

static bool dump_heading(struct dump *dump, struct piece line)
{
	struct piece name;
	uint64_t id;
	bool current;

	if (python_thread_heading(line, &current, &id, &name) && !dump->c_stack) {
		/* Who asks may ask again; there are blank lines within a dump only. */
		if (dump->thread && !dump->blank && dump->trace->crash->kind == CRASH_KIND_LOOK)
			return false;
		dump_thread(dump, current, id, name);
		return true;
	}
	/* One to a dump: what follows is another's. */
	if (!python_c_stack(line) || dump->c_stack)
		return false;
	c_stack_begin(dump);
	return true;
}

static bool dump_frame(struct dump *dump, struct piece line)
{
	if (python_is_frame(line)) {
		if (!dump->thread) /* its heading is cut off */
			dump_thread(dump, false, 0, (struct piece){ NULL, 0 });
		python_add_frame(dump->trace, dump->thread, line);
		return true;
	}
	if (!python_native_frame(line, NULL))
		return false;
	if (!dump->c_stack)
		c_stack_begin(dump);
	python_native_frame(line, trace_add_frame(dump->trace, dump->thread));
	return true;
}

static bool dump_line(struct dump *dump, struct piece line)
{
	struct piece p = piece_trim(line);

	if (take_text(&p, "Extension modules: ")) {
		trace_add_fact(dump->trace, "extension modules", p);
		return true;
	}
	if (piece_is(p, "Garbage-collecting")) {
		trace_add_fact(dump->trace, "garbage collection",
			       (struct piece){ "running", strlen("running") });
		return true;
	}
	return dump_heading(dump, line) || dump_frame(dump, line) || dump_remark(dump, line);
}

/* The thread that died may be none that Python knows. */
static void say_current(struct dump *dump)
{
	const struct crash *crash = dump->trace->crash;

	for (size_t i = 0; i < crash->nthreads; i++)
		if (crash->threads[i].culprit)
			return;
	if (crash->nthreads)
		trace_add_fact(dump->trace, "current thread",
			       (struct piece){ "not told", strlen("not told") });
}

void python_dump_read(struct lines *lines, struct trace *trace)
{
	struct dump dump = { .trace = trace };

	while (lines->line.s) {
		bool blank = piece_is_blank(lines->line);

		if (piece_is(piece_trim(lines->line), "[...]")) {
			trace->incomplete = true;
		} else if (!blank && !dump_line(&dump, lines->line)) {
			break;
		}
		dump.blank = blank;
		lines_next(lines);
	}
	c_stack_end(&dump);
	say_current(&dump);
}
