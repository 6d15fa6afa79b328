/* Variables of a run in templates, as Airflow has them: dates, ti, dag_run, params, var, conn … */
#include "lang/template_time.h"
#include "lang/timetable.h"

enum what { DS, TS, DATE, DAY, NEIGHBOUR, TEXT, RECORD, OTHER };

static const struct variable {
    const char *name;
    enum what what;
} variables[] = {
#define DM_VARIABLE(name, what, doc) {name, what},
#include "lang/context.def"
#undef DM_VARIABLE
};

const char *const dm_context_names[] = {
#define DM_VARIABLE(name, what, doc) name,
#include "lang/context.def"
#undef DM_VARIABLE
    NULL,
};

enum { N_VARIABLES = sizeof(variables) / sizeof(variables[0]) };

/* --- dates --- */

static const struct dm_value *instant(struct dm_eval *e, int64_t us)
{
    return us == DM_NEVER ? &dm_null : dm_value_time(e->a, us, NULL);
}

static int formatted(struct dm_eval *e, int64_t us, const char *format, const struct dm_value **ret)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    DM_TRY(dm_strftime(e, dm_value_time(e->a, us, NULL), dm_str_c(format), &b));
    return dm_new_text(e, &b, ret);
}

static int day_text(struct dm_eval *e, int64_t us, struct dm_str name, const struct dm_value **ret)
{
    return formatted(e, us, dm_str_ends(name, DM_STR("_nodash")) ? "%Y%m%d" : "%Y-%m-%d", ret);
}

static int iso(struct dm_eval *e, struct dm_str name, const struct dm_value **ret)
{
    const char *fraction = dm_civil_from_us(e->c->logical_date).usec ? ".%f" : "";
    if (dm_str_is(name, "ts_nodash"))
        return formatted(e, e->c->logical_date, "%Y%m%dT%H%M%S", ret);
    if (dm_str_is(name, "ts"))
        return formatted(e, e->c->logical_date,
                         dm_arena_printf(e->a, "%%Y-%%m-%%dT%%H:%%M:%%S%s+00:00", fraction), ret);
    return formatted(e, e->c->logical_date,
                     dm_arena_printf(e->a, "%%Y%%m%%dT%%H%%M%%S%s+0000", fraction), ret);
}

static int64_t date_of(const struct dm_context *c, struct dm_str name)
{
    const struct {
        const char *name;
        int64_t us;
    } dates[] = {
        {"data_interval_start", c->interval_start},
        {"data_interval_end", c->interval_end},
        {"prev_data_interval_start_success", c->prev_interval_start_success},
        {"prev_data_interval_end_success", c->prev_interval_end_success},
        {"prev_execution_date_success", c->prev_interval_start_success},
        {"prev_start_date_success", c->prev_start_date_success},
        {"prev_end_date_success", c->prev_end_date_success},
    };
    for (size_t i = 0; i < sizeof(dates) / sizeof(dates[0]); i++)
        if (dm_str_is(name, dates[i].name))
            return dates[i].us;
    return c->logical_date;
}

/* The run before this one: the last of those that the schedule has in a window that grows. */
static int previous(struct dm_eval *e, int64_t *ret)
{
    static const int64_t windows[] = {2, 40, 400, 4000};
    const struct dm_context *c = e->c;
    *ret = DM_NEVER;
    if (dm_timetable_kind(c->timetable) == DM_TIMETABLE_DELTA) {
        *ret = c->logical_date - (c->interval_end - c->interval_start);
        return 0;
    }
    for (size_t i = 0; i < sizeof(windows) / sizeof(windows[0]) && *ret == DM_NEVER; i++) {
        struct dm_due *due;
        size_t n;
        DM_TRY(dm_timetable_range(e->a, c->timetable, c->logical_date - windows[i] * DM_DAY,
                                  c->logical_date - 1, &due, &n, e->err));
        if (n)
            *ret = due[n - 1].interval_start;
    }
    return 0;
}

static int following(struct dm_eval *e, int64_t *ret)
{
    const struct dm_context *c = e->c;
    struct dm_due last = {c->interval_start, c->interval_end, c->interval_end}, due;
    int rc = dm_timetable_next(c->timetable, &last, DM_NEVER, DM_NEVER, true, c->now, &due, e->err);
    if (rc < 0)
        return rc;
    *ret = rc ? due.interval_start : DM_NEVER;
    return 0;
}

