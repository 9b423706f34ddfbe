/* SPDX-License-Identifier: Apache-2.0 */
/* Sections of the report in Markdown that judge, tell the story, and look into the source. */
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/account_private.h"
#include "triage/markdown.h"
#include "triage/narrative.h"
#include "triage/patterns.h"

#define MESSAGE_LINES 20
#define LOCATIONS_MAX 12

/* What highlights the code, by the end of its file's name. */
static const char *language_of(const char *path)
{
	static const char *const languages[][2] = {
		{ ".c", "c" },        { ".h", "cpp" },     { ".cc", "cpp" },  { ".cpp", "cpp" },
		{ ".cxx", "cpp" },    { ".hpp", "cpp" },   { ".rs", "rust" }, { ".py", "python" },
		{ ".pyx", "cython" }, { ".pxd", "cython" }, { ".go", "go" },
	};
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && i < sizeof(languages) / sizeof(*languages); i++)
		if (!strcmp(dot, languages[i][0]))
			return languages[i][1];
	return NULL;
}

/* "path:12"; allocated. */
static char *place_text(const struct account_place *place)
{
	return place->line ? xstrfmt("%s:%d", place->path, place->line) : xstrdup(place->path);
}

static const char *place_mark(const struct account_place *place)
{
	if (place->found)
		return "the function begins";
	if (place->stray)
		return "the line that the report tells";
	return place->frame ? "call in progress" : "CRASH POINT";
}

static void add_excerpt(struct strbuf *out, const struct account_place *place)
{
	char **numbered = xcalloc(place->nlines, sizeof(*numbered));
	const char *const *lines = (const char *const *)numbered;

	for (size_t i = 0; i < place->nlines; i++) {
		int number = place->first + (int)i;
		bool here = number == place->line;

		/* Sixteen columns before it, so that tabs stay where they were. */
		numbered[i] = xstrfmt("%-4s%10d  %s%s%s%s", here ? ">>>" : "", number,
				      place->lines[i], here ? "   // >>> " : "",
				      here ? place_mark(place) : "", here ? " <<<" : "");
	}
	markdown_fence_begin(out, lines, place->nlines, language_of(place->path));
	for (size_t i = 0; i < place->nlines; i++) {
		markdown_fence_line(out, lines[i]);
	}
	markdown_fence_end(out, lines, place->nlines);
	for (size_t i = 0; i < place->nlines; i++)
		free(numbered[i]);
	free(numbered);
}

/* What the trace knows of this line; what the code means is for people to say. */
static void add_analysis(struct strbuf *out, const struct account *account,
			 const struct account_place *place)
{
	int n = (int)place->frame;

	strbuf_addstr(out, "\n**Analysis**: ");
	narrative_add_frame(out, &account->facts, n);
	if (!place->line)
		strbuf_addstr(out, ". Its line is not known");
	else if (place->found)
		strbuf_addstr(out, ". The report has no line of this frame; shown is where its "
			      "function begins");
	else if (place->stray)
		strbuf_addstr(out, ". Shown is the line that the report tells, which may be "
			      "another file's");
	else if (n)
		strbuf_addstr(out, ". The call of the frame above was under way here");
	else
		strbuf_addstr(out, ". Nothing of this thread ran further than this line");
	strbuf_addstr(out, ".\n");
	for (size_t i = 0; i < account->triage->nevidence; i++) {
		if (account->triage->evidence[i].frame != n)
			continue;
		strbuf_addstr(out, "\nEvidence: ");
		markdown_add_text(out, account->triage->evidence[i].why);
		strbuf_addstr(out, ".\n");
	}
}

static void add_place(struct strbuf *out, const struct account *account,
		      const struct account_place *place)
{
	const char *function = account->facts.culprit->frames[place->frame].function;
	char *text = place_text(place);

	strbuf_addf(out, "### Frame %zu: ", place->frame);
	if (function) {
		markdown_add_code(out, function);
		strbuf_addch(out, ' ');
	}
	strbuf_addch(out, '(');
	markdown_add_link(out, text, place->url);
	strbuf_addstr(out, ")\n\n");
	if (place->nlines)
		add_excerpt(out, place);
	add_analysis(out, account, place);
	if (place->doubt) {
		strbuf_addstr(out, "\nuncertain: ");
		markdown_add_text(out, place->doubt);
		strbuf_addstr(out, ".\n");
	}
	strbuf_addch(out, '\n');
	free(text);
}

void account_add_code(struct strbuf *out, const struct account *account)
{
	const struct account_source *source = account->source;

	strbuf_addstr(out, "## Code Context\n\n");
	if (!source)
		strbuf_addstr(out, "No source was looked at.\n\n");
	else if (!source->nplaces && !source->code_lack)
		strbuf_addstr(out, "No frame of the crashing thread was found in the source.\n\n");
	if (source && source->code_lack) {
		strbuf_addstr(out, "uncertain: not all frames were looked for in the source: ");
		markdown_add_text(out, source->code_lack);
		strbuf_addstr(out, ".\n\n");
	}
	for (size_t i = 0; source && i < source->nplaces; i++)
		add_place(out, account, &source->places[i]);
}

