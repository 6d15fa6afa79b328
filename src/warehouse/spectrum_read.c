/*
 * What the engine reads in place of an external table: the files that lie at its locations at this moment.
 *
 * A table without partitions, or with one that is left after pruning, is one read of a list of files, the
 * partition's values being constants.  Several partitions are one read too, joined with a list of (file, values): one
 * scan of many files plans in a few milliseconds, a union of hundreds of scans does not.
 */
#include "warehouse/spectrum.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "base/file.h"
#include "base/time.h"

struct file {
    const char *path;
    const struct dm_external_partition *partition; /* NULL without partitions */
    uint64_t bytes;
};

struct read {
    struct dm_engine_conn *conn;
    struct dm_arena *arena;
    const char *lake_dir;
    const struct dm_external_table *table;
    size_t n_file_columns;
    struct file *files;
    size_t n_files, cap_files;
    bool file_columns;
    struct dm_strbuf *out;
    struct dm_err *err;
};

/* ---- partition values */

static const struct dm_redshift_column *partition_column(const struct dm_external_table *t,
                                                         size_t i)
{
    return &t->columns[t->n_columns - t->n_partition_columns + i];
}

static bool is_integer(uint32_t oid)
{
    return oid == 20 || oid == 21 || oid == 23;
}

int dm_spectrum_value(struct dm_arena *a, const struct dm_redshift_column *c, const char *value,
                      const char **ret, struct dm_err *reterr)
{
    struct dm_str text = dm_str_trim(dm_str_c(value));
    int64_t n;
    if (c->character) {
        *ret = dm_arena_strdup(a, value);
        return 0;
    }
    if (c->oid == 1082 && dm_date_parse(text, &n)) {
        char buf[DM_TIME_MAX];
        *ret = dm_arena_strdup(a, dm_time_date(n, buf));
        return 0;
    }
    if (c->oid == 1114 && dm_time_parse(text, &n)) {
        char buf[DM_TIME_MAX];
        *ret = dm_arena_strdup(a, dm_time_human(n, buf));
        return 0;
    }
    if (is_integer(c->oid) && dm_str_to_i64(text, &n)) {
        *ret = dm_arena_printf(a, "%lld", (long long)n);
        return 0;
    }
    double f;
    if ((c->oid == 1700 || c->oid == 700 || c->oid == 701) && dm_str_to_f64(text, &f)) {
        *ret = dm_str_cstr(a, text);
        return 0;
    }
    if (c->oid == 16 && (dm_str_ieq(text, DM_STR("true")) || dm_str_ieq(text, DM_STR("false")))) {
        *ret = dm_str_ieq(text, DM_STR("true")) ? "true" : "false";
        return 0;
    }
    int rc = dm_err_set(reterr, DM_E_INVALID,
                        "invalid value \"%s\" for partition column \"%s\" of type %s", value,
                        c->name, c->shown);
    if (reterr)
        memcpy(reterr->sqlstate, "22007", 6);
    return rc;
}

/* Can values of this column be compared here as the engine would? */
static bool is_prunable(const struct dm_redshift_column *c)
{
    return c->character || c->oid == 1082 || is_integer(c->oid);
}

static int compare(const struct dm_redshift_column *c, const char *x, const char *y)
{
    int64_t i = 0, j = 0;
    if (is_integer(c->oid) && dm_str_to_i64(dm_str_c(x), &i) && dm_str_to_i64(dm_str_c(y), &j))
        return i < j ? -1 : i > j;
    return strcmp(x, y); /* dates are stored in ISO form, texts compare bytewise */
}

