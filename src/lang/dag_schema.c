/*
 * The JSON Schema of DAG files: keys of DAGs and tasks from their tables, fields of operators from theirs, and for each
 * key of the tables what kind of value it takes.
 */
#include "lang/dag_schema.h"

#include "lang/dag_loader.h"

/* A part of the schema as JSON text. */
static const struct {
    const char *name, *schema;
} parts[] = {
    {"typed", "{\"type\": \"object\", \"anyOf\": [{\"required\": [\"__type__\"]}, {\"required\": "
              "[\"__join__\"]}, {\"required\": [\"__and__\"]}, {\"required\": [\"__or__\"]}]}"},
    {"from_environment", "{\"type\": \"string\", \"pattern\": \"\\\\$\"}"},
    {"template", "{\"type\": \"string\", \"pattern\": \"\\\\{[{%]\"}"},
    {"text", "{\"type\": [\"string\", \"null\"]}"},
    {"whole", "{\"type\": [\"integer\", \"null\"]}"},
    {"number", "{\"type\": [\"number\", \"null\"]}"},
    {"flag", "{\"type\": [\"boolean\", \"null\"]}"},
    {"span", "{\"type\": [\"number\", \"null\"]}"},
    {"list", "{\"type\": [\"array\", \"null\"]}"},
    {"texts", "{\"type\": [\"array\", \"null\"], \"items\": {\"type\": \"string\"}}"},
    {"map", "{\"type\": [\"object\", \"null\"]}"},
    {"text_or_list", "{\"type\": [\"string\", \"array\", \"null\"]}"},
    {"date", "{\"type\": [\"string\", \"null\"]}"},
    {"any", "true"},
    {"schedule",
     "{\"type\": [\"string\", \"object\", \"array\", \"null\"], \"examples\": [\"@daily\", "
     "\"0 3 * * *\", {\"__type__\": \"datetime.timedelta\", \"hours\": 6}]}"},
    {"timetable",
     "{\"anyOf\": [{\"enum\": [\"trigger\", \"interval\", null]}, {\"type\": \"object\"}]}"},
    {"callback", "{\"type\": [\"string\", \"object\", \"array\", \"null\"]}"},
    {"weight", "{\"enum\": [\"downstream\", \"upstream\", \"absolute\", null]}"},
};

/* What the keys of the tables take; a key that is not here takes anything. */
static const struct {
    const char *key, *part;
} kinds[] = {
    {"schedule", "schedule"},
    {"schedule_interval", "schedule"},
    {"timetable", "timetable"},
    {"start_date", "date"},
    {"end_date", "date"},
    {"timezone", "text"},
    {"catchup", "flag"},
    {"description", "text"},
    {"doc_md", "text"},
    {"dag_display_name", "text"},
    {"tags", "texts"},
    {"params", "map"},
    {"max_active_runs", "whole"},
    {"max_active_tasks", "whole"},
    {"concurrency", "whole"},
    {"max_consecutive_failed_dag_runs", "whole"},
    {"is_paused_upon_creation", "flag"},
    {"dagrun_timeout", "span"},
    {"dagrun_timeout_sec", "number"},
    {"render_template_as_native_obj", "flag"},
    {"template_searchpath", "text_or_list"},
    {"fail_stop", "flag"},
    {"fail_fast", "flag"},
    {"task_id", "text"},
    {"dependencies", "texts"},
    {"retries", "whole"},
    {"retry_delay", "span"},
    {"retry_exponential_backoff", "flag"},
    {"max_retry_delay", "span"},
    {"depends_on_past", "flag"},
    {"wait_for_downstream", "flag"},
    {"ignore_first_depends_on_past", "flag"},
    {"execution_timeout", "span"},
    {"pool", "text"},
    {"pool_slots", "whole"},
    {"priority_weight", "whole"},
    {"weight_rule", "weight"},
    {"max_active_tis_per_dag", "whole"},
    {"max_active_tis_per_dagrun", "whole"},
    {"task_concurrency", "whole"},
    {"is_setup", "flag"},
    {"is_teardown", "flag"},
    {"on_failure_fail_dagrun", "flag"},
    {"do_xcom_push", "flag"},
    {"task_display_name", "text"},
    {"task_group_name", "text"},
    {"expand", "map"},
    {"partial", "map"},
};

