/*
 * A folder of DAG files.  The input is up to four files with a form feed between them: a DAG file, the folder's
 * defaults.yml, the query "q.sql" that fields may name, and an .airflowignore.  Loaded as `daymill` does, and as a model of everything
 * that dag-factory knows.
 */
#include "fuzz.h"

#include "base/file.h"
#include "base/time.h"
#include "lang/dag.h"
#include "op/op.h"

static char folder[256];

static void remove_folder(void)
{
    struct dm_err err;
    if (dm_remove_tree(folder, &err) < 0)
        fprintf(stderr, "%s\n", err.message);
}

/* In memory where there is such a place. */
static void make_folder(void)
{
    const char *tmp = getenv("TMPDIR");
    if (!tmp)
        tmp = dm_is_dir("/dev/shm") ? "/dev/shm" : "/tmp";
    snprintf(folder, sizeof(folder), "%s/daymill-fuzz.XXXXXX", tmp);
    FUZZ_CHECK(mkdtemp(folder), "cannot make %s", folder);
    atexit(remove_folder);
}

static void put_file(const char *name, struct dm_str text)
{
    char path[sizeof(folder) + 32];
    snprintf(path, sizeof(path), "%s/%s", folder, name);
    FILE *f = text.p ? fopen(path, "wbe") : NULL;
    if (!text.p) {
        unlink(path);
        return;
    }
    FUZZ_CHECK(f && fwrite(text.p, 1, text.len, f) == text.len && fclose(f) == 0, "cannot write %s",
               path);
}

static const char *env(void *user, const char *name)
{
    if (strcmp(name, "NAME") == 0)
        return "value";
    return strcmp(name, "LINES") == 0 ? "a:\n  b: [1, 2]\n" : NULL;
}

static void check_finding(const struct dm_diag *d)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    FUZZ_CHECK(d->file && d->code && d->message && d->message[0], "\"%s\"",
               d->message ? d->message : "-");
    dm_diag_format(&b, d);
    FUZZ_CHECK(b.len, "%s", d->message);
}

/* The normal form comes back as it was, and an edge leads forward. */
static void check_dag(struct dm_arena *a, const struct dm_dag *dag)
{
    _cleanup_strbuf_ struct dm_strbuf once, twice;
    struct dm_dag *back;
    struct dm_err err;
    struct dm_due due;
    dm_strbuf_init(&once, DM_BUF_FRAME);
    dm_strbuf_init(&twice, DM_BUF_FRAME);
    dm_dag_to_json(&once, dag);
    int rc = dm_dag_from_json(a, dm_strbuf_str(&once), &back, &err);
    FUZZ_CHECK(rc == 0, "%s: %s", err.message, once.p);
    dm_dag_to_json(&twice, back);
    FUZZ_CHECK(dm_str_eq(dm_strbuf_str(&once), dm_strbuf_str(&twice)), "%s\n%s", once.p, twice.p);
    for (size_t i = 0; i < dag->n_tasks; i++)
        for (size_t k = 0; k < dag->tasks[i].n_upstream; k++)
            FUZZ_CHECK(dag->tasks[i].upstream[k] < i, "%s", dag->tasks[i].task_id);
    rc = dm_timetable_next(dag->timetable, NULL, dag->start_date, dag->end_date, dag->catchup,
                           INT64_C(1704067200) * DM_SEC, &due, &err);
    if (rc < 0)
        fuzz_check_err(rc, &err);
}

static void load(const struct dm_load_world *world)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_dag_set set;
    struct dm_err err = {0};
    int rc = dm_dags_load(&a, folder, world, &set, &err);
    if (rc < 0) { /* of .airflowignore */
        fuzz_check_err(rc, &err);
        return;
    }
    size_t errors = 0;
    for (size_t i = 0; i < set.n_diags; i++) {
        check_finding(&set.diags[i]);
        errors += !set.diags[i].warning;
    }
    FUZZ_CHECK(errors <= set.n_errors, "%zu of %zu errors", errors, set.n_errors);
    for (size_t i = 0; i < set.n_dags; i++)
        check_dag(&a, set.dags[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct dm_str rest = fuzz_text(data, size);
    struct dm_load_world world = {.project_dir = folder,
                                  .ops = dm_op_table(),
                                  .now = INT64_C(1704067200) * DM_SEC,
                                  .env = env};
    if (!folder[0])
        make_folder();
    put_file("f.yaml", fuzz_part(&rest, '\f'));
    put_file("defaults.yml", rest.p ? fuzz_part(&rest, '\f') : (struct dm_str){0});
    put_file("q.sql", rest.p ? fuzz_part(&rest, '\f') : DM_STR("select '{{ ds }}'"));
    put_file(".airflowignore", rest);
    load(&world);
    world.model_only = true;
    world.ignore_regexp = true;
    load(&world);
    return 0;
}
