/* SPDX-License-Identifier: Apache-2.0 */
#include "observe/core_open.h"

#include <ctype.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/errors.h"
#include "observe/core_unpack.h"

#define HEAD_SIZE 64u

struct packer {
	const char *magic;
	size_t len;
	const char *name;
	const char *program; /* NULL: not unpacked here */
};

static const struct packer packers[] = {
	{ "\x1f\x8b", 2, "gzip", "gzip" },
	{ "\x28\xb5\x2f\xfd", 4, "Zstandard", "zstd" },
	{ "\xfd" "7zXZ", 5, "xz", NULL },
	{ "\x04\x22\x4d\x18", 4, "LZ4", NULL },
	{ "BZh", 3, "bzip2", NULL },
	{ "PK\x03\x04", 4, "zip", NULL },
	{ "\x1f\x9d", 2, "compress", NULL },
};

static const struct packer *packer_of(const unsigned char *head, size_t n)
{
	for (size_t i = 0; i < sizeof(packers) / sizeof(*packers); i++)
		if (n >= packers[i].len && !memcmp(head, packers[i].magic, packers[i].len))
			return &packers[i];
	return NULL;
}

static bool is_elf(const unsigned char *head, size_t n)
{
	return n >= SELFMAG && !memcmp(head, ELFMAG, SELFMAG);
}

static bool is_text(const unsigned char *head, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (head[i] < ' ' && !isspace(head[i]))
			return false;
	return true;
}

/* What is neither ELF nor compressed. */
static void tell_no_core(const unsigned char *head, size_t n, struct strbuf *err)
{
	if (!n)
		strbuf_addstr(err, "is no core file: it is empty");
	else if (n >= 2 && !memcmp(head, "#!", 2))
		strbuf_addstr(err, "is no core file: it is a script");
	else if (is_text(head, n))
		strbuf_addstr(err, "is no core file: it is a text");
	else
		strbuf_addstr(err, "is no core file: it is neither of the ELF format nor "
			      "compressed by gzip or zstd");
}

static int input_map(struct core_input *input, int fd, struct strbuf *err)
{
	struct stat st;

	if (fstat(fd, &st) < 0 || st.st_size <= 0) {
		strbuf_addstr(err, "is no core file: there is nothing in it");
		return -1;
	}
	input->bytes = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
	if (input->bytes == MAP_FAILED) {
		strbuf_addf(err, "cannot be mapped: %s", strerror(errno));
		input->bytes = NULL;
		return -1;
	}
	input->size = (size_t)st.st_size;
	return 0;
}

static int packed_open(struct core_input *input, int fd, const struct packer *packer,
		       struct strbuf *notes, struct strbuf *err)
{
	int unpacked, ret;

	if (!packer->program) {
		strbuf_addf(err, "is compressed by %s, which is not read here: decompress it first",
			    packer->name);
		return -1;
	}
	unpacked = core_unpack(fd, packer->program, notes, err);
	if (unpacked < 0)
		return -1;
	ret = input_map(input, unpacked, err);
	close(unpacked);
	return ret;
}

static int file_open(struct core_input *input, int fd, struct strbuf *notes, struct strbuf *err)
{
	unsigned char head[HEAD_SIZE];
	const struct packer *packer;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st) < 0 || S_ISDIR(st.st_mode) || !S_ISREG(st.st_mode)) {
		strbuf_addf(err, "is no core file: it is %s",
			    S_ISDIR(st.st_mode) ? "a directory" : "no regular file");
		return -1;
	}
	n = pread(fd, head, sizeof(head), 0);
	if (n < 0) {
		strbuf_addf(err, "cannot be read: %s", strerror(errno));
		return -1;
	}
	if (is_elf(head, (size_t)n))
		return input_map(input, fd, err);
	packer = packer_of(head, (size_t)n);
	if (packer)
		return packed_open(input, fd, packer, notes, err);
	tell_no_core(head, (size_t)n, err);
	return -1;
}

bool core_may_be(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	const struct packer *packer;
	unsigned char head[HEAD_SIZE];
	ssize_t n;

	if (fd < 0)
		return false;
	/* A pipe has no beginning to come back to: this fails. */
	n = pread(fd, head, sizeof(head), 0);
	close(fd);
	if (n <= 0)
		return false;
	packer = packer_of(head, (size_t)n);
	return is_elf(head, (size_t)n) || (packer && packer->program);
}

int core_open(struct core_input *input, const char *path, struct strbuf *notes, struct strbuf *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY), ret;

	*input = (struct core_input){ 0 };
	if (fd < 0) {
		strbuf_addf(err, "cannot be opened: %s", strerror(errno));
		return -1;
	}
	ret = file_open(input, fd, notes, err);
	close(fd);
	return ret;
}

void core_close(struct core_input *input)
{
	if (input->bytes)
		munmap(input->bytes, input->size);
	*input = (struct core_input){ 0 };
}
