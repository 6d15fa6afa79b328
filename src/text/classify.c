/* The classification job: inputs in, Parquet out. */
#include "text/classify.h"
#include "text/pipeline.h"
#include "text/rejects.h"
#include "text/rfc4180_header.h"
#include "text/spark_schema.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { HEAD_STEP = 64 << 10, PARALLEL_FROM = 2 << 20 };

struct job {
    const struct dm_classify_options *o;
    const struct dm_text_scan *scan;
    struct dm_parquet *parquet;
    struct dm_text_rejects rejects;
    struct dm_classify_result result;
    struct dm_text_source *source; /* the input that is read now */
    const struct dm_text_plan *plan;
    uint64_t bytes_before; /* of the inputs before it */
};

static const char *row_failure(int code)
{
    return code == DM_TEXT_E_NULL_REVIEW
               ? "the review is empty or missing, where Spark's job fails (NullPointerException)"
               : "the line has more columns than Spark can read (20480)";
}

static int commit(void *arg, const struct dm_text_rows *rows, const uint8_t *bytes, uint64_t line,
                  struct dm_text_err *reterr)
{
    struct job *j = arg;
    const char *file = j->source->name;
    const uint8_t *cid = rows->cids.p;
    for (size_t i = 0; i < rows->n; i++) {
        const struct dm_text_row *r = &rows->items[i];
        bool null = r->cid_len == DM_TEXT_NULL;
        DM_TEXT_TRY(dm_parquet_add(j->parquet, null ? NULL : cid, null ? 0 : r->cid_len,
                                   r->positive, reterr));
        cid += null ? 0 : r->cid_len;
    }
    j->result.rows += rows->n;
    j->result.positive += rows->positive;
    j->result.null_cids += rows->null_cids;
    j->result.invalid_utf8 += rows->invalid_utf8;
    for (size_t i = 0; i < rows->n_rejects; i++) {
        const struct dm_text_reject *r = &rows->rejects[i];
        DM_TEXT_TRY(dm_text_rejects_add(&j->rejects, file, line + r->line + 1, r, j->plan->columns,
                                        bytes + r->at, reterr));
    }
    if (rows->code < 0)
        return dm_text_fail_at(reterr,
                               dm_text_fail(reterr, rows->code, "%s", row_failure(rows->code)),
                               file, line + rows->failed_line + 1);
    uint64_t done = j->bytes_before + j->source->raw_bytes;
    if (j->o->progress && j->o->progress(j->o->progress_arg, done) < 0)
        return dm_text_fail(reterr, DM_TEXT_E_CANCELLED, "the classification was cancelled");
    return 0;
}

