/*
 * The external catalog: rows of the hidden schema, the immutable view made of them, and the DDL that changes them.
 *
 * One `struct dm_spectrum` per database of an instance; sessions hold references, and an instance outlives its sessions.
 * DDL runs under its mutex, so that two sessions never write the same rows at once and the view that is installed last
 * is the newest.
 */
#include "warehouse/spectrum.h"

#include <pthread.h>
#include <stdatomic.h>

#include "base/map.h"
#include "base/time.h"

struct dm_spectrum_view {
    atomic_int refs;
    struct dm_arena arena;
    struct dm_map schemas; /* name -> itself */
    struct dm_map tables;  /* schema NUL name -> struct dm_external_table */
};

struct dm_spectrum {
    struct dm_spectrum *next;
    const struct dm_engine *engine;
    char *database;
    int refs; /* under registry_lock */
    pthread_mutex_t ddl;
    pthread_mutex_t lock; /* of `view` */
    struct dm_spectrum_view *view;
};

static pthread_mutex_t registry_lock = PTHREAD_MUTEX_INITIALIZER;
static struct dm_spectrum *registry;

/* ---- the view */

static void view_free(struct dm_spectrum_view *v)
{
    dm_arena_release(&v->arena);
    free(v);
}

void dm_spectrum_view_unref(struct dm_spectrum_view *v)
{
    if (v && atomic_fetch_sub(&v->refs, 1) == 1)
        view_free(v);
}

struct dm_spectrum_view *dm_spectrum_view_ref(struct dm_spectrum *s)
{
    pthread_mutex_lock(&s->lock);
    struct dm_spectrum_view *v = s->view;
    atomic_fetch_add(&v->refs, 1);
    pthread_mutex_unlock(&s->lock);
    return v;
}

bool dm_spectrum_has_schema(const struct dm_spectrum_view *v, const char *schema)
{
    return dm_map_has(&v->schemas, dm_str_c(schema));
}

/* schema NUL name: the two joined so that no two pairs are the same. */
static struct dm_str table_key(struct dm_arena *a, const char *schema, const char *name)
{
    size_t ns = strlen(schema), nn = strlen(name);
    char *key = dm_arena_alloc(a, ns + nn + 2);
    memcpy(key, schema, ns);
    memcpy(key + ns + 1, name, nn);
    return dm_str_n(key, ns + nn + 1);
}

const struct dm_external_table *dm_spectrum_table(const struct dm_spectrum_view *v,
                                                  const char *schema, const char *name)
{
    struct dm_arena a = {0};
    dm_arena_init(&a);
    const struct dm_external_table *t = dm_map_get(&v->tables, table_key(&a, schema, name));
    dm_arena_release(&a);
    return t;
}

static int64_t to_i64(const char *s)
{
    int64_t n = 0;
    return s && dm_str_to_i64(dm_str_c(s), &n) ? n : 0;
}

struct table_row {
    struct dm_external_table table;
    struct dm_redshift_column *columns;
    struct dm_external_partition *partitions;
};

static int load_tables(struct dm_engine_conn *c, struct dm_spectrum_view *v, struct dm_map *by_oid,
                       struct dm_err *reterr)
{
    struct dm_arena *a = &v->arena;
    struct dm_engine_rows rows;
    DM_TRY(dm_engine_query(c, a, "SELECT name FROM " DM_HIDDEN_SCHEMA ".external_schema", &rows,
                           reterr));
    for (size_t i = 0; i < rows.n_rows; i++)
        dm_map_put(&v->schemas, dm_str_c(rows.rows[i][0]), (void *)rows.rows[i][0]);

