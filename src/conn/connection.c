/* Reading connections: URIs and maps, aliases, the environment. */
#include "conn/connection.h"

#include "base/log.h"

enum { CONN_NAMES_MAX = 1000 };

static const struct {
    const char *alias, *id;
} aliases[] = {
    {"postgres_default", "oltp"}, {"s3_conn", "lake"},       {"aws_default", "cluster"},
    {"emr_default", "cluster"},   {"redshift", "warehouse"},
};

static const char *const map_keys[] = {"conn_type", "host",  "login",       "password", "schema",
                                       "port",      "extra", "description", "conn_id",  NULL};

/* Extras with one of these in their name are secrets, as in Airflow's masker. */
static const char *const secret_names[] = {
    "access_token", "api_key", "apikey", "authorization", "passphrase",      "passwd", "password",
    "private_key",  "secret",  "token",  "keyfile_dict",  "service_account", NULL};

bool dm_conn_secret_name(struct dm_str name)
{
    for (const char *const *s = secret_names; *s; s++) {
        struct dm_str secret = dm_str_c(*s);
        for (size_t i = 0; i + secret.len <= name.len; i++)
            if (dm_str_ieq(dm_str_n(name.p + i, secret.len), secret))
                return true;
    }
    return false;
}

static void mask_secrets(struct dm_arena *a, const struct dm_connection *c)
{
    dm_log_mask(c->password);
    for (size_t i = 0; c->extra && i < c->extra->map.n; i++) {
        const struct dm_pair *p = &c->extra->map.pairs[i];
        if (p->key->kind == DM_STRING && p->value->kind == DM_STRING &&
            dm_conn_secret_name(p->key->s))
            dm_log_mask(dm_str_cstr(a, p->value->s));
    }
}

/* "amazon-redshift" -> "amazon_redshift", "postgresql" -> "postgres", as Airflow normalises. */
static const char *conn_type_of(struct dm_arena *a, struct dm_str scheme)
{
    if (dm_str_is(scheme, "postgresql"))
        return "postgres";
    char *s = dm_arena_strndup(a, scheme.p, scheme.len);
    for (char *p = s; *p; p++)
        if (*p == '-')
            *p = '_';
    return s;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)(c | 0x20);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static struct dm_str unquote(struct dm_arena *a, struct dm_str s, bool plus_is_space)
{
    char *out = dm_arena_alloc(a, s.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++) {
        int hi = s.p[i] == '%' && i + 2 < s.len ? hex_digit(s.p[i + 1]) : -1;
        int lo = hi >= 0 ? hex_digit(s.p[i + 2]) : -1;
        if (lo >= 0) {
            out[n++] = (char)(hi << 4 | lo);
            i += 2;
        } else {
            out[n++] = plus_is_space && s.p[i] == '+' ? ' ' : s.p[i];
        }
    }
    return dm_str_n(out, n);
}

/* The decoded part, or NULL where it is empty. */
static const char *part(struct dm_arena *a, struct dm_str s)
{
    return s.len ? dm_str_cstr(a, unquote(a, s, false)) : NULL;
}

static int uri_error(struct dm_err *reterr, const char *why)
{
    dm_err_set(reterr, DM_E_INVALID, "%s", why);
    return dm_err_hint(reterr,
                       "A connection's URI is type://login:password@host:port/schema?key=value, "
                       "each part percent-encoded.");
}

static int parse_port(struct dm_str text, int *ret, struct dm_err *reterr)
{
    int64_t port;
    if (!dm_str_to_i64(text, &port) || port < 1 || port > 65535)
        return dm_err_set(reterr, DM_E_INVALID,
                          "the port must be a number from 1 to 65535, not \"%.*s\"", DM_FMT(text));
    *ret = (int)port;
    return 0;
}

static int parse_query(struct dm_arena *a, struct dm_str query, const struct dm_value **ret,
                       struct dm_err *reterr)
{
    struct dm_value *extra = dm_value_map(a);
    struct dm_str pair;
    while (query.len && dm_str_split(&query, '&', &pair)) {
        ptrdiff_t eq = dm_str_find(pair, DM_STR("="), 0);
        if (!pair.len)
            continue;
        struct dm_str key = eq < 0 ? pair : dm_str_sub(pair, 0, (size_t)eq);
        struct dm_str value = eq < 0 ? DM_STR("") : dm_str_sub(pair, (size_t)eq + 1, pair.len);
        key = unquote(a, key, true);
        value = unquote(a, value, true);
        if (dm_str_is(key, "__extra__")) {
            struct dm_value *whole;
            DM_TRY(dm_value_from_json(a, value, &whole, reterr));
            if (whole->kind != DM_MAP)
                return uri_error(reterr, "__extra__ must be a JSON object");
            *ret = whole;
            return 0;
        }
        dm_map_set(a, extra, dm_str_cstr(a, key), dm_value_str(a, value));
    }
    *ret = extra;
    return 0;
}

