/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the fuzz targets share. A target is a program with LLVMFuzzerTestOneInput(): with clang's
 * -fsanitize=fuzzer it is libFuzzer's; with any compiler it is linked with main.c, which takes the
 * same arguments and mutates a corpus by chance that a number decides. What is wrong ends the
 * process by abort().
 */
#ifndef FORKPOINT_TESTS_FUZZ_FUZZ_H
#define FORKPOINT_TESTS_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
/* A target may have none. */
__attribute__((weak)) int LLVMFuzzerInitialize(int *argc, char ***argv);

#define FUZZ_CHECK(condition)                                                                     \
	do {                                                                                      \
		if (!(condition)) {                                                               \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);           \
			abort();                                                                  \
		}                                                                                 \
	} while (0)

/* Valid UTF-8 that cannot steer a terminal; `lines`: it may have several. */
static inline bool fuzz_is_clean(const char *text, bool lines)
{
	uint32_t character;

	for (size_t len; text && *text; text += len) {
		len = text_decode(text, strlen(text), &character);
		if (character == TEXT_INVALID && len == 1)
			return false;
		if (!text_is_printable(character) && !(lines && character == '\n'))
			return false;
	}
	return true;
}

#endif
