/* SPDX-License-Identifier: Apache-2.0 */
#include "report/part.h"

#include <stdlib.h>
#include <string.h>

#include "base/text.h"

int part_refuse(const struct part *part, const char *key, const json_t *value, const char *fault)
{
	char *text = json_dumps(value ? value : json_null(),
				JSON_COMPACT | JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
	struct strbuf shown = STRBUF_INIT, name = STRBUF_INIT;

	text_add_line(&shown, text ? text : "?", text ? strlen(text) : 1);
	text_cut(&shown, PART_VALUE_WIDTH);
	text_add_line(&name, key, strlen(key));
	text_cut(&name, PART_VALUE_WIDTH);
	strbuf_addf(part->why, "'%s%s' is %s, %s", part->name, name.buf, shown.buf, fault);
	strbuf_release(&shown);
	strbuf_release(&name);
	free(text);
	return -1;
}

const json_t *part_member(const struct part *part, const char *key)
{
	const json_t *value = json_object_get(part->object, key);

	return json_is_null(value) ? NULL : value;
}

int part_read_count(const struct part *part, const char *key, json_int_t *n)
{
	const json_t *value = part_member(part, key);

	*n = json_is_integer(value) ? json_integer_value(value) : -1;
	if (value && (*n < 0 || *n > PART_COUNT_MAX))
		return part_refuse(part, key, value, "which is no count");
	return 0;
}
