/* SPDX-License-Identifier: Apache-2.0 */
/* Reports as people paste them: what logs, mails and terminals made of them is taken back. */
#include <time.h>

#include "tests/unit/reading.h"
#include "triage/paste.h"

static const char asan[] =
	"==9==ERROR: AddressSanitizer: heap-use-after-free on address 0x602000000010\n"
	"READ of size 4 at 0x602000000010 thread T0\n"
	"    #0 0x401136 in probe_get /src/table.c:61\n"
	"    #1 0x401160 in main /src/main.c:3\n"
	"\n"
	"SUMMARY: AddressSanitizer: heap-use-after-free /src/table.c:61 in probe_get\n";

static const char faulthandler[] =
	"Fatal Python error: Segmentation fault\n"
	"\n"
	"Current thread 0x00007f0000001000 (most recent call first):\n"
	"  File \"/srv/app.py\", line 12 in get\n"
	"  File \"/srv/app.py\", line 20 in <module>\n";

static const char gdb[] =
	"Program received signal SIGSEGV, Segmentation fault.\n"
	"#0  0x0000000000001000 in probe_get (key=1) at table.c:61\n"
	"#1  0x0000000000001010 in main () at main.c:3\n";

static const char raw[] =
	"0x7f0000001000 probe_get\n"
	"0x7f0000001010 main\n"
	"0x7f0000001020 _start\n";

static const char coredump[] =
	"           PID: 12 (python)\n"
	"        Signal: 11 (SEGV)\n"
	"  Command Line: python app.py\n"
	"       Message: Process 12 (python) of user 0 dumped core.\n"
	"                \n"
	"                Stack trace of thread 12:\n"
	"                #0  0x00007f0000001000 probe_get (libprobe.so + 0x1000)\n"
	"                #1  0x00007f0000001010 main (python + 0x1010)\n";

static const char *const texts[] = { asan, faulthandler, gdb, raw, coredump };
#define TEXTS (sizeof(texts) / sizeof(*texts))

static const struct {
	const char *what, *before, *after;
} wrappings[] = {
	{ "Markdown's code", "    ", "\n" },
	{ "a tab", "\t", "\n" },
	{ "a quotation", "> ", "\n" },
	{ "one of another", "> > ", "\n" },
	{ "one of another, without a blank", ">> ", "\n" },
	{ "a time", "2026-03-02T12:11:10.123Z ", "\n" },
	{ "a time without a date", "12:11:10.123 ", "\n" },
	{ "docker compose", "web-1  | ", "\n" },
	{ "CRI", "2026-03-02T12:11:10.123456789Z stderr F ", "\n" },
	{ "journald", "Mar 02 12:11:10 host python[123]: ", "\n" },
	{ "journald with a zone", "2026-03-02T12:11:10+0100 host python[123]: ", "\n" },
	{ "kubectl", "[pod/web-1/main] ", "\n" },
	{ "torchrun", "[rank0]: ", "\n" },
	{ "mpirun", "[1,0]<stderr>:", "\n" },
	{ "Ray's actors", "(Worker pid=12, ip=10.0.0.1) ", "\n" },
	{ "Ray's daemon", "(raylet) ", "\n" },
	{ "Airflow", "[2026-03-02 12:11:10,123] {subprocess.py:78} INFO - ", "\n" },
	{ "Python's logging without a name", "2026-03-02 12:11:10,123 ERROR ", "\n" },
	{ "GitLab", "2026-03-02T12:11:10.123456Z 01E ", "\n" },
	{ "Python's logging", "2026-03-02 12:11:10,123 ERROR worker: ", "\n" },
	{ "its other way", "2026-03-02 12:11:10,123 - ERROR - ", "\n" },
	{ "a level in brackets", "[2026-03-02 12:11:10] [ERROR] ", "\n" },
	{ "a quoted log", "> 2026-03-02T12:11:10.123Z ", "\n" },
	{ "a log in a log", "2026-03-02T12:11:10.123Z web-1  | ", "\n" },
	{ "colours", "\x1b[1;31m", "\x1b[0m\n" },
	{ "a terminal's title", "\x1b]0;sh\a", "\x1b(B\n" },
	{ "colours behind a time", "2026-03-02T12:11:10Z \x1b[31m", "\x1b[0m\n" },
};