/* "#1, #2 and #7" */
static void add_numbers(struct strbuf *out, const int *v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		strbuf_addf(out, "%s\\#%d", !i ? "" : i + 1 == n ? " and " : ", ", v[i]);
}

#define NUMBERS_MAX 8

/* Which frames are the component's, and whether their names can be believed. */
static void add_component(struct strbuf *out, const struct account *account)
{
	const struct facts *facts = &account->facts;
	int frames[NUMBERS_MAX];
	size_t shown = 0, all = 0, doubtful = 0;

	for (int i = 0; i < facts->nframes; i++) {
		const char *base = module_base(facts->culprit->frames[i].module);

		if (!base || strcmp(base, account->triage->component) != 0)
			continue;
		if (shown < NUMBERS_MAX)
			frames[shown++] = i;
		doubtful += !facts->frames[i].name;
		all++;
	}
	if (!all)
		return;
	strbuf_addf(out, "Of the crashing thread, %zu frame%s its: ", all, all == 1 ? " is" :
		    "s are");
	add_numbers(out, frames, shown);
	strbuf_addstr(out, all > shown ? " and further ones. " : ". ");
	if (doubtful)
		strbuf_addf(out, "uncertain: of %s, the name is not exact or missing. ",
			    doubtful == all ? "them all" : "some of them");
}

static const char *attribution_reason(enum attribution attribution)
{
	static const char *const reasons[] = {
		[ATTRIBUTION_UNKNOWN] = "Nothing in the report names a party.",
		[ATTRIBUTION_EXTENSION] = "The evidence points to native code beside the "
					  "interpreter.",
		[ATTRIBUTION_THIRD_PARTY] = "The evidence points to a library beneath Python's "
					    "own modules.",
		[ATTRIBUTION_CPYTHON] = "The evidence points to the interpreter's own code.",
		[ATTRIBUTION_INTERACTION] = "The evidence names no single party: each does what "
					    "alone it may, and together it fails.",
		[ATTRIBUTION_APPLICATION] = "The evidence points to the application's own code or "
					    "use.",
	};

	return reasons[attribution];
}

void account_add_attribution(struct strbuf *out, const struct account *account)
{
	const struct triage *triage = account->triage;

	strbuf_addf(out, "## Attribution\n\n**%s", attribution_name(triage->attribution));
	if (triage->component) {
		strbuf_addstr(out, " (");
		markdown_add_code(out, triage->component);
		strbuf_addch(out, ')');
	}
	strbuf_addf(out, "**, confidence: %s. ", confidence_name(triage->confidence));
	if (triage->nevidence || triage->attribution == ATTRIBUTION_UNKNOWN)
		strbuf_addf(out, "%s ", attribution_reason(triage->attribution));
	if (triage->component)
		add_component(out, account);
	if (triage->nevidence) {
		strbuf_addstr(out, "The first sign of it: ");
		markdown_add_text(out, triage->evidence[0].why);
		strbuf_addstr(out, ".");
	} else if (triage->likeliest) {
		strbuf_addstr(out, "uncertain: no code is to be seen that could be at fault; for a "
			      "report of this kind it is only the likeliest.");
	} else if (triage->attribution != ATTRIBUTION_UNKNOWN) {
		strbuf_addstr(out, "uncertain: it rests on where the crash happened alone, and the "
			      "fault may have been made before, elsewhere.");
	}
	strbuf_addstr(out, "\n\n");
}

void account_add_flow(struct strbuf *out, const struct account *account)
{
	const struct triage *triage = account->triage;

	strbuf_addstr(out, "## Crash Flow Reconstruction\n\n");
	narrative_add_flow(out, &account->facts);
	strbuf_addstr(out, "\n**Crash type**: ");
	narrative_add_type(out, triage, &account->facts);
	strbuf_addf(out, "\n\n**How it happened**: %s", narrative_caution(triage));
	markdown_add_text(out, triage->detail);
	strbuf_addch(out, '.');
	for (size_t i = 0; i < triage->nevidence; i++) {
		strbuf_addstr(out, i ? "; " : " What bears this out: ");
		markdown_add_text(out, triage->evidence[i].why);
	}
	strbuf_addstr(out, triage->nevidence ? ".\n\n" : " uncertain: what led up to it is not in "
		      "the report.\n\n");
}

static void add_commit(struct strbuf *out, const struct account_commit *commit)
{
	char *name = commit->request ? xstrfmt("#%s", commit->request)
				     : xstrfmt("%.12s", commit->id);

	strbuf_addstr(out, "- ");
	markdown_add_link(out, name, commit->request ? commit->request_url : commit->url);
	strbuf_addstr(out, ": ");
	markdown_add_text(out, commit->subject);
	strbuf_addstr(out, " — ");
	markdown_add_text(out, commit->why);
	if (commit->request) {
		char *id = xstrfmt("%.12s", commit->id);

		strbuf_addstr(out, " (");
		markdown_add_link(out, id, commit->url);
		strbuf_addch(out, ')');
		free(id);
	}
	strbuf_addch(out, '\n');
	free(name);
}