/* A run that was started by hand has no neighbours: both are itself. */
static int neighbour(struct dm_eval *e, struct dm_str name, const struct dm_value **ret)
{
    bool manual = !e->c->timetable || (e->c->run_type && strcmp(e->c->run_type, "manual") == 0);
    int64_t us = e->c->logical_date;
    if (!manual)
        DM_TRY(dm_eval_outside(e, dm_str_starts(name, DM_STR("prev")) ? previous(e, &us)
                                                                      : following(e, &us)));
    if (us == DM_NEVER)
        *ret = &dm_null;
    else if (dm_str_ends(name, DM_STR("execution_date")))
        *ret = instant(e, us);
    else
        return day_text(e, us, name, ret);
    return 0;
}

/* --- records: objects with named fields --- */

struct record {
    const char *label; /* what it prints */
    const struct dm_value *fields;
    const struct dm_value *more; /* a map to look into as well, or NULL */
    const struct dm_callable *methods;
};

static int record_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                       const struct dm_value **ret)
{
    const struct record *r = self->object->data;
    const struct dm_callable *method = r->methods ? dm_callable_find(r->methods, name) : NULL;
    if (method) {
        *ret = dm_bound(e, method, self);
        return 1;
    }
    const struct dm_value *v = dm_map_get_str(r->fields, name);
    if (!v)
        v = dm_map_get_str(r->more, name);
    if (v)
        *ret = v;
    return v != NULL;
}

static int record_text(struct dm_eval *e, const struct dm_value *self, bool repr,
                       struct dm_strbuf *b)
{
    dm_strbuf_adds(b, ((const struct record *)self->object->data)->label);
    return 0;
}

#define RECORD_CLASS(type_name)                                     \
    {                                                               \
        .type = type_name, .attr = record_attr, .text = record_text \
    }

static const struct dm_class class_dag = RECORD_CLASS("airflow.models.dag.DAG");
static const struct dm_class class_dag_run = RECORD_CLASS("airflow.models.dagrun.DagRun");
static const struct dm_class class_task = RECORD_CLASS("airflow.models.baseoperator.BaseOperator");
static const struct dm_class class_ti = RECORD_CLASS("airflow.models.taskinstance.TaskInstance");
static const struct dm_class class_connection =
    RECORD_CLASS("airflow.models.connection.Connection");

static const struct dm_value *record(struct dm_eval *e, const struct dm_class *cls,
                                     const char *label, const struct dm_value *fields,
                                     const struct dm_callable *methods)
{
    struct record *r = dm_arena_new(e->a, struct record);
    *r = (struct record){.label = label, .fields = fields, .methods = methods};
    return dm_object_value(e, cls, r);
}

static const struct dm_value *text(struct dm_eval *e, const char *s)
{
    return s ? dm_value_cstr(e->a, s) : &dm_null;
}

static int get(struct dm_eval *e, const char *name, const struct dm_value **ret)
{
    int rc = dm_context_variable(e, dm_str_c(name), ret);
    return rc < 0 ? rc : 0;
}

static int make_dag(struct dm_eval *e, const struct dm_value **ret)
{
    struct dm_value *f = dm_value_map(e->a);
    dm_map_set(e->a, f, "dag_id", text(e, e->c->dag_id));
    dm_map_set(e->a, f, "owner", text(e, e->c->owner));
    dm_map_set(e->a, f, "timezone", text(e, e->c->timezone ? e->c->timezone : "UTC"));
    dm_map_set(e->a, f, "schedule_interval", text(e, e->c->schedule));
    *ret = record(e, &class_dag, dm_arena_printf(e->a, "<DAG: %s>", e->c->dag_id), f, NULL);
    return 0;
}

