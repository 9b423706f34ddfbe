/* SPDX-License-Identifier: Apache-2.0 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include "traceback.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

/*
 * Where things are
 *
 * From 3.13 on _PyRuntime begins with a table of 64-bit words (struct _Py_DebugOffsets of
 * Include/internal/pycore_debug_offsets.h, in 3.13 of pycore_runtime.h). Which word is which
 * changes with the release, and is here.
 */

#define COOKIE "xdebugpy"

enum word {
	WORD_VERSION = 1,
	WORD_FREE_THREADED = 2,
};

#define FIELD(name) offsetof(struct traceback_offsets, name)

/* The field, and the number of its word in 3.13, 3.14, 3.15. */
static const struct {
	uint16_t field;
	uint8_t words[3];
} fields[] = {
	{ FIELD(runtime_finalizing), { 4, 4, 4 } },
	{ FIELD(runtime_interpreters), { 5, 5, 5 } },
	{ FIELD(interp_id), { 7, 7, 7 } },
	{ FIELD(interp_next), { 8, 8, 8 } },
	{ FIELD(interp_threads), { 9, 9, 9 } },
	{ FIELD(interp_gil), { 14, 15, 15 } },
	{ FIELD(thread_next), { 21, 24, 24 } },
	{ FIELD(thread_interp), { 22, 25, 25 } },
	{ FIELD(thread_frame), { 23, 26, 26 } },
	{ FIELD(thread_id), { 24, 27, 30 } },
	{ FIELD(thread_native_id), { 25, 28, 31 } },
	{ FIELD(frame_previous), { 29, 32, 40 } },
	{ FIELD(frame_code), { 30, 33, 41 } },
	{ FIELD(frame_instruction), { 31, 34, 42 } },
	{ FIELD(frame_owner), { 33, 36, 44 } },
	{ FIELD(code_filename), { 35, 40, 48 } },
	{ FIELD(code_name), { 36, 41, 49 } },
	{ FIELD(code_qualname), { 37, 42, 50 } },
	{ FIELD(code_lines), { 38, 43, 51 } },
	{ FIELD(code_first_line), { 39, 44, 52 } },
	{ FIELD(code_instructions), { 43, 48, 56 } },
	{ FIELD(object_type), { 45, 51, 59 } },
	{ FIELD(type_name), { 47, 53, 61 } },
	{ FIELD(bytes_size), { 65, 75, 87 } },
	{ FIELD(bytes_data), { 66, 76, 88 } },
	{ FIELD(text_state), { 68, 78, 90 } },
	{ FIELD(text_length), { 69, 79, 91 } },
	{ FIELD(text_ascii_size), { 70, 80, 92 } },
};

/* Those of which a sum or a difference is needed; and what only free-threaded builds have. */
static const struct {
	uint8_t gil, locked, holder, gc, collecting, frame_tlbc, code_tlbc;
} derived[] = {
	{ 15, 17, 18, 10, 72, 0, 0 },
	{ 16, 18, 19, 11, 82, 38, 49 },
	{ 16, 18, 19, 11, 95, 46, 57 },
};

#define TABLES (sizeof(derived) / sizeof(*derived))
#define RELEASE_FIRST_TABLE 0x030d
#define RELEASE_BEFORE 0x030c

/* Before the instructions are a number, a pointer, and, where threads have copies, one more. */
#define FIRST_TRACEABLE_BEFORE 16
#define COPIES_MORE 8

/* The head of a text that is not all below 128 has its UTF-8 form, and that one's length, more. */
#define COMPACT_MORE 16

/* An interpreter of 3.15 has 400 KiB. What is further off is garbage. */
#define OFFSET_MAX (1u << 24)

