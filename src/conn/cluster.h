/*
 * The cluster: where the steps of emr_add_steps run.  One interface; `local` (the embedded one: a table of the store
 * and step-run processes) now, EMR and others later.  This header is what the embedded cluster and its files are to
 * everybody; who runs its steps is sched/'s.
 *
 * Each cluster id has a root, cluster/<id>/, that stands for its HDFS: /movie/D is cluster/<id>/movie/D.
 */
#ifndef DM_CLUSTER_H
#define DM_CLUSTER_H

#include "conn/connection.h"

/* Whether steps sent over this connection run on the embedded cluster; an error where nothing here can run them. */
int dm_cluster_check(const struct dm_connection *c, struct dm_err *reterr) dm_nodiscard;

/* The root of a cluster.  DM_E_INVALID for an id that is no name of a folder. */
int dm_cluster_root(struct dm_arena *a, const struct dm_project *p, const char *cluster_id,
                    const char **ret, struct dm_err *reterr) dm_nodiscard;
/* The file that a path of the cluster is: "/movie/D", "movie/D" or "hdfs:///movie/D"; it cannot leave the root. */
int dm_cluster_path(struct dm_arena *a, const char *root, struct dm_str path, const char **ret,
                    struct dm_err *reterr) dm_nodiscard;

/*
 * Removes files of the cluster by their paths below the project ("cluster/<id>/movie/D/movie.csv", as steps record
 * them with the bucket ""), then the folders that are left empty or with a _SUCCESS alone.  For the end of a run in
 * success, and for stale parts.  What is not there is not an error; what is not below cluster/ is.
 */
int dm_cluster_remove(const struct dm_project *p, const char *const *paths, size_t n,
                      struct dm_err *reterr) dm_nodiscard;

#endif