/* "host", "host:port", "[::1]:port". */
static int parse_host(struct dm_arena *a, struct dm_str s, struct dm_connection *c,
                      struct dm_err *reterr)
{
    ptrdiff_t colon = -1;
    if (s.len && s.p[0] == '[') {
        ptrdiff_t end = dm_str_find(s, DM_STR("]"), 0);
        if (end < 0)
            return uri_error(reterr, "the host has [ without ]");
        if ((size_t)end + 1 < s.len && s.p[end + 1] == ':')
            colon = end + 1;
        c->host = part(a, dm_str_sub(s, 1, (size_t)end));
    } else {
        colon = dm_str_find(s, DM_STR(":"), 0);
        c->host = part(a, colon < 0 ? s : dm_str_sub(s, 0, (size_t)colon));
    }
    if (colon >= 0 && (size_t)colon + 1 < s.len)
        DM_TRY(parse_port(dm_str_sub(s, (size_t)colon + 1, s.len), &c->port, reterr));
    return 0;
}

static int parse_uri(struct dm_arena *a, struct dm_str uri, struct dm_connection *c,
                     struct dm_err *reterr)
{
    ptrdiff_t at = dm_str_find(uri, DM_STR("://"), 0);
    if (at <= 0)
        return uri_error(reterr, "the URI has no type:// at its beginning");
    c->conn_type = conn_type_of(a, dm_str_sub(uri, 0, (size_t)at));
    struct dm_str rest = dm_str_sub(uri, (size_t)at + 3, uri.len);
    /* type://https://host: the host keeps its protocol. */
    struct dm_str protocol = DM_STR("");
    ptrdiff_t second = dm_str_find(rest, DM_STR("://"), 0);
    if (second > 0) {
        protocol = dm_str_sub(rest, 0, (size_t)second + 3);
        rest = dm_str_sub(rest, (size_t)second + 3, rest.len);
        if (dm_str_find(rest, DM_STR("://"), 0) >= 0 || dm_str_find(protocol, DM_STR("@"), 0) >= 0)
            return uri_error(reterr, "the URI has :// where there can be none");
    }
    ptrdiff_t query = dm_str_find(rest, DM_STR("?"), 0);
    DM_TRY(parse_query(a, query < 0 ? DM_STR("") : dm_str_sub(rest, (size_t)query + 1, rest.len),
                       &c->extra, reterr));
    if (query >= 0)
        rest = dm_str_sub(rest, 0, (size_t)query);
    ptrdiff_t slash = dm_str_find(rest, DM_STR("/"), 0);
    if (slash >= 0) {
        c->schema = part(a, dm_str_sub(rest, (size_t)slash + 1, rest.len));
        rest = dm_str_sub(rest, 0, (size_t)slash);
    }
    for (size_t i = rest.len; i > 0; i--) {
        if (rest.p[i - 1] != '@')
            continue;
        struct dm_str user = dm_str_sub(rest, 0, i - 1);
        ptrdiff_t colon = dm_str_find(user, DM_STR(":"), 0);
        c->login = part(a, colon < 0 ? user : dm_str_sub(user, 0, (size_t)colon));
        if (colon >= 0)
            c->password = part(a, dm_str_sub(user, (size_t)colon + 1, user.len));
        rest = dm_str_sub(rest, i, rest.len);
        break;
    }
    DM_TRY(parse_host(a, rest, c, reterr));
    if (protocol.len)
        c->host = dm_arena_printf(a, "%.*s%s", DM_FMT(protocol), c->host ? c->host : "");
    return 0;
}

static int text_member(struct dm_arena *a, const struct dm_value *map, const char *key,
                       const char **ret, struct dm_err *reterr)
{
    const struct dm_value *v = dm_map_at(map, key);
    if (!v || v->kind == DM_NULL) {
        *ret = NULL;
        return 0;
    }
    if (v->kind == DM_INT) { /* a password of digits */
        *ret = dm_arena_printf(a, "%lld", (long long)v->i);
        return 0;
    }
    if (v->kind != DM_STRING)
        return dm_err_set(reterr, DM_E_TYPE, "%s must be a text, not a %s", key,
                          dm_kind_name(v->kind));
    *ret = v->s.len ? dm_str_cstr(a, v->s) : NULL;
    return 0;
}

