/* daymill tasks list|render|test|logs|clear|mark|why. */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/clock.h"
#include "cmd/drive.h"
#include "lang/mapping.h"
#include "op/op.h"
#include "sched/clear.h"
#include "sched/order.h"
#include "sched/why.h"
#include "state/callback.h"
#include "task/render.h"

static const struct dm_option instance_options[] = {
    {"map-index", 0, DM_OPTION_INT, "N", NULL, "of a mapped task: this instance"},
    {NULL},
};

/* ---- list ---- */

/* The fields that differ, e.g. "bash_command, env"; NULL where it is not mapped. */
static const char *mapped_fields(struct dm_arena *a, const struct dm_task *t)
{
    const struct dm_value *map = dm_task_mapping(t);
    const char *text = NULL;
    for (size_t i = 0; map && i < map->map.n; i++)
        text = dm_arena_printf(a, "%s%s%.*s", text ? text : "", text ? ", " : "",
                               DM_FMT(map->map.pairs[i].key->s));
    return text;
}

static int list(struct dm_args *args, struct dm_err *reterr)
{
    const struct dm_dag *dag;
    struct dm_table t;
    DM_TRY(dm_cmd_dag(args, args->v[0], &dag, reterr));
    dm_table_init(&t, args->arena,
                  "task_id operator trigger_rule retries# depends_on_past? group "
                  "expand");
    for (size_t i = 0; i < dag->n_tasks; i++) {
        const struct dm_task *k = &dag->tasks[i];
        dm_table_add(&t, DM_ROW(k->task_id, k->operator_name, dm_trigger_rule_name(k->trigger_rule),
                                dm_cell_int(args->arena, k->retries),
                                k->depends_on_past ? "true" : "false", k->group,
                                mapped_fields(args->arena, k)));
    }
    dm_args_print(args, &t);
    return 0;
}

const struct dm_cmd dm_cmd_tasks_list = {
    .name = "tasks list",
    .synopsis = "DAG",
    .doc = "list the tasks of a DAG",
    .min_args = 1,
    .max_args = 1,
    .run = list,
};

/* ---- test ---- */

static const struct dm_option test_options[] = {
    {"map-index", 0, DM_OPTION_INT, "N", NULL,
     "only this instance of a mapped task (default: all)"},
    {NULL},
};

static int test(struct dm_args *args, struct dm_err *reterr)
{
    struct dm_drive d = {.run_type = "manual", .rerun = DM_RERUN_MISSING, .exact = true};
    const struct dm_task *task;
    DM_TRY(dm_cmd_dag(args, args->v[0], &d.dag, reterr));
    DM_TRY(dm_cmd_task(d.dag, args->v[1], &task, reterr));
    DM_TRY(dm_cmd_day(args->v[2], &d.from, reterr));
    d.to = d.from;
    d.only_task = task->task_id;
    d.map_index = (int)dm_option_int(args, "map-index", -1);
    d.one_instance = dm_option_text(args, "map-index", NULL) != NULL;
    if (d.one_instance && (d.map_index < 0 || !dm_task_mapping(task)))
        return dm_err_set(reterr, DM_E_USAGE, "task \"%s\" has no instance %d: %s", task->task_id,
                          d.map_index,
                          d.map_index < 0 ? "they are numbered from 0" : "it is not mapped");
    struct dm_cmd_drive drive = {
        .drive = &d,
        .command = dm_arena_printf(args->arena, "tasks test %s %s", d.dag->dag_id, task->task_id),
        .jobs = 1,
        .show_tasks = true,
    };
    return dm_cmd_drive(args, &drive, reterr);
}

const struct dm_cmd dm_cmd_tasks_test = {
    .name = "tasks test",
    .synopsis = "DAG TASK DAY",
    .doc = "run one task of a day, whatever it depends on",
    .min_args = 3,
    .max_args = 3,
    .options = test_options,
    .run = test,
};

/* ---- logs ---- */

static const struct dm_option logs_options[] = {
    {"try", 't', DM_OPTION_INT, "N", NULL, "of this try (default: the last one)"},
    {"map-index", 0, DM_OPTION_INT, "N", NULL, "of this instance of a mapped task (default: all)"},
    {"callbacks", 0, DM_OPTION_FLAG, NULL, NULL, "of its callbacks, not of the task itself"},
    {"follow", 'f', DM_OPTION_FLAG, NULL, NULL, "go on printing until the attempt ends"},
    {NULL},
};

