/*
 * `sql`: runs one or more statements.
 *
 * The text is split by our lexer and sent statement by statement, inside one transaction unless autocommit is true.  What
 * happened is remembered while the transaction runs and reported after its COMMIT: a transaction that is rolled back or
 * repeated after a conflict reports nothing.
 */
#include <errno.h>
#include <fcntl.h>

#include "lang/sql_lex.h"
#include "op/op.h"
#include "op/op_paths.h"
#include "op/sql_copy.h"
#include "op/sql_session.h"

static const char *const sql_aliases[] = {
    "SQLExecuteQueryOperator", "airflow.providers.common.sql.operators.sql.SQLExecuteQueryOperator",
    NULL};
static const char *const postgres_aliases[] = {
    "PostgresOperator", "airflow.providers.postgres.operators.postgres.PostgresOperator",
    "airflow.operators.postgres_operator.PostgresOperator", NULL};
static const char *const redshift_aliases[] = {
    "RedshiftSQLOperator",
    "airflow.providers.amazon.aws.operators.redshift_sql.RedshiftSQLOperator", NULL};
static const char *const exts[] = {".sql", ".json", NULL};

#define SQL_FIELD                                                                                  \
    {                                                                                              \
        "sql", DM_FIELD_STRING_OR_LIST, true, true, NULL,                                          \
            "One text with one or more statements, a list of such texts, or names of .sql files.", \
            NULL                                                                                   \
    }
#define COMMON_FIELDS                                                                                \
    {"parameters", DM_FIELD_ANY,                                                                     \
     false,        true,                                                                             \
     NULL,         "Values for %s (a list) or %(name)s (a map) in the text, quoted as literals.",    \
     NULL},                                                                                          \
        {"autocommit",                                                                               \
         DM_FIELD_BOOL,                                                                              \
         false,                                                                                      \
         false,                                                                                      \
         "false",                                                                                    \
         "Commit each statement.  Default: all of them in one transaction.  External DDL "           \
         "(ALTER TABLE … ADD PARTITION) needs true.",                                                \
         NULL},                                                                                      \
        {"split_statements",                                                                         \
         DM_FIELD_BOOL,                                                                              \
         false,                                                                                      \
         false,                                                                                      \
         NULL,                                                                                       \
         "Accepted as in Airflow; statements are always sent one by one.  True makes the result "    \
         "that of every statement where return_last is false.",                                      \
         NULL},                                                                                      \
        {"return_last", DM_FIELD_BOOL,                                                               \
         false,         false,                                                                       \
         "true",        "The XCom value is the last statement's result; false: a list of all.",      \
         NULL},                                                                                      \
        {"handler",                                                                                  \
         DM_FIELD_ANY,                                                                               \
         false,                                                                                      \
         false,                                                                                      \
         NULL,                                                                                       \
         "Accepted and not used: it is Python code.  Rows are always fetched as a list of rows.",    \
         NULL},                                                                                      \
        {"show_return_value_in_logs",           DM_FIELD_BOOL, false, false, "false",                \
         "Print the result to the task's log.", NULL},                                               \
        {"database", DM_FIELD_STRING,                                                                \
         false,      true,                                                                           \
         NULL,       "Database to use instead of the connection's.",                                 \
         "schema"},                                                                                  \
        {"hook_params", DM_FIELD_MAP, false,                                                         \
         true,          NULL,         "Airflow's way to say {database: …}; other keys are refused.", \
         NULL},                                                                                      \
    {                                                                                                \
        NULL                                                                                         \
    }

static const struct dm_op_field sql_fields[] = {
    SQL_FIELD,
    {"conn_id", DM_FIELD_STRING, true, true, NULL, "Connection to send it to.", "postgres_conn_id"},
    COMMON_FIELDS,
};
static const struct dm_op_field postgres_fields[] = {
    SQL_FIELD,
    {"conn_id", DM_FIELD_STRING, false, true, "\"postgres_default\"", "Connection to send it to.",
     "postgres_conn_id"},
    COMMON_FIELDS,
};
static const struct dm_op_field redshift_fields[] = {
    SQL_FIELD,
    {"conn_id", DM_FIELD_STRING, false, true, "\"redshift\"", "Connection to send it to.",
     "redshift_conn_id"},
    COMMON_FIELDS,
};

enum { STATEMENTS_MAX = 10000 }; /* of one task */

/* One statement, and what came of it when it ran last. */
struct statement {
    struct dm_str text;
    int before;        /* characters before it in its text: for the position of an error */
    const char *label; /* "statement 2 of 3" */
    bool copies;       /* COPY of a file */
    struct dm_sql_copy copy;
    const char *file; /* the file that it means here */
    struct dm_pg_result result;
    int64_t copied, bytes;
};

