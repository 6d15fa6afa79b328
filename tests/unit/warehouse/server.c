/* warehouse/server.h: the whole server in a process of its own, with libpq as its client. */
#include "warehouse/server.h"

#include <errno.h>
#include <fcntl.h>
#include <libpq-fe.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/dl.h"
#include "base/file.h"
#include "t.h"

extern char **environ;

static struct {
    __typeof__(&PQconnectdb) connectdb;
    __typeof__(&PQstatus) status;
    __typeof__(&PQfinish) finish;
    __typeof__(&PQerrorMessage) errorMessage;
    __typeof__(&PQexec) exec;
    __typeof__(&PQexecParams) execParams;
    __typeof__(&PQresultStatus) resultStatus;
    __typeof__(&PQresultErrorField) resultErrorField;
    __typeof__(&PQgetvalue) getvalue;
    __typeof__(&PQgetisnull) getisnull;
    __typeof__(&PQntuples) ntuples;
    __typeof__(&PQftype) ftype;
    __typeof__(&PQfmod) fmod;
    __typeof__(&PQcmdStatus) cmdStatus;
    __typeof__(&PQclear) clear;
    __typeof__(&PQputCopyData) putCopyData;
    __typeof__(&PQputCopyEnd) putCopyEnd;
    __typeof__(&PQgetCopyData) getCopyData;
    __typeof__(&PQgetResult) getResult;
    __typeof__(&PQfreemem) freemem;
    __typeof__(&PQtransactionStatus) transactionStatus;
    __typeof__(&PQgetCancel) getCancel;
    __typeof__(&PQcancel) cancel;
    __typeof__(&PQfreeCancel) freeCancel;
    __typeof__(&PQsendQuery) sendQuery;
    __typeof__(&PQparameterStatus) parameterStatus;
    __typeof__(&PQbackendPID) backendPID;
    __typeof__(&PQprepare) prepare;
    __typeof__(&PQexecPrepared) execPrepared;
} pq;

static bool load_libpq(void)
{
#define PQ(f)                   \
    {                           \
        "PQ" #f, (void **)&pq.f \
    }
    static const struct dm_dl_symbol symbols[] = {PQ(connectdb),
                                                  PQ(status),
                                                  PQ(finish),
                                                  PQ(errorMessage),
                                                  PQ(exec),
                                                  PQ(execParams),
                                                  PQ(resultStatus),
                                                  PQ(resultErrorField),
                                                  PQ(getvalue),
                                                  PQ(getisnull),
                                                  PQ(ntuples),
                                                  PQ(ftype),
                                                  PQ(fmod),
                                                  PQ(cmdStatus),
                                                  PQ(clear),
                                                  PQ(putCopyData),
                                                  PQ(putCopyEnd),
                                                  PQ(getCopyData),
                                                  PQ(getResult),
                                                  PQ(freemem),
                                                  PQ(transactionStatus),
                                                  PQ(getCancel),
                                                  PQ(cancel),
                                                  PQ(freeCancel),
                                                  PQ(sendQuery),
                                                  PQ(parameterStatus),
                                                  PQ(backendPID),
                                                  PQ(prepare),
                                                  PQ(execPrepared),
                                                  {NULL, NULL}};
    return dm_dl_open("libpq.so.5", "libpq5", symbols, NULL) == 0;
}

enum { STARTUP_US = 500 * 1000 };

static char dir[] = "/tmp/dm-server-XXXXXX";

static int serve(const char *where, const char *stay, const char *idle_ms)
{
    struct dm_arena a = {0};
    struct dm_err err;
    const char *run = dm_arena_printf(&a, "%s/run", where);
    int64_t ms;
    struct dm_project project = {.dir = where,
                                 .run_dir = run,
                                 .socket_dir = run,
                                 .warehouse_dir = dm_arena_printf(&a, "%s/warehouse", where),
                                 .lake_dir = dm_arena_printf(&a, "%s/lake", where)};
    if (!dm_str_to_i64(dm_str_c(idle_ms), &ms))
        return 2;
    struct dm_server_opts opts = {.project = &project,
                                  .stay = strcmp(stay, "stay") == 0,
                                  .idle_close_us = ms * 1000,
                                  .startup_us = STARTUP_US,
                                  .ready_fd = STDOUT_FILENO};
    int rc = dm_server_run(&opts, &err);
    if (rc < 0)
        fprintf(stderr, "%s\n", err.message);
    dm_arena_release(&a);
    return rc == 0 ? 0 : rc == DM_E_BUSY ? 3 : 1;
}

