/* `sql_check` and `sql_value_check`: conditions on the first row of a query. */
#include <math.h>

#include "op/checks.h"
#include "op/op.h"

static const char *const aliases[] = {"SQLCheckOperator",
                                      "airflow.providers.common.sql.operators.sql.SQLCheckOperator",
                                      "airflow.operators.sql.SQLCheckOperator",
                                      "CheckOperator",
                                      "airflow.operators.check_operator.CheckOperator",
                                      "airflow.operators.check_operator.SQLCheckOperator",
                                      "airflow.operators.presto_check_operator.SQLCheckOperator",
                                      "airflow.operators.presto_check_operator.PrestoCheckOperator",
                                      NULL};
static const char *const value_aliases[] = {
    "SQLValueCheckOperator",
    "airflow.providers.common.sql.operators.sql.SQLValueCheckOperator",
    "airflow.operators.sql.SQLValueCheckOperator",
    "ValueCheckOperator",
    "airflow.operators.check_operator.ValueCheckOperator",
    "airflow.operators.check_operator.SQLValueCheckOperator",
    "airflow.operators.presto_check_operator.SQLValueCheckOperator",
    "airflow.operators.presto_check_operator.PrestoValueCheckOperator",
    NULL};
static const char *const exts[] = {".sql", NULL};

#define COMMON_FIELDS                                                                           \
    {"sql", DM_FIELD_STRING, true, true, NULL, "The query, or the name of a .sql file.", NULL}, \
        {"conn_id", DM_FIELD_STRING, true, true, NULL, "Connection to ask.", NULL},             \
        {"database", DM_FIELD_STRING,                                                           \
         false,      true,                                                                      \
         NULL,       "Database to use instead of the connection's.",                            \
         NULL},                                                                                 \
        {"parameters",                                                                          \
         DM_FIELD_ANY,                                                                          \
         false,                                                                                 \
         true,                                                                                  \
         NULL,                                                                                  \
         "Values for %s (a list) or %(name)s (a map) in the query, quoted as literals.",        \
         NULL},                                                                                 \
        {"figures",                                                                             \
         DM_FIELD_LIST,                                                                         \
         false,                                                                                 \
         false,                                                                                 \
         "[]",                                                                                  \
         "Columns that are figures, not conditions: reported in the ledger under their names, " \
         "with _ shown as a space.",                                                            \
         NULL},                                                                                 \
        {"table",                                                                               \
         DM_FIELD_STRING,                                                                       \
         false,                                                                                 \
         true,                                                                                  \
         NULL,                                                                                  \
         "Staged table whose rows the query is about: their count and digest are recorded for " \
         "`publish`.",                                                                          \
         NULL},                                                                                 \
        {"partition_clause",                                                                    \
         DM_FIELD_STRING,                                                                       \
         false,                                                                                 \
         true,                                                                                  \
         NULL,                                                                                  \
         "Condition on the rows of `table`, without WHERE.",                                    \
         NULL},                                                                                 \
    {                                                                                           \
        "retry_on_failure", DM_FIELD_BOOL, false, false, "true",                                \
            "Let a failed check use another try.", NULL                                         \
    }

static const struct dm_op_field fields[] = {COMMON_FIELDS, {NULL}};
static const struct dm_op_field value_fields[] = {
    COMMON_FIELDS,
    {"pass_value", DM_FIELD_ANY, true, true, NULL, "The value that every column must have.", NULL},
    {"tolerance", DM_FIELD_NUMBER, false, false, NULL,
     "Fraction by which a number may differ: 0.1 is 10 %.", NULL},
    {NULL},
};

static bool is_figure(const struct dm_attempt *at, const char *column)
{
    const struct dm_value *figures = dm_map_at(at->args, "figures");
    for (size_t i = 0; figures && figures->kind == DM_LIST && i < figures->list.n; i++)
        if (dm_str_ieq(figures->list.items[i]->s, dm_str_c(column)))
            return true;
    return false;
}

/* Python's truth of a cell: NULL, false, zero and the empty text are false. */
static bool is_true(const struct dm_pg_result *r, size_t col)
{
    const char *text = r->rows[0][col];
    double number;
    if (!text || !*text)
        return false;
    if (r->oids[col] == 16) /* boolean */
        return text[0] == 't';
    return !dm_str_to_f64(dm_str_c(text), &number) || number != 0;
}

