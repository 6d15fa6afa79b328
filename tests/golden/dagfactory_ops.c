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
    bool named = dm_map_at(check, "equal_to") || dm_map_at(check, "greater_than") ||
                 dm_map_at(check, "less_than") || dm_map_at(check, "geq_to") ||
                 dm_map_at(check, "leq_to");
    if (!named)
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
    static const char *const known[] = {
        "null_check", "distinct_check", "unique_check", "min", "max", NULL};
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
    for (size_t i = 0; checks && i < checks->map.n; i++) {
        if (checks->map.pairs[i].value->kind != DM_MAP)
            return dm_err_set(reterr, DM_E_TYPE, "a check must be a map");
        if (!dm_map_at(checks->map.pairs[i].value, "check_statement"))
            return dm_err_set(reterr, DM_E_NOTFOUND, "check_statement is missing");
    }
    return 0;
}

static int ratio(const struct dm_value *args, struct dm_err *reterr)
{
    static const char *const formulas[] = {"max_over_min", "relative_diff", NULL};
    const struct dm_value *v = dm_map_at(args, "ratio_formula");
    if (v && !is_one_of(v, formulas))
        return dm_err_set(reterr, DM_E_INVALID, "an unknown ratio_formula");
    const struct dm_value *limits = dm_map_at(args, "metrics_thresholds");
    if (limits && limits->kind != DM_MAP)
        return dm_err_set(reterr, DM_E_TYPE, "metrics_thresholds must be a map");
    const struct dm_value *back = dm_map_at(args, "days_back");
    if (back && back->kind != DM_INT && back->kind != DM_FLOAT && back->kind != DM_BOOL)
        return dm_err_set(reterr, DM_E_TYPE, "days_back must be a number");
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
    if (v && v->kind == DM_STRING)
        return dm_err_set(reterr, DM_E_TYPE, "%s must be a list", key);
    for (size_t i = 0; v && v->kind == DM_LIST && i < v->list.n; i++)
        if (!is_one_of(v->list.items[i], words))
            return dm_err_set(reterr, DM_E_INVALID, "an unknown state in %s", key);
    return 0;
}

