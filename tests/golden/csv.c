/*
 * Kind `csv`: directories of small files, what Spark reads from them (every column) and what the classification
 * writes, or how either fails (golden/spark/csv.jsonl).
 */
#include "golden.h"
#include "parquet_read.h"

#include "base/digest.h"
#include "base/file.h"
#include "text/classify.h"
#include "text/spark_schema.h"
#include "text/utf8.h"

enum { CELL_SHOWN = 2000, ROWS_SHOWN = 500, COLUMNS_SHOWN = 1000 };

/* When a read failed: Spark names its errors by it. */
enum phase { COLUMNS, FIRST_RECORD, LATER };

/* ---- the directory ---- */

static int sextet(char c)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const char *p = c ? strchr(digits, c) : NULL;
    return p ? (int)(p - digits) : -1;
}

static void add_base64(struct dm_text_bytes *out, struct dm_str s)
{
    uint32_t acc = 0;
    int bits = 0;
    for (size_t i = 0; i < s.len && sextet(s.p[i]) >= 0; i++) {
        acc = acc << 6 | (uint32_t)sextet(s.p[i]);
        bits += 6;
        if (bits >= 8)
            dm_text_bytes_addc(out, (uint8_t)(acc >> (bits -= 8)));
    }
}

static int write_file(struct dm_arena *a, const char *dir, const struct dm_value *file,
                      struct dm_err *err)
{
    const char *path = dm_path_join(a, dir, dm_str_cstr(a, dm_map_str(file, "name", "")));
    const struct dm_value *data = dm_map_at(file, "data");
    struct dm_text_bytes all = {0}, part = {0};
    dm_text_bytes_room(&all, 1);
    for (size_t i = 0; data && i < data->list.n; i++) {
        const struct dm_value *pair = data->list.items[i];
        part.len = 0;
        dm_text_bytes_room(&part, 1);
        add_base64(&part, pair->list.items[0]->s);
        for (int64_t k = 0; k < pair->list.items[1]->i; k++)
            dm_text_bytes_add(&all, part.p, part.len);
    }
    int rc = dm_mkdirs_for(path, err);
    if (rc == 0)
        rc = dm_file_write(path, dm_str_n((const char *)all.p, all.len), 0644, err);
    dm_text_bytes_release(&all);
    dm_text_bytes_release(&part);
    return rc;
}

static const char *make_directory(struct dm_arena *a, const struct dm_value *files,
                                  struct dm_err *err)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = dm_arena_printf(a, "%s/golden-csv-XXXXXX", tmp && *tmp ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return dm_err_set(err, DM_E_IO, "could not make a folder in %s", tmp), NULL;
    for (size_t i = 0; files && i < files->list.n; i++)
        if (write_file(a, dir, files->list.items[i], err) < 0)
            return NULL;
    return dir;
}

/* ---- answers in the form of the golden file ---- */

static const struct dm_value *cell(struct dm_arena *a, const uint8_t *p, size_t n)
{
    struct dm_str s = dm_str_dup(a, dm_str_n((const char *)p, n));
    size_t characters = 0;
    for (size_t i = 0; i < n; i++)
        characters += (p[i] & 0xC0) != 0x80;
    if (characters <= CELL_SHOWN)
        return dm_value_str(a, s);
    char hex[DM_DIGEST_HEX] = "";
    if (dm_digest_of(s, hex, NULL) < 0)
        return &dm_null;
    struct dm_value *v = dm_value_map(a);
    dm_map_set(a, v, "bytes", dm_value_int(a, (int64_t)n));
    dm_map_set(a, v, "sha256", dm_value_cstr(a, hex));
    return v;
}

/* A value as Spark shows it: repaired, empty = NULL. */
static const struct dm_value *spark_cell(struct dm_arena *a, struct dm_spark_value v)
{
    if (!v.len)
        return &dm_null;
    struct dm_text_bytes b = {0};
    dm_text_utf8_repair(&b, v.p, v.len);
    const struct dm_value *ret = cell(a, b.p, b.len);
    dm_text_bytes_release(&b);
    return ret;
}

static int by_json(const void *a, const void *b)
{
    const struct dm_str *x = a, *y = b;
    return dm_str_cmp(*x, *y);
}

/* The rows as one text, sorted: their order across files means nothing. */
static struct dm_str multiset(struct dm_arena *a, const struct dm_value *rows, bool distinct)
{
    struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_FRAME);
    struct dm_str *texts = dm_arena_array(a, struct dm_str, rows->list.n + 1);
    for (size_t i = 0; i < rows->list.n; i++)
        texts[i] = dm_value_json(a, rows->list.items[i]);
    qsort(texts, rows->list.n, sizeof(*texts), by_json);
    for (size_t i = 0; i < rows->list.n; i++)
        if (!distinct || !i || !dm_str_eq(texts[i], texts[i - 1])) {
            dm_strbuf_addstr(&b, texts[i]);
            dm_strbuf_addc(&b, ' ');
        }
    struct dm_str ret = dm_str_dup(a, dm_strbuf_str(&b));
    dm_strbuf_release(&b);
    return ret;
}

