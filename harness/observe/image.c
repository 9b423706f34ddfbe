/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/image.h"

#include <dwarf.h>
#include <fcntl.h>
#include <gelf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/demangle.h"
#include "observe/symtab.h"

/* Distinct places asked of one file: the frames of its few different crashes. */
#define PLACE_BUCKETS 256u

struct place_entry {
	struct place_entry *next;
	uint64_t vaddr;
	bool after_call;
	struct image_place place;
	char *function; /* owned copies behind place */
	char *file;
};

struct image {
	struct image *next;
	unsigned int id;
	char *path;
	struct stat st;
	void *bytes; /* of an image in memory */
	Elf *elf;
	uint64_t base;
	struct symtab *symtab; /* NULL until asked for */
	bool dwarf_tried;
	Dwarf *dwarf;
	struct place_entry *places[PLACE_BUCKETS];
};

struct image_cache {
	struct image *images;
	unsigned int last_id;
};

struct image_cache *image_cache_new(void)
{
	elf_version(EV_CURRENT);
	return xcalloc(1, sizeof(struct image_cache));
}

static void image_free(struct image *image)
{
	for (size_t i = 0; i < PLACE_BUCKETS; i++) {
		struct place_entry *entry = image->places[i];

		while (entry) {
			struct place_entry *next = entry->next;

			free(entry->function);
			free(entry->file);
			free(entry);
			entry = next;
		}
	}
	symtab_free(image->symtab);
	dwarf_end(image->dwarf);
	elf_end(image->elf);
	free(image->bytes);
	free(image->path);
	free(image);
}

void image_cache_free(struct image_cache *cache)
{
	if (!cache)
		return;
	while (cache->images) {
		struct image *next = cache->images->next;

		image_free(cache->images);
		cache->images = next;
	}
	free(cache);
}

/* Where the first loaded segment would stand if the file's first byte were at the start of it. */
static bool elf_base(Elf *elf, uint64_t *base)
{
	size_t n;

	if (elf_kind(elf) != ELF_K_ELF || elf_getphdrnum(elf, &n) < 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		GElf_Phdr phdr;

		if (gelf_getphdr(elf, (int)i, &phdr) && phdr.p_type == PT_LOAD) {
			*base = phdr.p_vaddr - phdr.p_offset;
			return true;
		}
	}
	return false;
}

static struct image *image_add(struct image_cache *cache, const char *path, Elf *elf)
{
	struct image *image;
	uint64_t base;

	if (!elf || !elf_base(elf, &base)) {
		elf_end(elf);
		return NULL;
	}
	image = xcalloc(1, sizeof(*image));
	image->id = ++cache->last_id;
	image->path = xstrdup(path);
	image->elf = elf;
	image->base = base;
	image->next = cache->images;
	cache->images = image;
	return image;
}

/* The file is mapped, so no descriptor stays open for the life of the cache. */
static Elf *elf_open(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Elf *elf;

	if (fd < 0)
		return NULL;
	elf = elf_begin(fd, ELF_C_READ_MMAP, NULL);
	if (elf && elf_cntl(elf, ELF_C_FDREAD) < 0) {
		elf_end(elf);
		elf = NULL;
	}
	close(fd);
	return elf;
}

