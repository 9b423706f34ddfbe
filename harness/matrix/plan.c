/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/suggest.h"
#include "run/listed.h"

size_t unit_cells(const struct unit *unit)
{
	return unit->scenario && unit->twins == TWINS_BOTH ? 2 : 1;
}

char *unit_scenario_name(const struct unit *unit)
{
	const char *variant = unit->scenario->variants[unit->variant].name;

	return xstrfmt("%s%s%s", unit->scenario->name, *variant ? "/" : "", variant);
}

char *unit_title(const struct unit *unit)
{
	char *scenario, *title;

	if (!unit->scenario)
		return xstrfmt("Python %s", unit->python->name);
	scenario = unit_scenario_name(unit);
	title = xstrfmt("%s @ %s %s", scenario, unit->python->name, unit->strategy->name);
	free(scenario);
	return title;
}

static void add_unit(struct plan *plan, const struct unit *unit)
{
	plan->units = xrealloc(plan->units, (plan->n + 1) * sizeof(*plan->units));
	plan->units[plan->n++] = *unit;
	plan->cells += unit_cells(unit);
}

/* Does a word of the command line name this variant? The scenario's name names all of them. */
static bool names(const char *word, const struct catalog_scenario *scenario,
		  const struct catalog_variant *variant)
{
	size_t len = strlen(scenario->name);

	if (strncmp(word, scenario->name, len) != 0)
		return false;
	return !word[len] || (word[len] == '/' && !strcmp(word + len + 1, variant->name));
}

static bool wanted(const struct plan_request *request, const struct catalog_scenario *scenario,
		   const struct catalog_variant *variant)
{
	for (size_t i = 0; i < request->nscenarios; i++)
		if (names(request->scenarios[i], scenario, variant))
			return true;
	return !request->nscenarios && !scenario->hidden;
}

static bool exists_here(const struct python *python, const struct catalog_variant *variant)
{
	return !variant->releases ||
	       range_matches(variant->releases, &python->catalog.release) == 1;
}

static bool fits(const struct strategy *strategy, const struct catalog_scenario *scenario)
{
	return !strategy->fits || strategy->fits(scenario);
}

static bool able(const struct strategy *strategy)
{
	return !strategy->unable || !strategy->unable();
}

/*
 * Of one strategy that was asked for, all scenarios are cells, also those that will be skipped with
 * the reason; of several, those that it fits.
 */
static bool takes(const struct plan_request *request, const struct strategy *strategy,
		  const struct catalog_scenario *scenario)
{
	/* What a gate meets in three trials, a walk of its whole window takes seconds for. */
	if (request->best && strategy->covers && scenario->gated)
		return false;
	if (request->best)
		return fits(strategy, scenario) && able(strategy);
	return fits(strategy, scenario) || !request->strategies[1];
}

static void add_scenario(struct plan *plan, const struct python *python,
			 const struct catalog_scenario *scenario,
			 const struct plan_request *request, unsigned int *count)
{
	for (unsigned int v = 0; v < scenario->nvariants; v++) {
		struct unit unit = { .python = python, .scenario = scenario, .variant = v,
				     .isolation = request->isolation, .twins = request->twins,
				     .allocators = request->allocators };

		if (!wanted(request, scenario, &scenario->variants[v]) ||
		    !exists_here(python, &scenario->variants[v]))
			continue;
		for (int i = 0; request->strategies[i]; i++) {
			unit.strategy = request->strategies[i];
			if (!takes(request, unit.strategy, scenario))
				continue;
			if ((*count)++ % request->shards == request->shard - 1)
				add_unit(plan, &unit);
			if (request->best)
				break;
		}
	}
}

static bool known(const struct catalog *catalog, const char *word)
{
	for (size_t s = 0; s < catalog->n; s++)
		for (size_t v = 0; v < catalog->v[s].nvariants; v++)
			if (names(word, &catalog->v[s], &catalog->v[s].variants[v]))
				return true;
	return false;
}

static void complain(const char *const *all, size_t n, const char *word, struct strbuf *err)
{
	strbuf_addf(err, "no scenario '%s'", word);
	suggest_append(err, "", word, all, n);
	strbuf_addstr(err, " (forkpoint list shows them all)");
}

