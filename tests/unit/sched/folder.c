/* The folder of DAGs while a scheduler watches it: files that come, change, go, take each other's place, and
   .airflowignore. */
#include "sched/world.h"

#include "op/op.h"
#include "state/memory.h"
#include "world.h"

struct folder {
    struct t_world w;
    struct dm_project p;
    struct dm_load_world load;
    struct dm_world *world;
    struct dm_world_report report;
};

static void put(struct folder *f, const char *name, const char *text)
{
    struct dm_err err;
    const char *path = dm_path_join(&f->w.arena, f->p.dags_dir, name);
    T_TRY(dm_mkdirs(dm_path_dir(&f->w.arena, path), 0755, &err), err);
    T_TRY(dm_file_write(path, dm_str_c(text), 0644, &err), err);
}

static void begin(struct folder *f)
{
    struct dm_err err;
    *f = (struct folder){0};
    t_world_init(&f->w, NULL);
    f->p.dir = f->w.dir;
    f->p.dags_dir = dm_path_join(&f->w.arena, f->w.dir, "dags");
    f->load = (struct dm_load_world){
        .project_dir = f->p.dir, .dags_dir = f->p.dags_dir, .ops = dm_op_table()};
    dm_tick_init(&f->w.tick, f->w.store, 1);
    T_TRY(dm_world_open(&f->p, &f->load, &f->world, &err), err);
}

static void end(struct folder *f)
{
    dm_world_close(f->world);
    dm_tick_release(&f->w.tick);
    t_world_release(&f->w);
}

static void refresh(struct folder *f)
{
    struct dm_err err;
    T_TRY(dm_tick_begin(&f->w.tick, ++f->w.now, false, &err), err);
    T_TRY(dm_world_refresh(f->world, &f->w.tick, false, &f->report, &err), err);
    T_TRY(dm_tick_commit(&f->w.tick, &err), err);
}

/* What changed in the folder is noticed, and then done. */
static void change(struct folder *f, const char *name, const char *text)
{
    dm_world_changed(f->world);
    put(f, name, text);
    T_INT(dm_world_changed(f->world), true);
    refresh(f);
}

static const char *file_of(struct folder *f, const char *dag_id)
{
    for (size_t i = 0; i < f->w.tick.snap.n_dags; i++) {
        const struct dm_plan_dag *d = f->w.tick.snap.dags[i];
        if (strcmp(d->dag_id, dag_id) == 0)
            return d->ref ? d->ref->dag->file : "none";
    }
    return "none";
}

static const char *recorded(struct folder *f, const char *file)
{
    struct dm_import_error_row *rows;
    struct dm_err err;
    size_t n;
    t_must(dm_store_import_errors(f->w.store, &f->w.arena, &rows, &n, &err), &err);
    for (size_t i = 0; i < n; i++)
        if (strcmp(rows[i].file, file) == 0)
            return rows[i].error;
    return "";
}

#define DAG(name) name ": {start_date: 2024-01-01, schedule: null, tasks: {t: {operator: empty}}}\n"

static void ignoring_a_file_takes_its_dags_away(void)
{
    struct folder f;
    begin(&f);
    put(&f, "a.yaml", DAG("a"));
    put(&f, "sub/b.yaml", DAG("b"));
    refresh(&f);
    T_INT(f.report.dags, 2);
    change(&f, ".airflowignore", "b.yaml\n");
    T_INT(f.report.dags, 1);
    T_INT(f.report.loaded, 0);
    T_STR(file_of(&f, "b"), "none");
    change(&f, ".airflowignore", "sub/\n");
    T_STR(file_of(&f, "b"), "none");
    change(&f, ".airflowignore", "# nothing\n");
    T_STR(file_of(&f, "b"), "dags/sub/b.yaml");
    change(&f, "sub/.airflowignore", "b*\n");
    T_STR(file_of(&f, "b"), "none");
    T_STR(file_of(&f, "a"), "dags/a.yaml");
    end(&f);
}

static void the_file_that_is_read_last_has_the_dag(void)
{
    struct folder f;
    begin(&f);
    put(&f, "a.yaml", DAG("same"));
    refresh(&f);
    T_STR(file_of(&f, "same"), "dags/a.yaml");
    T_STR(recorded(&f, "dags/a.yaml"), "");
    change(&f, "b.yaml", "# comes later\n" DAG("same"));
    T_STR(file_of(&f, "same"), "dags/b.yaml");
    T_HAS(recorded(&f, "dags/b.yaml"), "dags/b.yaml:2: warning: this \"same\" takes the place of "
                                       "the one in dags/a.yaml, line 1");
    T_STR(recorded(&f, "dags/a.yaml"), "");
    T_INT(f.report.errors, 0);
    T_INT(f.report.dags, 1);
    change(&f, "b.yaml", "# comes later\n" DAG("other"));
    T_STR(file_of(&f, "same"), "dags/a.yaml");
    T_STR(recorded(&f, "dags/b.yaml"), "");
    end(&f);
}

static void a_broken_file_keeps_its_error_until_it_is_mended(void)
{
    struct folder f;
    begin(&f);
    put(&f, "a.yaml", DAG("a"));
    refresh(&f);
    change(&f, "a.yaml", "a: {start_date: 2024-01-01, tasks: {t: {operator: emty}}}\n");
    T_INT(f.report.errors, 1);
    T_HAS(recorded(&f, "dags/a.yaml"), "dags/a.yaml:1:51: error: there is no operator \"emty\"");
    T_STR(file_of(&f, "a"), "none");
    change(&f, "a.yaml", DAG("a"));
    T_INT(f.report.errors, 0);
    T_STR(recorded(&f, "dags/a.yaml"), "");
    T_STR(file_of(&f, "a"), "dags/a.yaml");
    end(&f);
}

T_MAIN(T_CASE(ignoring_a_file_takes_its_dags_away), T_CASE(the_file_that_is_read_last_has_the_dag),
       T_CASE(a_broken_file_keeps_its_error_until_it_is_mended))
