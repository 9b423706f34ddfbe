/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/cluster.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/text.h"

struct cluster_member {
	char *signature;
	enum pattern pattern;
	const char *file;
	size_t number; /* in the order in which they came */
};

void clusters_add(struct clusters *clusters, const char *file, const struct triage *triage)
{
	if ((clusters->n & (clusters->n - 1)) == 0)
		clusters->v = xrealloc(clusters->v, (clusters->n ? 2 * clusters->n : 1) *
				       sizeof(*clusters->v));
	clusters->v[clusters->n] = (struct cluster_member){
		.signature = xstrdup(triage->signature), .pattern = triage->pattern,
		.file = file, .number = clusters->n,
	};
	clusters->n++;
}

static int by_signature(const void *a, const void *b)
{
	const struct cluster_member *x = a, *y = b;
	int order = strcmp(x->signature, y->signature);

	if (!order)
		order = (x->pattern > y->pattern) - (x->pattern < y->pattern);
	return order ? order : (x->number > y->number) - (x->number < y->number);
}

/* Members in a row that have one signature and one pattern. */
struct cluster {
	const struct cluster_member *first;
	size_t n;
};

/* Equal numbers by signature, so that the same reports always give the same lines. */
static int by_size(const void *a, const void *b)
{
	const struct cluster *x = a, *y = b;

	if (x->n != y->n)
		return x->n < y->n ? 1 : -1;
	return by_signature(x->first, y->first);
}

/* A file's reports come one after the other. */
static bool is_new_file(const struct cluster *cluster, size_t i)
{
	return !i || cluster->first[i].file != cluster->first[i - 1].file;
}

static void tell_text(struct strbuf *out, const struct cluster *cluster)
{
	strbuf_addf(out, "%zu\t", cluster->n);
	text_add_line(out, cluster->first->signature, strlen(cluster->first->signature));
	strbuf_addf(out, "\t%s\t", pattern_name(cluster->first->pattern));
	for (size_t i = 0; i < cluster->n; i++) {
		const char *file = cluster->first[i].file;

		if (!is_new_file(cluster, i))
			continue;
		strbuf_addstr(out, i ? " " : "");
		text_add_line(out, file, strlen(file));
	}
	strbuf_addch(out, '\n');
}

static void tell_json(struct strbuf *out, const struct cluster *cluster)
{
	json_t *object = json_object(), *files = json_array();
	char *line;

	for (size_t i = 0; i < cluster->n; i++) {
		struct strbuf file = STRBUF_INIT;

		if (!is_new_file(cluster, i))
			continue;
		text_add_utf8(&file, cluster->first[i].file, strlen(cluster->first[i].file));
		json_array_append_new(files, json_string(file.buf));
		strbuf_release(&file);
	}
	json_object_set_new(object, "schema", json_integer(1));
	json_object_set_new(object, "count", json_integer((json_int_t)cluster->n));
	json_object_set_new(object, "signature", json_string(cluster->first->signature));
	json_object_set_new(object, "pattern", json_string(pattern_name(cluster->first->pattern)));
	json_object_set_new(object, "files", files);
	line = json_dumps(object, JSON_COMPACT);
	strbuf_addf(out, "%s\n", line);
	free(line);
	json_decref(object);
}

void clusters_tell(struct clusters *clusters, bool json, struct strbuf *out)
{
	struct cluster *v;
	size_t n = 0;

	if (!clusters->n)
		return;
	v = xcalloc(clusters->n, sizeof(*v));
	qsort(clusters->v, clusters->n, sizeof(*clusters->v), by_signature);
	for (size_t i = 0; i < clusters->n; i++) {
		const struct cluster_member *member = &clusters->v[i];

		if (!n || v[n - 1].first->pattern != member->pattern ||
		    strcmp(v[n - 1].first->signature, member->signature) != 0)
			v[n++] = (struct cluster){ .first = member };
		v[n - 1].n++;
	}
	qsort(v, n, sizeof(*v), by_size);
	for (size_t i = 0; i < n; i++)
		json ? tell_json(out, &v[i]) : tell_text(out, &v[i]);
	free(v);
}

void clusters_release(struct clusters *clusters)
{
	for (size_t i = 0; i < clusters->n; i++)
		free(clusters->v[i].signature);
	free(clusters->v);
	*clusters = (struct clusters){ .n = 0 };
}
