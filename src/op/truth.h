/* Whether what a template or a query gave means true. */
#ifndef DM_OP_TRUTH_H
#define DM_OP_TRUTH_H

#include "lang/value.h"

/* "yes", "t", "on", "1" … : 1 true, 0 false, -1 neither. */
int dm_word_truth(struct dm_str text);
/* What a template became: its own kind where it is native, else a text, of which empty, false, none … are false. */
bool dm_is_true(const struct dm_value *v);

#endif
