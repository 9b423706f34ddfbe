/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/account.h"

#include <stdlib.h>

#include "base/errors.h"
#include "triage/frames.h"
#include "triage/json_text.h"
#include "triage/patterns.h"
#include "triage/rules.h"

const char *account_signal(const struct crash *crash, char word[ACCOUNT_SIGNAL_MAX])
{
	if (crash->kind == CRASH_KIND_HANG)
		return "hang";
	return crash->signo ? signal_word(crash->signo, word, ACCOUNT_SIGNAL_MAX) : NULL;
}

static json_t *frame_json(const struct crash_frame *frame, size_t n,
			  const struct frame_origin *origin)
{
	json_t *object = json_object();

	json_put(object, "n", json_integer((json_int_t)n));
	json_put(object, "function", json_of_text(frame->function));
	json_put(object, "module", json_of_text(frame->module));
	json_put(object, "file", json_of_text(frame->file));
	json_put(object, "line", frame->line ? json_integer(frame->line) : json_null());
	json_put(object, "category", json_string(frame_kind_name(origin->kind)));
	json_put(object, "component", json_of_text(origin->component));
	json_put(object, "trust", json_string(frame_trust_word(frame)));
	json_put(object, "symbols", json_of_text(debug_match_name(frame->debug)));
	return object;
}

/* The culprit's. */
static json_t *frames_json(const struct crash *crash, const struct frame_rules *rules)
{
	json_t *list = json_array();
	struct facts facts;

	facts_collect(&facts, crash, rules);
	for (int i = 0; i < facts.nframes; i++)
		json_append(list, frame_json(&facts.culprit->frames[i], (size_t)i,
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

		json_put(object, "frame", evidence->frame < 0 ? json_null() :
				    json_integer(evidence->frame));
		json_put(object, "why", json_of_text(evidence->why));
		json_append(list, object);
	}
	return list;
}

static json_t *also_json(const struct triage *triage)
{
	json_t *list = json_array();

	for (size_t i = 0; i < triage->nalso; i++)
		json_append(list, json_string(pattern_name(triage->also[i])));
	return list;
}

void account_add_triage(json_t *object, const struct triage *triage)
{
	json_put(object, "pattern", json_string(pattern_name(triage->pattern)));
	json_put(object, "detail", json_of_text(triage->detail));
	json_put(object, "also", also_json(triage));
	json_put(object, "attribution",
			    json_string(attribution_name(triage->attribution)));
	json_put(object, "component", json_of_text(triage->component));
	json_put(object, "confidence", json_string(confidence_name(triage->confidence)));
	json_put(object, "signature", json_of_text(triage->signature));
	json_put(object, "evidence", evidence_json(triage));
}

static json_t *place_json(const struct account_place *place)
{
	json_t *object = json_object(), *lines = json_array();

	for (size_t i = 0; i < place->nlines; i++)
		json_append(lines, json_of_text(place->lines[i]));
	json_put(object, "frame", json_integer((json_int_t)place->frame));
	json_put(object, "path", json_of_text(place->path));
	json_put(object, "line", place->line ? json_integer(place->line) : json_null());
	json_put(object, "by_name", json_boolean(place->found));
	json_put(object, "doubt", json_of_text(place->doubt));
	json_put(object, "url", json_of_text(place->url));
	json_put(object, "first", place->nlines ? json_integer(place->first) : json_null());
	json_put(object, "lines", lines);
	return object;
}

static json_t *commit_json(const struct account_commit *commit)
{
	json_t *object = json_object();

	json_put(object, "commit", json_of_text(commit->id));
	json_put(object, "subject", json_of_text(commit->subject));
	json_put(object, "why", json_of_text(commit->why));
	json_put(object, "url", json_of_text(commit->url));
	json_put(object, "pull_request", json_of_text(commit->request));
	json_put(object, "pull_request_url", json_of_text(commit->request_url));
	return object;
}

static json_t *source_json(const struct account_source *source)
{
	json_t *object, *files, *commits, *notes;

	if (!source)
		return json_null();
	object = json_object();
	files = json_array();
	commits = json_array();
	notes = json_array();
	for (size_t i = 0; i < source->nplaces; i++)
		json_append(files, place_json(&source->places[i]));
	for (size_t i = 0; i < source->ncommits; i++)
		json_append(commits, commit_json(&source->commits[i]));
	for (size_t i = 0; i < source->nnotes; i++)
		json_append(notes, json_of_text(source->notes[i]));
	json_put(object, "name", json_of_text(source->name));
	json_put(object, "revision", json_of_text(source->ref));
	json_put(object, "commit", json_of_text(source->commit));
	json_put(object, "why", json_of_text(source->why));
	json_put(object, "url", json_of_text(source->url));
	json_put(object, "files", files);
	json_put(object, "commits", commits);
	json_put(object, "notes", notes);
	return object;
}

json_t *account_json(const char *file, const struct trace *trace, const struct triage *triage,
		     const struct triage_settings *settings, const struct account_source *source)
{
	const struct frame_rules *rules = settings ? settings->rules : NULL;
	const struct crash_thread *thread = crash_culprit(trace->crash);
	char word[ACCOUNT_SIGNAL_MAX];
	json_t *object = json_object();

	json_put(object, "schema", json_integer(1));
	json_put(object, "file", json_of_text(file));
	json_put(object, "format", json_string(trace_format_name(trace->format)));
	json_put(object, "signal", json_of_text(account_signal(trace->crash, word)));
	account_add_triage(object, triage);
	json_put(object, "frames", frames_json(trace->crash, rules));
	json_put(object, "rules", json_string(FRAME_RULES_VERSION));
	json_put(object, "thread", json_of_text(thread ? thread->name : NULL));
	json_put(object, "python", json_of_text(trace_fact(trace, FACT_PYTHON)));
	json_put(object, "incomplete", json_boolean(trace->incomplete));
	json_put(object, "confirmation",
	    json_of_text(confirmation_name(trace->experiment.confirmation)));
	json_put(object, "controls", controls_json(&trace->experiment.controls));
	json_put(object, "source", source_json(source));
	return object;
}

/* Twice, so that the memory of the line is as much ours as all else. */
void account_add_json(struct strbuf *out, const char *file, const struct trace *trace,
		      const struct triage *triage, const struct triage_settings *settings,
		      const struct account_source *source)
{
	json_t *object = account_json(file, trace, triage, settings, source);
	size_t size = json_dumpb(object, NULL, 0, JSON_COMPACT);
	char *line;

	if (!size)
		no_memory();
	line = xmalloc(size);
	if (json_dumpb(object, line, size, JSON_COMPACT) != size)
		no_memory();
	strbuf_add(out, line, size);
	free(line);
	json_decref(object);
}
