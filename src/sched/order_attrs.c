/* What a work order tells templates of its task and DAG: what differs from lang/attributes.def. */
#include "sched/order.h"

static void add(struct dm_arena *a, struct dm_value *m, const char *name, const struct dm_value *v)
{
    if (v && v->kind != DM_NULL)
        dm_map_set(a, m, name, v);
}

static void add_text(struct dm_arena *a, struct dm_value *m, const char *name, const char *s,
                     const char *fallback)
{
    if (s && (!fallback || strcmp(s, fallback) != 0))
        dm_map_set(a, m, name, dm_value_str(a, dm_str_c(s)));
}

static void add_int(struct dm_arena *a, struct dm_value *m, const char *name, int64_t i,
                    int64_t fallback)
{
    if (i != fallback)
        dm_map_set(a, m, name, dm_value_int(a, i));
}

static void add_bool(struct dm_arena *a, struct dm_value *m, const char *name, bool b,
                     bool fallback)
{
    if (b != fallback)
        dm_map_set(a, m, name, dm_value_bool(a, b));
}

static void add_span(struct dm_arena *a, struct dm_value *m, const char *name, int64_t us,
                     int64_t fallback)
{
    if (us == fallback)
        return;
    struct dm_value *v = dm_value_int(a, us);
    v->kind = DM_DELTA;
    dm_map_set(a, m, name, v);
}

static void add_time(struct dm_arena *a, struct dm_value *m, const char *name, int64_t us)
{
    if (us != DM_NEVER)
        dm_map_set(a, m, name, dm_value_time(a, us, NULL));
}

static void add_ids(struct dm_arena *a, struct dm_value *m, const char *name,
                    const struct dm_dag *dag, const size_t *tasks, size_t n)
{
    struct dm_value *ids = dm_value_list(a, n);
    for (size_t i = 0; i < n; i++)
        ids->list.items[i] = dm_value_str(a, dm_str_c(dag->tasks[tasks[i]].task_id));
    if (n)
        dm_map_set(a, m, name, ids);
}

const struct dm_value *dm_order_task_attrs(struct dm_arena *a, const struct dm_dag *dag,
                                           const struct dm_task *t)
{
    struct dm_value *m = dm_value_map(a);
    add_text(a, m, "trigger_rule", dm_trigger_rule_name(t->trigger_rule), "all_success");
    add_span(a, m, "retry_delay", t->retry_delay_us, 300 * DM_SEC);
    add_bool(a, m, "retry_exponential_backoff", t->retry_exponential_backoff, false);
    add_span(a, m, "max_retry_delay", t->max_retry_delay_us, 0);
    add_span(a, m, "execution_timeout", t->execution_timeout_us, 0);
    add_bool(a, m, "depends_on_past", t->depends_on_past, false);
    add_bool(a, m, "wait_for_downstream", t->wait_for_downstream, false);
    add_bool(a, m, "ignore_first_depends_on_past", t->ignore_first_depends_on_past, true);
    add_text(a, m, "pool", t->pool, "default_pool");
    add_int(a, m, "pool_slots", t->pool_slots, 1);
    add_int(a, m, "priority_weight", t->priority_weight, 1);
    add_text(a, m, "weight_rule", t->weight_rule, "downstream");
    add_int(a, m, "max_active_tis_per_dag", t->max_active_tis_per_dag, 0);
    add_int(a, m, "max_active_tis_per_dagrun", t->max_active_tis_per_dagrun, 0);
    add_bool(a, m, "do_xcom_push", t->do_xcom_push, true);
    add_time(a, m, "start_date", t->start_date != DM_NEVER ? t->start_date : dag->start_date);
    add_time(a, m, "end_date", t->end_date != DM_NEVER ? t->end_date : dag->end_date);
    add_bool(a, m, "is_setup", t->is_setup, false);
    add_bool(a, m, "is_teardown", t->is_teardown, false);
    add_bool(a, m, "on_failure_fail_dagrun", t->on_failure_fail_dagrun, false);
    add_text(a, m, "group", t->group, NULL);
    add_text(a, m, "task_display_name", t->display_name, t->task_id);
    add_text(a, m, "doc_md", t->doc_md, NULL);
    add_text(a, m, "queue", t->queue, "default");
    add_text(a, m, "run_as_user", t->run_as_user, NULL);
    add_text(a, m, "executor", t->executor, NULL);
    add(a, m, "email", t->email);
    add_bool(a, m, "email_on_failure", t->email_on_failure, true);
    add_bool(a, m, "email_on_retry", t->email_on_retry, true);
    add_span(a, m, "sla", t->sla_us, 0);
    add(a, m, "executor_config", t->executor_config);
    add(a, m, "inlets", t->inlets);
    add(a, m, "outlets", t->outlets);
    add_ids(a, m, "upstream_task_ids", dag, t->upstream, t->n_upstream);
    add_ids(a, m, "downstream_task_ids", dag, t->downstream, t->n_downstream);
    return m;
}

const struct dm_value *dm_order_dag_attrs(struct dm_arena *a, const struct dm_dag *dag)
{
    struct dm_value *m = dm_value_map(a);
    add_text(a, m, "description", dag->description, NULL);
    add_text(a, m, "doc_md", dag->doc_md, NULL);
    add_text(a, m, "dag_display_name", dag->display_name, dag->dag_id);
    add_text(a, m, "fileloc", dag->file, NULL);
    add_time(a, m, "start_date", dag->start_date);
    add_time(a, m, "end_date", dag->end_date);
    add_bool(a, m, "catchup", dag->catchup, true);
    add_int(a, m, "max_active_runs", dag->max_active_runs, 16);
    add_int(a, m, "max_active_tasks", dag->max_active_tasks, 16);
    add_int(a, m, "max_consecutive_failed_dag_runs", dag->max_consecutive_failed_dag_runs, 0);
    add_span(a, m, "dagrun_timeout", dag->dagrun_timeout_us, 0);
    add_bool(a, m, "render_template_as_native_obj", dag->native_templates, false);
    add_bool(a, m, "fail_stop", dag->fail_stop, false);
    add(a, m, "template_searchpath", dag->template_searchpath);
    if (dag->paused_upon_creation >= 0)
        add(a, m, "is_paused_upon_creation", dm_value_bool(a, dag->paused_upon_creation));
    struct dm_value *tags = dm_value_list(a, 0);
    for (size_t i = 0; dag->tags && dag->tags[i]; i++)
        dm_list_add(a, tags, dm_value_str(a, dm_str_c(dag->tags[i])));
    if (tags->list.n)
        dm_map_set(a, m, "tags", tags);
    return m;
}
