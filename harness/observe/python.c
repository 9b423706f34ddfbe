/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/python.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/strbuf.h"
#include "embed/traceback.h"
#include "observe/image.h"
#include "observe/python_find.h"

/* No process has more, of all interpreters together; what seems to is torn. */
#define INTERPS_MAX 4096
#define THREADS_MAX 65536

#define TEXT_MAX 4096

/* How many reads of the walker's are between two looks at the clock: some microseconds. */
#define READS_A_LOOK 64

/* What a read needs. */
struct look {
	struct python_search search;
	struct python_place place;
	struct memory *memory;                   /* the search's */
	const struct traceback_offsets *offsets; /* the place's */
	struct traceback_reader reader;
	struct python *python;
	unsigned int reads;
};

static bool is_late(struct look *look)
{
	return python_search_is_late(&look->search);
}

/* Tables may be long and frames many, so time is looked at here: then there is nothing to read. */
static bool look_reader(void *context, uint64_t address, void *to, size_t size)
{
	struct look *look = context;

	if (look->search.late || (++look->reads % READS_A_LOOK == 0 && is_late(look)))
		return false;
	return memory_read(look->memory, address, to, size);
}

/* A list of which each one tells the next. Brent's algorithm: the mark moves at powers of two. */
struct list {
	uint64_t mark;
	size_t count;
};

/* A circle? Nobody's list comes back to where it has been. */
static bool list_returns(struct list *list, uint64_t at)
{
	if (at == list->mark)
		return true;
	list->count++;
	if (!(list->count & (list->count - 1)))
		list->mark = at;
	return false;
}

static struct python_frame *frame_add(struct python_thread *thread)
{
	thread->frames = xrealloc(thread->frames, (thread->nframes + 1) * sizeof(*thread->frames));
	memset(&thread->frames[thread->nframes], 0, sizeof(*thread->frames));
	return &thread->frames[thread->nframes++];
}

static char *text_take(const struct look *look, uint64_t text)
{
	char bytes[TEXT_MAX];

	return traceback_text(look->offsets, &look->reader, text, bytes, sizeof(bytes)) ?
		xstrdup(bytes) : NULL;
}

/* Behind a type's name stand the sizes of its objects and of their items, which are pairs. */
#define TYPE_ITEM_SIZE 16
#define CODE_ITEM_SIZE 2

/* References to objects have marks in their lowest bits. */
#define OBJECT_MASK (~(uint64_t)7)

/* Frames of which the first may be none of Python's. */
#define TYPE_FRAMES 4

/*
 * The type of code objects, where its name cannot be read, since it is in a file that is not to be
 * had: what the innermost frames run has it.
 */
static uint64_t code_type_without_name(const struct look *look, uint64_t frame)
{
	const struct traceback_offsets *o = look->offsets;
	uint64_t code, type, name, size;
	char letter;

	for (int i = 0; frame && i < TYPE_FRAMES; i++) {
		if (memory_read_u64(look->memory, frame + o->frame_code, &code) &&
		    memory_read_u64(look->memory, (code & OBJECT_MASK) + o->object_type, &type) &&
		    memory_read_u64(look->memory, type + o->type_name, &name) &&
		    memory_read_u64(look->memory, type + o->type_name + TYPE_ITEM_SIZE, &size) &&
		    size == CODE_ITEM_SIZE && !memory_read(look->memory, name, &letter, 1))
			return type;
		if (!memory_read_u64(look->memory, frame + o->frame_previous, &frame))
			return 0;
	}
	return 0;
}

static void thread_frames(struct look *look, struct python_thread *thread)
{
	struct traceback_walk walk;
	struct traceback_code code;
	enum traceback_step step = TRACEBACK_TORN;
	bool begun = traceback_begin(&walk, look->offsets, &look->reader, thread->address);

	if (begun && look->place.scanned)
		walk.code_type = code_type_without_name(look, walk.frame);
	while (begun && (step = traceback_next(&walk, &code)) > TRACEBACK_TORN) {
		struct python_frame *frame;

		if (is_late(look))
			return;
		if (thread->nframes >= PYTHON_FRAMES_MAX && step == TRACEBACK_PYTHON) {
			thread->left_out++;
			continue;
		}
		frame = frame_add(thread);
		frame->entry = step == TRACEBACK_ENTRY;
		frame->address = code.frame;
		if (frame->entry)
			continue;
		frame->function = text_take(look, code.name);
		frame->file = text_take(look, code.filename);
		frame->line = code.lineno;
	}
	thread->torn = step == TRACEBACK_TORN && !look->search.late;
}

static struct python_thread *thread_at(struct python *p, uint64_t address)
{
	for (size_t i = 0; i < p->nthreads; i++)
		if (p->threads[i].address == address)
			return &p->threads[i];
	return NULL;
}

/* The thread states of one interpreter. One that is in a list twice makes a circle of it. */
static void interp_threads(struct look *look, size_t interp)
{
	struct python *p = look->python;
	struct list list = { 0 };
	uint64_t at = 0;

	p->torn |= !memory_read_u64(look->memory, p->interps[interp].address +
				    look->offsets->interp_threads, &at);
	while (at && !is_late(look)) {
		struct python_thread *thread;
		uint64_t native = 0, ident = 0;

		if (p->nthreads == THREADS_MAX || list_returns(&list, at) ||
		    !memory_read_u64(look->memory, at + look->offsets->thread_id, &ident) ||
		    !memory_read_u64(look->memory, at + look->offsets->thread_native_id, &native)) {
			p->torn = true;
			return;
		}
		p->threads = xrealloc(p->threads, (p->nthreads + 1) * sizeof(*p->threads));
		thread = &p->threads[p->nthreads++];
		*thread = (struct python_thread){ .address = at, .tid = (pid_t)native,
						  .ident = ident, .interp = interp };
		thread_frames(look, thread);
		if (!memory_read_u64(look->memory, at + look->offsets->thread_next, &at)) {
			p->torn = true;
			return;
		}
	}
}

