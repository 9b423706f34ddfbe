/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A user of the library, in what C and C++ have in common: the reports of files as lines of JSON.
 *
 *	classify [--markdown] [--rules FILE] [--threads N] [--confined] FILE…
 *
 * With --threads, that many do the same at once, on texts of their own and on reports that they
 * share, and must agree. With --confined, the kernel kills the process if the library asks it for
 * anything but memory; 77: there is no such kernel.
 */
#include <forkpoint-triage.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "confine.h"

#define FILES_MAX 1000
#define THREADS_MAX 16

struct file {
	const char *name;
	char *text;
	size_t size;
	struct fpt_reports *reports;
};

static struct file files[FILES_MAX];
static size_t nfiles;
static struct file rules;
static bool markdown;

static void need(bool good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "classify: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void file_read(struct file *file, const char *name)
{
	FILE *stream = fopen(name, "rb");
	long size;

	need(stream && !fseek(stream, 0, SEEK_END) && (size = ftell(stream)) >= 0, name);
	rewind(stream);
	file->name = name;
	file->size = (size_t)size;
	file->text = (char *)malloc(file->size + 1);
	need(file->text && fread(file->text, 1, file->size, stream) == file->size, name);
	fclose(stream);
}

static struct fpt_reports *reports_of(const struct file *file)
{
	struct fpt_settings settings;
	struct fpt_reports *reports;
	char *why;

	memset(&settings, 0, sizeof(settings));
	settings.file = file->name;
	settings.rules = rules.text;
	settings.rules_size = rules.size;
	settings.rules_name = rules.name;
	if (fpt_read(file->text, file->size, &settings, &reports, &why) == FPT_OK)
		return reports;
	fprintf(stderr, "classify: %s\n", why ? why : "no memory");
	exit(2);
}

static char *told(const struct fpt_reports *reports, size_t i)
{
	char *text;

	need((markdown ? fpt_markdown(reports, i, "2026-01-02T03:04:05Z", &text)
		       : fpt_json(reports, i, &text)) == FPT_OK, "a report");
	return text;
}

static void reports_tell(const struct fpt_reports *reports)
{
	for (size_t i = 0; i < fpt_count(reports); i++) {
		char *text = told(reports, i);

		puts(text);
		free(text);
	}
}

/* Reports of its own, against those that all threads share. NULL: they are the same. */
static void *agree(void *unused)
{
	for (size_t i = 0; i < nfiles; i++) {
		struct fpt_reports *own = reports_of(&files[i]);

		if (fpt_count(own) != fpt_count(files[i].reports))
			return (void *)files[i].name;
		for (size_t k = 0; k < fpt_count(own); k++) {
			char *a = told(own, k), *b = told(files[i].reports, k);
			bool same = !strcmp(a, b);

			free(a);
			free(b);
			if (!same)
				return (void *)files[i].name;
		}
		fpt_free(own);
	}
	return unused;
}

static void run_threads(unsigned long n)
{
	pthread_t threads[THREADS_MAX];
	void *which;

	need(n <= THREADS_MAX, "too many threads");
	for (unsigned long i = 0; i < n; i++)
		need(!pthread_create(&threads[i], NULL, agree, NULL), "a thread");
	for (unsigned long i = 0; i < n; i++) {
		need(!pthread_join(threads[i], &which), "a thread");
		if (!which)
			continue;
		fprintf(stderr, "classify: threads differ on %s\n", (const char *)which);
		exit(1);
	}
}

int main(int argc, char **argv)
{
	unsigned long threads = 0;
	bool confined = false;

	for (int i = 1; i < argc; i++) {
		if (!strcmp(argv[i], "--markdown"))
			markdown = true;
		else if (!strcmp(argv[i], "--rules") && i + 1 < argc)
			file_read(&rules, argv[++i]);
		else if (!strcmp(argv[i], "--threads") && i + 1 < argc)
			threads = strtoul(argv[++i], NULL, 10);
		else if (!strcmp(argv[i], "--confined"))
			confined = true;
		else if (nfiles < FILES_MAX)
			file_read(&files[nfiles++], argv[i]);
	}
	if (confined && !confine())
		return 77;
	for (size_t i = 0; i < nfiles; i++) {
		files[i].reports = reports_of(&files[i]);
		reports_tell(files[i].reports);
	}
	fflush(stdout);
	run_threads(threads);
	for (size_t i = 0; i < nfiles; i++)
		fpt_free(files[i].reports);
	return 0;
}
