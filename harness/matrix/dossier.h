/* SPDX-License-Identifier: Apache-2.0 */
/* The file that `run --out DIR` keeps for each kind of crash and hang: all that is known of it. */
#ifndef FORKPOINT_MATRIX_DOSSIER_H
#define FORKPOINT_MATRIX_DOSSIER_H

#include "matrix/plan.h"
#include "triage/experiment.h"
#include "triage/triage.h"

/*
 * DIR/<scenario>-<bug|twin>-<python>-<strategy>-<outcome>-<seed>-<n>.txt, written beside and put in
 * place by rename. `n` counts the findings of a cell. What an earlier run, or one that goes on at
 * the same time, has kept stays: then a number follows, from 2 on. 0, or -1 and a sentence.
 */
int dossier_write(const char *dir, const struct unit *unit, const struct cell *cell, unsigned int n,
		  const char *replay, const struct triage *triage, enum confirmation confirmation,
		  struct strbuf *err);

#endif
