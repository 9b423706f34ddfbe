/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/frames.h"

#include <string.h>

#include "triage/rules.h"

struct kind_info {
	const char *name;
	enum frame_category category;
	enum attribution owner;
};

/*
 * A program that embeds Python is native code beside it, like an extension. What a runtime does is
 * its caller's doing, so runtimes answer for nothing.
 */
static const struct kind_info kinds[FRAME_KINDS] = {
	[KIND_UNKNOWN] = { "unknown", CATEGORY_UNKNOWN, ATTRIBUTION_UNKNOWN },
	[KIND_CPYTHON] = { "cpython", CATEGORY_CPYTHON, ATTRIBUTION_CPYTHON },
	[KIND_PYTHON] = { "python", CATEGORY_PYTHON, ATTRIBUTION_UNKNOWN },
	[KIND_DD_TRACE] = { "dd-trace-py", CATEGORY_EXTENSION, ATTRIBUTION_EXTENSION },
	[KIND_PYROSCOPE] = { "pyroscope", CATEGORY_EXTENSION, ATTRIBUTION_EXTENSION },
	[KIND_GEVENT] = { "gevent", CATEGORY_EXTENSION, ATTRIBUTION_EXTENSION },
	[KIND_GRPC] = { "grpc", CATEGORY_EXTENSION, ATTRIBUTION_THIRD_PARTY },
	[KIND_RUST] = { "rust runtime", CATEGORY_CXX, ATTRIBUTION_UNKNOWN },
	[KIND_CXX] = { "c++ runtime", CATEGORY_CXX, ATTRIBUTION_UNKNOWN },
	[KIND_UNWINDER] = { "unwinder", CATEGORY_UNWINDER, ATTRIBUTION_UNKNOWN },
	[KIND_ALLOCATOR] = { "allocator", CATEGORY_LIBC, ATTRIBUTION_UNKNOWN },
	[KIND_SANITIZER] = { "sanitizer", CATEGORY_LIBC, ATTRIBUTION_UNKNOWN },
	[KIND_LIBC] = { "libc", CATEGORY_LIBC, ATTRIBUTION_UNKNOWN },
	[KIND_LOADER] = { "loader", CATEGORY_LOADER, ATTRIBUTION_UNKNOWN },
	[KIND_KERNEL] = { "kernel", CATEGORY_LIBC, ATTRIBUTION_UNKNOWN },
	[KIND_EXTENSION] = { "extension", CATEGORY_EXTENSION, ATTRIBUTION_EXTENSION },
	[KIND_APPLICATION] = {
		"application extension", CATEGORY_EXTENSION, ATTRIBUTION_APPLICATION,
	},
	[KIND_PROGRAM] = { "program", CATEGORY_PROGRAM, ATTRIBUTION_APPLICATION },
	[KIND_LIBRARY] = { "library", CATEGORY_LIBRARY, ATTRIBUTION_THIRD_PARTY },
	[KIND_HARNESS] = { "forkpoint", CATEGORY_HARNESS, ATTRIBUTION_UNKNOWN },
};

const char *frame_kind_name(enum frame_kind kind)
{
	return kinds[kind].name;
}

enum frame_category frame_kind_category(enum frame_kind kind)
{
	return kinds[kind].category;
}

enum attribution frame_kind_owner(enum frame_kind kind)
{
	return kinds[kind].owner;
}

const char *module_base(const char *module)
{
	const char *slash = module ? strrchr(module, '/') : NULL;

	return slash ? slash + 1 : module;
}

/* A frame as rules see it. */
struct subject {
	const char *module, *file;
	struct piece function; /* s NULL: no name that can be believed */
};

static bool rule_matches(const struct frame_rule *rule, const struct subject *subject)
{
	if (rule->module && !pattern_matches_path(rule->module, subject->module))
		return false;
	if (rule->function && !(subject->function.s &&
				pattern_matches(rule->function, subject->function.s,
						subject->function.len)))
		return false;
	return !rule->file || pattern_matches_path(rule->file, subject->file);
}