static int make_dag_run(struct dm_eval *e, const struct dm_value **ret)
{
    const struct dm_context *c = e->c;
    struct dm_value *f = dm_value_map(e->a);
    dm_map_set(e->a, f, "dag_id", text(e, c->dag_id));
    dm_map_set(e->a, f, "run_id", text(e, c->run_id));
    dm_map_set(e->a, f, "run_type", text(e, c->run_type));
    dm_map_set(e->a, f, "conf", c->conf ? dm_own_copy(e, c->conf) : dm_value_map(e->a));
    dm_map_set(e->a, f, "logical_date", instant(e, c->logical_date));
    dm_map_set(e->a, f, "execution_date", instant(e, c->logical_date));
    dm_map_set(e->a, f, "data_interval_start", instant(e, c->interval_start));
    dm_map_set(e->a, f, "data_interval_end", instant(e, c->interval_end));
    dm_map_set(e->a, f, "start_date", instant(e, c->now));
    dm_map_set(e->a, f, "end_date", &dm_null);
    dm_map_set(e->a, f, "state", text(e, dm_context_run_state(c->reason)));
    dm_map_set(e->a, f, "external_trigger",
               dm_bool_value(c->run_type && strcmp(c->run_type, "manual") == 0));
    char iso_text[DM_TIME_MAX];
    dm_time_iso(c->logical_date, iso_text);
    *ret = record(e, &class_dag_run,
                  dm_arena_printf(e->a, "<DagRun %s @ %s: %s, state:%s>", c->dag_id, iso_text,
                                  c->run_id, dm_context_run_state(c->reason)),
                  f, NULL);
    return 0;
}

static int make_task(struct dm_eval *e, const struct dm_value **ret)
{
    struct dm_value *f = dm_value_map(e->a);
    dm_map_set(e->a, f, "task_id", text(e, e->c->task_id));
    dm_map_set(e->a, f, "dag_id", text(e, e->c->dag_id));
    dm_map_set(e->a, f, "owner", text(e, e->c->owner));
    dm_map_set(e->a, f, "retries", dm_int_value(e, e->c->retries));
    const struct dm_value *dag;
    DM_TRY(get(e, "dag", &dag));
    dm_map_set(e->a, f, "dag", dag);
    *ret = record(e, &class_task, dm_arena_printf(e->a, "<Task: %s>", e->c->task_id), f, NULL);
    ((struct record *)(*ret)->object->data)->more =
        e->c->task_args ? dm_own_copy(e, e->c->task_args) : NULL;
    return 0;
}

/* --- XCom --- */

static int pull_one(struct dm_eval *e, const struct dm_call *c, const struct dm_value *task,
                    int map_index, const struct dm_value **ret)
{
    struct dm_str dag_id = dm_str_c(e->c->dag_id), key;
    DM_TRY(dm_eval_defined(e, task));
    if (task->kind != DM_STRING)
        return dm_eval_fail(e, DM_TE_TYPE, "xcom_pull() wants the ids of tasks, not %s",
                            dm_type_name(task));
    if (c->arg[1] && c->arg[1]->kind != DM_NULL)
        DM_TRY(dm_param_str(e, c, 1, "", &dag_id));
    DM_TRY(dm_param_str(e, c, 2, "return_value", &key));
    if (!e->c->xcom)
        return 0;
    int rc = e->c->xcom(e->c->user, e->a, dag_id, dm_str_c(e->c->run_id), task->s, map_index, key,
                        ret, e->err);
    if (rc > 0)
        *ret = dm_own_copy(e, *ret);
    return dm_eval_outside(e, rc);
}

/* An index that no instance can have where it is none. */
static int map_index_of(const struct dm_value *v)
{
    return v->kind == DM_INT && v->i >= -1 && v->i < INT32_MAX ? (int)v->i : INT32_MAX;
}

static int pull_into(struct dm_eval *e, const struct dm_call *c, const struct dm_value *task,
                     int map_index, struct dm_value *values)
{
    const struct dm_value *v;
    int rc = pull_one(e, c, task, map_index, &v);
    for (size_t i = 0; rc > 0 && map_index == DM_XCOM_OF_ALL && i < v->list.n; i++)
        dm_list_add(e->a, values, v->list.items[i]);
    if (rc > 0 && map_index != DM_XCOM_OF_ALL)
        dm_list_add(e->a, values, v);
    return rc;
}

