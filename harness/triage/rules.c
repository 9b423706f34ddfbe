/* SPDX-License-Identifier: Apache-2.0 */
/* Patterns, and the text of a user's rules. */
#include "triage/rules.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/text.h"
#include "triage/lines.h"

/* Longer values than this are mistakes, and would only cost time. */
#define VALUE_MAX 1024

struct frame_rules {
	struct frame_rule *v;
	size_t n;
};

/* The ']' of the set that begins at `p`, of which there is one character at least; NULL: none. */
static const char *set_end(const char *p)
{
	return p[1] ? strchr(p + 2, ']') : NULL;
}

/* "[a-z_]" at *p against c; *p is behind the set then. A '[' that is never closed is itself. */
static bool set_matches(const char **p, char c)
{
	const char *at = *p + 1, *end = set_end(*p);
	bool found = false;

	if (!end) {
		(*p)++;
		return c == '[';
	}
	for (; at < end; at++) {
		if (at + 2 < end && at[1] == '-') {
			found |= c >= at[0] && c <= at[2];
			at += 2;
		} else {
			found |= c == *at;
		}
	}
	*p = end + 1;
	return found;
}

static bool one_matches(const char **p, char c)
{
	if (**p == '[')
		return set_matches(p, c);
	return *(*p)++ == c || (*p)[-1] == '?';
}

/*
 * Only the last '*' is ever tried again: time is at most the product of both lengths. `starred`:
 * the text fits as far as the first one.
 */
