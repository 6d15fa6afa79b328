/* Mapped tasks: what they are mapped over, how many instances that makes, and what becomes of these. */
#include "lang/mapping.h"

#include "world.h"

/* ---- lengths and items ---- */

static void the_last_field_varies_fastest(void)
{
    int64_t lengths[] = {2, 3};
    T_INT(dm_map_instances(lengths, 2), 6);
    for (size_t i = 0; i < 6; i++) {
        T_INT(dm_map_item_index(lengths, 2, 0, i), i / 3);
        T_INT(dm_map_item_index(lengths, 2, 1, i), i % 3);
    }
    T_INT(dm_map_instances((int64_t[]){3, 0}, 2), 0);
    T_INT(dm_map_instances((int64_t[]){0, -1}, 2), -1);
    T_INT(dm_map_instances((int64_t[]){INT64_MAX, INT64_MAX}, 2), DM_MAP_INSTANCES_MAX + 1);
}

static void a_map_gives_pairs(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_value *map = dm_value_map(&a);
    dm_map_set(&a, map, "x", dm_value_int(&a, 1));
    dm_map_set(&a, map, "y", dm_value_int(&a, 2));
    T_INT(dm_map_length(map), 2);
    const struct dm_value *pair = dm_map_item(&a, map, 1);
    T_INT(pair->kind, DM_TUPLE);
    T_DMSTR(dm_value_json(&a, pair), "[\"y\", 2]");
    T_INT(dm_map_length(dm_value_cstr(&a, "text")), -1);
}

/* ---- runs ---- */

/* What attempts do and return. */
struct script {
    const char *json;  /* result of src; NULL = none */
    const char *fails; /* "m[1]" fails while this says so */
    const char *skips;
    int most_at_once; /* instances of m */
    char log[512];    /* what ran, in order */
};

static const char *name_of(struct t_world *w, const struct dm_job *j)
{
    const struct dm_task_row *row = &j->task->row;
    return row->map_index < 0 ? row->task_id
                              : dm_arena_printf(&w->arena, "%s[%d]", row->task_id, row->map_index);
}

static struct dm_result outcome(struct t_world *w, const struct dm_job *j)
{
    struct script *s = w->user;
    struct dm_result r = {.state = DM_RESULT_SUCCESS, .until_time = DM_NEVER};
    struct dm_err err;
    const char *name = name_of(w, j);
    size_t at = strlen(s->log);
    snprintf(s->log + at, sizeof(s->log) - at, "%s%s", at ? " " : "", name);
    if (s->fails && strcmp(s->fails, name) == 0) {
        r.state = DM_RESULT_FAILED;
        dm_err_set(&r.error, DM_E_TASK, "it failed");
    } else if (s->skips && strcmp(s->skips, name) == 0) {
        r.state = DM_RESULT_SKIPPED;
    } else if (strcmp(name, "src") != 0 || s->json) {
        t_must(dm_record_xcom(w->store, j->task->row.id, j->attempt, DM_STR("return_value"),
                              dm_str_c(strcmp(name, "src") == 0 ? s->json : "1"), w->now, &err),
               &err);
    }
    return r;
}

static void count_at_once(struct t_world *w, struct dm_job *const *running, size_t n)
{
    struct script *s = w->user;
    int now = 0;
    for (size_t i = 0; i < n; i++)
        now += strcmp(running[i]->task->row.task_id, "m") == 0;
    s->most_at_once = now > s->most_at_once ? now : s->most_at_once;
}

static int by_map_index(const void *a, const void *b)
{
    const struct dm_task_row *x = a, *y = b;
    return x->map_index - y->map_index;
}

/* "m0 success, m1 removed" of a task on a day. */
static const char *instances(struct t_world *w, int day, const char *task)
{
    struct dm_run_row run;
    struct dm_task_row *rows;
    size_t n;
    struct dm_err err;
    const char *text = "";
    int found =
        dm_store_run_at(w->store, &w->arena, w->dag.dag_id, T_EPOCH + day * DM_DAY, &run, &err);
    t_must(found, &err);
    if (!found)
        return "no run";
    t_must(dm_store_tasks(w->store, &w->arena, run.id, &rows, &n, &err), &err);
    qsort(rows, n, sizeof(*rows), by_map_index);
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].task_id, task) == 0)
            text = dm_arena_printf(&w->arena, "%s%s%d %s", text, *text ? ", " : "",
                                   rows[i].map_index, dm_task_state_name(rows[i].state));
    return text;
}

static const struct dm_value *over_result(struct t_world *w, const char *task)
{
    struct dm_value *map = dm_value_map(&w->arena), *x = dm_value_map(&w->arena);
    dm_map_set(&w->arena, x, "__type__", dm_value_cstr(&w->arena, "XComArg"));
    dm_map_set(&w->arena, x, "task_id", dm_value_cstr(&w->arena, task));
    dm_map_set(&w->arena, x, "key", dm_value_cstr(&w->arena, "return_value"));
    dm_map_set(&w->arena, map, "f", x);
    return map;
}

