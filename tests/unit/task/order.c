/* task/order.h: what goes down to a task and comes back is the same on both sides. */
#include "task/order.h"
#include "t.h"

static struct dm_value *marked(struct dm_value *v, uint32_t line, uint32_t col)
{
    v->line = line;
    v->col = col;
    return v;
}

static void an_order_keeps_values_kinds_and_places(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    _cleanup_strbuf_ struct dm_strbuf b = {0};
    struct dm_err err;
    struct dm_value *args = marked(dm_value_map(&a), 3, 5),
                    *list = marked(dm_value_list(&a, 0), 4, 7);
    struct dm_value *date = marked(dm_value_int(&a, 14579), 6, 2),
                    *delta = dm_value_int(&a, 300000000);
    date->kind = DM_DATE;
    delta->kind = DM_DELTA;
    dm_list_add(&a, list, marked(dm_value_cstr(&a, "{{ ds }}\n\"ü\""), 4, 9));
    dm_list_add(&a, list, dm_value_float(&a, 0.1));
    dm_list_add(&a, list, dm_value_float(&a, __builtin_inf()));
    dm_list_add(&a, list, date);
    dm_list_add(&a, list, delta);
    dm_list_add(&a, list, &dm_true);
    dm_list_add(&a, list, &dm_null);
    dm_list_add(&a, list, dm_value_time(&a, 1291161600000000, "Europe/Kyiv"));
    struct dm_value *naive = dm_value_time(&a, 1291161600000000, NULL);
    naive->time.naive = true;
    dm_list_add(&a, list, naive);
    dm_map_set(&a, args, "steps", list);
    dm_map_set_value(&a, args, dm_value_int(&a, 7), dm_value_int(&a, -1));
    struct dm_order o = {.attempt = 12,
                         .task = 34,
                         .project_dir = "/p",
                         .dag_id = "d",
                         .task_id = "t",
                         .run_id = "r",
                         .operator_name = "sql",
                         .dag_file = "dags/d.yaml",
                         .map_index = -1,
                         .logical_date = 1291161600000000,
                         .interval_end = DM_NEVER,
                         .do_xcom_push = true,
                         .args = args};
    dm_strbuf_init(&b, DM_BUF_FRAME);
    T_TRY(dm_order_encode(&b, &o, &err), err);
    struct dm_order got;
    T_TRY(dm_order_decode(&a, dm_strbuf_str(&b), &got, &err), err);
    T_INT(got.attempt, 12);
    T_INT(got.task, 34);
    T_INT(got.map_index, -1);
    T_INT(got.interval_end, DM_NEVER);
    T_OK(got.do_xcom_push && !got.native_templates);
    T_STR(got.dag_file, "dags/d.yaml");
    T_OK(!got.schedule && !got.files);
    T_INT(got.args->line, 3);
    const struct dm_value *steps = dm_map_at(got.args, "steps");
    T_INT(steps->line, 4);
    T_INT(steps->col, 7);
    T_DMSTR(steps->list.items[0]->s, "{{ ds }}\n\"ü\"");
    T_INT(steps->list.items[0]->col, 9);
    T_INT(steps->list.items[3]->kind, DM_DATE);
    T_INT(steps->list.items[3]->line, 6);
    T_INT(steps->list.items[4]->kind, DM_DELTA);
    T_STR(steps->list.items[7]->time.zone, "Europe/Kyiv");
    T_OK(!steps->list.items[7]->time.naive && steps->list.items[8]->time.naive);
    T_OK(dm_value_equal(got.args, args));
    _cleanup_strbuf_ struct dm_strbuf again;
    dm_strbuf_init(&again, DM_BUF_FRAME);
    T_TRY(dm_order_encode(&again, &got, &err), err);
    T_STR(again.p, b.p);
}