static bool matches_to(const char *pattern, const char *text, size_t len, bool *starred)
{
	const char *end = text + len, *star = NULL, *from = NULL;

	while (text < end) {
		const char *next = pattern;

		if (*pattern == '*') {
			star = ++pattern;
			from = text;
		} else if (*pattern && one_matches(&next, *text)) {
			pattern = next;
			text++;
		} else if (star) {
			pattern = star;
			text = ++from;
		} else {
			*starred = false;
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	*starred = star;
	return !*pattern;
}

bool pattern_matches(const char *pattern, const char *text, size_t len)
{
	bool starred;

	return matches_to(pattern, text, len, &starred);
}

bool pattern_matches_path(const char *pattern, const char *path)
{
	const char *at = path, *end;
	bool starred;

	if (!path)
		return !*pattern;
	if (!strchr(pattern, '/'))
		return pattern_matches(pattern, module_base(path), strlen(module_base(path)));
	end = path + strlen(path);
	if (matches_to(pattern, path, (size_t)(end - path), &starred))
		return true;
	/* A '*' has been through the whole rest: what it did not find is not further on either. */
	while (!starred && (at = strchr(at, '/'))) {
		at++;
		if (matches_to(pattern, at, (size_t)(end - at), &starred))
			return true;
	}
	return false;
}

/* A word of a line: KEY=VALUE, the value in quotes or not. */
struct assignment {
	struct piece key, value;
};

/* -1 and a sentence; 0: none is left; 1. */
static int take_assignment(struct piece *rest, struct assignment *word, struct strbuf *err)
{
	struct piece bare;

	take_blanks(rest);
	if (!rest->len || *rest->s == '#')
		return 0;
	bare = *rest;
	take_word(&bare, &word->key);
	if (piece_find(word->key, "=") == word->key.len) {
		strbuf_addstr(err, "'");
		text_add_line(err, word->key.s, word->key.len < 60 ? word->key.len : 60);
		strbuf_addstr(err, "' is no KEY=VALUE: write for example module=_fast.*");
		return -1;
	}
	take_until(rest, "=", &word->key);
	if (!take_text(rest, "\"")) {
		word->value = (struct piece){ rest->s, 0 };
		if (rest->len && *rest->s != ' ' && *rest->s != '\t')
			take_word(rest, &word->value);
		return 1;
	}
	if (!take_until(rest, "\"", &word->value)) {
		strbuf_addstr(err, "a quotation mark is not closed: put one behind the value");
		return -1;
	}
	return 1;
}

/* NULL and a sentence, or a copy. */
static char *value_copy(const struct assignment *word, struct strbuf *err)
{
	char *value;

	if (word->value.len <= VALUE_MAX && !memchr(word->value.s, '\0', word->value.len)) {
		if (piece_is(word->key, "component"))
			return piece_copy(word->value);
		value = xmalloc(word->value.len + 1);
		memcpy(value, word->value.s, word->value.len);
		value[word->value.len] = '\0';
		return value;
	}
	strbuf_addf(err, "the value of %.*s is no text of %d bytes at most", (int)word->key.len,
		    word->key.s, VALUE_MAX);
	return NULL;
}

static int take_kind(struct frame_rule *rule, struct piece value, struct strbuf *err)
{
	for (int kind = 0; kind < FRAME_KINDS; kind++) {
		if (piece_is(value, frame_kind_name((enum frame_kind)kind))) {
			rule->kind = (enum frame_kind)kind;
			return 0;
		}
	}
	strbuf_addstr(err, "no such category: use one of");
	for (int kind = 0; kind < FRAME_KINDS; kind++)
		strbuf_addf(err, "%s %s", kind ? "," : "", frame_kind_name((enum frame_kind)kind));
	return -1;
}

static int take_owner(struct frame_rule *rule, struct piece value, struct strbuf *err)
{
	static const enum attribution owners[] = {
		ATTRIBUTION_EXTENSION, ATTRIBUTION_THIRD_PARTY, ATTRIBUTION_CPYTHON,
		ATTRIBUTION_APPLICATION, ATTRIBUTION_UNKNOWN,
	};

	for (size_t i = 0; i < sizeof(owners) / sizeof(*owners); i++) {
		if (piece_is(value, attribution_name(owners[i]))) {
			rule->owner = owners[i];
			rule->has_owner = true;
			return 0;
		}
	}
	strbuf_addstr(err, "no such owner: use one of extension, third-party, cpython, "
			   "application, unknown");
	return -1;
}

/* Which text of the rule a key names; NULL: none of them. */
static const char **rule_text(struct frame_rule *rule, struct piece key)
{
	if (piece_is(key, "module"))
		return &rule->module;
	if (piece_is(key, "function"))
		return &rule->function;
	if (piece_is(key, "file"))
		return &rule->file;
	return piece_is(key, "component") ? &rule->component : NULL;
}

static int rule_assign(struct frame_rule *rule, const struct assignment *word, bool *has_kind,
		       struct strbuf *err)
{
	const char **text = rule_text(rule, word->key);

	if ((text && *text) || (piece_is(word->key, "category") && *has_kind) ||
	    (piece_is(word->key, "owner") && rule->has_owner)) {
		strbuf_addf(err, "%.*s is given twice: leave one out", (int)word->key.len,
			    word->key.s);
		return -1;
	}
	if (text) {
		*text = value_copy(word, err);
		return *text ? 0 : -1;
	}
	if (piece_is(word->key, "owner"))
		return take_owner(rule, word->value, err);
	if (piece_is(word->key, "category")) {
		*has_kind = true;
		return take_kind(rule, word->value, err);
	}
	strbuf_addstr(err, "no such key: '");
	text_add_line(err, word->key.s, word->key.len < 60 ? word->key.len : 60);
	strbuf_addstr(err, "': use module, function, file, category, component, owner");
	return -1;
}

/* What somebody meant by a '[' without its end is not known. `line`: where it begins. */
static int check_sets(const char *pattern, const struct assignment *word, const char *line,
		      struct strbuf *err)
{
	for (const char *p = pattern; (p = strchr(p, '[')); p++) {
		const char *end = set_end(p);

		if (!end) {
			strbuf_addf(err, "column %td: a '[' of the pattern is not closed: put ']' "
				    "behind its characters, or '?' in its place",
				    word->value.s - line + (p - pattern) + 1);
			return -1;
		}
		p = end;
	}
	return 0;
}

/* A rule of which all is said: 1. A line without one: 0. -1 and a sentence. */
static int rule_parse(struct piece line, struct frame_rule *rule, struct strbuf *err)
{
	const char *begin = line.s, **text;
	struct assignment word;
	bool has_kind = false;
	int more, words = 0;

	while ((more = take_assignment(&line, &word, err)) > 0) {
		if (rule_assign(rule, &word, &has_kind, err) < 0)
			return -1;
		text = rule_text(rule, word.key);
		if (text && text != &rule->component &&
		    check_sets(*text, &word, begin, err) < 0)
			return -1;
		words++;
	}
	if (more < 0 || !words)
		return more;
	if (!has_kind)
		strbuf_addstr(err, "the rule has no category=");
	else if (!rule->module && !rule->function && !rule->file)
		strbuf_addstr(err, "the rule matches nothing: give module=, function= or file=");
	else
		return 1;
	return -1;
}

static void rule_release(struct frame_rule *rule)
{
	free((char *)(uintptr_t)rule->module);
	free((char *)(uintptr_t)rule->function);
	free((char *)(uintptr_t)rule->file);
	free((char *)(uintptr_t)rule->component);
}

static void rules_add(struct frame_rules *rules, const struct frame_rule *rule)
{
	if ((rules->n & (rules->n - 1)) == 0)
		rules->v = xrealloc(rules->v, (rules->n ? 2 * rules->n : 1) * sizeof(*rules->v));
	rules->v[rules->n++] = *rule;
}

static int rules_add_line(struct frame_rules *rules, struct piece line, struct strbuf *err)
{
	struct frame_rule rule = { .kind = KIND_UNKNOWN };
	int got = rule_parse(line, &rule, err);

	if (got > 0 && rules->n == FRAME_RULES_MAX) {
		strbuf_addf(err, "more than %d rules: merge some by patterns", FRAME_RULES_MAX);
		got = -1;
	}
	if (got > 0)
		rules_add(rules, &rule);
	else
		rule_release(&rule);
	return got;
}

struct frame_rules *frame_rules_parse(const char *name, const char *text, size_t size,
				      struct strbuf *err)
{
	struct frame_rules *rules = xcalloc(1, sizeof(*rules));
	struct strbuf why = STRBUF_INIT;
	struct lines lines;
	int got = 0;

	if (size > FRAME_RULES_TEXT_MAX) {
		strbuf_addf(&why, "more than %zu KiB of rules: is it the right file?",
			    FRAME_RULES_TEXT_MAX >> 10);
		lines.number = 1;
		got = -1;
	} else {
		lines_begin(&lines, text, size);
		while (lines.line.s && (got = rules_add_line(rules, lines.line, &why)) >= 0)
			lines_next(&lines);
	}
	if (got < 0) {
		text_add_line(err, name, strlen(name));
		strbuf_addf(err, ":%zu: %s", lines.number, why.buf);
		frame_rules_free(rules);
		rules = NULL;
	}
	strbuf_release(&why);
	return rules;
}

void frame_rules_free(struct frame_rules *rules)
{
	if (!rules)
		return;
	for (size_t i = 0; i < rules->n; i++)
		rule_release(&rules->v[i]);
	free(rules->v);
	free(rules);
}

size_t frame_rules_count(const struct frame_rules *rules)
{
	return rules ? rules->n : 0;
}

const struct frame_rule *frame_rules_list(const struct frame_rules *rules)
{
	return rules ? rules->v : NULL;
}