static const struct dm_value *over_list(struct t_world *w, size_t n)
{
    struct dm_value *map = dm_value_map(&w->arena), *list = dm_value_list(&w->arena, 0);
    for (size_t i = 0; i < n; i++)
        dm_list_add(&w->arena, list, dm_value_int(&w->arena, (int64_t)i));
    dm_map_set(&w->arena, map, "f", list);
    return map;
}

/* src -> m (mapped over it) -> end, every day. */
static void chain(struct t_world *w, struct script *s, enum dm_trigger_rule rule)
{
    const struct t_task tasks[] = {{.id = "src"},
                                   {.id = "m", .upstream = {"src"}, .rule = rule},
                                   {.id = "end", .upstream = {"m"}}};
    t_world_init(w, NULL);
    t_dag(w, tasks, 3);
    w->dag.tasks[1].expand = over_result(w, "src");
    w->outcome = outcome;
    w->check = count_at_once;
    w->user = s;
}

static void drive(struct t_world *w, int days, enum dm_rerun rerun)
{
    struct dm_drive d = {.dag = &w->dag,
                         .from = T_EPOCH,
                         .to = T_EPOCH + (days - 1) * DM_DAY,
                         .run_type = "backfill",
                         .rerun = rerun};
    t_drive(w, &d);
}

static void over_the_result_of_a_task(void)
{
    struct script s = {.json = "[10, 20, 30]"};
    struct t_world w;
    chain(&w, &s, DM_RULE_ALL_SUCCESS);
    drive(&w, 1, DM_RERUN_MISSING);
    T_STR(instances(&w, 0, "m"), "0 success, 1 success, 2 success");
    T_STR(instances(&w, 0, "end"), "-1 success");
    T_STR(s.log, "src m[0] m[1] m[2] end");
    T_STR(t_run_state(&w, 0), "success");
    t_world_release(&w);
}

