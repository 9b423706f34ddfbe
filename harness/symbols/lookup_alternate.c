/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What dwz has taken out of several debug files, because all have it, is in one more: the alternate
 * file. Names of functions are there as well.
 */
#include <elfutils/libdwelf.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "symbols/lookup.h"

/* NULL: it cannot be read, or is another one than that. It is never closed. */
static Dwarf *open_alternate(const char *path, const void *id, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const void *its;
	struct stat st;
	Dwarf *dwarf;

	if (fd < 0)
		return NULL;
	dwarf = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) ? dwarf_begin(fd, DWARF_C_READ) : NULL;
	if (dwarf && dwelf_elf_gnu_build_id(dwarf_getelf(dwarf), &its) == (ssize_t)len &&
	    !memcmp(its, id, len))
		return dwarf;
	dwarf_end(dwarf);
	close(fd);
	return NULL;
}

void lookup_add_alternate(const struct lookup *lookup, struct image *image,
			  const struct store_file *from, struct strbuf *notes)
{
	Dwarf *dwarf = image_dwarf(image), *alternate = NULL;
	struct store_found found;
	const char *name, *base;
	const void *id;
	ssize_t len = dwarf ? dwelf_dwarf_gnu_debugaltlink(dwarf, &name, &id) : 0;

	if (len <= 0)
		return;
	base = strrchr(name, '/') ? strrchr(name, '/') + 1 : name;
	store_find_link(lookup->store, from, base, &found);
	for (size_t i = 0; i < found.n && !alternate; i++)
		alternate = open_alternate(found.v[i]->path, id, (size_t)len);
	if (alternate) {
		dwarf_setalt(dwarf, alternate);
		return;
	}
	text_add_line(notes, from->path, strlen(from->path));
	strbuf_addstr(notes, " needs a further file for all its names, which is not there: ");
	text_add_line(notes, base, strlen(base));
	strbuf_addch(notes, '\n');
}
