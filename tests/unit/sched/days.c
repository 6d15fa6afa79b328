/* Which days a command does, what a rerun keeps, generations, one task alone, the past of the first day. */
#include <fcntl.h>
#include <sys/stat.h>

#include "conn/input.h"
#include "world.h"

static const struct t_task tasks[] = {{.id = "a", .depends_on_past = true},
                                      {.id = "b", .upstream = {"a"}},
                                      {.id = "c", .upstream = {"b"}}};

static struct {
    int day; /* "b" fails on this day; -1 = never */
} broken;

static struct dm_result outcome(struct t_world *w, const struct dm_job *j)
{
    bool fails = strcmp(j->task->row.task_id, "b") == 0 &&
                 j->run->row.logical_date == T_EPOCH + broken.day * DM_DAY;
    return (struct dm_result){.state = fails ? DM_RESULT_FAILED : DM_RESULT_SUCCESS,
                              .until_time = DM_NEVER};
}

static void open_world(struct t_world *w)
{
    t_world_init(w, NULL);
    t_dag(w, tasks, 3);
    w->outcome = outcome;
    broken.day = -1;
}

static struct dm_drive drive(struct t_world *w, int from, int to, enum dm_rerun rerun)
{
    return (struct dm_drive){.dag = &w->dag,
                             .from = T_EPOCH + from * DM_DAY,
                             .to = T_EPOCH + to * DM_DAY,
                             .rerun = rerun,
                             .run_type = "backfill"};
}

static size_t attempts_of(struct t_world *w, struct dm_drive d)
{
    size_t before = w->attempts;
    t_drive(w, &d);
    return w->attempts - before;
}

static void a_rerun_does_what_it_is_asked(void)
{
    struct t_world w;
    open_world(&w);
    broken.day = 2;
    /* b of day 2 fails, c is upstream_failed; a of day 3 is fine, for a of day 2 was */
    T_INT(attempts_of(&w, drive(&w, 0, 4, DM_RERUN_MISSING)), 14);
    T_STR(t_run_state(&w, 2), "failed");
    T_INT(attempts_of(&w, drive(&w, 0, 4, DM_RERUN_MISSING)), 0);
    broken.day = -1;
    T_INT(attempts_of(&w, drive(&w, 0, 4, DM_RERUN_FAILED)), 3);
    T_STR(t_run_state(&w, 2), "success");
    T_INT(attempts_of(&w, drive(&w, 1, 2, DM_RERUN_ALL)), 6);
    int tries;
    T_INT(t_state(&w, 2, "b", &tries), DM_TASK_SUCCESS);
    T_INT(tries, 3);
    t_world_release(&w);
}

static void a_changed_generation_makes_days_stale(void)
{
    struct t_world w;
    struct dm_run_row run;
    struct dm_run_generation_row *g;
    struct dm_err err;
    size_t n;
    open_world(&w);
    T_INT(attempts_of(&w, drive(&w, 0, 1, DM_RERUN_MISSING)), 6);
    T_INT(attempts_of(&w, drive(&w, 0, 1, DM_RERUN_STALE)), 0);
    /* the new generation has lost c and gained z */
    static const struct t_task newer[] = {
        {.id = "a"}, {.id = "b", .upstream = {"a"}}, {.id = "z", .upstream = {"b"}}};
    t_dag(&w, newer, 3);
    memset(w.dag.generation, 'b', 64);
    T_INT(attempts_of(&w, drive(&w, 0, 0, DM_RERUN_MISSING)), 0);
    T_INT(attempts_of(&w, drive(&w, 0, 0, DM_RERUN_STALE)), 3);
    T_TRY(dm_store_run_find(w.store, &w.arena, "d", DM_STR("2024-01-01"), &run, &err), err);
    T_TRY(dm_store_run_generations(w.store, &w.arena, run.id, &g, &n, &err), err);
    T_INT(n, 2);
    T_INT(g[0].generation[0], 'a');
    T_STR(g[1].why, "rerun");
    T_INT(run.generation[0], 'b');
    int tries;
    T_INT(t_state(&w, 0, "c", &tries), DM_TASK_REMOVED);
    T_INT(t_state(&w, 0, "z", &tries), DM_TASK_SUCCESS);
    t_world_release(&w);
}

