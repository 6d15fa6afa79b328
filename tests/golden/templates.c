/*
 * Kind `templates`: templates rendered as Airflow rendered them (golden/airflow/templates.jsonl), with the world of
 * variables, connections, XComs and files that lies beside the file.  `native`: as of a DAG with
 * render_template_as_native_obj.
 */
#include "golden.h"

#include "base/file.h"
#include "base/time.h"
#include "lang/template.h"
#include "lang/timetable.h"

/* What the callbacks of a context reach. */
struct world {
    const struct dm_value *params, *var, *conn, *xcoms, *files;
    struct dm_str dag_id, run_id;
};

static int var(void *user, struct dm_str key, struct dm_str *ret, struct dm_err *reterr)
{
    const struct dm_value *v = dm_map_get_str(((struct world *)user)->var, key);
    if (v)
        *ret = v->s;
    return v != NULL;
}

static int conn(void *user, struct dm_arena *a, struct dm_str id, const struct dm_value **ret,
                struct dm_err *reterr)
{
    const struct dm_value *v = dm_map_get_str(((struct world *)user)->conn, id);
    if (!v)
        return 0;
    struct dm_value *copy = dm_value_copy(a, v);
    dm_map_set(a, copy, "conn_id", dm_value_str(a, id));
    *ret = copy;
    return 1;
}

static int xcom(void *user, struct dm_arena *a, struct dm_str dag_id, struct dm_str run_id,
                struct dm_str task_id, int map_index, struct dm_str key,
                const struct dm_value **ret, struct dm_err *reterr)
{
    const struct world *w = user;
    if (map_index != -1 || !dm_str_eq(dag_id, w->dag_id) || !dm_str_eq(run_id, w->run_id))
        return 0;
    for (size_t i = 0; i < w->xcoms->list.n; i++) {
        const struct dm_value *x = w->xcoms->list.items[i];
        if (dm_str_eq(dm_map_str(x, "task_id", ""), task_id) &&
            dm_str_eq(dm_map_str(x, "key", ""), key)) {
            *ret = dm_map_at(x, "value");
            return 1;
        }
    }
    return 0;
}

/* They were pushed in the order of the file. */
static int newest_xcom(void *user, struct dm_arena *a, const struct dm_xcom_wanted *wanted,
                       struct dm_xcom_found *ret, struct dm_err *reterr)
{
    const struct world *w = user;
    if (!dm_str_eq(wanted->dag_id, w->dag_id) || wanted->map_index >= 0)
        return 0;
    for (size_t i = w->xcoms->list.n; i-- > 0;) {
        const struct dm_value *x = w->xcoms->list.items[i];
        struct dm_str task_id = dm_map_str(x, "task_id", ""), key = dm_map_str(x, "key", "");
        if ((wanted->task_id.p && !dm_str_eq(wanted->task_id, task_id)) ||
            (wanted->key.p && !dm_str_eq(wanted->key, key)))
            continue;
        *ret = (struct dm_xcom_found){w->run_id, task_id, key, -1, dm_map_at(x, "value")};
        return 1;
    }
    return 0;
}

static int file(void *user, struct dm_str name, struct dm_str *ret, struct dm_err *reterr)
{
    const struct dm_value *v = dm_map_get_str(((struct world *)user)->files, name);
    if (v)
        *ret = v->s;
    return v != NULL;
}

static int read_world(struct golden_case *c, struct world *w, struct dm_err *reterr)
{
    const char *path =
        dm_path_join(c->arena, dm_path_dir(c->arena, c->file), "templates_world.json");
    struct dm_str text;
    struct dm_value *v;
    DM_TRY(dm_file_read(c->arena, path, DM_BUF_TEXT, &text, reterr));
    DM_TRY(dm_value_from_json(c->arena, text, &v, reterr));
    w->params = dm_map_at(v, "params");
    w->var = dm_map_at(v, "var");
    w->conn = dm_map_at(v, "conn");
    w->xcoms = dm_map_at(v, "xcoms");
    w->files = dm_map_at(v, "files");
    return 0;
}

static int64_t instant(const struct dm_value *v, const char *key)
{
    int64_t us;
    return dm_time_parse(dm_map_str(v, key, ""), &us) ? us : DM_NEVER;
}

