/* daymill dags list|show|test. */
#include "base/clock.h"
#include "cmd/drive.h"
#include "sched/world.h"
#include "state/memory.h"

/* As the store says, or as it will be once it is seen. */
static bool is_paused(struct dm_args *args, const struct dm_dag_row *rows, size_t n,
                      const struct dm_dag *d)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].dag_id, d->dag_id) == 0)
            return rows[i].paused;
    return dm_dag_starts_paused(args->project, d);
}

static int list(struct dm_args *args, struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    struct dm_dag_row *rows = NULL;
    struct dm_dag_set set;
    struct dm_table t;
    struct dm_arena *a = args->arena;
    size_t n = 0;
    DM_TRY(dm_cmd_dags(args, &set, reterr));
    DM_TRY(dm_cmd_store(args, DM_STORE_READ, &store, reterr));
    if (store)
        DM_TRY(dm_store_dags(store, a, &rows, &n, reterr));
    dm_table_init(&t, a, "dag_id is_paused schedule start_date end_date next_run tasks# file");
    for (size_t i = 0; i < set.n_dags; i++) {
        const struct dm_dag *d = set.dags[i];
        struct dm_due due;
        bool paused = is_paused(args, rows, n, d);
        bool next = !paused && dm_dag_next_run(store, d, NULL, dm_clock_now(), &due, NULL) == 1;
        dm_table_add(&t, DM_ROW(d->dag_id, paused ? "true" : "false", d->schedule_text,
                                dm_cell_day(a, d->start_date), dm_cell_day(a, d->end_date),
                                next ? dm_cell_time(a, due.run_after) : NULL,
                                dm_cell_int(a, (int64_t)d->n_tasks), d->file));
    }
    dm_args_print(args, &t);
    if (set.n_errors && !args->quiet)
        fprintf(stderr, "%zu error%s in DAG files: \"daymill check\" shows them\n", set.n_errors,
                set.n_errors == 1 ? "" : "s");
    return 0;
}

const struct dm_cmd dm_cmd_dags_list = {
    .name = "dags list",
    .synopsis = "",
    .doc = "list the DAGs",
    .run = list,
};

static const char *join_ids(struct dm_arena *a, const struct dm_dag *d, const size_t *ids, size_t n)
{
    const char *text = "";
    for (size_t i = 0; i < n; i++)
        text = dm_arena_printf(a, "%s%s%s", text, i ? ", " : "", d->tasks[ids[i]].task_id);
    return text;
}

static const char *join_words(struct dm_arena *a, const char *text, const char *const *words)
{
    for (size_t i = 0; words && words[i]; i++)
        text = dm_arena_printf(a, "%s%s%s", text, *text ? ", " : "", words[i]);
    return text;
}

static void show_groups(struct dm_args *args, const struct dm_dag *d)
{
    struct dm_table t;
    if (!d->n_groups)
        return;
    dm_table_init(&t, args->arena, "group after tooltip");
    for (size_t i = 0; i < d->n_groups; i++) {
        const struct dm_task_group *g = &d->groups[i];
        const char *after = join_words(args->arena, "", g->upstream_groups);
        dm_table_add(
            &t, DM_ROW(g->group_id, join_words(args->arena, after, g->upstream_tasks), g->tooltip));
    }
    printf("\n");
    dm_args_print(args, &t);
}

static int show(struct dm_args *args, struct dm_err *reterr)
{
    const struct dm_dag *d;
    DM_TRY(dm_cmd_dag(args, args->v[0], &d, reterr));
    if (args->json) {
        _cleanup_strbuf_ struct dm_strbuf b;
        dm_strbuf_init(&b, DM_BUF_FRAME);
        dm_dag_to_json(&b, d);
        DM_TRY(dm_strbuf_check(&b, "the DAG", reterr));
        printf("%s\n", b.p);
        return 0;
    }
    struct dm_table t;
    printf("%s (%s)\n", d->dag_id, d->file);
    if (d->description)
        printf("%s\n", d->description);
    printf("schedule %s, from %s to %s, %scatchup, generation %.12s\n\n",
           d->schedule_text ? d->schedule_text : "none",
           d->start_date == DM_NEVER ? "-" : dm_cell_day(args->arena, d->start_date),
           d->end_date == DM_NEVER ? "-" : dm_cell_day(args->arena, d->end_date),
           d->catchup ? "" : "no ", d->generation);
    dm_table_init(&t, args->arena, "task_id operator after");
    for (size_t i = 0; i < d->n_tasks; i++)
        dm_table_add(
            &t, DM_ROW(d->tasks[i].task_id, d->tasks[i].operator_name,
                       join_ids(args->arena, d, d->tasks[i].upstream, d->tasks[i].n_upstream)));
    dm_args_print(args, &t);
    show_groups(args, d);
    return 0;
}

const struct dm_cmd dm_cmd_dags_show = {
    .name = "dags show",
    .synopsis = "DAG",
    .doc = "show a DAG and its tasks (--json: its normal form)",
    .min_args = 1,
    .max_args = 1,
    .run = show,
};

static const struct dm_option test_options[] = {
    {"conf", 0, DM_OPTION_JSON, "JSON", NULL, "params of this run"},
    {"jobs", 'j', DM_OPTION_INT, "N", NULL,
     "tasks at once (default: as many as processors, at least 2)"},
    {NULL},
};

static int test(struct dm_args *args, struct dm_err *reterr)
{
    struct dm_drive d = {.run_type = "manual", .rerun = DM_RERUN_ALL, .exact = true};
    DM_TRY(dm_cmd_dag(args, args->v[0], &d.dag, reterr));
    DM_TRY(dm_cmd_day(args->v[1], &d.from, reterr));
    d.to = d.from;
    DM_TRY(dm_cmd_conf(args, d.dag, &d.conf, reterr));
    struct dm_cmd_drive drive = {
        .drive = &d,
        .command = dm_arena_printf(args->arena, "dags test %s", d.dag->dag_id),
        .jobs = (int)dm_option_int(args, "jobs", 0),
        .show_tasks = true,
    };
    return dm_cmd_drive(args, &drive, reterr);
}

const struct dm_cmd dm_cmd_dags_test = {
    .name = "dags test",
    .synopsis = "DAG DAY",
    .doc = "run one day of a DAG, every task of it, whatever was done before",
    .more = "  daymill dags test user_behaviour 2010-12-05",
    .min_args = 2,
    .max_args = 2,
    .options = test_options,
    .run = test,
};
