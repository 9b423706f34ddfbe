/* SPDX-License-Identifier: Apache-2.0 */
/* Which of some files is the debug file of a module: by its build-id, by its link, by its name. */
#include <dwarf.h>
#include <elfutils/libdwelf.h>
#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/text.h"
#include "symbols/lookup.h"

/* What a file has to tell, from less to more. */
enum content { CONTENT_NONE, CONTENT_SYMBOLS, CONTENT_LINES };

struct choice {
	const struct lookup *lookup;
	struct image_cache *images;
	struct strbuf *notes;
	/* The best so far. */
	struct image *image;
	const struct store_file *file;
	enum debug_match match;
	enum content content;
	char *id;         /* without a build-id in the report: that of the files so far */
	bool ambiguous;
};

/* A sentence begins: the file, and the module that it was taken for. */
static void note(struct choice *choice, const struct store_file *file, const char *what)
{
	text_add_line(choice->notes, file->path, strlen(file->path));
	strbuf_addstr(choice->notes, what);
}

static void note_end(struct choice *choice)
{
	strbuf_addstr(choice->notes, ": it is not used\n");
}

/* Hexadecimal; NULL: it has none. Allocated. */
static char *build_id_of(struct image *image)
{
	struct strbuf text = STRBUF_INIT;
	const void *bits;
	ssize_t len = dwelf_elf_gnu_build_id(image_elf(image), &bits);
	const unsigned char *id = bits;

	if (len <= 0)
		return NULL;
	for (ssize_t i = 0; i < len; i++)
		strbuf_addf(&text, "%02x", id[i]);
	return strbuf_detach(&text);
}

static bool has_symbols(Elf *elf)
{
	Elf_Scn *scn = NULL;

	while ((scn = elf_nextscn(elf, scn))) {
		GElf_Shdr shdr;

		if (gelf_getshdr(scn, &shdr) && shdr.sh_type == SHT_SYMTAB)
			return true;
	}
	return false;
}

static enum content content_of(struct image *image)
{
	Dwarf *dwarf = image_dwarf(image);
	Dwarf_CU *unit = NULL;

	if (dwarf && dwarf_get_units(dwarf, NULL, &unit, NULL, NULL, NULL, NULL) == 0)
		return CONTENT_LINES;
	return has_symbols(image_elf(image)) ? CONTENT_SYMBOLS : CONTENT_NONE;
}

static void consider(struct choice *choice, struct image *image, const struct store_file *file,
		     enum debug_match match, enum content content)
{
	if (content <= choice->content)
		return;
	choice->image = image;
	choice->file = file;
	choice->match = match;
	choice->content = content;
}

/* The checksum of a debug link: the usual CRC-32 of all the file's bytes. */
static bool checksum(const char *path, uint32_t *sum)
{
	FILE *file = fopen(path, "re");
	unsigned char chunk[65536];
	uint32_t crc = ~0u;
	size_t n;
	bool good;

	if (!file)
		return false;
	while ((n = fread(chunk, 1, sizeof(chunk), file)))
		for (size_t i = 0; i < n; i++) {
			crc ^= chunk[i];
			for (int bit = 0; bit < 8; bit++)
				crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
		}
	good = !ferror(file);
	fclose(file);
	*sum = ~crc;
	return good;
}

/*
 * A stripped module names its debug file, and its checksum. That proves which file is the module's,
 * and not that the module is the report's: without a build-id in the report it is no more than a
 * name.
 */
static void follow_link(struct choice *choice, struct image *module, const struct store_file *from)
{
	GElf_Word wanted = 0;
	const char *base = dwelf_elf_gnu_debuglink(image_elf(module), &wanted);
	struct store_found linked;

	if (!base || strchr(base, '/'))
		return;
	store_find_link(choice->lookup->store, from, base, &linked);
	for (size_t i = 0; i < linked.n; i++) {
		const struct store_file *file = linked.v[i];
		struct image *image = image_open(choice->images, file->path, NULL);
		enum debug_match match = choice->lookup->build_id ? DEBUG_LINK : DEBUG_NAME;
		uint32_t sum;

		if (!image)
			continue;
		if (checksum(file->path, &sum) && sum == wanted) {
			consider(choice, image, file, match, content_of(image));
			continue;
		}
		note(choice, file, " does not have the checksum that the debug link of ");
		text_add_line(choice->notes, from->shown, strlen(from->shown));
		strbuf_addstr(choice->notes, " tells");
		note_end(choice);
	}
}

/* Files that are called as the build-id of a module, which was found by its name alone. */
static void follow_id(struct choice *choice, const char *id)
{
	struct store_found called;

	store_find(choice->lookup->store, choice->lookup->module, id, &called);
	for (size_t i = 0; i < called.n; i++) {
		struct image *image = image_open(choice->images, called.v[i]->path, NULL);
		char *its = image ? build_id_of(image) : NULL;

		if (its && !strcmp(its, id))
			consider(choice, image, called.v[i], DEBUG_NAME, content_of(image));
		free(its);
	}
}

/* Of the build that the report tells? */
static bool is_same_build(struct choice *choice, const struct store_file *file, const char *id)
{
	const char *wanted = choice->lookup->build_id;

	if (id && !strcmp(id, wanted))
		return true;
	note(choice, file, id ? " is of another build of " : " cannot be told to be of this build "
	     "of ");
	strbuf_addf(choice->notes, "%s: its build-id is %s, in the report it is %s",
		    choice->lookup->module, id ? id : "missing", wanted);
	note_end(choice);
	return false;
}

/* Without a build-id in the report, several files may do only if all are of one build. */
static void compare_builds(struct choice *choice, const char *id)
{
	if (choice->id && strcmp(choice->id, id ? id : "") != 0)
		choice->ambiguous = true;
	if (!choice->id)
		choice->id = xstrdup(id ? id : "");
}

static void consider_file(struct choice *choice, const struct store_file *file)
{
	struct image *image = image_open(choice->images, file->path, NULL);
	enum content content;
	char *id;

	if (!image) {
		note(choice, file, " is no ELF file that can be read");
		note_end(choice);
		return;
	}
	id = build_id_of(image);
	if (!choice->lookup->build_id)
		compare_builds(choice, id);
	if (!choice->lookup->build_id || is_same_build(choice, file, id)) {
		content = content_of(image);
		consider(choice, image, file, choice->lookup->build_id ? DEBUG_ID : DEBUG_NAME,
			 content);
		if (content != CONTENT_LINES)
			follow_link(choice, image, file);
		if (content != CONTENT_LINES && id && !choice->lookup->build_id)
			follow_id(choice, id);
	}
	free(id);
}

struct image *lookup_choose(const struct lookup *lookup, struct image_cache *images,
			    const struct store_file **file, enum debug_match *match,
			    struct strbuf *notes)
{
	struct choice choice = { .lookup = lookup, .images = images, .notes = notes };

	for (size_t i = 0; i < lookup->found.n; i++) {
		/* What has its lines is enough, if it cannot be another build. */
		if (lookup->build_id && choice.content == CONTENT_LINES)
			break;
		consider_file(&choice, lookup->found.v[i]);
	}
	free(choice.id);
	if (choice.ambiguous) {
		strbuf_addf(notes, "several files may be those of %s, they are of different "
			    "builds, and the report has no build-id: none of them is used\n",
			    lookup->module);
		return NULL;
	}
	if (!choice.image && lookup->found.n && !notes->len) {
		note(&choice, lookup->found.v[0], " has no debug symbols");
		note_end(&choice);
	}
	*file = choice.file;
	*match = choice.match;
	return choice.image;
}
