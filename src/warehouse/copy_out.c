/* COPY TO STDOUT: a query's rows, one CopyData message each, as they come. */
#include "warehouse/copy_write.h"
#include "warehouse/session_parts.h"

static void respond(struct dm_session *s, const struct dm_copy_options *o, size_t n_cols)
{
    struct dm_pgwire_out *out = &s->link.out;
    dm_pgwire_begin(out, DM_WIRE_COPY_OUT_RESPONSE);
    dm_pgwire_add_u8(out, o->binary);
    dm_pgwire_add_i16(out, (int)n_cols);
    for (size_t i = 0; i < n_cols; i++)
        dm_pgwire_add_i16(out, o->binary);
    dm_pgwire_end(out);
}

static int send_row(struct dm_session *s, struct dm_copy_writer *w, const struct dm_chunk *chunk,
                    size_t row, struct dm_err *reterr)
{
    struct dm_pgwire_out *out = &s->link.out;
    dm_pgwire_begin(out, DM_WIRE_COPY_DATA);
    int rc = dm_copy_write_row(w, chunk, row, &out->buf, reterr);
    if (rc == 0 && out->buf.full)
        rc = dm_err_set(reterr, DM_E_LIMIT, "a row is larger than %zu bytes", DM_WIRE_OUT_MAX);
    if (rc < 0) {
        dm_pgwire_abandon(out);
        return rc;
    }
    dm_pgwire_end(out);
    return 0;
}

static void send_start(struct dm_session *s, struct dm_copy_writer *w)
{
    struct dm_pgwire_out *out = &s->link.out;
    dm_pgwire_begin(out, DM_WIRE_COPY_DATA);
    size_t before = out->buf.len;
    dm_copy_write_start(w, &out->buf);
    if (out->buf.len == before)
        dm_pgwire_abandon(out);
    else
        dm_pgwire_end(out);
}

static int stream(struct dm_session *s, struct dm_copy_writer *w, struct dm_result *r,
                  int64_t *ret_n, struct dm_err *reterr)
{
    struct dm_pgwire_out *out = &s->link.out;
    struct dm_chunk chunk;
    int64_t n = 0;
    int rc;
    send_start(s, w);
    while ((rc = dm_result_next(r, &chunk, reterr)) > 0) {
        for (size_t i = 0; i < chunk.n_rows; i++) {
            DM_TRY(send_row(s, w, &chunk, i, reterr));
            if (dm_link_flush_some(&s->link, reterr) < 0) {
                s->gone = true;
                return DM_E_IO;
            }
        }
        n += (int64_t)chunk.n_rows;
    }
    if (rc < 0)
        return rc;
    if (w->opts->binary) {
        dm_pgwire_begin(out, DM_WIRE_COPY_DATA);
        dm_copy_write_end(w, &out->buf);
        dm_pgwire_end(out);
    }
    dm_pgwire_empty(out, DM_WIRE_COPY_DONE);
    *ret_n = n;
    return 0;
}

int dm_session_copy_out(struct dm_session *s, const struct dm_plan *plan, struct dm_err *reterr)
{
    struct dm_result *r;
    DM_TRY(dm_prepared_run(plan->prepared, NULL, NULL, &r, reterr));
    struct dm_copy_writer w;
    dm_copy_writer_init(&w, &plan->st.copy, r->cols, r->n_cols);
    respond(s, &plan->st.copy, r->n_cols);
    int64_t n = 0;
    int rc = stream(s, &w, r, &n, reterr);
    dm_copy_writer_release(&w);
    dm_result_free(r);
    if (rc < 0)
        return rc;
    char tag[64];
    snprintf(tag, sizeof(tag), "COPY %lld", (long long)n);
    dm_pgwire_command_complete(&s->link.out, tag);
    return 0;
}