static bool same_file(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
	       a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

struct image *image_open(struct image_cache *cache, const char *path, const char *open_path)
{
	struct image *image;
	struct stat st;

	if (!open_path)
		open_path = path;
	if (stat(open_path, &st) < 0 || !S_ISREG(st.st_mode))
		return NULL;
	for (image = cache->images; image; image = image->next)
		if (!image->bytes && same_file(&image->st, &st) && !strcmp(image->path, path))
			return image;
	image = image_add(cache, path, elf_open(open_path));
	if (image)
		image->st = st;
	return image;
}

struct image *image_open_memory(struct image_cache *cache, const char *name, const void *bytes,
				size_t size)
{
	struct image *image;
	void *copy;

	for (image = cache->images; image; image = image->next)
		if (image->bytes && (size_t)image->st.st_size == size &&
		    !strcmp(image->path, name) && !memcmp(image->bytes, bytes, size))
			return image;
	copy = xmalloc(size);
	memcpy(copy, bytes, size);
	image = image_add(cache, name, elf_memory(copy, size));
	if (!image) {
		free(copy);
		return NULL;
	}
	image->bytes = copy;
	image->st.st_size = (off_t)size;
	return image;
}

Elf *image_elf(const struct image *image)
{
	return image->elf;
}

unsigned int image_id(const struct image *image)
{
	return image->id;
}

uint64_t image_base(const struct image *image)
{
	return image->base;
}

/*
 * The unit of an address. Some compilers leave out .debug_aranges, so what that index does not
 * know is searched for in the units' own ranges.
 */
static bool dwarf_unit_at(Dwarf *dwarf, uint64_t vaddr, Dwarf_Die *unit)
{
	Dwarf_CU *cu = NULL;
	uint8_t type;

	if (dwarf_addrdie(dwarf, vaddr, unit))
		return true;
	while (dwarf_get_units(dwarf, cu, &cu, NULL, &type, unit, NULL) == 0)
		if (type == DW_UT_compile && dwarf_haspc(unit, vaddr) == 1)
			return true;
	return false;
}

Dwarf *image_dwarf(struct image *image)
{
	if (!image->dwarf_tried) {
		image->dwarf_tried = true;
		image->dwarf = dwarf_begin_elf(image->elf, DWARF_C_READ, NULL);
	}
	return image->dwarf;
}

bool image_unit(struct image *image, uint64_t vaddr, Dwarf_Die *unit)
{
	return image_dwarf(image) && dwarf_unit_at(image->dwarf, vaddr, unit);
}

static void image_find_line(struct image *image, uint64_t vaddr, struct place_entry *entry)
{
	Dwarf_Line *line;
	Dwarf_Die unit;
	const char *file;
	int number;

	if (!image_unit(image, vaddr, &unit))
		return;
	line = dwarf_getsrc_die(&unit, vaddr);
	if (!line || dwarf_lineno(line, &number) < 0 || number <= 0)
		return;
	file = dwarf_linesrc(line, NULL, NULL);
	if (!file)
		return;
	entry->file = xstrdup(file);
	entry->place.file = entry->file;
	entry->place.line = number;
}

static void image_find_symbol(struct image *image, uint64_t vaddr, struct place_entry *entry)
{
	struct symbol symbol;
	char *plain;

	if (!image->symtab)
		image->symtab = symtab_load(image->elf, image->bytes ? NULL : image->path);
	if (!symtab_find(image->symtab, vaddr, &symbol))
		return;
	/* Static symbol tables write versions into the name: fork@@GLIBC_2.2.5. */
	plain = xstrdup(symbol.name);
	plain[strcspn(plain, "@")] = '\0';
	entry->function = demangle(plain);
	free(plain);
	entry->place.function = entry->function;
	entry->place.offset = entry->vaddr - symbol.value;
	entry->place.trust = symbol.exact ? TRUST_EXACT : TRUST_NEAR;
}

struct image_place image_lookup(struct image *image, uint64_t vaddr, bool after_call)
{
	struct place_entry **bucket = &image->places[(vaddr ^ vaddr >> 8) % PLACE_BUCKETS];
	uint64_t at = after_call ? vaddr - 1 : vaddr;
	struct place_entry *entry;

	for (entry = *bucket; entry; entry = entry->next)
		if (entry->vaddr == vaddr && entry->after_call == after_call)
			return entry->place;
	entry = xcalloc(1, sizeof(*entry));
	entry->vaddr = vaddr;
	entry->after_call = after_call;
	image_find_symbol(image, at, entry);
	image_find_line(image, at, entry);
	entry->next = *bucket;
	*bucket = entry;
	return entry->place;
}
