/* What the project keeps, and for how long: retention.* of daymill.yaml. */
#ifndef DM_RETENTION_H
#define DM_RETENTION_H

#include "conn/project.h"
#include "state/purge.h"

enum { DM_RETENTION_RENDERED = 30 }; /* as Airflow's max_num_rendered_ti_fields_per_task */

struct dm_retention dm_project_retention(const struct dm_project *p);

#endif