/* Of several tasks or indexes: the values that there are, in the order asked for. */
static int pull_several(struct dm_eval *e, const struct dm_call *c, const struct dm_value *task,
                        const struct dm_value *indexes, struct dm_value *values)
{
    struct dm_value *list;
    int rc = 0;
    if (!indexes) {
        rc = pull_into(e, c, task, -1, values);
        rc = rc == 0 ? pull_into(e, c, task, DM_XCOM_OF_ALL, values) : rc;
        return rc < 0 ? rc : 0;
    }
    if (indexes->kind == DM_INT)
        rc = pull_into(e, c, task, map_index_of(indexes), values);
    if (indexes->kind == DM_INT)
        return rc < 0 ? rc : 0;
    DM_TRY(dm_items(e, indexes, &list));
    for (size_t i = 0; rc >= 0 && i < list->list.n; i++)
        rc = pull_into(e, c, task, map_index_of(list->list.items[i]), values);
    return rc < 0 ? rc : 0;
}

static int xcom_pull(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct dm_value *tasks = c->arg[0], *own = NULL;
    const struct dm_value *fallback = c->arg[4] ? c->arg[4] : &dm_null;
    if (!tasks || tasks->kind == DM_NULL) {
        own = text(e, e->c->task_id);
        tasks = own;
    }
    DM_TRY(dm_eval_defined(e, tasks));
    const struct dm_value *indexes = c->arg[5] && c->arg[5]->kind != DM_NULL ? c->arg[5] : NULL;
    bool one = !indexes || indexes->kind == DM_INT;
    if (tasks->kind == DM_STRING && one) {
        int rc = pull_one(e, c, tasks, indexes ? map_index_of(indexes) : -1, ret);
        if (rc == 0 && !indexes)
            rc = pull_one(e, c, tasks, DM_XCOM_OF_ALL, ret);
        if (rc == 0)
            *ret = fallback;
        return rc < 0 ? rc : 0;
    }
    struct dm_value *ids, *values = dm_value_list(e->a, 0), *single = dm_value_list(e->a, 0);
    if (tasks->kind == DM_STRING)
        dm_list_add(e->a, ids = single, tasks);
    else
        DM_TRY(dm_items(e, tasks, &ids));
    for (size_t i = 0; i < ids->list.n; i++)
        DM_TRY(pull_several(e, c, ids->list.items[i], indexes, values));
    *ret = values;
    return 0;
}

static int xcom_push(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    return dm_eval_fail(e, DM_TE_SECURITY, "a template cannot push an XCom");
}

static const struct dm_callable ti_methods[] = {
    {"xcom_pull", "task_ids? dag_id? key? include_prior_dates? default? map_indexes? run_id?",
     xcom_pull},
    {"xcom_push", "*", xcom_push},
    {NULL},
};

static int make_ti(struct dm_eval *e, const struct dm_value **ret)
{
    const struct dm_context *c = e->c;
    struct dm_value *f = dm_value_map(e->a);
    const struct dm_value *v;
    dm_map_set(e->a, f, "task_id", text(e, c->task_id));
    dm_map_set(e->a, f, "dag_id", text(e, c->dag_id));
    dm_map_set(e->a, f, "run_id", text(e, c->run_id));
    dm_map_set(e->a, f, "try_number", dm_int_value(e, c->try_number));
    dm_map_set(e->a, f, "max_tries", dm_int_value(e, c->max_tries));
    dm_map_set(e->a, f, "map_index", dm_int_value(e, c->map_index));
    dm_map_set(e->a, f, "execution_date", instant(e, c->logical_date));
    dm_map_set(e->a, f, "logical_date", instant(e, c->logical_date));
    dm_map_set(e->a, f, "start_date", instant(e, c->now));
    dm_map_set(e->a, f, "end_date", &dm_null);
    dm_map_set(e->a, f, "duration", &dm_null);
    const char *state = c->state ? c->state : "running";
    dm_map_set(e->a, f, "state", text(e, state));
    DM_TRY(get(e, "task", &v));
    dm_map_set(e->a, f, "task", v);
    DM_TRY(get(e, "dag_run", &v));
    dm_map_set(e->a, f, "dag_run", v);
    *ret = record(e, &class_ti,
                  dm_arena_printf(e->a, "<TaskInstance: %s.%s %s [%s]>", c->dag_id, c->task_id,
                                  c->run_id, state),
                  f, ti_methods);
    return 0;
}

/* --- variables --- */

