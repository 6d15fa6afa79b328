/* The folder of DAGs, watched. */
#include "sched/world.h"

#include <errno.h>
#include <sys/inotify.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/map.h"
#include "sched/known.h"
#include "state/memory.h"

enum {
    ERRORS_MAX = 64 << 10, /* bytes of a file's errors that are kept */
    EVENTS_SIZE = 64 << 10,
};

#define WATCHED                                                                              \
    (IN_CLOSE_WRITE | IN_CREATE | IN_DELETE | IN_MOVED_FROM | IN_MOVED_TO | IN_DELETE_SELF | \
     IN_MOVE_SELF | IN_ATTRIB)

/* A file as it was loaded last. */
struct world_file {
    struct dm_arena arena;
    const char *path; /* absolute */
    const char *name; /* relative to the project */
    const char **depends;
    size_t n_depends;
    struct dm_str stamp; /* of what it depends on */
    struct dm_dag_ref **dags;
    size_t n_dags;
    char *errors; /* NULL = none */
    bool seen;    /* by the scan of this refresh */
};

struct dm_world {
    const struct dm_project *project;
    struct dm_load_world load;
    int fd; /* inotify; -1 = there is none, refreshing goes by time alone */
    bool dirty;
    struct world_file *
        *files; /* in the order in which they load: the last one with a dag_id has it */
    size_t n_files, cap_files;
};

bool dm_dag_starts_paused(const struct dm_project *p, const struct dm_dag *dag)
{
    const struct dm_value *v = dm_project_config(p, "scheduler.dags_are_paused_at_creation");
    if (dag->paused_upon_creation >= 0)
        return dag->paused_upon_creation;
    return v ? v->b : true;
}

/* ---- files ---- */

static void free_file(struct world_file *f)
{
    for (size_t i = 0; i < f->n_dags; i++)
        dm_dag_ref_unref(f->dags[i]);
    free(f->errors);
    dm_arena_release(&f->arena);
    free(f);
}

/* What tells whether a file is another one now; also that it is not there. */
static void add_stamp(struct dm_strbuf *b, const struct dm_project *p, const char *path)
{
    char full[4096];
    struct stat st;
    snprintf(full, sizeof(full), "%s%s%s", *path == '/' ? "" : p->dir, *path == '/' ? "" : "/",
             path);
    if (stat(full, &st) < 0)
        dm_strbuf_adds(b, "-;");
    else
        dm_strbuf_addf(b, "%lx.%lx.%lx.%lx.%lx;", (unsigned long)st.st_dev,
                       (unsigned long)st.st_ino, (unsigned long)st.st_size,
                       (unsigned long)st.st_mtim.tv_sec, (unsigned long)st.st_mtim.tv_nsec);
}

static bool is_same(struct dm_world *w, const struct world_file *f)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_FRAME);
    for (size_t i = 0; i < f->n_depends; i++)
        add_stamp(&b, w->project, f->depends[i]);
    return dm_str_eq(dm_strbuf_str(&b), f->stamp);
}

static void watch_folder(struct dm_world *w, const char *dir)
{
    /* A limit of the system (fs.inotify.max_user_watches) leaves it to the next refresh by time. */
    if (w->fd >= 0 && inotify_add_watch(w->fd, dir, WATCHED) < 0)
        return;
}

static void note_dependencies(struct dm_world *w, struct world_file *f,
                              const struct dm_dag_set *set)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_FRAME);
    f->depends = dm_arena_array(&f->arena, const char *, set->n_depends + 1);
    f->n_depends = set->n_depends;
    for (size_t i = 0; i < set->n_depends; i++) {
        const char *path = set->depends[i];
        f->depends[i] = dm_arena_strdup(&f->arena, path);
        add_stamp(&b, w->project, path);
        if (*path != '/')
            path = dm_path_join(&f->arena, w->project->dir, path);
        watch_folder(w, dm_path_dir(&f->arena, path));
    }
    f->stamp = dm_str_dup(&f->arena, dm_strbuf_str(&b));
}

static void note_errors(struct world_file *f, const struct dm_dag_set *set)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, ERRORS_MAX);
    for (size_t i = 0; i < set->n_diags; i++)
        if (!set->diags[i].warning)
            dm_diag_format(&b, &set->diags[i]);
    if (b.len)
        f->errors = strndup(b.p, b.len);
}

