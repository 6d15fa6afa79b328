/* daymill dags trigger|pause|unpause|next-execution: what people tell a schedule, and what it says. */
#include <unistd.h>

#include "base/clock.h"
#include "cmd/assets.h"
#include "lang/asset.h"
#include "state/memory.h"

enum { WAIT_POLL_US = 2000 };

/* ---- trigger ---- */

static const struct dm_option trigger_options[] = {
    {"conf", 'c', DM_OPTION_JSON, "JSON", NULL, "params of this run: '{\"metric\": \"fanout\"}'"},
    {"run-id", 'r', DM_OPTION_TEXT, "ID", NULL, "its run id (default: manual__ and the date)"},
    {"logical-date", 'e', DM_OPTION_DAY, "DAY", NULL, "its logical date (default: now)"},
    {"note", 0, DM_OPTION_TEXT, "TEXT", NULL, "a note on the run"},
    {"wait", 'w', DM_OPTION_FLAG, NULL, NULL, "wait until it has ended; a failed run is an error"},
    {NULL},
};

static void set_text(struct dm_args *args, struct dm_value *body, const char *key, const char *text)
{
    if (text)
        dm_map_set(args->arena, body, key, dm_value_cstr(args->arena, text));
}

static int wait_for_run(struct dm_args *args, struct dm_store *store, const char *dag_id,
                        const char *run_id, struct dm_err *reterr)
{
    struct dm_run_row run;
    for (;;) {
        _cleanup_arena_ struct dm_arena a = {0};
        int found = dm_store_run_named(store, &a, dag_id, dm_str_c(run_id), &run, reterr);
        DM_TRY(found);
        if (!found)
            return dm_err_set(reterr, DM_E_NOTFOUND, "run \"%s\" is gone", run_id);
        if (dm_run_finished(run.state))
            break;
        usleep(WAIT_POLL_US);
    }
    if (!args->quiet && !args->json)
        printf("%s\n", dm_run_state_name(run.state));
    if (run.state == DM_RUN_SUCCESS)
        return 0;
    dm_err_set(reterr, DM_E_TASK, "run \"%s\" of \"%s\" has failed", run_id, dag_id);
    return dm_err_hint(reterr, "\"%s runs show %s %s\" says what.", args->self, dag_id, run_id);
}

static void say_triggered(struct dm_args *args, const char *dag_id, const char *run_id, bool paused)
{
    printf("%s %s", dag_id, run_id);
    if (paused)
        printf(": queued until the DAG is unpaused (\"%s dags unpause %s\")", args->self, dag_id);
    else if (!dm_right_is_scheduler(args->project->run_dir))
        printf(": queued until a scheduler runs (\"%s standalone\")", args->self);
    printf("\n");
}

static int trigger(struct dm_args *args, struct dm_err *reterr)
{
    const struct dm_dag *dag;
    _cleanup_store_ struct dm_store *store = NULL;
    const struct dm_value *answer;
    struct dm_value *body = dm_value_map(args->arena), *conf;
    const char *day = dm_option_text(args, "logical-date", NULL);
    const char *json = dm_option_text(args, "conf", NULL);
    DM_TRY(dm_cmd_dag(args, args->v[0], &dag, reterr));
    if (day) {
        int64_t at;
        DM_TRY(dm_cmd_day(day, &at, reterr));
        dm_map_set(args->arena, body, "logical_date", dm_value_int(args->arena, at));
    }
    if (json) {
        DM_TRY(dm_value_from_json(args->arena, dm_str_c(json), &conf, reterr));
        dm_map_set(args->arena, body, "conf", conf);
    }
    set_text(args, body, "run_id", dm_option_text(args, "run-id", NULL));
    set_text(args, body, "note", dm_option_text(args, "note", NULL));
    DM_TRY(dm_cmd_store(args, DM_STORE_WRITE, &store, reterr));
    DM_TRY(dm_cmd_ask(args, store, dag, "trigger", body, &answer, reterr));
    const char *run_id = dm_str_cstr(args->arena, dm_map_str(answer, "run_id", ""));
    bool paused = dm_map_bool(answer, "paused", false);
    if (args->json)
        printf("{\"dag_id\": \"%s\", \"run_id\": \"%s\", \"logical_date\": \"%s\"}\n", dag->dag_id,
               run_id, dm_cell_iso(args->arena, dm_map_int(answer, "logical_date", DM_NEVER)));
    else if (!args->quiet)
        say_triggered(args, dag->dag_id, run_id, paused);
    return dm_option_flag(args, "wait") ? wait_for_run(args, store, dag->dag_id, run_id, reterr)
                                        : 0;
}

