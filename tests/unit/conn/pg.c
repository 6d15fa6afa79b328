/*
 * conn/pg.h against a server that says what a test tells it to: the ends of COPY that look like success and are none,
 * errors with all their fields, quoting.
 */
#include <pthread.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "conn/pg.h"
#include "scratch_project.h"

/* A server for one session and one request to cancel it: answers the first statement with `reply`, later ones with an empty success. */
struct server {
    struct scratch s;
    int listening;
    pthread_t threads[2];
    struct dm_strbuf reply;
    struct dm_strbuf received; /* CopyData of the client */
    bool wait_copy; /* the rest of `reply` comes after the client's CopyDone or CopyFail */
    size_t first;   /* how much of `reply` comes before that */
    bool hang_up;   /* then close */
};

static void put32(char *p, uint32_t n)
{
    p[0] = (char)(n >> 24), p[1] = (char)(n >> 16), p[2] = (char)(n >> 8), p[3] = (char)n;
}

static void add(struct dm_strbuf *b, char type, const void *body, size_t n)
{
    char head[5] = {type};
    put32(head + 1, (uint32_t)n + 4);
    dm_strbuf_add(b, head, 5);
    dm_strbuf_add(b, body, n);
}

#define ADD(b, type, literal) add((b), (type), "" literal, sizeof(literal) - 1)
#define READY(b) ADD((b), 'Z', "I")
#define COPY_OUT_BEGIN(b) ADD((b), 'H', "\0\0\1\0\0")
#define COPY_IN_BEGIN(b) ADD((b), 'G', "\0\0\1\0\0")

