/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/drawn_line.h"

#include <signal.h>
#include <string.h>

#include "base/ascii.h"

/* Longer lines are not drawn by hand. */
#define LINE_MAX_LEN 1000
/* Behind a name. */
#define NOTE_MAX_LEN 160

struct mark {
	const char *text;
	enum drawn_join join;
};

/* At the beginning of a line. */
static const struct mark line_marks[] = {
	{ "→", DRAWN_CALLS }, { "->", DRAWN_CALLS }, { "-->", DRAWN_CALLS },
	{ "└──>", DRAWN_CALLS }, { "└─>", DRAWN_CALLS }, { "└──", DRAWN_CALLS },
	{ "└─", DRAWN_CALLS }, { "↳", DRAWN_CALLS }, { "|_", DRAWN_CALLS },
	{ "├──", DRAWN_WEAK }, { "←", DRAWN_CALLED_BY }, { "<-", DRAWN_CALLED_BY },
	{ "=>", DRAWN_WEAK }, { "- ", DRAWN_WEAK }, { "* ", DRAWN_WEAK }, { "• ", DRAWN_WEAK },
	{ "> ", DRAWN_WEAK }, { "+ ", DRAWN_WEAK },
};

/* Between two words. */
static const struct mark word_marks[] = {
	{ " -> ", DRAWN_CALLS }, { "→", DRAWN_CALLS }, { " --> ", DRAWN_CALLS },
	{ " => ", DRAWN_WEAK },  { " > ", DRAWN_WEAK }, { " <- ", DRAWN_CALLED_BY },
	{ "←", DRAWN_CALLED_BY },
};

bool drawn_is_bar(struct piece line)
{
	line = piece_trim(line);
	return piece_is(line, "↓") || piece_is(line, "|") || piece_is(line, "│") ||
	       piece_is(line, "v") || piece_is(line, "↑");
}

/* Where a letter's range ends, a word does. */
static bool has_word(struct piece text, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i + len <= text.len; i++) {
		bool begins = !i || !ascii_is_alnum(text.s[i - 1]);
		bool ends = i + len == text.len || !ascii_is_alnum(text.s[i + len]);

		if (begins && ends && ascii_same(text.s + i, word, len) &&
		    (i + len == text.len || text.s[i + len] != '_') &&
		    (!i || text.s[i - 1] != '_'))
			return true;
	}
	return false;
}

int drawn_crash(struct piece text)
{
	static const struct {
		const char *word;
		int signo;
	} words[] = {
		{ "SIGSEGV", SIGSEGV }, { "segfault", SIGSEGV }, { "segfaults", SIGSEGV },
		{ "segmentation fault", SIGSEGV }, { "SIGABRT", SIGABRT }, { "aborts", SIGABRT },
		{ "aborted", SIGABRT }, { "SIGBUS", SIGBUS }, { "bus error", SIGBUS },
		{ "SIGILL", SIGILL }, { "SIGFPE", SIGFPE }, { "SIGTRAP", SIGTRAP },
		{ "access violation", SIGSEGV }, { "crash", DRAWN_CRASHED },
		{ "crashes", DRAWN_CRASHED }, { "crashed", DRAWN_CRASHED },
		{ "use-after-free", DRAWN_CRASHED }, { "UAF", DRAWN_CRASHED },
		{ "deadlock", DRAWN_HANGS }, { "deadlocks", DRAWN_HANGS }, { "hangs", DRAWN_HANGS },
		{ "hang", DRAWN_HANGS }, { "blocks forever", DRAWN_HANGS },
	};

	if (text.len > LINE_MAX_LEN)
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++)
		if (has_word(text, words[i].word))
			return words[i].signo;
	return 0;
}

static bool is_one_of(struct piece name, const char *const *names)
{
	for (; *names; names++)
		if (piece_is(name, *names))
			return true;
	return false;
}

