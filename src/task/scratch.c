/* Where a run's scratch folder lies. */
#include "task/scratch.h"

#include "base/file.h"

const char *dm_path_component(struct dm_arena *a, const char *name)
{
    char *out = dm_arena_alloc(a, strlen(name) * 3 + 1), *p = out;
    for (const char *s = name; *s; s++) {
        if (*s == '/' || *s == '%' || (*s == '.' && s == name)) {
            snprintf(p, 4, "%%%02X", (unsigned char)*s);
            p += 3;
        } else {
            *p++ = *s;
        }
    }
    return out;
}

const char *dm_scratch_path(struct dm_arena *a, const struct dm_project *p, const char *dag_id,
                            const char *run_id)
{
    return dm_arena_printf(a, "%s/scratch/%s/%s", p->run_dir, dm_path_component(a, dag_id),
                           dm_path_component(a, run_id));
}

int dm_scratch_remove(const struct dm_project *p, const char *dag_id, const char *run_id,
                      struct dm_err *reterr)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *path = dm_scratch_path(&a, p, dag_id, run_id);
    DM_TRY(dm_remove_tree(path, reterr));
    rmdir(dm_path_dir(&a, path)); /* the DAG's folder, where it was the last */
    return 0;
}
