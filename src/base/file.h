/*
 * Files: whole reads, whole-or-nothing writes, paths and trees.
 *
 * Paths are plain C strings.  Every descriptor is closed-on-exec.
 */
#ifndef DM_FILE_H
#define DM_FILE_H

#include <sys/types.h>

#include "base/str.h"

/* Reads a whole file of at most `max` bytes into the arena (terminated behind its length). */
int dm_file_read(struct dm_arena *a, const char *path, size_t max, struct dm_str *ret,
                 struct dm_err *reterr) dm_nodiscard;

/* Replaces `path` whole or not at all: temporary name beside it, fsync, rename. */
int dm_file_write(const char *path, struct dm_str bytes, mode_t mode,
                  struct dm_err *reterr) dm_nodiscard;

/* The same in pieces.  `dm_file_begin` opens a temporary file in `tmp_dir` (on the file system of the target);
   `dm_file_commit` gives it its name; a pending file that is released without commit disappears.  Where the file system
   can (O_TMPFILE), it has no name before, so that a process that is killed leaves nothing behind. */
struct dm_pending_file {
    int fd;
    char *tmp_path;
    bool has_name; /* tmp_path is there */
    uint64_t bytes;
};
int dm_file_begin(struct dm_pending_file *p, const char *tmp_dir,
                  struct dm_err *reterr) dm_nodiscard;
int dm_file_append(struct dm_pending_file *p, const void *bytes, size_t n,
                   struct dm_err *reterr) dm_nodiscard;
/* fsync, chmod and rename over `path` (folders above it are made). */
int dm_file_commit(struct dm_pending_file *p, const char *path, mode_t mode,
                   struct dm_err *reterr) dm_nodiscard;
void dm_file_release(struct dm_pending_file *p);
#define _cleanup_pending_ DM_CLEANUP(dm_file_release)

/* write(2) until all is written. */
int dm_write_all(int fd, const void *bytes, size_t n, struct dm_err *reterr) dm_nodiscard;

int dm_mkdirs(const char *path, mode_t mode, struct dm_err *reterr) dm_nodiscard;
/* rename(2); folders above `to` are made.  One that somebody removes meanwhile because it is empty is made again. */
int dm_rename(const char *from, const char *to, struct dm_err *reterr) dm_nodiscard;
/* mkdirs of the folder that holds `path`. */
int dm_mkdirs_for(const char *path, struct dm_err *reterr) dm_nodiscard;
/* Removes a file or a tree; nothing there is success.  Does not follow links. */
int dm_remove_tree(const char *path, struct dm_err *reterr) dm_nodiscard;
bool dm_exists(const char *path);
bool dm_is_dir(const char *path);
bool dm_is_file(const char *path); /* a regular one: reading it ends */
/* Names in a folder, sorted bytewise, without "." and ".."; NULL-terminated, in the arena. */
int dm_list_dir(struct dm_arena *a, const char *path, const char *const **ret_names, size_t *ret_n,
                struct dm_err *reterr) dm_nodiscard;

/* "a/b" (or b where it is absolute). */
const char *dm_path_join(struct dm_arena *a, const char *dir, const char *name);
const char *dm_path_dir(struct dm_arena *a, const char *path);
const char *dm_path_base(const char *path);
/* Removes ".", "x/..", "//" by text alone. */
const char *dm_path_clean(struct dm_arena *a, const char *path);
/* True where the cleaned path stays below (or is) `dir` by text. */
bool dm_path_below(struct dm_arena *a, const char *path, const char *dir);

void dm_closep(int *fd);
#define _cleanup_close_ DM_CLEANUP(dm_closep)

#endif