/* A log that is being printed: what is left of a line that is not whole yet. */
struct log_reader {
    int fd;
    bool raw; /* --json: lines as they are */
    struct dm_strbuf rest;
};

static void log_reader_release(struct log_reader *r)
{
    dm_strbuf_release(&r->rest);
}
#define _cleanup_log_reader_ DM_CLEANUP(log_reader_release)

/* Our own lines are JSON in the file: shown as time, level and message.  A task's output is shown as it is. */
static void print_line(const struct log_reader *r, struct dm_str line)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_value *v;
    bool ours = !r->raw && dm_str_starts(line, DM_STR("{\"ts\":")) &&
                dm_value_from_json(&a, line, &v, NULL) == 0 && v->kind == DM_MAP;
    if (!ours) {
        printf("%.*s\n", DM_FMT(line));
        return;
    }
    struct dm_str ts = dm_map_str(v, "ts", ""), level = dm_map_str(v, "level", "");
    struct dm_str clock = dm_str_sub(ts, strlen("2010-12-05T"), strlen("2010-12-05T08:26:00.000"));
    printf("%.*s %-5.*s %.*s\n", DM_FMT(clock), DM_FMT(level), DM_FMT(dm_map_str(v, "msg", "")));
    static const char *const more[] = {"at", "detail", "hint"};
    for (size_t i = 0; i < sizeof(more) / sizeof(more[0]); i++) {
        struct dm_str text = dm_map_str(v, more[i], "");
        if (text.len)
            printf("    %s: %.*s\n", more[i], DM_FMT(text));
    }
}

static void print_lines(struct log_reader *r, bool end)
{
    struct dm_str all = dm_strbuf_str(&r->rest);
    size_t from = 0;
    for (;;) {
        ptrdiff_t nl = dm_str_find(all, DM_STR("\n"), from);
        if (nl < 0)
            break;
        print_line(r, dm_str_sub(all, from, (size_t)nl));
        from = (size_t)nl + 1;
    }
    if (end && from < all.len) {
        print_line(r, dm_str_sub(all, from, all.len));
        from = all.len;
    }
    memmove(r->rest.p, r->rest.p + from, r->rest.len - from);
    dm_strbuf_truncate(&r->rest, r->rest.len - from);
}

/* A log that has become shorter lost its middle (task/log_cap.h): its end is what is new. */
static int skip_cut(struct log_reader *r, struct dm_err *reterr)
{
    enum { SHOWN_AGAIN = 65536 };
    struct stat st;
    off_t at = lseek(r->fd, 0, SEEK_CUR);
    if (at < 0 || fstat(r->fd, &st) < 0)
        return dm_err_errno(reterr, errno, "could not read the log");
    if (st.st_size >= at)
        return 0;
    print_lines(r, true);
    printf("(the log became too large and lost its middle; its end:)\n");
    if (lseek(r->fd, st.st_size > SHOWN_AGAIN ? st.st_size - SHOWN_AGAIN : 0, SEEK_SET) < 0)
        return dm_err_errno(reterr, errno, "could not read the log");
    return 0;
}

static int copy_new(struct log_reader *r, bool end, struct dm_err *reterr)
{
    enum { CHUNK = 65536, LINE_MAX_SHOWN = 1 << 20 };
    DM_TRY(skip_cut(r, reterr));
    for (;;) {
        char *to = dm_strbuf_reserve(&r->rest, CHUNK);
        ssize_t n = to ? read(r->fd, to, CHUNK) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return dm_err_errno(reterr, errno, "could not read the log");
        r->rest.len += (size_t)n;
        if (r->rest.len)
            print_lines(r, (n == 0 && end) || r->rest.len > LINE_MAX_SHOWN);
        if (fflush(stdout) != 0)
            return dm_err_errno(reterr, errno, "could not print the log");
        if (n == 0)
            return 0;
    }
}

