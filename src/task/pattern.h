/*
 * Regular expressions as s3-dist-cp takes them (Java's), matched against a whole text.  Translated to POSIX extended
 * expressions; what has no counterpart there (look-around, possessive quantifiers, back references …) is refused.
 */
#ifndef DM_PATTERN_H
#define DM_PATTERN_H

#include <regex.h>

#include "base/str.h"

struct dm_pattern {
    regex_t regex;
    bool compiled;
};

int dm_pattern_init(struct dm_pattern *p, const char *java, struct dm_err *reterr) dm_nodiscard;
bool dm_pattern_matches(const struct dm_pattern *p, const char *text); /* the whole text */
void dm_pattern_release(struct dm_pattern *p);

#endif
