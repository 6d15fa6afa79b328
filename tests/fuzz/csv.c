/* CSV in both dialects: RFC 4180 record by record, whole and in pieces, and lines as Spark cuts them. */
#include "fuzz.h"
#include "text/rfc4180.h"
#include "text/spark_line.h"

/* A record that is read from a part of the input, where it says that it ends there, is the record. */
static void check_parts(const uint8_t *p, size_t n, const struct dm_rfc4180_record *whole)
{
    struct dm_rfc4180_record r = {0};
    for (size_t have = whole->len; have <= n && have < whole->len + 2; have++)
        if (dm_rfc4180_read(p, have, false, &r))
            FUZZ_CHECK(r.len == whole->len && r.n == whole->n && r.bad == whole->bad,
                       "%zu bytes and %zu fields, from %zu bytes %zu and %zu", whole->len, whole->n,
                       have, r.len, r.n);
    dm_rfc4180_release(&r);
}

static void check_fields(const uint8_t *p, const struct dm_rfc4180_record *r)
{
    struct dm_text_bytes value = {0};
    for (size_t i = 0; i < r->n; i++) {
        const struct dm_rfc4180_field *f = &r->fields[i];
        FUZZ_CHECK(f->p >= p && f->p + f->len <= p + r->len, "field %zu of %zu", i, r->n);
        size_t before = value.len;
        dm_rfc4180_value(f, &value);
        FUZZ_CHECK(value.len - before <= f->len, "field %zu grew", i);
    }
    dm_text_bytes_release(&value);
}

static void read_records(const uint8_t *p, size_t n)
{
    struct dm_rfc4180_record r = {0};
    while (n) {
        bool done = false;
        FUZZ_CHECK(dm_rfc4180_read(p, n, true, &r), "no record in the last %zu bytes", n);
        FUZZ_CHECK(r.len > 0 && r.len <= n, "a record of %zu in %zu bytes", r.len, n);
        struct dm_rfc4180_skip skip = {0};
        size_t skipped = dm_rfc4180_skip(&skip, p, n, &done);
        FUZZ_CHECK(skipped == r.len, "%zu bytes, skipped as %zu", r.len, skipped);
        check_fields(p, &r);
        check_parts(p, n, &r);
        p += r.len;
        n -= r.len;
    }
    dm_rfc4180_release(&r);
}

static void split_lines(const uint8_t *p, size_t n)
{
    static const uint8_t wanted[] = {0, 1, 0, 1};
    static const struct dm_spark_keep some = {wanted, sizeof(wanted)};
    struct dm_spark_fields all = {0}, kept = {0};
    while (n) {
        const uint8_t *end = memchr(p, '\n', n);
        size_t len = end ? (size_t)(end - p) : n;
        bool fits = dm_spark_split(p, len, NULL, &all);
        FUZZ_CHECK(dm_spark_split(p, len, &some, &kept) == fits || fits == false, "%zu", len);
        for (size_t i = 0; fits && i < all.n; i++) /* univocity may add a quote at the end */
            FUZZ_CHECK(dm_spark_field(&all, i).len <= len + 1, "field %zu of %zu", i, all.n);
        p += len + (end != NULL);
        n -= len + (end != NULL);
    }
    dm_spark_fields_release(&all);
    dm_spark_fields_release(&kept);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    read_records(data, size);
    split_lines(data, size);
    return 0;
}
