/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/maps.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/strbuf.h"
#include "embed/subject.h"

/* A process can have 65530 mappings (vm.max_map_count), some 100 bytes each. */
#define MAPS_MAX (8u << 20)

#define DELETED " (deleted)"

struct line {
	uint64_t start, end, offset;
	char perms[5];
	char *path;
	bool deleted;
};

/* Behind the number, and behind the one character that is to end it; NULL: it is none. */
static char *number_parse(char *text, char end, uint64_t *number)
{
	char *p;

	*number = strtoull(text, &p, 16);
	return p > text && *p == end ? p + 1 : NULL;
}

/* Takes the line apart in place; by hand, for sscanf() takes as long as the kernel with it. */
static bool line_parse(char *text, struct line *line)
{
	char *p = number_parse(text, '-', &line->start);
	size_t len;

	p = p ? number_parse(p, ' ', &line->end) : NULL;
	if (!p || strcspn(p, " ") != sizeof(line->perms) - 1)
		return false;
	memcpy(line->perms, p, sizeof(line->perms) - 1);
	line->perms[sizeof(line->perms) - 1] = '\0';
	p = number_parse(p + sizeof(line->perms), ' ', &line->offset);
	/* Device and inode. */
	for (int i = 0; p && i < 2; i++) {
		p += strcspn(p, " ");
		p += strspn(p, " ");
	}
	if (!p)
		return false;
	line->path = p;
	len = strlen(line->path);
	line->deleted = len > strlen(DELETED) &&
			!strcmp(line->path + len - strlen(DELETED), DELETED);
	if (line->deleted)
		line->path[len - strlen(DELETED)] = '\0';
	return true;
}

/*
 * Do the line's pages continue the module? The same file mapped a second time, from its beginning,
 * is a module of its own (dlmopen).
 */
static bool module_continues(const struct maps_module *module, const struct line *line)
{
	return !strcmp(module->path, line->path) && module->deleted == line->deleted &&
	       (line->offset != 0 || line->start == module->end);
}

static void module_add(struct maps *maps, const struct line *line)
{
	struct maps_module *module;

	if (maps->nmodules && module_continues(&maps->modules[maps->nmodules - 1], line)) {
		maps->modules[maps->nmodules - 1].end = line->end;
		return;
	}
	module = &maps->modules[maps->nmodules++];
	module->start = line->start - line->offset;
	module->end = line->end;
	module->path = line->path;
	module->deleted = line->deleted;
	module->map_start = line->start;
	module->map_end = line->end;
}

/* Files without a page of code are data: locale archives, caches. */
static void modules_drop_data(struct maps *maps)
{
	size_t n = 0, *now = xmalloc((maps->nmodules + 1) * sizeof(*now));

	for (size_t i = 0; i < maps->nmodules; i++)
		now[i] = SIZE_MAX;
	for (size_t k = 0; k < maps->nranges; k++)
		if (maps->ranges[k].executable && maps->ranges[k].module != SIZE_MAX)
			now[maps->ranges[k].module] = 0;
	for (size_t i = 0; i < maps->nmodules; i++) {
		if (now[i] == SIZE_MAX)
			continue;
		now[i] = n;
		maps->modules[n++] = maps->modules[i];
	}
	for (size_t k = 0; k < maps->nranges; k++)
		if (maps->ranges[k].module != SIZE_MAX)
			maps->ranges[k].module = now[maps->ranges[k].module];
	maps->nmodules = n;
	free(now);
}

static size_t lines_count(const char *text)
{
	size_t n = 0;

	for (; (text = strchr(text, '\n')); text++)
		n++;
	return n;
}

static void maps_parse(struct maps *maps)
{
	size_t lines = lines_count(maps->text);
	char *save = NULL;

	maps->names = xstrdup(maps->text);
	maps->modules = xcalloc(lines + 1, sizeof(*maps->modules));
	maps->ranges = xcalloc(lines + 1, sizeof(*maps->ranges));
	for (char *p = strtok_r(maps->names, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
		struct maps_range *range = &maps->ranges[maps->nranges];
		struct line line;

		if (!line_parse(p, &line))
			continue;
		range->start = line.start;
		range->end = line.end;
		range->executable = line.perms[2] == 'x';
		range->readable = line.perms[0] == 'r';
		range->writable = line.perms[1] == 'w';
		range->shared = line.perms[3] == 's';
		range->path = line.path;
		range->file = line.path[0] == '/';
		range->control = !strcmp(line.path, "/memfd:" CONTROL_MEMORY_NAME);
		range->module = SIZE_MAX;
		if (line.path[0] == '/' || !strcmp(line.path, "[vdso]")) {
			module_add(maps, &line);
			range->module = maps->nmodules - 1;
		}
		maps->nranges++;
	}
	modules_drop_data(maps);
}

int maps_read(struct maps *maps, pid_t pid)
{
	struct strbuf text = STRBUF_INIT;
	char path[48];
	int ret;

	memset(maps, 0, sizeof(*maps));
	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	ret = strbuf_read_file(&text, path, MAPS_MAX);
	/* A process on its way out has no address space: the file opens and is empty. */
	if (!ret && !text.len) {
		errno = ESRCH;
		ret = -1;
	}
	if (ret < 0) {
		strbuf_release(&text);
		return -1;
	}
	maps_of_text(maps, strbuf_detach(&text));
	return 0;
}

void maps_of_text(struct maps *maps, char *text)
{
	memset(maps, 0, sizeof(*maps));
	maps->text = text;
	maps_parse(maps);
}

void maps_copy(struct maps *maps, const struct maps *from)
{
	maps_of_text(maps, xstrdup(from->text));
}

void maps_release(struct maps *maps)
{
	free(maps->text);
	free(maps->names);
	free(maps->modules);
	free(maps->ranges);
	memset(maps, 0, sizeof(*maps));
}

static const struct maps_range *maps_range_at(const struct maps *maps, uint64_t address)
{
	size_t low = 0, high = maps->nranges;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (address < maps->ranges[middle].start)
			high = middle;
		else if (address >= maps->ranges[middle].end)
			low = middle + 1;
		else
			return &maps->ranges[middle];
	}
	return NULL;
}

const struct maps_module *maps_module_at(const struct maps *maps, uint64_t address)
{
	const struct maps_range *range = maps_range_at(maps, address);

	return range && range->module != SIZE_MAX ? &maps->modules[range->module] : NULL;
}

bool maps_is_code(const struct maps *maps, uint64_t address)
{
	const struct maps_range *range = maps_range_at(maps, address);

	return range && range->executable;
}

bool maps_is_readable(const struct maps *maps, uint64_t address)
{
	const struct maps_range *range = maps_range_at(maps, address);

	return range && range->readable;
}

bool maps_is_writable(const struct maps *maps, uint64_t address)
{
	const struct maps_range *range = maps_range_at(maps, address);

	return range && range->writable;
}