/* Starts this program as the server; 0 where it could not say that it listens. */
static pid_t start(const char *stay, const char *idle_ms)
{
    int ready[2];
    char byte;
    pid_t pid;
    const char *argv[] = {dm_program_path(), "serve", dir, stay, idle_ms, NULL};
    if (strstr(dir, "XXXXXX") && !mkdtemp(dir))
        return 0;
    if (pipe2(ready, O_CLOEXEC) < 0)
        return 0;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, ready[1], STDOUT_FILENO);
    int rc = posix_spawn(&pid, argv[0], &actions, NULL, (char **)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    close(ready[1]);
    bool listens = rc == 0 && read(ready[0], &byte, 1) == 1;
    close(ready[0]);
    return listens ? pid : 0;
}

static int wait_for(pid_t pid)
{
    int status = -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static PGconn *connect_to(const char *database)
{
    char info[256];
    snprintf(info, sizeof(info), "host=%s/run port=%d user=somebody dbname=%s", dir, DM_SERVER_PORT,
             database);
    return pq.connectdb(info);
}

/* The first value of a statement, or "!SQLSTATE". */
static const char *one(PGconn *c, const char *sql)
{
    static char text[512];
    PGresult *r = pq.exec(c, sql);
    const char *state = pq.resultErrorField(r, PG_DIAG_SQLSTATE);
    if (state)
        snprintf(text, sizeof(text), "!%s", state);
    else if (pq.resultStatus(r) == PGRES_TUPLES_OK && pq.ntuples(r))
        snprintf(text, sizeof(text), "%s", pq.getisnull(r, 0, 0) ? "NULL" : pq.getvalue(r, 0, 0));
    else
        snprintf(text, sizeof(text), "%s", pq.cmdStatus(r));
    pq.clear(r);
    return text;
}

static bool have_library;

#define T_SERVER(pid)                                     \
    pid_t pid = 0;                                        \
    do {                                                  \
        if (!have_library)                                \
            T_SKIP("libduckdb or libpq is not there");    \
        pid = start("leave", "200");                      \
        if (!pid) {                                       \
            t_fail(__FILE__, __LINE__, "did not listen"); \
            return;                                       \
        }                                                 \
    } while (0)

static void a_session_runs_and_the_server_leaves_after_it(void)
{
    T_SERVER(pid);
    PGconn *c = connect_to("warehouse");
    T_STR(pq.errorMessage(c), "");
    T_STR(one(c, "SELECT 1 + 1"), "2");
    T_STR(one(c, "CREATE TABLE kept (i int)"), "CREATE TABLE");
    T_STR(one(c, "INSERT INTO kept VALUES (1), (2)"), "INSERT 0 2");
    T_STR(one(c, "SELECT sum(i) FROM kept"), "3");
    T_STR(one(c, "DELETE FROM kept WHERE i = 1"), "DELETE 1");
    T_STR(one(c, ""), "");
    T_STR(pq.parameterStatus(c, "server_version"), "15.0");
    pq.finish(c);
    T_INT(wait_for(pid), 0);
    _cleanup_arena_ struct dm_arena a = {0};
    T_OK(!dm_exists(dm_arena_printf(&a, "%s/run/.s.PGSQL.%d", dir, DM_SERVER_PORT)));
    T_OK(!dm_exists(dm_arena_printf(&a, "%s/warehouse/warehouse.duckdb.wal", dir)));
}

static void databases_are_chosen_by_name(void)
{
    T_SERVER(pid);
    PGconn *w = connect_to("warehouse"), *o = connect_to("oltp"), *user = connect_to("somebody"),
           *none = connect_to("nowhere");
    T_STR(one(w, "SELECT count(*) FROM kept"), "1");
    T_STR(one(o, "SELECT count(*) FROM kept"), "!42P01");
    T_STR(one(user, "SELECT count(*) FROM kept"), "1");
    T_HAS(pq.errorMessage(none), "database \"nowhere\" does not exist");
    pq.finish(w);
    pq.finish(o);
    pq.finish(user);
    pq.finish(none);
    T_INT(wait_for(pid), 0);
}

static void an_error_ends_the_block_until_rollback(void)
{
    T_SERVER(pid);
    PGconn *c = connect_to("warehouse");
    T_STR(one(c, "BEGIN"), "BEGIN");
    T_STR(one(c, "INSERT INTO kept VALUES (9)"), "INSERT 0 1");
    T_STR(one(c, "SELECT * FROM nothing_there"), "!42P01");
    T_INT(pq.transactionStatus(c), PQTRANS_INERROR);
    T_STR(one(c, "SELECT 1"), "!25P02");
    T_STR(one(c, "COMMIT"), "ROLLBACK");
    T_INT(pq.transactionStatus(c), PQTRANS_IDLE);
    T_STR(one(c, "SELECT count(*) FROM kept"), "1");
    T_STR(one(c, "INSERT INTO kept VALUES (9); SELECT * FROM nothing_there"), "!42P01");
    T_STR(one(c, "SELECT count(*) FROM kept"), "1");
    T_STR(one(c, "BEGIN; SAVEPOINT a; SELECT 1; ROLLBACK TO a"), "ROLLBACK");
    T_STR(one(c, "SAVEPOINT b"), "SAVEPOINT");
    T_STR(one(c, "INSERT INTO kept VALUES (9)"), "INSERT 0 1");
    T_STR(one(c, "ROLLBACK TO b"), "!0A000");
    T_STR(one(c, "SELECT 1"), "!25P02");
    T_STR(one(c, "ROLLBACK"), "ROLLBACK");
    pq.finish(c);
    T_INT(wait_for(pid), 0);
}

static void parameters_get_their_types_from_the_statement(void)
{
    T_SERVER(pid);
    PGconn *c = connect_to("warehouse");
    T_STR(one(c, "CREATE TABLE typed (d date, n numeric(8,3), s varchar(3), i bigint)"),
          "CREATE TABLE");
    const char *values[] = {"2010-12-01 +00", "2.5", "abc", NULL};
    PGresult *r = pq.execParams(c, "INSERT INTO typed VALUES ($1, $2, $3, $4) RETURNING n, d, i", 4,
                                NULL, values, NULL, NULL, 0);
    T_INT(pq.resultStatus(r), PGRES_TUPLES_OK);
    T_STR(pq.getvalue(r, 0, 0), "2.500");
    T_INT(pq.ftype(r, 0), 1700);
    T_INT(pq.fmod(r, 0), (8 << 16 | 3) + 4);
    T_STR(pq.getvalue(r, 0, 1), "2010-12-01");
    T_OK(pq.getisnull(r, 0, 2));
    pq.clear(r);
    r = pq.execParams(c, "SELECT oid, sum(1) FROM pg_class WHERE relname = 'typed' GROUP BY oid", 0,
                      NULL, NULL, NULL, NULL, 1);
    T_INT(pq.resultStatus(r), PGRES_TUPLES_OK);
    T_INT(pq.ftype(r, 0), 26);
    T_INT(pq.ftype(r, 1), 20);
    T_OK(memcmp(pq.getvalue(r, 0, 0), "\0\0\0\0", 4) != 0);
    pq.clear(r);
    static const Oid int4[] = {23};
    static const int binary[] = {1}, length[] = {4};
    const char *seven[] = {"\0\0\0\7"};
    r = pq.execParams(c, "SELECT $1 * 6", 1, int4, seven, length, binary, 1);
    T_INT(pq.resultStatus(r), PGRES_TUPLES_OK);
    T_INT(pq.ftype(r, 0), 23);
    T_OK(memcmp(pq.getvalue(r, 0, 0), "\0\0\0\x2a", 4) == 0);
    pq.clear(r);
    const char *long_text[] = {"abcd"};
    r = pq.execParams(c, "INSERT INTO typed (s) VALUES ($1)", 1, NULL, long_text, NULL, NULL, 0);
    T_STR(pq.resultErrorField(r, PG_DIAG_SQLSTATE), "22001");
    pq.clear(r);
    pq.finish(c);
    T_INT(wait_for(pid), 0);
}

static const char *copy_in(PGconn *c, const char *sql, const char *rows, char where[256])
{
    static char text[128];
    PGresult *r = pq.exec(c, sql);
    if (pq.resultStatus(r) == PGRES_COPY_IN) {
        pq.clear(r);
        pq.putCopyData(c, rows, (int)strlen(rows));
        pq.putCopyEnd(c, NULL);
        r = pq.getResult(c);
    }
    const char *state = pq.resultErrorField(r, PG_DIAG_SQLSTATE);
    snprintf(text, sizeof(text), "%s%s", state ? "!" : "", state ? state : pq.cmdStatus(r));
    if (state && where) {
        const char *context = pq.resultErrorField(r, PG_DIAG_CONTEXT);
        snprintf(where, 256, "%s", context ? context : "");
    }
    pq.clear(r);
    while ((r = pq.getResult(c)))
        pq.clear(r);
    return text;
}

static void copy_goes_in_and_out(void)
{
    T_SERVER(pid);
    PGconn *c = connect_to("oltp");
    char where[256] = "", *row;
    T_STR(one(c, "CREATE TABLE sale (name varchar(5), n int, sold timestamp, price numeric(8,3))"),
          "CREATE TABLE");
    static const char in[] = "COPY sale FROM STDIN CSV HEADER";
    T_STR(copy_in(c, in, "h\n\"a,\"\"b\",6,12/1/2010 8:26,2.55\n\"\",,,\n", where), "COPY 2");
    T_STR(copy_in(c, in, "h\na,1,,\nb,x,,\n", where), "!22P02");
    T_STR(where, "COPY sale, line 3, column n: \"x\"");
    T_STR(copy_in(c, in, "h\nabcdef,1,,\n", where), "!22001");
    T_STR(copy_in(c, in, "h\na,1\n", where), "!22P04");
    T_STR(copy_in(c, in, "h\na,1,13/1/2010,\n", where), "!22008");
    T_STR(one(c, "SELECT count(*) FROM sale"), "2");
    T_STR(one(c, "CREATE TABLE strict (id int PRIMARY KEY, v text NOT NULL, n int CHECK (n > 0))"),
          "CREATE TABLE");
    static const char strict[] = "COPY strict FROM STDIN CSV";
    T_STR(copy_in(c, strict, "1,a,1\n2,,1\n3,c,1\n", where), "!23502");
    T_STR(where, "COPY strict, line 2, column v: null input");
    T_STR(copy_in(c, strict, "1,a,1\n1,b,1\n", where), "!23505");
    T_STR(where, "COPY strict, line 2 or before");
    T_STR(copy_in(c, strict, "1,a,0\n", where), "!23514");
    T_STR(copy_in(c, strict, "1,a,5\n", where), "COPY 1");
    PGresult *r = pq.exec(c, "COPY (SELECT * FROM sale) TO STDOUT CSV HEADER");
    T_INT(pq.resultStatus(r), PGRES_COPY_OUT);
    pq.clear(r);
    static const char *const want[] = {"name,n,sold,price\n",
                                       "\"a,\"\"b\",6,2010-12-01 08:26:00,2.550\n", "\"\",,,\n"};
    size_t n = 0;
    while (pq.getCopyData(c, &row, 0) > 0) {
        if (n < 3)
            T_STR(row, want[n]);
        pq.freemem(row);
        n++;
    }
    T_INT(n, 3);
    r = pq.getResult(c);
    T_STR(pq.cmdStatus(r), "COPY 2");
    pq.clear(r);
    while ((r = pq.getResult(c)))
        pq.clear(r);
    pq.finish(c);
    T_INT(wait_for(pid), 0);
}

static void a_running_query_can_be_cancelled(void)
{
    T_SERVER(pid);
    PGconn *c = connect_to("warehouse");
    char why[256];
    T_INT(pq.sendQuery(c, "SELECT count(*) FROM range(1000000000000) t(i) WHERE i * 7 % 11 = 3"),
          1);
    poll(NULL, 0, 50); /* cancelled before it starts, it would run on */
    PGcancel *cancel = pq.getCancel(c);
    T_INT(pq.cancel(cancel, why, sizeof(why)), 1);
    pq.freeCancel(cancel);
    PGresult *r = pq.getResult(c);
    T_STR(pq.resultErrorField(r, PG_DIAG_SQLSTATE), "57014");
    pq.clear(r);
    while ((r = pq.getResult(c)))
        pq.clear(r);
    T_STR(one(c, "SELECT 1"), "1");
    pq.finish(c);
    T_INT(wait_for(pid), 0);
}

static const char *prepared(PGconn *c, const char *name)
{
    static char text[64];
    PGresult *r = pq.execPrepared(c, name, 0, NULL, NULL, NULL, 0);
    snprintf(text, sizeof(text), "%s",
             pq.resultStatus(r) == PGRES_TUPLES_OK ? pq.getvalue(r, 0, 0) : pq.cmdStatus(r));
    pq.clear(r);
    return text;
}

static void a_prepared_statement_sees_new_files_and_partitions(void)
{
    T_SERVER(pid);
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    const char *folder = dm_arena_printf(&a, "%s/lake/b/sale/1", dir);
    T_TRY(dm_mkdirs(folder, 0755, &err), err);
    PGconn *c = connect_to("warehouse");
    T_STR(one(c, "CREATE EXTERNAL SCHEMA lake FROM DATA CATALOG"), "CREATE SCHEMA");
    T_STR(one(c, "CREATE EXTERNAL TABLE lake.sale (n int) PARTITIONED BY (day int) STORED AS "
                 "TEXTFILE LOCATION 's3://b/sale/'"),
          "CREATE TABLE");
    pq.clear(pq.prepare(c, "s", "SELECT coalesce(sum(n), 0) FROM lake.sale", 0, NULL));
    T_STR(prepared(c, "s"), "0");
    T_STR(one(c, "ALTER TABLE lake.sale ADD PARTITION (day = 1) LOCATION 's3://b/sale/1'"),
          "ALTER TABLE");
    T_STR(prepared(c, "s"), "0");
    T_TRY(dm_file_write(dm_path_join(&a, folder, "x.csv"), DM_STR("1\n2\n"), 0644, &err), err);
    T_STR(prepared(c, "s"), "3");
    T_TRY(dm_file_write(dm_path_join(&a, folder, "y.csv"), DM_STR("4\n"), 0644, &err), err);
    T_STR(prepared(c, "s"), "7");
    pq.finish(c);
    T_INT(wait_for(pid), 0);
}

static int position_of_error(PGconn *c, const char *sql)
{
    PGresult *r = pq.exec(c, sql);
    const char *position = pq.resultErrorField(r, PG_DIAG_STATEMENT_POSITION);
    int64_t n = 0;
    if (position && !dm_str_to_i64(dm_str_c(position), &n))
        n = -1;
    pq.clear(r);
    return (int)n;
}

/* In characters of the whole message, not in bytes of one statement. */
static void errors_say_where(void)
{
    T_SERVER(pid);
    PGconn *c = connect_to("warehouse");
    T_INT(position_of_error(c, "SELECT nothing FROM kept"), 8);
    T_INT(position_of_error(c, "SELECT '\xc3\xa9\xe2\x82\xac'; SELECT nothing FROM kept"), 21);
    T_INT(position_of_error(c, "/* \xc3\xa9 */ SELECT 1; SELECT '\xc3\xa9', \xc3\xb1 FROM kept"),
          31);
    T_INT(position_of_error(c, "SELECT 1;\nSELECT i,\n '\xc3\xa9' FROM nowhere"), 31);
    T_INT(position_of_error(c, "SELECT 1; SELECT (1 + ) FROM kept"), 23);
    pq.finish(c);
    T_INT(wait_for(pid), 0);
}

static int raw_connection(void)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    snprintf(to.sun_path, sizeof(to.sun_path), "%s/run/.s.PGSQL.%d", dir, DM_SERVER_PORT);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0) {
        close(fd);
        fd = -1;
    }
    return fd;
}