    DM_TRY(dm_engine_query(c, a,
                           "SELECT oid, schema_name, table_name, format, location, delimiter, "
                           "quote, escape, null_text, skip_lines,"
                           " (SELECT count(*) FROM " DM_HIDDEN_SCHEMA
                           ".external_column c WHERE c.table_oid = t.oid),"
                           " (SELECT count(*) FROM " DM_HIDDEN_SCHEMA
                           ".external_partition p WHERE p.table_oid = t.oid)"
                           " FROM " DM_HIDDEN_SCHEMA ".external_table t",
                           &rows, reterr));
    for (size_t i = 0; i < rows.n_rows; i++) {
        const char **r = rows.rows[i];
        struct table_row *t = dm_arena_new(a, struct table_row);
        t->columns = dm_arena_array(a, struct dm_redshift_column, (size_t)to_i64(r[10]) + 1);
        t->partitions = dm_arena_array(a, struct dm_external_partition, (size_t)to_i64(r[11]) + 1);
        t->table = (struct dm_external_table){
            .schema = r[1],
            .name = r[2],
            .format = strcmp(r[3], "parquet") == 0 ? DM_REDSHIFT_PARQUET : DM_REDSHIFT_TEXT,
            .location = r[4],
            .delimiter = r[5],
            .quote = r[6],
            .escape = r[7],
            .null_text = r[8],
            .skip_lines = to_i64(r[9]),
            .columns = t->columns,
            .partitions = t->partitions};
        dm_map_put(by_oid, dm_str_c(r[0]), t);
        dm_map_put(&v->tables, table_key(a, r[1], r[2]), &t->table);
    }
    return 0;
}

static int load_columns(struct dm_engine_conn *c, struct dm_spectrum_view *v,
                        const struct dm_map *by_oid, struct dm_err *reterr)
{
    struct dm_engine_rows rows;
    DM_TRY(dm_engine_query(
        c, &v->arena,
        "SELECT table_oid, name, type, shown, is_character::INTEGER, type_oid, typmod,"
        " is_partition::INTEGER FROM " DM_HIDDEN_SCHEMA
        ".external_column ORDER BY table_oid, position",
        &rows, reterr));
    for (size_t i = 0; i < rows.n_rows; i++) {
        const char **r = rows.rows[i];
        struct table_row *t = dm_map_get(by_oid, dm_str_c(r[0]));
        if (!t)
            continue;
        t->columns[t->table.n_columns++] =
            (struct dm_redshift_column){.name = r[1],
                                        .type = r[2],
                                        .shown = r[3],
                                        .character = to_i64(r[4]) != 0,
                                        .oid = (uint32_t)to_i64(r[5]),
                                        .typmod = (int32_t)to_i64(r[6])};
        t->table.n_partition_columns += to_i64(r[7]) != 0;
    }
    return 0;
}

static int load_partitions(struct dm_engine_conn *c, struct dm_spectrum_view *v,
                           const struct dm_map *by_oid, struct dm_err *reterr)
{
    struct dm_engine_rows rows;
    DM_TRY(dm_engine_query(
        c, &v->arena,
        "SELECT p.table_oid, p.oid, p.location, v.position, v.value FROM " DM_HIDDEN_SCHEMA
        ".external_partition p JOIN " DM_HIDDEN_SCHEMA
        ".external_partition_value v ON v.partition_oid = p.oid"
        " ORDER BY p.table_oid, p.oid, v.position",
        &rows, reterr));
    const char *last = "";
    const char **values = NULL;
    for (size_t i = 0; i < rows.n_rows; i++) {
        const char **r = rows.rows[i];
        struct table_row *t = dm_map_get(by_oid, dm_str_c(r[0]));
        if (!t)
            continue;
        if (strcmp(r[1], last) != 0) {
            values = dm_arena_array(&v->arena, const char *, t->table.n_partition_columns + 1);
            t->partitions[t->table.n_partitions++] =
                (struct dm_external_partition){.values = values, .location = r[2]};
            last = r[1];
        }
        size_t position = (size_t)to_i64(r[3]);
        if (position < t->table.n_partition_columns)
            values[position] = r[4];
    }
    return 0;
}

static struct dm_spectrum_view *view_new(void)
{
    struct dm_spectrum_view *v = dm_calloc(1, sizeof(*v));
    atomic_init(&v->refs, 1);
    dm_arena_init(&v->arena);
    dm_map_init(&v->schemas, &v->arena);
    dm_map_init(&v->tables, &v->arena);
    return v;
}

static int view_load(struct dm_engine_conn *c, struct dm_spectrum_view **ret, struct dm_err *reterr)
{
    struct dm_spectrum_view *v = view_new();
    struct dm_map by_oid;
    dm_map_init(&by_oid, &v->arena);
    int rc = load_tables(c, v, &by_oid, reterr);
    if (rc == 0)
        rc = load_columns(c, v, &by_oid, reterr);
    if (rc == 0)
        rc = load_partitions(c, v, &by_oid, reterr);
    if (rc < 0) {
        view_free(v);
        return rc;
    }
    *ret = v;
    return 0;
}

