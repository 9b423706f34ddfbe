/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "triage/crashtracker.h"
#include "triage/crashtracker_json.h"
#include "triage/mapped.h"

/* 0: it is none that any system has. */
static int json_signal(const json_t *number)
{
	int signo = json_int(number);

	return signo > 0 && signo < 128 ? signo : 0;
}

static void read_signal(struct trace *trace, const json_t *info)
{
	struct crash *crash = trace->crash;
	const json_t *addr = json_object_get(info, "si_addr");
	struct piece code = json_piece(json_object_get(info, "si_code_human_readable"));

	if (!info)
		return;
	crash->signo = signal_number(json_piece(json_object_get(info, "si_signo_human_readable")));
	if (!crash->signo)
		crash->signo = signal_number(json_piece(json_object_get(info, "signame")));
	if (!crash->signo)
		crash->signo = json_signal(json_object_get(info, "si_signo"));
	if (!crash->signo)
		crash->signo = json_signal(json_object_get(info, "signum"));
	if (!crashtracker_code(code, &crash->code))
		crash->code = json_int(json_object_get(info, "si_code"));
	if (!addr)
		addr = json_object_get(info, "faulting_address");
	crash->has_addr = json_number(addr, &crash->addr);
}

static void thread_named(struct crash_thread *thread, const json_t *name)
{
	struct piece text = json_piece(name);

	if (thread && !thread->name && text.len)
		thread->name = piece_copy(text);
}

/* One of "threads", or of the older "additional_stacktraces". */
static void read_thread(struct trace *trace, const json_t *name, const json_t *stack, bool crashed)
{
	struct crash_thread *thread;

	/* The one that crashed is told at length already. */
	if (crashed && trace->crash->nthreads && trace->crash->threads[0].culprit) {
		thread_named(&trace->crash->threads[0], name);
		return;
	}
	thread = trace_add_thread(trace);
	if (!thread)
		return;
	thread->culprit = crashed;
	thread_named(thread, name);
	crashtracker_json_stack(trace, thread, stack);
}

static void read_threads(struct trace *trace, const json_t *threads)
{
	const json_t *thread;
	size_t i;

	if (json_is_object(threads)) {
		trace->incomplete |= json_is_true(json_object_get(threads, "incomplete"));
		threads = json_object_get(threads, "threads");
	}
	json_array_foreach(threads, i, thread)
		read_thread(trace, json_object_get(thread, "name"),
			    json_object_get(thread, "stack"),
			    json_is_true(json_object_get(thread, "crashed")));
}

/* The stack of the thread that crashed, wherever a version has it. */
static void read_stack(struct trace *trace, const json_t *report, const json_t *const *wrappers,
		       size_t n)
{
	const json_t *error = json_object_get(report, "error");
	struct crash_thread *thread = trace_add_thread(trace);
	bool found = crashtracker_json_stack(trace, thread, json_object_get(error, "stack")) ||
		     crashtracker_json_stack(trace, thread, json_object_get(report, "stacktrace"));

	while (!found && n-- > 0)
		found = crashtracker_json_stack(trace, thread,
						json_object_get(wrappers[n], "stack_trace"));
	if (!found) {
		trace->crash->nthreads--; /* it has nothing yet */
		return;
	}
	thread->culprit = true;
	thread_named(thread, json_object_get(error, "thread_name"));
}

/* The Python stack of the same thread, which versions from 1.2 on may have. */
static void read_runtime_stack(struct trace *trace, const json_t *stack)
{
	struct crash_thread *thread;

	if (!json_has(stack, "frames"))
		return;
	thread = trace_add_thread(trace);
	if (!thread)
		return;
	thread->role = xstrdup("Python stack");
	crashtracker_json_stack(trace, thread, stack);
	for (size_t i = 0; i < thread->nframes; i++)
		thread->frames[i].python = true;
}

static void add_maps_line(struct mapped *mapped, struct strbuf *text, struct piece line)
{
	char *copy = piece_copy(line);

	mapped_add_line(mapped, line);
	strbuf_addf(text, "%s\n", copy);
	free(copy);
}

/* An array of lines, or one string. */
static void read_maps(struct trace *trace, const json_t *maps)
{
	struct strbuf text = STRBUF_INIT;
	struct mapped mapped = { .n = 0 };
	struct lines lines;
	const json_t *line;
	size_t i;

	json_array_foreach(maps, i, line)
		add_maps_line(&mapped, &text, json_piece(line));
	if (json_piece(maps).len)
		for (lines_begin(&lines, json_piece(maps).s, json_piece(maps).len); lines.line.s;
		     lines_next(&lines))
			add_maps_line(&mapped, &text, lines.line);
	mapped_resolve(&mapped, trace->crash);
	mapped_release(&mapped);
	if (text.len)
		trace->crash->maps = strbuf_detach(&text);
}

