/*
 * Templates: tokens, syntax tree, check at load, and rendering with a small run around it.  The files that a template
 * may include are itself ("self") and two others.
 */
#include "fuzz.h"

#include "base/time.h"
#include "lang/template_lex.h"
#include "lang/timetable.h"

static const struct dm_place place = {"f.sql", 3, 5};

static int var(void *user, struct dm_str key, struct dm_str *ret, struct dm_err *reterr)
{
    if (dm_str_is(key, "name"))
        *ret = DM_STR("value");
    else if (dm_str_is(key, "json"))
        *ret = DM_STR("{\"a\": [1, 2.5, null], \"b\": \"x\"}");
    else
        return 0;
    return 1;
}

static int conn(void *user, struct dm_arena *a, struct dm_str id, const struct dm_value **ret,
                struct dm_err *reterr)
{
    struct dm_value *v;
    if (!dm_str_is(id, "pg"))
        return 0;
    *ret = NULL;
    DM_TRY(dm_value_from_json(a,
                              DM_STR("{\"conn_id\": \"pg\", \"conn_type\": \"postgres\", "
                                     "\"host\": \"h\", \"login\": \"u\", \"password\": \"p\", "
                                     "\"schema\": \"s\", \"port\": 5432, \"extra\": {\"k\": 1}}"),
                              &v, reterr));
    *ret = v;
    return 1;
}

/* "up" is a task that gave a list, "mapped" one with two instances. */
static int xcom(void *user, struct dm_arena *a, struct dm_str dag_id, struct dm_str run_id,
                struct dm_str task_id, int map_index, struct dm_str key,
                const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_value *v;
    bool mapped = dm_str_is(task_id, "mapped");
    if (mapped ? map_index == -1 || map_index > 1 : map_index != -1 || !dm_str_is(task_id, "up"))
        return 0;
    DM_TRY(dm_value_from_json(a, DM_STR("[{\"k\": 1, \"v\": \"x\"}, {\"k\": 2, \"v\": null}]"), &v,
                              reterr));
    *ret = mapped && map_index >= 0 ? v->list.items[map_index] : v;
    return 1;
}

static int newest_xcom(void *user, struct dm_arena *a, const struct dm_xcom_wanted *wanted,
                       struct dm_xcom_found *ret, struct dm_err *reterr)
{
    *ret = (struct dm_xcom_found){wanted->run_id, DM_STR("up"), DM_STR("k"), -1, &dm_true};
    return wanted->map_index < 0;
}

static int file(void *user, struct dm_str name, struct dm_str *ret, struct dm_err *reterr)
{
    if (dm_str_is(name, "self"))
        *ret = *(const struct dm_str *)user;
    else if (dm_str_is(name, "base"))
        *ret = DM_STR("<{% block a %}{{ ds }}{% endblock %}{% block b %}{% endblock %}>");
    else if (dm_str_is(name, "macros"))
        *ret = DM_STR("{% macro m(a, b=1) %}{{ a }}{{ b }}{% endmacro %}{% set x = 5 %}");
    else
        return 0;
    return 1;
}

static struct dm_context make_context(struct dm_arena *a, struct dm_str *self)
{
    const int64_t day = INT64_C(1709164800) * DM_SEC; /* 2024-02-29 */
    struct dm_err err;
    struct dm_value *params, *args;
    const struct dm_timetable *daily;
    FUZZ_CHECK(dm_value_from_json(a,
                                  DM_STR("{\"a\": 1, \"f\": 2.5, \"s\": \"t\\u00e9xt\", \"rows\": "
                                         "[{\"k\": 1}, {\"k\": 2}], \"m\": {\"x\": null}}"),
                                  &params, &err) == 0,
               "%s", err.message);
    FUZZ_CHECK(dm_value_from_json(a, DM_STR("{\"sql\": \"select\"}"), &args, &err) == 0, "%s",
               err.message);
    FUZZ_CHECK(dm_timetable_parse(a, dm_value_cstr(a, "@daily"), "Europe/Kyiv", &daily, &err) == 0,
               "%s", err.message);
    return (struct dm_context){
        .dag_id = "d",
        .task_id = "t",
        .run_id = "scheduled__2024-02-29T00:00:00+00:00",
        .run_type = "scheduled",
        .owner = "o",
        .timezone = "Europe/Kyiv",
        .schedule = "@daily",
        .timetable = daily,
        .logical_date = day,
        .interval_start = day,
        .interval_end = day + DM_DAY,
        .prev_interval_start_success = day - DM_DAY,
        .prev_interval_end_success = day,
        .prev_start_date_success = DM_NEVER,
        .prev_end_date_success = DM_NEVER,
        .try_number = 1,
        .map_index = -1,
        .now = day + DM_DAY,
        .conf = params,
        .params = params,
        .task_args = args,
        .var = var,
        .conn = conn,
        .xcom = xcom,
        .newest_xcom = newest_xcom,
        .file = file,
        .user = self,
    };
}

/* Every error has a class and a place. */
static void check_error(int rc, const struct dm_err *err)
{
    fuzz_check_err(rc, err);
    FUZZ_CHECK(err->detail[0] && err->line >= 1, "\"%s\" at line %d: %s", err->detail, err->line,
               err->message);
}

static void take_finding(void *user, const struct dm_err *err)
{
    check_error(err->code, err);
}

static void lex(struct dm_arena *a, struct dm_str text)
{
    struct dm_err err = {0};
    struct dm_tok *toks;
    size_t n;
    int rc = dm_template_lex(a, text, place, &toks, &n, &err);
    if (rc < 0) {
        check_error(rc, &err);
        return;
    }
    FUZZ_CHECK(n > 0 && toks[n - 1].kind == DM_TOK_END, "%zu tokens", n);
    for (size_t i = 1; i < n; i++)
        FUZZ_CHECK(toks[i].line >= toks[i - 1].line, "line %u behind line %u", toks[i].line,
                   toks[i - 1].line);
}

static void render(struct dm_arena *a, const struct dm_template *t, const struct dm_context *c)
{
    struct dm_err err = {0};
    struct dm_str out, again;
    const struct dm_value *native;
    int rc = dm_template_render(a, t, c, &out, &err);
    if (rc < 0)
        check_error(rc, &err);
    if (rc == DM_E_LIMIT)
        return; /* dear, and the others would say the same */
    int second = dm_template_render(a, t, c, &again, &err);
    FUZZ_CHECK(rc == second && (rc < 0 || dm_str_eq(out, again)), "once %d, then %d", rc, second);
    rc = dm_template_render_native(a, t, c, &native, &err);
    if (rc < 0)
        check_error(rc, &err);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_str text = fuzz_text(data, size);
    struct dm_err err = {0};
    const struct dm_template *t;
    struct dm_value *field = dm_value_str(&a, text);
    field->line = place.line;
    field->col = place.col;
    lex(&a, text);
    dm_check_templates(field, place, take_finding, NULL);
    int rc = dm_template_parse(&a, text, place, &t, &err);
    if (rc < 0) {
        check_error(rc, &err);
        return 0;
    }
    struct dm_context c = make_context(&a, &text);
    render(&a, t, &c);
    return 0;
}
