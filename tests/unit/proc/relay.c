/* proc/relay.h: lines of several on one output; one that nobody reads. */
#include "proc/relay.h"

#include <fcntl.h>
#include <signal.h>

#include "base/file.h"
#include "base/time.h"
#include "t.h"

static const char logged[] =
    "{\"ts\":\"2026-01-02T03:04:05Z\",\"level\":\"info\",\"comp\":\"scheduler\","
    "\"dag\":\"a b\",\"try\":2,\"msg\":\"queued\"}";

/* What comes out for some lines of "scheduler". */
static void relayed(bool json, const char *const *lines, struct dm_arena *a, const char **ret)
{
    int ends[2];
    struct dm_relay r;
    char *text = dm_arena_alloc(a, 1 << 16);
    T_INT(pipe2(ends, O_CLOEXEC), 0);
    dm_relay_init(&r, ends[1], json, false, 9);
    for (size_t i = 0; lines[i]; i++)
        dm_relay_line(&r, "scheduler", 0, dm_str_c(lines[i]), 0);
    dm_relay_finish(&r, DM_SEC);
    dm_relay_release(&r);
    close(ends[1]);
    ssize_t n = read(ends[0], text, (1 << 16) - 1);
    text[n > 0 ? n : 0] = '\0';
    close(ends[0]);
    *ret = text;
}

static void a_terminal_gets_prefixed_lines(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *out;
    relayed(false, (const char *const[]){logged, "printf \033[2J\tof a library", "{broken", NULL},
            &a, &out);
    T_STR(out, "scheduler | ts=2026-01-02T03:04:05Z level=info dag=\"a b\" try=2 msg=queued\n"
               "scheduler | printf ?[2J\tof a library\n"
               "scheduler | {broken\n");
}

static void everybody_else_gets_json(void)
{
    _cleanup_arena_ struct dm_arena a = {0};
    const char *out;
    relayed(true, (const char *const[]){logged, "a \"library\"", "{broken", NULL}, &a, &out);
    T_STR(out, dm_arena_printf(
                   &a,
                   "%s\n"
                   "{\"ts\":\"1970-01-01T00:00:00Z\",\"level\":\"info\",\"comp\":\"scheduler\","
                   "\"msg\":\"a \\\"library\\\"\"}\n"
                   "{\"ts\":\"1970-01-01T00:00:00Z\",\"level\":\"info\",\"comp\":\"scheduler\","
                   "\"msg\":\"{broken\"}\n",
                   logged));
}

static void an_output_that_nobody_reads_stops_nobody(void)
{
    int ends[2];
    struct dm_relay r;
    size_t all = 0, lines = 0;
    static char text[1 << 16];
    struct dm_str line = dm_str_n(text, 4096);
    memset(text, 'x', sizeof(text));
    T_INT(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    T_INT(fcntl(ends[1], F_SETFL, 0), 0);
    dm_relay_init(&r, ends[1], false, false, 1);
    for (int i = 0; i < 1000; i++) {
        dm_relay_line(&r, "a", 0, line, 0);
        dm_relay_flush(&r);
    }
    T_OK(r.dropped > 0);
    uint64_t dropped = r.dropped;
    T_OK(r.out.len <= DM_RELAY_BUFFER);
    /* Somebody reads again: whole lines, then how many are missing. */
    char tail[64] = "";
    for (;;) {
        ssize_t n = read(ends[0], text, sizeof(text) - 1);
        if (n < 0 && !dm_relay_waits(&r))
            break;
        if (n > 0) {
            all += (size_t)n;
            for (ssize_t i = 0; i < n; i++)
                lines += text[i] == '\n';
            text[n] = '\0';
            snprintf(tail, sizeof(tail), "%.60s", n > 60 ? text + n - 60 : text);
        }
        dm_relay_flush(&r);
    }
    T_INT(lines + dropped, 1000 + 1);
    T_HAS(tail, "lines were dropped: the output was not read\n");
    T_OK(all > 1 << 20);
    dm_relay_release(&r);
    close(ends[0]);
    close(ends[1]);
}

static void an_output_that_is_gone_is_forgotten(void)
{
    int ends[2];
    struct dm_relay r;
    T_INT(pipe2(ends, O_CLOEXEC), 0);
    close(ends[0]);
    dm_relay_init(&r, ends[1], false, false, 1);
    for (int i = 0; i < 3; i++) {
        dm_relay_line(&r, "a", 0, DM_STR("x"), 0);
        dm_relay_flush(&r);
        T_OK(!dm_relay_waits(&r));
    }
    T_OK(r.gone);
    dm_relay_release(&r);
    close(ends[1]);
}

int main(void)
{
    static const struct t_case cases[] = {T_CASE(a_terminal_gets_prefixed_lines),
                                          T_CASE(everybody_else_gets_json),
                                          T_CASE(an_output_that_nobody_reads_stops_nobody),
                                          T_CASE(an_output_that_is_gone_is_forgotten)};
    signal(SIGPIPE, SIG_IGN); /* as the program does */
    return t_run(cases, sizeof(cases) / sizeof(cases[0]));
}