static void check_same(const char *text, size_t size, const char *wanted, bool lines,
		       const char *what)
{
	char *told = tell(text, size, lines), *plain = tell(wanted, strlen(wanted), lines);

	sample_keep(text, size);
	CHECK(*plain, "the text is a report");
	CHECK_STR(told, plain, "%s", what);
	CHECK(reads_clean(text, size), "%s: clean", what);
	free(plain);
	free(told);
}

static void check_wrapped(const char *text)
{
	for (size_t i = 0; i < sizeof(wrappings) / sizeof(*wrappings); i++) {
		char *wrapped = lines_changed(text, wrappings[i].before, wrappings[i].after);
		char *prose = xstrfmt("It fell over:\n\n%s\nand so on\n", wrapped);
		char *wanted = xstrfmt("It fell over:\n\n%s\nand so on\n", text);

		check_same(wrapped, strlen(wrapped), text, true, wrappings[i].what);
		check_same(prose, strlen(prose), wanted, true, wrappings[i].what);
		free(wanted);
		free(prose);
		free(wrapped);
	}
}

static char *json_lines(const char *text)
{
	struct strbuf out = STRBUF_INIT;

	for (const char *end; *text; text = end + 1) {
		end = strchr(text, '\n');
		strbuf_addstr(&out, "{\"log\":\"\\u001b[31m");
		for (; text < end; text++)
			strbuf_addf(&out, *text == '"' ? "\\%c" : "%c", *text);
		strbuf_addstr(&out, "\\n\",\"stream\":\"stderr\","
			      "\"time\":\"2026-03-02T12:11:10Z\"}\n");
	}
	return strbuf_detach(&out);
}

/* The whole text in one line of JSON, the second of the file. */
static char *json_whole(const char *text)
{
	struct strbuf out = STRBUF_INIT;

	strbuf_addstr(&out, "{\"level\":\"info\",\"message\":\"worker started\"}\n"
		      "{\"level\":\"error\",\"code\":-1,\"message\":\"");
	for (; *text; text++)
		strbuf_addf(&out, *text == '\n' ? "\\n" : *text == '"' ? "\\\"" : "%c", *text);
	strbuf_addstr(&out, "\"}\nand then\n");
	return strbuf_detach(&out);
}

static void check_json(const char *text)
{
	char *lines = json_lines(text), *whole = json_whole(text);
	struct traces traces;

	check_same(lines, strlen(lines), text, true, "a container's log in JSON");
	check_same(whole, strlen(whole), text, false, "a report in one member of JSON");
	traces_read(whole, strlen(whole), &traces);
	CHECK_INT(traces.n, 1, "which is one report");
	CHECK_INT(traces.n ? traces.v[0].line : 0, 2, "in the second line of the file");
	traces_release(&traces);
	free(whole);
	free(lines);
}

static void check_utf16(const char *text, bool big)
{
	size_t len = strlen(text);
	char *wide = xmalloc(2 * len + 2);

	memcpy(wide, big ? "\xfe\xff" : "\xff\xfe", 2);
	for (size_t i = 0; i < len; i++) {
		wide[2 * i + 2] = big ? '\0' : text[i];
		wide[2 * i + 3] = big ? text[i] : '\0';
	}
	check_same(wide, 2 * len + 2, text, true, big ? "UTF-16 BE" : "UTF-16 LE");
	CHECK(reads_clean(wide, 2 * len + 1), "cut off within a character");
	free(wide);
}

static void check_encodings(const char *text)
{
	char *marked = xstrfmt("\xef\xbb\xbf%s", text), *returns = xstrfmt("%s", text);

	check_same(marked, strlen(marked), text, true, "a byte order mark");
	for (char *at = returns; (at = strchr(at, '\n')); at++)
		*at = '\r';
	check_same(returns, strlen(returns), text, true, "line ends of CR alone");
	check_utf16(text, false);
	check_utf16(text, true);
	free(returns);
	free(marked);
}

