/* SPDX-License-Identifier: Apache-2.0 */
/* What a core says of its process as a whole, as text. */
#ifndef FORKPOINT_OBSERVE_CORE_TEXT_H
#define FORKPOINT_OBSERVE_CORE_TEXT_H

#include "base/strbuf.h"
#include "observe/core_look.h"

/* What the process was: some lines; nothing if the core does not tell. */
void core_text_process(struct strbuf *out, const struct core *core);
/* Why there is a core, in a line. */
void core_text_origin(struct strbuf *out, const struct core_look *look);
/* "SIGSEGV", or "signal 63". */
void core_text_signal(struct strbuf *out, int signo);
/* How the process with this number is called now, if there is one. */
void core_text_command(struct strbuf *out, pid_t pid);
/* "nothing is mapped there" and the like, for a fault; NULL: nothing is known. Static. */
const char *core_text_fault(const struct core_signal *signal);

#endif
