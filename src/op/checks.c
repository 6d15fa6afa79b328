/* Conditions, and the report of a task's checks. */
#include "op/checks.h"

/* ---- conditions ---- */

static int read_bound(const struct dm_value *v, const char *what, const char *name, bool *ret_has,
                      double *ret, struct dm_err *reterr)
{
    const struct dm_value *bound = dm_map_at(v, name);
    if (!bound)
        return 0;
    if (bound->kind == DM_INT)
        *ret = (double)bound->i;
    else if (bound->kind == DM_FLOAT)
        *ret = bound->f;
    else if (bound->kind != DM_STRING || !dm_str_to_f64(dm_str_trim(bound->s), ret))
        return dm_err_set(reterr, DM_E_TYPE, "%s of %s must be a number, not a %s", name, what,
                          dm_kind_name(bound->kind));
    *ret_has = true;
    return 1;
}

int dm_condition_read(const struct dm_value *v, const char *what, struct dm_condition *ret,
                      struct dm_err *reterr)
{
    static const char *const known[] = {"equal_to", "greater_than", "geq_to",           "less_than",
                                        "leq_to",   "tolerance",    "partition_clause", NULL};
    struct dm_condition c = {0};
    bool tolerance;
    if (!v || v->kind != DM_MAP)
        return dm_err_set(reterr, DM_E_TYPE, "%s must be a map such as {equal_to: 0}", what);
    for (size_t i = 0; i < v->map.n; i++) {
        struct dm_str key = v->map.pairs[i].key->s;
        size_t k = 0;
        while (known[k] && !dm_str_is(key, known[k]))
            k++;
        if (known[k])
            continue;
        dm_err_set(reterr, DM_E_INVALID, "%s has no condition \"%.*s\"", what, DM_FMT(key));
        const char *near = dm_str_nearest(key, known);
        if (near)
            dm_err_hint(reterr, "Did you mean %s?", near);
        return DM_E_INVALID;
    }
    DM_TRY(read_bound(v, what, "equal_to", &c.has_equal, &c.equal, reterr));
    DM_TRY(read_bound(v, what, "tolerance", &tolerance, &c.tolerance, reterr));
    int rc = read_bound(v, what, "geq_to", &c.has_least, &c.least, reterr);
    if (rc == 0) {
        rc = read_bound(v, what, "greater_than", &c.has_least, &c.least, reterr);
        c.least_open = rc == 1;
    }
    DM_TRY(rc);
    rc = read_bound(v, what, "leq_to", &c.has_most, &c.most, reterr);
    if (rc == 0) {
        rc = read_bound(v, what, "less_than", &c.has_most, &c.most, reterr);
        c.most_open = rc == 1;
    }
    DM_TRY(rc);
    if (!c.has_equal && !c.has_least && !c.has_most)
        return dm_err_set(reterr, DM_E_INVALID,
                          "%s needs one of equal_to, greater_than, geq_to, less_than, leq_to",
                          what);
    if (c.has_equal && (c.has_least || c.has_most))
        return dm_err_set(reterr, DM_E_INVALID, "%s has equal_to beside another condition", what);
    *ret = c;
    return 0;
}

const char *dm_condition_text(struct dm_arena *a, const struct dm_condition *c)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    if (c->has_equal)
        dm_strbuf_addf(&b, "%.15g", c->equal);
    if (c->has_least)
        dm_strbuf_addf(&b, "%s %.15g", c->least_open ? ">" : ">=", c->least);
    if (c->has_most)
        dm_strbuf_addf(&b, "%s%s %.15g", c->has_least ? " and " : "",
                       c->most_open ? "<" : "<=", c->most);
    if (c->tolerance != 0)
        dm_strbuf_addf(&b, " (tolerance %.6g %%)", c->tolerance * 100);
    return dm_str_cstr(a, dm_strbuf_str(&b));
}

/* The bounds with their tolerance; those of equal_to change places for a negative value. */
static void bounds(const struct dm_condition *c, double *ret_least, double *ret_most)
{
    double low = (c->has_equal ? c->equal : c->least) * (1 - c->tolerance);
    double high = (c->has_equal ? c->equal : c->most) * (1 + c->tolerance);
    bool turned = c->has_equal && low > high;
    *ret_least = turned ? high : low;
    *ret_most = turned ? low : high;
}

