/* SPDX-License-Identifier: Apache-2.0 */
/* "did you mean": the known word that a mistyped one is nearest to. Pure. */
#ifndef FORKPOINT_BASE_SUGGEST_H
#define FORKPOINT_BASE_SUGGEST_H

#include <stddef.h>

#include "base/strbuf.h"

/*
 * Edits (a letter added, left out, changed, or two neighbours swapped) between two words, case
 * ignored. Words longer than 63 bytes are as far apart as can be.
 */
unsigned int suggest_distance(const char *a, const char *b);

/*
 * The nearest of n words (NULLs among them are passed over), or NULL when none is near enough to
 * be what was meant: a third of the word's length, at least one edit, or a beginning of it.
 */
const char *suggest_word(const char *word, const char *const *words, size_t n);

/* Appends ": did you mean 'NEAREST'?", or nothing. */
void suggest_append(struct strbuf *sb, const char *prefix, const char *word,
		    const char *const *words, size_t n);

#endif
