/*
 * The fast scan: bytes of a file -> rows.
 *
 * Ordinary lines and records are cut with vector instructions and judged by the rule that tokenize.h derives; every
 * rare shape goes to the exact machines (spark_line.h, rfc4180.h).  Two builds of one source, AVX2 and portable C,
 * chosen at run time; both give the same answers.
 *
 * The bytes must be padded (bytes.h).  A scan stops before a record that is not complete, so the caller keeps the
 * rest and comes back with more.
 */
#ifndef DM_TEXT_SCAN_H
#define DM_TEXT_SCAN_H

#include "text/rfc4180.h"
#include "text/rows.h"
#include "text/spark_line.h"

/* Where the two values of a row come from. */
struct dm_text_plan {
    size_t columns; /* of the header */
    size_t cid,
        review; /* column numbers from 0; SIZE_MAX = the fixed text (spark: a partition's value) */
    struct dm_spark_value fixed_cid, fixed_review;
    struct dm_spark_keep keep;
    bool pruned; /* spark: parse only what `keep` names */
};

/* Working memory of one thread. */
struct dm_text_scratch {
    struct dm_spark_fields fields;
    struct dm_rfc4180_record record;
    struct dm_text_bytes cid, review;
};
void dm_text_scratch_release(struct dm_text_scratch *s);

struct dm_text_scan {
    const char *name;
    /* Appends the rows of p[0..n) to `rows` and returns how many bytes they took.  `last`: nothing follows.
       A record that fails the job ends the scan with rows->code set. */
    size_t (*spark)(const struct dm_text_plan *plan, struct dm_text_scratch *scratch,
                    const uint8_t *p, size_t n, bool last, struct dm_text_rows *rows);
    size_t (*rfc4180)(const struct dm_text_plan *plan, struct dm_text_scratch *scratch,
                      const uint8_t *p, size_t n, bool last, struct dm_text_rows *rows);
    /* A good guess where the last record of p[0..n) ends, 0 where it finds none; a true end only for input without
       odd quotes. */
    size_t (*guess_spark)(const uint8_t *p, size_t n);
    size_t (*guess_rfc4180)(const uint8_t *p, size_t n);
    /* The word "good", in any ASCII case, between ASCII spaces or the ends of the text. */
    bool (*positive)(const uint8_t *p, size_t n);
};

extern const struct dm_text_scan dm_text_scan_portable, dm_text_scan_avx2;
/* The fastest that this machine can run. */
const struct dm_text_scan *dm_text_scan_best(void);

#endif
