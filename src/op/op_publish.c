/* `publish`: a day of a staged table becomes that day of the published one, in one transaction. */
#include "op/op.h"

static const char *const aliases[] = {NULL};

static const struct dm_op_field fields[] = {
    {"conn_id", DM_FIELD_STRING, true, true, NULL, "Connection of both tables.", NULL},
    {"staging_table", DM_FIELD_STRING, true, true, NULL, "Table that the checks saw.", NULL},
    {"table", DM_FIELD_STRING, true, true, NULL,
     "Table that people read; has the columns of the staged one.", NULL},
    {"day_column", DM_FIELD_STRING, false, true, "\"insert_date\"",
     "Column of both tables that says which day a row belongs to.", NULL},
    {"day", DM_FIELD_STRING, false, true, "\"{{ ds }}\"", "The day to publish.", NULL},
    {"checks", DM_FIELD_LIST, false, false, NULL,
     "Tasks whose checks must have seen exactly these rows.  Default: the tasks upstream.", NULL},
    {"database", DM_FIELD_STRING, false, true, NULL, "Database to use instead of the connection's.",
     NULL},
    {NULL},
};

const struct dm_op dm_op_publish = {
    .spec = {.name = "publish",
             .aliases = aliases,
             .doc = "Replaces one day of a published table by the staged rows of that day, in one "
                    "transaction, if they are exactly those that this run's checks saw.",
             .fields = fields},
};
