/* The classifier (text/) is a library of its own with errors of its own: this makes them ours. */
#ifndef DM_TEXT_ERROR_H
#define DM_TEXT_ERROR_H

#include "base/err.h"
#include "text/text_err.h"

/* Returns the code it sets: DM_E_DATA for what is wrong with the input, with file and line. */
int dm_text_error(const struct dm_text_err *err, struct dm_err *reterr);

#endif
