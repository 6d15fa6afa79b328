/*
 * The Parquet writer.
 *
 * While a row group grows, every distinct cid is kept once (an open-addressing table of numbers into one pool of
 * bytes) and each row keeps the number of its cid; at the end of the group the smaller of dictionary and PLAIN is
 * written from that.
 */
#include "text/parquet.h"
#include "text/thrift.h"

enum physical { BOOLEAN = 0, BYTE_ARRAY = 6 };
enum encoding { PLAIN = 0, PLAIN_DICTIONARY = 2, RLE = 3 };
enum page { DATA_PAGE = 0, DICTIONARY_PAGE = 2 };
enum { OPTIONAL = 1, REQUIRED = 0, UTF8 = 0, COLUMNS = 3, FIRST_SLOTS = 1 << 12, LENGTH = 4 };

static const uint32_t NO_CID = UINT32_MAX;

static const struct column {
    const char *name;
    enum physical type;
    int repetition;
} columns[COLUMNS] = {
    {"cid", BYTE_ARRAY, OPTIONAL},
    {"positive_review", BOOLEAN, OPTIONAL},
    {"insert_date", BYTE_ARRAY, REQUIRED},
};

struct cid {
    uint32_t at, len; /* in the pool */
    uint32_t hash;
};

/* What the footer says about a column of a row group. */
struct chunk {
    uint64_t at, dictionary_at, size; /* dictionary_at 0 = none */
    const uint8_t *min, *max;         /* NULL = not given */
    size_t min_len, max_len;
    uint64_t nulls;
};

struct dm_parquet {
    dm_parquet_write_fn write;
    void *arg;
    char *insert_date;
    uint64_t at, rows; /* bytes and rows of the row groups written */
    size_t n_groups;
    struct dm_thrift footer; /* the row groups so far */

    /* The row group that grows. */
    size_t n;
    uint32_t *row_cids; /* numbers, NO_CID = NULL */
    uint8_t *positive;
    size_t nulls, positives;
    struct dm_text_bytes pool;
    struct cid *cids;
    size_t n_cids, cap_cids;
    uint64_t plain_bytes; /* of cid, PLAIN */
    uint32_t *slots;      /* number + 1, 0 = free */
    size_t n_slots;

    struct dm_text_bytes page;
};

struct dm_parquet *dm_parquet_new(dm_parquet_write_fn write, void *arg, const char *insert_date)
{
    struct dm_parquet *w = dm_text_realloc(NULL, sizeof(*w));
    *w = (struct dm_parquet){.write = write, .arg = arg, .n_slots = FIRST_SLOTS};
    size_t len = strlen(insert_date) + 1;
    w->insert_date = memcpy(dm_text_realloc(NULL, len), insert_date, len);
    w->row_cids = dm_text_realloc(NULL, DM_PARQUET_ROWS_MAX * sizeof(*w->row_cids));
    w->positive = dm_text_realloc(NULL, DM_PARQUET_ROWS_MAX);
    w->slots = dm_text_realloc(NULL, w->n_slots * sizeof(*w->slots));
    memset(w->slots, 0, w->n_slots * sizeof(*w->slots));
    dm_text_bytes_room(&w->pool, 1);
    return w;
}

void dm_parquet_free(struct dm_parquet *w)
{
    if (!w)
        return;
    free(w->insert_date);
    free(w->row_cids);
    free(w->positive);
    free(w->cids);
    free(w->slots);
    dm_text_bytes_release(&w->pool);
    dm_text_bytes_release(&w->page);
    dm_text_bytes_release(&w->footer.out);
    free(w);
}

uint64_t dm_parquet_bytes(const struct dm_parquet *w)
{
    return w->at;
}

static int emit(struct dm_parquet *w, const void *p, size_t n, struct dm_text_err *reterr)
{
    int rc = w->write(w->arg, p, n);
    if (rc < 0)
        return dm_text_fail_errno(reterr, -rc, "could not write the Parquet file");
    w->at += n;
    return 0;
}

static void little_endian(struct dm_text_bytes *b, uint32_t v)
{
    uint8_t p[LENGTH] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
    dm_text_bytes_add(b, p, sizeof(p));
}

