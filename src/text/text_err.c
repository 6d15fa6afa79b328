/* The errors of text/. */
#include "text/text_err.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

__attribute__((format(printf, 4, 0))) static void fill(struct dm_text_err *err, int code,
                                                       int sys_errno, const char *fmt, va_list ap)
    __attribute__((format(printf, 4, 0)));
static void fill(struct dm_text_err *err, int code, int sys_errno, const char *fmt, va_list ap)
{
    *err = (struct dm_text_err){.code = code, .sys_errno = sys_errno};
    vsnprintf(err->message, sizeof(err->message), fmt, ap);
    size_t n = strlen(err->message);
    if (sys_errno)
        snprintf(err->message + n, sizeof(err->message) - n, ": %s", strerror(sys_errno));
}

int dm_text_fail(struct dm_text_err *reterr, int code, const char *fmt, ...)
{
    if (!reterr)
        return code;
    va_list ap;
    va_start(ap, fmt);
    fill(reterr, code, 0, fmt, ap);
    va_end(ap);
    return code;
}

int dm_text_fail_errno(struct dm_text_err *reterr, int sys_errno, const char *fmt, ...)
{
    if (!reterr)
        return DM_TEXT_E_IO;
    va_list ap;
    va_start(ap, fmt);
    fill(reterr, DM_TEXT_E_IO, sys_errno, fmt, ap);
    va_end(ap);
    return DM_TEXT_E_IO;
}

int dm_text_fail_at(struct dm_text_err *reterr, int code, const char *file, uint64_t line)
{
    if (!reterr)
        return code;
    if (file)
        snprintf(reterr->file, sizeof(reterr->file), "%s", file);
    reterr->line = line;
    return code;
}

const char *dm_text_code_name(int code)
{
    switch (code) {
#define DM_TEXT_ERROR(name, text) \
    case DM_TEXT_E_##name:        \
        return #name;
#include "text/text_err.def"
#undef DM_TEXT_ERROR
    }
    return "OK";
}
