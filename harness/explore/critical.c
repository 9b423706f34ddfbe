/* SPDX-License-Identifier: Apache-2.0 */
#include "explore/critical.h"

#include <gelf.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "explore/sentry.h"
#include "observe/image.h"
#include "observe/maps.h"
#include "observe/memory.h"
#include "observe/stack.h"

#define FRAMES 8

/* A hit costs some 20 us. What is met more often than this is no place for a race's end. */
#define HITS_MAX 1000

/* A debug register watches no more. */
#define WORD 8u

struct critical {
	struct cell *cell;
	struct course *course;
	struct walker walker;
	struct maps maps;
	struct cpu_access access; /* of W's instruction, the one that counts */
	bool called;              /* it was a system call */
	struct sentry_word word;  /* what is watched; size 0: nothing */
	pid_t operator_tid;
	unsigned int n;           /* of an operation that does not fork: the hit asked for */
	unsigned int hits;        /* how many there were */
	json_t *other;            /* F's side */
};

static const struct maps_range *range_at(const struct maps *maps, uint64_t address)
{
	for (size_t i = 0; i < maps->nranges; i++)
		if (address >= maps->ranges[i].start && address < maps->ranges[i].end)
			return &maps->ranges[i];
	return NULL;
}

static bool same_range(const struct maps *maps, uint64_t a, uint64_t b)
{
	const struct maps_range *range = range_at(maps, a);

	return range && b >= range->start && b < range->end;
}

/* What others may meet comes before W's own stack, and a write before a read. */
static int access_rank(const struct critical *c, const struct cpu_access *access)
{
	const struct maps_range *range = range_at(&c->maps, access->address);

	if (!range || !range->writable)
		return 0;
	return 1 + access->writes +
	       2 * !same_range(&c->maps, cpu_sp(&c->walker.registers), access->address);
}

/* What W is about to do. False: it cannot be told, or it touches no memory that changes. */
static bool access_choose(struct critical *c)
{
	struct cpu_access accesses[CPU_ACCESSES_MAX];
	struct memory *memory = memory_open(c->walker.pid);
	struct cpu_instruction instruction;
	uint8_t code[CPU_CODE_MAX];
	size_t n = CPU_CODE_MAX;
	int best = 0;

	while (n && !memory_read(memory, cpu_pc(&c->walker.registers), code, n))
		n--;
	memory_close(memory);
	cpu_decode(code, n, &instruction);
	c->called = instruction.system_call;
	n = cpu_accesses(&instruction, &c->walker.registers, accesses);
	for (size_t i = 0; i < n; i++) {
		int rank = access_rank(c, &accesses[i]);

		if (rank > best) {
			best = rank;
			c->access = accesses[i];
		}
	}
	return best || c->called;
}

static bool word_read(const struct critical *c, uint64_t address, uint8_t bytes[WORD])
{
	struct memory *memory = memory_open(c->walker.pid);
	bool good = memory_read(memory, address, bytes, WORD);

	memory_close(memory);
	return good;
}

/* The largest word that can be watched at the address and lies in the access, or holds it. */
static void word_set(struct critical *c, uint64_t address)
{
	size_t size = WORD;

	while (size > 1 && (address % size || size > c->access.size))
		size /= 2;
	c->word = (struct sentry_word){ address, size, c->access.writes };
}

/* W executes the instruction; it stands at the border then. */
static bool step_over(struct critical *c)
{
	uint64_t first = c->access.address, last = first + c->access.size - 1;
	uint8_t before[4][WORD], after[WORD];
	size_t n = c->called ? 0 : (size_t)((last / WORD) - (first / WORD) + 1);
	enum walk_state state;

	if (n > 4)
		n = 4;
	for (size_t i = 0; i < n; i++)
		if (!word_read(c, (first / WORD + i) * WORD, before[i]))
			return false;
	state = walker_step(&c->walker, NULL);
	if (state != WALK_ON)
		return false;
	if (n)
		word_set(c, first);
	for (size_t i = 0; i < n && c->access.writes && c->access.size > c->word.size; i++) {
		uint64_t address = (first / WORD + i) * WORD;

		if (!word_read(c, address, after) || !memcmp(before[i], after, WORD))
			continue;
		c->word = (struct sentry_word){ address, WORD, true };
		break;
	}
	return true;
}

