/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/strbuf.h"
#include "triage/crashtracker_json.h"

/* Tags of its metadata, of its telemetry and of its logs, by the facts that they tell. */
static const struct {
	const char *tag, *key;
} tags[] = {
	{ "service", FACT_SERVICE },
	{ "service_name", FACT_SERVICE },
	{ "library_version", FACT_TRACER_VERSION },
	{ "profiler_version", FACT_TRACER_VERSION },
	{ "tracer_version", FACT_TRACER_VERSION },
	{ "runtime_version", FACT_RUNTIME_VERSION },
	{ "language_version", FACT_RUNTIME_VERSION },
	{ "language", "language" },
	{ "language_name", "language" },
	{ "runtime", "runtime" },
	{ "runtime_platform", FACT_PLATFORM },
	{ "platform", FACT_PLATFORM },
	{ "architecture", FACT_ARCHITECTURE },
	{ "env", "environment" },
	{ "runtime-id", "runtime id" },
	{ "is_crash_ping", "crash ping" },
};

static void add_tag(struct trace *trace, struct piece name, struct piece value)
{
	for (size_t i = 0; i < sizeof(tags) / sizeof(*tags); i++)
		if (piece_is(name, tags[i].tag) && !piece_is(value, "unknown"))
			trace_add_fact(trace, tags[i].key, value);
}

/* "name:value" */
static void add_pair(struct trace *trace, struct piece pair)
{
	struct piece name;

	pair = piece_trim(pair);
	if (take_until(&pair, ":", &name))
		add_tag(trace, name, pair);
}

/* An array of pairs, an object, or pairs with commas between them. */
static void add_tags(struct trace *trace, const json_t *list)
{
	struct piece text = json_piece(list), pair;
	const json_t *value;
	const char *name;
	size_t i;

	json_array_foreach(list, i, value)
		add_pair(trace, json_piece(value));
	json_object_foreach((json_t *)(uintptr_t)list, name, value)
		add_tag(trace, (struct piece){ name, strlen(name) }, json_piece(value));
	while (take_until(&text, ",", &pair))
		add_pair(trace, pair);
	add_pair(trace, text);
}

static void add_text(struct trace *trace, const char *key, const json_t *object, const char *name)
{
	struct piece text = json_piece(json_object_get(object, name));

	if (!piece_is(text, "unknown"))
		trace_add_fact(trace, key, text);
}

/* "Debian 12.0.0" */
static void add_platform(struct trace *trace, const json_t *os)
{
	struct piece type = json_piece(json_object_get(os, "os_type"));
	struct piece version = json_piece(json_object_get(os, "version"));
	struct strbuf text = STRBUF_INIT;

	strbuf_add(&text, type.s ? type.s : "", type.len);
	strbuf_addch(&text, ' ');
	strbuf_add(&text, version.s ? version.s : "", version.len);
	trace_add_fact(trace, FACT_PLATFORM, (struct piece){ text.buf, text.len });
	strbuf_release(&text);
	add_text(trace, FACT_ARCHITECTURE, os, "architecture");
}

/* What its profiler was in the midst of. */
static void add_counters(struct trace *trace, const json_t *counters)
{
	struct strbuf text = STRBUF_INIT;
	const json_t *value;
	const char *name;

	json_object_foreach((json_t *)(uintptr_t)counters, name, value)
		if (json_integer_value(value) && text.len < TRACE_TEXT_MAX)
			strbuf_addf(&text, "%s%s", text.len ? ", " : "", name);
	trace_add_fact(trace, "under way", (struct piece){ text.buf, text.len });
	strbuf_release(&text);
}

static void add_time(struct trace *trace, const json_t *time)
{
	struct strbuf text = STRBUF_INIT;

	trace_add_fact(trace, FACT_TIME, json_piece(time));
	if (json_is_integer(time))
		strbuf_addf(&text, "%" JSON_INTEGER_FORMAT, json_integer_value(time));
	trace_add_fact(trace, FACT_TIME, (struct piece){ text.buf, text.len });
	strbuf_release(&text);
}

/* The runtime's version is CPython's if the language is Python. */
static void settle_python(struct trace *trace, const json_t *object)
{
	const char *language = trace_fact(trace, "language");
	const char *version = trace_fact(trace, FACT_RUNTIME_VERSION);
	struct piece family = json_piece(json_object_get(json_object_get(object, "metadata"),
							 "family"));

	if (version && (piece_is(family, "python") || (language && !strcmp(language, "python"))))
		trace_add_fact(trace, FACT_PYTHON, (struct piece){ version, strlen(version) });
}

void crashtracker_json_facts(struct trace *trace, const json_t *object)
{
	const json_t *metadata = json_object_get(object, "metadata");
	const json_t *span = json_array_get(json_object_get(object, "span_ids"), 0);

	add_text(trace, "library", metadata, "library_name");
	add_text(trace, FACT_TRACER_VERSION, metadata, "library_version");
	add_tags(trace, json_object_get(metadata, "tags"));
	add_tags(trace, json_object_get(object, "application"));
	add_tags(trace, json_object_get(object, "tags"));
	add_tags(trace, json_object_get(object, "ddtags"));
	add_platform(trace, json_object_get(object, "os_info"));
	add_text(trace, FACT_ARCHITECTURE, json_object_get(object, "host"), "architecture");
	add_text(trace, FACT_SERVICE, object, "service");
	add_text(trace, "uuid", object, "uuid");
	add_text(trace, "uuid", object, "crash_uuid");
	add_text(trace, "schema version", object, "data_schema_version");
	trace_add_fact(trace, "span", json_piece(json_object_get(span, "id")));
	add_counters(trace, json_object_get(object, "counters"));
	add_time(trace, json_object_get(object, "timestamp"));
	settle_python(trace, object);
}
