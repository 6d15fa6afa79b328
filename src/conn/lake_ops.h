/* What an implementation of the object store gives to conn/lake.c: one table each. */
#ifndef DM_LAKE_OPS_H
#define DM_LAKE_OPS_H

#include "conn/lake.h"

struct dm_lake {
    const struct dm_lake_ops *ops;
    const struct dm_project *project;
    const char *dir, *tmp_dir; /* local */
};

/* The signatures and promises are those of conn/lake.h. */
struct dm_lake_ops {
    const char *conn_type;
    int (*begin)(struct dm_lake_write *w, struct dm_err *reterr);
    int (*append)(struct dm_lake_write *w, const void *bytes, size_t n, struct dm_err *reterr);
    int (*commit)(struct dm_lake_write *w, struct dm_err *reterr);
    void (*write_release)(struct dm_lake_write *w);
    int (*stat)(struct dm_lake *l, struct dm_object_name name, struct dm_object_info *ret,
                struct dm_err *reterr);
    int (*list)(struct dm_lake *l, struct dm_arena *a, struct dm_object_name prefix,
                struct dm_object_info **ret, size_t *ret_n, struct dm_err *reterr);
    int (*copy)(struct dm_lake *l, struct dm_object_name from, struct dm_object_name to,
                struct dm_err *reterr);
    int (*remove)(struct dm_lake *l, struct dm_object_name name, struct dm_err *reterr);
    int (*read_fd)(struct dm_lake *l, struct dm_object_name name, int *ret_fd,
                   struct dm_err *reterr);
    int (*to_file)(struct dm_lake *l, struct dm_object_name from, const char *path,
                   struct dm_err *reterr);
    int (*from_file)(struct dm_lake *l, const char *path, struct dm_object_name to,
                     struct dm_err *reterr);
    int (*land)(struct dm_lake *l, struct dm_arena *a, const char *source_path,
                const struct dm_landing *known, struct dm_object_name to, const char **ret_identity,
                bool *ret_linked, uint64_t *ret_bytes, struct dm_err *reterr);
};

/* A folder of the project: lake/BUCKET/KEY. */
extern const struct dm_lake_ops dm_lake_local;

#endif
