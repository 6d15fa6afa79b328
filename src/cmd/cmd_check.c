/* daymill check: everything that is wrong with the DAG files, at once. */
#include "cmd/common.h"

static void print_json(struct dm_args *args, const struct dm_dag_set *set)
{
    struct dm_table t;
    dm_table_init(&t, args->arena, "level file line# column# dag_id code message hint");
    for (size_t i = 0; i < set->n_diags; i++) {
        const struct dm_diag *d = &set->diags[i];
        dm_table_add(&t, DM_ROW(d->warning ? "warning" : "error", d->file,
                                dm_cell_int(args->arena, d->line), dm_cell_int(args->arena, d->col),
                                d->dag_id, d->code, d->message, d->hint));
    }
    dm_args_print(args, &t);
}

static int run(struct dm_args *args, struct dm_err *reterr)
{
    struct dm_dag_set set;
    const char *path = args->n ? args->v[0] : args->project->dags_dir;
    DM_TRY(dm_cmd_dags_at(args, path, &set, reterr));
    if (args->json) {
        print_json(args, &set);
    } else {
        for (size_t i = 0; i < set.n_diags; i++) {
            _cleanup_strbuf_ struct dm_strbuf b;
            dm_strbuf_init(&b, DM_BUF_MESSAGE);
            dm_diag_format(&b, &set.diags[i]);
            fputs(b.p ? b.p : "", stdout);
        }
        if (!args->quiet)
            printf("%zu DAG%s good, %zu error%s, %zu warning%s\n", set.n_dags,
                   set.n_dags == 1 ? "" : "s", set.n_errors, set.n_errors == 1 ? "" : "s",
                   set.n_diags - set.n_errors, set.n_diags - set.n_errors == 1 ? "" : "s");
    }
    return set.n_errors ? DM_E_INVALID : 0;
}

const struct dm_cmd dm_cmd_check = {
    .name = "check",
    .synopsis = "[DIR]",
    .doc = "show every error of every DAG file, with its place",
    .max_args = 1,
    .run = run,
};
