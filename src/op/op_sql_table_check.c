/* `sql_table_check`: conditions on the rows of a table, or on the table as a whole. */
#include "op/checks.h"
#include "op/op.h"

static const char *const aliases[] = {
    "SQLTableCheckOperator", "airflow.providers.common.sql.operators.sql.SQLTableCheckOperator",
    "airflow.operators.sql.SQLTableCheckOperator", NULL};
static const char *const exts[] = {".sql", NULL};

static const struct dm_op_field fields[] = {
    {"table", DM_FIELD_STRING, true, true, NULL, "Table to check.", NULL},
    {"checks", DM_FIELD_MAP, true, true, NULL,
     "Name -> {check_statement, partition_clause}: a condition that every row must meet, or one "
     "with aggregate functions (COUNT(*) > 0) that the table must meet.",
     NULL},
    {"partition_clause", DM_FIELD_STRING, false, true, NULL,
     "Condition on the rows to check, without WHERE.", NULL},
    {"conn_id", DM_FIELD_STRING, true, true, NULL, "Connection of the table.", NULL},
    {"database", DM_FIELD_STRING, false, true, NULL, "Database to use instead of the connection's.",
     NULL},
    {"retry_on_failure", DM_FIELD_BOOL, false, false, "true", "Let a failed check use another try.",
     NULL},
    {NULL},
};

/* Airflow's question: the least of 1 and 0 over the rows.  A condition with an aggregate has one row; a condition on
   rows has none over no rows, and the least is NULL. */
static int check_one(struct dm_checks *c, const struct dm_pair *pair, struct dm_err *reterr)
{
    struct dm_arena *a = c->at->arena;
    const char *name = dm_str_cstr(a, pair->key->s), *where, *where_failing;
    struct dm_str statement = dm_str_trim(dm_map_str(pair->value, "check_statement", ""));
    struct dm_pg_result r;
    if (!statement.len)
        return dm_err_set(reterr, DM_E_INVALID, "the check %s has no check_statement", name);
    struct dm_str fails =
        dm_str_printf(a, "CASE WHEN %.*s THEN 1 ELSE 0 END = 0", DM_FMT(statement));
    struct dm_str clauses[] = {c->partition, dm_map_str(pair->value, "partition_clause", ""),
                               fails};
    DM_TRY(dm_checks_where(a, clauses, 2, &where, reterr));
    DM_TRY(dm_checks_where(a, clauses, 3, &where_failing, reterr));

    struct dm_check check = {.name = name, .expected = dm_str_cstr(a, statement)};
    check.asked = dm_arena_printf(a,
                                  "SELECT MIN(passed) FROM (SELECT CASE WHEN %.*s THEN 1 ELSE 0 "
                                  "END AS passed FROM %s%s) AS t",
                                  DM_FMT(statement), c->table, where);
    check.failing = dm_arena_printf(a, "SELECT * FROM %s%s", c->table, where_failing);
    DM_TRY(dm_pg_exec(c->pg, a, dm_str_c(check.asked), NULL, 0, &r, reterr));
    const char *least = r.n_rows ? r.rows[0][0] : NULL;
    check.passed = !least || strcmp(least, "1") == 0;
    check.got = !least ? "no rows" : check.passed ? "true" : "false";
    check.note = least ? NULL : "no rows";
    dm_checks_add(c, &check);
    return 0;
}

static int check_table(struct dm_checks *c, struct dm_err *reterr)
{
    const struct dm_value *checks = dm_map_at(c->at->args, "checks");
    for (size_t i = 0; checks && checks->kind == DM_MAP && i < checks->map.n; i++)
        DM_TRY(check_one(c, &checks->map.pairs[i], reterr));
    return 0;
}

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    return dm_checks_run(at, check_table, ret, reterr);
}

const struct dm_op dm_op_sql_table_check = {
    .spec = {.name = "sql_table_check",
             .aliases = aliases,
             .doc =
                 "Checks every row of a table, or the table as a whole.  A row condition over no "
                 "rows passes as `no rows`.  Records what `publish` asks for.",
             .fields = fields,
             .template_ext = exts},
    .execute = execute,
};
