/* Frames cut anywhere, children with nothing but their own descriptors, leases that outlive the parent. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>

#include "base/clock.h"
#include "base/file.h"
#include "base/rng.h"
#include "base/time.h"
#include "proc/lease.h"
#include "proc/spawn.h"
#include "proc/wire.h"
#include "t.h"

static void frames_survive_any_cut(void)
{
    _cleanup_strbuf_ struct dm_strbuf b;
    struct dm_frame f;
    size_t used;
    struct dm_err err;
    dm_strbuf_init(&b, DM_BUF_FRAME);
    dm_frame_encode(&b, DM_WIRE_XCOM, DM_STR("{\"key\":1}"));
    dm_frame_encode(&b, DM_WIRE_STARTED, DM_STR(""));
    size_t first = 5 + 9;
    for (size_t n = 0; n < first; n++)
        T_INT(dm_frame_decode(dm_str_n(b.p, n), &f, &used, &err), 0);
    for (size_t n = first; n <= b.len; n++) {
        T_INT(dm_frame_decode(dm_str_n(b.p, n), &f, &used, &err), 1);
        T_INT(f.kind, DM_WIRE_XCOM);
        T_DMSTR(f.body, "{\"key\":1}");
        T_INT(used, first);
    }
    T_INT(dm_frame_decode(dm_str_n(b.p + first, b.len - first), &f, &used, &err), 1);
    T_INT(f.kind, DM_WIRE_STARTED);
    T_INT(f.body.len, 0);
}

static void bad_frames_are_refused_early(void)
{
    struct dm_frame f;
    size_t used;
    struct dm_err err;
    T_INT(dm_frame_decode(dm_str_n("\0\0\0\0R", 5), &f, &used, &err), DM_E_DATA);
    T_INT(dm_frame_decode(dm_str_n("\0\0\0\2!", 5), &f, &used, &err), DM_E_DATA);
    T_INT(dm_frame_decode(dm_str_n("\377\0\0\0R", 5), &f, &used, &err), DM_E_LIMIT);
    T_HAS(err.message, "DM_BUF_FRAME");
}

static void random_bytes_are_never_misread(void)
{
    struct dm_rng r = {7};
    for (int i = 0; i < 20000; i++) {
        char bytes[64];
        size_t n = dm_rng_below(&r, sizeof(bytes)), used = 0;
        for (size_t j = 0; j < n; j++)
            bytes[j] = (char)(j < 3 ? 0 : dm_rng_next(&r));
        struct dm_frame f;
        if (dm_frame_decode(dm_str_n(bytes, n), &f, &used, NULL) == 1)
            T_OK(used <= n && f.body.p + f.body.len == bytes + used);
    }
}

/* ---- children ---- */

static int run_shell(const char *script, int lease, struct dm_str *ret_out, struct dm_arena *a,
                     struct dm_child_end *end)
{
    char path[] = "/tmp/dm-proc-out-XXXXXX";
    struct dm_err err;
    struct dm_child c;
    int out = mkstemp(path);
    struct dm_spawn s = {.program = "/bin/sh",
                         .argv = (const char *const[]){"sh", "-c", script, NULL},
                         .out_fd = out,
                         .lease_fd = lease};
    int rc = dm_spawn(&s, &c, &err);
    if (rc == 0) {
        struct pollfd p = {.fd = c.pid_fd, .events = POLLIN};
        poll(&p, 1, -1);
        rc = dm_child_reap(&c, end, &err);
        close(c.fd);
    }
    if (rc == 0)
        rc = dm_file_read(a, path, DM_BUF_TEXT, ret_out, &err);
    close(out);
    unlink(path);
    if (rc < 0)
        t_fail(__FILE__, __LINE__, "%s", err.message);
    return rc;
}

static void a_child_has_only_its_own_descriptors(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_str out;
    struct dm_child_end end;
    int lease = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (run_shell("ls /proc/$$/fd", lease, &out, &a, &end) < 0)
        return;
    T_DMSTR(out, "0\n1\n2\n3\n4\n");
    if (run_shell("ps -o pgid= -p $$ | tr -d ' '; echo $$", lease, &out, &a, &end) < 0)
        return;
    T_INT(end.exit_status, 0);
    struct dm_str pgid, pid;
    T_OK(dm_str_split(&out, '\n', &pgid) && dm_str_split(&out, '\n', &pid));
    T_DMSTR(pgid, dm_str_cstr(&a, pid));
    close(lease);
}