static void check_doubled(const char *text)
{
	char *more = xstrfmt("1\n2\n3\n4\n5\n6\n7\n8\n%s", text);
	char *doubled = lines_changed(more, "", "\n\n");
	struct traces once, twice;

	check_same(doubled, strlen(doubled), more, false, "a blank line behind each line");
	traces_read(more, strlen(more), &once);
	traces_read(doubled, strlen(doubled), &twice);
	CHECK_INT(twice.n ? twice.v[0].line : 0, 2 * once.v[0].line - 1, "its line is the file's");
	traces_release(&twice);
	traces_release(&once);
	free(doubled);
	free(more);
}

/* Where a browser has copied it. */
static void check_blanks(const char *text)
{
	struct strbuf out = STRBUF_INIT;

	for (const char *at = text; *at; at++)
		strbuf_addstr(&out, *at == ' ' ? "\xc2\xa0" : (char[]){ *at, '\0' });
	check_same(out.buf, out.len, text, true, "blanks of a browser");
	strbuf_release(&out);
}

static const struct sample retold[] = {
	{ "a name that is no logger's, for it is on one line only",
	  "2026-03-02 12:11:10,123 ERROR FATAL: exception not rethrown\n"
	  "2026-03-02 12:11:10,123 ERROR Aborted (core dumped)\n",
	  "glibc line 1: signal 6\n> FATAL: exception not rethrown\n" },
	{ "a signal that the shell has a word to",
	  "Fatal Python error: Segmentation fault (core dumped)\n",
	  "faulthandler line 1 incomplete: signal 11\n"
	  "> Fatal Python error: Segmentation fault (core dumped)\n" },
	{ "a full stop",
	  "Fatal Python error: Segmentation fault.\n",
	  "faulthandler line 1 incomplete: signal 11\n"
	  "> Fatal Python error: Segmentation fault.\n" },
	{ "a signal, a sentence, and then the stack",
	  "Program received signal SIGSEGV, Segmentation fault.\n"
	  "Then I asked for the stack.\n\n"
	  "#0  0x0000000000001000 in probe_get (key=1) at table.c:61\n"
	  "#1  0x0000000000001010 in main () at main.c:3\n",
	  "gdb line 1: signal 11\n*\n"
	  "    0x1000 probe_get table.c:61\n    0x1010 main main.c:3\n" },
	{ "where it stopped, a sentence, and then the stack",
	  "Program received signal SIGSEGV, Segmentation fault.\n"
	  "0x0000000000001000 in probe_get (key=1) at table.c:61\n"
	  "Then I asked for the stack.\n"
	  "#0  0x0000000000001000 in probe_get (key=1) at table.c:61\n"
	  "#1  0x0000000000001010 in main () at main.c:3\n",
	  "gdb line 1: signal 11\n*\n"
	  "    0x1000 probe_get table.c:61\n    0x1010 main main.c:3\n" },
	{ "the stack of something else is another report",
	  "Program received signal SIGSEGV, Segmentation fault.\n"
	  "0x0000000000001000 in probe_get (key=1) at table.c:61\n"
	  "And on another machine:\n"
	  "#0  0x0000000000002000 in probe_put (key=1) at table.c:81\n"
	  "#1  0x0000000000001010 in main () at main.c:3\n",
	  "gdb line 1: signal 11\n*\n    0x1000 probe_get table.c:61\n"
	  "gdb line 4: look\n*\n"
	  "    0x2000 probe_put table.c:81\n    0x1010 main main.c:3\n" },
	{ "two signals are two deaths",
	  "double free or corruption (!prev)\n"
	  "And yesterday:\n\n"
	  "Fatal Python error: Segmentation fault\n\n"
	  "Current thread 0x00007f0000001000 (most recent call first):\n"
	  "  File \"/srv/app.py\", line 12 in get\n",
	  "glibc line 1: signal 6\n> double free or corruption (!prev)\n"
	  "faulthandler line 4: signal 11\n*\n    get /srv/app.py:12 python\n" },
	{ "words that gdb's arguments have, too, are one death",
	  "double free or corruption (!prev)\n\n"
	  "Thread 1 \"python\" received signal SIGABRT, Aborted.\n"
	  "#0  0x0000000000001000 in malloc_printerr (str=0x1 \"double free or corruption (!prev)\")\n"
	  "#1  0x0000000000001010 in probe_drop () at table.c:61\n",
	  "gdb line 1: signal 6\n> double free or corruption (!prev)\n"
	  "> (str=0x1 \"double free or corruption (!prev)\")\n* python\n"
	  "    0x1000 malloc_printerr\n    0x1010 probe_drop table.c:61\n" },
	{ "an assertion and the stack through it",
	  "python: table.cc:61: void probe::Table::drop(const Key&): Assertion `n' failed.\n\n"
	  "Thread 1 \"python\" received signal SIGABRT, Aborted.\n"
	  "#0  0x0000000000001000 in abort () at abort.c:79\n"
	  "#1  0x0000000000001010 in probe::Table::drop (this=0x1) at table.cc:61\n",
	  "gdb line 1: signal 6\n"
	  "> python: table.cc:61: void probe::Table::drop(const Key&): Assertion `n' failed.\n"
	  "= program: python\n* python\n"
	  "    0x1000 abort abort.c:79\n    0x1010 probe::Table::drop table.cc:61\n" },
	{ "one signal is one",
	  "double free or corruption (!prev)\n"
	  "Fatal Python error: Aborted\n\n"
	  "Current thread 0x00007f0000001000 (most recent call first):\n"
	  "  File \"/srv/app.py\", line 12 in get\n",
	  "faulthandler line 1: signal 6\n> double free or corruption (!prev)\n*\n"
	  "    get /srv/app.py:12 python\n" },
};