static const struct key {
    const char *name, *doc;
} dag_keys[] =
    {
#define DM_DAG_KEY(name, effect, doc) {#name, doc},
#include "lang/dag_keys.def"
#undef DM_DAG_KEY
},
  task_keys[] = {
#define DM_TASK_KEY(name, effect, doc) {#name, doc},
#include "lang/task_keys.def"
#undef DM_TASK_KEY
};
enum {
    N_DAG_KEYS = sizeof(dag_keys) / sizeof(dag_keys[0]),
    N_TASK_KEYS = sizeof(task_keys) / sizeof(task_keys[0])
};

static struct dm_value *json(struct dm_arena *a, const char *text)
{
    struct dm_value *v;
    if (dm_value_from_json(a, dm_str_c(text), &v, NULL) < 0)
        DM_BUG("a part of the schema is no JSON: %s", text);
    return v;
}

static struct dm_value *reference(struct dm_arena *a, const char *part)
{
    return json(a, dm_arena_printf(a, "{\"$ref\": \"#/$defs/%s\"}", part));
}

/* A value of a kind, or an object that is made of __type__, or a text that the environment fills in (or a template). */
static struct dm_value *value_of(struct dm_arena *a, const char *part, bool templated,
                                 const char *doc)
{
    struct dm_value *out = dm_value_map(a), *any = dm_value_list(a, 0);
    if (strcmp(part, "any") != 0) {
        dm_list_add(a, any, reference(a, part));
        dm_list_add(a, any, reference(a, "typed"));
        dm_list_add(a, any, reference(a, "from_environment"));
        if (templated)
            dm_list_add(a, any, reference(a, "template"));
        dm_map_set(a, out, "anyOf", any);
    }
    if (doc)
        dm_map_set(a, out, "description", dm_value_cstr(a, doc));
    return out;
}

static const struct dm_value *rules(struct dm_arena *a, const char *doc)
{
    struct dm_value *out = dm_value_map(a), *names = dm_value_list(a, 0);
    for (int i = 0; i < DM_RULE_COUNT; i++)
        dm_list_add(a, names, dm_value_cstr(a, dm_trigger_rule_name((enum dm_trigger_rule)i)));
    dm_list_add(a, names, dm_value_cstr(a, "dummy"));
    dm_list_add(a, names, dm_value_cstr(a, "none_failed_or_skipped"));
    dm_list_add(a, names, &dm_null);
    dm_map_set(a, out, "enum", names);
    dm_map_set(a, out, "description", dm_value_cstr(a, doc));
    return out;
}

static const struct dm_value *of_key(struct dm_arena *a, const struct key *k)
{
    if (strcmp(k->name, "trigger_rule") == 0)
        return rules(a, k->doc);
    if (dm_str_starts(dm_str_c(k->name), DM_STR("on_")) &&
        dm_str_ends(dm_str_c(k->name), DM_STR("_callback")))
        return value_of(a, "callback", false, k->doc);
    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
        if (strcmp(kinds[i].key, k->name) == 0)
            return value_of(a, kinds[i].part, false, k->doc);
    return value_of(a, "any", false, k->doc);
}

static struct dm_value *properties(struct dm_arena *a, const struct key *keys, size_t n)
{
    struct dm_value *out = dm_value_map(a);
    for (size_t i = 0; i < n; i++)
        dm_map_set(a, out, keys[i].name, of_key(a, &keys[i]));
    return out;
}

static const char *part_of(enum dm_field_type type)
{
    switch (type) {
    case DM_FIELD_STRING:
        return "text";
    case DM_FIELD_INT:
        return "whole";
    case DM_FIELD_NUMBER:
        return "number";
    case DM_FIELD_BOOL:
        return "flag";
    case DM_FIELD_DURATION:
        return "span";
    case DM_FIELD_LIST:
        return "list";
    case DM_FIELD_MAP:
        return "map";
    case DM_FIELD_STRING_OR_LIST:
    case DM_FIELD_LIST_OR_STRING:
        return "text_or_list";
    case DM_FIELD_ANY:
        break;
    }
    return "any";
}

static void add_fields(struct dm_arena *a, struct dm_value *to, const struct dm_op_field *f)
{
    for (; f->name; f++) {
        /* dag_sugar.c reads "1 hours" there. */
        bool words = strcmp(f->name, "execution_delta") == 0;
        const char *part = words ? "text" : part_of(f->type);
        dm_map_set(a, to, f->name, value_of(a, part, f->templated, f->doc));
        if (f->alias)
            dm_map_set(a, to, f->alias, value_of(a, part, f->templated, f->doc));
    }
}

