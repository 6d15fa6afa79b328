/* What a work order tells templates of its task and DAG: only what differs from Airflow's defaults. */
#include "sched/order.h"

#include "t.h"

static struct dm_arena a;

static struct dm_task task(const char *id)
{
    return (struct dm_task){.task_id = id,
                            .operator_name = "empty",
                            .trigger_rule = DM_RULE_ALL_SUCCESS,
                            .retry_delay_us = 300 * DM_SEC,
                            .ignore_first_depends_on_past = true,
                            .pool = "default_pool",
                            .pool_slots = 1,
                            .priority_weight = 1,
                            .weight_rule = "downstream",
                            .owner = "airflow",
                            .do_xcom_push = true,
                            .start_date = DM_NEVER,
                            .end_date = DM_NEVER,
                            .email_on_failure = true,
                            .email_on_retry = true};
}

static struct dm_dag dag(struct dm_task *tasks, size_t n)
{
    return (struct dm_dag){.dag_id = "d",
                           .catchup = true,
                           .max_active_runs = 16,
                           .max_active_tasks = 16,
                           .start_date = DM_NEVER,
                           .end_date = DM_NEVER,
                           .paused_upon_creation = -1,
                           .tasks = tasks,
                           .n_tasks = n};
}

static void defaults_are_left_out(void)
{
    struct dm_task t = task("t");
    struct dm_dag d = dag(&t, 1);
    T_INT(dm_order_task_attrs(&a, &d, &t)->map.n, 0);
    T_INT(dm_order_dag_attrs(&a, &d)->map.n, 0);
}

static void what_was_given_is_there(void)
{
    static size_t down[] = {1}, up[] = {0};
    struct dm_task t[] = {task("g.x"), task("y")};
    const char *tags[] = {"daily", NULL};
    t[0].downstream = down;
    t[0].n_downstream = 1;
    t[0].pool = "small";
    t[0].retry_delay_us = 60 * DM_SEC;
    t[0].group = "g";
    t[1].upstream = up;
    t[1].n_upstream = 1;
    struct dm_dag d = dag(t, 2);
    d.start_date = 0;
    d.tags = tags;
    d.catchup = false;
    const struct dm_value *first = dm_order_task_attrs(&a, &d, &t[0]);
    T_DMSTR(dm_value_json(&a, first),
            "{\"retry_delay\": 60.0, \"pool\": \"small\", \"start_date\": "
            "\"1970-01-01T00:00:00+00:00\", \"group\": \"g\", \"downstream_task_ids\": [\"y\"]}");
    T_DMSTR(dm_value_json(&a, dm_map_at(dm_order_task_attrs(&a, &d, &t[1]), "upstream_task_ids")),
            "[\"g.x\"]");
    T_DMSTR(dm_value_json(&a, dm_order_dag_attrs(&a, &d)),
            "{\"start_date\": \"1970-01-01T00:00:00+00:00\", \"catchup\": false, \"tags\": "
            "[\"daily\"]}");
}

T_MAIN(T_CASE(defaults_are_left_out), T_CASE(what_was_given_is_there))
