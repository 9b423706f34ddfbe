/* SPDX-License-Identifier: Apache-2.0 */
#include "symbols/context.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "symbols/store.h"
#include "triage/frames.h"
#include "triage/lines.h"
#include "triage/mapped.h"

/* Modules of a process. */
#define IDS_MAX 4096

struct module_id {
	char *base, *id;
};

struct context {
	struct mapped mapped;
	struct module_id *ids;
	size_t nids;
};

/* "Module /usr/lib/libfoo.so with build-id 0123…", "Found module … with build-id: 0123…" */
static void add_id(struct context *context, struct piece line)
{
	struct piece module, id;
	char *path, *text;

	if (context->nids == IDS_MAX ||
	    (!take_text(&line, "Module ") && !take_text(&line, "Found module ")) ||
	    !take_until(&line, " with build-id", &module) || !module.len)
		return;
	take_text(&line, ":");
	if (!take_word(&line, &id))
		return;
	text = piece_copy(id);
	if (!is_build_id(text)) {
		free(text);
		return;
	}
	if (!context->ids)
		context->ids = xcalloc(IDS_MAX, sizeof(*context->ids));
	path = piece_copy(module);
	context->ids[context->nids++] = (struct module_id){ xstrdup(module_base(path)), text };
	free(path);
}

static void add_line(struct context *context, struct piece line)
{
	line = piece_trim(line);
	if (piece_starts(line, "0x"))
		mapped_add_gdb_line(&context->mapped, line);
	else if (line.len && *line.s && strchr("0123456789abcdef", *line.s))
		mapped_add_line(&context->mapped, line);
	else
		add_id(context, line);
}

static void set_id(const struct context *context, struct crash_frame *frame)
{
	const char *base = module_base(frame->module);

	if (!base || frame->build_id)
		return;
	for (size_t i = 0; i < context->nids; i++)
		if (!strcmp(context->ids[i].base, base)) {
			frame->build_id = xstrdup(context->ids[i].id);
			return;
		}
}

static void settle(struct context *context, struct crash *crash)
{
	mapped_resolve(&context->mapped, crash);
	for (size_t i = 0; context->nids && i < crash->nthreads; i++)
		for (size_t k = 0; k < crash->threads[i].nframes; k++)
			set_id(context, &crash->threads[i].frames[k]);
	mapped_release(&context->mapped);
	for (size_t i = 0; i < context->nids; i++) {
		free(context->ids[i].base);
		free(context->ids[i].id);
	}
	free(context->ids);
	*context = (struct context){ .nids = 0 };
}

void context_apply(struct traces *traces, const char *text, size_t size)
{
	struct context context = { .nids = 0 };
	struct lines lines;
	size_t n = 0;

	if (!traces->n)
		return;
	for (lines_begin(&lines, text, size); lines.line.s; lines_next(&lines)) {
		for (; n + 1 < traces->n && lines.number >= traces->v[n + 1].line; n++)
			settle(&context, traces->v[n].crash);
		add_line(&context, lines.line);
	}
	settle(&context, traces->v[n].crash);
}
