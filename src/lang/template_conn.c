/* var and conn of templates: variables and connections. */
#include "lang/template_record.h"

/* --- variables --- */

static int variable(struct dm_eval *e, bool json, struct dm_str name, const struct dm_value **ret)
{
    struct dm_str value;
    struct dm_value *parsed;
    int rc = e->c->var ? e->c->var(e->c->user, name, &value, e->err) : 0;
    if (rc <= 0)
        return dm_eval_outside(e, rc);
    if (!json) {
        *ret = dm_str_value(e, dm_str_dup(e->a, value));
        return 1;
    }
    if (dm_value_from_json(e->a, value, &parsed, NULL) < 0)
        return dm_eval_fail(e, DM_TE_VALUE, "variable %.*s is not valid JSON", DM_FMT(name));
    *ret = parsed;
    return 1;
}

/* var.value and var.json: `data` says which. */
static char value_mark, json_mark;

static int accessor_get(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str name;
    DM_TRY(dm_param_str(e, c, 0, "", &name));
    int rc = variable(e, c->self->object->data == &json_mark, name, ret);
    if (rc == 0 && !c->arg[1])
        return dm_eval_fail(e, DM_TE_KEY, "Variable %.*s does not exist", DM_FMT(name));
    if (rc == 0)
        *ret = c->arg[1];
    return rc < 0 ? rc : 0;
}

static const struct dm_callable accessor_methods[] = {
    {"get", "item default_var?", accessor_get},
    {NULL},
};

static int accessor_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                         const struct dm_value **ret)
{
    const struct dm_callable *method = dm_callable_find(accessor_methods, name);
    if (method) {
        *ret = dm_bound(e, method, self);
        return 1;
    }
    int rc = variable(e, self->object->data == &json_mark, name, ret);
    if (rc == 0)
        return dm_eval_fail(e, DM_TE_KEY, "Variable %.*s does not exist", DM_FMT(name));
    return rc;
}

/* Airflow's accessors print as None. */
static int none_text(struct dm_eval *e, const struct dm_value *self, bool repr, struct dm_strbuf *b)
{
    dm_strbuf_adds(b, "None");
    return 0;
}

static const struct dm_class class_accessor = {
    .type = "VariableAccessor", .attr = accessor_attr, .text = none_text};

/* --- connections --- */

static const char *const connection_fields[] = {"conn_id", "conn_type", "description", "host",
                                                "login",   "password",  "schema",      "port"};
enum { N_FIELDS = sizeof(connection_fields) / sizeof(connection_fields[0]) };

static void quote(struct dm_strbuf *b, struct dm_str s, bool plus)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char ch = (unsigned char)s.p[i];
        bool plain = (ch >= '0' && ch <= '9') || ((ch | 32) >= 'a' && (ch | 32) <= 'z') ||
                     (ch && strchr("_.-~", ch));
        if (plain)
            dm_strbuf_addc(b, (char)ch);
        else if (ch == ' ' && plus)
            dm_strbuf_addc(b, '+');
        else
            dm_strbuf_addf(b, "%%%02X", ch);
    }
}

/* Extra values as a query, or as one JSON text where they are not all texts. */
static void uri_extra(struct dm_eval *e, const struct dm_value *f, struct dm_strbuf *b)
{
    const struct dm_value *extra = dm_map_at(f, "extra_dejson");
    if (!extra || extra->kind != DM_MAP || !extra->map.n)
        return;
    bool texts = true;
    for (size_t i = 0; i < extra->map.n; i++)
        texts &= extra->map.pairs[i].key->kind == DM_STRING &&
                 extra->map.pairs[i].value->kind == DM_STRING;
    dm_strbuf_adds(b, dm_map_str(f, "schema", "").len ? "?" : "/?");
    if (!texts) {
        dm_strbuf_adds(b, "__extra__=");
        quote(b, dm_value_json(e->a, extra), true);
        return;
    }
    for (size_t i = 0; i < extra->map.n; i++) {
        if (i)
            dm_strbuf_addc(b, '&');
        quote(b, extra->map.pairs[i].key->s, true);
        dm_strbuf_addc(b, '=');
        quote(b, extra->map.pairs[i].value->s, true);
    }
}

static int get_uri(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct dm_value *f = dm_record_fields(c);
    struct dm_str type = dm_map_str(f, "conn_type", ""), host = dm_map_str(f, "host", "");
    const struct dm_value *login = dm_map_at(f, "login"), *password = dm_map_at(f, "password");
    int64_t port = dm_map_int(f, "port", 0);
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    for (size_t i = 0; i < type.len; i++)
        dm_strbuf_addc(&b, type.p[i] == '_' ? '-' : type.p[i]);
    dm_strbuf_adds(&b, type.len ? "://" : "//");
    ptrdiff_t protocol = dm_str_find(host, DM_STR("://"), 0);
    if (protocol >= 0) {
        dm_strbuf_addstr(&b, dm_str_sub(host, 0, (size_t)protocol + 3));
        host = dm_str_sub(host, (size_t)protocol + 3, host.len);
    }
    bool who = (login && login->kind == DM_STRING) || (password && password->kind == DM_STRING);
    if (login && login->kind == DM_STRING)
        quote(&b, login->s, false);
    if (password && password->kind == DM_STRING) {
        dm_strbuf_addc(&b, ':');
        quote(&b, password->s, false);
    }
    if (who || (port && !host.len))
        dm_strbuf_addc(&b, '@');
    quote(&b, host, false);
    if (port)
        dm_strbuf_addf(&b, ":%lld", (long long)port);
    struct dm_str schema = dm_map_str(f, "schema", "");
    if (schema.len) {
        dm_strbuf_addc(&b, '/');
        quote(&b, schema, false);
    }
    uri_extra(e, f, &b);
    return dm_new_text(e, &b, ret);
}