static const struct dm_value *names_of(struct dm_arena *a, const struct dm_op_spec *spec)
{
    struct dm_value *names = dm_value_list(a, 0);
    dm_list_add(a, names, dm_value_cstr(a, spec->name));
    for (size_t i = 0; spec->aliases && spec->aliases[i]; i++)
        dm_list_add(a, names, dm_value_cstr(a, spec->aliases[i]));
    return names;
}

/* {"if": it is this operator, "then": these are its fields and no others} */
static const struct dm_value *of_operator(struct dm_arena *a, const struct dm_op_spec *spec)
{
    struct dm_value *fields = dm_value_map(a), *keys = dm_value_list(a, 0);
    struct dm_value *then = dm_value_map(a), *out = dm_value_map(a), *known = dm_value_map(a);
    struct dm_value *operator_is = dm_value_map(a), *is = dm_value_map(a),
                    *condition = dm_value_map(a);
    add_fields(a, fields, spec->fields);
    if (spec->sensor)
        add_fields(a, fields, dm_sensor_fields);
    for (size_t i = 0; i < fields->map.n; i++)
        dm_list_add(a, keys, fields->map.pairs[i].key);
    dm_map_set(a, is, "enum", names_of(a, spec));
    dm_map_set(a, operator_is, "operator", is);
    dm_map_set(a, condition, "properties", operator_is);
    dm_map_set(a, condition, "required", json(a, "[\"operator\"]"));
    dm_map_set(a, known, "enum", keys);
    struct dm_value *either = dm_value_list(a, 0), *names = dm_value_map(a);
    dm_list_add(a, either, reference(a, "task_key"));
    dm_list_add(a, either, known);
    dm_map_set(a, names, "anyOf", either);
    dm_map_set(a, then, "description", dm_value_cstr(a, spec->doc));
    dm_map_set(a, then, "properties", fields);
    dm_map_set(a, then, "propertyNames", names);
    dm_map_set(a, out, "if", condition);
    dm_map_set(a, out, "then", then);
    return out;
}

/* Names that dag-factory takes beside the keys of the table. */
static const char *const sugar[] = {"python_callable_name",   "python_callable_file",
                                    "execution_delta",        "execution_date_fn_name",
                                    "execution_date_fn_file", "sla_secs",
                                    "execution_timeout_secs", NULL};

static const struct dm_value *task_key(struct dm_arena *a)
{
    struct dm_value *out = dm_value_map(a), *names = dm_value_list(a, 0);
    for (size_t i = 0; i < N_TASK_KEYS; i++)
        dm_list_add(a, names, dm_value_cstr(a, task_keys[i].name));
    for (size_t i = 0; sugar[i]; i++)
        dm_list_add(a, names, dm_value_cstr(a, sugar[i]));
    for (int on = 0; on < DM_ON_COUNT; on++)
        for (int file = 0; file < 2; file++)
            dm_list_add(a, names,
                        dm_value_cstr(a, dm_callback_half((enum dm_callback_on)on, file)));
    dm_map_set(a, out, "enum", names);
    return out;
}

static const struct dm_value *task(struct dm_arena *a, const struct dm_op_table *ops)
{
    struct dm_value *out = json(a, "{\"type\": \"object\"}"), *all = dm_value_list(a, 0);
    struct dm_value *keys = properties(a, task_keys, N_TASK_KEYS), *names = dm_value_list(a, 0);
    struct dm_value *operator_name = dm_value_map(a);
    for (size_t i = 0; ops->specs[i]; i++) {
        const struct dm_value *own = names_of(a, ops->specs[i]);
        for (size_t k = 0; k < own->list.n; k++)
            dm_list_add(a, names, own->list.items[k]);
        dm_list_add(a, all, of_operator(a, ops->specs[i]));
    }
    dm_map_set(a, operator_name, "enum", names);
    dm_map_set(a, operator_name, "description",
               dm_value_cstr(a, "short name, or Airflow's class path"));
    dm_map_set(a, keys, "operator", operator_name);
    dm_map_set(a, out, "properties", keys);
    dm_map_set(a, out, "allOf", all);
    return out;
}

static const char groups[] =
    "{\"anyOf\": [{\"type\": \"array\", \"items\": {\"$ref\": \"#/$defs/group\"}}, {\"type\": "
    "\"object\", \"additionalProperties\": {\"$ref\": \"#/$defs/group\"}}, {\"type\": \"null\"}]}";
