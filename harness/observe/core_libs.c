/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/core_libs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "observe/core_maps.h"

static bool file_reader(void *context, uint64_t offset, void *out, size_t size)
{
	const struct core_lib *lib = context;

	if (offset > lib->size || size > lib->size - offset)
		return false;
	memcpy(out, lib->bytes + offset, size);
	return true;
}

static void lib_close(struct core_lib *lib)
{
	if (lib->bytes)
		munmap((void *)(uintptr_t)lib->bytes, lib->size);
	free(lib->file);
	lib->file = NULL;
	lib->bytes = NULL;
}

/* A name from a core may be a pipe's or a device's here. */
static bool lib_open(struct core_lib *lib, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	void *bytes = MAP_FAILED;
	struct stat st;

	if (fd < 0)
		return false;
	if (!fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size > 0)
		bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	close(fd);
	if (bytes == MAP_FAILED)
		return false;
	lib->file = xstrdup(path);
	lib->bytes = bytes;
	lib->size = (size_t)st.st_size;
	return true;
}

/* What is looked for. */
struct wanted {
	const char *path;       /* that it had */
	bool known;             /* the core has its headers */
	struct elf_facts facts;
	struct strbuf others;   /* files of that name that are of another build */
};

static void add_build(struct strbuf *out, const struct elf_facts *facts)
{
	strbuf_addstr(out, facts->id_len ? "build-id " : "no build-id");
	elf_facts_add_id(out, facts);
}

static bool lib_try(struct core_lib *lib, struct wanted *wanted, const char *path)
{
	struct elf_facts facts;

	if (!lib_open(lib, path))
		return false;
	if (elf_facts_read(&facts, file_reader, lib, false)) {
		if (!wanted->known || elf_facts_same(&facts, &wanted->facts))
			return true;
		strbuf_addf(&wanted->others, "%s%s (", wanted->others.len ? ", " : "", path);
		add_build(&wanted->others, &facts);
		strbuf_addch(&wanted->others, ')');
	} else {
		strbuf_addf(&wanted->others, "%s%s (no ELF file)", wanted->others.len ? ", " : "",
			    path);
	}
	lib_close(lib);
	return false;
}

static bool lib_search(struct core_lib *lib, struct wanted *wanted,
		       const struct core_search *search)
{
	const char *base = strrchr(wanted->path, '/');

	for (size_t i = 0; i < search->n; i++) {
		char *path = xstrfmt("%s%s", search->v[i], base);
		bool found = lib_try(lib, wanted, path);

		free(path);
		if (found)
			return true;
	}
	return false;
}

static void tell_missing(const struct wanted *wanted, struct strbuf *notes)
{
	if (!wanted->others.len) {
		strbuf_addf(notes, "cannot find %s, which the process had mapped\n", wanted->path);
		return;
	}
	strbuf_addf(notes, "cannot find %s as the process had it mapped (", wanted->path);
	add_build(notes, &wanted->facts);
	strbuf_addf(notes, "): of another build is %s\n", wanted->others.buf);
}

static void module_find(struct core_lib *lib, struct maps_module *module, const struct core *core,
			const struct core_search *search, const char *executable,
			struct strbuf *notes)
{
	struct wanted wanted = { .path = module->path, .others = STRBUF_INIT };

	wanted.known = core_elf_facts(&wanted.facts, core, module->start);
	if (wanted.known && wanted.facts.id_len) {
		struct strbuf id = STRBUF_INIT;

		elf_facts_add_id(&id, &wanted.facts);
		lib->id = strbuf_detach(&id);
	}
	if ((executable && lib_try(lib, &wanted, executable)) ||
	    lib_try(lib, &wanted, module->path) || lib_search(lib, &wanted, search))
		module->file = lib->file;
	else
		tell_missing(&wanted, notes);
	strbuf_release(&wanted.others);
}

void core_libs_find(struct core_libs *libs, struct maps *maps, const struct core *core,
		    const struct core_search *search, size_t main, const char *executable,
		    struct strbuf *notes)
{
	libs->n = maps->nmodules;
	libs->v = xcalloc(libs->n + 1, sizeof(*libs->v));
	for (size_t i = 0; i < libs->n; i++) {
		struct maps_module *module = &maps->modules[i];

		/* The kernel's own is in memory. */
		if (module->path[0] != '/')
			continue;
		module->file = "";
		module_find(&libs->v[i], module, core, search, i == main ? executable : NULL,
			    notes);
	}
}

void core_libs_release(struct core_libs *libs)
{
	for (size_t i = 0; i < libs->n; i++) {
		lib_close(&libs->v[i]);
		free(libs->v[i].id);
	}
	free(libs->v);
	*libs = (struct core_libs){ 0 };
}

bool core_libs_read(const struct core_libs *libs, const struct maps *maps, const struct core *core,
		    uint64_t address, void *out, size_t size)
{
	const struct core_mapped *mapped;
	const struct maps_module *module;
	const struct core_lib *lib;
	uint64_t offset;

	if (core_read(core, address, out, size))
		return true;
	mapped = core_mapped_at(core, address);
	module = mapped ? maps_module_at(maps, address) : NULL;
	if (!module || maps_is_writable(maps, address))
		return false;
	lib = &libs->v[module - maps->modules];
	offset = mapped->offset + (address - mapped->start);
	if (!lib->bytes || offset >= lib->size)
		return false;
	/* What stands behind the end of a file on its last page is zero. */
	memset(out, 0, size);
	memcpy(out, lib->bytes + offset, size < lib->size - offset ? size : lib->size - offset);
	return true;
}