/* Whether more threads would help: not with a small file. */
static unsigned threads_for(const struct job *j)
{
    struct stat st;
    bool small =
        fstat(j->source->fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size < PARALLEL_FROM;
    unsigned n = j->o->threads > DM_CLASSIFY_THREADS_MAX ? DM_CLASSIFY_THREADS_MAX : j->o->threads;
    return small ? 1 : n;
}

/* Runs the rest of the current input behind its header. */
static int run(struct job *j, const struct dm_text_plan *plan, struct dm_text_bytes *head,
               uint64_t line, struct dm_text_err *reterr)
{
    j->plan = plan;
    const struct dm_text_pipeline p = {
        .source = j->source,
        .plan = plan,
        .scan = j->scan,
        .spark = j->o->dialect == DM_CLASSIFY_SPARK,
        .threads = threads_for(j),
        .commit = commit,
        .arg = j,
    };
    return dm_text_pipeline_run(&p, head, line, reterr);
}

/* One more piece of the input at the end of `head`; *ret_last where there is none. */
static int read_more(struct job *j, struct dm_text_bytes *head, bool *ret_last,
                     struct dm_text_err *reterr)
{
    ssize_t got =
        dm_text_source_read(j->source, dm_text_bytes_room(head, HEAD_STEP), HEAD_STEP, reterr);
    if (got < 0)
        return (int)got;
    head->len += (size_t)got;
    *ret_last = got == 0;
    return 0;
}

static int rfc4180_input(struct job *j, struct dm_text_bytes *head, struct dm_text_err *reterr)
{
    struct dm_text_plan plan;
    size_t used;
    uint64_t line;
    bool last = false;
    int rc;
    do {
        DM_TEXT_TRY(read_more(j, head, &last, reterr));
        rc = dm_rfc4180_header(head->p, head->len, last, &plan, &used, &line, reterr);
    } while (rc == 0 && !last);
    if (rc < 0)
        return rc;
    dm_text_bytes_drop(head, used);
    return run(j, &plan, head, line, reterr);
}

static int spark_input(struct job *j, const struct dm_text_plan *plan, struct dm_text_bytes *head,
                       struct dm_text_err *reterr)
{
    uint64_t line = 0, lines;
    bool start = true, last = false;
    for (;;) {
        size_t used;
        int rc = dm_spark_skip_header(head->p, head->len, start, last, &used, &lines, reterr);
        if (rc < 0)
            return rc;
        start = start && !used;
        line += lines;
        dm_text_bytes_drop(head, used);
        if (rc || last)
            break;
        DM_TEXT_TRY(read_more(j, head, &last, reterr));
    }
    return run(j, plan, head, line, reterr);
}

/* Reads one open input; `head` holds what has been read of it. */
static int input(struct job *j, struct dm_text_source *s, const struct dm_text_plan *spark_plan,
                 struct dm_text_bytes *head, struct dm_text_err *reterr)
{
    j->source = s;
    j->result.files++;
    int rc = spark_plan ? spark_input(j, spark_plan, head, reterr) : rfc4180_input(j, head, reterr);
    if (rc < 0 && reterr && !reterr->file[0])
        dm_text_fail_at(reterr, rc, s->name, reterr->line);
    j->bytes_before += s->raw_bytes;
    j->result.bytes = j->bytes_before;
    return rc;
}

static int file(struct job *j, const char *path, const struct dm_text_plan *spark_plan,
                struct dm_text_err *reterr)
{
    struct dm_text_source s;
    struct dm_text_bytes head = {0};
    dm_text_bytes_room(&head, 1);
    int rc = dm_text_source_open(&s, path, reterr);
    if (rc == 0)
        rc = input(j, &s, spark_plan, &head, reterr);
    dm_text_source_close(&s);
    dm_text_bytes_release(&head);
    return rc;
}

static const char *input_name(const struct dm_classify_input *in)
{
    return in->path ? in->path : "standard input";
}

static int nothing_to_read(const char *where, struct dm_text_err *reterr)
{
    return dm_text_fail(reterr, DM_TEXT_E_NO_INPUT, "\"%s\" has no visible file to read", where);
}

/* ---- rfc4180 ---- */

static int rfc4180_folder(struct job *j, const char *path, struct dm_text_err *reterr)
{
    struct dm_listing l = {0};
    int rc = dm_listing_add(&l, path, false, reterr);
    if (rc == 0 && !l.n)
        rc = nothing_to_read(path, reterr);
    for (size_t i = 0; i < l.n && rc == 0; i++)
        rc = file(j, l.files[i].path, NULL, reterr);
    dm_listing_release(&l);
    return rc;
}

static int rfc4180_job(struct job *j, const struct dm_classify_input *inputs, size_t n,
                       struct dm_text_err *reterr)
{
    for (size_t i = 0; i < n; i++) {
        const struct dm_classify_input *in = &inputs[i];
        struct stat st;
        if (in->is_fd) {
            struct dm_text_source s;
            struct dm_text_bytes head = {0};
            dm_text_source_from_fd(&s, input_name(in), in->fd);
            int rc = input(j, &s, NULL, &head, reterr);
            dm_text_bytes_release(&head);
            DM_TEXT_TRY(rc);
        } else if (stat(in->path, &st) == 0 && S_ISDIR(st.st_mode)) {
            DM_TEXT_TRY(rfc4180_folder(j, in->path, reterr));
        } else {
            DM_TEXT_TRY(file(j, in->path, NULL, reterr));
        }
    }
    return 0;
}

/* ---- spark ---- */

static int spark_files(struct job *j, const struct dm_listing *l, const struct dm_spark_schema *s,
                       struct dm_text_plan *plan, struct dm_text_err *reterr)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct dm_listing_file *f = &l->files[i];
        if (l->partition_columns && !f->partitioned)
            continue; /* beside partitions: the header counts, the rows do not */
        if (j->o->local_checksums)
            DM_TEXT_TRY(dm_text_check_crc(f->path, reterr));
        dm_spark_plan_file(s, f, plan);
        DM_TEXT_TRY(file(j, f->path, plan, reterr));
    }
    return 0;
}

static int spark_paths(struct job *j, const struct dm_classify_input *inputs, size_t n,
                       struct dm_text_err *reterr)
{
    struct dm_listing l = {0};
    struct dm_spark_schema s = {0};
    struct dm_text_plan plan;
    uint8_t *wanted = NULL;
    int rc = 0;
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = dm_listing_add(&l, inputs[i].path, true, reterr);
    if (rc == 0)
        rc = l.seen ? dm_listing_partition(&l, reterr) : nothing_to_read(inputs[0].path, reterr);
    if (rc == 0) {
        dm_listing_by_size(&l);
        rc = dm_spark_schema_read(&l, j->o->local_checksums, &s, reterr);
    }
    if (rc == 0) {
        wanted = dm_text_realloc(NULL, s.fields + 1);
        rc = dm_spark_plan(&s, wanted, &plan, reterr);
    }
    if (rc == 0)
        rc = spark_files(j, &l, &s, &plan, reterr);
    free(wanted);
    dm_spark_schema_release(&s);
    dm_listing_release(&l);
    return rc;
}

