/* What several commands need: the project's DAGs, a DAY, the store, cells of tables. */
#include "cmd/common.h"

#include "base/clock.h"
#include "op/op.h"
#include "sched/world.h"

static const char *environment(void *user, const char *name)
{
    return getenv(name);
}

int dm_cmd_load_world(struct dm_args *args, struct dm_load_world *ret, struct dm_err *reterr)
{
    *ret = (struct dm_load_world){
        .project_dir = args->project ? args->project->dir : ".",
        .dags_dir = args->project ? args->project->dags_dir : NULL,
        .ops = dm_op_table(),
        .now = dm_clock_now(),
        .env = environment,
    };
    const struct dm_value *syntax =
        args->project ? dm_project_config(args->project, "dag_ignore_file_syntax") : NULL;
    if (syntax && !dm_str_is(syntax->s, "glob") && !dm_str_is(syntax->s, "regexp"))
        return dm_err_set(reterr, DM_E_INVALID,
                          "dag_ignore_file_syntax in %s is \"%.*s\", neither glob nor regexp",
                          DM_PROJECT_FILE, DM_FMT(syntax->s));
    ret->ignore_regexp = syntax && dm_str_is(syntax->s, "regexp");
    return 0;
}

int dm_cmd_dags_at(struct dm_args *args, const char *path, struct dm_dag_set *ret,
                   struct dm_err *reterr)
{
    struct dm_load_world world;
    DM_TRY(dm_cmd_load_world(args, &world, reterr));
    /* The project's folders are without links; a path from a person is not, and may be relative. */
    _cleanup_free_ char *real = args->project ? realpath(path, NULL) : NULL;
    return dm_dags_load(args->arena, real ? real : path, &world, ret, reterr);
}

int dm_cmd_dags(struct dm_args *args, struct dm_dag_set *ret, struct dm_err *reterr)
{
    return dm_cmd_dags_at(args, args->project->dags_dir, ret, reterr);
}

static int no_such_dag(const struct dm_dag_set *set, const char *dag_id, struct dm_arena *a,
                       struct dm_err *reterr)
{
    const char **names = dm_arena_array(a, const char *, set->n_dags + 1);
    for (size_t i = 0; i < set->n_dags; i++)
        names[i] = set->dags[i]->dag_id;
    const char *near = dm_str_nearest(dm_str_c(dag_id), names);
    dm_err_set(reterr, DM_E_NOTFOUND, "no DAG \"%s\" in this project", dag_id);
    if (near)
        dm_err_hint(reterr, "Did you mean \"%s\"?  \"daymill dags list\" shows all.", near);
    else
        dm_err_hint(reterr, "\"daymill dags list\" shows all, \"daymill check\" what is wrong.");
    return DM_E_NOTFOUND;
}

int dm_cmd_dag(struct dm_args *args, const char *dag_id, const struct dm_dag **ret,
               struct dm_err *reterr)
{
    struct dm_dag_set set;
    DM_TRY(dm_cmd_dags(args, &set, reterr));
    const struct dm_dag *dag = dm_dag_find(&set, dm_str_c(dag_id));
    if (dag) {
        *ret = dag;
        return 0;
    }
    /* Perhaps it is there but refused: then its errors are the answer. */
    size_t shown = 0;
    for (size_t i = 0; i < set.n_diags; i++) {
        const struct dm_diag *d = &set.diags[i];
        if (d->warning || (d->dag_id && strcmp(d->dag_id, dag_id) != 0))
            continue;
        _cleanup_strbuf_ struct dm_strbuf b;
        dm_strbuf_init(&b, DM_BUF_MESSAGE);
        dm_diag_format(&b, d);
        fputs(b.p ? b.p : "", stderr);
        shown++;
    }
    if (!shown)
        return no_such_dag(&set, dag_id, args->arena, reterr);
    dm_err_set(reterr, DM_E_INVALID, "the DAG \"%s\" cannot be loaded: %zu error%s above", dag_id,
               shown, shown == 1 ? "" : "s");
    dm_err_hint(reterr, "Mend the file; \"daymill check\" shows what is left.");
    return DM_E_INVALID;
}

