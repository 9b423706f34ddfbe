/* SPDX-License-Identifier: Apache-2.0 */
/* A user's own rules: what they say, in which order, and texts that are none. */
#include "tests/unit/triage.h"
#include "triage/frames.h"
#include "triage/rules.h"

static struct frame_rules *rules_of(const char *text)
{
	struct strbuf err = STRBUF_INIT;
	struct frame_rules *rules = frame_rules_parse("mine", text, strlen(text), &err);

	CHECK_STR(err.buf, "", "the rules are read");
	strbuf_release(&err);
	return rules;
}

static void check_origin(const struct frame_rules *rules, const char *function, const char *module,
			 const char *file, const char *wanted)
{
	struct crash_frame frame = {
		.function = (char *)(uintptr_t)function,
		.module = (char *)(uintptr_t)module,
		.file = (char *)(uintptr_t)file,
		.trust = function ? TRUST_EXACT : TRUST_NONE,
	};
	struct frame_origin origin;
	char *got;

	frame_find_origin(&frame, rules, &origin);
	got = xstrfmt("%s, %s, %s, %s", frame_kind_name(origin.kind),
		      category_name(origin.category), origin.component ? origin.component : "-",
		      attribution_name(origin.owner));
	CHECK_STR(got, wanted, "%s of %s, %s", function ? function : "?", module ? module : "-",
		  file ? file : "-");
	free(got);
}

static void test_rules(void)
{
	struct frame_rules *rules = rules_of(
		"# ours\n"
		"\n"
		"module=_fast.* function=acme::net* category=library component=acme-net\r\n"
		"  module=_fast.*\tcategory=\"application extension\" component=\"acme fast\" # it is\n"
		"module=acme/io/*.so category=extension component=acme-io owner=application\n"
		"function=acme::* category=library component=acme\n"
		"file=src/acme/* category=library component=acme-src owner=unknown\n"
		"module=/opt/acme/* category=unwinder\n"
		"module=\"\" function=malloc category=extension component=loose\n"
		"function=PyGILState_Ensure category=kernel");

	CHECK_INT(frame_rules_count(rules), 8, "all of them");
	check_origin(rules, "acme::net::read(int)", "/srv/_fast.so", NULL,
		     "library, library, acme-net, third-party");
	check_origin(rules, "acme::look()", "/srv/_fast.so", NULL,
		     "application extension, extension, acme fast, application");
	check_origin(rules, NULL, "/srv/lib/acme/io/_disk.so", NULL,
		     "extension, extension, acme-io, application");
	check_origin(rules, NULL, "/srv/lib/notacme/io/_disk.so", NULL,
		     "extension, extension, -, extension");
	check_origin(rules, "acme::look()", NULL, NULL, "library, library, acme, third-party");
	check_origin(rules, "acme::look()", EXTENSION, NULL,
		     "library, extension, acme, extension");
	check_origin(rules, NULL, NULL, "/build/src/acme/x.c",
		     "library, library, acme-src, unknown");
	check_origin(rules, NULL, "/opt/acme/tool", NULL, "unwinder, unwinder, -, unknown");
	check_origin(rules, NULL, "/mnt/opt/acme/tool", NULL, "program, program, -, application");
	check_origin(rules, "malloc", NULL, NULL, "extension, extension, loose, extension");
	check_origin(rules, "malloc", LIBC, NULL, "allocator, libc, glibc malloc, unknown");
	check_origin(rules, "PyGILState_Ensure", LIBPYTHON, NULL, "kernel, libc, -, unknown");
	check_origin(NULL, "PyGILState_Ensure", LIBPYTHON, NULL, "cpython, cpython, -, cpython");
	frame_rules_free(rules);
}

/* A user's Python code can have a name, too. */
static void test_python(void)
{
	struct frame_rules *rules = rules_of("function=Jobs.run category=python component=jobs\n");
	struct crash_frame frame = {
		.function = (char *)(uintptr_t)"Jobs.run",
		.trust = TRUST_EXACT,
		.python = true,
	};
	struct frame_origin origin;

	frame_find_origin(&frame, rules, &origin);
	CHECK_STR(origin.component, "jobs", "a rule for Python code is matched by the whole name");
	frame_rules_free(rules);
}