static void complain_of_catalog(const struct catalog *catalog, const char *word,
				struct strbuf *err)
{
	const char **all = xcalloc(catalog->n, sizeof(*all));

	for (size_t s = 0; s < catalog->n; s++)
		all[s] = catalog->v[s].name;
	complain(all, catalog->n, word, err);
	free(all);
}

/* Variants are known to hosts alone, so what follows a slash may be anything. */
static int check_listed(const char *word, struct strbuf *err)
{
	struct listed listed;
	bool found = false;

	if (listed_load(&listed, err) < 0)
		return -1;
	for (size_t i = 0; i < listed.n && !found; i++)
		found = strlen(listed.names[i]) == strcspn(word, "/") &&
			!strncmp(listed.names[i], word, strcspn(word, "/"));
	if (!found)
		complain((const char *const *)listed.names, listed.n, word, err);
	listed_release(&listed);
	return found ? 0 : -1;
}

static int check_name(const struct python_list *pythons, const char *word, struct strbuf *err)
{
	const struct catalog *any = NULL;

	for (size_t p = 0; p < pythons->n; p++) {
		if (known(&pythons->v[p].catalog, word))
			return 0;
		if (pythons->v[p].catalog.n)
			any = &pythons->v[p].catalog;
	}
	if (!any)
		return check_listed(word, err);
	complain_of_catalog(any, word, err);
	return -1;
}

/* Of each variant that is wanted, the releases that have it: every host knows every variant. */
static void add_releases(struct strbuf *why, const struct catalog *catalog,
			 const struct plan_request *request)
{
	for (size_t s = 0; s < catalog->n; s++) {
		const struct catalog_scenario *scenario = &catalog->v[s];

		for (size_t v = 0; v < scenario->nvariants; v++) {
			const struct catalog_variant *variant = &scenario->variants[v];

			if (wanted(request, scenario, variant) && variant->releases)
				strbuf_addf(why, "%s%s/%s is for Python %s", why->len ? ", " : "",
					    scenario->name, variant->name, variant->releases);
		}
	}
}

static void explain_releases(const struct python_list *pythons, const struct plan_request *request,
			     struct strbuf *why)
{
	for (size_t p = 0; p < pythons->n; p++) {
		if (!why->len)
			add_releases(why, &pythons->v[p].catalog, request);
		strbuf_addf(why, "%s%s", p ? ", " : ", and asked for are ", pythons->v[p].name);
	}
}

/* `count`: the units before the shards were dealt out. */
static char *why_nothing(const struct python_list *pythons, const struct plan_request *request,
			 unsigned int count)
{
	struct strbuf why = STRBUF_INIT;

	if (!pythons->n)
		strbuf_addstr(&why, "there is no interpreter, and none is wanted");
	else if (count)
		strbuf_addf(&why, "shard %u/%u is empty: there %s only %u to share out, one for "
			    "each scenario, interpreter and strategy", request->shard,
			    request->shards, count == 1 ? "is" : "are", count);
	else
		explain_releases(pythons, request, &why);
	return strbuf_detach(&why);
}

int plan_make(struct plan *plan, const struct python_list *pythons,
	      const struct plan_request *request, struct strbuf *err)
{
	unsigned int count = 0;

	memset(plan, 0, sizeof(*plan));
	for (size_t i = 0; i < request->nscenarios; i++)
		if (check_name(pythons, request->scenarios[i], err) < 0)
			return -1;
	for (size_t p = 0; p < pythons->n; p++) {
		const struct python *python = &pythons->v[p];
		struct unit unable = { .python = python, .strategy = request->strategies[0],
				       .isolation = request->isolation };

		if (python->problem && count++ % request->shards == request->shard - 1)
			add_unit(plan, &unable);
		for (size_t s = 0; s < python->catalog.n; s++)
			add_scenario(plan, python, &python->catalog.v[s], request, &count);
	}
	if (!plan->n)
		plan->nothing = why_nothing(pythons, request, count);
	return 0;
}

void plan_release(struct plan *plan)
{
	free(plan->units);
	free(plan->nothing);
	memset(plan, 0, sizeof(*plan));
}