static void interps_read(struct look *look)
{
	struct python *p = look->python;
	struct list list = { 0 };
	uint64_t at = 0;

	p->torn = !memory_read_u64(look->memory,
				   look->place.runtime + look->offsets->runtime_interpreters, &at);
	while (at && !is_late(look)) {
		struct python_interp *interp;
		uint64_t id = 0;
		uint32_t collecting = 0;

		if (p->ninterps == INTERPS_MAX || list_returns(&list, at) ||
		    !memory_read_u64(look->memory, at + look->offsets->interp_id, &id)) {
			p->torn = true;
			return;
		}
		p->interps = xrealloc(p->interps, (p->ninterps + 1) * sizeof(*p->interps));
		interp = &p->interps[p->ninterps];
		memory_read_u32(look->memory, at + look->offsets->interp_gc_collecting,
				&collecting);
		*interp = (struct python_interp){ .address = at, .id = (int64_t)id,
						  .collecting = collecting != 0 };
		interp_threads(look, p->ninterps++);
		if (!memory_read_u64(look->memory, at + look->offsets->interp_next, &at)) {
			p->torn = true;
			return;
		}
	}
}

static void gils_read(struct look *look)
{
	struct python *p = look->python;

	for (size_t i = 0; i < p->ninterps; i++) {
		struct python_thread *thread;
		uint64_t gil, holder;
		uint32_t taken;

		if (!memory_read_u64(look->memory,
				     p->interps[i].address + look->offsets->interp_gil, &gil) ||
		    !gil ||
		    !memory_read_u32(look->memory, gil + look->offsets->gil_locked, &taken) ||
		    !memory_read_u64(look->memory, gil + look->offsets->gil_holder, &holder))
			continue;
		p->interps[i].gil = gil;
		/* -1: it has never been made, or is no more. */
		p->interps[i].gil_taken = (int32_t)taken == 1;
		thread = p->interps[i].gil_taken ? thread_at(p, holder) : NULL;
		if (thread)
			thread->has_gil = true;
	}
}

static void finalizing_read(struct look *look)
{
	const struct python_thread *thread;
	uint64_t tstate = 0;

	if (!memory_read_u64(look->memory, look->place.runtime + look->offsets->runtime_finalizing,
			     &tstate) || !tstate)
		return;
	thread = thread_at(look->python, tstate);
	look->python->finalizing = true;
	look->python->finalizing_tid = thread ? thread->tid : 0;
}

static struct python *runtime_read(struct look *look)
{
	struct python *python = look->python = xcalloc(1, sizeof(*python));

	look->memory = look->search.memory;
	look->offsets = &look->place.offsets;
	look->reader = (struct traceback_reader){ look_reader, look };
	python->release = look->place.release ? look->place.release : look->offsets->release << 16;
	python->free_threaded = look->offsets->free_threaded;
	python->offsets = *look->offsets;
	python->module = xstrdup(look->place.module->path);
	interps_read(look);
	gils_read(look);
	finalizing_read(look);
	python->late = look->search.late;
	return python;
}

/*
 * Most often it is in what is called so; anywhere else, where CPython is linked into a program. One
 * that is not in use counts where no other is.
 */
struct python *python_read(const struct maps *maps, struct memory *memory,
			   struct unwind_session *session, uint64_t deadline_ns,
			   struct strbuf *why)
{
	struct python *first = NULL, **last = &first;
	struct look idle = { .python = NULL }, look = { .search = {
		.maps = maps, .memory = memory, .session = session, .deadline_ns = deadline_ns,
	} };

	for (int named = 1; named >= 0 && !first; named--) {
		for (size_t i = 0; i < maps->nmodules; i++) {
			if (python_is_named(&maps->modules[i]) != named ||
			    !python_find(&look.search, &maps->modules[i], &look.place, why))
				continue;
			if (python_is_in_use(&look.search, &look.place)) {
				*last = runtime_read(&look);
				last = &(*last)->next;
			} else if (!idle.place.module) {
				idle = look;
			}
		}
	}
	if (!first && idle.place.module)
		first = runtime_read(&idle);
	if (first)
		strbuf_reset(why);
	else if (look.search.late)
		strbuf_addstr(why, "it was looked for too long");
	return first;
}

void python_claim(struct python *python, struct python_thread *thread, pid_t tid)
{
	if (python->finalizing_tid == thread->tid)
		python->finalizing_tid = tid;
	thread->tid = tid;
}

static void runtime_free(struct python *p)
{
	for (size_t i = 0; i < p->nthreads; i++) {
		for (size_t k = 0; k < p->threads[i].nframes; k++) {
			free(p->threads[i].frames[k].function);
			free(p->threads[i].frames[k].file);
		}
		free(p->threads[i].frames);
	}
	free(p->threads);
	free(p->interps);
	free(p->module);
	free(p);
}

void python_free(struct python *python)
{
	while (python) {
		struct python *next = python->next;

		runtime_free(python);
		python = next;
	}
}
