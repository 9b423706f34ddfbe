/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sandbox_files.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * <linux/landlock.h>, as far as it is needed: that of the machine we are built on may be older than
 * the kernel that we run on, or missing. The numbers are the same on all machines.
 */
#ifndef SYS_landlock_create_ruleset
#define SYS_landlock_create_ruleset 444
#define SYS_landlock_add_rule 445
#define SYS_landlock_restrict_self 446
#endif

#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1

#define FS_READ_FILE (1ull << 2)
#define FS_READ_DIR (1ull << 3)
#define NET_ALL 3ull    /* bind and connect, TCP */
#define SCOPED_ALL 3ull /* abstract sockets, signals */

/* Kernels take a longer one than they know if the rest is zero. */
struct ruleset {
	uint64_t fs, net, scoped;
};

struct path_beneath {
	uint64_t allowed;
	int32_t fd;
} __attribute__((packed));

/* All rights to files that an ABI knows: they are numbered in the order in which they came. */
static uint64_t fs_all(int abi)
{
	static const int rights[] = { 13, 14, 15, 15, 16 };
	int last = (int)(sizeof(rights) / sizeof(*rights));

	return (1ull << rights[(abi < last ? abi : last) - 1]) - 1;
}

/* A link's target lies below one of the others, or shall not be seen. */
static bool is_shown(const char *name)
{
	static const char *const hidden[] = { ".", "..", "dev", "sys" };

	for (size_t i = 0; i < sizeof(hidden) / sizeof(*hidden); i++)
		if (!strcmp(name, hidden[i]))
			return false;
	return true;
}

static void rule_add(int ruleset, int root, const char *name)
{
	struct path_beneath rule = {
		.fd = openat(root, name, O_PATH | O_NOFOLLOW | O_CLOEXEC),
	};
	struct stat st;

	if (rule.fd < 0)
		return;
	if (!fstat(rule.fd, &st) && (S_ISDIR(st.st_mode) || S_ISREG(st.st_mode))) {
		rule.allowed = FS_READ_FILE | (S_ISDIR(st.st_mode) ? FS_READ_DIR : 0);
		syscall(SYS_landlock_add_rule, ruleset, RULE_PATH_BENEATH, &rule, 0);
	}
	close(rule.fd);
}

/* Rules can only allow, so what is to be hidden is what is not named. */
static bool rules_add(int ruleset)
{
	DIR *root = opendir("/");
	struct dirent *entry;

	if (!root)
		return false;
	while ((entry = readdir(root)))
		if (is_shown(entry->d_name))
			rule_add(ruleset, dirfd(root), entry->d_name);
	/* Builds are put there for speed. */
	rule_add(ruleset, dirfd(root), "dev/shm");
	closedir(root);
	return true;
}

int sandbox_files_enter(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, CREATE_RULESET_VERSION);
	struct ruleset attributes = { 0 };
	bool good;
	int fd;

	if (abi < 1)
		return 0;
	attributes.fs = fs_all((int)abi);
	attributes.net = abi >= 4 ? NET_ALL : 0;
	attributes.scoped = abi >= SANDBOX_FILES_SCOPED ? SCOPED_ALL : 0;
	fd = (int)syscall(SYS_landlock_create_ruleset, &attributes, sizeof(attributes), 0);
	if (fd < 0)
		return 0;
	good = rules_add(fd) && !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) &&
	       !syscall(SYS_landlock_restrict_self, fd, 0);
	close(fd);
	return good ? (int)abi : 0;
}
