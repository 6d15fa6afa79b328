/* Requests of tasks: connection and fields to a request, response to a judgement. */
#include "op/http_call.h"

#include "base/log.h"
#include "lang/template.h"
#include "op/truth.h"
#include "task/world.h"

#define TIMEOUT_S 60 /* without a byte, where extra_options.timeout says nothing */

static const char *const options[] = {
    "timeout",         "verify",        "stream",         "proxies",   "proxy", "cert",
    "allow_redirects", "max_redirects", "check_response", "trust_env", NULL};

static bool is_option(struct dm_str name)
{
    for (size_t i = 0; options[i]; i++)
        if (dm_str_is(name, options[i]))
            return true;
    return false;
}

/* ---- values as texts ---- */

/* As Python's str(). */
static struct dm_str text_of(struct dm_arena *a, const struct dm_value *v)
{
    char number[DM_FLOAT_MAX];
    switch (v->kind) {
    case DM_STRING:
        return v->s;
    case DM_NULL:
        return DM_STR("None");
    case DM_BOOL:
        return v->b ? DM_STR("True") : DM_STR("False");
    case DM_FLOAT:
        return dm_str_dup(a, dm_str_c(dm_float_repr(v->f, number)));
    default:
        return dm_value_json(a, v);
    }
}

/* As requests writes a form: a list repeats its name, None is left out. */
static int form_of(struct dm_arena *a, const struct dm_value *map, struct dm_str *ret,
                   struct dm_err *reterr)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (size_t i = 0; i < map->map.n; i++) {
        struct dm_str name = text_of(a, map->map.pairs[i].key);
        const struct dm_value *v = map->map.pairs[i].value;
        bool list = v->kind == DM_LIST || v->kind == DM_TUPLE;
        for (size_t k = 0; k < (list ? v->list.n : 1); k++) {
            const struct dm_value *one = list ? v->list.items[k] : v;
            if (one->kind != DM_NULL)
                dm_http_add_pair(&b, name, text_of(a, one));
        }
    }
    DM_TRY(dm_strbuf_check(&b, "the data of a request", reterr));
    *ret = dm_str_dup(a, dm_strbuf_str(&b));
    return 0;
}

struct dm_str dm_http_text(struct dm_arena *a, struct dm_str body)
{
    size_t bad;
    if (dm_utf8_valid(body, &bad))
        return body;
    char *out = dm_arena_alloc(a, 2 * body.len + 1);
    size_t n = 0;
    for (size_t i = 0; i < body.len; i++) {
        unsigned char c = (unsigned char)body.p[i];
        if (c < 0x80) {
            out[n++] = (char)c;
        } else {
            out[n++] = (char)(0xc0 | c >> 6);
            out[n++] = (char)(0x80 | (c & 0x3f));
        }
    }
    return dm_str_n(out, n);
}

/* ---- where to ---- */

static bool is_url(struct dm_str s)
{
    return dm_str_starts(s, DM_STR("http://")) || dm_str_starts(s, DM_STR("https://"));
}

/* An endpoint that is a whole URL needs no connection. */
static int find_connection(struct dm_attempt *at, bool needed, struct dm_connection *ret,
                           struct dm_err *reterr)
{
    struct dm_connection c = {.extra = dm_value_map(at->arena)};
    if (needed) {
        DM_TRY(
            dm_attempt_conn(at, dm_map_str(at->args, "http_conn_id", "http_default"), &c, reterr));
        if (strcmp(c.conn_type, "http") != 0 && strcmp(c.conn_type, "https") != 0)
            return dm_conn_wrong_type(&c, "http", reterr);
        if (!c.host) {
            dm_err_set(reterr, DM_E_INVALID, "connection \"%s\" has no host", c.conn_id);
            return dm_err_hint(reterr, "Write http://HOST:PORT, or https://…");
        }
    }
    *ret = c;
    return 0;
}

static const char *url_of(struct dm_attempt *at, const struct dm_connection *c,
                          struct dm_str endpoint)
{
    struct dm_arena *a = at->arena;
    if (!c->host)
        return dm_str_cstr(a, endpoint);
    const char *scheme = c->schema ? c->schema : c->conn_type;
    const char *base =
        strstr(c->host, "://") ? c->host : dm_arena_printf(a, "%s://%s", scheme, c->host);
    if (c->port)
        base = dm_arena_printf(a, "%s:%d", base, c->port);
    bool slash = dm_str_ends(dm_str_c(base), DM_STR("/")) || !endpoint.len ||
                 dm_str_starts(endpoint, DM_STR("/"));
    return dm_arena_printf(a, "%s%s%.*s", base, slash ? "" : "/", DM_FMT(endpoint));
}

