/*
 * YAML 1.1 as PyYAML's FullLoader reads it: `no` and `on` are booleans, 012 is 10, 1:30 is 90, 2024-11-11 is a date,
 * 1e3 and 0o17 are strings, `<<` merges, the last of two equal keys wins (with a warning).  Every value carries its
 * line and column.  !!binary is kept as a map {__type__: bytes, base64: …}.
 *
 * Strict where a file can harm: UTF-8 only, one document, no tags that make objects, and the limits below, counted
 * as if every alias were written out.
 */
#ifndef DM_YAML_H
#define DM_YAML_H

#include "lang/value.h"

enum {
    DM_YAML_BYTES_MAX = 4 << 20,
    DM_YAML_DEPTH_MAX = 64,
    DM_YAML_NODES_MAX = 200000, /* with aliases written out */
};

/* Called for what is legal and probably a mistake, such as a key that occurs twice. */
typedef void dm_yaml_warn(void *user, uint32_t line, uint32_t col, const char *message);

/* Errors carry `file` (may be NULL), line and column, and a hint for the common mistakes: DM_E_SYNTAX, DM_E_INVALID (a
   date that does not exist), DM_E_DATA (not UTF-8), DM_E_LIMIT, DM_E_TYPE, DM_E_UNSUPPORTED (a tag).  An empty text
   is null. */
int dm_yaml_parse(struct dm_arena *a, struct dm_str text, const char *file,
                  const struct dm_value **ret, struct dm_err *reterr) dm_nodiscard;
/* With warnings, and with `operators` the tags of dag-factory 0.x: !join, !and and !or make a text of a list. */
int dm_yaml_parse_dag(struct dm_arena *a, struct dm_str text, const char *file, bool operators,
                      dm_yaml_warn *warn, void *user, const struct dm_value **ret,
                      struct dm_err *reterr) dm_nodiscard;

/* A plain (not quoted) scalar by YAML 1.1's rules; DM_E_INVALID for 2024-13-01 and the like. */
int dm_yaml_scalar(struct dm_arena *a, struct dm_str text, struct dm_value **ret,
                   struct dm_err *reterr) dm_nodiscard;
/* The same where a tag asks for one kind ("int", "float", "bool", "null", "timestamp", "str"). */
int dm_yaml_scalar_as(struct dm_arena *a, const char *kind, struct dm_str text,
                      struct dm_value **ret, struct dm_err *reterr) dm_nodiscard;

#endif
