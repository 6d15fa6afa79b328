/* A log that grows too large keeps its beginning and its end, while others write. */
#include "task/log_cap.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/stat.h>

#include "base/file.h"
#include "t.h"

enum { MAX = 1 << 20 };

static struct dm_arena arena;
static char path[40];
static struct dm_log_cap cap;
static struct dm_err err;

static int open_log(int flags)
{
    snprintf(path, sizeof(path), "/tmp/dm-log-XXXXXX");
    close(mkstemp(path));
    int fd = open(path, O_WRONLY | O_CLOEXEC | flags);
    dm_log_cap_init(&cap, fd, MAX);
    return fd;
}

static void close_log(int fd)
{
    close(fd);
    unlink(path);
    dm_arena_reset(&arena);
}

static void write_lines(int fd, int from, int to)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    dm_strbuf_init(&b, DM_BUF_FRAME);
    for (int i = from; i < to; i++)
        dm_strbuf_addf(&b, "line %08d\n", i);
    T_TRY(dm_write_all(fd, b.p, b.len, &err), err);
}

static struct dm_str text(void)
{
    struct dm_str s = DM_STR("");
    if (dm_file_read(&arena, path, DM_BUF_FRAME, &s, &err) < 0)
        DM_BUG("%s", err.message);
    return s;
}

/* Every line is one that was written, in order, and the one mark says how many bytes are not there. */
static void is_whole(int first, int last, int64_t written)
{
    struct dm_str all = text(), rest = all, line;
    long long n, left_out = 0, before = first - 1, marks = 0, mark_len = 0;
    T_OK(all.len <= MAX);
    while (dm_str_split(&rest, '\n', &line)) {
        const char *s = dm_str_cstr(&arena, line);
        if (sscanf(s, "line %8lld", &n) == 1 && line.len == 13) {
            T_OK(n > before);
            T_OK(n == before + 1 || marks);
            before = n;
        } else if (sscanf(s, "... %lld bytes are left out", &left_out) == 1) {
            marks++;
            mark_len = (long long)line.len + 1;
        } else if (line.len) {
            t_fail(__FILE__, __LINE__, "a line that nobody wrote: %s", s);
        }
    }
    T_INT(before, last);
    T_INT(marks, 1);
    T_INT((long long)all.len - mark_len + left_out, written);
}

static void the_beginning_and_the_end_are_kept(void)
{
    int fd = open_log(O_APPEND);
    write_lines(fd, 0, 10000);
    dm_log_cap_look(&cap);
    T_INT(text().len, 140000);
    write_lines(fd, 10000, 300000);
    dm_log_cap_look(&cap);
    is_whole(0, 299999, 300000 * 14);
    T_OK(text().len > MAX / 3);
    /* And again: one mark, which counts both. */
    write_lines(fd, 300000, 400000);
    dm_log_cap_look(&cap);
    is_whole(0, 399999, 400000 * 14);
    write_lines(fd, 400000, 400010);
    dm_log_cap_look(&cap);
    is_whole(0, 400009, 400010 * 14);
    close_log(fd);
}

static void a_line_without_an_end_is_cut(void)
{
    int fd = open_log(O_APPEND);
    char *x = dm_arena_alloc(&arena, 3 * MAX);
    memset(x, 'x', 3 * MAX);
    T_TRY(dm_write_all(fd, x, 3 * MAX, &err), err);
    dm_log_cap_look(&cap);
    struct dm_str s = text();
    T_OK(s.len < MAX);
    T_OK(dm_str_find(s, DM_STR("bytes are left out here"), 0) > 0);
    T_OK(dm_str_ends(s, DM_STR("xxx")));
    close_log(fd);
}

static atomic_bool written;

static void *write_much(void *fd)
{
    for (int i = 0; i < 600; i++)
        write_lines(*(int *)fd, i * 1000, (i + 1) * 1000);
    atomic_store(&written, true);
    return NULL;
}

static void others_write_meanwhile(void)
{
    int fd = open_log(O_APPEND);
    pthread_t thread;
    T_INT(pthread_create(&thread, NULL, write_much, &fd), 0);
    while (!atomic_load(&written)) {
        dm_log_cap_look(&cap);
        usleep(1000);
    }
    pthread_join(thread, NULL);
    write_lines(fd, 600000, 600001);
    dm_log_cap_look(&cap);
    struct dm_str s = text();
    T_OK(s.len <= MAX);
    T_OK(dm_str_starts(s, DM_STR("line 00000000\nline 00000001\n")));
    T_OK(dm_str_ends(s, DM_STR("line 00600000\n")));
    close_log(fd);
}

static void what_is_no_log_is_left_alone(void)
{
    int fd = open_log(0);
    T_INT(cap.fd, -1);
    write_lines(fd, 0, 100000);
    dm_log_cap_look(&cap);
    T_INT(text().len, 1400000);
    close_log(fd);
    int pair[2];
    T_INT(pipe2(pair, O_CLOEXEC), 0);
    dm_log_cap_init(&cap, pair[1], MAX);
    T_INT(cap.fd, -1);
    close(pair[0]);
    close(pair[1]);
}

T_MAIN(T_CASE(the_beginning_and_the_end_are_kept), T_CASE(a_line_without_an_end_is_cut),
       T_CASE(others_write_meanwhile), T_CASE(what_is_no_log_is_left_alone))
