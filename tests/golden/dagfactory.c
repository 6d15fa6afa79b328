/*
 * Kind `dagfactory`: folders of DAG files, loaded as dag-factory and Airflow load them
 * (golden/dagfactory/cases.jsonl, its README says what each field means).
 *
 * What is compared, by rule:
 *   - each DAG that is expected must be there and say the same; `fields` of a quirk are left out (of the DAG that it
 *     names), and a quirk without `fields` skips the case;
 *   - each error that is expected must be found in its file (stage load) or DAG (stage airflow), with its class;
 *     we may find more in such a file, and keep its other DAGs: both is better, not wrong;
 *   - a file without an expected error must have none;
 *   - no Python runs while DAGs are loaded: a value that a Python file gives a name is not compared;
 *   - schedule null or absent means no schedule, the tag "dagfactory" is not ours, and what an operator makes of its
 *     arguments by itself is not compared;
 *   - what Python takes for "not given" is not given: null for false, a span or a limit of 0 and empty values for none.
 */
#include "dagfactory.h"

#include "base/file.h"
#include "base/time.h"

struct run {
    struct golden_case *c;
    struct dm_arena *a;
    const char *root;
    int64_t now;
    const struct dm_op_table *ops;
    struct dm_dag_set set;
    struct dm_strbuf wrong;
};

static const char *environment(void *user, const char *name)
{
    const struct run *r = user;
    if (strcmp(name, "CASE_ROOT") == 0)
        return r->root;
    const struct dm_value *v = dm_map_at(dm_map_at(r->c->value, "env"), name);
    return v && v->kind == DM_STRING ? dm_str_cstr(r->a, v->s) : NULL;
}

