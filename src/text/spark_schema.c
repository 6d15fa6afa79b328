/* The columns of a Spark input. */
#include "text/spark_schema.h"
#include "text/lower.h"
#include "text/utf8.h"

#include <stdio.h>

enum { STEP = 64 << 10, NAMES_SHOWN = 600 };

static const char BOM[] = "\xEF\xBB\xBF";
enum { BOM_LEN = 3 };

/* One line from p: its length without the line end, in *ret_next where the next one starts.  False where more bytes
   are needed to tell. */
static bool line_at(const uint8_t *p, size_t n, bool last, size_t *ret_len, size_t *ret_next)
{
    for (size_t i = 0; i < n; i++) {
        if (p[i] != '\n' && p[i] != '\r')
            continue;
        if (p[i] == '\r' && i + 1 == n && !last)
            return false;
        *ret_len = i;
        *ret_next = i + 1 + (p[i] == '\r' && i + 1 < n && p[i + 1] == '\n');
        return true;
    }
    *ret_len = *ret_next = n;
    return last && n;
}

static bool blank(const uint8_t *p, size_t n, bool spaces_only)
{
    for (size_t i = 0; i < n; i++)
        if (spaces_only ? p[i] != ' ' : p[i] > ' ')
            return false;
    return true;
}

static int too_long(struct dm_text_err *reterr)
{
    return dm_text_fail(reterr, DM_TEXT_E_LIMIT,
                        "a line is longer than %zu bytes (DM_SPARK_LINE_MAX)", DM_SPARK_LINE_MAX);
}

int dm_spark_find_header(struct dm_text_source *s, struct dm_text_bytes *buf, size_t *ret_at,
                         size_t *ret_len, struct dm_text_err *reterr)
{
    size_t at = 0;
    bool last = false, start = true;
    while (!last) {
        ssize_t got = dm_text_source_read(s, dm_text_bytes_room(buf, STEP), STEP, reterr);
        if (got < 0)
            return (int)got;
        last = got == 0;
        buf->len += (size_t)got;
        if (start && buf->len >= BOM_LEN && memcmp(buf->p, BOM, BOM_LEN) == 0)
            at = BOM_LEN;
        start = false;
        size_t len, next;
        for (; line_at(buf->p + at, buf->len - at, last, &len, &next); at += next)
            if (!blank(buf->p + at, len, true)) {
                *ret_at = at;
                *ret_len = len;
                return 0;
            }
        if (buf->len - at > DM_SPARK_LINE_MAX)
            return too_long(reterr);
    }
    *ret_len = SIZE_MAX;
    return 0;
}

/* ---- names ---- */

struct lower_name {
    const struct dm_text_bytes *text;
    size_t at, len, column;
};

static int compare_names(const void *a, const void *b)
{
    const struct lower_name *x = a, *y = b;
    size_t n = x->len < y->len ? x->len : y->len;
    int c = memcmp(x->text->p + x->at, y->text->p + y->at, n);
    return c ? c : (x->len > y->len) - (x->len < y->len);
}

/* Sets `twice` for every column whose lower-case name another one has too; empty names do not count. */
static bool find_twins(const struct dm_spark_column *columns, size_t n, uint8_t *twice)
{
    struct dm_text_bytes text = {0};
    dm_text_bytes_room(&text, 1);
    struct lower_name *names = dm_text_realloc(NULL, (n + 1) * sizeof(*names));
    bool any = false;
    for (size_t i = 0; i < n; i++) {
        names[i] = (struct lower_name){&text, text.len, 0, i};
        dm_text_lower(&text, columns[i].name, columns[i].len);
        names[i].len = text.len - names[i].at;
    }
    qsort(names, n, sizeof(*names), compare_names);
    for (size_t i = 1; i < n; i++)
        if (names[i].len && compare_names(&names[i - 1], &names[i]) == 0) {
            twice[names[i - 1].column] = twice[names[i].column] = 1;
            any = true;
        }
    free(names);
    dm_text_bytes_release(&text);
    return any;
}

static void set_name(struct dm_spark_column *c, const uint8_t *p, size_t n)
{
    c->name = dm_text_realloc(c->name, n + 1);
    memcpy(c->name, p, n);
    c->len = n;
}