/* All that comes until the server closes, NULs as blanks. */
static const char *read_all(int fd)
{
    static char text[4096];
    size_t n = 0;
    ssize_t got;
    while (n + 1 < sizeof(text) && (got = read(fd, text + n, sizeof(text) - 1 - n)) > 0)
        n += (size_t)got;
    for (size_t i = 0; i < n; i++)
        if (!text[i])
            text[i] = ' ';
    text[n] = '\0';
    close(fd);
    return text;
}

/* Who says nothing, or says too much, does not hold a session. */
static void silence_and_noise_end_a_session(void)
{
    T_SERVER(pid);
    static const char start_up[] = "\0\0\0\x10\0\3\0\0user\0x\0"; /* and its own NUL */
    static const char huge[] = "Q\x7f\xff\xff\xff";
    int silent = raw_connection(), slow = raw_connection();
    T_OK(silent >= 0 && slow >= 0);
    T_INT(write(slow, start_up, 6), 6);
    T_HAS(read_all(silent), "no start-up message within 500 ms");
    T_HAS(read_all(slow), "no start-up message within 500 ms");
    int loud = raw_connection();
    T_INT(write(loud, start_up, sizeof(start_up)), sizeof(start_up));
    T_INT(write(loud, huge, 5), 5);
    T_HAS(read_all(loud), "C54000 Ma message is larger than 67108864 bytes");
    PGconn *c = connect_to("warehouse");
    T_STR(one(c, "SET idle_session_timeout = '100ms'"), "SET");
    poll(NULL, 0, 400);
    one(c, "SELECT 1");
    T_INT(pq.status(c), CONNECTION_BAD);
    pq.finish(c);
    T_INT(wait_for(pid), 0);
}

