/* What the tests of the classification share: run it over bytes, read its Parquet back. */
#ifndef DM_TESTS_UNIT_TEXT_CLASSIFY_H
#define DM_TESTS_UNIT_TEXT_CLASSIFY_H

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"
#include "parquet_read.h"
#include "t.h"
#include "text/classify.h"

struct outcome {
    int rc;
    struct dm_text_err err;
    struct dm_classify_result result;
    struct dm_text_bytes file;
    struct parquet_file parquet;
};

static int keep(void *arg, const void *p, size_t n)
{
    dm_text_bytes_add(arg, p, n);
    return 0;
}

static void outcome_release(struct outcome *o)
{
    dm_text_bytes_release(&o->file);
    free(o->parquet.rows);
}

static struct outcome classify_input(struct dm_classify_input in, struct dm_classify_options o)
{
    struct outcome r = {0};
    o.run_id = "2010-12-01";
    o.write = keep;
    o.write_arg = &r.file;
    r.rc = dm_classify(&in, 1, &o, &r.result, &r.err);
    if (r.rc == 0)
        r.parquet = parquet_read(r.file.p, r.file.len);
    return r;
}

/* The bytes as one file, read through a descriptor. */
static inline struct outcome classify_bytes(const void *p, size_t n, struct dm_classify_options o)
{
    char path[] = "/tmp/dm-classify-XXXXXX";
    struct dm_classify_input in = {.is_fd = true, .fd = mkstemp(path)};
    struct dm_err err;
    T_INT(dm_write_all(in.fd, p, n, &err), 0);
    lseek(in.fd, 0, SEEK_SET);
    unlink(path);
    struct outcome r = classify_input(in, o);
    close(in.fd);
    return r;
}

/* "13,+ NULL,-": each cid with + or -. */
static inline const char *shown(const struct outcome *o)
{
    static char out[4096];
    size_t n = 0;
    out[0] = '\0';
    for (size_t i = 0; i < o->parquet.n && n < sizeof(out); i++) {
        const struct parquet_row *r = &o->parquet.rows[i];
        n += (size_t)snprintf(out + n, sizeof(out) - n, "%s%.*s%c", i ? " " : "",
                              r->has_cid ? (int)r->cid_len : 4,
                              r->has_cid ? (const char *)r->cid : "NULL", r->positive ? '+' : '-');
    }
    return out;
}

static inline const char *classified(const char *text, struct dm_classify_options o)
{
    static char out[4096];
    struct outcome r = classify_bytes(text, strlen(text), o);
    if (r.rc < 0)
        snprintf(out, sizeof(out), "%s at %llu: %s", dm_text_code_name(r.rc),
                 (unsigned long long)r.err.line, r.err.message);
    else
        snprintf(out, sizeof(out), "%s", shown(&r));
    outcome_release(&r);
    return out;
}

#endif