static bool fulfils(struct read *r, const struct dm_redshift_column *c, const char *value,
                    const struct dm_partition_filter *f)
{
    if (!value)
        return false; /* NULL fulfils no comparison */
    for (size_t i = 0; i < f->n_values; i++) {
        const char *with;
        if (dm_spectrum_value(r->arena, c, f->values[i], &with, NULL) < 0)
            return true; /* not a literal of that type: the engine decides */
        int order = compare(c, value, with);
        bool yes = false;
        switch (f->op) {
        case DM_FILTER_EQ:
        case DM_FILTER_IN:
            yes = order == 0;
            break;
        case DM_FILTER_LT:
            yes = order < 0;
            break;
        case DM_FILTER_LE:
            yes = order <= 0;
            break;
        case DM_FILTER_GT:
            yes = order > 0;
            break;
        case DM_FILTER_GE:
            yes = order >= 0;
            break;
        }
        if (yes)
            return true;
    }
    return false;
}

static bool is_wanted(struct read *r, const struct dm_external_partition *p,
                      const struct dm_partition_filter *filters, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < r->table->n_partition_columns; k++) {
            const struct dm_redshift_column *c = partition_column(r->table, k);
            if (strcasecmp(c->name, filters[i].column) == 0 && is_prunable(c) &&
                !fulfils(r, c, p->values[k], &filters[i]))
                return false;
        }
    return true;
}

/* ---- files */

/* As Spectrum: names that begin with . _ # or end with ~ are not data. */
static bool is_hidden(const char *name)
{
    size_t n = strlen(name);
    return name[0] == '.' || name[0] == '_' || name[0] == '#' || (n && name[n - 1] == '~');
}

static int add_file(struct read *r, const char *path, const struct stat *st,
                    const struct dm_external_partition *p)
{
    if (r->n_files == DM_EXTERNAL_FILES_MAX)
        return dm_err_set(r->err, DM_E_LIMIT, "external table \"%s.%s\" has more than %d files",
                          r->table->schema, r->table->name, DM_EXTERNAL_FILES_MAX);
    if (r->n_files == r->cap_files) {
        r->cap_files = r->cap_files ? r->cap_files * 2 : 16;
        struct file *more = dm_arena_array(r->arena, struct file, r->cap_files);
        if (r->n_files)
            memcpy(more, r->files, sizeof(*more) * r->n_files);
        r->files = more;
    }
    r->files[r->n_files++] =
        (struct file){.path = path, .partition = p, .bytes = (uint64_t)st->st_size};
    return 0;
}

/* A folder that is not there has no files: a partition may be added before its data. */
static int list_files(struct read *r, const char *path, const struct dm_external_partition *p,
                      int depth)
{
    struct stat st;
    if (depth > 64)
        return dm_err_set(r->err, DM_E_LIMIT, "folders below \"%s\" are nested more than 64 deep",
                          path);
    if (stat(path, &st) < 0) {
        if (errno == ENOENT || errno == ENOTDIR)
            return 0;
        return dm_err_errno(r->err, errno, "could not look at \"%s\"", path);
    }
    if (!S_ISDIR(st.st_mode))
        /* An empty object is no Parquet file, and has no rows as text. */
        return S_ISREG(st.st_mode) && st.st_size > 0 ? add_file(r, path, &st, p) : 0;
    const char *const *names;
    size_t n;
    DM_TRY(dm_list_dir(r->arena, path, &names, &n, r->err));
    for (size_t i = 0; i < n; i++)
        if (!is_hidden(names[i]))
            DM_TRY(list_files(r, dm_path_join(r->arena, path, names[i]), p, depth + 1));
    return 0;
}

static int find_files(struct read *r, const struct dm_partition_filter *filters, size_t n_filters)
{
    const struct dm_external_table *t = r->table;
    if (t->n_partition_columns == 0)
        return list_files(r, dm_path_join(r->arena, r->lake_dir, t->location), NULL, 0);
    for (size_t i = 0; i < t->n_partitions; i++)
        if (is_wanted(r, &t->partitions[i], filters, n_filters))
            DM_TRY(list_files(r, dm_path_join(r->arena, r->lake_dir, t->partitions[i].location),
                              &t->partitions[i], 0));
    return 0;
}

/* ---- text of the read */

static void add_ident(struct dm_strbuf *b, const char *name)
{
    dm_strbuf_add_sql_ident(b, dm_str_c(name));
}

