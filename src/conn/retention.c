/* Retention settings. */
#include "conn/retention.h"

struct dm_retention dm_project_retention(const struct dm_project *p)
{
    return (struct dm_retention){
        .runs = dm_project_config_time(p, "retention.runs", 0),
        .logs = dm_project_config_time(p, "retention.logs", 0),
        .events = dm_project_config_time(p, "retention.events", 0),
        .rendered = (int)dm_project_config_int(p, "retention.rendered", DM_RETENTION_RENDERED),
    };
}
