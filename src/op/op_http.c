/* `http`: a request; its answer is the XCom.  `http_sensor`: waits until one is answered well. */
#include "op/http_call.h"
#include "op/sensor.h"

static const char *const aliases[] = {"HttpOperator",
                                      "SimpleHttpOperator",
                                      "airflow.providers.http.operators.http.HttpOperator",
                                      "airflow.providers.http.operators.http.SimpleHttpOperator",
                                      "airflow.operators.http_operator.SimpleHttpOperator",
                                      NULL};
static const char *const exts[] = {".json", ".sql", NULL};

static const char *const sensor_aliases[] = {"HttpSensor",
                                             "airflow.providers.http.sensors.http.HttpSensor",
                                             "airflow.sensors.http_sensor.HttpSensor", NULL};

#define CONNECTION_FIELD                                                          \
    {                                                                             \
        "http_conn_id", DM_FIELD_STRING, false, true, "\"http_default\"",         \
            "Connection: host, login, and headers or options in its extra.", NULL \
    }
#define REQUEST_FIELDS                                                                            \
    {"headers", DM_FIELD_MAP, false, true, NULL, "Headers over those of the connection.", NULL},  \
        {"extra_options",                                                                         \
         DM_FIELD_MAP,                                                                            \
         false,                                                                                   \
         false,                                                                                   \
         NULL,                                                                                    \
         "timeout (seconds without a byte; 60), check_response, allow_redirects, max_redirects, " \
         "verify, cert, proxies.",                                                                \
         NULL},                                                                                   \
        {"request_kwargs",                                                                        \
         DM_FIELD_MAP,                                                                            \
         false,                                                                                   \
         true,                                                                                    \
         NULL,                                                                                    \
         "json: a body that is sent as JSON; params: parameters beside the body.",                \
         NULL},                                                                                   \
    {                                                                                             \
        "response_check", DM_FIELD_ANY, false, false, NULL,                                       \
            "Template that must be true, e.g. \"{{ response.json.state == 'done' }}\"; response " \
            "has "                                                                                \
            "status_code, reason, ok, text, json, headers (names in lower case) and url.",        \
            NULL                                                                                  \
    }
#define KEEP_ALIVE_FIELDS                                                                            \
    {"tcp_keep_alive", DM_FIELD_BOOL, false, false, NULL, "Accepted as in Airflow.", NULL},          \
        {"tcp_keep_alive_idle", DM_FIELD_INT, false, false, NULL, "Accepted as in Airflow.", NULL},  \
        {"tcp_keep_alive_count", DM_FIELD_INT, false, false, NULL, "Accepted as in Airflow.", NULL}, \
        {"tcp_keep_alive_interval", DM_FIELD_INT, false, false, NULL,                                \
         "Accepted as in Airflow.", NULL},                                                           \
    {                                                                                                \
        "deferrable", DM_FIELD_BOOL, false, false, "false", "Accepted as in Airflow.", NULL          \
    }

static const struct dm_op_field fields[] = {
    {"endpoint", DM_FIELD_STRING, false, true, NULL,
     "Path behind the connection's host; or a whole URL, which needs no connection.", NULL},
    CONNECTION_FIELD,
    {"method", DM_FIELD_STRING, false, true, "\"POST\"", "GET, POST, PUT …", NULL},
    {"data", DM_FIELD_ANY, false, true, NULL,
     "With GET the parameters, else the body: a map is sent as a form, a text as it is.", NULL},
    REQUEST_FIELDS,
    {"response_filter", DM_FIELD_ANY, false, false, NULL, "Refused: a Python function.", NULL},
    {"pagination_function", DM_FIELD_ANY, false, false, NULL, "Refused: a Python function.", NULL},
    {"auth_type", DM_FIELD_ANY, false, false, NULL, "Refused: a Python class.", NULL},
    {"log_response", DM_FIELD_BOOL, false, false, "false", "Write the answer to the log.", NULL},
    KEEP_ALIVE_FIELDS,
    {NULL},
};
static const struct dm_op_field sensor_fields[] = {
    {"endpoint", DM_FIELD_STRING, true, true, NULL,
     "Path behind the connection's host; or a whole URL, which needs no connection.", NULL},
    CONNECTION_FIELD,
    {"method", DM_FIELD_STRING, false, true, "\"GET\"", "GET, POST, PUT …", NULL},
    {"request_params", DM_FIELD_ANY, false, true, NULL,
     "With GET the parameters, else the body: a map is sent as a form, a text as it is.", NULL},
    REQUEST_FIELDS,
    {"response_error_codes_allowlist", DM_FIELD_LIST, false, false, "[\"404\"]",
     "Status codes of errors that mean not yet; any other status of 400 or more is an error.",
     NULL},
    KEEP_ALIVE_FIELDS,
    {NULL},
};

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_http_response r;
    bool good;
    DM_TRY(dm_http_call(at, "data", &r, reterr));
    struct dm_str text = dm_http_text(at->arena, r.body);
    if (dm_map_bool(at->args, "log_response", false))
        printf("%.*s\n", DM_FMT(text));
    DM_TRY(dm_http_check(at, &r, &good, reterr));
    if (!good)
        return dm_err_set(reterr, DM_E_TASK, "response_check is not true for this answer (%d)",
                          r.status);
    *ret = dm_value_str(at->arena, text);
    return 0;
}

/* Does the list have the number that the error begins with? */
static bool means_not_yet(const struct dm_attempt *at, int status)
{
    const struct dm_value *list = dm_map_at(at->args, "response_error_codes_allowlist");
    char code[16];
    snprintf(code, sizeof(code), "%d", status);
    for (size_t i = 0;
         list && (list->kind == DM_LIST || list->kind == DM_TUPLE) && i < list->list.n; i++) {
        const struct dm_value *v = list->list.items[i];
        if (v->kind == DM_INT ? v->i == status : v->kind == DM_STRING && dm_str_is(v->s, code))
            return true;
    }
    return false;
}

static int look(struct dm_attempt *at, struct dm_look *ret, struct dm_err *reterr)
{
    struct dm_http_response r = {.status = 0};
    struct dm_err err;
    bool good;
    int rc = dm_http_call(at, "request_params", &r, &err);
    if (rc == DM_E_TASK && means_not_yet(at, r.status)) {
        ret->missing = dm_arena_strdup(at->arena, err.message);
        return 0;
    }
    if (rc < 0) {
        if (reterr)
            *reterr = err;
        return rc;
    }
    DM_TRY(dm_http_check(at, &r, &good, reterr));
    ret->missing = "response_check is not true";
    return good;
}

static int execute_sensor(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    return dm_sensor_run(at, look, ret, reterr);
}

const struct dm_op dm_op_http = {
    .spec = {.name = "http",
             .aliases = aliases,
             .doc = "Sends an HTTP request; the answer's text is the XCom value.  A status of 400 "
                    "or more fails.",
             .fields = fields,
             .template_ext = exts,
             .check = dm_http_check_args},
    .execute = execute,
};
const struct dm_op dm_op_http_sensor = {
    .spec = {.name = "http_sensor",
             .aliases = sensor_aliases,
             .doc = "Waits until a request is answered with a status below 400 and its "
                    "response_check, if it has one, is true.",
             .fields = sensor_fields,
             .template_ext = exts,
             .check = dm_http_check_args,
             .sensor = true},
    .execute = execute_sensor,
};