static void byte_array(struct dm_text_bytes *b, const void *p, size_t n)
{
    little_endian(b, (uint32_t)n);
    dm_text_bytes_add(b, p, n);
}

/* ---- pages ---- */

/* Puts w->page behind its header. */
static int emit_page(struct dm_parquet *w, enum page kind, size_t values, enum encoding encoding,
                     struct dm_text_err *reterr)
{
    struct dm_thrift t = {0};
    dm_thrift_int(&t, 1, DM_THRIFT_I32, kind);
    dm_thrift_int(&t, 2, DM_THRIFT_I32, (int64_t)w->page.len);
    dm_thrift_int(&t, 3, DM_THRIFT_I32, (int64_t)w->page.len);
    dm_thrift_open(&t, kind == DATA_PAGE ? 5 : 7);
    dm_thrift_int(&t, 1, DM_THRIFT_I32, (int64_t)values);
    dm_thrift_int(&t, 2, DM_THRIFT_I32, encoding);
    if (kind == DATA_PAGE) {
        dm_thrift_int(&t, 3, DM_THRIFT_I32, RLE);
        dm_thrift_int(&t, 4, DM_THRIFT_I32, RLE);
    }
    dm_thrift_close(&t);
    dm_text_bytes_addc(&t.out, 0);
    int rc = emit(w, t.out.p, t.out.len, reterr);
    dm_text_bytes_release(&t.out);
    return rc < 0 ? rc : emit(w, w->page.p, w->page.len, reterr);
}

/* One bit a row, least significant first. */
static void pack_bits(struct dm_text_bytes *b, const struct dm_parquet *w,
                      bool (*bit)(const struct dm_parquet *w, size_t row))
{
    for (size_t row = 0; row < w->n; row += 8) {
        uint8_t byte = 0;
        for (size_t i = 0; i < 8 && row + i < w->n; i++)
            byte |= (uint8_t)(bit(w, row + i) << i);
        dm_text_bytes_addc(b, byte);
    }
}

static bool is_positive(const struct dm_parquet *w, size_t row)
{
    return w->positive[row];
}

static bool has_cid(const struct dm_parquet *w, size_t row)
{
    return w->row_cids[row] != NO_CID;
}

/* Definition levels of one bit: a run of ones, or packed where there are nulls; with their length before them. */
static void definition_levels(struct dm_parquet *w, bool nulls)
{
    struct dm_text_bytes levels = {0};
    if (nulls) {
        dm_thrift_varint(&levels, (w->n + 7) / 8 << 1 | 1);
        pack_bits(&levels, w, has_cid);
    } else {
        dm_thrift_varint(&levels, (uint64_t)w->n << 1);
        dm_text_bytes_addc(&levels, 1);
    }
    byte_array(&w->page, levels.p, levels.len);
    dm_text_bytes_release(&levels);
}

static unsigned bits_for(size_t values)
{
    unsigned bits = 1;
    while ((size_t)1 << bits < values)
        bits++;
    return bits;
}

/* The numbers of the rows' cids, packed, nulls left out. */
static void pack_numbers(struct dm_parquet *w, unsigned bits)
{
    size_t values = w->n - w->nulls;
    dm_text_bytes_addc(&w->page, (uint8_t)bits);
    dm_thrift_varint(&w->page, (values + 7) / 8 << 1 | 1);
    size_t end = w->page.len + (values + 7) / 8 * bits;
    dm_text_bytes_room(&w->page, end - w->page.len);
    uint64_t acc = 0;
    unsigned have = 0;
    for (size_t row = 0; row < w->n; row++) {
        if (w->row_cids[row] == NO_CID)
            continue;
        acc |= (uint64_t)w->row_cids[row] << have;
        for (have += bits; have >= 8; have -= 8, acc >>= 8)
            w->page.p[w->page.len++] = (uint8_t)acc;
    }
    for (; w->page.len < end; acc >>= 8)
        w->page.p[w->page.len++] = (uint8_t)acc;
}

