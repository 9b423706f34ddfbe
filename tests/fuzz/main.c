/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A fuzzer for any compiler, without what libFuzzer sees of the code: mutations of a corpus, by a
 * number. The same number gives the same inputs. Arguments are libFuzzer's:
 *
 *	TARGET [-seed=N] [-runs=N] [-max_total_time=SECONDS] [-max_len=BYTES] [DIR…] [FILE…]
 *
 * The files of each DIR are the corpus; each FILE is run as it is, and nothing else then. An input
 * that kills the target, or takes longer than INPUT_SECONDS, is left in ./crash-TARGET.
 */
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/rng.h"
#include "base/strbuf.h"
#include "tests/fuzz/fuzz.h"

#define INPUT_SECONDS 20
/* Of a file of the corpus, or one that is run as it is. */
#define FILE_SIZE_MAX ((size_t)1 << 24)

static struct {
	uint64_t seed, runs, seconds, max_len;
} opt = { .seed = 1, .runs = UINT64_MAX, .seconds = UINT64_MAX, .max_len = 65536 };

static struct strbuf *corpus;
static size_t ncorpus;

/* For the handler: what is run just now. */
static struct {
	char path[256];
	const char *data;
	size_t size;
	uint64_t number;
} current;

/* Async-signal-safe. */
static void tell_crash(int signo)
{
	int fd = open(current.path, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	const char *why = signo == SIGALRM ? "an input that takes too long is left in "
					   : "an input that kills it is left in ";

	if (fd < 0 || write(fd, current.data, current.size) < 0)
		why = "the input cannot be written to ";
	if (write(STDERR_FILENO, why, strlen(why)) < 0 ||
	    write(STDERR_FILENO, current.path, strlen(current.path)) < 0 ||
	    write(STDERR_FILENO, "\n", 1) < 0)
		_exit(1);
	signal(signo, SIG_DFL);
	raise(signo);
	_exit(1);
}

static void handlers_set(const char *program)
{
	static const int signals[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM };
	static char stack[1 << 16];
	const stack_t other = { .ss_sp = stack, .ss_size = sizeof(stack) };
	struct sigaction action = { .sa_handler = tell_crash, .sa_flags = SA_ONSTACK | SA_NODEFER };
	const char *base = strrchr(program, '/');

	snprintf(current.path, sizeof(current.path), "crash-%s", base ? base + 1 : program);
	sigaltstack(&other, NULL);
	for (size_t i = 0; i < sizeof(signals) / sizeof(*signals); i++)
		sigaction(signals[i], &action, NULL);
}

/* From a copy that ends where it ends, so that a sanitizer sees who reads on. */
static void run_input(const char *data, size_t size)
{
	char *copy = xmalloc(size + !size);

	memcpy(copy, data, size);
	current.data = copy;
	current.size = size;
	alarm(INPUT_SECONDS);
	LLVMFuzzerTestOneInput((const uint8_t *)copy, size);
	alarm(0);
	current.number++;
	free(copy);
}

static void corpus_add_file(const char *path)
{
	corpus = xrealloc(corpus, (ncorpus + 1) * sizeof(*corpus));
	strbuf_init(&corpus[ncorpus]);
	if (strbuf_read_file(&corpus[ncorpus], path, FILE_SIZE_MAX) < 0)
		die(2, "cannot read '%s'", path);
	ncorpus++;
}

/* In the order of their names: the same number shall give the same inputs. */
static void corpus_add_directory(const char *path)
{
	struct dirent **entries;
	int n = scandir(path, &entries, NULL, alphasort);

	if (n < 0)
		die(2, "cannot read '%s'", path);
	for (int i = 0; i < n; i++) {
		char *file = xstrfmt("%s/%s", path, entries[i]->d_name);
		struct stat st;

		if (!stat(file, &st) && S_ISREG(st.st_mode))
			corpus_add_file(file);
		free(file);
		free(entries[i]);
	}
	free(entries);
}

static size_t below(uint64_t *rng, size_t n)
{
	return n ? rng_next(rng) % n : 0;
}

/* A piece of it, most often a short one. */
static void piece_choose(uint64_t *rng, const struct strbuf *from, size_t *at, size_t *len)
{
	*at = below(rng, from->len);
	*len = below(rng, below(rng, 4) ? 40 : 1000);
	if (*len > from->len - *at)
		*len = from->len - *at;
}

static void insert(struct strbuf *sb, size_t at, const char *data, size_t len)
{
	struct strbuf out = STRBUF_INIT;

	strbuf_add(&out, sb->buf, at);
	strbuf_add(&out, data, len);
	strbuf_add(&out, sb->buf + at, sb->len - at);
	strbuf_release(sb);
	*sb = out;
}

static void cut_out(struct strbuf *sb, size_t at, size_t len)
{
	memmove(sb->buf + at, sb->buf + at + len, sb->len - at - len);
	sb->len -= len;
	sb->buf[sb->len] = '\0';
}

static const char *const words[] = {
	"\n", "\r\n", "\n\n", "\0", "\xff", "\xc3", "\x1b[31m", "\xe2\x80\xae", "(", ")", "<", ">",
	"{", "}", "[", "]", "\"", "'", "`", "\\", "#0 ", "#1 ", "#18446744073709551616 ", "0x",
	"0x0", "0xffffffffffffffff", "0x10000000000000000", "-1", "4294967296", "2147483648", " in ",
	" at ", ":", ":0:", "...", "[...]", "Thread ", "_ZN", "_R", "\\u0000", "\\ud800", "%s%n",
	"<b>", "|", "\t", "        ", "==1==", "File \"", "\", line ",
};

static void mutate_once(struct strbuf *sb, uint64_t *rng)
{
	const struct strbuf *other = &corpus[below(rng, ncorpus)];
	const char *word = words[below(rng, sizeof(words) / sizeof(*words))];
	size_t at, len, to = below(rng, sb->len + 1);

	piece_choose(rng, sb, &at, &len);
	switch (below(rng, 9)) {
	case 0: /* a bit */
		if (sb->len)
			sb->buf[at] = (char)(sb->buf[at] ^ (1 << below(rng, 8)));
		break;
	case 1: /* a byte */
		if (sb->len)
			sb->buf[at] = (char)rng_next(rng);
		break;
	case 2:
		cut_out(sb, at, len);
		break;
	case 3: /* cut off */
		if (!below(rng, 4))
			cut_out(sb, to, sb->len - to);
		break;
	case 4:
	case 5:
		insert(sb, to, word, strlen(word) + !*word);
		break;
	case 6: /* a piece again, and perhaps again and again */
		for (size_t n = below(rng, 8) ? 1 : 1 + below(rng, 100); n && sb->len < opt.max_len;
		     n--) {
			char *piece = xmalloc(len + 1);

			memcpy(piece, sb->buf + at, len);
			insert(sb, at, piece, len);
			free(piece);
		}
		break;
	case 7: /* a piece of another one */
		piece_choose(rng, other, &at, &len);
		insert(sb, to, other->buf + at, len);
		break;
	default: /* all of another one behind */
		if (!below(rng, 8))
			strbuf_add(sb, other->buf, other->len);
	}
}

/* Each input is made of its own number alone. */
static void run_mutation(uint64_t number)
{
	uint64_t rng = opt.seed * 0x9e3779b97f4a7c15ull + number;
	const struct strbuf *from = &corpus[below(&rng, ncorpus)];
	struct strbuf sb = STRBUF_INIT;

	strbuf_add(&sb, from->buf, from->len);
	for (size_t n = (size_t)1 << below(&rng, 6); n; n--)
		mutate_once(&sb, &rng);
	run_input(sb.buf, sb.len < opt.max_len ? sb.len : opt.max_len);
	strbuf_release(&sb);
}

/* What is written as "-name=N"; others of libFuzzer's are nothing to us. */
static void option_read(const char *arg)
{
	static const struct {
		const char *name;
		uint64_t *value;
	} options[] = {
		{ "-seed=", &opt.seed }, { "-runs=", &opt.runs },
		{ "-max_total_time=", &opt.seconds }, { "-max_len=", &opt.max_len },
	};

	for (size_t i = 0; i < sizeof(options) / sizeof(*options); i++)
		if (!strncmp(arg, options[i].name, strlen(options[i].name)))
			*options[i].value = strtoull(arg + strlen(options[i].name), NULL, 10);
}

int main(int argc, char **argv)
{
	const time_t begin = time(NULL);
	bool files = false;

	handlers_set(argv[0]);
	if (LLVMFuzzerInitialize)
		LLVMFuzzerInitialize(&argc, &argv);
	for (int i = 1; i < argc; i++) {
		struct stat st;

		if (*argv[i] == '-') {
			option_read(argv[i]);
		} else if (!stat(argv[i], &st) && S_ISDIR(st.st_mode)) {
			corpus_add_directory(argv[i]);
		} else {
			corpus_add_file(argv[i]);
			run_input(corpus[ncorpus - 1].buf, corpus[ncorpus - 1].len);
			files = true;
		}
	}
	if (!ncorpus)
		die(2, "nothing to begin with: give a directory with files");
	for (size_t i = 0; i < ncorpus && !files; i++)
		run_input(corpus[i].buf, corpus[i].len);
	for (uint64_t n = 0; n < opt.runs && !files; n++) {
		if ((uint64_t)(time(NULL) - begin) >= opt.seconds)
			break;
		run_mutation(n);
	}
	printf("Done %" PRIu64 " runs in %ld second(s)\n", current.number,
	       (long)(time(NULL) - begin));
	for (size_t i = 0; i < ncorpus; i++)
		strbuf_release(&corpus[i]);
	free(corpus);
	return 0;
}