static const char *with_query(struct dm_arena *a, const char *url, struct dm_str query)
{
    if (!query.len)
        return url;
    return dm_arena_printf(a, "%s%c%.*s", url, strchr(url, '?') ? '&' : '?', DM_FMT(query));
}

/* ---- headers and options ---- */

static void set_header(struct dm_arena *a, struct dm_value *headers, struct dm_str name,
                       const struct dm_value *v)
{
    struct dm_str text = text_of(a, v);
    if (v->kind == DM_NULL)
        return;
    if (dm_conn_secret_name(name))
        dm_log_mask(dm_str_cstr(a, text));
    dm_map_set(a, headers, dm_str_cstr(a, name), dm_value_str(a, text));
}

static void set_headers(struct dm_arena *a, struct dm_value *headers, const struct dm_value *map)
{
    for (size_t i = 0; map && map->kind == DM_MAP && i < map->map.n; i++)
        if (map->map.pairs[i].key->kind == DM_STRING)
            set_header(a, headers, map->map.pairs[i].key->s, map->map.pairs[i].value);
}

/* As the hook: what of the connection's extra is no option is a header. */
static const struct dm_value *headers_of(struct dm_attempt *at, const struct dm_connection *c)
{
    struct dm_arena *a = at->arena;
    struct dm_value *headers = dm_value_map(a);
    for (size_t i = 0; i < c->extra->map.n; i++) {
        const struct dm_pair *p = &c->extra->map.pairs[i];
        if (p->key->kind == DM_STRING && !is_option(p->key->s) && p->value->kind != DM_MAP)
            set_header(a, headers, p->key->s, p->value);
    }
    set_headers(a, headers, dm_map_at(c->extra, "headers"));
    set_headers(a, headers, dm_map_at(at->args, "headers"));
    return headers;
}

/* Of the task, else of the connection. */
static const struct dm_value *option(struct dm_attempt *at, const struct dm_connection *c,
                                     const char *name)
{
    const struct dm_value *v = dm_map_at(dm_map_at(at->args, "extra_options"), name);
    v = v ? v : dm_map_at(c->extra, name);
    return v && v->kind != DM_NULL ? v : NULL;
}

static bool option_bool(struct dm_attempt *at, const struct dm_connection *c, const char *name,
                        bool fallback)
{
    const struct dm_value *v = option(at, c, name);
    if (!v)
        return fallback;
    return v->kind == DM_STRING ? dm_word_truth(v->s) != 0 : dm_is_true(v);
}

static int64_t timeout_of(struct dm_attempt *at, const struct dm_connection *c)
{
    const struct dm_value *v = option(at, c, "timeout");
    double seconds = TIMEOUT_S;
    if (v && (v->kind == DM_LIST || v->kind == DM_TUPLE) && v->list.n == 2)
        v = v->list.items[1]; /* of connecting, of reading */
    if (v && v->kind == DM_INT)
        seconds = (double)v->i;
    else if (v && v->kind == DM_FLOAT)
        seconds = v->f;
    else if (v && v->kind == DM_STRING)
        dm_str_to_f64(v->s, &seconds);
    return seconds > 0 && seconds < 1e9 ? (int64_t)(seconds * 1e6) : 0;
}

static const char *path_of(struct dm_attempt *at, const struct dm_value *v)
{
    return v && v->kind == DM_STRING && v->s.len
               ? dm_path_join(at->arena, at->project->dir, dm_str_cstr(at->arena, v->s))
               : NULL;
}

static void set_security(struct dm_attempt *at, const struct dm_connection *c,
                         struct dm_http_request *q)
{
    const struct dm_value *verify = option(at, c, "verify"), *cert = option(at, c, "cert");
    if (verify && verify->kind == DM_STRING && dm_word_truth(verify->s) < 0)
        q->authorities = path_of(at, verify);
    else
        q->no_verify = !option_bool(at, c, "verify", true);
    if (cert && (cert->kind == DM_LIST || cert->kind == DM_TUPLE) && cert->list.n == 2) {
        q->certificate = path_of(at, cert->list.items[0]);
        q->key = path_of(at, cert->list.items[1]);
    } else {
        q->certificate = path_of(at, cert);
    }
    const struct dm_value *proxies = option(at, c, "proxies");
    proxies = proxies ? proxies : option(at, c, "proxy");
    if (proxies && proxies->kind == DM_MAP)
        proxies = dm_map_at(proxies, strncmp(q->url, "https:", 6) == 0 ? "https" : "http");
    if (proxies && proxies->kind == DM_STRING)
        q->proxy = dm_str_cstr(at->arena, proxies->s);
}

