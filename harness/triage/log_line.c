/* SPDX-License-Identifier: Apache-2.0 */
#include "triage/log_line.h"

#include "base/ascii.h"
#include "triage/log_json.h"

/* The name of a service, a pod, a logger. */
#define WORD_MAX 128

/* '0' a digit, other characters themselves. */
static bool take_shape(struct piece *p, const char *shape)
{
	size_t len = strlen(shape);

	if (p->len < len)
		return false;
	for (size_t i = 0; i < len; i++)
		if (shape[i] == '0' ? !ascii_is_digit(p->s[i]) : p->s[i] != shape[i])
			return false;
	piece_cut(p, len);
	return true;
}

/* "03:04:05", ".678901" or ",678" */
static bool take_clock(struct piece *p)
{
	struct piece rest = *p;

	if (!take_shape(&rest, "00:00:00"))
		return false;
	if (rest.len > 1 && (*rest.s == '.' || *rest.s == ',') && ascii_is_digit(rest.s[1])) {
		piece_cut(&rest, 1);
		while (rest.len && ascii_is_digit(*rest.s))
			piece_cut(&rest, 1);
	}
	*p = rest;
	return true;
}

static bool take_zone(struct piece *p)
{
	return take_text(p, "Z") || take_shape(p, "+00:00") || take_shape(p, "-00:00") ||
	       take_shape(p, "+0000") || take_shape(p, "-0000");
}

/* A prefix ends with a blank, or with the line. */
static bool take_end(struct piece *p)
{
	return !p->len || take_text(p, " ") || take_text(p, "\t");
}

/* "2026-01-02T03:04:05.678Z ", in brackets or not. */
static bool take_time(struct piece *p)
{
	struct piece rest = *p;
	bool bracket = take_text(&rest, "[");

	if (!take_shape(&rest, "0000-00-00") && !take_shape(&rest, "0000/00/00"))
		return false;
	if ((!take_text(&rest, "T") && !take_text(&rest, " ")) || !take_clock(&rest))
		return false;
	take_zone(&rest);
	if ((bracket && !take_text(&rest, "]")) || !take_end(&rest))
		return false;
	*p = rest;
	return true;
}

/* "03:04:05.678 " */
static bool take_bare_clock(struct piece *p)
{
	struct piece rest = *p;

	if (!take_clock(&rest) || !take_end(&rest))
		return false;
	*p = rest;
	return true;
}

static bool is_word_char(char c)
{
	return ascii_is_alnum(c) || c == '_' || c == '-' || c == '.' || c == '/' || c == '@' ||
	       c == ':';
}

/* It begins with a letter. */
static bool take_name(struct piece *p, struct piece *name)
{
	size_t len = 0;

	if (!p->len || !ascii_is_alnum(*p->s) || ascii_is_digit(*p->s))
		return false;
	while (len < p->len && len < WORD_MAX && is_word_char(p->s[len]))
		len++;
	*name = (struct piece){ p->s, len };
	piece_cut(p, len);
	return true;
}

/* "python[12]: ", "sh: " if a bare name will do. The kernel's own lines are readers' to know. */
static bool take_process(struct piece *p, bool bare)
{
	struct piece rest = *p, name;
	uint64_t pid;

	if (!take_name(&rest, &name))
		return false;
	if (take_text(&rest, "[")) {
		if (!take_decimal(&rest, &pid) || !take_text(&rest, "]:"))
			return false;
	} else if (!bare || !piece_ends(name, ":") || piece_is(name, "kernel:")) {
		return false;
	}
	if (!take_end(&rest))
		return false;
	*p = rest;
	return true;
}

/* "host python[12]: " */
static bool take_host(struct piece *p, bool bare)
{
	struct piece rest = *p, name;

	if (!take_name(&rest, &name) || !take_text(&rest, " ") || !take_process(&rest, bare))
		return false;
	*p = rest;
	return true;
}

static bool take_syslog(struct piece *p)
{
	static const char months[] = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec ";
	struct piece rest = *p;
	char month[] = "Jan ";

	if (rest.len < 16)
		return false;
	memcpy(month, rest.s, 4);
	if (!memmem(months, sizeof(months) - 1, month, 4))
		return false;
	piece_cut(&rest, 4);
	if ((!take_shape(&rest, "00 ") && !take_shape(&rest, " 0 ")) || !take_clock(&rest) ||
	    !take_text(&rest, " ") || !take_host(&rest, true))
		return false;
	*p = rest;
	return true;
}

/* "stderr F ", and GitLab's "00O " */
static bool take_stream(struct piece *p)
{
	static const char *const streams[] = { "stderr F", "stdout F", "stderr P", "stdout P" };
	struct piece rest = *p;

	for (size_t i = 0; i < sizeof(streams) / sizeof(*streams); i++)
		if (take_text(&rest, streams[i]) && take_end(&rest))
			return *p = rest, true;
	rest = *p;
	if (take_shape(&rest, "00O") || take_shape(&rest, "00E")) {
		if (!take_text(&rest, "+") && !take_end(&rest))
			return false;
		*p = rest;
		return true;
	}
	return false;
}