struct job {
    struct dm_attempt *at;
    struct dm_pg *pg;
    struct statement *statements;
    size_t n;
};

/* ---- COPY of files ---- */

struct sink {
    struct dm_pending_file *file;
    struct dm_attempt *at;
};

static int write_rows(void *user, const char *bytes, size_t n, struct dm_err *reterr)
{
    struct sink *s = user;
    DM_TRY(dm_file_append(s->file, bytes, n, reterr));
    return dm_attempt_progress(s->at, (int64_t)s->file->bytes, -1, "bytes", reterr);
}

static int copy_to_file(struct job *j, struct statement *s, struct dm_err *reterr)
{
    _cleanup_pending_ struct dm_pending_file file = {.fd = -1};
    DM_TRY(dm_op_output_path(j->at, s->copy.path, &s->file, reterr));
    DM_TRY(dm_file_begin(&file, dm_path_dir(j->at->arena, s->file), reterr));
    struct sink sink = {&file, j->at};
    DM_TRY(
        dm_pg_copy_out(j->pg, s->copy.sql, s->copy.header, write_rows, &sink, &s->copied, reterr));
    s->bytes = (int64_t)file.bytes;
    return dm_file_commit(&file, s->file, 0644, reterr);
}

struct source {
    int fd;
    const char *path;
    int64_t bytes;
    struct dm_attempt *at;
};

static int read_rows(void *user, char *buf, size_t cap, size_t *ret_n, struct dm_err *reterr)
{
    struct source *s = user;
    ssize_t n;
    do
        n = read(s->fd, buf, cap);
    while (n < 0 && errno == EINTR);
    if (n < 0)
        return dm_err_errno(reterr, errno, "could not read %s", s->path);
    s->bytes += n;
    *ret_n = (size_t)n;
    return dm_attempt_progress(s->at, s->bytes, -1, "bytes", reterr);
}