/* 3.12 has no such table; offsetof() of the internal headers of 3.12.1. */
static const struct traceback_offsets before = {
	.release = RELEASE_BEFORE,
	.runtime_finalizing = 24,
	.runtime_interpreters = 40,
	.interp_next = 0,
	.interp_id = 8,
	.interp_threads = 72,
	.interp_gil = 384,
	.gil_locked = 16,
	.gil_holder = 8,
	.interp_gc_collecting = 112 + 200,
	.thread_next = 8,
	.thread_interp = 16,
	.thread_id = 136,
	.thread_native_id = 144,
	.thread_join_lock = 176,
	.thread_frame = 56,
	.thread_frame_is_apart = true,
	.frame_previous = 8,
	.frame_code = 0,
	.frame_instruction = 56,
	.frame_owner = 70,
	.code_filename = 112,
	.code_name = 120,
	.code_qualname = 128,
	.code_lines = 136,
	.code_first_line = 68,
	.code_instructions = 192,
	.code_first_traceable = 176,
	.object_type = 8,
	.type_name = 24,
	.bytes_size = 16,
	.bytes_data = 32,
	.text_state = 32,
	.text_length = 16,
	.text_ascii_size = 40,
	.text_compact_size = 40 + COMPACT_MORE,
};

/* A word of the table as an offset; *good: none was too large for one. */
static uint32_t word_get(const uint64_t *words, unsigned int n, bool *good)
{
	*good = *good && words[n] < OFFSET_MAX;
	return (uint32_t)words[n];
}

static void derived_get(struct traceback_offsets *o, const uint64_t *words, size_t table,
			bool *good)
{
	/* These two are told of the interpreter's own lock, which need not be the one it uses. */
	uint32_t own = word_get(words, derived[table].gil, good);

	o->gil_locked = word_get(words, derived[table].locked, good) - own;
	o->gil_holder = word_get(words, derived[table].holder, good) - own;
	*good = *good && o->gil_locked < OFFSET_MAX && o->gil_holder < OFFSET_MAX;
	o->interp_gc_collecting = word_get(words, derived[table].gc, good) +
				  word_get(words, derived[table].collecting, good);
	o->text_compact_size = o->text_ascii_size + COMPACT_MORE;
	o->code_first_traceable = o->code_instructions - FIRST_TRACEABLE_BEFORE;
	if (o->free_threaded && derived[table].code_tlbc) {
		o->frame_tlbc = word_get(words, derived[table].frame_tlbc, good);
		o->code_tlbc = word_get(words, derived[table].code_tlbc, good);
		o->code_first_traceable -= COPIES_MORE;
	}
}

bool traceback_offsets_find(struct traceback_offsets *offsets, const void *runtime, size_t n,
			    uint32_t release)
{
	uint64_t words[TRACEBACK_RUNTIME_MAX / sizeof(uint64_t)] = { 0 };
	size_t table;
	bool good = true;

	memcpy(words, runtime, n < sizeof(words) ? n : sizeof(words));
	if (n < sizeof(COOKIE) - 1 || memcmp(words, COOKIE, sizeof(COOKIE) - 1) != 0) {
		*offsets = before;
		return release == RELEASE_BEFORE;
	}
	*offsets = (struct traceback_offsets){
		.release = (uint32_t)(words[WORD_VERSION] >> 16),
		.free_threaded = words[WORD_FREE_THREADED] != 0,
	};
	table = offsets->release - RELEASE_FIRST_TABLE;
	if (offsets->release < RELEASE_FIRST_TABLE || table >= TABLES)
		return false;
	for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		uint32_t *to = (uint32_t *)(void *)((char *)offsets + fields[i].field);

		*to = word_get(words, fields[i].words[table], &good);
	}
	derived_get(offsets, words, table, &good);
	return good;
}

/* Reading */

static bool read_all(const struct traceback_reader *reader, uint64_t address, void *to, size_t size)
{
	return reader->read(reader->context, address, to, size);
}

static bool read_word(const struct traceback_reader *reader, uint64_t address, uint64_t *word)
{
	return read_all(reader, address, word, sizeof(*word));
}

