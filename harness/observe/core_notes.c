/* SPDX-License-Identifier: Apache-2.0 */
/* The notes of a core: numbers at fixed places, the same on all 64-bit machines of Linux. */
#include <elf.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "observe/core.h"

/* struct elf_prpsinfo, and the parts of struct elf_prstatus before its registers and after them. */
#define PROCESS_SIZE 136u
#define STATUS_REGISTERS 112u
#define STATUS_TAIL 8u

/* A part of siginfo_t that all of its forms are longer than. */
#define SIGNAL_SIZE 24u

struct note {
	uint32_t type;
	const char *owner;
	size_t owner_len;
	const unsigned char *data;
	size_t size;
};

static uint32_t u32_at(const unsigned char *p)
{
	uint32_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static uint64_t u64_at(const unsigned char *p)
{
	uint64_t value;

	memcpy(&value, p, sizeof(value));
	return value;
}

static void text_at(const unsigned char *p, char *out, size_t size)
{
	memcpy(out, p, size - 1);
	out[size - 1] = '\0';
}

static void process_read(struct core *core, const unsigned char *p, size_t size)
{
	if (size < PROCESS_SIZE) {
		core->torn = true;
		return;
	}
	if (core->has_process)
		return;
	core->has_process = true;
	core->process = (struct core_process){
		.state = (char)p[1], .zombie = p[2] != 0, .nice = (signed char)p[3],
		.uid = u32_at(p + 16), .gid = u32_at(p + 20), .pid = (pid_t)u32_at(p + 24),
		.ppid = (pid_t)u32_at(p + 28), .pgrp = (pid_t)u32_at(p + 32),
		.sid = (pid_t)u32_at(p + 36),
	};
	text_at(p + 40, core->process.name, sizeof(core->process.name));
	text_at(p + 56, core->process.args, sizeof(core->process.args));
}

static void thread_read(struct core *core, const unsigned char *p, size_t size)
{
	struct core_thread *thread;

	if (size < STATUS_REGISTERS + STATUS_TAIL || core->nthreads == CORE_THREADS_MAX) {
		core->torn = true;
		return;
	}
	/* By powers of two, since there may be many. */
	if (!(core->nthreads & (core->nthreads - 1)))
		core->threads = xrealloc(core->threads,
					 (core->nthreads ? 2 * core->nthreads : 1) *
						 sizeof(*core->threads));
	thread = &core->threads[core->nthreads++];
	*thread = (struct core_thread){
		.tid = (pid_t)u32_at(p + 32), .signo = (int)(u32_at(p + 12) & 0xffff),
		.nregs = (size - STATUS_REGISTERS - STATUS_TAIL) / sizeof(uint64_t),
	};
	if (thread->nregs > CORE_REGISTERS_MAX)
		thread->nregs = CORE_REGISTERS_MAX;
	memcpy(thread->regs, p + STATUS_REGISTERS, thread->nregs * sizeof(uint64_t));
}

/* Some codes are a sender's; above 0, of these signals, they are a fault's, with an address. */
static void signal_read(struct core *core, const unsigned char *p, size_t size)
{
	struct core_signal *signal = &core->signal;

	if (size < SIGNAL_SIZE) {
		core->torn = true;
		return;
	}
	if (signal->signo)
		return;
	signal->signo = (int)u32_at(p);
	signal->code = (int)u32_at(p + 8);
	signal->sent = signal->code == SI_USER || signal->code == SI_QUEUE ||
		       signal->code == SI_TKILL;
	signal->pid = signal->sent ? (pid_t)u32_at(p + 16) : 0;
	signal->uid = signal->sent ? u32_at(p + 20) : 0;
	signal->fault = signal->code > 0 && signal->code != SI_KERNEL &&
			(signal->signo == SIGSEGV || signal->signo == SIGBUS ||
			 signal->signo == SIGILL || signal->signo == SIGFPE);
	signal->address = signal->fault ? u64_at(p + 16) : 0;
}

static void auxiliary_read(struct core *core, const unsigned char *p, size_t size)
{
	for (size_t at = 0; at + 16 <= size; at += 16) {
		uint64_t value = u64_at(p + at + 8);

		switch (u64_at(p + at)) {
		case AT_PHDR:
			core->program_headers = value;
			break;
		case AT_EXECFN:
			core->execfn = value;
			break;
		case AT_SYSINFO_EHDR:
			core->vdso = value;
			break;
		default:
			break;
		}
	}
}

/* A count, the size of a page, three words for each, then the names. */
static void mapped_read(struct core *core, const unsigned char *p, size_t size)
{
	uint64_t n, page;
	const char *name, *end;

	if (core->mapped || size < 16)
		return;
	n = u64_at(p);
	page = u64_at(p + 8);
	if (n > (size - 16) / 24) {
		n = (size - 16) / 24;
		core->torn = true;
	}
	core->mapped = xcalloc(n + 1, sizeof(*core->mapped));
	core->paths = xcalloc(size - 16 - n * 24 + 1, 1);
	memcpy(core->paths, p + 16 + n * 24, size - 16 - n * 24);
	name = core->paths;
	end = core->paths + (size - 16 - n * 24);
	for (uint64_t i = 0; i < n; i++) {
		const unsigned char *at = p + 16 + i * 24;
		struct core_mapped *mapped = &core->mapped[core->nmapped];

		if (name >= end) {
			core->torn = true;
			return;
		}
		*mapped = (struct core_mapped){
			.start = u64_at(at), .end = u64_at(at + 8),
			.offset = u64_at(at + 16) * page, .path = name,
		};
		name += strlen(name) + 1;
		if (mapped->start < mapped->end)
			core->nmapped++;
		else
			core->torn = true;
	}
}

static void note_read(struct core *core, const struct note *note)
{
	/* Others of these numbers are other notes. */
	if (note->owner_len < 4 || memcmp(note->owner, "CORE", 4))
		return;
	switch (note->type) {
	case NT_PRPSINFO:
		process_read(core, note->data, note->size);
		break;
	case NT_PRSTATUS:
		thread_read(core, note->data, note->size);
		break;
	case NT_SIGINFO:
		signal_read(core, note->data, note->size);
		break;
	case NT_AUXV:
		auxiliary_read(core, note->data, note->size);
		break;
	case NT_FILE:
		mapped_read(core, note->data, note->size);
		break;
	default:
		break;
	}
}

static size_t aligned(size_t size)
{
	return (size + 3) & ~(size_t)3;
}

void core_read_notes(struct core *core, const unsigned char *notes, size_t size)
{
	size_t at = 0;

	while (size - at >= sizeof(Elf64_Nhdr)) {
		struct note note;
		Elf64_Nhdr header;

		memcpy(&header, notes + at, sizeof(header));
		at += sizeof(header);
		note.type = header.n_type;
		note.owner = (const char *)notes + at;
		note.owner_len = header.n_namesz;
		if (aligned(header.n_namesz) > size - at) {
			core->torn = true;
			return;
		}
		at += aligned(header.n_namesz);
		note.data = notes + at;
		note.size = header.n_descsz;
		/* The last one need not be filled up. */
		if (note.size > size - at) {
			core->torn = true;
			return;
		}
		note_read(core, &note);
		at += aligned(note.size) < size - at ? aligned(note.size) : size - at;
	}
}
