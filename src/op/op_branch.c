/* `branch`, `short_circuit`, `latest_only`: what of the tasks behind them goes on (sched/decision.h). */
#include "base/clock.h"
#include "lang/timetable.h"
#include "op/op.h"
#include "op/sql_session.h"
#include "op/truth.h"

static const char *const branch_aliases[] = {
    "BranchSQLOperator",
    "airflow.providers.common.sql.operators.sql.BranchSQLOperator",
    "airflow.operators.sql.BranchSQLOperator",
    "airflow.operators.sql_branch_operator.BranchSQLOperator",
    "airflow.operators.sql_branch_operator.BranchSqlOperator",
    NULL};
static const char *const none[] = {NULL};
static const char *const latest_aliases[] = {
    "LatestOnlyOperator", "airflow.operators.latest_only.LatestOnlyOperator",
    "airflow.operators.latest_only_operator.LatestOnlyOperator",
    "airflow.providers.standard.operators.latest_only.LatestOnlyOperator", NULL};
static const char *const exts[] = {".sql", NULL};

#define SQL_FIELDS                                                                                \
    {"sql", DM_FIELD_STRING,                                                                      \
     false, true,                                                                                 \
     NULL,  "A query whose first value is true or false, or the name of a .sql file.",            \
     NULL},                                                                                       \
        {"conn_id", DM_FIELD_STRING, false, true, NULL, "Connection that `sql` is asked.", NULL}, \
        {"database", DM_FIELD_STRING,                                                             \
         false,      true,                                                                        \
         NULL,       "Database to use instead of the connection's.",                              \
         NULL},                                                                                   \
    {                                                                                             \
        "parameters", DM_FIELD_ANY, false, true, NULL,                                            \
            "Values for %s (a list) or %(name)s (a map) in the query, quoted as literals.", NULL  \
    }

static const struct dm_op_field branch_fields[] = {
    {"follow", DM_FIELD_STRING_OR_LIST, false, true, NULL,
     "Id of the task that goes on, or a list of them, or a text with commas, e.g. \"{{ 'full' if "
     "ds_nodash[6:] == '01' "
     "else 'delta' }}\"; nothing where it is empty.",
     NULL},
    SQL_FIELDS,
    {"follow_task_ids_if_true", DM_FIELD_STRING_OR_LIST, false, true, NULL,
     "With `sql`: what goes on where its value is true.", NULL},
    {"follow_task_ids_if_false", DM_FIELD_STRING_OR_LIST, false, true, NULL,
     "With `sql`: what goes on where its value is false.", NULL},
    {NULL},
};
static const struct dm_op_field short_fields[] = {
    {"condition", DM_FIELD_ANY, false, true, NULL,
     "Goes on where this is true, e.g. \"{{ params.rows > 0 }}\"; false are: empty, 0, false, no, "
     "off, none, null.",
     NULL},
    SQL_FIELDS,
    {"ignore_downstream_trigger_rules", DM_FIELD_BOOL, false, false, "true",
     "Skip everything behind it; with false only the tasks directly behind it, and trigger rules "
     "say what becomes of the rest.",
     NULL},
    {NULL},
};
static const struct dm_op_field latest_fields[] = {{NULL}};

/* ---- conditions ---- */

/* As Airflow's BranchSQLOperator: a boolean, a number, or a word for one. */
static int ask(struct dm_attempt *at, bool *ret, struct dm_err *reterr)
{
    _cleanup_pg_ struct dm_pg *pg = NULL;
    struct dm_pg_result r;
    struct dm_str sql;
    int64_t number;
    DM_TRY(dm_sql_bind(at->arena, dm_map_str(at->args, "sql", ""),
                       dm_map_at(at->args, "parameters"), &sql, reterr));
    DM_TRY(dm_sql_session(at, dm_map_str(at->args, "conn_id", ""),
                          dm_map_str(at->args, "database", ""), &pg, reterr));
    DM_TRY(dm_pg_exec(pg, at->arena, sql, NULL, 0, &r, reterr));
    if (r.n_rows == 0 || r.n_cols == 0)
        return dm_err_set(reterr, DM_E_DATA, "the query gave no row; true or false was expected");
    const char *text = r.rows[0][0];
    int truth = text ? dm_word_truth(dm_str_c(text)) : -1;
    if (truth < 0 && text && dm_str_to_i64(dm_str_c(text), &number))
        truth = number != 0;
    if (truth < 0)
        return dm_err_set(reterr, DM_E_DATA, "the query gave \"%s\"; true or false was expected",
                          text ? text : "NULL");
    *ret = truth;
    return 0;
}

static bool is_given(const struct dm_attempt *at, const char *field)
{
    const struct dm_value *v = dm_map_at(at->args, field);
    return v && v->kind != DM_NULL;
}