static uint64_t word_at(const uint8_t *bytes, uint32_t offset)
{
	uint64_t word;

	memcpy(&word, bytes + offset, sizeof(word));
	return word;
}

/* Bytes one by one, of which some are fetched at a time. */
struct source {
	const struct traceback_reader *reader;
	uint64_t address, left; /* not fetched yet */
	size_t at, n;
	uint8_t bytes[128];
};

/* -1: there is none any more. */
static int source_next(struct source *s)
{
	if (s->at == s->n) {
		s->n = s->left < sizeof(s->bytes) ? (size_t)s->left : sizeof(s->bytes);
		s->at = 0;
		if (!s->n || !read_all(s->reader, s->address, s->bytes, s->n)) {
			s->n = s->left = 0;
			return -1;
		}
		s->address += s->n;
		s->left -= s->n;
	}
	return s->bytes[s->at++];
}

/* Lines */

/* Six bits at a time, the lowest first; -1: it ends too early or is none. */
static int64_t varint(struct source *s)
{
	uint64_t value = 0;

	for (unsigned int shift = 0; shift < 36; shift += 6) {
		int byte = source_next(s);

		if (byte < 0 || byte & 0x80)
			return -1;
		value |= (uint64_t)(byte & 0x3f) << shift;
		if (!(byte & 0x40))
			return (int64_t)value;
	}
	return -1;
}

static bool skip(struct source *s, unsigned int bytes)
{
	while (bytes--)
		if (source_next(s) < 0)
			return false;
	return true;
}

/* How far the line moves; the lowest bit is the sign. */
static bool signed_delta(struct source *s, int64_t *delta)
{
	int64_t value = varint(s);

	*delta = value & 1 ? -(value >> 1) : value >> 1;
	return value >= 0;
}

/* Objects/locations.md of CPython: what the kinds of an entry are. */
enum { KIND_ONE_LINE = 10, KIND_NO_COLUMNS = 13, KIND_LONG = 14, KIND_NONE = 15 };

/* The rest of an entry of that kind: by how much it moves the line. */
static bool entry_rest(struct source *s, int kind, int64_t *delta)
{
	*delta = 0;
	switch (kind) {
	case KIND_NONE:
		return true;
	case KIND_LONG:
		return signed_delta(s, delta) && varint(s) >= 0 && varint(s) >= 0 &&
		       varint(s) >= 0;
	case KIND_NO_COLUMNS:
		return signed_delta(s, delta);
	default:
		if (kind < KIND_ONE_LINE)
			return skip(s, 1);
		*delta = kind - KIND_ONE_LINE;
		return skip(s, 2);
	}
}

int traceback_line(const struct traceback_reader *reader, uint64_t address, uint64_t n,
		   int first_line, int64_t offset)
{
	struct source s = { .reader = reader, .address = address, .left = n };
	int64_t line = first_line, end = 0, delta;
	int byte;

	if (offset < 0)
		return first_line;
	while ((byte = source_next(&s)) >= 0) {
		int kind = byte >> 3 & 15;

		if (!(byte & 0x80) || !entry_rest(&s, kind, &delta))
			return -2;
		line += delta;
		if (line < INT32_MIN || line > INT32_MAX)
			return -2;
		end += ((byte & 7) + 1) * 2;
		if (offset < end)
			return kind == KIND_NONE || line < 0 ? -1 : (int)line;
	}
	return -1;
}

/* Texts */

#define STATE_KIND(state) ((state) >> 2 & 7)
#define STATE_COMPACT (1u << 5)
#define STATE_ASCII (1u << 6)
/* Where all threads run at once one byte more is taken by what tells whether it is interned. */
#define STATE_SHIFT_FREE_THREADED 6
#define RELEASE_STATE_SHIFTED 0x030e

