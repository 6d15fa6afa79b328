/* The context of templates at run time. */
#include "task/world.h"

#include <limits.h>
#include <unistd.h>

#include "base/log.h"
#include "lang/timetable.h"
#include "state/store.h"

/* The store, or NULL where there is none yet: then nothing is in it. */
static int store_or_none(struct dm_attempt *at, struct dm_store **ret, struct dm_err *reterr)
{
    struct dm_err err;
    int rc = dm_attempt_store(at, ret, &err);
    if (rc == DM_E_NOTFOUND) {
        *ret = NULL;
        return 0;
    }
    if (rc < 0 && reterr)
        *reterr = err;
    return rc;
}

/* AIRFLOW_VAR_<KEY>, or NULL. */
static const char *variable_of_environment(struct dm_arena *a, struct dm_str key)
{
    char *name = dm_arena_printf(a, "AIRFLOW_VAR_%.*s", DM_FMT(key));
    for (char *p = name; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - ('a' - 'A'));
    return getenv(name);
}

static int find_variable(void *user, struct dm_str key, struct dm_str *ret, struct dm_err *reterr)
{
    struct dm_attempt *at = user;
    struct dm_store *store;
    struct dm_str value;
    const char *env = variable_of_environment(at->arena, key);
    if (env) {
        value = dm_str_c(env);
    } else {
        DM_TRY(store_or_none(at, &store, reterr));
        int rc = store ? dm_store_variable_get(store, at->arena, key, &value, reterr) : 0;
        if (rc <= 0)
            return rc;
    }
    if (dm_conn_secret_name(key))
        dm_log_mask(dm_str_cstr(at->arena, value));
    *ret = value;
    return 1;
}

static int find_connection(void *user, struct dm_arena *a, struct dm_str id,
                           const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_attempt *at = user;
    struct dm_connection c;
    struct dm_err err;
    int rc = dm_conn_find(a, at->project, id, &c, &err);
    if (rc == DM_E_NOTFOUND)
        return 0;
    if (rc < 0) {
        if (reterr)
            *reterr = err;
        return rc;
    }
    *ret = dm_conn_to_value(a, &c);
    return 1;
}

/* The values of all instances of a mapped task: 1, or 0 where there are none. */
static int xcoms_of_all(struct dm_store *store, struct dm_arena *a, const char *dag_id,
                        const char *run_id, struct dm_str task_id, struct dm_str key,
                        const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_value *list = dm_value_list(a, 0), *v;
    struct dm_xcom_of_task *rows;
    size_t n;
    DM_TRY(dm_store_xcoms_of_task(store, a, dag_id, run_id, task_id, key, &rows, &n, reterr));
    for (size_t i = 0; i < n; i++) {
        if (rows[i].map_index < 0)
            continue;
        DM_TRY(dm_value_from_json(a, rows[i].value, &v, reterr));
        dm_list_add(a, list, v);
    }
    *ret = list;
    return list->list.n > 0;
}

static int find_xcom(void *user, struct dm_arena *a, struct dm_str dag_id, struct dm_str run_id,
                     struct dm_str task_id, int map_index, struct dm_str key,
                     const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_store *store;
    struct dm_str json;
    struct dm_value *v;
    const char *dag = dm_str_cstr(a, dag_id), *run = dm_str_cstr(a, run_id);
    DM_TRY(store_or_none(user, &store, reterr));
    if (store && map_index == DM_XCOM_OF_ALL)
        return xcoms_of_all(store, a, dag, run, task_id, key, ret, reterr);
    int rc = store ? dm_store_xcom(store, a, dag, run, task_id, map_index, key, &json, reterr) : 0;
    if (rc <= 0)
        return rc;
    DM_TRY(dm_value_from_json(a, json, &v, reterr));
    *ret = v;
    return 1;
}

