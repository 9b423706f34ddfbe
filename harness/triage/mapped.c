/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/mapped.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"

static void add(struct mapped *mapped, struct mapping mapping)
{
	if (!(mapped->n & (mapped->n - 1)))
		mapped->v = xrealloc(mapped->v, (mapped->n ? 2 * mapped->n : 1) *
				     sizeof(*mapped->v));
	mapped->v[mapped->n++] = mapping;
	mapped->sorted = false;
}

/* "7f1200000000-7f1200026000 r-xp 00026000 fe:01 1234    /usr/lib/libc.so.6 (deleted)" */
void mapped_add_line(struct mapped *mapped, struct piece line)
{
	struct piece rest = piece_trim(line), word;
	struct mapping mapping = { .start = 0 };

	if (!take_hex(&rest, true, &mapping.start) || !take_text(&rest, "-") ||
	    !take_hex(&rest, true, &mapping.end) || mapping.end <= mapping.start ||
	    !take_word(&rest, &word) || !take_word(&rest, &word) ||
	    !take_hex(&word, true, &mapping.offset) || !take_word(&rest, &word) ||
	    !take_word(&rest, &word))
		return;
	rest = piece_trim(rest);
	if (piece_ends(rest, " (deleted)"))
		rest.len -= strlen(" (deleted)");
	mapping.path = piece_trim(rest);
	if (piece_starts(mapping.path, "/"))
		add(mapped, mapping);
}

/* "0x555555554000  0x555555555000  0x1000  0x0  r--p  /usr/bin/prog"; older ones have no rights */
void mapped_add_gdb_line(struct mapped *mapped, struct piece line)
{
	struct piece rest = piece_trim(line), word, path;
	struct mapping mapping = { .start = 0 };
	uint64_t size;

	if (!take_hex(&rest, false, &mapping.start) || !take_word(&rest, &word) ||
	    !take_hex(&word, false, &mapping.end) || mapping.end <= mapping.start ||
	    !take_word(&rest, &word) || !take_hex(&word, false, &size) ||
	    size != mapping.end - mapping.start || !take_word(&rest, &word) ||
	    !take_hex(&word, false, &mapping.offset))
		return;
	path = rest = piece_trim(rest);
	if (!piece_starts(path, "/") && take_word(&path, &word))
		path = piece_trim(path);
	mapping.path = path;
	if (piece_starts(path, "/"))
		add(mapped, mapping);
}

void mapped_add_image(struct mapped *mapped, uint64_t start, uint64_t end, struct piece path)
{
	if (end > start && path.len)
		add(mapped, (struct mapping){
			.start = start, .end = end, .path = path,
		});
}

static int by_start(const void *a, const void *b)
{
	const struct mapping *x = a, *y = b;

	return (x->start > y->start) - (x->start < y->start);
}

static bool same_file(struct piece a, struct piece b)
{
	return a.len == b.len && !memcmp(a.s, b.s, a.len);
}

/* A file is mapped in pieces, one behind the other; where the first begins, it begins. */
static void settle(struct mapped *mapped)
{
	if (mapped->n)
		qsort(mapped->v, mapped->n, sizeof(*mapped->v), by_start);
	for (size_t i = 0; i < mapped->n; i++) {
		struct mapping *m = &mapped->v[i], *before = i ? m - 1 : NULL;

		m->begins = !m->offset;
		m->base = m->start >= m->offset ? m->start - m->offset : m->start;
		if (before && m->offset && same_file(before->path, m->path)) {
			m->begins = before->begins;
			m->base = before->base;
		}
	}
	mapped->sorted = true;
}

const struct mapping *mapped_find(struct mapped *mapped, uint64_t address)
{
	size_t low = 0, high = mapped->n;

	if (!mapped->sorted)
		settle(mapped);
	while (low < high) {
		size_t mid = low + (high - low) / 2;

		if (mapped->v[mid].start <= address)
			low = mid + 1;
		else
			high = mid;
	}
	return low && address < mapped->v[low - 1].end ? &mapped->v[low - 1] : NULL;
}

static void resolve(struct mapped *mapped, struct crash_frame *frame)
{
	const struct mapping *m = frame->pc && !frame->python ?
				  mapped_find(mapped, frame->pc) : NULL;

	if (!m)
		return;
	free(frame->module);
	frame->module = piece_copy(m->path);
	if (frame->module_offset)
		return;
	frame->module_offset = frame->pc - m->base;
	frame->offset_kind = m->begins ? OFFSET_OF_MODULE : OFFSET_OF_FILE;
}

void mapped_resolve(struct mapped *mapped, struct crash *crash)
{
	for (size_t i = 0; mapped->n && i < crash->nthreads; i++)
		for (size_t k = 0; k < crash->threads[i].nframes; k++)
			resolve(mapped, &crash->threads[i].frames[k]);
}

void mapped_release(struct mapped *mapped)
{
	free(mapped->v);
	*mapped = (struct mapped){ .n = 0 };
}