int drawn_known(struct piece name)
{
	static const char *const inner[] = {
		"abort", "raise", "gsignal", "__pthread_kill", "pthread_kill", "getenv", "setenv",
		"malloc", "free", "realloc", "calloc", "_int_free", "_int_malloc", "malloc_printerr",
		"__libc_message", "strlen", "memcpy", "memmove", "strcmp", "pthread_mutex_lock",
		"__lll_lock_wait", "pthread_join", "pthread_cond_wait", "futex_wait", "sem_wait",
		"std::terminate", "__cxa_throw", "__cxa_pure_virtual", "__assert_fail", "take_gil",
		"_PyThreadState_MustExit", "PyThread_exit_thread", "pthread_exit", NULL,
	};
	static const char *const outer[] = {
		"main", "_start", "start_thread", "clone", "clone3", "__libc_start_main",
		"__libc_start_call_main", "Py_BytesMain", "Py_RunMain", "pymain_run_python",
		"_PyEval_EvalFrameDefault", "PyEval_EvalCode", "thread_run", "pythread_wrapper",
		"Py_FinalizeEx", "__run_exit_handlers", "fork", "os.fork", NULL,
	};

	if (is_one_of(name, inner))
		return 1;
	if (is_one_of(name, outer))
		return -1;
	if (!piece_starts(name, "Py") && !piece_starts(name, "_Py"))
		return 0;
	return piece_has(name, "_") ? 2 : 0;
}

/* Up to the bracket that closes the one at `at`; the text's end: none does. */
static size_t bracket_end(struct piece p, size_t at, char open, char close)
{
	size_t depth = 0;

	for (size_t i = at; i < p.len; i++) {
		depth += p.s[i] == open;
		if (p.s[i] == close && !--depth)
			return i + 1;
	}
	return p.len + 1;
}

/* A name, its template's parameters and its arguments; what it is written with is looked at. */
static bool take_name(struct piece *p, struct drawn_word *word)
{
	size_t i = 0, end;
	bool call = false, scope = false, dot = false, low = false;

	if (!p->len || !(ascii_is_alpha(*p->s) || *p->s == '_' || *p->s == '~'))
		return false;
	while (i < p->len) {
		char c = p->s[i];

		if (c == '<' && i && (end = bracket_end(*p, i, '<', '>')) <= p->len) {
			i = end;
			continue;
		}
		if (c == '!' && i + 1 < p->len && !word->module.s && p->s[i + 1] != '=') {
			word->module = (struct piece){ p->s, i };
			piece_cut(p, i + 1);
			i = 0;
			continue;
		}
		if (!ascii_is_alnum(c) && !strchr("_~:$.", c))
			break;
		scope |= c == ':' && i + 1 < p->len && p->s[i + 1] == ':';
		dot |= c == '.';
		low |= c == '_';
		i++;
	}
	while (i && strchr(":.", p->s[i - 1]))
		i--;
	word->name = (struct piece){ p->s, i };
	if (i < p->len && p->s[i] == '(') {
		end = bracket_end(*p, i, '(', ')');
		call = end <= p->len;
		i = call ? end : i;
	}
	piece_cut(p, i);
	word->function = scope || call || word->module.s || (low && !dot) ||
			 drawn_known(word->name);
	return word->name.len > 1 && memchr(word->name.s, '\0', word->name.len) == NULL;
}

/* "table.cc:61", "/usr/lib/libprobe.so" */
static bool take_place(struct piece text, struct drawn_word *word)
{
	struct piece place;

	if (!take_word(&text, &place) || !(piece_has(place, ".") || piece_has(place, "/")))
		return false;
	if (piece_ends(place, ",") || piece_ends(place, ")") || piece_ends(place, "]"))
		place.len--;
	if (piece_has(place, ".so") || piece_ends(place, ".dylib") || piece_ends(place, ".dll"))
		word->module = place;
	else if (piece_has(place, ":"))
		word->source = place;
	return true;
}

