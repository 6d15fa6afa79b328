/* What an attempt reports and asks: values to frames, replies to values. */
#include "task/attempt.h"

#include <pthread.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/map.h"
#include "conn/input.h"
#include "state/store.h"
#include "task/scratch.h"

#define PROGRESS_EVERY_US (100 * DM_MS)

enum { HELD_MAX = 64 << 10 };

/* The watcher's thread reports a timeout beside the task's own thread. */
static pthread_mutex_t send_lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_mutex_t record_lock = PTHREAD_MUTEX_INITIALIZER;

/* Reports that nobody waits for.  Each message wakes the parent for a transaction of its own, so these go with the next
   one that cannot wait, or with the result. */
static bool can_wait(enum dm_wire_kind kind)
{
    return kind == DM_WIRE_RENDERED || kind == DM_WIRE_XCOM || kind == DM_WIRE_LEDGER ||
           kind == DM_WIRE_CHECK;
}

static int send_locked(struct dm_attempt *at, enum dm_wire_kind kind, struct dm_str json,
                       struct dm_err *reterr)
{
    if (!at->held.max)
        dm_strbuf_init(&at->held, 2 * DM_BUF_FRAME);
    dm_frame_encode(&at->held, kind, json);
    DM_TRY(dm_strbuf_check(&at->held, "the reports of a task", reterr));
    if (can_wait(kind) && at->held.len < HELD_MAX)
        return 0;
    DM_TRY(dm_wire_send_frames(at->fd, dm_strbuf_str(&at->held), reterr));
    if (kind == DM_WIRE_RESULT)
        dm_strbuf_release(&at->held);
    else
        dm_strbuf_clear(&at->held);
    return 0;
}

int dm_attempt_send_text(struct dm_attempt *at, enum dm_wire_kind kind, struct dm_str json,
                         struct dm_err *reterr)
{
    pthread_mutex_lock(&send_lock);
    int rc = send_locked(at, kind, json, reterr);
    pthread_mutex_unlock(&send_lock);
    return rc;
}

int dm_attempt_flush(struct dm_attempt *at, struct dm_err *reterr)
{
    pthread_mutex_lock(&send_lock);
    int rc = dm_wire_send_frames(at->fd, dm_strbuf_str(&at->held), reterr);
    dm_strbuf_release(&at->held);
    pthread_mutex_unlock(&send_lock);
    return rc;
}

int dm_attempt_send(struct dm_attempt *at, enum dm_wire_kind kind, const struct dm_value *body,
                    struct dm_err *reterr)
{
    _cleanup_strbuf_ struct dm_strbuf b = {0};
    dm_strbuf_init(&b, DM_BUF_FRAME);
    dm_value_to_json(&b, body, false);
    DM_TRY(dm_strbuf_check(&b, "a report of a task", reterr));
    return dm_attempt_send_text(at, kind, dm_strbuf_str(&b), reterr);
}

int dm_attempt_send_result(struct dm_attempt *at, struct dm_result *r, struct dm_err *reterr)
{
    _cleanup_strbuf_ struct dm_strbuf b = {0};
    dm_mask_text(r->error.message);
    dm_mask_text(r->error.detail);
    dm_mask_text(r->error.hint);
    dm_strbuf_init(&b, DM_BUF_FRAME);
    dm_result_encode(&b, r);
    DM_TRY(dm_strbuf_check(&b, "the result of a task", reterr));
    return dm_attempt_send_text(at, DM_WIRE_RESULT, dm_strbuf_str(&b), reterr);
}

/* Sends and waits for the answer: the only messages that come down after the order are replies. */
static int ask(struct dm_attempt *at, enum dm_wire_kind kind, const struct dm_value *body,
               const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_frame frame;
    struct dm_value *reply;
    DM_TRY(dm_attempt_send(at, kind, body, reterr));
    DM_TRY(dm_wire_receive(at->fd, at->arena, &frame, reterr));
    if (frame.kind != DM_WIRE_REPLY)
        return dm_err_set(reterr, DM_E_DATA, "the parent answered with a message of the kind '%c'",
                          (char)frame.kind);
    DM_TRY(dm_value_from_json(at->arena, frame.body, &reply, reterr));
    const struct dm_value *error = dm_map_at(reply, "error");
    if (error && error->kind == DM_MAP) {
        char code[64];
        snprintf(code, sizeof(code), "%.*s", DM_FMT(dm_map_str(error, "code", "")));
        return dm_err_set(reterr, dm_code_from_name(code), "%.*s",
                          DM_FMT(dm_map_str(error, "message", "the parent refused")));
    }
    *ret = reply;
    return 0;
}

static const struct dm_value *count_value(struct dm_arena *a, int64_t n)
{
    return n < 0 ? &dm_null : dm_value_int(a, n);
}

