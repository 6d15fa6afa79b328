/* The operators of kind `dagfactory` as the loader wants them, made from dagfactory_ops.def. */
#include "dagfactory.h"

static bool is_one_of(const struct dm_value *v, const char *const *words)
{
    for (; v->kind == DM_STRING && *words; words++)
        if (dm_str_is(v->s, *words))
            return true;
    return false;
}

static bool given(const struct dm_value *args, const char *key)
{
    const struct dm_value *v = dm_map_at(args, key);
    return v && v->kind != DM_NULL;
}

static int one_check(const struct dm_value *check, struct dm_err *reterr)
{
    bool equal = given(check, "equal_to");
    bool bound = given(check, "greater_than") || given(check, "less_than") ||
                 given(check, "geq_to") || given(check, "leq_to");
    if (!equal && !bound)
        return dm_err_set(reterr, DM_E_INVALID, "a check of a column compares with nothing");
    if (equal && bound)
        return dm_err_set(reterr, DM_E_INVALID, "equal_to stands alone");
    if ((given(check, "greater_than") && given(check, "geq_to")) ||
        (given(check, "less_than") && given(check, "leq_to")))
        return dm_err_set(reterr, DM_E_INVALID, "a check of a column has one bound twice");
    return 0;
}

static int column_checks(const struct dm_value *args, struct dm_err *reterr)
{
    static const char *const known[] = {"null_check", "distinct_check", "unique_check",
                                        "min",        "max",            NULL};
    const struct dm_value *columns = dm_map_at(args, "column_mapping");
    if (!columns)
        return 0;
    if (columns->kind != DM_MAP)
        return dm_err_set(reterr, DM_E_TYPE, "column_mapping must be a map");
    for (size_t i = 0; i < columns->map.n; i++) {
        const struct dm_value *checks = columns->map.pairs[i].value;
        if (checks->kind != DM_MAP)
            return dm_err_set(reterr, DM_E_TYPE, "the checks of a column must be a map");
        for (size_t k = 0; k < checks->map.n; k++) {
            if (!is_one_of(checks->map.pairs[k].key, known))
                return dm_err_set(reterr, DM_E_INVALID, "an unknown check of a column");
            DM_TRY(one_check(checks->map.pairs[k].value, reterr));
        }
    }
    return 0;
}

static int table_checks(const struct dm_value *args, struct dm_err *reterr)
{
    const struct dm_value *checks = dm_map_at(args, "checks");
    if (checks && checks->kind != DM_MAP)
        return dm_err_set(reterr, DM_E_TYPE, "checks must be a map");
    for (size_t i = 0; checks && i < checks->map.n; i++)
        if (!given(checks->map.pairs[i].value, "check_statement"))
            return dm_err_set(reterr, DM_E_NOTFOUND, "check_statement is missing");
    return 0;
}

static int ratio(const struct dm_value *args, struct dm_err *reterr)
{
    static const char *const formulas[] = {"max_over_min", "relative_diff", NULL};
    const struct dm_value *v = dm_map_at(args, "ratio_formula");
    if (v && !is_one_of(v, formulas))
        return dm_err_set(reterr, DM_E_INVALID, "an unknown ratio_formula");
    return 0;
}

static int one_job_flow(const struct dm_value *args, struct dm_err *reterr)
{
    if (given(args, "job_flow_id") == given(args, "job_flow_name"))
        return dm_err_set(reterr, DM_E_INVALID, "job_flow_id or job_flow_name, and not both");
    return 0;
}

static const char *const run_state_names[] = {"queued", "running", "success", "failed", NULL};

static int all_of(const struct dm_value *args, const char *key, const char *const *words,
                  struct dm_err *reterr)
{
    const struct dm_value *v = dm_map_at(args, key);
    for (size_t i = 0; v && v->kind == DM_LIST && i < v->list.n; i++)
        if (!is_one_of(v->list.items[i], words))
            return dm_err_set(reterr, DM_E_INVALID, "an unknown state in %s", key);
    return 0;
}

