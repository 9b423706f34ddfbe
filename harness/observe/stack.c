/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/stack.h"

#include <stdlib.h>

#include "base/clock.h"
#include "base/errors.h"
#include "observe/places.h"
#include "observe/unwind.h"

/* As for a crash: the first unwinding of a large program reads its tables. */
#define STACK_NS (2 * NSEC_PER_SEC)

static void frame_name(struct unwind_session *session, const struct maps *maps,
		       const struct unwind_frame *raw, struct crash_frame *frame)
{
	const struct maps_module *module =
		maps_module_at(maps, raw->activation ? raw->pc : raw->pc - 1);
	struct image *image = module ? unwind_image(session, module) : NULL;

	place_name(module, image, raw->pc, !raw->activation, frame);
}

void stack_take(struct capture_cache *cache, const struct maps *maps, pid_t pid, pid_t tid,
		size_t max, struct crash_thread *thread)
{
	struct unwind_session *session = capture_session(cache, pid);
	struct machine_registers registers = { 0 };
	struct unwind_stack *stack;
	struct memory *memory;

	if (machine_fetch(tid, &registers) < 0)
		return;
	stack = xcalloc(1, sizeof(*stack));
	memory = memory_open(pid);
	unwind_begin(session, maps, memory, clock_now() + STACK_NS);
	unwind_thread(session, &registers, stack);
	for (size_t i = 0; i < stack->n && i < max; i++)
		frame_name(session, maps, &stack->frames[i], crash_thread_add_frame(thread));
	memory_close(memory);
	free(stack);
}