/* Without a repository: what the frames themselves say. */
static size_t add_told_locations(struct strbuf *out, const struct account *account)
{
	const struct facts *facts = &account->facts;
	size_t told = 0;

	for (int i = 0; i < facts->nframes && told < LOCATIONS_MAX; i++) {
		const struct crash_frame *frame = &facts->culprit->frames[i];
		char *text;

		if (!frame->file)
			continue;
		text = frame->line ? xstrfmt("%s:%d", frame->file, frame->line)
				   : xstrdup(frame->file);
		strbuf_addstr(out, "- ");
		markdown_add_code(out, text);
		strbuf_addf(out, " — frame \\#%d, %s\n", i, frame->debug == DEBUG_NONE ?
			    "as the report has it" : "by its debug symbols");
		free(text);
		told++;
	}
	return told;
}

static size_t add_found_locations(struct strbuf *out, const struct account_source *source)
{
	for (size_t i = 0; i < source->nplaces; i++) {
		char *text = place_text(&source->places[i]);

		strbuf_addstr(out, "- ");
		markdown_add_link(out, text, source->places[i].url);
		strbuf_addf(out, " — frame \\#%zu%s%s\n", source->places[i].frame,
			    source->places[i].found ? ", found by the function's name" : "",
			    source->places[i].doubt ? " (uncertain, see above)" : "");
		free(text);
	}
	return source->nplaces;
}

void account_add_related(struct strbuf *out, const struct account *account)
{
	const struct account_source *source = account->source;
	size_t told;

	strbuf_addstr(out, "## Related Code\n\n**Relevant PRs and commits**:\n\n");
	if (!source)
		strbuf_addstr(out, "- none: no history was looked at\n");
	else if (!source->ncommits && source->history_lack)
		strbuf_addstr(out, "- none was found, but not all of the history was looked at\n");
	else if (!source->ncommits)
		strbuf_addstr(out, "- none was found\n");
	else
		strbuf_addf(out, "Chosen by file and by words, up to commit %.12s. That one is "
			    "here does not mean that it has to do with the crash.\n\n",
			    source->commit);
	for (size_t i = 0; source && i < source->ncommits; i++)
		add_commit(out, &source->commits[i]);
	strbuf_addstr(out, "\n**Related code locations**:\n\n");
	told = source && source->nplaces ? add_found_locations(out, source)
					 : add_told_locations(out, account);
	strbuf_addstr(out, told ? "\n" : "- none is known\n\n");
}

/* The last lines that the process wrote. */
static void add_message(struct strbuf *out, const char *message)
{
	const char *lines[MESSAGE_LINES];
	char *text = xstrdup(message), *save = NULL;
	size_t n = 0;

	for (char *p = strtok_r(text, "\n", &save); p; p = strtok_r(NULL, "\n", &save)) {
		if (n == MESSAGE_LINES)
			memmove(lines, lines + 1, --n * sizeof(*lines));
		lines[n++] = p;
	}
	if (n) {
		strbuf_addstr(out, "\nWhat it wrote before it ended:\n\n");
		markdown_fence_begin(out, lines, n, NULL);
		for (size_t i = 0; i < n; i++)
			markdown_fence_line(out, lines[i]);
		markdown_fence_end(out, lines, n);
	}
	free(text);
}

void account_add_context(struct strbuf *out, const struct account *account)
{
	const struct trace *trace = account->trace;
	const struct account_source *source = account->source;

	strbuf_addstr(out, "## Additional Context\n\n- read from ");
	markdown_add_code(out, account->file);
	strbuf_addf(out, ", line %zu on, as format %s\n- signature: ", trace->line,
		    trace_format_name(trace->format));
	markdown_add_code(out, account->triage->signature);
	strbuf_addch(out, '\n');
	if (trace->incomplete)
		strbuf_addstr(out, "- uncertain: the report is cut off, or not all of it could be "
			      "understood\n");
	if (trace->crash->degraded) {
		strbuf_addstr(out, "- what its capture lacks: ");
		markdown_add_text(out, trace->crash->degraded);
		strbuf_addch(out, '\n');
	}
	if (source) {
		strbuf_addstr(out, "- source revision: ");
		markdown_add_text(out, source->ref ? source->ref : "none");
		strbuf_addstr(out, "; ");
		markdown_add_text(out, source->why);
		strbuf_addch(out, '\n');
	}
	for (size_t i = 0; source && i < source->nnotes; i++) {
		strbuf_addstr(out, "- ");
		markdown_add_text(out, source->notes[i]);
		strbuf_addch(out, '\n');
	}
	add_message(out, trace->crash->message);
	strbuf_addch(out, '\n');
}