static int find_newest_xcom(void *user, struct dm_arena *a, const struct dm_xcom_wanted *wanted,
                            struct dm_xcom_found *ret, struct dm_err *reterr)
{
    struct dm_store *store;
    struct dm_xcom_newest newest;
    struct dm_value *v;
    struct dm_xcom_query q = {.dag_id = dm_str_cstr(a, wanted->dag_id),
                              .run_id = dm_str_cstr(a, wanted->run_id),
                              .task_id = wanted->task_id,
                              .key = wanted->key,
                              .until = wanted->until,
                              .map_index = wanted->map_index};
    DM_TRY(store_or_none(user, &store, reterr));
    int rc = store ? dm_store_xcom_newest(store, a, &q, &newest, reterr) : 0;
    if (rc <= 0)
        return rc;
    DM_TRY(dm_value_from_json(a, newest.value, &v, reterr));
    *ret = (struct dm_xcom_found){newest.run_id, newest.task_id, newest.key, newest.map_index, v};
    return 1;
}

static int find_file(void *user, struct dm_str name, struct dm_str *ret, struct dm_err *reterr)
{
    struct dm_attempt *at = user;
    const struct dm_value *text = dm_map_at(at->order->files, dm_str_cstr(at->arena, name));
    if (!text || text->kind != DM_STRING)
        return 0;
    *ret = text->s;
    return 1;
}

int dm_attempt_result_of(struct dm_attempt *at, struct dm_str task_id, struct dm_str key,
                         const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_str dag = dm_str_c(at->order->dag_id), run = dm_str_c(at->order->run_id);
    int rc = find_xcom(at, at->arena, dag, run, task_id, -1, key, ret, reterr);
    if (rc == 0)
        rc = find_xcom(at, at->arena, dag, run, task_id, DM_XCOM_OF_ALL, key, ret, reterr);
    return rc;
}

static const char *host_name(struct dm_arena *a)
{
    char name[HOST_NAME_MAX + 1] = "";
    if (gethostname(name, sizeof(name) - 1) < 0)
        name[0] = '\0';
    return dm_arena_strdup(a, name);
}

/* The one that the service's environment names: no look-up that may need the network. */
static const char *user_name(void)
{
    const char *user = getenv("USER");
    return user ? user : getenv("LOGNAME");
}

int dm_attempt_context(struct dm_attempt *at, struct dm_context *ret, struct dm_err *reterr)
{
    const struct dm_order *o = at->order;
    const char *zone = o->timezone ? o->timezone : "UTC";
    struct dm_context c = {
        .dag_id = o->dag_id,
        .task_id = o->task_id,
        .run_id = o->run_id,
        .run_type = o->run_type,
        .owner = o->owner,
        .timezone = zone,
        .schedule = o->schedule,
        .logical_date = o->logical_date,
        .interval_start = o->interval_start,
        .interval_end = o->interval_end,
        .prev_interval_start_success = o->prev_interval_start_success,
        .prev_interval_end_success = o->prev_interval_end_success,
        .prev_start_date_success = o->prev_start_date_success,
        .prev_end_date_success = o->prev_end_date_success,
        .try_number = o->try_number,
        .max_tries = o->max_tries,
        .map_index = o->map_index,
        .retries = o->retries,
        .state = o->state,
        .exception = o->exception,
        .reason = o->reason,
        .triggering = o->triggering,
        .now = o->run_start,
        .conf = o->conf,
        .params = o->params,
        .task_args = o->args,
        .var = find_variable,
        .conn = find_connection,
        .xcom = find_xcom,
        .newest_xcom = find_newest_xcom,
        .task_attrs = o->task_attrs,
        .dag_attrs = o->dag_attrs,
        .operator_class = at->operator_class,
        .hostname = host_name(at->arena),
        .user_name = user_name(),
        .file = find_file,
        .user = at,
    };
    bool manual = o->run_type && strcmp(o->run_type, "manual") == 0;
    if (o->schedule_value && !manual)
        DM_TRY(dm_timetable_parse(at->arena, o->schedule_value, zone, &c.timetable, reterr));
    *ret = c;
    return 0;
}
