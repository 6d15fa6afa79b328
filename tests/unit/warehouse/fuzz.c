/*
 * Statements and messages that went wrong on the way, with a fixed seed: whatever comes, it is taken or refused; nothing
 * crashes, hangs or reads past its end (under ASan as well).
 */
#include "base/rng.h"
#include "rewrite_fixture.h"
#include "warehouse/pgwire.h"
#include "warehouse/redshift_parse.h"

static const char *const statements[] = {
    "create external schema s from data catalog database 'd' iam_role 'a' create external database "
    "if not exists",
    "create external table s.t (a int, b varchar(10), c decimal(8,3)) partitioned by (d date) row "
    "format serde "
    "'org.apache.hadoop.hive.serde2.OpenCSVSerde' with serdeproperties ('separatorChar' = ',') "
    "stored as textfile "
    "location 's3://b/k/' table properties ('skip.header.line.count' = '1')",
    "alter table s.t add if not exists partition (d = '2010-12-01') location 's3://b/k/1' "
    "partition (d = "
    "'2010-12-02') location 's3://b/k/2'",
    "alter table s.t drop partition (d = '2010-12-01')",
    "drop schema if exists s drop external database cascade",
    "create table k (a int encode az64 distkey, b varchar(10) not null default 'x', check (a > 0)) "
    "diststyle key",
    "select a.id, count(*), sum(a.n) / count(*) from a join c on a.id = c.cid where a.t in ('x', "
    "E'\\n', $$q$$) and "
    "a.id = any('{1,2}') group by 1 having sum(a.n) % 3 = 0 order by 2 desc limit 5",
    "with q as (values (1, 'x')) select column1::numeric(5,2), q.* from q where exists (select 1 "
    "from s.t where d "
    "between '2010-01-01' and date '12/1/2010')",
    "insert into a values (1, 'y') on conflict do nothing returning id as \"Id\"",
    "update a set t = upper(t) || 'é' from c where c.cid = a.id /* nested /* comment */ */ -- end",
    "copy a (id, t) from stdin with (format csv, header match, delimiter ';', null 'x', force_null "
    "(t))",
    "select set_config('a.b', 'c', false), current_setting('a.b'), interval '1' day, '12/1/2010 "
    "8:26'::timestamp",
    "create table l (like a including all, x text); drop table l, m; truncate a, c",
    "set search_path to public, s; show all; begin; savepoint p; rollback to p",
};
enum { N_STATEMENTS = sizeof(statements) / sizeof(statements[0]), TEXT_MAX = 2048 };

static const char *const pieces[] = {
    "'",     "\"",   "(",    ")",  ",",  ";",    "--",     "/*", "*/", "$$",
    "$1",    "::",   "{",    "}",  ".",  "null", "select", "0",  "-1", "99999999999999999999",
    "1e999", "\xc3", "\xff", "\\", "\n", "\x01", "\x02",   "''", "[",  "=",
    "as",    "from", "/",    "%",  "E'"};
enum { N_PIECES = sizeof(pieces) / sizeof(pieces[0]) };

/* A statement with some of it left out, doubled, replaced, or cut. */
static size_t mutate(struct dm_rng *r, char out[TEXT_MAX])
{
    const char *from = statements[dm_rng_below(r, N_STATEMENTS)];
    size_t n = strlen(from);
    memcpy(out, from, n);
    for (size_t changes = 1 + dm_rng_below(r, 4); changes; changes--) {
        size_t at = dm_rng_below(r, n + 1), length = dm_rng_below(r, 12);
        if (length > n - at)
            length = n - at;
        const char *piece = pieces[dm_rng_below(r, N_PIECES)];
        size_t add = strlen(piece);
        switch (dm_rng_below(r, 5)) {
        case 0: /* left out */
            memmove(out + at, out + at + length, n - at - length);
            n -= length;
            break;
        case 1: /* put in */
            if (n + add < TEXT_MAX) {
                memmove(out + at + add, out + at, n - at);
                memcpy(out + at, piece, add);
                n += add;
            }
            break;
        case 2: /* doubled */
            if (n + length < TEXT_MAX) {
                memmove(out + at + length, out + at, n - at);
                n += length;
            }
            break;
        case 3: /* one byte changed */
            if (at < n)
                out[at] = (char)(1 + dm_rng_below(r, 255));
            break;
        default: /* cut */
            if (dm_rng_chance(r, 200))
                n = at;
            break;
        }
    }
    return n;
}

