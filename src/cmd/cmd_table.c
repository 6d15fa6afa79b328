/* All commands, in the order of --help.  A command is a `struct dm_cmd` of the file named after it. */
#include "cmd/cmd.h"

/* Each once: declared, then listed. */
#define COMMANDS(X)     \
    X(init)             \
    X(setup)            \
    X(check)            \
    X(schema)           \
    X(backfill)         \
    X(backfills_list)   \
    X(backfills_pause)  \
    X(backfills_resume) \
    X(backfills_cancel) \
    X(standalone)       \
    X(scheduler)        \
    X(clean)            \
    X(dags_list)        \
    X(dags_show)        \
    X(dags_test)        \
    X(dags_trigger)     \
    X(dags_pause)       \
    X(dags_unpause)     \
    X(dags_next)        \
    X(tasks_list)       \
    X(tasks_render)     \
    X(tasks_test)       \
    X(tasks_logs)       \
    X(tasks_clear)      \
    X(tasks_mark)       \
    X(tasks_why)        \
    X(runs_list)        \
    X(runs_show)        \
    X(runs_mark)        \
    X(runs_note)        \
    X(variables_list)   \
    X(variables_get)    \
    X(variables_set)    \
    X(pools_list)       \
    X(pools_set)        \
    X(pools_delete)     \
    X(connections_list) \
    X(connections_test) \
    X(db_check)         \
    X(db_backup)        \
    X(db_vacuum)        \
    X(db_purge)         \
    X(db_migrate)       \
    X(sql)              \
    X(psql)             \
    X(warehouse)        \
    X(classify)         \
    X(datagen)          \
    X(version)

#define DECLARE(name) extern const struct dm_cmd dm_cmd_##name;
COMMANDS(DECLARE)

#define ENTRY(name) &dm_cmd_##name,
const struct dm_cmd *const dm_cmds[] = {COMMANDS(ENTRY) NULL};
