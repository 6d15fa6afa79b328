/* daymill clean: removes what no run needs any more. */
#include <sys/stat.h>

#include "base/file.h"
#include "cmd/common.h"
#include "sched/right.h"

static const struct dm_option options[] = {
    {"before", 0, DM_OPTION_DAY, "DAY", NULL, "also the logs of runs before this day"},
    {"dry-run", 'n', DM_OPTION_FLAG, NULL, NULL, "show what would go"},
    {NULL},
};

struct sweep {
    struct dm_args *args;
    struct dm_table table;
    uint64_t bytes;
    bool dry_run;
};

static uint64_t size_of(struct dm_arena *a, const char *path)
{
    struct stat st;
    if (lstat(path, &st) < 0)
        return 0;
    if (!S_ISDIR(st.st_mode))
        return st.st_nlink > 1 ? 0 : (uint64_t)st.st_blocks * 512;
    const char *const *names;
    size_t n;
    uint64_t sum = 0;
    if (dm_list_dir(a, path, &names, &n, NULL) < 0)
        return 0;
    for (size_t i = 0; i < n; i++)
        sum += size_of(a, dm_path_join(a, path, names[i]));
    return sum;
}

static int drop(struct sweep *s, const char *path, const char *why, struct dm_err *reterr)
{
    if (!dm_exists(path))
        return 0;
    uint64_t bytes = size_of(s->args->arena, path);
    s->bytes += bytes;
    dm_table_add(&s->table, DM_ROW(dm_project_relative(s->args->project, path),
                                   dm_cell_int(s->args->arena, (int64_t)bytes), why));
    return s->dry_run ? 0 : dm_remove_tree(path, reterr);
}

/* Everything in a folder. */
static int drop_all(struct sweep *s, const char *dir, const char *why, struct dm_err *reterr)
{
    const char *const *names;
    size_t n;
    if (!dm_is_dir(dir))
        return 0;
    DM_TRY(dm_list_dir(s->args->arena, dir, &names, &n, reterr));
    for (size_t i = 0; i < n; i++)
        DM_TRY(drop(s, dm_path_join(s->args->arena, dir, names[i]), why, reterr));
    return 0;
}

/* The cluster's files and scratch folders of days that are not done stay: their next try may want them. */
static int drop_of_run(struct sweep *s, const struct dm_run_row *r, int64_t before,
                       struct dm_err *reterr)
{
    struct dm_arena *a = s->args->arena;
    if (before == DM_NEVER || r->logical_date >= before || !dm_run_finished(r->state))
        return 0;
    const char *dag = dm_path_join(a, s->args->project->logs_dir, r->dag_id);
    return drop(s, dm_path_join(a, dag, r->run_id), "logs of a run before that day", reterr);
}

static int run(struct dm_args *args, struct dm_err *reterr)
{
    struct sweep s = {.args = args, .dry_run = dm_option_flag(args, "dry-run")};
    const char *day = dm_option_text(args, "before", NULL);
    int64_t before = DM_NEVER;
    if (day)
        DM_TRY(dm_cmd_day(day, &before, reterr));
    dm_table_init(&s.table, args->arena, "path bytes# why");
    _cleanup_store_ struct dm_store *store = NULL;
    struct dm_run_filter all = DM_RUN_FILTER_ALL;
    struct dm_run_row *runs = NULL;
    size_t n = 0, unfinished = 0;
    /* Nobody may be at work: half-written files are somebody's then. */
    _cleanup_right_ struct dm_right right = {.fd = -1};
    DM_TRY(dm_right_take(args->project->run_dir, "clean", NULL, &right, reterr));
    DM_TRY(dm_cmd_store(args, DM_STORE_READ, &store, reterr));
    if (store)
        DM_TRY(dm_store_runs(store, args->arena, &all, &runs, &n, reterr));
    for (size_t i = 0; i < n; i++) {
        unfinished += runs[i].state != DM_RUN_SUCCESS;
        DM_TRY(drop_of_run(&s, &runs[i], before, reterr));
    }
    DM_TRY(drop_all(&s, dm_path_join(args->arena, args->project->lake_dir, ".tmp"),
                    "half-written object", reterr));
    if (!unfinished) {
        DM_TRY(drop_all(&s, dm_path_join(args->arena, args->project->run_dir, "scratch"),
                        "scratch of finished runs", reterr));
        DM_TRY(drop_all(&s, args->project->cluster_dir, "cluster files of finished runs", reterr));
    }
    if (s.table.n_rows || args->json)
        dm_args_print(args, &s.table);
    if (!args->quiet && !args->json)
        printf("%s %.1f MB\n", s.dry_run ? "would free" : "freed", (double)s.bytes / 1e6);
    return 0;
}

const struct dm_cmd dm_cmd_clean = {
    .name = "clean",
    .synopsis = "",
    .doc = "remove temporary files, and with --before the logs of old runs",
    .options = options,
    .run = run,
};