static void add_literal(struct dm_strbuf *b, const char *text)
{
    dm_strbuf_add_sql_literal(b, dm_str_c(text));
}

/* The engine takes paths as patterns. */
static void add_path_pattern(struct read *r, const char *path)
{
    struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_MESSAGE);
    for (const char *c = path; *c; c++)
        if (*c == '*' || *c == '?' || *c == '[')
            dm_strbuf_addf(&b, "[%c]", *c);
        else
            dm_strbuf_addc(&b, *c);
    add_literal(r->out, b.p ? b.p : "");
    dm_strbuf_release(&b);
}

static void add_file_list(struct read *r, size_t n)
{
    dm_strbuf_addc(r->out, '[');
    for (size_t i = 0; i < n; i++) {
        dm_strbuf_adds(r->out, i ? ", " : "");
        add_path_pattern(r, r->files[i].path);
    }
    dm_strbuf_addc(r->out, ']');
}

static void add_value(struct dm_strbuf *b, const struct dm_redshift_column *c, const char *value)
{
    if (value)
        add_literal(b, value);
    else
        dm_strbuf_adds(b, "NULL");
    dm_strbuf_addf(b, "::%s", c->type);
}

/* A text that stands for NULL beside the empty field; then every field is read as text and converted afterwards,
   because the engine has one list of such texts for all columns. */
static const char *null_text_of(const struct dm_external_table *t)
{
    return t->null_text && t->null_text[0] ? t->null_text : NULL;
}

static void add_csv(struct read *r)
{
    const struct dm_external_table *t = r->table;
    struct dm_strbuf *b = r->out;
    const char *null_text = null_text_of(t);
    dm_strbuf_adds(b, "read_csv(");
    add_file_list(r, r->n_files);
    dm_strbuf_adds(b, ", auto_detect = false, columns = {");
    for (size_t i = 0; i < r->n_file_columns; i++) {
        dm_strbuf_adds(b, i ? ", " : "");
        add_literal(b, t->columns[i].name);
        dm_strbuf_adds(b, ": ");
        add_literal(b, null_text ? "VARCHAR" : t->columns[i].type);
    }
    dm_strbuf_adds(b, "}, delim = ");
    add_literal(b, t->delimiter);
    dm_strbuf_adds(b, ", quote = ");
    add_literal(b, t->quote ? t->quote : "\"");
    dm_strbuf_adds(b, ", escape = ");
    add_literal(b, t->escape ? t->escape : t->quote ? t->quote : "\"");
    dm_strbuf_addf(b, ", header = false, skip = %lld, nullstr = ", (long long)t->skip_lines);
    add_literal(b, null_text ? null_text : "");
}

static void add_parquet(struct read *r)
{
    dm_strbuf_adds(r->out, "read_parquet(");
    add_file_list(r, r->n_files);
    /* Folders called key=value are part of a location, not columns. */
    dm_strbuf_adds(r->out, ", hive_partitioning = false");
}

/* The expression of each column of the files, in `columns`.  An empty field is NULL, but an empty text in a
   character column, unless the table says that empty means NULL. */
static void csv_expressions(struct read *r, const char **columns)
{
    const struct dm_external_table *t = r->table;
    const char *null_text = null_text_of(t);
    bool empty_is_null = t->null_text && !t->null_text[0];
    for (size_t i = 0; i < r->n_file_columns; i++) {
        const struct dm_redshift_column *c = &t->columns[i];
        struct dm_strbuf b;
        dm_strbuf_init(&b, DM_BUF_MESSAGE);
        if (null_text && !c->character)
            dm_strbuf_adds(&b, "nullif(f.");
        else if (!null_text && c->character && !empty_is_null)
            dm_strbuf_adds(&b, "coalesce(f.");
        else
            dm_strbuf_adds(&b, "f.");
        add_ident(&b, c->name);
        if (null_text && !c->character)
            dm_strbuf_addf(&b, ", '')::%s", c->type);
        else if (!null_text && c->character && !empty_is_null)
            dm_strbuf_adds(&b, ", '')");
        columns[i] = dm_str_cstr(r->arena, dm_strbuf_str(&b));
        dm_strbuf_release(&b);
    }
}

