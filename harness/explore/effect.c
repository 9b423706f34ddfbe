/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/effect.h"

#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>

#include "base/errors.h"
#include "explore/pages.h"

/* Power of two. Windows have some 2,000 different instructions; colliding ones take turns. */
#define CODE_SLOTS 8192

struct code_slot {
	uint64_t pc;
	struct cpu_instruction instruction;
};

/* A window's code is on a few pages of the extension, of libc and of CPython. */
#define CODE_PAGE 4096
#define CODE_PAGES 16

struct code_page {
	uint64_t start; /* 0: none */
	uint8_t *bytes;
};

struct walker_code {
	struct code_slot *slots[CODE_SLOTS]; /* NULL: not used yet, as most are never */
	struct code_page pages[CODE_PAGES];
};

void walker_observe_copy(struct walker *walker, const struct pagecopy *copy)
{
	walker->code = xcalloc(1, sizeof(*walker->code));
	reach_begin(&walker->reach, copy, cpu_sp(&walker->registers));
}

int walker_observe(struct walker *walker, struct strbuf *err)
{
	struct pagecopy copy = { .nareas = 0 };
	int ret = pagecopy_take(&copy, walker->pid, walker->zygote, err);

	if (!ret)
		walker_observe_copy(walker, &copy);
	pagecopy_release(&copy);
	return ret;
}

void effect_code_free(struct walker_code *code)
{
	for (size_t i = 0; code && i < CODE_SLOTS; i++)
		free(code->slots[i]);
	for (size_t i = 0; code && i < CODE_PAGES; i++)
		free(code->pages[i].bytes);
	free(code);
}

/* Up to the end of the page, if the next one cannot be read. */
static size_t code_read(pid_t pid, uint64_t pc, uint8_t code[CPU_CODE_MAX])
{
	size_t left = CODE_PAGE - (size_t)(pc % CODE_PAGE);

	if (pages_read(pid, pc, code, CPU_CODE_MAX))
		return CPU_CODE_MAX;
	return left < CPU_CODE_MAX && pages_read(pid, pc, code, left) ? left : 0;
}

void effect_decode(const struct walker *walker, struct cpu_instruction *instruction)
{
	uint8_t code[CPU_CODE_MAX];

	cpu_decode(code, code_read(walker->pid, cpu_pc(&walker->registers), code), instruction);
}

/* The rest of the page on which the code is; NULL: read the instruction alone. */
static const uint8_t *code_page(struct walker *walker, uint64_t pc)
{
	uint64_t start = pc / CODE_PAGE * CODE_PAGE;
	struct code_page *page = &walker->code->pages[start / CODE_PAGE % CODE_PAGES];

	if (pc - start > CODE_PAGE - CPU_CODE_MAX)
		return NULL;
	if (page->start == start)
		return page->bytes + (pc - start);
	if (!reach_is_constant(&walker->reach, start, CODE_PAGE))
		return NULL;
	page->bytes = xrealloc(page->bytes, CODE_PAGE);
	page->start = pages_read(walker->pid, start, page->bytes, CODE_PAGE) ? start : 0;
	return page->start ? page->bytes + (pc - start) : NULL;
}

/* Code that somebody may write (a just-in-time compiler) is decoded anew each time. */
const struct cpu_instruction *effect_instruction(struct walker *walker, uint64_t pc)
{
	struct code_slot **at = &walker->code->slots[(pc ^ pc >> 13) & (CODE_SLOTS - 1)];
	struct code_slot *slot = *at ? *at : (*at = xcalloc(1, sizeof(*slot)));
	uint8_t bytes[CPU_CODE_MAX];
	const uint8_t *code;

	if (slot->pc == pc && reach_is_constant(&walker->reach, pc, 1))
		return &slot->instruction;
	slot->pc = pc;
	code = code_page(walker, pc);
	if (code)
		cpu_decode(code, CPU_CODE_MAX, &slot->instruction);
	else
		cpu_decode(bytes, code_read(walker->pid, pc, bytes), &slot->instruction);
	return &slot->instruction;
}

static bool is_seen_by_others(const struct walker *walker, const struct cpu_access *a)
{
	return !reach_is_private(&walker->reach, a->address, a->size) &&
	       !reach_is_constant(&walker->reach, a->address, a->size);
}

/* What stands there now. */
static void store_foresee(struct walker *walker, const struct cpu_access *a,
			  struct walk_effect *effect, struct effect_stores *stores)
{
	struct effect_store *store = &stores->v[stores->n];

	walker->stores[walker->nstores++] = *a;
	store->address = a->address;
	store->size = a->size;
	if (a->size <= sizeof(store->before) &&
	    pages_read(walker->pid, a->address, store->before, a->size))
		stores->n++;
	else
		effect->changed = true;
}

void effect_foresee_stores(struct walker *walker, const struct cpu_access *accesses, size_t n,
			   struct walk_effect *effect, struct effect_stores *stores)
{
	stores->n = 0;
	*effect = (struct walk_effect){ .touched = n };
	walker->stores_known = true;
	walker->nstores = 0;
	for (size_t i = 0; i < n; i++)
		store_foresee(walker, &accesses[i], effect, stores);
}

void effect_foresee(struct walker *walker, struct walk_effect *effect, struct effect_stores *stores)
{
	const struct cpu_instruction *instruction =
		effect_instruction(walker, cpu_pc(&walker->registers));
	struct cpu_access accesses[CPU_ACCESSES_MAX];
	size_t n = cpu_accesses(instruction, &walker->registers, accesses);

	stores->n = 0;
	*effect = (struct walk_effect){ .called = instruction->system_call };
	effect->waited = effect->called && cpu_call(&walker->registers) == SYS_futex;
	effect->changed = effect->touched = instruction->wild || instruction->system_call;
	walker->stores_known = !effect->changed;
	walker->nstores = 0;
	if (instruction->wild)
		reach_lost(&walker->reach);
	for (size_t i = 0; i < n; i++) {
		if (!is_seen_by_others(walker, &accesses[i]))
			continue;
		effect->touched = true;
		if (accesses[i].writes)
			store_foresee(walker, &accesses[i], effect, stores);
	}
}

void effect_look(struct walker *walker, const struct effect_stores *stores,
		 struct walk_effect *effect)
{
	uint8_t now[sizeof(stores->v[0].before)];

	for (size_t i = 0; i < stores->n; i++) {
		const struct effect_store *store = &stores->v[i];

		if (!pages_read(walker->pid, store->address, now, store->size)) {
			effect->changed = true;
			continue;
		}
		if (memcmp(now, store->before, store->size) != 0)
			effect->changed = true;
		reach_stored(&walker->reach, store->address, now, store->size);
	}
}