static const struct dm_value *text_value(struct dm_arena *a, const char *text)
{
    return text ? dm_value_cstr(a, text) : &dm_null;
}

static struct dm_value *object_value(struct dm_arena *a, struct dm_object_name name)
{
    struct dm_value *v = dm_value_map(a);
    dm_map_set(a, v, "bucket", dm_value_cstr(a, name.bucket));
    dm_map_set(a, v, "key", dm_value_cstr(a, name.key));
    return v;
}

int dm_attempt_conn(struct dm_attempt *at, struct dm_str id, struct dm_connection *ret,
                    struct dm_err *reterr)
{
    return dm_conn_find(at->arena, at->project, id, ret, reterr);
}

int dm_attempt_sql(struct dm_attempt *at, struct dm_str conn_id, struct dm_pg **ret,
                   struct dm_err *reterr)
{
    struct dm_connection c;
    DM_TRY(dm_attempt_conn(at, conn_id, &c, reterr));
    const char *name = at->order ? dm_arena_printf(at->arena, "daymill %s.%s %s", at->order->dag_id,
                                                   at->order->task_id, at->order->run_id)
                                 : "daymill";
    return dm_pg_open(at->project, &c, name, ret, reterr);
}

int dm_attempt_lake(struct dm_attempt *at, struct dm_str conn_id, struct dm_lake **ret,
                    struct dm_err *reterr)
{
    struct dm_connection c;
    DM_TRY(dm_attempt_conn(at, conn_id, &c, reterr));
    DM_TRY(dm_lake_open(at->arena, at->project, &c, ret, reterr));
    at->lake = *ret;
    return 0;
}

static void close_store(void *s)
{
    dm_store_close(s);
}

int dm_attempt_store(struct dm_attempt *at, struct dm_store **ret, struct dm_err *reterr)
{
    if (!at->store) {
        DM_TRY(dm_store_open(at->project->state_path, DM_STORE_READ, &at->store, reterr));
        dm_arena_defer(at->arena, close_store, at->store);
    }
    *ret = at->store;
    return 0;
}

int dm_attempt_xcoms(struct dm_attempt *at, const char *task_id, const char *key,
                     const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_store *store;
    struct dm_xcom_of_task *found;
    struct dm_value *list = dm_value_list(at->arena, 0), *v;
    size_t n;
    DM_TRY(dm_attempt_store(at, &store, reterr));
    DM_TRY(dm_store_xcoms_of_task(store, at->arena, at->order->dag_id, at->order->run_id,
                                  dm_str_c(task_id), dm_str_c(key), &found, &n, reterr));
    for (size_t i = 0; i < n; i++) {
        DM_TRY(dm_value_from_json(at->arena, found[i].value, &v, reterr));
        dm_list_add(at->arena, list, v);
    }
    *ret = list;
    return 0;
}

/* The line of a ledger entry in the attempt's log. */
static void log_ledger(bool write, const char *dataset, int64_t rows, int64_t bytes,
                       const char *note)
{
    char amount[80] = "";
    int n = 0;
    if (rows >= 0)
        n = snprintf(amount, sizeof(amount), " %lld rows", (long long)rows);
    if (bytes >= 0)
        snprintf(amount + n, sizeof(amount) - (size_t)n, " %lld bytes", (long long)bytes);
    dm_log(DM_LOG_INFO, "%s %s%s%s%s%s", write ? "wrote" : "read", dataset, amount,
           note ? " (" : "", note ? note : "", note ? ")" : "");
}

int dm_attempt_ledger(struct dm_attempt *at, bool write, const char *dataset, int64_t rows,
                      int64_t bytes, int64_t files, const char *note, struct dm_err *reterr)
{
    struct dm_arena *a = at->arena;
    struct dm_value *v = dm_value_map(a);
    log_ledger(write, dataset, rows, bytes, note);
    dm_map_set(a, v, "direction", dm_value_cstr(a, write ? "write" : "read"));
    dm_map_set(a, v, "dataset", dm_value_cstr(a, dataset));
    dm_map_set(a, v, "rows", count_value(a, rows));
    dm_map_set(a, v, "bytes", count_value(a, bytes));
    dm_map_set(a, v, "files", count_value(a, files));
    dm_map_set(a, v, "note", text_value(a, note));
    return dm_attempt_send(at, DM_WIRE_LEDGER, v, reterr);
}

int dm_attempt_push_xcom(struct dm_attempt *at, const char *key, const struct dm_value *value,
                         struct dm_err *reterr)
{
    struct dm_value *v = dm_value_map(at->arena);
    dm_map_set(at->arena, v, "key", dm_value_cstr(at->arena, key));
    dm_map_set(at->arena, v, "value", value);
    return dm_attempt_send(at, DM_WIRE_XCOM, v, reterr);
}

