/* Reading, scanning and handing on, with one thread or several. */
#include "text/pipeline.h"

#include <pthread.h>

enum {
    STRETCH = 256 << 10,
    REJECT_KEPT = 64 << 10, /* of a record that is too large to keep */
};

/* What has been read and not handed on: begins where a record begins. */
struct tail {
    struct dm_text_bytes bytes;
    uint64_t line; /* line ends before it */
    size_t
        worth_at;  /* scanning is worth while from this size on: an unfinished record has doubled */
    bool skipping; /* inside a record that is too large to keep */
    struct dm_rfc4180_skip skip;
    struct dm_text_rows rows;
    struct dm_text_scratch scratch;
};

static size_t scan(const struct dm_text_pipeline *p, struct dm_text_scratch *scratch,
                   const uint8_t *bytes, size_t n, bool last, struct dm_text_rows *rows)
{
    dm_text_rows_clear(rows);
    return (p->spark ? p->scan->spark : p->scan->rfc4180)(p->plan, scratch, bytes, n, last, rows);
}

static void tail_drop(struct tail *t, size_t n)
{
    for (size_t i = 0; i < n && t->skipping; i++)
        t->line += t->bytes.p[i] == '\n';
    dm_text_bytes_drop(&t->bytes, n);
}

static void go_on_skipping(struct tail *t)
{
    bool done;
    size_t n = dm_rfc4180_skip(&t->skip, t->bytes.p, t->bytes.len, &done);
    tail_drop(t, n);
    t->skipping = !done;
}

static int too_large(const struct dm_text_pipeline *p, struct tail *t, struct dm_text_err *reterr)
{
    if (p->spark)
        return dm_text_fail_at(reterr,
                               dm_text_fail(reterr, DM_TEXT_E_LIMIT,
                                            "a line is longer than %zu bytes (DM_SPARK_LINE_MAX)",
                                            DM_SPARK_LINE_MAX),
                               NULL, t->line + 1);
    dm_text_rows_clear(&t->rows);
    dm_text_rows_reject(
        &t->rows, (struct dm_text_reject){.len = REJECT_KEPT, .reason = DM_TEXT_FIELD_TOO_LONG});
    DM_TEXT_TRY(p->commit(p->arg, &t->rows, t->bytes.p, t->line, reterr));
    t->skipping = true;
    t->skip = (struct dm_rfc4180_skip){DM_SKIP_START};
    go_on_skipping(t);
    return 0;
}

/* Hands on what the tail holds of whole records. */
static int tail_feed(const struct dm_text_pipeline *p, struct tail *t, bool last,
                     struct dm_text_err *reterr)
{
    size_t max = p->spark ? DM_SPARK_LINE_MAX : DM_RFC4180_RECORD_MAX;
    if (t->skipping)
        go_on_skipping(t);
    if (!t->bytes.len || (t->bytes.len < t->worth_at && !last))
        return 0;
    size_t used = scan(p, &t->scratch, t->bytes.p, t->bytes.len, last, &t->rows);
    DM_TEXT_TRY(p->commit(p->arg, &t->rows, t->bytes.p, t->line, reterr));
    t->line += t->rows.lines;
    tail_drop(t, used);
    t->worth_at = used ? 0 : t->bytes.len * 2;
    return t->bytes.len > max ? too_large(p, t, reterr) : 0;
}

static void tail_release(struct tail *t)
{
    dm_text_bytes_release(&t->bytes);
    dm_text_rows_release(&t->rows);
    dm_text_scratch_release(&t->scratch);
}

static int run_alone(const struct dm_text_pipeline *p, struct tail *t, struct dm_text_err *reterr)
{
    for (bool last = false; !last;) {
        ssize_t got =
            dm_text_source_read(p->source, dm_text_bytes_room(&t->bytes, STRETCH), STRETCH, reterr);
        if (got < 0)
            return (int)got;
        t->bytes.len += (size_t)got;
        last = got == 0;
        DM_TEXT_TRY(tail_feed(p, t, last, reterr));
    }
    return 0;
}

/* ---- several threads ---- */

struct crew {
    const struct dm_text_pipeline *p;
    struct tail *tail;

    pthread_mutex_t reading;    /* guards the source and what follows */
    struct dm_text_bytes carry; /* behind the last cut */
    uint64_t taken;             /* stretches */
    bool ended;

    pthread_mutex_t handing; /* guards the tail and what follows */
    pthread_cond_t turn;
    uint64_t handed;
    int rc;
    struct dm_text_err err;
};

struct stretch {
    struct dm_text_bytes bytes;
    uint64_t number;
    size_t used;
    int rc; /* reading failed behind these bytes */
    struct dm_text_err err;
    struct dm_text_rows rows;
    struct dm_text_scratch scratch;
};

