/* Commands that run tasks: progress while they do, and the report at the end. */
#include "cmd/drive.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

#include "base/file.h"

struct view {
    struct dm_args *args;
    const struct dm_cmd_drive *drive;
    struct dm_progress progress;
};

static void on_waiting(void *user, const char *holder)
{
    struct view *v = user;
    if (!v->args->quiet)
        fprintf(stderr, "waiting for another command of this project: %s\n", holder);
}

static void on_task(void *user, const struct dm_loop_task_event *e)
{
    struct view *v = user;
    char day[DM_TIME_MAX];
    bool failed = e->to == DM_TASK_FAILED || e->to == DM_TASK_UP_FOR_RETRY;
    if (v->args->quiet || !(failed || (v->drive->show_tasks && dm_task_finished(e->to))))
        return;
    dm_progress_hide(&v->progress);
    fprintf(stderr, "%s  %s  %s", dm_time_date(e->logical_date, day),
            dm_cell_instance(v->args->arena, e->task_id, e->map_index), dm_task_state_name(e->to));
    if (failed && e->error) {
        size_t line = strcspn(e->error->message, "\n");
        fprintf(stderr, " (try %d of %d): %.*s", e->try_number, e->max_tries + 1, (int)line,
                e->error->message);
    }
    fputc('\n', stderr);
}

static void on_callback_failed(void *user, const struct dm_loop_callback_event *e)
{
    struct view *v = user;
    if (v->args->quiet)
        return;
    dm_progress_hide(&v->progress);
    fprintf(stderr, "%s %s%s%s: %s failed: %.*s\n  log: %s\n", e->dag_id, e->run_id,
            e->task_id ? "  " : "", e->task_id ? e->task_id : "", e->key,
            (int)strcspn(e->error->message, "\n"), e->error->message, e->log_path);
}

static void on_progress(void *user, const struct dm_loop_progress *p)
{
    struct view *v = user;
    if (p->days > 1) {
        v->progress.total = (int64_t)p->tasks;
        dm_progress_set(&v->progress, (int64_t)p->tasks_done);
    }
}

/* ---- the report ---- */

/* A failed check says what it expected and got, and shows the rows. */
static void print_failed_checks(struct dm_args *args, struct dm_store *store,
                                const struct dm_loop_failure *f)
{
    struct dm_run_row run;
    struct dm_check_row *checks;
    size_t n;
    if (dm_store_run_at(store, args->arena, f->dag_id, f->logical_date, &run, NULL) != 1 ||
        dm_store_checks(store, args->arena, run.id, f->attempt, &checks, &n, NULL) < 0)
        return;
    for (size_t i = 0; i < n; i++)
        if (!checks[i].passed)
            dm_cmd_print_check(stderr, args, &run, &checks[i]);
}

enum { SHOWN_DETAIL = 2 }; /* lines; with them the report has at most eight */

/* The first `max` lines of a text. */
static void print_lines(const char *text, int max)
{
    struct dm_str rest = dm_str_c(text), line;
    while (max-- > 0 && dm_str_split(&rest, '\n', &line))
        if (line.len)
            fprintf(stderr, "  %.*s\n", DM_FMT(line));
}

/* Where it is, or what to do: one line. */
static void print_place(const struct dm_err *e)
{
    if (e->file[0] && e->col > 0)
        fprintf(stderr, "  at %s:%d:%d\n", e->file, e->line, e->col);
    else if (e->file[0] && e->line > 0)
        fprintf(stderr, "  at %s:%d\n", e->file, e->line);
    else if (e->file[0])
        fprintf(stderr, "  in %s\n", e->file);
    else
        print_lines(e->hint, 1);
}