static const char *copy_text(struct dm_arena *a, const char *text)
{
    return text ? dm_arena_strdup(a, text) : NULL;
}

static struct dm_external_partition
copy_partition(struct dm_arena *a, const struct dm_external_partition *p, size_t n_values)
{
    const char **values = dm_arena_array(a, const char *, n_values + 1);
    for (size_t i = 0; i < n_values; i++)
        values[i] = copy_text(a, p->values[i]);
    return (struct dm_external_partition){.values = values,
                                          .location = dm_arena_strdup(a, p->location)};
}

static struct dm_external_table *copy_table(struct dm_arena *a, const struct dm_external_table *t,
                                            const struct dm_external_partition *more, size_t n_more)
{
    struct dm_external_table *to = dm_arena_dup(a, t, sizeof(*t));
    struct dm_redshift_column *columns =
        dm_arena_array(a, struct dm_redshift_column, t->n_columns + 1);
    struct dm_external_partition *partitions =
        dm_arena_array(a, struct dm_external_partition, t->n_partitions + n_more + 1);
    for (size_t i = 0; i < t->n_columns; i++) {
        columns[i] = t->columns[i];
        columns[i].name = dm_arena_strdup(a, t->columns[i].name);
        columns[i].type = dm_arena_strdup(a, t->columns[i].type);
        columns[i].shown = dm_arena_strdup(a, t->columns[i].shown);
    }
    for (size_t i = 0; i < t->n_partitions + n_more; i++)
        partitions[i] =
            copy_partition(a, i < t->n_partitions ? &t->partitions[i] : &more[i - t->n_partitions],
                           t->n_partition_columns);
    to->schema = dm_arena_strdup(a, t->schema);
    to->name = dm_arena_strdup(a, t->name);
    to->location = dm_arena_strdup(a, t->location);
    to->delimiter = copy_text(a, t->delimiter);
    to->quote = copy_text(a, t->quote);
    to->escape = copy_text(a, t->escape);
    to->null_text = copy_text(a, t->null_text);
    to->columns = columns;
    to->partitions = partitions;
    to->n_partitions = t->n_partitions + n_more;
    return to;
}

/* The view with more partitions of one table.  A day adds two; reading all of them again each time would cost more with
   every day. */
static struct dm_spectrum_view *view_extend(const struct dm_spectrum_view *old,
                                            const struct dm_external_table *grown,
                                            const struct dm_external_partition *more, size_t n)
{
    struct dm_spectrum_view *v = view_new();
    struct dm_arena *a = &v->arena;
    for (size_t i = 0; i < old->schemas.len; i++) {
        char *name = dm_arena_strdup(a, old->schemas.entries[i].value);
        dm_map_put(&v->schemas, dm_str_c(name), name);
    }
    for (size_t i = 0; i < old->tables.len; i++) {
        const struct dm_external_table *t = old->tables.entries[i].value;
        struct dm_external_table *to = copy_table(a, t, more, t == grown ? n : 0);
        dm_map_put(&v->tables, table_key(a, to->schema, to->name), to);
    }
    return v;
}

static void install(struct dm_spectrum *s, struct dm_spectrum_view *v)
{
    pthread_mutex_lock(&s->lock);
    struct dm_spectrum_view *old = s->view;
    s->view = v;
    pthread_mutex_unlock(&s->lock);
    dm_spectrum_view_unref(old);
}

static int reload(struct dm_spectrum *s, struct dm_engine_conn *c, struct dm_err *reterr)
{
    struct dm_spectrum_view *v;
    DM_TRY(view_load(c, &v, reterr));
    install(s, v);
    return 0;
}

/* ---- life */

static void spectrum_free(struct dm_spectrum *s)
{
    dm_spectrum_view_unref(s->view);
    pthread_mutex_destroy(&s->lock);
    pthread_mutex_destroy(&s->ddl);
    free(s->database);
    free(s);
}

