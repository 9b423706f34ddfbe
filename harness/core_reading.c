/* SPDX-License-Identifier: Apache-2.0 */
#include "core_reading.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/apart.h"
#include "base/errors.h"
#include "explore/cpu.h"
#include "observe/core_look.h"
#include "observe/core_open.h"
#include "observe/core_text.h"
#include "observe/stacktext.h"
#include "observe/waitgraph.h"
#include "triage/crash_json.h"
#include "triage/json_text.h"
#include "triage/trace.h"

#define SCHEMA 1

/*
 * Of the process that reads: symbols and unwind tables of a program of a gigabyte take some, and
 * libdw is quick. What it tells of a million frames fits.
 */
static const struct apart_limits limits = {
	.memory = (uint64_t)6 << 30, .seconds = 120, .output = (size_t)512 << 20,
};

/* What the reading process tells: this, the notes, the output. */
struct answer {
	int status;
	size_t notes; /* bytes */
};

static void add_text(struct strbuf *out, const struct core_reading *reading,
		     const struct core_look *look)
{
	const struct crash *crash = look->crash;

	if (!reading->executable && look->executable_file)
		strbuf_addf(out, "Using executable found in the core file: %s\n\n",
			    look->executable_file);
	core_text_process(out, look->core);
	core_text_origin(out, look);
	stacktext_python(out, crash, crash->pid);
	waitgraph_tell(out, crash, crash->pid);
	for (size_t i = 0; i < crash->nthreads; i++) {
		strbuf_addch(out, '\n');
		stacktext_thread(out, &crash->threads[i], crash->pid, reading->frames);
	}
}

static void put_process(json_t *object, const struct core *core)
{
	const struct core_process *process = &core->process;
	const char state[] = { process->state, '\0' };

	if (!core->has_process)
		return;
	json_put(object, "state", json_of_text(state));
	json_put(object, "zombie", json_boolean(process->zombie));
	json_put(object, "niceness", json_integer(process->nice));
	json_put(object, "pid", json_integer(process->pid));
	json_put(object, "ppid", json_integer(process->ppid));
	json_put(object, "pgrp", json_integer(process->pgrp));
	json_put(object, "sid", json_integer(process->sid));
	json_put(object, "uid", json_integer(process->uid));
	json_put(object, "gid", json_integer(process->gid));
	json_put(object, "name", json_of_text(process->name));
	json_put(object, "arguments", json_of_text(process->args));
}

static json_t *sender_json(const struct core_signal *signal)
{
	struct strbuf command = STRBUF_INIT;
	json_t *object;

	if (!signal->sent)
		return json_null();
	core_text_command(&command, signal->pid);
	object = json_object();
	json_put(object, "pid", json_integer(signal->pid));
	json_put(object, "uid", json_integer(signal->uid));
	json_put(object, "command", command.len ? json_of_text(command.buf) : json_null());
	strbuf_release(&command);
	return object;
}

static void put_origin(json_t *object, const struct core_look *look)
{
	const struct core_signal *signal = &look->core->signal;
	bool crashed = look->crash->kind == CRASH_KIND_SIGNAL;
	struct strbuf name = STRBUF_INIT;

	core_text_signal(&name, look->crash->signo);
	json_put(object, "on_demand", json_boolean(!crashed));
	json_put(object, "signal", crashed ? json_of_text(name.buf) : json_null());
	json_put(object, "sender", crashed ? sender_json(signal) : json_null());
	json_put(object, "address", crashed && signal->fault ?
		 json_integer((json_int_t)signal->address) : json_null());
	json_put(object, "fault", crashed ? json_of_text(core_text_fault(signal)) : json_null());
	json_put(object, "access", json_of_text(look->access));
	strbuf_release(&name);
}

