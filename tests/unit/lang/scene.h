/* A folder of DAG files for one test.  The file that includes this has a table of operators named `ops`. */
#ifndef DM_TEST_SCENE_H
#define DM_TEST_SCENE_H

#include "base/file.h"
#include "lang/dag.h"
#include "t.h"

static const char *environment(void *user, const char *name)
{
    return strcmp(name, "T_OWNER") == 0 ? "ann of the night" : NULL;
}

struct scene {
    struct dm_arena a;
    const char *dir;
    struct dm_dag_set set;
    const char *shown; /* all findings as people see them */
};

static void scene_release(struct scene *s)
{
    if (dm_remove_tree(s->dir, NULL) < 0)
        t_fail(__FILE__, __LINE__, "cannot remove %s", s->dir);
    dm_arena_release(&s->a);
}
#define _cleanup_scene_ DM_CLEANUP(scene_release)

static void scene_begin(struct scene *s)
{
    char name[] = "/tmp/daymill-dag-XXXXXX";
    *s = (struct scene){.dir = NULL};
    if (!mkdtemp(name))
        DM_BUG("no temporary folder");
    s->dir = dm_arena_strdup(&s->a, name);
}

static void write_file(struct scene *s, const char *name, const char *text)
{
    struct dm_err err;
    const char *path = dm_path_join(&s->a, s->dir, name);
    if (dm_mkdirs_for(path, &err) < 0 || dm_file_write(path, dm_str_c(text), 0644, &err) < 0)
        DM_BUG("%s", err.message);
}

static void load_as(struct scene *s, bool model_only)
{
    struct dm_load_world world = {
        .project_dir = s->dir, .ops = &ops, .env = environment, .model_only = model_only};
    struct dm_err err;
    struct dm_strbuf b;
    if (dm_dags_load(&s->a, dm_path_join(&s->a, s->dir, "dags"), &world, &s->set, &err) < 0)
        DM_BUG("%s", err.message);
    dm_strbuf_init(&b, DM_BUF_TEXT);
    for (size_t i = 0; i < s->set.n_diags; i++)
        dm_diag_format(&b, &s->set.diags[i]);
    s->shown = dm_str_cstr(&s->a, dm_strbuf_str(&b));
    dm_strbuf_release(&b);
}

static void load(struct scene *s)
{
    load_as(s, false);
}

/* Loads one file and gives its findings. */
static const char *findings(struct scene *s, const char *text)
{
    write_file(s, "dags/a.yaml", text);
    load(s);
    return s->shown;
}

#endif