/* They reach the classification itself, and leave no trace in the next one. */
static void test_classify(void)
{
	struct crash *crash = crash_make(SIGSEGV, "copy @/srv/app/_fast.so\n"
						  "main @/usr/bin/python3.12\n", NULL);
	struct frame_rules *rules = rules_of("module=_fast.* category=\"application extension\" "
					     "component=fast\n");
	const struct triage_settings settings = { .rules = rules };
	struct triage *with = triage_classify(crash, &settings);
	struct triage *without = triage_classify(crash, NULL);

	CHECK_STR(with->component, "fast", "the component has the rule's name");
	CHECK_STR(attribution_name(with->attribution), "application", "its owner is at fault");
	CHECK_STR(without->component, "_fast.so", "without rules it is the module's");
	CHECK_STR(attribution_name(without->attribution), "extension", "and the extension's fault");
	triage_free(with);
	triage_free(without);
	frame_rules_free(rules);
	crash_free(crash);
}

static void check_bad_bytes(const char *text, size_t size, const char *wanted)
{
	struct strbuf err = STRBUF_INIT;
	struct frame_rules *rules = frame_rules_parse("mine", text, size, &err);

	CHECK(!rules, "refused");
	CHECK(!strncmp(err.buf, wanted, strlen(wanted)), "with: %s", wanted);
	if (strncmp(err.buf, wanted, strlen(wanted)) != 0)
		tap_explain("got", err.buf);
	strbuf_release(&err);
	frame_rules_free(rules);
}

static void check_bad(const char *text, const char *wanted)
{
	check_bad_bytes(text, strlen(text), wanted);
}

static void test_bad(void)
{
	check_bad("module=a", "mine:1: the rule has no category=");
	check_bad("\n# x\ncategory=libc", "mine:3: the rule matches nothing: give module=");
	check_bad("module=a category=libx",
		  "mine:1: no such category: use one of unknown, cpython, python, dd-trace-py");
	check_bad("module=a category=", "mine:1: no such category");
	check_bad("module=a category=libc owner=me", "mine:1: no such owner: use one of extension");
	check_bad("modul=a category=libc", "mine:1: no such key: 'modul': use module");
	check_bad("module=a libc", "mine:1: 'libc' is no KEY=VALUE");
	check_bad("module=a module=b category=libc", "mine:1: module is given twice");
	check_bad("module=a category=libc category=libc", "mine:1: category is given twice");
	check_bad("module=a owner=cpython owner=cpython category=libc", "mine:1: owner is given");
	check_bad("module=\"a category=libc", "mine:1: a quotation mark is not closed");
	check_bad("module=a[b category=libc", "mine:1: column 9: a '[' of the pattern is not cl");
	check_bad("category=libc\tfunction=\"x[a]y[\"", "mine:1: column 30: a '[' of the pattern");
	check_bad("file=[] category=libc", "mine:1: column 6: a '[' of the pattern is not closed");
	check_bad("=", "mine:1: no such key: ''");
	check_bad_bytes("module=a\0b category=libc", 24, "mine:1: the value of module is no text");
	check_bad("\x1b[2J\xff=1", "mine:1: no such key: '?[2J\xef\xbf\xbd'");
}

static void test_large(void)
{
	struct strbuf text = STRBUF_INIT;
	size_t size = FRAME_RULES_TEXT_MAX + 1;
	char *blank = xmalloc(size);

	memset(blank, ' ', size);
	check_bad_bytes(blank, size, "mine:1: more than 1024 KiB of rules");
	memset(blank, '*', size);
	check_bad_bytes(blank, size - 1, "mine:1: '***");
	memcpy(blank, "module=", 7);
	check_bad_bytes(blank, size - 1, "mine:1: the value of module is no text of 1024 bytes");
	memset(blank, '\n', size);
	frame_rules_free(frame_rules_parse("mine", blank, size - 1, &text));
	CHECK_STR(text.buf, "", "a million empty lines are no rule");
	for (int i = 0; i < FRAME_RULES_MAX + 1; i++)
		strbuf_addstr(&text, "file=a category=libc\n");
	check_bad(text.buf, "mine:10001: more than 10000 rules");
	strbuf_release(&text);
	free(blank);
}

