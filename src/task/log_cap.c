/* Shortening a log that others append to. */
#include "task/log_cap.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "base/file.h"

enum {
    KEEP_MAX =
        16
        << 20, /* of the beginning and of the end, each; a quarter of the limit where that is less */
    ROOM = 1 << 20,        /* for what is written while the end is read */
    LINE_SEARCHED = 65536, /* where no line ends within that, a line is cut */
    MARK_MAX = 160
};

void dm_log_cap_init(struct dm_log_cap *c, int fd, int64_t max)
{
    struct stat st;
    int flags = fcntl(fd, F_GETFL);
    bool ours = flags >= 0 && (flags & O_APPEND) && fstat(fd, &st) == 0 && S_ISREG(st.st_mode);
    *c = (struct dm_log_cap){.fd = ours ? fd : -1, .max = max};
}

/* The log is open for writing only. */
static int open_again(int fd)
{
    char path[32];
    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    return open(path, O_RDONLY | O_CLOEXEC);
}

/* Where the last line before `at` ends. */
static int64_t line_end_before(int fd, int64_t at)
{
    char buf[4096];
    for (int64_t end = at; end > 0 && at - end < LINE_SEARCHED;) {
        int64_t from = end > (int64_t)sizeof(buf) ? end - (int64_t)sizeof(buf) : 0;
        ssize_t n = pread(fd, buf, (size_t)(end - from), from);
        for (ssize_t i = n; i > 0; i--)
            if (buf[i - 1] == '\n')
                return from + i;
        end = from;
    }
    return at;
}

/* From `from` to the end, as far as there is room. */
static size_t read_end(int fd, int64_t from, char *to, size_t size)
{
    size_t len = 0;
    while (len < size) {
        ssize_t n = pread(fd, to + len, size - len, from + (int64_t)len);
        if (n <= 0)
            break;
        len += (size_t)n;
    }
    return len;
}

static void shorten(struct dm_log_cap *c, int in, int64_t size)
{
    int64_t keep = c->max / 4 < KEEP_MAX ? c->max / 4 : KEEP_MAX;
    int64_t head = c->head ? c->head : line_end_before(in, keep);
    char mark[MARK_MAX];
    struct stat st;
    _cleanup_free_ char *tail = dm_malloc((size_t)keep + ROOM);
    size_t len = read_end(in, size - keep, tail, (size_t)keep + ROOM), skip = 0;
    const char *line = memchr(tail, '\n', len < LINE_SEARCHED ? len : LINE_SEARCHED);
    if (line)
        skip = (size_t)(line + 1 - tail);
    /* Between this and the truncation others may add a little more: it is left out, and counted as far as it is seen. */
    if (fstat(c->fd, &st) < 0 || ftruncate(c->fd, head) < 0)
        return;
    c->left_out += st.st_size - head - c->mark - (int64_t)(len - skip);
    int n = snprintf(mark, sizeof(mark),
                     "... %lld bytes are left out here: the log was larger than logs.max_bytes "
                     "(%lld) ...\n",
                     (long long)c->left_out, (long long)c->max);
    c->head = head;
    c->mark = n;
    if (dm_write_all(c->fd, mark, (size_t)n, NULL) == 0 &&
        dm_write_all(c->fd, tail + skip, len - skip, NULL) < 0)
        return; /* the disk is full: what is there says that something is left out */
}

void dm_log_cap_look(struct dm_log_cap *c)
{
    struct stat st;
    if (c->fd < 0 || fstat(c->fd, &st) < 0 || st.st_size <= c->max)
        return;
    _cleanup_close_ int in = open_again(c->fd);
    if (in >= 0)
        shorten(c, in, st.st_size);
}