int dm_cmd_task(const struct dm_dag *dag, const char *task_id, const struct dm_task **ret,
                struct dm_err *reterr)
{
    *ret = dm_task_find(dag, dm_str_c(task_id));
    if (*ret)
        return 0;
    _cleanup_arena_ struct dm_arena a = {0};
    const char **names = dm_arena_array(&a, const char *, dag->n_tasks + 1);
    for (size_t i = 0; i < dag->n_tasks; i++)
        names[i] = dag->tasks[i].task_id;
    const char *near = dm_str_nearest(dm_str_c(task_id), names);
    dm_err_set(reterr, DM_E_NOTFOUND, "the DAG \"%s\" has no task \"%s\"", dag->dag_id, task_id);
    dm_err_hint(reterr, near ? "Did you mean \"%s\"?" : "\"daymill tasks list %s\" shows all.",
                near ? near : dag->dag_id);
    return DM_E_NOTFOUND;
}

int dm_cmd_conf(struct dm_args *args, const struct dm_dag *dag, const struct dm_value **ret,
                struct dm_err *reterr)
{
    const char *text = dm_option_text(args, "conf", NULL);
    struct dm_value *v = NULL;
    if (text)
        DM_TRY(dm_value_from_json(args->arena, dm_str_c(text), &v, reterr));
    if (v && v->kind != DM_MAP)
        return dm_err_set(reterr, DM_E_USAGE, "--conf wants a JSON object, not a %s",
                          dm_kind_name(v->kind));
    DM_TRY(dm_params_check(dag, v, reterr));
    *ret = v;
    return 0;
}

int dm_cmd_day(const char *text, int64_t *ret, struct dm_err *reterr)
{
    struct dm_str s = dm_str_c(text);
    ptrdiff_t mark = dm_str_find(s, DM_STR("__"), 0);
    if (mark >= 0)
        s = dm_str_sub(s, (size_t)mark + 2, s.len);
    if (dm_time_parse(s, ret))
        return 0;
    dm_err_set(reterr, DM_E_USAGE, "not a day: \"%s\"", text);
    dm_err_hint(reterr, "A DAY is 2010-12-05 or a run id such as "
                        "backfill__2010-12-05T00:00:00+00:00.");
    return DM_E_USAGE;
}

static void say_line(void *user, const char *line)
{
    fprintf(stderr, "%s\n", line);
}

int dm_cmd_store(struct dm_args *args, enum dm_store_mode mode, struct dm_store **ret,
                 struct dm_err *reterr)
{
    struct dm_err err;
    struct dm_store_say say = {say_line, NULL};
    int rc =
        dm_store_open_saying(args->project->state_path, mode, args->quiet ? NULL : &say, ret, &err);
    if (rc == DM_E_NOTFOUND && mode == DM_STORE_READ) {
        *ret = NULL;
        return 0;
    }
    if (rc < 0 && reterr)
        *reterr = err;
    return rc;
}

int dm_cmd_run(struct dm_args *args, const char *dag_id, const char *day,
               struct dm_store **ret_store, struct dm_run_row *ret, struct dm_err *reterr)
{
    struct dm_store *store;
    DM_TRY(dm_cmd_store(args, DM_STORE_READ, &store, reterr));
    if (!store) {
        dm_err_set(reterr, DM_E_NOTFOUND, "nothing has run in this project yet");
        dm_err_hint(reterr, "\"daymill backfill %s --from DAY --to DAY\" runs days.", dag_id);
        return DM_E_NOTFOUND;
    }
    int rc = dm_store_run_find(store, args->arena, dag_id, dm_str_c(day), ret, reterr);
    if (rc < 0) {
        dm_store_close(store);
        return rc;
    }
    *ret_store = store;
    return 0;
}

/* ---- failed checks ---- */

static const char *cell_text(struct dm_arena *a, const struct dm_value *v)
{
    if (!v || v->kind == DM_NULL)
        return "NULL";
    return dm_str_cstr(a, v->kind == DM_STRING ? v->s : dm_value_json(a, v));
}

