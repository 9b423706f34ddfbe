/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/inlines.h"

#include <dwarf.h>
#include <stdlib.h>
#include <string.h>

#include "base/demangle.h"
#include "base/errors.h"
#include "base/strbuf.h"

static const char *die_text(Dwarf_Die *die, unsigned int attribute)
{
	Dwarf_Attribute found;
	const char *text = dwarf_formstring(dwarf_attr_integrate(die, attribute, &found));

	return text && *text ? text : NULL;
}

/* Of functions that other files can call, in C++ and Rust: it says all, but is to be demangled. */
static const char *linkage_name(Dwarf_Die *die)
{
	const char *name = die_text(die, DW_AT_linkage_name);

	return name ? name : die_text(die, DW_AT_MIPS_linkage_name);
}

/* The DIE that stands where the function was written down, in its namespaces and classes. */
static Dwarf_Die declaration_of(Dwarf_Die *die)
{
	static const unsigned int attributes[] = { DW_AT_abstract_origin, DW_AT_specification };
	Dwarf_Die at = *die, next;

	for (size_t i = 0; i < sizeof(attributes) / sizeof(*attributes); i++) {
		Dwarf_Attribute found;

		if (dwarf_formref_die(dwarf_attr(&at, attributes[i], &found), &next))
			at = next;
	}
	return at;
}

/* Namespaces and classes around a function, as far as they are namespaces and classes. */
static void add_scopes(struct strbuf *name, Dwarf_Die *die)
{
	Dwarf_Die declaration = declaration_of(die), *scopes = NULL;
	int n = dwarf_getscopes_die(&declaration, &scopes), end = 1;

	for (; end < n; end++) {
		int tag = dwarf_tag(&scopes[end]);

		if (tag != DW_TAG_namespace && tag != DW_TAG_class_type &&
		    tag != DW_TAG_structure_type && tag != DW_TAG_union_type)
			break;
	}
	while (end-- > 1) {
		const char *scope = dwarf_diename(&scopes[end]);

		strbuf_addf(name, "%s::", scope ? scope : "(anonymous namespace)");
	}
	free(scopes);
}

/* NULL: it has none, or one that is in a file which is not there. */
static char *die_name(Dwarf_Die *die)
{
	const char *linkage = linkage_name(die), *plain = die_text(die, DW_AT_name);
	struct strbuf name = STRBUF_INIT;

	if (linkage)
		return demangle(linkage);
	if (!plain)
		return NULL;
	add_scopes(&name, die);
	strbuf_addstr(&name, plain);
	return strbuf_detach(&name);
}

/* What no other file can call has a linker's name, too, which may tell of a part or a clone. */
static void name_by_symbol(struct inline_function *function, Dwarf_Die *die,
			   const struct image_place *place)
{
	if (linkage_name(die) || place->trust != TRUST_EXACT)
		return;
	free(function->name);
	function->name = xstrdup(place->function);
}

static void set_file(struct inline_function *function, const char *file, int line)
{
	if (!file || line <= 0)
		return;
	function->file = xstrdup(file);
	function->line = line;
}

/* Where it was called, had it not been put there: a line of the function around it. */
static void set_call(struct inline_function *around, Dwarf_Die *unit, Dwarf_Die *inlined)
{
	Dwarf_Attribute attribute;
	Dwarf_Word file, line;
	Dwarf_Files *files;
	size_t n;

	if (dwarf_formudata(dwarf_attr(inlined, DW_AT_call_file, &attribute), &file) < 0 ||
	    dwarf_formudata(dwarf_attr(inlined, DW_AT_call_line, &attribute), &line) < 0 ||
	    dwarf_getsrcfiles(unit, &files, &n) < 0 || file >= n || line > INT32_MAX)
		return;
	set_file(around, dwarf_filesrc(files, file, NULL, NULL), (int)line);
}

static void set_line(struct inline_function *innermost, Dwarf_Die *unit, uint64_t vaddr)
{
	Dwarf_Line *line = dwarf_getsrc_die(unit, vaddr);
	int number;

	if (line && dwarf_lineno(line, &number) == 0)
		set_file(innermost, dwarf_linesrc(line, NULL, NULL), number);
}

/*
 * The scopes of an address go from an inlined function on to where that was written down; those of
 * the innermost DIE itself go on to where it was put.
 */
static int concrete_scopes(Dwarf_Die *unit, uint64_t vaddr, Dwarf_Die **scopes)
{
	Dwarf_Die *at = NULL, innermost;
	int n = dwarf_getscopes(unit, vaddr, &at);

	if (n <= 0)
		return 0;
	innermost = at[0];
	free(at);
	n = dwarf_getscopes_die(&innermost, scopes);
	return n > 0 ? n : 0;
}

size_t inlines_find(struct image *image, uint64_t vaddr, bool after_call,
		    const struct image_place *place, struct inline_function *v)
{
	uint64_t at = after_call ? vaddr - 1 : vaddr;
	Dwarf_Die unit, *scopes = NULL;
	int nscopes = image_unit(image, at, &unit) ? concrete_scopes(&unit, at, &scopes) : 0;
	Dwarf_Die *inlined = NULL;
	bool ended = false;
	size_t n = 0;

	for (int i = 0; i < nscopes && !ended; i++) {
		int tag = dwarf_tag(&scopes[i]);

		ended = tag == DW_TAG_subprogram || tag == DW_TAG_entry_point;
		if (!ended && (tag != DW_TAG_inlined_subroutine || n == INLINES_MAX))
			continue;
		v[n] = (struct inline_function){ .name = die_name(&scopes[i]) };
		if (inlined)
			set_call(&v[n], &unit, inlined);
		else
			set_line(&v[n], &unit, at);
		if (ended)
			name_by_symbol(&v[n], &scopes[i], place);
		inlined = &scopes[i];
		n++;
	}
	free(scopes);
	if (ended)
		return n;
	/* Inlined into nothing: that is no description of a program. */
	inlines_release(v, n);
	return 0;
}

void inlines_release(struct inline_function *v, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		free(v[i].name);
		free(v[i].file);
	}
}
