/* daymill runs list|show: what happened, how many rows went where, how long it took. */
#include "base/map.h"
#include "cmd/common.h"
#include "state/callback.h"
#include "state/memory.h"

/* ---- runs list ---- */

static const struct dm_option list_options[] = {
    {"state", 0, DM_OPTION_CHOICE, NULL, "queued|running|success|failed",
     "only runs in this state"},
    {"from", 0, DM_OPTION_DAY, "DAY", NULL, "first logical date"},
    {"to", 0, DM_OPTION_DAY, "DAY", NULL, "last logical date, included"},
    {"last", 'l', DM_OPTION_INT, "N", NULL,
     "only the newest N (default: all of a DAG; of all DAGs the newest 1,000, with --json all)"},
    {NULL},
};

/* Of all DAGs, for people; JSON is whole. */
enum { LIST_DEFAULT = 1000 };

static int by_dag_and_date(const void *a, const void *b)
{
    const struct dm_run_row *x = a, *y = b;
    int order = strcmp(x->dag_id, y->dag_id);
    if (order)
        return order;
    return x->logical_date < y->logical_date ? -1 : x->logical_date > y->logical_date;
}

/* The newest, in the order of a list without a limit. */
static int read_newest(struct dm_args *args, struct dm_store *store, struct dm_run_filter f,
                       struct dm_run_row **ret, size_t *ret_n, struct dm_err *reterr)
{
    f.newest_first = true;
    f.limit = LIST_DEFAULT + 1;
    DM_TRY(dm_store_runs(store, args->arena, &f, ret, ret_n, reterr));
    if (*ret_n > LIST_DEFAULT) {
        *ret_n = LIST_DEFAULT;
        if (!args->quiet)
            fprintf(stderr, "only the newest %d runs; name a DAG, or give --last N for more\n",
                    LIST_DEFAULT);
    }
    if (*ret_n)
        qsort(*ret, *ret_n, sizeof(**ret), by_dag_and_date);
    return 0;
}

static int list(struct dm_args *args, struct dm_err *reterr)
{
    struct dm_run_filter f = DM_RUN_FILTER_ALL;
    const char *state = dm_option_text(args, "state", NULL);
    const char *from = dm_option_text(args, "from", NULL), *to = dm_option_text(args, "to", NULL);
    int64_t last = dm_option_int(args, "last", 0);
    if (args->n) {
        const struct dm_dag *dag;
        DM_TRY(dm_cmd_dag(args, args->v[0], &dag, reterr));
        f.dag_id = dag->dag_id;
    }
    if (state)
        f.state = dm_run_state_parse(dm_str_c(state));
    if (from)
        DM_TRY(dm_cmd_day(from, &f.from, reterr));
    if (to)
        DM_TRY(dm_cmd_day(to, &f.to, reterr));
    if (last < 0)
        return dm_err_set(reterr, DM_E_USAGE, "--last wants a number of runs, not %lld",
                          (long long)last);
    if (last) {
        f.newest_first = true;
        f.limit = (size_t)last;
    }
    _cleanup_store_ struct dm_store *store = NULL;
    struct dm_run_row *runs = NULL;
    size_t n = 0;
    DM_TRY(dm_cmd_store(args, DM_STORE_READ, &store, reterr));
    if (store && !f.dag_id && !last && !args->json)
        DM_TRY(read_newest(args, store, f, &runs, &n, reterr));
    else if (store)
        DM_TRY(dm_store_runs(store, args->arena, &f, &runs, &n, reterr));
    struct dm_table t;
    dm_table_init(&t, args->arena,
                  args->json ? "dag_id run_id logical_date state start_date end_date"
                             : "dag_id day state started took run_id");
    for (size_t i = 0; i < n; i++) {
        const struct dm_run_row *r = &runs[i];
        struct dm_arena *a = args->arena;
        if (args->json)
            dm_table_add(&t, DM_ROW(r->dag_id, r->run_id, dm_cell_iso(a, r->logical_date),
                                    dm_run_state_name(r->state), dm_cell_iso(a, r->started_at),
                                    dm_cell_iso(a, r->ended_at)));
        else
            dm_table_add(&t, DM_ROW(r->dag_id, dm_cell_day(a, r->logical_date),
                                    dm_run_state_name(r->state), dm_cell_time(a, r->started_at),
                                    dm_cell_span(a, r->started_at, r->ended_at), r->run_id));
    }
    dm_args_print(args, &t);
    return 0;
}

