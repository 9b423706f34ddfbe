/* SPDX-License-Identifier: Apache-2.0 */
#include "base/suggest.h"

#include <ctype.h>
#include <limits.h>
#include <string.h>
#include <strings.h>

#define WORD_MAX 63

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	unsigned int m = a < b ? a : b;

	return m < c ? m : c;
}

static int same(char a, char b)
{
	return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Optimal string alignment: three rows, for a swap looks two rows back. */
unsigned int suggest_distance(const char *a, const char *b)
{
	unsigned int rows[3][WORD_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return UINT_MAX;
	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = (unsigned int)j;
	for (size_t i = 1; i <= la; i++) {
		unsigned int *row = rows[i % 3], *above = rows[(i + 2) % 3];

		row[0] = (unsigned int)i;
		for (size_t j = 1; j <= lb; j++) {
			unsigned int change = above[j - 1] + !same(a[i - 1], b[j - 1]);

			row[j] = min3(above[j] + 1, row[j - 1] + 1, change);
			if (i > 1 && j > 1 && same(a[i - 1], b[j - 2]) &&
			    same(a[i - 2], b[j - 1])) {
				unsigned int swap = rows[(i + 1) % 3][j - 2] + 1;

				row[j] = swap < row[j] ? swap : row[j];
			}
		}
	}
	return rows[la % 3][lb];
}

const char *suggest_word(const char *word, const char *const *words, size_t n)
{
	size_t len = strlen(word);
	unsigned int limit = len / 3 ? (unsigned int)(len / 3) : 1, best = UINT_MAX;
	const char *nearest = NULL;

	if (!len)
		return NULL;
	for (size_t i = 0; i < n; i++) {
		unsigned int distance;

		if (!words[i])
			continue;
		distance = suggest_distance(word, words[i]);
		/* Somebody who typed a beginning stopped early; that is no spelling error. */
		if (len >= 3 && !strncasecmp(word, words[i], len) && distance > limit)
			distance = limit;
		if (distance <= limit && distance < best) {
			best = distance;
			nearest = words[i];
		}
	}
	return nearest;
}

void suggest_append(struct strbuf *sb, const char *prefix, const char *word,
		    const char *const *words, size_t n)
{
	const char *nearest = suggest_word(word, words, n);

	if (nearest)
		strbuf_addf(sb, ": did you mean '%s%s'?", prefix, nearest);
}
