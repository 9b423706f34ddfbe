/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both ends of the pipe: the child writes records, each a letter and what belongs to it; the parent
 * believes nothing of them but that they are bytes.
 *
 *	N text                  a note
 *	U match file            the file that is used, before all answers
 *	A n trust count offset  of the n-th address: `count` functions follow, each name file line
 *
 * Numbers are of 64 bits; a text is its length and its bytes.
 */
#include "symbols/lookup.h"

#include <gelf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/apart.h"
#include "base/errors.h"
#include "base/text.h"
#include "triage/trace.h"

/* Debug files of the largest programs take some gigabytes mapped, and seconds to look into. */
static const struct apart_limits limits = {
	.memory = (uint64_t)8 << 30, .seconds = 20, .output = (size_t)64 << 20,
};

/* The child */

static void put_number(FILE *out, uint64_t number)
{
	fwrite(&number, sizeof(number), 1, out);
}

static void put_text(FILE *out, const char *text)
{
	size_t len = text ? strlen(text) : 0;

	len = len < TRACE_TEXT_MAX ? len : TRACE_TEXT_MAX;
	put_number(out, len);
	if (len)
		fwrite(text, 1, len, out);
}

static void put_answer(FILE *out, size_t n, enum trust trust, uint64_t offset,
		       const struct inline_function *v, size_t count)
{
	fputc('A', out);
	put_number(out, n);
	put_number(out, trust);
	put_number(out, count);
	put_number(out, offset);
	for (size_t i = 0; i < count; i++) {
		put_text(out, v[i].name);
		put_text(out, v[i].file);
		put_number(out, v[i].file ? (uint64_t)v[i].line : 0);
	}
}

#define PAGE 4096u

static uint64_t page_of(uint64_t address)
{
	return address - address % PAGE;
}

struct segments {
	uint64_t first;          /* page of the first one */
	uint64_t code, code_end; /* of those with code, of which there is hardly more than one */
	bool close;              /* code begins on a page, the next one behind what is before it */
	bool fixed;              /* a program that is not moved */
};

static bool next_load(Elf *elf, size_t *i, GElf_Phdr *phdr)
{
	size_t n;

	if (elf_getphdrnum(elf, &n) < 0)
		return false;
	while (*i < n)
		if (gelf_getphdr(elf, (int)(*i)++, phdr) && phdr->p_type == PT_LOAD)
			return true;
	return false;
}

static bool segments_read(Elf *elf, struct segments *segments)
{
	uint64_t end = 0;
	GElf_Ehdr ehdr;
	GElf_Phdr phdr;

	*segments = (struct segments){ .first = 0 };
	if (!gelf_getehdr(elf, &ehdr))
		return false;
	segments->fixed = ehdr.e_type == ET_EXEC;
	for (size_t i = 0; next_load(elf, &i, &phdr); end = phdr.p_vaddr + phdr.p_memsz) {
		uint64_t page = page_of(phdr.p_vaddr);

		if (!end)
			segments->first = page;
		if (!(phdr.p_flags & PF_X))
			continue;
		if (!segments->code_end) {
			segments->code = page;
			segments->close = page == phdr.p_vaddr &&
					  (!end || page == page_of(end + PAGE - 1));
		}
		segments->code_end = phdr.p_vaddr + phdr.p_memsz;
	}
	return segments->code_end != 0;
}

static bool is_code(const struct segments *segments, uint64_t vaddr)
{
	return vaddr >= segments->code && vaddr <= segments->code_end;
}

/*
 * Of an offset in the module's file. Debug files have lost those of their segments; it is the
 * distance in memory, too, where the linker has begun the code on a page of its own and left no
 * gap. Else it cannot be known.
 */
static bool vaddr_in_file(Elf *elf, const struct segments *segments, uint64_t offset,
			  uint64_t *vaddr)
{
	bool is_whole = false;
	GElf_Phdr phdr;

	for (size_t i = 0; next_load(elf, &i, &phdr);) {
		*vaddr = phdr.p_vaddr + (offset - phdr.p_offset);
		if (offset >= phdr.p_offset && offset - phdr.p_offset < phdr.p_filesz &&
		    is_code(segments, *vaddr))
			return true;
		is_whole |= phdr.p_filesz && (phdr.p_flags & PF_X);
	}
	*vaddr = segments->first + offset;
	return !is_whole && segments->close && is_code(segments, *vaddr);
}