const struct dm_cmd dm_cmd_runs_list = {
    .name = "runs list",
    .synopsis = "[DAG]",
    .doc = "list the runs",
    .max_args = 1,
    .options = list_options,
    .run = list,
};

/* ---- runs show ---- */

/* All that the store knows of a run. */
struct story {
    struct dm_arena *a;
    struct dm_run_row run;
    const char *note; /* NULL = none */
    struct dm_run_generation_row *generations;
    struct dm_task_row *tasks;
    struct dm_attempt_row *attempts;
    struct dm_ledger_row *ledger;
    struct dm_check_row *checks;
    struct dm_step_row *steps;
    struct dm_callback_row *callbacks;
    size_t n_generations, n_tasks, n_attempts, n_ledger, n_checks, n_steps, n_callbacks;
};

struct placed {
    struct dm_task_row row;
    size_t first; /* where its task comes first */
};

static int by_place(const void *a, const void *b)
{
    const struct placed *x = a, *y = b;
    if (x->first != y->first)
        return x->first < y->first ? -1 : 1;
    return x->row.map_index - y->row.map_index;
}

/* Instances that were made late come with the others of their task. */
static void group_instances(struct story *s)
{
    struct placed *all = dm_arena_array(s->a, struct placed, s->n_tasks + 1);
    struct dm_map first; /* task_id -> its first place */
    dm_map_init(&first, s->a);
    for (size_t i = 0; i < s->n_tasks; i++) {
        struct placed *known = dm_map_get(&first, dm_str_c(s->tasks[i].task_id));
        all[i] = (struct placed){s->tasks[i], known ? known->first : i};
        if (!known)
            dm_map_put(&first, dm_str_c(s->tasks[i].task_id), &all[i]);
    }
    if (s->n_tasks > 1)
        qsort(all, s->n_tasks, sizeof(*all), by_place);
    for (size_t i = 0; i < s->n_tasks; i++)
        s->tasks[i] = all[i].row;
}

static int load(struct dm_store *store, struct story *s, struct dm_err *reterr)
{
    int64_t id = s->run.id;
    struct dm_attempt_filter all = {.run = id, .map_index = -1};
    DM_TRY(dm_store_run_note(store, s->a, id, &s->note, reterr));
    DM_TRY(dm_store_run_generations(store, s->a, id, &s->generations, &s->n_generations, reterr));
    DM_TRY(dm_store_tasks(store, s->a, id, &s->tasks, &s->n_tasks, reterr));
    group_instances(s);
    DM_TRY(dm_store_attempts(store, s->a, &all, &s->attempts, &s->n_attempts, reterr));
    DM_TRY(dm_store_ledger(store, s->a, id, 0, &s->ledger, &s->n_ledger, reterr));
    DM_TRY(dm_store_checks(store, s->a, id, 0, &s->checks, &s->n_checks, reterr));
    DM_TRY(dm_store_callbacks(store, s->a, id, &s->callbacks, &s->n_callbacks, reterr));
    return dm_store_steps(store, s->a, NULL, id, false, &s->steps, &s->n_steps, reterr);
}

static void print_tasks(const struct story *s, struct dm_args *args)
{
    struct dm_table t;
    dm_table_init(&t, s->a, "task state try# started took operator");
    for (size_t i = 0; i < s->n_tasks; i++) {
        const struct dm_task_row *r = &s->tasks[i];
        dm_table_add(&t, DM_ROW(dm_cell_instance(s->a, r->task_id, r->map_index),
                                dm_task_state_name(r->state), dm_cell_int(s->a, r->try_number),
                                dm_cell_time(s->a, r->started_at),
                                dm_cell_span(s->a, r->started_at, r->ended_at), r->operator_name));
    }
    for (size_t i = 0; i < s->n_steps; i++) {
        const struct dm_step_row *r = &s->steps[i];
        dm_table_add(&t,
                     DM_ROW(dm_arena_printf(s->a, "  step %s", r->name),
                            dm_step_state_name(r->state), NULL, dm_cell_time(s->a, r->started_at),
                            dm_cell_span(s->a, r->started_at, r->ended_at), r->id));
    }
    dm_table_print(&t, DM_PRINT_ALIGNED, stdout);
}