/* "- ", "[worker] " */
static void take_dash(struct piece *p)
{
	struct piece rest = *p, name;

	if (take_text(&rest, "- "))
		*p = rest;
	if (take_text(&rest, "[") && take_name(&rest, &name) && take_text(&rest, "] "))
		*p = rest;
}

bool log_logger(struct piece *p, struct piece *name)
{
	struct piece rest = *p;

	if (!take_name(&rest, name) || piece_find(*name, ":") != name->len - 1 ||
	    !take_end(&rest))
		return false;
	*p = rest;
	return true;
}

/* "{worker.py:12} " */
static void take_place(struct piece *p)
{
	struct piece rest = *p, name;

	if (take_text(&rest, "{") && take_name(&rest, &name) && take_text(&rest, "} "))
		*p = rest;
}

/* "ERROR ", "[ERROR] ", "- ERROR - ", "{worker.py:12} INFO - " */
static void take_level(struct piece *p)
{
	static const char *const levels[] = {
		"DEBUG", "INFO", "NOTICE", "WARNING", "WARN", "ERROR", "CRITICAL", "FATAL", "TRACE",
	};
	struct piece rest = *p;
	bool bracket;

	take_text(&rest, "- ");
	take_place(&rest);
	bracket = take_text(&rest, "[");
	for (size_t i = 0; i < sizeof(levels) / sizeof(*levels); i++) {
		struct piece behind = rest;

		if (!take_text(&behind, levels[i]))
			continue;
		while (bracket && take_text(&behind, " "))
			;
		if ((bracket && !take_text(&behind, "]")) || !take_end(&behind))
			continue;
		take_dash(&behind);
		*p = behind;
		return;
	}
}

/* "web-1  | " */
static bool take_pipe(struct piece *p)
{
	struct piece rest = *p, name;

	if (!take_name(&rest, &name) || !rest.len || *rest.s != ' ')
		return false;
	for (size_t n = 0; n < WORD_MAX && take_text(&rest, " "); n++)
		;
	if (!take_text(&rest, "|") || !take_end(&rest))
		return false;
	*p = rest;
	return true;
}

/* "[1,0]<stderr>:", as MPI's launchers have it, with a blank or without. */
static bool take_mpi_rank(struct piece *p)
{
	struct piece rest = *p;
	uint64_t job, rank;

	if (!take_text(&rest, "[") || !take_decimal(&rest, &job) || !take_text(&rest, ",") ||
	    !take_decimal(&rest, &rank) ||
	    (!take_text(&rest, "]<stderr>:") && !take_text(&rest, "]<stdout>:")))
		return false;
	take_text(&rest, " ");
	*p = rest;
	return true;
}

/*
 * "[pod/web/main] ", "[rank0]: "; of one that tools write themselves, nothing stands behind it.
 */
static bool take_tag(struct piece *p)
{
	struct piece rest = *p, name;

	if (take_mpi_rank(p))
		return true;
	if (!take_text(&rest, "[") || !take_name(&rest, &name) || !take_text(&rest, "]"))
		return false;
	take_text(&rest, ":");
	if (!take_end(&rest))
		return false;
	*p = rest;
	return true;
}

/* "(worker pid=12) ", "(worker pid=12, ip=10.0.0.1) ", "(raylet) " */
static bool take_actor(struct piece *p)
{
	struct piece rest = *p, name;
	uint64_t pid;

	if (!take_text(&rest, "(") || !take_name(&rest, &name))
		return false;
	if (take_text(&rest, " pid=")) {
		if (!take_decimal(&rest, &pid))
			return false;
		if (take_text(&rest, ", ip="))
			while (rest.len && is_word_char(*rest.s))
				piece_cut(&rest, 1);
	} else if (!piece_is(name, "raylet")) {
		return false;
	}
	if (!take_text(&rest, ")") || !take_end(&rest))
		return false;
	*p = rest;
	return true;
}

/* "> ", ">> " of a quoted quotation; but ">>> " is Python's. */
static bool take_quote(struct piece *p)
{
	struct piece rest = *p;

	piece_cut(&rest, 1);
	if (!take_end(&rest) && !(take_text(&rest, ">") && take_end(&rest)))
		return false;
	*p = rest;
	return true;
}

static enum log_shape outer_shape(struct piece *p)
{
	if (!p->len)
		return LOG_NONE;
	switch (*p->s) {
	case '>':
		return take_quote(p) ? LOG_QUOTE : LOG_NONE;
	case '(':
		return take_actor(p) ? LOG_TAG : LOG_NONE;
	case '[':
		return take_time(p) ? LOG_TIME : take_tag(p) ? LOG_TAG : LOG_NONE;
	case '{':
		return log_json_find(*p, p) ? LOG_JSON : LOG_NONE;
	default:
		break;
	}
	if (ascii_is_digit(*p->s))
		return take_time(p) || take_bare_clock(p) ? LOG_TIME : LOG_NONE;
	return take_syslog(p) ? LOG_SYSLOG : take_pipe(p) ? LOG_PIPE : LOG_NONE;
}

enum log_shape log_shape(struct piece line, struct piece *rest)
{
	enum log_shape shape;

	*rest = line;
	shape = outer_shape(rest);
	if (shape == LOG_TIME && !take_stream(rest) && !take_host(rest, false))
		take_level(rest);
	return shape;
}
