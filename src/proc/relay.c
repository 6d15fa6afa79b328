/* Lines of several processes on one output. */
#include "proc/relay.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/time.h"
#include "lang/value.h"

void dm_relay_init(struct dm_relay *r, int fd, bool json, bool color, int name_width)
{
    *r = (struct dm_relay){.fd = fd, .json = json, .color = color, .name_width = name_width};
    dm_strbuf_init(&r->out, DM_RELAY_BUFFER);
}

void dm_relay_release(struct dm_relay *r)
{
    dm_strbuf_release(&r->out);
}

/* A line of base/log; NULL where it is something else. */
static const struct dm_value *as_log(struct dm_arena *a, struct dm_str line)
{
    struct dm_value *v;
    if (line.len < 2 || line.p[0] != '{' || dm_value_from_json(a, line, &v, NULL) < 0)
        return NULL;
    return v;
}

static void add_json(struct dm_strbuf *b, struct dm_arena *a, const char *name, struct dm_str line,
                     int64_t now)
{
    char ts[DM_TIME_MAX];
    if (as_log(a, line)) {
        dm_strbuf_addstr(b, line);
        return;
    }
    dm_strbuf_addf(b, "{\"ts\":\"%s\",\"level\":\"info\"", dm_time_isoz(now, ts));
    dm_log_add_field(b, true, "comp", name);
    dm_log_add_field(b, true, "msg", dm_str_cstr(a, line));
    dm_strbuf_addc(b, '}');
}

/* The name before the line says what `comp` would. */
static void add_fields(struct dm_strbuf *b, struct dm_arena *a, const char *name,
                       const struct dm_value *fields)
{
    for (size_t i = 0; i < fields->map.n; i++) {
        const struct dm_value *key = fields->map.pairs[i].key, *v = fields->map.pairs[i].value;
        struct dm_str text = v->kind == DM_STRING ? v->s : dm_value_json(a, v);
        if (!dm_str_is(key->s, "comp") || !dm_str_is(text, name))
            dm_log_add_field(b, false, dm_str_cstr(a, key->s), dm_str_cstr(a, text));
    }
}

/* What a terminal would obey is not passed on. */
static void add_plain(struct dm_strbuf *b, struct dm_str line)
{
    dm_strbuf_addc(b, ' ');
    for (size_t i = 0; i < line.len; i++)
        dm_strbuf_addc(b, (unsigned char)line.p[i] < ' ' && line.p[i] != '\t' ? '?' : line.p[i]);
}

static void add_prefixed(const struct dm_relay *r, struct dm_strbuf *b, struct dm_arena *a,
                         const char *name, size_t index, struct dm_str line)
{
    static const int colors[] = {36, 33, 35, 32, 34};
    const struct dm_value *fields = as_log(a, line);
    if (r->color)
        dm_strbuf_addf(b, "\033[%dm", colors[index % (sizeof(colors) / sizeof(colors[0]))]);
    dm_strbuf_addf(b, "%-*s |%s", r->name_width, name, r->color ? "\033[0m" : "");
    if (fields)
        add_fields(b, a, name, fields);
    else
        add_plain(b, line);
}

/* All of it or nothing. */
static void add(struct dm_relay *r, struct dm_str text)
{
    if (r->gone)
        return;
    if (r->out.len + text.len > DM_RELAY_BUFFER)
        r->dropped++;
    else
        dm_strbuf_addstr(&r->out, text);
}

void dm_relay_line(struct dm_relay *r, const char *name, size_t index, struct dm_str line,
                   int64_t now)
{
    _cleanup_arena_ struct dm_arena a = {0};
    _cleanup_strbuf_ struct dm_strbuf b;
    /* A byte of the line may become six of JSON. */
    dm_strbuf_init(&b, DM_BUF_MESSAGE + 8 * DM_RELAY_LINE_MAX);
    if (line.len && line.p[line.len - 1] == '\r')
        line.len--;
    if (r->json)
        add_json(&b, &a, name, line, now);
    else
        add_prefixed(r, &b, &a, name, index, line);
    dm_strbuf_addc(&b, '\n');
    add(r, dm_strbuf_str(&b));
}

void dm_relay_text(struct dm_relay *r, struct dm_str text)
{
    add(r, text);
}

bool dm_relay_waits(const struct dm_relay *r)
{
    return r->written < r->out.len;
}

static bool takes_now(const struct dm_relay *r, int timeout_ms)
{
    struct pollfd p = {.fd = r->fd, .events = POLLOUT};
    return poll(&p, 1, timeout_ms) > 0;
}

static void say_dropped(struct dm_relay *r)
{
    char ts[DM_TIME_MAX];
    unsigned long long n = r->dropped;
    r->dropped = 0;
    if (r->json)
        dm_strbuf_addf(&r->out,
                       "{\"ts\":\"%s\",\"level\":\"warn\",\"comp\":\"relay\",\"msg\":\"%llu lines "
                       "were dropped: the output was not read\"}\n",
                       dm_time_isoz(dm_clock_now(), ts), n);
    else
        dm_strbuf_addf(&r->out, "%llu lines were dropped: the output was not read\n", n);
}

static void all_written(struct dm_relay *r)
{
    dm_strbuf_clear(&r->out);
    r->written = 0;
    if (r->dropped)
        say_dropped(r);
}

void dm_relay_flush(struct dm_relay *r)
{
    /* An output that is ready takes this much without blocking; its flags are not ours to change, others share it. */
    while (dm_relay_waits(r) && !r->gone && takes_now(r, 0)) {
        size_t n = r->out.len - r->written;
        ssize_t done = write(r->fd, r->out.p + r->written, n < PIPE_BUF ? n : PIPE_BUF);
        if (done > 0)
            r->written += (size_t)done;
        else if (done < 0 && errno == EAGAIN)
            return;
        else if (done < 0 && errno != EINTR)
            r->gone = true;
    }
    if (r->gone)
        r->written = r->out.len;
    if (r->out.len && !dm_relay_waits(r))
        all_written(r);
}

bool dm_relay_hung_up(const struct dm_relay *r)
{
    struct pollfd p = {.fd = r->fd};
    return poll(&p, 1, 0) > 0 && (p.revents & POLLHUP);
}

void dm_relay_finish(struct dm_relay *r, int64_t timeout_us)
{
    int64_t until = dm_clock_monotonic() + timeout_us, left = timeout_us;
    dm_relay_flush(r);
    while (dm_relay_waits(r) && (left = until - dm_clock_monotonic()) > 0 &&
           takes_now(r, (int)(left / DM_MS) + 1))
        dm_relay_flush(r);
}
