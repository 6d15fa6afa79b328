/* daymill backfill: runs the days of a DAG. */
#include "cmd/drive.h"

static const struct dm_option options[] = {
    {"from", 0, DM_OPTION_DAY, "DAY", NULL, "first logical date (default: the DAG's start_date)"},
    {"to", 0, DM_OPTION_DAY, "DAY", NULL,
     "last logical date, included (default: --from, or the DAG's end_date)"},
    {"rerun", 0, DM_OPTION_CHOICE, NULL, dm_rerun_choices,
     "which days that have a run are run again: missing = only unfinished ones (the default); "
     "failed = "
     "failed ones too; stale = also those whose definition or an input has changed; all = every "
     "day.  none, "
     "failed "
     "and completed are Airflow's words for missing, failed and all"},
    {"conf", 0, DM_OPTION_JSON, "JSON", NULL, "params of these runs: '{\"metric\": \"fanout\"}'"},
    {"jobs", 'j', DM_OPTION_INT, "N", NULL,
     "tasks at once (default: as many as processors, at least 2)"},
    {"backwards", 'B', DM_OPTION_FLAG, NULL, NULL, "the last day first (not with depends_on_past)"},
    {"max-active-runs", 0, DM_OPTION_INT, "N", NULL, "days at once (default: the DAG's)"},
    {"detach", 'd', DM_OPTION_FLAG, NULL, NULL,
     "hand it to the scheduler and do not wait for the end"},
    {"dry-run", 'n', DM_OPTION_FLAG, NULL, NULL, "show what would be done, day by day"},
    {NULL},
};

static int print_days(struct dm_args *args, const struct dm_day *days, size_t n)
{
    struct dm_table t;
    dm_table_init(&t, args->arena, "day action run_id state why");
    for (size_t i = 0; i < n; i++)
        dm_table_add(&t, DM_ROW(dm_cell_day(args->arena, days[i].due.interval_start),
                                dm_day_action_name(days[i].action), days[i].run_id,
                                dm_day_is_name(days[i].is), days[i].why));
    dm_args_print(args, &t);
    return 0;
}

/* The range: --from and --to, or the DAG's own dates. */
static int range(struct dm_args *args, struct dm_drive *d, struct dm_err *reterr)
{
    const char *from = dm_option_text(args, "from", NULL), *to = dm_option_text(args, "to", NULL);
    d->from = d->dag->start_date;
    d->to = d->dag->end_date;
    if (from) {
        DM_TRY(dm_cmd_day(from, &d->from, reterr));
        d->to = d->from;
    }
    if (to)
        DM_TRY(dm_cmd_day(to, &d->to, reterr));
    if (d->from == DM_NEVER || d->to == DM_NEVER) {
        dm_err_set(reterr, DM_E_USAGE, "which days? \"%s\" has no %s", d->dag->dag_id,
                   d->from == DM_NEVER ? "start_date" : "end_date");
        return dm_err_hint(reterr, "Give --from DAY --to DAY.");
    }
    if (d->from > d->to)
        return dm_err_set(reterr, DM_E_USAGE, "--from lies after --to");
    return 0;
}

/* Which day comes first, and how many at once. */
static int order(struct dm_args *args, struct dm_drive *d, struct dm_err *reterr)
{
    int64_t most = dm_option_int(args, "max-active-runs", 0);
    d->backwards = dm_option_flag(args, "backwards");
    if (most < 0 || most > INT32_MAX)
        return dm_err_set(reterr, DM_E_USAGE, "--max-active-runs wants a number of days, not %lld",
                          (long long)most);
    d->max_active_runs = (int)most;
    for (size_t i = 0; d->backwards && i < d->dag->n_tasks; i++)
        if (d->dag->tasks[i].depends_on_past || d->dag->tasks[i].wait_for_downstream) {
            dm_err_set(reterr, DM_E_USAGE,
                       "--backwards cannot work: task \"%s\" depends on the day before",
                       d->dag->tasks[i].task_id);
            return dm_err_hint(reterr, "Leave --backwards out.");
        }
    return 0;
}

static int run(struct dm_args *args, struct dm_err *reterr)
{
    struct dm_drive d = {.run_type = "backfill", .inputs_dir = args->project->dir};
    DM_TRY(dm_cmd_dag(args, args->v[0], &d.dag, reterr));
    DM_TRY(range(args, &d, reterr));
    int rerun = dm_rerun_parse(dm_str_c(dm_option_text(args, "rerun", "missing")));
    d.rerun = (enum dm_rerun)rerun;
    DM_TRY(dm_cmd_conf(args, d.dag, &d.conf, reterr));
    DM_TRY(order(args, &d, reterr));
    _cleanup_store_ struct dm_store *store = NULL;
    struct dm_day *days;
    size_t n, outside, todo = 0;
    DM_TRY(dm_cmd_store(args, DM_STORE_WRITE, &store, reterr));
    DM_TRY(dm_drive_days(args->arena, store, &d, &days, &n, &outside, reterr));
    if (outside && !args->quiet)
        fprintf(stderr, "%zu day%s outside the start and end dates of \"%s\" left out\n", outside,
                outside == 1 ? " lies" : "s lie", d.dag->dag_id);
    if (dm_option_flag(args, "dry-run"))
        return print_days(args, days, n);
    for (size_t i = 0; i < n; i++)
        todo += days[i].action != DM_DAY_KEEP;
    DM_TRY(dm_cmd_foresee_disk(args, store, d.dag, todo, reterr));
    struct dm_cmd_drive drive = {
        .drive = &d,
        .command = dm_arena_printf(args->arena, "backfill %s", d.dag->dag_id),
        .jobs = (int)dm_option_int(args, "jobs", 0),
        .detach = dm_option_flag(args, "detach"),
    };
    return dm_cmd_drive(args, &drive, reterr);
}

const struct dm_cmd dm_cmd_backfill = {
    .name = "backfill",
    .synopsis = "DAG",
    .doc = "run the days of a DAG",
    .more =
        "Runs the logical dates from --from to --to, both included, and skips days that are good.\n"
        "  daymill backfill user_behaviour --from 2010-12-01 --to 2010-12-10",
    .min_args = 1,
    .max_args = 1,
    .options = options,
    .run = run,
};
