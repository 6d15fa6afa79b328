/* Reading an input. */
#include "text/source.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

static ssize_t read_raw(void *arg, uint8_t *p, size_t n, struct dm_text_err *reterr)
{
    struct dm_text_source *s = arg;
    for (;;) {
        ssize_t got = read(s->fd, p, n);
        if (got >= 0) {
            s->raw_bytes += (uint64_t)got;
            return got;
        }
        if (errno != EINTR)
            return dm_text_fail_errno(reterr, errno, "could not read \"%s\"", s->name);
    }
}

int dm_text_source_open(struct dm_text_source *s, const char *path, struct dm_text_err *reterr)
{
    *s = (struct dm_text_source){.name = path, .fd = -1};
    s->fd = open(path, O_RDONLY | O_CLOEXEC);
    if (s->fd < 0)
        return dm_text_fail_errno(reterr, errno, "could not open \"%s\"", path);
    s->close = true;
    posix_fadvise(s->fd, 0, 0, POSIX_FADV_SEQUENTIAL);
    int rc = dm_codec_open(path, read_raw, s, &s->codec, reterr);
    if (rc < 0)
        dm_text_source_close(s);
    return rc;
}

void dm_text_source_from_fd(struct dm_text_source *s, const char *name, int fd)
{
    *s = (struct dm_text_source){.name = name, .fd = fd};
}

ssize_t dm_text_source_read(struct dm_text_source *s, uint8_t *p, size_t n,
                            struct dm_text_err *reterr)
{
    size_t have = 0;
    while (have < n) {
        ssize_t got = s->codec ? dm_codec_read(s->codec, p + have, n - have, reterr)
                               : read_raw(s, p + have, n - have, reterr);
        if (got < 0 && !have)
            return got;
        if (got <= 0) /* an error waits for the next call, which will meet it again */
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}

void dm_text_source_close(struct dm_text_source *s)
{
    dm_codec_free(s->codec);
    if (s->close && s->fd >= 0)
        close(s->fd);
    *s = (struct dm_text_source){.fd = -1};
}

/* ---- .NAME.crc: "crc\0", bytes per sum, one CRC-32 per so many bytes, big-endian ---- */

enum { CRC_HEADER = 8, CRC_CHUNK_MAX = 1 << 20 };

static uint32_t crc32_of(const uint8_t *p, size_t n)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (0xEDB88320 & (0 - (crc & 1)));
    }
    return ~crc;
}

static uint32_t big_endian(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static int compare_sums(struct dm_text_source *file, struct dm_text_source *sums, size_t chunk,
                        struct dm_text_err *reterr)
{
    struct dm_text_bytes b = {0};
    uint8_t sum[4];
    int rc = 0;
    for (uint64_t at = 0;; at += chunk) {
        ssize_t n = dm_text_source_read(file, dm_text_bytes_room(&b, chunk), chunk, reterr);
        ssize_t k = n > 0 ? dm_text_source_read(sums, sum, sizeof(sum), reterr) : 0;
        if (n <= 0 || k < 0) {
            rc = n < 0 ? (int)n : (int)k;
            break;
        }
        if (k < (ssize_t)sizeof(sum) || big_endian(sum) != crc32_of(b.p, (size_t)n)) {
            rc = dm_text_fail(reterr, DM_TEXT_E_CHECKSUM,
                              "the checksum file of \"%s\" does not match it at byte %llu",
                              file->name, (unsigned long long)at);
            break;
        }
    }
    dm_text_bytes_release(&b);
    return rc;
}

int dm_text_check_crc(const char *path, struct dm_text_err *reterr)
{
    char name[PATH_MAX];
    const char *slash = strrchr(path, '/');
    size_t dir = slash ? (size_t)(slash - path) + 1 : 0;
    if (snprintf(name, sizeof(name), "%.*s.%s.crc", (int)dir, path, path + dir) >=
        (int)sizeof(name))
        return 0;
    struct dm_text_source file, sums = {.name = name};
    sums.fd = open(name, O_RDONLY | O_CLOEXEC);
    if (sums.fd < 0)
        return 0; /* none, or unreadable: Hadoop goes on without */
    sums.close = true;
    uint8_t header[CRC_HEADER];
    int rc = 0;
    if (dm_text_source_read(&sums, header, sizeof(header), NULL) == CRC_HEADER &&
        memcmp(header, "crc", 4) == 0) {
        uint32_t chunk = big_endian(header + 4);
        file = (struct dm_text_source){.name = path, .fd = open(path, O_RDONLY | O_CLOEXEC)};
        file.close = true;
        if (file.fd < 0)
            rc = dm_text_fail_errno(reterr, errno, "could not open \"%s\"", path);
        else if (chunk && chunk <= CRC_CHUNK_MAX)
            rc = compare_sums(&file, &sums, chunk, reterr);
        dm_text_source_close(&file);
    }
    dm_text_source_close(&sums);
    return rc;
}