static int parse_extra(struct dm_arena *a, const struct dm_value *v, const struct dm_value **ret,
                       struct dm_err *reterr)
{
    if (v && v->kind == DM_STRING && v->s.len) {
        struct dm_value *parsed;
        DM_TRY(dm_value_from_json(a, v->s, &parsed, reterr));
        v = parsed;
    }
    if (!v || v->kind == DM_NULL || v->kind == DM_STRING)
        v = dm_value_map(a);
    if (v->kind != DM_MAP)
        return dm_err_set(reterr, DM_E_TYPE, "extra must be a map, not a %s",
                          dm_kind_name(v->kind));
    *ret = v;
    return 0;
}

static int parse_map(struct dm_arena *a, const struct dm_value *map, struct dm_connection *c,
                     struct dm_err *reterr)
{
    for (size_t i = 0; i < map->map.n; i++) {
        const struct dm_value *key = map->map.pairs[i].key;
        struct dm_str name = key->kind == DM_STRING ? key->s : DM_STR("");
        const char *const *k = map_keys;
        while (*k && !dm_str_is(name, *k))
            k++;
        if (*k)
            continue;
        const char *near = dm_str_nearest(name, map_keys);
        dm_err_set(reterr, DM_E_UNDEFINED, "unknown key \"%.*s\"", DM_FMT(name));
        dm_err_at(reterr, "", (int)key->line, (int)key->col);
        if (near)
            dm_err_hint(reterr, "Did you mean \"%s\"?", near);
        else
            dm_err_hint(reterr, "A connection's keys are conn_type, host, login, password, schema, "
                                "port, extra and description.");
        return DM_E_UNDEFINED;
    }
    const char *type;
    DM_TRY(text_member(a, map, "conn_type", &type, reterr));
    if (!type)
        return dm_err_set(reterr, DM_E_INVALID, "conn_type is missing");
    c->conn_type = conn_type_of(a, dm_str_c(type));
    DM_TRY(text_member(a, map, "host", &c->host, reterr));
    DM_TRY(text_member(a, map, "login", &c->login, reterr));
    DM_TRY(text_member(a, map, "password", &c->password, reterr));
    DM_TRY(text_member(a, map, "schema", &c->schema, reterr));
    DM_TRY(text_member(a, map, "description", &c->description, reterr));
    const char *port;
    DM_TRY(text_member(a, map, "port", &port, reterr));
    if (port)
        DM_TRY(parse_port(dm_str_c(port), &c->port, reterr));
    return parse_extra(a, dm_map_at(map, "extra"), &c->extra, reterr);
}

static int parse_value(struct dm_arena *a, const struct dm_value *v, const char *id,
                       struct dm_connection *ret, struct dm_err *reterr)
{
    struct dm_connection c = {.conn_id = id};
    struct dm_value *json;
    if (v->kind == DM_STRING && dm_str_starts(dm_str_trim(v->s), DM_STR("{"))) {
        DM_TRY(dm_value_from_json(a, v->s, &json, reterr));
        v = json;
    }
    if (v->kind == DM_STRING)
        DM_TRY(parse_uri(a, v->s, &c, reterr));
    else if (v->kind == DM_MAP)
        DM_TRY(parse_map(a, v, &c, reterr));
    else
        return dm_err_set(reterr, DM_E_TYPE, "a connection is a URI or a map, not a %s",
                          dm_kind_name(v->kind));
    mask_secrets(a, &c);
    *ret = c;
    return 0;
}

/* AIRFLOW_CONN_<ID>, or NULL. */
static const char *from_environment(struct dm_arena *a, struct dm_str id)
{
    char *name = dm_arena_printf(a, "AIRFLOW_CONN_%.*s", DM_FMT(id));
    for (char *p = name; *p; p++)
        if (*p >= 'a' && *p <= 'z')
            *p = (char)(*p - ('a' - 'A'));
    const char *v = getenv(name);
    return v && *v ? v : NULL;
}

/* 1 found, 0 not there, or an error. */
static int find_exactly(struct dm_arena *a, const struct dm_project *p, struct dm_str id,
                        struct dm_connection *ret, struct dm_err *err)
{
    const char *name = dm_str_cstr(a, id), *env = from_environment(a, id);
    if (env) {
        int rc = parse_value(a, dm_value_cstr(a, env), name, ret, err);
        return rc < 0 ? dm_err_wrap(err, "connection \"%s\" of the environment", name) : 1;
    }
    const struct dm_value *v = dm_map_at(p->connections, name);
    if (!v)
        return 0;
    if (parse_value(a, v, name, ret, err) == 0)
        return 1;
    dm_err_at(err, DM_CONNECTIONS_FILE, err->line ? err->line : (int)v->line,
              err->line ? err->col : (int)v->col);
    return dm_err_wrap(err, "connection \"%s\"", name);
}

