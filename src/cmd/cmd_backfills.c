/* daymill backfills list|pause|resume|cancel: backfills that work, wait or are over. */
#include "cmd/common.h"
#include "state/memory.h"

static const struct dm_option list_options[] = {
    {"all", 'a', DM_OPTION_FLAG, NULL, NULL, "those that are over, too"},
    {NULL},
};

static int list(struct dm_args *args, struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    struct dm_backfill_row *rows = NULL;
    struct dm_arena *a = args->arena;
    struct dm_table t;
    size_t n = 0;
    const char *dag_id = args->n ? args->v[0] : NULL;
    DM_TRY(dm_cmd_store(args, DM_STORE_READ, &store, reterr));
    if (store)
        DM_TRY(dm_store_backfills(store, a, dag_id, !dm_option_flag(args, "all"), 0, &rows, &n,
                                  reterr));
    dm_table_init(&t, a, "id# dag_id from to rerun state days# done# command");
    for (size_t i = 0; i < n; i++) {
        const struct dm_backfill_row *b = &rows[i];
        dm_table_add(&t, DM_ROW(dm_cell_int(a, b->id), b->dag_id, dm_cell_day(a, b->from),
                                dm_cell_day(a, b->to), b->rerun, b->state,
                                dm_cell_int(a, (int64_t)b->days),
                                dm_cell_int(a, (int64_t)b->days_done), b->command));
    }
    dm_args_print(args, &t);
    return 0;
}

const struct dm_cmd dm_cmd_backfills_list = {
    .name = "backfills list",
    .synopsis = "[DAG]",
    .doc = "list the backfills that work or are paused",
    .min_args = 0,
    .max_args = 1,
    .options = list_options,
    .run = list,
};

static int set_state(struct dm_args *args, const char *state, const char *said,
                     struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    struct dm_value *body = dm_value_map(args->arena);
    const struct dm_value *answer;
    int64_t id;
    if (!dm_str_to_i64(dm_str_c(args->v[0]), &id)) {
        dm_err_set(reterr, DM_E_USAGE, "\"%s\" is no number of a backfill", args->v[0]);
        return dm_err_hint(reterr, "\"%s backfills list\" shows them.", args->self);
    }
    dm_map_set(args->arena, body, "backfill", dm_value_int(args->arena, id));
    dm_map_set(args->arena, body, "state", dm_value_cstr(args->arena, state));
    DM_TRY(dm_cmd_store(args, DM_STORE_WRITE, &store, reterr));
    DM_TRY(dm_cmd_ask(args, store, NULL, "backfill_state", body, &answer, reterr));
    if (!args->quiet)
        printf("backfill %lld %s\n", (long long)id, said);
    return 0;
}

static int pause_one(struct dm_args *args, struct dm_err *reterr)
{
    return set_state(args, "paused", "is paused: what is at work ends, no other day begins",
                     reterr);
}

static int resume_one(struct dm_args *args, struct dm_err *reterr)
{
    return set_state(args, "running", "goes on", reterr);
}

static int cancel_one(struct dm_args *args, struct dm_err *reterr)
{
    return set_state(args, "cancelled", "is cancelled: what is at work ends, no other day begins",
                     reterr);
}

#define BACKFILL_COMMAND(word, what, function)      \
    const struct dm_cmd dm_cmd_backfills_##word = { \
        .name = "backfills " #word,                 \
        .synopsis = "ID",                           \
        .doc = what,                                \
        .min_args = 1,                              \
        .max_args = 1,                              \
        .run = function,                            \
    }

BACKFILL_COMMAND(pause, "stop a backfill for a while; it stays paused over restarts", pause_one);
BACKFILL_COMMAND(resume, "let a paused backfill go on", resume_one);
BACKFILL_COMMAND(cancel, "end a backfill; what it has done stays", cancel_one);