/* What may stand behind a name: a place, or a note in brackets or behind a sign. */
static bool read_note(struct piece text, struct drawn_word *word)
{
	static const char *const signs[] = {
		"(", "[", "<-", "#", "—", "–", "- ", "←", "@", ",", "…", "...", "!!", NULL,
	};

	text = piece_trim(text);
	if (!text.len)
		return true;
	if (text.len > NOTE_MAX_LEN)
		return false;
	word->crash = drawn_crash(text);
	if (take_text(&text, "at ") || take_text(&text, "in "))
		return take_place(text, word);
	for (size_t i = 0; signs[i]; i++)
		if (piece_starts(text, signs[i])) {
			piece_cut(&text, strlen(signs[i]));
			take_place(text, word);
			return true;
		}
	return false;
}

static bool is_gap(struct piece text)
{
	text = piece_trim(text);
	return piece_is(text, "...") || piece_is(text, "…") || piece_is(text, "[...]");
}

/* The first mark between two words: where it is, and how long. `rest.len`: there is none. */
static size_t mark_find(struct piece rest, size_t *len, enum drawn_join *join)
{
	size_t first = rest.len;

	for (size_t i = 0; i < sizeof(word_marks) / sizeof(*word_marks); i++) {
		size_t at = piece_find(rest, word_marks[i].text);

		if (at >= first)
			continue;
		first = at;
		*len = strlen(word_marks[i].text);
		*join = word_marks[i].join;
	}
	return first;
}

/* `quotes` of Markdown's around it. */
static struct piece unquoted(struct piece text)
{
	text = piece_trim(text);
	while (text.len > 1 && *text.s == '`')
		piece_cut(&text, 1);
	while (text.len && text.s[text.len - 1] == '`')
		text.len--;
	return text;
}

static enum drawn_join take_line_mark(struct piece *line)
{
	for (size_t i = 0; i < sizeof(line_marks) / sizeof(*line_marks); i++)
		if (take_text(line, line_marks[i].text))
			return line_marks[i].join;
	return DRAWN_PLAIN;
}

/* A mark that says something of the word before it, and joins nothing: "f <- segfault". */
static bool is_remark(struct piece rest, enum drawn_join join)
{
	struct piece end = { rest.s, piece_find(rest, " -> ") };

	return join == DRAWN_CALLED_BY && drawn_crash(end);
}

bool drawn_take(struct piece *line, bool first, struct drawn_word *word)
{
	struct piece text;
	enum drawn_join next = DRAWN_PLAIN;
	size_t at, len = 0;

	*word = (struct drawn_word){ .join = DRAWN_PLAIN };
	if (line->len > LINE_MAX_LEN || !line->len)
		return false;
	if (first) {
		*line = piece_trim(*line);
		word->join = take_line_mark(line);
	} else {
		at = mark_find(*line, &len, &word->join);
		if (at)
			return false;
		piece_cut(line, len);
	}
	at = mark_find(*line, &len, &next);
	if (at < line->len &&
	    is_remark((struct piece){ line->s + at + len, line->len - at - len }, next))
		at = line->len;
	text = unquoted((struct piece){ line->s, at });
	piece_cut(line, at);
	word->gap = is_gap(text);
	if (word->gap)
		return true;
	return take_name(&text, word) && read_note(text, word);
}

bool drawn_heading(struct piece line, struct drawn_word *word)
{
	struct piece text = unquoted(line), before;
	int signo;

	*word = (struct drawn_word){ .join = DRAWN_PLAIN };
	if (text.len > LINE_MAX_LEN || !take_until(&text, " in ", &before))
		return false;
	text = unquoted(text);
	if (before.len > 40 || !take_name(&text, word) || !word->function)
		return false;
	signo = drawn_crash(before);
	if (!signo || !read_note(text, word))
		return false;
	word->crash = signo;
	return true;
}
