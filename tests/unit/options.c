/* SPDX-License-Identifier: Apache-2.0 */
/* Options: values are taken strictly, errors are one clear sentence with a remedy. */
#include "base/options.h"

#include "base/suggest.h"
#include "tap.h"

static const char *const kinds[] = { "step", "starve", "storm", NULL };

static struct {
	bool keep, keep_given, kind_given;
	const char *out;
	struct option_strings pythons;
	uint64_t trials, budget;
	unsigned int kind;
	int shard;
} opt;

static int parse_shard(const char *text, void *value, struct strbuf *err)
{
	if (!strcmp(text, "1/2")) {
		*(int *)value = 12;
		return 0;
	}
	strbuf_addf(err, "'%s' is no shard", text);
	return -1;
}

static const struct option_spec options[] = {
	OPT_FLAG("keep", 'k', &opt.keep, "keep it", .given = &opt.keep_given),
	OPT_STRING("out", 'o', &opt.out, "DIR", "where to"),
	OPT_STRINGS("python", 'p', &opt.pythons, "SPEC", "which"),
	OPT_UNSIGNED("trials", 'n', &opt.trials, "N", "how many", .min = 1, .max = 1000000),
	OPT_SECONDS("budget", 0, &opt.budget, "TIME", "how long", .fallback = "10s"),
	OPT_CHOICE("explore", 0, &opt.kind, "HOW", "how", kinds, .given = &opt.kind_given),
	OPT_CUSTOM("shard", 0, &opt.shard, "K/N", "a part", parse_shard),
	OPT_END,
};

static const struct command command = {
	.name = "demo", .synopsis = "[THING…]", .summary = "s", .options = options,
	.operands_max = 2,
};

#define ARGS_MAX 16

/* Parses words separated by blanks; operands are left in `operands`. */
static enum options_result parse(const char *line, struct strbuf *err, struct strbuf *operands)
{
	static char copy[512];
	char *args[ARGS_MAX] = { (char *)"demo" }, **argv = args;
	int argc = 1;
	enum options_result result;

	option_strings_release(&opt.pythons);
	memset(&opt, 0, sizeof(opt));
	strbuf_reset(err);
	strbuf_reset(operands);
	snprintf(copy, sizeof(copy), "%s", line);
	for (char *word = strtok(copy, " "); word; word = strtok(NULL, " "))
		args[argc++] = strcmp(word, "EMPTY") ? word : (char *)"";
	result = options_parse(&command, &argc, &argv, err);
	if (result == OPTIONS_RUN)
		for (int i = 0; i < argc; i++)
			strbuf_addf(operands, "%s%s", i ? " " : "", argv[i]);
	return result;
}

static void check_good(struct strbuf *err, struct strbuf *operands)
{
	CHECK_INT(parse("", err, operands), OPTIONS_RUN, "no argument is fine");
	CHECK_INT(opt.budget, 10000000000, "a default is in force when the option is not given");
	CHECK(!opt.kind_given && !opt.keep_given, "what was not given is known");

	parse("a --keep -o dir --python 3.12,3.13d --python /opt/a,b -n 0x10 b --explore=storm",
	      err, operands);
	CHECK_STR(err->buf, "", "a good line gives no error");
	CHECK_STR(operands->buf, "a b", "operands stand anywhere among options");
	CHECK(opt.keep && opt.keep_given && opt.kind_given, "what was given is known");
	CHECK_STR(opt.out, "dir", "a string is taken");
	CHECK_INT(opt.pythons.n, 3, "a list is split at commas, and goes on with each option");
	CHECK_STR(opt.pythons.n == 3 ? opt.pythons.v[1] : "", "3.13d", "the second of the list");
	CHECK_STR(opt.pythons.n == 3 ? opt.pythons.v[2] : "", "/opt/a,b",
		  "a path keeps its comma");
	CHECK_INT(opt.trials, 16, "a number may be hexadecimal");
	CHECK_INT(opt.kind, 2, "a choice is the index of its word");
	parse("--shard 1/2 -- --keep", err, operands);
	CHECK_INT(opt.shard, 12, "a value of its own kind is parsed by the command");
	CHECK_STR(operands->buf, "--keep", "what follows -- is an operand");
	parse("--trials 1 --trials 2 --bud 1s", err, operands);
	CHECK_INT(opt.trials, 2, "the last one given counts");
	CHECK_INT(opt.budget, 1000000000, "a beginning that fits one option only will do");
	CHECK_INT(parse("--help --nonsense", err, operands), OPTIONS_HELP, "--help is known");
	CHECK_INT(parse("-h", err, operands), OPTIONS_HELP, "-h is known");
}

