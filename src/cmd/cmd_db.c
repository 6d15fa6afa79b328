/* daymill db check|backup|vacuum|purge|migrate: looking after state/daymill.db. */
#include <sys/stat.h>

#include "base/clock.h"
#include "base/file.h"
#include "cmd/common.h"
#include "conn/retention.h"
#include "proc/lease.h"
#include "sched/ask.h"
#include "sched/right.h"
#include "state/care.h"
#include "state/purge.h"

enum { HOLDER_MAX = 512 };

/* The store, which must be there. */
static int open_store(struct dm_args *args, enum dm_store_mode mode, struct dm_store **ret,
                      struct dm_err *reterr)
{
    if (!dm_exists(args->project->state_path)) {
        dm_err_set(reterr, DM_E_NOTFOUND, "nothing has run in this project yet: there is no store");
        return dm_err_hint(reterr, "\"%s backfill DAG --from DAY --to DAY\" runs days.",
                           args->self);
    }
    return dm_cmd_store(args, mode, ret, reterr);
}

/* ---- check ---- */

static const struct dm_option check_options[] = {
    {"objects", 0, DM_OPTION_FLAG, NULL, NULL,
     "also whether every recorded object is in the project's lake, with its size"},
    {NULL},
};

struct findings {
    struct dm_args *args;
    struct dm_table table;
};

static void find(struct findings *f, const char *what, const char *hint)
{
    dm_table_add(&f->table, DM_ROW(what, hint));
}

static bool is_left_over(const struct dm_attempt_row *at, const char *run_dir)
{
    return dm_lease_held(run_dir, at->number, NULL) != 1;
}

/* An attempt that nobody works on.  Whoever decides records an attempt before its process begins, and its process ends
   before that is recorded: so under somebody's right one is looked at twice. */
static int check_attempts(struct findings *f, struct dm_store *store, struct dm_err *reterr)
{
    enum { SETTLE_US = 2000000 };
    struct dm_args *args = f->args;
    const char *run_dir = args->project->run_dir;
    struct dm_attempt_filter running = {.map_index = -1, .running = true};
    struct dm_attempt_row *list;
    size_t n, suspects = 0;
    char holder[HOLDER_MAX];
    int held = dm_right_held(run_dir, holder, sizeof(holder), reterr);
    if (held < 0)
        return held;
    DM_TRY(dm_store_attempts(store, args->arena, &running, &list, &n, reterr));
    for (size_t i = 0; i < n; i++)
        if (is_left_over(&list[i], run_dir))
            list[suspects++] = list[i];
    if (suspects && held)
        usleep(SETTLE_US);
    for (size_t i = 0; i < suspects; i++) {
        struct dm_attempt_row now = list[i];
        if (held)
            DM_TRY(dm_store_attempt(store, args->arena, list[i].number, &now, reterr));
        if (now.state != DM_ATTEMPT_RUNNING || !is_left_over(&now, run_dir))
            continue;
        find(f,
             dm_arena_printf(args->arena,
                             "attempt %lld of task \"%s\" is running, but has no process",
                             (long long)now.number, now.task_id),
             held ? "Stop what decides and start it again: it recovers what is left."
                  : "The next command that decides (scheduler, backfill) does it again.");
    }
    return 0;
}

static int check_object(struct findings *f, const struct dm_run_row *run,
                        const struct dm_object_row *o, struct dm_err *reterr)
{
    struct dm_arena *a = f->args->arena;
    struct stat st;
    if (!*o->bucket || !o->complete)
        return 0;
    const char *path =
        dm_path_join(a, f->args->project->lake_dir, dm_arena_printf(a, "%s/%s", o->bucket, o->key));
    bool there = stat(path, &st) == 0;
    if (there && (o->bytes < 0 || st.st_size == o->bytes))
        return 0;
    find(f,
         there ? dm_arena_printf(a, "s3://%s/%s has %lld bytes, task \"%s\" of %s wrote %lld",
                                 o->bucket, o->key, (long long)st.st_size, o->task_id, run->run_id,
                                 (long long)o->bytes)
               : dm_arena_printf(a, "s3://%s/%s of task \"%s\" of %s is not in the lake", o->bucket,
                                 o->key, o->task_id, run->run_id),
         dm_arena_printf(a, "If a run still needs it: %s tasks clear %s %s %s --downstream",
                         f->args->self, run->dag_id, o->task_id,
                         dm_cell_day(a, run->logical_date)));
    return 0;
}

