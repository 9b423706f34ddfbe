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

#include "base/clock.h"
#include "base/command.h"
#include "base/cpus.h"
#include "base/errors.h"
#include "base/paths.h"
#include "embed/subject.h"
#include "base/signals.h"

/*
 * Named as the directory of the interpreter file, which is another one for each interpreter, and
 * by the sources: two checkouts must not build over each other's hosts.
 */
static char *host_directory(const struct interp *interp, struct strbuf *err)
{
	const char *end = strrchr(interp->file, '/'), *start = end;
	struct strbuf path = STRBUF_INIT, data = STRBUF_INIT;

	if (!end)
		bug("the interpreter file '%s' has no directory", interp->file);
	while (start > interp->file && start[-1] != '/')
		start--;
	if (paths_data(&data, err) < 0 || paths_cache(&path, err) < 0)
		goto bad;
	strbuf_addf(&path, "/hosts/%.*s-%08x", (int)(end - start), start,
		    control_name_hash(data.buf));
	if (paths_make_directories(path.buf, err) < 0)
		goto bad;
	strbuf_release(&data);
	return strbuf_detach(&path);
bad:
	strbuf_release(&data);
	strbuf_release(&path);
	return NULL;
}

/* Between two looks at a lock that another forkpoint holds while it compiles. */
#define LOCK_LOOK_NS (50 * NSEC_PER_MSEC)

static int lock_take(const char *directory, struct strbuf *err)
{
	char *path = xstrfmt("%s/lock", directory);
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666), error = fd < 0 ? errno : 0;

	/* Not waited for in flock(): then we could not be interrupted. */
	while (!error && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		error = errno == EWOULDBLOCK || errno == EINTR ? 0 : errno;
		if (signals_interrupted())
			error = EINTR;
		if (!error)
			signals_poll(NULL, 0, LOCK_LOOK_NS);
	}
	if (error) {
		strbuf_addf(err, "cannot lock %s: %s: FORKPOINT_CACHE names another place to "
			    "build hosts in", path, strerror(error));
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

static int make_host(const struct interp *interp, const char *directory, unsigned int compilers,
		     struct strbuf *err)
{
	struct strbuf data = STRBUF_INIT, output = STRBUF_INIT;
	char *top = NULL, *mk = NULL, *interp_arg = NULL, *out_arg = NULL, *jobs = NULL;
	int status = -1;

	if (paths_data(&data, err) < 0)
		goto out;
	mk = xstrfmt("%s/embed/host.mk", data.buf);
	top = xstrfmt("TOP=%s", data.buf);
	interp_arg = xstrfmt("INTERP=%s", interp->file);
	out_arg = xstrfmt("OUT=%s", directory);
	jobs = xstrfmt("-j%u", compilers);
	{
		char *argv[] = { "make", "-s", "--no-print-directory", jobs, "-f", mk, top,
				 interp_arg, out_arg, NULL };

		/* A make above us must not lend its job server or its flags. */
		unsetenv("MAKEFLAGS");
		unsetenv("MFLAGS");
		unsetenv("MAKELEVEL");
		status = command_run(argv, &output, &output, err);
	}
	if (status < 0)
		strbuf_addstr(err, " (hosts are built by make and a C and C++ compiler; forkpoint "
			      "doctor tells what is missing here)");
	if (status > 0) {
		strbuf_addf(err, "cannot build the host of %s: ", interp->name);
		add_complaint(err, &output);
		strbuf_addf(err, " (forkpoint doctor tells what is missing here, make -f %s %s %s "
			    "%s shows all)", mk, top, interp_arg, out_arg);
		status = -1;
	}
out:
	free(top);
	free(mk);
	free(interp_arg);
	free(out_arg);
	free(jobs);
	strbuf_release(&data);
	strbuf_release(&output);
	return status;
}

char *host_path(const struct interp *interp, struct strbuf *err)
{
	char *directory = host_directory(interp, err);
	char *path = directory ? xstrfmt("%s/host", directory) : NULL;

	free(directory);
	return path;
}

char *host_build(const struct interp *interp, unsigned int compilers, struct strbuf *err)
{
	char *directory = host_directory(interp, err), *path = NULL;
	int lock;

	if (!directory)
		return NULL;
	lock = lock_take(directory, err);
	if (lock >= 0 && make_host(interp, directory, compilers, err) == 0)
		path = xstrfmt("%s/host", directory);
	if (lock >= 0)
		close(lock);
	free(directory);
	return path;
}

bool host_exists(const struct interp *interp)
{
	struct strbuf err = STRBUF_INIT;
	char *path = host_path(interp, &err);
	bool there = path && access(path, X_OK) == 0;

	strbuf_release(&err);
	free(path);
	return there;
}

/* What a program that failed said last, or else how it ended. */
static void add_last_words(struct strbuf *err, struct strbuf *errors, int status)
{
	char *line;

	strbuf_rtrim(errors);
	line = errors->len ? strrchr(errors->buf, '\n') : NULL;
	line = line ? line + 1 : errors->buf;
	if (errors->len)
		strbuf_addf(err, "%.300s", line);
	if (errors->len && WIFSIGNALED(status))
		strbuf_addstr(err, ", ");
	if (WIFSIGNALED(status))
		strbuf_addf(err, "it died of %s", strsignal(WTERMSIG(status)));
	else if (!errors->len)
		strbuf_addf(err, "it ended with status %d and without a word", WEXITSTATUS(status));
}

/* A start takes 20 to 60 ms, ten times that on a machine under load; who takes longer hangs. */
#define HOST_SECONDS 30

/* Run the host in one of its modes. 0, or -1 and a sentence. */
static int host_run(char *const argv[], const char *remedy, struct strbuf *output,
		    struct strbuf *err)
{
	struct strbuf errors = STRBUF_INIT, why = STRBUF_INIT;
	int status = command_run_within(HOST_SECONDS, argv[0], argv, output, &errors, &why);

	if (status > 0)
		add_last_words(&why, &errors, status);
	if (status)
		strbuf_addf(err, "the host %s does not start: %s: %s", argv[0], why.buf, remedy);
	strbuf_release(&errors);
	strbuf_release(&why);
	return status ? -1 : 0;
}

int host_try_at(const char *path, const char *home, struct strbuf *err)
{
	struct strbuf output = STRBUF_INIT;
	char *argv[] = { (char *)path, "--init-only", NULL, NULL, NULL };
	char *remedy;
	int ret;

	if (home) {
		argv[2] = "--home";
		argv[3] = (char *)home;
	}
	remedy = xstrfmt("see that %s has its standard library (forkpoint pythons), or remove the "
			 "host to have it built again", home ? home : "the interpreter");
	ret = host_run(argv, remedy, &output, err);
	free(remedy);
	strbuf_release(&output);
	return ret;
}

json_t *host_describe_at(const char *path, struct strbuf *err)
{
	static const char remedy[] = "remove it to have it built again";
	struct strbuf output = STRBUF_INIT;
	char *argv[] = { (char *)path, "--describe", NULL };
	json_error_t error;
	json_t *json = NULL;

	if (host_run(argv, remedy, &output, err) == 0) {
		json = json_loadb(output.buf, output.len, 0, &error);
		if (!json)
			strbuf_addf(err, "%s is no host, what it says of itself cannot be read: %s",
				    path, remedy);
	}
	strbuf_release(&output);
	return json;
}

json_t *host_describe(const struct interp *interp, struct strbuf *err)
{
	char *path = host_build(interp, cpus_online(), err);
	json_t *json = path ? host_describe_at(path, err) : NULL;

	free(path);
	return json;
}
