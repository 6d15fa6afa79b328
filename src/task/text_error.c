/* From the classifier's errors to ours. */
#include "task/text_error.h"

#include <errno.h>

#include "base/str.h"

static int code_of(const struct dm_text_err *err)
{
    switch (err->code) {
    case DM_TEXT_E_USAGE:
        return DM_E_INVALID;
    case DM_TEXT_E_IO:
        if (err->sys_errno == ENOSPC || err->sys_errno == EDQUOT)
            return DM_E_DISKFULL;
        if (err->sys_errno == EACCES || err->sys_errno == EPERM || err->sys_errno == EROFS)
            return DM_E_PERMISSION;
        return err->sys_errno == ENOENT ? DM_E_NOTFOUND : DM_E_IO;
    case DM_TEXT_E_LIBRARY:
        return DM_E_LIBRARY;
    case DM_TEXT_E_LIMIT:
        return DM_E_LIMIT;
    case DM_TEXT_E_CANCELLED:
        return DM_E_CANCELLED;
    case DM_TEXT_E_CODEC:
        return DM_E_UNSUPPORTED;
    default: /* something about the bytes that were read */
        return DM_E_DATA;
    }
}

int dm_text_error(const struct dm_text_err *err, struct dm_err *reterr)
{
    int code = code_of(err);
    dm_err_set(reterr, code, "%s", err->message);
    if (reterr)
        reterr->sys_errno = err->sys_errno;
    if (err->file[0])
        dm_err_at(reterr, err->file, (int)err->line, 0);
    return code;
}

int dm_text_max_rejected(const char *text, const char *what, struct dm_classify_options *o,
                         struct dm_err *reterr)
{
    struct dm_str s = dm_str_c(text);
    int64_t count;
    double share;
    if (s.len && s.p[s.len - 1] == '%' && dm_str_to_f64(dm_str_sub(s, 0, s.len - 1), &share) &&
        share >= 0 && share <= 100) {
        o->max_rejected_share = share / 100;
        return 0;
    }
    if (!dm_str_to_i64(s, &count) || count < 0)
        return dm_err_set(reterr, DM_E_USAGE, "%s wants a number or a percentage, not \"%s\"", what,
                          text);
    o->max_rejected = (uint64_t)count;
    return 0;
}