/* pass_value as a number within the tolerance, or as a text. */
static bool is_pass_value(const struct dm_attempt *at, const char *text)
{
    const struct dm_value *want = dm_map_at(at->args, "pass_value");
    const struct dm_value *t = dm_map_at(at->args, "tolerance");
    double tolerance = t && t->kind == DM_FLOAT ? t->f : t && t->kind == DM_INT ? (double)t->i : 0;
    double wanted, got;
    if (!want || !text)
        return !text && (!want || want->kind == DM_NULL);
    struct dm_str s = want->kind == DM_STRING ? want->s : dm_value_json(at->arena, want);
    if (dm_str_to_f64(s, &wanted) && dm_str_to_f64(dm_str_c(text), &got))
        return fabs(got - wanted) <= fabs(wanted) * tolerance;
    return dm_str_is(s, text);
}

/* The figures of a row, on one line: what a failed condition is read against. */
static const char *figures_text(struct dm_attempt *at, const struct dm_pg_result *r)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    for (size_t c = 0; c < r->n_cols; c++)
        if (is_figure(at, r->cols[c]))
            dm_strbuf_addf(&b, "%s%s %s", b.len ? ", " : "", r->cols[c],
                           r->rows[0][c] ? r->rows[0][c] : "NULL");
    return b.len ? dm_arena_strdup(at->arena, b.p) : NULL;
}

static int add_figure(struct dm_checks *c, const char *name, const char *cell,
                      struct dm_err *reterr)
{
    int64_t count;
    if (cell && !dm_str_to_i64(dm_str_c(cell), &count))
        return dm_err_set(reterr, DM_E_TYPE, "the figure %s is no count: %s", name, cell);
    if (!c->figures)
        c->figures = dm_value_map(c->at->arena);
    dm_map_set(c->at->arena, c->figures, name, cell ? dm_value_int(c->at->arena, count) : &dm_null);
    return 0;
}

/* What the queries of both operators share; `value` = compare with pass_value. */
static int check_row(struct dm_checks *c, bool value, struct dm_err *reterr)
{
    struct dm_arena *a = c->at->arena;
    struct dm_pg_result r;
    struct dm_str sql;
    const struct dm_value *want = dm_map_at(c->at->args, "pass_value");
    const char *expected = value && want ? dm_str_cstr(a, dm_value_json(a, want)) : "true";
    DM_TRY(dm_sql_bind(a, dm_map_str(c->at->args, "sql", ""), dm_map_at(c->at->args, "parameters"),
                       &sql, reterr));
    DM_TRY(dm_pg_exec(c->pg, a, sql, NULL, 0, &r, reterr));
    const char *asked = dm_str_cstr(a, sql);
    if (r.n_rows == 0 || r.n_cols == 0) {
        struct dm_check none = {
            .name = "the query", .expected = "a row", .got = "no rows", .asked = asked};
        dm_checks_add(c, &none);
        return 0;
    }
    for (size_t k = 0; k < r.n_cols; k++) {
        const char *cell = r.rows[0][k];
        if (is_figure(c->at, r.cols[k])) {
            DM_TRY(add_figure(c, r.cols[k], cell, reterr));
            continue;
        }
        struct dm_check check = {.name = r.cols[k],
                                 .expected = expected,
                                 .asked = asked,
                                 .passed = value ? is_pass_value(c->at, cell) : is_true(&r, k),
                                 .note = figures_text(c->at, &r)};
        check.got = !cell ? "NULL" : r.oids[k] != 16 ? cell : cell[0] == 't' ? "true" : "false";
        dm_checks_add(c, &check);
    }
    return 0;
}

static int check_truth(struct dm_checks *c, struct dm_err *reterr)
{
    return check_row(c, false, reterr);
}

static int check_value(struct dm_checks *c, struct dm_err *reterr)
{
    return check_row(c, true, reterr);
}

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    return dm_checks_run(at, check_truth, ret, reterr);
}

static int execute_value(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    return dm_checks_run(at, check_value, ret, reterr);
}

const struct dm_op dm_op_sql_check = {
    .spec = {.name = "sql_check",
             .aliases = aliases,
             .doc = "Fails unless every value of the query's first row is true; no row fails too.",
             .fields = fields,
             .template_ext = exts},
    .execute = execute,
};
const struct dm_op dm_op_sql_value_check = {
    .spec = {.name = "sql_value_check",
             .aliases = value_aliases,
             .doc = "Fails unless every value of the query's first row is pass_value.",
             .fields = value_fields,
             .template_ext = exts},
    .execute = execute_value,
};