int dm_attempt_progress(struct dm_attempt *at, int64_t done, int64_t total, const char *unit,
                        struct dm_err *reterr)
{
    int64_t now = dm_clock_monotonic();
    if (at->progress_at && now - at->progress_at < PROGRESS_EVERY_US)
        return 0;
    at->progress_at = now;
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_value *v = dm_value_map(&a);
    dm_map_set(&a, v, "done", count_value(&a, done));
    dm_map_set(&a, v, "total", count_value(&a, total));
    dm_map_set(&a, v, "unit", text_value(&a, unit));
    return dm_attempt_send(at, DM_WIRE_PROGRESS, v, reterr);
}

int dm_attempt_check(struct dm_attempt *at, const struct dm_check_report *check,
                     struct dm_err *reterr)
{
    struct dm_arena *a = at->arena;
    struct dm_value *v = dm_value_map(a);
    dm_log(check->passed ? DM_LOG_INFO : DM_LOG_ERROR, "check %s %s: expected %s, got %s",
           check->name, check->passed ? "passed" : "failed",
           check->expected ? check->expected : "-", check->got ? check->got : "-");
    dm_map_set(a, v, "name", dm_value_cstr(a, check->name));
    dm_map_set(a, v, "passed", dm_value_bool(a, check->passed));
    dm_map_set(a, v, "expected", text_value(a, check->expected));
    dm_map_set(a, v, "got", text_value(a, check->got));
    dm_map_set(a, v, "rows", check->rows ? check->rows : &dm_null);
    dm_map_set(a, v, "note", text_value(a, check->note));
    dm_map_set(a, v, "sql", text_value(a, check->sql));
    return dm_attempt_send(at, DM_WIRE_CHECK, v, reterr);
}

/* Lists grow under the lock: the watching thread may have to report what is in them. */
static void record(struct dm_attempt *at, struct dm_value **list, const struct dm_value *object)
{
    pthread_mutex_lock(&record_lock);
    if (!*list)
        *list = dm_value_list(at->arena, 0);
    dm_list_add(at->arena, *list, object);
    pthread_mutex_unlock(&record_lock);
}

int dm_attempt_intend(struct dm_attempt *at, const struct dm_object_name *names, size_t n,
                      struct dm_err *reterr)
{
    struct dm_value *list = dm_value_list(at->arena, 0), *v = dm_value_map(at->arena);
    for (size_t i = 0; i < n; i++) {
        const struct dm_value *object = object_value(at->arena, names[i]);
        dm_list_add(at->arena, list, object);
        record(at, &at->intended, object);
    }
    dm_map_set(at->arena, v, "objects", list);
    const struct dm_value *reply;
    return ask(at, DM_WIRE_INTENT, v, &reply, reterr);
}

void dm_attempt_wrote(struct dm_attempt *at, struct dm_object_name name, uint64_t bytes)
{
    struct dm_value *v = object_value(at->arena, name);
    dm_map_set(at->arena, v, "bytes", dm_value_int(at->arena, (int64_t)bytes));
    record(at, &at->written, v);
}

/* The set of objects that a list names, by "bucket/key". */
static struct dm_str object_id(struct dm_arena *a, const struct dm_value *o)
{
    return dm_str_printf(a, "%.*s/%.*s", DM_FMT(dm_map_str(o, "bucket", "")),
                         DM_FMT(dm_map_str(o, "key", "")));
}

static void add_missing(struct dm_arena *a, struct dm_map *seen, struct dm_value *all,
                        const struct dm_value *list)
{
    for (size_t i = 0; list && i < list->list.n; i++) {
        struct dm_str id = object_id(a, list->list.items[i]);
        if (dm_map_put(seen, id, all))
            continue;
        dm_list_add(a, all, list->list.items[i]);
    }
}

const struct dm_value *dm_attempt_record(struct dm_attempt *at, struct dm_arena *a,
                                         const struct dm_value *earlier)
{
    struct dm_value *all = dm_value_list(a, 0);
    struct dm_map seen;
    dm_map_init(&seen, a);
    pthread_mutex_lock(&record_lock);
    add_missing(a, &seen, all, at->written);
    add_missing(a, &seen, all, at->intended);
    pthread_mutex_unlock(&record_lock);
    add_missing(a, &seen, all, earlier);
    return all;
}