/* data/x.csv with that text, written at that second. */
static void write_input(struct t_world *w, const char *text, time_t at)
{
    const char *path = dm_arena_printf(&w->arena, "%s/data/x.csv", w->dir);
    struct timespec times[2] = {{.tv_sec = at}, {.tv_sec = at}};
    struct dm_err err;
    t_must(dm_mkdirs_for(path, &err), &err);
    t_must(dm_file_write(path, dm_str_c(text), 0644, &err), &err);
    T_INT(utimensat(AT_FDCWD, path, times, 0), 0);
}

/* As if task a had read the file when it ran on that day. */
static void record_input(struct t_world *w, int day)
{
    struct dm_run_row run;
    struct dm_task_row *rows;
    struct dm_err err;
    size_t n;
    const char *now =
        dm_input_identity(&w->arena, dm_arena_printf(&w->arena, "%s/data/x.csv", w->dir), DM_NEVER);
    T_INT(dm_store_run_at(w->store, &w->arena, "d", T_EPOCH + day * DM_DAY, &run, &err), 1);
    T_TRY(dm_store_tasks(w->store, &w->arena, run.id, &rows, &n, &err), err);
    T_TRY(dm_store_begin(w->store, false, &err), err);
    T_TRY(dm_record_input(w->store, rows[0].id, DM_STR("data/x.csv"), dm_str_c(now), &err), err);
    T_TRY(dm_store_commit(w->store, &err), err);
}

/* What the days are: "good stale". */
static const char *look(struct t_world *w, const struct dm_drive *d, struct dm_day **ret)
{
    struct dm_err err;
    size_t n, outside;
    const char *out = "";
    t_must(dm_drive_days(&w->arena, w->store, d, ret, &n, &outside, &err), &err);
    for (size_t i = 0; i < n; i++)
        out = dm_arena_printf(&w->arena, "%s%s%s", out, i ? " " : "", dm_day_is_name((*ret)[i].is));
    return out;
}

static void a_changed_input_makes_days_stale(void)
{
    struct t_world w;
    struct dm_day *days;
    open_world(&w);
    broken.day = 2;
    struct dm_drive d = drive(&w, 0, 3, DM_RERUN_MISSING);
    d.inputs_dir = w.dir;
    T_STR(look(&w, &d, &days), "missing missing missing missing");
    d.to = T_EPOCH + 2 * DM_DAY;
    T_INT(attempts_of(&w, d), 8);
    broken.day = -1;
    d.to = T_EPOCH + 3 * DM_DAY;
    write_input(&w, "one", 1000000000);
    record_input(&w, 1);
    T_STR(look(&w, &d, &days), "good good failed missing");
    write_input(&w, "two", 1000000001);
    T_STR(look(&w, &d, &days), "good stale failed missing");
    T_INT(days[1].action, DM_DAY_KEEP);
    T_STR(days[1].why, "input changed: data/x.csv");
    d.rerun = DM_RERUN_STALE;
    T_STR(look(&w, &d, &days), "good stale failed missing");
    T_INT(days[0].action, DM_DAY_KEEP);
    T_INT(days[1].action, DM_DAY_RERUN);
    T_INT(days[2].action, DM_DAY_RERUN);
    /* As it was: the time of its last change says so. */
    write_input(&w, "one", 1000000000);
    T_STR(look(&w, &d, &days), "good good failed missing");
    /* What is gone could not be read again, and nobody who does not name the folder asks. */
    T_INT(remove(dm_arena_printf(&w.arena, "%s/data/x.csv", w.dir)), 0);
    T_STR(look(&w, &d, &days), "good good failed missing");
    write_input(&w, "three", 1000000001);
    d.inputs_dir = NULL;
    T_STR(look(&w, &d, &days), "good good failed missing");
    /* Done again, its tasks say anew what they read: nothing, here. */
    d.inputs_dir = w.dir;
    T_INT(attempts_of(&w, d), 9);
    T_STR(look(&w, &d, &days), "good good good good");
    t_world_release(&w);
}

static void days_outside_the_dates_are_left_out(void)
{
    struct t_world w;
    struct dm_day *days;
    struct dm_err err;
    size_t n, outside;
    open_world(&w);
    w.dag.end_date = T_EPOCH + 3 * DM_DAY;
    struct dm_drive d = drive(&w, -2, 9, DM_RERUN_MISSING);
    T_TRY(dm_drive_days(&w.arena, w.store, &d, &days, &n, &outside, &err), err);
    T_INT(n, 4);
    T_INT(outside, 8);
    T_INT(days[0].action, DM_DAY_CREATE);
    T_STR(days[0].run_id, "backfill__2024-01-01T00:00:00+00:00");
    /* A day that the command names itself is taken as it is. */
    d.exact = true;
    d.from = d.to = T_EPOCH + 7 * DM_DAY + DM_HOUR;
    d.run_type = "manual";
    T_TRY(dm_drive_days(&w.arena, w.store, &d, &days, &n, &outside, &err), err);
    T_INT(n, 1);
    T_STR(days[0].run_id, "manual__2024-01-08T01:00:00+00:00");
    t_world_release(&w);
}

