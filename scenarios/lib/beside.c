/* SPDX-License-Identifier: Apache-2.0 */
#include "scenarios/lib/beside.h"

#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void *beside_lost(struct subject *s)
{
	static char text[PATH_MAX + 64];
	const char *why = dlerror();

	snprintf(text, sizeof(text), "a part of the host is missing, build it again: %s",
		 why ? why : "no reason given");
	subject_say(s, OUTCOME_WRONG, text);
	return NULL;
}

void *beside_open(struct subject *s, const char *name)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
	char *slash;
	void *object;

	path[n < 0 ? 0 : n] = '\0';
	slash = strrchr(path, '/');
	if (!slash || (size_t)(slash - path) + strlen(name) + sizeof("/so_.so") > sizeof(path))
		return beside_lost(s);
	sprintf(slash, "/so_%s.so", name);
	object = dlopen(path, RTLD_NOW | RTLD_LOCAL);
	return object ? object : beside_lost(s);
}

void *beside_symbol(struct subject *s, void *object, const char *symbol)
{
	void *address = object ? dlsym(object, symbol) : NULL;

	return address || !object ? address : beside_lost(s);
}