static int open_locked(struct dm_engine_conn *c, const char *database, struct dm_spectrum **ret,
                       struct dm_err *reterr)
{
    for (struct dm_spectrum *s = registry; s; s = s->next)
        if (s->engine == dm_engine_of(c) && strcmp(s->database, database) == 0) {
            s->refs++;
            *ret = s;
            return 0;
        }
    struct dm_spectrum *s = dm_calloc(1, sizeof(*s));
    s->engine = dm_engine_of(c);
    s->database = dm_strdup(database);
    s->refs = 1;
    pthread_mutex_init(&s->lock, NULL);
    pthread_mutex_init(&s->ddl, NULL);
    int rc = reload(s, c, reterr);
    if (rc < 0) {
        spectrum_free(s);
        return rc;
    }
    s->next = registry;
    registry = s;
    *ret = s;
    return 0;
}

int dm_spectrum_open(struct dm_engine_conn *c, const char *database, struct dm_spectrum **ret,
                     struct dm_err *reterr)
{
    pthread_mutex_lock(&registry_lock);
    int rc = open_locked(c, database, ret, reterr);
    pthread_mutex_unlock(&registry_lock);
    return rc;
}

void dm_spectrum_close(struct dm_spectrum *s)
{
    if (!s)
        return;
    pthread_mutex_lock(&registry_lock);
    bool last = --s->refs == 0;
    if (last)
        for (struct dm_spectrum **at = &registry; *at; at = &(*at)->next)
            if (*at == s) {
                *at = s->next;
                break;
            }
    pthread_mutex_unlock(&registry_lock);
    if (last)
        spectrum_free(s);
}

/* ---- DDL */

struct ddl {
    struct dm_engine_conn *conn;
    struct dm_arena *arena;
    const struct dm_spectrum_view *view;
    const struct dm_redshift_stmt *stmt;
    struct dm_strbuf *sql; /* what is to be run, in one transaction */
    struct dm_err *err;
    const struct dm_external_table
        *grown; /* the statement does nothing but add these partitions to it */
    struct dm_external_partition *added;
    size_t n_added;
};

static int with_sqlstate(struct dm_err *err, int rc, const char *sqlstate)
{
    if (err)
        memcpy(err->sqlstate, sqlstate, sizeof(err->sqlstate));
    return rc;
}

static void add_literal(struct dm_strbuf *b, const char *s)
{
    if (s)
        dm_strbuf_add_sql_literal(b, dm_str_c(s));
    else
        dm_strbuf_adds(b, "NULL");
}

static void add_literals(struct dm_strbuf *b, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        dm_strbuf_adds(b, i ? ", " : "");
        add_literal(b, list[i]);
    }
}

/* Does the engine have a schema of its own by this name? */
static int native_schema(struct ddl *d, const char *name, bool *ret)
{
    struct dm_strbuf sql;
    dm_strbuf_init(&sql, DM_BUF_MESSAGE);
    dm_strbuf_adds(&sql, "SELECT 1 FROM duckdb_schemas() WHERE database_name = current_database()"
                         " AND lower(schema_name) = lower(");
    add_literal(&sql, name);
    dm_strbuf_adds(&sql, ")");
    struct dm_engine_rows rows;
    int rc = dm_engine_query(d->conn, d->arena, sql.p, &rows, d->err);
    dm_strbuf_release(&sql);
    DM_TRY(rc);
    *ret = rows.n_rows > 0;
    return 0;
}

static int create_schema(struct ddl *d)
{
    const struct dm_redshift_stmt *s = d->stmt;
    bool taken = dm_spectrum_has_schema(d->view, s->name.name);
    if (taken && s->if_exists)
        return 0;
    if (!taken)
        DM_TRY(native_schema(d, s->name.name, &taken));
    if (taken)
        return with_sqlstate(
            d->err, dm_err_set(d->err, DM_E_EXISTS, "schema \"%s\" already exists", s->name.name),
            "42P06");
    dm_strbuf_adds(d->sql,
                   "INSERT INTO " DM_HIDDEN_SCHEMA
                   ".external_schema VALUES (nextval('" DM_HIDDEN_SCHEMA ".external_oid'), ");
    add_literals(d->sql, (const char *const[]){s->name.name, s->database, s->iam_role}, 3);
    dm_strbuf_adds(d->sql, ");");
    return 0;
}

