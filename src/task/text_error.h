/* The classifier (text/) is a library of its own with errors of its own: this makes them ours, and its options of ours. */
#ifndef DM_TEXT_ERROR_H
#define DM_TEXT_ERROR_H

#include "base/err.h"
#include "text/classify.h"
#include "text/text_err.h"

/* Returns the code it sets: DM_E_DATA for what is wrong with the input, with file and line. */
int dm_text_error(const struct dm_text_err *err, struct dm_err *reterr);

/* How many rejected records are borne: "12", or "1%" of all.  DM_E_USAGE names `what`. */
int dm_text_max_rejected(const char *text, const char *what, struct dm_classify_options *o,
                         struct dm_err *reterr) dm_nodiscard;

#endif
