/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/unwind.h"

#include <elfutils/libdwfl.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/errors.h"

/* The vdso is one or two pages; more is not a vdso. */
#define VDSO_MAX (64u << 10)

struct unwind_session {
	struct image_cache *images;
	Dwfl *dwfl;
	Elf *machine_elf; /* tells libdwfl which machine's registers to expect */
	bool attached;
	/* Of the process at hand, by the index of its modules. */
	const struct maps *maps;
	struct memory *memory;
	struct image **module_images;
	uint64_t deadline_ns;
	/* Of the thread at hand. */
	const struct machine_registers *registers;
	struct unwind_stack *stack;
	size_t first; /* of the stack's frames: the one that `registers` describe */
	bool lost;    /* memory could not be read since the last frame */
};

/* The Elf handle is shared with the image: elf_begin() on an open one takes a reference. */
static int module_find_elf(Dwfl_Module *mod, void **userdata, const char *name, Dwarf_Addr base,
			   char **file_name, Elf **elfp)
{
	const struct image *image = *userdata;

	(void)mod;
	(void)name;
	(void)base;
	(void)file_name;
	if (image)
		*elfp = elf_begin(-1, ELF_C_READ_MMAP, image_elf(image));
	return -1;
}

/* Names and lines are observe/image.h's business; asking the network for them is nobody's. */
static int module_find_debuginfo(Dwfl_Module *mod, void **userdata, const char *name,
				 Dwarf_Addr base, const char *file_name, const char *link,
				 GElf_Word crc, char **debug_name)
{
	(void)mod;
	(void)userdata;
	(void)name;
	(void)base;
	(void)file_name;
	(void)link;
	(void)crc;
	(void)debug_name;
	return -1;
}

static int module_section_address(Dwfl_Module *mod, void **userdata, const char *name,
				  Dwarf_Addr base, const char *section, GElf_Word index,
				  const GElf_Shdr *shdr, Dwarf_Addr *addr)
{
	(void)mod;
	(void)userdata;
	(void)name;
	(void)base;
	(void)section;
	(void)index;
	(void)shdr;
	*addr = (Dwarf_Addr)-1; /* for relocatable files only, which no process maps */
	return 0;
}

static const Dwfl_Callbacks module_callbacks = {
	.find_elf = module_find_elf,
	.find_debuginfo = module_find_debuginfo,
	.section_address = module_section_address,
};

/*
 * libdwfl attaches to a process once and for all. To serve many processes, it is attached to the
 * session: these callbacks answer for whatever thread is at hand.
 */
static pid_t thread_next(Dwfl *dwfl, void *arg, void **thread_arg)
{
	(void)dwfl;
	(void)arg;
	(void)thread_arg;
	return 0;
}

static bool thread_get(Dwfl *dwfl, pid_t tid, void *arg, void **thread_arg)
{
	(void)dwfl;
	(void)tid;
	*thread_arg = arg;
	return true;
}

static bool thread_memory(Dwfl *dwfl, Dwarf_Addr addr, Dwarf_Word *result, void *arg)
{
	struct unwind_session *session = arg;
	uint64_t word;

	(void)dwfl;
	if (!memory_read_u64(session->memory, addr, &word)) {
		session->lost = true;
		return false;
	}
	*result = word;
	return true;
}

static bool thread_registers(Dwfl_Thread *thread, void *arg)
{
	const struct unwind_session *session = arg;
	const struct machine_registers *registers = session->registers;

	for (unsigned int i = 0; i < MACHINE_DWARF_MAX; i++) {
		Dwarf_Word value = registers->dwarf[i];

		if (registers->known >> i & 1 &&
		    !dwfl_thread_state_registers(thread, (int)i, 1, &value))
			return false;
	}
	dwfl_thread_state_register_pc(thread, registers->pc);
	return true;
}

static const Dwfl_Thread_Callbacks thread_callbacks = {
	.next_thread = thread_next,
	.get_thread = thread_get,
	.memory_read = thread_memory,
	.set_initial_registers = thread_registers,
};

struct unwind_session *unwind_session_new(struct image_cache *images)
{
	struct unwind_session *session = xcalloc(1, sizeof(*session));
	int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

	session->images = images;
	session->dwfl = dwfl_begin(&module_callbacks);
	if (fd >= 0) {
		session->machine_elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
		if (session->machine_elf)
			elf_cntl(session->machine_elf, ELF_C_FDREAD);
		close(fd);
	}
	if (session->dwfl && session->machine_elf)
		session->attached = dwfl_attach_state(session->dwfl, session->machine_elf,
						      getpid(), &thread_callbacks, session);
	return session;
}

void unwind_session_free(struct unwind_session *session)
{
	if (!session)
		return;
	dwfl_end(session->dwfl);
	elf_end(session->machine_elf);
	free(session->module_images);
	free(session);
}

static struct image *vdso_open(struct unwind_session *session, const struct maps_module *module)
{
	size_t size = module->end - module->start;
	struct image *image = NULL;
	void *bytes;

	if (size > VDSO_MAX)
		return NULL;
	bytes = xmalloc(size);
	if (memory_read(session->memory, module->start, bytes, size))
		image = image_open_memory(session->images, module->path, bytes, size);
	free(bytes);
	return image;
}