/* `at` NULL = it is of a callback: what is there is printed. */
static int print_log(struct dm_args *args, struct dm_store *store, const char *log_path,
                     const struct dm_attempt_row *at, struct dm_err *reterr)
{
    enum { POLL_US = 200000 };
    bool follow = at && dm_option_flag(args, "follow");
    if (!*log_path) {
        printf("(its log was removed: it was older than retention.logs)\n");
        return 0;
    }
    const char *path = dm_path_join(args->arena, args->project->dir, log_path);
    _cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return dm_err_errno(reterr, errno, "could not read %s", log_path);
    struct dm_attempt_row now = at ? *at : (struct dm_attempt_row){0};
    _cleanup_log_reader_ struct log_reader r = {.fd = fd, .raw = args->json};
    dm_strbuf_init(&r.rest, DM_BUF_TEXT);
    while (follow && now.state == DM_ATTEMPT_RUNNING) {
        DM_TRY(copy_new(&r, false, reterr));
        usleep(POLL_US);
        DM_TRY(dm_store_attempt(store, args->arena, at->number, &now, reterr));
    }
    return copy_new(&r, true, reterr);
}

/* Perhaps the run knows no such task; then the nearest one is the answer. */
static int no_log(struct dm_args *args, struct dm_store *store, const struct dm_run_row *run,
                  int64_t try_number, struct dm_err *reterr)
{
    struct dm_task_row *tasks;
    size_t n;
    bool known = false;
    DM_TRY(dm_store_tasks(store, args->arena, run->id, &tasks, &n, reterr));
    const char **names = dm_arena_array(args->arena, const char *, n + 1);
    for (size_t i = 0; i < n; i++) {
        names[i] = tasks[i].task_id;
        known |= strcmp(names[i], args->v[1]) == 0;
    }
    const char *near = known ? NULL : dm_str_nearest(dm_str_c(args->v[1]), names);
    if (known)
        dm_err_set(reterr, DM_E_NOTFOUND, "no log: \"%s\" has not run on %s%s", args->v[1],
                   args->v[2], try_number ? " with that try" : "");
    else
        dm_err_set(reterr, DM_E_NOTFOUND, "\"%s\" has no task \"%s\" on %s", args->v[0], args->v[1],
                   args->v[2]);
    if (near)
        return dm_err_hint(reterr, "Did you mean \"%s\"?", near);
    return dm_err_hint(reterr, "\"daymill runs show %s %s\" shows what has run.", args->v[0],
                       args->v[2]);
}

static int last_try(const struct dm_attempt_row *attempts, size_t n, int map_index)
{
    while (attempts[n - 1].map_index != map_index)
        n--;
    return attempts[n - 1].try_number;
}

static int callback_logs(struct dm_args *args, struct dm_store *store, const struct dm_run_row *run,
                         struct dm_err *reterr)
{
    struct dm_callback_row *rows;
    size_t n, shown = 0;
    int64_t index = dm_option_int(args, "map-index", -1), of_try = dm_option_int(args, "try", 0);
    DM_TRY(dm_store_callbacks(store, args->arena, run->id, &rows, &n, reterr));
    for (size_t i = 0; i < n; i++) {
        const struct dm_callback_row *c = &rows[i];
        if (!c->task || strcmp(c->task_id, args->v[1]) != 0 || !c->starts ||
            (index >= 0 && c->map_index != index) || (of_try && c->try_number != of_try))
            continue;
        shown++;
        if (!args->quiet && !args->json)
            printf("== %s, try %d, %s: %s (%s)\n",
                   dm_cell_instance(args->arena, c->task_id, c->map_index), c->try_number, c->key,
                   dm_callback_state_name(c->state), c->log_path);
        DM_TRY(print_log(args, store, c->log_path, NULL, reterr));
    }
    if (shown)
        return 0;
    dm_err_set(reterr, DM_E_NOTFOUND, "no log: no callback of \"%s\" has run on %s", args->v[1],
               args->v[2]);
    return dm_err_hint(reterr,
                       "\"daymill runs show %s %s\" lists them, those of the run itself too; "
                       "on_execute_callback writes into the log of the task.",
                       args->v[0], args->v[2]);
}