static int redirects_of(struct dm_attempt *at, const struct dm_connection *c)
{
    const struct dm_value *most = option(at, c, "max_redirects");
    int64_t n = DM_HTTP_REDIRECTS;
    if (!option_bool(at, c, "allow_redirects", true))
        return 0;
    if (most && most->kind == DM_INT)
        n = most->i;
    return n < 0 ? 0 : n > DM_HTTP_REDIRECTS ? DM_HTTP_REDIRECTS : (int)n;
}

/* ---- the request ---- */

static void set_type(struct dm_arena *a, struct dm_http_request *q, const char *type)
{
    struct dm_value *headers = dm_value_copy(a, q->headers);
    for (size_t i = 0; i < headers->map.n; i++)
        if (dm_str_ieq(headers->map.pairs[i].key->s, DM_STR("content-type")))
            return;
    dm_map_set(a, headers, "Content-Type", dm_value_cstr(a, type));
    q->headers = headers;
}

/* GET takes `data` as parameters, HEAD takes none, all others as body: a map is a form, a text goes as it is. */
static int set_data(struct dm_attempt *at, const char *field, struct dm_http_request *q,
                    struct dm_err *reterr)
{
    struct dm_arena *a = at->arena;
    const struct dm_value *v = dm_map_at(at->args, field);
    const struct dm_value *more = dm_map_at(at->args, "request_kwargs");
    const struct dm_value *json = dm_map_at(more, "json"), *params = dm_map_at(more, "params");
    struct dm_str text = {NULL, 0};
    bool map = v && v->kind == DM_MAP;
    if (map && v->map.n)
        DM_TRY(form_of(a, v, &text, reterr));
    else if (v && v->kind != DM_NULL && !map)
        text = v->kind == DM_STRING ? v->s : dm_value_json(a, v);
    if (strcmp(q->method, "GET") == 0) {
        q->url = with_query(a, q->url, text);
    } else if (strcmp(q->method, "HEAD") != 0 && text.len) {
        q->body = text;
        if (map)
            set_type(a, q, "application/x-www-form-urlencoded");
    }
    if (params && params->kind == DM_MAP) {
        DM_TRY(form_of(a, params, &text, reterr));
        q->url = with_query(a, q->url, text);
    }
    if (json && json->kind != DM_NULL && !q->body.p) {
        q->body = dm_value_json(a, json);
        set_type(a, q, "application/json");
    }
    return 0;
}

static const char *method_of(struct dm_attempt *at)
{
    struct dm_str s = dm_map_str(at->args, "method", "GET");
    char *method = dm_arena_strndup(at->arena, s.p, s.len);
    for (char *c = method; *c; c++)
        if (*c >= 'a' && *c <= 'z')
            *c = (char)(*c - ('a' - 'A'));
    return method;
}

static int refused(struct dm_attempt *at, const struct dm_http_response *r, struct dm_err *reterr)
{
    enum { SHOWN = 1000 };
    struct dm_str text = dm_str_trim(dm_http_text(at->arena, r->body));
    dm_err_set(reterr, DM_E_TASK, "%d:%s", r->status, r->reason);
    if (text.len)
        dm_err_detail(reterr, "%s answered: %.*s%s", r->url,
                      (int)(text.len > SHOWN ? SHOWN : text.len), text.p,
                      text.len > SHOWN ? " …" : "");
    else
        dm_err_detail(reterr, "%s answered without a body.", r->url);
    return DM_E_TASK;
}

int dm_http_call(struct dm_attempt *at, const char *data, struct dm_http_response *ret,
                 struct dm_err *reterr)
{
    struct dm_str endpoint = dm_map_str(at->args, "endpoint", "");
    struct dm_connection c;
    DM_TRY(find_connection(at, !is_url(endpoint), &c, reterr));
    struct dm_http_request q = {.method = method_of(at),
                                .url = url_of(at, &c, endpoint),
                                .headers = headers_of(at, &c),
                                .login = c.login,
                                .password = c.password,
                                .timeout_us = timeout_of(at, &c),
                                .redirects = redirects_of(at, &c)};
    set_security(at, &c, &q);
    DM_TRY(set_data(at, data, &q, reterr));
    DM_TRY(dm_http_send(at->arena, &q, ret, reterr));
    printf("%s %s: %d %s, %zu bytes\n", q.method, url_of(at, &c, endpoint), ret->status,
           ret->reason, ret->body.len);
    if (ret->status >= 400 && option_bool(at, &c, "check_response", true))
        return refused(at, ret, reterr);
    return 0;
}