int dm_attempt_delete_stale(struct dm_attempt *at, struct dm_lake *lake,
                            const struct dm_value *earlier, struct dm_err *reterr)
{
    struct dm_value *kept = dm_value_list(at->arena, 0);
    struct dm_map written;
    dm_map_init(&written, at->arena);
    add_missing(at->arena, &written, kept, at->written);
    for (size_t i = 0; earlier && i < earlier->list.n; i++) {
        const struct dm_value *o = earlier->list.items[i];
        if (dm_map_has(&written, object_id(at->arena, o)))
            continue;
        const char *bucket = dm_str_cstr(at->arena, dm_map_str(o, "bucket", ""));
        const char *key = dm_str_cstr(at->arena, dm_map_str(o, "key", ""));
        struct dm_err err;
        int rc = *bucket ? dm_lake_delete(lake, (struct dm_object_name){bucket, key}, &err)
                         : dm_cluster_remove(at->project, &key, 1, &err);
        if (rc < 0 && rc != DM_E_NOTFOUND) {
            if (reterr)
                *reterr = err;
            return dm_err_wrap(reterr, "removing what an earlier attempt wrote"), rc;
        }
    }
    return 0;
}

bool dm_attempt_landing(const struct dm_attempt *at, const char *source, struct dm_landing *ret)
{
    const struct dm_value *v = at->order ? dm_map_at(at->order->landings, source) : NULL;
    if (!v || v->kind != DM_MAP)
        return false;
    ret->identity = dm_str_cstr(at->arena, dm_map_str(v, "identity", ""));
    ret->object.bucket = dm_str_cstr(at->arena, dm_map_str(v, "bucket", ""));
    ret->object.key = dm_str_cstr(at->arena, dm_map_str(v, "key", ""));
    return true;
}

int dm_attempt_landed(struct dm_attempt *at, const char *source, const char *identity,
                      struct dm_object_name name, struct dm_err *reterr)
{
    if (!*identity)
        return 0;
    struct dm_value *v = object_value(at->arena, name);
    dm_map_set(at->arena, v, "source", dm_value_cstr(at->arena, source));
    dm_map_set(at->arena, v, "identity", dm_value_cstr(at->arena, identity));
    return dm_attempt_send(at, DM_WIRE_LANDED, v, reterr);
}

int dm_attempt_input(struct dm_attempt *at, const char *path, struct dm_err *reterr)
{
    struct dm_arena *a = at->arena;
    const char *identity = dm_input_identity(a, path, dm_clock_now());
    if (!identity || dm_path_below(a, path, at->project->run_dir))
        return 0;
    struct dm_value *v = dm_value_map(a);
    dm_map_set(a, v, "source", dm_value_cstr(a, dm_project_relative(at->project, path)));
    dm_map_set(a, v, "identity", dm_value_cstr(a, identity));
    return dm_attempt_send(at, DM_WIRE_INPUT, v, reterr);
}

int dm_attempt_steps(struct dm_attempt *at, const char *cluster_id, const struct dm_value *steps,
                     const struct dm_value **ret_ids, struct dm_err *reterr)
{
    struct dm_value *v = dm_value_map(at->arena);
    dm_map_set(at->arena, v, "cluster", dm_value_cstr(at->arena, cluster_id));
    dm_map_set(at->arena, v, "steps", steps);
    const struct dm_value *reply;
    DM_TRY(ask(at, DM_WIRE_STEPS, v, &reply, reterr));
    const struct dm_value *ids = dm_map_at(reply, "ids");
    if (!ids || ids->kind != DM_LIST || ids->list.n != steps->list.n)
        return dm_err_set(reterr, DM_E_DATA,
                          "the parent answered a batch of steps without their ids");
    *ret_ids = ids;
    return 0;
}

int dm_attempt_trigger(struct dm_attempt *at, const struct dm_run_wanted *what,
                       const char **ret_run_id, struct dm_err *reterr)
{
    struct dm_arena *a = at->arena;
    struct dm_value *v = dm_value_map(a);
    const struct dm_value *reply;
    dm_map_set(a, v, "dag_id", dm_value_cstr(a, what->dag_id));
    dm_map_set(a, v, "run_id", dm_value_cstr(a, what->run_id));
    dm_map_set(a, v, "logical_date", dm_value_int(a, what->logical_date));
    dm_map_set(a, v, "conf", what->conf ? what->conf : &dm_null);
    dm_map_set(a, v, "reset", what->reset ? &dm_true : &dm_false);
    DM_TRY(ask(at, DM_WIRE_TRIGGER, v, &reply, reterr));
    *ret_run_id = dm_str_cstr(a, dm_map_str(reply, "run_id", what->run_id));
    return 0;
}

int dm_attempt_scratch(struct dm_attempt *at, const char **ret, struct dm_err *reterr)
{
    const char *path =
        dm_scratch_path(at->arena, at->project, at->order->dag_id, at->order->run_id);
    DM_TRY(dm_mkdirs(path, 0777, reterr));
    *ret = path;
    return 0;
}
