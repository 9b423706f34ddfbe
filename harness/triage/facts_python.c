/* SPDX-License-Identifier: Apache-2.0 */
/* Whose fault it is by Python code: where its files lie, and what it was about to do. */
#include <string.h>

#include "triage/facts.h"

static bool begins_with(const char *text, const char *prefix)
{
	return !strncmp(text, prefix, strlen(prefix));
}

/* py-spy and some logs leave out the directory in which modules are looked for. */
static bool is_short(const char *file)
{
	return *file != '/' && *file != '.' && *file != '<' && !strchr(file, ':') &&
	       !strchr(file, '\\');
}

/* Modules of the standard library that stand on the stacks of threads that wait or start. */
static const char *const library_modules[] = {
	"threading.py", "queue.py", "selectors.py", "socket.py", "socketserver.py", "ssl.py",
	"subprocess.py", "runpy.py", "codecs.py", "copy.py", "enum.py", "functools.py",
	"contextlib.py", "inspect.py", "pickle.py", "random.py", "sched.py", "shutil.py",
	"signal.py", "tempfile.py", "traceback.py", "typing.py", "warnings.py", "weakref.py",
	"_weakrefset.py", "asyncio/", "collections/", "concurrent/", "ctypes/", "email/",
	"encodings/", "http/", "importlib/", "json/", "logging/", "multiprocessing/", "re/",
	"sqlite3/", "unittest/", "urllib/", "xml/", NULL,
};

static bool in_short_library(const char *file)
{
	for (size_t i = 0; library_modules[i]; i++)
		if (begins_with(file, library_modules[i]))
			return true;
	return false;
}

static bool in_packages(const char *file)
{
	return strstr(file, "site-packages") || strstr(file, "dist-packages");
}

static bool in_library(const char *file)
{
	static const char *const places[] = {
		"/lib/python", "/lib64/python", "/cpython/Lib/", "\\Lib\\", "\\lib\\", "<frozen ",
		NULL,
	};

	if (!file || in_packages(file))
		return false;
	if (is_short(file))
		return in_short_library(file);
	for (size_t i = 0; places[i]; i++)
		if (strstr(file, places[i]))
			return true;
	return false;
}

static bool in_package(const char *file)
{
	return file && (in_packages(file) ||
			(is_short(file) && strchr(file, '/') && !in_short_library(file)));
}

/* dd-trace-py is seen as one component, whichever language a part of it is written in. */
enum attribution python_owner(const struct facts *facts)
{
	for (int i = 0; i < facts->nframes; i++) {
		const struct crash_frame *frame = &facts->culprit->frames[i];

		if (!frame->python || !frame->file || in_library(frame->file))
			continue;
		if (!in_package(frame->file))
			break;
		return strstr(frame->file, "-packages/ddtrace/") ? ATTRIBUTION_EXTENSION :
								   ATTRIBUTION_THIRD_PARTY;
	}
	return facts->nframes ? ATTRIBUTION_APPLICATION : ATTRIBUTION_UNKNOWN;
}

/* Whose code a thread that threading started runs; UNKNOWN: it shows none but the library's. */
static enum attribution target_owner(const struct crash_thread *thread)
{
	enum attribution owner = ATTRIBUTION_UNKNOWN;
	bool started = false;

	for (size_t i = 0; i < thread->nframes; i++) {
		const struct crash_frame *frame = &thread->frames[i];

		if (!frame->python)
			continue;
		started |= frame->function && !strcmp(frame->function, "_bootstrap");
		if (!in_library(frame->file))
			owner = in_package(frame->file) ? ATTRIBUTION_THIRD_PARTY :
							  ATTRIBUTION_APPLICATION;
	}
	return started ? owner : ATTRIBUTION_UNKNOWN;
}

enum attribution stream_owner(const struct facts *facts)
{
	for (size_t i = 0; i < facts->crash->nthreads; i++) {
		enum attribution owner = target_owner(&facts->crash->threads[i]);

		if (owner != ATTRIBUTION_UNKNOWN)
			return owner;
	}
	return ATTRIBUTION_INTERACTION;
}

/* A module's own initialisation runs below this. */
static bool is_loading(const struct crash_frame *frame)
{
	static const char *const loads[] = {
		"_call_with_frames_removed", "create_module", "exec_module", "load_dynamic", NULL,
	};

	for (size_t i = 0; frame->function && loads[i]; i++)
		if (!strcmp(frame->function, loads[i]))
			return true;
	return false;
}

enum attribution python_crash_owner(const struct facts *facts)
{
	const struct crash_frame *frame = &facts->culprit->frames[0];
	const char *file = frame->file;

	if (file && strstr(file, "/ctypes/"))
		return ATTRIBUTION_APPLICATION;
	if (is_loading(frame))
		return ATTRIBUTION_EXTENSION;
	if (in_library(file))
		return ATTRIBUTION_CPYTHON;
	for (int i = 0; i < facts->nframes; i++)
		if (in_package(facts->culprit->frames[i].file))
			return ATTRIBUTION_EXTENSION;
	return strstr(facts->crash->message, "Extension modules: ") ? ATTRIBUTION_EXTENSION :
								      ATTRIBUTION_UNKNOWN;
}

bool thread_is_python_child(const struct crash_thread *thread)
{
	bool began = false;

	for (size_t i = 0; i < thread->nframes; i++) {
		const struct crash_frame *frame = &thread->frames[i];

		if (!frame->python || !frame->function)
			continue;
		if (!strcmp(frame->function, "_bootstrap"))
			began = true;
		if (began && !strcmp(frame->function, "_launch"))
			return frame->file && strstr(frame->file, "popen_fork");
		if (!strcmp(frame->function, "_after_fork") ||
		    !strcmp(frame->function, "_run_after_forkers"))
			return true;
	}
	return false;
}