static const char *text(struct dm_arena *a, const struct dm_value *v, const char *key)
{
    return dm_str_cstr(a, dm_map_str(v, key, ""));
}

static int make_context(struct golden_case *c, struct world *w, struct dm_context *ret,
                        struct dm_err *reterr)
{
    struct dm_arena *a = c->arena;
    const struct dm_value *v = dm_map_at(c->value, "context"), *conf = dm_map_at(v, "conf");
    *ret = (struct dm_context){
        .dag_id = text(a, v, "dag_id"),
        .task_id = text(a, v, "task_id"),
        .run_id = text(a, v, "run_id"),
        .run_type = text(a, v, "run_type"),
        .owner = text(a, v, "owner"),
        .timezone = text(a, v, "timezone"),
        .schedule = text(a, v, "schedule"),
        .logical_date = instant(v, "logical_date"),
        .interval_start = instant(v, "data_interval_start"),
        .interval_end = instant(v, "data_interval_end"),
        .prev_interval_start_success = instant(v, "prev_data_interval_start_success"),
        .prev_interval_end_success = instant(v, "prev_data_interval_end_success"),
        .prev_start_date_success = instant(v, "prev_start_date_success"),
        .prev_end_date_success = instant(v, "prev_end_date_success"),
        .try_number = (int)dm_map_int(v, "try_number", 1),
        .max_tries = (int)dm_map_int(v, "max_tries", 0),
        .map_index = (int)dm_map_int(v, "map_index", -1),
        .retries = (int)dm_map_int(v, "retries", 0),
        .conf = conf,
        .var = var,
        .conn = conn,
        .xcom = xcom,
        .newest_xcom = newest_xcom,
        .operator_class = "EmptyOperator",
        .file = file,
        .user = w,
    };
    ret->now = ret->interval_end;
    w->dag_id = dm_str_c(ret->dag_id);
    w->run_id = dm_str_c(ret->run_id);
    struct dm_value *params = dm_value_copy(a, w->params);
    for (size_t i = 0; conf && i < conf->map.n; i++)
        dm_map_set_value(a, params, conf->map.pairs[i].key, conf->map.pairs[i].value);
    ret->params = params;
    return dm_timetable_parse(a, dm_map_at(v, "schedule"), ret->timezone, &ret->timetable, reterr);
}

static int render(struct golden_case *c, const struct dm_value **ret, struct dm_err *reterr)
{
    struct world w;
    struct dm_context context;
    const struct dm_value *exts = dm_map_at(c->value, "template_ext");
    const char **ext_list = NULL;
    DM_TRY(read_world(c, &w, reterr));
    DM_TRY(make_context(c, &w, &context, reterr));
    if (exts) {
        ext_list = dm_arena_array(c->arena, const char *, exts->list.n + 1);
        for (size_t i = 0; i < exts->list.n; i++)
            ext_list[i] = dm_str_cstr(c->arena, exts->list.items[i]->s);
    }
    return dm_render_value(c->arena, dm_map_at(c->value, "template"), ext_list,
                           (struct dm_place){0}, &context, dm_map_bool(c->value, "native", false),
                           ret, reterr);
}

static enum golden_verdict run(struct golden_case *c)
{
    struct dm_err err = {0};
    const struct dm_value *got, *expect = dm_map_at(c->value, "expect");
    int rc = render(c, &got, &err);
    if (rc < 0) {
        if (!expect && dm_str_is(dm_map_str(c->value, "error", ""), err.detail))
            return GOLDEN_PASS;
        c->got = dm_arena_printf(c->arena, "error %s at %d:%d: %s", err.detail, err.line, err.col,
                                 err.message);
    } else {
        if (expect && dm_str_eq(dm_value_json(c->arena, expect), dm_value_json(c->arena, got)))
            return GOLDEN_PASS;
        c->got = dm_value_json(c->arena, got).p;
    }
    c->expected = expect
                      ? dm_value_json(c->arena, expect).p
                      : dm_arena_printf(c->arena, "error %s: %s", text(c->arena, c->value, "error"),
                                        text(c->arena, c->value, "message"));
    return GOLDEN_FAIL;
}

const struct golden_kind golden_templates = {"templates", run};
