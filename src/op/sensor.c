/* Looks, and the waits between them. */
#include "op/sensor.h"

#include <math.h>

#include "base/clock.h"
#include "base/digest.h"
#include "lang/timetable.h"

#define FAR (INT64_C(253402300799) * DM_SEC) /* 9999-12-31T23:59:59Z */
#define STAYS_BELOW DM_SEC /* a shorter wait in mode poke is not worth another process */

enum { LOOKS_MAX = 1000 }; /* after so many doublings the wait is longer than any time */

struct sensor {
    struct dm_attempt *at;
    struct dm_sensor_wait wait;
    bool poke; /* mode */
    bool soft, never, silent;
    int64_t late_at; /* execution_timeout of the try; DM_NEVER = none, or not ours to see to */
};

/* The end of a span, or the end of all years that have a name. */
static int64_t after(int64_t from, int64_t span)
{
    int64_t end;
    return __builtin_add_overflow(from, span, &end) || end > FAR ? FAR : end;
}

static int64_t earlier(int64_t a, int64_t b)
{
    if (a == DM_NEVER || b == DM_NEVER)
        return a == DM_NEVER ? b : a;
    return a < b ? a : b;
}

/* ---- waits ---- */

/* b and its jitter for the n-th look, in whole seconds. */
static int backoff_at(const struct dm_sensor_wait *w, int n, double *ret, struct dm_err *reterr)
{
    char since[DM_TIME_MAX];
    uint64_t jitter;
    double b = trunc(ldexp((double)w->interval / (double)DM_SEC, n - 2));
    *ret = 1;
    if (b <= 1)
        return 0;
    if (b > (double)(INT64_MAX / DM_SEC)) {
        *ret = b;
        return 0;
    }
    _cleanup_free_ char *text =
        dm_asprintf("%s#%s#%s#%d", w->dag_id, w->task_id, dm_time_python(w->since, since), n);
    DM_TRY(dm_sha1_modulo(dm_str_c(text), (uint64_t)b, &jitter, reterr));
    *ret = b + (double)jitter;
    return 0;
}

/* The wait whose end is the first that lies after `passed` if all of them follow one another. */
static int backoff_after(const struct dm_sensor_wait *w, int64_t passed, double *ret,
                         struct dm_err *reterr)
{
    double seconds = (double)passed / (double)DM_SEC, sum = 0;
    *ret = 1;
    if (w->interval == 0)
        return 0; /* never grows */
    for (int n = 1; sum <= seconds && n < LOOKS_MAX; n++) {
        DM_TRY(backoff_at(w, n, ret, reterr));
        sum += *ret;
    }
    return 0;
}

int dm_sensor_next(const struct dm_sensor_wait *w, int64_t now, int64_t *ret, struct dm_err *reterr)
{
    if (!w->backoff) {
        *ret = after(now, w->interval);
        return 0;
    }
    double seconds;
    int64_t passed = now - w->since;
    DM_TRY(backoff_after(w, passed, &seconds, reterr));
    int64_t left = w->timeout - passed / DM_SEC * DM_SEC;
    int64_t wait = seconds < (double)(left / DM_SEC) ? (int64_t)(seconds * (double)DM_SEC) : left;
    if (w->max_wait > 0 && wait > w->max_wait)
        wait = w->max_wait;
    *ret = after(now, wait < 0 ? 0 : wait);
    return 0;
}

/* What is known to come at a time needs no look before, except the one that finds the timeout passed. */
static int64_t jump(const struct sensor *s, int64_t now, int64_t next, int64_t ready_at)
{
    int64_t end = after(s->wait.since, s->wait.timeout), step = next - now;
    if (ready_at == DM_NEVER)
        return next;
    if (next <= end && step > 0)
        next = after(next, ((end - next) / step + 1) * step);
    return earlier(ready_at, next <= end ? after(end, 1) : next);
}

/* ---- looks ---- */

static int span(const struct dm_attempt *at, const char *field, int64_t *ret, struct dm_err *reterr)
{
    const struct dm_value *v = dm_map_at(at->args, field);
    *ret = 0;
    return v && v->kind != DM_NULL ? dm_span_parse(v, ret, reterr) : 0;
}

