/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/python.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/errors.h"
#include "base/strbuf.h"
#include "embed/traceback.h"
#include "observe/exports.h"
#include "observe/image.h"

/* No process has more; what seems to is torn. */
#define INTERPS_MAX 4096
#define THREADS_MAX 65536

#define TEXT_MAX 4096

/* What a read needs. */
struct look {
	const struct maps *maps;
	struct memory *memory;
	struct unwind_session *session;
	uint64_t deadline;
	struct traceback_reader reader;
	struct traceback_offsets offsets;
	const struct maps_module *module;
	uint32_t release; /* PY_VERSION_HEX; 0: not told */
	uint64_t runtime;
	bool scanned; /* its module's file is not to be had */
	struct python *python;
};

static bool memory_reader(void *context, uint64_t address, void *to, size_t size)
{
	return memory_read(context, address, to, size);
}

/* Where a module has something, in the process. */
static bool module_find(const struct look *look, const struct maps_module *module,
			bool (*find)(Elf *, const char *, uint64_t *), const char *name,
			uint64_t *address)
{
	struct image *image = unwind_image(look->session, module);
	uint64_t vaddr;

	if (!image || !find(image_elf(image), name, &vaddr))
		return false;
	*address = module->start + (vaddr - image_base(image));
	return true;
}

/* PY_VERSION_HEX, where the module says it. */
static uint32_t module_release(const struct look *look, const struct maps_module *module)
{
	uint64_t address, version;

	return module_find(look, module, exports_symbol, "Py_Version", &address) &&
	       memory_read_u64(look->memory, address, &version) ? (uint32_t)version : 0;
}

/* What the runtime begins with, from 3.13 on, for those who look from outside. */
#define COOKIE "xdebugpy"
#define SCAN_STEP 4096u

/* For a module whose file is not to be had: in the data that it has in memory. */
static bool runtime_scan(const struct look *look, size_t module, uint64_t *address)
{
	for (size_t i = 0; i < look->maps->nranges; i++) {
		const struct maps_range *range = &look->maps->ranges[i];
		char bytes[SCAN_STEP];

		if (range->module != module || !range->writable)
			continue;
		for (uint64_t at = range->start; at < range->end; at += SCAN_STEP) {
			if (!memory_read(look->memory, at, bytes, sizeof(bytes)))
				continue;
			for (size_t k = 0; k < sizeof(bytes); k += sizeof(uint64_t))
				if (!memcmp(bytes + k, COOKIE, strlen(COOKIE))) {
					*address = at + k;
					return true;
				}
		}
	}
	return false;
}

static bool runtime_in(const struct look *look, const struct maps_module *module,
		       uint64_t *address)
{
	if (!unwind_image(look->session, module))
		return runtime_scan(look, (size_t)(module - look->maps->modules), address);
	return module_find(look, module, exports_section, ".PyRuntime", address) ||
	       module_find(look, module, exports_symbol, "_PyRuntime", address);
}

/* A runtime that is in use has an interpreter, or has had one and ends. */
static bool is_in_use(const struct look *look)
{
	uint64_t head;

	return memory_read_u64(look->memory, look->runtime + look->offsets.runtime_interpreters,
			       &head) && head;
}

/* Is there a runtime in this module that can be read? */
static bool module_try(struct look *look, const struct maps_module *module, struct strbuf *why)
{
	uint8_t start[TRACEBACK_RUNTIME_MAX];

	if (!runtime_in(look, module, &look->runtime))
		return false;
	look->module = module;
	look->scanned = !unwind_image(look->session, module);
	look->release = look->scanned ? 0 : module_release(look, module);
	if (!memory_read(look->memory, look->runtime, start, sizeof(start))) {
		strbuf_reset(why);
		strbuf_addf(why, "the runtime of CPython in %s is not in memory", module->path);
		return false;
	}
	if (!traceback_offsets_find(&look->offsets, start, sizeof(start), look->release >> 16)) {
		strbuf_reset(why);
		strbuf_addf(why, "the CPython in %s is of no release that is known here (3.12 to "
			    "3.15)", module->path);
		return false;
	}
	return true;
}

static bool is_named_python(const struct maps_module *module)
{
	const char *name = strrchr(module->path, '/');

	return name && strstr(name, "python");
}