static int check_objects(struct findings *f, struct dm_store *store, struct dm_err *reterr)
{
    struct dm_run_filter all = DM_RUN_FILTER_ALL;
    struct dm_run_row *runs;
    struct dm_object_row *objects;
    size_t n_runs, n;
    DM_TRY(dm_store_runs(store, f->args->arena, &all, &runs, &n_runs, reterr));
    for (size_t i = 0; i < n_runs; i++) {
        _cleanup_arena_ struct dm_arena a = {0};
        DM_TRY(dm_store_objects(store, &a, runs[i].dag_id, runs[i].run_id, &objects, &n, reterr));
        for (size_t j = 0; j < n; j++)
            DM_TRY(check_object(f, &runs[i], &objects[j], reterr));
    }
    return 0;
}

static int check(struct dm_args *args, struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    struct findings f = {.args = args};
    struct dm_flaw *flaws;
    size_t n;
    int64_t version;
    dm_table_init(&f.table, args->arena, "what hint");
    DM_TRY(open_store(args, DM_STORE_READ, &store, reterr));
    DM_TRY(dm_store_version(store, &version, reterr));
    DM_TRY(dm_store_check(store, args->arena, &flaws, &n, reterr));
    for (size_t i = 0; i < n; i++)
        find(&f, flaws[i].what, flaws[i].hint);
    DM_TRY(check_attempts(&f, store, reterr));
    if (dm_option_flag(args, "objects"))
        DM_TRY(check_objects(&f, store, reterr));
    if (args->json)
        dm_args_print(args, &f.table);
    for (size_t i = 0; !args->json && i < f.table.n_rows; i++)
        printf("%s\n  %s\n", f.table.rows[i][0], f.table.rows[i][1]);
    if (f.table.n_rows == 0) {
        if (!args->quiet && !args->json)
            printf("the store is good: version %lld, %.1f MB\n", (long long)version,
                   (double)dm_store_bytes(store) / 1e6);
        return 0;
    }
    return dm_err_set(reterr, DM_E_CHECK, "%zu thing%s wrong with the store", f.table.n_rows,
                      f.table.n_rows == 1 ? " is" : "s are");
}

const struct dm_cmd dm_cmd_db_check = {
    .name = "db check",
    .synopsis = "",
    .doc = "look for what is wrong with the store, and say what to do about it",
    .more = "Works while a scheduler runs.  Exit status 0: good, 10: something is wrong.",
    .options = check_options,
    .run = check,
};

/* ---- backup ---- */

static int backup(struct dm_args *args, struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    struct stat st;
    DM_TRY(open_store(args, DM_STORE_READ, &store, reterr));
    DM_TRY(dm_store_backup(store, args->v[0], reterr));
    if (!args->quiet && stat(args->v[0], &st) == 0)
        printf("%s: %.1f MB\n", args->v[0], (double)st.st_size / 1e6);
    return 0;
}

const struct dm_cmd dm_cmd_db_backup = {
    .name = "db backup",
    .synopsis = "FILE",
    .doc = "write a copy of the store, while others work",
    .more = "The copy is the state of one moment.  It never overwrites a file.  To go back to it: "
            "stop\n"
            "everything, move state/ away, and put the copy there as state/daymill.db.",
    .min_args = 1,
    .max_args = 1,
    .run = backup,
};