/* A state means one thing. */
static int differ(const struct dm_value *args, struct dm_err *reterr)
{
    static const char *const keys[] = {"allowed_states", "skipped_states", "failed_states"};
    enum { N = sizeof(keys) / sizeof(keys[0]) };
    const struct dm_value *failed = dm_map_at(args, "failed_states");
    for (size_t i = 0;
         !given(args, "allowed_states") && failed && failed->kind == DM_LIST && i < failed->list.n;
         i++)
        if (failed->list.items[i]->kind == DM_STRING &&
            dm_str_is(failed->list.items[i]->s, "success")) /* allowed where none is named */
            return dm_err_set(reterr, DM_E_INVALID, "success is allowed and failed");
    for (int one = 0; one < N; one++) {
        const struct dm_value *v = dm_map_at(args, keys[one]);
        for (size_t i = 0; v && v->kind == DM_LIST && i < v->list.n; i++)
            for (int other = one; other < N; other++) {
                const struct dm_value *w = dm_map_at(args, keys[other]);
                for (size_t k = other == one ? i + 1 : 0; w && w->kind == DM_LIST && k < w->list.n;
                     k++)
                    if (dm_value_equal(v->list.items[i], w->list.items[k]))
                        return dm_err_set(reterr, DM_E_INVALID, "a state stands twice");
            }
    }
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

static int callable(const struct dm_value *args, struct dm_err *reterr)
{
    const struct dm_value *v = dm_map_at(args, "python_callable");
    if (v && v->kind != DM_MAP)
        return dm_err_set(reterr, DM_E_TYPE, "python_callable must be a function");
    return 0;
}

static int external_task(const struct dm_value *args, struct dm_err *reterr)
{
    static const char *const task_states[] = {"removed",
                                              "scheduled",
                                              "queued",
                                              "running",
                                              "success",
                                              "restarting",
                                              "failed",
                                              "up_for_retry",
                                              "up_for_reschedule",
                                              "upstream_failed",
                                              "skipped",
                                              "deferred",
                                              NULL};
    bool task = given(args, "external_task_id") || given(args, "external_task_ids");
    const char *const *states =
        task || given(args, "external_task_group_id") ? task_states : run_state_names;
    if (given(args, "external_task_id") + given(args, "external_task_ids") +
            given(args, "external_task_group_id") >
        1)
        return dm_err_set(reterr, DM_E_INVALID, "one way to name the external task is enough");
    if (given(args, "execution_delta") && given(args, "execution_date_fn"))
        return dm_err_set(reterr, DM_E_INVALID, "execution_delta or execution_date_fn");
    DM_TRY(all_of(args, "allowed_states", states, reterr));
    DM_TRY(all_of(args, "skipped_states", states, reterr));
    DM_TRY(all_of(args, "failed_states", states, reterr));
    return differ(args, reterr);
}

static bool says_json(struct dm_arena *a, struct dm_str type)
{
    char *lower = (char *)dm_str_cstr(a, type); /* a copy of its own */
    for (char *c = lower; *c; c++)
        if (*c >= 'A' && *c <= 'Z')
            *c = (char)(*c - 'A' + 'a');
    return strstr(lower, "application/json") != NULL;
}

/* dag-factory reads a body that says it is JSON. */
static int json_body(const struct dm_value *args, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a;
    dm_arena_init(&a);
    struct dm_value *parsed;
    const struct dm_value *data = dm_map_at(args, "data");
    const struct dm_value *headers = dm_map_at(args, "headers");
    if (headers && headers->kind != DM_MAP)
        return dm_err_set(reterr, DM_E_TYPE, "headers must be a map");
    if (!data || !says_json(&a, dm_map_str(dm_map_at(args, "headers"), "Content-Type", "")))
        return 0;
    if (data->kind == DM_MAP)
        return 0;
    if (data->kind != DM_STRING)
        return dm_err_set(reterr, DM_E_TYPE, "a body in JSON must be a map or a text");
    return dm_value_from_json(&a, data->s, &parsed, reterr);
}

static const struct {
    const char *path;
    bool sensor;
    int (*check)(const struct dm_value *args, struct dm_err *reterr);
    const char *fields;
} rows[] = {
#define GOLDEN_OP(path, sensor, check, fields) {path, sensor, check, fields},
#define GOLDEN_OLDER(path, class)
#include "dagfactory_ops.def"
#undef GOLDEN_OP
#undef GOLDEN_OLDER
};
enum { N_ROWS = sizeof(rows) / sizeof(rows[0]) };

static const struct {
    const char *path, *class;
} older[] = {
#define GOLDEN_OP(path, sensor, check, fields)
#define GOLDEN_OLDER(path, class) {path, class},
#include "dagfactory_ops.def"
#undef GOLDEN_OP
#undef GOLDEN_OLDER
};
enum { N_OLDER = sizeof(older) / sizeof(older[0]) };

static const char *const *older_paths(struct dm_arena *a, const char *class)
{
    const char **paths = dm_arena_array(a, const char *, N_OLDER + 1);
    size_t n = 0;
    for (size_t i = 0; i < N_OLDER; i++)
        if (strcmp(older[i].class, class) == 0)
            paths[n++] = older[i].path;
    return paths;
}

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
    ptrdiff_t bar = dm_str_find(name, DM_STR("|"), 0);
    if (bar >= 0) {
        f.alias = dm_str_cstr(a, dm_str_sub(name, (size_t)bar + 1, name.len));
        name.len = (size_t)bar;
    }
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
        s->aliases = older_paths(a, rows[i].path);
        s->fields = read_fields(a, dm_str_c(rows[i].fields));
        specs[i] = s;
    }
    table->specs = specs;
    return table;
}