static int logs(struct dm_args *args, struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    struct dm_run_row run;
    struct dm_attempt_row *attempts;
    size_t n, chosen;
    int64_t try_number = dm_option_int(args, "try", 0);
    int64_t index = dm_option_int(args, "map-index", -1);
    DM_TRY(dm_cmd_run(args, args->v[0], args->v[2], &store, &run, reterr));
    if (dm_option_flag(args, "callbacks"))
        return callback_logs(args, store, &run, reterr);
    struct dm_attempt_filter f = {.run = run.id,
                                  .task_id = args->v[1],
                                  .map_index = (int)index,
                                  .try_number = (int)try_number};
    DM_TRY(dm_store_attempts(store, args->arena, &f, &attempts, &n, reterr));
    if (!n)
        return no_log(args, store, &run, try_number, reterr);
    for (chosen = 0; chosen < n; chosen++) {
        const struct dm_attempt_row *at = &attempts[chosen];
        if (at->try_number != (try_number ? try_number : last_try(attempts, n, at->map_index)) ||
            !at->log_path)
            continue;
        if (!args->quiet && !args->json && n > 1)
            printf("== %s, try %d%s%s (%s)\n",
                   dm_cell_instance(args->arena, at->task_id, at->map_index), at->try_number,
                   at->step_id ? ", step " : "", at->step_id ? at->step_id : "", at->log_path);
        DM_TRY(print_log(args, store, at->log_path, at, reterr));
    }
    return 0;
}

const struct dm_cmd dm_cmd_tasks_logs = {
    .name = "tasks logs",
    .synopsis = "DAG TASK DAY",
    .doc = "print the log of a task",
    .min_args = 3,
    .max_args = 3,
    .options = logs_options,
    .run = logs,
};

/* ---- clear ---- */

static const struct dm_option clear_options[] = {
    {"upstream", 'u', DM_OPTION_FLAG, NULL, NULL, "and everything that it depends on"},
    {"downstream", 'd', DM_OPTION_FLAG, NULL, NULL, "and everything that depends on it"},
    {"past", 0, DM_OPTION_FLAG, NULL, NULL, "on all days before, too"},
    {"future", 0, DM_OPTION_FLAG, NULL, NULL, "on all days after, too"},
    {"only-failed", 0, DM_OPTION_FLAG, NULL, NULL, "of these only what failed or could not run"},
    {"map-index", 0, DM_OPTION_INT, "N", NULL, "of a mapped task only this instance"},
    {"dry-run", 'n', DM_OPTION_FLAG, NULL, NULL, "only list what would be cleared"},
    {NULL},
};

static void print_cleared(struct dm_args *args, const struct dm_cleared *list, size_t n)
{
    struct dm_table t;
    dm_table_init(&t, args->arena, "day task_id map_index state");
    for (size_t i = 0; i < n; i++)
        dm_table_add(&t, DM_ROW(dm_cell_day(args->arena, list[i].logical_date), list[i].task_id,
                                dm_cell_int(args->arena, list[i].map_index),
                                dm_task_state_name(list[i].state)));
    dm_args_print(args, &t);
}

/* The answer of a request that cleared. */
static struct dm_cleared *read_cleared(struct dm_arena *a, const struct dm_value *answer,
                                       size_t *ret_n)
{
    size_t n = answer && answer->kind == DM_LIST ? answer->list.n : 0;
    struct dm_cleared *list = dm_arena_array(a, struct dm_cleared, n + 1);
    for (size_t i = 0; i < n; i++) {
        const struct dm_value *one = answer->list.items[i];
        int state = dm_task_state_parse(dm_map_str(one, "state", ""));
        list[i] = (struct dm_cleared){
            .run_id = dm_str_cstr(a, dm_map_str(one, "run_id", "")),
            .task_id = dm_str_cstr(a, dm_map_str(one, "task_id", "")),
            .map_index = (int)dm_map_int(one, "map_index", -1),
            .logical_date = dm_map_int(one, "logical_date", DM_NEVER),
            .state = state < 0 ? DM_TASK_NONE : (enum dm_task_state)state,
        };
    }
    *ret_n = n;
    return list;
}

static void set_flag(struct dm_args *args, struct dm_value *body, const char *key, bool value)
{
    dm_map_set(args->arena, body, key, dm_value_bool(args->arena, value));
}

static void set_date(struct dm_args *args, struct dm_value *body, const char *key, int64_t at)
{
    if (at != DM_NEVER)
        dm_map_set(args->arena, body, key, dm_value_int(args->arena, at));
}

