/* Work orders. */
#include "sched/order.h"

#include "lang/mapping.h"
#include "proc/wire.h"

static struct dm_value *merge(struct dm_arena *a, struct dm_value *into,
                              const struct dm_value *from)
{
    for (size_t i = 0; from && from->kind == DM_MAP && i < from->map.n; i++)
        dm_map_set_value(a, into, from->map.pairs[i].key, from->map.pairs[i].value);
    return into;
}

/* Without a bucket it is a file of the embedded cluster. */
static int earlier_objects(struct dm_arena *a, struct dm_store *s, const struct dm_job *j,
                           const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_object_row *rows;
    size_t n;
    DM_TRY(dm_store_task_objects(s, a, j->task->row.id, j->step ? j->step->row.index : -1, &rows,
                                 &n, reterr));
    struct dm_value *list = dm_value_list(a, 0);
    for (size_t i = 0; i < n; i++) {
        struct dm_value *o = dm_value_map(a);
        dm_map_set(a, o, "bucket", dm_value_str(a, dm_str_c(rows[i].bucket)));
        dm_map_set(a, o, "key", dm_value_str(a, dm_str_c(rows[i].key)));
        dm_list_add(a, list, o);
    }
    *ret = list;
    return 0;
}

static int known_landings(struct dm_arena *a, struct dm_store *s, const struct dm_job *j,
                          const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_landing_row *rows;
    size_t n;
    DM_TRY(dm_store_landings(s, a, j->run->row.dag_id, j->task->row.task_id, DM_ORDER_LANDINGS_MAX,
                             &rows, &n, reterr));
    struct dm_value *map = dm_value_map(a);
    for (size_t i = 0; i < n; i++) {
        struct dm_value *l = dm_value_map(a);
        dm_map_set(a, l, "identity", dm_value_str(a, dm_str_c(rows[i].identity)));
        dm_map_set(a, l, "bucket", dm_value_str(a, dm_str_c(rows[i].bucket)));
        dm_map_set(a, l, "key", dm_value_str(a, dm_str_c(rows[i].key)));
        dm_map_set(a, map, rows[i].source, l);
    }
    *ret = map;
    return 0;
}

static int set_previous(struct dm_arena *a, struct dm_store *s, const struct dm_run_row *run,
                        struct dm_order *o, struct dm_err *reterr)
{
    struct dm_run_row prev;
    int found = dm_store_success_before(s, a, run->dag_id, run->logical_date, &prev, reterr);
    DM_TRY(found);
    o->prev_interval_start_success = found ? prev.interval_start : DM_NEVER;
    o->prev_interval_end_success = found ? prev.interval_end : DM_NEVER;
    o->prev_start_date_success = found ? prev.started_at : DM_NEVER;
    o->prev_end_date_success = found ? prev.ended_at : DM_NEVER;
    return 0;
}

static const struct dm_value *upstream_ids(struct dm_arena *a, const struct dm_dag *dag,
                                           const struct dm_task *def)
{
    struct dm_value *list = dm_value_list(a, 0);
    for (size_t i = 0; i < def->n_upstream; i++)
        dm_list_add(a, list, dm_value_str(a, dm_str_c(dag->tasks[def->upstream[i]].task_id)));
    return list;
}

int dm_order_describe(struct dm_arena *a, struct dm_store *s, const struct dm_run_row *run,
                      const struct dm_dag *dag, const struct dm_task *def, struct dm_order *ret,
                      struct dm_err *reterr)
{
    struct dm_value *conf;
    DM_TRY(dm_value_from_json(a, dm_str_c(run->conf), &conf, reterr));
    *ret = (struct dm_order){
        .dag_id = run->dag_id,
        .task_id = def->task_id,
        .run_id = run->run_id,
        .run_type = run->run_type,
        .operator_name = def->operator_name,
        .dag_file = dag->file,
        .schedule = dag->schedule_text,
        .timezone = dag->timezone,
        .owner = def->owner,
        .map_index = -1,
        .try_number = 1,
        .max_tries = def->retries,
        .retries = def->retries,
        .logical_date = run->logical_date,
        .interval_start = run->interval_start,
        .interval_end = run->interval_end,
        .run_start = run->started_at,
        .prev_interval_start_success = DM_NEVER,
        .prev_interval_end_success = DM_NEVER,
        .prev_start_date_success = DM_NEVER,
        .prev_end_date_success = DM_NEVER,
        .first_look_at = DM_NEVER,
        .try_look_at = DM_NEVER,
        .execution_timeout_us = def->execution_timeout_us,
        .native_templates = dag->native_templates,
        .do_xcom_push = def->do_xcom_push,
        .generation = run->generation,
        .schedule_value = dag->schedule ? dag->schedule : &dm_null,
        .conf = conf,
        .params = merge(a, merge(a, merge(a, dm_value_map(a), dag->params), def->params), conf),
        .args = def->args,
        .expand = def->expand,
        .expand_kwargs = def->expand_kwargs,
        .is_mapped_over = !dm_task_mapping(def) && dm_task_is_mapped_over(dag, def),
        .files = dag->files,
        .upstream = upstream_ids(a, dag, def),
        .task_attrs = dm_order_task_attrs(a, dag, def),
        .dag_attrs = dm_order_dag_attrs(a, dag),
    };
    return s ? set_previous(a, s, run, ret, reterr) : 0;
}

