/* The records of a run in templates: dag, dag_run, task, ti. */
#include "lang/template_record.h"

int dm_record_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                   const struct dm_value **ret)
{
    const struct dm_record *r = self->object->data;
    const struct dm_callable *method = r->methods ? dm_callable_find(r->methods, name) : NULL;
    if (method) {
        *ret = dm_bound(e, method, self);
        return 1;
    }
    const struct dm_value *v = dm_map_get_str(r->fields, name);
    if (!v)
        v = dm_map_get_str(r->more, name);
    for (const struct dm_attribute *d = r->defaults; d && d->name && !v; d++) {
        struct dm_value *fallback;
        if (!dm_str_is(name, d->name))
            continue;
        DM_TRY(dm_value_from_json(e->a, dm_str_c(d->json), &fallback, e->err));
        v = fallback;
    }
    if (v)
        *ret = v;
    return v != NULL;
}

int dm_record_text(struct dm_eval *e, const struct dm_value *self, bool repr, struct dm_strbuf *b)
{
    dm_strbuf_adds(b, ((const struct dm_record *)self->object->data)->label);
    return 0;
}

const struct dm_value *dm_record(struct dm_eval *e, const struct dm_class *cls, struct dm_record r)
{
    struct dm_record *kept = dm_arena_new(e->a, struct dm_record);
    *kept = r;
    return dm_object_value(e, cls, kept);
}

const struct dm_value *dm_record_fields(const struct dm_call *c)
{
    return ((const struct dm_record *)c->self->object->data)->fields;
}

const struct dm_value *dm_text_or_none(struct dm_eval *e, const char *s)
{
    return s ? dm_value_cstr(e->a, s) : &dm_null;
}

const struct dm_value *dm_instant(struct dm_eval *e, int64_t us)
{
    return us == DM_NEVER ? &dm_null : dm_value_time(e->a, us, NULL);
}

enum of { DAG, DAG_RUN, TASK, TI };

/* The defaults of one kind of record. */
static const struct dm_attribute *defaults_of(struct dm_eval *e, enum of which)
{
    static const struct {
        enum of of;
        struct dm_attribute attribute;
    } all[] = {
#define DM_ATTRIBUTE(of, name, json) {of, {name, json}},
#include "lang/attributes.def"
#undef DM_ATTRIBUTE
    };
    enum { N = sizeof(all) / sizeof(all[0]) };
    struct dm_attribute *list = dm_arena_array(e->a, struct dm_attribute, N + 1);
    size_t n = 0;
    for (size_t i = 0; i < N; i++)
        if (all[i].of == which)
            list[n++] = all[i].attribute;
    list[n] = (struct dm_attribute){NULL, NULL};
    return list;
}

static void set(struct dm_eval *e, struct dm_value *f, const char *key, const struct dm_value *v)
{
    dm_map_set(e->a, f, key, v);
}

static void set_text(struct dm_eval *e, struct dm_value *f, const char *key, const char *s)
{
    set(e, f, key, dm_text_or_none(e, s));
}

static void set_int(struct dm_eval *e, struct dm_value *f, const char *key, int64_t i)
{
    set(e, f, key, dm_int_value(e, i));
}

static int get(struct dm_eval *e, const char *name, const struct dm_value **ret)
{
    int rc = dm_context_variable(e, dm_str_c(name), ret);
    return rc < 0 ? rc : 0;
}

static const struct dm_value *own_copy(struct dm_eval *e, const struct dm_value *v)
{
    return v ? dm_own_copy(e, v) : NULL;
}

/* The name for people, where there is one. */
static const struct dm_value *display_name(struct dm_eval *e, const struct dm_value *attrs,
                                           const char *key, const char *id)
{
    const struct dm_value *name = dm_map_at(attrs, key);
    return name ? name : dm_value_cstr(e->a, id);
}

/* --- sets of ids --- */