static void read_error(struct trace *trace, const json_t *error)
{
	struct crash *crash = trace->crash;
	struct piece kind = json_piece(json_object_get(error, "kind"));
	struct piece message = json_piece(json_object_get(error, "message"));

	if (!kind.len)
		kind = json_piece(json_object_get(error, "type"));
	if (message.len)
		crashtracker_read_reason(trace, message);
	if (!crash->signo)
		crash->signo = signal_number(kind);
	if (kind.len && !piece_is(kind, "UnixSignal") && !signal_number(kind))
		crash->finding = piece_copy(kind);
	if (crash->finding && !crash->signo)
		crash->kind = CRASH_KIND_FINDING;
}

/* Log events have an "error" with a "stack", too, when nothing but an exception was raised. */
static bool is_crash(const struct trace *trace, const json_t *error)
{
	return trace->crash->nthreads || trace->crash->signo ||
	       json_is_true(json_object_get(error, "is_crash")) ||
	       piece_has(json_piece(json_object_get(error, "message")), "Process terminated ");
}

static void read_process(struct crash *crash, const json_t *process)
{
	crash->pid = json_int(json_object_get(process, "pid"));
	crash->tid = json_int(json_object_get(process, "tid"));
	if (crash->nthreads && crash->threads[0].culprit) {
		crash->threads[0].pid = crash->pid;
		crash->threads[0].tid = crash->tid;
	}
}

/* From version 1.6 on, by the names of the machine. */
static void read_registers(struct crash *crash, const json_t *context)
{
	static const struct {
		const char *pc, *sp, *fp;
	} machines[] = { { "rip", "rsp", "rbp" }, { "pc", "sp", "x29" } };
	const json_t *registers = json_object_get(context, "registers");

	for (size_t i = 0; i < sizeof(machines) / sizeof(*machines); i++) {
		json_number(json_object_get(registers, machines[i].pc), &crash->pc);
		json_number(json_object_get(registers, machines[i].sp), &crash->sp);
		json_number(json_object_get(registers, machines[i].fp), &crash->fp);
	}
}

/* A crash without a stack, or the ping that goes before it: the sentence is all there is. */
static void read_sentence(struct trace *trace, const json_t *report)
{
	const json_t *error = json_object_get(report, "error");
	struct piece sentence = json_piece(json_object_get(error, "message"));

	if (trace->crash->nthreads || !trace->crash->signo)
		return;
	trace->incomplete = true;
	if (!sentence.len)
		sentence = json_piece(json_object_get(report, "message"));
	if (!*trace->crash->message && sentence.len)
		trace_add_message(trace, sentence);
}

static void read_other_threads(struct trace *trace, const json_t *report)
{
	const json_t *older = json_object_get(report, "additional_stacktraces"), *stack;
	const char *title;

	read_threads(trace, json_object_get(json_object_get(report, "error"), "threads"));
	json_object_foreach((json_t *)(uintptr_t)older, title, stack) {
		json_t *name = json_string(title);

		read_thread(trace, name, stack, false);
		json_decref(name);
	}
}

void crashtracker_json_report(struct trace *trace, const json_t *report,
			      const json_t *const *wrappers, size_t n)
{
	const json_t *error = json_object_get(report, "error");
	const json_t *experimental = json_object_get(report, "experimental");

	read_signal(trace, json_object_get(report, "sig_info"));
	read_signal(trace, json_object_get(report, "siginfo"));
	read_stack(trace, report, wrappers, n);
	read_other_threads(trace, report);
	if (is_crash(trace, error))
		read_error(trace, error);
	read_sentence(trace, report);
	read_process(trace->crash, json_object_get(report, "proc_info"));
	read_registers(trace->crash, json_object_get(report, "ucontext"));
	read_maps(trace, json_object_get(json_object_get(report, "files"), "/proc/self/maps"));
	read_runtime_stack(trace, json_object_get(experimental ? experimental : error,
						  "runtime_stack"));
	trace->incomplete |= json_is_true(json_object_get(report, "incomplete"));
	crashtracker_json_facts(trace, report);
	while (n-- > 0)
		crashtracker_json_facts(trace, wrappers[n]);
}