/* What looks like something of the kind for ever, and is nothing. */
static const char *const floods[] = {
	"a | \n\n", "\x1b", "\x1b[", "\x1b]0;", "> ", "> \n", "    x\n\n", "\n    x\n", "\r", "[a] \n\n",
	"{\"log\":\"\\n\\n\\n\\n\"}\n", "{\"log\":\"", "{\"a\":\"", "x\n\n", "x\n\n\n", "\n", "\t\n x\n",
	"2026-03-02T12:11:10Z ", "2026-03-02T12:11:10Z \n", "\xff\xfe", "\\u000a",
};

#define FLOOD_SIZE (4u << 20)
#define SECONDS_MAX 5.0

static void check_flood(const char *head, const char *line)
{
	struct strbuf text = STRBUF_INIT;
	struct timespec from, to;
	struct paste paste;

	strbuf_addstr(&text, head);
	while (text.len < FLOOD_SIZE)
		strbuf_addstr(&text, line);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
	paste_clean(&paste, text.buf, text.len);
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
	CHECK((double)(to.tv_sec - from.tv_sec) + (double)(to.tv_nsec - from.tv_nsec) / 1e9 <
	      SECONDS_MAX && paste.size <= text.len + text.len / 2, "a flood takes its time");
	paste_release(&paste);
	strbuf_release(&text);
}

/* It is where it was. */
static void check_untouched(const char *text)
{
	struct paste paste;

	paste_clean(&paste, text, strlen(text));
	CHECK(paste.data == text && !paste.own, "a text as tools write it is not even copied");
	paste_release(&paste);
}

int main(void)
{
	for (size_t i = 0; i < TEXTS; i++) {
		if (texts[i] != coredump) /* which is indented as it is */
			check_untouched(texts[i]);
		check_wrapped(texts[i]);
		check_json(texts[i]);
		check_encodings(texts[i]);
		check_doubled(texts[i]);
		check_blanks(texts[i]);
	}
	CHECK_SAMPLES(retold);
	for (size_t i = 0; i < sizeof(floods) / sizeof(*floods); i++) {
		check_flood("", floods[i]);
		check_flood("\xff\xfe", floods[i]);
		check_flood("x\n\n    y\n", floods[i]);
	}
	return tap_done();
}
