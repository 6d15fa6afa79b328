/*
 * Reviews in CSV -> a Parquet file that says which are positive: the whole job in one call.
 *
 *   int fd = open(…);
 *   struct dm_classify_options o = {.run_id = "2010-12-01", .write = dm_classify_write_fd, .write_arg = &fd};
 *   struct dm_classify_input in = {.path = "reviews.csv"};
 *   struct dm_classify_result r;
 *   struct dm_text_err err;
 *   if (dm_classify(&in, 1, &o, &r, &err) < 0) …
 *
 * Memory does not grow with the input: bytes are read into a small buffer, rows leave in row groups.  Pipes work.
 *
 * Dialects:
 *   rfc4180  RFC 4180.  Columns `cid` and `review_str` by exact name, in any order, others ignored.  Records that
 *            are none (wrong number of fields, unterminated quote, text after a closing quote, field over 16 MiB)
 *            are rejected and counted; an empty line is a record of one field.  An empty review is negative, an
 *            empty cid NULL.  Folders: the visible files in name order.
 *   spark    as `spark.read.option("header", True).csv(…)` and the original script: quotes, escapes, headers,
 *            blank lines, hidden files, partitions, compression.  A missing or empty review fails the job.
 *            Rows in the order of Spark on one core: largest file first.
 * In both, a byte order mark is skipped, .gz, .bz2 and .deflate are read by suffix, and a cid that is not UTF-8 is
 * repaired as Java does (U+FFFD).
 */
#ifndef DM_TEXT_CLASSIFY_H
#define DM_TEXT_CLASSIFY_H

#include "text/parquet.h"
#include "text/text_err.h"

enum dm_classify_dialect { DM_CLASSIFY_RFC4180, DM_CLASSIFY_SPARK };

enum { DM_CLASSIFY_THREADS_MAX = 16 };

struct dm_classify_input {
    const char *path; /* a file or folder; for a descriptor its name in messages, or NULL */
    int fd;           /* read from where `is_fd`; stays the caller's */
    bool is_fd;
};

struct dm_classify_options {
    enum dm_classify_dialect dialect;
    const char *run_id; /* the text of insert_date */
    unsigned threads;   /* that share the work on one file, 0 = 1; the answer is the same */
    bool portable;      /* do not use vector instructions */

    /* rfc4180: how many rejected records are borne, and as a share of all (0.01 = 1 %); both 0 = none.  More fail
       with DM_TEXT_E_REJECTED after the whole input has been read and the reject file is complete. */
    uint64_t max_rejected;
    double max_rejected_share;
    /* Where rejected records go, as CSV with the columns file, line, reason, record; made when there is one.
       NULL = nowhere. */
    const char *reject_path;

    /* spark: check .NAME.crc beside a file, as Hadoop's local file system does (HDFS and S3 do not). */
    bool local_checksums;

    dm_parquet_write_fn write; /* takes the Parquet file; negative errno fails the job */
    void *write_arg;
    /* Now and then, with the bytes read so far (of the files: compressed ones count as they lie there); negative
       stops with DM_TEXT_E_CANCELLED.  May be NULL. */
    int (*progress)(void *arg, uint64_t bytes);
    void *progress_arg;
};

struct dm_classify_result {
    uint64_t files;
    uint64_t bytes;                    /* read */
    uint64_t rows, positive, rejected; /* rows = classified */
    uint64_t null_cids;
    uint64_t invalid_utf8; /* rows whose cid or review is not UTF-8; they are classified bytewise */
    uint64_t output_bytes;
};

/* *ret is set after DM_TEXT_E_REJECTED too. */
int dm_classify(const struct dm_classify_input *inputs, size_t n,
                const struct dm_classify_options *o, struct dm_classify_result *ret,
                struct dm_text_err *reterr) dm_text_nodiscard;

/* A write function: `arg` points to a descriptor. */
int dm_classify_write_fd(void *arg, const void *p, size_t n);

#endif
