/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The subject's part of stepping (MEET_WALK): W stands at the start of one of its windows until the
 * driver has got hold of it; F does what it is told, and nothing before it is told.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <errno.h>
#include <link.h>
#include <sys/auxv.h>
#include <unistd.h>

#include "embed/compat.h"
#include "embed/frame.h"
#include "embed/futex.h"

/* The driver polls the pipe into which crashes are announced. */
static void nudge_driver(void)
{
	ssize_t n = write(SUBJECT_FD_ANNOUNCE, "", 1);

	(void)n; /* a full pipe wakes it as well */
}

/*
 * A thread that waits for the GIL asks for it after the switch interval. How long that is makes no
 * difference where one thread runs at a time, but it would be waited for at each point.
 */
#define SWITCH_INTERVAL 0.0001

void walk_prepare(struct subject *s, const void *frame)
{
	PyObject *set, *none;

	if (s->control->order.meet != MEET_WALK)
		return;
	s->control->walk.operator_frame = (uint64_t)(uintptr_t)frame;
	set = PySys_GetObject("setswitchinterval");
	none = set ? PyObject_CallFunction(set, "d", SWITCH_INTERVAL) : NULL;
	if (!none)
		subject_fail(s, "sys.setswitchinterval failed");
	Py_DECREF(none);
}

/* The kernel maps the ELF file whole, as one segment. */
static void note_vdso(struct control_walk *walk)
{
	uintptr_t start = (uintptr_t)getauxval(AT_SYSINFO_EHDR);
	const ElfW(Ehdr) *file = (const ElfW(Ehdr) *)start;
	const ElfW(Phdr) *segment = (const ElfW(Phdr) *)(start + (start ? file->e_phoff : 0));

	for (int i = 0; start && i < file->e_phnum; i++)
		if (segment[i].p_type == PT_LOAD) {
			walk->vdso_start = start;
			walk->vdso_end = start + segment[i].p_memsz;
		}
}

void walk_stand(struct subject *s, uint64_t enter_pc)
{
	struct control_walk *walk = &s->control->walk;

	if (s->control->order.meet != MEET_WALK || atomic_load(&walk->standing) ||
	    atomic_load(&s->control->state.windows) != s->control->order.window)
		return;
	walk->enter_pc = enter_pc;
	walk->leave_pc = (uint64_t)(uintptr_t)window_leave;
	note_vdso(walk);
	compat_runtime_fields(&walk->runtime);
	atomic_store(&walk->standing, 1);
	futex_wake(&walk->standing);
	while (!atomic_load(&walk->go))
		futex_wait(&walk->go, 0, 0);
}

void walk_rest(struct subject *s)
{
	struct worker *w = worker_self();

	if (s->control->order.meet != MEET_WALK || !w || w->index != 0)
		return;
	if (walk_is_on(s))
		atomic_store(&s->control->walk.left, 1);
	if (!atomic_load(&s->operated))
		return;
	atomic_store(&w->returned, 1);
	/* Bare: no handler and no destructor of the thread's is to run. */
	for (;;)
		syscall(SYS_exit, 0);
}

bool walk_is_on(const struct subject *s)
{
	return s->control->order.meet == MEET_WALK && atomic_load(&s->control->walk.standing);
}

static enum walk_command command_of(uint32_t word)
{
	return (enum walk_command)(word & WALK_COMMAND_MASK);
}

bool walk_is_forking(const struct subject *s)
{
	return command_of(atomic_load(&s->control->walk.taken)) == WALK_FORK;
}

bool walk_is_resting(const struct subject *s)
{
	return command_of(atomic_load(&s->control->walk.taken)) == WALK_REST;
}

void walk_answer(struct subject *s)
{
	struct control_walk *walk = &s->control->walk;

	atomic_store(&walk->answered, atomic_load(&walk->taken));
	nudge_driver();
}

enum walk_command walk_next(struct subject *s)
{
	struct control_walk *walk = &s->control->walk;
	uint32_t last = atomic_load(&walk->taken), command;
	int saved = errno;

	atomic_store(&walk->ready, 1);
	walk_answer(s);
	errno = saved;
	while ((command = atomic_load(&walk->command)) == last) {
		futex_wait(&walk->command, last, 0);
		errno = saved;
	}
	atomic_store(&walk->taken, command);
	return command_of(command);
}
