/* A project folder for tests: made in a temporary folder, removed at the end. */
#ifndef DM_SCRATCH_PROJECT_H
#define DM_SCRATCH_PROJECT_H

#include "base/file.h"
#include "conn/project.h"
#include "t.h"

struct scratch {
    char dir[64];
    struct dm_project project;
};

static inline void scratch_close(struct scratch *s)
{
    struct dm_err err;
    dm_project_release(&s->project);
    if (s->dir[0] && dm_remove_tree(s->dir, &err) < 0)
        t_fail(__FILE__, __LINE__, "%s", err.message);
}

static inline int scratch_open(struct scratch *s, const char *config, const char *connections,
                               struct dm_err *err)
{
    char path[128];
    *s = (struct scratch){.dir = "/tmp/dm-conn-XXXXXX"};
    if (!mkdtemp(s->dir))
        return dm_err_set(err, DM_E_IO, "no temporary folder");
    snprintf(path, sizeof(path), "%s/daymill.yaml", s->dir);
    DM_TRY(dm_file_write(path, dm_str_c(config), 0644, err));
    snprintf(path, sizeof(path), "%s/connections.yaml", s->dir);
    DM_TRY(dm_file_write(path, dm_str_c(connections), 0644, err));
    return dm_project_open(&s->project, s->dir, err);
}

#define _cleanup_scratch_ DM_CLEANUP(scratch_close)

#endif