/* Spark's makeSafeHeader: names for empty cells, a number behind equal ones. */
static int make_safe(struct dm_spark_schema *s, struct dm_text_err *reterr)
{
    uint8_t *twice = dm_text_realloc(NULL, s->n + 1);
    memset(twice, 0, s->n + 1);
    find_twins(s->columns, s->n, twice);
    for (size_t i = 0; i < s->n; i++) {
        struct dm_spark_column *c = &s->columns[i];
        if (c->len && !twice[i])
            continue;
        struct dm_text_bytes name = {0};
        char number[32];
        dm_text_bytes_add(&name, c->name, c->len);
        int k = snprintf(number, sizeof(number), c->len ? "%zu" : "_c%zu", i);
        dm_text_bytes_add(&name, number, (size_t)k);
        set_name(c, name.p, name.len);
        dm_text_bytes_release(&name);
    }
    bool clash = find_twins(s->columns, s->n, twice);
    free(twice);
    return clash ? dm_text_fail(reterr, DM_TEXT_E_AMBIGUOUS,
                                "two columns of the header have the same name")
                 : 0;
}

int dm_spark_schema_parse(const uint8_t *header, size_t len, struct dm_spark_schema *ret,
                          struct dm_text_err *reterr)
{
    struct dm_spark_fields fields = {0};
    struct dm_text_bytes name = {0};
    size_t bom = len >= BOM_LEN && memcmp(header, BOM, BOM_LEN) == 0 ? BOM_LEN : 0;
    *ret = (struct dm_spark_schema){0};
    int rc = 0;
    if (!dm_spark_split(header + bom, len - bom, NULL, &fields)) {
        rc = dm_text_fail(reterr, DM_TEXT_E_TOO_MANY_COLUMNS, "the header has more than %d columns",
                          DM_SPARK_COLUMNS_MAX);
    } else {
        ret->n = ret->fields = fields.n;
        ret->columns = dm_text_realloc(NULL, (fields.n + 1) * sizeof(*ret->columns));
        ret->wanted = dm_text_realloc(NULL, fields.n + 1);
        memset(ret->wanted, 1, fields.n);
        for (size_t i = 0; i < fields.n; i++) {
            struct dm_spark_value v = dm_spark_field(&fields, i);
            name.len = 0;
            dm_text_bytes_room(&name, 1);
            dm_text_utf8_repair(&name, v.p, v.len);
            ret->columns[i] = (struct dm_spark_column){.index = i};
            set_name(&ret->columns[i], name.p, name.len);
        }
        rc = make_safe(ret, reterr);
    }
    dm_spark_fields_release(&fields);
    dm_text_bytes_release(&name);
    if (rc < 0)
        dm_spark_schema_release(ret);
    return rc;
}

/* Whether the names are equal in lower case. */
static bool same_name(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
    struct dm_text_bytes x = {0}, y = {0};
    dm_text_bytes_room(&x, 1);
    dm_text_bytes_room(&y, 1);
    dm_text_lower(&x, a, a_len);
    dm_text_lower(&y, b, b_len);
    bool same = x.len == y.len && memcmp(x.p, y.p, x.len) == 0;
    dm_text_bytes_release(&x);
    dm_text_bytes_release(&y);
    return same;
}

static void add_partitions(const struct dm_listing *files, struct dm_spark_schema *s)
{
    for (size_t i = 0; i < files->n_partition_columns; i++) {
        const uint8_t *name = (const uint8_t *)files->partition_columns[i];
        size_t len = strlen(files->partition_columns[i]), at = 0;
        while (at < s->n && !same_name(s->columns[at].name, s->columns[at].len, name, len))
            at++;
        if (at == s->n) {
            s->columns = dm_text_realloc(s->columns, (s->n + 1) * sizeof(*s->columns));
            s->columns[s->n++] = (struct dm_spark_column){0};
        } else if (!s->columns[at].partition) {
            s->wanted[s->columns[at].index] = 0;
        }
        set_name(&s->columns[at], name, len);
        s->columns[at].partition = true;
        s->columns[at].index = i;
    }
}

static int header_of(const struct dm_listing_file *f, bool check_crc, struct dm_spark_schema *ret,
                     bool *ret_found, struct dm_text_err *reterr)
{
    struct dm_text_source s;
    struct dm_text_bytes buf = {0};
    size_t at, len = SIZE_MAX;
    if (check_crc)
        DM_TEXT_TRY(dm_text_check_crc(f->path, reterr));
    DM_TEXT_TRY(dm_text_source_open(&s, f->path, reterr));
    int rc = dm_spark_find_header(&s, &buf, &at, &len, reterr);
    dm_text_source_close(&s);
    if (rc == 0 && len != SIZE_MAX) {
        rc = dm_spark_schema_parse(buf.p + at, len, ret, reterr);
        *ret_found = true;
    }
    dm_text_bytes_release(&buf);
    return rc < 0 ? dm_text_fail_at(reterr, rc, f->path, 0) : 0;
}