static int spark_stream(struct job *j, const struct dm_classify_input *in,
                        struct dm_text_err *reterr)
{
    struct dm_text_source src;
    struct dm_text_bytes head = {0};
    struct dm_spark_schema s = {0};
    struct dm_text_plan plan;
    uint8_t *wanted = NULL;
    size_t at = 0, len = SIZE_MAX;
    dm_text_source_from_fd(&src, input_name(in), in->fd);
    int rc = dm_spark_find_header(&src, &head, &at, &len, reterr);
    if (rc == 0 && len == SIZE_MAX)
        rc = dm_text_fail(reterr, DM_TEXT_E_NO_INPUT, "the input is empty: no header");
    if (rc == 0)
        rc = dm_spark_schema_parse(head.p + at, len, &s, reterr);
    if (rc == 0) {
        wanted = dm_text_realloc(NULL, s.fields + 1);
        rc = dm_spark_plan(&s, wanted, &plan, reterr);
    }
    if (rc == 0)
        rc = input(j, &src, &plan, &head, reterr);
    if (rc < 0 && reterr && !reterr->file[0])
        dm_text_fail_at(reterr, rc, src.name, reterr->line);
    free(wanted);
    dm_spark_schema_release(&s);
    dm_text_bytes_release(&head);
    return rc;
}

static int spark_job(struct job *j, const struct dm_classify_input *inputs, size_t n,
                     struct dm_text_err *reterr)
{
    for (size_t i = 0; i < n; i++)
        if (inputs[i].is_fd && n > 1)
            return dm_text_fail(reterr, DM_TEXT_E_USAGE,
                                "in the spark dialect a stream must be the only input");
    return inputs[0].is_fd ? spark_stream(j, inputs, reterr) : spark_paths(j, inputs, n, reterr);
}

/* ---- the job ---- */

static int check_rejected(const struct job *j, struct dm_text_err *reterr)
{
    const struct dm_text_rejects *r = &j->rejects;
    uint64_t total = j->result.rows + r->n;
    uint64_t share = (uint64_t)(j->o->max_rejected_share * (double)total);
    uint64_t borne = j->o->max_rejected > share ? j->o->max_rejected : share;
    if (r->n <= borne)
        return 0;
    int rc = dm_text_fail(reterr, DM_TEXT_E_REJECTED,
                          "%" PRIu64 " of %" PRIu64 " records were rejected, %" PRIu64
                          " are borne; the first: %s",
                          r->n, total, borne, r->first_reason);
    return dm_text_fail_at(reterr, rc, r->first_file, r->first_line);
}

int dm_classify(const struct dm_classify_input *inputs, size_t n,
                const struct dm_classify_options *o, struct dm_classify_result *ret,
                struct dm_text_err *reterr)
{
    if (!n)
        return dm_text_fail(reterr, DM_TEXT_E_USAGE, "no input was given");
    struct job j = {.o = o, .scan = o->portable ? &dm_text_scan_portable : dm_text_scan_best()};
    dm_text_rejects_init(&j.rejects, o->reject_path);
    j.parquet = dm_parquet_new(o->write, o->write_arg, o->run_id);
    int rc = o->dialect == DM_CLASSIFY_SPARK ? spark_job(&j, inputs, n, reterr)
                                             : rfc4180_job(&j, inputs, n, reterr);
    if (rc == 0)
        rc = dm_parquet_finish(j.parquet, reterr);
    int closed = dm_text_rejects_close(&j.rejects, rc == 0 ? reterr : NULL);
    if (rc == 0)
        rc = closed;
    j.result.rejected = j.rejects.n;
    j.result.output_bytes = dm_parquet_bytes(j.parquet);
    if (rc == 0)
        rc = check_rejected(&j, reterr);
    if (rc == 0 || rc == DM_TEXT_E_REJECTED)
        *ret = j.result;
    dm_parquet_free(j.parquet);
    return rc;
}

int dm_classify_write_fd(void *arg, const void *p, size_t n)
{
    const uint8_t *s = p;
    while (n) {
        ssize_t done = write(*(const int *)arg, s, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return -errno;
        s += done;
        n -= (size_t)done;
    }
    return 0;
}
