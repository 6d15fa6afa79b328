/* daymill dags list-import-errors: the files that the scheduler cannot load. */
#include "cmd/common.h"
#include "state/memory.h"

static int run(struct dm_args *args, struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    struct dm_import_error_row *rows = NULL;
    size_t n = 0;
    DM_TRY(dm_cmd_store(args, DM_STORE_READ, &store, reterr));
    if (store)
        DM_TRY(dm_store_import_errors(store, args->arena, &rows, &n, reterr));
    if (!args->json) {
        for (size_t i = 0; i < n; i++)
            printf("%s, since %s:\n%s", rows[i].file, dm_cell_iso(args->arena, rows[i].at),
                   rows[i].error);
        return 0;
    }
    struct dm_table t;
    dm_table_init(&t, args->arena, "file since error");
    for (size_t i = 0; i < n; i++)
        dm_table_add(&t, DM_ROW(rows[i].file, dm_cell_iso(args->arena, rows[i].at), rows[i].error));
    dm_args_print(args, &t);
    return 0;
}

const struct dm_cmd dm_cmd_dags_import_errors = {
    .name = "dags list-import-errors",
    .synopsis = "",
    .doc = "list the files that the scheduler could not load, and why",
    .more = "What it saw when it looked last; \"daymill check\" looks now.\n"
            "  daymill dags list-import-errors",
    .run = run,
};