int dm_spark_schema_read(const struct dm_listing *files, bool check_crc,
                         struct dm_spark_schema *ret, struct dm_text_err *reterr)
{
    bool found = false;
    *ret = (struct dm_spark_schema){0};
    for (size_t i = 0; i < files->n && !found; i++)
        DM_TEXT_TRY(header_of(&files->files[i], check_crc, ret, &found, reterr));
    add_partitions(files, ret);
    return 0;
}

void dm_spark_schema_release(struct dm_spark_schema *s)
{
    for (size_t i = 0; i < s->n; i++)
        free(s->columns[i].name);
    free(s->columns);
    free(s->wanted);
    *s = (struct dm_spark_schema){0};
}

/* ---- what the script asks for ---- */

static bool is(const struct dm_spark_column *c, const char *name)
{
    return c->len == strlen(name) && memcmp(c->name, name, c->len) == 0;
}

static int no_column(const struct dm_spark_schema *s, const char *name, struct dm_text_err *reterr)
{
    struct dm_text_bytes names = {0};
    for (size_t i = 0; i < s->n && names.len < NAMES_SHOWN; i++) {
        dm_text_bytes_add(&names, ", ", i ? 2 : 0);
        dm_text_bytes_add(&names, s->columns[i].name, s->columns[i].len);
    }
    int rc = dm_text_fail(reterr, DM_TEXT_E_COLUMNS, "no column \"%s\"; the columns are: %.*s",
                          name, (int)names.len, names.p ? (const char *)names.p : "");
    dm_text_bytes_release(&names);
    return rc;
}

int dm_spark_plan(const struct dm_spark_schema *s, uint8_t *wanted, struct dm_text_plan *ret,
                  struct dm_text_err *reterr)
{
    size_t review = SIZE_MAX, cid = SIZE_MAX;
    for (size_t i = 0; i < s->n; i++) {
        if (is(&s->columns[i], "review_str"))
            review = i;
        if (same_name(s->columns[i].name, s->columns[i].len, (const uint8_t *)"cid", 3))
            cid = i;
    }
    if (review == SIZE_MAX)
        return no_column(s, "review_str", reterr);
    for (size_t i = 0; i < s->n; i++)
        if (is(&s->columns[i], "review_token"))
            return dm_text_fail(reterr, DM_TEXT_E_TOKEN_COLUMN,
                                "a column is called \"review_token\", as the tokenizer's result");
    if (cid == SIZE_MAX)
        return no_column(s, "cid", reterr);
    const struct dm_spark_column *r = &s->columns[review], *c = &s->columns[cid];
    *ret = (struct dm_text_plan){
        .columns = s->fields,
        .cid = c->partition ? SIZE_MAX : c->index,
        .review = r->partition ? SIZE_MAX : r->index,
        .pruned = (size_t)(!c->partition + !r->partition) < s->fields,
        .keep = {wanted, s->fields},
    };
    memset(wanted, 0, s->fields);
    if (!c->partition)
        wanted[c->index] = 1;
    if (!r->partition)
        wanted[r->index] = 1;
    return 0;
}

void dm_spark_plan_file(const struct dm_spark_schema *s, const struct dm_listing_file *f,
                        struct dm_text_plan *plan)
{
    for (size_t i = 0; i < s->n && f->values; i++) {
        const struct dm_spark_column *c = &s->columns[i];
        if (!c->partition)
            continue;
        const char *v = f->values[c->index] ? f->values[c->index] : "";
        struct dm_spark_value value = {(const uint8_t *)v, strlen(v)};
        if (is(c, "review_str"))
            plan->fixed_review = value;
        else if (same_name(c->name, c->len, (const uint8_t *)"cid", 3))
            plan->fixed_cid = value;
    }
}

int dm_spark_skip_header(const uint8_t *p, size_t n, bool start, bool last, size_t *ret_used,
                         uint64_t *ret_lines, struct dm_text_err *reterr)
{
    size_t at = 0, len, next;
    if (start && n < BOM_LEN && !last)
        return *ret_used = *ret_lines = 0, 0;
    if (start && n >= BOM_LEN && memcmp(p, BOM, BOM_LEN) == 0)
        at = BOM_LEN;
    *ret_lines = 0;
    for (; line_at(p + at, n - at, last, &len, &next); at += next) {
        ++*ret_lines;
        if (blank(p + at, len, false))
            continue;
        struct dm_spark_fields fields = {0};
        bool fits = dm_spark_split(p + at, len, NULL, &fields);
        dm_spark_fields_release(&fields);
        if (!fits)
            return dm_text_fail(reterr, DM_TEXT_E_TOO_MANY_COLUMNS,
                                "the header has more than %d columns", DM_SPARK_COLUMNS_MAX);
        *ret_used = at + next;
        return 1;
    }
    *ret_used = at;
    return 0;
}
