/*
 * Errors as values.
 *
 * A function that can fail returns 0 or a negative `enum dm_code` and must be checked.  Its outputs are
 * called `ret_…` and are touched only on success; its last parameter `struct dm_err *reterr` may be NULL
 * and is touched only on failure.  Buffers are inline and bounded, so reporting cannot fail.
 *
 *   return dm_err_set(reterr, DM_E_NOTFOUND, "no connection \"%s\"", id);
 *
 * Messages follow PostgreSQL's style: the message is lower case, without a full stop, and says what and
 * why ("could not" may work later, "cannot" never will); detail and hint are whole sentences.
 */
#ifndef DM_ERR_H
#define DM_ERR_H

#include <stdarg.h>
#include <stdbool.h>

enum dm_code_index {
    DM_I_OK = 0,
#define DM_ERROR(name, text, sqlstate, http, exit_code, retryable) DM_I_##name,
#include "base/err.def"
#undef DM_ERROR
    DM_I_COUNT
};

/* 0 is success, every error is negative. */
enum dm_code {
    DM_OK = 0,
#define DM_ERROR(name, text, sqlstate, http, exit_code, retryable) DM_E_##name = -DM_I_##name,
#include "base/err.def"
#undef DM_ERROR
};

enum {
    DM_ERR_MESSAGE_MAX = 2048,
    DM_ERR_DETAIL_MAX = 4096,
    DM_ERR_HINT_MAX = 1024,
    DM_ERR_FILE_MAX = 512
};

struct dm_err {
    int code;                   /* negative enum dm_code; 0 = nothing happened */
    char sqlstate[6];           /* "" = the one of the table */
    int sys_errno;              /* errno where one was involved, else 0 */
    int line, col;              /* of `file`, from 1; 0 = not known */
    int position;               /* of an SQL text, in characters from 1; 0 = not known */
    char file[DM_ERR_FILE_MAX]; /* relative to the project where it lies in it; "" = none */
    char message[DM_ERR_MESSAGE_MAX];
    char detail[DM_ERR_DETAIL_MAX]; /* may have several lines */
    char hint[DM_ERR_HINT_MAX];     /* what to do next */
};

#define dm_nodiscard __attribute__((warn_unused_result))
#define dm_printf(fmt, args) __attribute__((format(printf, fmt, args)))

/* Sets code and message and clears the rest; returns `code`, so that it can be returned. */
int dm_err_set(struct dm_err *reterr, int code, const char *fmt, ...) dm_printf(3, 4);
int dm_err_vset(struct dm_err *reterr, int code, const char *fmt, va_list ap) dm_printf(3, 0);
/* The same for a system call: appends strerror and chooses DISKFULL, PERMISSION, NOTFOUND or IO from errno. */
int dm_err_errno(struct dm_err *reterr, int sys_errno, const char *fmt, ...) dm_printf(3, 4);
/* Add to an error that is set; all return err's code (or the code given where err is NULL: 0). */
int dm_err_detail(struct dm_err *reterr, const char *fmt, ...) dm_printf(2, 3);
int dm_err_hint(struct dm_err *reterr, const char *fmt, ...) dm_printf(2, 3);
int dm_err_at(struct dm_err *reterr, const char *file, int line, int col);
/* Prepends context to the message: "loading DAG \"x\": …".  Returns err's code. */
int dm_err_wrap(struct dm_err *reterr, const char *fmt, ...) dm_printf(2, 3);

const char *dm_code_name(int code);     /* "NOTFOUND" */
const char *dm_code_text(int code);     /* "not found" */
const char *dm_code_sqlstate(int code); /* "42704" */
int dm_code_http(int code);
int dm_code_exit(int code);
bool dm_code_retryable(int code);
/* The code whose name this is, or DM_E_FAILED. */
int dm_code_from_name(const char *name);

/* Hands a failure up. */
#define DM_TRY(expr)             \
    do {                         \
        int dm_try_rc_ = (expr); \
        if (dm_try_rc_ < 0)      \
            return dm_try_rc_;   \
    } while (0)

/* A mistake of ours, never of the input: says where and aborts. */
#define DM_BUG(...) dm_bug(__FILE__, __LINE__, __VA_ARGS__)
#define DM_ASSERT(cond)                            \
    do {                                           \
        if (!(cond))                               \
            DM_BUG("assertion failed: %s", #cond); \
    } while (0)
_Noreturn void dm_bug(const char *file, int line, const char *fmt, ...) dm_printf(3, 4);

#endif