static int require_schema(struct ddl *d, const char *schema)
{
    if (dm_spectrum_has_schema(d->view, schema))
        return 0;
    int rc = dm_err_set(d->err, DM_E_UNDEFINED, "external schema \"%s\" does not exist", schema);
    dm_err_hint(d->err, "CREATE EXTERNAL SCHEMA %s FROM DATA CATALOG … makes it.", schema);
    return with_sqlstate(d->err, rc, "3F000");
}

static int find_table(struct ddl *d, const struct dm_redshift_name *n,
                      const struct dm_external_table **ret)
{
    const struct dm_external_table *t =
        n->schema ? dm_spectrum_table(d->view, n->schema, n->name) : NULL;
    if (!t) {
        int rc = dm_err_set(d->err, DM_E_UNDEFINED, "external table \"%s%s%s\" does not exist",
                            n->schema ? n->schema : "", n->schema ? "." : "", n->name);
        dm_err_hint(d->err,
                    "Partitions and locations belong to external tables, named schema.table.");
        return rc;
    }
    *ret = t;
    return 0;
}

/* The condition that finds a table's row. */
static void add_table_oid(struct ddl *d, const char *schema, const char *name)
{
    dm_strbuf_adds(d->sql,
                   "(SELECT oid FROM " DM_HIDDEN_SCHEMA ".external_table WHERE schema_name = ");
    add_literal(d->sql, schema);
    dm_strbuf_adds(d->sql, " AND table_name = ");
    add_literal(d->sql, name);
    dm_strbuf_adds(d->sql, ")");
}

static int create_table(struct ddl *d)
{
    const struct dm_redshift_stmt *s = d->stmt;
    DM_TRY(require_schema(d, s->name.schema));
    if (dm_spectrum_table(d->view, s->name.schema, s->name.name))
        return s->if_exists
                   ? 0
                   : with_sqlstate(d->err,
                                   dm_err_set(d->err, DM_E_EXISTS, "relation \"%s\" already exists",
                                              s->name.name),
                                   "42P07");
    const char *location;
    DM_TRY(dm_redshift_location(d->arena, s->location, &location, d->err));
    dm_strbuf_adds(d->sql,
                   "INSERT INTO " DM_HIDDEN_SCHEMA
                   ".external_table VALUES (nextval('" DM_HIDDEN_SCHEMA ".external_oid'), ");
    add_literals(d->sql,
                 (const char *const[]){s->name.schema, s->name.name,
                                       s->format == DM_REDSHIFT_PARQUET ? "parquet" : "textfile",
                                       location, s->delimiter, s->quote, s->escape, s->null_text},
                 8);
    dm_strbuf_addf(d->sql, ", %lld, ", (long long)s->skip_lines);
    add_literals(d->sql, (const char *const[]){s->serde, s->properties}, 2);
    dm_strbuf_adds(d->sql, ");");
    dm_strbuf_adds(d->sql, "INSERT INTO " DM_HIDDEN_SCHEMA ".external_column VALUES ");
    size_t files = s->n_columns - s->n_partition_columns;
    for (size_t i = 0; i < s->n_columns; i++) {
        const struct dm_redshift_column *c = &s->columns[i];
        dm_strbuf_adds(d->sql, i ? ", (" : "(");
        add_table_oid(d, s->name.schema, s->name.name);
        dm_strbuf_addf(d->sql, ", %zu, ", i + 1);
        add_literals(d->sql, (const char *const[]){c->name, c->type, c->shown}, 3);
        dm_strbuf_addf(d->sql, ", %s, %u, %d, %s)", c->character ? "true" : "false", c->oid,
                       c->typmod, i >= files ? "true" : "false");
    }
    dm_strbuf_adds(d->sql, ";");
    return 0;
}

/* The partition's values in the order of the table's columns. */
static int partition_values(struct ddl *d, const struct dm_external_table *t,
                            const struct dm_redshift_partition *p, const char ***ret)
{
    size_t n = t->n_partition_columns;
    const struct dm_redshift_column *columns = t->columns + t->n_columns - n;
    const char **values = dm_arena_array(d->arena, const char *, n + 1);
    if (p->n_values != n)
        return dm_err_set(d->err, DM_E_INVALID,
                          "\"%s.%s\" has %zu partition columns, the statement names %zu", t->schema,
                          t->name, n, p->n_values);
    for (size_t i = 0; i < n; i++) {
        bool found = false;
        for (size_t k = 0; k < n; k++)
            if (strcasecmp(columns[i].name, p->columns[k]) == 0) {
                found = true;
                if (p->values[k])
                    DM_TRY(
                        dm_spectrum_value(d->arena, &columns[i], p->values[k], &values[i], d->err));
            }
        if (!found)
            return with_sqlstate(d->err,
                                 dm_err_set(d->err, DM_E_UNDEFINED,
                                            "partition column \"%s\" of \"%s.%s\" is not given",
                                            columns[i].name, t->schema, t->name),
                                 "42703");
    }
    *ret = values;
    return 0;
}

