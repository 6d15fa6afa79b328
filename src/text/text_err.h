/*
 * The errors of text/, as values.  This folder is also a library of its own, so it knows nothing of base/: its
 * callers turn these into errors of the program.
 *
 * A function that can fail returns 0 or a negative `enum dm_text_code`; `reterr` may be NULL and is touched only
 * on failure.
 */
#ifndef DM_TEXT_ERR_H
#define DM_TEXT_ERR_H

#include <stdint.h>

#define dm_text_nodiscard __attribute__((warn_unused_result))

enum dm_text_code_index {
    DM_TEXT_I_OK = 0,
#define DM_TEXT_ERROR(name, text) DM_TEXT_I_##name,
#include "text/text_err.def"
#undef DM_TEXT_ERROR
};

enum dm_text_code {
    DM_TEXT_OK = 0,
#define DM_TEXT_ERROR(name, text) DM_TEXT_E_##name = -DM_TEXT_I_##name,
#include "text/text_err.def"
#undef DM_TEXT_ERROR
};

enum { DM_TEXT_FILE_MAX = 512, DM_TEXT_MESSAGE_MAX = 1024 };

struct dm_text_err {
    int code;                    /* negative enum dm_text_code; 0 = nothing happened */
    int sys_errno;               /* where a system call failed, else 0 */
    uint64_t line;               /* of `file`, from 1; 0 = not known */
    char file[DM_TEXT_FILE_MAX]; /* as the caller named it; "" = none */
    char message[DM_TEXT_MESSAGE_MAX];
};

/* Sets the error and returns `code`. */
int dm_text_fail(struct dm_text_err *reterr, int code, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* The same for a failed system call: appends what errno means; returns DM_TEXT_E_IO. */
int dm_text_fail_errno(struct dm_text_err *reterr, int sys_errno, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* Says where; returns the error's code. */
int dm_text_fail_at(struct dm_text_err *reterr, int code, const char *file, uint64_t line);
/* "NULL_REVIEW" */
const char *dm_text_code_name(int code);

/* Hands a failure up. */
#define DM_TEXT_TRY(expr)     \
    do {                      \
        int try_rc_ = (expr); \
        if (try_rc_ < 0)      \
            return try_rc_;   \
    } while (0)

#endif