static void print_detail(const char *detail)
{
    struct dm_str rest = dm_str_c(detail), line;
    while (dm_str_split(&rest, '\n', &line))
        if (line.len)
            printf("  %.*s\n", DM_FMT(line));
}

/* What came after a try that failed: "retried", or nothing. */
static const char *what_next(const struct story *s, const struct dm_attempt_row *r,
                             const struct dm_task_row *task)
{
    for (size_t i = 0; i < s->n_attempts; i++) {
        const struct dm_attempt_row *later = &s->attempts[i];
        if (later->task == r->task && !later->step_id && later->number > r->number)
            return ", retried";
    }
    if (task->state == DM_TASK_UP_FOR_RETRY)
        return dm_arena_printf(s->a, ", to be retried at %s", dm_cell_time(s->a, task->due_at));
    return task->state == DM_TASK_NONE ? ", cleared since" : "";
}

/* "load[2], try 1, retried" */
static const char *which_try(const struct story *s, const struct dm_attempt_row *r)
{
    const char *name = dm_cell_instance(s->a, r->task_id, r->map_index), *next = "";
    for (size_t i = 0; i < s->n_tasks; i++)
        if (s->tasks[i].id == r->task)
            next = what_next(s, r, &s->tasks[i]);
    if (r->step_id)
        name = dm_arena_printf(s->a, "%s, step %s", name, r->step_id);
    return dm_arena_printf(s->a, "%s, try %d%s", name, r->try_number, next);
}

static void print_errors(const struct story *s)
{
    for (size_t i = 0; i < s->n_attempts; i++) {
        const struct dm_attempt_row *r = &s->attempts[i];
        if (!r->error || r->state == DM_ATTEMPT_RESCHEDULED) /* that only says what it waits for */
            continue;
        printf("\n%s: %s\n", which_try(s, r), r->error);
        if (r->error_place)
            printf("  at %s\n", r->error_place);
        if (r->error_code != DM_E_CHECK) /* these are told below */
            print_detail(r->error_detail);
        if (r->error_hint)
            printf("  hint: %s\n", r->error_hint);
        if (r->log_path)
            printf("  log: %s\n", r->log_path);
    }
}

static const char *of_callback(const struct story *s, const struct dm_callback_row *r)
{
    return r->task ? dm_cell_instance(s->a, r->task_id, r->map_index) : "the run";
}

/* Logs of a task's callbacks are found with `tasks logs --callbacks`. */
static void print_callbacks(const struct story *s)
{
    struct dm_table t;
    if (!s->n_callbacks)
        return;
    printf("\ncallbacks\n");
    dm_table_init(&t, s->a, "callback of state started took");
    for (size_t i = 0; i < s->n_callbacks; i++) {
        const struct dm_callback_row *r = &s->callbacks[i];
        dm_table_add(&t, DM_ROW(r->key, of_callback(s, r), dm_callback_state_name(r->state),
                                dm_cell_time(s->a, r->started_at),
                                dm_cell_span(s->a, r->started_at, r->ended_at)));
    }
    dm_table_print(&t, DM_PRINT_ALIGNED, stdout);
    for (size_t i = 0; i < s->n_callbacks; i++) {
        const struct dm_callback_row *r = &s->callbacks[i];
        if (!r->starts || (r->task && !r->error))
            continue;
        printf("\n%s of %s: %s\n", r->key, of_callback(s, r),
               r->error ? r->error : dm_callback_state_name(r->state));
        if (*r->log_path)
            printf("  log: %s\n", r->log_path);
    }
}

/* ---- figures: what a check counted, and how they add up ---- */

/* A run's equations; each is shown where the run has all of its figures. */
static const struct {
    const char *name, *text;
} equations[] = {
    {"purchases", "source = lake = joined + without customer + customer without reviews"},
    {"reviews", "reviews in = classified + rejected"},
};

static bool is_figure(const struct dm_ledger_row *r)
{
    return r->current && r->note && strcmp(r->note, "figure") == 0;
}

/* -1 where the run has no such figure. */
static int64_t figure(const struct story *s, struct dm_str name)
{
    for (size_t i = 0; i < s->n_ledger; i++)
        if (is_figure(&s->ledger[i]) && dm_str_is(name, s->ledger[i].dataset))
            return s->ledger[i].rows;
    return -1;
}

