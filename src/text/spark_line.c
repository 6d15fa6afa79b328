/*
 * univocity's state machine, as far as Spark's options reach it.
 *
 * The machine is a reader of characters (`ch` is the current one, `prev` the one that matters to escapes) and an
 * appender for the value.  The end of the line is not a character but an event: whatever state the machine is in
 * then decides how the last value ends, with `ch` and `prev` still at what they were.  Each function below that
 * reads returns false at that event.
 */
#include "text/spark_line.h"
#include "text/utf8.h"

enum { QUOTE = '"', ESCAPE = '\\', COMMA = ',' };

struct machine {
    const uint8_t *p, *e;
    uint8_t ch, prev;
    bool
        unescaped; /* a quote was followed by an ordinary character: the value is taken literally */
    size_t start;  /* of the value in out->text */
    struct dm_spark_fields *out;
};

static bool next(struct machine *m)
{
    if (m->p == m->e)
        return false;
    m->ch = *m->p++;
    return true;
}

static void append(struct machine *m, uint8_t c)
{
    dm_text_bytes_addc(&m->out->text, c);
}

static void end_value(struct machine *m)
{
    struct dm_spark_fields *f = m->out;
    if (f->n == f->cap) {
        f->cap = f->cap * 2 + 16;
        f->ends = dm_text_realloc(f->ends, f->cap * sizeof(*f->ends));
    }
    f->ends[f->n++] = f->text.len;
    m->start = f->text.len;
}

/* Appends from `ch` up to one of two stop characters, which becomes `ch`.  At the end of the line `ch` stays. */
static bool until(struct machine *m, uint8_t stop, uint8_t other_stop)
{
    uint8_t c = m->ch;
    while (c != stop && c != other_stop) {
        append(m, c);
        if (m->p == m->e)
            return false;
        c = *m->p++;
    }
    m->ch = c;
    return true;
}

/* From a quote that neither closes nor is escaped: literal up to the delimiter.  Entered again through an escape
   behind a quote; each such level ends at a delimiter of its own, which the level above swallows. */
static bool literal(struct machine *m)
{
    append(m, QUOTE);
    m->prev = m->ch;
    for (size_t depth = 1;;) {
        if (m->ch == COMMA) {
            if (--depth == 0)
                return true;
        } else if (m->ch != QUOTE && m->ch != ESCAPE) {
            if (m->prev == QUOTE) {
                append(m, QUOTE);
                m->prev = m->ch;
                continue;
            }
            append(m, m->ch);
        } else if (m->prev == ESCAPE) {
            append(m, m->ch);
            m->ch = '\0';
        } else if (m->ch == QUOTE && m->prev == QUOTE) {
            append(m, QUOTE);
        } else if (m->prev == QUOTE) {
            append(m, QUOTE);
            m->prev = m->ch;
            depth++;
            continue;
        }
        m->prev = m->ch;
        if (!next(m))
            return false;
    }
}

/* A quote or escape character inside a quoted value. */
static bool quote_or_escape(struct machine *m)
{
    if (m->prev == ESCAPE) {
        append(m, m->ch);
        m->ch = '\0';
    } else if (m->ch == QUOTE && m->prev == QUOTE) {
        append(m, QUOTE);
    } else if (m->prev == QUOTE) {
        return literal(m);
    }
    return true;
}

/* The quote that opened the value turns out to be part of it. */
static bool restore_quote(struct machine *m)
{
    append(m, 0);
    uint8_t *value = m->out->text.p + m->start;
    memmove(value + 1, value, m->out->text.len - m->start - 1);
    *value = QUOTE;
    return next(m) && until(m, COMMA, COMMA);
}

static bool blank(uint8_t c)
{
    return c <= ' ';
}