static void a_missing_program_is_an_error_of_spawn(void)
{
    struct dm_err err;
    struct dm_child c;
    struct dm_spawn s = {.program = "/nowhere/daymill",
                         .argv = (const char *const[]){"daymill", NULL},
                         .out_fd = STDERR_FILENO,
                         .lease_fd = -1};
    T_OK(dm_spawn(&s, &c, &err) < 0);
    T_HAS(err.message, "/nowhere/daymill");
}

static void a_signal_is_told_apart_from_a_status(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    struct dm_str out;
    struct dm_child_end end;
    if (run_shell("kill -9 $$", -1, &out, &a, &end) < 0)
        return;
    T_INT(end.signal, SIGKILL);
    T_INT(end.exit_status, 128 + SIGKILL);
}

/* ---- leases ---- */

static char dir[] = "/tmp/dm-proc-XXXXXX";

static void a_lease_is_held_by_descendants(void)
{
    struct dm_err err;
    struct dm_child c;
    int lease = -1;
    T_OK(mkdtemp(dir));
    T_INT(dm_lease_held(dir, 7, &err), 0);
    T_TRY(dm_lease_take(dir, 7, NULL, &lease, &err), err);
    /* A grandchild leaves the process group and the child ends: only the lease tells. */
    struct dm_spawn s = {.program = "/bin/sh",
                         .argv =
                             (const char *const[]){"sh", "-c", "setsid sleep 100 & exit 0", NULL},
                         .out_fd = STDERR_FILENO,
                         .lease_fd = lease};
    T_TRY(dm_spawn(&s, &c, &err), err);
    close(lease);
    struct pollfd p = {.fd = c.pid_fd, .events = POLLIN};
    poll(&p, 1, -1);
    T_INT(dm_lease_held(dir, 7, &err), 1);
    T_INT(dm_lease_end(dir, 7, c.pid, c.start, 10 * DM_SEC, &err), 1);
    T_INT(dm_lease_held(dir, 7, &err), 0);
    struct dm_child_end end;
    T_TRY(dm_child_reap(&c, &end, &err), err);
    close(c.fd);
    T_TRY(dm_remove_tree(dir, &err), err);
}

static size_t files_of(const char *folder)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *const *names;
    size_t n = 0;
    return dm_list_dir(&a, folder, &names, &n, NULL) < 0 ? SIZE_MAX : n;
}

static void lease_files_are_used_again(void)
{
    char folder[] = "/tmp/dm-proc-XXXXXX";
    struct dm_leases kept = {0};
    struct dm_err err;
    int one = -1, two = -1, three = -1;
    T_OK(mkdtemp(folder));
    T_TRY(dm_lease_take(folder, 1, &kept, &one, &err), err);
    close(one);
    dm_lease_remove(folder, 1, &kept);
    T_INT(dm_lease_held(folder, 1, &err), 0);
    T_TRY(dm_lease_take(folder, 2, &kept, &two, &err), err);
    T_INT(files_of(folder), 1);
    T_INT(dm_lease_held(folder, 2, &err), 1);
    /* What an attempt left behind still holds the file: the next one gets another. */
    dm_lease_remove(folder, 2, &kept);
    T_TRY(dm_lease_take(folder, 3, &kept, &three, &err), err);
    close(two);
    T_INT(dm_lease_held(folder, 3, &err), 1);
    T_INT(files_of(folder), 1);
    dm_lease_sweep(folder);
    T_INT(files_of(folder), 1);
    close(three);
    dm_lease_sweep(folder);
    T_INT(files_of(folder), 0);
    T_TRY(dm_remove_tree(folder, &err), err);
}

static void a_start_time_names_a_process(void)
{
    T_OK(dm_process_start(getpid()) > 0);
    T_INT(dm_process_start(0x7ffffff0), 0);
}

T_MAIN(T_CASE(frames_survive_any_cut), T_CASE(bad_frames_are_refused_early),
       T_CASE(random_bytes_are_never_misread), T_CASE(a_child_has_only_its_own_descriptors),
       T_CASE(a_missing_program_is_an_error_of_spawn), T_CASE(a_signal_is_told_apart_from_a_status),
       T_CASE(a_lease_is_held_by_descendants), T_CASE(lease_files_are_used_again),
       T_CASE(a_start_time_names_a_process))
