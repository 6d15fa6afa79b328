/* Errors as values: the code table and the bounded writers. */
#include "base/err.h"

#include <errno.h>

struct code_info {
    const char *name, *text, *sqlstate;
    int http, exit_code;
    bool retryable;
};

static const struct code_info codes[DM_I_COUNT] = {
    [DM_I_OK] = {"OK", "ok", "00000", 200, 0, false},
#define DM_ERROR(name, text, sqlstate, http, exit_code, retryable) \
    [DM_I_##name] = {#name, text, sqlstate, http, exit_code, retryable},
#include "base/err.def"
#undef DM_ERROR
};

static const struct code_info *info(int code)
{
    if (code > 0 || code <= -DM_I_COUNT)
        return &codes[DM_I_FAILED];
    return &codes[-code];
}

const char *dm_code_name(int code)
{
    return info(code)->name;
}

const char *dm_code_text(int code)
{
    return info(code)->text;
}

const char *dm_code_sqlstate(int code)
{
    return info(code)->sqlstate;
}

int dm_code_http(int code)
{
    return info(code)->http;
}

int dm_code_exit(int code)
{
    return info(code)->exit_code;
}

bool dm_code_retryable(int code)
{
    return info(code)->retryable;
}

int dm_code_from_name(const char *name)
{
    for (int i = 0; i < DM_I_COUNT; i++)
        if (strcmp(codes[i].name, name) == 0)
            return -i;
    return DM_E_FAILED;
}

int dm_err_vset(struct dm_err *reterr, int code, const char *fmt, va_list ap)
{
    if (!reterr)
        return code;
    /* The arguments may point into *reterr itself, so the text is made before anything is cleared. */
    char message[DM_ERR_MESSAGE_MAX];
    vsnprintf(message, sizeof(message), fmt, ap);
    *reterr = (struct dm_err){.code = code};
    memcpy(reterr->message, message, sizeof(message));
    return code;
}

int dm_err_set(struct dm_err *reterr, int code, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    dm_err_vset(reterr, code, fmt, ap);
    va_end(ap);
    return code;
}

int dm_err_errno(struct dm_err *reterr, int sys_errno, const char *fmt, ...)
{
    int code = DM_E_IO;
    if (sys_errno == ENOSPC || sys_errno == EDQUOT)
        code = DM_E_DISKFULL;
    else if (sys_errno == EACCES || sys_errno == EPERM || sys_errno == EROFS)
        code = DM_E_PERMISSION;
    else if (sys_errno == ENOENT || sys_errno == ENOTDIR)
        code = DM_E_NOTFOUND;
    else if (sys_errno == EEXIST)
        code = DM_E_EXISTS;
    va_list ap;
    va_start(ap, fmt);
    dm_err_vset(reterr, code, fmt, ap);
    va_end(ap);
    if (reterr) {
        size_t n = strlen(reterr->message);
        snprintf(reterr->message + n, sizeof(reterr->message) - n, ": %s", strerror(sys_errno));
        reterr->sys_errno = sys_errno;
    }
    return code;
}

int dm_err_detail(struct dm_err *reterr, const char *fmt, ...)
{
    if (!reterr)
        return DM_E_FAILED;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(reterr->detail, sizeof(reterr->detail), fmt, ap);
    va_end(ap);
    return reterr->code;
}

int dm_err_hint(struct dm_err *reterr, const char *fmt, ...)
{
    if (!reterr)
        return DM_E_FAILED;
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(reterr->hint, sizeof(reterr->hint), fmt, ap);
    va_end(ap);
    return reterr->code;
}

int dm_err_at(struct dm_err *reterr, const char *file, int line, int col)
{
    if (!reterr)
        return DM_E_FAILED;
    snprintf(reterr->file, sizeof(reterr->file), "%s", file ? file : "");
    reterr->line = line;
    reterr->col = col;
    return reterr->code;
}

int dm_err_wrap(struct dm_err *reterr, const char *fmt, ...)
{
    if (!reterr)
        return DM_E_FAILED;
    char message[2 * DM_ERR_MESSAGE_MAX];
    va_list ap;
    va_start(ap, fmt);
    int n = vsnprintf(message, DM_ERR_MESSAGE_MAX, fmt, ap);
    va_end(ap);
    size_t len = n < 0 ? 0 : strlen(message);
    snprintf(message + len, sizeof(message) - len, ": %s", reterr->message);
    memcpy(reterr->message, message, sizeof(reterr->message) - 1);
    return reterr->code;
}

void dm_bug(const char *file, int line, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "daymill: bug at %s:%d: ", file, line);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    abort();
}