static size_t utf8_put(uint32_t c, char out[4])
{
	if (c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		c = 0xfffd;
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* A character of 1, 2 or 4 bytes; false: it cannot be read. */
static bool character_next(struct source *s, unsigned int width, uint32_t *c)
{
	*c = 0;
	for (unsigned int i = 0; i < width; i++) {
		int byte = source_next(s);

		if (byte < 0)
			return false;
		*c |= (uint32_t)byte << 8 * i;
	}
	return true;
}

#define DOTS "..."

/* As many of them as there is room for; false: they cannot be read. */
static bool characters_put(struct source *s, unsigned int width, uint64_t length, char *to,
			   size_t size)
{
	size_t n = 0, cut = 0;

	for (; length; length--) {
		char bytes[4];
		uint32_t c;
		size_t more;

		if (!character_next(s, width, &c))
			return false;
		more = utf8_put(c, bytes);
		if (n + more >= size) {
			n = cut;
			for (const char *dot = DOTS; *dot && n + 1 < size; dot++)
				to[n++] = *dot;
			break;
		}
		memcpy(to + n, bytes, more);
		n += more;
		if (n + sizeof(DOTS) <= size)
			cut = n;
	}
	to[n] = '\0';
	return true;
}

/* Longer than any name: what says so is no text. */
#define LENGTH_MAX ((uint64_t)1 << 40)
#define HEAD_MAX 128

bool traceback_text(const struct traceback_offsets *o, const struct traceback_reader *reader,
		    uint64_t text, char *to, size_t size)
{
	struct source s = { .reader = reader };
	uint8_t head[HEAD_MAX];
	uint32_t state, width;
	uint64_t length;

	*to = '\0';
	if (o->text_ascii_size > sizeof(head) || o->text_state + 4 > o->text_ascii_size ||
	    o->text_length + 8 > o->text_ascii_size ||
	    !read_all(reader, text, head, o->text_ascii_size))
		return false;
	memcpy(&state, head + o->text_state, sizeof(state));
	if (o->free_threaded && o->release >= RELEASE_STATE_SHIFTED)
		state >>= STATE_SHIFT_FREE_THREADED;
	length = word_at(head, o->text_length);
	width = STATE_KIND(state);
	if (length > LENGTH_MAX || (width != 1 && width != 2 && width != 4))
		return false;
	s.address = text + (state & STATE_ASCII ? o->text_ascii_size : o->text_compact_size);
	/* Of a class that is derived from str: the characters are elsewhere. */
	if (!(state & STATE_COMPACT) &&
	    !read_word(reader, text + o->text_compact_size, &s.address))
		return false;
	/* No more than fits is worth reading; a character has at least a byte. */
	s.left = width * (length < size ? length : size);
	if (characters_put(&s, width, length, to, size))
		return true;
	*to = '\0';
	return false;
}

/* Frames */

/* enum _frameowner of pycore_frame.h, in 3.14 of pycore_interpframe_structs.h. */
#define OWNER_GENERATOR 1
#define OWNER_ENTRY 3 /* the evaluator's own: a call from C ends here */
#define OWNER_STEP 4  /* 3.14: a stepping stone, of no interest */

/* Of the longest location table. A larger one would be garbage that takes its time. */
#define LINES_MAX (1u << 24)

/* The lowest bits of a reference to code say how it is counted, from 3.14 on. */
#define REFERENCE_BITS 7ull

/* Below all frames of a thread is one of this kind, too, that no call has made. */
#define RELEASE_BASE_FRAME 0x030f

/* No recursion limit allows so many. */
#define FRAMES_MAX 1000000
/* Nor are there so many in a row between two of Python's. */
#define IDLE_MAX 64

#define BLOCK_MAX 256

bool traceback_begin(struct traceback_walk *walk, const struct traceback_offsets *o,
		     const struct traceback_reader *reader, uint64_t tstate)
{
	*walk = (struct traceback_walk){ .offsets = o, .reader = reader };
	if (!read_word(reader, tstate + o->thread_frame, &walk->frame))
		return false;
	return !o->thread_frame_is_apart || !walk->frame ||
	       read_word(reader, walk->frame, &walk->frame);
}

/* Is that the type of code objects? */
static bool is_code_type(struct traceback_walk *walk, uint64_t type)
{
	char name[sizeof("code")];
	uint64_t address;

	if (walk->code_type)
		return type == walk->code_type;
	if (!read_word(walk->reader, type + walk->offsets->type_name, &address) ||
	    !read_all(walk->reader, address, name, sizeof(name)) ||
	    memcmp(name, "code", sizeof(name)) != 0)
		return false;
	walk->code_type = type;
	return true;
}

static uint32_t largest(const uint32_t *v, size_t n)
{
	uint32_t most = 0;

	for (size_t i = 0; i < n; i++)
		most = v[i] > most ? v[i] : most;
	return most;
}

/* Where the code that a frame runs has its first instruction; threads may have copies of it. */
static uint64_t instructions_of(const struct traceback_walk *walk, uint64_t code, uint64_t frame)
{
	const struct traceback_offsets *o = walk->offsets;
	uint64_t array, copy;
	uint32_t index;

	if (o->code_tlbc && read_all(walk->reader, frame + o->frame_tlbc, &index, sizeof(index)) &&
	    index && read_word(walk->reader, code + o->code_tlbc, &array) && array &&
	    read_word(walk->reader, array + sizeof(uint64_t) * (1 + (uint64_t)index), &copy))
		return copy;
	return code + o->code_instructions;
}

/* False: it is no code object. *begun: the frame has come to the code's own instructions. */
static bool code_read(struct traceback_walk *walk, uint64_t instruction,
		      struct traceback_code *code, bool *begun)
{
	const struct traceback_offsets *o = walk->offsets;
	const uint32_t needed[] = { o->object_type, o->code_filename, o->code_name,
				    o->code_qualname, o->code_lines, o->code_first_line,
				    o->code_first_traceable };
	uint32_t size = largest(needed, sizeof(needed) / sizeof(*needed)) + 8;
	uint8_t block[BLOCK_MAX];
	int32_t first_line, first;
	int64_t offset;
	uint64_t n;

	if (size > sizeof(block) || !read_all(walk->reader, code->code, block, size) ||
	    !is_code_type(walk, word_at(block, o->object_type)))
		return false;
	code->filename = word_at(block, o->code_filename);
	code->name = word_at(block, o->code_name);
	code->qualname = word_at(block, o->code_qualname);
	memcpy(&first_line, block + o->code_first_line, sizeof(first_line));
	memcpy(&first, block + o->code_first_traceable, sizeof(first));
	offset = (int64_t)(instruction - instructions_of(walk, code->code, code->frame));
	*begun = offset >= first * 2ll;
	if (read_word(walk->reader, word_at(block, o->code_lines) + o->bytes_size, &n) &&
	    n <= LINES_MAX)
		code->lineno = traceback_line(walk->reader,
					      word_at(block, o->code_lines) + o->bytes_data, n,
					      first_line, offset);
	if (code->lineno < 0)
		code->lineno = -1;
	return true;
}

/* A frame that has been already? Brent's algorithm: the mark moves at powers of two. */
static bool is_circle(struct traceback_walk *walk)
{
	if (walk->frame == walk->mark || ++walk->count > FRAMES_MAX)
		return true;
	if (!(walk->count & (walk->count - 1)))
		walk->mark = walk->frame;
	return false;
}

static enum traceback_step torn(struct traceback_walk *walk)
{
	walk->frame = 0;
	return TRACEBACK_TORN;
}

enum traceback_step traceback_next(struct traceback_walk *walk, struct traceback_code *code)
{
	const struct traceback_offsets *o = walk->offsets;
	const uint32_t needed[] = { o->frame_previous + 8, o->frame_code + 8,
				    o->frame_instruction + 8, o->frame_owner + 1 };
	uint32_t size = largest(needed, sizeof(needed) / sizeof(*needed));
	uint8_t block[BLOCK_MAX], owner;

	for (;;) {
		bool begun;

		*code = (struct traceback_code){ .frame = walk->frame, .lineno = -1 };
		if (!walk->frame)
			return TRACEBACK_END;
		if (is_circle(walk) || size > sizeof(block) || walk->idle++ == IDLE_MAX ||
		    !read_all(walk->reader, walk->frame, block, size))
			return torn(walk);
		walk->frame = word_at(block, o->frame_previous);
		owner = block[o->frame_owner];
		if (owner == OWNER_STEP)
			continue;
		if (owner == OWNER_ENTRY)
			return walk->frame || o->release < RELEASE_BASE_FRAME ? TRACEBACK_ENTRY
									      : TRACEBACK_END;
		code->code = word_at(block, o->frame_code) & ~REFERENCE_BITS;
		if (owner > OWNER_ENTRY ||
		    !code_read(walk, word_at(block, o->frame_instruction), code, &begun))
			return torn(walk);
		if (!begun && owner != OWNER_GENERATOR)
			continue;
		walk->idle = 0;
		return TRACEBACK_PYTHON;
	}
}

/* Inside */

static uint64_t runtime; /* 0: not known; else `here` is valid */
static struct traceback_offsets here;

/*
 * What is read is kept in lines, since neighbours follow. No line is on two pages: if one of its
 * bytes can be read all can. More of them would be faster, and would take more of the stack.
 */
#define LINE 256
#define LINE_COUNT 8

struct self {
	long pid;
	int pipe[2];     /* -1: none */
	uint32_t now;
	uint32_t used[LINE_COUNT];
	uint64_t at[LINE_COUNT]; /* 0: nothing is in it */
	uint8_t lines[LINE_COUNT][LINE];
};

static bool pipe_read_all(struct self *self, uint64_t address, char *to, size_t size)
{
	/* What a pipe takes at once. */
	enum { PIECE = 4096 };

	if (self->pipe[0] < 0 && syscall(SYS_pipe2, self->pipe, O_CLOEXEC) < 0)
		return false;
	while (size) {
		size_t n = size < PIECE ? size : PIECE;
		long written = syscall(SYS_write, self->pipe[1], address, n);

		if (written <= 0 || syscall(SYS_read, self->pipe[0], to, written) != written)
			return false;
		address += (uint64_t)written;
		to += written;
		size -= (size_t)written;
	}
	return true;
}

/*
 * No function of libc's but syscall(): the others may be points at which a thread is cancelled.
 * Where a process may not look into itself by the call for it (a filter of system calls; a kernel
 * without it), a pipe does.
 */
static bool self_fetch(struct self *self, uint64_t address, void *to, size_t size)
{
	struct iovec local = { to, size }, remote = { (void *)(uintptr_t)address, size };
	long n = syscall(SYS_process_vm_readv, self->pid, &local, 1, &remote, 1, 0);

	if (n >= 0 || errno == EFAULT)
		return n == (long)size;
	return pipe_read_all(self, address, (char *)to, size);
}

/* The line that is at that address; NULL: it cannot be read. */
static const uint8_t *self_line(struct self *self, uint64_t address)
{
	int oldest = 0;

	self->now++;
	for (int i = 0; i < LINE_COUNT; i++) {
		if (self->at[i] == address && address) {
			self->used[i] = self->now;
			return self->lines[i];
		}
		if (self->used[i] < self->used[oldest])
			oldest = i;
	}
	self->at[oldest] = 0;
	if (!self_fetch(self, address, self->lines[oldest], LINE))
		return NULL;
	self->at[oldest] = address;
	self->used[oldest] = self->now;
	return self->lines[oldest];
}

static bool self_read(void *context, uint64_t address, void *to, size_t size)
{
	struct self *self = (struct self *)context;
	char *next = (char *)to;

	while (size) {
		uint64_t within = address % LINE;
		size_t n = size < LINE - within ? size : (size_t)(LINE - within);
		const uint8_t *line = self_line(self, address - within);

		if (!line)
			return false;
		memcpy(next, line + within, n);
		next += n;
		address += n;
		size -= n;
	}
	return true;
}

/* What was read is of no use any more. */
static void self_forget(struct self *self)
{
	memset(self->at, 0, sizeof(self->at));
}

static void self_close(struct self *self)
{
	for (int i = 0; i < 2; i++)
		if (self->pipe[i] >= 0)
			syscall(SYS_close, self->pipe[i]);
}

int traceback_init(void)
{
	const unsigned long *version;
	const void *start;

	if (__atomic_load_n(&runtime, __ATOMIC_ACQUIRE))
		return 0;
	version = (const unsigned long *)dlsym(RTLD_DEFAULT, "Py_Version");
	start = dlsym(RTLD_DEFAULT, "_PyRuntime");
	if (!version || !start ||
	    !traceback_offsets_find(&here, start, TRACEBACK_RUNTIME_MAX,
				    (uint32_t)(*version >> 16)))
		return -1;
	__atomic_store_n(&runtime, (uintptr_t)start, __ATOMIC_RELEASE);
	return 0;
}

/* No process has so many interpreters, or threads of one. */
#define CHAIN_MAX 65536

/* Is it in the chain that begins at what `head` points to? */
static bool chain_has(const struct traceback_reader *reader, uint64_t head, uint32_t next,
		      uint64_t wanted)
{
	uint64_t at;

	if (!read_word(reader, head, &at))
		return false;
	for (unsigned int i = 0; at && i < CHAIN_MAX; i++) {
		if (at == wanted)
			return true;
		if (!read_word(reader, at + next, &at))
			return false;
	}
	return false;
}

/* A thread that begins or ends meanwhile may tear a chain. */
#define TRIES 3

static bool is_alive(const struct traceback_reader *reader, uint64_t tstate)
{
	uint64_t interp;

	for (int i = 0; i < TRIES; i++) {
		self_forget((struct self *)reader->context);
		if (read_word(reader, tstate + here.thread_interp, &interp) &&
		    chain_has(reader, runtime + here.runtime_interpreters, here.interp_next,
			      interp) &&
		    chain_has(reader, interp + here.interp_threads, here.thread_next, tstate)) {
			self_forget((struct self *)reader->context);
			return true;
		}
	}
	return false;
}

static int frames_fill(const struct traceback_reader *reader, uint64_t tstate,
		       struct traceback_frame *frames, int max)
{
	struct traceback_walk walk;
	struct traceback_code code;
	enum traceback_step step;
	int n = 0;

	if (!__atomic_load_n(&runtime, __ATOMIC_ACQUIRE) || !is_alive(reader, tstate) ||
	    !traceback_begin(&walk, &here, reader, tstate))
		return -1;
	while (n < max && (step = traceback_next(&walk, &code)) > TRACEBACK_TORN) {
		struct traceback_frame *frame = &frames[n];

		if (step == TRACEBACK_ENTRY)
			continue;
		/* Code that has no names is code no more. */
		if (!traceback_text(&here, reader, code.filename, frame->filename,
				    sizeof(frame->filename)) ||
		    !traceback_text(&here, reader, code.name, frame->name, sizeof(frame->name)))
			break;
		frame->lineno = code.lineno;
		n++;
	}
	return n;
}

int traceback_frames(struct _ts *tstate, struct traceback_frame *frames, int max)
{
	struct self self;
	struct traceback_reader reader = { self_read, &self };
	int saved = errno, n;

	self.pid = syscall(SYS_getpid);
	self.pipe[0] = self.pipe[1] = -1;
	self.now = 0;
	memset(self.used, 0, sizeof(self.used));
	n = frames_fill(&reader, (uintptr_t)tstate, frames, max);
	self_close(&self);
	errno = saved;
	return n;
}