static int set_text_of(struct dm_eval *e, const struct dm_value *self, bool repr,
                       struct dm_strbuf *b)
{
    const struct dm_value *list = self->object->data;
    dm_strbuf_adds(b, list->list.n ? "{" : "set(");
    for (size_t i = 0; i < list->list.n; i++) {
        dm_strbuf_adds(b, i ? ", " : "");
        DM_TRY(dm_repr(e, list->list.items[i], b));
    }
    dm_strbuf_adds(b, list->list.n ? "}" : ")");
    return 0;
}

static int set_iter(struct dm_eval *e, const struct dm_value *self, const struct dm_value **ret)
{
    *ret = self->object->data;
    return 0;
}

static int set_length(struct dm_eval *e, const struct dm_value *self, int64_t *ret)
{
    *ret = (int64_t)((const struct dm_value *)self->object->data)->list.n;
    return 0;
}

static int set_truth(struct dm_eval *e, const struct dm_value *self)
{
    return ((const struct dm_value *)self->object->data)->list.n != 0;
}

static const struct dm_class class_set = {
    .type = "set", .text = set_text_of, .iter = set_iter, .length = set_length, .truth = set_truth};

static const struct dm_value *id_set(struct dm_eval *e, const struct dm_value *ids)
{
    const struct dm_value *list = ids ? dm_own_copy(e, ids) : dm_value_list(e->a, 0);
    return dm_object_value(e, &class_set, (void *)list);
}

/* --- dag --- */

static const struct dm_class class_dag = DM_RECORD_CLASS("airflow.models.dag.DAG");
static const struct dm_class class_dag_run = DM_RECORD_CLASS("airflow.models.dagrun.DagRun");
static const struct dm_class class_task =
    DM_RECORD_CLASS("airflow.models.baseoperator.BaseOperator");
static const struct dm_class class_ti = DM_RECORD_CLASS("airflow.models.taskinstance.TaskInstance");

static int make_dag(struct dm_eval *e, const struct dm_value **ret)
{
    const struct dm_context *c = e->c;
    struct dm_value *f = dm_value_map(e->a);
    const struct dm_value *params;
    set_text(e, f, "dag_id", c->dag_id);
    set(e, f, "dag_display_name", display_name(e, c->dag_attrs, "dag_display_name", c->dag_id));
    set_text(e, f, "owner", c->owner);
    set(e, f, "timezone", dm_timezone(e, c->timezone ? c->timezone : "UTC"));
    set_text(e, f, "schedule_interval", c->schedule);
    DM_TRY(get(e, "params", &params));
    set(e, f, "params", params);
    _cleanup_strbuf_ struct dm_strbuf safe;
    dm_strbuf_init(&safe, DM_BUF_MESSAGE);
    for (const char *p = c->dag_id; *p; p++)
        dm_strbuf_adds(&safe, *p == '.' ? "__dot__" : (const char[]){*p, 0});
    const struct dm_value *safe_id;
    DM_TRY(dm_new_text(e, &safe, &safe_id));
    set(e, f, "safe_dag_id", safe_id);
    *ret = dm_record(e, &class_dag,
                     (struct dm_record){.label = dm_arena_printf(e->a, "<DAG: %s>", c->dag_id),
                                        .fields = f,
                                        .more = own_copy(e, c->dag_attrs),
                                        .defaults = defaults_of(e, DAG)});
    return 0;
}

/* --- dag_run --- */

const char *dm_context_run_state(const char *reason)
{
    return !reason ? "running" : strcmp(reason, "success") == 0 ? "success" : "failed";
}

