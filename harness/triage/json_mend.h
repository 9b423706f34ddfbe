/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON that a parser refuses, made such that it takes it: see json_text.h, whose part this is.
 */
#ifndef FORKPOINT_TRIAGE_JSON_MEND_H
#define FORKPOINT_TRIAGE_JSON_MEND_H

#include "base/strbuf.h"
#include "triage/lines.h"

/*
 * Adds to `out` what can be had of the value with which the text begins, nothing if there is no
 * object or array. Returns how many bytes of the text that was: up to the value's end, or to where
 * it cannot be understood any more.
 */
size_t json_mend(struct piece text, struct strbuf *out);

#endif