static void add_json(struct strbuf *out, const struct core_reading *reading,
		     const struct core_look *look)
{
	json_t *object = json_object(), *core = json_object();
	char *text;

	json_put(core, "file", json_of_text(reading->path));
	json_put(core, "executable", json_of_text(look->executable));
	json_put(core, "executable_file", json_of_text(look->executable_file));
	json_put(core, "truncated", json_boolean(look->core->wanted > look->core->size));
	put_process(core, look->core);
	put_origin(core, look);
	/* What it is, in the beginning: `triage` knows it by that. */
	json_object_set_new(object, "schema", json_integer(SCHEMA));
	json_put(object, "core", core);
	json_object_set_new(object, "command", look->core->has_process ?
			    json_of_text(look->core->process.args) : json_null());
	json_put(object, "waits",
		 json_string(wait_end_name(waitgraph_worst(look->crash, look->crash->pid))));
	crash_json_add(object, look->crash);
	text = json_dumps(object, JSON_COMPACT);
	if (!text)
		no_memory();
	strbuf_addf(out, "%s\n", text);
	free(text);
	json_decref(object);
}

/* What the instruction does at the address that was no good. */
static void find_access(struct core_look *look)
{
	const struct core_signal *signal = &look->core->signal;
	struct cpu_access accesses[CPU_ACCESSES_MAX];
	struct cpu_registers registers = { 0 };
	struct cpu_instruction instruction;
	size_t n;

	if (look->access || !look->ncode || !signal->fault || !cpu_supported())
		return;
	memcpy(registers.raw, look->core->threads[0].regs,
	       look->core->threads[0].nregs * sizeof(*registers.raw));
	cpu_decode(look->code, look->ncode, &instruction);
	n = cpu_accesses(&instruction, &registers, accesses);
	for (size_t i = 0; i < n; i++)
		if (signal->address - accesses[i].address < accesses[i].size)
			look->access = accesses[i].writes ? "to write" : "to read";
}

/* Debug files and sources that the user has. */
static void improve(const struct core_reading *reading, struct core_look *look)
{
	struct trace trace = { .format = TRACE_FORKPOINT, .crash = look->crash, .line = 1 };
	struct traces traces = { .v = &trace, .n = 1 };

	if (reading->symbols)
		symbols_improve(reading->symbols, &traces, "", 0, &look->notes);
	if (reading->substitutions)
		substitute_all(reading->substitutions, &traces);
	for (size_t i = 0; i < trace.nfacts; i++) {
		free(trace.facts[i].key);
		free(trace.facts[i].value);
	}
	free(trace.facts);
}

static void look_through(const struct core_reading *reading, const struct core *core,
			 struct answer *answer, struct strbuf *notes, struct strbuf *out)
{
	struct core_look look = { .core = core, .search = reading->search,
				  .given = reading->executable };
	struct strbuf err = STRBUF_INIT;
	int found = core_look(&look, &err);

	find_access(&look);
	improve(reading, &look);
	strbuf_addstr(notes, look.notes.buf);
	if (!reading->executable && !look.executable_file)
		strbuf_addf(notes, "the executable %s: give it as second argument\n",
			    look.executable ? "that the core file names is not here" :
					      "is not named by the core file");
	if (look.crash->degraded) {
		strbuf_addf(notes, "%s\n", look.crash->degraded);
		answer->status = EXIT_HARNESS;
	}
	if (reading->json)
		add_json(out, reading, &look);
	else
		add_text(out, reading, &look);
	if (found < 0) {
		strbuf_addf(notes, "%s\n", err.buf);
		answer->status = EXIT_HARNESS;
	}
	core_look_release(&look);
	strbuf_release(&err);
}

static void write_all(int fd, const void *bytes, size_t size)
{
	const char *p = bytes;

	while (size) {
		ssize_t n = write(fd, p, size);

		if (n <= 0)
			_exit(1);
		p += n;
		size -= (size_t)n;
	}
}