static int make_dag_run(struct dm_eval *e, const struct dm_value **ret)
{
    const struct dm_context *c = e->c;
    struct dm_value *f = dm_value_map(e->a);
    set_text(e, f, "dag_id", c->dag_id);
    set_text(e, f, "run_id", c->run_id);
    set_text(e, f, "run_type", c->run_type);
    set(e, f, "conf", c->conf ? dm_own_copy(e, c->conf) : dm_value_map(e->a));
    set(e, f, "logical_date", dm_instant(e, c->logical_date));
    set(e, f, "execution_date", dm_instant(e, c->logical_date));
    set(e, f, "data_interval_start", dm_instant(e, c->interval_start));
    set(e, f, "data_interval_end", dm_instant(e, c->interval_end));
    set(e, f, "start_date", dm_instant(e, c->now));
    set(e, f, "end_date", &dm_null);
    set_text(e, f, "state", dm_context_run_state(c->reason));
    set(e, f, "external_trigger", dm_bool_value(c->run_type && strcmp(c->run_type, "manual") == 0));
    char iso_text[DM_TIME_MAX];
    dm_time_iso(c->logical_date, iso_text);
    *ret = dm_record(e, &class_dag_run,
                     (struct dm_record){.label = dm_arena_printf(
                                            e->a, "<DagRun %s @ %s: %s, state:%s>", c->dag_id,
                                            iso_text, c->run_id, dm_context_run_state(c->reason)),
                                        .fields = f,
                                        .defaults = defaults_of(e, DAG_RUN)});
    return 0;
}

/* --- task --- */

/* The id without its group's prefix. */
static const char *label_of(const struct dm_context *c)
{
    struct dm_str group = dm_map_str(c->task_attrs, "group", "");
    struct dm_str id = dm_str_c(c->task_id);
    bool prefixed =
        group.len && dm_str_starts(id, group) && id.len > group.len + 1 && id.p[group.len] == '.';
    return prefixed ? c->task_id + group.len + 1 : c->task_id;
}

static int make_task(struct dm_eval *e, const struct dm_value **ret)
{
    const struct dm_context *c = e->c;
    struct dm_value *f = dm_value_map(e->a);
    const struct dm_value *dag, *params;
    const char *class_name = c->operator_class ? c->operator_class : "BaseOperator";
    set_text(e, f, "task_id", c->task_id);
    set(e, f, "task_display_name", display_name(e, c->task_attrs, "task_display_name", c->task_id));
    set_text(e, f, "label", label_of(c));
    set_text(e, f, "dag_id", c->dag_id);
    set_text(e, f, "owner", c->owner);
    set_int(e, f, "retries", c->retries);
    set_text(e, f, "task_type", class_name);
    set_text(e, f, "operator_name", class_name);
    set(e, f, "upstream_task_ids", id_set(e, dm_map_at(c->task_attrs, "upstream_task_ids")));
    set(e, f, "downstream_task_ids", id_set(e, dm_map_at(c->task_attrs, "downstream_task_ids")));
    const struct dm_value *delay = dm_map_at(c->task_attrs, "retry_delay");
    set(e, f, "retry_delay", delay ? delay : dm_delta_value(e, 300 * DM_SEC));
    DM_TRY(get(e, "params", &params));
    set(e, f, "params", params);
    DM_TRY(get(e, "dag", &dag));
    set(e, f, "dag", dag);
    struct dm_value *more = dm_value_map(e->a);
    const struct dm_value *both[] = {c->task_attrs, c->task_args};
    for (size_t k = 0; k < 2; k++)
        for (size_t i = 0; both[k] && i < both[k]->map.n; i++)
            dm_map_set_value(e->a, more, both[k]->map.pairs[i].key, both[k]->map.pairs[i].value);
    *ret = dm_record(
        e, &class_task,
        (struct dm_record){.label = dm_arena_printf(e->a, "<Task(%s): %s>", class_name, c->task_id),
                           .fields = f,
                           .more = dm_own_copy(e, more),
                           .defaults = defaults_of(e, TASK)});
    return 0;
}

/* --- ti --- */

static int xcom_push(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return dm_eval_fail(e, DM_TE_SECURITY, "a template cannot push an XCom");
}

static int get_dagrun(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return get(e, "dag_run", ret);
}