/* How far an ELF file reaches in memory from where it begins, its zeroed data (.bss) included. */
static uint64_t image_reach(const struct image *image)
{
	uint64_t end = 0;
	GElf_Phdr phdr;
	size_t n = 0;

	elf_getphdrnum(image_elf(image), &n);
	for (size_t i = 0; i < n; i++)
		if (gelf_getphdr(image_elf(image), (int)i, &phdr) && phdr.p_type == PT_LOAD &&
		    phdr.p_vaddr + phdr.p_memsz > end)
			end = phdr.p_vaddr + phdr.p_memsz;
	return end > image_base(image) ? end - image_base(image) : 0;
}

/* The module in whose data an address lies. */
static const struct maps_module *module_of(const struct critical *c, uint64_t address)
{
	const struct maps_module *module = NULL;
	struct image *image;

	for (size_t i = 0; i < c->maps.nmodules && c->maps.modules[i].start <= address; i++)
		module = &c->maps.modules[i];
	if (!module || module->path[0] != '/' || module->deleted)
		return NULL;
	image = image_open(capture_images(c->cell->cache), module->path, NULL);
	return image && address - module->start < image_reach(image) ? module : NULL;
}

static char *what_text(const struct critical *c, uint64_t address)
{
	const struct maps_module *module = module_of(c, address);
	const char *base;

	if (same_range(&c->maps, cpu_sp(&c->walker.registers), address))
		return xstrdup("stack of W");
	if (!module)
		return xstrdup("heap");
	base = strrchr(module->path, '/');
	return xstrfmt("data of %s+0x%" PRIx64, base ? base + 1 : module->path,
		       address - module->start);
}

static json_t *frame_json(const struct crash_frame *frame)
{
	const char *slash = frame->module ? strrchr(frame->module, '/') : NULL;
	const char *module = slash ? slash + 1 : frame->module;
	char *text;
	json_t *json;

	if (frame->function)
		text = xstrfmt("%s%s+0x%" PRIx64 " (%s)",
			       frame->trust == TRUST_EXACT ? "" : "near ", frame->function,
			       frame->offset, module ? module : "?");
	else
		text = xstrfmt("%s+0x%" PRIx64, module ? module : "?",
			       module ? frame->module_offset : 0);
	json = json_string(text);
	free(text);
	return json;
}

static json_t *side_json(const struct critical *c, const char *access, uint64_t address,
			 size_t size, pid_t pid, pid_t tid)
{
	struct crash *record = crash_new();
	struct crash_thread *thread = crash_add_thread(record);
	json_t *side = json_object(), *frames = json_array();
	char *what = size ? what_text(c, address) : NULL;

	stack_take(c->cell->cache, &c->maps, pid, tid, FRAMES, thread);
	for (size_t i = 0; i < thread->nframes; i++)
		json_array_append_new(frames, frame_json(&thread->frames[i]));
	json_object_set_new(side, "access", json_string(access));
	json_object_set_new(side, "size", json_integer((json_int_t)size));
	json_object_set_new(side, "what", what ? json_string(what) : json_null());
	json_object_set_new(side, "frames", frames);
	crash_free(record);
	free(what);
	return side;
}

static json_t *worker_json(const struct critical *c)
{
	const char *access = c->called ? "system call" :
			     !c->access.writes ? "read" :
			     c->access.reads ? "read and write" : "write";

	return side_json(c, access, c->access.address, c->called ? 0 : c->access.size,
			 c->walker.pid, c->walker.tid);
}

