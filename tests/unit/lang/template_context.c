/* What templates see of their run: dag, task, ti, connections, XComs. */
#include "lang/template.h"

#include "base/time.h"
#include "t.h"

static struct dm_arena arena;

static const struct dm_value *json(const char *text)
{
    struct dm_value *v;
    return dm_value_from_json(&arena, dm_str_c(text), &v, NULL) < 0 ? NULL : v;
}

static int conn(void *user, struct dm_arena *a, struct dm_str id, const struct dm_value **ret,
                struct dm_err *reterr)
{
    *ret =
        json("{\"conn_id\": \"pg\", \"conn_type\": \"postgres\", \"host\": \"h\", \"port\": 5432,"
             " \"extra\": {\"k\": 1}}");
    return dm_str_is(id, "pg");
}

/* Task "one" gave 1, "two" 2; "mapped" has two instances. */
static int xcom(void *user, struct dm_arena *a, struct dm_str dag_id, struct dm_str run_id,
                struct dm_str task_id, int map_index, struct dm_str key,
                const struct dm_value **ret, struct dm_err *reterr)
{
    if (!dm_str_is(key, "return_value"))
        return 0;
    bool mapped = dm_str_is(task_id, "mapped");
    if (mapped && map_index == DM_XCOM_OF_ALL)
        *ret = json("[\"a\", \"b\"]");
    else if (!mapped && map_index == -1)
        *ret = json(dm_str_is(task_id, "one") ? "1" : "2");
    else
        return 0;
    return mapped || dm_str_is(task_id, "one") || dm_str_is(task_id, "two");
}

/* The last one of the run is 2; task "one" pushed "job" at last; the run before had "old". */
static int newest(void *user, struct dm_arena *a, const struct dm_xcom_wanted *w,
                  struct dm_xcom_found *ret, struct dm_err *reterr)
{
    *ret = (struct dm_xcom_found){w->run_id, DM_STR("two"), DM_STR("return_value"), -1, json("2")};
    if (w->until != DM_NEVER)
        ret->value = json("\"old\"");
    else if (dm_str_is(w->task_id, "one") && !w->key.p)
        ret->value = json("\"job\"");
    else if (dm_str_is(w->task_id, "mapped"))
        ret->task_id = w->task_id, ret->map_index = 1;
    else if (w->task_id.p || !dm_str_is(w->key, "return_value"))
        return 0;
    return 1;
}

static struct dm_context context(void)
{
    static const int64_t day = INT64_C(1291248000) * DM_SEC; /* 2010-12-02 */
    return (struct dm_context){
        .dag_id = "d.x",
        .task_id = "g.t",
        .run_id = "r",
        .run_type = "scheduled",
        .owner = "ana",
        .timezone = "Europe/Kyiv",
        .schedule = "@daily",
        .logical_date = day,
        .interval_start = day,
        .interval_end = day + DM_DAY,
        .prev_interval_start_success = DM_NEVER,
        .prev_interval_end_success = DM_NEVER,
        .prev_start_date_success = DM_NEVER,
        .prev_end_date_success = DM_NEVER,
        .try_number = 2,
        .map_index = -1,
        .now = day + DM_DAY,
        .task_args = json("{\"sql\": \"select\"}"),
        .task_attrs =
            json("{\"pool\": \"small\", \"group\": \"g\", \"upstream_task_ids\": [\"a\", \"b\"]}"),
        .dag_attrs = json("{\"catchup\": false, \"tags\": [\"x\"]}"),
        .operator_class = "BashOperator",
        .hostname = "host",
        .conn = conn,
        .xcom = xcom,
        .newest_xcom = newest,
    };
}

static void answers(const char *const cases[][2])
{
    struct dm_place place = {.file = "dags/x.yaml", .line = 1, .col = 1};
    for (size_t i = 0; cases[i][0]; i++) {
        struct dm_err err = {0};
        struct dm_context c = context();
        struct dm_str s = {NULL, 0};
        const struct dm_template *t;
        T_TRY(dm_template_parse(&arena, dm_str_c(cases[i][0]), place, &t, &err), err);
        T_TRY(dm_template_render(&arena, t, &c, &s, &err), err);
        T_DMSTR(s, cases[i][1]);
    }
}

