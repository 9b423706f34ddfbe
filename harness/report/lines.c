/* SPDX-License-Identifier: Apache-2.0 */
#include "report/lines.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/text.h"

void lines_add_wrapped(struct strbuf *sb, const char *text, size_t width)
{
	size_t used = 2;
	bool first = true;

	strbuf_addstr(sb, "# ");
	while (*text) {
		size_t len = strcspn(text, " ");
		char *word = xstrfmt("%.*s", (int)len, text);

		if (!first && used + 1 + text_width(word) > width) {
			strbuf_addstr(sb, "\n#   ");
			used = 4;
			first = true;
		}
		strbuf_addf(sb, "%s%s", first ? "" : " ", word);
		used += text_width(word) + !first;
		first = false;
		free(word);
		text += len + strspn(text + len, " ");
	}
	strbuf_addch(sb, '\n');
}

void lines_add_item(struct strbuf *sb, struct strbuf *line, size_t width, const char *item)
{
	if (line->len && text_width(line->buf) + 3 + text_width(item) > width) {
		strbuf_addf(sb, "%s\n", line->buf);
		strbuf_reset(line);
	}
	strbuf_addf(line, "%s%s", line->len ? " · " : "# ", item);
}
