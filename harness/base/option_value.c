/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers and times as a user types them. */
#include "base/options.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

static const struct {
	const char *name;
	uint64_t ns;
} units[] = {
	{ "ns", 1 },
	{ "us", 1000 },
	{ "ms", 1000 * 1000 },
	{ "s", 1000ull * 1000 * 1000 },
	{ "m", 60ull * 1000 * 1000 * 1000 },
	{ "h", 3600ull * 1000 * 1000 * 1000 },
};

/* Digits from *text on, which is moved behind them. -1: they are too many for 64 bits. */
static int read_digits(const char **text, unsigned int base, uint64_t *value)
{
	int result = 0;

	*value = 0;
	for (; isxdigit((unsigned char)**text); (*text)++) {
		int c = tolower((unsigned char)**text);
		unsigned int digit = (unsigned int)(c <= '9' ? c - '0' : c - 'a' + 10);

		if (digit >= base)
			break;
		if (__builtin_mul_overflow(*value, (uint64_t)base, value) ||
		    __builtin_add_overflow(*value, (uint64_t)digit, value))
			result = -1;
	}
	return result;
}

int option_parse_unsigned(const char *text, uint64_t min, uint64_t max, uint64_t *value,
			  struct strbuf *err)
{
	bool hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
	const char *digits = text + (hex ? 2 : 0), *end = digits;
	uint64_t number;
	int fits = read_digits(&end, hex ? 16 : 10, &number);

	if (!*text) {
		strbuf_addstr(err, "the number is missing: write digits, or 0x and hexadecimal "
			      "digits");
		return -1;
	}
	if (end == digits || *end) {
		strbuf_addf(err, "'%s' is not a whole number: write digits, or 0x and hexadecimal "
			    "digits", text);
		return -1;
	}
	if (fits < 0) {
		strbuf_addf(err, "'%s' is too large: the largest number is %" PRIu64, text,
			    max ? max : UINT64_MAX);
		return -1;
	}
	if (number < min) {
		strbuf_addf(err, "'%s' is too small: the least is %" PRIu64, text, min);
		return -1;
	}
	if (max && number > max) {
		strbuf_addf(err, "'%s' is too large: the largest number is %" PRIu64, text, max);
		return -1;
	}
	*value = number;
	return 0;
}

static const char *time_text(uint64_t ns, char *out, size_t size)
{
	size_t i = sizeof(units) / sizeof(units[0]) - 1;

	while (i && ns % units[i].ns)
		i--;
	snprintf(out, size, "%" PRIu64 "%s", ns / units[i].ns, units[i].name);
	return out;
}

/* The part behind the decimal point, in units of `unit` nanoseconds; false: not representable. */
static bool read_fraction(const char *digits, size_t n, uint64_t unit, uint64_t *ns)
{
	*ns = 0;
	for (size_t i = 0; i < n; i++) {
		/* Nothing is left to divide: only zeros may follow. */
		if (unit % 10)
			return strspn(digits + i, "0") >= n - i;
		unit /= 10;
		*ns += unit * (uint64_t)(digits[i] - '0');
	}
	return true;
}

int option_parse_seconds(const char *text, uint64_t min, uint64_t max, uint64_t *ns,
			 struct strbuf *err)
{
	const char *end = text, *fraction = NULL;
	uint64_t whole, part = 0, unit = 0;
	size_t whole_digits, part_digits = 0;
	bool fits = read_digits(&end, 10, &whole) == 0;
	char limit[32];

	if (!*text) {
		strbuf_addstr(err, "the time is missing: write it like 1.5s, 200ms or 2m");
		return -1;
	}
	whole_digits = (size_t)(end - text);
	if (*end == '.') {
		fraction = ++end;
		part_digits = strspn(fraction, "0123456789");
		end += part_digits;
	}
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(end, units[i].name))
			unit = units[i].ns;
	if (!whole_digits || (fraction && !part_digits) || (*end && !unit)) {
		strbuf_addf(err, "'%s' is not a time: write it like 1.5s, 200ms or 2m", text);
		return -1;
	}
	if (!unit) {
		strbuf_addf(err, "'%s' has no unit: write it like 1.5s, 200ms or 2m", text);
		return -1;
	}
	if (fraction && !read_fraction(fraction, part_digits, unit, &part)) {
		strbuf_addf(err, "'%s' is finer than a nanosecond: use fewer digits", text);
		return -1;
	}
	if (!fits || __builtin_mul_overflow(whole, unit, &whole) ||
	    __builtin_add_overflow(whole, part, &whole) || (max && whole > max)) {
		strbuf_addf(err, "'%s' is too long: the longest is %s", text,
			    time_text(max ? max : UINT64_MAX / units[5].ns * units[5].ns, limit,
				      sizeof(limit)));
		return -1;
	}
	if (whole < min) {
		strbuf_addf(err, "'%s' is too short: the least is %s", text,
			    time_text(min, limit, sizeof(limit)));
		return -1;
	}
	*ns = whole;
	return 0;
}
