/* The reject file. */
#include "text/rejects.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

void dm_text_rejects_init(struct dm_text_rejects *r, const char *path)
{
    *r = (struct dm_text_rejects){.path = path, .fd = -1};
}

static int write_all(struct dm_text_rejects *r, const uint8_t *p, size_t n,
                     struct dm_text_err *reterr)
{
    while (n) {
        ssize_t done = write(r->fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done < 0)
            return dm_text_fail_errno(reterr, errno, "could not write the reject file \"%s\"",
                                      r->path);
        p += done;
        n -= (size_t)done;
    }
    return 0;
}

static void add_quoted(struct dm_text_bytes *b, const void *p, size_t n)
{
    const uint8_t *s = p;
    dm_text_bytes_addc(b, '"');
    for (size_t i = 0; i < n; i++) {
        if (s[i] == '"')
            dm_text_bytes_addc(b, '"');
        dm_text_bytes_addc(b, s[i]);
    }
    dm_text_bytes_addc(b, '"');
}

static int open_file(struct dm_text_rejects *r, struct dm_text_err *reterr)
{
    static const char header[] = "file,line,reason,record\n";
    r->fd = open(r->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (r->fd < 0)
        return dm_text_fail_errno(reterr, errno, "could not create the reject file \"%s\"",
                                  r->path);
    return write_all(r, (const uint8_t *)header, sizeof(header) - 1, reterr);
}

int dm_text_rejects_add(struct dm_text_rejects *r, const char *file, uint64_t line,
                        const struct dm_text_reject *reject, size_t columns, const uint8_t *record,
                        struct dm_text_err *reterr)
{
    char reason[128], number[32];
    if (reject->reason == DM_TEXT_FIELD_COUNT)
        snprintf(reason, sizeof(reason), "%s (%" PRIu32 " instead of %zu)",
                 dm_text_reason_text(reject->reason), reject->fields, columns);
    else
        snprintf(reason, sizeof(reason), "%s", dm_text_reason_text(reject->reason));
    if (!r->n++) {
        snprintf(r->first_file, sizeof(r->first_file), "%s", file);
        snprintf(r->first_reason, sizeof(r->first_reason), "%s", reason);
        r->first_line = line;
    }
    if (!r->path)
        return 0;
    if (r->fd < 0)
        DM_TEXT_TRY(open_file(r, reterr));
    size_t len = reject->len;
    if (len && record[len - 1] == '\n')
        len--;
    if (len && record[len - 1] == '\r')
        len--;
    struct dm_text_bytes b = {0};
    add_quoted(&b, file, strlen(file));
    int n = snprintf(number, sizeof(number), ",%" PRIu64 ",", line);
    dm_text_bytes_add(&b, number, (size_t)n);
    add_quoted(&b, reason, strlen(reason));
    dm_text_bytes_addc(&b, ',');
    add_quoted(&b, record, len);
    dm_text_bytes_addc(&b, '\n');
    int rc = write_all(r, b.p, b.len, reterr);
    dm_text_bytes_release(&b);
    return rc;
}

int dm_text_rejects_close(struct dm_text_rejects *r, struct dm_text_err *reterr)
{
    int fd = r->fd;
    r->fd = -1;
    if (fd >= 0 && close(fd) < 0)
        return dm_text_fail_errno(reterr, errno, "could not write the reject file \"%s\"", r->path);
    return 0;
}