/* The first failure in full; the others are shown where there is one day to look at, else listed. */
static void print_failures(struct dm_args *args, struct dm_store *store,
                           const struct dm_loop_report *r)
{
    const struct dm_loop_failure *f = r->failures;
    const struct dm_err *e = f->error;
    size_t others = r->n_failures - 1;
    char day[DM_TIME_MAX];
    bool check = e->code == DM_E_CHECK;
    if (check)
        print_failed_checks(args, store, f);
    dm_time_date(f->logical_date, day);
    fprintf(stderr, "failed: %s %s, task %s, try %d of %d", f->dag_id, day,
            dm_cell_instance(args->arena, f->task_id, f->map_index), f->try_number,
            f->max_tries + 1);
    if (others)
        fprintf(stderr, "; and %zu more task%s: %s runs %s %s%s%s", others, others == 1 ? "" : "s",
                args->self, f[others].logical_date == f->logical_date ? "show" : "list", f->dag_id,
                f[others].logical_date == f->logical_date ? " " : "",
                f[others].logical_date == f->logical_date ? day : "");
    fputc('\n', stderr);
    print_lines(e->message, 1);
    if (!check)
        print_lines(e->detail, SHOWN_DETAIL - (e->file[0] || e->hint[0]));
    print_place(e);
    if (f->log_path)
        fprintf(stderr, "  log: %s\n", f->log_path);
}

/* The days that did not get through, as "2010-12-03 and 7 later days". */
static size_t not_published(const struct dm_loop_report *r, int64_t *ret_first, int64_t *ret_last)
{
    *ret_first = INT64_MAX;
    *ret_last = INT64_MIN;
    for (size_t i = 0; i < r->n_failures; i++) {
        int64_t d = r->failures[i].logical_date;
        *ret_first = d < *ret_first ? d : *ret_first;
        *ret_last = d > *ret_last ? d : *ret_last;
    }
    for (size_t i = 0; i < r->n_blocked; i++) {
        int64_t d = r->blocked[i].logical_date;
        *ret_first = d < *ret_first ? d : *ret_first;
        *ret_last = d > *ret_last ? d : *ret_last;
    }
    return r->failed + r->unstarted;
}

static void print_blocked(const struct dm_loop_report *r)
{
    if (!r->n_blocked)
        return;
    const struct dm_loop_blocked *b = &r->blocked[0];
    char first[DM_TIME_MAX], waits[DM_TIME_MAX];
    fprintf(stderr, "waiting: %zu day%s from %s on, for %s of %s (%s)\n", r->unstarted,
            r->unstarted == 1 ? "" : "s", dm_time_date(b->logical_date, first), b->waits_task_id,
            dm_time_date(b->waits_logical_date, waits), dm_task_state_name(b->waits_state));
}

static void print_success(const struct dm_cmd_drive *d, const struct dm_loop_report *r)
{
    char took[DM_TIME_MAX];
    if (d->drive->only_task)
        printf("%s: done, %s\n", d->drive->only_task,
               dm_duration_human(r->ended_at - r->started_at, took));
    else if (r->succeeded)
        printf("%zu day%s done in %s (%zu processes)%s", r->succeeded, r->succeeded == 1 ? "" : "s",
               dm_duration_human(r->ended_at - r->started_at, took), r->attempts,
               r->kept ? "; " : "\n");
    if (r->kept && !d->drive->only_task)
        printf("%zu day%s already done, and left as %s\n", r->kept,
               r->kept == 1 ? " was" : "s were", r->kept == 1 ? "it is" : "they are");
    if (r->kept_failed)
        printf("%zu of them failed; --rerun failed does %s again\n", r->kept_failed,
               r->kept_failed == 1 ? "it" : "them");
}