static void tasks_and_dags_have_the_attributes_of_airflow(void)
{
    static const char *const cases[][2] = {
        {"{{ task.pool }} {{ ti.pool }} {{ task.queue }} {{ task.sla }}",
         "small small default None"},
        {"{{ task.retry_delay }} {{ task.trigger_rule }}", "0:05:00 all_success"},
        {"{{ task.sql }} {{ task.label }} {{ ti.operator }}", "select t BashOperator"},
        {"{{ task.upstream_task_ids }} {{ task.downstream_task_ids }}", "{'a', 'b'} set()"},
        {"{{ task.upstream_task_ids | sort | join(',') }} {{ 'a' in task.upstream_task_ids }}",
         "a,b True"},
        {"{{ dag.catchup }} {{ dag.tags }} {{ dag.max_active_runs }}", "False ['x'] 16"},
        {"{{ dag.timezone }} {{ dag.timezone.name }} {{ dag.safe_dag_id }}",
         "Europe/Kyiv Europe/Kyiv d__dot__x"},
        {"{{ ti.key }}",
         "TaskInstanceKey(dag_id='d.x', task_id='g.t', run_id='r', try_number=2, map_index=-1)"},
        {"{{ ti.key.try_number }} {{ ti.get_dagrun().run_id }} {{ ti.hostname }}", "2 r host"},
        {"{{ task }}", "<Task(BashOperator): g.t>"},
        {"{{ triggering_dataset_events }}", "{}"},
        {NULL, NULL},
    };
    answers(cases);
}

static void connections_become_maps_and_json(void)
{
    static const char *const cases[][2] = {
        {"{{ conn.pg.as_json() }}",
         "{\"conn_type\": \"postgres\", \"host\": \"h\", \"port\": 5432, \"extra\": {\"k\": 1}}"},
        {"{{ conn.pg.to_dict().login }} {{ conn.pg.get_extra() }}", "None {\"k\": 1}"},
        {NULL, NULL},
    };
    answers(cases);
}

static void xcoms_are_pulled_as_airflow_does(void)
{
    static const char *const cases[][2] = {
        {"{{ ti.xcom_pull('one') }} {{ ti.xcom_pull('nope') }}", "1 None"},
        {"{{ ti.xcom_pull() }}", "2"},
        {"{{ ti.xcom_pull(key='nope', default='d') }}", "d"},
        {"{{ ti.xcom_pull('one', key=none) }}", "job"},
        {"{{ ti.xcom_pull('one', include_prior_dates=true) }}", "old"},
        {"{{ ti.xcom_pull(['one', 'two', 'nope']) }}", "LazySelectSequence([2 items])"},
        {"{{ ti.xcom_pull(['one', 'two', 'one']) | list }}", "[2, 1]"},
        {"{{ ti.xcom_pull(['one'])[0] }} {{ ti.xcom_pull(['one', 'two']) | sum }}", "1 3"},
        {"{{ ti.xcom_pull('mapped') }} {{ ti.xcom_pull('mapped')[-1] }}",
         "LazySelectSequence([2 items]) b"},
        {"{{ ti.xcom_pull('mapped', key=none) | join }}", "ab"},
        {"{{ ti.xcom_pull(['nope']) | length }} {{ ti.xcom_pull(['one']) and 'some' }}", "0 some"},
        {NULL, NULL},
    };
    answers(cases);
}

static void several_xcoms_are_a_list_for_an_operator(void)
{
    struct dm_err err = {0};
    struct dm_context c = context();
    const struct dm_template *t;
    const struct dm_value *v;
    struct dm_place place = {.file = "dags/x.yaml", .line = 1, .col = 1};
    T_TRY(dm_template_parse(&arena, DM_STR("{{ ti.xcom_pull(['one', 'two']) }}"), place, &t, &err),
          err);
    T_TRY(dm_template_render_native(&arena, t, &c, &v, &err), err);
    T_DMSTR(dm_value_json(&arena, v), "[1, 2]");
}

T_MAIN(T_CASE(tasks_and_dags_have_the_attributes_of_airflow),
       T_CASE(connections_become_maps_and_json), T_CASE(xcoms_are_pulled_as_airflow_does),
       T_CASE(several_xcoms_are_a_list_for_an_operator))
