/* SPDX-License-Identifier: Apache-2.0 */
#include "base/demangle.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"

typedef char *demangle_fn(const char *, char *, size_t *, int *);

/* Looked for once; stays loaded for the life of the program. */
static demangle_fn *demangler(void)
{
	static const char *const runtimes[] = { "libstdc++.so.6", "libc++abi.so.1" };
	static demangle_fn *found;
	static bool tried;

	for (size_t i = 0; !tried && !found && i < sizeof(runtimes) / sizeof(*runtimes); i++) {
		void *handle = dlopen(runtimes[i], RTLD_LAZY | RTLD_LOCAL);

		if (handle)
			*(void **)&found = dlsym(handle, "__cxa_demangle");
	}
	tried = true;
	return found;
}

char *demangle(const char *name)
{
	/* A compiler's own suffix (.cold, .part.0) makes a name unreadable to the demangler. */
	size_t stem = strcspn(name, ".");
	char *mangled, *out = NULL;
	int status = -1;

	if (strncmp(name, "_Z", 2) || !demangler())
		return xstrdup(name);
	mangled = xstrdup(name);
	mangled[stem] = '\0';
	out = demangler()(mangled, NULL, NULL, &status);
	free(mangled);
	if (status != 0 || !out)
		return xstrdup(name);
	if (name[stem]) {
		char *whole = xstrfmt("%s%s", out, name + stem);

		free(out);
		out = whole;
	}
	return out;
}