/* "source 974 = lake 974 = joined 326 + …"; false where a figure is missing. */
static bool add_equation(const struct story *s, const char *text, struct dm_strbuf *b)
{
    struct dm_str rest = dm_str_c(text);
    int64_t first = -1, sum = 0, n;
    bool holds = true;
    while (rest.len) {
        size_t len = 0;
        while (len < rest.len && rest.p[len] != '=' && rest.p[len] != '+')
            len++;
        struct dm_str name = dm_str_trim(dm_str_sub(rest, 0, len));
        char sign = len < rest.len ? rest.p[len] : '=';
        if ((n = figure(s, name)) < 0)
            return false;
        dm_strbuf_addf(b, "%.*s %lld", DM_FMT(name), (long long)n);
        if (len < rest.len)
            dm_strbuf_addf(b, " %c ", sign);
        sum += n;
        if (sign == '=') {
            holds = holds && (first < 0 || first == sum);
            first = first < 0 ? sum : first;
            sum = 0;
        }
        rest = dm_str_sub(rest, len < rest.len ? len + 1 : len, rest.len);
    }
    if (!holds)
        dm_strbuf_adds(b, "  DOES NOT ADD UP");
    return true;
}

static void print_equations(const struct story *s)
{
    bool any = false;
    for (size_t i = 0; i < sizeof(equations) / sizeof(equations[0]); i++) {
        _cleanup_strbuf_ struct dm_strbuf b;
        dm_strbuf_init(&b, DM_BUF_MESSAGE);
        if (!add_equation(s, equations[i].text, &b))
            continue;
        printf("%s%-9s  %s\n", any ? "" : "\n", equations[i].name, b.p);
        any = true;
    }
}

static void print_ledger(const struct story *s)
{
    struct dm_table t;
    dm_table_init(&t, s->a, "task way dataset rows# bytes# note");
    for (size_t i = 0; i < s->n_ledger; i++) {
        const struct dm_ledger_row *r = &s->ledger[i];
        bool figure = r->note && strcmp(r->note, "figure") == 0; /* shown with the checks */
        if (!r->current || figure)
            continue;
        dm_table_add(&t, DM_ROW(r->task_id, r->write ? "out" : "in", r->dataset,
                                dm_cell_int(s->a, r->rows), dm_cell_int(s->a, r->bytes), r->note));
    }
    if (!t.n_rows)
        return;
    printf("\nrows and bytes\n");
    dm_table_print(&t, DM_PRINT_ALIGNED, stdout);
}

static void print_checks(const struct story *s, const struct dm_args *args)
{
    struct dm_table t;
    const char *said = ""; /* the checks of one query share a note: it is shown once */
    dm_table_init(&t, s->a, "check result expected got task note");
    for (size_t i = 0; i < s->n_checks; i++) {
        const struct dm_check_row *r = &s->checks[i];
        if (!r->current && r->passed)
            continue;
        bool again = r->note && strcmp(r->note, said) == 0;
        dm_table_add(&t, DM_ROW(r->name, r->passed ? "passed" : "FAILED", r->expected, r->got,
                                r->task_id, again ? "\"" : r->note));
        said = r->note ? r->note : "";
    }
    if (!t.n_rows)
        return;
    printf("\nchecks\n");
    dm_table_print(&t, DM_PRINT_ALIGNED, stdout);
    for (size_t i = 0; i < s->n_checks; i++) {
        if (!s->checks[i].current || s->checks[i].passed)
            continue;
        printf("\n");
        dm_cmd_print_check(stdout, args, &s->run, &s->checks[i]);
    }
}

static void print_text(const struct story *s, struct dm_args *args)
{
    const struct dm_run_row *r = &s->run;
    const char *took = dm_cell_span(s->a, r->started_at, r->ended_at);
    printf("%s %s: %s%s%s (%s)\n", r->dag_id, dm_cell_day(s->a, r->logical_date),
           dm_run_state_name(r->state), took ? ", took " : "", took ? took : "", r->run_id);
    if (r->conf && strcmp(r->conf, "{}") != 0)
        printf("conf %s\n", r->conf);
    if (s->note)
        printf("note %s\n", s->note);
    for (size_t i = 0; i < s->n_generations; i++)
        printf("generation %.12s  %s  %s\n", s->generations[i].generation,
               dm_cell_time(s->a, s->generations[i].since), s->generations[i].why);
    printf("\n");
    print_tasks(s, args);
    print_errors(s);
    print_callbacks(s);
    print_checks(s, args);
    print_equations(s);
    print_ledger(s);
}

