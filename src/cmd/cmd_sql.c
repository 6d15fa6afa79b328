/* daymill sql and psql: ask a connection of the project. */
#include <errno.h>

#include "base/file.h"
#include "cmd/common.h"
#include "cmd/sql_run.h"
#include "conn/warehouse_start.h"
#include "lang/sql_lex.h"

static const struct dm_option sql_options[] = {
    {"csv", 0, DM_OPTION_FLAG, NULL, NULL, "print rows as CSV"},
    {NULL},
};

enum { OID_BOOL = 16 };

/* Whether PostgreSQL's type prints as a bare JSON number. */
static bool is_number(unsigned oid)
{
    return oid == 20 || oid == 21 || oid == 23 || oid == 700 || oid == 701 || oid == 1700;
}

static void print_result(struct dm_args *args, const struct dm_pg_result *r)
{
    struct dm_table t = {.arena = args->arena};
    bool csv = dm_option_flag(args, "csv");
    if (!r->n_cols) {
        if (!args->quiet && !args->json && !csv)
            printf("%s\n", r->tag);
        return;
    }
    t.cols = r->cols;
    t.n_cols = r->n_cols;
    t.numeric = dm_arena_array(args->arena, bool, r->n_cols);
    t.boolean = dm_arena_array(args->arena, bool, r->n_cols);
    for (size_t c = 0; c < r->n_cols; c++) {
        t.numeric[c] = is_number(r->oids[c]);
        t.boolean[c] = args->json && r->oids[c] == OID_BOOL;
        for (size_t i = 0; t.boolean[c] && i < r->n_rows; i++)
            if (r->rows[i][c])
                r->rows[i][c] = r->rows[i][c][0] == 't' ? "true" : "false";
    }
    t.rows = r->rows;
    t.n_rows = r->n_rows;
    dm_table_print(&t, args->json ? DM_PRINT_JSON : csv ? DM_PRINT_CSV : DM_PRINT_ALIGNED, stdout);
    if (!args->json && !csv && !args->quiet)
        printf("(%zu row%s)\n", r->n_rows, r->n_rows == 1 ? "" : "s");
}

static int read_input(struct dm_arena *a, struct dm_str *ret, struct dm_err *reterr)
{
    return dm_file_read(a, "/dev/stdin", DM_BUF_TEXT, ret, reterr);
}

static int no_statement(struct dm_err *reterr)
{
    dm_err_set(reterr, DM_E_USAGE, "no statement: the query is empty");
    return dm_err_hint(reterr, "For example: daymill sql \"select 1\"");
}

static int run_statements(struct dm_args *args, struct dm_pg *pg, struct dm_str text,
                          struct dm_err *reterr)
{
    struct dm_sql_statement *statements;
    size_t n;
    DM_TRY(dm_sql_split(args->arena, text, &statements, &n, reterr));
    if (!n)
        return no_statement(reterr);
    for (size_t i = 0; i < n; i++) {
        struct dm_pg_result r;
        DM_TRY(dm_sql_run(pg, args->arena, args->project, statements[i].text, &r, reterr));
        print_result(args, &r);
    }
    return 0;
}

/* The first argument names a connection where there is one of that name, and there is more or no query. */
static bool names_connection(struct dm_args *args, const char *word)
{
    struct dm_connection c;
    return !strpbrk(word, " \t\n;(") &&
           dm_conn_find(args->arena, args->project, dm_str_c(word), &c, NULL) >= 0;
}

static int sql(struct dm_args *args, struct dm_err *reterr)
{
    const char *conn_id = "warehouse", *query = NULL;
    if (args->n == 2) {
        conn_id = args->v[0];
        query = args->v[1];
    } else if (args->n == 1) {
        if (names_connection(args, args->v[0]))
            conn_id = args->v[0];
        else
            query = args->v[0];
    }
    struct dm_connection c;
    struct dm_str text = dm_str_c(query);
    _cleanup_pg_ struct dm_pg *pg = NULL;
    DM_TRY(dm_conn_find(args->arena, args->project, dm_str_c(conn_id), &c, reterr));
    if (!query)
        DM_TRY(read_input(args->arena, &text, reterr));
    DM_TRY(dm_pg_open(args->project, &c, "daymill sql", &pg, reterr));
    return run_statements(args, pg, text, reterr);
}

const struct dm_cmd dm_cmd_sql = {
    .name = "sql",
    .synopsis = "[CONN] [QUERY]",
    .doc = "run SQL on a connection (default: warehouse; without QUERY: standard input)",
    .more = "A first argument that names a connection is one; COPY of /data/x reads and writes "
            "data/x of the\n"
            "project.\n"
            "  daymill sql \"select count(*) from public.user_behavior_metric\"\n"
            "  daymill sql oltp --csv < report.sql",
    .max_args = 2,
    .options = sql_options,
    .run = sql,
};

static int psql(struct dm_args *args, struct dm_err *reterr)
{
    struct dm_connection c;
    bool named = args->n && args->v[0][0] != '-';
    const char *conn_id = named ? args->v[0] : "warehouse";
    if (args->n > named && args->v[named][0] != '-') {
        dm_err_set(reterr, DM_E_USAGE, "psql would not understand \"%s\"", args->v[named]);
        return dm_err_hint(reterr, "For example: daymill psql %s -- -c \"select 1\"", conn_id);
    }
    DM_TRY(dm_conn_find(args->arena, args->project, dm_str_c(conn_id), &c, reterr));
    /* Kept open while psql starts, so that an embedded server does not leave in between. */
    _cleanup_pg_ struct dm_pg *pg = NULL;
    DM_TRY(dm_pg_open(args->project, &c, "daymill psql", &pg, reterr));
    const char *const *env, *target;
    DM_TRY(dm_pg_client_settings(args->arena, args->project, &c, &target, &env, reterr));
    for (size_t i = 0; env[i]; i++)
        putenv((char *)env[i]);
    /* psql -d TARGET, then what was given for psql itself. */
    const char **argv = dm_arena_array(args->arena, const char *, (size_t)args->n + 4);
    size_t n = 0;
    argv[n++] = "psql";
    argv[n++] = "-d";
    argv[n++] = target;
    for (int i = named; i < args->n; i++)
        argv[n++] = args->v[i];
    execvp("psql", (char *const *)argv);
    dm_err_errno(reterr, errno, "could not start psql");
    return dm_err_hint(reterr, "Install the package postgresql-client.");
}

const struct dm_cmd dm_cmd_psql = {
    .name = "psql",
    .synopsis = "[CONN] [-- ARGUMENT…]",
    .doc = "start psql on a connection (default: warehouse)",
    .more = "What follows -- is for psql.  The embedded server stays for as long as psql does.\n"
            "  daymill psql oltp\n"
            "  daymill psql -- -c \"select count(*) from public.user_behavior_metric\"",
    .max_args = -1,
    .run = psql,
};
