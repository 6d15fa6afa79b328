/* From the classifier's errors to ours. */
#include "task/text_error.h"

#include <errno.h>

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