/* In a process of its own. */
static void read_core(int fd, void *data)
{
	const struct core_reading *reading = data;
	struct strbuf notes = STRBUF_INIT, out = STRBUF_INIT, err = STRBUF_INIT;
	struct answer answer = { .status = EXIT_AS_EXPECTED };
	struct core *core = core_parse(reading->input->bytes, reading->input->size, &err);

	if (core) {
		look_through(reading, core, &answer, &notes, &out);
	} else {
		strbuf_addf(&notes, "%s %s\n", reading->path, err.buf);
		answer.status = EXIT_HARNESS;
	}
	answer.notes = notes.len;
	write_all(fd, &answer, sizeof(answer));
	write_all(fd, notes.buf, notes.len);
	write_all(fd, out.buf, out.len);
	core_free(core);
	strbuf_release(&err);
	strbuf_release(&notes);
	strbuf_release(&out);
}

/* With --symbols, each debug file is read in one more process. */
static enum sandbox_kind sandbox_of(const struct core_reading *reading)
{
	enum sandbox_kind kind = reading->symbols ? SANDBOX_READ_FORK : SANDBOX_READ;
	bool other = (reading->executable && sandbox_is_other_root(reading->executable)) ||
		     (reading->symbols && symbols_other_root(reading->symbols));

	for (size_t i = 0; i < reading->search->n; i++)
		other |= sandbox_is_other_root(reading->search->v[i]);
	return kind | (other ? SANDBOX_OTHER_ROOT : 0);
}

static int read_apart(const struct core_reading *reading, struct strbuf *out, struct strbuf *notes)
{
	struct strbuf got = STRBUF_INIT, err = STRBUF_INIT;
	struct answer answer = { .status = EXIT_HARNESS };
	struct apart_limits with_sandbox = limits;

	with_sandbox.sandbox = sandbox_of(reading);
	if (apart_run(read_core, (void *)(uintptr_t)reading, &with_sandbox, &got, &err) < 0) {
		strbuf_addf(notes, "%s cannot be read: what reads it %s\n", reading->path, err.buf);
	} else if (got.len >= sizeof(answer)) {
		memcpy(&answer, got.buf, sizeof(answer));
		if (answer.notes > got.len - sizeof(answer))
			bug("the notes are longer than the answer");
		strbuf_add(notes, got.buf + sizeof(answer), answer.notes);
		strbuf_add(out, got.buf + sizeof(answer) + answer.notes,
			   got.len - sizeof(answer) - answer.notes);
	}
	strbuf_release(&got);
	strbuf_release(&err);
	return answer.status;
}

int core_reading_run(const struct core_reading *reading, struct strbuf *out, struct strbuf *notes)
{
	struct core_reading with_input = *reading;
	struct strbuf err = STRBUF_INIT;
	struct core_input input;
	int status = EXIT_HARNESS;

	if (core_open(&input, reading->path, notes, &err) < 0) {
		strbuf_addf(notes, "%s %s\n", reading->path, err.buf);
	} else {
		with_input.input = &input;
		status = read_apart(&with_input, out, notes);
	}
	core_close(&input);
	strbuf_release(&err);
	return status;
}

void core_reading_warn(const struct strbuf *notes)
{
	const char *text = notes->buf, *end = notes->buf + notes->len;

	while (text < end) {
		const char *stop = memchr(text, '\n', (size_t)(end - text));
		int len = (int)((stop ? stop : end) - text);

		if (len)
			warning("%.*s", len, text);
		text += len + 1;
	}
}

int core_reading_report(const char *path, struct symbols *symbols,
			const struct substitutions *substitutions, struct strbuf *report)
{
	struct core_search search = { 0 };
	struct core_reading reading = {
		.path = path, .search = &search, .json = true,
		.symbols = symbols, .substitutions = substitutions,
	};
	struct strbuf notes = STRBUF_INIT;

	core_reading_run(&reading, report, &notes);
	core_reading_warn(&notes);
	strbuf_release(&notes);
	return report->len ? 0 : -1;
}