/* The DAGs leave the memory of the load behind: what is kept of one is what the store would give. */
static int keep_dags(struct world_file *f, const struct dm_dag_set *set, struct dm_err *reterr)
{
    f->dags = dm_arena_array(&f->arena, struct dm_dag_ref *, set->n_dags + 1);
    for (; f->n_dags < set->n_dags; f->n_dags++)
        DM_TRY(dm_dag_ref_copy(set->dags[f->n_dags], &f->dags[f->n_dags], reterr));
    return 0;
}

static int load_file(struct dm_world *w, const char *path, struct world_file **ret,
                     struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_dag_set set;
    struct dm_err err;
    struct world_file *f = dm_calloc(1, sizeof(*f));
    f->path = dm_arena_strdup(&f->arena, path);
    f->name = dm_arena_strdup(&f->arena, dm_project_relative(w->project, path));
    *ret = f;
    if (dm_dags_load(&a, path, &w->load, &set, &err) < 0) {
        f->errors = strdup(err.message); /* it went while we looked */
        return 0;
    }
    note_dependencies(w, f, &set);
    note_errors(f, &set);
    int rc = keep_dags(f, &set, reterr);
    if (rc < 0)
        free_file(f);
    return rc;
}

/* ---- refreshing ---- */

/* The files that there are now, loaded; old ones that are the same are taken over. */
static int load_files(struct dm_world *w, const struct dm_dag_scan *scan, bool all,
                      struct dm_world_report *report, struct dm_err *reterr)
{
    struct world_file **files = dm_calloc(scan->n_files + 1, sizeof(*files));
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_map by_path;
    size_t n = 0;
    int rc = 0;
    report->gone = w->n_files;
    dm_map_init(&by_path, &a);
    for (size_t i = 0; i < w->n_files; i++)
        dm_map_put(&by_path, dm_str_c(w->files[i]->path), w->files[i]);
    for (size_t i = 0; rc == 0 && i < scan->n_files; i++) {
        struct world_file *old = dm_map_get(&by_path, dm_str_c(scan->files[i]));
        report->gone -= old != NULL;
        if (old && !all && is_same(w, old)) {
            old->seen = true;
            files[n++] = old;
            continue;
        }
        rc = load_file(w, scan->files[i], &files[n], reterr);
        n += rc == 0;
        report->loaded++;
    }
    for (size_t i = 0; i < w->n_files; i++) {
        if (!w->files[i]->seen)
            free_file(w->files[i]);
        else
            w->files[i]->seen = false;
    }
    free(w->files);
    w->files = files;
    w->n_files = n;
    return rc;
}

/* What is recorded of a file: its errors, and the DAGs that it takes from files before it (the last file that has a
   dag_id has it); NULL = nothing.  `owners`: dag_id -> the DAG, of the files before. */
static const char *findings_of(struct dm_arena *a, const struct world_file *f,
                               struct dm_map *owners)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, ERRORS_MAX);
    dm_strbuf_adds(&b, f->errors ? f->errors : "");
    for (size_t i = 0; i < f->n_dags; i++) {
        const struct dm_dag *dag = f->dags[i]->dag;
        const struct dm_dag *before = dm_map_get(owners, dm_str_c(dag->dag_id));
        if (before)
            dm_strbuf_addf(
                &b, "%s:%u: warning: this \"%s\" takes the place of the one in %s, line %u\n",
                f->name, dag->line, dag->dag_id, before->file, before->line);
        dm_map_put(owners, dm_str_c(dag->dag_id), (void *)dag);
    }
    return b.len ? dm_str_cstr(a, dm_strbuf_str(&b)) : NULL;
}

