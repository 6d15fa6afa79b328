/*
 * Regular expressions as Python's `re` writes them, for a yes or no: is there a match anywhere in a text?
 *
 * Time is the length of the text times that of the expression, whatever both are: it is run as an automaton.  What
 * no automaton can do is refused: references to groups, looking ahead or behind, atomic groups.  Texts are UTF-8.
 */
#ifndef DM_REGEXP_H
#define DM_REGEXP_H

#include "base/str.h"

enum {
    DM_REGEXP_BYTES_MAX = 4096,  /* of an expression */
    DM_REGEXP_STEPS_MAX = 20000, /* of its automaton: {m,n} writes its part n times */
    DM_REGEXP_DEPTH_MAX = 100,   /* groups within groups */
};

struct dm_regexp;

/* DM_E_INVALID with the column in err->col; DM_E_LIMIT names the limit. */
int dm_regexp_parse(struct dm_arena *a, struct dm_str pattern, const struct dm_regexp **ret,
                    struct dm_err *reterr) dm_nodiscard;
/* Python's re.search. */
bool dm_regexp_search(const struct dm_regexp *re, struct dm_str text);

#endif
