/* libcurl: the library, and what all transfers share. */
#include "conn/curl.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/dl.h"
#include "base/time.h"

#define CONNECT_WITHIN_MS 30000L

struct dm_curl dm_curl;

static const struct dm_dl_symbol symbols[] = {
    {"curl_global_init", (void **)&dm_curl.global_init},
    {"curl_easy_init", (void **)&dm_curl.init},
    {"curl_easy_setopt", (void **)&dm_curl.setopt},
    {"curl_easy_getinfo", (void **)&dm_curl.getinfo},
    {"curl_easy_perform", (void **)&dm_curl.perform},
    {"curl_easy_cleanup", (void **)&dm_curl.cleanup},
    {"curl_easy_strerror", (void **)&dm_curl.strerror},
    {"curl_slist_append", (void **)&dm_curl.slist_append},
    {"curl_slist_free_all", (void **)&dm_curl.slist_free_all},
    {NULL, NULL},
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start(void)
{
    dm_curl.global_init(CURL_GLOBAL_DEFAULT);
}

/* Called at least once a second: ends a transfer in which nothing moves. */
static int watch(void *user, curl_off_t all_down, curl_off_t down, curl_off_t all_up, curl_off_t up)
{
    struct dm_transfer *t = user;
    int64_t now = dm_clock_monotonic();
    if (down + up != t->moved) {
        t->moved = down + up;
        t->moved_at = now;
    }
    t->stalled = t->timeout_us > 0 && now - t->moved_at > t->timeout_us;
    return t->stalled;
}

int dm_transfer_begin(struct dm_transfer *t, int64_t timeout_us, struct dm_err *reterr)
{
    *t = (struct dm_transfer){.timeout_us = timeout_us, .moved_at = dm_clock_monotonic()};
    DM_TRY(dm_dl_open("libcurl.so.4", "libcurl4", symbols, reterr));
    pthread_once(&once, start);
    t->handle = dm_curl.init();
    if (!t->handle)
        return dm_err_set(reterr, DM_E_NOMEM, "libcurl could not make a handle");
    int64_t ms = timeout_us / DM_MS + 1;
    dm_curl.setopt(t->handle, CURLOPT_NOSIGNAL, 1L);
    dm_curl.setopt(t->handle, CURLOPT_ERRORBUFFER, t->why);
    dm_curl.setopt(t->handle, CURLOPT_CONNECTTIMEOUT_MS,
                   timeout_us > 0 && ms < CONNECT_WITHIN_MS ? (long)ms : CONNECT_WITHIN_MS);
    dm_curl.setopt(t->handle, CURLOPT_NOPROGRESS, 0L);
    dm_curl.setopt(t->handle, CURLOPT_XFERINFOFUNCTION, watch);
    dm_curl.setopt(t->handle, CURLOPT_XFERINFODATA, t);
    return 0;
}

int dm_transfer_add(struct dm_transfer *t, const char *line, struct dm_err *reterr)
{
    if (strpbrk(line, "\r\n"))
        return dm_err_set(reterr, DM_E_INVALID, "a header or an address has a line break");
    struct curl_slist *longer = dm_curl.slist_append(t->list, line);
    if (!longer)
        return dm_err_set(reterr, DM_E_NOMEM, "libcurl is out of memory");
    t->list = longer;
    return 0;
}

static int code_of(const struct dm_transfer *t, CURLcode rc)
{
    if (t->stalled)
        return DM_E_TIMEOUT;
    switch (rc) {
    case CURLE_OPERATION_TIMEDOUT:
        return DM_E_TIMEOUT;
    case CURLE_LOGIN_DENIED:
    case CURLE_REMOTE_ACCESS_DENIED:
        return DM_E_PERMISSION;
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
        return DM_E_INVALID;
    default:
        return DM_E_CONNECTION;
    }
}

int dm_transfer_run(struct dm_transfer *t, const char *what, struct dm_err *reterr)
{
    t->moved_at = dm_clock_monotonic();
    CURLcode rc = dm_curl.perform(t->handle);
    if (rc == CURLE_OK)
        return 0;
    char span[DM_TIME_MAX];
    const char *why = *t->why ? t->why : dm_curl.strerror(rc);
    if (t->stalled)
        dm_err_set(reterr, DM_E_TIMEOUT, "%s: nothing came for %s", what,
                   dm_duration_human(t->timeout_us, span));
    else
        dm_err_set(reterr, code_of(t, rc), "%s: %s", what, why);
    if (rc == CURLE_PEER_FAILED_VERIFICATION)
        dm_err_hint(reterr, "Install the certificate of its authority on this machine.");
    return code_of(t, rc);
}

void dm_transfer_end(struct dm_transfer *t)
{
    if (t->handle)
        dm_curl.cleanup(t->handle);
    if (t->list)
        dm_curl.slist_free_all(t->list);
    *t = (struct dm_transfer){.handle = NULL};
}
