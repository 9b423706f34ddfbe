/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mappings of a process that a core file is left of, and the headers of the ELF files in its
 * memory.
 */
#ifndef FORKPOINT_OBSERVE_CORE_MAPS_H
#define FORKPOINT_OBSERVE_CORE_MAPS_H

#include "observe/core.h"
#include "observe/elf_facts.h"
#include "observe/maps.h"

/*
 * As /proc/PID/maps had them, as far as the core tells. What debuggers leave out of the list of
 * segments (code, since it is in the file) is taken from the list of mapped files, and what may be
 * done there from the file's headers in memory.
 */
void core_maps(struct maps *maps, const struct core *core);
/* Of the file whose first byte stands at an address; false: the core has not kept them. */
bool core_elf_facts(struct elf_facts *facts, const struct core *core, uint64_t start);

#endif