static int variable(struct dm_eval *e, bool json, struct dm_str name, const struct dm_value **ret)
{
    struct dm_str value;
    struct dm_value *parsed;
    int rc = e->c->var ? e->c->var(e->c->user, name, &value, e->err) : 0;
    if (rc <= 0)
        return dm_eval_outside(e, rc);
    if (!json) {
        *ret = dm_str_value(e, dm_str_dup(e->a, value));
        return 1;
    }
    if (dm_value_from_json(e->a, value, &parsed, NULL) < 0)
        return dm_eval_fail(e, DM_TE_VALUE, "variable %.*s is not valid JSON", DM_FMT(name));
    *ret = parsed;
    return 1;
}

/* var.value and var.json: `data` says which. */
static char value_mark, json_mark;

static int accessor_get(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str name;
    DM_TRY(dm_param_str(e, c, 0, "", &name));
    int rc = variable(e, c->self->object->data == &json_mark, name, ret);
    if (rc == 0 && !c->arg[1])
        return dm_eval_fail(e, DM_TE_KEY, "Variable %.*s does not exist", DM_FMT(name));
    if (rc == 0)
        *ret = c->arg[1];
    return rc < 0 ? rc : 0;
}

static const struct dm_callable accessor_methods[] = {
    {"get", "item default_var?", accessor_get},
    {NULL},
};

static int accessor_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                         const struct dm_value **ret)
{
    const struct dm_callable *method = dm_callable_find(accessor_methods, name);
    if (method) {
        *ret = dm_bound(e, method, self);
        return 1;
    }
    int rc = variable(e, self->object->data == &json_mark, name, ret);
    if (rc == 0)
        return dm_eval_fail(e, DM_TE_KEY, "Variable %.*s does not exist", DM_FMT(name));
    return rc;
}

/* Airflow's accessors print as None. */
static int none_text(struct dm_eval *e, const struct dm_value *self, bool repr, struct dm_strbuf *b)
{
    dm_strbuf_adds(b, "None");
    return 0;
}

static const struct dm_class class_accessor = {
    .type = "VariableAccessor", .attr = accessor_attr, .text = none_text};

/* --- connections --- */

static void quote(struct dm_strbuf *b, struct dm_str s, bool plus)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char ch = (unsigned char)s.p[i];
        bool plain = (ch >= '0' && ch <= '9') || ((ch | 32) >= 'a' && (ch | 32) <= 'z') ||
                     (ch && strchr("_.-~", ch));
        if (plain)
            dm_strbuf_addc(b, (char)ch);
        else if (ch == ' ' && plus)
            dm_strbuf_addc(b, '+');
        else
            dm_strbuf_addf(b, "%%%02X", ch);
    }
}

/* Extra values as a query, or as one JSON text where they are not all texts. */
static void uri_extra(struct dm_eval *e, const struct dm_value *f, struct dm_strbuf *b)
{
    const struct dm_value *extra = dm_map_at(f, "extra_dejson");
    if (!extra || extra->kind != DM_MAP || !extra->map.n)
        return;
    bool texts = true;
    for (size_t i = 0; i < extra->map.n; i++)
        texts &= extra->map.pairs[i].key->kind == DM_STRING &&
                 extra->map.pairs[i].value->kind == DM_STRING;
    dm_strbuf_adds(b, dm_map_str(f, "schema", "").len ? "?" : "/?");
    if (!texts) {
        dm_strbuf_adds(b, "__extra__=");
        quote(b, dm_value_json(e->a, extra), true);
        return;
    }
    for (size_t i = 0; i < extra->map.n; i++) {
        if (i)
            dm_strbuf_addc(b, '&');
        quote(b, extra->map.pairs[i].key->s, true);
        dm_strbuf_addc(b, '=');
        quote(b, extra->map.pairs[i].value->s, true);
    }
}