const struct dm_cmd dm_cmd_dags_trigger = {
    .name = "dags trigger",
    .synopsis = "DAG",
    .doc = "make a run now; the scheduler works on it",
    .more = "  daymill dags trigger user_behaviour --conf '{\"metric\": \"fanout\"}'",
    .min_args = 1,
    .max_args = 1,
    .options = trigger_options,
    .run = trigger,
};

/* ---- pause and unpause ---- */

static int set_paused(struct dm_args *args, bool paused, struct dm_err *reterr)
{
    const struct dm_dag *dag;
    _cleanup_store_ struct dm_store *store = NULL;
    const struct dm_value *answer;
    struct dm_value *body = dm_value_map(args->arena);
    DM_TRY(dm_cmd_dag(args, args->v[0], &dag, reterr));
    dm_map_set(args->arena, body, "paused", dm_value_bool(args->arena, paused));
    DM_TRY(dm_cmd_store(args, DM_STORE_WRITE, &store, reterr));
    DM_TRY(dm_cmd_ask(args, store, dag, "pause", body, &answer, reterr));
    if (args->quiet)
        return 0;
    bool was = dm_map_bool(answer, "was_paused", !paused);
    printf("%s is %s%s\n", dag->dag_id, was == paused ? "already " : "",
           paused ? "paused: its schedule makes no runs, and no queued run begins"
                  : "unpaused: its schedule makes runs");
    if (!paused && !dm_right_is_scheduler(args->project->run_dir))
        printf("No scheduler runs; start one: %s standalone\n", args->self);
    return 0;
}

static int pause_dag(struct dm_args *args, struct dm_err *reterr)
{
    return set_paused(args, true, reterr);
}

static int unpause_dag(struct dm_args *args, struct dm_err *reterr)
{
    return set_paused(args, false, reterr);
}

const struct dm_cmd dm_cmd_dags_pause = {
    .name = "dags pause",
    .synopsis = "DAG",
    .doc = "stop a schedule: what is at work ends, nothing new begins",
    .min_args = 1,
    .max_args = 1,
    .run = pause_dag,
};

const struct dm_cmd dm_cmd_dags_unpause = {
    .name = "dags unpause",
    .synopsis = "DAG",
    .doc = "let a schedule make runs",
    .more =
        "A DAG that was never seen is paused at first (scheduler.dags_are_paused_at_creation).\n"
        "  daymill dags unpause user_behaviour",
    .min_args = 1,
    .max_args = 1,
    .run = unpause_dag,
};

/* ---- next-execution ---- */

static const struct dm_option next_options[] = {
    {"num", 'n', DM_OPTION_INT, "N", NULL, "how many (default 1)"},
    {NULL},
};

static int next(struct dm_args *args, struct dm_err *reterr)
{
    enum { MOST = 10000 };
    const struct dm_dag *dag;
    _cleanup_store_ struct dm_store *store = NULL;
    struct dm_due due, last;
    struct dm_table t;
    struct dm_arena *a = args->arena;
    int64_t n = dm_option_int(args, "num", 1);
    DM_TRY(dm_cmd_dag(args, args->v[0], &dag, reterr));
    DM_TRY(dm_cmd_store(args, DM_STORE_READ, &store, reterr));
    if (n < 1 || n > MOST)
        return dm_err_set(reterr, DM_E_USAGE, "--num must be 1 to %d", MOST);
    dm_table_init(&t, a, "logical_date data_interval_end run_after");
    for (int64_t i = 0; i < n; i++) {
        int found = dm_dag_next_run(store, dag, i ? &last : NULL, dm_clock_now(), &due, reterr);
        DM_TRY(found);
        if (!found)
            break;
        dm_table_add(&t, DM_ROW(dm_cell_iso(a, due.interval_start),
                                dm_cell_iso(a, due.interval_end), dm_cell_iso(a, due.run_after)));
        last = due;
    }
    bool by_assets = dm_asset_condition(dag->schedule);
    if (t.n_rows || !by_assets)
        dm_args_print(args, &t);
    if (!by_assets || (t.n_rows && args->json))
        return 0; /* what asks for dates gets dates alone */
    if (t.n_rows)
        printf("\nand ");
    return dm_cmd_print_assets(args, store, dag, reterr);
}

const struct dm_cmd dm_cmd_dags_next = {
    .name = "dags next-execution",
    .synopsis = "DAG",
    .doc = "say when the schedule makes its next run, or what it waits for",
    .min_args = 1,
    .max_args = 1,
    .options = next_options,
    .run = next,
};
