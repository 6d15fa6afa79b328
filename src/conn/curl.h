/*
 * libcurl, opened at first use, for http.c and smtp.c.  Nothing else includes this.
 */
#ifndef DM_CURL_H
#define DM_CURL_H

#define CURL_DISABLE_TYPECHECK
#include <curl/curl.h>

#include "base/str.h"

struct dm_curl {
    CURLcode (*global_init)(long flags);
    CURL *(*init)(void);
    CURLcode (*setopt)(CURL *, CURLoption, ...);
    CURLcode (*getinfo)(CURL *, CURLINFO, ...);
    CURLcode (*perform)(CURL *);
    void (*cleanup)(CURL *);
    const char *(*strerror)(CURLcode);
    struct curl_slist *(*slist_append)(struct curl_slist *, const char *);
    void (*slist_free_all)(struct curl_slist *);
};
extern struct dm_curl dm_curl;

/* One transfer: a handle that ends it when nothing moves for timeout_us (0 = no limit), without signals. */
struct dm_transfer {
    CURL *handle;
    struct curl_slist *list; /* headers or recipients; freed at the end */
    int64_t timeout_us, moved_at;
    curl_off_t moved;
    bool stalled;
    char why[CURL_ERROR_SIZE];
};

int dm_transfer_begin(struct dm_transfer *t, int64_t timeout_us,
                      struct dm_err *reterr) dm_nodiscard;
/* Adds a line to the list; a line break in it is DM_E_INVALID. */
int dm_transfer_add(struct dm_transfer *t, const char *line, struct dm_err *reterr) dm_nodiscard;
/* Runs it.  `what` names the other side in errors. */
int dm_transfer_run(struct dm_transfer *t, const char *what, struct dm_err *reterr) dm_nodiscard;
void dm_transfer_end(struct dm_transfer *t);
#define _cleanup_transfer_ DM_CLEANUP(dm_transfer_end)

#endif