static int emit_cid(struct dm_parquet *w, struct chunk *c, struct dm_text_err *reterr)
{
    unsigned bits = bits_for(w->n_cids);
    uint64_t dictionary = w->pool.len + LENGTH * w->n_cids, numbers = (uint64_t)w->n * bits / 8;
    bool plain = !w->n_cids || w->plain_bytes <= dictionary + numbers;
    if (!plain) {
        c->dictionary_at = w->at;
        w->page.len = 0;
        for (size_t i = 0; i < w->n_cids; i++)
            byte_array(&w->page, w->pool.p + w->cids[i].at, w->cids[i].len);
        DM_TEXT_TRY(emit_page(w, DICTIONARY_PAGE, w->n_cids, PLAIN_DICTIONARY, reterr));
    }
    c->at = w->at;
    w->page.len = 0;
    definition_levels(w, w->nulls > 0);
    if (!plain)
        pack_numbers(w, bits);
    for (size_t row = 0; plain && row < w->n; row++)
        if (w->row_cids[row] != NO_CID) {
            const struct cid *cid = &w->cids[w->row_cids[row]];
            byte_array(&w->page, w->pool.p + cid->at, cid->len);
        }
    c->nulls = w->nulls;
    return emit_page(w, DATA_PAGE, w->n, plain ? PLAIN : PLAIN_DICTIONARY, reterr);
}

static int emit_positive(struct dm_parquet *w, struct chunk *c, struct dm_text_err *reterr)
{
    static const uint8_t no = 0, yes = 1;
    c->at = w->at;
    w->page.len = 0;
    definition_levels(w, false);
    pack_bits(&w->page, w, is_positive);
    c->min = w->positives == w->n ? &yes : &no;
    c->max = w->positives ? &yes : &no;
    c->min_len = c->max_len = 1;
    return emit_page(w, DATA_PAGE, w->n, PLAIN, reterr);
}

/* One value in a dictionary, then a run of its number. */
static int emit_insert_date(struct dm_parquet *w, struct chunk *c, struct dm_text_err *reterr)
{
    c->min = c->max = (const uint8_t *)w->insert_date;
    c->min_len = c->max_len = strlen(w->insert_date);
    c->dictionary_at = w->at;
    w->page.len = 0;
    byte_array(&w->page, w->insert_date, c->min_len);
    DM_TEXT_TRY(emit_page(w, DICTIONARY_PAGE, 1, PLAIN_DICTIONARY, reterr));
    c->at = w->at;
    w->page.len = 0;
    dm_text_bytes_addc(&w->page, 1);
    dm_thrift_varint(&w->page, (uint64_t)w->n << 1);
    dm_text_bytes_addc(&w->page, 0);
    return emit_page(w, DATA_PAGE, w->n, PLAIN_DICTIONARY, reterr);
}

/* ---- row groups ---- */

static int compare_cids(const struct dm_parquet *w, const struct cid *a, const struct cid *b)
{
    int c = memcmp(w->pool.p + a->at, w->pool.p + b->at, a->len < b->len ? a->len : b->len);
    return c ? c : (a->len > b->len) - (a->len < b->len);
}

static void cid_statistics(const struct dm_parquet *w, struct chunk *c)
{
    if (!w->n_cids)
        return;
    const struct cid *min = w->cids, *max = w->cids;
    for (size_t i = 1; i < w->n_cids; i++) {
        if (compare_cids(w, &w->cids[i], min) < 0)
            min = &w->cids[i];
        if (compare_cids(w, &w->cids[i], max) > 0)
            max = &w->cids[i];
    }
    if (min->len > DM_PARQUET_STATISTIC_MAX || max->len > DM_PARQUET_STATISTIC_MAX)
        return;
    c->min = w->pool.p + min->at;
    c->min_len = min->len;
    c->max = w->pool.p + max->at;
    c->max_len = max->len;
}