/* Rank of integer and floating types: a column may be wider than the file, never narrower. */
static int integer_rank(const char *type)
{
    static const char *const ranks[] = {"TINYINT", "SMALLINT", "INTEGER", "BIGINT"};
    for (int i = 0; i < 4; i++)
        if (strcmp(type, ranks[i]) == 0)
            return i + 1;
    return 0;
}

static bool is_compatible(const struct dm_redshift_column *c, const char *file_type)
{
    int rank = integer_rank(file_type);
    if (strcmp(c->type, file_type) == 0)
        return true;
    if (rank)
        return rank <= integer_rank(c->type);
    if (c->oid == 1700)
        return strncmp(file_type, "DECIMAL", 7) == 0;
    if (c->oid == 701)
        return strcmp(file_type, "FLOAT") == 0;
    if (c->oid == 1114)
        return strncmp(file_type, "TIMESTAMP", 9) == 0;
    return c->character && strcmp(file_type, "BLOB") == 0;
}

/* Parquet by name, letter case ignored; a column that the files do not have is NULL. */
static int parquet_expressions(struct read *r, const char **columns)
{
    struct dm_strbuf sql, *out = r->out;
    size_t all = r->n_files;
    dm_strbuf_init(&sql, DM_BUF_TEXT);
    dm_strbuf_adds(&sql, "SELECT * FROM ");
    r->out = &sql;
    r->n_files = 1;
    add_parquet(r);
    dm_strbuf_addc(&sql, ')');
    r->out = out;
    r->n_files = all;
    const char *const *names, *const *types;
    size_t n;
    int rc = dm_engine_describe(r->conn, r->arena, sql.p, &names, &types, &n, r->err);
    dm_strbuf_release(&sql);
    DM_TRY(rc);
    for (size_t i = 0; i < r->n_file_columns; i++) {
        const struct dm_redshift_column *c = &r->table->columns[i];
        size_t at = n;
        for (size_t k = 0; k < n && at == n; k++)
            if (strcasecmp(names[k], c->name) == 0)
                at = k;
        if (at == n) {
            columns[i] = dm_arena_printf(r->arena, "NULL::%s", c->type);
            continue;
        }
        if (!is_compatible(c, types[at])) {
            rc = dm_err_set(
                r->err, DM_E_TYPE,
                "incompatible Parquet schema: column \"%s\" of \"%s.%s\" is %s, the files have %s",
                c->name, r->table->schema, r->table->name, c->shown, types[at]);
            dm_err_detail(r->err, "The file looked at is \"%s\".", r->files[0].path);
            dm_err_hint(r->err,
                        "Declare the external table's column with the type that the files have.");
            return rc;
        }
        struct dm_strbuf b;
        dm_strbuf_init(&b, DM_BUF_MESSAGE);
        bool blob = c->character && strcmp(types[at], "BLOB") == 0;
        dm_strbuf_adds(&b, blob ? "decode(f." : "f.");
        add_ident(&b, names[at]);
        dm_strbuf_adds(&b, blob ? ")" : "");
        if (!blob && strcmp(c->type, types[at]) != 0)
            dm_strbuf_addf(&b, "::%s", c->type);
        columns[i] = dm_str_cstr(r->arena, dm_strbuf_str(&b));
        dm_strbuf_release(&b);
    }
    return 0;
}

