/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of interpreters and the specs that name them, on trees of files that look like a Python
 * to who only looks: headers, a libpython with an ELF header, a standard library of two files.
 */
#include "run/interp.h"

#include <elf.h>
#include <ftw.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/paths.h"
#include "tap.h"

static char root[] = "/tmp/forkpoint-test.XXXXXX";

static void put(const char *text, size_t len, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void put(const char *text, size_t len, const char *fmt, ...)
{
	struct strbuf path = STRBUF_INIT, err = STRBUF_INIT;
	va_list ap;
	char *slash;
	FILE *file;

	va_start(ap, fmt);
	strbuf_vaddf(&path, fmt, ap);
	va_end(ap);
	slash = strrchr(path.buf, '/');
	*slash = '\0';
	if (paths_make_directories(path.buf, &err) < 0)
		die(EXIT_HARNESS, "%s", err.buf);
	*slash = '/';
	file = fopen(path.buf, "w");
	if (!file || fwrite(text, 1, len, file) != len || fclose(file) != 0)
		die(EXIT_HARNESS, "cannot write '%s'", path.buf);
	strbuf_release(&path);
	strbuf_release(&err);
}

static void put_text(const char *text, const char *path)
{
	put(text, strlen(text), "%s", path);
}

/* A Python of a release in a prefix; `suffix` as its directories have it. */
static void put_python(const char *prefix, const char *release, const char *suffix)
{
	Elf64_Ehdr elf = { .e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64 } };
	char line[16], *text;

	snprintf(line, sizeof(line), "%.4s", release);
	text = xstrfmt("#define PY_VERSION      \"%s\"\n", release);
	put(text, strlen(text), "%s/include/python%s%s/patchlevel.h", prefix, line, suffix);
	put("", 0, "%s/include/python%s%s/Python.h", prefix, line, suffix);
	free(text);
	text = xstrfmt("%s\n", *suffix == 'd' ? "#define Py_DEBUG 1"
		       : *suffix == 't' ? "#define Py_GIL_DISABLED 1" : "/* neither */");
	put(text, strlen(text), "%s/include/python%s%s/pyconfig.h", prefix, line, suffix);
	free(text);
	put((const char *)&elf, sizeof(elf), "%s/lib/libpython%s%s.so.1.0", prefix, line, suffix);
	put("", 0, "%s/lib/python%s%s/os.py", prefix, line, *suffix == 't' ? "t" : "");
	put("", 0, "%s/lib/python%s%s/encodings/__init__.py", prefix, line,
	    *suffix == 't' ? "t" : "");
}

static char *below(const char *fmt, const char *name)
{
	char *tail = xstrfmt(fmt, name), *path = xstrfmt("%s/%s", root, tail);

	free(tail);
	return path;
}

/* An interpreter as if fetched from a source: prefix and file in the store. */
static void put_fetched(const char *release, const char *suffix, const char *source)
{
	char *dir = xstrfmt("%s/cache/interpreters/%s%s-%s", root, release, suffix, source);
	char *file = xstrfmt("%s/interp", dir), *text;

	put_python(dir, release, suffix);
	text = xstrfmt("release=%s\nflavour=%s\nsource=%s\nprefix=%s\nhome=%s\n"
		       "include=%s/include/python%.4s%s\nlib=%s/lib/libpython%.4s%s.so.1.0\n"
		       "lib_size=%zu\n", release,
		       *suffix == 'd' ? "debug" : *suffix == 't' ? "free-threaded" : "release",
		       source, dir, dir, dir, release, suffix, dir, release, suffix,
		       sizeof(Elf64_Ehdr));
	put_text(text, file);
	free(text);
	free(file);
	free(dir);
}

static void load(struct interp_list *list)
{
	struct strbuf err = STRBUF_INIT;

	CHECK_INT(interp_list_load(list, &err), 0, "the list is loaded");
	strbuf_release(&err);
}

static void check_found(struct interp_list *list, const char *spec, const char *name,
			const char *source)
{
	struct strbuf err = STRBUF_INIT;
	const struct interp *found = interp_find(list, spec, &err);

	CHECK_STR(found ? found->name : err.buf, name, "%s is %s", spec, name);
	CHECK_STR(found ? found->source : "", source, "… from %s", source);
	strbuf_release(&err);
}

static void check_refused(struct interp_list *list, const char *spec, const char *part)
{
	struct strbuf err = STRBUF_INIT;
	const struct interp *found = interp_find(list, spec, &err);

	if (!CHECK(!found && strstr(err.buf, part), "%s is refused with '%s'", spec, part))
		tap_explain("said", err.buf);
	strbuf_release(&err);
}

static void check_list(void)
{
	struct interp_list list;
	const struct interp **defaults;
	static const char *const wanted[] = { "3.12.1", "3.13.2", "3.13.18", "3.16.0b1" };
	size_t n;

	load(&list);
	n = interp_defaults(&list, &defaults);
	CHECK_INT(n, sizeof(wanted) / sizeof(wanted[0]),
		  "by default one interpreter of each release runs, from 3.12 on, no debug builds");
	for (size_t i = 0; i < n && i < sizeof(wanted) / sizeof(wanted[0]); i++)
		CHECK_STR(defaults[i]->name, wanted[i], "%s is one of them, in order", wanted[i]);
	if (n > 1)
		CHECK_STR(defaults[1]->source, "debian-sid", "Debian goes before Maven");
	free(defaults);

	check_found(&list, "3.13", "3.13.18", "debian-sid");
	check_found(&list, "3.13d", "3.13.18d", "debian-sid");
	check_found(&list, "3.13t", "3.13.2t", "uv-install");
	check_found(&list, "3.13.2", "3.13.2", "debian-sid");
	check_found(&list, "3.13.3+", "3.13.18", "debian-sid");
	check_found(&list, "3.16", "3.16.0b1", "maven");
	check_refused(&list, "3.13.3", "forkpoint pythons fetch 3.13.3");
	check_refused(&list, "3.13.18+d", "names no interpreter");
	check_refused(&list, "3.12d", "3.12.1, 3.13.2");
	check_refused(&list, "three", "names no interpreter");
	check_refused(&list, "/nowhere", "cannot look into '/nowhere'");
	interp_list_release(&list);
}

