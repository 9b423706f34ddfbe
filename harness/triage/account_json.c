/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/account.h"

#include "triage/frames.h"
#include "triage/json_text.h"
#include "triage/patterns.h"
#include "triage/rules.h"

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
			  const struct frame_origin *origin)
{
	json_t *object = json_object();

	json_object_set_new(object, "n", json_integer((json_int_t)n));
	json_object_set_new(object, "function", json_of_text(frame->function));
	json_object_set_new(object, "module", json_of_text(frame->module));
	json_object_set_new(object, "file", json_of_text(frame->file));
	json_object_set_new(object, "line", frame->line ? json_integer(frame->line) : json_null());
	json_object_set_new(object, "category", json_string(frame_kind_name(origin->kind)));
	json_object_set_new(object, "component", json_of_text(origin->component));
	json_object_set_new(object, "trust", json_string(frame_trust_word(frame)));
	json_object_set_new(object, "symbols", json_of_text(debug_match_name(frame->debug)));
	return object;
}

/* The culprit's. */
static json_t *frames_json(const struct crash *crash, const struct frame_rules *rules)
{
	json_t *list = json_array();
	struct facts facts;

	facts_collect(&facts, crash, rules);
	for (int i = 0; i < facts.nframes; i++)
		json_array_append_new(list, frame_json(&facts.culprit->frames[i], (size_t)i,
						       &facts.frames[i].origin));
	facts_release(&facts);
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
		json_object_set_new(object, "why", json_of_text(evidence->why));
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
	json_object_set_new(object, "detail", json_of_text(triage->detail));
	json_object_set_new(object, "also", also_json(triage));
	json_object_set_new(object, "attribution",
			    json_string(attribution_name(triage->attribution)));
	json_object_set_new(object, "component", json_of_text(triage->component));
	json_object_set_new(object, "confidence", json_string(confidence_name(triage->confidence)));
	json_object_set_new(object, "signature", json_of_text(triage->signature));
	json_object_set_new(object, "evidence", evidence_json(triage));
}

json_t *account_json(const char *file, const struct trace *trace, const struct triage *triage,
		     const struct triage_settings *settings)
{
	const struct frame_rules *rules = settings ? settings->rules : NULL;
	const struct crash_thread *thread = crash_culprit(trace->crash);
	json_t *object = json_object();

	json_object_set_new(object, "schema", json_integer(1));
	json_object_set_new(object, "file", json_of_text(file));
	json_object_set_new(object, "format", json_string(trace_format_name(trace->format)));
	json_object_set_new(object, "signal", signal_json(trace->crash));
	account_add_triage(object, triage);
	json_object_set_new(object, "frames", frames_json(trace->crash, rules));
	json_object_set_new(object, "rules", json_string(FRAME_RULES_VERSION));
	json_object_set_new(object, "thread", json_of_text(thread ? thread->name : NULL));
	json_object_set_new(object, "python", json_of_text(trace_fact(trace, FACT_PYTHON)));
	json_object_set_new(object, "incomplete", json_boolean(trace->incomplete));
	return object;
}
