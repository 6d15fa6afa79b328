/*
 * Giving a file a second name or a copy, whole or not at all: what the local lake and the cluster's files are made of.
 */
#ifndef DM_PLACE_H
#define DM_PLACE_H

#include <sys/stat.h>

#include "base/file.h"

/* Whether nobody may write to it: only such a file may have a second name. */
bool dm_file_immutable(const struct stat *st);

/*
 * `to` becomes the content of `from`, replaced by rename, mode 0444: a hard link where `from` is immutable and the file
 * system can, else a reflink, else a copy.  Temporary names are made in `tmp_dir`, which is on the file system of `to`.
 * The folder of `to` is made.  *ret_bytes may be NULL.
 */
int dm_place(const char *from, const char *tmp_dir, const char *to, uint64_t *ret_bytes,
             struct dm_err *reterr) dm_nodiscard;
/* All bytes of an open file into a pending one: reflink, copy_file_range, read and write, whichever works. */
int dm_copy_bytes(int from, const char *from_name, struct dm_pending_file *to,
                  struct dm_err *reterr) dm_nodiscard;

#endif
