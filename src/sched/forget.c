/* Forgetting, a chunk at a time. */
#include "sched/forget.h"

#include "conn/retention.h"
#include "lang/err_json.h"
#include "state/record.h"

enum { CHUNK_TASKS = 500, CHUNK_LOGS = 500, CHUNK_GENERATIONS = 100 };

enum { STAGE_RUNS, STAGE_GENERATIONS, STAGE_LOGS, STAGE_DONE };

void dm_forget_init(struct dm_forget *f, struct dm_store *s, const struct dm_project *p)
{
    *f = (struct dm_forget){.store = s, .project_dir = p->dir, .keep = dm_project_retention(p)};
    dm_arena_init(&f->arena);
}

void dm_forget_release(struct dm_forget *f)
{
    dm_arena_release(&f->arena);
}

int dm_forget_ask(struct dm_forget *f, struct dm_arena *a, const struct dm_request_row *row,
                  struct dm_err *reterr)
{
    struct dm_value *body;
    if (f->request)
        return 0;
    DM_TRY(dm_value_from_json(a, dm_str_c(row->body), &body, reterr));
    struct dm_str dag_id = dm_map_str(body, "dag_id", "");
    int64_t before = dm_map_int(body, "before", DM_NEVER);
    int64_t keep_last = dm_map_int(body, "keep_last", 1);
    if (keep_last < 1 || keep_last > INT32_MAX)
        return dm_err_set(reterr, DM_E_INVALID, "a purge keeps one run of a DAG at least");
    dm_arena_reset(&f->arena);
    f->request = row->id;
    f->by_age = before == DM_NEVER;
    f->stage = STAGE_RUNS;
    f->purge_place = (struct dm_retain_place){0};
    f->purged = (struct dm_purged){0};
    f->purge = (struct dm_purge){.dag_id = dag_id.len ? dm_str_cstr(&f->arena, dag_id) : NULL,
                                 .before = before,
                                 .ended_before = DM_NEVER,
                                 .keep_last = (int)keep_last};
    return 0;
}

/* 1 = the stage has more. */
static int chunk(struct dm_forget *f, int64_t now, struct dm_err *reterr)
{
    struct dm_purged *sum = &f->purged;
    if (f->by_age)
        return dm_retain(f->store, f->project_dir, &f->keep, &f->purge_place, now, sum, reterr);
    if (f->stage == STAGE_RUNS)
        return dm_purge_runs(f->store, &f->purge, CHUNK_TASKS, sum, reterr);
    if (f->stage == STAGE_LOGS)
        return dm_purge_log_files(f->store, f->project_dir, CHUNK_LOGS, sum, reterr);
    return dm_purge_generations(f->store, DM_NEVER, CHUNK_GENERATIONS, sum, reterr);
}

static const char *answer_of(struct dm_arena *a, const struct dm_purged *p)
{
    const struct {
        const char *name;
        int64_t n;
    } counts[] = {{"runs", p->runs},         {"tasks", p->tasks},
                  {"attempts", p->attempts}, {"events", p->events},
                  {"rendered", p->rendered}, {"generations", p->generations},
                  {"logs", p->logs},         {"log_bytes", p->log_bytes}};
    struct dm_value *map = dm_value_map(a);
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++)
        dm_map_set(a, map, counts[i].name, dm_value_int(a, counts[i].n));
    return dm_str_cstr(a, dm_value_json(a, map));
}

static int finish(struct dm_forget *f, const struct dm_err *error, int64_t now,
                  struct dm_err *reterr)
{
    const char *text = error ? dm_str_cstr(&f->arena, dm_err_to_json(&f->arena, error)) : NULL;
    const char *answer = error ? NULL : answer_of(&f->arena, &f->purged);
    int64_t request = f->request;
    f->request = 0;
    DM_TRY(dm_store_begin(f->store, false, reterr));
    int rc = dm_record_request_done(f->store, request, text, answer, now, reterr);
    if (rc < 0)
        dm_store_rollback(f->store);
    else
        rc = dm_store_commit(f->store, reterr);
    return rc;
}

int dm_forget_purge(struct dm_forget *f, int64_t now, struct dm_err *reterr)
{
    struct dm_err err = {0};
    if (!f->request)
        return 0;
    int more = chunk(f, now, &err);
    if (more < 0) {
        dm_store_rollback(f->store);
        return finish(f, &err, now, reterr);
    }
    if (!more)
        f->stage = f->by_age ? STAGE_DONE : f->stage + 1;
    return f->stage == STAGE_DONE ? finish(f, NULL, now, reterr) : 1;
}

int dm_forget_old(struct dm_forget *f, int64_t now, struct dm_err *reterr)
{
    int more = dm_retain(f->store, f->project_dir, &f->keep, &f->place, now, &f->removed, reterr);
    if (more < 0)
        dm_store_rollback(f->store);
    return more;
}
