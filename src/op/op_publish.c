/* `publish`: a day of a staged table becomes that day of the published one, in one transaction. */
#include "op/op.h"
#include "op/staged.h"

static const char *const aliases[] = {NULL};

static const struct dm_op_field fields[] = {
    {"conn_id", DM_FIELD_STRING, true, true, NULL, "Connection of both tables.", NULL},
    {"staging_table", DM_FIELD_STRING, true, true, NULL, "Table that the checks saw.", NULL},
    {"table", DM_FIELD_STRING, true, true, NULL,
     "Table that people read; has the columns of the staged one.", NULL},
    {"day_column", DM_FIELD_STRING, false, true, "\"insert_date\"",
     "Column of both tables that says which day a row belongs to.", NULL},
    {"day", DM_FIELD_STRING, false, true, "\"{{ ds }}\"", "The day to publish.", NULL},
    {"checks", DM_FIELD_LIST, false, false, NULL,
     "Tasks whose checks must have seen exactly these rows.  Default: the tasks upstream.", NULL},
    {"database", DM_FIELD_STRING, false, true, NULL, "Database to use instead of the connection's.",
     NULL},
    {NULL},
};

/*
 * Everything in one transaction with one snapshot: the staged rows of the day are counted and hashed again; if they are
 * not those that each check saw, nothing happens.  Then the day goes out of the published table and comes in again.
 * Readers see the day before or after, never between.
 */
struct publication {
    struct dm_attempt *at;
    struct dm_pg *pg;
    const char *staging, *table, *column;
    const char *day;               /* condition: "insert_date" = '2010-12-01' */
    const struct dm_value *checks; /* list of task ids */
    struct dm_staged staged;
    int64_t deleted, inserted;
};

/* The rows that a check saw, against those that are there now. */
static int compare(const struct publication *p, const char *task_id, const struct dm_value *seen,
                   struct dm_err *reterr)
{
    int64_t rows = dm_map_int(seen, "rows", -1);
    if (rows == p->staged.rows && dm_str_is(dm_map_str(seen, "digest", ""), p->staged.digest))
        return 0;
    dm_err_set(
        reterr, DM_E_CHECK,
        "not published: the staged rows are not those that %s checked (%lld rows then, %lld now%s)",
        task_id, (long long)rows, (long long)p->staged.rows,
        rows == p->staged.rows ? ", with other values" : "");
    dm_err_hint(reterr,
                "Something changed %s after the checks: run the task that writes it, and the "
                "checks, again.",
                p->staging);
    return DM_E_CHECK;
}

/* What one check recorded.  A mapped one has several records: those of other tables are for other tasks to publish. */
static int verify_check(const struct publication *p, const char *task_id, struct dm_err *reterr)
{
    const struct dm_value *all;
    const char *other = NULL;
    size_t own = 0;
    DM_TRY(dm_attempt_xcoms(p->at, task_id, DM_STAGED_XCOM, &all, reterr));
    for (size_t i = 0; i < all->list.n; i++) {
        struct dm_str table = dm_map_str(all->list.items[i], "table", "");
        if (dm_str_ieq(table, dm_str_c(p->staging))) {
            DM_TRY(compare(p, task_id, all->list.items[i], reterr));
            own++;
        } else {
            other = dm_str_cstr(p->at->arena, table);
        }
    }
    if (own)
        return 0;
    if (other)
        return dm_err_set(reterr, DM_E_CHECK, "not published: the task %s checked %s, not %s",
                          task_id, other, p->staging);
    dm_err_set(reterr, DM_E_CHECK,
               "not published: the task %s recorded no checked rows in this run", task_id);
    dm_err_hint(reterr, "A check records them when it passes and names the staged table; list the "
                        "tasks that do in `checks`.");
    return DM_E_CHECK;
}

static int verify(struct publication *p, struct dm_err *reterr)
{
    DM_TRY(dm_staged_read(p->pg, p->at->arena, p->staging, dm_str_c(p->day), &p->staged, reterr));
    for (size_t i = 0; i < p->checks->list.n; i++) {
        const struct dm_value *id = p->checks->list.items[i];
        if (id->kind != DM_STRING)
            return dm_err_set(reterr, DM_E_TYPE, "checks must be a list of task ids");
        DM_TRY(verify_check(p, dm_str_cstr(p->at->arena, id->s), reterr));
    }
    return 0;
}