static bool same_value(const char *x, const char *y)
{
    return x && y ? strcmp(x, y) == 0 : x == y;
}

static bool has_partition(const struct dm_external_table *t, const char *const *values)
{
    for (size_t i = 0; i < t->n_partitions; i++) {
        bool same = true;
        for (size_t k = 0; k < t->n_partition_columns; k++)
            same &= same_value(t->partitions[i].values[k], values[k]);
        if (same)
            return true;
    }
    return false;
}

/* "insert_date=2010-12-01". */
static const char *partition_text(struct ddl *d, const struct dm_external_table *t,
                                  const char *const *values)
{
    const struct dm_redshift_column *columns = t->columns + t->n_columns - t->n_partition_columns;
    const char *text = "";
    for (size_t i = 0; i < t->n_partition_columns; i++)
        text = dm_arena_printf(d->arena, "%s%s%s=%s", text, i ? ", " : "", columns[i].name,
                               values[i] ? values[i] : "NULL");
    return text;
}

/* Oids of the table's partitions with these values. */
static void add_partition_oids(struct ddl *d, const struct dm_external_table *t,
                               const char *const *values)
{
    dm_strbuf_adds(d->sql, "(SELECT p.oid FROM " DM_HIDDEN_SCHEMA
                           ".external_partition p WHERE p.table_oid = ");
    add_table_oid(d, t->schema, t->name);
    for (size_t i = 0; i < t->n_partition_columns; i++) {
        dm_strbuf_addf(
            d->sql,
            " AND (SELECT v.value FROM " DM_HIDDEN_SCHEMA
            ".external_partition_value v WHERE v.partition_oid = p.oid AND v.position = %zu)"
            " IS NOT DISTINCT FROM ",
            i);
        add_literal(d->sql, values[i]);
    }
    dm_strbuf_adds(d->sql, ")");
}

static int add_partitions(struct ddl *d)
{
    const struct dm_redshift_stmt *s = d->stmt;
    const struct dm_external_table *t;
    DM_TRY(find_table(d, &s->name, &t));
    if (t->n_partition_columns == 0)
        return dm_err_set(d->err, DM_E_INVALID, "external table \"%s.%s\" is not partitioned",
                          t->schema, t->name);
    d->grown = t;
    d->added = dm_arena_array(d->arena, struct dm_external_partition, s->n_partitions + 1);
    for (size_t i = 0; i < s->n_partitions; i++) {
        const char **values, *location;
        DM_TRY(partition_values(d, t, &s->partitions[i], &values));
        DM_TRY(dm_redshift_location(d->arena, s->partitions[i].location, &location, d->err));
        if (has_partition(t, values)) {
            if (s->if_exists)
                continue;
            int rc = dm_err_set(d->err, DM_E_EXISTS, "partition (%s) of \"%s.%s\" already exists",
                                partition_text(d, t, values), t->schema, t->name);
            dm_err_hint(d->err, "ADD IF NOT EXISTS PARTITION can be repeated.");
            return rc;
        }
        d->added[d->n_added++] =
            (struct dm_external_partition){.values = values, .location = location};
        dm_strbuf_adds(d->sql, "INSERT INTO " DM_HIDDEN_SCHEMA
                               ".external_partition VALUES (nextval('" DM_HIDDEN_SCHEMA
                               ".external_oid'), ");
        add_table_oid(d, t->schema, t->name);
        dm_strbuf_adds(d->sql, ", ");
        add_literal(d->sql, location);
        dm_strbuf_adds(d->sql, ");");
        for (size_t k = 0; k < t->n_partition_columns; k++) {
            dm_strbuf_addf(d->sql,
                           "INSERT INTO " DM_HIDDEN_SCHEMA
                           ".external_partition_value VALUES (currval('" DM_HIDDEN_SCHEMA
                           ".external_oid'), %zu, ",
                           k);
            add_literal(d->sql, values[k]);
            dm_strbuf_adds(d->sql, ");");
        }
    }
    return 0;
}

