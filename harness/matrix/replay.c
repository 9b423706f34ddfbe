/* SPDX-License-Identifier: Apache-2.0 */
#include "matrix/replay.h"

#include <stdlib.h>
#include <string.h>

#include "base/errors.h"
#include "base/options.h"

#define REPLAY_FIELDS 10
#define REPLAY_ALLOCATOR 6 /* the field that fp1 lacks */
#define REPLAY_SHAPE "fp2:SCENARIO:bug|twin:PYTHON:STRATEGY:zygote|exec:ALLOCATOR:SEED:TRIAL:" \
		     "OUTCOME"

void replay_format(const struct replay *replay, struct strbuf *out)
{
	strbuf_addf(out, "fp2:%s:%s:%s:%s:%s:%s:0x%llx:%llu:%s", replay->scenario,
		    replay->twin ? "twin" : "bug", replay->python, replay->strategy->name,
		    isolation_name(replay->isolation), allocator_name(replay->allocator),
		    (unsigned long long)replay->seed, (unsigned long long)replay->trial,
		    outcome_name(replay->outcome));
}

static const char *skip_command(const char *line)
{
	static const char command[] = "forkpoint replay ";

	/* With or without the quotes of YAML and JSON. */
	line += strspn(line, " \t\"'");
	if (!strncmp(line, command, sizeof(command) - 1))
		line += sizeof(command) - 1;
	return line + strspn(line, " \t\"'");
}

/* Split in place at the colons; a variant's slash and a release have none. */
static int split(char *line, char *fields[REPLAY_FIELDS])
{
	int n = 0;

	for (char *p = line; p; n++) {
		if (n == REPLAY_FIELDS)
			return -1;
		fields[n] = p;
		p = strchr(p, ':');
		if (p)
			*p++ = '\0';
	}
	if (n == REPLAY_FIELDS - 1 && !strcmp(fields[0], "fp1")) {
		memmove(&fields[REPLAY_ALLOCATOR + 1], &fields[REPLAY_ALLOCATOR],
			(REPLAY_FIELDS - REPLAY_ALLOCATOR - 1) * sizeof(*fields));
		fields[REPLAY_ALLOCATOR] = (char *)allocator_name(ALLOCATOR_DEFAULT);
		return 0;
	}
	return n == REPLAY_FIELDS && strcmp(fields[0], "fp1") != 0 ? 0 : -1;
}

static int fields_read(char *const f[REPLAY_FIELDS], struct replay *r, struct strbuf *err)
{
	r->twin = !strcmp(f[2], "twin");
	r->strategy = strategy_find(f[4]);
	r->isolation = !strcmp(f[5], "exec") ? ISOLATION_EXEC : ISOLATION_ZYGOTE;
	if (strcmp(f[0], "fp1") != 0 && strcmp(f[0], "fp2") != 0)
		strbuf_addf(err, "'%s' is another format of replay line", f[0]);
	else if (!r->twin && strcmp(f[2], "bug") != 0)
		strbuf_addf(err, "'%s' is neither bug nor twin", f[2]);
	else if (!r->strategy)
		strbuf_addf(err, "no strategy '%s'", f[4]);
	else if (strcmp(f[5], isolation_name(r->isolation)) != 0)
		strbuf_addf(err, "'%s' is neither zygote nor exec", f[5]);
	else if (allocator_parse(f[REPLAY_ALLOCATOR], &r->allocator) < 0)
		strbuf_addf(err, "'%s' is neither default nor tcache_count=0", f[REPLAY_ALLOCATOR]);
	else if (option_parse_unsigned(f[7], 0, 0, &r->seed, err) < 0 ||
		 option_parse_unsigned(f[8], 0, 0, &r->trial, err) < 0)
		return -1;
	else if (outcome_parse(f[9], &r->outcome) < 0)
		strbuf_addf(err, "no outcome '%s'", f[9]);
	else
		return 0;
	return -1;
}

int replay_parse(const char *line, struct replay *replay, struct strbuf *err)
{
	char *copy = xstrdup(skip_command(line)), *fields[REPLAY_FIELDS];
	int ret = -1;

	memset(replay, 0, sizeof(*replay));
	copy[strcspn(copy, " \t\r\n\"'")] = '\0';
	if (split(copy, fields) < 0)
		strbuf_addf(err, "'%.100s' is no replay line: it reads " REPLAY_SHAPE, line);
	else if (fields_read(fields, replay, err) < 0)
		strbuf_addstr(err, " (a replay line reads " REPLAY_SHAPE ")");
	else
		ret = 0;
	if (ret == 0) {
		replay->scenario = xstrdup(fields[1]);
		replay->python = xstrdup(fields[3]);
	}
	free(copy);
	return ret;
}

void replay_release(struct replay *replay)
{
	free(replay->scenario);
	free(replay->python);
	replay->scenario = replay->python = NULL;
}