static int report(struct dm_args *args, struct dm_store *store, const struct dm_cmd_drive *d,
                  const struct dm_loop_report *r, struct dm_err *reterr)
{
    char first_day[DM_TIME_MAX], last_day[DM_TIME_MAX];
    if (d->drive->one_instance && !r->n_failures && r->attempts == 0)
        return dm_err_set(reterr, DM_E_NOTFOUND, "task \"%s\" has no instance %d on %s",
                          d->drive->only_task, d->drive->map_index,
                          dm_time_date(d->drive->from, first_day));
    /* One task alone answers for itself, whatever else failed on that day. */
    if (!r->n_failures && (d->drive->only_task || (!r->failed && !r->unstarted))) {
        if (!args->quiet && !args->json)
            print_success(d, r);
        return 0;
    }
    fflush(stdout);
    if (r->n_failures)
        print_failures(args, store, r);
    else if (r->failed)
        fprintf(stderr, "%zu day%s failed before: %s runs list %s --state failed\n", r->failed,
                r->failed == 1 ? "" : "s", args->self, d->drive->dag->dag_id);
    print_blocked(r);
    if (r->n_failures && d->drive->only_task)
        fprintf(stderr, "then: %s tasks test %s %s %s\n", args->self, d->drive->dag->dag_id,
                d->drive->only_task, dm_time_date(d->drive->from, first_day));
    int64_t first, last;
    size_t days = not_published(r, &first, &last);
    if (days && first != INT64_MAX && !d->drive->only_task) {
        if (d->drive->to > last)
            last = d->drive->to;
        dm_time_date(first, first_day);
        dm_time_date(last, last_day);
        if (days > 1)
            fprintf(stderr, "not published: %s and %zu later day%s\n", first_day, days - 1,
                    days == 2 ? "" : "s");
        else
            fprintf(stderr, "not published: %s\n", first_day);
        const char *rerun = r->n_failures ? " --rerun failed" : "";
        if (!r->n_failures && r->n_blocked) {
            /* The day in the way lies before what was asked for. */
            dm_time_date(r->blocked[0].waits_logical_date, first_day);
            rerun = " --rerun failed";
        }
        fprintf(stderr, "then: %s backfill %s --from %s --to %s%s\n", args->self,
                d->drive->dag->dag_id, first_day, last_day, rerun);
    }
    if (reterr)
        *reterr = (struct dm_err){0}; /* all is said */
    return r->n_failures || r->failed ? DM_E_TASK : DM_E_BLOCKED;
}

static void print_json(const struct dm_loop_report *r)
{
    printf("{\"days\": %zu, \"kept\": %zu, \"succeeded\": %zu, \"failed\": %zu, "
           "\"unstarted\": %zu, \"processes\": %zu, \"seconds\": %.3f, "
           "\"latency_ms\": {\"mean\": %.2f, \"max\": %.2f, \"n\": %zu}}\n",
           r->days, r->kept, r->succeeded, r->failed, r->unstarted, r->attempts,
           (double)(r->ended_at - r->started_at) / DM_SEC,
           r->n_latency ? (double)r->latency_sum_us / (double)r->n_latency / DM_MS : 0.0,
           (double)r->latency_max_us / DM_MS, r->n_latency);
}

static int say_detached(const struct dm_args *args, const struct dm_loop_report *r)
{
    if (args->json)
        printf("{\"backfill\": %lld}\n", (long long)r->detached);
    else if (!args->quiet)
        printf("backfill %lld: the scheduler does it; \"%s backfills list\" shows how far it is\n",
               (long long)r->detached, args->self);
    return 0;
}

int dm_cmd_drive(struct dm_args *args, const struct dm_cmd_drive *d, struct dm_err *reterr)
{
    _cleanup_store_ struct dm_store *store = NULL;
    DM_TRY(dm_cmd_store(args, DM_STORE_WRITE, &store, reterr));
    struct view v = {.args = args, .drive = d};
    struct dm_loop_watch watch = {
        .user = &v,
        .waiting = on_waiting,
        .task = on_task,
        .callback_failed = on_callback_failed,
        .progress = on_progress,
    };
    struct dm_load_world load;
    DM_TRY(dm_cmd_load_world(args, &load, reterr));
    struct dm_drive named = *d->drive;
    named.command = d->command;
    struct dm_loop_options o = {
        .project = args->project,
        .store = store,
        .drives = &named,
        .n_drives = 1,
        .detach = d->detach,
        .load = &load,
        .jobs = d->jobs,
        .command = d->command,
        .watch = &watch,
    };
    struct dm_loop_report r;
    dm_progress_begin(&v.progress, args, d->drive->dag->dag_id, "tasks", 0);
    int rc = dm_loop_run(args->arena, &o, &r, reterr);
    dm_progress_end(&v.progress);
    if (rc == DM_E_CANCELLED && reterr && !reterr->hint[0])
        dm_err_hint(reterr,
                    "Nothing is half-written; the same command goes on where this one ended.");
    DM_TRY(rc);
    if (rc == 0 && r.detached)
        return say_detached(args, &r);
    if (args->json)
        print_json(&r);
    return report(args, store, d, &r, reterr);
}

