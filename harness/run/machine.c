/* SPDX-License-Identifier: Apache-2.0 */
#include "run/machine.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "base/paths.h"
#include "run/script.h"

/* FNV-1a, 64 bits: tells states of the machine apart; nobody gains from making two alike. */
#define FNV_BASIS 0xcbf29ce484222325ull
#define FNV_PRIME 0x100000001b3ull

static void digest_add(uint64_t *digest, const void *data, size_t len)
{
	const unsigned char *bytes = data;

	for (size_t i = 0; i < len; i++)
		*digest = (*digest ^ bytes[i]) * FNV_PRIME;
}

/* A directory's time changes when something is put into it or taken out. */
static void digest_add_path(uint64_t *digest, const char *path)
{
	struct stat st;

	digest_add(digest, path, strlen(path) + 1);
	if (stat(path, &st) < 0)
		return;
	digest_add(digest, &st.st_ino, sizeof(st.st_ino));
	digest_add(digest, &st.st_mtim, sizeof(st.st_mtim));
}

static void digest_add_paths(uint64_t *digest, const char *list)
{
	char *copy, *save = NULL;

	if (!list)
		return;
	copy = xstrdup(list);
	for (char *dir = strtok_r(copy, ":", &save); dir; dir = strtok_r(NULL, ":", &save))
		digest_add_path(digest, dir);
	free(copy);
}

static void digest_add_below(uint64_t *digest, const char *dir, const char *sub)
{
	char *path = xstrfmt("%s/%s", dir, sub);

	digest_add_path(digest, path);
	free(path);
}

/* What find.sh's answer hangs on. */
static uint64_t machine_digest(void)
{
	static const char *const pkgconfig[] = {
		"/usr/local/lib/pkgconfig",	    "/usr/local/share/pkgconfig",
		"/usr/lib/x86_64-linux-gnu/pkgconfig", "/usr/lib/aarch64-linux-gnu/pkgconfig",
		"/usr/lib/pkgconfig",		    "/usr/lib64/pkgconfig",
		"/usr/share/pkgconfig",
	};
	static const char *const scripts[] = {
		"lib.sh",  "lib/release.sh", "lib/probe.sh", "lib/record.sh",
		"find.sh", "pyenv.sh",	     "uv.sh",	     "system.sh",
	};
	struct strbuf path = STRBUF_INIT, ignored = STRBUF_INIT;
	const char *pyenv = getenv("PYENV_ROOT"), *uv = getenv("UV_PYTHON_INSTALL_DIR");
	uint64_t digest = FNV_BASIS;

	digest_add_paths(&digest, getenv("PATH"));
	digest_add_paths(&digest, getenv("PKG_CONFIG_PATH"));
	digest_add_paths(&digest, getenv("PKG_CONFIG_LIBDIR"));
	for (size_t i = 0; i < sizeof(pkgconfig) / sizeof(pkgconfig[0]); i++)
		digest_add_path(&digest, pkgconfig[i]);
	if (pyenv)
		digest_add_below(&digest, pyenv, "versions");
	if (uv)
		digest_add_path(&digest, uv);
	if (getenv("XDG_DATA_HOME"))
		digest_add_below(&digest, getenv("XDG_DATA_HOME"), "uv/python");
	if (paths_home(&path, &ignored) == 0) {
		digest_add_below(&digest, path.buf, ".pyenv/versions");
		digest_add_below(&digest, path.buf, ".local/share/uv/python");
	}
	strbuf_reset(&path);
	if (paths_data(&path, &ignored) == 0) {
		strbuf_addstr(&path, "/embed/interpreters");
		for (size_t i = 0; i < sizeof(scripts) / sizeof(scripts[0]); i++)
			digest_add_below(&digest, path.buf, scripts[i]);
	}
	strbuf_release(&path);
	strbuf_release(&ignored);
	return digest;
}

static void note_write(const char *path, const char *text)
{
	char *new = xstrfmt("%s.%ld", path, (long)getpid());
	int fd = open(new, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);

	/* A note that cannot be written costs the next run the same look again. */
	if (fd >= 0) {
		bool written = write(fd, text, strlen(text)) == (ssize_t)strlen(text);

		close(fd);
		if (!written || rename(new, path) < 0)
			unlink(new);
	}
	free(new);
}

void machine_look(const char *store, bool anew)
{
	struct strbuf noted = STRBUF_INIT, out = STRBUF_INIT, err = STRBUF_INIT;
	char *note = xstrfmt("%s/.machine", store);
	char text[32];

	snprintf(text, sizeof(text), "%016" PRIx64 "\n", machine_digest());
	if (!anew && strbuf_read_file(&noted, note, sizeof(text)) == 0 && !strcmp(noted.buf, text))
		goto out;
	if (paths_make_directories(store, &err) == 0 &&
	    script_run("find.sh", NULL, true, &out, &err) == 0)
		note_write(note, text);
out:
	free(note);
	strbuf_release(&noted);
	strbuf_release(&out);
	strbuf_release(&err);
}
