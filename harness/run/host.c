/* SPDX-License-Identifier: Apache-2.0 */
#include "run/host.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/command.h"
#include "base/errors.h"
#include "base/paths.h"

/* Named as the directory of the interpreter file, which is another one for each interpreter. */
static char *host_directory(const struct interp *interp, struct strbuf *err)
{
	const char *end = strrchr(interp->file, '/'), *start = end;
	struct strbuf path = STRBUF_INIT;

	if (!end)
		bug("the interpreter file '%s' has no directory", interp->file);
	while (start > interp->file && start[-1] != '/')
		start--;
	if (paths_cache(&path, err) < 0)
		goto bad;
	strbuf_addf(&path, "/hosts/%.*s", (int)(end - start), start);
	if (paths_make_directories(path.buf, err) < 0)
		goto bad;
	return strbuf_detach(&path);
bad:
	strbuf_release(&path);
	return NULL;
}

static int lock_take(const char *directory, struct strbuf *err)
{
	char *path = xstrfmt("%s/lock", directory);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);

	if (fd < 0 || flock(fd, LOCK_EX) < 0) {
		strbuf_addf(err, "cannot lock %s: %s", path, strerror(errno));
		if (fd >= 0)
			close(fd);
		fd = -1;
	}
	free(path);
	return fd;
}

/* The last line of a compiler's complaint that has an error in it, else the last one. */
static void add_complaint(struct strbuf *err, const struct strbuf *output)
{
	const char *line = strstr(output->buf, "error"), *end;

	if (!line)
		line = output->buf;
	while (line > output->buf && line[-1] != '\n')
		line--;
	end = strchrnul(line, '\n');
	strbuf_addf(err, "%.*s", (int)(end - line > 300 ? 300 : end - line), line);
}

static int make_host(const struct interp *interp, const char *directory, struct strbuf *err)
{
	struct strbuf data = STRBUF_INIT, output = STRBUF_INIT;
	char *top = NULL, *mk = NULL, *interp_arg = NULL, *out_arg = NULL;
	int status = -1;

	if (paths_data(&data, err) < 0)
		goto out;
	mk = xstrfmt("%s/embed/host.mk", data.buf);
	top = xstrfmt("TOP=%s", data.buf);
	interp_arg = xstrfmt("INTERP=%s", interp->file);
	out_arg = xstrfmt("OUT=%s", directory);
	{
		char *argv[] = { "make", "-s", "--no-print-directory", "-f", mk, top, interp_arg,
				 out_arg, NULL };

		/* A make above us must not lend its job server or its flags. */
		unsetenv("MAKEFLAGS");
		unsetenv("MFLAGS");
		unsetenv("MAKELEVEL");
		status = command_run(argv, &output, &output, err);
	}
	if (status > 0) {
		strbuf_addf(err, "cannot build the host of %s: ", interp->name);
		add_complaint(err, &output);
		strbuf_addf(err, " (make -f %s %s %s %s shows all)", mk, top, interp_arg, out_arg);
		status = -1;
	}
out:
	free(top);
	free(mk);
	free(interp_arg);
	free(out_arg);
	strbuf_release(&data);
	strbuf_release(&output);
	return status;
}

char *host_build(const struct interp *interp, struct strbuf *err)
{
	char *directory = host_directory(interp, err), *path = NULL;
	int lock;

	if (!directory)
		return NULL;
	lock = lock_take(directory, err);
	if (lock >= 0 && make_host(interp, directory, err) == 0)
		path = xstrfmt("%s/host", directory);
	if (lock >= 0)
		close(lock);
	free(directory);
	return path;
}

bool host_exists(const struct interp *interp)
{
	struct strbuf err = STRBUF_INIT;
	char *directory = host_directory(interp, &err), *path;
	bool there;

	strbuf_release(&err);
	if (!directory)
		return false;
	path = xstrfmt("%s/host", directory);
	there = access(path, X_OK) == 0;
	free(path);
	free(directory);
	return there;
}

json_t *host_describe_at(const char *path, struct strbuf *err)
{
	struct strbuf output = STRBUF_INIT, errors = STRBUF_INIT;
	char *argv[] = { (char *)path, "--describe", NULL };
	json_error_t error;
	json_t *json = NULL;
	int status = command_run(argv, &output, &errors, err);

	if (status == 0)
		json = json_loadb(output.buf, output.len, 0, &error);
	if (status > 0 || (status == 0 && !json)) {
		strbuf_rtrim(&errors);
		strbuf_addf(err, "the host %s does not start: %s", path,
			    errors.len ? errors.buf : WIFSIGNALED(status) ?
			    strsignal(WTERMSIG(status)) : "it says nothing that can be read");
	}
	strbuf_release(&output);
	strbuf_release(&errors);
	return json;
}

json_t *host_describe(const struct interp *interp, struct strbuf *err)
{
	char *path = host_build(interp, err);
	json_t *json = path ? host_describe_at(path, err) : NULL;

	free(path);
	return json;
}