/* Where nobody decides, somebody has to be told how it goes on. */
static void print_next(struct dm_args *args, const char *dag_id, const struct dm_cleared *list,
                       size_t n)
{
    if (dm_right_is_scheduler(args->project->run_dir))
        printf("; the scheduler runs %s", n == 1 ? "it" : "them");
    else
        printf("; \"%s backfill %s --from %s --to %s\" runs %s", args->self, dag_id,
               dm_cell_day(args->arena, list[0].logical_date),
               dm_cell_day(args->arena, list[n - 1].logical_date), n == 1 ? "it" : "them");
}

static int clear(struct dm_args *args, struct dm_err *reterr)
{
    const struct dm_dag *dag;
    const struct dm_task *task;
    _cleanup_store_ struct dm_store *store = NULL, *reader = NULL;
    struct dm_run_row run;
    struct dm_cleared *cleared;
    const struct dm_value *answer = NULL;
    size_t n;
    DM_TRY(dm_cmd_dag(args, args->v[0], &dag, reterr));
    if (!dm_group_find(dag, dm_str_c(args->v[1])))
        DM_TRY(dm_cmd_task(dag, args->v[1], &task, reterr));
    DM_TRY(dm_cmd_run(args, args->v[0], args->v[2], &reader, &run, reterr));
    int64_t map_index = dm_option_int(args, "map-index", -1);
    const char *what = args->v[1];
    struct dm_clear c = {.task_ids = &what,
                         .n_task_ids = 1,
                         .from = dm_option_flag(args, "past") ? DM_NEVER : run.logical_date,
                         .to = dm_option_flag(args, "future") ? DM_NEVER : run.logical_date,
                         .upstream = dm_option_flag(args, "upstream"),
                         .downstream = dm_option_flag(args, "downstream"),
                         .only_failed = dm_option_flag(args, "only-failed"),
                         .one_instance = map_index >= 0,
                         .map_index = (int)map_index};
    if (dm_option_flag(args, "dry-run")) {
        DM_TRY(dm_clear(reader, NULL, args->arena, dag, &c, &cleared, &n, reterr));
        print_cleared(args, cleared, n);
        return 0;
    }
    struct dm_value *body = dm_value_map(args->arena), *ids = dm_value_list(args->arena, 0);
    dm_list_add(args->arena, ids, dm_value_cstr(args->arena, what));
    dm_map_set(args->arena, body, "task_ids", ids);
    set_date(args, body, "from", c.from);
    set_date(args, body, "to", c.to);
    set_flag(args, body, "upstream", c.upstream);
    set_flag(args, body, "downstream", c.downstream);
    set_flag(args, body, "only_failed", c.only_failed);
    if (c.one_instance)
        dm_map_set(args->arena, body, "map_index", dm_value_int(args->arena, map_index));
    DM_TRY(dm_cmd_store(args, DM_STORE_WRITE, &store, reterr));
    DM_TRY(dm_cmd_ask(args, store, dag, "clear", body, &answer, reterr));
    cleared = read_cleared(args->arena, answer, &n);
    if (args->json) {
        print_cleared(args, cleared, n);
    } else if (!args->quiet && n == 0) {
        printf("nothing to clear\n");
    } else if (!args->quiet) {
        printf("%zu task%s cleared", n, n == 1 ? "" : "s");
        print_next(args, dag->dag_id, cleared, n);
        printf("\n");
    }
    return 0;
}

const struct dm_cmd dm_cmd_tasks_clear = {
    .name = "tasks clear",
    .synopsis = "DAG TASK|GROUP DAY",
    .doc = "forget that a task ran: the scheduler, or the next backfill, runs it again",
    .min_args = 3,
    .max_args = 3,
    .options = clear_options,
    .run = clear,
};

/* ---- mark ---- */

static const struct dm_option mark_options[] = {
    {"upstream", 'u', DM_OPTION_FLAG, NULL, NULL, "and everything that it depends on"},
    {"downstream", 'd', DM_OPTION_FLAG, NULL, NULL, "and everything that depends on it"},
    {"map-index", 0, DM_OPTION_INT, "N", NULL, "of a mapped task only this instance"},
    {NULL},
};