/* False at the end of the input. */
static bool take(struct crew *c, struct stretch *s)
{
    pthread_mutex_lock(&c->reading);
    bool taken = !c->ended;
    if (taken) {
        s->number = c->taken++;
        s->rc = 0;
        s->bytes.len = 0;
        dm_text_bytes_add(&s->bytes, c->carry.p, c->carry.len);
        c->carry.len = 0;
        for (size_t want = STRETCH; want && !c->ended;) {
            ssize_t got = dm_text_source_read(c->p->source, dm_text_bytes_room(&s->bytes, want),
                                              want, &s->err);
            c->ended = got <= 0;
            s->rc = got < 0 ? (int)got : 0;
            s->bytes.len += got > 0 ? (size_t)got : 0;
            want -= got > 0 ? (size_t)got : 0;
        }
        size_t cut = (c->p->spark ? c->p->scan->guess_spark
                                  : c->p->scan->guess_rfc4180)(s->bytes.p, s->bytes.len);
        if (cut) {
            dm_text_bytes_add(&c->carry, s->bytes.p + cut, s->bytes.len - cut);
            s->bytes.len = cut;
        }
    }
    pthread_mutex_unlock(&c->reading);
    return taken;
}

static int hand_on(struct crew *c, struct stretch *s, struct dm_text_err *reterr)
{
    struct tail *t = c->tail;
    if (!t->bytes.len && !t->skipping) {
        DM_TEXT_TRY(c->p->commit(c->p->arg, &s->rows, s->bytes.p, t->line, reterr));
        t->line += s->rows.lines;
        dm_text_bytes_add(&t->bytes, s->bytes.p + s->used, s->bytes.len - s->used);
        t->worth_at = 0;
    } else {
        dm_text_bytes_add(&t->bytes, s->bytes.p, s->bytes.len);
        DM_TEXT_TRY(tail_feed(c->p, t, false, reterr));
    }
    if (s->rc < 0 && reterr)
        *reterr = s->err;
    return s->rc;
}

static void *work(void *arg)
{
    struct crew *c = arg;
    struct stretch s = {0};
    dm_text_bytes_room(&s.bytes, 2 * STRETCH);
    while (take(c, &s)) {
        s.used = scan(c->p, &s.scratch, s.bytes.p, s.bytes.len, false, &s.rows);
        pthread_mutex_lock(&c->handing);
        while (c->handed != s.number)
            pthread_cond_wait(&c->turn, &c->handing);
        if (c->rc == 0)
            c->rc = hand_on(c, &s, &c->err);
        bool stop = c->rc < 0;
        c->handed++;
        pthread_cond_broadcast(&c->turn);
        pthread_mutex_unlock(&c->handing);
        if (stop) {
            pthread_mutex_lock(&c->reading);
            c->ended = true;
            pthread_mutex_unlock(&c->reading);
        }
    }
    dm_text_bytes_release(&s.bytes);
    dm_text_rows_release(&s.rows);
    dm_text_scratch_release(&s.scratch);
    return NULL;
}

static int run_together(const struct dm_text_pipeline *p, struct tail *t, unsigned threads,
                        struct dm_text_err *reterr)
{
    struct crew c = {.p = p, .tail = t};
    pthread_t others[16];
    unsigned n = 0;
    pthread_mutex_init(&c.reading, NULL);
    pthread_mutex_init(&c.handing, NULL);
    pthread_cond_init(&c.turn, NULL);
    dm_text_bytes_add(&c.carry, t->bytes.p, t->bytes.len);
    t->bytes.len = 0;
    for (; n + 1 < threads && n < sizeof(others) / sizeof(others[0]); n++)
        if (pthread_create(&others[n], NULL, work, &c) != 0)
            break; /* the threads that there are do the work */
    work(&c);
    for (unsigned i = 0; i < n; i++)
        pthread_join(others[i], NULL);
    if (c.rc == 0) {
        dm_text_bytes_add(&t->bytes, c.carry.p, c.carry.len);
        c.rc = tail_feed(p, t, true, &c.err);
    }
    if (c.rc < 0 && reterr)
        *reterr = c.err;
    dm_text_bytes_release(&c.carry);
    pthread_mutex_destroy(&c.reading);
    pthread_mutex_destroy(&c.handing);
    pthread_cond_destroy(&c.turn);
    return c.rc;
}

int dm_text_pipeline_run(const struct dm_text_pipeline *p, struct dm_text_bytes *head,
                         uint64_t line, struct dm_text_err *reterr)
{
    struct tail t = {.line = line};
    dm_text_bytes_room(&t.bytes, head->len + STRETCH);
    dm_text_bytes_add(&t.bytes, head->p, head->len);
    int rc = p->threads > 1 ? run_together(p, &t, p->threads, reterr) : run_alone(p, &t, reterr);
    tail_release(&t);
    return rc;
}
