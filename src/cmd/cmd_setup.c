/* daymill setup: runs the DAGs' set-up SQL and loads what is still empty. */
#include "cmd/setup.h"

static const struct dm_option options[] = {
    {"dry-run", 'n', DM_OPTION_FLAG, NULL, NULL, "print the statements and files, run nothing"},
    {"recreate", 0, DM_OPTION_FLAG, NULL, NULL, "drop the tables first: what they hold is LOST"},
    {NULL},
};

static int run(struct dm_args *args, struct dm_err *reterr)
{
    struct dm_setup s = {
        .dry_run = dm_option_flag(args, "dry-run"),
        .recreate = dm_option_flag(args, "recreate"),
        .quiet = args->quiet,
    };
    return dm_setup_project(args->project, &s, reterr);
}

const struct dm_cmd dm_cmd_setup = {
    .name = "setup",
    .synopsis = "",
    .doc = "make the tables of the DAGs (dags/*/setup/) and load sample data; can be repeated",
    .options = options,
    .run = run,
};
