/*
 * The places that a user's paths name.  A pipeline is written as if it had a machine of its own ("/temp/x.csv",
 * "data/x.csv"); here a path means
 *   1. a file of the run's scratch folder: what a task leaves for another one of the same run;
 *   2. below data/: a file of the project's data folder, for reading only;
 *   3. for operators that take a file from anywhere: the path as it is, a relative one below the project.
 * "/temp/x" and "temp/x" are the same; ".." is refused everywhere.  Results live in the attempt's arena.
 */
#ifndef DM_OP_PATHS_H
#define DM_OP_PATHS_H

#include "task/attempt.h"

/* Where to write: always in the scratch folder; folders above it are made. */
int dm_op_output_path(struct dm_attempt *at, struct dm_str path, const char **ret,
                      struct dm_err *reterr) dm_nodiscard;

/* Where a path to be read may lie, in the order in which it is looked for: 1 and 2, with `anywhere` 3 too. */
enum { DM_OP_PLACES_MAX = 3 };
struct dm_op_places {
    const char *paths[DM_OP_PLACES_MAX];
    size_t n;
    const char *scratch; /* the run's scratch folder */
};
int dm_op_input_places(struct dm_attempt *at, struct dm_str path, bool anywhere,
                       struct dm_op_places *ret, struct dm_err *reterr) dm_nodiscard;
/* The first of them where there is a file.  DM_E_NOTFOUND names what lies beside it. */
int dm_op_input_path(struct dm_attempt *at, struct dm_str path, bool anywhere, const char **ret,
                     struct dm_err *reterr) dm_nodiscard;

/* Where a person's COPY outside a run reads and writes: below the project's data/ folder, and nowhere else. */
int dm_op_data_path(struct dm_arena *a, const struct dm_project *p, struct dm_str path,
                    const char **ret, struct dm_err *reterr) dm_nodiscard;

/* The lake of a connection.  Airflow has one AWS connection for objects and clusters: the embedded cluster's
   connection stands for the connection `lake`. */
int dm_op_lake(struct dm_attempt *at, struct dm_str conn_id, struct dm_lake **ret,
               struct dm_err *reterr) dm_nodiscard;

/* An object from a bucket and a key, or from an s3:// address in place of the key.  `what` names the fields in
   errors: "dest_key". */
int dm_op_object(struct dm_attempt *at, struct dm_str bucket, struct dm_str key, const char *what,
                 struct dm_object_name *ret, struct dm_err *reterr) dm_nodiscard;
const char *dm_op_object_url(struct dm_attempt *at, struct dm_object_name name);

/* `replace: false`: DM_E_EXISTS where the object is there, unless an earlier attempt of this task instance wrote it. */
int dm_op_may_write(struct dm_attempt *at, struct dm_lake *lake, struct dm_object_name name,
                    bool replace, struct dm_err *reterr) dm_nodiscard;

#endif
