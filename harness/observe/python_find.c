/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/python_find.h"

#include <string.h>

#include "base/clock.h"
#include "base/strbuf.h"
#include "observe/exports.h"
#include "observe/image.h"
#include "observe/maps.h"
#include "observe/memory.h"
#include "observe/unwind.h"

bool python_search_is_late(struct python_search *search)
{
	search->late = search->late || clock_now() > search->deadline_ns;
	return search->late;
}

/* Where a module has something, in the process. */
static bool module_find(const struct python_search *search, const struct maps_module *module,
			bool (*find)(Elf *, const char *, uint64_t *), const char *name,
			uint64_t *address)
{
	struct image *image = unwind_image(search->session, module);
	uint64_t vaddr;

	if (!image || !find(image_elf(image), name, &vaddr))
		return false;
	*address = module->start + (vaddr - image_base(image));
	return true;
}

/* PY_VERSION_HEX, where the module says it. */
static uint32_t module_release(const struct python_search *search, const struct maps_module *module)
{
	uint64_t address, version;

	return module_find(search, module, exports_symbol, "Py_Version", &address) &&
	       memory_read_u64(search->memory, address, &version) ? (uint32_t)version : 0;
}

/* What the runtime begins with, from 3.13 on, for those who look from outside. */
#define COOKIE "xdebugpy"
#define SCAN_STEP 4096u
/* No program's data with CPython in it are larger. */
#define SCAN_MAX (64u << 20)

/* For a module whose file is not to be had: in the data that it has in memory. */
static bool runtime_scan(struct python_search *search, size_t module, uint64_t *address)
{
	uint64_t left = SCAN_MAX;

	for (size_t i = 0; i < search->maps->nranges; i++) {
		const struct maps_range *range = &search->maps->ranges[i];
		char bytes[SCAN_STEP];

		/* Nor are they shared, and who reads of shared memory may cause it to be there. */
		if (range->module != module || !range->writable || range->shared)
			continue;
		for (uint64_t at = range->start; at < range->end; at += SCAN_STEP) {
			if (left < SCAN_STEP || python_search_is_late(search))
				return false;
			left -= SCAN_STEP;
			if (!memory_read(search->memory, at, bytes, sizeof(bytes)))
				continue;
			for (size_t k = 0; k < sizeof(bytes); k += sizeof(uint64_t))
				if (!memcmp(bytes + k, COOKIE, strlen(COOKIE))) {
					*address = at + k;
					return true;
				}
		}
	}
	return false;
}

static bool runtime_in(struct python_search *search, const struct maps_module *module,
		       uint64_t *address)
{
	if (!unwind_image(search->session, module))
		return runtime_scan(search, (size_t)(module - search->maps->modules), address);
	return module_find(search, module, exports_section, ".PyRuntime", address) ||
	       module_find(search, module, exports_symbol, "_PyRuntime", address);
}

bool python_is_in_use(const struct python_search *search, const struct python_place *place)
{
	uint64_t head;

	return memory_read_u64(search->memory, place->runtime + place->offsets.runtime_interpreters,
			       &head) && head;
}

bool python_find(struct python_search *search, const struct maps_module *module,
		 struct python_place *place, struct strbuf *why)
{
	uint8_t start[TRACEBACK_RUNTIME_MAX];

	if (!runtime_in(search, module, &place->runtime))
		return false;
	place->module = module;
	place->scanned = !unwind_image(search->session, module);
	place->release = place->scanned ? 0 : module_release(search, module);
	if (!memory_read(search->memory, place->runtime, start, sizeof(start))) {
		strbuf_reset(why);
		strbuf_addf(why, "the runtime of CPython in %s is not in memory", module->path);
		return false;
	}
	if (!traceback_offsets_find(&place->offsets, start, sizeof(start), place->release >> 16)) {
		strbuf_reset(why);
		strbuf_addf(why, "the CPython in %s is of no release that is known here (3.12 to "
			    "3.15)", module->path);
		return false;
	}
	return true;
}

bool python_is_named(const struct maps_module *module)
{
	const char *name = strrchr(module->path, '/');

	return name && strstr(name, "python");
}
