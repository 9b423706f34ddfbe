/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The library where there is no memory: of all that it allocates for a text, the first, the second,
 * … and at last none is refused. Each time it must say so, or be done with the same answer, and
 * leave nothing behind but what jansson held while it wrote.
 *
 *	no_memory FILE
 */
#include <forkpoint-triage.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What glibc's own allocator is called besides. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t size);
extern void __libc_free(void *p);

static bool counting;
static unsigned long left; /* until one is refused */
static long live;
static bool refused;

static bool refuses(void)
{
	if (!counting || left--)
		return false;
	refused = true;
	return true;
}

void *malloc(size_t size)
{
	void *p = refuses() ? NULL : __libc_malloc(size);

	live += counting && p;
	return p;
}

void *calloc(size_t n, size_t size)
{
	void *p = refuses() ? NULL : __libc_calloc(n, size);

	live += counting && p;
	return p;
}

void *realloc(void *old, size_t size)
{
	void *p = refuses() ? NULL : __libc_realloc(old, size);

	live += counting && p && !old;
	return p;
}

void free(void *p)
{
	live -= counting && p;
	__libc_free(p);
}

static char input[1 << 20];
static size_t size;

struct answer {
	enum fpt_status status;
	bool wrote; /* it came to its end in jansson, if it failed */
	char *json, *markdown;
};

/* All that a user may ask for. */
static void ask(struct answer *answer)
{
	struct fpt_reports *reports;

	answer->json = answer->markdown = NULL;
	answer->status = fpt_read(input, size, NULL, &reports, NULL);
	if (answer->status == FPT_OK)
		answer->status = fpt_markdown(reports, 0, "T", &answer->markdown);
	answer->wrote = answer->status == FPT_OK;
	if (answer->status == FPT_OK)
		answer->status = fpt_json(reports, 0, &answer->json);
	fpt_free(reports);
}

static bool same(const struct answer *a, const struct answer *b)
{
	return a->status == FPT_OK && !strcmp(a->json, b->json) &&
	       !strcmp(a->markdown, b->markdown);
}

static void answer_release(struct answer *answer)
{
	free(answer->json);
	free(answer->markdown);
}

static int fail(const char *what, unsigned long n)
{
	printf("allocation %lu refused: %s\n", n, what);
	return 1;
}

int main(int argc, char **argv)
{
	FILE *file = fopen(argv[argc - 1], "rb");
	struct answer wanted, answer;
	unsigned long n = 0, told = 0;

	size = file ? fread(input, 1, sizeof(input), file) : 0;
	if (!size || fclose(file))
		return 2;
	ask(&wanted); /* jansson's seed, too */
	if (wanted.status != FPT_OK)
		return fail("it is not done even so", n);
	do {
		left = n;
		live = 0;
		refused = false;
		counting = true;
		ask(&answer);
		told += answer.status == FPT_NO_MEMORY;
		if (answer.status != FPT_NO_MEMORY && !same(&answer, &wanted))
			return counting = false, fail("another answer", n);
		answer_release(&answer);
		counting = false;
		if (live && (answer.status == FPT_OK || !answer.wrote))
			return fail("something is left", n);
		n++;
	} while (refused);
	answer_release(&wanted);
	printf("%lu of %lu\n", told, n - 1);
	return 0;
}