/* ---- the same as JSON ---- */

static void set_text(struct story *s, struct dm_value *map, const char *key, const char *text)
{
    dm_map_set(s->a, map, key, text ? dm_value_cstr(s->a, text) : &dm_null);
}

static void set_int(struct story *s, struct dm_value *map, const char *key, int64_t n)
{
    dm_map_set(s->a, map, key, n < 0 ? &dm_null : dm_value_int(s->a, n));
}

static void set_time(struct story *s, struct dm_value *map, const char *key, int64_t us)
{
    set_text(s, map, key, dm_cell_iso(s->a, us));
}

static struct dm_value *json_tasks(struct story *s)
{
    struct dm_value *list = dm_value_list(s->a, 0);
    for (size_t i = 0; i < s->n_tasks; i++) {
        const struct dm_task_row *r = &s->tasks[i];
        struct dm_value *m = dm_value_map(s->a);
        set_text(s, m, "task_id", r->task_id);
        dm_map_set(s->a, m, "map_index", dm_value_int(s->a, r->map_index));
        set_text(s, m, "operator", r->operator_name);
        set_text(s, m, "state", dm_task_state_name(r->state));
        set_int(s, m, "try_number", r->try_number);
        set_time(s, m, "start_date", r->started_at);
        set_time(s, m, "end_date", r->ended_at);
        dm_list_add(s->a, list, m);
    }
    return list;
}

static struct dm_value *json_attempts(struct story *s)
{
    struct dm_value *list = dm_value_list(s->a, 0);
    for (size_t i = 0; i < s->n_attempts; i++) {
        const struct dm_attempt_row *r = &s->attempts[i];
        struct dm_value *m = dm_value_map(s->a);
        set_int(s, m, "attempt", r->number);
        set_text(s, m, "task_id", r->task_id);
        dm_map_set(s->a, m, "map_index", dm_value_int(s->a, r->map_index));
        set_text(s, m, "step_id", r->step_id);
        set_int(s, m, "try_number", r->try_number);
        set_text(s, m, "state", dm_attempt_state_name(r->state));
        set_time(s, m, "decided_at", r->decided_at);
        set_time(s, m, "code_at", r->code_at);
        set_time(s, m, "ended_at", r->ended_at);
        set_text(s, m, "error", r->error);
        set_text(s, m, "log", r->log_path);
        set_text(s, m, "generation", r->generation);
        dm_list_add(s->a, list, m);
    }
    return list;
}

static struct dm_value *json_ledger(struct story *s)
{
    struct dm_value *list = dm_value_list(s->a, 0);
    for (size_t i = 0; i < s->n_ledger; i++) {
        const struct dm_ledger_row *r = &s->ledger[i];
        if (!r->current)
            continue;
        struct dm_value *m = dm_value_map(s->a);
        set_text(s, m, "task_id", r->task_id);
        set_text(s, m, "step_id", r->step_id);
        set_text(s, m, "direction", r->write ? "write" : "read");
        set_text(s, m, "dataset", r->dataset);
        set_int(s, m, "rows", r->rows);
        set_int(s, m, "bytes", r->bytes);
        set_int(s, m, "files", r->files);
        set_text(s, m, "note", r->note);
        dm_list_add(s->a, list, m);
    }
    return list;
}

static int set_json(struct story *s, struct dm_value *map, const char *key, const char *json,
                    struct dm_err *reterr)
{
    struct dm_value *v;
    DM_TRY(dm_value_from_json(s->a, dm_str_c(json ? json : "null"), &v, reterr));
    dm_map_set(s->a, map, key, v);
    return 0;
}

static int json_checks(struct story *s, struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_value *list = dm_value_list(s->a, 0);
    for (size_t i = 0; i < s->n_checks; i++) {
        const struct dm_check_row *r = &s->checks[i];
        struct dm_value *m = dm_value_map(s->a);
        set_text(s, m, "task_id", r->task_id);
        set_int(s, m, "try_number", r->try_number);
        set_text(s, m, "name", r->name);
        dm_map_set(s->a, m, "passed", r->passed ? &dm_true : &dm_false);
        set_text(s, m, "expected", r->expected);
        set_text(s, m, "got", r->got);
        set_text(s, m, "note", r->note);
        set_text(s, m, "sql", r->sql);
        DM_TRY(set_json(s, m, "rows", r->rows, reterr));
        dm_list_add(s->a, list, m);
    }
    *ret = list;
    return 0;
}