static void a_damaged_order_is_an_error(void)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"attempt\":\"1\"}",
        "{\"args\":[\"s\",1]}",
        "{\"args\":[\"x\",1,1]}",
        "{\"args\":[\"s\",1,1,2]}",
        "{\"args\":[\"m\",1,1,[\"n\",0,0]]}",
        "{\"args\":[\"T\",1,1,5]}",
        "{\"args\":[\"f\",1,1,\"1.5x\"]}",
    };
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        _cleanup_arena_ struct dm_arena a = {0};
        struct dm_order o;
        struct dm_err err = {0};
        T_OK(dm_order_decode(&a, dm_str_c(texts[i]), &o, &err) < 0);
        T_OK(err.message[0]);
    }
}

static void a_result_carries_its_error_whole(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    _cleanup_strbuf_ struct dm_strbuf b = {0};
    struct dm_result r = {.state = DM_RESULT_FAILED, .retry = true, .until_time = DM_NEVER}, got;
    struct dm_err err;
    dm_err_set(&r.error, DM_E_SQL, "relation \"x\" does not exist");
    dm_err_hint(&r.error, "Run daymill setup.");
    dm_err_at(&r.error, "dags/d.yaml", 4, 2);
    snprintf(r.error.sqlstate, sizeof(r.error.sqlstate), "42P01");
    r.error.position = 15;
    dm_strbuf_init(&b, DM_BUF_FRAME);
    dm_result_encode(&b, &r);
    T_TRY(dm_result_decode(&a, dm_strbuf_str(&b), &got, &err), err);
    T_INT(got.state, DM_RESULT_FAILED);
    T_OK(got.retry);
    T_INT(got.until_time, DM_NEVER);
    T_INT(got.error.code, DM_E_SQL);
    T_STR(got.error.sqlstate, "42P01");
    T_STR(got.error.message, r.error.message);
    T_STR(got.error.hint, r.error.hint);
    T_INT(got.error.line, 4);
    T_INT(got.error.position, 15);
    T_INT(got.objects->list.n, 0);
}

static void a_waiting_sensor_says_for_what(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    _cleanup_strbuf_ struct dm_strbuf b = {0};
    struct dm_result r = {.state = DM_RESULT_RESCHEDULE, .until_step = "s-1", .until_time = 5}, got;
    struct dm_err err;
    dm_strbuf_init(&b, DM_BUF_FRAME);
    dm_result_encode(&b, &r);
    T_TRY(dm_result_decode(&a, dm_strbuf_str(&b), &got, &err), err);
    T_INT(got.state, DM_RESULT_RESCHEDULE);
    T_STR(got.until_step, "s-1");
    T_INT(got.until_time, 5);
    T_INT(got.error.code, 0);
}

static void a_step_order_comes_back(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    _cleanup_strbuf_ struct dm_strbuf b = {0};
    struct dm_err err;
    struct dm_value *args = dm_value_list(&a, 0);
    dm_list_add(&a, args, dm_value_cstr(&a, "s3-dist-cp"));
    struct dm_step_order o = {.project_dir = "/p",
                              .step_id = "s-1",
                              .cluster_id = "j-1",
                              .jar = "command-runner.jar",
                              .args = args,
                              .dag_id = "d",
                              .run_id = "r",
                              .step_index = 2},
                         got;
    dm_strbuf_init(&b, DM_BUF_FRAME);
    T_TRY(dm_step_order_encode(&b, &o, &err), err);
    T_TRY(dm_step_order_decode(&a, dm_strbuf_str(&b), &got, &err), err);
    T_STR(got.cluster_id, "j-1");
    T_INT(got.step_index, 2);
    T_DMSTR(got.args->list.items[0]->s, "s3-dist-cp");
}

T_MAIN(T_CASE(an_order_keeps_values_kinds_and_places), T_CASE(a_damaged_order_is_an_error),
       T_CASE(a_result_carries_its_error_whole), T_CASE(a_waiting_sensor_says_for_what),
       T_CASE(a_step_order_comes_back))