/*
 * By its name as the process sees it: in a container, that may be another file than ours. What is
 * not there has been replaced, or the process is in a chroot of ours: the kernel still has what is
 * mapped, and gives it to the superuser. Else, or if the process is gone, our own of that name.
 */
static struct image *file_open(struct unwind_session *session, const struct maps_module *module,
			       pid_t pid)
{
	char *seen = xstrfmt("/proc/%d/root%s", pid, module->path);
	char *mapped = xstrfmt("/proc/%d/map_files/%llx-%llx", pid,
			       (unsigned long long)module->map_start,
			       (unsigned long long)module->map_end);
	struct image *image = NULL;

	if (!module->deleted)
		image = image_open(session->images, module->path, seen);
	if (!image)
		image = image_open(session->images, module->path, mapped);
	if (!image && !module->deleted)
		image = image_open(session->images, module->path, NULL);
	free(mapped);
	free(seen);
	return image;
}

static struct image *module_open(struct unwind_session *session, const struct maps_module *module,
				 pid_t pid)
{
	if (module->path[0] == '[')
		return vdso_open(session, module);
	if (module->file)
		return image_open(session->images, module->path, module->file);
	return file_open(session, module, pid);
}

void unwind_begin(struct unwind_session *session, const struct maps *maps, struct memory *memory,
		  uint64_t deadline_ns)
{
	pid_t pid = memory_pid(memory);

	session->maps = maps;
	session->memory = memory;
	session->deadline_ns = deadline_ns;
	free(session->module_images);
	session->module_images = xcalloc(maps->nmodules + 1, sizeof(*session->module_images));
	if (!session->attached)
		return;
	dwfl_report_begin(session->dwfl);
	for (size_t i = 0; i < maps->nmodules; i++) {
		const struct maps_module *module = &maps->modules[i];
		struct image *image = module_open(session, module, pid);
		Dwfl_Module *mod;
		void **userdata;
		char *name;

		session->module_images[i] = image;
		if (!image)
			continue;
		/* The name makes a changed file another module: libdwfl compares name and place. */
		name = xstrfmt("%s#%u", module->path, image_id(image));
		mod = dwfl_report_module(session->dwfl, name, module->start, module->end);
		free(name);
		if (mod) {
			dwfl_module_info(mod, &userdata, NULL, NULL, NULL, NULL, NULL, NULL);
			*userdata = image;
		}
	}
	dwfl_report_end(session->dwfl, NULL, NULL);
}

static int frame_add(Dwfl_Frame *state, void *arg)
{
	struct unwind_session *session = arg;
	struct unwind_stack *stack = session->stack;
	struct unwind_frame *frame, *inner;
	Dwarf_Word sp;
	Dwarf_Addr pc;
	bool activation;

	if (!dwfl_frame_pc(state, &pc, &activation))
		return DWARF_CB_ABORT;
	if (stack->n == UNWIND_FRAMES_MAX || clock_now() > session->deadline_ns)
		return DWARF_CB_ABORT;
	inner = stack->n > session->first ? &stack->frames[stack->n - 1] : NULL;
	frame = &stack->frames[stack->n++];
	session->lost = false;
	frame->pc = pc;
	frame->sp = dwfl_frame_reg(state, MACHINE_DWARF_SP, &sp) == 0 ? sp : 0;
	frame->activation = activation;
	/*
	 * libdwfl calls both the trampoline and what it interrupted activations. The first frame
	 * is one for another reason, so the next such is a trampoline and the one after its prey.
	 */
	frame->trampoline = inner && activation && !inner->trampoline;
	return DWARF_CB_OK;
}

/* Unwind on from the given state; the frames are added. */
static void stack_extend(struct unwind_session *session, const struct machine_registers *registers,
			 struct unwind_stack *stack)
{
	session->registers = registers;
	session->stack = stack;
	session->first = stack->n;
	stack->truncated = true;
	/* A return address that cannot be read is, to libdwfl, the end of the stack. */
	if (session->attached && !dwfl_getthread_frames(session->dwfl, 1, frame_add, session))
		stack->truncated = session->lost;
	if (stack->n == session->first && stack->n < UNWIND_FRAMES_MAX)
		stack->frames[stack->n++] = (struct unwind_frame){
			.pc = registers->pc, .activation = true,
		};
}

void unwind_thread(struct unwind_session *session, const struct machine_registers *registers,
		   struct unwind_stack *stack)
{
	struct machine_registers caller = *registers;

	memset(stack, 0, sizeof(*stack));
	if (maps_is_code(session->maps, registers->pc)) {
		stack_extend(session, registers, stack);
		return;
	}
	/* It jumped into nowhere. Who called is what matters. */
	stack->frames[stack->n++] = (struct unwind_frame){
		.pc = registers->pc, .activation = true,
	};
	stack->truncated = true;
	if (!machine_undo_call(&caller, session->memory) ||
	    !maps_is_code(session->maps, caller.pc))
		return;
	/* The call stands before the return address, perhaps as the last thing of its function. */
	stack_extend(session, &caller, stack);
	stack->frames[1].activation = false;
}

struct image *unwind_image(struct unwind_session *session, const struct maps_module *module)
{
	return session->module_images[module - session->maps->modules];
}