static struct dm_str error_text(struct dm_arena *a, const char *python, const char *class,
                                const char *root, const char *condition)
{
    return dm_str_printf(a, "error %s %s %s %s", python, class, root, condition ? condition : "-");
}

#define SPARK_EXCEPTION "org.apache.spark.SparkException"
#define ANALYSIS "org.apache.spark.sql.AnalysisException"
#define NO_SUCH_COLUMN "org.apache.spark.sql.catalyst.ExtendedAnalysisException"
#define ILLEGAL "java.lang.IllegalArgumentException"
#define FIRST_READ_FAILED "_LEGACY_ERROR_TEMP_2064"

static const char *root_of(int code)
{
    switch (code) {
    case DM_TEXT_E_CHECKSUM:
        return "org.apache.hadoop.fs.ChecksumException";
    case DM_TEXT_E_COMPRESSED:
        return "java.io.IOException";
    case DM_TEXT_E_TRUNCATED:
        return "java.io.EOFException";
    case DM_TEXT_E_CODEC:
        return "java.lang.RuntimeException";
    case DM_TEXT_E_TOO_MANY_COLUMNS:
        return "java.lang.ArrayIndexOutOfBoundsException";
    case DM_TEXT_E_NULL_REVIEW:
        return "java.lang.NullPointerException";
    }
    return dm_text_code_name(code);
}

/* What Spark calls the error. */
static struct dm_str spark_error(struct dm_arena *a, int code, enum phase phase, bool classify)
{
    if (code == DM_TEXT_E_NO_INPUT)
        return error_text(a, "AnalysisException", ANALYSIS, ANALYSIS, "UNABLE_TO_INFER_SCHEMA");
    if (code == DM_TEXT_E_AMBIGUOUS)
        return error_text(a, "AnalysisException", ANALYSIS, ANALYSIS, "COLUMN_ALREADY_EXISTS");
    if (code == DM_TEXT_E_TOKEN_COLUMN)
        return error_text(a, "IllegalArgumentException", ILLEGAL, ILLEGAL, NULL);
    if (code == DM_TEXT_E_TOO_MANY_COLUMNS && phase == COLUMNS)
        return error_text(a, "Py4JJavaError", "com.univocity.parsers.common.TextParsingException",
                          root_of(code), NULL);
    const char *condition = phase != COLUMNS && classify                ? "TASK_WRITE_FAILED"
                            : phase == LATER || code == DM_TEXT_E_CODEC ? NULL
                                                                        : FIRST_READ_FAILED;
    return error_text(a, "Py4JJavaError", SPARK_EXCEPTION, root_of(code), condition);
}

static struct dm_str wanted_error(struct dm_arena *a, const struct dm_value *e)
{
    const char *condition = dm_str_cstr(a, dm_map_str(e, "condition", "-"));
    return error_text(a, dm_str_cstr(a, dm_map_str(e, "python", "")),
                      dm_str_cstr(a, dm_map_str(e, "class", "")),
                      dm_str_cstr(a, dm_map_str(e, "root", "")), condition);
}

/* ---- the frame ---- */

struct frame {
    struct dm_arena *a;
    const struct dm_spark_schema *schema;
    struct dm_spark_keep keep;
    bool pruned;
    struct dm_spark_fields fields;
    struct dm_value *rows;
    size_t before; /* rows of the files before */
};

static int add_row(struct frame *f, const struct dm_listing_file *file, const uint8_t *p, size_t n)
{
    if (!dm_spark_split(p, n, f->pruned ? &f->keep : NULL, &f->fields))
        return DM_TEXT_E_TOO_MANY_COLUMNS;
    size_t shown = f->schema->n > COLUMNS_SHOWN ? 2 : f->schema->n;
    struct dm_value *row = dm_value_list(f->a, shown + (f->schema->n > COLUMNS_SHOWN));
    for (size_t i = 0; i < row->list.n; i++) {
        const struct dm_spark_column *c = &f->schema->columns[i];
        const char *partition = c->partition && i < shown ? file->values[c->index] : NULL;
        row->list.items[i] = i >= shown ? &dm_null
                             : !c->partition
                                 ? spark_cell(f->a, dm_spark_field(&f->fields, c->index))
                             : partition ? dm_value_cstr(f->a, partition)
                                         : &dm_null;
    }
    dm_list_add(f->a, f->rows, row);
    return 0;
}