static int get_password(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    const struct dm_value *v = dm_map_at(dm_record_fields(c), "password");
    *ret = v ? v : &dm_null;
    return 0;
}

static int get_extra(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    *ret = dm_map_at(dm_record_fields(c), "extra");
    return 0;
}

static int get_extra_dejson(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    *ret = dm_map_at(dm_record_fields(c), "extra_dejson");
    return 0;
}

/* The fields as a map; `prune` leaves out those that say nothing. */
static int fields_of(struct dm_eval *e, const struct dm_value *f, bool prune, struct dm_value **ret)
{
    struct dm_value *map = dm_value_map(e->a);
    for (size_t i = 0; i < N_FIELDS; i++) {
        const struct dm_value *v = dm_map_at(f, connection_fields[i]);
        if (!prune || v->kind != DM_NULL)
            dm_map_set(e->a, map, connection_fields[i], v);
    }
    const struct dm_value *extra = dm_map_at(f, "extra_dejson");
    int any = dm_truth(e, extra);
    if (any < 0)
        return any;
    if (any || !prune)
        dm_map_set(e->a, map, "extra", extra);
    *ret = map;
    return 0;
}

static int to_dict(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *map;
    bool prune;
    DM_TRY(dm_param_bool(e, c, 0, false, &prune));
    DM_TRY(fields_of(e, dm_record_fields(c), prune, &map));
    *ret = map;
    return 0;
}

static int as_json(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_value *map, *json = dm_value_map(e->a);
    DM_TRY(fields_of(e, dm_record_fields(c), true, &map));
    for (size_t i = 0; i < map->map.n; i++)
        if (!dm_str_is(map->map.pairs[i].key->s, "conn_id"))
            dm_map_set_value(e->a, json, map->map.pairs[i].key, map->map.pairs[i].value);
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    DM_TRY(dm_json_text(e, json, &(struct dm_json_style){.indent = -1, .ascii = true}, &b));
    return dm_new_text(e, &b, ret);
}

static const struct dm_class class_connection =
    DM_RECORD_CLASS("airflow.models.connection.Connection");

static const struct dm_callable connection_methods[] = {
    {"as_json", "", as_json},
    {"get_extra", "", get_extra},
    {"get_extra_dejson", "nested?", get_extra_dejson},
    {"get_password", "", get_password},
    {"get_uri", "", get_uri},
    {"to_dict", "prune_empty? validate?", to_dict},
    {NULL},
};

static int connection(struct dm_eval *e, struct dm_str id, const struct dm_value **ret)
{
    const struct dm_value *v;
    int rc = e->c->conn ? e->c->conn(e->c->user, e->a, id, &v, e->err) : 0;
    if (rc <= 0)
        return dm_eval_outside(e, rc);
    struct dm_value *f = dm_value_map(e->a);
    for (size_t i = 0; i < N_FIELDS; i++) {
        const struct dm_value *field = dm_map_at(v, connection_fields[i]);
        dm_map_set(e->a, f, connection_fields[i], field ? field : &dm_null);
    }
    const struct dm_value *extra = dm_map_at(v, "extra");
    bool map = extra && extra->kind == DM_MAP;
    dm_map_set(e->a, f, "extra_dejson", map ? dm_own_copy(e, extra) : dm_value_map(e->a));
    dm_map_set(e->a, f, "extra", map ? dm_str_value(e, dm_value_json(e->a, extra)) : &dm_null);
    *ret =
        dm_record(e, &class_connection,
                  (struct dm_record){
                      .label = dm_str_cstr(e->a, id), .fields = f, .methods = connection_methods});
    return 1;
}

static int conn_get(struct dm_eval *e, const struct dm_call *c, const struct dm_value **ret)
{
    struct dm_str id;
    DM_TRY(dm_param_str(e, c, 0, "", &id));
    int rc = connection(e, id, ret);
    if (rc == 0)
        *ret = c->arg[1] ? c->arg[1] : &dm_null;
    return rc < 0 ? rc : 0;
}

static const struct dm_callable conn_methods[] = {
    {"get", "key default_conn?", conn_get},
    {NULL},
};

static int conn_attr(struct dm_eval *e, const struct dm_value *self, struct dm_str name,
                     const struct dm_value **ret)
{
    const struct dm_callable *method = dm_callable_find(conn_methods, name);
    if (method) {
        *ret = dm_bound(e, method, self);
        return 1;
    }
    int rc = connection(e, name, ret);
    if (rc == 0)
        return dm_eval_fail(e, DM_TE_OTHER, "The conn_id `%.*s` isn't defined", DM_FMT(name));
    return rc;
}

static const struct dm_class class_conn = {
    .type = "ConnectionAccessor", .attr = conn_attr, .text = none_text};

const struct dm_value *dm_variables(struct dm_eval *e)
{
    struct dm_value *var = dm_value_map(e->a);
    dm_map_set(e->a, var, "json", dm_object_value(e, &class_accessor, &json_mark));
    dm_map_set(e->a, var, "value", dm_object_value(e, &class_accessor, &value_mark));
    return var;
}

const struct dm_value *dm_connections(struct dm_eval *e)
{
    return dm_object_value(e, &class_conn, NULL);
}
