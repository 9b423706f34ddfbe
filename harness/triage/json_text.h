/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON that stands somewhere in a text: one value, or what is left of it. What is cut off is closed
 * where it ends, and what no parser would take (bytes that are no UTF-8, half a surrogate pair, a
 * number that no type holds) is replaced, so that the rest can be had. Pure; time is linear.
 *
 * Limits: nothing is read beyond JSON_TEXT_MAX bytes of one value, and nothing nested deeper than
 * JSON_TEXT_DEPTH, for a parsed value takes many times the memory of its text.
 */
#ifndef FORKPOINT_TRIAGE_JSON_TEXT_H
#define FORKPOINT_TRIAGE_JSON_TEXT_H

#include <jansson.h>

#include "triage/lines.h"

#define JSON_TEXT_MAX ((size_t)8 << 20)
#define JSON_TEXT_DEPTH 2000

/*
 * Does an object begin in the current line, one with a member at least, or an array of such?
 * `text`: from there to the end of all; `key`: the name of the first member.
 */
bool json_text_begins(const struct lines *lines, struct piece *text, struct piece *key);
/*
 * The value with which the text begins; NULL: there is none. `behind`: where its text ends, always
 * behind its beginning. `mended`: it is not what the text says, something was cut off or replaced.
 */
json_t *json_text_read(struct piece text, const char **behind, bool *mended);

/* What a value says; nothing (no bytes, false, 0) if it is of another type or not there. */
struct piece json_piece(const json_t *value);
/* A number, or a string with one: hexadecimal after 0x. */
bool json_number(const json_t *value, uint64_t *number);
int json_int(const json_t *value);
/* Text of any bytes, as JSON takes it: what is no UTF-8 is replaced. NULL: null. */
json_t *json_of_text(const char *text);
/* Both take `value` over. It is NULL, or cannot be put, where there is no memory: no_memory(). */
void json_put(json_t *object, const char *key, json_t *value);
void json_append(json_t *list, json_t *value);
/* Of an object: a member that is an object, array or string and has something in it. */
bool json_has(const json_t *object, const char *key);

#endif
