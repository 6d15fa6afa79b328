/* `sql_column_check`: conditions on single columns of a table. */
#include "op/checks.h"
#include "op/op.h"

static const char *const aliases[] = {
    "SQLColumnCheckOperator", "airflow.providers.common.sql.operators.sql.SQLColumnCheckOperator",
    "airflow.operators.sql.SQLColumnCheckOperator", NULL};
static const char *const exts[] = {".sql", NULL};

static const struct dm_op_field fields[] = {
    {"table", DM_FIELD_STRING, true, true, NULL, "Table to check.", NULL},
    {"column_mapping", DM_FIELD_MAP, true, true, NULL,
     "Column -> check (null_check, distinct_check, unique_check, min, max) -> condition "
     "(equal_to, greater_than, geq_to, less_than, leq_to, tolerance, partition_clause).",
     NULL},
    {"partition_clause", DM_FIELD_STRING, false, true, NULL,
     "Condition on the rows to check, without WHERE.", NULL},
    {"conn_id", DM_FIELD_STRING, true, true, NULL, "Connection of the table.", NULL},
    {"database", DM_FIELD_STRING, false, true, NULL, "Database to use instead of the connection's.",
     NULL},
    {"accept_none", DM_FIELD_BOOL, false, false, "true",
     "Take the NULL that MIN or MAX gives over no rows as 0.", NULL},
    {"retry_on_failure", DM_FIELD_BOOL, false, false, "true", "Let a failed check use another try.",
     NULL},
    {NULL},
};

/* Airflow's checks.  $c is the column, $t the table, $w " WHERE …" or "", $x the same with `extra` added. */
static const struct {
    const char *name, *expression;
    const char *failing; /* the rows worth showing where it fails */
    const char *extra;   /* NULL = rows that do not meet the condition themselves */
} kinds[] = {
    {"null_check", "SUM(CASE WHEN $c IS NULL THEN 1 ELSE 0 END)", "SELECT * FROM $t$x",
     "$c IS NULL"},
    {"distinct_check", "COUNT(DISTINCT($c))", "SELECT DISTINCT $c FROM $t$w", ""},
    {"unique_check", "COUNT($c) - COUNT(DISTINCT($c))",
     "SELECT $c, COUNT(*) AS times FROM $t$w GROUP BY $c HAVING COUNT($c) > 1", ""},
    {"min", "MIN($c)", "SELECT * FROM $t$x ORDER BY $c", NULL},
    {"max", "MAX($c)", "SELECT * FROM $t$x ORDER BY $c DESC", NULL},
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

struct parts {
    const char *column, *table, *where, *extra;
};

static const char *fill(struct dm_arena *a, const char *text, const struct parts *p)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (const char *t = text; *t; t++) {
        if (*t != '$') {
            dm_strbuf_addc(&b, *t);
            continue;
        }
        t++;
        dm_strbuf_adds(&b, *t == 'c'   ? p->column
                           : *t == 't' ? p->table
                           : *t == 'w' ? p->where
                                       : p->extra);
    }
    return dm_str_cstr(a, dm_strbuf_str(&b));
}

static int find_kind(struct dm_str name, const char *column, size_t *ret, struct dm_err *reterr)
{
    static const char *const names[] = {
        "null_check", "distinct_check", "unique_check", "min", "max", NULL};
    for (*ret = 0; *ret < KINDS; ++*ret)
        if (dm_str_is(name, kinds[*ret].name))
            return 0;
    dm_err_set(reterr, DM_E_INVALID, "column %s has no check \"%.*s\"", column, DM_FMT(name));
    const char *near = dm_str_nearest(name, names);
    dm_err_hint(reterr, near ? "Did you mean %s?" : "There are %s and others.",
                near ? near : "null_check, distinct_check, unique_check, min, max");
    return DM_E_INVALID;
}

/* Over no rows SUM, MIN and MAX are NULL: 0, unless accept_none is false. */
static int judge(struct dm_checks *c, const struct dm_condition *condition, const char *value,
                 struct dm_check *check, struct dm_err *reterr)
{
    double number = 0;
    bool accept_none = dm_map_bool(c->at->args, "accept_none", true);
    check->got = value ? value : "NULL";
    if (!value) {
        check->passed = accept_none && dm_condition_holds(condition, 0);
        check->note = c->staged.rows == 0 ? "no rows" : accept_none ? "NULL taken as 0" : NULL;
        return 0;
    }
    if (!dm_str_to_f64(dm_str_c(value), &number))
        return dm_err_set(reterr, DM_E_TYPE, "%s: \"%s\" is no number and cannot be compared",
                          check->name, value);
    check->passed = dm_condition_holds(condition, number);
    return 0;
}

static int check_one(struct dm_checks *c, const char *column, struct dm_str column_clause,
                     const struct dm_pair *pair, struct dm_err *reterr)
{
    struct dm_arena *a = c->at->arena;
    struct parts parts = {.column = column, .table = c->table};
    struct dm_condition condition;
    struct dm_check check = {0};
    struct dm_pg_result r;
    size_t kind;
    DM_TRY(find_kind(pair->key->s, column, &kind, reterr));
    check.name = dm_arena_printf(a, "%s %s", column, kinds[kind].name);
    DM_TRY(dm_condition_read(pair->value, check.name, &condition, reterr));

    const char *extra =
        kinds[kind].extra ? fill(a, kinds[kind].extra, &parts)
                          : dm_arena_printf(a, "NOT (%s)", dm_condition_sql(a, &condition, column));
    struct dm_str clauses[] = {c->partition, column_clause,
                               dm_map_str(pair->value, "partition_clause", ""), dm_str_c(extra)};
    DM_TRY(dm_checks_where(a, clauses, 3, &parts.where, reterr));
    DM_TRY(dm_checks_where(a, clauses, 4, &parts.extra, reterr));
    check.asked =
        fill(a, dm_arena_printf(a, "SELECT %s FROM $t$w", kinds[kind].expression), &parts);
    check.failing = fill(a, kinds[kind].failing, &parts);
    check.expected = dm_condition_text(a, &condition);
    DM_TRY(dm_pg_exec(c->pg, a, dm_str_c(check.asked), NULL, 0, &r, reterr));
    DM_TRY(judge(c, &condition, r.n_rows ? r.rows[0][0] : NULL, &check, reterr));
    dm_checks_add(c, &check);
    return 0;
}

static int check_columns(struct dm_checks *c, struct dm_err *reterr)
{
    const struct dm_value *columns = dm_map_at(c->at->args, "column_mapping");
    for (size_t i = 0; columns && columns->kind == DM_MAP && i < columns->map.n; i++) {
        const struct dm_pair *p = &columns->map.pairs[i];
        const char *column = dm_str_cstr(c->at->arena, p->key->s);
        if (p->value->kind != DM_MAP)
            return dm_err_set(reterr, DM_E_TYPE, "the checks of column %s must be a map", column);
        struct dm_str clause = dm_map_str(p->value, "partition_clause", "");
        for (size_t k = 0; k < p->value->map.n; k++) {
            const struct dm_pair *check = &p->value->map.pairs[k];
            if (!dm_str_is(check->key->s, "partition_clause"))
                DM_TRY(check_one(c, column, clause, check, reterr));
        }
    }
    return 0;
}

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    return dm_checks_run(at, check_columns, ret, reterr);
}

const struct dm_op dm_op_sql_column_check = {
    .spec = {.name = "sql_column_check",
             .aliases = aliases,
             .doc = "Checks columns of a table.  Records the count and digest of the rows that it "
                    "saw, which `publish` asks for.",
             .fields = fields,
             .template_ext = exts},
    .execute = execute,
};