static bool is_late(const struct look *look)
{
	look->python->late |= look->deadline && clock_now() > look->deadline;
	return look->python->late;
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

	return traceback_text(&look->offsets, &look->reader, text, bytes, sizeof(bytes)) ?
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
	const struct traceback_offsets *o = &look->offsets;
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

static void thread_frames(const struct look *look, struct python_thread *thread)
{
	struct traceback_walk walk;
	struct traceback_code code;
	enum traceback_step step = TRACEBACK_TORN;
	bool begun = traceback_begin(&walk, &look->offsets, &look->reader, thread->address);

	if (begun && look->scanned)
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
	thread->torn = step == TRACEBACK_TORN;
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
	uint64_t at = 0;

	p->torn |= !memory_read_u64(look->memory,
				    p->interps[interp].address + look->offsets.interp_threads, &at);
	for (size_t i = 0; at; i++) {
		struct python_thread *thread;
		uint64_t native = 0, ident = 0;

		if (is_late(look))
			return;
		if (i == THREADS_MAX || thread_at(p, at) ||
		    !memory_read_u64(look->memory, at + look->offsets.thread_id, &ident) ||
		    !memory_read_u64(look->memory, at + look->offsets.thread_native_id, &native)) {
			p->torn = true;
			return;
		}
		p->threads = xrealloc(p->threads, (p->nthreads + 1) * sizeof(*p->threads));
		thread = &p->threads[p->nthreads++];
		*thread = (struct python_thread){ .address = at, .tid = (pid_t)native,
						  .ident = ident, .interp = interp };
		thread_frames(look, thread);
		if (!memory_read_u64(look->memory, at + look->offsets.thread_next, &at)) {
			p->torn = true;
			return;
		}
	}
}

static void interps_read(struct look *look)
{
	struct python *p = look->python;
	uint64_t at = 0;

	p->torn = !memory_read_u64(look->memory,
				   look->runtime + look->offsets.runtime_interpreters, &at);
	while (at) {
		struct python_interp *interp;
		uint64_t id = 0;
		uint32_t collecting = 0;

		if (is_late(look))
			return;
		if (p->ninterps == INTERPS_MAX ||
		    !memory_read_u64(look->memory, at + look->offsets.interp_id, &id)) {
			p->torn = true;
			return;
		}
		p->interps = xrealloc(p->interps, (p->ninterps + 1) * sizeof(*p->interps));
		interp = &p->interps[p->ninterps];
		memory_read_u32(look->memory, at + look->offsets.interp_gc_collecting, &collecting);
		*interp = (struct python_interp){ .address = at, .id = (int64_t)id,
						  .collecting = collecting != 0 };
		interp_threads(look, p->ninterps++);
		if (!memory_read_u64(look->memory, at + look->offsets.interp_next, &at)) {
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
				     p->interps[i].address + look->offsets.interp_gil, &gil) ||
		    !gil ||
		    !memory_read_u32(look->memory, gil + look->offsets.gil_locked, &taken) ||
		    !memory_read_u64(look->memory, gil + look->offsets.gil_holder, &holder))
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

	if (!memory_read_u64(look->memory, look->runtime + look->offsets.runtime_finalizing,
			     &tstate) || !tstate)
		return;
	thread = thread_at(look->python, tstate);
	look->python->finalizing = true;
	look->python->finalizing_tid = thread ? thread->tid : 0;
}

static struct python *runtime_read(struct look *look)
{
	struct python *python = look->python = xcalloc(1, sizeof(*python));

	python->release = look->release ? look->release : look->offsets.release << 16;
	python->free_threaded = look->offsets.free_threaded;
	python->offsets = look->offsets;
	python->module = xstrdup(look->module->path);
	interps_read(look);
	gils_read(look);
	finalizing_read(look);
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
	struct look idle = { .maps = NULL };

	for (int named = 1; named >= 0 && !first; named--) {
		for (size_t i = 0; i < maps->nmodules; i++) {
			struct look look = {
				.maps = maps, .memory = memory, .session = session,
				.deadline = deadline_ns, .reader = { memory_reader, memory },
			};

			if (is_named_python(&maps->modules[i]) != named ||
			    !module_try(&look, &maps->modules[i], why))
				continue;
			if (is_in_use(&look)) {
				*last = runtime_read(&look);
				last = &(*last)->next;
			} else if (!idle.maps) {
				idle = look;
			}
		}
	}
	if (!first && idle.maps)
		first = runtime_read(&idle);
	if (first)
		strbuf_reset(why);
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
