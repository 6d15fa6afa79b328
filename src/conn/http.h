/*
 * HTTP requests through libcurl, which is opened at first use.  A response of any status is a success here; what it
 * means is the caller's.  Redirects are followed to http and https only; a login is not sent on to another host.
 */
#ifndef DM_HTTP_H
#define DM_HTTP_H

#include "lang/value.h"

enum {
    DM_HTTP_BODY_MAX = 32 << 20,     /* bytes of a response, unpacked */
    DM_HTTP_HEADERS_MAX = 256 << 10, /* bytes of its headers */
    DM_HTTP_REDIRECTS = 30,
};

struct dm_http_request {
    const char *method; /* in capitals */
    const char *url;
    const struct dm_value *headers; /* map name -> text, or NULL */
    struct dm_str body;             /* p NULL = none */
    const char *login, *password;   /* basic authentication; login NULL = none */
    int64_t timeout_us;             /* without a byte; 0 = no limit */
    int redirects;                  /* at most; 0 = the redirect is the response */
    bool no_verify;                 /* take any certificate */
    const char *authorities; /* file or folder of certificates to trust; NULL = the system's */
    const char *certificate, *key; /* files; NULL = none */
    const char *proxy;             /* NULL = as the environment says */
};

struct dm_http_response {
    int status;
    const char *reason;       /* "Not Found"; may be empty */
    struct dm_value *headers; /* map, names in lower case, of the last response */
    struct dm_str body;
    const char *url; /* where it came from in the end */
};

int dm_http_send(struct dm_arena *a, const struct dm_http_request *request,
                 struct dm_http_response *ret, struct dm_err *reterr) dm_nodiscard;

/* Adds "name=value", percent-encoded as forms are, with & between. */
void dm_http_add_pair(struct dm_strbuf *b, struct dm_str name, struct dm_str value);

#endif