/* Whoever has met the word stands still. What comes later tells more: the child after F. */
static void hit_take(const struct sentry_hit *hit, void *arg)
{
	struct critical *c = arg;

	json_decref(c->other);
	c->other = side_json(c, hit->changed ? "write" : "read", c->word.address, c->word.size,
			     hit->pid, hit->tid);
	json_object_set_new(c->other, "who", json_string(hit->child ? "child" : "F"));
}

/* W stands at the border, F waits for its command. */
static void other_find(struct critical *c)
{
	struct sentry sentry = {
		.pid = c->walker.pid, .tid = c->operator_tid, .worker = c->walker.tid,
		.word = c->word, .take = hit_take, .arg = c,
	};

	if (!c->word.size)
		return;
	if (!sentry_begin(&sentry)) {
		course_tell(c->course, c->n ? WALK_OPERATE : WALK_FORK);
		if (c->n)
			c->hits = sentry_await_operation(&sentry, course_control(c->course), c->n,
							 HITS_MAX);
		else
			sentry_await_fork(&sentry);
	}
	sentry_end(&sentry);
}

/* NULL: nothing is known of this border. */
static json_t *pair_make(struct critical *c, const struct map *map, size_t k)
{
	json_t *pair, *w;

	if (!step_go_to(&c->walker, map, k - 1, true) || maps_read(&c->maps, c->walker.pid) < 0 ||
	    !access_choose(c))
		return NULL;
	w = worker_json(c);
	if (!step_over(c)) {
		json_decref(w);
		return NULL;
	}
	other_find(c);
	pair = json_object();
	json_object_set_new(pair, "w", w);
	json_object_set_new(pair, "f", c->other ? c->other : json_null());
	c->other = NULL;
	return pair;
}

static void pair_keep(struct map *map, size_t k, json_t *pair)
{
	char key[32];

	if (!pair)
		return;
	if (!map->pairs)
		map->pairs = json_object();
	snprintf(key, sizeof(key), "%zu", k);
	json_object_set_new(map->pairs, key, pair);
}

/* `n` is 0 where the operation forks; else it becomes the number of hits. */
static enum link_result pair_find(struct cell *cell, struct map *map, size_t k, unsigned int *n,
				  struct strbuf *err)
{
	struct trial trial;
	struct critical c = { .cell = cell, .course = step_course(cell, k, &trial), .n = *n };
	const struct control *control = course_control(c.course);
	enum link_result result;
	int ret;

	if (!step_await_window(c.course)) {
		result = course_abandon(c.course, err);
		trial_release(&trial);
		return result;
	}
	c.operator_tid = (pid_t)atomic_load(&control->state.operator_tid);
	ret = walker_begin(&c.walker, c.course, err);
	if (!ret)
		pair_keep(map, k, pair_make(&c, map, k));
	walker_end(&c.walker);
	maps_release(&c.maps);
	*n = c.hits;
	result = course_abandon(c.course, err);
	trial_release(&trial);
	return ret < 0 ? LINK_BROKEN : result;
}

/* The last hit before W goes on is known when all have been counted. */
static enum link_result pair_of_border(struct cell *cell, struct map *map, size_t k, bool forks,
				       struct strbuf *err)
{
	unsigned int n = forks ? 0 : 1;
	enum link_result result = pair_find(cell, map, k, &n, err);

	if (result == LINK_DONE && n > 1 && n < HITS_MAX)
		result = pair_find(cell, map, k, &n, err);
	return result;
}

static bool is_bad(const struct map *map, size_t k)
{
	return map->points[k].outcome != OUTCOME_OK;
}

enum link_result critical_pairs(struct cell *cell, struct map *map, bool forks, struct strbuf *err)
{
	enum link_result result = LINK_DONE;
	int left = CRITICAL_BORDERS_MAX;

	for (int bad = 1; bad >= 0; bad--) {
		for (size_t k = 1; k < map->n && left && result == LINK_DONE; k++) {
			if (!map_is_border(map, k) ||
			    (is_bad(map, k) || is_bad(map, k - 1)) != bad)
				continue;
			result = pair_of_border(cell, map, k, forks, err);
			left--;
		}
	}
	return result;
}