static int replace_day(void *user, struct dm_err *reterr)
{
    struct publication *p = user;
    struct dm_arena *a = p->at->arena;
    struct dm_pg_result r;
    DM_TRY(verify(p, reterr));

    struct dm_str probe = dm_str_printf(a, "SELECT * FROM %s WHERE 1 = 0", p->staging);
    DM_TRY(dm_pg_exec(p->pg, a, probe, NULL, 0, &r, reterr));
    _cleanup_strbuf_ struct dm_strbuf columns;
    dm_strbuf_init(&columns, DM_BUF_TEXT);
    for (size_t i = 0; i < r.n_cols; i++) {
        dm_strbuf_adds(&columns, i ? ", " : "");
        dm_strbuf_add_sql_ident(&columns, dm_str_c(r.cols[i]));
    }
    DM_TRY(dm_pg_exec(p->pg, a, dm_str_printf(a, "DELETE FROM %s WHERE %s", p->table, p->day), NULL,
                      0, &r, reterr));
    p->deleted = r.affected;
    struct dm_str insert = dm_str_printf(a, "INSERT INTO %s (%s) SELECT %s FROM %s WHERE %s",
                                         p->table, columns.p, columns.p, p->staging, p->day);
    DM_TRY(dm_pg_exec(p->pg, a, insert, NULL, 0, &r, reterr));
    p->inserted = r.affected;
    if (p->inserted != p->staged.rows)
        return dm_err_set(reterr, DM_E_DATA,
                          "not published: %lld rows were staged and %lld inserted into %s",
                          (long long)p->staged.rows, (long long)p->inserted, p->table);
    return 0;
}

/* The tasks whose checks count: those named, or those upstream. */
static int find_checks(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    const struct dm_value *named = dm_map_at(at->args, "checks");
    *ret = named && named->kind == DM_LIST ? named : at->order->upstream;
    if (*ret && (*ret)->kind == DM_LIST && (*ret)->list.n)
        return 0;
    dm_err_set(reterr, DM_E_INVALID, "no task is named whose checks must have passed");
    dm_err_hint(reterr, "Make the checks upstream of this task, or list them in `checks`.");
    return DM_E_INVALID;
}

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_arena *a = at->arena;
    struct dm_str conn_id = dm_map_str(at->args, "conn_id", ""),
                  day = dm_map_str(at->args, "day", "");
    _cleanup_pg_ struct dm_pg *pg = NULL;
    struct publication p = {.at = at,
                            .staging = dm_str_cstr(a, dm_map_str(at->args, "staging_table", "")),
                            .table = dm_str_cstr(a, dm_map_str(at->args, "table", "")),
                            .column = dm_str_cstr(a, dm_map_str(at->args, "day_column", ""))};
    p.day = dm_arena_printf(a, "%s = %s", p.column, dm_pg_literal(a, dm_str_cstr(a, day)));
    DM_TRY(find_checks(at, &p.checks, reterr));
    DM_TRY(dm_sql_session(at, conn_id, dm_map_str(at->args, "database", ""), &pg, reterr));
    p.pg = pg;
    int rc = dm_sql_transaction(at, pg, DM_SQL_BEGIN_SNAPSHOT, replace_day, &p, reterr);
    at->no_retry = rc == DM_E_CHECK; /* rows that nobody checked stay so */
    DM_TRY(rc);

    const char *note =
        dm_arena_printf(a, "%s replaced %lld rows", dm_str_cstr(a, day), (long long)p.deleted);
    DM_TRY(dm_attempt_ledger(at, false, dm_sql_dataset(at, conn_id, p.staging), p.staged.rows, -1,
                             -1, NULL, reterr));
    DM_TRY(dm_attempt_ledger(at, true, dm_sql_dataset(at, conn_id, p.table), p.inserted, -1, -1,
                             note, reterr));
    struct dm_value *v = dm_value_map(a);
    dm_map_set(a, v, "table", dm_value_cstr(a, p.table));
    dm_map_set(a, v, "day", dm_value_str(a, day));
    dm_map_set(a, v, "rows", dm_value_int(a, p.inserted));
    dm_map_set(a, v, "digest", dm_value_cstr(a, p.staged.digest));
    *ret = v;
    return 0;
}

const struct dm_op dm_op_publish = {
    .spec = {.name = "publish",
             .aliases = aliases,
             .doc = "Replaces one day of a published table by the staged rows of that day, in one "
                    "transaction, if they are exactly those that this run's checks saw.",
             .fields = fields},
    .execute = execute,
};