/* All that a text can be cut to is read or refused. */
static void test_cuts(void)
{
	static const char text[] =
		"module=\"a b\" function=x* category=\"c++ runtime\" owner=cpython\n"
		"file=[a-z]* component=x category=libc # x\n";
	unsigned int refused = 0;

	for (size_t size = 0; size < sizeof(text); size++) {
		struct strbuf err = STRBUF_INIT;
		char *copy = xmalloc(size + 1); /* so that a sanitizer sees its end */
		struct frame_rules *rules;

		memcpy(copy, text, size);
		copy = xrealloc(copy, size ? size : 1);
		rules = frame_rules_parse("mine", copy, size, &err);
		refused += !rules;
		if (!rules && !err.len)
			CHECK(false, "a refusal at %zu has a reason", size);
		strbuf_release(&err);
		frame_rules_free(rules);
		free(copy);
	}
	CHECK(refused > 60 && refused < sizeof(text), "%u of %zu cuts are refused", refused,
	      sizeof(text));
}

static void check_pattern(const char *pattern, const char *text, bool wanted)
{
	CHECK(pattern_matches(pattern, text, strlen(text)) == wanted, "'%s' %s '%.40s'", pattern,
	      wanted ? "matches" : "does not match", text);
}

static void test_patterns(void)
{
	struct strbuf text = STRBUF_INIT;

	check_pattern("", "", true);
	check_pattern("*", "", true);
	check_pattern("?", "", false);
	check_pattern("a*c", "abcbc", true);
	check_pattern("a*c", "abcb", false);
	check_pattern("*.so*", "x.so.1", true);
	check_pattern("Py[A-Z_]*", "PyList_New", true);
	check_pattern("Py[A-Z_]*", "Python", false);
	check_pattern("[b-d]", "a", false);
	check_pattern("[b-d]", "b", true);
	check_pattern("[b-d]", "d", true);
	check_pattern("[b-d]", "e", false);
	check_pattern("[b-]", "-", true);
	check_pattern("[]a]", "]", true);
	check_pattern("[[]vdso]", "[vdso]", true);
	check_pattern("[", "[", true);
	check_pattern("x[", "x", false);
	check_pattern("[a", "a", false);
	check_pattern("**a**", "bab", true);
	CHECK(pattern_matches_path("b/*.c", "/a/b/c/d.c"), "'*' goes across directories");
	CHECK(!pattern_matches_path("/b/*.c", "/a/b/d.c"), "a root is the root");
	CHECK(pattern_matches_path("", NULL), "an empty pattern matches no path");
	CHECK(!pattern_matches_path("", "/a"), "and no other");
	CHECK(!pattern_matches_path("*", NULL), "what is not known matches nothing");

	for (int i = 0; i < 500000; i++)
		strbuf_addstr(&text, "ddtrace/");
	CHECK(!pattern_matches_path("ddtrace/*.cpython-*", text.buf),
	      "4 MB of directories are no module");
	strbuf_addstr(&text, "x.cpython-312.so");
	CHECK(pattern_matches_path("ddtrace/*.cpython-*", text.buf),
	      "unless one stands at their end");
	strbuf_reset(&text);

	/* Each star that is tried again at each place would take longer than the world has. */
	for (int i = 0; i < 4000; i++)
		strbuf_addch(&text, 'a');
	check_pattern("*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*a*b", text.buf, false);
	strbuf_release(&text);
}

/* A frame of nobody must be matched by no rule; each built-in one can be met. */
static void check_table(const struct frame_rule *rules, size_t n, const char *table)
{
	size_t bad = 0;

	for (size_t i = 0; i < n; i++) {
		const struct frame_rule *rule = &rules[i];

		bad += !rule->module && !rule->function && !rule->file;
		for (size_t k = 0; k < i; k++) {
			const struct frame_rule *before = &rules[k];

			if (before->module && rule->module && !before->function && !before->file &&
			    !strcmp(before->module, rule->module)) {
				CHECK(false, "%s is decided before it is asked", rule->module);
				bad++;
			}
		}
	}
	CHECK_INT(bad, 0, "each of the %s has something to match, and its turn", table);
}

static void test_builtin(void)
{
	size_t bound = 0;

	check_table(builtin_rules, builtin_rules_count, "built-in rules");
	check_table(builtin_programs, builtin_programs_count, "built-in programs");
	check_table(builtin_names, builtin_names_count, "built-in names");
	for (size_t i = 0; i < builtin_names_count; i++)
		bound += !builtin_names[i].module || *builtin_names[i].module;
	CHECK_INT(bound, 0, "a name is asked for only where there is no module");
	CHECK_INT(strlen(FRAME_RULES_VERSION), strlen("2026-11-21"), "the table has a date");
}

int main(void)
{
	test_rules();
	test_python();
	test_classify();
	test_bad();
	test_large();
	test_cuts();
	test_patterns();
	test_builtin();
	return tap_done();
}