static int base64_digit(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

static struct dm_str decode_base64(struct dm_arena *a, struct dm_str s)
{
    char *out = dm_arena_array(a, char, s.len + 1);
    size_t n = 0;
    unsigned bits = 0, value = 0;
    for (size_t i = 0; i < s.len && base64_digit(s.p[i]) >= 0; i++) {
        value = value << 6 | (unsigned)base64_digit(s.p[i]);
        bits += 6;
        if (bits >= 8)
            bits -= 8, out[n++] = (char)(value >> bits & 0xff);
    }
    return dm_str_n(out, n);
}

static int write_files(struct run *r, struct dm_err *reterr)
{
    const struct dm_value *files = dm_map_at(r->c->value, "files");
    for (size_t i = 0; files && i < files->map.n; i++) {
        const struct dm_value *v = files->map.pairs[i].value;
        const char *path =
            dm_path_join(r->a, r->root, dm_str_cstr(r->a, files->map.pairs[i].key->s));
        struct dm_str text =
            v->kind == DM_STRING ? v->s : decode_base64(r->a, dm_map_str(v, "base64", ""));
        DM_TRY(dm_mkdirs_for(path, reterr));
        DM_TRY(dm_file_write(path, text, 0644, reterr));
    }
    return 0;
}

dm_printf(2, 3) static void wrong(struct run *r, const char *fmt, ...)
{
    va_list ap;
    if (r->wrong.len)
        dm_strbuf_adds(&r->wrong, "; ");
    va_start(ap, fmt);
    dm_strbuf_vaddf(&r->wrong, fmt, ap);
    va_end(ap);
}

static bool has_item(const struct dm_value *list, const struct dm_value *item)
{
    for (size_t i = 0; i < list->list.n; i++)
        if (dm_value_equal(list->list.items[i], item))
            return true;
    return false;
}

/* Tags are a set, and the tag dagfactory is not ours. */
static const struct dm_value *tags_of(struct run *r, const struct dm_value *v)
{
    struct dm_value *tags = dm_value_list(r->a, 0);
    for (size_t i = 0; v && i < v->list.n; i++)
        if (!dm_value_equal(v->list.items[i], dm_value_cstr(r->a, "dagfactory")) &&
            !has_item(tags, v->list.items[i]))
            dm_list_add(r->a, tags, v->list.items[i]);
    return tags->list.n ? tags : NULL;
}

static bool says_nothing(const struct dm_value *v)
{
    return v->kind == DM_NULL || (v->kind == DM_INT && v->i == 0) ||
           (v->kind == DM_BOOL && !v->b) || (v->kind == DM_FLOAT && v->f == 0) ||
           (v->kind == DM_STRING && v->s.len == 0) || (v->kind == DM_LIST && v->list.n == 0) ||
           (v->kind == DM_MAP && v->map.n == 0);
}

static struct dm_value *sorted(struct run *r, const struct dm_value *list)
{
    struct dm_value *out = dm_value_list(r->a, 0);
    for (size_t i = 0; list->kind == DM_LIST && i < list->list.n; i++) {
        dm_list_add(r->a, out, list->list.items[i]);
        for (size_t k = i; k > 0 && out->list.items[k]->kind == DM_STRING &&
                           out->list.items[k - 1]->kind == DM_STRING &&
                           dm_str_cmp(out->list.items[k - 1]->s, out->list.items[k]->s) > 0;
             k--) {
            struct dm_value *swap = (struct dm_value *)out->list.items[k];
            out->list.items[k] = out->list.items[k - 1];
            out->list.items[k - 1] = swap;
        }
    }
    return out;
}

/* Airflow writes {role: [permission]} as {role: {DAGs: set of permissions}}. */
static const struct dm_value *granted(struct run *r, const struct dm_value *v)
{
    struct dm_value *out = dm_value_map(r->a);
    for (size_t i = 0; i < v->map.n; i++) {
        const struct dm_value *list = v->map.pairs[i].value;
        struct dm_value *of_dags = dm_value_map(r->a), *set = dm_value_map(r->a);
        dm_map_set(r->a, set, "__set__", sorted(r, list));
        dm_map_set(r->a, of_dags, "DAGs", set);
        dm_map_set_value(r->a, out, v->map.pairs[i].key, list->kind == DM_LIST ? of_dags : list);
    }
    return out;
}

/* Of a DAG: values that are empty stand for none. */
static const struct dm_value *field_of(struct run *r, struct dm_str key, const struct dm_value *v)
{
    static const char *const none[] = {"dagrun_timeout", "doc_md", "user_defined_macros",
                                       "access_control", NULL};
    for (size_t i = 0; v && none[i]; i++)
        if (dm_str_is(key, none[i]) && says_nothing(v))
            return NULL;
    if (v && v->kind == DM_MAP && dm_str_is(key, "access_control"))
        return granted(r, v);
    return dm_str_is(key, "tags") ? tags_of(r, v) : v;
}

static bool left_out(const struct run *r, struct dm_str dag_id, struct dm_str field)
{
    const struct dm_value *quirks = dm_map_at(r->c->value, "quirk");
    for (size_t i = 0; quirks && i < quirks->list.n; i++) {
        const struct dm_value *q = quirks->list.items[i], *fields = dm_map_at(q, "fields");
        const struct dm_value *only = dm_map_at(q, "dag_id");
        if (!fields || (only && !dm_str_eq(only->s, dag_id)))
            continue;
        for (size_t k = 0; k < fields->list.n; k++)
            if (dm_str_eq(fields->list.items[k]->s, field))
                return true;
    }
    return false;
}

static const char *shown(struct run *r, const struct dm_value *v)
{
    return v ? dm_str_cstr(r->a, dm_value_json(r->a, v)) : "(nothing)";
}

/* A text that names the case's folder names it as answers do. */
static struct dm_str with_root(struct run *r, struct dm_str s)
{
    struct dm_str root = dm_str_c(r->root);
    ptrdiff_t at = dm_str_find(s, root, 0);
    if (at < 0)
        return s;
    struct dm_str head = dm_str_sub(s, 0, (size_t)at);
    struct dm_str tail = dm_str_sub(s, (size_t)at + root.len, s.len);
    return dm_str_printf(r->a, "%.*s${CASE_ROOT}%.*s", DM_FMT(head), DM_FMT(with_root(r, tail)));
}

static const struct dm_value *rooted(struct run *r, const struct dm_value *v)
{
    if (v->kind == DM_STRING)
        return dm_str_find(v->s, dm_str_c(r->root), 0) < 0 ? v
                                                           : dm_value_str(r->a, with_root(r, v->s));
    if (v->kind == DM_LIST) {
        struct dm_value *out = dm_value_list(r->a, v->list.n);
        for (size_t i = 0; i < v->list.n; i++)
            out->list.items[i] = rooted(r, v->list.items[i]);
        return out;
    }
    if (v->kind != DM_MAP)
        return v;
    struct dm_value *out = dm_value_map(r->a);
    for (size_t i = 0; i < v->map.n; i++)
        dm_map_set_value(r->a, out, rooted(r, v->map.pairs[i].key),
                         rooted(r, v->map.pairs[i].value));
    return out;
}

/* Equal, but for values that Python would have to read. */
static bool same(const struct dm_value *want, const struct dm_value *got)
{
    if (dm_map_at(got, golden_python_value))
        return true;
    if (want->kind == DM_LIST && got->kind == DM_LIST && want->list.n == got->list.n) {
        for (size_t i = 0; i < want->list.n; i++)
            if (!same(want->list.items[i], got->list.items[i]))
                return false;
        return true;
    }
    if (want->kind != DM_MAP || got->kind != DM_MAP || want->map.n != got->map.n)
        return dm_value_equal(want, got);
    for (size_t i = 0; i < want->map.n; i++) {
        const struct dm_value *v = dm_map_get_value(got, want->map.pairs[i].key);
        if (!v || !same(want->map.pairs[i].value, v))
            return false;
    }
    return true;
}

static void compare(struct run *r, const char *where, struct dm_str key,
                    const struct dm_value *want, const struct dm_value *got)
{
    if (!want ? got != NULL : !got || !same(want, got))
        wrong(r, "%s.%.*s: want %s, got %s", where, DM_FMT(key), shown(r, want), shown(r, got));
}

static bool is_fallback(struct run *r, const struct dm_op_field *f, const struct dm_value *v)
{
    struct dm_value *fallback;
    if (v->kind == DM_NULL)
        return true;
    if (f && !f->fallback && !f->required && says_nothing(v))
        return true;
    return f && f->fallback &&
           dm_value_from_json(r->a, dm_str_c(f->fallback), &fallback, NULL) == 0 &&
           dm_value_equal(v, fallback);
}

/* A sensor counts these in seconds, however they were written. */
static const struct dm_value *in_seconds(const struct dm_op_spec *spec, struct dm_str key,
                                         const struct dm_value *v)
{
    const struct dm_value *span = v ? dm_map_at(v, "__timedelta__") : NULL;
    bool counted =
        dm_str_is(key, "poke_interval") || dm_str_is(key, "timeout") || dm_str_is(key, "max_wait");
    return span && counted && spec && spec->sensor ? span : v;
}

/* dag-factory writes a body that is JSON as text, in a function of its own. */
static bool is_json_body(const struct dm_value *want)
{
    return dm_str_is(dm_map_str(want, "__callable__", ""), "dagfactory.utils.<lambda>");
}

static void compare_args(struct run *r, const char *where, struct dm_str operator_name,
                         const struct dm_value *want, const struct dm_value *got)
{
    const struct dm_op_spec *spec = dm_op_spec_find(r->ops, operator_name);
    for (size_t i = 0; want && i < want->map.n; i++) {
        struct dm_str key = want->map.pairs[i].key->s;
        const struct dm_op_field *f = spec ? dm_op_field_find(spec, key) : NULL;
        const struct dm_value *v = want->map.pairs[i].value;
        if ((!f || f->doc != golden_reworked) && !is_json_body(v))
            compare(r, where, key, in_seconds(spec, key, v),
                    in_seconds(spec, key, dm_map_get_str(got, key)));
    }
    for (size_t i = 0; got && i < got->map.n; i++) {
        struct dm_str key = got->map.pairs[i].key->s;
        const struct dm_op_field *f = spec ? dm_op_field_find(spec, key) : NULL;
        const struct dm_value *v = got->map.pairs[i].value;
        if (dm_map_get_str(want, key) || (f && f->doc == golden_reworked) || is_fallback(r, f, v))
            continue;
        if (!f && spec && spec->sensor) /* what every sensor has, at its default */
            continue;
        wrong(r, "%s.%.*s: want nothing, got %s", where, DM_FMT(key), shown(r, v));
    }
}

static void compare_mapped(struct run *r, const char *where, struct dm_str operator_name,
                           const struct dm_value *want, const struct dm_value *got)
{
    if (!want || !got) {
        compare(r, where, DM_STR("mapped"), want, got);
        return;
    }
    compare_args(r, where, operator_name, dm_map_at(want, "partial"), dm_map_at(got, "partial"));
    compare(r, where, DM_STR("expand"), dm_map_at(want, "expand"), dm_map_at(got, "expand"));
    compare(r, where, DM_STR("op_kwargs_expand"), dm_map_at(want, "op_kwargs_expand"),
            dm_map_at(got, "op_kwargs_expand"));
}

static bool mapped_does_not_say(const struct dm_value *task, struct dm_str key)
{
    return dm_map_at(task, "mapped") &&
           (dm_str_is(key, "email_on_failure") || dm_str_is(key, "email_on_retry") ||
            dm_str_is(key, "do_xcom_push"));
}

/* An owner is a text here: Airflow's other values are compared as it shows them.  Null is false to Airflow where the
   value is one of two, and none elsewhere; so are spans and limits of 0. */
static const struct dm_value *expected_of_task(struct run *r, struct dm_str key,
                                               const struct dm_value *v)
{
    static const char *const on[] = {"email_on_failure", "email_on_retry", "do_xcom_push",
                                     "ignore_first_depends_on_past", NULL};
    static const char *const none[] = {"execution_timeout", "max_retry_delay", "sla",
                                       "max_active_tis_per_dag", NULL};
    for (size_t i = 0; v->kind == DM_NULL && on[i]; i++)
        if (dm_str_is(key, on[i]))
            return dm_value_bool(r->a, false);
    for (size_t i = 0; none[i]; i++)
        if (dm_str_is(key, none[i]) && says_nothing(v))
            return NULL;
    static const char *const ones[] = {"pool_slots", "priority_weight", "max_active_tis_per_dag",
                                       NULL};
    for (size_t i = 0; v->kind == DM_BOOL && ones[i]; i++)
        if (dm_str_is(key, ones[i])) /* a number to Python, and mostly the default */
            return v->b && i < 2 ? NULL : v->b ? dm_value_int(r->a, 1) : dm_value_int(r->a, 0);
    if (v->kind == DM_NULL)
        return NULL;
    return dm_str_is(key, "owner") && v->kind != DM_STRING
               ? dm_value_str(r->a, dm_value_json(r->a, v))
               : v;
}

/* A null that was given is kept as such by Airflow; here it is what it means: false, or nothing. */
static bool is_none(const struct dm_value *v)
{
    return !v || v->kind == DM_NULL || (v->kind == DM_BOOL && !v->b);
}

static void compare_task(struct run *r, const struct dm_value *dag, const struct dm_value *want,
                         const struct dm_value *got)
{
    struct dm_str id = dm_map_str(want, "task_id", ""), op = dm_map_str(want, "operator", "");
    const char *where = dm_str_cstr(r->a, id);
    for (size_t i = 0; i < want->map.n; i++) {
        struct dm_str key = want->map.pairs[i].key->s;
        const struct dm_value *v = dm_map_get_str(got, key);
        if (want->map.pairs[i].value->kind == DM_NULL && is_none(v))
            continue;
        if (!dm_str_is(key, "args") && !dm_str_is(key, "mapped") && !mapped_does_not_say(want, key))
            compare(r, where, key, expected_of_task(r, key, want->map.pairs[i].value), v);
    }
    for (size_t i = 0; i < got->map.n; i++) {
        struct dm_str key = got->map.pairs[i].key->s;
        /* A task without a date begins and ends with its DAG. */
        const struct dm_value *of_dag = dm_map_get_str(dag, key);
        bool dags = (dm_str_is(key, "start_date") || dm_str_is(key, "end_date")) && of_dag &&
                    dm_value_equal(got->map.pairs[i].value, of_dag);
        if (!dags && !dm_str_is(key, "args") && !dm_str_is(key, "mapped") &&
            !dm_map_get_str(want, key))
            compare(r, where, key, NULL, got->map.pairs[i].value);
    }
    if (dm_map_at(want, "mapped") || dm_map_at(got, "mapped"))
        compare_mapped(r, where, op, dm_map_at(want, "mapped"), dm_map_at(got, "mapped"));
    else
        compare_args(r, where, op, dm_map_at(want, "args"), dm_map_at(got, "args"));
}

static void compare_tasks(struct run *r, const char *dag_id, const struct dm_value *want,
                          const struct dm_value *dag)
{
    const struct dm_value *got = dm_map_at(dag, "tasks");
    for (size_t i = 0; i < want->list.n; i++) {
        struct dm_str id = dm_map_str(want->list.items[i], "task_id", "");
        const struct dm_value *mine = dm_map_get_str(got, id);
        if (mine)
            compare_task(r, dag, want->list.items[i], mine);
        else
            wrong(r, "%s: there is no task %.*s", dag_id, DM_FMT(id));
    }
    if (got->map.n != want->list.n)
        wrong(r, "%s: want %zu tasks, got %zu", dag_id, want->list.n, got->map.n);
}

/* Airflow keeps a date that stands in default_args there, and reckons with the tasks' own; here it is the DAG's. */
static bool of_tasks(const struct dm_value *want, struct dm_str key)
{
    const struct dm_value *tasks = dm_map_at(want, "tasks");
    bool all = dm_str_is(key, "start_date") || dm_str_is(key, "end_date");
    if (all && dm_map_get_str(dm_map_at(want, "default_args"), key))
        return true;
    all &= tasks->list.n > 0;
    for (size_t i = 0; all && i < tasks->list.n; i++)
        all = dm_map_get_str(tasks->list.items[i], key) != NULL;
    return all;
}

static void compare_dag(struct run *r, const struct dm_value *want)
{
    struct dm_str id = dm_map_str(want, "dag_id", "");
    const struct dm_dag *dag = dm_dag_find(&r->set, id);
    if (!dag) {
        wrong(r, "the DAG %.*s was not loaded", DM_FMT(id));
        return;
    }
    const struct dm_value *got = rooted(r, golden_dag_answer(r->a, dag, r->now));
    for (size_t i = 0; i < want->map.n; i++) {
        struct dm_str key = want->map.pairs[i].key->s;
        const struct dm_value *v = field_of(r, key, want->map.pairs[i].value);
        /* No Python runs while DAGs are loaded. */
        bool written = dm_str_is(key, "doc_md") && dm_map_at(dag->callables, "doc_md");
        if (!dm_str_is(key, "tasks") && !written && !left_out(r, id, key))
            compare(r, dag->dag_id, key, v, field_of(r, key, dm_map_get_str(got, key)));
    }
    for (size_t i = 0; i < got->map.n; i++) {
        struct dm_str key = got->map.pairs[i].key->s;
        if (!dm_map_get_str(want, key) && !left_out(r, id, key) && !of_tasks(want, key))
            compare(r, dag->dag_id, key, NULL, field_of(r, key, got->map.pairs[i].value));
    }
    compare_tasks(r, dag->dag_id, dm_map_at(want, "tasks"), got);
}

/* A wrong type and a value out of range are one class, because which of them it is depends on who looks first. */
static bool same_class(struct dm_str want, const char *got)
{
    bool value = dm_str_is(want, "schema") || dm_str_is(want, "bad_argument");
    return dm_str_is(want, got) ||
           (value && (strcmp(got, "schema") == 0 || strcmp(got, "bad_argument") == 0));
}

/* The answers are Airflow 2's; what only Airflow 3 has is known here as well. */
static bool newer(struct dm_str message)
{
    static const char *const names[] = {"No module named 'airflow.sdk",
                                        "No module named 'airflow.providers.standard",
                                        "received 'all_done_min_one_success'", NULL};
    for (size_t i = 0; names[i]; i++)
        if (dm_str_find(message, dm_str_c(names[i]), 0) >= 0)
            return true;
    return false;
}

static void compare_error(struct run *r, const struct dm_value *want)
{
    if (newer(dm_map_str(want, "message", "")))
        return;
    struct dm_str file = dm_map_str(want, "file", ""), class = dm_map_str(want, "class", "");
    struct dm_str dag_id = dm_map_str(want, "dag_id", "");
    const char *others = "";
    for (size_t i = 0; i < r->set.n_diags; i++) {
        const struct dm_diag *d = &r->set.diags[i];
        if (d->warning || !dm_str_is(file, d->file) ||
            (dag_id.len && !(d->dag_id && dm_str_is(dag_id, d->dag_id))))
            continue;
        if (same_class(class, d->code))
            return;
        others = dm_arena_printf(r->a, "%s %s (%s)", others, d->code, d->message);
    }
    wrong(r, "%.*s: want error %.*s \"%.*s\", got%s", DM_FMT(file), DM_FMT(class),
          DM_FMT(dm_map_str(want, "message", "")), *others ? others : " none");
}

static void check_unexpected(struct run *r, const struct dm_value *errors)
{
    for (size_t i = 0; i < r->set.n_diags; i++) {
        const struct dm_diag *d = &r->set.diags[i];
        /* A defaults file is no DAG file: what is wrong with it is found in those that need it. */
        bool expected = d->warning || strncmp(dm_path_base(d->file), "defaults.y", 10) == 0;
        for (size_t k = 0; k < errors->list.n && !expected; k++)
            expected = dm_str_is(dm_map_str(errors->list.items[k], "file", ""), d->file);
        if (!expected)
            wrong(r, "%s:%u: error %s: %s", d->file, d->line, d->code, d->message);
    }
}

/* A DAG that Airflow's checks refuse may not be there. */
static void check_refused(struct run *r, const struct dm_value *errors)
{
    for (size_t i = 0; i < errors->list.n; i++) {
        const struct dm_value *id = dm_map_at(errors->list.items[i], "dag_id");
        const struct dm_dag *dag = id ? dm_dag_find(&r->set, id->s) : NULL;
        if (dag && dm_str_is(dm_map_str(errors->list.items[i], "file", ""), dag->file))
            wrong(r, "the DAG %s was loaded", dag->dag_id);
    }
}

/* The other DAGs of a file that dag-factory gives up may be there; those of a file that it never read may not. */
static void check_surplus(struct run *r, const struct dm_value *dags, const struct dm_value *errors)
{
    for (size_t i = 0; i < r->set.n_dags; i++) {
        const struct dm_dag *dag = r->set.dags[i];
        bool expected = false;
        for (size_t k = 0; k < dags->list.n && !expected; k++)
            expected = dm_str_is(dm_map_str(dags->list.items[k], "dag_id", ""), dag->dag_id);
        for (size_t k = 0; k < errors->list.n && !expected; k++)
            expected = dm_str_is(dm_map_str(errors->list.items[k], "file", ""), dag->file);
        if (!expected)
            wrong(r, "%s: the DAG %s is there and should not be", dag->file, dag->dag_id);
    }
}

static int load(struct run *r, struct dm_err *reterr)
{
    struct dm_load_world world = {
        .project_dir = r->root,
        .ops = r->ops,
        .now = r->now,
        .env = environment,
        .user = r,
        .dialect = dm_str_starts(dm_map_str(r->c->value, "dagfactory", ""), DM_STR("0."))
                       ? DM_DIALECT_V0
                       : DM_DIALECT_V1,
        .ignore_regexp = true, /* the answers are those of Airflow 2 */
        .model_only = true};
    DM_TRY(write_files(r, reterr));
    return dm_dags_load(r->a, r->root, &world, &r->set, reterr);
}

static const char *skipped(const struct golden_case *c)
{
    const struct dm_value *quirks = dm_map_at(c->value, "quirk");
    for (size_t i = 0; quirks && i < quirks->list.n; i++)
        if (!dm_map_at(quirks->list.items[i], "fields"))
            return dm_str_cstr(c->arena, dm_map_str(quirks->list.items[i], "what", ""));
    return NULL;
}

static void answer(struct run *r)
{
    const struct dm_value *expect = dm_map_at(r->c->value, "expect");
    const struct dm_value *dags = dm_map_at(expect, "dags"), *errors = dm_map_at(expect, "errors");
    struct dm_err err;
    if (!dags || !errors || !dm_time_parse(dm_map_str(r->c->value, "now", ""), &r->now))
        wrong(r, "not a case: no dags, errors or now");
    else if (load(r, &err) < 0)
        wrong(r, "%s", err.message);
    else {
        for (size_t i = 0; i < dags->list.n; i++)
            compare_dag(r, dags->list.items[i]);
        for (size_t i = 0; i < errors->list.n; i++)
            compare_error(r, errors->list.items[i]);
        check_unexpected(r, errors);
        check_refused(r, errors);
        check_surplus(r, dags, errors);
    }
}

static enum golden_verdict run(struct golden_case *c)
{
    char root[] = "/tmp/daymill-golden-XXXXXX";
    struct run r = {.c = c, .a = c->arena, .ops = golden_dagfactory_ops(c->arena)};
    struct dm_err err;
    if ((c->got = skipped(c)))
        return GOLDEN_SKIP;
    if (!mkdtemp(root)) {
        c->got = "no temporary folder";
        return GOLDEN_FAIL;
    }
    r.root = root;
    dm_strbuf_init(&r.wrong, DM_BUF_TEXT);
    answer(&r);
    if (dm_remove_tree(root, &err) < 0)
        wrong(&r, "%s", err.message);
    c->expected = shown(&r, dm_map_at(c->value, "expect"));
    c->got = dm_str_cstr(c->arena, dm_strbuf_str(&r.wrong));
    dm_strbuf_release(&r.wrong);
    return *c->got ? GOLDEN_FAIL : GOLDEN_PASS;
}

const struct golden_kind golden_dagfactory = {"dagfactory", run};
