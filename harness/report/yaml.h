/* SPDX-License-Identifier: Apache-2.0 */
/*
 * JSON as YAML, in the part of YAML that TAP consumers read: block maps and lists, one line a
 * scalar. prove's reader (TAP::Parser::YAMLish) dies on what it does not know, and a harness whose
 * report cannot be read has failed; so what is legal YAML is not enough (see yaml.c). Pure.
 */
#ifndef FORKPOINT_REPORT_YAML_H
#define FORKPOINT_REPORT_YAML_H

#include <jansson.h>
#include <stddef.h>

#include "base/strbuf.h"

/*
 * "key: value\n", indented; what is nested goes two columns deeper. A null value adds nothing.
 */
void yaml_add_member(struct strbuf *sb, size_t indent, const char *key, const json_t *value);

#endif