static bool blank(const uint8_t *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (p[i] > ' ')
            return false;
    return true;
}

/* The whole lines of p[0..n); the last one too where the file ends with it. */
static int add_lines(struct frame *f, const struct dm_listing_file *file, const uint8_t *p,
                     size_t n, bool ended)
{
    for (size_t i = 0; i < n;) {
        size_t len = 0;
        while (i + len < n && p[i + len] != '\n' && p[i + len] != '\r')
            len++;
        if (i + len == n && !ended)
            break;
        if (!blank(p + i, len)) {
            int rc = add_row(f, file, p + i, len);
            if (rc < 0)
                return rc;
        }
        i += len + 1;
        if (i < n && p[i - 1] == '\r' && p[i] == '\n')
            i++;
    }
    return 0;
}

static int read_file(struct frame *f, const struct dm_listing_file *file)
{
    struct dm_text_source s;
    struct dm_text_bytes b = {0};
    size_t used = 0;
    uint64_t lines;
    f->before = f->rows->list.n;
    int rc = dm_text_check_crc(file->path, NULL);
    if (rc == 0)
        rc = dm_text_source_open(&s, file->path, NULL);
    if (rc < 0)
        return rc;
    ssize_t got;
    while ((got = dm_text_source_read(&s, dm_text_bytes_room(&b, 65536), 65536, NULL)) > 0)
        b.len += (size_t)got;
    dm_text_source_close(&s);
    rc = dm_spark_skip_header(b.p, b.len, true, got == 0, &used, &lines, NULL);
    if (rc > 0)
        rc = add_lines(f, file, b.p + used, b.len - used, got == 0);
    dm_text_bytes_release(&b);
    return rc < 0 ? rc : (int)got;
}

struct frame_answer {
    struct dm_str text;
    int code;
    enum phase phase;
    bool has_review; /* the schema has review_str */
};

static void add_columns(struct dm_arena *a, const struct dm_spark_schema *s, struct dm_strbuf *b,
                        struct frame_answer *ret)
{
    struct dm_value *names = dm_value_list(a, s->n);
    for (size_t i = 0; i < s->n; i++) {
        names->list.items[i] = cell(a, s->columns[i].name, s->columns[i].len);
        ret->has_review |= s->columns[i].len == 10 && !memcmp(s->columns[i].name, "review_str", 10);
    }
    if (s->n > COLUMNS_SHOWN)
        dm_strbuf_addf(b, "%zu", s->n);
    else
        dm_strbuf_addstr(b, dm_value_json(a, names));
}

static void read_rows(struct dm_arena *a, const struct dm_listing *l,
                      const struct dm_spark_schema *schema, struct dm_strbuf *b,
                      struct frame_answer *ret)
{
    struct frame f = {.a = a, .schema = schema, .rows = dm_value_list(a, 0)};
    size_t partitions = 0;
    for (size_t i = 0; i < schema->n; i++)
        partitions += schema->columns[i].partition;
    f.keep = (struct dm_spark_keep){schema->wanted, schema->fields};
    f.pruned = schema->n - partitions < schema->fields;
    for (size_t i = 0; i < l->n && !ret->code; i++)
        if (!l->partition_columns || l->files[i].partitioned)
            ret->code = read_file(&f, &l->files[i]);
    if (ret->code) {
        ret->phase = f.rows->list.n == f.before ? FIRST_RECORD : LATER;
        dm_strbuf_addstr(b, spark_error(a, ret->code, ret->phase, false));
    } else if (f.rows->list.n > ROWS_SHOWN) {
        dm_strbuf_addf(b, "%zu of ", f.rows->list.n);
        dm_strbuf_addstr(b, multiset(a, f.rows, true));
    } else {
        dm_strbuf_addstr(b, multiset(a, f.rows, false));
    }
    dm_spark_fields_release(&f.fields);
}

static void read_frame(struct dm_arena *a, const char *dir, struct frame_answer *ret)
{
    struct dm_listing l = {0};
    struct dm_spark_schema schema = {0};
    struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_FRAME);
    int rc = dm_listing_add(&l, dir, true, NULL);
    if (rc == 0)
        rc = l.seen ? dm_listing_partition(&l, NULL) : DM_TEXT_E_NO_INPUT;
    if (rc == 0) {
        dm_listing_by_size(&l);
        rc = dm_spark_schema_read(&l, true, &schema, NULL);
    }
    if (rc < 0) {
        ret->code = rc;
        dm_strbuf_adds(&b, "null / ");
        dm_strbuf_addstr(&b, spark_error(a, rc, COLUMNS, false));
    } else {
        add_columns(a, &schema, &b, ret);
        dm_strbuf_adds(&b, " / ");
        read_rows(a, &l, &schema, &b, ret);
    }
    ret->text = dm_str_dup(a, dm_strbuf_str(&b));
    dm_strbuf_release(&b);
    dm_spark_schema_release(&schema);
    dm_listing_release(&l);
}