static int tell_errors(struct dm_world *w, struct dm_tick *t, struct dm_world_report *report,
                       struct dm_err *reterr)
{
    struct dm_import_error_row *rows;
    size_t n;
    struct dm_map there, owners;
    dm_map_init(&there, &t->turn);
    dm_map_init(&owners, &t->turn);
    DM_TRY(dm_store_import_errors(t->store, &t->turn, &rows, &n, reterr));
    for (size_t i = 0; i < n; i++)
        dm_map_put(&there, dm_str_c(rows[i].file), (void *)rows[i].error);
    for (size_t i = 0; i < w->n_files; i++) {
        const struct world_file *f = w->files[i];
        const char *old = dm_map_get(&there, dm_str_c(f->name));
        const char *text = findings_of(&t->turn, f, &owners);
        report->errors += f->errors != NULL;
        if (text && (!old || strcmp(old, text) != 0))
            DM_TRY(dm_record_import_error(t->store, f->name, text, t->now, reterr));
        if (text && old)
            dm_map_put(&there, dm_str_c(f->name), NULL);
    }
    for (size_t i = 0; i < n; i++)
        if (dm_map_get(&there, dm_str_c(rows[i].file)))
            DM_TRY(dm_record_import_error(t->store, rows[i].file, NULL, t->now, reterr));
    return 0;
}

/* The last file that has a dag_id has it. */
static int tell_dags(struct dm_world *w, struct dm_tick *t, struct dm_world_report *report,
                     struct dm_err *reterr)
{
    struct dm_map by_id;
    dm_map_init(&by_id, &t->turn);
    for (size_t i = 0; i < w->n_files; i++)
        for (size_t j = 0; j < w->files[i]->n_dags; j++)
            dm_map_put(&by_id, dm_str_c(w->files[i]->dags[j]->dag->dag_id), w->files[i]->dags[j]);
    for (size_t i = 0; i < t->snap.n_dags; i++) {
        struct dm_plan_dag *d = t->snap.dags[i];
        if (d->ref && !dm_map_get(&by_id, dm_str_c(d->dag_id)))
            DM_TRY(dm_tick_set_dag(t, d->dag_id, NULL, true, reterr));
    }
    for (size_t i = 0; i < w->n_files; i++)
        for (size_t j = 0; j < w->files[i]->n_dags; j++) {
            struct dm_dag_ref *ref = w->files[i]->dags[j];
            const struct dm_plan_dag *d = dm_tick_find_dag(t, ref->dag->dag_id);
            bool winner = dm_map_get(&by_id, dm_str_c(ref->dag->dag_id)) == ref;
            report->dags += winner;
            if (winner && (!d || d->ref != ref))
                DM_TRY(dm_tick_set_dag(t, ref->dag->dag_id, ref,
                                       dm_dag_starts_paused(w->project, ref->dag), reterr));
        }
    return 0;
}

int dm_world_refresh(struct dm_world *w, struct dm_tick *t, bool all, struct dm_world_report *ret,
                     struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_dag_scan scan;
    struct dm_world_report report = {0};
    w->load.now = t->now;
    w->dirty = false;
    DM_TRY(dm_dags_scan(&a, w->project->dags_dir, &w->load, &scan, reterr));
    for (size_t i = 0; i < scan.n_folders; i++)
        watch_folder(w, scan.folders[i]);
    DM_TRY(load_files(w, &scan, all, &report, reterr));
    DM_TRY(tell_errors(w, t, &report, reterr));
    DM_TRY(tell_dags(w, t, &report, reterr));
    report.files = w->n_files;
    *ret = report;
    return 0;
}

/* ---- watching ---- */

int dm_world_open(const struct dm_project *p, const struct dm_load_world *load,
                  struct dm_world **ret, struct dm_err *reterr)
{
    DM_TRY(dm_mkdirs(p->dags_dir, 0755, reterr));
    struct dm_world *w = dm_calloc(1, sizeof(*w));
    w->project = p;
    w->load = *load;
    w->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
    *ret = w;
    return 0;
}

void dm_world_close(struct dm_world *w)
{
    if (!w)
        return;
    for (size_t i = 0; i < w->n_files; i++)
        free_file(w->files[i]);
    free(w->files);
    dm_closep(&w->fd);
    free(w);
}

int dm_world_fd(const struct dm_world *w)
{
    return w->fd;
}

bool dm_world_changed(struct dm_world *w)
{
    _Alignas(struct inotify_event) char events[EVENTS_SIZE];
    ssize_t n;
    while (w->fd >= 0 && (n = read(w->fd, events, sizeof(events))) > 0)
        w->dirty = true;
    return w->dirty;
}
