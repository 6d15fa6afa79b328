/* The reject file: CSV (RFC 4180) with the columns file, line, reason, record; made with its first record. */
#ifndef DM_TEXT_REJECTS_H
#define DM_TEXT_REJECTS_H

#include "text/rows.h"
#include "text/text_err.h"

struct dm_text_rejects {
    const char *path; /* the caller's; NULL = keep none */
    int fd;           /* -1 = not made yet */
    uint64_t n;
    /* The first one, for the message. */
    char first_file[DM_TEXT_FILE_MAX], first_reason[128];
    uint64_t first_line;
};

void dm_text_rejects_init(struct dm_text_rejects *r, const char *path);
/* `line` from 1; `columns` of the header. */
int dm_text_rejects_add(struct dm_text_rejects *r, const char *file, uint64_t line,
                        const struct dm_text_reject *reject, size_t columns, const uint8_t *record,
                        struct dm_text_err *reterr) dm_text_nodiscard;
/* Closes the file: a write that failed late is an error. */
int dm_text_rejects_close(struct dm_text_rejects *r, struct dm_text_err *reterr) dm_text_nodiscard;

#endif
