/*
 * A warehouse in a scratch folder for the rewriter's tests: engine, one session, a lake.  Each test file is one
 * program and calls fixture_open at its start and fixture_close at its end.
 */
#ifndef DM_REWRITE_FIXTURE_H
#define DM_REWRITE_FIXTURE_H

#include "base/file.h"
#include "lang/sql_lex.h"
#include "t.h"
#include "warehouse/rewrite.h"

static struct fixture {
    char dir[64];
    const char *lake;
    struct dm_arena arena;
    struct dm_engine *engine;
    struct dm_engine_conn *conn;
    struct dm_rewriter *rewriter;
    struct dm_err err;
    char text[1 << 16]; /* rows of the last query: "a|b\n" */
} fx;

static bool fixture_open(void)
{
    memset(&fx, 0, sizeof(fx));
    dm_arena_init(&fx.arena);
    snprintf(fx.dir, sizeof(fx.dir), "/tmp/dm-rewrite-XXXXXX");
    if (!mkdtemp(fx.dir))
        return false;
    fx.lake = dm_arena_printf(&fx.arena, "%s/lake", fx.dir);
    struct dm_engine_opts opts = {.dir = dm_arena_printf(&fx.arena, "%s/warehouse", fx.dir),
                                  .lake_dir = fx.lake,
                                  .threads = 2};
    return dm_engine_open(&opts, &fx.engine, &fx.err) == 0 &&
           dm_engine_connect(fx.engine, "warehouse", &fx.conn, &fx.err) == 0 &&
           dm_catalog_install(fx.conn, "warehouse", &fx.err) == 0 &&
           dm_rewriter_open(fx.conn, "warehouse", fx.lake, &fx.rewriter, &fx.err) == 0;
}

static void fixture_close(void)
{
    dm_rewriter_close(fx.rewriter);
    dm_engine_disconnect(fx.conn);
    dm_engine_close(fx.engine);
    dm_arena_release(&fx.arena);
    if (fx.dir[0] && dm_remove_tree(fx.dir, NULL) < 0)
        printf("# could not remove %s\n", fx.dir);
}

/* A file of the lake. */
static inline void lake_file(const char *key, const char *text)
{
    const char *path = dm_arena_printf(&fx.arena, "%s/%s", fx.lake, key);
    if (dm_mkdirs_for(path, &fx.err) < 0 || dm_file_write(path, dm_str_c(text), 0644, &fx.err) < 0)
        t_fail(__FILE__, __LINE__, "%s: %s", path, fx.err.message);
}

/* One statement as a session runs it: rewritten, done, its rows in fx.text. */
static int run_one(struct dm_str sql)
{
    struct dm_statement s;
    fx.err = (struct dm_err){0};
    fx.text[0] = '\0';
    DM_TRY(dm_rewrite(fx.rewriter, &fx.arena, sql, &s, &fx.err));
    if (s.kind == DM_STATEMENT_EXTERNAL || s.kind == DM_STATEMENT_SET)
        return dm_rewrite_perform(fx.rewriter, &fx.arena, &s, &fx.err);
    if (!s.sql)
        return 0;
    struct dm_engine_rows rows;
    int rc = dm_engine_query(fx.conn, &fx.arena, s.sql, &rows, &fx.err);
    if (rc < 0) {
        dm_rewrite_error(&s, sql, &fx.err);
        return rc;
    }
    DM_TRY(dm_rewrite_perform(fx.rewriter, &fx.arena, &s, &fx.err));
    for (size_t i = 0; i < s.n_more; i++)
        DM_TRY(dm_engine_query(fx.conn, &fx.arena, s.more[i], NULL, &fx.err));
    size_t at = 0;
    for (size_t i = 0; i < rows.n_rows && s.returns_rows; i++)
        for (size_t k = 0; k < rows.n_cols && at + 1 < sizeof(fx.text); k++) {
            int n = snprintf(fx.text + at, sizeof(fx.text) - at, "%s%c",
                             rows.rows[i][k] ? rows.rows[i][k] : "~",
                             k + 1 == rows.n_cols ? '\n' : '|');
            at = at + (size_t)n < sizeof(fx.text) ? at + (size_t)n : sizeof(fx.text) - 1;
        }
    return 0;
}

/* The statements of a script, one after the other. */
static int run(const char *script)
{
    struct dm_sql_statement *list;
    size_t n;
    DM_TRY(dm_sql_split(&fx.arena, dm_str_c(script), &list, &n, &fx.err));
    for (size_t i = 0; i < n; i++) {
        int rc = run_one(list[i].text);
        if (rc < 0) {
            printf("# %.*s\n", DM_FMT(list[i].text));
            return rc;
        }
    }
    return 0;
}

/* A query that must give these rows. */
#define T_ROWS(sql, want)        \
    do {                         \
        T_TRY(run(sql), fx.err); \
        T_STR(fx.text, (want));  \
    } while (0)

/* A statement that must fail with this SQLSTATE and a message that has this piece. */
#define T_FAILS(sql, state, piece)                                                       \
    do {                                                                                 \
        int t_failed = run_one(dm_str_c(sql));                                           \
        T_OK(t_failed < 0);                                                              \
        T_STR(fx.err.sqlstate[0] ? fx.err.sqlstate : dm_code_sqlstate(t_failed), state); \
        T_HAS(fx.err.message, piece);                                                    \
    } while (0)

#endif
