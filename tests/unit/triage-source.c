/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Frames with a file and a line, and versions in reports: what the command's test cannot give, for
 * pasted addresses have neither. The repository is made here, by git.
 */
#include <ftw.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/command.h"
#include "source/places.h"
#include "source/revision.h"
#include "source/source.h"
#include "tests/unit/triage.h"

static char root[] = "/tmp/forkpoint-test.XXXXXX";

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void check_path(const char *path, const char *wanted, bool sure, const char *sentence)
{
	const char *paths[] = {
		"README", "a/same.c", "b/same.c", "ddtrace/internal/_threads.cpp", "setup.py",
		"src/native/lib.rs", "src/other/lib.rs", "vendor/x/_threads.cpp",
	};
	struct tree tree = { .paths = paths, .n = sizeof(paths) / sizeof(*paths) };
	const char *doubt;

	CHECK_STR(place_by_path(&tree, path, &doubt), wanted, "%s", sentence);
	if (wanted)
		CHECK(!doubt == sure, "%s: %s", sentence, sure ? "without doubt" : "with doubt");
}

static void check_paths(void)
{
	static const char threads[] = "ddtrace/internal/_threads.cpp";

	check_path(threads, threads, true, "a path of the tree is that");
	check_path("/project/build/ddtrace/internal/_threads.cpp", threads, true,
		   "what it was built under is left out");
	check_path("../.././ddtrace/internal/_threads.cpp", threads, true, "so are steps up");
	check_path("internal/_threads.cpp", threads, false, "an end of a path is, with doubt");
	check_path("/x/internal/_threads.cpp", threads, false, "below a root as well");
	check_path("/x/native/lib.rs", "src/native/lib.rs", false, "the longest end counts");
	check_path("/elsewhere/_threads.cpp", NULL, false, "a name in another directory is none");
	check_path("lib.rs", NULL, false, "a name that two files have is none");
	check_path("same.c", NULL, false, "nor if both are as deep");
	check_path("/usr/lib/foo/setup.py", "setup.py", false, "a name at the top, with doubt");
	check_path("xinternal/y_threads.cpp", NULL, false, "parts are whole");
	check_path("", NULL, false, "nothing is nowhere");
	check_path("/", NULL, false, "nor is the root");
}

static void check_versions(void)
{
	static const struct {
		const char *text;
		size_t len;
	} versions[] = {
		{ "2.18.0", 6 }, { "2.18.0.dist-info", 6 }, { "2.18", 4 }, { "2.18.0rc1-cp312", 9 },
		{ "3.0.0.dev1/x", 10 }, { "1.0rc1.post2", 12 }, { "2", 0 }, { "2.", 0 },
		{ "x2.1", 0 }, { "", 0 }, { "2..1", 0 }, { "1.0.post", 3 },
	};

	for (size_t i = 0; i < sizeof(versions) / sizeof(*versions); i++)
		CHECK_INT(version_length(versions[i].text), versions[i].len, "the version in '%s'",
			  versions[i].text);
}

static bool make_repository(void)
{
	static const char script[] =
		"cd \"$0\" && git init -q repo && cd repo && unset GIT_DIR && "
		"export GIT_AUTHOR_NAME=n GIT_AUTHOR_EMAIL=e GIT_COMMITTER_NAME=n "
		"GIT_COMMITTER_EMAIL=e && git symbolic-ref HEAD refs/heads/main && mkdir -p pkg && "
		"seq -f 'old %g' 30 >pkg/code.c && ln -s code.c pkg/link.c && "
		"git add . && git commit -qm 'one (#7)' && "
		"git tag v1.2.3 && seq -f 'new %g' 20 >pkg/code.c && git commit -qam two && "
		"git tag 3.13.1 && git remote add origin https://github.com/python/cpython";
	char *const argv[] = { "sh", "-c", (char *)script, root, NULL };
	struct strbuf out = STRBUF_INIT, err = STRBUF_INIT;
	int status = command_run_within(60, argv[0], argv, &out, &out, &err);

	if (status)
		tap_explain("git", out.buf);
	strbuf_release(&out);
	strbuf_release(&err);
	return status == 0;
}

static struct account_source *look(const char *file, int line, struct trace_fact *facts,
				   size_t nfacts)
{
	struct crash *crash = crash_make(SIGSEGV, "f @/x/libx.so\ng @/x/libx.so\n", NULL);
	struct trace trace = { .crash = crash, .facts = facts, .nfacts = nfacts };
	struct triage *triage = triage_classify(crash, NULL);
	struct strbuf err = STRBUF_INIT;
	char *where = xstrfmt("%s/repo", root);
	struct source *source = source_open(where, &err);
	struct account_source *looked;

	crash->threads[0].frames[1].file = xstrdup(file);
	crash->threads[0].frames[1].line = line;
	if (!CHECK(source, "the repository is one"))
		exit(1);
	looked = source_look(source, &trace, triage);
	source_close(source);
	triage_free(triage);
	crash_free(crash);
	free(where);
	strbuf_release(&err);
	return looked;
}

