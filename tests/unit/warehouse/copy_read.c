/* warehouse/copy_read.h: rows of COPY, fed whole and byte by byte. */
#include "warehouse/copy_read.h"

#include "t.h"

static const struct dm_copy_options csv = {
    .csv = true, .delimiter = ',', .quote = '"', .escape = '"', .null_text = ""};
static const struct dm_copy_options text = {.delimiter = '\t', .null_text = "\\N"};

static int rows_of(struct dm_copy_reader *r, struct dm_strbuf *out, struct dm_err *err)
{
    int rc;
    while ((rc = dm_copy_next(r, err)) > 0) {
        for (size_t i = 0; i < r->n_fields; i++)
            dm_strbuf_addf(out, "%s%.*s", i ? "|" : "",
                           r->fields[i].null ? 4 : (int)r->fields[i].text.len,
                           r->fields[i].null ? "NULL" : r->fields[i].text.p);
        dm_strbuf_addf(out, ";%lld\n", (long long)r->line);
    }
    return rc;
}

/* Rows as "a|NULL|b;LINE\n", then "!SQLSTATE message" where it ends so. */
static const char *read_all(struct dm_arena *a, const struct dm_copy_options *o, struct dm_str in,
                            size_t piece)
{
    struct dm_copy_reader r;
    struct dm_strbuf out;
    struct dm_err err;
    int rc = 0;
    dm_copy_reader_init(&r, o);
    dm_strbuf_init(&out, DM_BUF_MESSAGE);
    for (size_t at = 0; at < in.len && rc == 0; at += piece) {
        rc = dm_copy_feed(&r, dm_str_sub(in, at, at + piece < in.len ? at + piece : in.len), &err);
        if (rc == 0)
            rc = rows_of(&r, &out, &err);
    }
    dm_copy_feed_end(&r);
    if (rc == 0)
        rc = rows_of(&r, &out, &err);
    if (rc < 0)
        dm_strbuf_addf(&out, "!%s %s", err.sqlstate, err.message);
    const char *ret = dm_arena_strndup(a, out.p ? out.p : "", out.len);
    dm_strbuf_release(&out);
    dm_copy_reader_release(&r);
    return ret;
}

static void check(const struct dm_copy_options *o, struct dm_str in, const char *want)
{
    _cleanup_arena_ struct dm_arena a = {0};
    T_STR(read_all(&a, o, in, in.len), want);
    T_STR(read_all(&a, o, in, 1), want);
    T_STR(read_all(&a, o, in, 3), want);
}

static void csv_rows(void)
{
    check(&csv, DM_STR("a,,\"\"\n1,2,3\n"), "a|NULL|;1\n1|2|3;2\n");
    check(&csv, DM_STR("\"x\"\"y\",\"a,b\"\n"), "x\"y|a,b;1\n");
    check(&csv, DM_STR("\"two\nlines\",z\nnext,row"), "two\nlines|z;2\nnext|row;3\n");
    check(&csv, DM_STR("a,b\r\nc,d\r\n"), "a|b;1\nc|d;2\n");
    check(&csv, DM_STR("ab\"c,d\"e,f\n"), "abc,de|f;1\n");
    check(&csv, DM_STR("a\n\\.\nb\n"), "a;1\n");
    check(&csv, DM_STR("a b , c\n"), "a b | c;1\n");
    check(&csv, DM_STR("\n"), "NULL;1\n");
}

static void csv_mistakes(void)
{
    check(&csv, DM_STR("a,b\n\"open,c\n"), "a|b;1\n!22P04 unterminated CSV quoted field");
    check(&csv, DM_STR("a\nb\rc\n"), "a;1\n!22P04 unquoted carriage return found in data");
    check(&csv, DM_STR("a\r\nb\nc\r\n"), "a;1\n!22P04 unquoted newline found in data");
}

static void other_csv_dialects(void)
{
    struct dm_copy_options o = csv;
    o.delimiter = ';';
    o.quote = '\'';
    o.escape = '\\';
    o.null_text = "NA";
    check(&o, DM_STR("'it\\'s';NA;'NA';\n"), "it's|NULL|NA|;1\n");
}

static void text_rows(void)
{
    check(&text, DM_STR("a\t\\N\t\nb\tc\\td\te\\\\\n"), "a|NULL|;1\nb|c\td|e\\;2\n");
    check(&text, DM_STR("\\101\\x42\\n\tx\\\ny\n"), "AB\n|x\ny;2\n");
    check(&text, DM_STR("a\n\\.\nb\n"), "a;1\n");
    check(&text, DM_STR("last"), "last;1\n");
}

static void binary_rows(void)
{
    struct dm_copy_options o = {.binary = true, .null_text = ""};
#define HEAD "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0\0"
    check(&o, DM_STR(HEAD "\0\2\0\0\0\2ab\377\377\377\377\377\377"), "ab|NULL;1\n");
    check(&o, DM_STR(HEAD "\0\1\0\0\0\5ab"), "!22P04 unexpected EOF in COPY data");
    check(&o, DM_STR("PGCOPY something else altogether"),
          "!22P04 COPY file signature not recognized");
}

T_MAIN(T_CASE(csv_rows), T_CASE(csv_mistakes), T_CASE(other_csv_dialects), T_CASE(text_rows),
       T_CASE(binary_rows))
