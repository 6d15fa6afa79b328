/* `sql_to_s3`: the rows of a query, as CSV, into one object of the lake. */
#include "lang/sql_lex.h"
#include "op/op.h"
#include "op/op_paths.h"
#include "op/sql_session.h"

static const char *const aliases[] = {
    "SqlToS3Operator", "airflow.providers.amazon.aws.transfers.sql_to_s3.SqlToS3Operator", NULL};
static const char *const exts[] = {".sql", NULL};

static const struct dm_op_field fields[] = {
    {"query", DM_FIELD_STRING, true, true, NULL, "The SELECT, or the name of a .sql file.", "sql"},
    {"s3_bucket", DM_FIELD_STRING, true, true, NULL, "Bucket of the object.", "dest_bucket"},
    {"s3_key", DM_FIELD_STRING, true, true, NULL, "Key of the object.", "dest_key"},
    {"sql_conn_id", DM_FIELD_STRING, true, true, NULL, "Connection to read from.", "conn_id"},
    {"aws_conn_id", DM_FIELD_STRING, false, false, "\"lake\"", "Connection of the lake.", NULL},
    {"replace", DM_FIELD_BOOL, false, false, "false", "Replace an object that is there.", NULL},
    {"file_format", DM_FIELD_STRING, false, false, "\"csv\"", "Only csv.", NULL},
    {"parameters", DM_FIELD_ANY, false, true, NULL,
     "Values for %s (a list) or %(name)s (a map) in the query, quoted as literals.", NULL},
    {"pd_kwargs", DM_FIELD_MAP, false, false, NULL,
     "Options of pandas that mean something here: header.  There is never an index column.",
     "df_kwargs"},
    {NULL},
};

struct sink {
    struct dm_lake_write *object;
    struct dm_attempt *at;
    int64_t bytes;
};

static int write_rows(void *user, const char *bytes, size_t n, struct dm_err *reterr)
{
    struct sink *s = user;
    DM_TRY(dm_lake_append(s->object, bytes, n, reterr));
    s->bytes += (int64_t)n;
    return dm_attempt_progress(s->at, s->bytes, -1, "bytes", reterr);
}

struct extract {
    struct dm_attempt *at;
    struct dm_pg *pg;
    struct dm_lake *lake;
    struct dm_object_name name;
    struct dm_str copy;
    bool header;
    int64_t rows, bytes;
};

/* Writes the object anew: a failed or repeated try leaves nothing behind. */
static int extract(void *user, struct dm_err *reterr)
{
    struct extract *x = user;
    struct dm_lake_write object;
    DM_TRY(dm_lake_begin(x->lake, x->name, &object, reterr));
    struct sink sink = {&object, x->at, 0};
    int rc = dm_pg_copy_out(x->pg, x->copy, x->header, write_rows, &sink, &x->rows, reterr);
    x->bytes = sink.bytes;
    if (rc >= 0)
        rc = dm_lake_commit(&object, reterr);
    dm_lake_write_release(&object);
    return rc;
}

/* pandas' options: those that change nothing here, and header. */
static int read_pd_kwargs(const struct dm_value *kwargs, bool *ret_header, struct dm_err *reterr)
{
    for (size_t i = 0; kwargs && kwargs->kind == DM_MAP && i < kwargs->map.n; i++) {
        struct dm_str key = kwargs->map.pairs[i].key->s;
        const struct dm_value *v = kwargs->map.pairs[i].value;
        if (dm_str_is(key, "header") && v->kind == DM_BOOL)
            *ret_header = v->b;
        else if (!(dm_str_is(key, "index") && v->kind == DM_BOOL && !v->b))
            return dm_err_set(
                reterr, DM_E_UNSUPPORTED,
                "the option \"%.*s\" of pandas is not supported here: only header, and "
                "index: false, which is how it is",
                DM_FMT(key));
    }
    return 0;
}

/* The query without its semicolon: it goes into parentheses. */
static int one_query(struct dm_attempt *at, struct dm_str *ret, struct dm_err *reterr)
{
    struct dm_sql_statement *parts;
    size_t n;
    struct dm_str text = dm_map_str(at->args, "query", "");
    DM_TRY(dm_sql_bind(at->arena, text, dm_map_at(at->args, "parameters"), &text, reterr));
    DM_TRY(dm_sql_split(at->arena, text, &parts, &n, reterr));
    if (n != 1)
        return dm_err_set(reterr, DM_E_INVALID, "query must be one SELECT, and has %zu statements",
                          n);
    *ret = parts[0].text;
    return 0;
}

static int execute(struct dm_attempt *at, const struct dm_value **ret, struct dm_err *reterr)
{
    struct dm_str conn_id = dm_map_str(at->args, "sql_conn_id", ""), query = {0};
    struct dm_str format = dm_map_str(at->args, "file_format", "csv");
    struct extract x = {.at = at, .header = true};
    _cleanup_pg_ struct dm_pg *pg = NULL;

    if (!dm_str_ieq(format, DM_STR("csv"))) {
        at->no_retry = true;
        return dm_err_set(reterr, DM_E_UNSUPPORTED,
                          "file_format \"%.*s\" is not supported: only csv", DM_FMT(format));
    }
    DM_TRY(read_pd_kwargs(dm_map_at(at->args, "pd_kwargs"), &x.header, reterr));
    DM_TRY(one_query(at, &query, reterr));
    DM_TRY(dm_op_object(at, dm_map_str(at->args, "s3_bucket", ""),
                        dm_map_str(at->args, "s3_key", ""), "s3_key", &x.name, reterr));
    DM_TRY(dm_op_lake(at, dm_map_str(at->args, "aws_conn_id", "lake"), &x.lake, reterr));
    DM_TRY(dm_op_may_write(at, x.lake, x.name, dm_map_bool(at->args, "replace", false), reterr));
    DM_TRY(dm_sql_session(at, conn_id, DM_STR(""), &pg, reterr));
    DM_TRY(dm_attempt_intend(at, &x.name, 1, reterr));

    x.pg = pg;
    /* The line break keeps a comment at the query's end from hiding the parenthesis. */
    x.copy = dm_str_printf(at->arena, "COPY (%.*s\n) TO STDOUT WITH (FORMAT CSV%s)", DM_FMT(query),
                           x.header ? ", HEADER" : "");
    DM_TRY(dm_sql_transaction(at, pg, NULL, extract, &x, reterr));
    dm_attempt_wrote(at, x.name, (uint64_t)x.bytes);

    const char *url = dm_op_object_url(at, x.name);
    DM_TRY(dm_attempt_ledger(at, false, dm_sql_dataset(at, conn_id, "query"), x.rows, -1, -1, NULL,
                             reterr));
    DM_TRY(dm_attempt_ledger(at, true, url, x.rows, x.bytes, 1, NULL, reterr));
    struct dm_value *v = dm_value_map(at->arena);
    dm_map_set(at->arena, v, "object", dm_value_cstr(at->arena, url));
    dm_map_set(at->arena, v, "rows", dm_value_int(at->arena, x.rows));
    dm_map_set(at->arena, v, "bytes", dm_value_int(at->arena, x.bytes));
    *ret = v;
    return 0;
}

const struct dm_op dm_op_sql_to_s3 = {
    .spec = {.name = "sql_to_s3",
             .aliases = aliases,
             .doc = "Streams the rows of a query as CSV with a header into the lake, in constant "
                    "memory.  The XCom value has the rows and bytes written.",
             .fields = fields,
             .template_ext = exts},
    .execute = execute,
};