static int get_uri(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct dm_value *f = ((const struct record *)c->self->object->data)->fields;
    struct dm_str type = dm_map_str(f, "conn_type", ""), host = dm_map_str(f, "host", "");
    const struct dm_value *login = dm_map_at(f, "login"), *password = dm_map_at(f, "password");
    int64_t port = dm_map_int(f, "port", 0);
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    for (size_t i = 0; i < type.len; i++)
        dm_strbuf_addc(&b, type.p[i] == '_' ? '-' : type.p[i]);
    dm_strbuf_adds(&b, type.len ? "://" : "//");
    ptrdiff_t protocol = dm_str_find(host, DM_STR("://"), 0);
    if (protocol >= 0) {
        dm_strbuf_addstr(&b, dm_str_sub(host, 0, (size_t)protocol + 3));
        host = dm_str_sub(host, (size_t)protocol + 3, host.len);
    }
    bool who = (login && login->kind == DM_STRING) || (password && password->kind == DM_STRING);
    if (login && login->kind == DM_STRING)
        quote(&b, login->s, false);
    if (password && password->kind == DM_STRING) {
        dm_strbuf_addc(&b, ':');
        quote(&b, password->s, false);
    }
    if (who || (port && !host.len))
        dm_strbuf_addc(&b, '@');
    quote(&b, host, false);
    if (port)
        dm_strbuf_addf(&b, ":%lld", (long long)port);
    struct dm_str schema = dm_map_str(f, "schema", "");
    if (schema.len) {
        dm_strbuf_addc(&b, '/');
        quote(&b, schema, false);
    }
    uri_extra(e, f, &b);
    return dm_new_text(e, &b, ret);
}

static int get_password(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct dm_value *v =
        dm_map_at(((const struct record *)c->self->object->data)->fields, "password");
    *ret = v ? v : &dm_null;
    return 0;
}

static const struct dm_callable connection_methods[] = {
    {"get_uri", "", get_uri},
    {"get_password", "", get_password},
    {NULL},
};

static int connection(struct dm_eval *e, struct dm_str id, const struct dm_value **ret)
{
    static const char *const fields[] = {"conn_id", "conn_type", "description", "host",
                                         "login",   "password",  "schema",      "port"};
    const struct dm_value *v;
    int rc = e->c->conn ? e->c->conn(e->c->user, e->a, id, &v, e->err) : 0;
    if (rc <= 0)
        return dm_eval_outside(e, rc);
    struct dm_value *f = dm_value_map(e->a);
    for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
        const struct dm_value *field = dm_map_at(v, fields[i]);
        dm_map_set(e->a, f, fields[i], field ? field : &dm_null);
    }
    const struct dm_value *extra = dm_map_at(v, "extra");
    bool map = extra && extra->kind == DM_MAP;
    dm_map_set(e->a, f, "extra_dejson", map ? dm_own_copy(e, extra) : dm_value_map(e->a));
    dm_map_set(e->a, f, "extra", map ? dm_str_value(e, dm_value_json(e->a, extra)) : &dm_null);
    *ret = record(e, &class_connection, dm_str_cstr(e->a, id), f, connection_methods);
    return 1;
}

static int conn_get(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str id;
    DM_TRY(dm_param_str(e, c, 0, "", &id));
    int rc = connection(e, id, ret);
    if (rc == 0)
        *ret = c->arg[1] ? c->arg[1] : &dm_null;
    return rc < 0 ? rc : 0;
}

static const struct dm_callable conn_methods[] = {
    {"get", "key default_conn?", conn_get},
    {NULL},
};

static int conn_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                     const struct dm_value **ret)
{
    const struct dm_callable *method = dm_callable_find(conn_methods, name);
    if (method) {
        *ret = dm_bound(e, method, self);
        return 1;
    }
    int rc = connection(e, name, ret);
    if (rc == 0)
        return dm_eval_fail(e, DM_TE_OTHER, "The conn_id `%.*s` isn't defined", DM_FMT(name));
    return rc;
}

static const struct dm_class class_conn = {
    .type = "ConnectionAccessor", .attr = conn_attr, .text = none_text};

/* --- the table --- */

