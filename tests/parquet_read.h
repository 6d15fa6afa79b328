/*
 * Reads back what text/parquet.c writes, for tests: the rows and the statistics, nothing else of the format.
 * Every surprise aborts the test.
 */
#ifndef DM_TESTS_PARQUET_READ_H
#define DM_TESTS_PARQUET_READ_H

#include "text/bytes.h"

#include <stdbool.h>
#include <stdio.h>

struct parquet_row {
    bool has_cid, positive;
    const uint8_t *cid;
    size_t cid_len;
};

struct parquet_file {
    struct parquet_row *rows;
    size_t n, groups;
    char insert_date[64], created_by[64];
};

struct thrift_in {
    const uint8_t *p, *e;
};

#define PARQUET_EXPECT(cond)                                              \
    do {                                                                  \
        if (!(cond)) {                                                    \
            printf("# %s:%d: not true: %s\n", __FILE__, __LINE__, #cond); \
            abort();                                                      \
        }                                                                 \
    } while (0)

static inline uint64_t thrift_varint(struct thrift_in *t)
{
    uint64_t v = 0;
    for (unsigned shift = 0;; shift += 7) {
        PARQUET_EXPECT(t->p < t->e && shift < 64);
        v |= (uint64_t)(*t->p & 0x7F) << shift;
        if (!(*t->p++ & 0x80))
            return v;
    }
}

static inline int64_t thrift_int(struct thrift_in *t)
{
    uint64_t v = thrift_varint(t);
    return (int64_t)(v >> 1) ^ -(int64_t)(v & 1);
}

/* The type of the next field, its id in *id; 0 at the end of the struct. */
static inline int thrift_field(struct thrift_in *t, int *id)
{
    PARQUET_EXPECT(t->p < t->e);
    uint8_t c = *t->p++;
    if (c)
        *id = c >> 4 ? *id + (c >> 4) : (int)thrift_int(t);
    return c & 15;
}

static inline size_t thrift_list(struct thrift_in *t, int *ret_type)
{
    uint8_t c = *t->p++;
    *ret_type = c & 15;
    return c >> 4 == 15 ? thrift_varint(t) : c >> 4;
}

static inline void thrift_skip(struct thrift_in *t, int type)
{
    if (type == 12) {
        for (int id = 0, field; (field = thrift_field(t, &id));)
            thrift_skip(t, field);
    } else if (type == 9) {
        int of;
        for (size_t n = thrift_list(t, &of); n; n--)
            thrift_skip(t, of);
    } else if (type == 8) {
        t->p += thrift_varint(t);
    } else if (type > 2) {
        thrift_varint(t);
    }
    PARQUET_EXPECT(t->p <= t->e);
}

/* The values of a hybrid run-length stream. */
static inline void parquet_hybrid(struct thrift_in *t, unsigned bits, uint32_t *ret, size_t n)
{
    for (size_t i = 0; i < n;) {
        uint64_t header = thrift_varint(t);
        if (!(header & 1)) {
            uint32_t v = 0;
            for (unsigned k = 0; k < (bits + 7) / 8; k++)
                v |= (uint32_t)*t->p++ << (8 * k);
            for (uint64_t k = header >> 1; k && i < n; k--)
                ret[i++] = v;
            continue;
        }
        for (uint64_t k = 0; k < (header >> 1) * 8; k++) {
            uint32_t v = 0;
            for (unsigned b = 0; b < bits; b++) {
                uint64_t at = k * bits + b;
                PARQUET_EXPECT(t->p + at / 8 < t->e);
                v |= (uint32_t)(t->p[at / 8] >> (at % 8) & 1) << b;
            }
            if (i < n)
                ret[i++] = v;
        }
        t->p += (header >> 1) * bits;
    }
}

struct parquet_page {
    int kind, values, encoding;
    struct thrift_in body;
};

static inline struct parquet_page parquet_page(struct thrift_in *t)
{
    struct parquet_page page = {0};
    int64_t size = 0;
    for (int id = 0, type; (type = thrift_field(t, &id));) {
        if (id == 1)
            page.kind = (int)thrift_int(t);
        else if (id == 3)
            size = thrift_int(t);
        else if (type == 12)
            for (int sub = 0, of; (of = thrift_field(t, &sub));) {
                int64_t v = thrift_int(t);
                if (sub == 1)
                    page.values = (int)v;
                if (sub == 2)
                    page.encoding = (int)v;
            }
        else
            thrift_skip(t, type);
    }
    page.body = (struct thrift_in){t->p, t->p + size};
    PARQUET_EXPECT(page.body.e <= t->e);
    t->p += size;
    return page;
}

static inline uint32_t parquet_u32(struct thrift_in *t)
{
    uint32_t v;
    PARQUET_EXPECT(t->e - t->p >= 4);
    memcpy(&v, t->p, 4);
    t->p += 4;
    return v;
}

struct parquet_value {
    const uint8_t *p;
    size_t len;
};

/* One column chunk: `n` rows from `at`.  Boolean: p is not NULL where true. */
static inline void parquet_chunk(const uint8_t *file, size_t size, uint64_t at, bool boolean,
                                 bool optional, size_t n, struct parquet_value *ret, bool *ret_set)
{
    struct thrift_in t = {file + at, file + size};
    struct parquet_value *dictionary = NULL;
    uint32_t *numbers = dm_text_realloc(NULL, (n + 8) * sizeof(*numbers));
    struct parquet_page page = parquet_page(&t);
    if (page.kind == 2) {
        dictionary = dm_text_realloc(NULL, (size_t)page.values * sizeof(*dictionary));
        for (int i = 0; i < page.values; i++) {
            dictionary[i].len = parquet_u32(&page.body);
            dictionary[i].p = page.body.p;
            page.body.p += dictionary[i].len;
        }
        page = parquet_page(&t);
    }
    PARQUET_EXPECT(page.kind == 0 && (size_t)page.values == n);
    size_t set = n;
    for (size_t i = 0; i < n; i++)
        ret_set[i] = true;
    if (optional) {
        uint32_t len = parquet_u32(&page.body);
        struct thrift_in levels = {page.body.p, page.body.p + len};
        parquet_hybrid(&levels, 1, numbers, n);
        page.body.p += len;
        set = 0;
        for (size_t i = 0; i < n; i++)
            set += ret_set[i] = numbers[i];
    }
    if (page.encoding == 2) {
        unsigned bits = *page.body.p++;
        parquet_hybrid(&page.body, bits, numbers, set);
    }
    for (size_t i = 0, k = 0; i < n; i++) {
        if (!ret_set[i])
            continue;
        if (page.encoding == 2) {
            ret[i] = dictionary[numbers[k]];
        } else if (boolean) {
            ret[i].p = page.body.p[k / 8] >> (k % 8) & 1 ? page.body.p : NULL;
        } else {
            ret[i].len = parquet_u32(&page.body);
            ret[i].p = page.body.p;
            page.body.p += ret[i].len;
        }
        k++;
    }
    free(numbers);
    free(dictionary);
}

static inline void parquet_group(const uint8_t *file, size_t size, const uint64_t at[3], size_t n,
                                 struct parquet_file *ret)
{
    struct parquet_value *v = dm_text_realloc(NULL, (n + 1) * sizeof(*v));
    bool *set = dm_text_realloc(NULL, n + 1);
    ret->rows = dm_text_realloc(ret->rows, (ret->n + n + 1) * sizeof(*ret->rows));
    struct parquet_row *rows = ret->rows + ret->n;
    parquet_chunk(file, size, at[0], false, true, n, v, set);
    for (size_t i = 0; i < n; i++)
        rows[i] =
            (struct parquet_row){set[i], false, set[i] ? v[i].p : NULL, set[i] ? v[i].len : 0};
    parquet_chunk(file, size, at[1], true, true, n, v, set);
    for (size_t i = 0; i < n; i++)
        rows[i].positive = set[i] && v[i].p;
    parquet_chunk(file, size, at[2], false, false, n, v, set);
    for (size_t i = 0; i < n; i++)
        snprintf(ret->insert_date, sizeof(ret->insert_date), "%.*s", (int)v[i].len,
                 (const char *)v[i].p);
    ret->n += n;
    ret->groups++;
    free(v);
    free(set);
}

/* Offset of the first page in the column chunk at t. */
static inline uint64_t parquet_chunk_at(struct thrift_in *t)
{
    uint64_t at = 0;
    for (int id = 0, type; (type = thrift_field(t, &id));) {
        if (id != 3) {
            thrift_skip(t, type);
            continue;
        }
        for (int sub = 0, of; (of = thrift_field(t, &sub));) {
            if (sub == 9 || sub == 11)
                at = (uint64_t)thrift_int(t);
            else
                thrift_skip(t, of);
        }
    }
    return at;
}

static inline void parquet_row_group(const uint8_t *file, size_t size, struct thrift_in *t,
                                     struct parquet_file *ret)
{
    uint64_t at[3] = {0};
    size_t n = 0;
    for (int id = 0, type; (type = thrift_field(t, &id));) {
        int of;
        if (id == 1)
            for (size_t i = 0, k = thrift_list(t, &of); i < k; i++)
                at[i % 3] = parquet_chunk_at(t);
        else if (id == 3)
            n = (size_t)thrift_int(t);
        else
            thrift_skip(t, type);
    }
    parquet_group(file, size, at, n, ret);
}

/* The rows point into `file`. */
static inline struct parquet_file parquet_read(const uint8_t *file, size_t size)
{
    struct parquet_file ret = {0};
    PARQUET_EXPECT(size > 12 && memcmp(file, "PAR1", 4) == 0);
    PARQUET_EXPECT(memcmp(file + size - 4, "PAR1", 4) == 0);
    uint32_t len;
    memcpy(&len, file + size - 8, 4);
    struct thrift_in t = {file + size - 8 - len, file + size - 8};
    for (int id = 0, type; (type = thrift_field(&t, &id));) {
        int of;
        if (id == 4) {
            for (size_t k = thrift_list(&t, &of); k; k--)
                parquet_row_group(file, size, &t, &ret);
        } else if (id == 6) {
            size_t n = thrift_varint(&t);
            snprintf(ret.created_by, sizeof(ret.created_by), "%.*s", (int)n, (const char *)t.p);
            t.p += n;
        } else {
            thrift_skip(&t, type);
        }
    }
    PARQUET_EXPECT(t.p == t.e);
    return ret;
}

#endif