static void check_paths(void)
{
	struct interp_list list;
	const struct interp *first, *again;
	struct strbuf err = STRBUF_INIT;
	char *prefix = below("%s", "my own"), *old = below("%s", "old");

	load(&list);
	put_python(prefix, "3.17.0", "");
	put_python(old, "3.11.9", "");
	first = interp_find(&list, "3.12.1", &err);
	check_found(&list, prefix, "3.17.0", "prefix");
	again = interp_find(&list, "3.12.1", &err);
	CHECK(first && first == again, "what was found stays where it is when a path is added");
	check_refused(&list, old, "3.12 or later");
	check_refused(&list, root, "no headers in");
	interp_list_release(&list);
	load(&list);
	check_refused(&list, "3.17", "is not here");
	interp_list_release(&list);
	strbuf_release(&err);
	free(prefix);
	free(old);
}

#define SID "cache/interpreters/3.13.18-debian-sid"

/* The file that is missing is named, not one that is there. */
static void check_lacking(const char *file)
{
	char *path = below(SID "/lib/python3.13/%s", file);
	char *sentence = xstrfmt("/" SID "': lib/python3.13/%s is missing", file);
	struct interp_list list;

	unlink(path);
	load(&list);
	check_refused(&list, "3.13.18", sentence);
	interp_list_release(&list);
	put_fetched("3.13.18", "", "debian-sid");
	free(sentence);
	free(path);
}

static void check_damage(void)
{
	struct interp_list list;
	size_t before;

	load(&list);
	before = list.n;
	interp_list_release(&list);

	put("\177ELF", 4, "%s/" SID "/lib/libpython3.13.so.1.0", root);
	load(&list);
	CHECK_INT(list.n, before - 1, "an interpreter with a truncated libpython is not used");
	CHECK_INT(list.nbroken, 1, "… but told");
	check_refused(&list, "3.13.18", "is cut short; type: forkpoint pythons fetch 3.13.18");
	check_found(&list, "3.13", "3.13.2", "debian-sid");
	interp_list_release(&list);
	put_fetched("3.13.18", "", "debian-sid");

	put("xyz", 3, "%s/" SID "/include/python3.13/patchlevel.h", root);
	load(&list);
	check_refused(&list, "3.13.18", "headers");
	interp_list_release(&list);
	put_fetched("3.13.18", "", "debian-sid");

	check_lacking("os.py");
	check_lacking("encodings/__init__.py");

	put("release=3.13\n", 13, "%s/cache/interpreters/junk-maven/interp", root);
	put("", 0, "%s/cache/interpreters/.tmp.debian.1/root/interp", root);
	load(&list);
	CHECK_INT(list.n, before, "what is no interpreter, and a fetch under way, is passed over");
	interp_list_release(&list);
}

/* What pyenv had and has no more is nobody's loss, and no message's subject. */
static void check_vanished(void)
{
	char *file = below("cache/interpreters/%s/interp", "3.12.9-pyenv");
	struct interp_list list;

	put_text("release=3.12.9\nflavour=release\nsource=pyenv\nprefix=/nowhere\nhome=/nowhere\n"
		 "include=/nowhere/include\nlib=/nowhere/libpython3.12.so.1.0\n", file);
	load(&list);
	CHECK_INT(list.nbroken, 0, "an interpreter of the machine's that is gone is no fault");
	check_refused(&list, "3.12.9", "is not here");
	interp_list_release(&list);
	free(file);
}

/* find.sh runs when a variable or directory has changed, so a new pyenv version is seen at once. */
static void check_machine(void)
{
	char *version = below("pyenv/versions/%s", "3.14.2");
	struct interp_list list;

	put_python(version, "3.14.2", "");
	load(&list);
	check_found(&list, "3.14.2", "3.14.2", "pyenv");
	interp_list_release(&list);
	free(version);
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int main(void)
{
	char *cache, *config, *pyenv;

	if (!mkdtemp(root))
		die(EXIT_HARNESS, "cannot make a directory in /tmp");
	cache = below("%s", "cache");
	config = below("%s", "config");
	pyenv = below("%s", "pyenv");
	setenv("FORKPOINT_CACHE", cache, 1);
	setenv("XDG_CONFIG_HOME", config, 1);
	setenv("HOME", root, 1);
	setenv("PYENV_ROOT", pyenv, 1);
	setenv("PATH", "/usr/bin:/bin", 1);
	setenv("PKG_CONFIG_LIBDIR", root, 1);
	setenv("FORKPOINT_DATA", ".", 0);

	put_fetched("3.13.18", "", "debian-sid");
	put_fetched("3.13.18", "d", "debian-sid");
	put_fetched("3.13.2", "", "maven");
	put_fetched("3.13.2", "", "debian-sid");
	put_fetched("3.13.2", "t", "uv-install");
	put_fetched("3.16.0b1", "", "maven");
	put_fetched("3.12.1", "", "maven");
	put_fetched("3.11.4", "", "maven");
	check_list();
	check_paths();
	check_damage();
	check_vanished();
	check_machine();

	nftw(root, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
	free(cache);
	free(config);
	free(pyenv);
	return tap_done();
}