/* Rows are maps with the same keys. */
static void print_rows(FILE *to, struct dm_arena *a, const char *json)
{
    struct dm_value *rows;
    struct dm_table t = {.arena = a};
    if (dm_value_from_json(a, dm_str_c(json), &rows, NULL) < 0 || rows->kind != DM_LIST ||
        rows->list.n == 0 || rows->list.items[0]->kind != DM_MAP)
        return;
    const struct dm_value *first = rows->list.items[0];
    size_t n = first->map.n;
    t.n_cols = n;
    t.cols = dm_arena_array(a, const char *, n + 1);
    t.numeric = dm_arena_array(a, bool, n + 1);
    t.boolean = dm_arena_array(a, bool, n + 1);
    const char **cells = dm_arena_array(a, const char *, n + 1);
    for (size_t c = 0; c < n; c++)
        t.cols[c] = dm_str_cstr(a, first->map.pairs[c].key->s);
    for (size_t r = 0; r < rows->list.n; r++) {
        for (size_t c = 0; c < n; c++)
            cells[c] = cell_text(a, dm_map_at(rows->list.items[r], t.cols[c]));
        dm_table_add(&t, cells);
    }
    dm_table_print(&t, DM_PRINT_ALIGNED, to);
}

void dm_cmd_print_check(FILE *to, const struct dm_args *args, const struct dm_run_row *run,
                        const struct dm_check_row *check)
{
    struct dm_arena *a = args->arena;
    fprintf(to, "check %s: expected %s, got %s\n", check->name,
            check->expected ? check->expected : "-", check->got ? check->got : "-");
    if (check->note)
        fprintf(to, "  %s\n", check->note);
    if (check->rows)
        print_rows(to, a, check->rows);
    if (check->sql && !strchr(check->sql, '\n'))
        fprintf(to, "  found by: %s\n", check->sql);
    else if (check->sql)
        fprintf(to, "  found by the SQL that this prints: %s tasks render %s %s %s\n", args->self,
                run->dag_id, check->task_id, dm_cell_day(a, run->logical_date));
}

/* ---- asking ---- */

static void on_waiting(void *user, const char *holder)
{
    const struct dm_args *args = user;
    if (!args->quiet)
        fprintf(stderr, "waiting for another command of this project: %s\n", holder);
}

int dm_cmd_ask(struct dm_args *args, struct dm_store *store, const struct dm_dag *dag,
               const char *kind, const struct dm_value *body, const struct dm_value **ret_answer,
               struct dm_err *reterr)
{
    struct dm_right_wait wait = {.waiting = on_waiting, .user = args};
    struct dm_ask ask = {.project = args->project,
                         .store = store,
                         .dag = dag,
                         .paused_at_creation = dag && dm_dag_starts_paused(args->project, dag),
                         .wait = &wait};
    struct dm_value *whole = dm_value_copy(args->arena, body);
    if (dag)
        dm_map_set(args->arena, whole, "dag_id", dm_value_cstr(args->arena, dag->dag_id));
    *ret_answer = NULL;
    return dm_ask(args->arena, &ask, kind, whole, ret_answer, reterr);
}

/* ---- cells ---- */

const char *dm_cell_int(struct dm_arena *a, int64_t n)
{
    return n < 0 ? NULL : dm_arena_printf(a, "%lld", (long long)n);
}

const char *dm_cell_time(struct dm_arena *a, int64_t us)
{
    char buf[DM_TIME_MAX];
    return us == DM_NEVER ? NULL : dm_arena_strdup(a, dm_time_human(us, buf));
}

const char *dm_cell_iso(struct dm_arena *a, int64_t us)
{
    char buf[DM_TIME_MAX];
    return us == DM_NEVER ? NULL : dm_arena_strdup(a, dm_time_isoz(us, buf));
}

const char *dm_cell_day(struct dm_arena *a, int64_t us)
{
    char buf[DM_TIME_MAX];
    if (us == DM_NEVER)
        return NULL;
    bool whole = us % DM_DAY == 0;
    return dm_arena_strdup(a, whole ? dm_time_date(us, buf) : dm_time_isoz(us, buf));
}

const char *dm_cell_span(struct dm_arena *a, int64_t from, int64_t to)
{
    char buf[DM_TIME_MAX];
    if (from == DM_NEVER || to == DM_NEVER)
        return NULL;
    return dm_arena_strdup(a, dm_duration_human(to - from, buf));
}
