/* One HTTP request. */
#include "conn/http.h"

#include "base/file.h"
#include "conn/curl.h"

struct receiver {
    struct dm_arena *a;
    struct dm_strbuf body;
    size_t header_bytes;
    struct dm_http_response r;
    bool too_many_headers;
};

static size_t on_body(char *p, size_t size, size_t n, void *user)
{
    struct receiver *r = user;
    dm_strbuf_add(&r->body, p, size * n);
    return r->body.full ? 0 : size * n;
}

/* "HTTP/1.1 404 Not Found": a new response begins, after a redirect for example. */
static void begin_response(struct receiver *r, struct dm_str line)
{
    struct dm_str word;
    r->r.headers = dm_value_map(r->a);
    r->r.reason = "";
    dm_strbuf_clear(&r->body);
    if (dm_str_split(&line, ' ', &word) && dm_str_split(&line, ' ', &word) && line.p)
        r->r.reason = dm_str_cstr(r->a, dm_str_trim(line));
}

static size_t on_header(char *p, size_t size, size_t n, void *user)
{
    struct receiver *r = user;
    struct dm_str line = dm_str_trim(dm_str_n(p, size * n));
    ptrdiff_t colon = dm_str_find(line, DM_STR(":"), 0);
    r->header_bytes += size * n;
    if (r->header_bytes > DM_HTTP_HEADERS_MAX) {
        r->too_many_headers = true;
        return 0;
    }
    if (dm_str_starts(line, DM_STR("HTTP/"))) {
        begin_response(r, line);
    } else if (colon > 0) {
        char *name = dm_arena_strndup(r->a, line.p, (size_t)colon);
        for (char *c = name; *c; c++)
            if (*c >= 'A' && *c <= 'Z')
                *c = (char)(*c + ('a' - 'A'));
        struct dm_str value = dm_str_trim(dm_str_sub(line, (size_t)colon + 1, line.len));
        dm_map_set(r->a, r->r.headers, name, dm_value_str(r->a, dm_str_dup(r->a, value)));
    }
    return size * n;
}

static bool has_header(const struct dm_value *headers, const char *name)
{
    for (size_t i = 0; headers && i < headers->map.n; i++)
        if (headers->map.pairs[i].key->kind == DM_STRING &&
            dm_str_ieq(headers->map.pairs[i].key->s, dm_str_c(name)))
            return true;
    return false;
}

static int add_headers(struct dm_arena *a, struct dm_transfer *t, const struct dm_http_request *q,
                       struct dm_err *reterr)
{
    for (size_t i = 0; q->headers && i < q->headers->map.n; i++) {
        const struct dm_pair *p = &q->headers->map.pairs[i];
        if (p->key->kind != DM_STRING || !p->key->s.len ||
            dm_str_find(p->key->s, DM_STR(":"), 0) >= 0)
            return dm_err_set(reterr, DM_E_INVALID, "a header has a name that is none");
        struct dm_str v = p->value->kind == DM_STRING ? p->value->s : dm_value_json(a, p->value);
        /* libcurl's way to send a header without a value. */
        DM_TRY(dm_transfer_add(t,
                               v.len
                                   ? dm_arena_printf(a, "%.*s: %.*s", DM_FMT(p->key->s), DM_FMT(v))
                                   : dm_arena_printf(a, "%.*s;", DM_FMT(p->key->s)),
                               reterr));
    }
    /* libcurl would call every body a form, and wait for a word before it sends a large one. */
    if (q->body.p && !has_header(q->headers, "content-type"))
        DM_TRY(dm_transfer_add(t, "Content-Type:", reterr));
    if (q->body.p && !has_header(q->headers, "expect"))
        DM_TRY(dm_transfer_add(t, "Expect:", reterr));
    dm_curl.setopt(t->handle, CURLOPT_HTTPHEADER, t->list);
    return 0;
}

static void set_method(CURL *h, const struct dm_http_request *q)
{
    if (q->body.p) {
        dm_curl.setopt(h, CURLOPT_POST, 1L);
        dm_curl.setopt(h, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)q->body.len);
        dm_curl.setopt(h, CURLOPT_POSTFIELDS, q->body.p);
    }
    if (strcmp(q->method, "HEAD") == 0)
        dm_curl.setopt(h, CURLOPT_NOBODY, 1L);
    else if (strcmp(q->method, q->body.p ? "POST" : "GET") != 0)
        dm_curl.setopt(h, CURLOPT_CUSTOMREQUEST, q->method);
}

