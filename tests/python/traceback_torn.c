/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Chains of frames that are none, below a thread state that nobody runs. Part of the shim.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "embed/traceback.h"

#define SLOT 128
#define SLOTS 64
#define FRAMES 64

struct chain {
	struct traceback_offsets at;
	unsigned char *memory; /* SLOTS of them, and behind them what cannot be read */
	char *tstate;
	uint64_t saved, apart;
	uint64_t random;
};

int shim_torn(struct _ts *tstate, const uint64_t *values, size_t nvalues, int rounds);
int shim_chain(struct _ts *tstate, uint64_t code, int owner, int length, int last);

static size_t below(struct chain *chain, size_t n)
{
	chain->random = chain->random * 6364136223846793005ull + 1442695040888963407ull;
	return (size_t)(chain->random >> 33) % n;
}

static int chain_open(struct chain *chain, struct _ts *tstate, size_t slots)
{
	const unsigned long *version = dlsym(RTLD_DEFAULT, "Py_Version");
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	size_t size = (slots * SLOT + page - 1) / page * page;

	*chain = (struct chain){ .tstate = (char *)tstate, .random = 1 };
	if (!traceback_offsets_find(&chain->at, dlsym(RTLD_DEFAULT, "_PyRuntime"),
				    TRACEBACK_RUNTIME_MAX, (uint32_t)(*version >> 16)))
		return -1;
	chain->memory = mmap(NULL, size + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			     -1, 0);
	if (chain->memory == MAP_FAILED || mprotect(chain->memory + size, page, PROT_NONE))
		return -1;
	/* The last slot ends where reading ends. */
	chain->memory += size - slots * SLOT;
	memcpy(&chain->saved, chain->tstate + chain->at.thread_frame, sizeof(chain->saved));
	return 0;
}

static void chain_begin(struct chain *chain, uint64_t frame)
{
	chain->apart = frame;
	if (chain->at.thread_frame_is_apart)
		frame = (uintptr_t)&chain->apart;
	memcpy(chain->tstate + chain->at.thread_frame, &frame, sizeof(frame));
}

static void chain_close(struct chain *chain)
{
	memcpy(chain->tstate + chain->at.thread_frame, &chain->saved, sizeof(chain->saved));
}

static uint64_t slot(const struct chain *chain, size_t n)
{
	return (uintptr_t)chain->memory + n * SLOT;
}

static void put(struct chain *chain, size_t n, uint32_t offset, uint64_t value)
{
	memcpy(chain->memory + n * SLOT + offset, &value, sizeof(value));
}

static uint64_t previous_by_chance(struct chain *chain)
{
	switch (below(chain, 8)) {
	case 0:
		return below(chain, 4096); /* nothing is there */
	case 1:
		return slot(chain, SLOTS) - below(chain, SLOT);
	case 2:
		return chain->random;
	default:
		return slot(chain, below(chain, SLOTS));
	}
}

static void frames_by_chance(struct chain *chain, const uint64_t *values, size_t nvalues)
{
	for (size_t n = 0; n < SLOTS; n++) {
		uint64_t code = below(chain, 8) ? values[below(chain, nvalues)] : chain->random;

		put(chain, n, chain->at.frame_previous, previous_by_chance(chain));
		put(chain, n, chain->at.frame_code, code);
		put(chain, n, chain->at.frame_instruction,
		    code + chain->at.code_instructions + below(chain, 400) - 100);
		chain->memory[n * SLOT + chain->at.frame_owner] =
			(unsigned char)below(chain, below(chain, 4) ? 4 : 256);
	}
}

static int is_told_well(const struct traceback_frame *frames, int n)
{
	if (n < -1 || n > FRAMES)
		return 0;
	for (int i = 0; i < n; i++)
		if (!memchr(frames[i].filename, '\0', sizeof(frames[i].filename)) ||
		    !memchr(frames[i].name, '\0', sizeof(frames[i].name)) ||
		    frames[i].lineno < -1)
			return 0;
	return 1;
}

/* Chains of garbage, some of which is code: how many frames were told in all; -1: not well. */
int shim_torn(struct _ts *tstate, const uint64_t *values, size_t nvalues, int rounds)
{
	static struct traceback_frame frames[FRAMES];
	struct chain chain;
	int told = 0;

	if (chain_open(&chain, tstate, SLOTS) < 0)
		return -1;
	for (int i = 0; i < rounds && told >= 0; i++) {
		int n;

		frames_by_chance(&chain, values, nvalues);
		chain_begin(&chain, slot(&chain, below(&chain, SLOTS)));
		n = traceback_frames(tstate, frames, FRAMES);
		told = is_told_well(frames, n) && n >= 0 ? told + n : -1;
	}
	chain_close(&chain);
	return told;
}

/* One chain of frames of the same code; last: its last one's owner, -1: that is the first one. How
 * many are told. */
int shim_chain(struct _ts *tstate, uint64_t code, int owner, int length, int last)
{
	struct traceback_frame *frames = calloc(10000, sizeof(*frames));
	struct chain chain;
	int n;

	if (!frames || chain_open(&chain, tstate, (size_t)length) < 0)
		return -2;
	for (size_t i = 0; i < (size_t)length; i++) {
		bool is_last = i + 1 == (size_t)length;
		uint64_t next = !is_last ? slot(&chain, i + 1) : last < 0 ? slot(&chain, 0) : 0;

		put(&chain, i, chain.at.frame_previous, next);
		put(&chain, i, chain.at.frame_code, code);
		put(&chain, i, chain.at.frame_instruction, code + chain.at.code_instructions + 2);
		chain.memory[i * SLOT + chain.at.frame_owner] =
			(unsigned char)(is_last && last >= 0 ? last : owner);
	}
	chain_begin(&chain, slot(&chain, 0));
	n = traceback_frames(tstate, frames, 10000);
	chain_close(&chain);
	free(frames);
	return n;
}
