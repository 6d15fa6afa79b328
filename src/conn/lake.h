/*
 * The object store: s3://bucket/key.  One interface, `local` (a folder of the project) now, `s3` later.
 *
 * A write becomes visible whole or not at all.  Local objects are files DIR/lake/BUCKET/KEY, mode 0444, replaced by
 * rename only, never opened for writing; temporaries live in lake/.tmp.  Copies inside the lake and to the embedded
 * cluster's files are hard links (reflink, then copy, across file systems or at EMLINK).  Keys that a file system
 * cannot hold are refused with the reason.
 */
#ifndef DM_LAKE_H
#define DM_LAKE_H

#include "base/file.h"
#include "conn/connection.h"

struct dm_lake; /* an open store */

struct dm_object_name {
    const char *bucket, *key;
};

struct dm_object_info {
    const char *key;
    uint64_t size;
    int64_t mtime_us;
};

int dm_lake_open(struct dm_arena *a, const struct dm_project *p, const struct dm_connection *c,
                 struct dm_lake **ret, struct dm_err *reterr) dm_nodiscard;

/* Objects that one listing gives, at most. */
enum { DM_LAKE_LIST_MAX = 1000000 };

/* "s3://bucket/key" (key may be empty); s3a:// and s3n:// are the same. */
int dm_s3_url_parse(struct dm_arena *a, struct dm_str url, struct dm_object_name *ret,
                    struct dm_err *reterr) dm_nodiscard;

/* A write in pieces; released without commit it leaves nothing. */
struct dm_lake_write {
    struct dm_lake *lake;
    struct dm_object_name name;
    struct dm_pending_file file; /* local */
};
int dm_lake_begin(struct dm_lake *l, struct dm_object_name name, struct dm_lake_write *ret,
                  struct dm_err *reterr) dm_nodiscard;
int dm_lake_append(struct dm_lake_write *w, const void *bytes, size_t n,
                   struct dm_err *reterr) dm_nodiscard;
int dm_lake_commit(struct dm_lake_write *w, struct dm_err *reterr) dm_nodiscard;
void dm_lake_write_release(struct dm_lake_write *w);

int dm_lake_stat(struct dm_lake *l, struct dm_object_name name, struct dm_object_info *ret,
                 struct dm_err *reterr) dm_nodiscard; /* DM_E_NOTFOUND names what lies beside it */
/* Objects whose key begins with the prefix's, by key; in the arena.  None is not an error. */
int dm_lake_list(struct dm_lake *l, struct dm_arena *a, struct dm_object_name prefix,
                 struct dm_object_info **ret, size_t *ret_n, struct dm_err *reterr) dm_nodiscard;
int dm_lake_copy(struct dm_lake *l, struct dm_object_name from, struct dm_object_name to,
                 struct dm_err *reterr) dm_nodiscard;
/* Nothing there is success.  Folders that are left empty go too. */
int dm_lake_delete(struct dm_lake *l, struct dm_object_name name,
                   struct dm_err *reterr) dm_nodiscard;
/* Opens for reading; the descriptor is the caller's. */
int dm_lake_read_fd(struct dm_lake *l, struct dm_object_name name, int *ret_fd,
                    struct dm_err *reterr) dm_nodiscard;

/* Between the lake and files outside it (the embedded cluster's): a link where that can be.  The file becomes
   read-only and is replaced by rename.  Only a file that is read-only itself is ever linked into the lake. */
int dm_lake_to_file(struct dm_lake *l, struct dm_object_name from, const char *path,
                    struct dm_err *reterr) dm_nodiscard;
int dm_lake_from_file(struct dm_lake *l, const char *path, struct dm_object_name to,
                      struct dm_err *reterr) dm_nodiscard;

/*
 * A vendor's file: copied, never linked.  `identity` (of the source: device, inode, size, mtime, ctime; and of the
 * object that it became) comes from an earlier landing of the same source together with that object's name; where both
 * still hold, `to` becomes a link to that object.  Where they do not hold, because the source was changed less than 2 s
 * before it was read (racily clean) or since then, but both have the same bytes, it becomes one too.  A source that
 * changes while it is copied is DM_E_CONFLICT.
 */
struct dm_landing {
    const char *identity;         /* NULL = none known */
    struct dm_object_name object; /* what the source became then */
};
int dm_lake_land(struct dm_lake *l, struct dm_arena *a, const char *source_path,
                 const struct dm_landing *known, struct dm_object_name to,
                 const char **ret_identity, bool *ret_linked, uint64_t *ret_bytes,
                 struct dm_err *reterr) dm_nodiscard;

#endif
