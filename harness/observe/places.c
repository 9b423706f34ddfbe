/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/places.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"

struct places {
	struct image_cache *images;
	struct maps maps;
};

void place_name(const struct maps_module *module, struct image *image, uint64_t pc, bool after_call,
		struct crash_frame *frame)
{
	struct image_place place;

	frame->pc = pc;
	if (!module)
		return;
	frame->module_offset = pc - module->start;
	if (module->path[0] == '/')
		frame->module = xstrdup(module->path);
	if (!image)
		return;
	place = image_lookup(image, frame->module_offset + image_base(image), after_call);
	if (place.function) {
		frame->function = xstrdup(place.function);
		frame->offset = place.offset;
		frame->trust = place.trust;
	}
	if (place.file) {
		frame->file = xstrdup(place.file);
		frame->line = place.line;
	}
}

struct places *places_take(struct capture_cache *cache, pid_t pid)
{
	struct places *places = xcalloc(1, sizeof(*places));

	places->images = capture_images(cache);
	if (maps_read(&places->maps, pid) == 0)
		return places;
	places_free(places);
	return NULL;
}

struct places *places_of(struct capture_cache *cache, const struct maps *maps)
{
	struct places *places = xcalloc(1, sizeof(*places));

	places->images = capture_images(cache);
	maps_copy(&places->maps, maps);
	return places;
}

void places_free(struct places *places)
{
	if (!places)
		return;
	maps_release(&places->maps);
	free(places);
}

void places_name(const struct places *places, uint64_t pc, struct crash_frame *frame)
{
	const struct maps_module *module = places ? maps_module_at(&places->maps, pc) : NULL;
	struct image *image = NULL;

	memset(frame, 0, sizeof(*frame));
	if (module && module->path[0] == '/' && !module->deleted)
		image = image_open(places->images, module->path, NULL);
	place_name(module, image, pc, false, frame);
}