static int begin(struct sensor *s, struct dm_attempt *at, struct dm_err *reterr)
{
    const struct dm_order *o = at->order;
    int64_t now = dm_clock_now();
    *s = (struct sensor){
        .at = at,
        .wait = {.dag_id = o->dag_id,
                 .task_id = o->task_id,
                 .backoff = dm_map_bool(at->args, "exponential_backoff", false)},
        .poke = dm_str_is(dm_map_str(at->args, "mode", "poke"), "poke"),
        .soft = dm_map_bool(at->args, "soft_fail", false),
        .never = dm_map_bool(at->args, "never_fail", false),
        .silent = dm_map_bool(at->args, "silent_fail", false),
        .late_at = DM_NEVER,
    };
    DM_TRY(span(at, "poke_interval", &s->wait.interval, reterr));
    DM_TRY(span(at, "timeout", &s->wait.timeout, reterr));
    DM_TRY(span(at, "max_wait", &s->wait.max_wait, reterr));
    int64_t since = s->poke ? o->try_look_at : o->first_look_at;
    s->wait.since = since == DM_NEVER ? now : since;
    if (s->poke && o->execution_timeout_us > 0)
        s->late_at = after(s->wait.since, o->execution_timeout_us);
    return 0;
}

/* An error that ends the sensor: `skips` says that one of its fields makes a skip of it. */
static int end_badly(bool skips, const char *why, const struct dm_err *err, struct dm_err *reterr)
{
    struct dm_err e = *err;
    if (skips && e.code != DM_E_SKIP) {
        e.code = DM_E_SKIP;
        dm_err_wrap(&e, "%s", why);
    }
    if (reterr)
        *reterr = e;
    return e.code;
}

static int on_error(const struct sensor *s, const struct dm_err *err, struct dm_err *reterr)
{
    bool final = s->at->no_retry;
    if (err->code == DM_E_SKIP)
        return end_badly(false, "", err, reterr);
    if (!final && s->silent) {
        printf("the look failed (silent_fail: it waits on): %s\n", err->message);
        if (*err->detail)
            printf("%s\n", err->detail);
        return 0;
    }
    if (final && s->soft)
        return end_badly(true, "skipped as soft_fail says", err, reterr);
    return end_badly(s->never, "skipped as never_fail says", err, reterr);
}

static int too_late(const struct sensor *s, const struct dm_look *look, struct dm_err *reterr)
{
    char limit[DM_TIME_MAX];
    s->at->no_retry = true;
    dm_err_set(reterr, s->soft ? DM_E_SKIP : DM_E_TIMEOUT,
               "it waited longer than its timeout of %s%s%s",
               dm_duration_human(s->wait.timeout, limit), look->missing ? ": " : "",
               look->missing ? look->missing : "");
    return s->soft ? DM_E_SKIP : DM_E_TIMEOUT;
}

static int try_too_late(const struct sensor *s, struct dm_err *reterr)
{
    char limit[DM_TIME_MAX];
    int rc = s->soft || s->never ? DM_E_SKIP : DM_E_TIMEOUT;
    return dm_err_set(reterr, rc, "the try took longer than its execution_timeout of %s",
                      dm_duration_human(s->at->order->execution_timeout_us, limit));
}

static void stay(int64_t us)
{
    struct timespec t = {.tv_sec = us / DM_SEC, .tv_nsec = us % DM_SEC * 1000};
    fflush(stdout);
    nanosleep(&t, NULL);
}

/* 1 = look again here; 0 = another attempt does. */
static int wait_on(const struct sensor *s, const struct dm_look *look, struct dm_err *reterr)
{
    int64_t now = dm_clock_now(), next;
    if (now - s->wait.since > s->wait.timeout)
        return too_late(s, look, reterr);
    DM_TRY(dm_sensor_next(&s->wait, now, &next, reterr));
    if (look->until_step) /* its end is told: only the timeout is left to be watched */
        next = after(after(s->wait.since, s->wait.timeout), 1);
    else
        next = jump(s, now, next, look->ready_at);
    next = earlier(next, s->late_at);
    if (s->poke && !look->until_step && next - now < STAYS_BELOW) {
        stay(next > now ? next - now : 0);
        return 1;
    }
    s->at->reschedule = true;
    s->at->until_step = look->until_step;
    s->at->until_time = next;
    s->at->waits_for = look->missing;
    return 0;
}

int dm_sensor_run(struct dm_attempt *at, dm_look_fn *look, const struct dm_value **ret,
                  struct dm_err *reterr)
{
    struct sensor s;
    *ret = NULL;
    DM_TRY(begin(&s, at, reterr));
    for (;;) {
        struct dm_look seen = {.ready_at = DM_NEVER};
        struct dm_err err = {0};
        if (s.late_at != DM_NEVER && dm_clock_now() >= s.late_at)
            return try_too_late(&s, reterr);
        int rc = look(at, &seen, &err);
        if (rc == 1) {
            *ret = seen.value;
            return 0;
        }
        if (rc < 0) {
            seen = (struct dm_look){.ready_at = DM_NEVER,
                                    .missing = dm_arena_strdup(at->arena, err.message)};
            DM_TRY(on_error(&s, &err, reterr));
        }
        rc = wait_on(&s, &seen, reterr);
        if (rc <= 0)
            return rc;
    }
}