/* ---- the check ---- */

static const struct dm_value *response_value(struct dm_arena *a, const struct dm_http_response *r)
{
    struct dm_value *v = dm_value_map(a), *json;
    struct dm_str text = dm_http_text(a, r->body);
    dm_map_set(a, v, "status_code", dm_value_int(a, r->status));
    dm_map_set(a, v, "reason", dm_value_cstr(a, r->reason));
    dm_map_set(a, v, "ok", r->status < 400 ? &dm_true : &dm_false);
    dm_map_set(a, v, "text", dm_value_str(a, text));
    dm_map_set(a, v, "json", dm_value_from_json(a, text, &json, NULL) == 0 ? json : &dm_null);
    dm_map_set(a, v, "headers", r->headers);
    dm_map_set(a, v, "url", dm_value_cstr(a, r->url));
    return v;
}

int dm_http_check(struct dm_attempt *at, const struct dm_http_response *r, bool *ret,
                  struct dm_err *reterr)
{
    const struct dm_value *check = dm_map_at(at->args, "response_check"), *v;
    struct dm_value *more = dm_value_map(at->arena);
    const struct dm_template *t;
    struct dm_context c;
    *ret = true;
    if (!check || check->kind != DM_STRING)
        return 0;
    struct dm_place place = {at->order->dag_file, check->line, check->col};
    dm_map_set(at->arena, more, "response", response_value(at->arena, r));
    DM_TRY(dm_attempt_context(at, &c, reterr));
    c.more = more;
    DM_TRY(dm_template_parse(at->arena, check->s, place, &t, reterr));
    int rc = dm_template_render_native(at->arena, t, &c, &v, reterr);
    if (rc < 0)
        return dm_err_wrap(reterr, "response_check"), rc;
    *ret = dm_is_true(v);
    return 0;
}

/* ---- at load ---- */

static int check_template(const struct dm_value *v, struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const struct dm_template *t;
    struct dm_place place = {NULL, v->line, v->col};
    if (v->kind != DM_STRING) {
        dm_err_set(reterr, DM_E_INVALID, "response_check is no template");
        return dm_err_hint(reterr, "Write it as a template, e.g. "
                                   "response_check: \"{{ response.json.state == 'done' }}\".");
    }
    dm_arena_init(&a);
    int rc = dm_template_parse(&a, v->s, place, &t, reterr);
    return rc < 0 ? (dm_err_wrap(reterr, "response_check"), rc) : 0;
}

static int check_keys(const struct dm_value *args, const char *field, const char *const *known,
                      struct dm_err *reterr)
{
    const struct dm_value *map = dm_map_at(args, field);
    for (size_t i = 0; map && map->kind == DM_MAP && i < map->map.n; i++) {
        const struct dm_value *key = map->map.pairs[i].key;
        bool found = false;
        for (size_t k = 0; known[k]; k++)
            found = found || (key->kind == DM_STRING && dm_str_is(key->s, known[k]));
        if (found)
            continue;
        const char *near = key->kind == DM_STRING ? dm_str_nearest(key->s, known) : NULL;
        dm_err_set(reterr, DM_E_INVALID, "%s has no key \"%.*s\" here", field,
                   DM_FMT(key->kind == DM_STRING ? key->s : DM_STR("?")));
        if (near)
            dm_err_hint(reterr, "Did you mean \"%s\"?", near);
        return DM_E_INVALID;
    }
    return 0;
}

int dm_http_check_args(const struct dm_value *args, struct dm_err *reterr)
{
    static const char *const kwargs[] = {"json", "params", NULL};
    static const struct {
        const char *field, *instead;
    } none[] = {
        {"response_filter", "Take what you need where it is used, e.g. {{ "
                            "macros.json.loads(ti.xcom_pull('task')).x }}."},
        {"pagination_function", "Ask for each page with a task of its own, or with python."},
        {"auth_type", "Give the connection a login, or write an Authorization header."}};
    const struct dm_value *check = dm_map_at(args, "response_check");
    for (size_t i = 0; i < sizeof(none) / sizeof(none[0]); i++) {
        const struct dm_value *v = dm_map_at(args, none[i].field);
        if (v && v->kind != DM_NULL) {
            dm_err_set(reterr, DM_E_INVALID, "%s is a Python object, which is not called here",
                       none[i].field);
            return dm_err_hint(reterr, "%s", none[i].instead);
        }
    }
    DM_TRY(check_keys(args, "extra_options", options, reterr));
    DM_TRY(check_keys(args, "request_kwargs", kwargs, reterr));
    return check && check->kind != DM_NULL ? check_template(check, reterr) : 0;
}