static void describe_chunk(struct dm_thrift *t, const struct dm_parquet *w, size_t column,
                           const struct chunk *c)
{
    dm_thrift_open(t, 0);
    dm_thrift_int(t, 2, DM_THRIFT_I64, 0);
    dm_thrift_open(t, 3);
    dm_thrift_int(t, 1, DM_THRIFT_I32, columns[column].type);
    dm_thrift_list(t, 2, DM_THRIFT_I32, 2);
    dm_thrift_element(t, RLE);
    dm_thrift_element(t, c->dictionary_at ? PLAIN_DICTIONARY : PLAIN);
    dm_thrift_list(t, 3, DM_THRIFT_BINARY, 1);
    dm_thrift_element_string(t, columns[column].name);
    dm_thrift_int(t, 4, DM_THRIFT_I32, 0); /* uncompressed */
    dm_thrift_int(t, 5, DM_THRIFT_I64, (int64_t)w->n);
    dm_thrift_int(t, 6, DM_THRIFT_I64, (int64_t)c->size);
    dm_thrift_int(t, 7, DM_THRIFT_I64, (int64_t)c->size);
    dm_thrift_int(t, 9, DM_THRIFT_I64, (int64_t)c->at);
    if (c->dictionary_at)
        dm_thrift_int(t, 11, DM_THRIFT_I64, (int64_t)c->dictionary_at);
    dm_thrift_open(t, 12);
    dm_thrift_int(t, 3, DM_THRIFT_I64, (int64_t)c->nulls);
    if (c->min) {
        dm_thrift_bytes(t, 5, c->max, c->max_len);
        dm_thrift_bytes(t, 6, c->min, c->min_len);
    }
    dm_thrift_close(t);
    dm_thrift_close(t);
    dm_thrift_close(t);
}

static int emit_group(struct dm_parquet *w, struct dm_text_err *reterr)
{
    struct chunk c[COLUMNS] = {0};
    uint64_t start = w->at, ends[COLUMNS];
    if (!w->at) {
        DM_TEXT_TRY(emit(w, "PAR1", 4, reterr));
        start = w->at;
    }
    if (!w->n)
        return 0;
    DM_TEXT_TRY(emit_cid(w, &c[0], reterr));
    ends[0] = w->at;
    DM_TEXT_TRY(emit_positive(w, &c[1], reterr));
    ends[1] = w->at;
    DM_TEXT_TRY(emit_insert_date(w, &c[2], reterr));
    ends[2] = w->at;
    cid_statistics(w, &c[0]);
    struct dm_thrift *t = &w->footer;
    dm_thrift_open(t, 0);
    dm_thrift_list(t, 1, DM_THRIFT_STRUCT, COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++) {
        c[i].size = ends[i] - (i ? ends[i - 1] : start);
        describe_chunk(t, w, i, &c[i]);
    }
    dm_thrift_int(t, 2, DM_THRIFT_I64, (int64_t)(w->at - start));
    dm_thrift_int(t, 3, DM_THRIFT_I64, (int64_t)w->n);
    dm_thrift_close(t);
    w->n_groups++;
    w->rows += w->n;
    w->n = w->nulls = w->positives = w->n_cids = w->pool.len = 0;
    w->plain_bytes = 0;
    memset(w->slots, 0, w->n_slots * sizeof(*w->slots));
    return 0;
}

static uint32_t hash_of(const uint8_t *p, size_t n)
{
    uint64_t h = n;
    for (; n >= 8; p += 8, n -= 8) {
        uint64_t v;
        memcpy(&v, p, sizeof(v));
        h = (h ^ v) * 0x9E3779B97F4A7C15;
        h ^= h >> 29;
    }
    uint64_t v = 0;
    memcpy(&v, p, n);
    h = (h ^ v) * 0x9E3779B97F4A7C15;
    return (uint32_t)(h >> 32);
}

static void grow_slots(struct dm_parquet *w)
{
    w->n_slots *= 2;
    w->slots = dm_text_realloc(w->slots, w->n_slots * sizeof(*w->slots));
    memset(w->slots, 0, w->n_slots * sizeof(*w->slots));
    for (size_t i = 0; i < w->n_cids; i++) {
        size_t s = w->cids[i].hash & (w->n_slots - 1);
        while (w->slots[s])
            s = (s + 1) & (w->n_slots - 1);
        w->slots[s] = (uint32_t)i + 1;
    }
}