int dm_conn_find(struct dm_arena *a, const struct dm_project *p, struct dm_str id,
                 struct dm_connection *ret, struct dm_err *reterr)
{
    struct dm_err err;
    int rc = find_exactly(a, p, id, ret, &err);
    const size_t n_aliases = sizeof(aliases) / sizeof(*aliases);
    for (size_t i = 0; rc == 0 && i < n_aliases; i++)
        if (dm_str_is(id, aliases[i].alias))
            rc = find_exactly(a, p, dm_str_c(aliases[i].id), ret, &err);
    if (rc > 0)
        return 0;
    if (rc < 0) {
        if (reterr)
            *reterr = err;
        return err.code;
    }
    const char *names[CONN_NAMES_MAX + sizeof(aliases) / sizeof(*aliases) + 1];
    size_t n = 0;
    for (const char *const *c = dm_conn_ids(a, p); *c && n < CONN_NAMES_MAX; c++)
        names[n++] = *c;
    for (size_t i = 0; i < n_aliases; i++)
        names[n++] = aliases[i].alias;
    names[n] = NULL;
    const char *near = dm_str_nearest(id, names);
    dm_err_set(reterr, DM_E_NOTFOUND, "no connection \"%.*s\"", DM_FMT(id));
    dm_err_detail(reterr, "It is neither in %s nor in the environment.", DM_CONNECTIONS_FILE);
    if (near)
        dm_err_hint(reterr, "Did you mean \"%s\"?", near);
    return DM_E_NOTFOUND;
}

const char *const *dm_conn_ids(struct dm_arena *a, const struct dm_project *p)
{
    size_t n = 0;
    const char **ids = dm_arena_array(a, const char *, p->connections->map.n + 1);
    for (size_t i = 0; i < p->connections->map.n; i++) {
        const struct dm_value *key = p->connections->map.pairs[i].key;
        if (key->kind == DM_STRING)
            ids[n++] = dm_str_cstr(a, key->s);
    }
    return ids;
}

static void set_text(struct dm_arena *a, struct dm_value *map, const char *key, const char *text)
{
    dm_map_set(a, map, key, text ? dm_value_cstr(a, text) : &dm_null);
}

const struct dm_value *dm_conn_to_value(struct dm_arena *a, const struct dm_connection *c)
{
    struct dm_value *map = dm_value_map(a);
    set_text(a, map, "conn_id", c->conn_id);
    set_text(a, map, "conn_type", c->conn_type);
    set_text(a, map, "host", c->host);
    set_text(a, map, "login", c->login);
    set_text(a, map, "password", c->password);
    set_text(a, map, "schema", c->schema);
    dm_map_set(a, map, "port", c->port ? dm_value_int(a, c->port) : &dm_null);
    dm_map_set(a, map, "extra", c->extra ? c->extra : dm_value_map(a));
    set_text(a, map, "description", c->description);
    return map;
}

int dm_conn_from_value(struct dm_arena *a, const struct dm_value *v, struct dm_connection *ret,
                       struct dm_err *reterr)
{
    const char *id = NULL;
    if (v->kind == DM_MAP)
        DM_TRY(text_member(a, v, "conn_id", &id, reterr));
    return parse_value(a, v, id ? id : "", ret, reterr);
}

const char *dm_conn_extra(struct dm_arena *a, const struct dm_connection *c, const char *key)
{
    const struct dm_value *v = dm_map_at(c->extra, key);
    return v && v->kind == DM_STRING ? dm_str_cstr(a, v->s) : NULL;
}

int dm_conn_wrong_type(const struct dm_connection *c, const char *wanted, struct dm_err *reterr)
{
    static const char *const later[] = {"s3",   "aws",   "emr",  "emr_serverless",
                                        "livy", "spark", "sftp", NULL};
    for (const char *const *l = later; *l; l++) {
        if (strcmp(c->conn_type, *l) == 0) {
            dm_err_set(reterr, DM_E_UNSUPPORTED,
                       "connection \"%s\": this version cannot open the type \"%s\"", c->conn_id,
                       c->conn_type);
            dm_err_hint(reterr, "Use a connection of the type %s.", wanted);
            return DM_E_UNSUPPORTED;
        }
    }
    dm_err_set(reterr, DM_E_TYPE, "connection \"%s\" has the type \"%s\" and is no %s", c->conn_id,
               c->conn_type, wanted);
    dm_err_hint(reterr, "Name a connection of the type %s.", wanted);
    return DM_E_TYPE;
}