/*
 * The file's own address, false: it is none of its code's. What counts from the module's beginning
 * in memory is the file's own at once of programs with a fixed place, and of some tools.
 */
static bool vaddr_of(Elf *elf, const struct lookup_address *address, uint64_t *vaddr)
{
	uint64_t offset = address->offset;
	struct segments segments;

	if (!segments_read(elf, &segments))
		return false;
	if (address->kind == OFFSET_OF_FILE)
		return vaddr_in_file(elf, &segments, offset, vaddr);
	if (address->kind == OFFSET_OF_CODE)
		*vaddr = segments.code + offset;
	else if (segments.fixed && is_code(&segments, offset))
		*vaddr = offset;
	else if (is_code(&segments, segments.first + offset))
		*vaddr = segments.first + offset;
	else
		*vaddr = offset;
	return is_code(&segments, *vaddr);
}

static void answer(FILE *out, struct image *image, const struct lookup *lookup, size_t n)
{
	const struct lookup_address *address = &lookup->addresses[n];
	struct inline_function v[INLINES_MAX + 1];
	struct image_place place;
	uint64_t vaddr;
	size_t count;

	if (!vaddr_of(image_elf(image), address, &vaddr))
		return;
	place = image_lookup(image, vaddr, address->after_call);
	count = inlines_find(image, vaddr, address->after_call, &place, v);
	if (count) {
		put_answer(out, n, TRUST_EXACT, place.trust == TRUST_EXACT ? place.offset : 0, v,
			   count);
		inlines_release(v, count);
	} else if (place.function) {
		/* Its strings are the image's. */
		v[0] = (struct inline_function){
			(char *)(uintptr_t)place.function, (char *)(uintptr_t)place.file,
			place.line,
		};
		put_answer(out, n, place.trust, place.offset, v, 1);
	}
}

/* Debug information names further files, wherever they are, and libdw would open them. */
static void open_no_more(void)
{
	const struct rlimit none = { 0, 0 };

	setrlimit(RLIMIT_NOFILE, &none);
}

static void work(int fd, void *data)
{
	const struct lookup *lookup = data;
	struct image_cache *images = image_cache_new();
	struct strbuf notes = STRBUF_INIT;
	const struct store_file *file;
	enum debug_match match;
	FILE *out = fdopen(fd, "w");
	struct image *image;

	if (!out)
		_Exit(EXIT_HARNESS);
	image = lookup_choose(lookup, images, &file, &match, &notes);
	if (image)
		lookup_add_alternate(lookup, image, file, &notes);
	open_no_more();
	if (notes.len) {
		fputc('N', out);
		put_text(out, notes.buf);
	}
	if (image) {
		fputc('U', out);
		put_number(out, match);
		put_text(out, file->shown);
		for (size_t i = 0; i < lookup->n; i++)
			answer(out, image, lookup, i);
	}
	if (fflush(out))
		_Exit(EXIT_HARNESS);
}

/* The parent */

struct input {
	const char *at, *end;
};

static bool get_number(struct input *input, uint64_t max, uint64_t *number)
{
	if ((size_t)(input->end - input->at) < sizeof(*number))
		return false;
	memcpy(number, input->at, sizeof(*number));
	input->at += sizeof(*number);
	return *number <= max;
}

/* As it is fit for output: each line, of those that shall be several. */
static bool get_text(struct input *input, bool lines, struct strbuf *text)
{
	uint64_t len;
	const char *end;

	if (!get_number(input, TRACE_TEXT_MAX, &len) || (uint64_t)(input->end - input->at) < len)
		return false;
	for (end = input->at + len; input->at < end;) {
		const char *eol = lines ? memchr(input->at, '\n', (size_t)(end - input->at)) : NULL;

		text_add_line(text, input->at, (size_t)((eol ? eol : end) - input->at));
		if (eol)
			strbuf_addch(text, '\n');
		input->at = eol ? eol + 1 : end;
	}
	return true;
}

