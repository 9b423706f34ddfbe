/* SPDX-License-Identifier: Apache-2.0 */
/* forkpoint core: what every thread of a process did, by the core file that is left of it. */
#include <stdio.h>
#include <string.h>

#include "base/errors.h"
#include "base/strbuf.h"
#include "base/text.h"
#include "cmd.h"
#include "core_reading.h"

static struct {
	bool native, python, json;
	const char *search_path, *search_root;
	struct symbols *symbols; /* NULL: none are given */
	struct substitutions substitutions;
} opt;

static const struct option_spec options[] = {
	OPT_FLAG("native", 0, &opt.native, "native frames alone, the evaluator's among them"),
	OPT_FLAG("python", 0, &opt.python, "Python frames alone"),
	OPT_FLAG("json", 0, &opt.json, "one JSON object in a line"),
	OPT_STRING("lib-search-path", 0, &opt.search_path, "DIR:DIR…",
		   "look for the process's files there, too, by name and in this order"),
	OPT_STRING("lib-search-root", 0, &opt.search_root, "DIR",
		   "look for them in it and in all below, in the order of names"),
	OPT_CUSTOM("symbols", 0, &opt.symbols, "DIR", "name the frames by debug files below this "
		   "directory; may be given several times", symbols_parse),
	OPT_CUSTOM("substitute-path", 0, &opt.substitutions, "FROM=TO", "take source files of FROM "
		   "for those of TO; may be given several times", substitutions_parse),
	OPT_END,
};

/* What a core has may be written to steer a terminal. */
static void print_clean(const char *text, size_t size)
{
	struct strbuf clean = STRBUF_INIT;

	while (size) {
		const char *end = memchr(text, '\n', size);
		size_t len = end ? (size_t)(end - text) : size;

		text_add_line(&clean, text, len);
		strbuf_addch(&clean, '\n');
		text += len + (end != NULL);
		size -= len + (end != NULL);
	}
	fputs(clean.buf, stdout);
	strbuf_release(&clean);
}

static int cmd_core(int argc, char **argv)
{
	struct strbuf err = STRBUF_INIT, out = STRBUF_INIT, notes = STRBUF_INIT;
	struct core_search search = { 0 };
	struct core_reading reading = {
		.path = argv[0], .executable = argc > 1 ? argv[1] : NULL, .search = &search,
		.symbols = opt.symbols, .substitutions = &opt.substitutions, .json = opt.json,
		.frames = opt.native ? STACKTEXT_NATIVE :
			  opt.python ? STACKTEXT_PYTHON : STACKTEXT_MERGED,
	};
	int status;

	if (opt.native && opt.python)
		die(EXIT_USAGE, "--native and --python exclude each other: without them both kinds "
		    "of frames are shown");
	if (opt.search_path)
		core_search_add_path(&search, opt.search_path);
	if (opt.search_root && core_search_add_root(&search, opt.search_root, &err) < 0)
		die(EXIT_USAGE, "--lib-search-root: %s", err.buf);
	status = core_reading_run(&reading, &out, &notes);
	print_clean(out.buf, out.len);
	fflush(stdout);
	core_reading_warn(&notes);
	core_search_release(&search);
	symbols_free(opt.symbols);
	substitutions_release(&opt.substitutions);
	strbuf_release(&notes);
	strbuf_release(&out);
	strbuf_release(&err);
	return status;
}

static const struct command_example examples[] = {
	{ "forkpoint core core.4711", "all threads, native and Python frames merged" },
	{ "forkpoint core core.4711.gz /opt/app/bin/python3",
	  "decompressed first; with the executable, where it is not where it was" },
	{ "forkpoint core core.4711 --lib-search-root ./bundle",
	  "with the libraries of another machine" },
	{ NULL, NULL },
};

const struct command core_command = {
	.name = "core",
	.synopsis = "CORE [EXE] [OPTION…]",
	.summary = "what every thread did when a core file was made",
	.description =
		"Reads a core file, as the kernel or a debugger has made it, and prints what process "
		"it was, why there is a core, and what all its threads did: native and Python "
		"frames in one, as `forkpoint stack` does for a living process.\n\n"
		"A core leaves out what is in the program's files. They are found where the process "
		"had them, or where --lib-search-path and --lib-search-root say, and used if they "
		"are of the same build; each that is missing is told, and its frames have no names "
		"then. EXE is the executable, if it is not where it was: it must be called as the "
		"process's is.\n\n"
		"With --symbols, frames that have no name or no line are looked up in debug files "
		"below a directory, by build-id or by name.\n\n"
		"A core that is compressed by gzip or zstd is decompressed by that program into a "
		"temporary file in $TMPDIR. One that is cut off gives what it has.",
	.options = options,
	.examples = examples,
	.operands_min = 1,
	.operands_max = 2,
	.run = cmd_core,
};
