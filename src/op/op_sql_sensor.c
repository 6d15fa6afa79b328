/* `sql_sensor`: waits until the first value of a query is as it should be. */
#include "op/checks.h"
#include "op/op.h"
#include "op/sensor.h"
#include "op/sql_session.h"

static const char *const aliases[] = {
    "SqlSensor", "airflow.providers.common.sql.sensors.sql.SqlSensor",
    "airflow.sensors.sql.SqlSensor", "airflow.sensors.sql_sensor.SqlSensor", NULL};
static const char *const exts[] = {".sql", ".hql", NULL};

static const struct dm_op_field fields[] = {
    {"conn_id", DM_FIELD_STRING, true, true, NULL, "Connection that is asked.", NULL},
    {"sql", DM_FIELD_STRING, true, true, NULL,
     "A query, or the name of a .sql file.  The first value of its first row decides: without "
     "success the wait ends when that is not NULL, false, 0 or empty.",
     NULL},
    {"parameters", DM_FIELD_ANY, false, true, NULL,
     "Values for %s (a list) or %(name)s (a map) in the query, quoted as literals.", NULL},
    {"success", DM_FIELD_ANY, false, false, NULL,
     "What the value must be: a value, or a condition such as {geq_to: 100} (equal_to, "
     "greater_than, geq_to, less_than, leq_to).",
     NULL},
    {"failure", DM_FIELD_ANY, false, false, NULL,
     "The same for what fails the task; looked at before success.", NULL},
    {"fail_on_empty", DM_FIELD_BOOL, false, false, "false", "Fail where the query gives no row.",
     NULL},
    {"database", DM_FIELD_STRING, false, true, NULL, "Database to use instead of the connection's.",
     NULL},
    {"selector", DM_FIELD_ANY, false, false, NULL, "Refused: Python code does not run here.", NULL},
    {"hook_params", DM_FIELD_MAP, false, true, NULL, "Accepted as in Airflow; means nothing here.",
     NULL},
    {NULL},
};

static bool is_given(const struct dm_value *v)
{
    return v && v->kind != DM_NULL;
}

/* ---- conditions ---- */

static int check_condition(const struct dm_value *args, const char *field, struct dm_err *reterr)
{
    const struct dm_value *v = dm_map_at(args, field);
    struct dm_condition c;
    if (!is_given(v) || v->kind == DM_STRING || v->kind == DM_INT || v->kind == DM_FLOAT ||
        v->kind == DM_BOOL)
        return 0;
    if (v->kind == DM_MAP && dm_map_at(v, "__type__")) {
        dm_err_set(reterr, DM_E_UNSUPPORTED, "%s is a Python function, which does not run here",
                   field);
        return dm_err_hint(reterr,
                           "Write a condition, e.g. %s: {greater_than: 3}, or decide it in "
                           "the query.",
                           field);
    }
    return dm_condition_read(v, field, &c, reterr);
}

static int check(const struct dm_value *args, struct dm_err *reterr)
{
    if (is_given(dm_map_at(args, "selector"))) {
        dm_err_set(reterr, DM_E_UNSUPPORTED,
                   "selector is a Python function, which does not run here");
        return dm_err_hint(reterr, "Put the column that decides first in the query.");
    }
    DM_TRY(check_condition(args, "success", reterr));
    return check_condition(args, "failure", reterr);
}

static bool number_of(const struct dm_value *v, double *ret)
{
    switch (v->kind) {
    case DM_BOOL:
        *ret = v->b;
        return true;
    case DM_INT:
        *ret = (double)v->i;
        return true;
    case DM_FLOAT:
        *ret = v->f;
        return true;
    case DM_STRING: /* numerics come as the server's text */
        return dm_str_to_f64(dm_str_trim(v->s), ret);
    default:
        return false;
    }
}

static int meets(const struct dm_value *cell, const struct dm_value *wanted, const char *field,
                 bool *ret, struct dm_err *reterr)
{
    struct dm_condition c;
    double got, want;
    if (wanted->kind == DM_MAP) {
        DM_TRY(dm_condition_read(wanted, field, &c, reterr));
        *ret = number_of(cell, &got) && dm_condition_holds(&c, got);
    } else if (number_of(wanted, &want) && number_of(cell, &got)) {
        *ret = got == want;
    } else {
        *ret =
            wanted->kind == DM_STRING && cell->kind == DM_STRING && dm_str_eq(wanted->s, cell->s);
    }
    return 0;
}

static bool is_true(const struct dm_value *cell)
{
    double number;
    if (cell->kind == DM_STRING && cell->s.len == 0)
        return false;
    return cell->kind != DM_NULL && !(number_of(cell, &number) && number == 0);
}

/* ---- the sensor ---- */

static int judge(struct dm_attempt *at, const struct dm_value *cell, struct dm_look *ret,
                 struct dm_err *reterr)
{
    const struct dm_value *success = dm_map_at(at->args, "success");
    const struct dm_value *failure = dm_map_at(at->args, "failure");
    struct dm_str shown = cell->kind == DM_STRING ? cell->s : dm_value_json(at->arena, cell);
    bool met = false;
    if (is_given(failure))
        DM_TRY(meets(cell, failure, "failure", &met, reterr));
    if (met)
        return dm_err_set(reterr, DM_E_TASK, "the query gave %.*s, which is what failure names",
                          DM_FMT(shown));
    if (is_given(success))
        DM_TRY(meets(cell, success, "success", &met, reterr));
    else
        met = is_true(cell);
    printf("the query gave %.*s\n", DM_FMT(shown));
    ret->missing = dm_arena_printf(at->arena, "the query gave %.*s", DM_FMT(shown));
    return met;
}

static int look(struct dm_attempt *at, struct dm_look *ret, struct dm_err *reterr)
{
    _cleanup_pg_ struct dm_pg *pg = NULL;
    struct dm_pg_result r;
    struct dm_str sql;
    DM_TRY(dm_sql_bind(at->arena, dm_map_str(at->args, "sql", ""),
                       dm_map_at(at->args, "parameters"), &sql, reterr));
    DM_TRY(dm_sql_session(at, dm_map_str(at->args, "conn_id", ""),
                          dm_map_str(at->args, "database", ""), &pg, reterr));
    DM_TRY(dm_pg_exec(pg, at->arena, sql, NULL, 0, &r, reterr));
    if (r.n_rows > 0 && r.n_cols > 0)
        return judge(at, dm_sql_cell(at->arena, &r, 0, 0), ret, reterr);
    if (dm_map_bool(at->args, "fail_on_empty", false))
        return dm_err_set(reterr, DM_E_TASK, "the query gave no row (fail_on_empty)");
    ret->missing = "the query gave no row";
    return 0;
}

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    return dm_sensor_run(at, look, ret, reterr);
}

const struct dm_op dm_op_sql_sensor = {
    .spec = {.name = "sql_sensor",
             .aliases = aliases,
             .doc = "Waits until the first value of a query is as it should be.",
             .fields = fields,
             .template_ext = exts,
             .check = check,
             .sensor = true},
    .execute = execute,
};