/* ---- the classification ---- */

static int keep_bytes(void *arg, const void *p, size_t n)
{
    dm_text_bytes_add(arg, p, n);
    return 0;
}

static struct dm_str output_of(struct dm_arena *a, const struct dm_text_bytes *file)
{
    struct parquet_file q = parquet_read(file->p, file->len);
    struct dm_value *rows = dm_value_list(a, q.n);
    for (size_t i = 0; i < q.n; i++) {
        struct dm_value *row = dm_value_list(a, 2);
        rows->list.items[i] = row;
        row->list.items[0] =
            q.rows[i].has_cid ? cell(a, q.rows[i].cid, q.rows[i].cid_len) : &dm_null;
        row->list.items[1] = q.rows[i].positive ? &dm_true : &dm_false;
    }
    free(q.rows);
    if (rows->list.n <= ROWS_SHOWN)
        return multiset(a, rows, false);
    return dm_str_printf(a, "%zu of %s", rows->list.n, multiset(a, rows, true).p);
}

static struct dm_str classify(struct dm_arena *a, const char *dir, const struct frame_answer *frame,
                              bool portable)
{
    struct dm_text_bytes file = {0};
    struct dm_classify_options o = {
        .dialect = DM_CLASSIFY_SPARK,
        .run_id = "2024-05-01",
        .local_checksums = true,
        .portable = portable,
        .write = keep_bytes,
        .write_arg = &file,
    };
    struct dm_classify_input in = {.path = dir};
    struct dm_classify_result result;
    struct dm_str ret;
    int rc = dm_classify(&in, 1, &o, &result, NULL);
    bool columns_failed = frame->code && frame->phase == COLUMNS;
    if (rc == DM_TEXT_E_COLUMNS && frame->has_review)
        ret = error_text(a, "AnalysisException", NO_SUCH_COLUMN, NO_SUCH_COLUMN,
                         "UNRESOLVED_COLUMN.WITH_SUGGESTION");
    else if (rc == DM_TEXT_E_COLUMNS)
        ret = error_text(a, "IllegalArgumentException", ILLEGAL, ILLEGAL, NULL);
    else if (rc < 0)
        ret = spark_error(a, rc, columns_failed ? COLUMNS : LATER, true);
    else
        ret = output_of(a, &file);
    dm_text_bytes_release(&file);
    return ret;
}

/* ---- expected ---- */

static struct dm_str wanted_rows(struct dm_arena *a, const struct dm_value *v, const char *rows,
                                 const char *count, const char *distinct, const char *error)
{
    const struct dm_value *list = dm_map_at(v, rows), *few = dm_map_at(v, distinct);
    const struct dm_value *failed = dm_map_at(v, error);
    if (failed && failed->kind == DM_MAP)
        return wanted_error(a, failed);
    if (few && few->kind == DM_LIST)
        return dm_str_printf(a, "%lld of %s", (long long)dm_map_int(v, count, 0),
                             multiset(a, few, true).p);
    return list && list->kind == DM_LIST ? multiset(a, list, false) : DM_STR("null");
}

static enum golden_verdict run(struct golden_case *c)
{
    struct dm_arena *a = c->arena;
    struct dm_err err;
    const char *dir = make_directory(a, dm_map_at(c->value, "files"), &err);
    if (!dir) {
        c->expected = "a temporary folder";
        c->got = dm_arena_strdup(a, err.message);
        return GOLDEN_FAIL;
    }
    const struct dm_value *columns = dm_map_at(c->value, "columns");
    struct frame_answer frame = {0};
    read_frame(a, dir, &frame);
    struct dm_str output = classify(a, dir, &frame, false);
    if (!dm_str_eq(output, classify(a, dir, &frame, true)))
        output = DM_STR("the two builds of the scan disagree");
    c->got = dm_arena_printf(a, "%s\n    %s", frame.text.p, output.p);
    c->expected = dm_arena_printf(
        a, "%s / %s\n    %s", dm_value_json(a, columns ? columns : &dm_null).p,
        wanted_rows(a, c->value, "rows", "row_count", "distinct_rows", "read_error").p,
        wanted_rows(a, c->value, "output", "output_count", "distinct_output", "classify_error").p);
    if (dm_remove_tree(dir, &err) < 0)
        c->got = dm_arena_strdup(a, err.message);
    return strcmp(c->got, c->expected) == 0 ? GOLDEN_PASS : GOLDEN_FAIL;
}

const struct golden_kind golden_csv = {"csv", run};