static int change_partition(struct ddl *d)
{
    const struct dm_redshift_stmt *s = d->stmt;
    const struct dm_external_table *t;
    const char **values;
    DM_TRY(find_table(d, &s->name, &t));
    DM_TRY(partition_values(d, t, &s->partitions[0], &values));
    if (!has_partition(t, values))
        return s->if_exists
                   ? 0
                   : dm_err_set(d->err, DM_E_NOTFOUND, "partition (%s) of \"%s.%s\" does not exist",
                                partition_text(d, t, values), t->schema, t->name);
    if (s->kind == DM_REDSHIFT_PARTITION_LOCATION) {
        const char *location;
        DM_TRY(dm_redshift_location(d->arena, s->partitions[0].location, &location, d->err));
        dm_strbuf_adds(d->sql, "UPDATE " DM_HIDDEN_SCHEMA ".external_partition SET location = ");
        add_literal(d->sql, location);
        dm_strbuf_adds(d->sql, " WHERE oid IN ");
        add_partition_oids(d, t, values);
        dm_strbuf_adds(d->sql, ";");
        return 0;
    }
    /* The values find the partition, so the partition goes first and its values are those without one. */
    dm_strbuf_adds(d->sql, "DELETE FROM " DM_HIDDEN_SCHEMA ".external_partition WHERE oid IN ");
    add_partition_oids(d, t, values);
    dm_strbuf_adds(
        d->sql,
        "; DELETE FROM " DM_HIDDEN_SCHEMA
        ".external_partition_value WHERE partition_oid NOT IN (SELECT oid FROM " DM_HIDDEN_SCHEMA
        ".external_partition);");
    return 0;
}

static int table_location(struct ddl *d)
{
    const struct dm_redshift_stmt *s = d->stmt;
    const struct dm_external_table *t;
    const char *location;
    DM_TRY(find_table(d, &s->name, &t));
    DM_TRY(dm_redshift_location(d->arena, s->location, &location, d->err));
    dm_strbuf_adds(d->sql, "UPDATE " DM_HIDDEN_SCHEMA ".external_table SET location = ");
    add_literal(d->sql, location);
    dm_strbuf_adds(d->sql, " WHERE oid = ");
    add_table_oid(d, t->schema, t->name);
    dm_strbuf_adds(d->sql, ";");
    return 0;
}

static void drop_table_rows(struct ddl *d, const char *schema, const char *name)
{
    dm_strbuf_adds(d->sql, "DELETE FROM " DM_HIDDEN_SCHEMA ".external_table WHERE schema_name = ");
    add_literal(d->sql, schema);
    if (name) {
        dm_strbuf_adds(d->sql, " AND table_name = ");
        add_literal(d->sql, name);
    }
    dm_strbuf_adds(d->sql, ";");
}

static void drop_orphans(struct ddl *d)
{
    dm_strbuf_adds(
        d->sql,
        "DELETE FROM " DM_HIDDEN_SCHEMA
        ".external_column WHERE table_oid NOT IN (SELECT oid FROM " DM_HIDDEN_SCHEMA
        ".external_table);"
        "DELETE FROM " DM_HIDDEN_SCHEMA
        ".external_partition WHERE table_oid NOT IN (SELECT oid FROM " DM_HIDDEN_SCHEMA
        ".external_table);"
        "DELETE FROM " DM_HIDDEN_SCHEMA
        ".external_partition_value WHERE partition_oid NOT IN (SELECT oid FROM " DM_HIDDEN_SCHEMA
        ".external_partition);");
}

static int drop_tables(struct ddl *d)
{
    const struct dm_redshift_stmt *s = d->stmt;
    for (size_t i = 0; i < s->n_names; i++) {
        const struct dm_redshift_name *n = &s->names[i];
        if (!n->schema || !dm_spectrum_has_schema(d->view, n->schema))
            return dm_err_set(d->err, DM_E_UNSUPPORTED,
                              "external and other tables cannot be dropped in one statement");
        if (!dm_spectrum_table(d->view, n->schema, n->name)) {
            if (s->if_exists)
                continue;
            return dm_err_set(d->err, DM_E_UNDEFINED, "table \"%s\" does not exist", n->name);
        }
        drop_table_rows(d, n->schema, n->name);
    }
    drop_orphans(d);
    return 0;
}

