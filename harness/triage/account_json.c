/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/account.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "triage/frames.h"
#include "triage/patterns.h"
#include "triage/rules.h"

/* Text of a trace is valid UTF-8; that of a crash which the harness has caught need not be. */
static json_t *text_or_null(const char *text)
{
	struct strbuf clean = STRBUF_INIT;
	json_t *json;

	if (!text)
		return json_null();
	text_add_utf8(&clean, text, strlen(text));
	json = json_string(clean.buf);
	strbuf_release(&clean);
	return json;
}

static json_t *signal_json(const struct crash *crash)
{
	char word[16];

	if (crash->kind == CRASH_KIND_HANG)
		return json_string("hang");
	if (!crash->signo)
		return json_null();
	return json_string(signal_word(crash->signo, word, sizeof(word)));
}

static json_t *frame_json(const struct crash_frame *frame, size_t n,
			  const struct frame_rules *rules)
{
	json_t *object = json_object();
	struct frame_origin origin;

	frame_find_origin(frame, rules, &origin);
	json_object_set_new(object, "n", json_integer((json_int_t)n));
	json_object_set_new(object, "function", text_or_null(frame->function));
	json_object_set_new(object, "module", text_or_null(frame->module));
	json_object_set_new(object, "file", text_or_null(frame->file));
	json_object_set_new(object, "line", frame->line ? json_integer(frame->line) : json_null());
	json_object_set_new(object, "category", json_string(frame_kind_name(origin.kind)));
	json_object_set_new(object, "component", text_or_null(origin.component));
	json_object_set_new(object, "trust", json_string(frame_trust_word(frame)));
	return object;
}

static json_t *frames_json(const struct crash_thread *thread, const struct frame_rules *rules)
{
	json_t *list = json_array();

	for (size_t i = 0; thread && i < thread->nframes; i++)
		json_array_append_new(list, frame_json(&thread->frames[i], i, rules));
	return list;
}

static json_t *evidence_json(const struct triage *triage)
{
	json_t *list = json_array();

	for (size_t i = 0; i < triage->nevidence; i++) {
		const struct evidence *evidence = &triage->evidence[i];
		json_t *object = json_object();

		json_object_set_new(object, "frame", evidence->frame < 0 ? json_null() :
				    json_integer(evidence->frame));
		json_object_set_new(object, "why", text_or_null(evidence->why));
		json_array_append_new(list, object);
	}
	return list;
}

static json_t *also_json(const struct triage *triage)
{
	json_t *list = json_array();

	for (size_t i = 0; i < triage->nalso; i++)
		json_array_append_new(list, json_string(pattern_name(triage->also[i])));
	return list;
}

void account_add_triage(json_t *object, const struct triage *triage)
{
	json_object_set_new(object, "pattern", json_string(pattern_name(triage->pattern)));
	json_object_set_new(object, "detail", text_or_null(triage->detail));
	json_object_set_new(object, "also", also_json(triage));
	json_object_set_new(object, "attribution",
			    json_string(attribution_name(triage->attribution)));
	json_object_set_new(object, "component", text_or_null(triage->component));
	json_object_set_new(object, "confidence", json_string(confidence_name(triage->confidence)));
	json_object_set_new(object, "signature", text_or_null(triage->signature));
	json_object_set_new(object, "evidence", evidence_json(triage));
}

json_t *account_json(const char *file, const struct trace *trace, const struct triage *triage,
		     const struct triage_settings *settings)
{
	const struct frame_rules *rules = settings ? settings->rules : NULL;
	const struct crash_thread *thread = crash_culprit(trace->crash);
	json_t *object = json_object();

	json_object_set_new(object, "schema", json_integer(1));
	json_object_set_new(object, "file", text_or_null(file));
	json_object_set_new(object, "format", json_string(trace_format_name(trace->format)));
	json_object_set_new(object, "signal", signal_json(trace->crash));
	account_add_triage(object, triage);
	json_object_set_new(object, "frames", frames_json(thread, rules));
	json_object_set_new(object, "rules", json_string(FRAME_RULES_VERSION));
	json_object_set_new(object, "thread", text_or_null(thread ? thread->name : NULL));
	json_object_set_new(object, "python", text_or_null(trace_fact(trace, FACT_PYTHON)));
	json_object_set_new(object, "incomplete", json_boolean(trace->incomplete));
	return object;
}
