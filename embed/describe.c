/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a host offers, as JSON on stdout: the driver links no scenario and learns them all here.
 *
 *   {"schema":1,"python":"3.13.18","flavour":"release","scenarios":[{"index":0,"name":…}]}
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdio.h>

#include "embed/frame.h"

#define SCENARIO(name) extern const struct scenario scenario_##name;
#include "scenarios/list.h"
#undef SCENARIO

const struct scenario *const host_scenarios[] = {
#define SCENARIO(name) &scenario_##name,
#include "scenarios/list.h"
#undef SCENARIO
	NULL,
};

unsigned int host_scenario_count(void)
{
	unsigned int n = 0;

	while (host_scenarios[n])
		n++;
	return n;
}

static void put_string(const char *key, const char *s, const char *after)
{
	printf("\"%s\":", key);
	if (!s) {
		printf("null%s", after);
		return;
	}
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			printf("\\%c", *s);
		else if ((unsigned char)*s < 0x20)
			printf("\\u%04x", (unsigned int)*s);
		else
			putchar(*s);
	}
	printf("\"%s", after);
}

static void put_bool(const char *key, int value, const char *after)
{
	printf("\"%s\":%s%s", key, value ? "true" : "false", after);
}

static void put_links(const char *const *link)
{
	printf("\"links\":[");
	for (int i = 0; link && link[i]; i++)
		printf("%s\"%s\"", i ? "," : "", link[i]);
	printf("],");
}

static void put_flags(unsigned int flags)
{
	printf("\"flags\":{");
	put_bool("gated", flags & SCENARIO_GATED, ",");
	put_bool("window", flags & SCENARIO_WINDOW, ",");
	put_bool("twin_retires", flags & SCENARIO_TWIN_RETIRES, ",");
	put_bool("hidden", flags & SCENARIO_HIDDEN, "},");
}

static void put_variants(const struct variant *v)
{
	printf("\"variants\":[");
	for (int i = 0; v && v[i].name; i++) {
		printf("%s{", i ? "," : "");
		put_string("name", v[i].name, ",");
		put_string("doc", v[i].doc, ",");
		put_string("releases", v[i].releases, "}");
	}
	printf("],");
}

static void put_expectations(const struct expectation *e)
{
	printf("\"expectations\":[");
	for (int i = 0; e && e[i].releases; i++) {
		printf("%s{", i ? "," : "");
		put_string("releases", e[i].releases, ",");
		put_string("flavours", e[i].flavours, ",");
		put_string("variant", e[i].variant, ",");
		put_bool("twin", e[i].twin, ",");
		put_string("shows", e[i].shows, ",");
		put_string("allows", e[i].allows, ",");
		printf("\"floor\":%g,", e[i].floor);
		put_string("source", e[i].source, "}");
	}
	printf("]");
}

static void put_scenario(unsigned int index)
{
	static const char *const operations[] = { "fork", "finalize", "reinit", "none" };
	const struct scenario *s = host_scenarios[index];

	printf("%s{\"index\":%u,", index ? "," : "", index);
	put_string("name", s->name, ",");
	put_string("race", s->race, ",");
	put_string("symptom", s->symptom, ",");
	put_string("fix", s->fix, ",");
	put_links(s->links);
	put_string("operation", operations[s->operation], ",");
	put_flags(s->flags);
	printf("\"workers\":%u,", s->workers);
	put_string("unsupported", s->unsupported ? s->unsupported() : NULL, ",");
	put_variants(s->variants);
	put_expectations(s->expectations);
	putchar('}');
}

static const char *flavour(void)
{
#if defined(Py_GIL_DISABLED)
	return "free-threaded";
#elif defined(Py_DEBUG)
	return "debug";
#else
	return "release";
#endif
}

int host_describe(void)
{
	char version[64];
	int i;

	/* The library's own word, not the headers': "3.13.18 (main, …) [GCC …]". */
	for (i = 0; i < 63 && Py_GetVersion()[i] && Py_GetVersion()[i] != ' '; i++)
		version[i] = Py_GetVersion()[i];
	version[i] = '\0';
	printf("{\"schema\":1,");
	put_string("python", version, ",");
	put_string("flavour", flavour(), ",");
	printf("\"scenarios\":[");
	for (unsigned int n = 0; host_scenarios[n]; n++)
		put_scenario(n);
	printf("]}\n");
	return fflush(stdout) || ferror(stdout) ? -1 : 0;
}