static void the_first_day_of_a_command_ignores_its_past(void)
{
    struct t_world w;
    open_world(&w);
    static const struct t_task first[] = {{.id = "b", .depends_on_past = true}};
    t_dag(&w, first, 1);
    broken.day = 0;
    T_INT(attempts_of(&w, drive(&w, 0, 2, DM_RERUN_MISSING)), 1);
    T_STR(t_run_state(&w, 0), "failed");
    T_STR(t_run_state(&w, 1), "queued");
    T_INT(attempts_of(&w, drive(&w, 0, 2, DM_RERUN_MISSING)), 0);
    T_INT(attempts_of(&w, drive(&w, 1, 2, DM_RERUN_MISSING)), 2);
    T_STR(t_run_state(&w, 2), "success");
    t_world_release(&w);
}

static void one_task_alone(void)
{
    struct t_world w;
    int tries;
    open_world(&w);
    struct dm_drive d = drive(&w, 0, 0, DM_RERUN_MISSING);
    d.only_task = "b";
    d.run_type = "manual";
    d.exact = true;
    T_INT(attempts_of(&w, d), 1);
    T_INT(t_state(&w, 0, "b", &tries), DM_TASK_SUCCESS);
    T_INT(t_state(&w, 0, "a", &tries), DM_TASK_NONE);
    T_STR(t_run_state(&w, 0), "queued");
    /* and again, though it has succeeded */
    T_INT(attempts_of(&w, d), 1);
    T_INT(t_state(&w, 0, "b", &tries), DM_TASK_SUCCESS);
    T_INT(tries, 2);
    /* A backfill does the rest and keeps it. */
    T_INT(attempts_of(&w, drive(&w, 0, 0, DM_RERUN_MISSING)), 2);
    T_STR(t_run_state(&w, 0), "success");
    t_world_release(&w);
}

static void names_of_reruns(void)
{
    T_INT(dm_rerun_parse(DM_STR("missing")), DM_RERUN_MISSING);
    T_INT(dm_rerun_parse(DM_STR("none")), DM_RERUN_MISSING);
    T_INT(dm_rerun_parse(DM_STR("completed")), DM_RERUN_ALL);
    T_INT(dm_rerun_parse(DM_STR("sometimes")), -1);
}

static struct dm_result note_name(struct t_world *w, const struct dm_job *j)
{
    dm_strbuf_adds(w->user, j->task->row.task_id);
    return (struct dm_result){.state = DM_RESULT_SUCCESS, .until_time = DM_NEVER};
}

/* One slot: when b ends, c goes before a, which has waited longer. */
static void what_becomes_ready_competes_for_the_slot(void)
{
    static const struct t_task three[] = {{.id = "a"}, {.id = "b"}, {.id = "c", .upstream = {"b"}}};
    static const int weights[] = {2, 1, 9};
    _cleanup_strbuf_ struct dm_strbuf order;
    struct t_world w;
    dm_strbuf_init(&order, DM_BUF_MESSAGE);
    t_world_init(&w, NULL);
    t_dag(&w, three, 3);
    for (size_t i = 0; i < 3; i++)
        w.dag.tasks[i].priority_weight = weights[i];
    w.jobs = 1;
    w.outcome = note_name;
    w.user = &order;
    struct dm_drive d = drive(&w, 0, 0, DM_RERUN_MISSING);
    t_drive(&w, &d);
    T_DMSTR(dm_strbuf_str(&order), "bca");
    t_world_release(&w);
}

T_MAIN(T_CASE(what_becomes_ready_competes_for_the_slot), T_CASE(a_rerun_does_what_it_is_asked),
       T_CASE(a_changed_generation_makes_days_stale), T_CASE(a_changed_input_makes_days_stale),
       T_CASE(days_outside_the_dates_are_left_out),
       T_CASE(the_first_day_of_a_command_ignores_its_past), T_CASE(one_task_alone),
       T_CASE(names_of_reruns))