static int copy_from_file(struct job *j, struct statement *s, struct dm_err *reterr)
{
    DM_TRY(dm_op_input_path(j->at, s->copy.path, false, &s->file, reterr));
    DM_TRY(dm_attempt_input(j->at, s->file, reterr));
    _cleanup_close_ int fd = open(s->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return dm_err_errno(reterr, errno, "could not open %s",
                            dm_project_relative(j->at->project, s->file));
    struct source source = {fd, dm_project_relative(j->at->project, s->file), 0, j->at};
    DM_TRY(dm_pg_copy_in(j->pg, s->copy.sql, read_rows, &source, &s->copied, reterr));
    s->bytes = source.bytes;
    return 0;
}

/* ---- running ---- */

static int run_statement(struct job *j, struct statement *s, struct dm_err *reterr)
{
    int rc;
    if (!s->copies)
        rc = dm_pg_exec(j->pg, j->at->arena, s->text, NULL, 0, &s->result, reterr);
    else
        rc = s->copy.out ? copy_to_file(j, s, reterr) : copy_from_file(j, s, reterr);
    if (rc < 0) {
        if (reterr && reterr->position > 0)
            reterr->position += s->before;
        if (reterr && strcmp(reterr->sqlstate, "25001") == 0)
            dm_err_hint(reterr,
                        "Set autocommit: true for this task: the statement cannot run inside "
                        "a transaction.");
        if (j->n > 1)
            dm_err_wrap(reterr, "%s", s->label);
    }
    return rc;
}

static int run_all(void *user, struct dm_err *reterr)
{
    struct job *j = user;
    for (size_t i = 0; i < j->n; i++)
        DM_TRY(run_statement(j, &j->statements[i], reterr));
    return 0;
}

/* ---- reporting ---- */

/* The table that a statement writes, as it is written there, with what was done to it; NULL where it writes none. */
static const char *target_of(struct dm_arena *a, struct dm_str sql, const char **ret_done)
{
    static const struct {
        const char *first, *second, *done;
    } verbs[] = {{"insert", "into", NULL},
                 {"delete", "from", "deleted"},
                 {"update", NULL, "updated"},
                 {"truncate", NULL, "emptied"}};
    struct dm_sql_lexer l;
    struct dm_sql_token t;
    dm_sql_lexer_init(&l, sql);
    if (dm_sql_next(&l, &t, NULL) < 0)
        return NULL;
    size_t v = 0, n = sizeof(verbs) / sizeof(verbs[0]);
    while (v < n && !dm_sql_is_word(&t, verbs[v].first))
        v++;
    if (v == n || dm_sql_next(&l, &t, NULL) < 0)
        return NULL;
    if (verbs[v].second && (!dm_sql_is_word(&t, verbs[v].second) || dm_sql_next(&l, &t, NULL) < 0))
        return NULL;
    if ((dm_sql_is_word(&t, "only") || dm_sql_is_word(&t, "table")) &&
        dm_sql_next(&l, &t, NULL) < 0)
        return NULL;
    /* word or "word", then . and another, and so on */
    size_t from = t.at, to = t.at;
    for (bool name = true;; name = !name) {
        bool fits = name ? t.kind == DM_SQL_WORD || t.kind == DM_SQL_IDENT
                         : t.kind == DM_SQL_OP && dm_str_is(t.text, ".");
        if (!fits)
            break;
        to = t.at + t.text.len;
        if (dm_sql_next(&l, &t, NULL) < 0)
            break;
    }
    *ret_done = verbs[v].done;
    return to > from ? dm_str_cstr(a, dm_str_sub(sql, from, to)) : NULL;
}

static int report_statement(struct dm_attempt *at, struct dm_str conn_id, const struct statement *s,
                            struct dm_err *reterr)
{
    if (s->copies) {
        const char *file = dm_project_relative(at->project, s->file);
        const char *table = dm_sql_dataset(at, conn_id, s->copy.table ? s->copy.table : "query");
        const char *from = s->copy.out ? table : file, *to = s->copy.out ? file : table;
        DM_TRY(dm_attempt_ledger(at, false, from, s->copied, s->copy.out ? -1 : s->bytes, -1, NULL,
                                 reterr));
        return dm_attempt_ledger(at, true, to, s->copied, s->copy.out ? s->bytes : -1, -1, NULL,
                                 reterr);
    }
    if (s->result.n_cols)
        return dm_attempt_ledger(at, false, dm_sql_dataset(at, conn_id, "query"),
                                 (int64_t)s->result.n_rows, -1, -1, NULL, reterr);
    const char *done, *table = target_of(at->arena, s->text, &done);
    if (!table)
        return 0;
    const char *dataset = dm_sql_dataset(at, conn_id, table);
    if (!done)
        return dm_attempt_ledger(at, true, dataset, s->result.affected, -1, -1, NULL, reterr);
    /* Rows that went away are no rows written: they stand in the note. */
    const char *note = s->result.affected < 0 ? done
                                              : dm_arena_printf(at->arena, "%s %lld rows", done,
                                                                (long long)s->result.affected);
    return dm_attempt_ledger(at, true, dataset, -1, -1, -1, note, reterr);
}

/* The result as an XCom value: rows, or the count of rows that were changed, or NULL. */
static const struct dm_value *result_value(struct dm_attempt *at, const struct statement *s)
{
    if (s->copies)
        return dm_value_int(at->arena, s->copied);
    if (s->result.n_cols)
        return dm_sql_rows(at->arena, &s->result);
    return s->result.affected >= 0 ? dm_value_int(at->arena, s->result.affected) : NULL;
}

static void show_result(const struct statement *s)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    if (!s->copies && s->result.n_cols)
        dm_sql_table_text(&b, &s->result, DM_SQL_XCOM_ROWS);
    else if (!s->copies && s->result.tag)
        dm_strbuf_addf(&b, "%s\n", s->result.tag);
    fputs(b.len ? b.p : "", stdout);
}

/* ---- the operator ---- */

static int characters(struct dm_str s)
{
    int n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.p[i] & 0xc0) != 0x80;
    return n;
}

/* The statements of one text of the field. */
static int add_text(struct job *j, struct dm_str text, const struct dm_value *parameters,
                    struct dm_err *reterr)
{
    struct dm_sql_statement *parts;
    struct dm_str bound;
    size_t n;
    DM_TRY(dm_sql_bind(j->at->arena, text, parameters, &bound, reterr));
    DM_TRY(dm_sql_split(j->at->arena, bound, &parts, &n, reterr));
    if (j->n + n > STATEMENTS_MAX)
        return dm_err_set(reterr, DM_E_LIMIT, "more than %d statements in one task",
                          STATEMENTS_MAX);
    struct statement *all = dm_arena_array(j->at->arena, struct statement, j->n + n);
    if (j->n)
        memcpy(all, j->statements, sizeof(*all) * j->n);
    for (size_t i = 0; i < n; i++) {
        struct statement *s = &all[j->n + i];
        s->text = parts[i].text;
        s->before = characters(dm_str_sub(bound, 0, parts[i].at));
        int rc = dm_sql_copy_parse(j->at->arena, s->text, &s->copy, reterr);
        if (rc < 0)
            return rc;
        s->copies = rc;
    }
    j->statements = all;
    j->n += n;
    return 0;
}