/* A poke_interval is what all sensors have and nothing else. */
static int set_looks(struct dm_store *s, const struct dm_job *j, struct dm_order *o,
                     struct dm_err *reterr)
{
    const struct dm_task_row *row = &j->task->row;
    int first_try = row->max_tries - o->retries + 1;
    if (!dm_map_at(o->args, "poke_interval"))
        return 0;
    DM_TRY(dm_store_first_look(s, row->id, first_try, row->try_number, &o->first_look_at, reterr));
    int rc =
        dm_store_first_look(s, row->id, row->try_number, row->try_number, &o->try_look_at, reterr);
    return rc < 0 ? rc : 0;
}

/* What the attempt does before its task: at the first look of a try only. */
static const struct dm_value *on_execute(struct dm_arena *a, const struct dm_task *def,
                                         const struct dm_order *o)
{
    struct dm_value *list = NULL;
    bool looked = o->try_look_at != DM_NEVER && o->try_look_at < o->started_at;
    for (size_t i = 0; i < def->n_callbacks && !looked; i++) {
        const struct dm_callback *c = &def->callbacks[i];
        struct dm_value *one;
        if (c->on != DM_ON_EXECUTE)
            continue;
        list = list ? list : dm_value_list(a, 0);
        one = dm_value_map(a);
        dm_map_set(a, one, "operator", dm_value_cstr(a, c->operator_name));
        dm_map_set(a, one, "args", c->args);
        dm_list_add(a, list, one);
    }
    return list;
}

static int task_order(struct dm_strbuf *b, struct dm_arena *a, const struct dm_job *j,
                      const char *project_dir, struct dm_store *s, struct dm_err *reterr)
{
    struct dm_order o;
    DM_TRY(dm_order_describe(a, s, &j->run->row, j->run->dag, j->task->def, &o, reterr));
    o.attempt = j->attempt;
    o.project_dir = project_dir;
    o.map_index = j->task->row.map_index;
    o.try_number = j->task->row.try_number;
    o.max_tries = j->task->row.max_tries;
    o.started_at = j->decided_at;
    DM_TRY(set_looks(s, j, &o, reterr));
    DM_TRY(earlier_objects(a, s, j, &o.earlier_objects, reterr));
    DM_TRY(known_landings(a, s, j, &o.landings, reterr));
    o.on_execute = on_execute(a, j->task->def, &o);
    return dm_order_encode(b, &o, reterr);
}

/* It is the task's order with the operator of the callback, and writes nothing that is recorded. */
static int callback_order(struct dm_strbuf *b, struct dm_arena *a, const struct dm_job *j,
                          const char *project_dir, struct dm_store *s, struct dm_err *reterr)
{
    const struct dm_callback_row *row = &j->callback->row;
    struct dm_order o;
    DM_TRY(dm_order_describe(a, s, &j->run->row, j->run->dag, j->task->def, &o, reterr));
    o.attempt = j->attempt;
    o.project_dir = project_dir;
    o.map_index = row->map_index;
    o.try_number = row->try_number;
    o.max_tries = row->max_tries;
    o.started_at = j->decided_at;
    o.is_mapped_over = false;
    o.earlier_objects = dm_value_list(a, 0);
    o.landings = dm_value_map(a);
    o.state = row->task_state;
    o.exception = row->exception;
    o.reason = row->reason;
    return dm_order_encode(b, &o, reterr);
}

static int step_order(struct dm_strbuf *b, struct dm_arena *a, const struct dm_job *j,
                      const char *project_dir, struct dm_store *s, struct dm_err *reterr)
{
    const struct dm_step_row *step = &j->step->row;
    struct dm_value *args;
    DM_TRY(dm_value_from_json(a, dm_str_c(step->args), &args, reterr));
    struct dm_step_order o = {
        .project_dir = project_dir,
        .step_id = step->id,
        .cluster_id = step->cluster_id,
        .name = step->name,
        .jar = step->jar,
        .args = args,
        .dag_id = step->dag_id,
        .run_id = step->run_id,
        .step_index = step->index,
        .lake_conn_id = "lake",
    };
    DM_TRY(earlier_objects(a, s, j, &o.earlier_objects, reterr));
    return dm_step_order_encode(b, &o, reterr);
}

int dm_order_frame(struct dm_strbuf *out, const struct dm_job *j, const char *project_dir,
                   struct dm_store *s, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    _cleanup_strbuf_ struct dm_strbuf body;
    dm_strbuf_init(&body, DM_BUF_FRAME / 2);
    DM_TRY(j->callback ? callback_order(&body, &a, j, project_dir, s, reterr)
           : j->step   ? step_order(&body, &a, j, project_dir, s, reterr)
                       : task_order(&body, &a, j, project_dir, s, reterr));
    DM_TRY(dm_strbuf_check(&body, "a work order", reterr));
    dm_frame_encode(out, DM_WIRE_ORDER, dm_strbuf_str(&body));
    return dm_strbuf_check(out, "a work order", reterr);
}
