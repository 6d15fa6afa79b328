/* The object store: names, and the way to the implementation that a connection asks for. */
#include "conn/lake_ops.h"

static const struct dm_lake_ops *const implementations[] = {&dm_lake_local, NULL};

int dm_lake_open(struct dm_arena *a, const struct dm_project *p, const struct dm_connection *c,
                 struct dm_lake **ret, struct dm_err *reterr)
{
    for (const struct dm_lake_ops *const *ops = implementations; *ops; ops++) {
        if (strcmp(c->conn_type, (*ops)->conn_type) != 0)
            continue;
        struct dm_lake *l = dm_arena_new(a, struct dm_lake);
        l->ops = *ops;
        l->project = p;
        l->dir = p->lake_dir;
        l->tmp_dir = dm_path_join(a, p->lake_dir, ".tmp");
        *ret = l;
        return 0;
    }
    return dm_conn_wrong_type(c, "local_lake", reterr);
}

int dm_s3_url_parse(struct dm_arena *a, struct dm_str url, struct dm_object_name *ret,
                    struct dm_err *reterr)
{
    static const char *const schemes[] = {"s3://", "s3a://", "s3n://", NULL};
    for (const char *const *s = schemes; *s; s++) {
        if (!dm_str_starts(url, dm_str_c(*s)))
            continue;
        struct dm_str rest = dm_str_sub(url, strlen(*s), url.len);
        ptrdiff_t slash = dm_str_find(rest, DM_STR("/"), 0);
        struct dm_str bucket = slash < 0 ? rest : dm_str_sub(rest, 0, (size_t)slash);
        struct dm_str key = slash < 0 ? DM_STR("") : dm_str_sub(rest, (size_t)slash + 1, rest.len);
        if (bucket.len == 0 || memchr(url.p, '\0', url.len))
            break;
        ret->bucket = dm_str_cstr(a, bucket);
        ret->key = dm_str_cstr(a, key);
        return 0;
    }
    dm_err_set(reterr, DM_E_INVALID, "\"%.*s\" is no address of an object", DM_FMT(url));
    dm_err_hint(reterr, "Write s3://bucket/key.");
    return DM_E_INVALID;
}

int dm_lake_begin(struct dm_lake *l, struct dm_object_name name, struct dm_lake_write *ret,
                  struct dm_err *reterr)
{
    struct dm_lake_write w = {.lake = l, .name = name, .file = {.fd = -1}};
    DM_TRY(l->ops->begin(&w, reterr));
    *ret = w;
    return 0;
}

int dm_lake_append(struct dm_lake_write *w, const void *bytes, size_t n, struct dm_err *reterr)
{
    return w->lake->ops->append(w, bytes, n, reterr);
}

int dm_lake_commit(struct dm_lake_write *w, struct dm_err *reterr)
{
    return w->lake->ops->commit(w, reterr);
}

void dm_lake_write_release(struct dm_lake_write *w)
{
    if (w->lake)
        w->lake->ops->write_release(w);
}

int dm_lake_stat(struct dm_lake *l, struct dm_object_name name, struct dm_object_info *ret,
                 struct dm_err *reterr)
{
    return l->ops->stat(l, name, ret, reterr);
}

int dm_lake_list(struct dm_lake *l, struct dm_arena *a, struct dm_object_name prefix,
                 struct dm_object_info **ret, size_t *ret_n, struct dm_err *reterr)
{
    return l->ops->list(l, a, prefix, ret, ret_n, reterr);
}

int dm_lake_copy(struct dm_lake *l, struct dm_object_name from, struct dm_object_name to,
                 struct dm_err *reterr)
{
    return l->ops->copy(l, from, to, reterr);
}

int dm_lake_delete(struct dm_lake *l, struct dm_object_name name, struct dm_err *reterr)
{
    return l->ops->remove(l, name, reterr);
}

int dm_lake_read_fd(struct dm_lake *l, struct dm_object_name name, int *ret_fd,
                    struct dm_err *reterr)
{
    return l->ops->read_fd(l, name, ret_fd, reterr);
}

int dm_lake_to_file(struct dm_lake *l, struct dm_object_name from, const char *path,
                    struct dm_err *reterr)
{
    return l->ops->to_file(l, from, path, reterr);
}

int dm_lake_from_file(struct dm_lake *l, const char *path, struct dm_object_name to,
                      struct dm_err *reterr)
{
    return l->ops->from_file(l, path, to, reterr);
}

int dm_lake_land(struct dm_lake *l, struct dm_arena *a, const char *source_path,
                 const struct dm_landing *known, struct dm_object_name to,
                 const char **ret_identity, bool *ret_linked, uint64_t *ret_bytes,
                 struct dm_err *reterr)
{
    return l->ops->land(l, a, source_path, known, to, ret_identity, ret_linked, ret_bytes, reterr);
}