static const struct frame_rule *rule_find(const struct frame_rule *rules, size_t n,
					  const struct subject *subject)
{
	for (size_t i = 0; i < n; i++)
		if (rule_matches(&rules[i], subject))
			return &rules[i];
	return NULL;
}

static const struct frame_rule *builtin_find(const struct subject *subject)
{
	const struct frame_rule *rule = rule_find(builtin_rules, builtin_rules_count, subject);

	if (!rule)
		rule = rule_find(builtin_programs, builtin_programs_count, subject);
	return rule ? rule : rule_find(builtin_names, builtin_names_count, subject);
}

/* What is known of a module whatever runs in it; NULL: there is none. */
static const struct frame_rule *module_rule(const struct frame_rules *user, const char *module)
{
	const struct subject subject = { .module = module };
	const struct frame_rule *rule = rule_find(frame_rules_list(user), frame_rules_count(user),
						  &subject);

	return rule ? rule : builtin_find(&subject);
}

static void origin_take(struct frame_origin *origin, const struct frame_rule *rule)
{
	origin->kind = rule->kind;
	origin->category = kinds[rule->kind].category;
	origin->owner = rule->has_owner ? rule->owner : kinds[rule->kind].owner;
	origin->component = rule->component;
}

/*
 * A Rust panic or an allocator in somebody's own module was linked into it: still the module's, and
 * called by the module's name unless the rule knows a better one. Only CPython, which nobody links
 * but programs, is CPython in them as well.
 */
static void origin_keep_module(struct frame_origin *origin, const struct frame_rules *user,
			       const char *module)
{
	const struct frame_rule *rule = module_rule(user, module);
	struct frame_origin own;

	if (!rule || origin->kind == KIND_CPYTHON)
		return;
	origin_take(&own, rule);
	if (!category_is_native(own.category))
		return;
	origin->category = own.category;
	origin->owner = own.owner;
}

void frame_find_origin(const struct crash_frame *frame, const struct frame_rules *rules,
		       struct frame_origin *origin)
{
	struct subject subject = { .module = frame->module, .file = frame->file };
	const struct frame_rule *rule;

	*origin = (struct frame_origin){ .kind = KIND_UNKNOWN };
	if (frame->function && frame->trust == TRUST_EXACT)
		subject.function = frame->python ?
			(struct piece){ frame->function, strlen(frame->function) } :
			function_qualified(frame->function);
	rule = rule_find(frame_rules_list(rules), frame_rules_count(rules), &subject);
	if (!rule && frame->python) {
		origin->kind = KIND_PYTHON;
		origin->category = CATEGORY_PYTHON;
		return;
	}
	if (!rule)
		rule = builtin_find(&subject);
	if (!rule)
		return;
	origin_take(origin, rule);
	if (!rule->module && frame->module)
		origin_keep_module(origin, rules, frame->module);
}

enum frame_category frame_categorise(const struct crash_frame *frame,
				     const struct frame_rules *rules)
{
	struct frame_origin origin;

	frame_find_origin(frame, rules, &origin);
	return origin.category;
}

const char *category_name(enum frame_category category)
{
	static const char *const names[] = {
		[CATEGORY_UNKNOWN] = "unknown",     [CATEGORY_CPYTHON] = "cpython",
		[CATEGORY_PYTHON] = "python",       [CATEGORY_LIBC] = "libc",
		[CATEGORY_CXX] = "c++ runtime",     [CATEGORY_UNWINDER] = "unwinder",
		[CATEGORY_LOADER] = "loader",       [CATEGORY_EXTENSION] = "extension",
		[CATEGORY_PROGRAM] = "program",     [CATEGORY_LIBRARY] = "library",
		[CATEGORY_HARNESS] = "forkpoint",
	};

	return names[category];
}

bool category_is_native(enum frame_category category)
{
	return category == CATEGORY_EXTENSION || category == CATEGORY_PROGRAM ||
	       category == CATEGORY_LIBRARY;
}

const char *frame_trust_word(const struct crash_frame *frame)
{
	return frame->inlined ? "inlined" : trust_name(frame->trust);
}