static int add_texts(struct job *j, struct dm_err *reterr)
{
    const struct dm_value *sql = dm_map_at(j->at->args, "sql");
    const struct dm_value *parameters = dm_map_at(j->at->args, "parameters");
    if (sql && sql->kind == DM_STRING) {
        DM_TRY(add_text(j, sql->s, parameters, reterr));
    } else if (sql && (sql->kind == DM_LIST || sql->kind == DM_TUPLE)) {
        for (size_t i = 0; i < sql->list.n; i++) {
            const struct dm_value *text = sql->list.items[i];
            if (text->kind != DM_STRING)
                return dm_err_set(reterr, DM_E_TYPE, "item %zu of sql is a %s, not a text", i + 1,
                                  dm_kind_name(text->kind));
            DM_TRY(add_text(j, text->s, parameters, reterr));
        }
    } else {
        return dm_err_set(reterr, DM_E_TYPE, "sql is neither a text nor a list of texts");
    }
    for (size_t i = 0; i < j->n; i++)
        j->statements[i].label = dm_arena_printf(j->at->arena, "statement %zu of %zu", i + 1, j->n);
    return 0;
}

static int database_of(const struct dm_attempt *at, struct dm_str *ret, struct dm_err *reterr)
{
    const struct dm_value *hook = dm_map_at(at->args, "hook_params");
    *ret = dm_map_str(at->args, "database", "");
    for (size_t i = 0; hook && hook->kind == DM_MAP && i < hook->map.n; i++) {
        const struct dm_value *key = hook->map.pairs[i].key, *v = hook->map.pairs[i].value;
        if (key->kind != DM_STRING || v->kind != DM_STRING ||
            (!dm_str_is(key->s, "database") && !dm_str_is(key->s, "schema")))
            return dm_err_set(reterr, DM_E_UNSUPPORTED,
                              "hook_params may only name a database (key %zu does not)", i + 1);
        *ret = v->s;
    }
    return 0;
}

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_str conn_id = dm_map_str(at->args, "conn_id", ""), database;
    bool autocommit = dm_map_bool(at->args, "autocommit", false);
    bool last_only = dm_map_bool(at->args, "return_last", true);
    struct job j = {.at = at};
    _cleanup_pg_ struct dm_pg *pg = NULL;

    DM_TRY(add_texts(&j, reterr));
    DM_TRY(database_of(at, &database, reterr));
    DM_TRY(dm_sql_session(at, conn_id, database, &pg, reterr));
    j.pg = pg;
    if (autocommit) {
        for (size_t i = 0; i < j.n; i++) {
            struct job one = {at, pg, &j.statements[i], 1};
            int rc = dm_sql_transaction(at, pg, NULL, run_all, &one, reterr);
            if (rc < 0)
                return j.n > 1 ? dm_err_wrap(reterr, "%s", j.statements[i].label), rc : rc;
            DM_TRY(report_statement(at, conn_id, &j.statements[i], reterr));
        }
    } else {
        DM_TRY(dm_sql_transaction(at, pg, "BEGIN", run_all, &j, reterr));
        for (size_t i = 0; i < j.n; i++)
            DM_TRY(report_statement(at, conn_id, &j.statements[i], reterr));
    }

    struct dm_value *all = dm_value_list(at->arena, 0);
    const struct dm_value *last = NULL;
    for (size_t i = 0; i < j.n; i++) {
        last = result_value(at, &j.statements[i]);
        dm_list_add(at->arena, all, last ? last : &dm_null);
        if (dm_map_bool(at->args, "show_return_value_in_logs", false))
            show_result(&j.statements[i]);
        if (!last && j.statements[i].result.n_cols)
            printf("%s gave %zu rows: too many for an XCom value (%d rows, %d bytes)\n",
                   j.statements[i].label, j.statements[i].result.n_rows, DM_SQL_XCOM_ROWS,
                   DM_SQL_XCOM_BYTES);
    }
    *ret = last_only ? last : all;
    return 0;
}

const struct dm_op dm_op_sql = {
    .spec = {.name = "sql",
             .aliases = sql_aliases,
             .doc = "Sends one or more statements to a database, in one transaction unless "
                    "autocommit is true.  COPY to and from a file path is done on this side.",
             .fields = sql_fields,
             .template_ext = exts},
    .execute = execute,
};
const struct dm_op dm_op_postgres = {
    .spec = {.name = "postgres",
             .aliases = postgres_aliases,
             .doc = "`sql` on the connection postgres_default, as Airflow's PostgresOperator.",
             .fields = postgres_fields,
             .template_ext = exts},
    .execute = execute,
};
const struct dm_op dm_op_redshift_sql = {
    .spec = {.name = "redshift_sql",
             .aliases = redshift_aliases,
             .doc = "`sql` on the connection redshift, as Airflow's RedshiftSQLOperator.",
             .fields = redshift_fields,
             .template_ext = exts},
    .execute = execute,
};