/* ---- the disk ---- */

/* Bytes that are ours alone (files that are linked elsewhere too were paid for there), changed since then. */
static uint64_t bytes_of_folder(struct dm_arena *a, const char *dir, int64_t since)
{
    const char *const *names;
    size_t n;
    uint64_t sum = 0;
    if (dm_list_dir(a, dir, &names, &n, NULL) < 0)
        return 0;
    for (size_t i = 0; i < n; i++) {
        struct stat st;
        const char *path = dm_path_join(a, dir, names[i]);
        if (lstat(path, &st) < 0)
            continue;
        if (S_ISDIR(st.st_mode))
            sum += bytes_of_folder(a, path, since);
        else if (st.st_mtim.tv_sec >= since / DM_SEC)
            sum += (uint64_t)st.st_blocks * 512 / (st.st_nlink ? st.st_nlink : 1);
    }
    return sum;
}

int dm_cmd_foresee_disk(struct dm_args *args, struct dm_store *store, const struct dm_dag *dag,
                        size_t days, struct dm_err *reterr)
{
    enum { DAYS_OF_HISTORY = 1000, DAY_OF_LOGS = 256 << 10 };
    struct statvfs fs;
    if (days == 0 || statvfs(args->project->dir, &fs) < 0)
        return 0;
    uint64_t available = (uint64_t)fs.f_bavail * fs.f_frsize;
    struct dm_run_filter done = DM_RUN_FILTER_ALL;
    struct dm_run_row *runs;
    size_t n_runs = 0;
    done.dag_id = dag->dag_id;
    done.state = DM_RUN_SUCCESS;
    done.limit = DAYS_OF_HISTORY;
    if (store)
        DM_TRY(dm_store_runs(store, args->arena, &done, &runs, &n_runs, reterr));
    _cleanup_arena_ struct dm_arena a = {0};
    int64_t newest = 0;
    for (size_t i = 0; i < n_runs; i++)
        newest = runs[i].started_at > newest ? runs[i].started_at : newest;
    /* The vendor's files are copied once, and linked on the days on which they are the same.  Without a history a day is
       taken for a hundredth of them (what is classified and joined is small beside what is read) and room for logs; with
       one, for what the days so far have cost besides that copy. */
    uint64_t input = bytes_of_folder(&a, args->project->data_dir, 0), each = input / 100;
    uint64_t once = bytes_of_folder(&a, args->project->data_dir, newest);
    if (n_runs) {
        uint64_t lake = bytes_of_folder(&a, args->project->lake_dir, 0);
        each = (lake > input ? lake - input : 0) / n_runs;
    }
    each += DAY_OF_LOGS;
    uint64_t need = once + each * days;
    if (need <= available)
        return 0;
    dm_err_set(reterr, DM_E_DISKFULL,
               "the disk cannot hold %zu day%s: about %.1f MB needed, %.1f MB free", days,
               days == 1 ? "" : "s", (double)need / 1e6, (double)available / 1e6);
    dm_err_hint(
        reterr,
        "Free some space (\"daymill clean --dry-run\" shows what may go), or run fewer days.");
    return DM_E_DISKFULL;
}