static void check_bad(struct strbuf *err, struct strbuf *operands)
{
	static const struct {
		const char *line, *sentence;
	} bad[] = {
		{ "--trails 3", "unknown option '--trails': did you mean '--trials'?" },
		{ "--xyzzy", "unknown option '--xyzzy': 'forkpoint demo --help' lists them" },
		{ "-x", "unknown option '-x': 'forkpoint demo --help' lists them" },
		{ "--trials", "--trials needs a value: --trials N" },
		{ "-n", "--trials needs a value: --trials N" },
		{ "--keep=1", "--keep takes no value: leave out what follows the '='" },
		{ "--out EMPTY", "--out: the value is empty: give it a DIR" },
		{ "--explore stp", "--explore: 'stp' is none of step, starve, storm: "
				   "did you mean 'step'?" },
		{ "--shard 3", "--shard: '3' is no shard" },
		{ "--trials=0", "--trials: '0' is too small: the least is 1" },
		{ "--trials 1000001", "--trials: '1000001' is too large: the largest number is "
				      "1000000" },
		{ "--budget 10", "--budget: '10' has no unit: write it like 1.5s, 200ms or 2m" },
		{ "a b c", "demo does not know what to do with 'c': forkpoint demo [THING…]" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK_INT(parse(bad[i].line, err, operands), OPTIONS_BAD, "'%s' is refused",
			  bad[i].line);
		CHECK_STR(err->buf, bad[i].sentence, "'%s' is explained", bad[i].line);
	}
}

static void check_numbers(struct strbuf *err)
{
	static const char *const bad[] = { "", " ", "1.5", "-1", "+1", "5x", "0x", "0xg", " 5",
					   "5 ",
					   "1e3", "99999999999999999999", "0x1ffffffffffffffff",
					   "18446744073709551616", "٣" };
	uint64_t n;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		n = 77;
		strbuf_reset(err);
		CHECK(option_parse_unsigned(bad[i], 0, 0, &n, err) < 0 && n == 77,
		      "the number '%s' is refused, and nothing is set", bad[i]);
		CHECK(strstr(err->buf, bad[i]) && strstr(err->buf, ": "),
		      "the number '%s' is explained: %s", bad[i], err->buf);
	}
	CHECK(!option_parse_unsigned("18446744073709551615", 0, 0, &n, err) && n == UINT64_MAX,
	      "the largest number fits");
	CHECK(!option_parse_unsigned("0xFFFFFFFFffffffff", 0, 0, &n, err) && n == UINT64_MAX,
	      "the largest hexadecimal number fits");
	CHECK(!option_parse_unsigned("010", 0, 0, &n, err) && n == 10, "a leading 0 is not octal");
}

static void check_times(struct strbuf *err)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} good[] = {
		{ "1.5s", 1500000000 }, { "200ms", 200000000 }, { "2m", 120000000000 },
		{ "1h", 3600000000000 }, { "0s", 0 }, { "7us", 7000 }, { "3ns", 3 },
		{ "0.25m", 15000000000 }, { "1.000000001s", 1000000001 }, { "1.50s", 1500000000 },
		{ "0.5h", 1800000000000 }, { "1.5000000000000s", 1500000000 },
	};
	static const char *const bad[] = { "", "s", ".s", "1.s", ".5s", "5x", "-1s", "+1s", "1.5",
					   "1", "1 s", "1s ", "1.5.5s", "1e3s", "0x1s", "1S",
					   "1.0000000001s", "99999999999999999999s",
					   "600000000000m", "1,5s" };
	uint64_t ns;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ns = 1234567;
		strbuf_reset(err);
		CHECK_INT(option_parse_seconds(good[i].text, 0, 0, &ns, err) ? 999 : ns,
			  good[i].ns, "'%s' is a time", good[i].text);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ns = 77;
		strbuf_reset(err);
		CHECK(option_parse_seconds(bad[i], 0, 0, &ns, err) < 0 && ns == 77,
		      "the time '%s' is refused, and nothing is set", bad[i]);
		CHECK(strstr(err->buf, bad[i]) && strstr(err->buf, ": "),
		      "the time '%s' is explained: %s", bad[i], err->buf);
	}
	strbuf_reset(err);
	option_parse_seconds("61s", 0, 60000000000, &ns, err);
	CHECK_STR(err->buf, "'61s' is too long: the longest is 1m", "a limit is told as a time");
}

static void check_suggestions(void)
{
	static const char *const words[] = { "fork-lru-list", "fork-lru-stdlist", NULL,
					     "finalize-hammer" };

	CHECK_INT(suggest_distance("starve", "strave"), 1, "a swap is one edit");
	CHECK_INT(suggest_distance("abc", ""), 3, "each letter left out is an edit");
	CHECK_INT(suggest_distance("Step", "step"), 0, "case does not count");
	CHECK_STR(suggest_word("fork-lru-lits", words, 4), "fork-lru-list", "the nearest is found");
	CHECK_STR(suggest_word("final", words, 4), "finalize-hammer", "a beginning is completed");
	CHECK_STR(suggest_word("xyzzy", words, 4), NULL, "nothing is suggested for nonsense");
	CHECK_STR(suggest_word("", words, 4), NULL, "nothing is suggested for nothing");
}

int main(void)
{
	struct strbuf err = STRBUF_INIT, operands = STRBUF_INIT;

	check_good(&err, &operands);
	check_bad(&err, &operands);
	check_numbers(&err);
	check_times(&err);
	check_suggestions();
	option_strings_release(&opt.pythons);
	strbuf_release(&err);
	strbuf_release(&operands);
	return tap_done();
}