static struct dm_value *json_steps(struct story *s)
{
    struct dm_value *list = dm_value_list(s->a, 0);
    for (size_t i = 0; i < s->n_steps; i++) {
        const struct dm_step_row *r = &s->steps[i];
        struct dm_value *m = dm_value_map(s->a);
        set_text(s, m, "id", r->id);
        set_text(s, m, "cluster_id", r->cluster_id);
        set_text(s, m, "name", r->name);
        set_text(s, m, "state", dm_step_state_name(r->state));
        set_text(s, m, "reason", r->reason_message);
        set_time(s, m, "start_date", r->started_at);
        set_time(s, m, "end_date", r->ended_at);
        dm_list_add(s->a, list, m);
    }
    return list;
}

static struct dm_value *json_callbacks(struct story *s)
{
    struct dm_value *list = dm_value_list(s->a, 0);
    for (size_t i = 0; i < s->n_callbacks; i++) {
        const struct dm_callback_row *r = &s->callbacks[i];
        struct dm_value *m = dm_value_map(s->a);
        set_text(s, m, "task_id", r->task_id);
        dm_map_set(s->a, m, "map_index", dm_value_int(s->a, r->map_index));
        set_text(s, m, "callback", r->key);
        set_int(s, m, "position", r->position);
        set_text(s, m, "state", dm_callback_state_name(r->state));
        set_int(s, m, "starts", r->starts);
        set_time(s, m, "start_date", r->started_at);
        set_time(s, m, "end_date", r->ended_at);
        set_text(s, m, "error", r->error);
        set_text(s, m, "log", r->log_path);
        dm_list_add(s->a, list, m);
    }
    return list;
}

static struct dm_value *json_generations(struct story *s)
{
    struct dm_value *list = dm_value_list(s->a, 0);
    for (size_t i = 0; i < s->n_generations; i++) {
        struct dm_value *m = dm_value_map(s->a);
        set_text(s, m, "generation", s->generations[i].generation);
        set_time(s, m, "since", s->generations[i].since);
        set_text(s, m, "why", s->generations[i].why);
        dm_list_add(s->a, list, m);
    }
    return list;
}

static int print_json(struct story *s, struct dm_err *reterr)
{
    struct dm_value *m = dm_value_map(s->a), *checks;
    set_text(s, m, "dag_id", s->run.dag_id);
    set_text(s, m, "run_id", s->run.run_id);
    set_text(s, m, "run_type", s->run.run_type);
    set_text(s, m, "state", dm_run_state_name(s->run.state));
    set_time(s, m, "logical_date", s->run.logical_date);
    set_time(s, m, "start_date", s->run.started_at);
    set_time(s, m, "end_date", s->run.ended_at);
    DM_TRY(set_json(s, m, "conf", s->run.conf ? s->run.conf : "{}", reterr));
    set_text(s, m, "note", s->note);
    dm_map_set(s->a, m, "generations", json_generations(s));
    dm_map_set(s->a, m, "tasks", json_tasks(s));
    dm_map_set(s->a, m, "steps", json_steps(s));
    dm_map_set(s->a, m, "attempts", json_attempts(s));
    dm_map_set(s->a, m, "callbacks", json_callbacks(s));
    DM_TRY(json_checks(s, &checks, reterr));
    dm_map_set(s->a, m, "checks", checks);
    dm_map_set(s->a, m, "ledger", json_ledger(s));
    struct dm_str text = dm_value_json(s->a, m);
    printf("%.*s\n", DM_FMT(text));
    return 0;
}

static int show(struct dm_args *args, struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    struct story s = {.a = args->arena};
    DM_TRY(dm_cmd_run(args, args->v[0], args->v[1], &store, &s.run, reterr));
    DM_TRY(load(store, &s, reterr));
    if (args->json)
        return print_json(&s, reterr);
    print_text(&s, args);
    return 0;
}

const struct dm_cmd dm_cmd_runs_show = {
    .name = "runs show",
    .synopsis = "DAG DAY",
    .doc = "what happened on a day: tasks, rows, checks, errors, times",
    .min_args = 2,
    .max_args = 2,
    .run = show,
};
