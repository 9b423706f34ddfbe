/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where forkpoint's own files are: absolute paths, appended to *out. Each returns 0, or -1 and a
 * sentence. Not async-signal-safe.
 */
#ifndef FORKPOINT_BASE_PATHS_H
#define FORKPOINT_BASE_PATHS_H

#include "base/strbuf.h"

/*
 * The directory that holds embed/ and scenarios/: $FORKPOINT_DATA; else as seen from the program
 * (a build directory within the sources, or ../share/forkpoint of an installation); else as fixed
 * when it was compiled.
 */
int paths_data(struct strbuf *out, struct strbuf *err);

/* $FORKPOINT_CACHE, else $XDG_CACHE_HOME/forkpoint, else ~/.cache/forkpoint. Need not exist. */
int paths_cache(struct strbuf *out, struct strbuf *err);

/* $XDG_CONFIG_HOME/forkpoint, else ~/.config/forkpoint. Need not exist. */
int paths_config(struct strbuf *out, struct strbuf *err);

/* $HOME, else what the user database says. */
int paths_home(struct strbuf *out, struct strbuf *err);

/* Make a directory and those above it. */
int paths_make_directories(const char *path, struct strbuf *err);

#endif