static void check_standing(const char *function, long line, enum standing wanted)
{
	static const char text[] =
		"int first_one(int a)\n{\n\treturn second_one(a);\n}\n\n"     /* 1 to 4 */
		"static int\nsecond_one(int a,\n           int b)\n{\n"      /* 6 to 9 */
		"\tfirst_one(a);\n}\n\nDEFINE_TEST(third_one)\n{\n\t;\n}\n" /* 10 to 16 */
		"class K:\n    def fourth_one(self):\n        pass\n";          /* 17 to 19 */

	CHECK_INT(definition_stands(text, sizeof(text) - 1, line, function), wanted,
		  "does %s stand at line %ld", function, line);
}

static void check_standings(void)
{
	check_standing("first_one", 1, STANDING_HERE);
	check_standing("first_one", 3, STANDING_HERE);
	check_standing("second_one", 3, STANDING_NOT);
	check_standing("first_one", 10, STANDING_NOT);
	check_standing("second_one", 10, STANDING_HERE);
	check_standing("ns::second_one(int, int)", 10, STANDING_HERE);
	check_standing("third_one", 15, STANDING_HERE);
	check_standing("fourth_one", 19, STANDING_HERE);
	check_standing("fourth_one", 17, STANDING_NOT);
	check_standing("_one", 3, STANDING_NOT);
	check_standing("<module>", 3, STANDING_UNKNOWN);
}

static void check_lines(void)
{
	struct account_source *looked = look("/build/repo/pkg/code.c", 12, NULL, 0);
	const struct account_place *place = looked->places;

	CHECK_INT(looked->nplaces, 1, "the frame with a file has a place");
	CHECK_INT(place->frame, 1, "of its number");
	CHECK_STR(place->path, "pkg/code.c", "in its file");
	CHECK_INT(place->line, 12, "at its line");
	CHECK(!place->found && !place->doubt, "and no guess");
	CHECK_INT(place->first, 2, "ten lines before it");
	CHECK_INT(place->nlines, 19, "and those behind it that there are");
	CHECK_STR(place->lines[10], "new 12", "are the revision's");
	CHECK_STR(place->url, "https://github.com/python/cpython/blob/main/pkg/code.c#L12",
		  "with an address");
	CHECK_INT(looked->ncommits, 2, "the commits that changed it are told");
	CHECK_STR(looked->commits[1].request, "7", "with their requests");
	source_release(looked);

	looked = look("pkg/code.c", 20, NULL, 0);
	CHECK_INT(looked->places[0].nlines, 11, "a last line has none behind it");
	source_release(looked);
	looked = look("pkg/code.c", 21, NULL, 0);
	CHECK_INT(looked->places[0].nlines, 0, "a line beyond the end has no text");
	CHECK_STR(looked->places[0].doubt, "this revision of the file has no such line, so this is "
		  "not what crashed", "and that is told");
	source_release(looked);
	looked = look("pkg/code.c", INT32_MAX, NULL, 0);
	CHECK_INT(looked->places[0].nlines, 0, "nor has the largest number");
	source_release(looked);
	looked = look("pkg/link.c", 1, NULL, 0);
	CHECK_INT(looked->nplaces, 0, "a link is no source");
	source_release(looked);
	looked = look("pkg/code.c", 1, NULL, 0);
	CHECK_INT(looked->places[0].first, 1, "a first line has none before it");
	CHECK_INT(looked->places[0].nlines, 11, "and ten behind it");
	source_release(looked);
}

static void check_metadata(void)
{
	struct trace_fact tracer = { FACT_TRACER_VERSION, "v1.2.3" };
	struct trace_fact python = { FACT_PYTHON, "3.13.1" };
	struct trace_fact evil = { FACT_PYTHON, "3.13.1^{/two}" };
	struct account_source *looked = look("pkg/code.c", 25, &python, 1);

	CHECK_STR(looked->ref, "3.13.1", "CPython's own repository has CPython's version");
	source_release(looked);
	looked = look("pkg/code.c", 25, &tracer, 1);
	CHECK_STR(looked->ref, "main", "and not a tracer's");
	source_release(looked);
	looked = look("pkg/code.c", 25, &evil, 1);
	CHECK_STR(looked->ref, "main", "what is no version is not asked for");
	source_release(looked);
	if (system("cd /tmp && git -C \"$FORKPOINT_TEST_ROOT/repo\" remote set-url origin "
		   "git@github.com:o/tracer.git"))
		exit(1);
	looked = look("pkg/code.c", 25, &tracer, 1);
	CHECK_STR(looked->ref, "v1.2.3", "another repository has the tracer's");
	CHECK_STR(looked->places[0].lines[10], "old 25", "and is looked at as it was then");
	CHECK_STR(looked->why, "the tag of the version that the report's metadata have: 1.2.3",
		  "for a reason that is told");
	CHECK_INT(looked->ncommits, 1, "no commit after it is");
	source_release(looked);
}

int main(void)
{
	check_paths();
	check_versions();
	if (!mkdtemp(root) || setenv("FORKPOINT_TEST_ROOT", root, 1))
		return 1;
	if (!system("git --version >/dev/null 2>&1") && CHECK(make_repository(), "made by git")) {
		check_standings();
	check_lines();
		check_metadata();
	}
	nftw(root, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return tap_done();
}
