/* daymill runs mark|note: what people say of a run. */
#include "cmd/common.h"

static int ask_about_run(struct dm_args *args, const char *kind, struct dm_value *body,
                         struct dm_run_row *ret, struct dm_err *reterr)
{
    const struct dm_dag *dag;
    const struct dm_value *answer;
    _cleanup_store_ struct dm_store *store = NULL, *reader = NULL;
    DM_TRY(dm_cmd_dag(args, args->v[0], &dag, reterr));
    DM_TRY(dm_cmd_run(args, args->v[0], args->v[1], &reader, ret, reterr));
    dm_map_set(args->arena, body, "run_id", dm_value_cstr(args->arena, ret->run_id));
    DM_TRY(dm_cmd_store(args, DM_STORE_WRITE, &store, reterr));
    return dm_cmd_ask(args, store, dag, kind, body, &answer, reterr);
}

static int mark(struct dm_args *args, struct dm_err *reterr)
{
    struct dm_value *body = dm_value_map(args->arena);
    struct dm_run_row run;
    int to = dm_run_state_parse(dm_str_c(args->v[2]));
    if (to != DM_RUN_SUCCESS && to != DM_RUN_FAILED)
        return dm_err_set(reterr, DM_E_USAGE, "a run is marked success or failed, not \"%s\"",
                          args->v[2]);
    dm_map_set(args->arena, body, "state", dm_value_cstr(args->arena, args->v[2]));
    DM_TRY(ask_about_run(args, "mark_run", body, &run, reterr));
    if (!args->quiet)
        printf("%s of %s is %s\n", run.run_id, run.dag_id, args->v[2]);
    return 0;
}

const struct dm_cmd dm_cmd_runs_mark = {
    .name = "runs mark",
    .synopsis = "DAG DAY success|failed",
    .doc = "take a run as done: success marks all its tasks, failed ends what is at work",
    .min_args = 3,
    .max_args = 3,
    .run = mark,
};

static int note(struct dm_args *args, struct dm_err *reterr)
{
    struct dm_value *body = dm_value_map(args->arena);
    struct dm_run_row run;
    dm_map_set(args->arena, body, "note", dm_value_cstr(args->arena, args->v[2]));
    DM_TRY(ask_about_run(args, "note", body, &run, reterr));
    if (!args->quiet)
        printf("%s of %s: %s\n", run.run_id, run.dag_id, *args->v[2] ? args->v[2] : "no note");
    return 0;
}

const struct dm_cmd dm_cmd_runs_note = {
    .name = "runs note",
    .synopsis = "DAG DAY TEXT",
    .doc = "write a note on a run, for whoever looks at it next (\"\" removes it)",
    .min_args = 3,
    .max_args = 3,
    .run = note,
};