static const struct dm_callable ti_methods[] = {
    {"get_dagrun", "session?", get_dagrun},
    {"xcom_pull", "task_ids? dag_id? key? include_prior_dates? default? map_indexes? run_id?",
     dm_xcom_pull},
    {"xcom_push", "*", xcom_push},
    {NULL},
};

static const struct dm_class class_key =
    DM_RECORD_CLASS("airflow.models.taskinstancekey.TaskInstanceKey");

static const struct dm_value *make_key(struct dm_eval *e)
{
    const struct dm_context *c = e->c;
    struct dm_value *f = dm_value_map(e->a);
    set_text(e, f, "dag_id", c->dag_id);
    set_text(e, f, "task_id", c->task_id);
    set_text(e, f, "run_id", c->run_id);
    set_int(e, f, "try_number", c->try_number);
    set_int(e, f, "map_index", c->map_index);
    const char *label = dm_arena_printf(
        e->a,
        "TaskInstanceKey(dag_id='%s', task_id='%s', run_id='%s', try_number=%d, map_index=%d)",
        c->dag_id, c->task_id, c->run_id, c->try_number, c->map_index);
    return dm_record(e, &class_key, (struct dm_record){.label = label, .fields = f});
}

/* What ti has of its task under the same name. */
static int set_of_task(struct dm_eval *e, struct dm_value *f, const struct dm_value *task)
{
    static const char *const names[] = {"pool",        "queue",    "priority_weight",
                                        "pool_slots",  "executor", "executor_config",
                                        "run_as_user", NULL};
    for (size_t i = 0; names[i]; i++) {
        const struct dm_value *v;
        DM_TRY(dm_getattr(e, task, dm_str_c(names[i]), &v));
        set(e, f, names[i], v);
    }
    return 0;
}

static int make_ti(struct dm_eval *e, const struct dm_value **ret)
{
    const struct dm_context *c = e->c;
    struct dm_value *f = dm_value_map(e->a);
    const struct dm_value *v;
    const char *class_name = c->operator_class ? c->operator_class : "BaseOperator";
    const char *state = c->state ? c->state : "running";
    set_text(e, f, "task_id", c->task_id);
    set(e, f, "task_display_name", display_name(e, c->task_attrs, "task_display_name", c->task_id));
    set_text(e, f, "dag_id", c->dag_id);
    set_text(e, f, "run_id", c->run_id);
    set_int(e, f, "try_number", c->try_number);
    set_int(e, f, "prev_attempted_tries", c->try_number);
    set_int(e, f, "max_tries", c->max_tries);
    set_int(e, f, "map_index", c->map_index);
    set(e, f, "execution_date", dm_instant(e, c->logical_date));
    set(e, f, "start_date", dm_instant(e, c->now));
    set_text(e, f, "state", state);
    set_text(e, f, "operator", class_name);
    set_text(e, f, "operator_name", class_name);
    set_text(e, f, "hostname", c->hostname ? c->hostname : "");
    set_text(e, f, "unixname", c->user_name ? c->user_name : "");
    set(e, f, "key", make_key(e));
    DM_TRY(get(e, "task", &v));
    set(e, f, "task", v);
    DM_TRY(set_of_task(e, f, v));
    DM_TRY(get(e, "dag_run", &v));
    set(e, f, "dag_run", v);
    *ret = dm_record(e, &class_ti,
                     (struct dm_record){
                         .label = dm_arena_printf(e->a, "<TaskInstance: %s.%s %s [%s]>", c->dag_id,
                                                  c->task_id, c->run_id, state),
                         .fields = f,
                         .defaults = defaults_of(e, TI),
                         .methods = ti_methods,
                     });
    return 0;
}

int dm_run_record(struct dm_eval *e, struct dm_str name, const struct dm_value **ret)
{
    if (dm_str_is(name, "dag"))
        return make_dag(e, ret);
    if (dm_str_is(name, "dag_run"))
        return make_dag_run(e, ret);
    return dm_str_is(name, "task") ? make_task(e, ret) : make_ti(e, ret);
}