static void add_file_values(struct read *r)
{
    const struct dm_external_table *t = r->table;
    size_t n = t->n_partition_columns;
    dm_strbuf_adds(r->out, " JOIN (VALUES ");
    for (size_t i = 0; i < r->n_files; i++) {
        dm_strbuf_adds(r->out, i ? ", (" : "(");
        add_literal(r->out, r->files[i].path);
        for (size_t k = 0; k < n; k++) {
            dm_strbuf_adds(r->out, ", ");
            add_value(r->out, partition_column(t, k), r->files[i].partition->values[k]);
        }
        if (r->file_columns) {
            const char *key = r->files[i].path + strlen(r->lake_dir);
            while (*key == '/')
                key++;
            dm_strbuf_adds(r->out, ", ");
            add_literal(r->out, dm_arena_printf(r->arena, "s3://%s", key));
            dm_strbuf_addf(r->out, ", %llu::BIGINT", (unsigned long long)r->files[i].bytes);
        }
        dm_strbuf_addc(r->out, ')');
    }
    dm_strbuf_adds(r->out, ") AS p(file");
    for (size_t k = 0; k < n; k++)
        dm_strbuf_addf(r->out, ", value%zu", k);
    dm_strbuf_adds(r->out, r->file_columns ? ", path, size" : "");
    dm_strbuf_adds(r->out, ") ON p.file = f.filename");
}

/* Do all files belong to one partition (or is there none)? */
static bool one_partition(const struct read *r)
{
    for (size_t i = 1; i < r->n_files; i++)
        if (r->files[i].partition != r->files[0].partition)
            return false;
    return true;
}

static int add_select(struct read *r)
{
    const struct dm_external_table *t = r->table;
    const char **columns = dm_arena_array(r->arena, const char *, t->n_columns + 1);
    if (t->format == DM_REDSHIFT_PARQUET)
        DM_TRY(parquet_expressions(r, columns));
    else
        csv_expressions(r, columns);
    bool joined = r->file_columns || !one_partition(r);
    dm_strbuf_adds(r->out, "(SELECT ");
    for (size_t i = 0; i < t->n_columns; i++) {
        dm_strbuf_adds(r->out, i ? ", " : "");
        if (i < r->n_file_columns)
            dm_strbuf_adds(r->out, columns[i]);
        else if (joined)
            dm_strbuf_addf(r->out, "p.value%zu", i - r->n_file_columns);
        else
            add_value(r->out, &t->columns[i], r->files[0].partition->values[i - r->n_file_columns]);
        dm_strbuf_adds(r->out, " AS ");
        add_ident(r->out, t->columns[i].name);
    }
    if (r->file_columns)
        dm_strbuf_adds(r->out, ", p.path AS \"$path\", p.size AS \"$size\"");
    dm_strbuf_adds(r->out, " FROM ");
    if (t->format == DM_REDSHIFT_PARQUET)
        add_parquet(r);
    else
        add_csv(r);
    dm_strbuf_adds(r->out, joined ? ", filename = true) AS f" : ") AS f");
    if (joined)
        add_file_values(r);
    dm_strbuf_addc(r->out, ')');
    return 0;
}

void dm_spectrum_read_nothing(const struct dm_external_table *t, bool file_columns,
                              struct dm_strbuf *out)
{
    dm_strbuf_adds(out, "(SELECT ");
    for (size_t i = 0; i < t->n_columns; i++) {
        dm_strbuf_addf(out, "%sNULL::%s AS ", i ? ", " : "", t->columns[i].type);
        add_ident(out, t->columns[i].name);
    }
    if (file_columns)
        dm_strbuf_adds(out, ", NULL::VARCHAR AS \"$path\", NULL::BIGINT AS \"$size\"");
    dm_strbuf_adds(out, " WHERE false)");
}

int dm_spectrum_read(struct dm_engine_conn *c, struct dm_arena *a, const char *lake_dir,
                     const struct dm_external_table *t, const struct dm_partition_filter *filters,
                     size_t n_filters, bool file_columns, struct dm_strbuf *out,
                     struct dm_err *reterr)
{
    struct read r = {.conn = c,
                     .arena = a,
                     .lake_dir = lake_dir,
                     .table = t,
                     .n_file_columns = t->n_columns - t->n_partition_columns,
                     .file_columns = file_columns,
                     .out = out,
                     .err = reterr};
    DM_TRY(find_files(&r, filters, n_filters));
    if (r.n_files == 0) {
        dm_spectrum_read_nothing(t, file_columns, out);
        return 0;
    }
    return add_select(&r);
}