/* A value that starts with a quote; `ch` is that quote. */
static bool quoted(struct machine *m)
{
    if (!next(m))
        return false;
    while (m->prev != QUOTE || (!blank(m->ch) && m->ch != COMMA)) {
        if (m->ch == QUOTE || m->ch == ESCAPE) {
            if (!quote_or_escape(m))
                return false;
            m->prev = m->ch;
            if (!next(m))
                return false;
            continue;
        }
        if (m->prev == QUOTE) {
            m->unescaped = true;
            append(m, QUOTE);
            append(m, m->ch);
            m->prev = m->ch;
            return restore_quote(m);
        }
        if (m->prev == ESCAPE)
            append(m, ESCAPE);
        if (!until(m, QUOTE, ESCAPE))
            return false;
        m->prev = m->ch;
        if (!next(m))
            return false;
    }
    size_t blanks = m->out->text.len;
    append(m, QUOTE);
    while (blank(m->ch)) {
        append(m, m->ch);
        if (!next(m)) {
            m->out->text.len = blanks;
            return false;
        }
    }
    if (m->ch == COMMA) { /* blanks behind the closing quote are dropped */
        m->out->text.len = blanks;
        return true;
    }
    append(m, m->ch);
    m->prev = m->ch;
    /* The end of the line asks whether the character behind this one is a quote: step over the whole of this one (a
       character of four bytes is two of Java's, and the second is no quote either). */
    unsigned used;
    dm_text_utf8_next(m->p - 1, m->e, &used);
    for (; used > 1 && used < 4; used--)
        append(m, *m->p++);
    return restore_quote(m);
}

/* A quoted value without escapes whose closing quote stands right before a delimiter; returns that quote. */
static const uint8_t *plain_quoted(const uint8_t *p, const uint8_t *e)
{
    for (const uint8_t *q = p; q < e; q++) {
        if (*q == QUOTE)
            return q[-1] != ESCAPE && q + 1 < e && q[1] == COMMA ? q : NULL;
        if (*q == ESCAPE && q + 1 < e && (q[1] == QUOTE || q[1] == ESCAPE))
            return NULL;
    }
    return NULL;
}

/* The same for a column that nobody wants: the first quote that does not follow an escape character. */
static const uint8_t *skipped_quoted(const uint8_t *p, const uint8_t *e)
{
    for (const uint8_t *q = p; q < e; q++)
        if (*q == QUOTE && q[-1] != ESCAPE)
            return q + 1 < e && q[1] == COMMA ? q : NULL;
    return NULL;
}

static bool wanted(const struct dm_spark_keep *keep, size_t column)
{
    return !keep || (column < keep->n && keep->wanted[column]);
}

/* True where the line ended behind a delimiter that a plain quoted value had consumed. */
static bool fields(struct machine *m, const struct dm_spark_keep *keep)
{
    if (!next(m))
        return false;
    while (m->out->n <= DM_SPARK_COLUMNS_MAX) {
        if (m->ch == COMMA) {
            end_value(m);
        } else {
            m->unescaped = false;
            m->prev = '\0';
            if (m->ch == QUOTE) {
                bool want = wanted(keep, m->out->n);
                const uint8_t *close = want ? plain_quoted(m->p, m->e) : skipped_quoted(m->p, m->e);
                if (close) {
                    if (want)
                        dm_text_bytes_add(&m->out->text, m->p, (size_t)(close - m->p));
                    end_value(m);
                    m->p = close + 2;
                    if (!next(m)) {
                        end_value(m);
                        return true;
                    }
                    continue;
                }
                if (!quoted(m))
                    return false;
            } else if (!until(m, COMMA, COMMA)) {
                return false;
            }
            end_value(m);
        }
        if (!next(m))
            return false;
    }
    return true;
}

bool dm_spark_split(const uint8_t *p, size_t n, const struct dm_spark_keep *keep,
                    struct dm_spark_fields *ret)
{
    ret->n = ret->text.len = 0;
    dm_text_bytes_room(&ret->text, n + 2);
    struct machine m = {.p = p, .e = p + n, .out = ret};
    if (!fields(&m, keep)) {
        if (m.ch == QUOTE && m.prev != QUOTE && !m.unescaped)
            append(&m, QUOTE);
        end_value(&m);
    }
    return ret->n <= DM_SPARK_COLUMNS_MAX;
}

struct dm_spark_value dm_spark_field(const struct dm_spark_fields *f, size_t i)
{
    if (i >= f->n)
        return (struct dm_spark_value){NULL, 0};
    size_t from = i ? f->ends[i - 1] : 0;
    return (struct dm_spark_value){f->text.p + from, f->ends[i] - from};
}

void dm_spark_fields_release(struct dm_spark_fields *f)
{
    dm_text_bytes_release(&f->text);
    free(f->ends);
    *f = (struct dm_spark_fields){0};
}