static bool get_function(struct input *input, struct inline_function *function)
{
	struct strbuf name = STRBUF_INIT, file = STRBUF_INIT;
	uint64_t line = 0;
	bool good = get_text(input, false, &name) && get_text(input, false, &file) &&
		    get_number(input, INT32_MAX, &line);

	function->name = name.len ? strbuf_detach(&name) : NULL;
	function->file = file.len ? strbuf_detach(&file) : NULL;
	function->line = (int)line;
	strbuf_release(&name);
	strbuf_release(&file);
	return good;
}

static bool get_answer(struct input *input, size_t n, struct lookup_result *result)
{
	uint64_t number, trust, count, offset;
	struct lookup_answer *answer;

	if (!result->file || !get_number(input, n - 1, &number) ||
	    !get_number(input, TRUST_EXACT, &trust) ||
	    !get_number(input, INLINES_MAX + 1, &count) ||
	    !get_number(input, UINT64_MAX, &offset))
		return false;
	answer = &result->answers[number];
	if (answer->v || !count || !trust)
		return false;
	answer->v = xcalloc(count, sizeof(*answer->v));
	answer->trust = (enum trust)trust;
	answer->offset = offset;
	for (; answer->n < count; answer->n++)
		if (!get_function(input, &answer->v[answer->n])) {
			answer->n++;
			return false;
		}
	return true;
}

static bool get_used(struct input *input, struct lookup_result *result)
{
	struct strbuf file = STRBUF_INIT;
	uint64_t match;

	if (result->file || !get_number(input, DEBUG_NAME, &match) || match == DEBUG_NONE ||
	    !get_text(input, false, &file)) {
		strbuf_release(&file);
		return false;
	}
	result->match = (enum debug_match)match;
	result->file = strbuf_detach(&file);
	return true;
}

static bool get_all(struct input *input, size_t n, struct lookup_result *result)
{
	bool good = true;

	while (good && input->at < input->end) {
		switch (*input->at++) {
		case 'N':
			good = get_text(input, true, &result->notes);
			break;
		case 'U':
			good = get_used(input, result);
			break;
		case 'A':
			good = get_answer(input, n, result);
			break;
		default:
			good = false;
		}
	}
	return good;
}

static void release_answers(struct lookup_result *result, size_t n)
{
	for (size_t i = 0; result->answers && i < n; i++) {
		inlines_release(result->answers[i].v, result->answers[i].n);
		free(result->answers[i].v);
	}
	free(result->answers);
	free(result->file);
	result->answers = NULL;
	result->file = NULL;
	result->match = DEBUG_NONE;
}

void lookup_run(const struct lookup *lookup, struct lookup_result *result)
{
	struct strbuf said = STRBUF_INIT, why = STRBUF_INIT;
	struct apart_limits with_sandbox = limits;
	struct lookup copy = *lookup;
	struct input input;
	bool good;

	*result = (struct lookup_result){ .notes = STRBUF_INIT };
	result->answers = xcalloc(lookup->n, sizeof(*result->answers));
	with_sandbox.sandbox = SANDBOX_READ | (lookup->store->other_root ? SANDBOX_OTHER_ROOT : 0);
	good = apart_run(work, &copy, &with_sandbox, &said, &why) == 0;
	input = (struct input){ said.buf, said.buf + said.len };
	if (good && !get_all(&input, lookup->n, result)) {
		good = false;
		strbuf_addstr(&why, "wrote what it never does");
	}
	if (!good) {
		release_answers(result, lookup->n);
		strbuf_addf(&result->notes, "the debug symbols of %s (", lookup->module);
		text_add_line(&result->notes, lookup->found.v[0]->path,
			      strlen(lookup->found.v[0]->path));
		strbuf_addf(&result->notes, ") are left out: the process that read them %s\n",
			    why.buf);
	}
	strbuf_release(&said);
	strbuf_release(&why);
}

void lookup_release(struct lookup_result *result, size_t n)
{
	release_answers(result, n);
	strbuf_release(&result->notes);
}