static void what_is_not_there_decides(void)
{
    static const struct {
        const char *json, *fails, *skips, *m, *end;
    } cases[] = {
        {"[]", NULL, NULL, "-1 skipped", "-1 skipped"},
        {"{}", NULL, NULL, "-1 skipped", "-1 skipped"},
        {NULL, NULL, NULL, "-1 upstream_failed", "-1 upstream_failed"},
        {"[1]", "src", NULL, "-1 upstream_failed", "-1 upstream_failed"},
        {"[1]", NULL, "src", "-1 skipped", "-1 skipped"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct script s = {.json = cases[i].json, .fails = cases[i].fails, .skips = cases[i].skips};
        struct t_world w;
        chain(&w, &s, DM_RULE_ALL_DONE); /* whatever the trigger rule */
        drive(&w, 1, DM_RERUN_MISSING);
        T_STR(instances(&w, 0, "m"), cases[i].m);
        T_STR(instances(&w, 0, "end"), cases[i].end);
        t_world_release(&w);
    }
}

static void a_literal_is_expanded_with_its_run(void)
{
    struct script s = {.json = "1", .fails = "src"};
    struct t_world w;
    chain(&w, &s, DM_RULE_ALL_SUCCESS);
    w.dag.tasks[1].expand = over_list(&w, 2);
    drive(&w, 1, DM_RERUN_MISSING);
    T_STR(instances(&w, 0, "m"), "0 upstream_failed, 1 upstream_failed");
    T_STR(t_run_state(&w, 0), "failed");
    t_world_release(&w);
}

static void rules_count_every_instance(void)
{
    struct script s = {.json = "[1, 2, 3]", .fails = "m[1]"};
    struct t_world w;
    chain(&w, &s, DM_RULE_ALL_SUCCESS);
    drive(&w, 1, DM_RERUN_MISSING);
    T_STR(instances(&w, 0, "m"), "0 success, 1 failed, 2 success");
    T_STR(instances(&w, 0, "end"), "-1 upstream_failed");
    s.fails = NULL;
    s.log[0] = 0;
    drive(&w, 1, DM_RERUN_FAILED);
    T_STR(s.log, "src m[0] m[1] m[2] end");
    T_STR(t_run_state(&w, 0), "success");
    t_world_release(&w);
}

static void lengths_change(void)
{
    struct script s = {.json = "[1, 2]"};
    struct t_world w;
    chain(&w, &s, DM_RULE_ALL_SUCCESS);
    drive(&w, 1, DM_RERUN_MISSING);
    s.json = "[1, 2, 3, 4]";
    drive(&w, 1, DM_RERUN_ALL);
    T_STR(instances(&w, 0, "m"), "0 success, 1 success, 2 success, 3 success");
    s.json = "{\"a\": 1}";
    s.log[0] = 0;
    drive(&w, 1, DM_RERUN_ALL);
    T_STR(instances(&w, 0, "m"), "0 success, 1 removed, 2 removed, 3 removed");
    T_STR(s.log, "src m[0] end"); /* what is gone holds nobody up */
    T_STR(t_run_state(&w, 0), "success");
    s.json = "[1, 2]";
    drive(&w, 1, DM_RERUN_ALL);
    T_STR(instances(&w, 0, "m"), "0 success, 1 success, 2 removed, 3 removed");
    s.json = "[]";
    drive(&w, 1, DM_RERUN_ALL);
    T_STR(instances(&w, 0, "m"), "0 skipped, 1 removed, 2 removed, 3 removed");
    T_STR(instances(&w, 0, "end"), "-1 skipped");
    t_world_release(&w);
}

/* The list of a DAG that was edited between two runs of a day. */
static void a_literal_changes(void)
{
    struct script s = {.json = "1"};
    struct t_world w;
    chain(&w, &s, DM_RULE_ALL_SUCCESS);
    w.dag.tasks[1].expand = over_list(&w, 2);
    drive(&w, 1, DM_RERUN_MISSING);
    w.dag.tasks[1].expand = over_list(&w, 1);
    drive(&w, 1, DM_RERUN_ALL);
    T_STR(instances(&w, 0, "m"), "0 success, 1 removed");
    w.dag.tasks[1].expand = NULL;
    drive(&w, 1, DM_RERUN_ALL);
    T_STR(instances(&w, 0, "m"), "-1 success, 0 removed, 1 removed");
    w.dag.tasks[1].expand = over_list(&w, 2);
    drive(&w, 1, DM_RERUN_ALL);
    T_STR(instances(&w, 0, "m"), "-1 removed, 0 success, 1 success");
    t_world_release(&w);
}

static void mapped_over_a_mapped_task(void)
{
    struct script s = {.json = "[1, 2, 3]", .fails = "m[1]"};
    struct t_world w;
    chain(&w, &s, DM_RULE_ALL_SUCCESS);
    w.dag.tasks[2].expand = over_result(&w, "m");
    w.dag.tasks[2].trigger_rule = DM_RULE_ALL_DONE;
    drive(&w, 1, DM_RERUN_MISSING);
    T_STR(instances(&w, 0, "end"), "0 success, 1 success"); /* one for each result that there is */
    t_world_release(&w);
}

static void the_past_is_every_instance(void)
{
    struct script s = {.json = "[1, 2]", .fails = "m[1]"};
    struct t_world w;
    chain(&w, &s, DM_RULE_ALL_SUCCESS);
    w.dag.tasks[1].depends_on_past = true;
    drive(&w, 2, DM_RERUN_MISSING);
    T_STR(instances(&w, 0, "m"), "0 success, 1 failed");
    T_STR(instances(&w, 1, "m"), "-1 none");
    s.fails = NULL;
    drive(&w, 2, DM_RERUN_FAILED);
    T_STR(instances(&w, 1, "m"), "0 success, 1 success");
    t_world_release(&w);
}

static void limits_count_instances(void)
{
    struct script s = {.json = "[1, 2, 3, 4, 5, 6]"};
    struct t_world w;
    chain(&w, &s, DM_RULE_ALL_SUCCESS);
    drive(&w, 1, DM_RERUN_MISSING);
    T_INT(s.most_at_once, 4); /* jobs */
    s.most_at_once = 0;
    w.dag.tasks[1].max_active_tis_per_dagrun = 2;
    drive(&w, 1, DM_RERUN_ALL);
    T_INT(s.most_at_once, 2);
    s.most_at_once = 0;
    w.dag.tasks[1].max_active_tis_per_dagrun = 0;
    w.dag.tasks[1].max_active_tis_per_dag = 1;
    drive(&w, 2, DM_RERUN_ALL);
    T_INT(s.most_at_once, 1);
    t_world_release(&w);
}

static void a_failure_stops_all_instances(void)
{
    struct script s = {.json = "[1, 2, 3, 4, 5, 6]", .fails = "m[0]"};
    struct t_world w;
    chain(&w, &s, DM_RULE_ALL_SUCCESS);
    w.dag.fail_stop = true;
    w.jobs = 1;
    drive(&w, 1, DM_RERUN_MISSING);
    T_STR(instances(&w, 0, "m"), "0 failed, 1 skipped, 2 skipped, 3 skipped, 4 skipped, 5 skipped");
    t_world_release(&w);
}

T_MAIN(T_CASE(the_last_field_varies_fastest), T_CASE(a_map_gives_pairs),
       T_CASE(over_the_result_of_a_task), T_CASE(what_is_not_there_decides),
       T_CASE(a_literal_is_expanded_with_its_run), T_CASE(rules_count_every_instance),
       T_CASE(lengths_change), T_CASE(a_literal_changes), T_CASE(mapped_over_a_mapped_task),
       T_CASE(the_past_is_every_instance), T_CASE(limits_count_instances),
       T_CASE(a_failure_stops_all_instances))