static int drop_schemas(struct ddl *d)
{
    const struct dm_redshift_stmt *s = d->stmt;
    for (size_t i = 0; i < s->n_names; i++) {
        const char *schema = s->names[i].name;
        if (!dm_spectrum_has_schema(d->view, schema)) {
            if (s->if_exists)
                continue;
            return with_sqlstate(
                d->err, dm_err_set(d->err, DM_E_UNDEFINED, "schema \"%s\" does not exist", schema),
                "3F000");
        }
        /* As on Redshift the tables stay in the data catalog; here the schema is the catalog, so they must be named
           or CASCADE must be said. */
        for (size_t k = 0; k < d->view->tables.len && !s->cascade; k++) {
            const struct dm_external_table *t = d->view->tables.entries[k].value;
            if (strcmp(t->schema, schema) == 0) {
                int rc =
                    dm_err_set(d->err, DM_E_BUSY,
                               "cannot drop schema %s because other objects depend on it", schema);
                dm_err_detail(d->err, "external table %s.%s depends on schema %s", schema, t->name,
                              schema);
                dm_err_hint(d->err, "Use DROP ... CASCADE to drop the dependent objects too.");
                return with_sqlstate(d->err, rc, "2BP01");
            }
        }
        drop_table_rows(d, schema, NULL);
        dm_strbuf_adds(d->sql, "DELETE FROM " DM_HIDDEN_SCHEMA ".external_schema WHERE name = ");
        add_literal(d->sql, schema);
        dm_strbuf_adds(d->sql, ";");
    }
    drop_orphans(d);
    return 0;
}

static int plan_ddl(struct ddl *d)
{
    switch (d->stmt->kind) {
    case DM_REDSHIFT_CREATE_SCHEMA:
        return create_schema(d);
    case DM_REDSHIFT_CREATE_TABLE:
        return create_table(d);
    case DM_REDSHIFT_ADD_PARTITION:
        return add_partitions(d);
    case DM_REDSHIFT_DROP_PARTITION:
    case DM_REDSHIFT_PARTITION_LOCATION:
        return change_partition(d);
    case DM_REDSHIFT_TABLE_LOCATION:
        return table_location(d);
    case DM_REDSHIFT_DROP_TABLE:
        return drop_tables(d);
    case DM_REDSHIFT_DROP_SCHEMA:
        return drop_schemas(d);
    case DM_REDSHIFT_NONE:
        break;
    }
    DM_BUG("no external DDL");
}

/* Under s->ddl. */
static int perform(struct dm_spectrum *s, struct ddl *d)
{
    DM_TRY(plan_ddl(d));
    if (!d->sql->len)
        return 0;
    DM_TRY(dm_strbuf_check(d->sql, "external DDL", d->err));
    const char *all = dm_arena_printf(d->arena, "BEGIN; %s COMMIT;", d->sql->p);
    int rc = dm_engine_query(d->conn, d->arena, all, NULL, d->err);
    if (rc < 0) {
        (void)!dm_engine_query(d->conn, d->arena, "ROLLBACK", NULL, NULL);
        return rc;
    }
    if (!d->grown)
        return reload(s, d->conn, d->err);
    install(s, view_extend(d->view, d->grown, d->added, d->n_added));
    return 0;
}

int dm_spectrum_perform(struct dm_spectrum *s, struct dm_engine_conn *c, struct dm_arena *a,
                        const struct dm_redshift_stmt *stmt, struct dm_err *reterr)
{
    struct dm_strbuf sql;
    dm_strbuf_init(&sql, DM_BUF_TEXT);
    pthread_mutex_lock(&s->ddl);
    struct dm_spectrum_view *view = dm_spectrum_view_ref(s);
    struct ddl d = {.conn = c, .arena = a, .view = view, .stmt = stmt, .sql = &sql, .err = reterr};
    int rc = perform(s, &d);
    dm_spectrum_view_unref(view);
    pthread_mutex_unlock(&s->ddl);
    dm_strbuf_release(&sql);
    return rc;
}
