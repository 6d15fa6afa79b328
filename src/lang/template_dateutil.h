/* macros.dateutil of templates. */
#ifndef DM_TEMPLATE_DATEUTIL_H
#define DM_TEMPLATE_DATEUTIL_H

#include "lang/template_time.h"

const struct dm_value *dm_dateutil(struct dm_eval *e);
/* parser.parse(text, dayfirst, yearfirst): dates as people write them.  What is missing comes from the day of the
   run's start, so that a rerun says the same. */
int dm_parse_date_text(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret);

#endif