static int mark(struct dm_args *args, struct dm_err *reterr)
{
    const struct dm_dag *dag;
    const struct dm_task *task;
    _cleanup_store_ struct dm_store *store = NULL, *reader = NULL;
    struct dm_run_row run;
    const struct dm_value *answer = NULL;
    size_t n;
    int to = dm_task_state_parse(dm_str_c(args->v[3]));
    if (to != DM_TASK_SUCCESS && to != DM_TASK_FAILED && to != DM_TASK_SKIPPED)
        return dm_err_set(reterr, DM_E_USAGE,
                          "a task is marked success, failed or skipped, not \"%s\"", args->v[3]);
    DM_TRY(dm_cmd_dag(args, args->v[0], &dag, reterr));
    DM_TRY(dm_cmd_task(dag, args->v[1], &task, reterr));
    DM_TRY(dm_cmd_run(args, args->v[0], args->v[2], &reader, &run, reterr));
    struct dm_value *body = dm_value_map(args->arena);
    int64_t map_index = dm_option_int(args, "map-index", -1);
    dm_map_set(args->arena, body, "run_id", dm_value_cstr(args->arena, run.run_id));
    dm_map_set(args->arena, body, "task_id", dm_value_cstr(args->arena, task->task_id));
    dm_map_set(args->arena, body, "state", dm_value_cstr(args->arena, args->v[3]));
    set_flag(args, body, "upstream", dm_option_flag(args, "upstream"));
    set_flag(args, body, "downstream", dm_option_flag(args, "downstream"));
    if (map_index >= 0)
        dm_map_set(args->arena, body, "map_index", dm_value_int(args->arena, map_index));
    DM_TRY(dm_cmd_store(args, DM_STORE_WRITE, &store, reterr));
    DM_TRY(dm_cmd_ask(args, store, dag, "mark", body, &answer, reterr));
    struct dm_cleared *cleared = read_cleared(args->arena, answer, &n);
    if (args->quiet)
        return 0;
    printf("\"%s\" of %s is %s", task->task_id, dm_cell_day(args->arena, run.logical_date),
           args->v[3]);
    if (n) {
        printf("; %zu task%s behind it cleared", n, n == 1 ? "" : "s");
        print_next(args, dag->dag_id, cleared, n);
    }
    printf("\n");
    return 0;
}

const struct dm_cmd dm_cmd_tasks_mark = {
    .name = "tasks mark",
    .synopsis = "DAG TASK DAY success|failed|skipped",
    .doc = "take a task as done without running it; what failed behind it is cleared",
    .min_args = 4,
    .max_args = 4,
    .options = mark_options,
    .run = mark,
};

/* ---- why ---- */

static int why(struct dm_args *args, struct dm_err *reterr)
{
    const struct dm_dag *dag;
    const struct dm_task *task;
    _cleanup_store_ struct dm_store *store = NULL;
    struct dm_run_row run;
    struct dm_why w;
    DM_TRY(dm_cmd_dag(args, args->v[0], &dag, reterr));
    DM_TRY(dm_cmd_task(dag, args->v[1], &task, reterr));
    DM_TRY(dm_cmd_run(args, args->v[0], args->v[2], &store, &run, reterr));
    int64_t index = dm_option_int(args, "map-index", -1);
    DM_TRY(dm_why(args->arena, store, dag, &run, task->task_id, (int)index, dm_clock_now(), &w,
                  reterr));
    if (args->json) {
        struct dm_value *out = dm_value_map(args->arena), *list = dm_value_list(args->arena, 0);
        for (size_t i = 0; i < w.n; i++)
            dm_list_add(args->arena, list, dm_value_cstr(args->arena, w.reasons[i]));
        dm_map_set(args->arena, out, "map_index", dm_value_int(args->arena, w.map_index));
        dm_map_set(args->arena, out, "state",
                   dm_value_cstr(args->arena, dm_task_state_name(w.state)));
        dm_map_set(args->arena, out, "reasons", list);
        printf("%s\n", dm_value_json(args->arena, out).p);
        return 0;
    }
    printf("\"%s\" of %s is %s%s\n", dm_cell_instance(args->arena, task->task_id, w.map_index),
           dm_cell_day(args->arena, run.logical_date), dm_task_state_name(w.state), w.n ? ":" : "");
    for (size_t i = 0; i < w.n; i++)
        printf("  - %s\n", w.reasons[i]);
    return 0;
}