/* ---- vacuum ---- */

static int vacuum(struct dm_args *args, struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    _cleanup_right_ struct dm_right right = {.fd = -1};
    const char *run_dir = args->project->run_dir;
    char holder[HOLDER_MAX];
    int held = dm_right_held(run_dir, holder, sizeof(holder), reterr);
    DM_TRY(held);
    if (held) {
        dm_err_set(reterr, DM_E_BUSY, "the store is in use: %s", holder);
        return dm_err_hint(reterr, "A vacuum would hold it up for as long as it takes: stop it, or "
                                   "wait for its end.  \"db backup\" works meanwhile.");
    }
    DM_TRY(open_store(args, DM_STORE_WRITE, &store, reterr));
    DM_TRY(dm_right_take(run_dir, "db vacuum", NULL, &right, reterr));
    int64_t before = dm_store_bytes(store);
    DM_TRY(dm_store_vacuum(store, reterr));
    int64_t after = dm_store_bytes(store);
    if (args->json)
        printf("{\"before\": %lld, \"after\": %lld}\n", (long long)before, (long long)after);
    else if (!args->quiet)
        printf("%.1f MB before, %.1f MB after\n", (double)before / 1e6, (double)after / 1e6);
    return 0;
}

const struct dm_cmd dm_cmd_db_vacuum = {
    .name = "db vacuum",
    .synopsis = "",
    .doc = "give the space of what was removed back to the file system",
    .more = "Nobody may decide meanwhile.  It needs as much free space as the store has bytes.",
    .run = vacuum,
};

/* ---- purge ---- */

static const struct dm_option purge_options[] = {
    {"before", 0, DM_OPTION_DAY, "DAY", NULL, "runs of days before this one"},
    {"dag", 0, DM_OPTION_TEXT, "DAG", NULL, "of this DAG only"},
    {"keep-last", 0, DM_OPTION_INT, "N", NULL, "but not the newest N of a DAG (default 1)"},
    {"dry-run", 'n', DM_OPTION_FLAG, NULL, NULL, "only list the runs that would go"},
    {NULL},
};

static int show_runs(struct dm_args *args, struct dm_store *store, struct dm_purge *p,
                     struct dm_err *reterr)
{
    struct dm_purge_run run;
    struct dm_table t;
    int found = 0;
    dm_table_init(&t, args->arena, "dag_id run_id state tasks# attempts#");
    while (store && (found = dm_purge_next(store, args->arena, p, &run, reterr)) == 1)
        dm_table_add(&t, DM_ROW(run.dag_id, run.run_id, dm_run_state_name(run.state),
                                dm_cell_int(args->arena, run.tasks),
                                dm_cell_int(args->arena, run.attempts)));
    DM_TRY(found);
    if (t.n_rows || args->json)
        dm_args_print(args, &t);
    if (!args->json && !args->quiet)
        printf("%zu run%s would go\n", t.n_rows, t.n_rows == 1 ? "" : "s");
    return 0;
}

static void print_purged(struct dm_args *args, const struct dm_value *answer)
{
    static const struct {
        const char *name, *shown;
    } counts[] = {
        {"runs", "runs"},     {"tasks", "task instances"},     {"attempts", "attempts"},
        {"events", "events"}, {"rendered", "rendered fields"}, {"generations", "generations"},
        {"logs", "logs"}};
    if (args->json) {
        struct dm_str text = dm_value_json(args->arena, answer);
        printf("%.*s\n", DM_FMT(text));
        return;
    }
    if (args->quiet)
        return;
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        printf("%s%lld %s",
               i ? ", " : "removed: ", (long long)dm_map_int(answer, counts[i].name, 0),
               counts[i].shown);
    printf(" (%.1f MB)\n", (double)dm_map_int(answer, "log_bytes", 0) / 1e6);
    if (dm_map_int(answer, "runs", 0))
        printf("\"%s db vacuum\" gives the space of the rows back\n", args->self);
}