static int other(struct dm_eval *e, struct dm_str name, const struct dm_value **ret)
{
    if (dm_str_is(name, "params")) {
        *ret = e->c->params ? dm_own_copy(e, e->c->params) : dm_value_map(e->a);
    } else if (dm_str_is(name, "var")) {
        struct dm_value *var = dm_value_map(e->a);
        dm_map_set(e->a, var, "json", dm_object_value(e, &class_accessor, &json_mark));
        dm_map_set(e->a, var, "value", dm_object_value(e, &class_accessor, &value_mark));
        *ret = var;
    } else if (dm_str_is(name, "conn")) {
        *ret = dm_object_value(e, &class_conn, NULL);
    } else if (dm_str_is(name, "macros")) {
        *ret = dm_macros_module(e);
    } else if (dm_str_is(name, "test_mode")) {
        *ret = &dm_false;
    } else if (dm_str_is(name, "inlets") || dm_str_is(name, "outlets")) {
        *ret = dm_value_list(e->a, 0);
    } else if (dm_str_starts(name, DM_STR("triggering_"))) {
        *ret = e->c->triggering ? dm_own_copy(e, e->c->triggering) : dm_value_map(e->a);
    } else if (dm_str_is(name, "conf")) {
        dm_eval_fail(e, DM_TE_SECURITY,
                     "conf is refused: there is no configuration of an Airflow installation");
        dm_err_hint(e->err, "The run's own configuration is dag_run.conf, or params.");
        return DM_E_PERMISSION;
    } else {
        *ret = &dm_null;
    }
    return 0;
}

static int make_record(struct dm_eval *e, struct dm_str name, const struct dm_value **ret)
{
    if (dm_str_is(name, "dag"))
        return make_dag(e, ret);
    if (dm_str_is(name, "dag_run"))
        return make_dag_run(e, ret);
    return dm_str_is(name, "task") ? make_task(e, ret) : make_ti(e, ret);
}

const char *dm_context_run_state(const char *reason)
{
    return !reason ? "running" : strcmp(reason, "success") == 0 ? "success" : "failed";
}

static const char *of_callback(const struct dm_context *c, struct dm_str name)
{
    return dm_str_is(name, "exception") ? c->exception
           : dm_str_is(name, "reason")  ? c->reason
                                        : NULL;
}

static int make_text(struct dm_eval *e, struct dm_str name, const struct dm_value **ret)
{
    if (dm_str_is(name, "run_id")) {
        *ret = text(e, e->c->run_id);
        return 0;
    }
    const char *why = of_callback(e->c, name);
    if (why) {
        *ret = text(e, why);
        return 0;
    }
    const struct dm_value *day;
    DM_TRY(formatted(e, e->c->logical_date, "%Y%m%d", &day));
    *ret = dm_str_value(
        e, dm_str_printf(e->a, "%s__%s__%.*s", e->c->dag_id, e->c->task_id, DM_FMT(day->s)));
    return 0;
}

static int make(struct dm_eval *e, const struct variable *v, const struct dm_value **ret)
{
    struct dm_str name = dm_str_c(v->name);
    int64_t step = dm_str_starts(name, DM_STR("tomorrow")) ? DM_DAY : -DM_DAY;
    switch (v->what) {
    case DS:
        return day_text(e, e->c->logical_date, name, ret);
    case TS:
        return iso(e, name, ret);
    case DATE:
        *ret = instant(e, date_of(e->c, name));
        return 0;
    case DAY:
        return day_text(e, e->c->logical_date + step, name, ret);
    case NEIGHBOUR:
        return neighbour(e, name, ret);
    case TEXT:
        return make_text(e, name, ret);
    case RECORD:
        return make_record(e, name, ret);
    case OTHER:
        return other(e, name, ret);
    }
    return 0;
}

static const struct variable *find(struct dm_str name)
{
    for (size_t i = 0; i < N_VARIABLES; i++)
        if (dm_str_is(name, variables[i].name))
            return &variables[i];
    return NULL;
}

bool dm_context_has(struct dm_str name)
{
    return find(name) != NULL;
}

int dm_context_variable(struct dm_eval *e, struct dm_str name, const struct dm_value **ret)
{
    const struct dm_value *made = dm_map_get(&e->variables, name);
    if (made) {
        *ret = made;
        return 1;
    }
    const struct dm_value *more = e->c->more ? dm_map_get_str(e->c->more, name) : NULL;
    if (more) {
        *ret = dm_own_copy(e, more);
        return 1;
    }
    const struct variable *v = find(name);
    bool only_callbacks = dm_str_is(name, "exception") || dm_str_is(name, "reason");
    if (!v || (only_callbacks && !of_callback(e->c, name)))
        return 0;
    DM_TRY(make(e, v, ret));
    dm_map_put(&e->variables, dm_str_c(v->name), (void *)*ret);
    return 1;
}