/* Exactly one of the two ways to say it. */
static int check_ways(struct dm_attempt *at, const char *field, struct dm_err *reterr)
{
    if (is_given(at, field) != is_given(at, "sql"))
        return 0;
    at->no_retry = true;
    return dm_err_set(reterr, DM_E_INVALID, "give either `%s` or `sql`", field);
}

/* ---- branch ---- */

/* Neither end of an id can be one of these. */
static struct dm_str strip(struct dm_str s)
{
    while (s.len && strchr(" \t\r\n'\"[]()", s.p[0]))
        s = dm_str_sub(s, 1, s.len);
    while (s.len && strchr(" \t\r\n'\"[]()", s.p[s.len - 1]))
        s = dm_str_sub(s, 0, s.len - 1);
    return s;
}

/* A template gives a text: an id, several with commas between them, or a list as Python prints it. */
static void add_id(struct dm_arena *a, struct dm_value *list, const struct dm_value *id)
{
    struct dm_str rest = id->kind == DM_STRING ? id->s : DM_STR(""), one;
    if (id->kind != DM_STRING)
        dm_list_add(a, list, id); /* refused with its name where the graph is known */
    while (dm_str_split(&rest, ',', &one)) {
        one = strip(one);
        if (one.len && !dm_str_is(one, "None"))
            dm_list_add(a, list, dm_value_str(a, one));
    }
}

static const struct dm_value *ids_of(struct dm_arena *a, const struct dm_value *v)
{
    struct dm_value *list = dm_value_list(a, 0);
    if (v && (v->kind == DM_LIST || v->kind == DM_TUPLE))
        for (size_t i = 0; i < v->list.n; i++)
            add_id(a, list, v->list.items[i]);
    else if (v && v->kind != DM_NULL)
        add_id(a, list, v);
    return list;
}

static void follow(struct dm_attempt *at, const struct dm_value *ids)
{
    struct dm_value *decision = dm_value_map(at->arena);
    dm_map_set(at->arena, decision, "follow", ids);
    at->decision = decision;
}

static int branch(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    const char *field = "follow";
    bool truth;
    DM_TRY(check_ways(at, "follow", reterr));
    if (is_given(at, "sql")) {
        DM_TRY(ask(at, &truth, reterr));
        field = truth ? "follow_task_ids_if_true" : "follow_task_ids_if_false";
    }
    *ret = ids_of(at->arena, dm_map_at(at->args, field));
    follow(at, *ret);
    return 0;
}

/* ---- short circuit ---- */

static int short_circuit(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    bool truth;
    DM_TRY(check_ways(at, "condition", reterr));
    if (is_given(at, "sql"))
        DM_TRY(ask(at, &truth, reterr));
    else
        truth = dm_is_true(dm_map_at(at->args, "condition"));
    *ret = dm_value_bool(at->arena, truth);
    if (truth)
        return 0;
    bool all = dm_map_bool(at->args, "ignore_downstream_trigger_rules", true);
    struct dm_value *decision = dm_value_map(at->arena);
    dm_map_set(at->arena, decision, "skip", dm_value_cstr(at->arena, all ? "all" : "direct"));
    at->decision = decision;
    return 0;
}

/* ---- latest only ---- */

/* The run is the latest while now lies in the interval after its own; a person's run always goes on. */
static int latest_only(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    const struct dm_order *o = at->order;
    const struct dm_timetable *timetable;
    struct dm_due own = {o->interval_start, o->interval_end, o->interval_end}, next;
    *ret = NULL;
    if (strcmp(o->run_type, "manual") == 0)
        return 0;
    DM_TRY(dm_timetable_parse(at->arena, o->schedule_value, o->timezone, &timetable, reterr));
    int rc = dm_timetable_next(timetable, &own, DM_NEVER, DM_NEVER, true, DM_NEVER, &next, reterr);
    DM_TRY(rc);
    int64_t now = dm_clock_now();
    if (rc == 1 && !(next.interval_start < now && now <= next.interval_end))
        follow(at, dm_value_list(at->arena, 0));
    return 0;
}

const struct dm_op dm_op_branch = {
    .spec = {.name = "branch",
             .aliases = branch_aliases,
             .doc = "Chooses which of the tasks directly behind it go on; the others are skipped.",
             .fields = branch_fields,
             .template_ext = exts},
    .execute = branch,
};
const struct dm_op dm_op_short_circuit = {
    .spec = {.name = "short_circuit",
             .aliases = none,
             .doc = "Skips what is behind it unless a condition is true.",
             .fields = short_fields,
             .template_ext = exts},
    .execute = short_circuit,
};
const struct dm_op dm_op_latest_only = {
    .spec = {.name = "latest_only",
             .aliases = latest_aliases,
             .doc = "Skips the tasks directly behind it in every run but the latest.  Runs that a "
                    "person starts go on.",
             .fields = latest_fields},
    .execute = latest_only,
};