/* Whoever decides does it, a scheduler beside its other work. */
static int ask_for_purge(struct dm_args *args, const struct dm_purge *p, bool by_age,
                         struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    const struct dm_value *answer = NULL;
    struct dm_value *body = dm_value_map(args->arena);
    DM_TRY(open_store(args, DM_STORE_WRITE, &store, reterr));
    struct dm_ask ask = {.project = args->project, .store = store};
    if (p->dag_id)
        dm_map_set(args->arena, body, "dag_id", dm_value_cstr(args->arena, p->dag_id));
    if (!by_age)
        dm_map_set(args->arena, body, "before", dm_value_int(args->arena, p->before));
    dm_map_set(args->arena, body, "keep_last", dm_value_int(args->arena, p->keep_last));
    DM_TRY(dm_ask(args->arena, &ask, "purge", body, &answer, reterr));
    print_purged(args, answer);
    return 0;
}

static int purge(struct dm_args *args, struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    struct dm_retention keep = dm_project_retention(args->project);
    const char *day = dm_option_text(args, "before", NULL);
    bool dry_run = dm_option_flag(args, "dry-run");
    struct dm_purge p = {.dag_id = dm_option_text(args, "dag", NULL),
                         .before = DM_NEVER,
                         .ended_before = DM_NEVER,
                         .keep_last = (int)dm_option_int(args, "keep-last", 1)};
    if (p.keep_last < 1) {
        dm_err_set(reterr, DM_E_USAGE, "--keep-last wants a number from 1 on");
        return dm_err_hint(reterr,
                           "The newest run of a DAG always stays: the next one begins there.");
    }
    if (!day && (p.dag_id || p.keep_last > 1)) {
        dm_err_set(reterr, DM_E_USAGE, "--dag and --keep-last want --before DAY");
        return dm_err_hint(reterr, "Without it retention.* of %s says what goes, for all DAGs.",
                           DM_PROJECT_FILE);
    }
    if (day)
        DM_TRY(dm_cmd_day(day, &p.before, reterr));
    else
        p.ended_before = keep.runs ? dm_clock_now() - keep.runs : INT64_MIN + 1;
    if (dry_run) {
        DM_TRY(dm_cmd_store(args, DM_STORE_READ, &store, reterr));
        return show_runs(args, store, &p, reterr);
    }
    return ask_for_purge(args, &p, day == NULL, reterr);
}

const struct dm_cmd dm_cmd_db_purge = {
    .name = "db purge",
    .synopsis = "",
    .doc = "remove old runs with their tasks, attempts, XComs, ledgers, events and logs",
    .more = "Without --before what retention.* of daymill.yaml says.  Unfinished runs stay, and "
            "what the next\n"
            "runs look at: the newest and the last successful run of a DAG, the run before an "
            "unfinished one.\n"
            "Objects stay in the lake.  A day whose run is gone counts as one that has not run.\n"
            "A scheduler that is at work does it, a little at a time.\n"
            "  daymill db purge --before 2024-01-01 --dag user_behaviour --dry-run",
    .options = purge_options,
    .run = purge,
};

/* ---- migrate ---- */

static int migrate(struct dm_args *args, struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    int64_t version;
    DM_TRY(dm_cmd_store(args, DM_STORE_WRITE, &store, reterr));
    DM_TRY(dm_store_version(store, &version, reterr));
    if (args->json)
        printf("{\"version\": %lld}\n", (long long)version);
    else if (!args->quiet)
        printf("the store has version %lld\n", (long long)version);
    return 0;
}

const struct dm_cmd dm_cmd_db_migrate = {
    .name = "db migrate",
    .synopsis = "",
    .doc = "make the store, or bring it up to date after an upgrade",
    .more = "Every command that writes does so.  All or nothing: an interrupted one leaves the "
            "store as it was.",
    .run = migrate,
};