static void set_security(CURL *h, const struct dm_http_request *q)
{
    if (q->no_verify) {
        dm_curl.setopt(h, CURLOPT_SSL_VERIFYPEER, 0L);
        dm_curl.setopt(h, CURLOPT_SSL_VERIFYHOST, 0L);
    } else if (q->authorities) {
        dm_curl.setopt(h, dm_is_dir(q->authorities) ? CURLOPT_CAPATH : CURLOPT_CAINFO,
                       q->authorities);
    }
    if (q->certificate)
        dm_curl.setopt(h, CURLOPT_SSLCERT, q->certificate);
    if (q->key)
        dm_curl.setopt(h, CURLOPT_SSLKEY, q->key);
    if (q->login) {
        dm_curl.setopt(h, CURLOPT_HTTPAUTH, (long)CURLAUTH_BASIC);
        dm_curl.setopt(h, CURLOPT_USERNAME, q->login);
        dm_curl.setopt(h, CURLOPT_PASSWORD, q->password ? q->password : "");
    }
    if (q->proxy)
        dm_curl.setopt(h, CURLOPT_PROXY, q->proxy);
}

static void set_rest(CURL *h, const struct dm_http_request *q, struct receiver *r)
{
    dm_curl.setopt(h, CURLOPT_URL, q->url);
    dm_curl.setopt(h, CURLOPT_USERAGENT, "daymill/" DM_VERSION);
    dm_curl.setopt(h, CURLOPT_ACCEPT_ENCODING, "");
    dm_curl.setopt(h, CURLOPT_PROTOCOLS_STR, "http,https");
    dm_curl.setopt(h, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
    dm_curl.setopt(h, CURLOPT_FOLLOWLOCATION, q->redirects > 0 ? 1L : 0L);
    dm_curl.setopt(h, CURLOPT_MAXREDIRS, (long)q->redirects);
    dm_curl.setopt(h, CURLOPT_WRITEFUNCTION, on_body);
    dm_curl.setopt(h, CURLOPT_WRITEDATA, r);
    dm_curl.setopt(h, CURLOPT_HEADERFUNCTION, on_header);
    dm_curl.setopt(h, CURLOPT_HEADERDATA, r);
}

static int perform(struct dm_arena *a, const struct dm_http_request *q, struct receiver *r,
                   struct dm_err *reterr)
{
    _cleanup_transfer_ struct dm_transfer t = {.handle = NULL};
    long status = 0;
    const char *url = NULL;
    DM_TRY(dm_transfer_begin(&t, q->timeout_us, reterr));
    DM_TRY(add_headers(a, &t, q, reterr));
    set_method(t.handle, q);
    set_security(t.handle, q);
    set_rest(t.handle, q, r);
    int rc = dm_transfer_run(&t, q->url, reterr);
    if (r->body.full)
        return dm_strbuf_check(&r->body, "the response (DM_HTTP_BODY_MAX)", reterr);
    if (r->too_many_headers)
        return dm_err_set(reterr, DM_E_LIMIT,
                          "the response has more than %d bytes of headers (DM_HTTP_HEADERS_MAX)",
                          DM_HTTP_HEADERS_MAX);
    if (rc < 0)
        return rc;
    dm_curl.getinfo(t.handle, CURLINFO_RESPONSE_CODE, &status);
    dm_curl.getinfo(t.handle, CURLINFO_EFFECTIVE_URL, &url);
    r->r.status = (int)status;
    r->r.url = dm_arena_strdup(a, url ? url : q->url);
    return 0;
}

int dm_http_send(struct dm_arena *a, const struct dm_http_request *q, struct dm_http_response *ret,
                 struct dm_err *reterr)
{
    struct receiver r = {.a = a, .r = {.reason = "", .headers = dm_value_map(a)}};
    dm_strbuf_init(&r.body, DM_HTTP_BODY_MAX);
    int rc = perform(a, q, &r, reterr);
    if (rc == 0) {
        r.r.body = dm_str_dup(a, dm_strbuf_str(&r.body));
        *ret = r.r;
    }
    dm_strbuf_release(&r.body);
    return rc;
}

static void add_encoded(struct dm_strbuf *b, struct dm_str s)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
                     (c && strchr("-_.~", c));
        if (plain)
            dm_strbuf_addc(b, (char)c);
        else if (c == ' ')
            dm_strbuf_addc(b, '+');
        else
            dm_strbuf_addf(b, "%%%02X", c);
    }
}

void dm_http_add_pair(struct dm_strbuf *b, struct dm_str name, struct dm_str value)
{
    if (b->len)
        dm_strbuf_addc(b, '&');
    add_encoded(b, name);
    dm_strbuf_addc(b, '=');
    add_encoded(b, value);
}