const char *dm_condition_sql(struct dm_arena *a, const struct dm_condition *c, const char *value)
{
    double least, most;
    bounds(c, &least, &most);
    const char *low = dm_arena_printf(a, "%s %s %.15g", value, c->least_open ? ">" : ">=", least);
    const char *high = dm_arena_printf(a, "%s %s %.15g", value, c->most_open ? "<" : "<=", most);
    bool has_low = c->has_equal || c->has_least, has_high = c->has_equal || c->has_most;
    if (has_low && has_high)
        return dm_arena_printf(a, "%s AND %s", low, high);
    return has_low ? low : high;
}

bool dm_condition_holds(const struct dm_condition *c, double value)
{
    double least, most;
    bounds(c, &least, &most);
    bool low = c->least_open ? value > least : value >= least;
    bool high = c->most_open ? value < most : value <= most;
    return (low || !(c->has_equal || c->has_least)) && (high || !(c->has_equal || c->has_most));
}

int dm_checks_where(struct dm_arena *a, const struct dm_str *conditions, size_t n, const char **ret,
                    struct dm_err *reterr)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (size_t i = 0; i < n; i++) {
        struct dm_str s = dm_str_trim(conditions[i]);
        if (!s.len)
            continue;
        if (memchr(s.p, ';', s.len))
            return dm_err_set(reterr, DM_E_INVALID, "a partition_clause has a semicolon: %.*s",
                              DM_FMT(s));
        dm_strbuf_addf(&b, "%s(%.*s)", b.len ? " AND " : " WHERE ", DM_FMT(s));
    }
    DM_TRY(dm_strbuf_check(&b, "the condition", reterr));
    *ret = b.len ? dm_arena_strdup(a, b.p) : "";
    return 0;
}

/* ---- a task's checks ---- */

struct run {
    struct dm_checks *c;
    int (*body)(struct dm_checks *c, struct dm_err *reterr);
};

/* Failing rows are a courtesy: a query that fails (a condition on an aggregate has no rows) says nothing about the
   check.  It ends the search, because PostgreSQL takes no more statements in that transaction. */
static void find_rows(struct dm_checks *c)
{
    struct dm_arena *a = c->at->arena;
    for (struct dm_check *k = c->list; k; k = k->next) {
        struct dm_pg_result r;
        struct dm_err ignored;
        if (k->passed || !k->failing)
            continue;
        struct dm_str sql = dm_str_printf(a, "%s LIMIT %d", k->failing, DM_CHECK_ROWS);
        if (dm_pg_exec(c->pg, a, sql, NULL, 0, &r, &ignored) < 0)
            return;
        if (r.n_rows) {
            k->rows = dm_sql_row_maps(a, &r, DM_CHECK_ROWS);
            _cleanup_strbuf_ struct dm_strbuf b;
            dm_strbuf_init(&b, DM_BUF_MESSAGE);
            dm_sql_table_text(&b, &r, DM_CHECK_ROWS);
            k->shown = dm_arena_strdup(a, b.p);
        }
    }
}

/* May run again after a conflict: everything found before is forgotten. */
static int in_snapshot(void *user, struct dm_err *reterr)
{
    struct run *r = user;
    struct dm_checks *c = r->c;
    c->n = c->n_failed = 0;
    c->list = NULL;
    c->figures = NULL;
    if (c->table)
        DM_TRY(dm_staged_read(c->pg, c->at->arena, c->table, c->partition, &c->staged, reterr));
    DM_TRY(r->body(c, reterr));
    find_rows(c);
    return 0;
}

/* A figure is a line of the ledger under its name: "customer without reviews". */
static int report_figures(struct dm_checks *c, struct dm_err *reterr)
{
    for (size_t i = 0; c->figures && i < c->figures->map.n; i++) {
        const struct dm_pair *p = &c->figures->map.pairs[i];
        char *name = dm_arena_strndup(c->at->arena, p->key->s.p, p->key->s.len);
        for (char *t = name; *t; t++)
            *t = *t == '_' ? ' ' : *t;
        int64_t rows = p->value->kind == DM_INT ? p->value->i : -1;
        DM_TRY(dm_attempt_ledger(c->at, false, name, rows, -1, -1, "figure", reterr));
    }
    return 0;
}