static const char group[] =
    "{\"type\": \"object\", \"additionalProperties\": false, \"properties\": {\"group_name\": "
    "{\"type\": \"string\"}, \"tooltip\": {\"$ref\": \"#/$defs/text\"}, \"dependencies\": "
    "{\"$ref\": "
    "\"#/$defs/texts\"}, \"parent_group_name\": {\"$ref\": \"#/$defs/text\"}, \"default_args\": "
    "{\"$ref\": \"#/$defs/default_args\"}, \"ui_color\": {}, \"ui_fgcolor\": {}, "
    "\"prefix_group_id\": {\"$ref\": \"#/$defs/flag\"}, \"add_suffix_on_collision\": {}}}";
static const char tasks[] =
    "{\"anyOf\": [{\"type\": \"array\", \"items\": {\"allOf\": [{\"$ref\": \"#/$defs/task\"}, "
    "{\"required\": [\"task_id\"]}]}}, {\"type\": \"object\", \"additionalProperties\": {\"$ref\": "
    "\"#/$defs/task\"}}]}";

static const struct dm_value *dag(struct dm_arena *a)
{
    struct dm_value *out = json(a, "{\"type\": \"object\"}");
    struct dm_value *keys = properties(a, dag_keys, N_DAG_KEYS);
    dm_map_set(a, keys, "default_args", reference(a, "default_args"));
    dm_map_set(a, keys, "task_groups", json(a, groups));
    dm_map_set(a, keys, "tasks", json(a, tasks));
    dm_map_set(a, out, "properties", keys);
    dm_map_set(a, out, "additionalProperties", &dm_false);
    return out;
}

static const struct dm_value *whole(struct dm_arena *a, const struct dm_op_table *ops)
{
    struct dm_value *out = dm_value_map(a), *defs = dm_value_map(a), *file = dm_value_map(a);
    struct dm_value *defaults = json(a, "{\"type\": [\"object\", \"null\"]}");
    dm_map_set(a, out, "$schema", dm_value_cstr(a, "https://json-schema.org/draft/2020-12/schema"));
    dm_map_set(a, out, "title", dm_value_cstr(a, "A file of DAGs"));
    dm_map_set(a, out, "type", dm_value_cstr(a, "object"));
    dm_map_set(a, file, "default", reference(a, "dag"));
    dm_map_set(a, file, "task_groups", dm_value_map(a));
    dm_map_set(a, out, "properties", file);
    dm_map_set(a, out, "additionalProperties", reference(a, "dag"));
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
        dm_map_set(a, defs, parts[i].name, json(a, parts[i].schema));
    dm_map_set(a, defaults, "properties", properties(a, task_keys, N_TASK_KEYS));
    dm_map_set(a, defs, "default_args", defaults);
    dm_map_set(a, defs, "group", json(a, group));
    dm_map_set(a, defs, "task_key", task_key(a));
    dm_map_set(a, defs, "task", task(a, ops));
    dm_map_set(a, defs, "dag", dag(a));
    dm_map_set(a, out, "$defs", defs);
    return out;
}

static void new_line(struct dm_strbuf *b, int depth)
{
    dm_strbuf_addc(b, '\n');
    for (int i = 0; i < depth; i++)
        dm_strbuf_addc(b, ' ');
}

/* One key a line; lists and small maps on one. */
static void add_indented(struct dm_arena *a, struct dm_strbuf *b, const struct dm_value *v,
                         int depth)
{
    struct dm_str line = dm_value_json(a, v);
    if (line.len <= 100 || (v->kind != DM_MAP && v->kind != DM_LIST)) {
        dm_strbuf_addstr(b, line);
        return;
    }
    bool map = v->kind == DM_MAP;
    size_t n = map ? v->map.n : v->list.n;
    dm_strbuf_addc(b, map ? '{' : '[');
    for (size_t i = 0; i < n; i++) {
        dm_strbuf_adds(b, i ? "," : "");
        new_line(b, depth + 1);
        if (map) {
            dm_strbuf_add_json(b, v->map.pairs[i].key->s);
            dm_strbuf_adds(b, ": ");
        }
        add_indented(a, b, map ? v->map.pairs[i].value : v->list.items[i], depth + 1);
    }
    new_line(b, depth);
    dm_strbuf_addc(b, map ? '}' : ']');
}

void dm_dag_schema(struct dm_strbuf *b, const struct dm_op_table *ops)
{
    _cleanup_arena_ struct dm_arena a = {0};
    add_indented(&a, b, whole(&a, ops), 0);
    dm_strbuf_addc(b, '\n');
}