/* The number of the cid in this row group. */
static uint32_t number_of(struct dm_parquet *w, const uint8_t *cid, size_t len)
{
    uint32_t hash = hash_of(cid, len);
    size_t s = hash & (w->n_slots - 1);
    for (; w->slots[s]; s = (s + 1) & (w->n_slots - 1)) {
        const struct cid *c = &w->cids[w->slots[s] - 1];
        if (c->hash == hash && c->len == len && memcmp(w->pool.p + c->at, cid, len) == 0)
            return w->slots[s] - 1;
    }
    if (w->n_cids == w->cap_cids) {
        w->cap_cids = w->cap_cids * 2 + 1024;
        w->cids = dm_text_realloc(w->cids, w->cap_cids * sizeof(*w->cids));
    }
    w->cids[w->n_cids] = (struct cid){(uint32_t)w->pool.len, (uint32_t)len, hash};
    dm_text_bytes_add(&w->pool, cid, len);
    w->slots[s] = (uint32_t)++w->n_cids;
    if (w->n_cids * 2 > w->n_slots)
        grow_slots(w);
    return (uint32_t)w->n_cids - 1;
}

int dm_parquet_add(struct dm_parquet *w, const uint8_t *cid, size_t len, bool positive,
                   struct dm_text_err *reterr)
{
    if (w->n == DM_PARQUET_ROWS_MAX || (w->n && w->pool.len + len > DM_PARQUET_CIDS_MAX))
        DM_TEXT_TRY(emit_group(w, reterr));
    w->row_cids[w->n] = cid ? number_of(w, cid, len) : NO_CID;
    w->plain_bytes += cid ? LENGTH + len : 0;
    w->nulls += !cid;
    w->positive[w->n++] = positive;
    w->positives += positive;
    return 0;
}

/* ---- the footer ---- */

static void describe_schema(struct dm_thrift *t)
{
    dm_thrift_list(t, 2, DM_THRIFT_STRUCT, COLUMNS + 1);
    dm_thrift_open(t, 0);
    dm_thrift_string(t, 4, "spark_schema");
    dm_thrift_int(t, 5, DM_THRIFT_I32, COLUMNS);
    dm_thrift_close(t);
    for (size_t i = 0; i < COLUMNS; i++) {
        dm_thrift_open(t, 0);
        dm_thrift_int(t, 1, DM_THRIFT_I32, columns[i].type);
        dm_thrift_int(t, 3, DM_THRIFT_I32, columns[i].repetition);
        dm_thrift_string(t, 4, columns[i].name);
        if (columns[i].type == BYTE_ARRAY) {
            dm_thrift_int(t, 6, DM_THRIFT_I32, UTF8);
            dm_thrift_open(t, 10); /* LogicalType.STRING */
            dm_thrift_open(t, 1);
            dm_thrift_close(t);
            dm_thrift_close(t);
        }
        dm_thrift_close(t);
    }
}

int dm_parquet_finish(struct dm_parquet *w, struct dm_text_err *reterr)
{
    DM_TEXT_TRY(emit_group(w, reterr));
    struct dm_thrift t = {0};
    dm_thrift_int(&t, 1, DM_THRIFT_I32, 1);
    describe_schema(&t);
    dm_thrift_int(&t, 3, DM_THRIFT_I64, (int64_t)w->rows);
    dm_thrift_list(&t, 4, DM_THRIFT_STRUCT, w->n_groups);
    dm_text_bytes_add(&t.out, w->footer.out.p, w->footer.out.len);
    dm_thrift_string(&t, 6, "daymill");
    /* Without the orders of the columns (all as their types say) readers may not trust min and max. */
    dm_thrift_list(&t, 7, DM_THRIFT_STRUCT, COLUMNS);
    for (size_t i = 0; i < COLUMNS; i++) {
        dm_thrift_open(&t, 0);
        dm_thrift_open(&t, 1);
        dm_thrift_close(&t);
        dm_thrift_close(&t);
    }
    dm_text_bytes_addc(&t.out, 0);
    uint32_t len = (uint32_t)t.out.len;
    little_endian(&t.out, len);
    dm_text_bytes_add(&t.out, "PAR1", 4);
    int rc = emit(w, t.out.p, t.out.len, reterr);
    dm_text_bytes_release(&t.out);
    return rc;
}