static int report(struct dm_checks *c, struct dm_err *reterr)
{
    DM_TRY(report_figures(c, reterr));
    for (const struct dm_check *k = c->list; k; k = k->next) {
        struct dm_check_report check = {.name = k->name,
                                        .passed = k->passed,
                                        .expected = k->expected,
                                        .got = k->got,
                                        .rows = k->rows,
                                        .note = k->note,
                                        .sql = k->passed ? NULL
                                               : k->rows ? k->failing
                                                         : k->asked};
        DM_TRY(dm_attempt_check(c->at, &check, reterr));
    }
    if (!c->table)
        return 0;
    const char *dataset = dm_sql_dataset(c->at, dm_map_str(c->at->args, "conn_id", ""), c->table);
    DM_TRY(dm_attempt_ledger(c->at, false, dataset, c->staged.rows, -1, -1, "checked", reterr));
    if (c->n_failed)
        return 0;
    return dm_attempt_push_xcom(c->at, DM_STAGED_XCOM,
                                dm_staged_value(c->at->arena, c->table, c->partition, &c->staged),
                                reterr);
}

/* What was found, with what else is known of it. */
static const char *got_text(struct dm_checks *c, const struct dm_check *k)
{
    return k->note ? dm_arena_printf(c->at->arena, "%s (%s)", k->got, k->note) : k->got;
}

/* One error for all that failed: what was expected, what was found, the rows, and the SQL that finds them. */
static int fail(struct dm_checks *c, struct dm_err *reterr)
{
    _cleanup_strbuf_ struct dm_strbuf story;
    const struct dm_check *first = NULL;
    dm_strbuf_init(&story, DM_BUF_MESSAGE);
    for (const struct dm_check *k = c->list; k; k = k->next) {
        if (k->passed)
            continue;
        first = first ? first : k;
        if (c->n_failed > 1)
            dm_strbuf_addf(&story, "%s: expected %s, got %s\n", k->name, k->expected,
                           got_text(c, k));
        if (k->rows)
            dm_strbuf_addf(&story, "%sfound by: %s\n", k->shown, k->failing);
        else
            dm_strbuf_addf(&story, "asked: %s\n", k->asked);
    }
    c->at->no_retry = !dm_map_bool(c->at->args, "retry_on_failure", true);
    if (c->n_failed == 1)
        dm_err_set(reterr, DM_E_CHECK, "check %s failed: expected %s, got %s", first->name,
                   first->expected, got_text(c, first));
    else
        dm_err_set(reterr, DM_E_CHECK, "%zu of %zu checks failed", c->n_failed, c->n);
    dm_err_detail(reterr, "%s", story.p);
    return DM_E_CHECK;
}

int dm_checks_run(struct dm_attempt *at, int (*body)(struct dm_checks *c, struct dm_err *reterr),
                  const struct dm_value **ret_figures, struct dm_err *reterr)
{
    _cleanup_pg_ struct dm_pg *pg = NULL;
    struct dm_str table = dm_map_str(at->args, "table", "");
    struct dm_checks c = {.at = at,
                          .table = table.len ? dm_str_cstr(at->arena, table) : NULL,
                          .partition = dm_map_str(at->args, "partition_clause", "")};
    struct run run = {.c = &c, .body = body};
    DM_TRY(dm_sql_session(at, dm_map_str(at->args, "conn_id", ""),
                          dm_map_str(at->args, "database", ""), &pg, reterr));
    c.pg = pg;
    DM_TRY(dm_sql_transaction(at, pg, DM_SQL_BEGIN_SNAPSHOT, in_snapshot, &run, reterr));
    DM_TRY(report(&c, reterr));
    if (c.n_failed)
        return fail(&c, reterr);
    *ret_figures = c.figures;
    return 0;
}

void dm_checks_add(struct dm_checks *c, const struct dm_check *check)
{
    struct dm_check **at = &c->list;
    while (*at)
        at = &(*at)->next;
    *at = dm_arena_dup(c->at->arena, check, sizeof(*check));
    (*at)->next = NULL;
    c->n++;
    c->n_failed += !check->passed;
}
