/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/core_look.h"

#include <elf.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/errors.h"
#include "observe/core_maps.h"
#include "observe/scene.h"
#include "observe/waits.h"

/* Nobody waits to go on; this is for the one who asked. */
#define LOOK_NS (60 * NSEC_PER_SEC)
/* Both together are less than the reading process has. */
#define PYTHON_NS (30 * NSEC_PER_SEC)

struct space {
	const struct core *core;
	struct core_libs libs;
	struct scene scene;
};

static bool space_read(void *context, uint64_t address, void *out, size_t size)
{
	const struct space *space = context;

	return core_libs_read(&space->libs, &space->scene.maps, space->core, address, out, size);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The module that the kernel has started: its program headers are told to the process. */
static size_t main_module(const struct core *core, const struct maps *maps)
{
	const struct maps_module *module = maps_module_at(maps, core->program_headers);

	return module && core->program_headers ? (size_t)(module - maps->modules) : SIZE_MAX;
}

/* The module that is called as the user's executable, the started one above others. */
static size_t named_module(const struct maps *maps, const char *given, size_t main)
{
	if (main != SIZE_MAX && !strcmp(base_name(maps->modules[main].path), base_name(given)))
		return main;
	for (size_t i = 0; i < maps->nmodules; i++)
		if (!strcmp(base_name(maps->modules[i].path), base_name(given)))
			return i;
	return SIZE_MAX;
}

/* "a script that … runs", "an ELF file", for what is called otherwise. */
static void add_kind(struct strbuf *err, const char *path)
{
	char head[128] = "";
	FILE *file = fopen(path, "re");
	size_t n = file ? fread(head, 1, sizeof(head) - 1, file) : 0;

	if (file)
		fclose(file);
	if (!file) {
		strbuf_addstr(err, "it cannot be read");
	} else if (n >= 2 && !memcmp(head, "#!", 2)) {
		head[strcspn(head, "\n")] = '\0';
		strbuf_addf(err, "it is a script, which %s runs", head + 2 + strspn(head + 2, " "));
	} else if (n < SELFMAG || memcmp(head, ELFMAG, SELFMAG)) {
		strbuf_addstr(err, "it is no program");
	} else {
		strbuf_addstr(err, "no mapped file is called so");
	}
}

static void tell_candidates(const struct maps *maps, const char *given, struct strbuf *err)
{
	strbuf_addf(err, "unable to find maps for the executable %s: ", given);
	add_kind(err, given);
	strbuf_addstr(err, "; these are the available executable memory maps: ");
	for (size_t i = 0; i < maps->nmodules; i++)
		strbuf_addf(err, "%s%s", i ? ", " : "", maps->modules[i].path);
	if (!maps->nmodules)
		strbuf_addstr(err, "none");
}

static int libs_find(struct core_look *look, struct space *space, struct strbuf *err)
{
	struct maps *maps = &space->scene.maps;
	size_t main = main_module(look->core, maps);

	if (look->given) {
		main = named_module(maps, look->given, main);
		if (main == SIZE_MAX) {
			tell_candidates(maps, look->given, err);
			return -1;
		}
	}
	core_libs_find(&space->libs, maps, look->core, look->search, main, look->given,
		       &look->notes);
	if (main == SIZE_MAX)
		return 0;
	look->executable = xstrdup(maps->modules[main].path);
	if (space->libs.v[main].file)
		look->executable_file = xstrdup(space->libs.v[main].file);
	return 0;
}

static void threads_add(struct space *space, struct crash *crash, struct wait_notes *notes)
{
	const struct core *core = space->core;

	space->scene.n = core->nthreads;
	space->scene.stacks = xcalloc(core->nthreads + 1, sizeof(*space->scene.stacks));
	for (size_t i = 0; i < core->nthreads; i++) {
		struct crash_thread *thread = crash_add_thread(crash);

		thread->pid = crash->pid;
		thread->tid = core->threads[i].tid;
		if (core->has_process && thread->tid == core->process.pid)
			thread->name = xstrdup(core->process.name);
		thread->culprit = space->scene.announced && i == 0;
		wait_notes_add(notes);
	}
}

static void thread_unwind(struct space *space, const struct core_thread *from,
			  struct crash_thread *thread, struct wait_note *note,
			  struct unwind_stack *stack)
{
	struct machine_registers registers = { 0 };
	struct task_state task = { .tid = from->tid };

	if (!machine_from_core(from->regs, from->nregs, &registers))
		return;
	note->thread_pointer = registers.thread_pointer;
	task.in_syscall = !thread->culprit && machine_core_syscall(from->regs, from->nregs,
								   &task.nr, task.args);
	wait_read(thread, note, &task, space->scene.memory);
	unwind_thread(space->scene.session, &registers, stack);
}

/* Of which build the frames' modules are: whoever has debug files finds them by that. */
static void builds_tell(const struct space *space, struct crash *crash)
{
	for (size_t i = 0; i < crash->nthreads; i++) {
		for (size_t k = 0; k < crash->threads[i].nframes; k++) {
			struct crash_frame *frame = &crash->threads[i].frames[k];
			const struct maps_module *module = frame->module ?
				maps_module_at(&space->scene.maps, frame->pc - 1) : NULL;
			const char *id = module ?
				space->libs.v[module - space->scene.maps.modules].id : NULL;

			if (id && !strcmp(module->path, frame->module))
				frame->build_id = xstrdup(id);
		}
	}
}

/* As much as there is up to the end of the page, and behind it. */
static void code_read(struct space *space, struct core_look *look)
{
	struct machine_registers registers = { 0 };
	const struct core_thread *thread = look->core->threads;

	if (!space->scene.announced ||
	    !machine_from_core(thread->regs, thread->nregs, &registers))
		return;
	while (look->ncode < sizeof(look->code) &&
	       memory_read(space->scene.memory, registers.pc + look->ncode,
			   &look->code[look->ncode], 1))
		look->ncode++;
}

static void threads_look(struct space *space, struct core_look *look)
{
	struct crash *crash = look->crash;
	struct wait_notes notes = { 0 };
	struct scene *scene = &space->scene;
	struct image_cache *images = image_cache_new();
	uint64_t deadline = clock_now() + LOOK_NS;

	scene->memory = memory_open_source(space_read, space);
	scene->session = unwind_session_new(images);
	threads_add(space, crash, &notes);
	unwind_begin(scene->session, &scene->maps, scene->memory, deadline);
	for (size_t i = 0; i < scene->n; i++)
		thread_unwind(space, &space->core->threads[i], &crash->threads[i], &notes.v[i],
			      &scene->stacks[i]);
	if (clock_now() > deadline)
		crash_degrade(crash, "stacks are cut short: they took %d s",
			      (int)(LOOK_NS / NSEC_PER_SEC));
	scene_read_python(scene, crash, &notes, PYTHON_NS);
	scene_read_locks(scene, &notes);
	code_read(space, look);
	scene_tell(scene, crash);
	builds_tell(space, crash);
	waits_settle(crash, &notes);
	waits_settle_gils(crash);
	wait_notes_release(&notes);
	unwind_session_free(scene->session);
	image_cache_free(images);
}

static void tell_damage(const struct core *core, struct crash *crash)
{
	if (core->wanted > core->size)
		crash_degrade(crash, "the core file is cut off: it has %zu of %llu bytes",
			      core->size, (unsigned long long)core->wanted);
	if (core->torn)
		crash_degrade(crash, "the core file is damaged: a table in it ends where it "
			      "should not");
	if (!core->nthreads)
		crash_degrade(crash, "the core file has no thread");
	if (core->machine != MACHINE_ELF)
		crash_degrade(crash, "the core file is of another machine (ELF number %d): stacks "
			      "are unwound by a forkpoint that is built for it", core->machine);
}

/* What was tried at the address of a fault, where that follows from what is there. */
static const char *access_of(const struct core *core, const struct maps *maps)
{
	const struct core_signal *signal = &core->signal;
	struct machine_registers registers = { 0 };

	if (!signal->fault || signal->signo != SIGSEGV || !core->nthreads ||
	    core->machine != MACHINE_ELF ||
	    !machine_from_core(core->threads[0].regs, core->threads[0].nregs, &registers))
		return NULL;
	if (registers.pc == signal->address)
		return "to execute it";
	if (signal->code == SEGV_ACCERR && maps_is_readable(maps, signal->address) &&
	    !maps_is_writable(maps, signal->address))
		return "to write";
	return NULL;
}

static struct crash *crash_of(const struct core *core)
{
	struct crash *crash = crash_new();

	crash->kind = core_is_crash(core) ? CRASH_KIND_SIGNAL : CRASH_KIND_LOOK;
	crash->tid = core->nthreads ? core->threads[0].tid : 0;
	crash->pid = core->has_process ? core->process.pid : crash->tid;
	if (crash->kind == CRASH_KIND_SIGNAL) {
		crash->signo = core_signo(core);
		crash->code = core->signal.code;
		crash->has_addr = core->signal.fault;
		crash->addr = core->signal.address;
	}
	return crash;
}

int core_look(struct core_look *look, struct strbuf *err)
{
	struct space space = { .core = look->core };
	struct crash *crash = crash_of(look->core);
	int ret;

	look->crash = crash;
	strbuf_init(&look->notes);
	tell_damage(look->core, crash);
	space.scene.pid = crash->pid;
	space.scene.announced = crash->kind == CRASH_KIND_SIGNAL ? crash->tid : 0;
	core_maps(&space.scene.maps, look->core);
	look->access = access_of(look->core, &space.scene.maps);
	ret = libs_find(look, &space, err);
	if (!ret && look->core->machine == MACHINE_ELF)
		threads_look(&space, look);
	scene_release(&space.scene);
	core_libs_release(&space.libs);
	return ret;
}

void core_look_release(struct core_look *look)
{
	free(look->executable);
	free(look->executable_file);
	crash_free(look->crash);
	strbuf_release(&look->notes);
}
