/* Landing one vendor's file once: a locked note per source. */
#include "task/landing.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

enum { NOTE_MAX = 8192 };

static int open_note(struct dm_attempt *at, const char *source, int *ret, struct dm_err *reterr)
{
    const char *dir = dm_path_join(at->arena, at->project->run_dir, "landings");
    const char *path = dm_arena_printf(at->arena, "%s/%016llx", dir,
                                       (unsigned long long)dm_str_hash(dm_str_c(source)));
    DM_TRY(dm_mkdirs(dir, 0777, reterr));
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (fd < 0)
        return dm_err_errno(reterr, errno, "could not open %s",
                            dm_project_relative(at->project, path));
    while (flock(fd, LOCK_EX) < 0) {
        if (errno == EINTR)
            continue;
        int e = errno;
        close(fd);
        return dm_err_errno(reterr, e, "could not lock %s", dm_project_relative(at->project, path));
    }
    *ret = fd;
    return 0;
}

/* The note, if it is whole and about this source. */
static bool read_note(struct dm_attempt *at, int fd, const char *source, struct dm_landing *ret)
{
    char *text = dm_arena_alloc(at->arena, NOTE_MAX);
    struct dm_value *v;
    ssize_t n = pread(fd, text, NOTE_MAX, 0);
    if (n <= 0 || dm_value_from_json(at->arena, dm_str_n(text, (size_t)n), &v, NULL) < 0 ||
        v->kind != DM_MAP || !dm_str_is(dm_map_str(v, "source", ""), source))
        return false;
    ret->identity = dm_str_cstr(at->arena, dm_map_str(v, "identity", ""));
    ret->object.bucket = dm_str_cstr(at->arena, dm_map_str(v, "bucket", ""));
    ret->object.key = dm_str_cstr(at->arena, dm_map_str(v, "key", ""));
    return *ret->identity != '\0';
}

int dm_landing_note_open(struct dm_attempt *at, const char *source, struct dm_landing_note *ret,
                         struct dm_landing *ret_known, struct dm_err *reterr)
{
    DM_TRY(open_note(at, source, &ret->fd, reterr));
    ret->source = source;
    return read_note(at, ret->fd, source, ret_known) || dm_attempt_landing(at, source, ret_known);
}

int dm_landing_note_write(struct dm_landing_note *n, struct dm_attempt *at, const char *identity,
                          struct dm_object_name object, struct dm_err *reterr)
{
    if (!*identity)
        return 0;
    struct dm_value *v = dm_value_map(at->arena);
    dm_map_set(at->arena, v, "source", dm_value_cstr(at->arena, n->source));
    dm_map_set(at->arena, v, "identity", dm_value_cstr(at->arena, identity));
    dm_map_set(at->arena, v, "bucket", dm_value_cstr(at->arena, object.bucket));
    dm_map_set(at->arena, v, "key", dm_value_cstr(at->arena, object.key));
    struct dm_str text = dm_value_json(at->arena, v);
    if (ftruncate(n->fd, 0) < 0 || lseek(n->fd, 0, SEEK_SET) < 0)
        return dm_err_errno(reterr, errno, "could not note what %s became", n->source);
    return text.len < NOTE_MAX ? dm_write_all(n->fd, text.p, text.len, reterr) : 0;
}

void dm_landing_note_release(struct dm_landing_note *n)
{
    dm_closep(&n->fd);
}