static bool read_n(int fd, char *p, size_t n)
{
    while (n) {
        ssize_t got = read(fd, p, n);
        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

/* The type of the next message with its body, or 0. */
static char next(int fd, char *body, size_t cap, size_t *ret_n)
{
    char head[5];
    if (!read_n(fd, head, 5))
        return 0;
    size_t n = ((size_t)(unsigned char)head[3] << 8 | (unsigned char)head[4]) - 4;
    *ret_n = n;
    return n <= cap && read_n(fd, body, n) ? head[0] : 0;
}

static void say(int fd, const char *p, size_t n)
{
    struct dm_err err;
    if (dm_write_all(fd, p, n, &err) < 0)
        t_fail(__FILE__, __LINE__, "%s", err.message);
}

static void serve(struct server *s, int fd)
{
    char body[65536], head[4];
    size_t n;
    _cleanup_strbuf_ struct dm_strbuf hello = {0};
    if (!read_n(fd, head, 4) ||
        !read_n(fd, body, ((size_t)(unsigned char)head[2] << 8 | (unsigned char)head[3]) - 4))
        return;
    if (body[0] == 4) /* a cancel request, 1234 5678 */
        return;
    dm_strbuf_init(&hello, DM_BUF_MESSAGE);
    ADD(&hello, 'R', "\0\0\0\0");
    ADD(&hello, 'S', "client_encoding\0UTF8\0");
    READY(&hello);
    say(fd, hello.p, hello.len);
    for (char type; (type = next(fd, body, sizeof(body), &n)) && type != 'X';) {
        if (type != 'Q' && type != 'S')
            continue;
        say(fd, s->reply.p, s->wait_copy ? s->first : s->reply.len);
        if (s->wait_copy) {
            while ((type = next(fd, body, sizeof(body), &n)) == 'd')
                dm_strbuf_add(&s->received, body, n);
            if (type == 'f')
                dm_strbuf_addf(&s->received, "[failed: %s]", body);
            say(fd, s->reply.p + s->first, s->reply.len - s->first);
        }
        if (s->hang_up)
            return;
    }
}

static void *accept_one(void *arg)
{
    struct server *s = arg;
    _cleanup_close_ int fd = accept(s->listening, NULL, NULL);
    if (fd >= 0)
        serve(s, fd);
    return NULL;
}

static void server_close(struct server *s)
{
    if (s->listening > 0) {
        shutdown(s->listening, SHUT_RDWR); /* whoever still waits for a client waits no more */
        pthread_join(s->threads[0], NULL);
        pthread_join(s->threads[1], NULL);
        close(s->listening);
    }
    dm_strbuf_release(&s->reply);
    dm_strbuf_release(&s->received);
    scratch_close(&s->s);
}
#define _cleanup_server_ DM_CLEANUP(server_close)

static int server_open(struct server *s, struct dm_err *err)
{
    *s = (struct server){0};
    dm_strbuf_init(&s->reply, DM_BUF_TEXT);
    dm_strbuf_init(&s->received, DM_BUF_TEXT);
    return scratch_open(&s->s, "", "", err);
}

/* Listens and connects: `reply` must be complete. */
static int connect_to(struct server *s, struct dm_pg **ret, struct dm_err *err)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    struct dm_connection c = {.conn_id = "fake",
                              .conn_type = "postgres",
                              .host = s->s.dir,
                              .login = "me",
                              .schema = "db",
                              .port = 5432};
    snprintf(addr.sun_path, sizeof(addr.sun_path), "%s/.s.PGSQL.5432", s->s.dir);
    s->listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (bind(s->listening, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
        listen(s->listening, 1) < 0 || pthread_create(&s->threads[0], NULL, accept_one, s) != 0 ||
        pthread_create(&s->threads[1], NULL, accept_one, s) != 0)
        return dm_err_set(err, DM_E_IO, "no server");
    return dm_pg_open(&s->s.project, &c, "test", ret, err);
}

struct sink {
    struct dm_strbuf got;
    bool fails;
};

static int take(void *user, const char *bytes, size_t n, struct dm_err *err)
{
    struct sink *k = user;
    dm_strbuf_add(&k->got, bytes, n);
    return k->fails ? dm_err_set(err, DM_E_DISKFULL, "no room for the rows") : 0;
}

/* COPY TO STDOUT with what the server says; returns the code. */
static int copy_out(struct server *s, bool header, struct sink *k, int64_t *ret_rows,
                    struct dm_err *err)
{
    _cleanup_pg_ struct dm_pg *pg = NULL;
    DM_TRY(connect_to(s, &pg, err));
    return dm_pg_copy_out(pg, DM_STR("copy t to stdout"), header, take, k, ret_rows, err);
}

static void two_rows(struct server *s, bool header)
{
    COPY_OUT_BEGIN(&s->reply);
    if (header)
        ADD(&s->reply, 'd', "a\n");
    ADD(&s->reply, 'd', "1\n");
    ADD(&s->reply, 'd', "2\n");
}

static void a_copy_that_ends_well_counts_its_rows(void)
{
    _cleanup_server_ struct server s;
    struct dm_err err;
    struct sink k = {0};
    int64_t rows = -1;
    T_TRY(server_open(&s, &err), err);
    two_rows(&s, true);
    ADD(&s.reply, 'c', "");
    ADD(&s.reply, 'C', "COPY 2\0");
    READY(&s.reply);
    dm_strbuf_init(&k.got, DM_BUF_TEXT);
    T_TRY(copy_out(&s, true, &k, &rows, &err), err);
    T_INT(rows, 2);
    T_STR(k.got.p, "a\n1\n2\n");
    dm_strbuf_release(&k.got);
}

static void the_end_of_the_data_alone_is_no_success(void)
{
    /* What PostgreSQL does when it is stopped, when a statement is cancelled, when its process is killed, when rows are
       lost, and when it ends with another command. */
    enum { STOPPED, CANCELLED, KILLED, LOST, OTHER, ENDS };
    static const struct {
        int code;
        const char *sqlstate, *message;
    } want[ENDS] = {
        [STOPPED] = {DM_E_CONNECTION, "57P01", "terminating connection"},
        [CANCELLED] = {DM_E_CANCELLED, "57014", "statement timeout"},
        [KILLED] = {DM_E_CONNECTION, "", "connection \"fake\""},
        [LOST] = {DM_E_CONNECTION, "", "COPY sent 3 rows, but 2 arrived"},
        [OTHER] = {DM_E_CONNECTION, "", "without saying how many"},
    };
    for (int end = 0; end < ENDS; end++) {
        _cleanup_server_ struct server s;
        struct dm_err err = {0};
        struct sink k = {0};
        int64_t rows = -1;
        T_TRY(server_open(&s, &err), err);
        two_rows(&s, false);
        if (end == STOPPED)
            ADD(&s.reply, 'E',
                "SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0");
        if (end == CANCELLED)
            ADD(&s.reply, 'E',
                "SERROR\0VERROR\0C57014\0Mcanceling statement due to statement timeout\0\0");
        if (end == LOST || end == OTHER)
            ADD(&s.reply, 'c', "");
        if (end == LOST)
            ADD(&s.reply, 'C', "COPY 3\0");
        if (end == OTHER)
            ADD(&s.reply, 'C', "SELECT 2\0");
        if (end != STOPPED && end != KILLED)
            READY(&s.reply);
        s.hang_up = end == STOPPED || end == KILLED;
        dm_strbuf_init(&k.got, DM_BUF_TEXT);
        T_STR(dm_code_name(copy_out(&s, false, &k, &rows, &err)), dm_code_name(want[end].code));
        T_STR(err.sqlstate, want[end].sqlstate);
        T_HAS(err.message, want[end].message);
        T_INT(rows, -1);
        dm_strbuf_release(&k.got);
    }
}

static void a_sink_that_fails_gives_its_own_error(void)
{
    _cleanup_server_ struct server s;
    struct dm_err err = {0};
    struct sink k = {.fails = true};
    int64_t rows = -1;
    T_TRY(server_open(&s, &err), err);
    two_rows(&s, false);
    ADD(&s.reply, 'E', "SERROR\0VERROR\0C57014\0Mcanceling statement due to user request\0\0");
    READY(&s.reply);
    dm_strbuf_init(&k.got, DM_BUF_TEXT);
    T_INT(copy_out(&s, false, &k, &rows, &err), DM_E_DISKFULL);
    T_STR(err.message, "no room for the rows");
    T_STR(k.got.p, "1\n");
    dm_strbuf_release(&k.got);
}

struct source {
    const char *text;
    bool fails;
};

static int give(void *user, char *buf, size_t cap, size_t *ret_n, struct dm_err *err)
{
    struct source *src = user;
    size_t n = strlen(src->text);
    if (n == 0 && src->fails)
        return dm_err_set(err, DM_E_DATA, "line 2 is broken");
    memcpy(buf, src->text, n);
    src->text += n;
    *ret_n = n;
    return 0;
}

static int copy_in(struct server *s, struct source *src, int64_t *ret_rows, struct dm_err *err)
{
    _cleanup_pg_ struct dm_pg *pg = NULL;
    DM_TRY(connect_to(s, &pg, err));
    return dm_pg_copy_in(pg, DM_STR("copy t from stdin"), give, src, ret_rows, err);
}

static void rows_go_in_and_are_counted_by_the_server(void)
{
    _cleanup_server_ struct server s;
    struct dm_err err;
    struct source src = {.text = "1\n2\n"};
    int64_t rows = -1;
    T_TRY(server_open(&s, &err), err);
    COPY_IN_BEGIN(&s.reply);
    s.wait_copy = true;
    s.first = s.reply.len;
    ADD(&s.reply, 'C', "COPY 2\0");
    READY(&s.reply);
    T_TRY(copy_in(&s, &src, &rows, &err), err);
    T_INT(rows, 2);
    T_STR(s.received.p, "1\n2\n");
}

static void a_source_that_fails_ends_the_copy_with_its_error(void)
{
    _cleanup_server_ struct server s;
    struct dm_err err;
    struct source src = {.text = "1\n", .fails = true};
    int64_t rows = -1;
    T_TRY(server_open(&s, &err), err);
    COPY_IN_BEGIN(&s.reply);
    s.wait_copy = true;
    s.first = s.reply.len;
    ADD(&s.reply, 'E', "SERROR\0VERROR\0C57014\0MCOPY from stdin failed\0\0");
    READY(&s.reply);
    T_INT(copy_in(&s, &src, &rows, &err), DM_E_DATA);
    T_STR(err.message, "line 2 is broken");
    T_STR(s.received.p, "1\n[failed: line 2 is broken]");
}

static void a_row_that_the_server_refuses_names_its_line(void)
{
    _cleanup_server_ struct server s;
    struct dm_err err;
    struct source src = {.text = "x\n"};
    int64_t rows = -1;
    T_TRY(server_open(&s, &err), err);
    COPY_IN_BEGIN(&s.reply);
    s.wait_copy = true;
    s.first = s.reply.len;
    ADD(&s.reply, 'E',
        "SERROR\0VERROR\0C22P02\0Minvalid input syntax for type integer: \"x\"\0WCOPY t, line 1, "
        "column a: \"x\"\0\0");
    READY(&s.reply);
    T_INT(copy_in(&s, &src, &rows, &err), DM_E_SQL);
    T_STR(err.sqlstate, "22P02");
    T_HAS(err.detail, "COPY t, line 1");
}

static int exec(struct server *s, struct dm_arena *a, struct dm_pg_result *ret, struct dm_err *err)
{
    _cleanup_pg_ struct dm_pg *pg = NULL;
    const char *const params[] = {"1", NULL};
    DM_TRY(connect_to(s, &pg, err));
    return dm_pg_exec(pg, a, DM_STR("select $1, $2"), params, 2, ret, err);
}

static void a_result_has_its_rows_types_and_tag(void)
{
    _cleanup_server_ struct server s;
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_pg_result r;
    struct dm_err err;
    T_TRY(server_open(&s, &err), err);
    ADD(&s.reply, '1', "");
    ADD(&s.reply, '2', "");
    ADD(&s.reply, 'T',
        "\0\2n\0\0\0\0\0\0\0\0\0\0\x17\0\4\xff\xff\xff\xff\0\0t\0\0\0\0\0\0\0\0\0\0\x19\xff\xff\xff"
        "\xff\xff\xff\0\0");
    ADD(&s.reply, 'D',
        "\0\2\0\0\0\1"
        "1\xff\xff\xff\xff");
    ADD(&s.reply, 'D',
        "\0\2\0\0\0\1"
        "2\0\0\0\0");
    ADD(&s.reply, 'C', "SELECT 2\0");
    READY(&s.reply);
    T_TRY(exec(&s, &a, &r, &err), err);
    T_INT(r.n_cols, 2);
    T_INT(r.n_rows, 2);
    T_STR(r.cols[1], "t");
    T_INT(r.oids[0], 23);
    T_STR(r.rows[0][0], "1");
    T_OK(!r.rows[0][1]);
    T_STR(r.rows[1][1], "");
    T_STR(r.tag, "SELECT 2");
    T_INT(r.affected, 2);
}

static void an_error_keeps_what_the_server_said(void)
{
    static const struct {
        const char *state, *code;
    } codes[] = {{"42P01", "SQL"},      {"40001", "CONFLICT"},   {"40P01", "CONFLICT"},
                 {"53100", "DISKFULL"}, {"08006", "CONNECTION"}, {"42501", "PERMISSION"}};
    for (size_t i = 0; i < sizeof(codes) / sizeof(*codes); i++) {
        _cleanup_server_ struct server s;
        _cleanup_arena_ struct dm_arena a = {0};
        _cleanup_strbuf_ struct dm_strbuf body = {0};
        struct dm_pg_result r;
        struct dm_err err;
        T_TRY(server_open(&s, &err), err);
        dm_strbuf_init(&body, DM_BUF_MESSAGE);
        dm_strbuf_add(&body, "SERROR\0C", 8);
        dm_strbuf_add(&body, codes[i].state, 6);
        dm_strbuf_add(&body, "Mwhat\0Dwhy\0Hdo this\0P15\0", 25);
        add(&s.reply, 'E', body.p, body.len);
        READY(&s.reply);
        int rc = exec(&s, &a, &r, &err);
        T_STR(dm_code_name(rc), codes[i].code);
        T_STR(err.sqlstate, codes[i].state);
        T_STR(err.message, "what");
        T_HAS(err.detail, "why");
        T_HAS(err.detail, codes[i].state);
        T_STR(err.hint, "do this");
        T_INT(err.position, 15);
    }
}

static void names_are_quoted_part_by_part(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    T_STR(dm_pg_ident(&a, "public.User_Metric"), "\"public\".\"user_metric\"");
    T_STR(dm_pg_ident(&a, "\"My.Schema\".t"), "\"My.Schema\".\"t\"");
    T_STR(dm_pg_ident(&a, "\"a\"\"b\""), "\"a\"\"b\"");
    T_STR(dm_pg_ident(&a, "x\"; drop"), "\"x\"\"; drop\"");
    T_STR(dm_pg_literal(&a, "it's"), "'it''s'");
}

static void another_type_of_connection_is_refused(void)
{
    struct dm_connection c = {.conn_id = "lake", .conn_type = "local_lake"};
    struct dm_project p = {0};
    struct dm_pg *pg;
    struct dm_err err;
    T_INT(dm_pg_open(&p, &c, "test", &pg, &err), DM_E_TYPE);
    c.conn_type = "emr";
    T_INT(dm_pg_open(&p, &c, "test", &pg, &err), DM_E_UNSUPPORTED);
}

T_MAIN(T_CASE(a_copy_that_ends_well_counts_its_rows),
       T_CASE(the_end_of_the_data_alone_is_no_success),
       T_CASE(a_sink_that_fails_gives_its_own_error),
       T_CASE(rows_go_in_and_are_counted_by_the_server),
       T_CASE(a_source_that_fails_ends_the_copy_with_its_error),
       T_CASE(a_row_that_the_server_refuses_names_its_line),
       T_CASE(a_result_has_its_rows_types_and_tag), T_CASE(an_error_keeps_what_the_server_said),
       T_CASE(names_are_quoted_part_by_part), T_CASE(another_type_of_connection_is_refused))