static int run_states(const struct dm_value *args, struct dm_err *reterr)
{
    const struct dm_value *date = dm_map_at(args, "logical_date");
    date = date ? date : dm_map_at(args, "execution_date");
    if (date && date->kind != DM_NULL && date->kind != DM_STRING && date->kind != DM_DATETIME)
        return dm_err_set(reterr, DM_E_TYPE, "logical_date must be a text or a date with a time");
    DM_TRY(all_of(args, "allowed_states", run_state_names, reterr));
    return all_of(args, "failed_states", run_state_names, reterr);
}

static int external_task(const struct dm_value *args, struct dm_err *reterr)
{
    static const char *const task_states[] = {
        "removed",  "scheduled",  "queued",        "running",  "success",           "restarting",
        "failed",   "up_for_retry", "up_for_reschedule", "upstream_failed", "skipped", "deferred",
        NULL};
    bool task = given(args, "external_task_id") || given(args, "external_task_ids");
    const char *const *states =
        task || given(args, "external_task_group_id") ? task_states : run_state_names;
    if (given(args, "external_task_id") + given(args, "external_task_ids") +
            given(args, "external_task_group_id") > 1)
        return dm_err_set(reterr, DM_E_INVALID, "one way to name the external task is enough");
    if (given(args, "execution_delta") && given(args, "execution_date_fn"))
        return dm_err_set(reterr, DM_E_INVALID, "execution_delta or execution_date_fn");
    DM_TRY(all_of(args, "allowed_states", states, reterr));
    DM_TRY(all_of(args, "skipped_states", states, reterr));
    return all_of(args, "failed_states", states, reterr);
}

/* dag-factory reads a body that says it is JSON. */
static int json_body(const struct dm_value *args, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a;
    dm_arena_init(&a);
    struct dm_value *parsed;
    const struct dm_value *data = dm_map_at(args, "data");
    struct dm_str type = dm_map_str(dm_map_at(args, "headers"), "Content-Type", "");
    if (!data || data->kind != DM_STRING ||
        dm_str_find(type, DM_STR("application/json"), 0) < 0)
        return 0;
    return dm_value_from_json(&a, data->s, &parsed, reterr);
}

static const struct {
    const char *path;
    bool sensor;
    int (*check)(const struct dm_value *args, struct dm_err *reterr);
    const char *fields;
} rows[] = {
#define GOLDEN_OP(path, sensor, check, fields) {path, sensor, check, fields},
#include "dagfactory_ops.def"
#undef GOLDEN_OP
};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static struct dm_op_field read_field(struct dm_arena *a, struct dm_str word)
{
    struct dm_op_field f = {.type = DM_FIELD_ANY};
    ptrdiff_t eq = dm_str_find(word, DM_STR("="), 0);
    struct dm_str name = dm_str_sub(word, 0, eq < 0 ? word.len : (size_t)eq);
    if (eq >= 0)
        f.fallback = dm_str_cstr(a, dm_str_sub(word, (size_t)eq + 1, word.len));
    if (dm_str_ends(name, DM_STR("~")))
        name.len--, f.doc = golden_reworked;
    if (dm_str_ends(name, DM_STR("!")))
        name.len--, f.required = true;
    f.name = dm_str_cstr(a, name);
    return f;
}

static struct dm_op_field *read_fields(struct dm_arena *a, struct dm_str words)
{
    size_t n = 1;
    for (size_t i = 0; i < words.len; i++)
        n += words.p[i] == ' ';
    struct dm_op_field *fields = dm_arena_array(a, struct dm_op_field, n + 1);
    struct dm_str word;
    n = 0;
    while (dm_str_split(&words, ' ', &word))
        if (word.len)
            fields[n++] = read_field(a, word);
    return fields;
}

const char golden_reworked[] = "the operator reworks it";

const struct dm_op_table *golden_dagfactory_ops(struct dm_arena *a)
{
    const struct dm_op_spec **specs = dm_arena_array(a, const struct dm_op_spec *, N_ROWS + 1);
    struct dm_op_table *table = dm_arena_new(a, struct dm_op_table);
    for (size_t i = 0; i < N_ROWS; i++) {
        struct dm_op_spec *s = dm_arena_new(a, struct dm_op_spec);
        s->name = rows[i].path;
        s->sensor = rows[i].sensor;
        s->check = rows[i].check;
        s->fields = read_fields(a, dm_str_c(rows[i].fields));
        specs[i] = s;
    }
    table->specs = specs;
    return table;
}
