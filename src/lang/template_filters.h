/* The functions of filters.def, one declaration each: dm_filter_NAME; and what the files of filters share. */
#ifndef DM_TEMPLATE_FILTERS_H
#define DM_TEMPLATE_FILTERS_H

#include "lang/object.h"

#define DM_FILTER(word, fn, spec, doc) \
    int dm_filter_##fn(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret);
#include "lang/filters.def"
#undef DM_FILTER

/* The filter's subject as a text (str() of it); an undefined one fails. */
int dm_filter_subject(struct dm_eval *e, const struct dm_call *c, struct dm_str *ret) dm_nodiscard;
/* A method of texts run on a text. */
int dm_filter_by_method(struct dm_eval *e, const char *method, struct dm_str s,
                        const struct dm_call *c, const struct dm_value **ret) dm_nodiscard;

#endif