const struct dm_cmd dm_cmd_tasks_why = {
    .name = "tasks why",
    .synopsis = "DAG TASK DAY",
    .doc = "say why a task waits, was skipped or could not run",
    .min_args = 3,
    .max_args = 3,
    .options = instance_options,
    .run = why,
};

/* ---- render ---- */

/* A field as people want to read it: texts as they are, the pieces of a list one after the other. */
static void print_field(const char *name, const struct dm_value *v, struct dm_arena *a)
{
    if (v->kind == DM_LIST) {
        for (size_t i = 0; i < v->list.n; i++)
            print_field(dm_arena_printf(a, "%s[%zu]", name, i), v->list.items[i], a);
        return;
    }
    struct dm_str text = v->kind == DM_STRING ? v->s : dm_value_json(a, v);
    printf("# %s\n%.*s\n\n", name, DM_FMT(text));
}

/* The run of that day, or the one that a backfill would make. */
static int find_or_imagine_run(struct dm_args *args, struct dm_store *store,
                               const struct dm_dag *dag, const char *day, struct dm_run_row *ret,
                               struct dm_err *reterr)
{
    struct dm_err err;
    int64_t logical;
    if (store && dm_store_run_find(store, args->arena, dag->dag_id, dm_str_c(day), ret, &err) == 0)
        return 0;
    struct dm_due due;
    char iso[DM_TIME_MAX];
    DM_TRY(dm_cmd_day(day, &logical, reterr));
    DM_TRY(dm_timetable_manual(dag->timetable, logical, &due, reterr));
    struct dm_due *scheduled;
    size_t n;
    DM_TRY(
        dm_timetable_range(args->arena, dag->timetable, logical, logical, &scheduled, &n, reterr));
    if (n)
        due = scheduled[0];
    *ret = (struct dm_run_row){
        .dag_id = dag->dag_id,
        .run_id = dm_arena_printf(args->arena, "backfill__%s", dm_time_iso(logical, iso)),
        .run_type = "backfill",
        .logical_date = logical,
        .interval_start = due.interval_start,
        .interval_end = due.interval_end,
        .started_at = dm_clock_now(),
        .conf = "{}",
        .generation = dag->generation,
    };
    return 0;
}

static int render(struct dm_args *args, struct dm_err *reterr)
{
    const struct dm_dag *dag;
    const struct dm_task *task;
    const struct dm_value *all, *shown;
    struct dm_run_row run;
    struct dm_order order;
    DM_TRY(dm_cmd_dag(args, args->v[0], &dag, reterr));
    DM_TRY(dm_cmd_task(dag, args->v[1], &task, reterr));
    _cleanup_store_ struct dm_store *store = NULL;
    DM_TRY(dm_cmd_store(args, DM_STORE_READ, &store, reterr));
    DM_TRY(find_or_imagine_run(args, store, dag, args->v[2], &run, reterr));
    DM_TRY(dm_order_describe(args->arena, store, &run, dag, task, &order, reterr));
    if (dm_task_mapping(task))
        order.map_index = (int)dm_option_int(args, "map-index", 0);
    struct dm_attempt at = {
        .arena = args->arena, .order = &order, .project = args->project, .fd = -1};
    const struct dm_op *op = dm_op_find(task->operator_name);
    DM_TRY(dm_render_fields(&at, &op->spec, &all, &shown, reterr));
    if (args->json) {
        struct dm_str text = dm_value_json(args->arena, shown);
        printf("%.*s\n", DM_FMT(text));
        return 0;
    }
    for (size_t i = 0; i < shown->map.n; i++)
        print_field(dm_str_cstr(args->arena, shown->map.pairs[i].key->s), shown->map.pairs[i].value,
                    args->arena);
    return 0;
}

const struct dm_cmd dm_cmd_tasks_render = {
    .name = "tasks render",
    .synopsis = "DAG TASK DAY",
    .doc = "show the fields of a task as they will be on a day",
    .min_args = 3,
    .max_args = 3,
    .options = instance_options,
    .run = render,
};
