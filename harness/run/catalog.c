/* SPDX-License-Identifier: Apache-2.0 */
#include "run/catalog.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

static bool flag(const json_t *object, const char *key)
{
	return json_is_true(json_object_get(object, key));
}

static int read_variants(struct catalog_scenario *s, const json_t *list)
{
	size_t n = json_array_size(list);

	s->nvariants = n ? n : 1;
	s->variants = xcalloc(s->nvariants, sizeof(*s->variants));
	s->variants[0].name = "";
	for (size_t i = 0; i < n; i++) {
		const json_t *from = json_array_get(list, i);

		s->variants[i].name = text(from, "name");
		s->variants[i].doc = text(from, "doc");
		s->variants[i].releases = text(from, "releases");
		if (!s->variants[i].name)
			return -1;
	}
	return 0;
}

static int read_row(struct expected *row, const json_t *from, struct strbuf *err)
{
	row->releases = text(from, "releases");
	row->flavours = text(from, "flavours");
	row->variant = text(from, "variant");
	row->twin = flag(from, "twin");
	row->floor = json_number_value(json_object_get(from, "floor"));
	row->source = text(from, "source");
	if (!row->releases)
		return -1;
	if (outcome_set_add(&row->shows, text(from, "shows"), err) < 0 ||
	    outcome_set_add(&row->allows, text(from, "shows"), err) < 0)
		return -1;
	return outcome_set_add(&row->allows, text(from, "allows"), err);
}

static int read_scenario(struct catalog_scenario *s, const json_t *from, struct strbuf *err)
{
	const json_t *flags = json_object_get(from, "flags");
	const json_t *rows = json_object_get(from, "expectations");

	s->index = (unsigned int)json_integer_value(json_object_get(from, "index"));
	s->name = text(from, "name");
	s->operation = text(from, "operation");
	s->unsupported = text(from, "unsupported");
	s->workers = (unsigned int)json_integer_value(json_object_get(from, "workers"));
	s->gated = flag(flags, "gated");
	s->window = flag(flags, "window");
	s->twin_retires = flag(flags, "twin_retires");
	s->hidden = flag(flags, "hidden");
	if (!s->name || !s->operation || read_variants(s, json_object_get(from, "variants")) < 0)
		return -1;
	s->nexpected = json_array_size(rows);
	s->expected = xcalloc(s->nexpected, sizeof(*s->expected));
	for (size_t i = 0; i < s->nexpected; i++)
		if (read_row(&s->expected[i], json_array_get(rows, i), err) < 0)
			return -1;
	return 0;
}

static int read_flavour(struct catalog *catalog, const char *name)
{
	for (enum flavour f = FLAVOUR_RELEASE; f <= FLAVOUR_FREE_THREADED; f++) {
		if (name && !strcmp(flavour_name(f), name)) {
			catalog->flavour = f;
			return 0;
		}
	}
	return -1;
}

int catalog_read(struct catalog *catalog, json_t *json, struct strbuf *err)
{
	const json_t *list = json_object_get(json, "scenarios");
	const char *python = text(json, "python"), *rest;
	size_t before = err->len;

	memset(catalog, 0, sizeof(*catalog));
	catalog->json = json;
	if (json_integer_value(json_object_get(json, "schema")) != 1 || !python ||
	    release_parse(python, &catalog->release, &rest) < 0 ||
	    read_flavour(catalog, text(json, "flavour")) < 0)
		goto bad;
	catalog->v = xcalloc(json_array_size(list), sizeof(*catalog->v));
	for (size_t i = 0; i < json_array_size(list); i++) {
		catalog->n = i + 1;
		if (read_scenario(&catalog->v[i], json_array_get(list, i), err) < 0)
			goto bad;
	}
	return 0;
bad:
	if (err->len == before)
		strbuf_addstr(err, "a host describes itself in a way this driver does not know: "
			      "they are of different versions, build the host again");
	catalog_release(catalog);
	return -1;
}

void catalog_release(struct catalog *catalog)
{
	for (size_t i = 0; i < catalog->n; i++) {
		free(catalog->v[i].variants);
		free(catalog->v[i].expected);
	}
	free(catalog->v);
	json_decref(catalog->json);
	memset(catalog, 0, sizeof(*catalog));
}

static bool has_word(const char *words, const char *word)
{
	size_t len = strlen(word);

	for (const char *p = words; (p = strstr(p, word)) != NULL; p += len)
		if ((p == words || p[-1] == ' ') && (p[len] == '\0' || p[len] == ' '))
			return true;
	return false;
}

const struct expected *catalog_expected(const struct catalog *catalog,
					const struct catalog_scenario *scenario,
					const struct catalog_variant *variant, bool twin)
{
	static struct expected clean = {
		.releases = "", .twin = true, .source = "a twin carries the fix",
	};

	for (size_t i = 0; i < scenario->nexpected; i++) {
		const struct expected *row = &scenario->expected[i];

		if (row->twin != twin)
			continue;
		if (row->variant && strcmp(row->variant, variant->name) != 0)
			continue;
		if (row->flavours && !has_word(row->flavours, flavour_name(catalog->flavour)))
			continue;
		if (range_matches(row->releases, &catalog->release) == 1)
			return row;
	}
	if (!twin)
		return NULL;
	clean.shows.has[OUTCOME_OK] = true;
	clean.allows.has[OUTCOME_OK] = true;
	return &clean;
}