static void readers_see_what_was_committed_while_one_writes(void)
{
    T_SERVER(pid);
    PGconn *w = connect_to("warehouse"), *r = connect_to("warehouse");
    T_STR(one(w, "BEGIN"), "BEGIN");
    T_STR(one(w, "DELETE FROM kept"), "DELETE 1");
    T_STR(one(r, "SELECT count(*) FROM kept"), "1");
    T_STR(one(r, "DELETE FROM kept"), "!40001");
    T_STR(one(w, "COMMIT"), "COMMIT");
    T_STR(one(r, "SELECT count(*) FROM kept"), "0");
    pq.finish(w);
    pq.finish(r);
    T_INT(wait_for(pid), 0);
}

static void a_second_server_finds_the_first(void)
{
    T_SERVER(pid);
    PGconn *c = connect_to("warehouse");
    T_INT(start("leave", "200"), 0);
    T_STR(one(c, "SELECT 1"), "1");
    T_INT(kill(pid, SIGTERM), 0);
    T_INT(wait_for(pid), 0);
    one(c, "SELECT 1");
    T_INT(pq.status(c), CONNECTION_BAD);
    pq.finish(c);
    T_INT(wait_for(-1), 3);
}

/* After its sessions it executes itself again: the same process, reachable all the time. */
static void a_server_that_stays_starts_afresh(void)
{
    if (!have_library)
        T_SKIP("libduckdb or libpq is not there");
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_err err;
    pid_t pid = start("stay", "50");
    T_OK(pid > 0);
    const char *maps = dm_arena_printf(&a, "/proc/%d/maps", (int)pid);
    struct dm_str text;
    for (int i = 0; i < 3; i++) {
        PGconn *c = connect_to("warehouse");
        T_STR(one(c, "SELECT count(*) FROM kept"), "0");
        pq.finish(c);
        for (int tries = 0; tries < 500; tries++) {
            poll(NULL, 0, 10);
            T_TRY(dm_file_read(&a, maps, 1 << 20, &text, &err), err);
            if (dm_str_find(text, DM_STR("libduckdb"), 0) < 0)
                break;
        }
        T_OK(dm_str_find(text, DM_STR("libduckdb"), 0) < 0);
    }
    T_INT(kill(pid, SIGTERM), 0);
    T_INT(wait_for(pid), 0);
    T_TRY(dm_remove_tree(dir, &err), err);
}

int main(int argc, char **argv)
{
    static const struct t_case cases[] = {
        T_CASE(a_session_runs_and_the_server_leaves_after_it),
        T_CASE(databases_are_chosen_by_name),
        T_CASE(an_error_ends_the_block_until_rollback),
        T_CASE(parameters_get_their_types_from_the_statement),
        T_CASE(copy_goes_in_and_out),
        T_CASE(a_running_query_can_be_cancelled),
        T_CASE(a_prepared_statement_sees_new_files_and_partitions),
        T_CASE(errors_say_where),
        T_CASE(silence_and_noise_end_a_session),
        T_CASE(readers_see_what_was_committed_while_one_writes),
        T_CASE(a_second_server_finds_the_first),
        T_CASE(a_server_that_stays_starts_afresh),
    };
    static void *unused;
    static const struct dm_dl_symbol duck[] = {{"duckdb_open", &unused}, {NULL, NULL}};
    if (argc == 5 && strcmp(argv[1], "serve") == 0)
        return serve(argv[2], argv[3], argv[4]);
    have_library = load_libpq() && dm_dl_open("libduckdb.so", "libduckdb", duck, NULL) == 0;
    return t_run(cases, sizeof(cases) / sizeof(cases[0]));
}