/* The very bytes, so that a read behind them is seen. */
static struct dm_str exact(const char *p, size_t n)
{
    char *copy = dm_malloc(n ? n : 1);
    memcpy(copy, p, n);
    return dm_str_n(copy, n);
}

static void redshift_statements(void)
{
    struct dm_rng r = {.state = 20101201};
    char text[TEXT_MAX];
    int parsed = 0;
    for (int i = 0; i < 20000; i++) {
        _cleanup_arena_ struct dm_arena a = {0};
        struct dm_redshift_stmt s;
        struct dm_err err = {0};
        struct dm_str sql = exact(text, mutate(&r, text));
        int rc = dm_redshift_parse(&a, sql, &s, &err);
        if (rc == 0)
            parsed += s.kind != DM_REDSHIFT_NONE;
        else
            T_OK(err.message[0] && err.position <= TEXT_MAX);
        struct dm_str stripped = dm_redshift_strip(&a, sql);
        T_INT(stripped.len, sql.len);
        free((void *)(uintptr_t)sql.p);
    }
    T_OK(parsed > 100);
}

static void rewriter(void)
{
    T_OK(fixture_open());
    if (!fx.rewriter)
        return;
    T_TRY(run("create table a(id int primary key, t text, n int); create table c(cid varchar(10), "
              "n int);"
              "create external schema s from data catalog;"
              "create external table s.t (a int, b varchar(10)) partitioned by (d date) stored as "
              "textfile location "
              "'s3://b/k/'"),
          fx.err);
    struct dm_rng r = {.state = 20111209};
    char text[TEXT_MAX];
    int rewritten = 0;
    for (int i = 0; i < 2000; i++) {
        _cleanup_arena_ struct dm_arena a = {0};
        struct dm_statement s;
        struct dm_err err = {0};
        struct dm_str sql = exact(text, mutate(&r, text));
        int rc = dm_rewrite(fx.rewriter, &a, sql, &s, &err);
        rewritten += rc == 0;
        if (rc < 0)
            T_OK(err.message[0]);
        else if (s.sql && s.kind == DM_STATEMENT_QUERY) {
            struct dm_prepared *p;
            if (dm_engine_prepare(fx.conn, s.sql, &p, &err) == 0) {
                dm_prepared_free(p);
            } else {
                dm_rewrite_error(&s, sql, &err);
                T_OK(err.message[0] && err.sqlstate[0] && err.position <= TEXT_MAX);
            }
        }
        free((void *)(uintptr_t)sql.p);
    }
    T_OK(rewritten > 500);
    fixture_close();
}

/* Bytes of messages, cut and read as a session does. */
static void messages(void)
{
    struct dm_rng r = {.state = 5439};
    unsigned char bytes[256];
    for (int i = 0; i < 50000; i++) {
        size_t n = dm_rng_below(&r, sizeof(bytes));
        for (size_t k = 0; k < n; k++)
            bytes[k] = (unsigned char)dm_rng_next(&r);
        bool startup = dm_rng_chance(&r, 300);
        size_t head = startup ? 0 : 1;
        if (n > head + 4 && dm_rng_chance(&r, 800)) { /* a length that fits more often than not */
            size_t length = 4 + dm_rng_below(&r, n);
            memcpy(bytes + head,
                   (unsigned char[]){0, 0, (unsigned char)(length >> 8), (unsigned char)length}, 4);
        }
        struct dm_str in = exact((char *)bytes, n);
        struct dm_pgwire_message m;
        size_t size = 0;
        struct dm_err err = {0};
        int rc = dm_pgwire_cut(in, startup, &m, &size, &err);
        if (rc > 0) {
            T_OK(size <= n);
            while (!m.in.bad && m.in.at < m.in.len)
                switch (dm_rng_below(&r, 5)) {
                case 0:
                    (void)dm_pgwire_u8(&m.in);
                    break;
                case 1:
                    (void)dm_pgwire_i16(&m.in);
                    break;
                case 2: {
                    int32_t length = dm_pgwire_i32(&m.in);
                    (void)dm_pgwire_bytes(&m.in, length < 0 ? 0 : (size_t)length);
                    break;
                }
                case 3:
                    (void)strlen(dm_pgwire_cstr(&m.in));
                    break;
                default:
                    (void)dm_pgwire_rest(&m.in);
                    break;
                }
            T_OK(m.in.at <= m.in.len);
            T_OK(dm_pgwire_done(&m.in, &err) == (m.in.bad ? DM_E_SYNTAX : 0));
        }
        free((void *)(uintptr_t)in.p);
    }
}

T_MAIN(T_CASE(redshift_statements), T_CASE(messages), T_CASE(rewriter))
